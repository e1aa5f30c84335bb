/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rpc/balance.h"

static struct gc_prng prng;

static void
pick_first_takes_the_first_with_a_slot(void **state)
{
    struct gc_rpc_candidate list[] = { { 0, 0 }, { 5, 9 }, { 5, 0 } };
    size_t cursor = 0;

    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(gc_rpc_balance_pick(GC_RPC_PICK_FIRST, list, 3, &cursor, &prng), 1);
    }
}

static void
round_robin_takes_turns_and_skips_the_full(void **state)
{
    struct gc_rpc_candidate list[] = { { 1, 0 }, { 0, 0 }, { 1, 0 }, { 1, 0 } };
    static const size_t expected[] = { 0, 2, 3, 0, 2, 3 };
    size_t cursor = 0;

    (void)state;
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(gc_rpc_balance_pick(GC_RPC_ROUND_ROBIN, list, 4, &cursor, &prng),
                         expected[i]);
    }
    /* The list got shorter than the cursor. */
    cursor = 17;
    assert_int_equal(gc_rpc_balance_pick(GC_RPC_ROUND_ROBIN, list, 1, &cursor, &prng), 0);
}

static void
pick2_never_takes_the_busiest_of_two(void **state)
{
    struct gc_rpc_candidate list[] = { { 1, 10 }, { 0, 0 }, { 1, 2 } };
    size_t cursor = 0;

    (void)state;
    gc_prng_init(&prng, 5);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(gc_rpc_balance_pick(GC_RPC_PICK2, list, 3, &cursor, &prng), 2);
    }
}

static void
pick2_spreads_over_equals(void **state)
{
    struct gc_rpc_candidate list[] = { { 1, 0 }, { 1, 0 }, { 1, 0 }, { 1, 0 } };
    unsigned n[4] = { 0 };
    size_t cursor = 0;

    (void)state;
    gc_prng_init(&prng, 6);
    for (int i = 0; i < 4000; i++) {
        n[gc_rpc_balance_pick(GC_RPC_PICK2, list, 4, &cursor, &prng)]++;
    }
    for (int i = 0; i < 4; i++) {
        assert_in_range(n[i], 800, 1200);
    }
}

static void
without_a_slot_there_is_no_choice(void **state)
{
    struct gc_rpc_candidate list[] = { { 0, 3 }, { 0, 1 } };
    static const enum gc_rpc_balance all[] = { GC_RPC_PICK_FIRST, GC_RPC_ROUND_ROBIN,
                                               GC_RPC_PICK2 };
    size_t cursor = 1;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(gc_rpc_balance_pick(all[i], list, 2, &cursor, &prng), GC_RPC_PICK_NONE);
        assert_int_equal(gc_rpc_balance_pick(all[i], list, 0, &cursor, &prng), GC_RPC_PICK_NONE);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pick_first_takes_the_first_with_a_slot),
        cmocka_unit_test(round_robin_takes_turns_and_skips_the_full),
        cmocka_unit_test(pick2_never_takes_the_busiest_of_two),
        cmocka_unit_test(pick2_spreads_over_equals),
        cmocka_unit_test(without_a_slot_there_is_no_choice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
