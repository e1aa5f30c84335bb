/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What must hold at any moment, and what must hold when all is quiet. */
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/err.h"
#include "tests/sim/world.h"

static const struct file_node *
file_of_number(const struct world *w, uint32_t number)
{
    for (unsigned i = 0; i < N_FILES; i++) {
        if (w->files[i].number == number) {
            return &w->files[i];
        }
    }
    return NULL;
}

void
check_removal(struct world *w, const struct file_node *f, const struct gc_blob_id *id,
              const char *why)
{
    enum gc_meta_blob_state state = GC_META_BLOB_UNDECIDED;
    struct gc_meta_read rd;

    world_read_begin(w, &rd, NULL);
    (void)gc_meta_get_blob(&rd, id, &state);
    world_read_end(&rd);
    if (state == GC_META_BLOB_REFERENCED) {
        sim_fail(&w->sim, "file %u removes %" PRIu64 ".%" PRIu64 " (%s), which is referenced",
                 f->node, id->epoch, id->counter, why);
    }
}

/* --- the state --- */

/* Every server that the record names, and whose disk was not put back, has the blob. */
static void
extent_check(struct world *w, unsigned key, const struct gc_meta_extent *extent, uint64_t content)
{
    for (uint32_t k = 0; k < extent->n_servers; k++) {
        const struct file_node *f = file_of_number(w, extent->servers[k]);
        const struct stored_blob *blob;

        if (f == NULL) {
            sim_fail(&w->sim, "key %u names server %u, which never learned its number", key,
                     extent->servers[k]);
            return;
        }
        blob = file_node_find(f, &extent->id);
        if (!f->rolled_back && (blob == NULL || blob->content != content)) {
            sim_fail(&w->sim, "key %u: %" PRIu64 ".%" PRIu64 " is %s on server %u", key,
                     extent->id.epoch, extent->id.counter, blob == NULL ? "missing" : "another",
                     extent->servers[k]);
        }
    }
}

static void
key_check(struct world *w, const struct gc_meta_read *rd, unsigned key)
{
    struct oracle_value value = oracle_value(w, key, UINT64_MAX);
    struct gc_meta_object object = { .length = 0 };
    uint64_t content = 0;
    int rc = gc_meta_get_object(rd, w->bucket_id, world_key(w, key), &object);

    if (rc == 0) {
        memcpy(&content, object.md5, sizeof(content));
    }
    if ((rc != 0 && rc != GC_ENOTFOUND) || content != value.content ||
        (rc == 0 && object.version != value.index)) {
        sim_fail(&w->sim, "key %u holds content %" PRIu64 " instead of %" PRIu64 " (%s)", key,
                 content, value.content, gc_err_name(rc));
        return;
    }
    for (size_t i = 0; i < object.n_extents; i++) {
        extent_check(w, key, &object.extents[i], content << 8 | i);
    }
}

static void
listing_check(struct world *w, const struct gc_meta_read *rd)
{
    const struct gc_meta_list list = { .bucket_id = w->bucket_id, .max = GC_META_LIST_MAX };
    struct gc_meta_list_page page;
    size_t n = 0;
    int rc = gc_meta_list_objects(rd, &list, &page);

    for (unsigned key = 0; key < N_KEYS; key++) {
        n += oracle_value(w, key, UINT64_MAX).content != 0;
    }
    if (rc != 0 || page.n_items != n || page.truncated) {
        sim_fail(&w->sim, "a listing has %zu names instead of %zu", rc == 0 ? page.n_items : 0, n);
        return;
    }
    for (size_t i = 1; i < n; i++) {
        if (gc_str_cmp(page.items[i - 1].name, page.items[i].name) >= 0) {
            sim_fail(&w->sim, "a listing is out of order at %zu", i);
        }
    }
}

