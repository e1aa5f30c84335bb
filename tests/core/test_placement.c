/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/macros.h"
#include "core/placement.h"

#define BLOBS 20000

static size_t
choose(const struct gc_placement_server *servers, size_t n_servers, uint64_t blob, size_t n,
       uint32_t *ret)
{
    struct gc_placement placement = { 3, blob, servers, n_servers };
    size_t ret_n = 77;
    assert_int_equal(gc_placement_choose(&placement, n, ret, &ret_n), 0);
    assert_true(ret_n <= n);
    return ret_n;
}

static bool
contains(const uint32_t *numbers, size_t n, uint32_t number)
{
    for (size_t i = 0; i < n; i++) {
        if (numbers[i] == number) {
            return true;
        }
    }
    return false;
}

/* N servers with numbers 1..N of weight 100 in one zone each. */
static void
make_servers(struct gc_placement_server *servers, size_t n, char zones[][8])
{
    for (size_t i = 0; i < n; i++) {
        snprintf(zones[i], 8, "z%zu", i);
        servers[i] =
            (struct gc_placement_server){ (uint32_t)i + 1, 100, gc_str_of(zones[i]), true };
    }
}

static void
the_choice_is_the_same_for_ever(void **state)
{
    const struct gc_placement_server servers[] = {
        { 1, 100, GC_STR("a"), true }, { 2, 200, GC_STR("b"), true }, { 3, 100, GC_STR("c"), true },
        { 4, 50, GC_STR("a"), true },  { 5, 300, GC_STR("b"), true },
    };
    static const uint32_t want[4][3] = { { 3, 2, 1 }, { 2, 4, 3 }, { 5, 1, 3 }, { 5, 1, 3 } };
    uint32_t got[3];
    (void)state;
    for (uint64_t blob = 0; blob < 4; blob++) {
        assert_int_equal(choose(servers, GC_ARRAY_LEN(servers), blob << 40, 3, got), 3);
        assert_memory_equal(got, want[blob], sizeof(got));
    }
}

static void
the_order_of_the_servers_does_not_matter(void **state)
{
    struct gc_placement_server servers[9];
    struct gc_placement_server reversed[9];
    char zones[9][8];
    uint32_t a[4];
    uint32_t b[4];
    (void)state;
    make_servers(servers, 9, zones);
    for (size_t i = 0; i < 9; i++) {
        reversed[i] = servers[8 - i];
    }
    for (uint64_t blob = 0; blob < 500; blob++) {
        choose(servers, 9, blob, 4, a);
        choose(reversed, 9, blob, 4, b);
        assert_memory_equal(a, b, sizeof(a));
    }
}

static void
servers_get_blobs_in_proportion_to_their_weights(void **state)
{
    static const uint32_t weights[] = { 1, 1, 2, 4, 8, 0 };
    struct gc_placement_server servers[6];
    char zones[6][8];
    unsigned count[7] = { 0 };
    uint32_t got;
    (void)state;
    make_servers(servers, 6, zones);
    for (size_t i = 0; i < 6; i++) {
        servers[i].weight = weights[i];
    }
    for (uint64_t blob = 0; blob < BLOBS; blob++) {
        assert_int_equal(choose(servers, 6, blob, 1, &got), 1);
        count[got]++;
    }
    for (size_t i = 0; i < 6; i++) {
        double want = (double)BLOBS * weights[i] / 16;
        assert_true(count[i + 1] >= want * 0.92 && count[i + 1] <= want * 1.08);
    }
}

static void
large_weights_are_exact(void **state)
{
    struct gc_placement_server servers[2];
    char zones[2][8];
    unsigned count[3] = { 0 };
    uint32_t got;
    (void)state;
    make_servers(servers, 2, zones);
    servers[0].weight = UINT32_MAX;
    servers[1].weight = UINT32_MAX / 3;
    for (uint64_t blob = 0; blob < BLOBS; blob++) {
        choose(servers, 2, blob, 1, &got);
        count[got]++;
    }
    assert_in_range(count[1], BLOBS * 73 / 100, BLOBS * 77 / 100);
}

static void
a_new_server_takes_only_its_share(void **state)
{
    struct gc_placement_server servers[11];
    char zones[11][8];
    unsigned moved = 0;
    (void)state;
    make_servers(servers, 11, zones);
    for (uint64_t blob = 0; blob < BLOBS; blob++) {
        uint32_t before[3];
        uint32_t after[3];
        choose(servers, 10, blob, 3, before);
        choose(servers, 11, blob, 3, after);
        for (size_t i = 0; i < 3; i++) {
            if (!contains(before, 3, after[i])) {
                assert_int_equal(after[i], 11); /* nothing moves between the old ones */
                moved++;
            }
        }
    }
    unsigned want = BLOBS * 3 / 11;
    assert_in_range(moved, want * 92 / 100, want * 108 / 100);
}

