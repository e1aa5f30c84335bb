/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "translation/roster.h"

#define LEASE_MS 1000

static int
setup(void **state)
{
    static struct gc_roster roster;
    *state = &roster;
    return gc_roster_init(&roster, LEASE_MS);
}

static int
teardown(void **state)
{
    gc_roster_fini(*state);
    return 0;
}

static void
a_heartbeat_starts_and_prolongs_a_lease(void **state)
{
    const struct gc_roster_report report = { 10, 20, 30 };
    struct gc_roster_report got;
    struct gc_lease_row row;
    uint64_t silent;
    assert_int_equal(gc_roster_heard(*state, 1, 5, 100, &report), 0);
    assert_int_equal(gc_roster_heard(*state, 1, 5, 900, &report), 0);
    assert_int_equal(gc_roster_silent(*state, 900 + LEASE_MS - 1, &row, 1), 0);
    assert_int_equal(gc_roster_get(*state, 1, 1000, &silent, &got), 0);
    assert_int_equal(silent, 100);
    assert_int_equal(got.free_bytes, 10);
    assert_int_equal(got.n_blobs, 30);
}

static void
who_is_silent_for_a_lease_is_told_until_dropped(void **state)
{
    struct gc_lease_row row;
    gc_roster_expect(*state, 3, 1, 0);
    gc_roster_expect(*state, 3, 1, 500); /* known: no new lease */
    assert_int_equal(gc_roster_silent(*state, LEASE_MS + 1, &row, 1), 1);
    assert_int_equal(row.number, 3);
    assert_int_equal(gc_roster_silent(*state, LEASE_MS + 2, &row, 1), 1);
    gc_roster_drop(*state, 3, 1);
    assert_int_equal(gc_roster_silent(*state, LEASE_MS + 3, &row, 1), 0);
}

static void
an_earlier_incarnation_is_stale(void **state)
{
    const struct gc_roster_report report = { 0 };
    assert_int_equal(gc_roster_heard(*state, 1, 5, 0, &report), 0);
    assert_int_equal(gc_roster_heard(*state, 1, 4, 0, &report), GC_ESTALE);
}

static void
what_is_forgotten_gets_a_full_lease_again(void **state)
{
    struct gc_lease_row row;
    gc_roster_expect(*state, 3, 1, 0);
    gc_roster_forget(*state);
    assert_int_equal(gc_roster_silent(*state, 5 * LEASE_MS, &row, 1), 0);
    gc_roster_expect(*state, 3, 1, 5 * LEASE_MS);
    assert_int_equal(gc_roster_silent(*state, 6 * LEASE_MS - 1, &row, 1), 0);
    assert_int_equal(gc_roster_silent(*state, 6 * LEASE_MS, &row, 1), 1);
}

static void
an_unknown_server_is_not_found(void **state)
{
    struct gc_roster_report report;
    uint64_t silent;
    assert_int_equal(gc_roster_get(*state, 9, 0, &silent, &report), GC_ENOTFOUND);
}

static void
a_full_table_refuses_one_more(void **state)
{
    const struct gc_roster_report report = { 0 };
    for (uint32_t i = 1; i <= GC_ROSTER_MAX; i++) {
        assert_int_equal(gc_roster_heard(*state, i, 1, 0, &report), 0);
    }
    assert_int_equal(gc_roster_heard(*state, GC_ROSTER_MAX + 1, 1, 0, &report), GC_ELIMIT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_heartbeat_starts_and_prolongs_a_lease, setup, teardown),
        cmocka_unit_test_setup_teardown(who_is_silent_for_a_lease_is_told_until_dropped, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_earlier_incarnation_is_stale, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_forgotten_gets_a_full_lease_again, setup, teardown),
        cmocka_unit_test_setup_teardown(an_unknown_server_is_not_found, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_table_refuses_one_more, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
