/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The client of the bed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/checksum.h"
#include "base/err.h"
#include "base/macros.h"
#include "core/chunk.h"
#include "rpc/pb.h"
#include "tests/support/tier_bed.h"

uint8_t
tier_byte(uint64_t seed, uint64_t at)
{
    return (uint8_t)((at + seed) * 31 + (at >> 8) * 7 + (at >> 18));
}

/* --- receiving ----------------------------------------------------------------------------------
 */

static void
take_chunk(struct tier_call *call, struct gc_bytes *msg)
{
    struct gc_chunk chunk;
    bool good = gc_chunk_decode(msg, &chunk) == 0 &&
                gc_crc32c(0, chunk.data.data, chunk.data.len) == chunk.crc;
    for (size_t i = 0; good && i < chunk.data.len; i++) {
        good = chunk.data.data[i] == tier_byte(call->seed, call->at + i);
    }
    call->n_chunks++;
    if (!good) {
        call->n_bad++;
        return;
    }
    call->at += chunk.data.len;
    call->n_bytes += chunk.data.len;
}

static void
on_message(struct gc_rpc_call *rpc, void *arg, struct gc_bytes *msg)
{
    struct tier_call *call = arg;
    if (gc_chunk_is(msg) && call->reply != NULL) {
        take_chunk(call, msg);
    } else {
        assert_null(call->reply);
        call->reply = gc_bytes_ref(msg);
    }
    if (call->hold) {
        call->n_held++;
    } else {
        gc_rpc_consume(rpc);
    }
}

static void
on_end(struct gc_rpc_call *rpc, void *arg, const struct gc_rpc_status *status)
{
    struct tier_call *call = arg;
    (void)gc_str_copy(call->error, sizeof(call->error), gc_rpc_trailer(rpc, "gcommon-error"));
    call->status = *status;
    call->call = NULL;
    call->ended = true;
}

/* --- sending ------------------------------------------------------------------------------------
 */

static void
send_chunk(struct tier_call *call, uint64_t len)
{
    static uint8_t data[GC_CHUNK_BYTES];
    struct gc_bytes *msg;
    uint32_t crc;
    for (size_t i = 0; i < len; i++) {
        data[i] = tier_byte(call->seed, call->sent + i);
    }
    crc = gc_crc32c(0, data, len);
    call->crc = gc_crc32c_combine(call->crc, crc, len);
    if (call->bad_chunk > 0 && call->sent / GC_CHUNK_BYTES == call->bad_chunk - 1) {
        crc ^= 1;
    }
    call->sent += len;
    msg = gc_chunk_encode(data, len, crc);
    assert_non_null(msg);
    if (call->call != NULL) {
        (void)gc_rpc_send(call->call, msg);
    }
    gc_bytes_unref(msg);
}

static void
pump(struct tier_call *call)
{
    while (call->call != NULL && call->sent < call->to_send && gc_rpc_writable(call->call)) {
        send_chunk(call, GC_MIN(TIER_CHUNK, call->to_send - call->sent));
    }
}

void
tier_send_chunk(struct tier_call *call, uint64_t len)
{
    call->to_send += len;
    send_chunk(call, len);
}

static void
on_writable(struct gc_rpc_call *rpc, void *arg)
{
    (void)rpc;
    pump(arg);
}

void
tier_send_chunks(struct tier_call *call, uint64_t n)
{
    call->to_send += n;
    pump(call);
}

void
tier_send(struct tier_call *call, const ProtobufCMessage *msg)
{
    struct gc_bytes *bytes = gc_pb_pack(msg);
    assert_non_null(bytes);
    if (call->call != NULL) {
        (void)gc_rpc_send(call->call, bytes);
    }
    gc_bytes_unref(bytes);
}

void
tier_half_close(struct tier_call *call)
{
    if (call->call != NULL) {
        (void)gc_rpc_half_close(call->call);
    }
}

static const struct gc_rpc_handler handler = {
    .on_message = on_message,
    .on_writable = on_writable,
    .on_end = on_end,
};

/* --- calls --------------------------------------------------------------------------------------
 */

struct gc_rpc_channel *
tier_channel(struct tier_bed *bed, const char *role, const char *addr, const char *role_there)
{
    struct gc_rpc_channel_conf conf = {
        .targets = addr,
        .tls = gc_pki_ctx(&bed->pki, GC_TLS_INTERNAL, false, role),
        .expect_role = role_there,
        .backoff_base_ms = 50,
        .backoff_max_ms = 200,
        .http = { .internal = true },
    };
    struct gc_rpc_channel *channel;
    assert_int_equal(gc_rpc_channel_new(bed->loop, &conf, &channel), 0);
    gc_tls_ctx_unref(conf.tls);
    return channel;
}

