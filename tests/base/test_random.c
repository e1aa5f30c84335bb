/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"

static void
the_generator_is_the_published_one(void **state)
{
    /* The first outputs of xoshiro256** from the state 1, 2, 3, 4. */
    struct gc_prng prng = { .s = { 1, 2, 3, 4 } };
    (void)state;
    assert_int_equal(gc_prng_next(&prng), 11520);
    assert_int_equal(gc_prng_next(&prng), 0);
    assert_int_equal(gc_prng_next(&prng), 1509978240);
    assert_int_equal(gc_prng_next(&prng), 1215971899390074240);
    /* splitmix64 from 0 starts with this number. */
    gc_prng_init(&prng, 0);
    assert_int_equal(prng.s[0], 0xe220a8397b1dcdafu);
}

static void
the_same_seed_gives_the_same_numbers(void **state)
{
    struct gc_prng a;
    struct gc_prng b;
    struct gc_prng c;
    (void)state;
    gc_prng_init(&a, 42);
    gc_prng_init(&b, 42);
    gc_prng_init(&c, 43);
    assert_int_not_equal(gc_prng_next(&a), gc_prng_next(&c));
    gc_prng_next(&b);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(gc_prng_next(&a), gc_prng_next(&b));
    }
}

static void
below_stays_below_and_reaches_everything(void **state)
{
    struct gc_prng prng;
    unsigned seen[7] = { 0 };
    (void)state;
    gc_prng_init(&prng, 1);
    for (int i = 0; i < 7000; i++) {
        uint64_t v = gc_prng_below(&prng, 7);
        assert_in_range(v, 0, 6);
        seen[v]++;
    }
    for (int i = 0; i < 7; i++) {
        assert_in_range(seen[i], 800, 1200);
    }
    assert_int_equal(gc_prng_below(&prng, 1), 0);
    for (int i = 0; i < 100; i++) {
        assert_true(gc_prng_below(&prng, UINT64_MAX) < UINT64_MAX);
    }
}

static void
kernel_bytes_fill_the_whole_and_only_it(void **state)
{
    uint8_t data[1002];
    unsigned zeros = 0;
    (void)state;
    memset(data, 0, sizeof(data));
    gc_random_bytes(data + 1, 1000);
    for (int i = 1; i <= 1000; i++) {
        zeros += data[i] == 0;
    }
    assert_int_equal(data[0], 0);
    assert_int_equal(data[1001], 0);
    assert_in_range(zeros, 0, 40); /* about 4 are expected */
    gc_random_bytes(NULL, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_generator_is_the_published_one),
        cmocka_unit_test(the_same_seed_gives_the_same_numbers),
        cmocka_unit_test(below_stays_below_and_reaches_everything),
        cmocka_unit_test(kernel_bytes_fill_the_whole_and_only_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
