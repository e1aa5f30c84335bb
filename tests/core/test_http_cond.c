/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/macros.h"
#include "core/http_cond.h"

#define TAG   "5d41402abc4b2a76b9719d911017c592"
#define OTHER "7d793037a0760186574b0282f2f435e7"
#define MTIME 784111777500 /* Sun, 06 Nov 1994 08:49:37.5 GMT */

static const struct gc_http_target object = { true, { TAG, 32 }, MTIME };
static const struct gc_http_target absent = { false, { NULL, 0 }, 0 };

static int
match(const char *if_match, const char *if_none_match, bool read)
{
    struct gc_http_cond cond = { .if_match = gc_str_of(if_match),
                                 .if_none_match = gc_str_of(if_none_match) };
    return (int)gc_http_cond_check(&cond, &object, read);
}

static void
without_conditions_everything_goes_on(void **state)
{
    struct gc_http_cond cond = { 0 };
    (void)state;
    assert_int_equal(gc_http_cond_check(&cond, &object, true), GC_HTTP_GO_ON);
    assert_int_equal(gc_http_cond_check(&cond, &absent, false), GC_HTTP_GO_ON);
}

static void
if_match_wants_the_tag(void **state)
{
    (void)state;
    assert_int_equal(match("\"" TAG "\"", NULL, true), GC_HTTP_GO_ON);
    assert_int_equal(match(TAG, NULL, true), GC_HTTP_GO_ON);
    assert_int_equal(match("\"" OTHER "\" , \"" TAG "\"", NULL, false), GC_HTTP_GO_ON);
    assert_int_equal(match(OTHER ", " TAG " ", NULL, false), GC_HTTP_GO_ON);
    assert_int_equal(match("*", NULL, false), GC_HTTP_GO_ON);
    assert_int_equal(match(" * ", NULL, false), GC_HTTP_GO_ON);
    assert_int_equal(match("\"" OTHER "\"", NULL, true), GC_HTTP_PRECONDITION_FAILED);
    assert_int_equal(match("W/\"" TAG "\"", NULL, true), GC_HTTP_PRECONDITION_FAILED);
    assert_int_equal(match("\"*\"", NULL, true), GC_HTTP_PRECONDITION_FAILED);
    assert_int_equal(match("\"a, " TAG "\"", NULL, true), GC_HTTP_PRECONDITION_FAILED);
    assert_int_equal(match("\"" TAG, NULL, true), GC_HTTP_GO_ON);
    assert_int_equal(match(",,\t, ", NULL, true), GC_HTTP_PRECONDITION_FAILED);
    assert_int_equal(match("\"" TAG "x\"", NULL, true), GC_HTTP_PRECONDITION_FAILED);
}

static void
if_match_needs_an_object(void **state)
{
    struct gc_http_cond cond = { .if_match = GC_STR("*") };
    (void)state;
    assert_int_equal(gc_http_cond_check(&cond, &absent, false), GC_HTTP_PRECONDITION_FAILED);
    cond.if_match = GC_STR("\"\"");
    assert_int_equal(gc_http_cond_check(&cond, &absent, false), GC_HTTP_PRECONDITION_FAILED);
}

static void
if_none_match_stops_reads_and_refuses_writes(void **state)
{
    (void)state;
    assert_int_equal(match(NULL, "\"" TAG "\"", true), GC_HTTP_NOT_MODIFIED);
    assert_int_equal(match(NULL, "W/\"" TAG "\"", true), GC_HTTP_NOT_MODIFIED);
    assert_int_equal(match(NULL, TAG, true), GC_HTTP_NOT_MODIFIED);
    assert_int_equal(match(NULL, "*", true), GC_HTTP_NOT_MODIFIED);
    assert_int_equal(match(NULL, "*", false), GC_HTTP_PRECONDITION_FAILED);
    assert_int_equal(match(NULL, "\"" TAG "\"", false), GC_HTTP_PRECONDITION_FAILED);
    assert_int_equal(match(NULL, "\"" OTHER "\", W/\"x\"", true), GC_HTTP_GO_ON);
}

static void
if_none_match_star_makes_new_objects_only(void **state)
{
    struct gc_http_cond cond = { .if_none_match = GC_STR("*") };
    (void)state;
    assert_int_equal(gc_http_cond_check(&cond, &absent, false), GC_HTTP_GO_ON);
    assert_int_equal(gc_http_cond_check(&cond, &object, false), GC_HTTP_PRECONDITION_FAILED);
}

