/* SPDX-License-Identifier: MIT */
/* Metrics in Prometheus' text format. A registry per daemon; counters, gauges and histograms are
 * registered at start and then updated from any thread with relaxed atomics. Labels are fixed at
 * registration and never carry a bucket, key or principal (object-protocol.md rule 31). */
#ifndef GC_BASE_METRICS_H
#define GC_BASE_METRICS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct gc_metrics; /* opaque registry; freed after all users */

struct gc_counter {
    atomic_uint_fast64_t value;
};
struct gc_gauge {
    atomic_int_fast64_t value;
};
struct gc_histogram; /* opaque */

struct gc_metrics *gc_metrics_new(void);
void gc_metrics_free(struct gc_metrics *metrics);

/* NAME like "gc_http_requests_total"; LABELS like "method=\"GET\",code=\"200\"" or NULL. The same
 * name and labels give the same metric, so that every worker can ask. At most 4096 metrics; beyond,
 * a shared unlisted one is returned (never NULL). Thread-safe. */
struct gc_counter *gc_metrics_counter(struct gc_metrics *m, const char *name, const char *labels,
                                      const char *help);
struct gc_gauge *gc_metrics_gauge(struct gc_metrics *m, const char *name, const char *labels,
                                  const char *help);
/* BOUNDS: N rising upper bounds in seconds, copied; N <= 24. */
struct gc_histogram *gc_metrics_histogram(struct gc_metrics *m, const char *name,
                                          const char *labels, const char *help,
                                          const double *bounds, size_t n);
/* The OpenTelemetry bounds for durations: 0.005 .. 10 s. */
extern const double gc_duration_bounds[14];

static inline void
gc_counter_add(struct gc_counter *c, uint64_t n)
{
    atomic_fetch_add_explicit(&c->value, n, memory_order_relaxed);
}
static inline void
gc_counter_inc(struct gc_counter *c)
{
    gc_counter_add(c, 1);
}
static inline void
gc_gauge_add(struct gc_gauge *g, int64_t n)
{
    atomic_fetch_add_explicit(&g->value, n, memory_order_relaxed);
}
static inline void
gc_gauge_set(struct gc_gauge *g, int64_t n)
{
    atomic_store_explicit(&g->value, n, memory_order_relaxed);
}
void gc_histogram_observe(struct gc_histogram *h, double value);

/* Append the whole exposition (sorted by name, HELP and TYPE once a name) to OUT. */
int gc_metrics_render(struct gc_metrics *m, struct gc_buf *out);

#endif
