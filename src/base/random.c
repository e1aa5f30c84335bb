/* SPDX-License-Identifier: MIT */
#include "base/random.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

void
gc_random_bytes(void *dst, size_t len)
{
    uint8_t *at = dst;
    while (len > 0) {
        ssize_t n = getrandom(at, len, 0);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            abort(); /* going on with predictable ids and keys is worse than stopping */
        }
        at += n;
        len -= (size_t)n;
    }
}

static uint64_t
splitmix64(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint64_t
rotl(uint64_t v, unsigned by)
{
    return (v << by) | (v >> (64 - by));
}

void
gc_prng_init(struct gc_prng *prng, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        prng->s[i] = splitmix64(&seed);
    }
}

uint64_t
gc_prng_next(struct gc_prng *prng)
{
    uint64_t *s = prng->s;
    uint64_t ret = rotl(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return ret;
}

uint64_t
gc_prng_below(struct gc_prng *prng, uint64_t n)
{
    assert(n > 0);
    uint64_t skip =
        -n % n; /* 2^64 mod n: the numbers below it would make the small results more frequent */
    uint64_t v;
    do {
        v = gc_prng_next(prng);
    } while (v < skip);
    return v % n;
}
