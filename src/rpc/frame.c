/* SPDX-License-Identifier: MIT */
#include "rpc/frame.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "base/err.h"
#include "base/macros.h"

/* A shared message must be worth a reference, and not keep a mostly unused buffer alive. */
#define SHARE_BYTES_MIN 1024

void
gc_rpc_decoder_init(struct gc_rpc_decoder *decoder, size_t message_bytes_max)
{
    *decoder = (struct gc_rpc_decoder){ .message_bytes_max = message_bytes_max };
}

void
gc_rpc_decoder_fini(struct gc_rpc_decoder *decoder)
{
    gc_bytes_unref(decoder->msg);
    decoder->msg = NULL;
}

static void
shared_free(struct gc_bytes *msg)
{
    gc_bytes_unref(msg->owner);
    free(msg);
}

/* A message that is LEN bytes at the front of DATA, without copying them. */
static struct gc_bytes *
shared_new(const struct gc_slice *data, size_t len)
{
    struct gc_bytes *msg = malloc(sizeof(*msg));

    if (msg == NULL) {
        return NULL;
    }
    msg->data = (uint8_t *)data->data; /* read-only, as everybody's bytes after the hand-over */
    msg->len = len;
    atomic_init(&msg->refs, 1);
    msg->free_fn = shared_free;
    msg->owner = gc_bytes_ref(data->owner);
    return msg;
}

static void
advance(struct gc_slice *data, size_t len)
{
    data->data += len;
    data->len -= len;
}

/* Take prefix bytes. 1: the prefix is whole. */
static int
take_prefix(struct gc_rpc_decoder *decoder, struct gc_slice *data)
{
    size_t len = GC_MIN(GC_RPC_PREFIX_LEN - decoder->n_prefix, data->len);

    memcpy(decoder->prefix + decoder->n_prefix, data->data, len);
    decoder->n_prefix += len;
    advance(data, len);
    if (decoder->n_prefix < GC_RPC_PREFIX_LEN) {
        return 0;
    }
    if (decoder->prefix[0] != 0) {
        return GC_EPROTO;
    }
    return gc_get_be32(decoder->prefix + 1) > decoder->message_bytes_max ? GC_ELIMIT : 1;
}

static int
start_message(struct gc_rpc_decoder *decoder, struct gc_slice *data)
{
    size_t len = gc_get_be32(decoder->prefix + 1);

    if (len <= data->len && data->owner != NULL && len >= SHARE_BYTES_MIN &&
        len >= data->owner->len / 2) {
        decoder->msg = shared_new(data, len);
        decoder->n_filled = len;
        advance(data, len);
    } else {
        decoder->msg = gc_bytes_new(len);
        decoder->n_filled = 0;
    }
    return decoder->msg != NULL ? 0 : -ENOMEM;
}

int
gc_rpc_decoder_next(struct gc_rpc_decoder *decoder, struct gc_slice *data,
                    struct gc_bytes **ret_msg)
{
    size_t len;
    int rc;

    if (decoder->n_prefix < GC_RPC_PREFIX_LEN) {
        if (data->len == 0) {
            return 0;
        }
        rc = take_prefix(decoder, data);
        if (rc <= 0) {
            return rc;
        }
    }
    if (decoder->msg == NULL) {
        rc = start_message(decoder, data);
        if (rc != 0) {
            return rc;
        }
    }
    len = GC_MIN(decoder->msg->len - decoder->n_filled, data->len);
    if (len > 0) {
        memcpy(decoder->msg->data + decoder->n_filled, data->data, len);
        decoder->n_filled += len;
        advance(data, len);
    }
    if (decoder->n_filled < decoder->msg->len) {
        return 0;
    }
    *ret_msg = decoder->msg;
    decoder->msg = NULL;
    decoder->n_prefix = 0;
    return 1;
}

bool
gc_rpc_decoder_at_boundary(const struct gc_rpc_decoder *decoder)
{
    return decoder->n_prefix == 0;
}

void
gc_rpc_prefix_encode(uint8_t dst[GC_RPC_PREFIX_LEN], size_t len)
{
    assert(len <= UINT32_MAX);
    dst[0] = 0;
    gc_put_be32(dst + 1, (uint32_t)len);
}

void
gc_rpc_credit_init(struct gc_rpc_credit *credit)
{
    *credit = (struct gc_rpc_credit){ .cap = GC_ARRAY_LEN(credit->first) };
    credit->held = credit->first;
}

void
gc_rpc_credit_fini(struct gc_rpc_credit *credit)
{
    if (credit->held != credit->first) {
        free(credit->held);
    }
    credit->held = NULL;
}

/* What may be given back of the message that is arriving: nothing while others wait. */
static size_t
release_partial(struct gc_rpc_credit *credit)
{
    size_t len;

    if (credit->n > 0 || credit->n_partial <= GC_RPC_CREDIT_HELD_MAX) {
        return 0;
    }
    len = credit->n_partial - GC_RPC_CREDIT_HELD_MAX;
    credit->n_partial = GC_RPC_CREDIT_HELD_MAX;
    return len;
}

size_t
gc_rpc_credit_arrived(struct gc_rpc_credit *credit, size_t len)
{
    credit->n_partial += len;
    return release_partial(credit);
}

static int
ring_grow(struct gc_rpc_credit *credit)
{
    uint32_t *ring = calloc(credit->cap * 2, sizeof(*ring));

    if (ring == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < credit->n; i++) {
        ring[i] = credit->held[(credit->head + i) % credit->cap];
    }
    if (credit->held != credit->first) {
        free(credit->held);
    }
    credit->held = ring;
    credit->head = 0;
    credit->cap *= 2;
    return 0;
}

int
gc_rpc_credit_whole(struct gc_rpc_credit *credit)
{
    if (credit->n == credit->cap) {
        int rc = ring_grow(credit);

        if (rc != 0) {
            return rc;
        }
    }
    credit->held[(credit->head + credit->n) % credit->cap] = (uint32_t)credit->n_partial;
    credit->n++;
    credit->n_partial = 0;
    return 0;
}

size_t
gc_rpc_credit_consumed(struct gc_rpc_credit *credit)
{
    size_t len;

    assert(credit->n > 0);
    len = credit->held[credit->head];
    credit->head = (credit->head + 1) % credit->cap;
    credit->n--;
    return len + release_partial(credit);
}
