/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "meta/siphash.h"

#include <endian.h>
#include <string.h>

static uint64_t
load_le64(const uint8_t *src)
{
    uint64_t v;

    memcpy(&v, src, sizeof(v));
    return le64toh(v);
}

static uint64_t
rotl(uint64_t x, unsigned n)
{
    return x << n | x >> (64 - n);
}

static void
sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotl(v[1], 13) ^ v[0];
    v[3] = rotl(v[3], 16) ^ v[2];
    v[0] = rotl(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = rotl(v[1], 17) ^ v[2];
    v[3] = rotl(v[3], 21) ^ v[0];
    v[2] = rotl(v[2], 32);
}

static void
sip_word(struct gc_siphash *sip, uint64_t word)
{
    sip->v[3] ^= word;
    sip_round(sip->v);
    sip_round(sip->v);
    sip->v[0] ^= word;
}

void
gc_siphash_init(struct gc_siphash *sip, const uint8_t key[16])
{
    uint64_t k0 = load_le64(key);
    uint64_t k1 = load_le64(key + 8);

    sip->v[0] = k0 ^ UINT64_C(0x736f6d6570736575);
    sip->v[1] = k1 ^ UINT64_C(0x646f72616e646f6d);
    sip->v[2] = k0 ^ UINT64_C(0x6c7967656e657261);
    sip->v[3] = k1 ^ UINT64_C(0x7465646279746573);
    sip->word = 0;
    sip->len = 0;
}

void
gc_siphash_update(struct gc_siphash *sip, const void *data, size_t len)
{
    const uint8_t *at = data;
    const uint8_t *end = at + len;

    while (at < end) {
        unsigned held = (unsigned)(sip->len & 7);

        if (held == 0 && end - at >= 8) {
            sip_word(sip, load_le64(at));
            at += 8;
            sip->len += 8;
            continue;
        }
        sip->word |= (uint64_t)*at << (8 * held);
        at++;
        sip->len++;
        if (held == 7) {
            sip_word(sip, sip->word);
            sip->word = 0;
        }
    }
}

uint64_t
gc_siphash_final(struct gc_siphash *sip)
{
    sip_word(sip, sip->word | sip->len << 56);
    sip->v[2] ^= 0xff;
    for (unsigned i = 0; i < 4; i++) {
        sip_round(sip->v);
    }
    return sip->v[0] ^ sip->v[1] ^ sip->v[2] ^ sip->v[3];
}
