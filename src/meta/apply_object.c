/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "core/http_cond.h"
#include "core/name.h"
#include "meta/apply.h"
#include "meta/blobs.h"
#include "meta/index.h"

/* What is at KEY now, with its extents; RET_THERE false when nothing is. */
static int
object_now(struct gc_meta *meta, uint64_t bucket_id, struct gc_str key,
           struct gc_meta_index_row *ret_row, bool *ret_there)
{
    struct gc_kv_val val;
    int rc = gc_meta_index_get(meta, meta->txn, bucket_id, key, &val);

    *ret_there = rc == 0;
    if (rc != 0) {
        return rc == GC_ENOTFOUND ? 0 : rc;
    }
    /* A copy: it is looked at after writes. */
    val.data = gc_arena_copy(&meta->arena, val.data, val.len);
    return val.data != NULL ? gc_meta_dec_index_row(val, ret_row, &meta->arena) : -ENOMEM;
}

static enum gc_api_err
conditions_check(const struct gc_meta_conditions *conditions, const struct gc_meta_object *now,
                 bool there)
{
    struct gc_http_cond cond = {
        .if_match = conditions->if_match,
        .if_none_match = conditions->if_none_match,
    };
    struct gc_http_target target = { .exists = there };
    char etag[2 * sizeof(now->md5) + 1];

    if (there) {
        gc_hex_encode(etag, now->md5, sizeof(now->md5));
        target.etag = gc_str_of(etag);
        target.modified_ms = (int64_t)now->mtime_ms;
    }
    if (gc_http_cond_check(&cond, &target, false) == GC_HTTP_GO_ON) {
        return GC_API_OK;
    }
    return !there && cond.if_match.len > 0 ? GC_API_NoSuchKey : GC_API_PreconditionFailed;
}

static enum gc_api_err
key_check(struct gc_str key)
{
    int rc = gc_object_key_check(key);

    if (rc == 0) {
        return GC_API_OK;
    }
    return rc == GC_ELIMIT ? GC_API_KeyTooLongError : GC_API_InvalidURI;
}

/* --- checks of the blobs that a PutObject introduces --- */

static bool
ids_rise(const struct gc_blob_id *a, const struct gc_blob_id *b)
{
    return a->epoch < b->epoch || (a->epoch == b->epoch && a->counter < b->counter);
}

/* Whether the id is still undecided and new. */
static int
id_check(const struct gc_meta *meta, const struct gc_blob_id *id, enum gc_api_err *ret_err)
{
    struct gc_meta_epoch_row epoch;
    struct gc_meta_blob_row blob;
    struct gc_meta_key key;
    struct gc_kv_val val;
    int rc;

    gc_meta_key_u64(&key, id->epoch);
    rc = gc_meta_store_get(meta, meta->txn, GC_META_T_EPOCH, &key, &val);
    if (rc == GC_ENOTFOUND) {
        *ret_err = GC_API_StaleEpoch;
        return 0;
    }
    if (rc == 0) {
        rc = gc_meta_dec_epoch_row(val, &epoch);
    }
    if (rc != 0) {
        return rc;
    }
    if (id->counter < epoch.watermark) {
        *ret_err = GC_API_StaleEpoch;
        return 0;
    }
    rc = gc_meta_blobs_get(meta, meta->txn, id, &blob);
    *ret_err = rc == 0 ? GC_API_InvalidArgument : GC_API_OK;
    return rc == GC_ENOTFOUND ? 0 : rc;
}

static int
servers_check(const struct gc_meta *meta, const struct gc_meta_extent *extent, uint32_t quorum,
              enum gc_api_err *ret_err)
{
    struct gc_meta_server server;
    int rc;

