/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The log under a state machine that counts, on both backends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "consensus/core.h"
#include "tests/support/counter_machine.h"

#define TIME_0 1000000u

struct fixture {
    struct counter_env env;
    struct gc_consensus_core core;
    struct gc_consensus_core_conf conf;
    struct gc_consensus_now now;
};

static void
core_open(struct fixture *f)
{
    assert_int_equal(gc_consensus_core_open(&f->core, &f->conf, &f->now), 0);
}

static int
setup(void **state, bool mem)
{
    struct fixture *f = calloc(1, sizeof(*f));

    counter_env_open(&f->env, mem, TIME_0);
    f->conf = (struct gc_consensus_core_conf){
        .kv = f->env.kv,
        .table0 = 0,
        .machine = counter_machine(&f->env),
        .log_keep_entries = 100,
        .log_keep_bytes = 1u << 20,
    };
    f->now = (struct gc_consensus_now){ .mono_ms = 5000, .wall_ms = TIME_0 };
    core_open(f);
    *state = f;
    return 0;
}

static int
setup_mem(void **state)
{
    return setup(state, true);
}

static int
setup_lmdb(void **state)
{
    return setup(state, false);
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    gc_consensus_core_close(&f->core);
    counter_env_close(&f->env);
    free(f);
    return 0;
}

static void
reopen(struct fixture *f)
{
    gc_consensus_core_close(&f->core);
    core_open(f);
}

static uint64_t
run(struct fixture *f, const void *data, size_t len)
{
    struct gc_consensus_op op = { .data = data, .len = len };
    uint64_t index;

    assert_int_equal(gc_consensus_core_run(&f->core, &f->now, &op, len > 0 ? 1 : 0, &index), 0);
    return index;
}

static int
read_entry(struct fixture *f, uint64_t index, uint8_t *data, struct gc_consensus_entry *entry,
           size_t *len)
{
    struct gc_kv_txn *txn;
    int rc;

    assert_int_equal(gc_kv_begin(f->env.kv, false, &txn), 0);
    rc = gc_consensus_core_read(&f->core, txn, index, data, entry, len);
    gc_kv_abort(txn);
    return rc;
}

static void
a_batch_is_one_entry_with_a_result_for_each_command(void **state)
{
    struct fixture *f = *state;
    uint64_t results[3] = { 0 };
    struct gc_consensus_op ops[3] = { { "a", 1, &results[0] },
                                      { "bb", 2, &results[1] },
                                      { "ccc", 3, NULL } };
    uint8_t *data = malloc(GC_CONSENSUS_ENTRY_BYTES_MAX);
    struct gc_consensus_entry entry;
    const void *cmd;
    uint64_t index;
    size_t cmd_len;
    size_t pos = 0;
    size_t len;

    assert_int_equal(gc_consensus_core_run(&f->core, &f->now, ops, 3, &index), 0);
    assert_int_equal(index, 1);
    assert_int_equal(results[0], 1);
    assert_int_equal(results[1], 3);
    assert_int_equal(counter_env_sum(&f->env), 6);
    assert_int_equal(read_entry(f, 1, data, &entry, &len), 0);
    assert_int_equal(entry.time_ms, TIME_0);
    assert_int_equal(entry.term, 1);
    for (size_t i = 0; i < 3; i++) {
        assert_true(gc_consensus_entry_next(data, len, &pos, &cmd, &cmd_len));
        assert_int_equal(cmd_len, ops[i].len);
        assert_memory_equal(cmd, ops[i].data, cmd_len);
    }
    assert_false(gc_consensus_entry_next(data, len, &pos, &cmd, &cmd_len));
    assert_int_equal(pos, len);
    assert_int_equal(read_entry(f, 2, data, &entry, &len), GC_ENOTFOUND);
    free(data);
}

