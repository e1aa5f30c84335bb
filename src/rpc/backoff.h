/* SPDX-License-Identifier: MIT */
/* How long to wait before the next attempt to connect: BASE x 1.6^n up to MAX, +-20 %. Pure: the
 * random numbers are given. */
#ifndef GC_RPC_BACKOFF_H
#define GC_RPC_BACKOFF_H

#include <stdint.h>

#include "base/random.h"

struct gc_rpc_backoff {
    uint64_t base_ms;
    uint64_t max_ms;
    uint64_t next_ms; /* Private to backoff.c: the next wait without jitter */
};

void gc_rpc_backoff_init(struct gc_rpc_backoff *backoff, uint64_t base_ms, uint64_t max_ms);
/* The wait after one more failure; at least 1 ms. */
uint64_t gc_rpc_backoff_next(struct gc_rpc_backoff *backoff, struct gc_prng *prng);
/* After a success. */
void gc_rpc_backoff_reset(struct gc_rpc_backoff *backoff);

#endif
