/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "web/list_params.h"

static struct gc_arena arena;
static struct gc_web_list_params params;

static enum gc_api_err
parse(const char *raw)
{
    struct gc_web_target target;
    assert_int_equal(gc_web_target_parse(&arena, gc_str_of(raw), &target), GC_API_OK);
    return gc_web_list_params(&target, &params);
}

static int
setup(void **state)
{
    (void)state;
    gc_arena_init(&arena, 64 * 1024);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    gc_arena_fini(&arena);
    return 0;
}

static void
all_of_version_two_is_read(void **state)
{
    (void)state;
    assert_int_equal(parse("/papers?list-type=2&prefix=p%2F&delimiter=%2F&max-keys=7&start-after=q"
                           "&continuation-token=abc&encoding-type=url&fetch-owner=true"),
                     GC_API_OK);
    assert_true(params.v2);
    assert_true(params.url);
    assert_int_equal(params.max_keys, 7);
    assert_true(gc_str_eq_cstr(params.prefix, "p/"));
    assert_true(gc_str_eq_cstr(params.delimiter, "/"));
    assert_true(gc_str_eq_cstr(params.after, "q"));
    assert_true(gc_str_eq_cstr(params.continuation, "abc"));
}

static void
version_one_goes_by_its_marker(void **state)
{
    (void)state;
    assert_int_equal(parse("/papers?marker=m&start-after=q&continuation-token=x"), GC_API_OK);
    assert_false(params.v2);
    assert_false(params.url);
    assert_int_equal(params.max_keys, 1000);
    assert_true(gc_str_eq_cstr(params.after, "m"));
    assert_null(params.continuation.data);
}

static void
a_page_has_at_most_1000_keys_and_may_have_none(void **state)
{
    (void)state;
    assert_int_equal(parse("/papers?max-keys=2147483647"), GC_API_OK);
    assert_int_equal(params.max_keys, 1000);
    assert_int_equal(parse("/papers?max-keys=0"), GC_API_OK);
    assert_int_equal(params.max_keys, 0);
    assert_int_equal(parse("/papers?max-keys="), GC_API_OK);
    assert_int_equal(params.max_keys, 1000);
}

static void
what_cannot_be_meant_is_refused(void **state)
{
    static const char *const bad[] = {
        "/papers?max-keys=-1",        "/papers?max-keys=x",
        "/papers?max-keys=1%20",      "/papers?max-keys=2147483648",
        "/papers?list-type=3",        "/papers?list-type=1",
        "/papers?encoding-type=gzip", "/papers?list-type=2&continuation-token=",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(parse(bad[i]), GC_API_InvalidArgument);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_of_version_two_is_read, setup, teardown),
        cmocka_unit_test_setup_teardown(version_one_goes_by_its_marker, setup, teardown),
        cmocka_unit_test_setup_teardown(a_page_has_at_most_1000_keys_and_may_have_none, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_meant_is_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