static void
a_lost_server_is_replaced_and_nothing_else_changes(void **state)
{
    struct gc_placement_server servers[10];
    char zones[10][8];
    (void)state;
    make_servers(servers, 10, zones);
    for (uint64_t blob = 0; blob < 2000; blob++) {
        uint32_t before[3];
        uint32_t after[3];
        servers[4].usable = true;
        choose(servers, 10, blob, 3, before);
        servers[4].usable = false;
        choose(servers, 10, blob, 3, after);
        assert_false(contains(after, 3, 5));
        for (size_t i = 0; i < 3; i++) {
            assert_true(before[i] == 5 || contains(after, 3, before[i]));
        }
    }
}

static void
count_zones(const uint32_t *numbers, size_t n, unsigned ret_zones[3])
{
    memset(ret_zones, 0, 3 * sizeof(ret_zones[0]));
    for (size_t i = 0; i < n; i++) {
        ret_zones[numbers[i] <= 3 ? 0 : numbers[i] <= 5 ? 1 : 2]++;
    }
}

static void
zones_are_used_evenly(void **state)
{
    const struct gc_placement_server servers[] = {
        { 1, 100, GC_STR("a"), true }, { 2, 900, GC_STR("a"), true }, { 3, 900, GC_STR("a"), true },
        { 4, 10, GC_STR("b"), true },  { 5, 10, GC_STR("b"), true },  { 6, 1, GC_STR("c"), true },
    };
    static const unsigned after_3[3] = { 1, 1, 1 };
    static const unsigned after_5[3] = { 2, 2, 1 };
    (void)state;
    for (uint64_t blob = 0; blob < 500; blob++) {
        uint32_t got[6];
        unsigned zones[3];
        assert_int_equal(choose(servers, 6, blob, 6, got), 6);
        count_zones(got, 3, zones);
        assert_memory_equal(zones, after_3, sizeof(zones));
        count_zones(got, 5, zones);
        assert_memory_equal(zones, after_5, sizeof(zones));
    }
}

static void
a_choice_of_fewer_is_the_beginning_of_one_of_more(void **state)
{
    struct gc_placement_server servers[8];
    char zones[8][8];
    (void)state;
    make_servers(servers, 8, zones);
    servers[1].zone = servers[0].zone;
    servers[3].zone = servers[2].zone;
    for (uint64_t blob = 0; blob < 300; blob++) {
        uint32_t all[8];
        uint32_t some[8];
        choose(servers, 8, blob, 8, all);
        for (size_t n = 0; n < 8; n++) {
            assert_int_equal(choose(servers, 8, blob, n, some), n);
            assert_memory_equal(all, some, n * sizeof(all[0]));
        }
    }
}

static void
too_few_usable_servers_give_what_there_is(void **state)
{
    struct gc_placement_server servers[4];
    char zones[4][8];
    uint32_t got[4];
    (void)state;
    make_servers(servers, 4, zones);
    servers[0].usable = false;
    servers[1].weight = 0;
    assert_int_equal(choose(servers, 4, 1, 4, got), 2);
    assert_false(contains(got, 2, 1));
    assert_false(contains(got, 2, 2));
    assert_int_equal(choose(servers, 0, 1, 4, got), 0);
    assert_int_equal(choose(NULL, 0, 1, 4, got), 0);
}

static void
more_servers_than_the_limit_are_refused(void **state)
{
    static struct gc_placement_server servers[GC_PLACEMENT_SERVERS_MAX + 1];
    struct gc_placement placement = { 1, 1, servers, GC_PLACEMENT_SERVERS_MAX + 1 };
    uint32_t got[GC_PLACEMENT_CHOICES_MAX];
    size_t n = 77;
    (void)state;
    for (uint32_t i = 0; i <= GC_PLACEMENT_SERVERS_MAX; i++) {
        servers[i] = (struct gc_placement_server){ i, 1, GC_STR("z"), true };
    }
    assert_int_equal(gc_placement_choose(&placement, 3, got, &n), GC_ELIMIT);
    assert_int_equal(n, 77);
    placement.n_servers--;
    assert_int_equal(gc_placement_choose(&placement, GC_PLACEMENT_CHOICES_MAX, got, &n), 0);
    assert_int_equal(n, GC_PLACEMENT_CHOICES_MAX);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_choice_is_the_same_for_ever),
        cmocka_unit_test(the_order_of_the_servers_does_not_matter),
        cmocka_unit_test(servers_get_blobs_in_proportion_to_their_weights),
        cmocka_unit_test(large_weights_are_exact),
        cmocka_unit_test(a_new_server_takes_only_its_share),
        cmocka_unit_test(a_lost_server_is_replaced_and_nothing_else_changes),
        cmocka_unit_test(zones_are_used_evenly),
        cmocka_unit_test(a_choice_of_fewer_is_the_beginning_of_one_of_more),
        cmocka_unit_test(too_few_usable_servers_give_what_there_is),
        cmocka_unit_test(more_servers_than_the_limit_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
