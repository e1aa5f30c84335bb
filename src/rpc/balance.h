/* SPDX-License-Identifier: MIT */
/* Which of several connections gets the next call. Pure. */
#ifndef GC_RPC_BALANCE_H
#define GC_RPC_BALANCE_H

#include <stddef.h>

#include "base/random.h"

enum gc_rpc_balance {
    GC_RPC_PICK_FIRST,  /* the first that is ready, as listed */
    GC_RPC_ROUND_ROBIN, /* each ready one in turn */
    GC_RPC_PICK2        /* of two random ready ones the one with fewer calls */
};

#define GC_RPC_PICK_NONE SIZE_MAX

struct gc_rpc_candidate {
    unsigned slots;   /* calls it can take now; 0: not ready, or full */
    unsigned n_calls; /* running on it */
};

/* Index of the chosen one of N candidates, GC_RPC_PICK_NONE when none has a slot. CURSOR is the
 * channel's memory of whose turn it is. */
size_t gc_rpc_balance_pick(enum gc_rpc_balance balance, const struct gc_rpc_candidate *candidates,
                           size_t n, size_t *cursor, struct gc_prng *prng);

#endif
