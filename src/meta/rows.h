/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows of the state machine's tables and their encoding, and keys. For the files of src/meta.
 *
 * Table           key (numbers big-endian)                row
 * sm.state        "state"                                 struct gc_meta_state
 * sm.bucket       bucket id                               struct gc_meta_bucket_row
 * sm.bucket_name  name                                    id
 * sm.index        container id, part of a name            struct gc_meta_index_row (index.h)
 * sm.manifest     manifest id, piece (u32); piece 0       struct gc_meta_manifest_head; others:
 * extents sm.blob         epoch, counter                          struct gc_meta_blob_row sm.gc
 * server (u32), seq                       struct gc_meta_gc_row without seq sm.server       number
 * (u32)                            struct gc_meta_server sm.server_key   'n' and node, 'u' and
 * store uuid        number sm.epoch        epoch                                   struct
 * gc_meta_epoch_row sm.epoch_process  process                               epoch sm.dedup request
 * id                              struct gc_meta_dedup_row sm.dedup_expiry expires_at, request id
 * nothing sm.job          epoch, counter                          struct gc_meta_job_row
 *
 * Every row begins with a version byte. Encoders write what limits keep within GC_KV_VALUE_MAX.
 * Decoders return GC_ECORRUPT for what no encoder writes and GC_EVERSION for a newer row; texts
 * point into the row, arrays are in the arena (-ENOMEM when it is full). */
#ifndef GC_META_ROWS_H
#define GC_META_ROWS_H

#include "meta/codec.h"
#include "meta/command.h"
#include "meta/meta.h"
#include "meta/query.h"

struct gc_meta_bucket_row {
    struct gc_str name;
    struct gc_str owner;
    uint64_t created_ms;
    bool public_read;
    uint32_t copies; /* 0: the cluster's default */
};

enum gc_meta_index_kind {
    GC_META_INDEX_OBJECT = 1, /* extents are in the row */
    GC_META_INDEX_MANIFEST,   /* extents are in a manifest */
    GC_META_INDEX_BRANCH      /* longer names with this beginning */
};

struct gc_meta_index_row {
    enum gc_meta_index_kind kind;
    uint64_t ref; /* manifest or child container */
    struct gc_meta_object object;
};

#define GC_META_PIECE_EXTENTS 200u /* of at most 81 bytes each */

struct gc_meta_manifest_head {
    uint64_t refs; /* index entries that name it */
    uint32_t n_extents;
};

struct gc_meta_blob_row {
    bool queued;      /* deleted, COUNT rows of the garbage queue are left; else referenced */
    bool by_manifest; /* OWNER is a manifest, else the bucket of the object that names it */
    uint64_t owner;
    uint64_t count; /* references, or rows */
};

struct gc_meta_epoch_row {
    struct gc_str process;
    uint64_t watermark;
};

struct gc_meta_dedup_row {
    uint64_t expires_at_ms;
    struct gc_meta_result result;
};

/* A blob with fewer copies than its bucket wants. The writer EPOCH owns it for its late copies,
 * then repair (rule 7). */
struct gc_meta_job_row {
    uint64_t bucket_id;
    struct gc_str key;
    uint64_t index; /* that opened it */
    uint64_t epoch;
    uint32_t copies_wanted;
    uint32_t copies;
};

void gc_meta_enc_fields(struct gc_meta_enc *enc, const struct gc_meta_object *object);
void gc_meta_enc_extents(struct gc_meta_enc *enc, const struct gc_meta_extent *extents, size_t n);
void gc_meta_enc_blob_id(struct gc_meta_enc *enc, const struct gc_blob_id *id);
/* ARENA NULL: walk over them, the object's arrays stay empty. -ENOMEM; faults are in DEC. */
int gc_meta_dec_fields(struct gc_meta_dec *dec, struct gc_meta_object *object,
                       struct gc_arena *arena);
int gc_meta_dec_extents(struct gc_meta_dec *dec, struct gc_meta_object *object, size_t max,
                        struct gc_arena *arena);
void gc_meta_dec_extent(struct gc_meta_dec *dec, struct gc_meta_extent *extent);
void gc_meta_dec_blob_id(struct gc_meta_dec *dec, struct gc_blob_id *id);
void gc_meta_enc_result(struct gc_meta_enc *enc, const struct gc_meta_result *result);
void gc_meta_dec_result(struct gc_meta_dec *dec, struct gc_meta_result *result);

