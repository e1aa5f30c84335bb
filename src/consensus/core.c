/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "consensus/core.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "consensus/log.h"

/* Reckoning from an anchor a while ago keeps what whole milliseconds would lose each time. */
#define ANCHOR_MS 1000u
#define SLEW_PART 10u

/* Compare log and state, and see that the last entry can be read. */
static int
core_load(struct gc_consensus_core *core, struct gc_kv_txn *txn)
{
    const struct gc_consensus_machine *machine = &core->conf.machine;
    struct gc_consensus_entry entry;
    uint64_t applied;
    size_t len;
    int rc = machine->status(machine->arg, txn, &applied, &core->time_ms, &core->room);

    if (rc == 0) {
        rc = gc_log_load(core, txn, applied);
    }
    if (rc == 0 && core->last_index != applied) {
        rc = GC_ECORRUPT;
    }
    if (rc == 0 && core->first_index <= core->last_index) {
        rc = gc_consensus_core_read(core, txn, core->last_index, core->entry, &entry, &len);
        rc = rc == GC_ENOTFOUND ? GC_ECORRUPT : rc;
    }
    return rc;
}

int
gc_consensus_core_open(struct gc_consensus_core *core, const struct gc_consensus_core_conf *conf,
                       const struct gc_consensus_now *now)
{
    struct gc_kv_txn *txn = NULL;
    int rc;

    *core = (struct gc_consensus_core){ .conf = *conf, .anchor_now = *now };
    core->entry = malloc(GC_CONSENSUS_ENTRY_BYTES_MAX);
    if (core->entry == NULL) {
        return -ENOMEM;
    }
    rc = gc_kv_begin(conf->kv, true, &txn);
    if (rc == 0) {
        rc = core_load(core, txn);
    }
    core->anchor_time_ms = core->time_ms;
    if (rc == 0) {
        core->term++;
        rc = gc_log_save(core, txn);
    }
    if (rc == 0) {
        rc = gc_kv_commit(txn);
        txn = NULL; /* commit frees it, whatever it returns */
    }
    if (rc != 0) {
        gc_kv_abort(txn);
        gc_consensus_core_close(core);
    }
    return rc;
}

void
gc_consensus_core_close(struct gc_consensus_core *core)
{
    free(core->entry);
    core->entry = NULL;
}

uint64_t
gc_consensus_core_time(const struct gc_consensus_core *core, const struct gc_consensus_now *now)
{
    uint64_t elapsed = now->mono_ms - GC_MIN(now->mono_ms, core->anchor_now.mono_ms);
    uint64_t time_ms = core->anchor_time_ms + elapsed;
    uint64_t slew_max = elapsed / SLEW_PART;

    if (time_ms < now->wall_ms) {
        time_ms += GC_MIN(slew_max, now->wall_ms - time_ms);
    } else {
        time_ms -= GC_MIN(slew_max, time_ms - now->wall_ms);
    }
    return GC_MAX(time_ms, core->time_ms);
}

size_t
gc_consensus_core_fit(const struct gc_consensus_op *ops, size_t n_ops)
{
    size_t bytes = 0;
    size_t n = 0;

    while (n < n_ops && n < GC_CONSENSUS_BATCH_MAX) {
        if (n > 0 && ops[n].len > GC_CONSENSUS_BATCH_BYTES -
                                      GC_MIN(bytes, (size_t)GC_CONSENSUS_BATCH_BYTES)) {
            break;
        }
        bytes += ops[n].len;
        n++;
    }
    return n;
}

static int
machine_apply(struct gc_consensus_core *core, struct gc_kv_txn *txn,
              const struct gc_consensus_entry *entry, const struct gc_consensus_op *ops,
              size_t n_ops)
{
    const struct gc_consensus_machine *machine = &core->conf.machine;
    int rc = machine->begin(machine->arg, txn, entry);

    for (size_t i = 0; rc == 0 && i < n_ops; i++) {
        rc = machine->apply(machine->arg, ops[i].data, ops[i].len, ops[i].result);
    }
    if (rc == 0) {
        rc = machine->end(machine->arg);
    }
    if (rc != 0) {
        machine->abandon(machine->arg);
    }
    return rc;
}

/* Log and state in one transaction: after a crash both have the entry or neither. */
static int
entry_commit(struct gc_consensus_core *core, const struct gc_consensus_entry *entry,
             const struct gc_consensus_op *ops, size_t n_ops)
{
    size_t len = gc_log_encode(core, entry, ops, n_ops);
    struct gc_kv_txn *txn;
    int rc = gc_kv_begin(core->conf.kv, true, &txn);

    if (rc != 0) {
        return rc;
    }
    rc = gc_log_append(core, txn, entry->index, len);
    if (rc == 0) {
        rc = machine_apply(core, txn, entry, ops, n_ops);
    }
    core->last_index = entry->index;
    if (rc == 0) {
        rc = gc_log_trim(core, txn);
    }
    if (rc == 0) {
        rc = gc_log_save(core, txn);
    }
    if (rc != 0) {
        gc_kv_abort(txn);
        return rc;
    }
    return gc_kv_commit(txn);
}

int
gc_consensus_core_run(struct gc_consensus_core *core, const struct gc_consensus_now *now,
                      const struct gc_consensus_op *ops, size_t n_ops, uint64_t *ret_index)
{
    struct gc_consensus_entry entry = {
        .index = core->last_index + 1,
        .term = core->term,
        .time_ms = gc_consensus_core_time(core, now),
    };

    assert(gc_consensus_core_fit(ops, n_ops) == n_ops);
    if (core->rc != 0) {
        return core->rc;
    }
    core->rc = entry_commit(core, &entry, ops, n_ops);
    if (core->rc != 0) {
        return core->rc;
    }
    core->time_ms = entry.time_ms;
    core->room = core->conf.machine.room(core->conf.machine.arg);
    if (now->mono_ms >= core->anchor_now.mono_ms + ANCHOR_MS) {
        core->anchor_now = *now;
        core->anchor_time_ms = entry.time_ms;
    }
    *ret_index = entry.index;
    return 0;
}
