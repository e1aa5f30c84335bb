/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/macros.h"
#include "base/metrics.h"
#include "base/thread.h"

struct fixture {
    struct gc_metrics *metrics;
    struct gc_buf out;
};

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    f->metrics = gc_metrics_new();
    gc_buf_init(&f->out, 4 * 1024 * 1024);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    gc_metrics_free(f->metrics);
    gc_buf_fini(&f->out);
    free(f);
    return 0;
}

static const char *
render(struct fixture *f)
{
    gc_buf_clear(&f->out);
    assert_int_equal(gc_metrics_render(f->metrics, &f->out), 0);
    return gc_buf_cstr(&f->out);
}

static void
an_empty_registry_renders_nothing(void **state)
{
    assert_string_equal(render(*state), "");
}

static void
metrics_are_sorted_with_one_head_a_name(void **state)
{
    struct fixture *f = *state;
    struct gc_metrics *m = f->metrics;
    gc_gauge_set(gc_metrics_gauge(m, "gc_open", NULL, "Open\nthings \\ now"), -3);
    gc_counter_add(gc_metrics_counter(m, "gc_calls_total", "code=\"200\"", "Calls"), 5);
    gc_counter_inc(gc_metrics_counter(m, "gc_calls_total", "code=\"100\"", "Calls"));
    gc_gauge_add(gc_metrics_gauge(m, "gc_open", "", "ignored"), 1);
    assert_string_equal(render(f), "# HELP gc_calls_total Calls\n"
                                   "# TYPE gc_calls_total counter\n"
                                   "gc_calls_total{code=\"100\"} 1\n"
                                   "gc_calls_total{code=\"200\"} 5\n"
                                   "# HELP gc_open Open\\nthings \\\\ now\n"
                                   "# TYPE gc_open gauge\n"
                                   "gc_open -2\n");
}

static void
the_same_name_and_labels_are_the_same_metric(void **state)
{
    struct fixture *f = *state;
    struct gc_metrics *m = f->metrics;
    assert_ptr_equal(gc_metrics_counter(m, "a", "x=\"1\"", "h"),
                     gc_metrics_counter(m, "a", "x=\"1\"", "h"));
    assert_ptr_not_equal(gc_metrics_counter(m, "a", "x=\"1\"", "h"),
                         gc_metrics_counter(m, "a", "x=\"2\"", "h"));
    assert_ptr_equal(gc_metrics_histogram(m, "h", NULL, "h", gc_duration_bounds, 14),
                     gc_metrics_histogram(m, "h", NULL, "h", gc_duration_bounds, 14));
}

static void
histogram_buckets_are_cumulative_and_include_their_bound(void **state)
{
    static const double bounds[] = { 0.1, 1, 2.5 };
    struct fixture *f = *state;
    struct gc_histogram *h =
        gc_metrics_histogram(f->metrics, "gc_seconds", "op=\"get\"", "Time", bounds, 3);
    gc_histogram_observe(h, 0.1);
    gc_histogram_observe(h, 0.5);
    gc_histogram_observe(h, 2);
    gc_histogram_observe(h, 100);
    assert_string_equal(render(f), "# HELP gc_seconds Time\n"
                                   "# TYPE gc_seconds histogram\n"
                                   "gc_seconds_bucket{op=\"get\",le=\"0.1\"} 1\n"
                                   "gc_seconds_bucket{op=\"get\",le=\"1\"} 2\n"
                                   "gc_seconds_bucket{op=\"get\",le=\"2.5\"} 3\n"
                                   "gc_seconds_bucket{op=\"get\",le=\"+Inf\"} 4\n"
                                   "gc_seconds_sum{op=\"get\"} 102.6\n"
                                   "gc_seconds_count{op=\"get\"} 4\n");
}

static void
beyond_the_limit_a_shared_unlisted_metric_is_returned(void **state)
{
    struct fixture *f = *state;
    char labels[32];
    for (int i = 0; i < 4096; i++) {
        snprintf(labels, sizeof(labels), "n=\"%d\"", i);
        gc_counter_inc(gc_metrics_counter(f->metrics, "gc_many_total", labels, "Many"));
    }
    struct gc_counter *counter = gc_metrics_counter(f->metrics, "gc_more_total", NULL, "More");
    assert_non_null(counter);
    assert_ptr_equal(counter, gc_metrics_counter(f->metrics, "gc_other_total", NULL, "Other"));
    gc_counter_inc(counter);
    gc_gauge_set(gc_metrics_gauge(f->metrics, "gc_gauge", NULL, "Gauge"), 1);
    struct gc_histogram *h =
        gc_metrics_histogram(f->metrics, "gc_h", NULL, "H", gc_duration_bounds, 14);
    gc_histogram_observe(h, 3);
    const char *text = render(f);
    assert_null(strstr(text, "gc_more_total"));
    assert_non_null(strstr(text, "gc_many_total{n=\"4095\"} 1\n"));
    /* Those that are listed are still found. */
    gc_counter_inc(gc_metrics_counter(f->metrics, "gc_many_total", "n=\"7\"", "Many"));
    assert_non_null(strstr(render(f), "gc_many_total{n=\"7\"} 2\n"));
}

static void
render_over_the_limit_leaves_the_buffer(void **state)
{
    struct fixture *f = *state;
    struct gc_buf small;
    gc_counter_inc(gc_metrics_counter(f->metrics, "gc_total", NULL, "Help"));
    gc_buf_init(&small, 20);
    assert_int_equal(gc_buf_append_str(&small, "before"), 0);
    assert_int_equal(gc_metrics_render(f->metrics, &small), GC_ELIMIT);
    assert_int_equal(small.len, 6);
    gc_buf_fini(&small);
}

#define ROUNDS 20000

static void
count(void *arg)
{
    struct gc_metrics *m = arg;
    struct gc_counter *c = gc_metrics_counter(m, "gc_total", NULL, "Help");
    struct gc_histogram *h =
        gc_metrics_histogram(m, "gc_seconds", NULL, "Help", gc_duration_bounds, 14);
    for (int i = 0; i < ROUNDS; i++) {
        gc_counter_inc(c);
        gc_histogram_observe(h, 1);
    }
}

static void
threads_count_without_losing_any(void **state)
{
    struct fixture *f = *state;
    struct gc_thread threads[4];
    for (size_t i = 0; i < GC_ARRAY_LEN(threads); i++) {
        assert_int_equal(gc_thread_start(&threads[i], "count", count, f->metrics), 0);
    }
    render(f);
    for (size_t i = 0; i < GC_ARRAY_LEN(threads); i++) {
        gc_thread_join(&threads[i]);
    }
    const char *text = render(f);
    assert_non_null(strstr(text, "gc_total 80000\n"));
    assert_non_null(strstr(text, "gc_seconds_sum 80000\n"));
    assert_non_null(strstr(text, "gc_seconds_count 80000\n"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(an_empty_registry_renders_nothing),
        CASE(metrics_are_sorted_with_one_head_a_name),
        CASE(the_same_name_and_labels_are_the_same_metric),
        CASE(histogram_buckets_are_cumulative_and_include_their_bound),
        CASE(beyond_the_limit_a_shared_unlisted_metric_is_returned),
        CASE(render_over_the_limit_leaves_the_buffer),
        CASE(threads_count_without_losing_any),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
