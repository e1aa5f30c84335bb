/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The simulator's own parts: order of events, network, disk, and that a seed says everything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "tests/sim/disk.h"
#include "tests/sim/kernel.h"
#include "tests/sim/net.h"

struct seen {
    struct sim *sim;
    uint64_t tags[4096];
    uint64_t at_us[4096];
    size_t n;
};

static void
on_event(void *arg, uint64_t tag)
{
    struct seen *seen = arg;

    seen->at_us[seen->n] = seen->sim->now_us;
    seen->tags[seen->n++] = tag;
}

static void
events_run_by_time_and_at_one_moment_in_order(void **state)
{
    static struct seen seen;
    struct sim sim;

    (void)state;
    sim_init(&sim, 1);
    seen = (struct seen){ .sim = &sim };
    for (uint64_t i = 0; i < 1000; i++) {
        sim_after(&sim, sim_below(&sim, 50), on_event, &seen, i);
    }
    sim_run_until(&sim, 20);
    assert_int_equal(sim.now_us, 20);
    assert_true(seen.n > 0 && seen.n < 1000);
    sim_run_until(&sim, 1000);
    assert_int_equal(seen.n, 1000);
    for (size_t i = 1; i < seen.n; i++) {
        assert_true(seen.at_us[i - 1] < seen.at_us[i] ||
                    (seen.at_us[i - 1] == seen.at_us[i] && seen.tags[i - 1] < seen.tags[i]));
    }
    sim_fini(&sim);
}

static void
a_failure_ends_the_run_and_keeps_the_first_reason(void **state)
{
    static struct seen seen;
    struct sim sim;

    (void)state;
    sim_init(&sim, 1);
    seen = (struct seen){ .sim = &sim };
    sim_after(&sim, 1, on_event, &seen, 0);
    sim_fail(&sim, "first %d", 1);
    sim_fail(&sim, "second");
    sim_run_until(&sim, 10);
    assert_int_equal(seen.n, 0);
    assert_string_equal(sim.failure, "first 1");
    sim_fini(&sim);
}

/* --- network --- */

static void
on_msg(void *arg, const struct sim_msg *msg)
{
    struct seen *seen = arg;

    assert_int_equal(msg->len, 3);
    assert_memory_equal(msg->data, "abc", 3);
    seen->tags[seen->n++] = msg->tag;
}

static uint64_t
net_run(uint64_t seed, const struct sim_net_faults *faults, struct seen *seen,
        void (*change)(struct sim_net *net))
{
    struct sim_net net;
    struct sim sim;
    uint64_t hash;

    sim_init(&sim, seed);
    sim_net_init(&net, &sim);
    *seen = (struct seen){ .sim = &sim };
    net.faults = *faults;
    for (unsigned i = 0; i < 2; i++) {
        net.nodes[i] = (struct sim_net_node){ .deliver = on_msg, .arg = seen, .up = true };
    }
    if (change != NULL) {
        change(&net);
    }
    for (uint64_t i = 0; i < 1000; i++) {
        struct sim_msg *msg = sim_msg_new(1, 0, 1, "abc", 3);

        msg->tag = i;
        sim_net_send(&net, msg);
        sim_run_until(&sim, sim.now_us + 10);
    }
    sim_run_until(&sim, sim.now_us + 500);
    for (size_t i = 0; i < seen->n; i++) {
        sim_trace(&sim, "%d", (int)seen->tags[i]);
    }
    hash = sim.trace_hash;
    sim_net_fini(&net); /* also what is still on its way */
    sim_fini(&sim);
    return hash;
}

