/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a gRPC peer may send: the first byte chooses the parser. Body bytes are given to the message
 * decoder in pieces whose sizes come from the input, and must give the same messages as in one
 * piece; whole messages are decoded as the first message of an upload, whose memory is bounded;
 * values of the fields grpc-timeout, grpc-message and "-bin" metadata. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "core/chunk.h"
#include "proto/gcommon/v1/gateway/gateway.pb-c.h"
#include "rpc/frame.h"
#include "rpc/metadata.h"
#include "rpc/pb.h"
#include "rpc/status.h"
#include "rpc/timeout.h"

#define MESSAGE_MAX  4096
#define MESSAGES_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct decoded {
    int rc;
    size_t n;
    size_t lens[MESSAGES_MAX];
};

/* Decode BODY in pieces of STEP bytes. */
static struct decoded
decode_all(struct gc_bytes *body, size_t step)
{
    struct decoded ret = { .rc = 0 };
    struct gc_rpc_decoder decoder;
    gc_rpc_decoder_init(&decoder, MESSAGE_MAX);
    for (size_t at = 0; at < body->len && ret.rc >= 0; at += step) {
        struct gc_slice piece = { body, body->data + at, GC_MIN(step, body->len - at) };
        struct gc_bytes *msg;
        while ((ret.rc = gc_rpc_decoder_next(&decoder, &piece, &msg)) == 1) {
            assert(msg->len <= MESSAGE_MAX);
            if (ret.n < MESSAGES_MAX) {
                ret.lens[ret.n] = msg->len;
            }
            ret.n++;
            gc_bytes_unref(msg);
        }
    }
    gc_rpc_decoder_fini(&decoder);
    return ret;
}

static void
fuzz_frames(const uint8_t *data, size_t size)
{
    size_t step = size > 0 ? 1 + data[0] % 7 : 1;
    struct gc_bytes *body = gc_bytes_copy(data, size);
    struct decoded whole, pieces;
    assert(body != NULL);
    whole = decode_all(body, size + 1);
    pieces = decode_all(body, step);
    assert(whole.rc == pieces.rc && whole.n == pieces.n);
    assert(memcmp(whole.lens, pieces.lens, sizeof(whole.lens)) == 0);
    gc_bytes_unref(body);
}

static void
fuzz_message(const uint8_t *data, size_t size)
{
    struct gc_bytes *msg = gc_bytes_copy(data, size);
    struct gc_chunk chunk;
    struct gc_arena arena;
    gc_arena_init(&arena, 256 * 1024);
    if (gc_chunk_decode(msg, &chunk) == 0) {
        assert(chunk.data.data >= msg->data &&
               chunk.data.data + chunk.data.len <= msg->data + msg->len);
    }
    (void)gc_pb_unpack(&gcommon__v1__gateway__put_object_request__descriptor, &arena, data, size);
    assert(arena.used <=
           8 * size + 64 * 1024 + sizeof(max_align_t)); /* padding of the last piece */
    gc_arena_fini(&arena);
    gc_bytes_unref(msg);
}

static void
fuzz_fields(const uint8_t *data, size_t size)
{
    const struct gc_str text = { (const char *)data, size };
    const struct gc_http_field fields[] = { { GC_STR("x-any-bin"), text, false },
                                            { GC_STR("x-any"), text, false } };
    struct gc_rpc_metadata metadata;
    struct gc_rpc_status status;
    struct gc_arena arena;
    uint64_t ns;
    gc_arena_init(&arena, 64 * 1024);
    (void)gc_rpc_metadata_decode(&arena, fields, 2, &metadata);
    gc_arena_fini(&arena);
    if (gc_rpc_timeout_parse(text, &ns) == 0 && ns > 0 && ns != GC_RPC_TIMEOUT_NEVER) {
        char again[GC_RPC_TIMEOUT_LEN + 1];
        uint64_t ns_again;
        size_t len = gc_rpc_timeout_format(again, ns);
        assert(gc_rpc_timeout_parse((struct gc_str){ again, len }, &ns_again) == 0);
        assert(ns_again >= ns); /* rounded up, never down */
    }
    gc_rpc_message_decode(&status, text);
    assert(memchr(status.message, '\0', sizeof(status.message)) != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    switch (data[0] % 3) {
    case 0:
        fuzz_frames(data + 1, size - 1);
        break;
    case 1:
        fuzz_message(data + 1, size - 1);
        break;
    default:
        fuzz_fields(data + 1, size - 1);
        break;
    }
    return 0;
}
