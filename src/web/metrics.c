/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "web/metrics.h"

#include <stdio.h>

#include "base/macros.h"

static const char *const methods[GC_WEB_METHODS] = {
    "GET", "HEAD", "PUT", "DELETE", "POST", "OPTIONS", "_OTHER",
};
static const char *const classes[6] = { "none", "1xx", "2xx", "3xx", "4xx", "5xx" };

static void
init_durations(struct gc_web_metrics *metrics, struct gc_metrics *registry)
{
    char labels[96];
    for (size_t i = 0; i < GC_WEB_METHODS; i++) {
        for (size_t j = 0; j < GC_ARRAY_LEN(classes); j++) {
            snprintf(labels, sizeof(labels),
                     "http_request_method=\"%s\",http_response_status_class=\"%s\"", methods[i],
                     classes[j]);
            metrics->durations[i][j] =
                gc_metrics_histogram(registry, "http_server_request_duration_seconds", labels,
                                     "Time from the head of a request to the end of its response.",
                                     gc_duration_bounds, GC_ARRAY_LEN(gc_duration_bounds));
        }
    }
}

void
gc_web_metrics_init(struct gc_web_metrics *metrics, struct gc_metrics *registry)
{
    init_durations(metrics, registry);
    metrics->active = gc_metrics_gauge(registry, "http_server_active_requests", NULL,
                                       "Requests whose response has not ended.");
    metrics->bytes_in = gc_metrics_counter(registry, "gc_web_received_bytes_total", NULL,
                                           "Bytes of objects taken from clients.");
    metrics->bytes_out = gc_metrics_counter(registry, "gc_web_sent_bytes_total", NULL,
                                            "Bytes of objects given to clients.");
    metrics->retries = gc_metrics_counter(registry, "gc_web_upstream_retries_total", NULL,
                                          "Calls repeated because no answer came.");
    metrics->outcomes =
        gc_metrics_counter(registry, "gc_web_outcome_queries_total", NULL,
                           "Uploads whose answer was lost and whose outcome was asked for.");
    metrics->auth_failures = gc_metrics_counter(registry, "gc_web_auth_failures_total", NULL,
                                                "Requests refused for their proof.");
    metrics->stalls = gc_metrics_counter(registry, "gc_web_stalled_total", NULL,
                                         "Uploads and downloads ended because they stood still.");
    metrics->cuts = gc_metrics_counter(registry, "gc_web_downloads_cut_total", NULL,
                                       "Downloads cut after their head.");
}

static size_t
method_index(struct gc_str method)
{
    size_t i = 0;
    while (i < GC_WEB_METHODS - 1 && !gc_str_eq_cstr(method, methods[i])) {
        i++;
    }
    return i;
}

void
gc_web_metrics_request(struct gc_web_metrics *metrics, struct gc_str method, unsigned status,
                       uint64_t duration_ns)
{
    size_t class = GC_MIN(status / 100, 5u);
    gc_histogram_observe(metrics->durations[method_index(method)][class],
                         (double)duration_ns / 1e9);
}
