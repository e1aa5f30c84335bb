/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "meta/query.h"

#include <errno.h>
#include <string.h>

#include "base/endian.h"
#include "base/err.h"
#include "base/macros.h"
#include "meta/apply.h"
#include "meta/blobs.h"
#include "meta/index.h"
#include "meta/siphash.h"

/* A copy of TEXT that lives as long as the arena. */
static int
keep(const struct gc_meta_read *rd, struct gc_str *text)
{
    *text = gc_arena_str(rd->arena, *text);
    return text->data != NULL ? 0 : GC_ELIMIT;
}

/* Decoders and loaders say -ENOMEM when the arena is full. */
static int
arena_rc(int rc)
{
    return rc == -ENOMEM ? GC_ELIMIT : rc;
}

int
gc_meta_get_state(const struct gc_meta_read *rd, struct gc_meta_state *ret_state)
{
    struct gc_meta_state state;
    int rc = gc_meta_store_load_state(rd->meta, rd->txn, &state);

    if (rc == 0) {
        *ret_state = state;
    }
    return rc;
}

uint64_t
gc_meta_state_hash(const struct gc_meta_state *state)
{
    uint8_t data[512];
    struct gc_meta_enc enc = { .data = data, .cap = sizeof(data) };
    struct gc_siphash sip;

    gc_meta_enc_state_numbers(&enc, state);
    gc_siphash_init(&sip, state->cluster_id);
    gc_siphash_update(&sip, data, enc.len);
    return state->rows_hash + gc_siphash_final(&sip);
}

/* --- buckets --- */

static int
bucket_fill(const struct gc_meta_read *rd, uint64_t id, struct gc_kv_val val,
            struct gc_meta_bucket *ret_bucket)
{
    struct gc_meta_bucket_row row;
    struct gc_meta_state state;
    int rc = gc_meta_dec_bucket_row(val, &row);

    if (rc == 0) {
        rc = gc_meta_store_load_state(rd->meta, rd->txn, &state);
    }
    if (rc == 0) {
        rc = keep(rd, &row.name);
    }
    if (rc == 0) {
        rc = keep(rd, &row.owner);
    }
    if (rc != 0) {
        return rc;
    }
    *ret_bucket = (struct gc_meta_bucket){
        .id = id,
        .name = row.name,
        .owner = row.owner,
        .created_ms = row.created_ms,
        .public_read = row.public_read,
    };
    gc_meta_bucket_copies(&state, &row, &ret_bucket->copies, &ret_bucket->quorum);
    return 0;
}

int
gc_meta_get_bucket(const struct gc_meta_read *rd, uint64_t id, struct gc_meta_bucket *ret_bucket)
{
    struct gc_meta_key key;
    struct gc_kv_val val;
    int rc;

    gc_meta_key_u64(&key, id);
    rc = gc_meta_store_get(rd->meta, rd->txn, GC_META_T_BUCKET, &key, &val);
    return rc == 0 ? bucket_fill(rd, id, val, ret_bucket) : rc;
}

/* The bucket that a row of sm.bucket_name names. */
static int
bucket_named(const struct gc_meta_read *rd, struct gc_kv_val val, struct gc_meta_bucket *ret_bucket)
{
    uint64_t id;
    int rc = gc_meta_dec_number_row(val, &id);

    if (rc == 0) {
        rc = gc_meta_get_bucket(rd, id, ret_bucket);
        rc = rc == GC_ENOTFOUND ? GC_ECORRUPT : rc;
    }
    return rc;
}

int
gc_meta_find_bucket(const struct gc_meta_read *rd, struct gc_str name,
                    struct gc_meta_bucket *ret_bucket)
{
    struct gc_meta_key key;
    struct gc_kv_val val;
    int rc;

    if (name.len == 0 || name.len > GC_META_BUCKET_NAME_MAX) {
        return GC_ENOTFOUND;
    }
    gc_meta_key_bytes(&key, name.data, name.len);
    rc = gc_meta_store_get(rd->meta, rd->txn, GC_META_T_BUCKET_NAME, &key, &val);
    return rc == 0 ? bucket_named(rd, val, ret_bucket) : rc;
}

int
gc_meta_list_buckets(const struct gc_meta_read *rd, struct gc_str after, size_t max,
                     struct gc_meta_bucket *buckets, size_t *ret_n)
{
    struct gc_meta_key from = { .len = 0 };
    struct gc_meta_key key;
    struct gc_kv_val val;
    size_t n = 0;
    int rc = 0;

    if (after.len > 0) {
        /* The first name behind AFTER is AFTER and a zero byte. */
        gc_meta_key_bytes(&from, after.data, GC_MIN(after.len, (size_t)GC_META_TEXT_MAX));
        from.data[from.len++] = 0;
    }
    while (n < max) {
        rc = gc_meta_store_seek(rd->meta, rd->txn, GC_META_T_BUCKET_NAME, &from, &key, &val);
        if (rc == 0) {
            rc = bucket_named(rd, val, &buckets[n]);
        }
        if (rc != 0) {
            break;
        }
        n++;
        from = key;
        from.data[from.len++] = 0;
    }
    if (rc != 0 && rc != GC_ENOTFOUND) {
        return rc;
    }
    *ret_n = n;
    return 0;
}

