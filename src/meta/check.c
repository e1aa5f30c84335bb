/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "meta/check.h"

#include <errno.h>
#include <string.h>

#include "base/endian.h"
#include "base/err.h"
#include "base/macros.h"
#include "meta/blobs.h"
#include "meta/index.h"

struct check {
    const struct gc_meta *meta;
    struct gc_kv_txn *txn;
    struct gc_meta_check *out;
    struct gc_arena arena; /* of one row */
    uint64_t refs;         /* extents seen */
    uint64_t refs_kept;    /* sum of the live blobs' counts */
    uint64_t queued_kept;  /* sum of the queued blobs' counts */
    uint64_t manifest_refs;
    uint64_t manifest_refs_kept;
};

static void
complain(struct check *ck, bool ok, const char *problem)
{
    if (!ok && ck->out->problem == NULL) {
        ck->out->problem = problem;
    }
}

static int
row_bucket(struct check *ck, struct gc_kv_val key, struct gc_kv_val val)
{
    struct gc_meta_bucket_row row;
    struct gc_meta_key name;
    struct gc_kv_val at_name;
    uint64_t id = 0;
    int rc = gc_meta_dec_bucket_row(val, &row);

    if (rc != 0) {
        return rc;
    }
    ck->out->counted.n_buckets++;
    gc_meta_key_bytes(&name, row.name.data, row.name.len);
    rc = gc_meta_store_get(ck->meta, ck->txn, GC_META_T_BUCKET_NAME, &name, &at_name);
    if (rc == 0) {
        rc = gc_meta_dec_number_row(at_name, &id);
    }
    complain(ck, rc == 0 && id == gc_get_be64(key.data), "a bucket is not under its name");
    return 0;
}

/* The extents of one owner: each has a live row that says so. */
static int
extents_check(struct check *ck, const struct gc_meta_extent *extents, size_t n, bool by_manifest,
              uint64_t owner)
{
    struct gc_meta_blob_row blob;

    for (size_t i = 0; i < n; i++) {
        int rc = gc_meta_blobs_get(ck->meta, ck->txn, &extents[i].id, &blob);

        if (rc != 0 && rc != GC_ENOTFOUND) {
            return rc;
        }
        complain(ck, rc == 0 && !blob.queued, "a blob that an object names has no live row");
        complain(ck, rc != 0 || blob.by_manifest == by_manifest,
                 "a blob has another kind of owner");
        complain(ck, rc != 0 || owner == 0 || blob.owner == owner, "a blob has another owner");
        ck->refs++;
    }
    return 0;
}

static int
row_index(struct check *ck, struct gc_kv_val key, struct gc_kv_val val)
{
    struct gc_meta_index_row row;
    struct gc_meta_key head;
    struct gc_kv_val at;
    int rc = gc_meta_dec_index_row(val, &row, &ck->arena);

    (void)key;
    if (rc != 0) {
        return rc;
    }
    if (row.kind == GC_META_INDEX_BRANCH) {
        rc = gc_meta_index_empty(ck->meta, ck->txn, row.ref);
        complain(ck, rc == GC_ENOTEMPTY, "a branch is empty");
        return rc == GC_ENOTEMPTY ? 0 : rc;
    }
    ck->out->counted.n_objects++;
    ck->out->counted.n_bytes += row.object.length;
    if (row.kind == GC_META_INDEX_MANIFEST) {
        ck->manifest_refs++;
        gc_meta_key_u64_u32(&head, row.ref, 0);
        rc = gc_meta_store_get(ck->meta, ck->txn, GC_META_T_MANIFEST, &head, &at);
        complain(ck, rc == 0, "an object's manifest is missing");
        return 0;
    }
    return extents_check(ck, row.object.extents, row.object.n_extents, false, 0);
}

static int
row_manifest(struct check *ck, struct gc_kv_val key, struct gc_kv_val val)
{
    struct gc_meta_extent extents[GC_META_PIECE_EXTENTS];
    struct gc_meta_manifest_head head;
    size_t n = 0;
    int rc;

    if (key.len != 12) {
        return GC_ECORRUPT;
    }
    if (gc_get_be32((const uint8_t *)key.data + 8) == 0) {
        rc = gc_meta_dec_manifest_head(val, &head);
        ck->manifest_refs_kept += rc == 0 ? head.refs : 0;
        ck->out->counted.n_manifests++;
        return rc;
    }
    rc = gc_meta_dec_piece(val, extents, &n);
    return rc == 0 ? extents_check(ck, extents, n, true, gc_get_be64(key.data)) : rc;
}

static int
row_blob(struct check *ck, struct gc_kv_val key, struct gc_kv_val val)
{
    struct gc_meta_blob_row row;
    int rc = gc_meta_dec_blob_row(val, &row);

    (void)key;
    if (rc != 0) {
        return rc;
    }
    complain(ck, row.count > 0, "a blob's row counts nothing");
    if (row.queued) {
        ck->queued_kept += row.count;
    } else {
        ck->refs_kept += row.count;
        ck->out->counted.n_blobs++;
    }
    return 0;
}

static int
row_gc(struct check *ck, struct gc_kv_val key, struct gc_kv_val val)
{
    struct gc_meta_blob_row blob;
    struct gc_meta_gc_row row;
    int rc = gc_meta_dec_gc_row(val, &row);

    (void)key;
    if (rc != 0) {
        return rc;
    }
    ck->out->counted.n_gc_rows++;
    rc = gc_meta_blobs_get(ck->meta, ck->txn, &row.id, &blob);
    complain(ck, rc == 0 && blob.queued, "a queued blob has no row, or is referenced");
    return rc == GC_ENOTFOUND ? 0 : rc;
}

