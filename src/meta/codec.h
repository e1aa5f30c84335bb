/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The canonical encoding of commands and rows: numbers as varints (seven bits a byte, low ones
 * first, no more bytes than needed), texts as a number and the bytes. One value has one encoding.
 *
 * Errors stick: an encoder counts on past the end of its memory, a decoder gives zeros after the
 * first fault, so a run of calls needs one check. Pure. */
#ifndef GC_META_CODEC_H
#define GC_META_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct gc_meta_enc {
    uint8_t *data; /* NULL with cap 0: only count */
    size_t cap;
    size_t len; /* more than CAP: it did not fit */
};

void gc_meta_enc_raw(struct gc_meta_enc *enc, const void *data, size_t len);
void gc_meta_enc_u8(struct gc_meta_enc *enc, uint8_t v);
void gc_meta_enc_u64(struct gc_meta_enc *enc, uint64_t v);
void gc_meta_enc_str(struct gc_meta_enc *enc, struct gc_str text);

struct gc_meta_dec {
    const uint8_t *at;
    size_t left;
    bool bad;
};

void gc_meta_dec_init(struct gc_meta_dec *dec, const void *data, size_t len);
void gc_meta_dec_raw(struct gc_meta_dec *dec, void *dst, size_t len);
uint8_t gc_meta_dec_u8(struct gc_meta_dec *dec, uint8_t max);
uint64_t gc_meta_dec_u64(struct gc_meta_dec *dec, uint64_t max);
/* Points into the data. */
struct gc_str gc_meta_dec_str(struct gc_meta_dec *dec, size_t len_max);
/* True when all was well and nothing is left. */
bool gc_meta_dec_done(const struct gc_meta_dec *dec);

#endif