/* --- objects --- */

static int
object_read(const struct gc_meta_read *rd, uint64_t bucket_id, struct gc_str key, bool extents,
            struct gc_meta_object *ret_object)
{
    struct gc_meta_index_row row;
    struct gc_kv_val val;
    int rc;

    if (key.len == 0 || key.len > GC_META_KEY_MAX) {
        return GC_ENOTFOUND;
    }
    rc = gc_meta_index_get(rd->meta, rd->txn, bucket_id, key, &val);
    if (rc != 0) {
        return rc;
    }
    val.data = gc_arena_copy(rd->arena, val.data, val.len); /* fields point into it */
    if (val.data == NULL) {
        return GC_ELIMIT;
    }
    rc = gc_meta_dec_index_row(val, &row, rd->arena);
    if (rc == 0 && row.kind == GC_META_INDEX_BRANCH) {
        rc = GC_ECORRUPT;
    }
    if (rc == 0 && extents && row.kind == GC_META_INDEX_MANIFEST) {
        rc = gc_meta_blobs_load_manifest(rd->meta, rd->txn, row.ref, rd->arena, &row.object);
    }
    if (rc != 0) {
        return arena_rc(rc);
    }
    if (!extents) {
        row.object.extents = NULL;
        row.object.n_extents = 0;
    }
    *ret_object = row.object;
    return 0;
}

int
gc_meta_get_object(const struct gc_meta_read *rd, uint64_t bucket_id, struct gc_str key,
                   struct gc_meta_object *ret_object)
{
    return object_read(rd, bucket_id, key, true, ret_object);
}

int
gc_meta_head_object(const struct gc_meta_read *rd, uint64_t bucket_id, struct gc_str key,
                    struct gc_meta_object *ret_object)
{
    return object_read(rd, bucket_id, key, false, ret_object);
}

/* --- file servers --- */

static int
server_keep(const struct gc_meta_read *rd, struct gc_meta_server *server)
{
    int rc = keep(rd, &server->node);

    if (rc == 0) {
        rc = keep(rd, &server->address);
    }
    return rc == 0 ? keep(rd, &server->zone) : rc;
}

int
gc_meta_get_server(const struct gc_meta_read *rd, uint32_t number,
                   struct gc_meta_server *ret_server)
{
    struct gc_meta_server server;
    int rc = gc_meta_server_get(rd->meta, rd->txn, number, &server);

    if (rc == 0) {
        rc = server_keep(rd, &server);
    }
    if (rc == 0) {
        *ret_server = server;
    }
    return rc;
}

int
gc_meta_find_server(const struct gc_meta_read *rd, struct gc_str node,
                    struct gc_meta_server *ret_server)
{
    struct gc_meta_key key;
    struct gc_kv_val val;
    uint64_t number;
    int rc;

    if (node.len == 0 || node.len > GC_META_TEXT_MAX) {
        return GC_ENOTFOUND;
    }
    gc_meta_key_tagged(&key, 'n', node.data, node.len);
    rc = gc_meta_store_get(rd->meta, rd->txn, GC_META_T_SERVER_KEY, &key, &val);
    if (rc == 0) {
        rc = gc_meta_dec_number_row(val, &number);
    }
    return rc == 0 ? gc_meta_get_server(rd, (uint32_t)number, ret_server) : rc;
}

int
gc_meta_list_servers(const struct gc_meta_read *rd, uint32_t after, size_t max,
                     struct gc_meta_server *servers, size_t *ret_n)
{
    struct gc_meta_key from;
    struct gc_meta_key key;
    struct gc_kv_val val;
    size_t n = 0;
    int rc = 0;

    while (n < max && after < UINT32_MAX) {
        gc_meta_key_u32(&from, after + 1);
        rc = gc_meta_store_seek(rd->meta, rd->txn, GC_META_T_SERVER, &from, &key, &val);
        if (rc == 0) {
            rc = gc_meta_dec_server(val, &servers[n]);
        }
        if (rc == 0) {
            rc = server_keep(rd, &servers[n]);
        }
        if (rc != 0) {
            break;
        }
        after = gc_get_be32(key.data);
        servers[n++].number = after;
    }
    if (rc != 0 && rc != GC_ENOTFOUND) {
        return rc;
    }
    *ret_n = n;
    return 0;
}

int
gc_meta_list_gc(const struct gc_meta_read *rd, uint32_t server, uint64_t after, size_t max,
                struct gc_meta_gc_row *rows, size_t *ret_n)
{
    struct gc_meta_key from;
    struct gc_meta_key key;
    struct gc_kv_val val;
    size_t n = 0;
    int rc = 0;

