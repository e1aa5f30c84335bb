/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/macros.h"
#include "core/http_range.h"

struct range_case {
    const char *header;
    uint64_t length;
    uint64_t first;
    uint64_t last;
};

static void
one_range_is_cut_to_the_object(void **state)
{
    static const struct range_case cases[] = {
        { "bytes=0-0", 10, 0, 0 },
        { "bytes=0-9", 10, 0, 9 },
        { "bytes=0-10", 10, 0, 9 },
        { "bytes=9-", 10, 9, 9 },
        { "bytes=3-5", 10, 3, 5 },
        { "bytes=-1", 10, 9, 9 },
        { "bytes=-10", 10, 0, 9 },
        { "bytes=-11", 10, 0, 9 },
        { "Bytes=3-5", 10, 3, 5 },
        { " bytes= 3-5 ", 10, 3, 5 },
        { "bytes=003-005", 10, 3, 5 },
        { "bytes=0-99999999999999999999999", 10, 0, 9 },
        { "bytes=-99999999999999999999999", 10, 0, 9 },
        { "bytes=0-18446744073709551615", 10, 0, 9 },
        { "bytes=18446744073709551614-", UINT64_MAX, UINT64_MAX - 1, UINT64_MAX - 1 },
        { "bytes=-1", UINT64_MAX, UINT64_MAX - 1, UINT64_MAX - 1 },
    };
    (void)state;
    for (size_t i = 0; i < GC_ARRAY_LEN(cases); i++) {
        struct gc_http_range range = { 77, 77 };
        assert_int_equal(gc_http_range_parse(gc_str_of(cases[i].header), cases[i].length, &range),
                         GC_HTTP_RANGE_PART);
        assert_int_equal(range.first, cases[i].first);
        assert_int_equal(range.last, cases[i].last);
    }
}

static void
a_range_past_the_object_cannot_be_satisfied(void **state)
{
    static const struct range_case cases[] = {
        { "bytes=10-", 10, 0, 0 },
        { "bytes=10-10", 10, 0, 0 },
        { "bytes=99-100", 10, 0, 0 },
        { "bytes=-0", 10, 0, 0 },
        { "bytes=0-0", 0, 0, 0 },
        { "bytes=0-", 0, 0, 0 },
        { "bytes=-5", 0, 0, 0 },
        { "bytes=18446744073709551616-", 10, 0, 0 },
        { "bytes=18446744073709551616-18446744073709551617", 10, 0, 0 },
    };
    (void)state;
    for (size_t i = 0; i < GC_ARRAY_LEN(cases); i++) {
        struct gc_http_range range = { 77, 77 };
        assert_int_equal(gc_http_range_parse(gc_str_of(cases[i].header), cases[i].length, &range),
                         GC_HTTP_RANGE_UNSATISFIABLE);
        assert_int_equal(range.first, 77);
    }
}

static void
anything_else_is_ignored(void **state)
{
    static const char *const cases[] = {
        "",           "bytes",       "bytes=",        "bytes=-",     "bytes=--1",
        "bytes=5-3",  "bytes=0-1,",  "bytes=0-1,3-4", "bytes=,0-1",  "bytes=-1,-2",
        "bytes=a-b",  "bytes=0x1-2", "bytes=1-2-3",   "bytes=1 - 2", "bytes 0-1",
        "items=0-1",  "bytes=0",     "bytes=+1-2",    "bytes=-1x",   "0-1",
        "bytes =0-1", "bytes=1-\n",  "=0-1",          "bytes==0-1",
    };
    (void)state;
    for (size_t i = 0; i < GC_ARRAY_LEN(cases); i++) {
        struct gc_http_range range = { 77, 77 };
        assert_int_equal(gc_http_range_parse(gc_str_of(cases[i]), 10, &range), GC_HTTP_RANGE_WHOLE);
        assert_int_equal(range.first, 77);
    }
    struct gc_http_range range;
    assert_int_equal(gc_http_range_parse((struct gc_str){ 0 }, 10, &range), GC_HTTP_RANGE_WHOLE);
    assert_int_equal(gc_http_range_parse(GC_STR("bytes=\0-1"), 10, &range), GC_HTTP_RANGE_WHOLE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_range_is_cut_to_the_object),
        cmocka_unit_test(a_range_past_the_object_cannot_be_satisfied),
        cmocka_unit_test(anything_else_is_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
