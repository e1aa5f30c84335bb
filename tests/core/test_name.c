/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/macros.h"
#include "core/name.h"

static void
good_bucket_names_are_accepted(void **state)
{
    static const char *const cases[] = {
        "abc",      "a-b",         "a.b.c", "0ab",  "1.2.3", "1.2.3.4.5",
        "1.2.3.4a", "192-168-5-4", "xn-a",  "a--b", "a.-b",
    };
    char longest[GC_BUCKET_NAME_MAX + 1];
    (void)state;
    for (size_t i = 0; i < GC_ARRAY_LEN(cases); i++) {
        assert_true(gc_bucket_name_valid(gc_str_of(cases[i])));
    }
    memset(longest, 'x', GC_BUCKET_NAME_MAX);
    longest[GC_BUCKET_NAME_MAX] = '\0';
    assert_true(gc_bucket_name_valid(gc_str_of(longest)));
}

static void
bad_bucket_names_are_refused(void **state)
{
    static const char *const cases[] = {
        "",        "a",         "ab",     "-ab", "ab-", ".ab",         "ab.",
        "a..b",    "Abc",       "a_b",    "a b", "a/b", "192.168.5.4", "999.999.999.999",
        "xn--abc", "b\xc3\xa4", "a\x7f-", "a%b", "-",   "..",          "a.b..c",
    };
    char too_long[GC_BUCKET_NAME_MAX + 2];
    (void)state;
    for (size_t i = 0; i < GC_ARRAY_LEN(cases); i++) {
        assert_false(gc_bucket_name_valid(gc_str_of(cases[i])));
    }
    assert_false(gc_bucket_name_valid(GC_STR("a\0c")));
    assert_false(gc_bucket_name_valid((struct gc_str){ 0 }));
    memset(too_long, 'x', GC_BUCKET_NAME_MAX + 1);
    too_long[GC_BUCKET_NAME_MAX + 1] = '\0';
    assert_false(gc_bucket_name_valid(gc_str_of(too_long)));
}

static void
keys_are_bytes_and_no_paths(void **state)
{
    static const char *const cases[] = {
        "a", "/",  ".",    "..", "//",       "a/../b", "/a//",
        " ", "\n", "\x01", "%",  "\xc3\xa4", "a?b#c",  "-/health"
    };
    (void)state;
    for (size_t i = 0; i < GC_ARRAY_LEN(cases); i++) {
        assert_int_equal(gc_object_key_check(gc_str_of(cases[i])), 0);
    }
}

static void
keys_that_are_no_text_are_refused(void **state)
{
    (void)state;
    assert_int_equal(gc_object_key_check((struct gc_str){ 0 }), GC_EPARSE);
    assert_int_equal(gc_object_key_check(GC_STR("a\0b")), GC_EPARSE);
    assert_int_equal(gc_object_key_check(GC_STR("\xc3")), GC_EPARSE);
    assert_int_equal(gc_object_key_check(GC_STR("\xff")), GC_EPARSE);
    assert_int_equal(gc_object_key_check(GC_STR("\xed\xa0\x80")), GC_EPARSE);
}

static void
keys_have_up_to_1024_bytes(void **state)
{
    char key[GC_OBJECT_KEY_MAX + 1];
    (void)state;
    memset(key, 'k', sizeof(key));
    assert_int_equal(gc_object_key_check((struct gc_str){ key, GC_OBJECT_KEY_MAX }), 0);
    assert_int_equal(gc_object_key_check((struct gc_str){ key, GC_OBJECT_KEY_MAX + 1 }), GC_ELIMIT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_bucket_names_are_accepted),
        cmocka_unit_test(bad_bucket_names_are_refused),
        cmocka_unit_test(keys_are_bytes_and_no_paths),
        cmocka_unit_test(keys_that_are_no_text_are_refused),
        cmocka_unit_test(keys_have_up_to_1024_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