    while (n < max && after < UINT64_MAX) {
        gc_meta_key_u32_u64(&from, server, after + 1);
        rc = gc_meta_store_seek(rd->meta, rd->txn, GC_META_T_GC, &from, &key, &val);
        if (rc == 0 && gc_get_be32(key.data) != server) {
            rc = GC_ENOTFOUND;
        }
        if (rc == 0) {
            rc = gc_meta_dec_gc_row(val, &rows[n]);
        }
        if (rc != 0) {
            break;
        }
        after = gc_get_be64(key.data + 4);
        rows[n++].seq = after;
    }
    if (rc != 0 && rc != GC_ENOTFOUND) {
        return rc;
    }
    *ret_n = n;
    return 0;
}

/* --- blobs, epochs, requests --- */

int
gc_meta_get_epoch(const struct gc_meta_read *rd, uint64_t epoch, struct gc_meta_epoch *ret_epoch)
{
    struct gc_meta_epoch_row row = { .watermark = 0 };
    struct gc_meta_state state;
    struct gc_meta_key key;
    struct gc_kv_val val;
    bool fenced;
    int rc;

    gc_meta_key_u64(&key, epoch);
    rc = gc_meta_store_get(rd->meta, rd->txn, GC_META_T_EPOCH, &key, &val);
    fenced = rc == GC_ENOTFOUND;
    if (fenced) {
        rc = gc_meta_store_load_state(rd->meta, rd->txn, &state);
        if (rc == 0 && (epoch == 0 || epoch >= state.next_epoch)) {
            return GC_ENOTFOUND;
        }
    } else if (rc == 0) {
        rc = gc_meta_dec_epoch_row(val, &row);
        if (rc == 0 && rd->arena != NULL) {
            rc = keep(rd, &row.process);
        }
    }
    if (rc == 0) {
        *ret_epoch = (struct gc_meta_epoch){
            .epoch = epoch,
            .fenced = fenced,
            .watermark = row.watermark,
            .process = row.process,
        };
    }
    return rc;
}

int
gc_meta_list_epochs(const struct gc_meta_read *rd, uint64_t after, size_t max,
                    struct gc_meta_epoch *epochs, size_t *ret_n)
{
    struct gc_meta_epoch_row row;
    struct gc_meta_key from;
    struct gc_meta_key key;
    struct gc_kv_val val;
    size_t n = 0;
    int rc = 0;

    while (n < max && after < UINT64_MAX) {
        gc_meta_key_u64(&from, after + 1);
        rc = gc_meta_store_seek(rd->meta, rd->txn, GC_META_T_EPOCH, &from, &key, &val);
        if (rc == 0) {
            rc = gc_meta_dec_epoch_row(val, &row);
        }
        if (rc == 0) {
            rc = keep(rd, &row.process);
        }
        if (rc != 0) {
            break;
        }
        after = gc_get_be64(key.data);
        epochs[n++] = (struct gc_meta_epoch){
            .epoch = after,
            .watermark = row.watermark,
            .process = row.process,
        };
    }
    if (rc != 0 && rc != GC_ENOTFOUND) {
        return rc;
    }
    *ret_n = n;
    return 0;
}

int
gc_meta_get_blob(const struct gc_meta_read *rd, const struct gc_blob_id *id,
                 enum gc_meta_blob_state *ret_state)
{
    const struct gc_meta_read no_arena = { .meta = rd->meta, .txn = rd->txn };
    struct gc_meta_blob_row blob;
    struct gc_meta_epoch epoch;
    int rc = gc_meta_blobs_get(rd->meta, rd->txn, id, &blob);

    if (rc == 0) {
        *ret_state = blob.queued ? GC_META_BLOB_QUEUED : GC_META_BLOB_REFERENCED;
        return 0;
    }
    if (rc != GC_ENOTFOUND) {
        return rc;
    }
    rc = gc_meta_get_epoch(&no_arena, id->epoch, &epoch);
    if (rc == 0) {
        *ret_state = epoch.fenced || id->counter < epoch.watermark ? GC_META_BLOB_GARBAGE
                                                                   : GC_META_BLOB_UNDECIDED;
    } else if (rc == GC_ENOTFOUND) {
        *ret_state = GC_META_BLOB_UNDECIDED;
        rc = 0;
    }
    return rc;
}

int
gc_meta_get_outcome(const struct gc_meta_read *rd,
                    const uint8_t request_id[GC_META_REQUEST_ID_BYTES],
                    struct gc_meta_result *ret_result)
{
    struct gc_meta_dedup_row row;
    int rc = gc_meta_dedup_get(rd->meta, rd->txn, request_id, &row);

    if (rc == 0) {
        *ret_result = row.result;
        ret_result->repeated = true;
    }
    return rc;
}