static int
row_server(struct check *ck, struct gc_kv_val key, struct gc_kv_val val)
{
    struct gc_meta_server server;
    int rc = gc_meta_dec_server(val, &server);

    (void)key;
    ck->out->counted.n_servers += rc == 0 && server.state != GC_META_SERVER_REPLACED;
    return rc;
}

static int
row_dedup(struct check *ck, struct gc_kv_val key, struct gc_kv_val val)
{
    struct gc_meta_dedup_row row;
    struct gc_meta_key expiry;
    struct gc_kv_val at;
    int rc = gc_meta_dec_dedup_row(val, &row);

    if (rc != 0) {
        return rc;
    }
    ck->out->counted.n_dedup++;
    gc_meta_key_expiry(&expiry, row.expires_at_ms, key.data);
    rc = gc_meta_store_get(ck->meta, ck->txn, GC_META_T_DEDUP_EXPIRY, &expiry, &at);
    complain(ck, rc == 0, "a result will never be forgotten");
    return rc == GC_ENOTFOUND ? 0 : rc;
}

static int
row_count_epoch(struct check *ck, struct gc_kv_val key, struct gc_kv_val val)
{
    (void)key;
    (void)val;
    ck->out->counted.n_epochs++;
    return 0;
}

static int
row_job(struct check *ck, struct gc_kv_val key, struct gc_kv_val val)
{
    struct gc_meta_blob_row blob;
    struct gc_meta_job_row row;
    struct gc_blob_id id;
    int rc = gc_meta_dec_job_row(val, &row);

    if (rc != 0) {
        return rc;
    }
    ck->out->counted.n_jobs++;
    id.epoch = gc_get_be64(key.data);
    id.counter = gc_get_be64((const uint8_t *)key.data + 8);
    rc = gc_meta_blobs_get(ck->meta, ck->txn, &id, &blob);
    complain(ck, rc == 0 && !blob.queued, "a job is about a blob that is not referenced");
    return rc == GC_ENOTFOUND ? 0 : rc;
}

typedef int (*row_fn)(struct check *ck, struct gc_kv_val key, struct gc_kv_val val);

static const row_fn row_fns[GC_META_N_TABLES] = {
    [GC_META_T_BUCKET] = row_bucket,
    [GC_META_T_INDEX] = row_index,
    [GC_META_T_MANIFEST] = row_manifest,
    [GC_META_T_BLOB] = row_blob,
    [GC_META_T_GC] = row_gc,
    [GC_META_T_SERVER] = row_server,
    [GC_META_T_EPOCH] = row_count_epoch,
    [GC_META_T_DEDUP] = row_dedup,
    [GC_META_T_JOB] = row_job,
};

static int
table_check(struct check *ck, enum gc_meta_table table)
{
    struct gc_kv_cursor *cursor;
    struct gc_kv_val key;
    struct gc_kv_val val;
    int rc = gc_kv_cursor_open(ck->txn, ck->meta->table0 + table, &cursor);

    if (rc != 0) {
        return rc;
    }
    rc = gc_kv_seek(cursor, gc_kv_val(NULL, 0), &key, &val);
    while (rc == 0) {
        ck->out->counted.rows_hash +=
            gc_meta_store_row_hash(ck->out->kept.cluster_id, table, key, val);
        if (row_fns[table] != NULL) {
            rc = row_fns[table](ck, key, val);
            gc_arena_reset(&ck->arena);
        }
        if (rc == 0) {
            rc = gc_kv_next(cursor, &key, &val);
        } else if (rc == GC_ENOTFOUND) {
            rc = GC_ECORRUPT;
        }
    }
    gc_kv_cursor_close(cursor);
    return rc == GC_ENOTFOUND ? 0 : rc;
}

static void
numbers_check(struct check *ck)
{
    const struct gc_meta_state *kept = &ck->out->kept;
    const struct gc_meta_state *counted = &ck->out->counted;

    complain(ck, ck->refs == ck->refs_kept, "references to blobs");
    complain(ck, ck->manifest_refs == ck->manifest_refs_kept, "references to manifests");
    complain(ck, ck->queued_kept == counted->n_gc_rows, "queue rows of blobs");
    complain(ck, kept->n_buckets == counted->n_buckets, "number of buckets");
    complain(ck, kept->n_objects == counted->n_objects, "number of objects");
    complain(ck, kept->n_bytes == counted->n_bytes, "bytes of objects");
    complain(ck, kept->n_blobs == counted->n_blobs, "number of blobs");
    complain(ck, kept->n_manifests == counted->n_manifests, "number of manifests");
    complain(ck, kept->n_gc_rows == counted->n_gc_rows, "number of queue rows");
    complain(ck, kept->n_servers == counted->n_servers, "number of servers");
    complain(ck, kept->n_epochs == counted->n_epochs, "number of epochs");
    complain(ck, kept->n_dedup == counted->n_dedup, "number of results");
    complain(ck, kept->n_jobs == counted->n_jobs, "number of jobs");
    complain(ck, kept->rows_hash == counted->rows_hash, "hash of the rows");
}

int
gc_meta_check(const struct gc_meta *meta, struct gc_kv_txn *txn, struct gc_meta_check *ret_check)
{
    struct check ck = { .meta = meta, .txn = txn, .out = ret_check };
    int rc;

    memset(ret_check, 0, sizeof(*ret_check));
    rc = gc_meta_store_load_state(meta, txn, &ret_check->kept);
    gc_arena_init(&ck.arena, 1u << 20);
    for (unsigned table = GC_META_T_STATE + 1; rc == 0 && table < GC_META_N_TABLES; table++) {
        rc = table_check(&ck, (enum gc_meta_table)table);
    }
    gc_arena_fini(&ck.arena);
    if (rc == 0) {
        numbers_check(&ck);
    }
    return rc;
}
