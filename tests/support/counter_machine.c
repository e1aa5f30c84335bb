/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/counter_machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/macros.h"

enum { APPLIED, TIME, SUM };

#define T_COUNTER GC_CONSENSUS_N_TABLES
#define ROOM_MAX  1000u

static const char *const tables[] = { GC_CONSENSUS_TABLE_NAMES, "counter", NULL };
static const bool int_keys[] = { true, false, false };

static int
numbers_get(struct counter_env *env, struct gc_kv_txn *txn)
{
    struct gc_kv_val val;
    int rc = gc_kv_get(txn, T_COUNTER, gc_kv_val("n", 1), &val);

    if (rc == 0) {
        memcpy(env->numbers, val.data, sizeof(env->numbers));
    }
    return rc;
}

static int
numbers_put(struct counter_env *env, struct gc_kv_txn *txn)
{
    return gc_kv_put(txn, T_COUNTER, gc_kv_val("n", 1),
                     gc_kv_val(env->numbers, sizeof(env->numbers)));
}

void
counter_env_open(struct counter_env *env, bool mem, uint64_t time_ms)
{
    char path[96];
    struct gc_kv_conf conf = {
        .path = path, .tables = tables, .int_keys = int_keys, .map_bytes = 1u << 30
    };
    struct gc_kv_txn *txn;

    memset(env, 0, sizeof(*env));
    env->room = ROOM_MAX;
    snprintf(env->dir, sizeof(env->dir), "/tmp/gc_counter.XXXXXX");
    assert_non_null(mkdtemp(env->dir));
    snprintf(path, sizeof(path), "%s/raft.mdb", env->dir);
    conf.unsafe_no_sync = !mem;
    assert_int_equal(mem ? gc_kv_open_mem(&conf, &env->kv) : gc_kv_open(&conf, &env->kv), 0);
    assert_int_equal(gc_kv_begin(env->kv, true, &txn), 0);
    env->numbers[TIME] = time_ms;
    assert_int_equal(numbers_put(env, txn), 0);
    assert_int_equal(gc_kv_commit(txn), 0);
}

void
counter_env_close(struct counter_env *env)
{
    static const char *const files[] = { "raft.mdb", "raft.mdb-lock" };
    char path[96];

    gc_kv_close(env->kv);
    for (size_t i = 0; i < GC_ARRAY_LEN(files); i++) {
        snprintf(path, sizeof(path), "%s/%s", env->dir, files[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(env->dir), 0);
}

static int
machine_begin(void *arg, struct gc_kv_txn *txn, const struct gc_consensus_entry *entry)
{
    struct counter_env *env = arg;
    int rc;

    if (env->gate != NULL) {
        env->gate(env->gate_arg);
    }
    rc = numbers_get(env, txn);
    env->txn = txn;
    env->numbers[APPLIED] = entry->index;
    env->numbers[TIME] = entry->time_ms;
    return rc;
}

static int
machine_apply(void *arg, const void *data, size_t len, void *result)
{
    struct counter_env *env = arg;

    (void)data;
    env->numbers[SUM] += len;
    if (result != NULL) {
        memcpy(result, &env->numbers[SUM], sizeof(uint64_t));
    }
    return env->fail_rc;
}

static int
machine_end(void *arg)
{
    struct counter_env *env = arg;

    atomic_fetch_add(&env->n_entries, 1);
    return numbers_put(env, env->txn);
}

static void
machine_abandon(void *arg)
{
    struct counter_env *env = arg;

    env->txn = NULL;
}

static int
machine_status(void *arg, struct gc_kv_txn *txn, uint64_t *ret_applied, uint64_t *ret_time_ms,
               uint64_t *ret_room)
{
    struct counter_env *env = arg;
    int rc = numbers_get(env, txn);

    *ret_applied = env->numbers[APPLIED];
    *ret_time_ms = env->numbers[TIME];
    *ret_room = env->room;
    return rc;
}

static uint64_t
machine_room(void *arg)
{
    const struct counter_env *env = arg;

    return env->room;
}

struct gc_consensus_machine
counter_machine(struct counter_env *env)
{
    return (struct gc_consensus_machine){
        .arg = env,
        .begin = machine_begin,
        .apply = machine_apply,
        .end = machine_end,
        .abandon = machine_abandon,
        .status = machine_status,
        .room = machine_room,
        .room_max = ROOM_MAX,
    };
}

uint64_t
counter_env_sum(struct counter_env *env)
{
    struct gc_kv_txn *txn;

    assert_int_equal(gc_kv_begin(env->kv, false, &txn), 0);
    assert_int_equal(numbers_get(env, txn), 0);
    gc_kv_abort(txn);
    return env->numbers[SUM];
}

void
counter_env_set_applied(struct counter_env *env, struct gc_kv_txn *txn, uint64_t applied)
{
    assert_int_equal(numbers_get(env, txn), 0);
    env->numbers[APPLIED] = applied;
    assert_int_equal(numbers_put(env, txn), 0);
}
