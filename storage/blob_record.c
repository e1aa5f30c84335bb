/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "storage/blob_record.h"

#include <string.h>

#include "base/checksum.h"
#include "base/endian.h"
#include "base/err.h"

#define HEAD_BYTES  8u
#define CHUNK_MAGIC 0x4743434Bu /* "GCCK" */

enum { TYPE_STORE = 'S', TYPE_STATE = 'T', TYPE_BULK = 'K', TYPE_BLOB = 'B', TYPE_GC = 'G' };

static uint32_t
record_crc(const uint8_t *rec, size_t len)
{
    return gc_crc32c(gc_crc32c(0, rec, 4), rec + HEAD_BYTES, len - HEAD_BYTES);
}

static uint8_t *
record_begin(uint8_t *dst, uint8_t type)
{
    memset(dst, 0, HEAD_BYTES);
    dst[0] = type;
    dst[1] = GC_BLOB_FORMAT_VERSION;
    return dst + HEAD_BYTES;
}

static size_t
record_end(uint8_t *dst, const uint8_t *end)
{
    size_t len = (size_t)(end - dst);

    gc_put_be32(dst + 4, record_crc(dst, len));
    return len;
}

/* Check the head of a record of LEN_MIN..LEN_MAX bytes; its body. */
static int
record_open(const uint8_t *src, size_t len, uint8_t type, size_t len_min, size_t len_max)
{
    if (len < HEAD_BYTES || src[0] != type || gc_get_be32(src + 4) != record_crc(src, len)) {
        return GC_ECORRUPT;
    }
    if (src[1] != GC_BLOB_FORMAT_VERSION) {
        return GC_EVERSION;
    }
    return gc_get_be16(src + 2) == 0 && len >= len_min && len <= len_max ? 0 : GC_ECORRUPT;
}

static uint8_t *
put32(uint8_t *dst, uint32_t v)
{
    gc_put_be32(dst, v);
    return dst + 4;
}

static uint8_t *
put64(uint8_t *dst, uint64_t v)
{
    gc_put_be64(dst, v);
    return dst + 8;
}

static uint8_t *
put_bytes(uint8_t *dst, const void *src, size_t len)
{
    if (len > 0) {
        memcpy(dst, src, len);
    }
    return dst + len;
}

static void
get_id(const uint8_t *src, struct gc_blob_id *id)
{
    id->epoch = gc_get_be64(src);
    id->counter = gc_get_be64(src + 8);
}

size_t
gc_blob_store_encode(uint8_t dst[GC_BLOB_STORE_RECORD_MAX], const struct gc_blob_store_record *rec)
{
    uint8_t *p = record_begin(dst, TYPE_STORE);

    p = put_bytes(p, rec->cluster_id, sizeof(rec->cluster_id));
    p = put_bytes(p, rec->uuid, sizeof(rec->uuid));
    p = put64(p, rec->generation);
    p = put32(p, rec->n_bulk);
    *p++ = (uint8_t)rec->node_len;
    p = put_bytes(p, rec->node, rec->node_len);
    return record_end(dst, p);
}

int
gc_blob_store_decode(const void *data, size_t len, struct gc_blob_store_record *ret_rec)
{
    const uint8_t *src = data;
    struct gc_blob_store_record rec;
    int rc = record_open(src, len, TYPE_STORE, GC_BLOB_STORE_RECORD_MAX - GC_BLOB_NODE_MAX,
                         GC_BLOB_STORE_RECORD_MAX);

    if (rc != 0) {
        return rc;
    }
    memcpy(rec.cluster_id, src + 8, sizeof(rec.cluster_id));
    memcpy(rec.uuid, src + 24, sizeof(rec.uuid));
    rec.generation = gc_get_be64(src + 40);
    rec.n_bulk = gc_get_be32(src + 48);
    rec.node_len = src[52];
    rec.node = (const char *)src + 53;
    if (rec.node_len != len - 53 || rec.n_bulk == 0 || rec.n_bulk > GC_BLOB_BULK_MAX) {
        return GC_ECORRUPT;
    }
    *ret_rec = rec;
    return 0;
}

