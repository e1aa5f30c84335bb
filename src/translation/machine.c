/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "translation/machine.h"

#include "meta/query.h"

static int
machine_begin(void *arg, struct gc_kv_txn *txn, const struct gc_consensus_entry *entry)
{
    const struct gc_meta_entry e = { entry->index, entry->term, entry->time_ms };
    return gc_meta_begin(arg, txn, &e);
}

static int
machine_apply(void *arg, const void *data, size_t len, void *result)
{
    return gc_meta_apply(arg, data, len, result);
}

static int
machine_end(void *arg)
{
    return gc_meta_end(arg);
}

static void
machine_abandon(void *arg)
{
    gc_meta_abandon(arg);
}

static int
machine_status(void *arg, struct gc_kv_txn *txn, uint64_t *ret_applied, uint64_t *ret_time_ms,
               uint64_t *ret_room)
{
    const struct gc_meta_read rd = { .meta = arg, .txn = txn };
    struct gc_meta_state state;
    int rc = gc_meta_get_state(&rd, &state);
    if (rc == 0) {
        *ret_applied = state.applied_index;
        *ret_time_ms = state.time_ms;
        *ret_room = GC_META_DEDUP_MAX - state.n_dedup;
    }
    return rc;
}

static uint64_t
machine_room(void *arg)
{
    const struct gc_meta *meta = arg;
    return GC_META_DEDUP_MAX - meta->state.n_dedup;
}

struct gc_consensus_machine
gc_machine(struct gc_meta *meta)
{
    struct gc_consensus_machine machine = {
        .arg = meta,
        .begin = machine_begin,
        .apply = machine_apply,
        .end = machine_end,
        .abandon = machine_abandon,
        .status = machine_status,
        .room = machine_room,
        .room_max = GC_META_DEDUP_MAX,
    };
    return machine;
}
