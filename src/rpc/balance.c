/* SPDX-License-Identifier: MIT */
#include "rpc/balance.h"

#include <stdint.h>

/* The first candidate with a slot from START on, wrapping around. */
static size_t
next_free(const struct gc_rpc_candidate *candidates, size_t n, size_t start)
{
    for (size_t i = 0; i < n; i++) {
        size_t at = (start + i) % n;

        if (candidates[at].slots > 0) {
            return at;
        }
    }
    return GC_RPC_PICK_NONE;
}

/* The NTH candidate with a slot; there are more than NTH. */
static size_t
nth_free(const struct gc_rpc_candidate *candidates, uint64_t nth)
{
    size_t at = 0;

    while (candidates[at].slots == 0 || nth-- > 0) {
        at++;
    }
    return at;
}

static size_t
pick2(const struct gc_rpc_candidate *candidates, size_t n, struct gc_prng *prng)
{
    size_t n_free = 0;
    uint64_t first, second;
    size_t a, b;

    for (size_t i = 0; i < n; i++) {
        n_free += candidates[i].slots > 0;
    }
    if (n_free < 2) {
        return next_free(candidates, n, 0);
    }
    first = gc_prng_below(prng, n_free);
    second = gc_prng_below(prng, n_free - 1);
    second += second >= first; /* two different ones */
    a = nth_free(candidates, first);
    b = nth_free(candidates, second);
    return candidates[b].n_calls < candidates[a].n_calls ? b : a;
}

size_t
gc_rpc_balance_pick(enum gc_rpc_balance balance, const struct gc_rpc_candidate *candidates,
                    size_t n, size_t *cursor, struct gc_prng *prng)
{
    size_t at = GC_RPC_PICK_NONE;

    switch (balance) {
    case GC_RPC_PICK_FIRST:
        at = next_free(candidates, n, 0);
        break;
    case GC_RPC_ROUND_ROBIN:
        at = next_free(candidates, n, *cursor);
        *cursor = at != GC_RPC_PICK_NONE ? at + 1 : *cursor;
        break;
    case GC_RPC_PICK2:
        at = pick2(candidates, n, prng);
        break;
    }
    return at;
}
