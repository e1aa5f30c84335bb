/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "base/trace.h"

#define PARENT "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

static void
a_trace_is_adopted_with_a_new_span(void **state)
{
    struct gc_trace trace;
    char text[GC_TRACEPARENT_LEN + 1];
    (void)state;
    gc_trace_adopt(&trace, GC_STR(PARENT));
    gc_trace_format(text, &trace);
    assert_int_equal(strlen(text), GC_TRACEPARENT_LEN);
    assert_memory_equal(text, PARENT, 36);
    assert_memory_not_equal(text + 36, PARENT + 36, 16);
    assert_string_equal(text + 52, "-01");
}

static void
only_the_sampled_flag_is_passed_on(void **state)
{
    struct gc_trace trace;
    (void)state;
    gc_trace_adopt(&trace, GC_STR("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-fe"));
    assert_int_equal(trace.trace_id[0], 0x0a);
    assert_int_equal(trace.flags, 0);
    gc_trace_adopt(&trace, GC_STR("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-ff"));
    assert_int_equal(trace.flags, 1);
}

static void
a_later_version_is_read_by_its_known_part(void **state)
{
    struct gc_trace trace;
    (void)state;
    gc_trace_adopt(&trace, GC_STR("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more"));
    assert_int_equal(trace.trace_id[0], 0x0a);
    gc_trace_adopt(&trace, GC_STR("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
    assert_int_equal(trace.trace_id[15], 0x9c);
}

static void
a_malformed_header_starts_a_new_trace(void **state)
{
    static const char *const cases[] = {
        "",
        "00",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
        "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.more",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319g-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333x-01",
        "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331_01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0x",
        "0x-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
    };
    static const uint8_t id[] = { 0x0a, 0xf7, 0x65, 0x19, 0x16, 0xcd, 0x43, 0xdd };
    (void)state;
    for (size_t i = 0; i < GC_ARRAY_LEN(cases); i++) {
        struct gc_trace trace;
        gc_trace_adopt(&trace, gc_str_of(cases[i]));
        assert_memory_not_equal(trace.trace_id, id, sizeof(id));
        assert_int_equal(trace.flags, 0);
    }
}

static void
new_traces_differ(void **state)
{
    struct gc_trace a;
    struct gc_trace b;
    (void)state;
    gc_trace_new(&a);
    gc_trace_new(&b);
    assert_memory_not_equal(a.trace_id, b.trace_id, sizeof(a.trace_id));
    assert_memory_not_equal(a.span_id, b.span_id, sizeof(a.span_id));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trace_is_adopted_with_a_new_span),
        cmocka_unit_test(only_the_sampled_flag_is_passed_on),
        cmocka_unit_test(a_later_version_is_read_by_its_known_part),
        cmocka_unit_test(a_malformed_header_starts_a_new_trace),
        cmocka_unit_test(new_traces_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