struct tier_call *
tier_call(struct tier_bed *bed, struct gc_rpc_channel *channel, const char *path,
          uint64_t deadline_ms)
{
    const struct gc_rpc_call_conf conf = { .path = path,
                                           .deadline_ms = deadline_ms,
                                           .wait_for_ready = deadline_ms > 0 };
    struct tier_call *call = calloc(1, sizeof(*call));
    assert_non_null(call);
    call->bed = bed;
    gc_list_push(&bed->calls, &call->node);
    assert_int_equal(gc_rpc_call_start(channel, &conf, &handler, call, &call->call), 0);
    return call;
}

struct tier_call *
tier_ask(struct tier_bed *bed, struct gc_rpc_channel *channel, const char *path,
         const ProtobufCMessage *request)
{
    struct tier_call *call = tier_call(bed, channel, path, TIER_UNTIL_MS);
    tier_send(call, request);
    tier_half_close(call);
    tier_until(bed, call->ended);
    return call;
}

void *
tier_reply(struct tier_call *call, const ProtobufCMessageDescriptor *desc)
{
    void *reply;
    assert_non_null(call->reply);
    reply = gc_pb_unpack(desc, &call->bed->arena, call->reply->data, call->reply->len);
    assert_non_null(reply);
    return reply;
}

void
tier_ends(struct tier_call *call, enum gc_rpc_code code)
{
    tier_until(call->bed, call->ended);
    if (call->status.code != code) {
        print_error("%s\n", call->status.message);
    }
    assert_string_equal(gc_rpc_code_name(call->status.code), gc_rpc_code_name(code));
}

void
tier_ends_with(struct tier_call *call, const char *error)
{
    tier_until(call->bed, call->ended);
    if (strcmp(call->error, error) != 0) {
        print_error("%s: %s\n", gc_rpc_code_name(call->status.code), call->status.message);
    }
    assert_string_equal(call->error, error);
    assert_true((call->status.code == GC_RPC_OK) == (error[0] == '\0'));
}

/* --- objects ------------------------------------------------------------------------------------
 */

void
tier_certificate(struct tier_bed *bed, const char *principal)
{
    gcommon__v1__gateway__proof__init(&bed->proof);
    bed->proof.kind_case = GCOMMON__V1__GATEWAY__PROOF__KIND_CERTIFICATE;
    bed->proof.certificate = (char *)principal;
}

void
tier_token(struct tier_bed *bed, const char *token)
{
    gcommon__v1__gateway__proof__init(&bed->proof);
    bed->proof.kind_case = GCOMMON__V1__GATEWAY__PROOF__KIND_TOKEN;
    bed->proof.token = (char *)token;
}

void
tier_anonymous(struct tier_bed *bed)
{
    gcommon__v1__gateway__proof__init(&bed->proof);
    bed->proof.kind_case = GCOMMON__V1__GATEWAY__PROOF__KIND_ANONYMOUS;
    bed->proof.anonymous = true;
}

Gcommon__V1__Gateway__Context *
tier_context(struct tier_bed *bed)
{
    for (size_t i = 0; i < sizeof(bed->request_id) && ++bed->request_id[i] == 0; i++) {
    }
    gcommon__v1__gateway__context__init(&bed->context);
    bed->context.proof = &bed->proof;
    bed->context.request_id.data = bed->request_id;
    bed->context.request_id.len = sizeof(bed->request_id);
    return &bed->context;
}

void
tier_make_bucket(struct tier_bed *bed, const char *bucket)
{
    Gcommon__V1__Object__CreateBucketRequest inner =
        GCOMMON__V1__OBJECT__CREATE_BUCKET_REQUEST__INIT;
    Gcommon__V1__Gateway__CreateBucketRequest request =
        GCOMMON__V1__GATEWAY__CREATE_BUCKET_REQUEST__INIT;
    inner.bucket = (char *)bucket;
    request.context = tier_context(bed);
    request.request = &inner;
    tier_ends_with(tier_ask(bed, bed->web, TIER_GATEWAY("CreateBucket"), &request.base), "");
}

