/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Metrics of the public side. One set a worker, the same metrics behind it. */
#ifndef GC_WEB_METRICS_H
#define GC_WEB_METRICS_H

#include "base/metrics.h"
#include "base/str.h"

#define GC_WEB_METHODS 7 /* GET HEAD PUT DELETE POST OPTIONS, and all others */

struct gc_web_metrics {
    struct gc_histogram *durations[GC_WEB_METHODS][6]; /* by class of status, 0: no answer */
    struct gc_gauge *active;
    struct gc_counter *bytes_in;
    struct gc_counter *bytes_out;
    struct gc_counter *retries;
    struct gc_counter *outcomes;
    struct gc_counter *auth_failures;
    struct gc_counter *stalls;
    struct gc_counter *cuts;
};

void gc_web_metrics_init(struct gc_web_metrics *metrics, struct gc_metrics *registry);
/* A request of METHOD has ended with STATUS (0: without an answer). */
void gc_web_metrics_request(struct gc_web_metrics *metrics, struct gc_str method, unsigned status,
                            uint64_t duration_ns);

#endif
