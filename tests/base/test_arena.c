/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"

static bool
all_zero(const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (data[i] != 0) {
            return false;
        }
    }
    return true;
}

static void
allocations_are_aligned_zeroed_and_apart(void **state)
{
    struct gc_arena arena;
    uint8_t *got[200];
    (void)state;
    gc_arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < 200; i++) {
        size_t len = i * 7 + 1;
        got[i] = gc_arena_alloc(&arena, len);
        assert_non_null(got[i]);
        assert_int_equal((uintptr_t)got[i] % _Alignof(max_align_t), 0);
        assert_true(all_zero(got[i], len));
        memset(got[i], (int)i, len);
    }
    for (size_t i = 0; i < 200; i++) {
        assert_int_equal(got[i][0], i);
        assert_int_equal(got[i][i * 7], i);
    }
    gc_arena_fini(&arena);
}

static void
beyond_the_limit_is_null_and_changes_nothing(void **state)
{
    struct gc_arena arena;
    (void)state;
    gc_arena_init(&arena, 100);
    assert_non_null(gc_arena_alloc(&arena, 64));
    assert_null(gc_arena_alloc(&arena, 37));
    assert_null(gc_arena_alloc(&arena, SIZE_MAX));
    assert_null(gc_arena_str(&arena, (struct gc_str){ "x", SIZE_MAX }).data);
    assert_int_equal(arena.used, 64);
    assert_non_null(gc_arena_alloc(&arena, 36));
    assert_null(gc_arena_alloc(&arena, 1));
    gc_arena_fini(&arena);
}

static void
a_large_block_leaves_the_small_one_in_use(void **state)
{
    struct gc_arena arena;
    (void)state;
    gc_arena_init(&arena, 1 << 20);
    uint8_t *small = gc_arena_alloc(&arena, 16);
    uint8_t *large = gc_arena_alloc(&arena, 100000);
    memset(large, 1, 100000);
    assert_ptr_equal(gc_arena_alloc(&arena, 16), small + 16);
    gc_arena_fini(&arena);
}

static void
reset_keeps_one_block_and_zeroes_again(void **state)
{
    struct gc_arena arena;
    (void)state;
    gc_arena_init(&arena, 10000);
    uint8_t *first = gc_arena_alloc(&arena, 1000);
    memset(first, 0xff, 1000);
    gc_arena_reset(&arena);
    assert_int_equal(arena.used, 0);
    uint8_t *again = gc_arena_alloc(&arena, 1000);
    assert_ptr_equal(again, first);
    assert_true(all_zero(again, 1000));
    gc_arena_fini(&arena);
}

static void
reset_after_a_large_block_starts_anew(void **state)
{
    struct gc_arena arena;
    (void)state;
    gc_arena_init(&arena, 1 << 20);
    assert_non_null(gc_arena_alloc(&arena, 500000));
    gc_arena_reset(&arena);
    assert_null(arena.blocks);
    assert_non_null(gc_arena_alloc(&arena, 1 << 20));
    gc_arena_reset(&arena);
    gc_arena_reset(&arena);
    gc_arena_fini(&arena);
    gc_arena_fini(&arena);
}

static void
texts_are_terminated_copies(void **state)
{
    struct gc_arena arena;
    char text[] = "abc";
    (void)state;
    gc_arena_init(&arena, 1000);
    struct gc_str copy = gc_arena_str(&arena, (struct gc_str){ text, 3 });
    text[0] = 'x';
    assert_int_equal(copy.len, 3);
    assert_string_equal(copy.data, "abc");
    struct gc_str empty = gc_arena_str(&arena, (struct gc_str){ 0 });
    assert_int_equal(empty.len, 0);
    assert_string_equal(empty.data, "");
    assert_string_equal(gc_arena_printf(&arena, "%s-%d", "n", 7), "n-7");
    assert_memory_equal(gc_arena_copy(&arena, "a\0b", 3), "a\0b", 3);
    gc_arena_fini(&arena);
}

static void
texts_have_the_limit_with_their_nul(void **state)
{
    struct gc_arena arena;
    (void)state;
    gc_arena_init(&arena, 4);
    assert_null(gc_arena_str(&arena, GC_STR("abcd")).data);
    assert_null(gc_arena_printf(&arena, "%d", 1234));
    assert_null(gc_arena_copy(&arena, "12345", 5));
    assert_string_equal(gc_arena_printf(&arena, "%d", 123), "123");
    gc_arena_fini(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allocations_are_aligned_zeroed_and_apart),
        cmocka_unit_test(beyond_the_limit_is_null_and_changes_nothing),
        cmocka_unit_test(a_large_block_leaves_the_small_one_in_use),
        cmocka_unit_test(reset_keeps_one_block_and_zeroes_again),
        cmocka_unit_test(reset_after_a_large_block_starts_anew),
        cmocka_unit_test(texts_are_terminated_copies),
        cmocka_unit_test(texts_have_the_limit_with_their_nul),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
