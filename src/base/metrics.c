/* SPDX-License-Identifier: MIT */
/* The registry is an array of pointers sorted by name, labels; the metrics themselves never move.
 * The lock guards the array only: updates go straight to the atomics. */
#include "base/metrics.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define METRICS_MAX 4096
#define BOUNDS_MAX  24

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

struct gc_histogram {
    size_t n;
    double bounds[BOUNDS_MAX];
    atomic_uint_fast64_t buckets[BOUNDS_MAX + 1]; /* not cumulative; the last one is +Inf */
    _Atomic double sum;
};

struct metric {
    char *name;
    char *labels; /* "" when there are none */
    char *help;
    enum metric_kind kind;
    union {
        struct gc_counter counter;
        struct gc_gauge gauge;
        struct gc_histogram histogram;
    } as;
};

struct gc_metrics {
    pthread_mutex_t lock;
    struct metric *sorted[METRICS_MAX];
    size_t n;
    struct metric unlisted[3]; /* by kind: for who comes after the limit */
};

const double gc_duration_bounds[14] = { 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25,
                                        0.5,   0.75, 1,     2.5,  5,     7.5, 10 };

struct gc_metrics *
gc_metrics_new(void)
{
    struct gc_metrics *m = calloc(1, sizeof(*m));
    if (m != NULL) {
        pthread_mutex_init(&m->lock, NULL);
    }
    return m;
}

static void
metric_free(struct metric *metric)
{
    if (metric == NULL) {
        return;
    }
    free(metric->name);
    free(metric->labels);
    free(metric->help);
    free(metric);
}

void
gc_metrics_free(struct gc_metrics *m)
{
    if (m == NULL) {
        return;
    }
    for (size_t i = 0; i < m->n; i++) {
        metric_free(m->sorted[i]);
    }
    pthread_mutex_destroy(&m->lock);
    free(m);
}

static struct metric *
metric_new(enum metric_kind kind, const char *name, const char *labels, const char *help)
{
    struct metric *metric = calloc(1, sizeof(*metric));
    if (metric == NULL) {
        return NULL;
    }
    metric->kind = kind;
    metric->name = strdup(name);
    metric->labels = strdup(labels);
    metric->help = strdup(help);
    if (metric->name == NULL || metric->labels == NULL || metric->help == NULL) {
        metric_free(metric);
        return NULL;
    }
    return metric;
}

