/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "meta/rows.h"

#include <errno.h>
#include <string.h>

#include "base/endian.h"
#include "base/err.h"
#include "base/macros.h"

#define ROW_VERSION 1

_Static_assert(GC_META_PIECE_EXTENTS * 81 + 8 <= GC_KV_VALUE_MAX, "a piece fits its row");
_Static_assert(GC_META_FIELDS_BYTES_MAX + GC_META_FIELDS_MAX * 4 + GC_META_EXTENTS_INLINE * 81 +
                       128 <=
                   GC_KV_VALUE_MAX,
               "an object fits its row");

static void
row_start(struct gc_meta_enc *enc)
{
    gc_meta_enc_u8(enc, ROW_VERSION);
}

static void
row_open(struct gc_meta_dec *dec, struct gc_kv_val val)
{
    gc_meta_dec_init(dec, val.data, val.len);
    if (val.len > 0 && *(const uint8_t *)val.data == ROW_VERSION) {
        gc_meta_dec_u8(dec, ROW_VERSION);
    } else {
        dec->bad = true;
    }
}

static int
row_end(const struct gc_meta_dec *dec, struct gc_kv_val val)
{
    if (gc_meta_dec_done(dec)) {
        return 0;
    }
    return val.len > 0 && *(const uint8_t *)val.data > ROW_VERSION ? GC_EVERSION : GC_ECORRUPT;
}

/* --- parts of rows --- */

void
gc_meta_enc_blob_id(struct gc_meta_enc *enc, const struct gc_blob_id *id)
{
    gc_meta_enc_u64(enc, id->epoch);
    gc_meta_enc_u64(enc, id->counter);
}

void
gc_meta_dec_blob_id(struct gc_meta_dec *dec, struct gc_blob_id *id)
{
    id->epoch = gc_meta_dec_u64(dec, UINT64_MAX);
    id->counter = gc_meta_dec_u64(dec, UINT64_MAX);
}

void
gc_meta_enc_fields(struct gc_meta_enc *enc, const struct gc_meta_object *object)
{
    gc_meta_enc_u64(enc, object->n_fields);
    for (size_t i = 0; i < object->n_fields; i++) {
        gc_meta_enc_str(enc, object->fields[i].name);
        gc_meta_enc_str(enc, object->fields[i].value);
    }
}

int
gc_meta_dec_fields(struct gc_meta_dec *dec, struct gc_meta_object *object, struct gc_arena *arena)
{
    size_t n = (size_t)gc_meta_dec_u64(dec, GC_META_FIELDS_MAX);
    struct gc_meta_field *fields = NULL;
    size_t room = GC_META_FIELDS_BYTES_MAX;

    object->fields = NULL;
    object->n_fields = 0;
    if (arena != NULL && n > 0) {
        fields = gc_arena_alloc(arena, n * sizeof(*fields));
        if (fields == NULL) {
            return -ENOMEM;
        }
    }
    for (size_t i = 0; i < n && !dec->bad; i++) {
        struct gc_meta_field field;

        field.name = gc_meta_dec_str(dec, room);
        room -= field.name.len;
        field.value = gc_meta_dec_str(dec, room);
        room -= field.value.len;
        if (fields != NULL) {
            fields[i] = field;
        }
    }
    if (fields != NULL && !dec->bad) {
        object->fields = fields;
        object->n_fields = n;
    }
    return 0;
}

void
gc_meta_enc_extents(struct gc_meta_enc *enc, const struct gc_meta_extent *extents, size_t n)
{
    gc_meta_enc_u64(enc, n);
    for (size_t i = 0; i < n; i++) {
        gc_meta_enc_blob_id(enc, &extents[i].id);
        gc_meta_enc_u64(enc, extents[i].offset);
        gc_meta_enc_u64(enc, extents[i].length);
        gc_meta_enc_u8(enc, (uint8_t)extents[i].n_servers);
        for (uint32_t k = 0; k < extents[i].n_servers; k++) {
            gc_meta_enc_u64(enc, extents[i].servers[k]);
        }
    }
}

void
gc_meta_dec_extent(struct gc_meta_dec *dec, struct gc_meta_extent *extent)
{
    gc_meta_dec_blob_id(dec, &extent->id);
    extent->offset = gc_meta_dec_u64(dec, UINT64_MAX);
    extent->length = gc_meta_dec_u64(dec, UINT64_MAX);
    extent->n_servers = gc_meta_dec_u8(dec, GC_META_COPIES_MAX);
    for (uint32_t k = 0; k < extent->n_servers; k++) {
        extent->servers[k] = (uint32_t)gc_meta_dec_u64(dec, UINT32_MAX);
    }
}