struct tier_call *
tier_put_start(struct tier_bed *bed, const char *bucket, const char *key,
               Gcommon__V1__Object__Conditions *conditions)
{
    Gcommon__V1__Object__PutOpen inner = GCOMMON__V1__OBJECT__PUT_OPEN__INIT;
    Gcommon__V1__Gateway__PutOpen open = GCOMMON__V1__GATEWAY__PUT_OPEN__INIT;
    Gcommon__V1__Gateway__PutObjectRequest request = GCOMMON__V1__GATEWAY__PUT_OBJECT_REQUEST__INIT;
    struct tier_call *put = tier_call(bed, bed->web, TIER_GATEWAY("PutObject"), GC_RPC_NO_DEADLINE);
    inner.bucket = (char *)bucket;
    inner.key.data = (uint8_t *)key;
    inner.key.len = strlen(key);
    inner.conditions = conditions;
    open.context = tier_context(bed);
    open.open = &inner;
    request.part_case = GCOMMON__V1__GATEWAY__PUT_OBJECT_REQUEST__PART_OPEN;
    request.open = &open;
    tier_send(put, &request.base);
    return put;
}

void
tier_put_commit(struct tier_call *put)
{
    uint8_t md5[16] = "0123456789abcdef";
    Gcommon__V1__Object__PutCommit commit = GCOMMON__V1__OBJECT__PUT_COMMIT__INIT;
    Gcommon__V1__Gateway__PutObjectRequest request = GCOMMON__V1__GATEWAY__PUT_OBJECT_REQUEST__INIT;
    tier_until(put->bed, put->sent == put->to_send || put->ended);
    commit.length = put->sent;
    commit.crc32c = put->crc;
    commit.md5.data = md5;
    commit.md5.len = sizeof(md5);
    request.part_case = GCOMMON__V1__GATEWAY__PUT_OBJECT_REQUEST__PART_COMMIT;
    request.commit = &commit;
    tier_send(put, &request.base);
    tier_half_close(put);
}

struct tier_call *
tier_put(struct tier_bed *bed, const char *key, uint64_t length)
{
    struct tier_call *put = tier_put_start(bed, TIER_BUCKET, key, NULL);
    tier_send_chunks(put, length);
    tier_put_commit(put);
    tier_until(bed, put->ended);
    return put;
}

struct tier_call *
tier_get_start(struct tier_bed *bed, const char *key, const char *range,
               Gcommon__V1__Object__Conditions *conditions)
{
    Gcommon__V1__Object__GetObjectRequest inner = GCOMMON__V1__OBJECT__GET_OBJECT_REQUEST__INIT;
    Gcommon__V1__Gateway__GetObjectRequest request = GCOMMON__V1__GATEWAY__GET_OBJECT_REQUEST__INIT;
    struct tier_call *get = tier_call(bed, bed->web, TIER_GATEWAY("GetObject"), GC_RPC_NO_DEADLINE);
    inner.bucket = (char *)TIER_BUCKET;
    inner.key.data = (uint8_t *)key;
    inner.key.len = strlen(key);
    inner.range = (char *)range;
    inner.conditions = conditions;
    request.context = tier_context(bed);
    request.request = &inner;
    tier_send(get, &request.base);
    tier_half_close(get);
    return get;
}

struct tier_call *
tier_get(struct tier_bed *bed, const char *key, const char *range)
{
    struct tier_call *get = tier_get_start(bed, key, range, NULL);
    tier_until(bed, get->ended);
    return get;
}

struct tier_call *
tier_delete(struct tier_bed *bed, const char *key)
{
    Gcommon__V1__Object__DeleteObjectRequest inner =
        GCOMMON__V1__OBJECT__DELETE_OBJECT_REQUEST__INIT;
    Gcommon__V1__Gateway__DeleteObjectRequest request =
        GCOMMON__V1__GATEWAY__DELETE_OBJECT_REQUEST__INIT;
    inner.bucket = (char *)TIER_BUCKET;
    inner.key.data = (uint8_t *)key;
    inner.key.len = strlen(key);
    request.context = tier_context(bed);
    request.request = &inner;
    return tier_ask(bed, bed->web, TIER_GATEWAY("DeleteObject"), &request.base);
}

void
tier_check_object(struct tier_bed *bed, const char *key, uint64_t length)
{
    struct tier_call *get = tier_get(bed, key, "");
    tier_ends_with(get, "");
    assert_int_equal(get->n_bad, 0);
    assert_int_equal(get->n_bytes, length);
}