static void
a_largest_command_goes_through_the_log_in_pieces(void **state)
{
    struct fixture *f = *state;
    uint8_t *big = malloc(GC_CONSENSUS_COMMAND_BYTES_MAX);
    uint8_t *data = malloc(GC_CONSENSUS_ENTRY_BYTES_MAX);
    struct gc_consensus_entry entry;
    const void *cmd;
    size_t cmd_len;
    size_t pos = 0;
    size_t len;

    for (size_t i = 0; i < GC_CONSENSUS_COMMAND_BYTES_MAX; i++) {
        big[i] = (uint8_t)(i * 7 >> 3);
    }
    run(f, "x", 1);
    run(f, big, GC_CONSENSUS_COMMAND_BYTES_MAX);
    run(f, "y", 1);
    reopen(f);
    assert_int_equal(read_entry(f, 2, data, &entry, &len), 0);
    assert_true(gc_consensus_entry_next(data, len, &pos, &cmd, &cmd_len));
    assert_int_equal(cmd_len, GC_CONSENSUS_COMMAND_BYTES_MAX);
    assert_memory_equal(cmd, big, cmd_len);
    free(data);
    free(big);
}

static void
what_fits_a_batch_is_cut_by_bytes_and_by_number(void **state)
{
    struct gc_consensus_op ops[GC_CONSENSUS_BATCH_MAX + 1];

    (void)state;
    for (size_t i = 0; i < GC_CONSENSUS_BATCH_MAX + 1; i++) {
        ops[i] = (struct gc_consensus_op){ .len = 1 };
    }
    assert_int_equal(gc_consensus_core_fit(ops, 0), 0);
    assert_int_equal(gc_consensus_core_fit(ops, GC_CONSENSUS_BATCH_MAX + 1),
                     GC_CONSENSUS_BATCH_MAX);
    ops[0].len = GC_CONSENSUS_COMMAND_BYTES_MAX;
    assert_int_equal(gc_consensus_core_fit(ops, 5), 1);
    ops[0].len = 40000;
    ops[1].len = GC_CONSENSUS_BATCH_BYTES - 40000;
    assert_int_equal(gc_consensus_core_fit(ops, 2), 2);
    assert_int_equal(gc_consensus_core_fit(ops, 3), 2);
    ops[1].len++;
    assert_int_equal(gc_consensus_core_fit(ops, 2), 1);
}

static void
a_restart_goes_on_where_the_log_ends_in_a_new_term(void **state)
{
    struct fixture *f = *state;

    run(f, "abc", 3);
    assert_int_equal(f->core.term, 1);
    reopen(f);
    assert_int_equal(f->core.term, 2);
    assert_int_equal(f->core.last_index, 1);
    assert_int_equal(run(f, "d", 1), 2);
    assert_int_equal(counter_env_sum(&f->env), 4);
}

static void
the_log_is_trimmed_by_number_and_by_bytes(void **state)
{
    struct fixture *f = *state;
    uint8_t *data = malloc(GC_CONSENSUS_ENTRY_BYTES_MAX);
    struct gc_consensus_entry entry;
    size_t len;

    for (unsigned i = 0; i < 250; i++) {
        run(f, "abc", 3);
    }
    assert_int_equal(f->core.first_index, 151);
    assert_int_equal(f->core.last_index, 250);
    assert_int_equal(read_entry(f, 150, data, &entry, &len), GC_ENOTFOUND);
    assert_int_equal(read_entry(f, 151, data, &entry, &len), 0);
    assert_int_equal(f->core.log_bytes, 100 * (25 + 4 + 3));
    memset(data, 0, 50000);
    for (unsigned i = 0; i < 30; i++) {
        run(f, data, 50000);
    }
    assert_true(f->core.log_bytes <= 1u << 20);
    reopen(f);
    assert_int_equal(f->core.last_index, 280);
    assert_int_equal(f->core.first_index, 280 - 20 + 1);
    free(data);
}

static void
a_failure_of_the_machine_stops_the_log_and_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct gc_consensus_op op = { .data = "zz", .len = 2 };
    uint64_t index;

    run(f, "abc", 3);
    f->env.fail_rc = -5;
    assert_int_equal(gc_consensus_core_run(&f->core, &f->now, &op, 1, &index), -5);
    f->env.fail_rc = 0;
    assert_int_equal(gc_consensus_core_run(&f->core, &f->now, &op, 1, &index), -5);
    assert_int_equal(counter_env_sum(&f->env), 3);
    reopen(f);
    assert_int_equal(run(f, "zz", 2), 2);
    assert_int_equal(counter_env_sum(&f->env), 5);
}

