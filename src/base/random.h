/* SPDX-License-Identifier: MIT */
/* Random numbers: the kernel's for secrets and ids, a seeded generator for jitter and simulation.
 */
#ifndef GC_BASE_RANDOM_H
#define GC_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Fill with bytes of getrandom(2). Cannot fail: stops the process if the kernel cannot give any. */
void gc_random_bytes(void *dst, size_t len);

/* xoshiro256** (Blackman, Vigna 2018), seeded by splitmix64. Plain data; the same seed gives the
 * same numbers. */
struct gc_prng {
    uint64_t s[4];
};
void gc_prng_init(struct gc_prng *prng, uint64_t seed);
uint64_t gc_prng_next(struct gc_prng *prng);
/* Uniform in 0..N-1; N > 0. */
uint64_t gc_prng_below(struct gc_prng *prng, uint64_t n);

#endif
