/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rpc/backoff.h"

static struct gc_prng prng;

static void
expect_around(uint64_t wait_ms, uint64_t plain_ms)
{
    assert_in_range(wait_ms, plain_ms - plain_ms / 5, plain_ms + plain_ms / 5 + 1);
}

static void
waits_grow_by_the_factor_up_to_the_limit(void **state)
{
    static const uint64_t plain_ms[] = { 1000, 1601, 2562, 4100, 5000, 5000, 5000 };
    struct gc_rpc_backoff backoff;

    (void)state;
    gc_prng_init(&prng, 1);
    gc_rpc_backoff_init(&backoff, 1000, 5000);
    for (size_t i = 0; i < sizeof(plain_ms) / sizeof(plain_ms[0]); i++) {
        expect_around(gc_rpc_backoff_next(&backoff, &prng), plain_ms[i]);
    }
}

static void
a_success_starts_over(void **state)
{
    struct gc_rpc_backoff backoff;

    (void)state;
    gc_prng_init(&prng, 2);
    gc_rpc_backoff_init(&backoff, 1000, 120000);
    for (int i = 0; i < 5; i++) {
        gc_rpc_backoff_next(&backoff, &prng);
    }
    gc_rpc_backoff_reset(&backoff);
    expect_around(gc_rpc_backoff_next(&backoff, &prng), 1000);
}

static void
waits_are_spread(void **state)
{
    struct gc_rpc_backoff backoff;
    uint64_t low = UINT64_MAX, high = 0;

    (void)state;
    gc_prng_init(&prng, 3);
    for (int i = 0; i < 1000; i++) {
        uint64_t wait_ms;

        gc_rpc_backoff_init(&backoff, 1000, 1000);
        wait_ms = gc_rpc_backoff_next(&backoff, &prng);
        low = wait_ms < low ? wait_ms : low;
        high = wait_ms > high ? wait_ms : high;
    }
    assert_in_range(low, 800, 850);
    assert_in_range(high, 1150, 1200);
}

static void
a_wait_is_never_zero_and_never_over_the_limit(void **state)
{
    struct gc_rpc_backoff backoff;

    (void)state;
    gc_prng_init(&prng, 4);
    gc_rpc_backoff_init(&backoff, 0, 3);
    for (int i = 0; i < 100; i++) {
        assert_in_range(gc_rpc_backoff_next(&backoff, &prng), 1, 3);
    }
    gc_rpc_backoff_init(&backoff, 5000, 10); /* a base over the limit is the limit */
    assert_in_range(gc_rpc_backoff_next(&backoff, &prng), 8, 12);
    gc_rpc_backoff_init(&backoff, UINT64_MAX, UINT64_MAX);
    assert_true(gc_rpc_backoff_next(&backoff, &prng) <= UINT64_C(6) * UINT32_MAX / 5 + 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_grow_by_the_factor_up_to_the_limit),
        cmocka_unit_test(a_success_starts_over),
        cmocka_unit_test(waits_are_spread),
        cmocka_unit_test(a_wait_is_never_zero_and_never_over_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