static void
a_log_that_does_not_fit_the_state_is_not_opened(void **state)
{
    struct fixture *f = *state;
    struct gc_consensus_core other;
    struct gc_kv_txn *txn;

    run(f, "abc", 3);
    assert_int_equal(gc_kv_begin(f->env.kv, true, &txn), 0);
    counter_env_set_applied(&f->env, txn, 7);
    assert_int_equal(gc_kv_commit(txn), 0);
    assert_int_equal(gc_consensus_core_open(&other, &f->conf, &f->now), GC_ECORRUPT);
}

static void
a_flipped_bit_in_the_last_entry_is_found_at_open(void **state)
{
    struct fixture *f = *state;
    struct gc_consensus_core other;
    struct gc_kv_val val;
    struct gc_kv_txn *txn;
    uint64_t key = 1 << 8;
    uint8_t copy[64];

    run(f, "abc", 3);
    assert_int_equal(gc_kv_begin(f->env.kv, true, &txn), 0);
    assert_int_equal(gc_kv_get(txn, GC_CONSENSUS_T_LOG, gc_kv_val(&key, sizeof(key)), &val), 0);
    memcpy(copy, val.data, val.len);
    copy[val.len - 1] ^= 1;
    assert_int_equal(
        gc_kv_put(txn, GC_CONSENSUS_T_LOG, gc_kv_val(&key, sizeof(key)), gc_kv_val(copy, val.len)),
        0);
    assert_int_equal(gc_kv_commit(txn), 0);
    assert_int_equal(gc_consensus_core_open(&other, &f->conf, &f->now), GC_ECORRUPT);
}

/* --- state time --- */

static uint64_t
time_at(struct fixture *f, uint64_t mono_ms, int64_t wall_off)
{
    struct gc_consensus_now now = { .mono_ms = 5000 + mono_ms,
                                    .wall_ms = (uint64_t)((int64_t)TIME_0 + wall_off) };

    return gc_consensus_core_time(&f->core, &now) - TIME_0;
}

static void
state_time_follows_the_monotonic_clock_and_slews_by_a_tenth(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(time_at(f, 1000, 1000), 1000);
    assert_int_equal(time_at(f, 1000, 1050), 1050);
    assert_int_equal(time_at(f, 1000, 50000000), 1100);
    assert_int_equal(time_at(f, 1000, 950), 950);
    assert_int_equal(time_at(f, 1000, -50000), 900);
    assert_int_equal(time_at(f, 0, 50000), 0);
}

static void
state_time_never_goes_back_and_small_steps_lose_nothing(void **state)
{
    struct fixture *f = *state;
    struct gc_consensus_now start = f->now;
    uint64_t before = 0;

    for (unsigned i = 1; i <= 5000; i++) {
        f->now = (struct gc_consensus_now){ start.mono_ms + 3 * i, start.wall_ms + 1000000 };
        run(f, NULL, 0);
        assert_true(f->core.time_ms >= before);
        before = f->core.time_ms;
    }
    /* 15 s have passed, and the wall is far ahead. */
    assert_in_range(before - TIME_0, 16490, 16500);
    f->now.mono_ms = 0; /* another boot */
    f->now.wall_ms = 0;
    run(f, NULL, 0);
    assert_int_equal(f->core.time_ms, before);
    reopen(f);
    run(f, NULL, 0);
    assert_int_equal(f->core.time_ms, before);
}

#define BOTH(test)                                          \
    { #test " (memory)", test, setup_mem, teardown, NULL }, \
    {                                                       \
#test " (LMDB)", test, setup_lmdb, teardown, NULL   \
    }

int
main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(a_batch_is_one_entry_with_a_result_for_each_command),
        BOTH(a_largest_command_goes_through_the_log_in_pieces),
        BOTH(what_fits_a_batch_is_cut_by_bytes_and_by_number),
        BOTH(a_restart_goes_on_where_the_log_ends_in_a_new_term),
        BOTH(the_log_is_trimmed_by_number_and_by_bytes),
        BOTH(a_failure_of_the_machine_stops_the_log_and_changes_nothing),
        BOTH(a_log_that_does_not_fit_the_state_is_not_opened),
        BOTH(a_flipped_bit_in_the_last_entry_is_found_at_open),
        BOTH(state_time_follows_the_monotonic_clock_and_slews_by_a_tenth),
        BOTH(state_time_never_goes_back_and_small_steps_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