    *ret_err = extent->n_servers < quorum ? GC_API_ServiceUnavailable : GC_API_OK;
    for (uint32_t i = 0; i < extent->n_servers; i++) {
        for (uint32_t k = 0; k < i; k++) {
            if (extent->servers[i] == extent->servers[k]) {
                *ret_err = GC_API_InvalidArgument;
            }
        }
        rc = gc_meta_server_get(meta, meta->txn, extent->servers[i], &server);
        if (rc == GC_ENOTFOUND) {
            *ret_err = GC_API_InvalidArgument;
        } else if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

static int
extents_check(const struct gc_meta *meta, const struct gc_meta_object *object, uint32_t quorum,
              enum gc_api_err *ret_err)
{
    uint64_t left = object->length;
    int rc = 0;

    *ret_err = GC_API_OK;
    for (size_t i = 0; i < object->n_extents; i++) {
        const struct gc_meta_extent *extent = &object->extents[i];

        if (extent->length == 0 || extent->length > left ||
            extent->length > UINT64_MAX - extent->offset ||
            (i > 0 && !ids_rise(&object->extents[i - 1].id, &extent->id))) {
            *ret_err = GC_API_InvalidArgument;
            return 0;
        }
        left -= extent->length;
        rc = id_check(meta, &extent->id, ret_err);
        if (rc == 0 && *ret_err == GC_API_OK) {
            rc = servers_check(meta, extent, quorum, ret_err);
        }
        if (rc != 0 || *ret_err != GC_API_OK) {
            return rc;
        }
    }
    if (left != 0) {
        *ret_err = GC_API_InvalidArgument;
    }
    return rc;
}

/* --- changes --- */

static int
jobs_open(struct gc_meta *meta, const struct gc_meta_put_object *put, uint32_t copies)
{
    struct gc_meta_job_row job = {
        .bucket_id = put->bucket_id,
        .key = put->key,
        .index = meta->state.applied_index,
        .copies_wanted = copies,
    };
    struct gc_meta_enc enc;
    struct gc_meta_key key;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < put->object.n_extents; i++) {
        const struct gc_meta_extent *extent = &put->object.extents[i];

        if (extent->n_servers >= copies) {
            continue;
        }
        job.epoch = extent->id.epoch;
        job.copies = extent->n_servers;
        gc_meta_key_blob(&key, &extent->id);
        enc = gc_meta_store_row(meta);
        gc_meta_enc_job_row(&enc, &job);
        meta->state.n_jobs++;
        rc = gc_meta_store_put(meta, GC_META_T_JOB, &key, &enc);
    }
    return rc;
}

static int
object_put(struct gc_meta *meta, const struct gc_meta_put_object *put, uint32_t copies,
           struct gc_meta_result *ret)
{
    struct gc_meta_index_row row = { .object = put->object };
    int rc;

    row.object.version = meta->state.applied_index;
    if (row.object.mtime_ms == 0) {
        row.object.mtime_ms = meta->state.time_ms;
    }
    ret->mtime_ms = row.object.mtime_ms;
    memcpy(ret->md5, row.object.md5, sizeof(ret->md5));
    meta->state.n_objects++;
    meta->state.n_bytes += row.object.length;
    rc = gc_meta_blobs_take(meta, put->bucket_id, &put->object, &row);
    if (rc == 0) {
        rc = jobs_open(meta, put, copies);
    }
    return rc == 0 ? gc_meta_index_put(meta, put->bucket_id, put->key, &row) : rc;
}

/* Its blobs and its share of the counts; the index entry stays. */
static int
object_release(struct gc_meta *meta, const struct gc_meta_index_row *row)
{
    meta->state.n_objects--;
    meta->state.n_bytes -= row->object.length;
    return gc_meta_blobs_release(meta, row);
}

int
gc_meta_do_put_object(struct gc_meta *meta, const struct gc_meta_command *cmd,
                      struct gc_meta_result *ret)
{
    const struct gc_meta_put_object *put = &cmd->u.put_object;
    struct gc_meta_bucket_view bucket;
    struct gc_meta_index_row now;
    bool there;
    int rc = gc_meta_bucket_for(meta, cmd, put->bucket_id, GC_ACL_WRITE, &bucket, ret);

    if (rc == 0 && ret->err == GC_API_OK) {
        ret->err = key_check(put->key);
    }
    if (rc == 0 && ret->err == GC_API_OK) {
        rc = extents_check(meta, &put->object, bucket.quorum, &ret->err);
    }
    if (rc != 0 || ret->err != GC_API_OK) {
        return rc;
    }
    rc = object_now(meta, put->bucket_id, put->key, &now, &there);
    if (rc == 0) {
        ret->err = conditions_check(&put->conditions, &now.object, there);
    }
    if (rc != 0 || ret->err != GC_API_OK) {
        return rc;
    }
    if (there) {
        rc = object_release(meta, &now);
    }
    return rc == 0 ? object_put(meta, put, bucket.copies, ret) : rc;
}

int
gc_meta_do_delete_object(struct gc_meta *meta, const struct gc_meta_command *cmd,
                         struct gc_meta_result *ret)
{
    const struct gc_meta_delete_object *del = &cmd->u.delete_object;
    struct gc_meta_bucket_view bucket;
    struct gc_meta_index_row now;
    bool there;
    int rc = gc_meta_bucket_for(meta, cmd, del->bucket_id, GC_ACL_WRITE, &bucket, ret);

    if (rc == 0 && ret->err == GC_API_OK) {
        ret->err = key_check(del->key);
    }
    if (rc != 0 || ret->err != GC_API_OK) {
        return rc;
    }
    rc = object_now(meta, del->bucket_id, del->key, &now, &there);
    if (rc == 0) {
        ret->err = conditions_check(&del->conditions, &now.object, there);
    }
    if (rc != 0 || ret->err != GC_API_OK || !there) {
        return rc;
    }
    ret->number = 1;
    rc = object_release(meta, &now);
    return rc == 0 ? gc_meta_index_del(meta, del->bucket_id, del->key) : rc;
}
