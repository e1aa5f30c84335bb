/* SPDX-License-Identifier: MIT */
#include "rpc/backoff.h"

#include "base/macros.h"

#define FACTOR_TENTHS  16
#define JITTER_PERCENT 20

void
gc_rpc_backoff_init(struct gc_rpc_backoff *backoff, uint64_t base_ms, uint64_t max_ms)
{
    backoff->max_ms = GC_MIN(max_ms, UINT32_MAX); /* so that the products below fit */
    backoff->base_ms = GC_MIN(base_ms, backoff->max_ms);
    backoff->next_ms = backoff->base_ms;
}

uint64_t
gc_rpc_backoff_next(struct gc_rpc_backoff *backoff, struct gc_prng *prng)
{
    uint64_t plain_ms = backoff->next_ms;
    uint64_t spread_ms = plain_ms * JITTER_PERCENT / 100;
    uint64_t wait_ms = plain_ms - spread_ms + gc_prng_below(prng, 2 * spread_ms + 1);

    backoff->next_ms = GC_MIN(plain_ms * FACTOR_TENTHS / 10 + 1, backoff->max_ms);
    return GC_MAX(wait_ms, 1);
}

void
gc_rpc_backoff_reset(struct gc_rpc_backoff *backoff)
{
    backoff->next_ms = backoff->base_ms;
}