static int
since(int64_t modified, int64_t unmodified, bool read)
{
    struct gc_http_cond cond = { .if_modified_since_ms = modified,
                                 .if_unmodified_since_ms = unmodified };
    return (int)gc_http_cond_check(&cond, &object, read);
}

static void
dates_count_in_whole_seconds(void **state)
{
    (void)state;
    /* What Last-Modified told is 08:49:37, half a second before the object. */
    assert_int_equal(since(784111777000, 0, true), GC_HTTP_NOT_MODIFIED);
    assert_int_equal(since(784111778000, 0, true), GC_HTTP_NOT_MODIFIED);
    assert_int_equal(since(784111776000, 0, true), GC_HTTP_GO_ON);
    assert_int_equal(since(784111777000, 0, false), GC_HTTP_GO_ON);
    assert_int_equal(since(0, 784111777000, false), GC_HTTP_GO_ON);
    assert_int_equal(since(0, 784111776000, false), GC_HTTP_PRECONDITION_FAILED);
    assert_int_equal(since(0, 784111776000, true), GC_HTTP_PRECONDITION_FAILED);
}

static void
dates_of_an_absent_object_do_not_matter(void **state)
{
    struct gc_http_cond cond = { .if_modified_since_ms = 1000, .if_unmodified_since_ms = 1000 };
    (void)state;
    assert_int_equal(gc_http_cond_check(&cond, &absent, true), GC_HTTP_GO_ON);
    assert_int_equal(gc_http_cond_check(&cond, &absent, false), GC_HTTP_GO_ON);
}

static void
tags_come_before_dates(void **state)
{
    struct gc_http_cond cond = { .if_match = GC_STR(TAG), .if_unmodified_since_ms = 1000 };
    (void)state;
    assert_int_equal(gc_http_cond_check(&cond, &object, true), GC_HTTP_GO_ON);
    cond = (struct gc_http_cond){ .if_none_match = GC_STR(OTHER),
                                  .if_modified_since_ms = MTIME + 1000 };
    assert_int_equal(gc_http_cond_check(&cond, &object, true), GC_HTTP_GO_ON);
    cond = (struct gc_http_cond){ .if_match = GC_STR(OTHER), .if_none_match = GC_STR(TAG) };
    assert_int_equal(gc_http_cond_check(&cond, &object, true), GC_HTTP_PRECONDITION_FAILED);
    cond = (struct gc_http_cond){ .if_match = GC_STR(TAG), .if_none_match = GC_STR(TAG) };
    assert_int_equal(gc_http_cond_check(&cond, &object, true), GC_HTTP_NOT_MODIFIED);
}

static void
if_range_wants_the_same_object(void **state)
{
    static const struct {
        const char *header;
        bool counts;
    } cases[] = {
        { "", true },
        { "\"" TAG "\"", true },
        { TAG, true },
        { "\"" OTHER "\"", false },
        { "W/\"" TAG "\"", false },
        { "Sun, 06 Nov 1994 08:49:37 GMT", true },
        { "Sun, 06 Nov 1994 08:49:38 GMT", false },
        { "Sun, 06 Nov 1994 08:49:36 GMT", false },
        { "yesterday", false },
        { "*", false },
        { " ", false },
    };
    (void)state;
    for (size_t i = 0; i < GC_ARRAY_LEN(cases); i++) {
        assert_int_equal(gc_http_if_range(gc_str_of(cases[i].header), &object), cases[i].counts);
    }
    assert_false(gc_http_if_range(GC_STR(TAG), &absent));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_conditions_everything_goes_on),
        cmocka_unit_test(if_match_wants_the_tag),
        cmocka_unit_test(if_match_needs_an_object),
        cmocka_unit_test(if_none_match_stops_reads_and_refuses_writes),
        cmocka_unit_test(if_none_match_star_makes_new_objects_only),
        cmocka_unit_test(dates_count_in_whole_seconds),
        cmocka_unit_test(dates_of_an_absent_object_do_not_matter),
        cmocka_unit_test(tags_come_before_dates),
        cmocka_unit_test(if_range_wants_the_same_object),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