static void
the_network_loses_doubles_and_reorders_as_told(void **state)
{
    static struct seen seen;
    struct sim_net_faults faults = { .delay_min_us = 100, .delay_max_us = 100 };
    size_t n_disorder = 0;

    (void)state;
    net_run(1, &faults, &seen, NULL);
    assert_int_equal(seen.n, 1000);
    for (size_t i = 0; i < seen.n; i++) {
        assert_int_equal(seen.tags[i], i);
    }
    faults.loss_permille = 500;
    net_run(1, &faults, &seen, NULL);
    assert_in_range(seen.n, 400, 600);
    faults.loss_permille = 0;
    faults.dup_permille = 500;
    net_run(1, &faults, &seen, NULL);
    assert_in_range(seen.n, 1400, 1600);
    faults.dup_permille = 0;
    faults.delay_max_us = 400;
    net_run(1, &faults, &seen, NULL);
    for (size_t i = 1; i < seen.n; i++) {
        n_disorder += seen.tags[i] < seen.tags[i - 1];
    }
    assert_true(n_disorder > 100);
    faults.late_permille = 500;
    faults.late_max_us = 1000000;
    net_run(1, &faults, &seen, NULL);
    assert_true(seen.n < 700); /* the others are still on their way */
}

static void
cut_off(struct sim_net *net)
{
    net->nodes[1].group = 1;
}

static void
down(struct sim_net *net)
{
    net->nodes[1].up = false;
}

static void
nothing_arrives_at_a_node_that_is_down_or_cut_off(void **state)
{
    static struct seen seen;
    const struct sim_net_faults faults = { .delay_min_us = 1, .delay_max_us = 1 };

    (void)state;
    net_run(1, &faults, &seen, cut_off);
    assert_int_equal(seen.n, 0);
    net_run(1, &faults, &seen, down);
    assert_int_equal(seen.n, 0);
}

static void
a_seed_says_everything(void **state)
{
    static struct seen seen;
    const struct sim_net_faults faults = { 100, 100, 100, 10, 400, 1000 };
    uint64_t hash = net_run(7, &faults, &seen, NULL);

    (void)state;
    assert_true(net_run(7, &faults, &seen, NULL) == hash);
    assert_true(net_run(8, &faults, &seen, NULL) != hash);
}

/* --- disk --- */

static void
on_durable(void *arg)
{
    *(bool *)arg = true;
}

static void
put(struct sim_disk *disk, const char *key)
{
    struct gc_kv_txn *txn;

    sim_disk_hold(disk);
    assert_int_equal(gc_kv_begin(disk->kv, true, &txn), 0);
    assert_int_equal(gc_kv_put(txn, 0, gc_kv_val(key, 1), gc_kv_val("v", 1)), 0);
    assert_int_equal(gc_kv_commit(txn), 0);
}

static int
get(struct sim_disk *disk, const char *key)
{
    struct gc_kv_txn *txn;
    struct gc_kv_val val;
    int rc;

    assert_int_equal(gc_kv_begin(disk->kv, false, &txn), 0);
    rc = gc_kv_get(txn, 0, gc_kv_val(key, 1), &val);
    gc_kv_abort(txn);
    return rc;
}

static void
a_crash_takes_what_was_not_synced(void **state)
{
    static const char *const tables[] = { "t", NULL };
    const struct gc_kv_conf conf = { .tables = tables };
    struct sim_disk disk;
    struct sim sim;
    bool durable = false;

    (void)state;
    sim_init(&sim, 1);
    sim_disk_open(&disk, &sim, &conf);
    put(&disk, "a");
    sim_disk_sync(&disk, on_durable, &durable);
    assert_false(durable);
    sim_run_until(&sim, 1000000);
    assert_true(durable);
    put(&disk, "b");
    durable = false;
    sim_disk_sync(&disk, on_durable, &durable);
    sim_disk_crash(&disk);
    sim_run_until(&sim, 2000000);
    assert_false(durable);
    assert_int_equal(get(&disk, "a"), 0);
    assert_int_equal(get(&disk, "b"), GC_ENOTFOUND);
    sim_disk_close(&disk);
    sim_fini(&sim);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_run_by_time_and_at_one_moment_in_order),
        cmocka_unit_test(a_failure_ends_the_run_and_keeps_the_first_reason),
        cmocka_unit_test(the_network_loses_doubles_and_reorders_as_told),
        cmocka_unit_test(nothing_arrives_at_a_node_that_is_down_or_cut_off),
        cmocka_unit_test(a_seed_says_everything),
        cmocka_unit_test(a_crash_takes_what_was_not_synced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
