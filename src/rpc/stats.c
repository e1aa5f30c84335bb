/* SPDX-License-Identifier: MIT */
#include "rpc/stats.h"

#include <stdio.h>

#include "base/macros.h"

#define NAME_LEN_MAX 64

static void
metric_name(char dst[NAME_LEN_MAX], const struct gc_rpc_stats *stats, const char *what)
{
    snprintf(dst, NAME_LEN_MAX, "gc_rpc_%s_%s", stats->side, what);
}

void
gc_rpc_stats_init(struct gc_rpc_stats *stats, struct gc_metrics *metrics, const char *side,
                  struct gc_str service, struct gc_str method)
{
    char name[NAME_LEN_MAX];

    *stats = (struct gc_rpc_stats){ .metrics = metrics, .side = side };
    if (metrics == NULL) {
        return;
    }
    snprintf(stats->labels, sizeof(stats->labels), "service=\"%.*s\",method=\"%.*s\"",
             (int)GC_MIN(service.len, 64), service.data, (int)GC_MIN(method.len, 64), method.data);
    metric_name(name, stats, "started_total");
    stats->started = gc_metrics_counter(metrics, name, stats->labels, "gRPC calls started.");
    metric_name(name, stats, "duration_seconds");
    stats->seconds =
        gc_metrics_histogram(metrics, name, stats->labels, "Time from head to end of gRPC calls.",
                             gc_duration_bounds, GC_ARRAY_LEN(gc_duration_bounds));
}

void
gc_rpc_stats_started(struct gc_rpc_stats *stats)
{
    if (stats->metrics != NULL) {
        gc_counter_inc(stats->started);
    }
}

void
gc_rpc_stats_ended(struct gc_rpc_stats *stats, enum gc_rpc_code code, uint64_t took_ns)
{
    char name[NAME_LEN_MAX], labels[sizeof(stats->labels) + 32];

    if (stats->metrics == NULL) {
        return;
    }
    if ((size_t)code >= GC_RPC_N_CODES) {
        code = GC_RPC_UNKNOWN;
    }
    if (stats->ended[code] == NULL) {
        metric_name(name, stats, "calls_total");
        snprintf(labels, sizeof(labels), "%s,code=\"%s\"", stats->labels, gc_rpc_code_name(code));
        stats->ended[code] =
            gc_metrics_counter(stats->metrics, name, labels, "gRPC calls ended, by status.");
    }
    gc_counter_inc(stats->ended[code]);
    gc_histogram_observe(stats->seconds, (double)took_ns / 1e9);
}
