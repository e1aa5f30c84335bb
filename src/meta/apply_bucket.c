/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/err.h"
#include "base/macros.h"
#include "core/name.h"
#include "meta/apply.h"
#include "meta/index.h"

void
gc_meta_bucket_copies(const struct gc_meta_state *state, const struct gc_meta_bucket_row *row,
                      uint32_t *ret_copies, uint32_t *ret_quorum)
{
    uint32_t copies = row->copies > 0 ? row->copies : GC_MAX(1u, state->copies_default);

    *ret_copies = copies;
    *ret_quorum = copies / 2 + 1;
}

static int
bucket_get(const struct gc_meta *meta, uint64_t id, struct gc_meta_bucket_row *ret_row)
{
    struct gc_meta_key key;
    struct gc_kv_val val;
    int rc;

    gc_meta_key_u64(&key, id);
    rc = gc_meta_store_get(meta, meta->txn, GC_META_T_BUCKET, &key, &val);
    return rc == 0 ? gc_meta_dec_bucket_row(val, ret_row) : rc;
}

int
gc_meta_bucket_for(struct gc_meta *meta, const struct gc_meta_command *cmd, uint64_t id,
                   enum gc_acl_action action, struct gc_meta_bucket_view *ret_bucket,
                   struct gc_meta_result *ret)
{
    struct gc_meta_bucket_row *row = &ret_bucket->row;
    struct gc_principal who;
    int rc = bucket_get(meta, id, row);

    if (rc == GC_ENOTFOUND) {
        ret->err = GC_API_NoSuchBucket;
        return 0;
    }
    if (rc != 0) {
        return rc;
    }
    gc_meta_bucket_copies(&meta->state, row, &ret_bucket->copies, &ret_bucket->quorum);
    if (gc_principal_set(&who, cmd->principal, cmd->role) != 0 ||
        gc_acl_check(&who, &(struct gc_acl_bucket){ row->owner, row->public_read }, action) != 0) {
        ret->err = GC_API_AccessDenied;
    }
    return 0;
}

/* Whether the command may make the bucket. */
static int
create_check(struct gc_meta *meta, const struct gc_meta_command *cmd, struct gc_meta_result *ret)
{
    const struct gc_meta_create_bucket *create = &cmd->u.create_bucket;
    struct gc_meta_bucket_row row;
    struct gc_principal who;
    struct gc_meta_key key;
    struct gc_kv_val val;
    uint64_t id;
    int rc;

    if (!gc_bucket_name_valid(create->name)) {
        ret->err = GC_API_InvalidBucketName;
        return 0;
    }
    if (gc_principal_set(&who, cmd->principal, cmd->role) != 0 ||
        gc_acl_check(&who, NULL, GC_ACL_CREATE_BUCKET) != 0) {
        ret->err = GC_API_AccessDenied;
        return 0;
    }
    gc_meta_key_bytes(&key, create->name.data, create->name.len);
    rc = gc_meta_store_get(meta, meta->txn, GC_META_T_BUCKET_NAME, &key, &val);
    if (rc == GC_ENOTFOUND) {
        ret->err = meta->state.n_buckets < GC_META_BUCKETS_MAX ? GC_API_OK : GC_API_TooManyBuckets;
        return 0;
    }
    if (rc == 0) {
        rc = gc_meta_dec_number_row(val, &id);
    }
    if (rc == 0) {
        rc = bucket_get(meta, id, &row);
    }
    if (rc != 0) {
        return rc == GC_ENOTFOUND ? GC_ECORRUPT : rc;
    }
    ret->number = id;
    ret->err = gc_str_eq(row.owner, cmd->principal) ? GC_API_BucketAlreadyOwnedByYou
                                                    : GC_API_BucketAlreadyExists;
    return 0;
}

int
gc_meta_do_create_bucket(struct gc_meta *meta, const struct gc_meta_command *cmd,
                         struct gc_meta_result *ret)
{
    const struct gc_meta_create_bucket *create = &cmd->u.create_bucket;
    struct gc_meta_bucket_row row = {
        .name = create->name,
        .owner = cmd->principal,
        .created_ms = meta->state.time_ms,
        .public_read = create->public_read,
        .copies = create->copies,
    };
    struct gc_meta_enc enc;
    struct gc_meta_key key;
    int rc = create_check(meta, cmd, ret);

    if (rc != 0 || ret->err != GC_API_OK) {
        return rc;
    }
    ret->number = meta->state.next_id++;
    gc_meta_key_u64(&key, ret->number);
    enc = gc_meta_store_row(meta);
    gc_meta_enc_bucket_row(&enc, &row);
    rc = gc_meta_store_put(meta, GC_META_T_BUCKET, &key, &enc);
    if (rc != 0) {
        return rc;
    }
    gc_meta_key_bytes(&key, create->name.data, create->name.len);
    enc = gc_meta_store_row(meta);
    gc_meta_enc_number_row(&enc, ret->number);
    meta->state.n_buckets++;
    return gc_meta_store_put(meta, GC_META_T_BUCKET_NAME, &key, &enc);
}

int
gc_meta_do_delete_bucket(struct gc_meta *meta, const struct gc_meta_command *cmd,
                         struct gc_meta_result *ret)
{
    uint64_t id = cmd->u.delete_bucket.bucket_id;
    struct gc_meta_bucket_view bucket;
    struct gc_meta_key name;
    struct gc_meta_key key;
    int rc = gc_meta_bucket_for(meta, cmd, id, GC_ACL_DELETE_BUCKET, &bucket, ret);

    if (rc != 0 || ret->err != GC_API_OK) {
        return rc;
    }
    rc = gc_meta_index_empty(meta, meta->txn, id);
    if (rc != 0) {
        ret->err = GC_API_BucketNotEmpty;
        return rc == GC_ENOTEMPTY ? 0 : rc;
    }
    gc_meta_key_bytes(&name, bucket.row.name.data, bucket.row.name.len);
    gc_meta_key_u64(&key, id);
    rc = gc_meta_store_del(meta, GC_META_T_BUCKET, &key);
    if (rc != 0) {
        return rc;
    }
    ret->number = id;
    meta->state.n_buckets--;
    return gc_meta_store_del(meta, GC_META_T_BUCKET_NAME, &name);
}
