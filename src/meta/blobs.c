/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "meta/blobs.h"

#include <errno.h>

#include "base/endian.h"
#include "base/err.h"
#include "base/macros.h"

static int
blob_put(struct gc_meta *meta, const struct gc_blob_id *id, const struct gc_meta_blob_row *row)
{
    struct gc_meta_enc enc = gc_meta_store_row(meta);
    struct gc_meta_key key;

    gc_meta_key_blob(&key, id);
    gc_meta_enc_blob_row(&enc, row);
    return gc_meta_store_put(meta, GC_META_T_BLOB, &key, &enc);
}

static int
blob_del(struct gc_meta *meta, const struct gc_blob_id *id)
{
    struct gc_meta_key key;

    gc_meta_key_blob(&key, id);
    return gc_meta_store_del(meta, GC_META_T_BLOB, &key);
}

int
gc_meta_blobs_get(const struct gc_meta *meta, struct gc_kv_txn *txn, const struct gc_blob_id *id,
                  struct gc_meta_blob_row *ret_row)
{
    struct gc_meta_key key;
    struct gc_kv_val val;
    int rc;

    gc_meta_key_blob(&key, id);
    rc = gc_meta_store_get(meta, txn, GC_META_T_BLOB, &key, &val);
    return rc == 0 ? gc_meta_dec_blob_row(val, ret_row) : rc;
}

/* --- taking --- */

static int
manifest_make(struct gc_meta *meta, uint64_t id, const struct gc_meta_object *object)
{
    struct gc_meta_manifest_head head = { .refs = 1, .n_extents = (uint32_t)object->n_extents };
    struct gc_meta_enc enc = gc_meta_store_row(meta);
    struct gc_meta_key key;
    uint32_t piece = 0;
    int rc;

    gc_meta_key_u64_u32(&key, id, piece);
    gc_meta_enc_manifest_head(&enc, &head);
    rc = gc_meta_store_put(meta, GC_META_T_MANIFEST, &key, &enc);
    for (size_t i = 0; rc == 0 && i < object->n_extents; i += GC_META_PIECE_EXTENTS) {
        size_t n = GC_MIN(object->n_extents - i, (size_t)GC_META_PIECE_EXTENTS);

        enc = gc_meta_store_row(meta);
        gc_meta_key_u64_u32(&key, id, ++piece);
        gc_meta_enc_piece(&enc, object->extents + i, n);
        rc = gc_meta_store_put(meta, GC_META_T_MANIFEST, &key, &enc);
    }
    meta->state.n_manifests++;
    return rc;
}

int
gc_meta_blobs_take(struct gc_meta *meta, uint64_t bucket_id, const struct gc_meta_object *object,
                   struct gc_meta_index_row *row)
{
    bool many = object->n_extents > GC_META_EXTENTS_INLINE;
    struct gc_meta_blob_row blob = { .by_manifest = many, .owner = bucket_id, .count = 1 };
    int rc = 0;

    row->kind = many ? GC_META_INDEX_MANIFEST : GC_META_INDEX_OBJECT;
    row->ref = 0;
    if (many) {
        row->ref = meta->state.next_id++;
        blob.owner = row->ref;
        rc = manifest_make(meta, row->ref, object);
    }
    for (size_t i = 0; rc == 0 && i < object->n_extents; i++) {
        rc = blob_put(meta, &object->extents[i].id, &blob);
        meta->state.n_blobs++;
    }
    return rc;
}

/* --- releasing --- */

static int
queue_row(struct gc_meta *meta, uint32_t server, const struct gc_blob_id *id)
{
    struct gc_meta_gc_row row = { .index = meta->state.applied_index, .id = *id };
    struct gc_meta_enc enc = gc_meta_store_row(meta);
    struct gc_meta_key key;

    gc_meta_key_u32_u64(&key, server, meta->state.next_gc_seq++);
    gc_meta_enc_gc_row(&enc, &row);
    meta->state.n_gc_rows++;
    return gc_meta_store_put(meta, GC_META_T_GC, &key, &enc);
}

static int
job_drop(struct gc_meta *meta, const struct gc_blob_id *id)
{
    struct gc_meta_key key;
    struct gc_kv_val val;
    int rc;

    gc_meta_key_blob(&key, id);
    rc = gc_meta_store_get(meta, meta->txn, GC_META_T_JOB, &key, &val);
    if (rc != 0) {
        return rc == GC_ENOTFOUND ? 0 : rc;
    }
    meta->state.n_jobs--;
    return gc_meta_store_del(meta, GC_META_T_JOB, &key);
}

/* One reference to the blob is gone. */
static int
blob_release(struct gc_meta *meta, const struct gc_meta_extent *extent)
{
    struct gc_meta_blob_row row;
    int rc = gc_meta_blobs_get(meta, meta->txn, &extent->id, &row);

    if (rc == GC_ENOTFOUND || (rc == 0 && (row.queued || row.count == 0))) {
        return GC_ECORRUPT; /* an object named it */
    }
    if (rc != 0) {
        return rc;
    }
    if (--row.count > 0) {
        return blob_put(meta, &extent->id, &row);
    }
    meta->state.n_blobs--;
    rc = job_drop(meta, &extent->id);
    for (uint32_t k = 0; rc == 0 && k < extent->n_servers; k++) {
        rc = queue_row(meta, extent->servers[k], &extent->id);
    }
    if (rc != 0) {
        return rc;
    }
    if (extent->n_servers == 0) {
        return blob_del(meta, &extent->id);
    }
    row = (struct gc_meta_blob_row){ .queued = true, .count = extent->n_servers };
    return blob_put(meta, &extent->id, &row);
}

