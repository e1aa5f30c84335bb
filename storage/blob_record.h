/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every record that the blob engine stores, encoded and decoded; FORMAT.md has the bytes. Pure.
 * Decoders survive any bytes and accept exactly what the encoder makes: GC_ECORRUPT otherwise,
 * GC_EVERSION for a version that we do not know under an intact CRC. What they return points into
 * the bytes given. */
#ifndef GC_STORAGE_BLOB_RECORD_H
#define GC_STORAGE_BLOB_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "storage/blob.h"
#include "storage/kv.h"

#define GC_BLOB_FORMAT_VERSION 1
#define GC_BLOB_NODE_MAX       255u
#define GC_BLOB_BULK_MAX       8u
#define GC_BLOB_PIECE_BYTES    16368u
#define GC_BLOB_PIECES_MAX     17u /* of a tail */
#define GC_BLOB_LOCAL_MAX      ((UINT64_C(1) << 40) - 1)

#define GC_BLOB_STORE_RECORD_MAX (8u + 16 + 16 + 8 + 4 + 1 + GC_BLOB_NODE_MAX)
#define GC_BLOB_STATE_RECORD     (8u + 7 * 8)
#define GC_BLOB_BULK_RECORD      (8u + 16 + 4)
#define GC_BLOB_RECORD_HEAD      (8u + 16 + 8 + 4 + 4 + 4 + 4 + 4)
#define GC_BLOB_RECORD_MAX       (GC_BLOB_RECORD_HEAD + GC_BLOB_INLINE_MAX)
#define GC_BLOB_GC_RECORD        (8u + 8 + 16)
#define GC_BLOB_CHUNK_HEAD       32u
#define GC_BLOB_ID_KEY           16u

_Static_assert(GC_BLOB_STORE_RECORD_MAX == 308 && GC_BLOB_STATE_RECORD == 64 &&
                   GC_BLOB_BULK_RECORD == 28 && GC_BLOB_RECORD_HEAD == 52 &&
                   GC_BLOB_GC_RECORD == 32,
               "FORMAT.md");
/* A chunk with its head fills 64 pages less the 16 bytes of LMDB's page header. */
_Static_assert(GC_BLOB_CHUNK_HEAD + GC_BLOB_CHUNK_BYTES == GC_KV_CHUNK_MAX, "chunk size");
_Static_assert(GC_KV_CHUNK_MAX == 64 * 4096 - 16, "chunk pages");
_Static_assert(GC_BLOB_PIECE_BYTES == 4 * 4096 - 16 && GC_BLOB_PIECE_BYTES <= GC_KV_VALUE_MAX,
               "piece pages");
_Static_assert((uint64_t)GC_BLOB_PIECES_MAX *GC_BLOB_PIECE_BYTES >= GC_BLOB_CHUNK_BYTES - 1,
               "a tail fits");
_Static_assert((uint64_t)GC_BLOB_CHUNK_BYTES *GC_BLOB_CHUNKS_MAX <= (UINT64_C(1) << 30),
               "at most 1 GiB");
_Static_assert(GC_BLOB_CHUNKS_MAX < (1u << 24), "a chunk number fits in its key");

/* Who the store is; written at creation and, for the generation, at each open. */
struct gc_blob_store_record {
    uint8_t cluster_id[16];
    uint8_t uuid[16];
    uint64_t generation;
    uint32_t n_bulk;
    const char *node;
    size_t node_len;
};

/* What moves; written with each core transaction. */
struct gc_blob_state_record {
    uint64_t seq;        /* rises by one each commit */
    uint64_t next_local; /* no local id in the store is >= this, but for puts that were running */
    uint64_t live_min;   /* local ids below this are not of puts that were running */
    uint64_t next_gc;    /* next place in the gc queue */
    uint64_t n_blobs;
    uint64_t bytes;
    uint64_t n_gc; /* rows in the gc queue */
};