size_t
gc_blob_state_encode(uint8_t dst[GC_BLOB_STATE_RECORD], const struct gc_blob_state_record *rec)
{
    uint8_t *p = record_begin(dst, TYPE_STATE);

    p = put64(p, rec->seq);
    p = put64(p, rec->next_local);
    p = put64(p, rec->live_min);
    p = put64(p, rec->next_gc);
    p = put64(p, rec->n_blobs);
    p = put64(p, rec->bytes);
    p = put64(p, rec->n_gc);
    return record_end(dst, p);
}

int
gc_blob_state_decode(const void *data, size_t len, struct gc_blob_state_record *ret_rec)
{
    const uint8_t *src = data;
    struct gc_blob_state_record rec;
    int rc = record_open(src, len, TYPE_STATE, GC_BLOB_STATE_RECORD, GC_BLOB_STATE_RECORD);

    if (rc != 0) {
        return rc;
    }
    rec.seq = gc_get_be64(src + 8);
    rec.next_local = gc_get_be64(src + 16);
    rec.live_min = gc_get_be64(src + 24);
    rec.next_gc = gc_get_be64(src + 32);
    rec.n_blobs = gc_get_be64(src + 40);
    rec.bytes = gc_get_be64(src + 48);
    rec.n_gc = gc_get_be64(src + 56);
    if (rec.next_local > GC_BLOB_LOCAL_MAX || rec.live_min > rec.next_local) {
        return GC_ECORRUPT;
    }
    *ret_rec = rec;
    return 0;
}

size_t
gc_blob_bulk_encode(uint8_t dst[GC_BLOB_BULK_RECORD], const struct gc_blob_bulk_record *rec)
{
    uint8_t *p = record_begin(dst, TYPE_BULK);

    p = put_bytes(p, rec->uuid, sizeof(rec->uuid));
    p = put32(p, rec->number);
    return record_end(dst, p);
}

int
gc_blob_bulk_decode(const void *data, size_t len, struct gc_blob_bulk_record *ret_rec)
{
    const uint8_t *src = data;
    int rc = record_open(src, len, TYPE_BULK, GC_BLOB_BULK_RECORD, GC_BLOB_BULK_RECORD);

    if (rc != 0) {
        return rc;
    }
    if (gc_get_be32(src + 24) >= GC_BLOB_BULK_MAX) {
        return GC_ECORRUPT;
    }
    memcpy(ret_rec->uuid, src + 8, sizeof(ret_rec->uuid));
    ret_rec->number = gc_get_be32(src + 24);
    return 0;
}

size_t
gc_blob_record_encode(uint8_t dst[GC_BLOB_RECORD_MAX], const struct gc_blob_record *rec)
{
    uint8_t *p = record_begin(dst, TYPE_BLOB);

    p = put64(p, rec->id.epoch);
    p = put64(p, rec->id.counter);
    p = put64(p, rec->length);
    p = put32(p, rec->crc);
    p = put32(p, rec->n_full);
    p = put32(p, rec->tail_len);
    p = put32(p, rec->tail_crc);
    p = put32(p, 0);
    if (rec->inline_data != NULL) {
        p = put_bytes(p, rec->inline_data, rec->tail_len);
    }
    return record_end(dst, p);
}

int
gc_blob_record_decode(const void *data, size_t len, struct gc_blob_record *ret_rec)
{
    const uint8_t *src = data;
    struct gc_blob_record rec;
    size_t inline_len;
    int rc = record_open(src, len, TYPE_BLOB, GC_BLOB_RECORD_HEAD, GC_BLOB_RECORD_MAX);

    if (rc != 0) {
        return rc;
    }
    get_id(src + 8, &rec.id);
    rec.length = gc_get_be64(src + 24);
    rec.crc = gc_get_be32(src + 32);
    rec.n_full = gc_get_be32(src + 36);
    rec.tail_len = gc_get_be32(src + 40);
    rec.tail_crc = gc_get_be32(src + 44);
    inline_len = rec.tail_len <= GC_BLOB_INLINE_MAX ? rec.tail_len : 0;
    rec.inline_data = rec.tail_len <= GC_BLOB_INLINE_MAX ? src + GC_BLOB_RECORD_HEAD : NULL;
    if (gc_get_be32(src + 48) != 0 || rec.n_full > GC_BLOB_CHUNKS_MAX ||
        rec.tail_len >= GC_BLOB_CHUNK_BYTES ||
        (rec.n_full == GC_BLOB_CHUNKS_MAX && rec.tail_len > 0) ||
        rec.length != (uint64_t)rec.n_full * GC_BLOB_CHUNK_BYTES + rec.tail_len ||
        len != GC_BLOB_RECORD_HEAD + inline_len) {
        return GC_ECORRUPT;
    }
    *ret_rec = rec;
    return 0;
}