/* The place of {NAME, LABELS} in the array, or where it belongs. */
static size_t
metrics_seek(const struct gc_metrics *m, const char *name, const char *labels, bool *ret_found)
{
    size_t low = 0;
    size_t high = m->n;

    *ret_found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct metric *metric = m->sorted[middle];
        int order = strcmp(name, metric->name);
        order = order != 0 ? order : strcmp(labels, metric->labels);
        if (order == 0) {
            *ret_found = true;
            return middle;
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

/* With the lock held. Never NULL. */
static struct metric *
metrics_get(struct gc_metrics *m, enum metric_kind kind, const char *name, const char *labels,
            const char *help)
{
    bool found;
    size_t at = metrics_seek(m, name, labels, &found);
    if (found) {
        assert(m->sorted[at]->kind == kind);
        return m->sorted[at];
    }
    /* One TYPE a name. */
    assert(at == 0 || strcmp(m->sorted[at - 1]->name, name) != 0 ||
           m->sorted[at - 1]->kind == kind);
    assert(at == m->n || strcmp(m->sorted[at]->name, name) != 0 || m->sorted[at]->kind == kind);
    struct metric *metric = m->n < METRICS_MAX ? metric_new(kind, name, labels, help) : NULL;
    if (metric == NULL) {
        return &m->unlisted[kind];
    }
    memmove(&m->sorted[at + 1], &m->sorted[at], (m->n - at) * sizeof(m->sorted[0]));
    m->sorted[at] = metric;
    m->n++;
    return metric;
}

struct gc_counter *
gc_metrics_counter(struct gc_metrics *m, const char *name, const char *labels, const char *help)
{
    pthread_mutex_lock(&m->lock);
    struct metric *metric =
        metrics_get(m, METRIC_COUNTER, name, labels != NULL ? labels : "", help);
    pthread_mutex_unlock(&m->lock);
    return &metric->as.counter;
}

struct gc_gauge *
gc_metrics_gauge(struct gc_metrics *m, const char *name, const char *labels, const char *help)
{
    pthread_mutex_lock(&m->lock);
    struct metric *metric = metrics_get(m, METRIC_GAUGE, name, labels != NULL ? labels : "", help);
    pthread_mutex_unlock(&m->lock);
    return &metric->as.gauge;
}

struct gc_histogram *
gc_metrics_histogram(struct gc_metrics *m, const char *name, const char *labels, const char *help,
                     const double *bounds, size_t n)
{
    assert(n <= BOUNDS_MAX);
    pthread_mutex_lock(&m->lock);
    struct metric *metric =
        metrics_get(m, METRIC_HISTOGRAM, name, labels != NULL ? labels : "", help);
    struct gc_histogram *h = &metric->as.histogram;
    /* Before anybody else can have it; the unlisted one stays without bounds. */
    if (h->n == 0 && metric != &m->unlisted[METRIC_HISTOGRAM]) {
        memcpy(h->bounds, bounds, n * sizeof(bounds[0]));
        h->n = n;
    }
    pthread_mutex_unlock(&m->lock);
    return h;
}

void
gc_histogram_observe(struct gc_histogram *h, double value)
{
    size_t i = 0;
    while (i < h->n && value > h->bounds[i]) {
        i++;
    }
    atomic_fetch_add_explicit(&h->buckets[i], 1, memory_order_relaxed);
    double sum = atomic_load_explicit(&h->sum, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&h->sum, &sum, sum + value, memory_order_relaxed,
                                                  memory_order_relaxed)) {
    }
}

/* "NAME SUFFIX{LABELS,EXTRA} ", without braces when there is nothing in them. */
static int
render_series(struct gc_buf *out, const struct metric *metric, const char *suffix,
              const char *extra)
{
    bool both = metric->labels[0] != '\0' && extra[0] != '\0';
    bool any = metric->labels[0] != '\0' || extra[0] != '\0';
    return gc_buf_printf(out, "%s%s%s%s%s%s%s ", metric->name, suffix, any ? "{" : "",
                         metric->labels, both ? "," : "", extra, any ? "}" : "");
}

static int
render_histogram(struct gc_buf *out, const struct metric *metric)
{
    const struct gc_histogram *h = &metric->as.histogram;
    uint64_t count = 0;
    char le[40];
    int rc = 0;

    for (size_t i = 0; i <= h->n && rc == 0; i++) {
        count += atomic_load_explicit(&h->buckets[i], memory_order_relaxed);
        if (i < h->n) {
            snprintf(le, sizeof(le), "le=\"%g\"", h->bounds[i]);
        } else {
            snprintf(le, sizeof(le), "le=\"+Inf\"");
        }
        rc = render_series(out, metric, "_bucket", le);
        rc = rc != 0 ? rc : gc_buf_printf(out, "%llu\n", (unsigned long long)count);
    }
    rc = rc != 0 ? rc : render_series(out, metric, "_sum", "");
    rc = rc != 0
             ? rc
             : gc_buf_printf(out, "%.9g\n", atomic_load_explicit(&h->sum, memory_order_relaxed));
    rc = rc != 0 ? rc : render_series(out, metric, "_count", "");
    return rc != 0 ? rc : gc_buf_printf(out, "%llu\n", (unsigned long long)count);
}

static int
render_value(struct gc_buf *out, const struct metric *metric)
{
    if (metric->kind == METRIC_HISTOGRAM) {
        return render_histogram(out, metric);
    }
    int rc = render_series(out, metric, "", "");
    if (rc != 0) {
        return rc;
    }
    if (metric->kind == METRIC_COUNTER) {
        uint64_t value = atomic_load_explicit(&metric->as.counter.value, memory_order_relaxed);
        return gc_buf_printf(out, "%llu\n", (unsigned long long)value);
    }
    int64_t value = atomic_load_explicit(&metric->as.gauge.value, memory_order_relaxed);
    return gc_buf_printf(out, "%lld\n", (long long)value);
}

static int
render_head(struct gc_buf *out, const struct metric *metric)
{
    static const char *const kinds[] = { "counter", "gauge", "histogram" };
    int rc = gc_buf_printf(out, "# HELP %s ", metric->name);
    for (const char *at = metric->help; *at != '\0' && rc == 0; at++) {
        if (*at == '\\' || *at == '\n') {
            rc = gc_buf_append_str(out, *at == '\n' ? "\\n" : "\\\\");
        } else {
            rc = gc_buf_append(out, at, 1);
        }
    }
    return rc != 0 ? rc : gc_buf_printf(out, "\n# TYPE %s %s\n", metric->name, kinds[metric->kind]);
}

int
gc_metrics_render(struct gc_metrics *m, struct gc_buf *out)
{
    size_t before = out->len;
    int rc = 0;

    pthread_mutex_lock(&m->lock);
    for (size_t i = 0; i < m->n && rc == 0; i++) {
        const struct metric *metric = m->sorted[i];
        if (i == 0 || strcmp(m->sorted[i - 1]->name, metric->name) != 0) {
            rc = render_head(out, metric);
        }
        rc = rc != 0 ? rc : render_value(out, metric);
    }
    pthread_mutex_unlock(&m->lock);
    if (rc != 0) {
        out->len = before;
    }
    return rc;
}
