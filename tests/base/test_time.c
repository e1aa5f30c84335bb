/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/macros.h"
#include "base/time.h"

static void
http_dates_are_written(void **state)
{
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {
        { 784111777000, "Sun, 06 Nov 1994 08:49:37 GMT" },
        { 0, "Thu, 01 Jan 1970 00:00:00 GMT" },
        { -1, "Wed, 31 Dec 1969 23:59:59 GMT" },
        { 951782400999, "Tue, 29 Feb 2000 00:00:00 GMT" },
        { INT64_MAX, "Fri, 31 Dec 9999 23:59:59 GMT" },
        { INT64_MIN, "Sat, 01 Jan 0000 00:00:00 GMT" },
    };
    char text[30];
    (void)state;
    for (size_t i = 0; i < GC_ARRAY_LEN(cases); i++) {
        gc_time_http(text, cases[i].ms);
        assert_string_equal(text, cases[i].text);
    }
}

static void
iso_dates_are_written(void **state)
{
    char text[25];
    (void)state;
    gc_time_iso(text, 784111777089);
    assert_string_equal(text, "1994-11-06T08:49:37.089Z");
    gc_time_iso(text, -1);
    assert_string_equal(text, "1969-12-31T23:59:59.999Z");
    gc_time_iso(text, INT64_MAX);
    assert_string_equal(text, "9999-12-31T23:59:59.999Z");
}

static void
all_three_http_forms_are_read(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        { "Sun, 06 Nov 1994 08:49:37 GMT", 784111777000 },
        { "Sunday, 06-Nov-94 08:49:37 GMT", 784111777000 },
        { "Sun Nov  6 08:49:37 1994", 784111777000 },
        { "Wed Nov 16 08:49:37 1994", 784975777000 },
        { "Tue, 29 Feb 2000 00:00:00 GMT", 951782400000 },
        { "Thursday, 01-Jan-70 00:00:00 GMT", 0 },
        { "Sunday, 01-Jan-68 00:00:00 GMT", 3092601600000 },
        { "Sat, 31 Dec 2016 23:59:60 GMT", 1483228800000 },
        { "Fri, 31 Dec 9999 23:59:59 GMT", 253402300799000 },
    };
    (void)state;
    for (size_t i = 0; i < GC_ARRAY_LEN(cases); i++) {
        int64_t ms = -1;
        assert_int_equal(gc_time_http_parse(cases[i].text, &ms), 0);
        assert_int_equal(ms, cases[i].ms);
    }
}

static void
anything_else_is_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "Sun",
        "Sun, 06 Nov 1994 08:49:37 GM",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        " Sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "sun, 06 Nov 1994 08:49:37 GMT",
        "Xxx, 06 Nov 1994 08:49:37 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT",
        "Tue, 29 Feb 1900 00:00:00 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:00 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 06 Nov 94 08:49:37 GMT",
        "Sun, 06-Nov-94 08:49:37 GMT",
        "Sun Nov 6 08:49:37 1994",
        "Sun Nov    08:49:37 1994",
        "Sun, 06 Nov 1994 08:49:-7 GMT",
        "1994-11-06T08:49:37Z",
        "784111777",
    };
    (void)state;
    for (size_t i = 0; i < GC_ARRAY_LEN(cases); i++) {
        int64_t ms = 77;
        assert_int_equal(gc_time_http_parse(cases[i], &ms), GC_EPARSE);
        assert_int_equal(ms, 77);
    }
}

static void
what_is_written_is_read_back(void **state)
{
    char text[30];
    (void)state;
    for (int64_t ms = -3000000000000; ms < 9000000000000; ms += 86399999000 + 12345) {
        int64_t back;
        int64_t whole = ms - (ms % 1000 + 1000) % 1000;
        gc_time_http(text, ms);
        assert_int_equal(gc_time_http_parse(text, &back), 0);
        assert_int_equal(back, whole);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(http_dates_are_written),        cmocka_unit_test(iso_dates_are_written),
        cmocka_unit_test(all_three_http_forms_are_read), cmocka_unit_test(anything_else_is_refused),
        cmocka_unit_test(what_is_written_is_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
