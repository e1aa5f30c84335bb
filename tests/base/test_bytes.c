/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/macros.h"
#include "base/thread.h"

static void
a_copy_has_its_own_memory(void **state)
{
    char text[] = "hello";
    (void)state;
    struct gc_bytes *b = gc_bytes_copy(text, 5);
    text[0] = 'j';
    assert_int_equal(b->len, 5);
    assert_memory_equal(b->data, "hello", 5);
    gc_bytes_unref(b);
}

static void
no_bytes_are_bytes_too(void **state)
{
    (void)state;
    struct gc_bytes *b = gc_bytes_copy(NULL, 0);
    assert_non_null(b);
    assert_int_equal(b->len, 0);
    gc_bytes_unref(b);
    gc_bytes_unref(NULL);
}

static void
more_than_there_can_be_is_null(void **state)
{
    (void)state;
    assert_null(gc_bytes_new(SIZE_MAX));
}

static void
data_is_aligned(void **state)
{
    (void)state;
    struct gc_bytes *b = gc_bytes_new(100);
    assert_int_equal((uintptr_t)b->data % 16, 0);
    gc_bytes_unref(b);
}

struct pooled {
    struct gc_bytes b;
    int freed;
};

static void
pooled_free(struct gc_bytes *b)
{
    struct pooled *pooled = b->owner;
    pooled->freed++;
}

static void
share(void *arg)
{
    struct gc_bytes *b = arg;
    for (int i = 0; i < 10000; i++) {
        gc_bytes_unref(gc_bytes_ref(b));
    }
    gc_bytes_unref(b);
}

static void
the_last_of_many_threads_frees_once(void **state)
{
    struct pooled pooled = { .b = { .free_fn = pooled_free, .owner = &pooled } };
    struct gc_thread threads[3];
    (void)state;
    atomic_init(&pooled.b.refs, 1);
    for (size_t i = 0; i < GC_ARRAY_LEN(threads); i++) {
        gc_bytes_ref(&pooled.b);
        assert_int_equal(gc_thread_start(&threads[i], "share", share, &pooled.b), 0);
    }
    gc_bytes_unref(&pooled.b);
    for (size_t i = 0; i < GC_ARRAY_LEN(threads); i++) {
        gc_thread_join(&threads[i]);
    }
    assert_int_equal(pooled.freed, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_has_its_own_memory),
        cmocka_unit_test(no_bytes_are_bytes_too),
        cmocka_unit_test(more_than_there_can_be_is_null),
        cmocka_unit_test(data_is_aligned),
        cmocka_unit_test(the_last_of_many_threads_frees_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
