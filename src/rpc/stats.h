/* SPDX-License-Identifier: MIT */
/* Metrics of one method, server or client side: calls started and ended by code, how long they
 * took. Counters of codes are registered when first seen. */
#ifndef GC_RPC_STATS_H
#define GC_RPC_STATS_H

#include <stdint.h>

#include "base/metrics.h"
#include "base/str.h"
#include "rpc/status.h"

#define GC_RPC_N_CODES 17

struct gc_rpc_stats {
    struct gc_metrics *metrics; /* Private to stats.c; NULL: nothing is counted */
    const char *side;
    char labels[160];
    struct gc_counter *started;
    struct gc_counter *ended[GC_RPC_N_CODES];
    struct gc_histogram *seconds;
};

/* SIDE: "server" or "client", static memory. METRICS may be NULL and outlives STATS. */
void gc_rpc_stats_init(struct gc_rpc_stats *stats, struct gc_metrics *metrics, const char *side,
                       struct gc_str service, struct gc_str method);
void gc_rpc_stats_started(struct gc_rpc_stats *stats);
void gc_rpc_stats_ended(struct gc_rpc_stats *stats, enum gc_rpc_code code, uint64_t took_ns);

#endif
