/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SipHash-2-4 (Aumasson, Bernstein 2012): a keyed 64-bit hash. Pure. */
#ifndef GC_META_SIPHASH_H
#define GC_META_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct gc_siphash {
    uint64_t v[4]; /* Private to siphash.c. */
    uint64_t word;
    uint64_t len;
};

void gc_siphash_init(struct gc_siphash *sip, const uint8_t key[16]);
void gc_siphash_update(struct gc_siphash *sip, const void *data, size_t len);
uint64_t gc_siphash_final(struct gc_siphash *sip);

#endif