size_t
gc_blob_gc_encode(uint8_t dst[GC_BLOB_GC_RECORD], const struct gc_blob_gc_record *rec)
{
    uint8_t *p = record_begin(dst, TYPE_GC);

    p = put64(p, rec->local);
    p = put64(p, rec->id.epoch);
    p = put64(p, rec->id.counter);
    return record_end(dst, p);
}

int
gc_blob_gc_decode(const void *data, size_t len, struct gc_blob_gc_record *ret_rec)
{
    const uint8_t *src = data;
    int rc = record_open(src, len, TYPE_GC, GC_BLOB_GC_RECORD, GC_BLOB_GC_RECORD);

    if (rc != 0) {
        return rc;
    }
    if (gc_get_be64(src + 8) > GC_BLOB_LOCAL_MAX) {
        return GC_ECORRUPT;
    }
    ret_rec->local = gc_get_be64(src + 8);
    get_id(src + 16, &ret_rec->id);
    return 0;
}

/* magic 4, version 1, zero 3, local id 8, chunk number 4, length 4, CRC of the payload 4, CRC of
 * the head 4 */
void
gc_blob_chunk_head_encode(uint8_t dst[GC_BLOB_CHUNK_HEAD], const struct gc_blob_chunk_head *head)
{
    memset(dst, 0, GC_BLOB_CHUNK_HEAD);
    gc_put_be32(dst, CHUNK_MAGIC);
    dst[4] = GC_BLOB_FORMAT_VERSION;
    gc_put_be64(dst + 8, head->local);
    gc_put_be32(dst + 16, head->chunk_no);
    gc_put_be32(dst + 20, GC_BLOB_CHUNK_BYTES);
    gc_put_be32(dst + 24, head->crc);
    gc_put_be32(dst + 28, gc_crc32c(0, dst, 28));
}

int
gc_blob_chunk_head_decode(const uint8_t src[GC_BLOB_CHUNK_HEAD],
                          struct gc_blob_chunk_head *ret_head)
{
    if (gc_get_be32(src) != CHUNK_MAGIC || gc_get_be32(src + 28) != gc_crc32c(0, src, 28)) {
        return GC_ECORRUPT;
    }
    if (src[4] != GC_BLOB_FORMAT_VERSION) {
        return GC_EVERSION;
    }
    if (src[5] != 0 || src[6] != 0 || src[7] != 0 || gc_get_be64(src + 8) > GC_BLOB_LOCAL_MAX ||
        gc_get_be32(src + 16) >= GC_BLOB_CHUNKS_MAX ||
        gc_get_be32(src + 20) != GC_BLOB_CHUNK_BYTES) {
        return GC_ECORRUPT;
    }
    ret_head->local = gc_get_be64(src + 8);
    ret_head->chunk_no = gc_get_be32(src + 16);
    ret_head->crc = gc_get_be32(src + 24);
    return 0;
}

void
gc_blob_id_key(uint8_t dst[GC_BLOB_ID_KEY], const struct gc_blob_id *id)
{
    gc_put_be64(dst, id->epoch);
    gc_put_be64(dst + 8, id->counter);
}

int
gc_blob_id_key_decode(struct gc_kv_val key, struct gc_blob_id *ret_id)
{
    if (key.len != GC_BLOB_ID_KEY) {
        return GC_ECORRUPT;
    }
    get_id(key.data, ret_id);
    return 0;
}

int
gc_blob_local_decode(struct gc_kv_val val, uint64_t *ret_local)
{
    if (val.len != 8 || gc_get_be64(val.data) > GC_BLOB_LOCAL_MAX) {
        return GC_ECORRUPT;
    }
    *ret_local = gc_get_be64(val.data);
    return 0;
}
