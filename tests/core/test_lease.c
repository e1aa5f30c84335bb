/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "core/lease.h"

#define LEASE_MS 5000

struct fixture {
    struct gc_arena arena;
    struct gc_leases leases;
    struct gc_lease_row silent[8];
};

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    gc_arena_init(&f->arena, 4096);
    *state = f;
    return gc_leases_init(&f->leases, &f->arena, 4, LEASE_MS);
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    gc_arena_fini(&f->arena);
    free(f);
    return 0;
}

static size_t
silent(struct fixture *f, uint64_t now_ms)
{
    return gc_leases_silent(&f->leases, now_ms, f->silent, 8);
}

static void
an_empty_table_expects_nobody(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(silent(f, UINT64_MAX), 0);
    assert_int_equal(gc_leases_next_ms(&f->leases), UINT64_MAX);
}

static void
a_lease_lasts_to_its_last_millisecond(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(gc_leases_grant(&f->leases, 7, 1, 1000), 0);
    assert_int_equal(gc_leases_next_ms(&f->leases), 6000);
    assert_int_equal(silent(f, 5999), 0);
    assert_int_equal(silent(f, 6000), 1);
    assert_int_equal(f->silent[0].number, 7);
    assert_int_equal(f->silent[0].incarnation, 1);
    assert_int_equal(silent(f, 6001), 1); /* told until dropped */
    gc_leases_drop(&f->leases, 7, 1);
    assert_int_equal(silent(f, 6002), 0);
}

static void
a_heartbeat_renews_the_lease(void **state)
{
    struct fixture *f = *state;
    uint64_t ms = 0;
    assert_int_equal(gc_leases_grant(&f->leases, 7, 1, 1000), 0);
    assert_int_equal(gc_leases_heard(&f->leases, 7, 1, 4000), 0);
    assert_int_equal(silent(f, 8999), 0);
    assert_int_equal(gc_leases_silent_ms(&f->leases, 7, 8999, &ms), 0);
    assert_int_equal(ms, 4999);
    assert_int_equal(gc_leases_heard(&f->leases, 7, 1, 9500), 0); /* late, but not dropped yet */
    assert_int_equal(silent(f, 9600), 0);
}

static void
time_that_stands_behind_a_heartbeat_is_no_silence(void **state)
{
    struct fixture *f = *state;
    uint64_t ms = 77;
    assert_int_equal(gc_leases_grant(&f->leases, 7, 1, 10000), 0);
    assert_int_equal(silent(f, 0), 0);
    assert_int_equal(gc_leases_silent_ms(&f->leases, 7, 0, &ms), 0);
    assert_int_equal(ms, 0);
    assert_int_equal(gc_leases_heard(&f->leases, 7, 1, 9000), 0);
    assert_int_equal(gc_leases_next_ms(&f->leases), 15000);
}

static void
who_is_not_known_must_register(void **state)
{
    struct fixture *f = *state;
    uint64_t ms = 77;
    assert_int_equal(gc_leases_heard(&f->leases, 7, 1, 1000), GC_ENOTFOUND);
    assert_int_equal(gc_leases_silent_ms(&f->leases, 7, 1000, &ms), GC_ENOTFOUND);
    assert_int_equal(ms, 77);
    assert_int_equal(gc_leases_grant(&f->leases, 7, 3, 1000), 0);
    assert_int_equal(gc_leases_heard(&f->leases, 7, 4, 1000), GC_ENOTFOUND);
    gc_leases_drop(&f->leases, 7, 3);
    assert_int_equal(gc_leases_heard(&f->leases, 7, 3, 1000), GC_ENOTFOUND);
}

static void
an_earlier_incarnation_is_stale(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(gc_leases_grant(&f->leases, 7, 3, 1000), 0);
    assert_int_equal(gc_leases_heard(&f->leases, 7, 2, 5000), GC_ESTALE);
    assert_int_equal(gc_leases_grant(&f->leases, 7, 2, 5000), GC_ESTALE);
    gc_leases_drop(&f->leases, 7, 2);
    assert_int_equal(silent(f, 6000), 1);
    assert_int_equal(gc_leases_grant(&f->leases, 7, 4, 6000), 0);
    gc_leases_drop(&f->leases, 7, 3); /* the ServerDown of the old one comes late */
    assert_int_equal(gc_leases_heard(&f->leases, 7, 4, 6500), 0);
}

static void
silent_servers_come_by_number_and_at_most_as_many_as_asked(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(gc_leases_grant(&f->leases, 9, 1, 0), 0);
    assert_int_equal(gc_leases_grant(&f->leases, 2, 1, 0), 0);
    assert_int_equal(gc_leases_grant(&f->leases, 5, 1, 0), 0);
    assert_int_equal(gc_leases_heard(&f->leases, 5, 1, 100), 0);
    assert_int_equal(silent(f, 5000), 2);
    assert_int_equal(f->silent[0].number, 2);
    assert_int_equal(f->silent[1].number, 9);
    assert_int_equal(silent(f, 5100), 3);
    assert_int_equal(f->silent[1].number, 5);
    assert_int_equal(gc_leases_silent(&f->leases, 5100, f->silent, 1), 1);
    assert_int_equal(f->silent[0].number, 2);
    gc_leases_drop(&f->leases, 5, 1);
    assert_int_equal(silent(f, 5100), 2);
    assert_int_equal(f->silent[1].number, 9);
}

static void
a_new_leader_grants_everyone_a_full_lease(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(gc_leases_grant(&f->leases, 1, 1, 0), 0);
    assert_int_equal(gc_leases_grant(&f->leases, 2, 1, 0), 0);
    assert_int_equal(silent(f, 9000), 2);
    gc_leases_clear(&f->leases);
    assert_int_equal(silent(f, 9000), 0);
    assert_int_equal(gc_leases_grant(&f->leases, 1, 1, 9000), 0);
    assert_int_equal(gc_leases_grant(&f->leases, 2, 1, 9000), 0);
    assert_int_equal(silent(f, 13999), 0);
    assert_int_equal(silent(f, 14000), 2);
}

static void
a_full_table_takes_nobody_new(void **state)
{
    struct fixture *f = *state;
    for (uint32_t number = 1; number <= 4; number++) {
        assert_int_equal(gc_leases_grant(&f->leases, number, 1, 0), 0);
    }
    assert_int_equal(gc_leases_grant(&f->leases, 5, 1, 0), GC_ELIMIT);
    assert_int_equal(gc_leases_grant(&f->leases, 4, 2, 0), 0);
    gc_leases_drop(&f->leases, 1, 1);
    assert_int_equal(gc_leases_grant(&f->leases, 5, 1, 0), 0);
}

static void
an_arena_too_small_is_refused(void **state)
{
    struct fixture *f = *state;
    struct gc_leases leases;
    assert_int_equal(gc_leases_init(&leases, &f->arena, 1000, LEASE_MS), GC_ELIMIT);
    assert_int_equal(gc_leases_init(&leases, &f->arena, SIZE_MAX / 8, LEASE_MS), GC_ELIMIT);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(an_empty_table_expects_nobody),
        CASE(a_lease_lasts_to_its_last_millisecond),
        CASE(a_heartbeat_renews_the_lease),
        CASE(time_that_stands_behind_a_heartbeat_is_no_silence),
        CASE(who_is_not_known_must_register),
        CASE(an_earlier_incarnation_is_stale),
        CASE(silent_servers_come_by_number_and_at_most_as_many_as_asked),
        CASE(a_new_leader_grants_everyone_a_full_lease),
        CASE(a_full_table_takes_nobody_new),
        CASE(an_arena_too_small_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