/* Which part of which store a bulk file is. */
struct gc_blob_bulk_record {
    uint8_t uuid[16];
    uint32_t number;
};

struct gc_blob_record {
    struct gc_blob_id id;
    uint64_t length; /* = n_full * GC_BLOB_CHUNK_BYTES + tail_len */
    uint32_t crc;
    uint32_t n_full;
    uint32_t tail_len;
    uint32_t tail_crc;
    const uint8_t *inline_data; /* the tail when tail_len <= GC_BLOB_INLINE_MAX; else NULL, and it
                                   is in pieces */
};

struct gc_blob_gc_record {
    uint64_t local;
    struct gc_blob_id id;
};

struct gc_blob_chunk_head {
    uint64_t local;
    uint32_t chunk_no;
    uint32_t crc; /* of the payload */
};

/* Encoders write to DST (the size given above) and return the length. */
size_t gc_blob_store_encode(uint8_t dst[GC_BLOB_STORE_RECORD_MAX],
                            const struct gc_blob_store_record *rec);
int gc_blob_store_decode(const void *src, size_t len, struct gc_blob_store_record *ret_rec);
size_t gc_blob_state_encode(uint8_t dst[GC_BLOB_STATE_RECORD],
                            const struct gc_blob_state_record *rec);
int gc_blob_state_decode(const void *src, size_t len, struct gc_blob_state_record *ret_rec);
size_t gc_blob_bulk_encode(uint8_t dst[GC_BLOB_BULK_RECORD], const struct gc_blob_bulk_record *rec);
int gc_blob_bulk_decode(const void *src, size_t len, struct gc_blob_bulk_record *ret_rec);
size_t gc_blob_record_encode(uint8_t dst[GC_BLOB_RECORD_MAX], const struct gc_blob_record *rec);
int gc_blob_record_decode(const void *src, size_t len, struct gc_blob_record *ret_rec);
size_t gc_blob_gc_encode(uint8_t dst[GC_BLOB_GC_RECORD], const struct gc_blob_gc_record *rec);
int gc_blob_gc_decode(const void *src, size_t len, struct gc_blob_gc_record *ret_rec);
void gc_blob_chunk_head_encode(uint8_t dst[GC_BLOB_CHUNK_HEAD],
                               const struct gc_blob_chunk_head *head);
int gc_blob_chunk_head_decode(const uint8_t src[GC_BLOB_CHUNK_HEAD],
                              struct gc_blob_chunk_head *ret_head);

/* The key of a blob in the table of ids: byte order is id order. */
void gc_blob_id_key(uint8_t dst[GC_BLOB_ID_KEY], const struct gc_blob_id *id);
int gc_blob_id_key_decode(struct gc_kv_val key, struct gc_blob_id *ret_id);
/* Its value, the local id. GC_ECORRUPT. */
int gc_blob_local_decode(struct gc_kv_val val, uint64_t *ret_local);

/* The integer key of chunk or piece NUMBER of the blob LOCAL, and back. */
static inline uint64_t
gc_blob_part_key(uint64_t local, uint32_t number)
{
    return local << 24 | number;
}
static inline uint64_t
gc_blob_part_local(uint64_t key)
{
    return key >> 24;
}
static inline uint32_t
gc_blob_part_number(uint64_t key)
{
    return (uint32_t)(key & 0xffffff);
}

/* The bulk file of a chunk: neighbours lie in different ones, and so do first chunks of small
 * blobs. */
static inline unsigned
gc_blob_part_bulk(uint64_t local, uint32_t chunk_no, unsigned n_bulk)
{
    return (unsigned)((local + chunk_no) % n_bulk);
}

static inline uint32_t
gc_blob_n_pieces(uint32_t tail_len)
{
    return tail_len <= GC_BLOB_INLINE_MAX
               ? 0
               : (tail_len + GC_BLOB_PIECE_BYTES - 1) / GC_BLOB_PIECE_BYTES;
}

#endif