int
gc_meta_dec_extents(struct gc_meta_dec *dec, struct gc_meta_object *object, size_t max,
                    struct gc_arena *arena)
{
    size_t n = (size_t)gc_meta_dec_u64(dec, max);
    struct gc_meta_extent *extents = NULL;

    object->extents = NULL;
    object->n_extents = 0;
    if (n > dec->left) {
        dec->bad = true; /* an extent has more than one byte */
        return 0;
    }
    if (arena != NULL && n > 0) {
        extents = gc_arena_alloc(arena, n * sizeof(*extents));
        if (extents == NULL) {
            return -ENOMEM;
        }
    }
    for (size_t i = 0; i < n && !dec->bad; i++) {
        struct gc_meta_extent extent = { .n_servers = 0 };

        gc_meta_dec_extent(dec, &extent);
        if (extents != NULL) {
            extents[i] = extent;
        }
    }
    if (extents != NULL && !dec->bad) {
        object->extents = extents;
        object->n_extents = n;
    }
    return 0;
}

void
gc_meta_enc_result(struct gc_meta_enc *enc, const struct gc_meta_result *result)
{
    gc_meta_enc_u64(enc, result->op);
    gc_meta_enc_u64(enc, result->err);
    gc_meta_enc_u64(enc, result->index);
    gc_meta_enc_u64(enc, result->number);
    gc_meta_enc_u64(enc, result->incarnation);
    gc_meta_enc_u64(enc, result->mtime_ms);
    gc_meta_enc_raw(enc, result->md5, sizeof(result->md5));
}

void
gc_meta_dec_result(struct gc_meta_dec *dec, struct gc_meta_result *result)
{
    result->op = (enum gc_meta_op)gc_meta_dec_u64(dec, UINT16_MAX);
    result->err = (enum gc_api_err)gc_meta_dec_u64(dec, UINT16_MAX);
    result->index = gc_meta_dec_u64(dec, UINT64_MAX);
    result->number = gc_meta_dec_u64(dec, UINT64_MAX);
    result->incarnation = gc_meta_dec_u64(dec, UINT64_MAX);
    result->mtime_ms = gc_meta_dec_u64(dec, UINT64_MAX);
    gc_meta_dec_raw(dec, result->md5, sizeof(result->md5));
    result->repeated = false;
}

/* --- the state row --- */

/* Where the numbers of the state are, in the order of their encoding. */
static void
state_numbers(struct gc_meta_state *s, uint64_t **num, size_t *n)
{
    uint64_t *all[] = { &s->applied_index, &s->applied_term, &s->time_ms,          &s->next_id,
                        &s->next_epoch,    &s->next_gc_seq,  &s->registry_version, &s->n_buckets,
                        &s->n_objects,     &s->n_bytes,      &s->n_blobs,          &s->n_manifests,
                        &s->n_gc_rows,     &s->n_servers,    &s->n_epochs,         &s->n_dedup,
                        &s->n_jobs };

    memcpy(num, all, sizeof(all));
    *n = GC_ARRAY_LEN(all);
}

#define STATE_NUMBERS_MAX 24

void
gc_meta_enc_state_numbers(struct gc_meta_enc *enc, const struct gc_meta_state *state)
{
    struct gc_meta_state copy = *state;
    uint64_t *num[STATE_NUMBERS_MAX];
    size_t n;

    gc_meta_enc_raw(enc, copy.cluster_id, sizeof(copy.cluster_id));
    gc_meta_enc_u64(enc, copy.cluster_version);
    gc_meta_enc_u64(enc, copy.next_server);
    gc_meta_enc_u64(enc, copy.copies_default);
    state_numbers(&copy, num, &n);
    for (size_t i = 0; i < n; i++) {
        gc_meta_enc_u64(enc, *num[i]);
    }
}

void
gc_meta_enc_state(struct gc_meta_enc *enc, const struct gc_meta_state *state)
{
    row_start(enc);
    gc_meta_enc_state_numbers(enc, state);
    gc_meta_enc_u64(enc, state->rows_hash);
}

int
gc_meta_dec_state(struct gc_kv_val val, struct gc_meta_state *state)
{
    struct gc_meta_dec dec;
    uint64_t *num[STATE_NUMBERS_MAX];
    size_t n;

    row_open(&dec, val);
    gc_meta_dec_raw(&dec, state->cluster_id, sizeof(state->cluster_id));
    state->cluster_version = (uint32_t)gc_meta_dec_u64(&dec, UINT32_MAX);
    state->next_server = (uint32_t)gc_meta_dec_u64(&dec, UINT32_MAX);
    state->copies_default = (uint32_t)gc_meta_dec_u64(&dec, GC_META_COPIES_MAX);
    state_numbers(state, num, &n);
    for (size_t i = 0; i < n; i++) {
        *num[i] = gc_meta_dec_u64(&dec, UINT64_MAX);
    }
    state->rows_hash = gc_meta_dec_u64(&dec, UINT64_MAX);
    return row_end(&dec, val);
}