void
check_state(struct world *w)
{
    struct gc_meta_check check;
    struct gc_arena arena;
    struct gc_meta_read rd;
    int rc;

    gc_arena_init(&arena, 8u << 20);
    world_read_begin(w, &rd, &arena);
    rc = gc_meta_check(&w->meta.meta, rd.txn, &check);
    if (rc != 0 || check.problem != NULL) {
        sim_fail(&w->sim, "state: %s", rc != 0 ? gc_err_name(rc) : check.problem);
    }
    for (unsigned key = 0; key < N_KEYS && !w->sim.failed; key++) {
        key_check(w, &rd, key);
    }
    listing_check(w, &rd);
    world_read_end(&rd);
    gc_arena_fini(&arena);
}

/* --- quiet --- */

static void
garbage_check(struct world *w, const struct gc_meta_read *rd)
{
    for (unsigned i = 0; i < N_FILES; i++) {
        const struct file_node *f = &w->files[i];

        for (size_t k = 0; k < f->store.n_blobs; k++) {
            enum gc_meta_blob_state state = GC_META_BLOB_UNDECIDED;

            (void)gc_meta_get_blob(rd, &f->store.blobs[k].id, &state);
            if (state != GC_META_BLOB_REFERENCED) {
                sim_fail(&w->sim, "file %u still has %" PRIu64 ".%" PRIu64 ", state %d", f->node,
                         f->store.blobs[k].id.epoch, f->store.blobs[k].id.counter, state);
                return;
            }
        }
    }
}

/* All entries again, from nothing, on another disk: the same results and the same hash. */
static uint64_t
replay_hash(struct world *w)
{
    static const char *const tables[] = { GC_META_TABLE_NAMES, NULL };
    static const uint8_t cluster_id[16] = "simulated";
    const struct gc_kv_conf conf = { .tables = tables };
    struct gc_meta_state state = { .applied_index = 0 };
    struct gc_meta_result result;
    struct gc_meta meta;
    struct gc_kv_txn *txn;
    struct gc_kv *kv;
    int rc = gc_kv_open_mem(&conf, &kv);

    assert(rc == 0 && gc_meta_init(&meta, 0) == 0);
    rc = gc_kv_begin(kv, true, &txn);
    if (rc == 0) {
        rc = gc_meta_create(&meta, txn, cluster_id, WALL_0);
    }
    for (size_t i = 0; rc == 0 && i < w->oracle.n_entries; i++) {
        const struct oracle_entry *e = &w->oracle.entries[i];
        const struct gc_meta_entry entry = { i + 1, e->term, e->time_ms };
        const void *cmd;
        size_t len;
        size_t pos = 0;

        rc = gc_meta_begin(&meta, txn, &entry);
        for (size_t k = 0; rc == 0 && gc_consensus_entry_next(e->data, e->len, &pos, &cmd, &len);
             k++) {
            rc = gc_meta_apply(&meta, cmd, len, &result);
            if (rc == 0 &&
                (result.err != e->results[k].err || result.number != e->results[k].number)) {
                sim_fail(&w->sim, "replay of entry %zu has another result", i + 1);
            }
        }
        if (rc == 0) {
            rc = gc_meta_end(&meta);
        }
    }
    if (rc == 0) {
        rc = gc_meta_get_state(&(struct gc_meta_read){ .meta = &meta, .txn = txn }, &state);
    }
    if (rc != 0) {
        sim_fail(&w->sim, "replay: %s", gc_err_name(rc));
    }
    gc_kv_abort(txn);
    gc_meta_fini(&meta);
    gc_kv_close(kv);
    return gc_meta_state_hash(&state);
}

void
check_quiet(struct world *w)
{
    struct gc_meta_state state = { .applied_index = 0 };
    struct gc_meta_read rd;

    check_state(w);
    world_read_begin(w, &rd, NULL);
    (void)gc_meta_get_state(&rd, &state);
    garbage_check(w, &rd);
    world_read_end(&rd);
    if (state.n_gc_rows != 0) {
        sim_fail(&w->sim, "%" PRIu64 " rows are still in the garbage queues", state.n_gc_rows);
    }
    if (replay_hash(w) != gc_meta_state_hash(&state)) {
        sim_fail(&w->sim, "replay gives another state");
    }
    sim_trace(&w->sim, "state hash %016" PRIx64, gc_meta_state_hash(&state));
}
