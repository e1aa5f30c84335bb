/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The smallest state machine under a log: the sum of the lengths of all commands. A result is a
 * uint64_t, the sum after the command. */
#ifndef GC_TESTS_SUPPORT_COUNTER_MACHINE_H
#define GC_TESTS_SUPPORT_COUNTER_MACHINE_H

#include <stdatomic.h>

#include "consensus/core.h"

struct counter_env {
    struct gc_kv *kv;
    struct gc_kv_txn *txn; /* of the entry being applied */
    uint64_t numbers[3];   /* applied, time, sum; likewise */
    int fail_rc;           /* of the next applies */
    uint64_t room;         /* reported */
    atomic_uint n_entries;
    /* Called at the start of each entry, to hold the writer up. */
    void (*gate)(void *arg);
    void *gate_arg;
    char dir[64];
};

/* Tables "raft.log", "raft.meta" and the counter's own; time starts at TIME_MS. */
void counter_env_open(struct counter_env *env, bool mem, uint64_t time_ms);
void counter_env_close(struct counter_env *env);
struct gc_consensus_machine counter_machine(struct counter_env *env);
uint64_t counter_env_sum(struct counter_env *env);
void counter_env_set_applied(struct counter_env *env, struct gc_kv_txn *txn, uint64_t applied);

#endif