/* --- the other rows --- */

void
gc_meta_enc_bucket_row(struct gc_meta_enc *enc, const struct gc_meta_bucket_row *row)
{
    row_start(enc);
    gc_meta_enc_str(enc, row->name);
    gc_meta_enc_str(enc, row->owner);
    gc_meta_enc_u64(enc, row->created_ms);
    gc_meta_enc_u8(enc, row->public_read);
    gc_meta_enc_u64(enc, row->copies);
}

int
gc_meta_dec_bucket_row(struct gc_kv_val val, struct gc_meta_bucket_row *row)
{
    struct gc_meta_dec dec;

    row_open(&dec, val);
    row->name = gc_meta_dec_str(&dec, GC_META_BUCKET_NAME_MAX);
    row->owner = gc_meta_dec_str(&dec, GC_META_TEXT_MAX);
    row->created_ms = gc_meta_dec_u64(&dec, UINT64_MAX);
    row->public_read = gc_meta_dec_u8(&dec, 1) != 0;
    row->copies = (uint32_t)gc_meta_dec_u64(&dec, GC_META_COPIES_MAX);
    return row_end(&dec, val);
}

void
gc_meta_enc_index_row(struct gc_meta_enc *enc, const struct gc_meta_index_row *row)
{
    const struct gc_meta_object *object = &row->object;

    row_start(enc);
    gc_meta_enc_u8(enc, (uint8_t)row->kind);
    if (row->kind != GC_META_INDEX_OBJECT) {
        gc_meta_enc_u64(enc, row->ref);
    }
    if (row->kind == GC_META_INDEX_BRANCH) {
        return;
    }
    gc_meta_enc_u64(enc, object->length);
    gc_meta_enc_raw(enc, object->md5, sizeof(object->md5));
    gc_meta_enc_u64(enc, object->crc32c);
    gc_meta_enc_u64(enc, object->mtime_ms);
    gc_meta_enc_u64(enc, object->version);
    gc_meta_enc_fields(enc, object);
    if (row->kind == GC_META_INDEX_OBJECT) {
        gc_meta_enc_extents(enc, object->extents, object->n_extents);
    }
}

int
gc_meta_dec_index_row(struct gc_kv_val val, struct gc_meta_index_row *row, struct gc_arena *arena)
{
    struct gc_meta_object *object = &row->object;
    struct gc_meta_dec dec;
    int rc = 0;

    *row = (struct gc_meta_index_row){ .ref = 0 };
    row_open(&dec, val);
    row->kind = gc_meta_dec_u8(&dec, GC_META_INDEX_BRANCH);
    if (row->kind != GC_META_INDEX_OBJECT) {
        row->ref = gc_meta_dec_u64(&dec, UINT64_MAX);
    }
    if (row->kind != GC_META_INDEX_BRANCH) {
        object->length = gc_meta_dec_u64(&dec, UINT64_MAX);
        gc_meta_dec_raw(&dec, object->md5, sizeof(object->md5));
        object->crc32c = (uint32_t)gc_meta_dec_u64(&dec, UINT32_MAX);
        object->mtime_ms = gc_meta_dec_u64(&dec, UINT64_MAX);
        object->version = gc_meta_dec_u64(&dec, UINT64_MAX);
        rc = gc_meta_dec_fields(&dec, object, arena);
    }
    if (rc == 0 && row->kind == GC_META_INDEX_OBJECT) {
        rc = gc_meta_dec_extents(&dec, object, GC_META_EXTENTS_INLINE, arena);
    }
    if (rc != 0) {
        return rc;
    }
    return row->kind != 0 ? row_end(&dec, val) : GC_ECORRUPT;
}

void
gc_meta_enc_manifest_head(struct gc_meta_enc *enc, const struct gc_meta_manifest_head *head)
{
    row_start(enc);
    gc_meta_enc_u64(enc, head->refs);
    gc_meta_enc_u64(enc, head->n_extents);
}

int
gc_meta_dec_manifest_head(struct gc_kv_val val, struct gc_meta_manifest_head *head)
{
    struct gc_meta_dec dec;

    row_open(&dec, val);
    head->refs = gc_meta_dec_u64(&dec, UINT64_MAX);
    head->n_extents = (uint32_t)gc_meta_dec_u64(&dec, UINT32_MAX);
    return row_end(&dec, val);
}

