/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"

static void
an_empty_buffer_owns_nothing(void **state)
{
    struct gc_buf buf;
    (void)state;
    gc_buf_init(&buf, 10);
    assert_null(buf.data);
    assert_int_equal(gc_buf_append(&buf, NULL, 0), 0);
    assert_null(buf.data);
    gc_buf_drop(&buf, 0);
    gc_buf_fini(&buf);
}

static void
appends_follow_each_other(void **state)
{
    struct gc_buf buf;
    (void)state;
    gc_buf_init(&buf, 1000);
    assert_int_equal(gc_buf_append(&buf, "ab\0", 3), 0);
    assert_int_equal(gc_buf_append_str(&buf, "cd"), 0);
    assert_int_equal(gc_buf_printf(&buf, "-%d-%s", 42, "x"), 0);
    assert_int_equal(buf.len, 10);
    assert_memory_equal(buf.data, "ab\0cd-42-x", 10);
    gc_buf_fini(&buf);
}

static void
append_over_the_limit_changes_nothing(void **state)
{
    struct gc_buf buf;
    (void)state;
    gc_buf_init(&buf, 4);
    assert_int_equal(gc_buf_append(&buf, "abc", 3), 0);
    assert_int_equal(gc_buf_append(&buf, "de", 2), GC_ELIMIT);
    assert_int_equal(gc_buf_reserve(&buf, SIZE_MAX), GC_ELIMIT);
    assert_int_equal(gc_buf_printf(&buf, "%d", 10), GC_ELIMIT);
    assert_int_equal(buf.len, 3);
    assert_memory_equal(buf.data, "abc", 3);
    gc_buf_fini(&buf);
}

static void
the_limit_itself_is_allowed(void **state)
{
    struct gc_buf buf;
    (void)state;
    gc_buf_init(&buf, 5);
    assert_int_equal(gc_buf_append(&buf, "abc", 3), 0);
    assert_int_equal(gc_buf_printf(&buf, "%d", 42), 0);
    assert_int_equal(buf.len, 5);
    assert_string_equal(gc_buf_cstr(&buf), "abc42");
    assert_int_equal(gc_buf_append(&buf, "x", 1), GC_ELIMIT);
    gc_buf_fini(&buf);
}

static void
printf_longer_than_the_room_is_written_whole(void **state)
{
    struct gc_buf buf;
    char want[301];
    (void)state;
    memset(want, 'y', 300);
    want[300] = '\0';
    gc_buf_init(&buf, 1000);
    assert_int_equal(gc_buf_printf(&buf, "%s", want), 0);
    assert_int_equal(buf.len, 300);
    assert_string_equal(gc_buf_cstr(&buf), want);
    gc_buf_fini(&buf);
}

static void
reserve_makes_room_without_moving(void **state)
{
    struct gc_buf buf;
    (void)state;
    gc_buf_init(&buf, 5000);
    assert_int_equal(gc_buf_reserve(&buf, 5000), 0);
    const uint8_t *before = buf.data;
    for (int i = 0; i < 5000; i++) {
        assert_int_equal(gc_buf_append(&buf, "z", 1), 0);
    }
    assert_ptr_equal(buf.data, before);
    gc_buf_fini(&buf);
}

static void
many_small_appends_keep_the_content(void **state)
{
    struct gc_buf buf;
    (void)state;
    gc_buf_init(&buf, 100000);
    for (uint32_t i = 0; i < 25000; i++) {
        assert_int_equal(gc_buf_append(&buf, &i, sizeof(i)), 0);
    }
    for (uint32_t i = 0; i < 25000; i++) {
        assert_memory_equal(buf.data + i * sizeof(i), &i, sizeof(i));
    }
    gc_buf_fini(&buf);
}

static void
drop_keeps_the_rest(void **state)
{
    struct gc_buf buf;
    (void)state;
    gc_buf_init(&buf, 100);
    assert_int_equal(gc_buf_append_str(&buf, "abcdef"), 0);
    gc_buf_drop(&buf, 2);
    assert_string_equal(gc_buf_cstr(&buf), "cdef");
    gc_buf_drop(&buf, 4);
    assert_int_equal(buf.len, 0);
    gc_buf_fini(&buf);
}

static void
a_cleared_or_finished_buffer_is_used_again(void **state)
{
    struct gc_buf buf;
    (void)state;
    gc_buf_init(&buf, 3);
    assert_int_equal(gc_buf_append_str(&buf, "abc"), 0);
    gc_buf_clear(&buf);
    assert_int_equal(gc_buf_append_str(&buf, "def"), 0);
    assert_string_equal(gc_buf_cstr(&buf), "def");
    gc_buf_fini(&buf);
    assert_null(buf.data);
    assert_int_equal(gc_buf_append_str(&buf, "ghij"), GC_ELIMIT);
    assert_int_equal(gc_buf_append_str(&buf, "ghi"), 0);
    gc_buf_fini(&buf);
}

static void
the_text_of_an_empty_buffer_is_empty(void **state)
{
    struct gc_buf buf;
    (void)state;
    gc_buf_init(&buf, 0);
    assert_string_equal(gc_buf_cstr(&buf), "");
    gc_buf_fini(&buf);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_buffer_owns_nothing),
        cmocka_unit_test(appends_follow_each_other),
        cmocka_unit_test(append_over_the_limit_changes_nothing),
        cmocka_unit_test(the_limit_itself_is_allowed),
        cmocka_unit_test(printf_longer_than_the_room_is_written_whole),
        cmocka_unit_test(reserve_makes_room_without_moving),
        cmocka_unit_test(many_small_appends_keep_the_content),
        cmocka_unit_test(drop_keeps_the_rest),
        cmocka_unit_test(a_cleared_or_finished_buffer_is_used_again),
        cmocka_unit_test(the_text_of_an_empty_buffer_is_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