static int
extents_release(struct gc_meta *meta, const struct gc_meta_object *object)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < object->n_extents; i++) {
        rc = blob_release(meta, &object->extents[i]);
    }
    return rc;
}

static int
manifest_head(const struct gc_meta *meta, struct gc_kv_txn *txn, uint64_t id,
              struct gc_meta_manifest_head *ret_head)
{
    struct gc_meta_key key;
    struct gc_kv_val val;
    int rc;

    gc_meta_key_u64_u32(&key, id, 0);
    rc = gc_meta_store_get(meta, txn, GC_META_T_MANIFEST, &key, &val);
    if (rc == 0) {
        rc = gc_meta_dec_manifest_head(val, ret_head);
    }
    if (rc == 0 && (ret_head->refs == 0 || ret_head->n_extents > GC_META_EXTENTS_MAX)) {
        rc = GC_ECORRUPT;
    }
    return rc == GC_ENOTFOUND ? GC_ECORRUPT : rc;
}

int
gc_meta_blobs_load_manifest(const struct gc_meta *meta, struct gc_kv_txn *txn, uint64_t id,
                            struct gc_arena *arena, struct gc_meta_object *object)
{
    struct gc_meta_manifest_head head;
    struct gc_meta_extent *extents;
    struct gc_meta_key key;
    struct gc_kv_val val;
    size_t n_read;
    int rc = manifest_head(meta, txn, id, &head);

    if (rc != 0) {
        return rc;
    }
    /* A piece is decoded in place: room for a whole one behind the last extent. */
    extents = gc_arena_alloc(arena, (head.n_extents + GC_META_PIECE_EXTENTS) * sizeof(*extents));
    if (extents == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < head.n_extents; i += n_read) {
        gc_meta_key_u64_u32(&key, id, (uint32_t)(i / GC_META_PIECE_EXTENTS) + 1);
        rc = gc_meta_store_get(meta, txn, GC_META_T_MANIFEST, &key, &val);
        if (rc == 0) {
            rc = gc_meta_dec_piece(val, extents + i, &n_read);
        }
        if (rc == 0 && n_read != GC_MIN(head.n_extents - i, (size_t)GC_META_PIECE_EXTENTS)) {
            rc = GC_ECORRUPT;
        }
        if (rc != 0) {
            return rc == GC_ENOTFOUND ? GC_ECORRUPT : rc;
        }
    }
    object->extents = extents;
    object->n_extents = head.n_extents;
    return 0;
}

static int
manifest_release(struct gc_meta *meta, uint64_t id)
{
    struct gc_meta_object object = { .n_extents = 0 };
    struct gc_meta_manifest_head head;
    struct gc_meta_enc enc;
    struct gc_meta_key key;
    int rc = manifest_head(meta, meta->txn, id, &head);

    if (rc != 0) {
        return rc;
    }
    gc_meta_key_u64_u32(&key, id, 0);
    if (--head.refs > 0) {
        enc = gc_meta_store_row(meta);
        gc_meta_enc_manifest_head(&enc, &head);
        return gc_meta_store_put(meta, GC_META_T_MANIFEST, &key, &enc);
    }
    rc = gc_meta_blobs_load_manifest(meta, meta->txn, id, &meta->arena, &object);
    for (uint32_t piece = 0;
         rc == 0 && piece * GC_META_PIECE_EXTENTS < head.n_extents + GC_META_PIECE_EXTENTS;
         piece++) {
        gc_meta_key_u64_u32(&key, id, piece);
        rc = gc_meta_store_del(meta, GC_META_T_MANIFEST, &key);
    }
    meta->state.n_manifests--;
    return rc == 0 ? extents_release(meta, &object) : rc;
}

int
gc_meta_blobs_release(struct gc_meta *meta, const struct gc_meta_index_row *row)
{
    if (row->kind == GC_META_INDEX_MANIFEST) {
        return manifest_release(meta, row->ref);
    }
    return extents_release(meta, &row->object);
}

/* --- acknowledging --- */

/* One queue row of the blob is done. */
static int
blob_row_done(struct gc_meta *meta, const struct gc_blob_id *id)
{
    struct gc_meta_blob_row row;
    int rc = gc_meta_blobs_get(meta, meta->txn, id, &row);

    if (rc == GC_ENOTFOUND || (rc == 0 && (!row.queued || row.count == 0))) {
        return GC_ECORRUPT;
    }
    if (rc != 0) {
        return rc;
    }
    return --row.count > 0 ? blob_put(meta, id, &row) : blob_del(meta, id);
}

int
gc_meta_blobs_ack(struct gc_meta *meta, uint32_t server, uint64_t upto, uint64_t max,
                  uint64_t *ret_n)
{
    struct gc_meta_gc_row row;
    struct gc_meta_key from;
    struct gc_meta_key key;
    struct gc_kv_val val;
    uint64_t n = 0;
    int rc = 0;

    gc_meta_key_u32(&from, server);
    while (rc == 0 && n < max) {
        rc = gc_meta_store_seek(meta, meta->txn, GC_META_T_GC, &from, &key, &val);
        if (rc == GC_ENOTFOUND || (rc == 0 && (key.len != 12 || gc_get_be32(key.data) != server ||
                                               gc_get_be64(key.data + 4) > upto))) {
            rc = 0;
            break;
        }
        if (rc == 0) {
            rc = gc_meta_dec_gc_row(val, &row);
        }
        if (rc == 0) {
            rc = gc_meta_store_del(meta, GC_META_T_GC, &key);
        }
        if (rc == 0) {
            rc = blob_row_done(meta, &row.id);
            meta->state.n_gc_rows--;
            n++;
        }
    }
    *ret_n = n;
    return rc;
}