void
gc_meta_enc_piece(struct gc_meta_enc *enc, const struct gc_meta_extent *extents, size_t n)
{
    row_start(enc);
    gc_meta_enc_extents(enc, extents, n);
}

int
gc_meta_dec_piece(struct gc_kv_val val, struct gc_meta_extent *extents, size_t *ret_n)
{
    struct gc_meta_dec dec;
    size_t n;

    row_open(&dec, val);
    n = (size_t)gc_meta_dec_u64(&dec, GC_META_PIECE_EXTENTS);
    for (size_t i = 0; i < n; i++) {
        gc_meta_dec_extent(&dec, &extents[i]);
    }
    *ret_n = n;
    return row_end(&dec, val);
}

void
gc_meta_enc_blob_row(struct gc_meta_enc *enc, const struct gc_meta_blob_row *row)
{
    row_start(enc);
    gc_meta_enc_u8(enc, row->queued);
    gc_meta_enc_u8(enc, row->by_manifest);
    gc_meta_enc_u64(enc, row->owner);
    gc_meta_enc_u64(enc, row->count);
}

int
gc_meta_dec_blob_row(struct gc_kv_val val, struct gc_meta_blob_row *row)
{
    struct gc_meta_dec dec;

    row_open(&dec, val);
    row->queued = gc_meta_dec_u8(&dec, 1) != 0;
    row->by_manifest = gc_meta_dec_u8(&dec, 1) != 0;
    row->owner = gc_meta_dec_u64(&dec, UINT64_MAX);
    row->count = gc_meta_dec_u64(&dec, UINT64_MAX);
    return row_end(&dec, val);
}

void
gc_meta_enc_gc_row(struct gc_meta_enc *enc, const struct gc_meta_gc_row *row)
{
    row_start(enc);
    gc_meta_enc_u64(enc, row->index);
    gc_meta_enc_blob_id(enc, &row->id);
}

int
gc_meta_dec_gc_row(struct gc_kv_val val, struct gc_meta_gc_row *row)
{
    struct gc_meta_dec dec;

    row_open(&dec, val);
    row->index = gc_meta_dec_u64(&dec, UINT64_MAX);
    gc_meta_dec_blob_id(&dec, &row->id);
    return row_end(&dec, val);
}

void
gc_meta_enc_server(struct gc_meta_enc *enc, const struct gc_meta_server *server)
{
    row_start(enc);
    gc_meta_enc_str(enc, server->node);
    gc_meta_enc_str(enc, server->address);
    gc_meta_enc_str(enc, server->zone);
    gc_meta_enc_u64(enc, server->weight);
    gc_meta_enc_raw(enc, server->store_uuid, sizeof(server->store_uuid));
    gc_meta_enc_u64(enc, server->generation);
    gc_meta_enc_u64(enc, server->durable_seq);
    gc_meta_enc_u64(enc, server->incarnation);
    gc_meta_enc_u8(enc, (uint8_t)server->state);
    gc_meta_enc_u64(enc, server->registry_version);
}

int
gc_meta_dec_server(struct gc_kv_val val, struct gc_meta_server *server)
{
    struct gc_meta_dec dec;

    row_open(&dec, val);
    server->node = gc_meta_dec_str(&dec, GC_META_TEXT_MAX);
    server->address = gc_meta_dec_str(&dec, GC_META_TEXT_MAX);
    server->zone = gc_meta_dec_str(&dec, GC_META_TEXT_MAX);
    server->weight = (uint32_t)gc_meta_dec_u64(&dec, UINT32_MAX);
    gc_meta_dec_raw(&dec, server->store_uuid, sizeof(server->store_uuid));
    server->generation = gc_meta_dec_u64(&dec, UINT64_MAX);
    server->durable_seq = gc_meta_dec_u64(&dec, UINT64_MAX);
    server->incarnation = gc_meta_dec_u64(&dec, UINT64_MAX);
    server->state = gc_meta_dec_u8(&dec, GC_META_SERVER_REPLACED);
    server->registry_version = gc_meta_dec_u64(&dec, UINT64_MAX);
    return row_end(&dec, val);
}

void
gc_meta_enc_epoch_row(struct gc_meta_enc *enc, const struct gc_meta_epoch_row *row)
{
    row_start(enc);
    gc_meta_enc_str(enc, row->process);
    gc_meta_enc_u64(enc, row->watermark);
}