void gc_meta_enc_state(struct gc_meta_enc *enc, const struct gc_meta_state *state);
int gc_meta_dec_state(struct gc_kv_val val, struct gc_meta_state *state);
void gc_meta_enc_bucket_row(struct gc_meta_enc *enc, const struct gc_meta_bucket_row *row);
int gc_meta_dec_bucket_row(struct gc_kv_val val, struct gc_meta_bucket_row *row);
void gc_meta_enc_index_row(struct gc_meta_enc *enc, const struct gc_meta_index_row *row);
int gc_meta_dec_index_row(struct gc_kv_val val, struct gc_meta_index_row *row,
                          struct gc_arena *arena);
void gc_meta_enc_manifest_head(struct gc_meta_enc *enc, const struct gc_meta_manifest_head *head);
int gc_meta_dec_manifest_head(struct gc_kv_val val, struct gc_meta_manifest_head *head);
void gc_meta_enc_piece(struct gc_meta_enc *enc, const struct gc_meta_extent *extents, size_t n);
/* EXTENTS has room for GC_META_PIECE_EXTENTS. */
int gc_meta_dec_piece(struct gc_kv_val val, struct gc_meta_extent *extents, size_t *ret_n);
void gc_meta_enc_blob_row(struct gc_meta_enc *enc, const struct gc_meta_blob_row *row);
int gc_meta_dec_blob_row(struct gc_kv_val val, struct gc_meta_blob_row *row);
void gc_meta_enc_gc_row(struct gc_meta_enc *enc, const struct gc_meta_gc_row *row);
int gc_meta_dec_gc_row(struct gc_kv_val val, struct gc_meta_gc_row *row); /* all but seq */
void gc_meta_enc_server(struct gc_meta_enc *enc, const struct gc_meta_server *server);
int gc_meta_dec_server(struct gc_kv_val val, struct gc_meta_server *server); /* all but number */
void gc_meta_enc_epoch_row(struct gc_meta_enc *enc, const struct gc_meta_epoch_row *row);
int gc_meta_dec_epoch_row(struct gc_kv_val val, struct gc_meta_epoch_row *row);
void gc_meta_enc_dedup_row(struct gc_meta_enc *enc, const struct gc_meta_dedup_row *row);
int gc_meta_dec_dedup_row(struct gc_kv_val val, struct gc_meta_dedup_row *row);
void gc_meta_enc_job_row(struct gc_meta_enc *enc, const struct gc_meta_job_row *row);
int gc_meta_dec_job_row(struct gc_kv_val val, struct gc_meta_job_row *row);
/* Rows that are a single number; NUMBER 0 for rows without content. */
void gc_meta_enc_number_row(struct gc_meta_enc *enc, uint64_t number);
int gc_meta_dec_number_row(struct gc_kv_val val, uint64_t *ret_number);

struct gc_meta_key {
    uint8_t data[GC_KV_KEY_MAX];
    size_t len;
};

void gc_meta_key_u64(struct gc_meta_key *key, uint64_t id);
void gc_meta_key_u32(struct gc_meta_key *key, uint32_t number);
void gc_meta_key_u32_u64(struct gc_meta_key *key, uint32_t number, uint64_t seq);
void gc_meta_key_u64_u32(struct gc_meta_key *key, uint64_t id, uint32_t piece);
void gc_meta_key_blob(struct gc_meta_key *key, const struct gc_blob_id *id);
void gc_meta_key_bytes(struct gc_meta_key *key, const void *data, size_t len); /* LEN <= max */
void gc_meta_key_tagged(struct gc_meta_key *key, char tag, const void *data, size_t len);
void gc_meta_key_expiry(struct gc_meta_key *key, uint64_t expires_at_ms,
                        const uint8_t request_id[GC_META_REQUEST_ID_BYTES]);
struct gc_kv_val gc_meta_key_val(const struct gc_meta_key *key);

/* The numbers of the state row without the hash, as they are hashed. */
void gc_meta_enc_state_numbers(struct gc_meta_enc *enc, const struct gc_meta_state *state);

#endif
