/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Entries and what all commands have in common: at most once, not after their time. */
#include "meta/apply.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "meta/meta.h"

#define CLUSTER_VERSION 1u
#define ARENA_MAX       (8u << 20)
/* Results forgotten per entry and per command: more than commands add, so that they keep up. */
#define EXPIRE_PER_ENTRY   64u
#define EXPIRE_PER_COMMAND 2u

int
gc_meta_init(struct gc_meta *meta, unsigned table0)
{
    memset(meta, 0, sizeof(*meta));
    meta->table0 = table0;
    meta->row = malloc(GC_KV_VALUE_MAX);
    if (meta->row == NULL) {
        return -ENOMEM;
    }
    gc_arena_init(&meta->arena, ARENA_MAX);
    return 0;
}

void
gc_meta_fini(struct gc_meta *meta)
{
    free(meta->row);
    meta->row = NULL;
    gc_arena_fini(&meta->arena);
}

int
gc_meta_create(struct gc_meta *meta, struct gc_kv_txn *txn, const uint8_t cluster_id[16],
               uint64_t state_time_ms)
{
    struct gc_meta_state state;
    int rc = gc_meta_store_load_state(meta, txn, &state);

    if (rc != GC_ENOTFOUND) {
        return rc == 0 ? GC_EEXISTS : rc;
    }
    meta->state = (struct gc_meta_state){
        .cluster_version = CLUSTER_VERSION,
        .time_ms = state_time_ms,
        .next_id = 1,
        .next_epoch = 1,
        .next_gc_seq = 1,
        .next_server = 1,
    };
    memcpy(meta->state.cluster_id, cluster_id, sizeof(meta->state.cluster_id));
    meta->txn = txn;
    rc = gc_meta_store_save_state(meta);
    meta->txn = NULL;
    return rc;
}

int
gc_meta_begin(struct gc_meta *meta, struct gc_kv_txn *txn, const struct gc_meta_entry *entry)
{
    int rc;

    assert(!meta->open);
    rc = gc_meta_store_load_state(meta, txn, &meta->state);
    if (rc != 0) {
        return rc;
    }
    if (entry->index != meta->state.applied_index + 1 || entry->term < meta->state.applied_term) {
        return GC_ESTALE;
    }
    meta->txn = txn;
    meta->open = true;
    meta->state.applied_index = entry->index;
    meta->state.applied_term = entry->term;
    if (entry->time_ms > meta->state.time_ms) {
        meta->state.time_ms = entry->time_ms;
    }
    return gc_meta_dedup_expire(meta, EXPIRE_PER_ENTRY);
}

int
gc_meta_end(struct gc_meta *meta)
{
    int rc;

    assert(meta->open);
    rc = gc_meta_store_save_state(meta);
    gc_meta_abandon(meta);
    return rc;
}

void
gc_meta_abandon(struct gc_meta *meta)
{
    meta->open = false;
    meta->txn = NULL;
    gc_arena_reset(&meta->arena);
}

int
gc_meta_do_barrier(struct gc_meta *meta, const struct gc_meta_command *cmd,
                   struct gc_meta_result *ret)
{
    (void)meta;
    (void)cmd;
    (void)ret;
    return 0;
}

static int
do_command(struct gc_meta *meta, const struct gc_meta_command *cmd, struct gc_meta_result *ret)
{
    switch (cmd->op) {
#define GC_META_OP(number, NAME, member, needs_id) \
    case GC_META_OP_##NAME:                        \
        return gc_meta_do_##member(meta, cmd, ret);
#include "meta/command.tbl.h"
#undef GC_META_OP
    }
    return GC_EINTERNAL; /* decode knows no other */
}

static bool
needs_request_id(enum gc_meta_op op)
{
    switch (op) {
#define GC_META_OP(number, NAME, member, needs_id) \
    case GC_META_OP_##NAME:                        \
        return needs_id;
#include "meta/command.tbl.h"
#undef GC_META_OP
    }
    return true;
}

/* Whether the command with a request id may be carried out; else RET has its result. */
static int
request_check(struct gc_meta *meta, const struct gc_meta_command *cmd, struct gc_meta_result *ret,
              bool *ret_go)
{
    struct gc_meta_dedup_row row;
    int rc = gc_meta_dedup_get(meta, meta->txn, cmd->request_id, &row);

    *ret_go = false;
    if (rc == 0 && row.result.op == cmd->op) {
        *ret = row.result;
        ret->repeated = true;
    } else if (rc == 0) {
        ret->err = GC_API_BadRequest; /* the id of another request */
    } else if (rc != GC_ENOTFOUND) {
        return rc;
    } else if (cmd->expires_at_ms < meta->state.time_ms) {
        ret->err = GC_API_RequestExpired;
    } else if (cmd->expires_at_ms - meta->state.time_ms > GC_META_TTL_MS_MAX) {
        ret->err = GC_API_InvalidArgument;
    } else if (meta->state.n_dedup >= GC_META_DEDUP_MAX) {
        ret->err = GC_API_SlowDown;
    } else {
        *ret_go = true;
    }
    return 0;
}

/* Refusals that did nothing and may turn out otherwise next time are not remembered: a retry is
 * evaluated anew. */
static bool
worth_remembering(enum gc_api_err err)
{
    return err != GC_API_StaleEpoch && err != GC_API_ServiceUnavailable && err != GC_API_SlowDown;
}

static int
apply_command(struct gc_meta *meta, const struct gc_meta_command *cmd, struct gc_meta_result *ret)
{
    static const uint8_t none[GC_META_REQUEST_ID_BYTES];
    bool has_id = memcmp(cmd->request_id, none, sizeof(none)) != 0;
    bool go = true;
    int rc = 0;

    if (!has_id && needs_request_id(cmd->op)) {
        ret->err = GC_API_BadRequest;
        return 0;
    }
    if (has_id) {
        rc = request_check(meta, cmd, ret, &go);
    }
    if (rc != 0 || !go) {
        return rc;
    }
    rc = do_command(meta, cmd, ret);
    if (rc == 0 && has_id && worth_remembering(ret->err)) {
        rc = gc_meta_dedup_put(meta, cmd, ret);
    }
    return rc;
}

int
gc_meta_apply(struct gc_meta *meta, const void *data, size_t len, struct gc_meta_result *ret)
{
    struct gc_meta_result result = { .err = GC_API_OK };
    struct gc_meta_command cmd;
    int rc;

    assert(meta->open);
    gc_arena_reset(&meta->arena);
    rc = gc_meta_dedup_expire(meta, EXPIRE_PER_COMMAND);
    if (rc != 0) {
        return rc;
    }
    result.index = meta->state.applied_index;
    rc = gc_meta_command_decode(&cmd, data, len, &meta->arena);
    if (rc == GC_EPARSE) {
        result.err = GC_API_BadRequest;
        rc = 0;
    } else if (rc == 0) {
        result.op = cmd.op;
        rc = apply_command(meta, &cmd, &result);
    }
    if (rc == 0 && ret != NULL) {
        *ret = result;
    }
    return rc;
}