int
gc_meta_dec_epoch_row(struct gc_kv_val val, struct gc_meta_epoch_row *row)
{
    struct gc_meta_dec dec;

    row_open(&dec, val);
    row->process = gc_meta_dec_str(&dec, GC_META_TEXT_MAX);
    row->watermark = gc_meta_dec_u64(&dec, UINT64_MAX);
    return row_end(&dec, val);
}

void
gc_meta_enc_dedup_row(struct gc_meta_enc *enc, const struct gc_meta_dedup_row *row)
{
    row_start(enc);
    gc_meta_enc_u64(enc, row->expires_at_ms);
    gc_meta_enc_result(enc, &row->result);
}

int
gc_meta_dec_dedup_row(struct gc_kv_val val, struct gc_meta_dedup_row *row)
{
    struct gc_meta_dec dec;

    row_open(&dec, val);
    row->expires_at_ms = gc_meta_dec_u64(&dec, UINT64_MAX);
    gc_meta_dec_result(&dec, &row->result);
    return row_end(&dec, val);
}

void
gc_meta_enc_job_row(struct gc_meta_enc *enc, const struct gc_meta_job_row *row)
{
    row_start(enc);
    gc_meta_enc_u64(enc, row->bucket_id);
    gc_meta_enc_str(enc, row->key);
    gc_meta_enc_u64(enc, row->index);
    gc_meta_enc_u64(enc, row->epoch);
    gc_meta_enc_u64(enc, row->copies_wanted);
    gc_meta_enc_u64(enc, row->copies);
}

int
gc_meta_dec_job_row(struct gc_kv_val val, struct gc_meta_job_row *row)
{
    struct gc_meta_dec dec;

    row_open(&dec, val);
    row->bucket_id = gc_meta_dec_u64(&dec, UINT64_MAX);
    row->key = gc_meta_dec_str(&dec, GC_META_KEY_MAX);
    row->index = gc_meta_dec_u64(&dec, UINT64_MAX);
    row->epoch = gc_meta_dec_u64(&dec, UINT64_MAX);
    row->copies_wanted = (uint32_t)gc_meta_dec_u64(&dec, GC_META_COPIES_MAX);
    row->copies = (uint32_t)gc_meta_dec_u64(&dec, GC_META_COPIES_MAX);
    return row_end(&dec, val);
}

void
gc_meta_enc_number_row(struct gc_meta_enc *enc, uint64_t number)
{
    row_start(enc);
    gc_meta_enc_u64(enc, number);
}

int
gc_meta_dec_number_row(struct gc_kv_val val, uint64_t *ret_number)
{
    struct gc_meta_dec dec;

    row_open(&dec, val);
    *ret_number = gc_meta_dec_u64(&dec, UINT64_MAX);
    return row_end(&dec, val);
}

/* --- keys --- */

void
gc_meta_key_u64(struct gc_meta_key *key, uint64_t id)
{
    gc_put_be64(key->data, id);
    key->len = 8;
}

void
gc_meta_key_u32(struct gc_meta_key *key, uint32_t number)
{
    gc_put_be32(key->data, number);
    key->len = 4;
}

void
gc_meta_key_u32_u64(struct gc_meta_key *key, uint32_t number, uint64_t seq)
{
    gc_put_be32(key->data, number);
    gc_put_be64(key->data + 4, seq);
    key->len = 12;
}

void
gc_meta_key_u64_u32(struct gc_meta_key *key, uint64_t id, uint32_t piece)
{
    gc_put_be64(key->data, id);
    gc_put_be32(key->data + 8, piece);
    key->len = 12;
}

void
gc_meta_key_blob(struct gc_meta_key *key, const struct gc_blob_id *id)
{
    gc_put_be64(key->data, id->epoch);
    gc_put_be64(key->data + 8, id->counter);
    key->len = 16;
}

void
gc_meta_key_bytes(struct gc_meta_key *key, const void *data, size_t len)
{
    memcpy(key->data, data, len);
    key->len = len;
}

void
gc_meta_key_tagged(struct gc_meta_key *key, char tag, const void *data, size_t len)
{
    key->data[0] = (uint8_t)tag;
    memcpy(key->data + 1, data, len);
    key->len = 1 + len;
}

void
gc_meta_key_expiry(struct gc_meta_key *key, uint64_t expires_at_ms,
                   const uint8_t request_id[GC_META_REQUEST_ID_BYTES])
{
    gc_put_be64(key->data, expires_at_ms);
    memcpy(key->data + 8, request_id, GC_META_REQUEST_ID_BYTES);
    key->len = 8 + GC_META_REQUEST_ID_BYTES;
}

struct gc_kv_val
gc_meta_key_val(const struct gc_meta_key *key)
{
    return gc_kv_val(key->data, key->len);
}
