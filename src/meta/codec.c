/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "meta/codec.h"

#include <string.h>

void
gc_meta_enc_raw(struct gc_meta_enc *enc, const void *data, size_t len)
{
    if (enc->len <= enc->cap && len <= enc->cap - enc->len && len > 0) {
        memcpy(enc->data + enc->len, data, len);
    }
    enc->len += len;
}

void
gc_meta_enc_u8(struct gc_meta_enc *enc, uint8_t v)
{
    gc_meta_enc_raw(enc, &v, 1);
}

void
gc_meta_enc_u64(struct gc_meta_enc *enc, uint64_t v)
{
    uint8_t bytes[10];
    size_t n = 0;

    while (v >= 0x80) {
        bytes[n++] = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    bytes[n++] = (uint8_t)v;
    gc_meta_enc_raw(enc, bytes, n);
}

void
gc_meta_enc_str(struct gc_meta_enc *enc, struct gc_str text)
{
    gc_meta_enc_u64(enc, text.len);
    gc_meta_enc_raw(enc, text.data, text.len);
}

void
gc_meta_dec_init(struct gc_meta_dec *dec, const void *data, size_t len)
{
    *dec = (struct gc_meta_dec){ .at = data, .left = len };
}

/* The next LEN bytes, or NULL. */
static const uint8_t *
dec_take(struct gc_meta_dec *dec, size_t len)
{
    const uint8_t *at = dec->at;

    if (dec->bad || len > dec->left) {
        dec->bad = true;
        return NULL;
    }
    dec->at += len;
    dec->left -= len;
    return at;
}

void
gc_meta_dec_raw(struct gc_meta_dec *dec, void *dst, size_t len)
{
    const uint8_t *at = dec_take(dec, len);

    if (at != NULL) {
        memcpy(dst, at, len);
    } else {
        memset(dst, 0, len);
    }
}

uint8_t
gc_meta_dec_u8(struct gc_meta_dec *dec, uint8_t max)
{
    const uint8_t *at = dec_take(dec, 1);

    if (at == NULL || *at > max) {
        dec->bad = true;
        return 0;
    }
    return *at;
}

uint64_t
gc_meta_dec_u64(struct gc_meta_dec *dec, uint64_t max)
{
    uint64_t v = 0;

    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = gc_meta_dec_u8(dec, 0xff);

        v |= (uint64_t)(byte & 0x7f) << shift;
        if (shift == 63 && byte > 1) {
            break;
        }
        if (byte < 0x80) {
            /* A last byte of zero would be a second way to write the same number. */
            if (dec->bad || v > max || (byte == 0 && shift > 0)) {
                break;
            }
            return v;
        }
    }
    dec->bad = true;
    return 0;
}

struct gc_str
gc_meta_dec_str(struct gc_meta_dec *dec, size_t len_max)
{
    size_t len = (size_t)gc_meta_dec_u64(dec, len_max);
    const uint8_t *at = dec_take(dec, len);

    return at != NULL ? (struct gc_str){ (const char *)at, len } : (struct gc_str){ "", 0 };
}

bool
gc_meta_dec_done(const struct gc_meta_dec *dec)
{
    return !dec->bad && dec->left == 0;
}
