/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Stored records: the first byte chooses the kind. Any bytes are survived, and what is accepted is
 * exactly what the encoder makes of the result. Tried as it is and with the CRC put right, so that
 * the checks behind it are reached. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/endian.h"
#include "base/err.h"
#include "storage/blob_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
again_store(const uint8_t *src, size_t len, uint8_t *dst, size_t *ret_len)
{
    struct gc_blob_store_record rec;
    int rc = gc_blob_store_decode(src, len, &rec);

    *ret_len = rc == 0 ? gc_blob_store_encode(dst, &rec) : 0;
    return rc;
}

static int
again_state(const uint8_t *src, size_t len, uint8_t *dst, size_t *ret_len)
{
    struct gc_blob_state_record rec;
    int rc = gc_blob_state_decode(src, len, &rec);

    *ret_len = rc == 0 ? gc_blob_state_encode(dst, &rec) : 0;
    return rc;
}

static int
again_bulk(const uint8_t *src, size_t len, uint8_t *dst, size_t *ret_len)
{
    struct gc_blob_bulk_record rec;
    int rc = gc_blob_bulk_decode(src, len, &rec);

    *ret_len = rc == 0 ? gc_blob_bulk_encode(dst, &rec) : 0;
    return rc;
}

static int
again_blob(const uint8_t *src, size_t len, uint8_t *dst, size_t *ret_len)
{
    struct gc_blob_record rec;
    int rc = gc_blob_record_decode(src, len, &rec);

    *ret_len = rc == 0 ? gc_blob_record_encode(dst, &rec) : 0;
    return rc;
}

static int
again_gc(const uint8_t *src, size_t len, uint8_t *dst, size_t *ret_len)
{
    struct gc_blob_gc_record rec;
    int rc = gc_blob_gc_decode(src, len, &rec);

    *ret_len = rc == 0 ? gc_blob_gc_encode(dst, &rec) : 0;
    return rc;
}

static int
again_chunk_head(const uint8_t *src, size_t len, uint8_t *dst, size_t *ret_len)
{
    struct gc_blob_chunk_head head;
    int rc = len == GC_BLOB_CHUNK_HEAD ? gc_blob_chunk_head_decode(src, &head) : GC_ECORRUPT;

    *ret_len = GC_BLOB_CHUNK_HEAD;
    if (rc == 0) {
        gc_blob_chunk_head_encode(dst, &head);
    }
    return rc;
}

static int (*const again[])(const uint8_t *src, size_t len, uint8_t *dst, size_t *ret_len) = {
    again_store, again_state, again_bulk, again_blob, again_gc, again_chunk_head,
};

static void
try_record(size_t kind, const uint8_t *src, size_t len)
{
    uint8_t dst[GC_BLOB_RECORD_MAX];
    size_t dst_len = 0;
    int rc = again[kind](src, len, dst, &dst_len);

    assert(rc == 0 || rc == GC_ECORRUPT || rc == GC_EVERSION);
    assert(rc != 0 || (dst_len == len && memcmp(dst, src, len) == 0));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gc_kv_val val = { data, size };
    struct gc_blob_id id;
    uint64_t local;
    uint8_t *copy;
    size_t kind, len = size - 1;

    (void)gc_blob_id_key_decode(val, &id);
    (void)gc_blob_local_decode(val, &local);
    if (size == 0) {
        return 0;
    }
    kind = data[0] % (sizeof(again) / sizeof(again[0]));
    copy = malloc(len > 0 ? len : 1);
    assert(copy != NULL);
    memcpy(copy, data + 1, len);
    try_record(kind, copy, len);
    if (again[kind] == again_chunk_head && len == GC_BLOB_CHUNK_HEAD) {
        gc_put_be32(copy + 28, gc_crc32c(0, copy, 28));
        try_record(kind, copy, len);
    } else if (len >= 8) {
        gc_put_be32(copy + 4, gc_crc32c(gc_crc32c(0, copy, 4), copy + 8, len - 8));
        try_record(kind, copy, len);
    }
    free(copy);
    return 0;
}
