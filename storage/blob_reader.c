/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading. An open blob is an entry in a table that keeps the gc thread from removing it. The
 * threads here take whole chunks out of the files by pread within a short read transaction (the map
 * serves lookups only, so memory stays bounded and a bad sector is an error instead of a signal),
 * and verify them; they also verify tails of blobs being written. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/checksum.h"
#include "base/err.h"
#include "base/log.h"
#include "base/macros.h"
#include "storage/blob_priv.h"

/* --- lookups --- */

int
gc_blob_lookup_local(struct gc_kv_txn *txn, uint64_t local, struct gc_blob_record *ret_rec)
{
    struct gc_kv_val val;
    int rc = gc_kv_get(txn, CORE_BLOB, gc_kv_val(&local, sizeof(local)), &val);

    return rc != 0 ? rc : gc_blob_record_decode(val.data, val.len, ret_rec);
}

int
gc_blob_lookup(struct gc_kv_txn *txn, const struct gc_blob_id *id, uint64_t *ret_local,
               struct gc_blob_record *ret_rec)
{
    uint8_t key[GC_BLOB_ID_KEY];
    struct gc_blob_record rec;
    struct gc_kv_val val;
    uint64_t local;
    int rc;

    gc_blob_id_key(key, id);
    rc = gc_kv_get(txn, CORE_IDS, gc_kv_val(key, sizeof(key)), &val);
    if (rc != 0) {
        return rc;
    }
    rc = gc_blob_local_decode(val, &local);
    if (rc != 0) {
        return rc;
    }
    rc = gc_blob_lookup_local(txn, local, &rec);
    if (rc == GC_ENOTFOUND ||
        (rc == 0 && (rec.id.epoch != id->epoch || rec.id.counter != id->counter))) {
        return GC_ECORRUPT;
    }
    if (rc == 0) {
        *ret_local = local;
        *ret_rec = rec;
    }
    return rc;
}

/* --- open blobs --- */

static struct gc_list *
open_bucket(struct gc_blobs *blobs, uint64_t local)
{
    return &blobs->opens[local % BLOB_BUCKETS];
}

bool
gc_blob_is_open(struct gc_blobs *blobs, uint64_t local)
{
    struct gc_list *head = open_bucket(blobs, local);
    struct gc_list *node;
    bool found = false;

    pthread_mutex_lock(&blobs->lock);
    gc_list_foreach(node, head) {
        found = found || gc_container_of(node, struct gc_blob_reader, node)->local == local;
    }
    pthread_mutex_unlock(&blobs->lock);
    return found;
}

static int
reader_lookup(struct gc_blobs *blobs, const struct gc_blob_id *id, uint64_t *ret_local,
              struct gc_blob_record *ret_rec)
{
    struct gc_kv_txn *txn;
    int rc = gc_kv_begin(blobs->core, false, &txn);

    if (rc != 0) {
        return rc;
    }
    rc = gc_blob_lookup(txn, id, ret_local, ret_rec);
    gc_kv_abort(txn);
    ret_rec->inline_data = NULL;
    return rc;
}

int
gc_blob_open(struct gc_blobs *blobs, const struct gc_blob_id *id,
             struct gc_blob_reader **ret_reader, struct gc_blob_stat *ret_stat)
{
    struct gc_blob_reader *reader;
    struct gc_blob_record again;
    uint64_t local = 0;
    int rc;

    if (atomic_load(&blobs->stopped)) {
        return -EIO;
    }
    reader = calloc(1, sizeof(*reader));
    if (reader == NULL) {
        return -ENOMEM;
    }
    reader->blobs = blobs;
    gc_blobs_count_lookups(blobs, 1);
    rc = reader_lookup(blobs, id, &reader->local, &reader->rec);
    if (rc != 0) {
        free(reader);
        return rc;
    }
    pthread_mutex_lock(&blobs->lock);
    gc_list_push(open_bucket(blobs, reader->local), &reader->node);
    blobs->n_opens++;
    pthread_mutex_unlock(&blobs->lock);

    /* The gc thread may have passed by before the entry was in the table. If the id is still there
     * its tombstone comes later, and then the entry is seen. */
    rc = reader_lookup(blobs, id, &local, &again);
    if (rc == 0 && local != reader->local) {
        rc = GC_ENOTFOUND;
    }
    if (rc != 0) {
        gc_blob_close(reader);
        return rc;
    }
    ret_stat->length = reader->rec.length;
    ret_stat->crc = reader->rec.crc;
    ret_stat->n_chunks = reader->rec.n_full + (reader->rec.tail_len > 0);
    *ret_reader = reader;
    return 0;
}

void
gc_blob_close(struct gc_blob_reader *reader)
{
    struct gc_blobs *blobs = reader->blobs;

    pthread_mutex_lock(&blobs->lock);
    gc_list_remove(&reader->node);
    blobs->n_opens--;
    pthread_mutex_unlock(&blobs->lock);
    free(reader);
    if (atomic_load(&blobs->gc.held)) {
        gc_blob_gc_wake(blobs);
    }
}

/* --- reading chunks --- */

static int
read_full(struct gc_blobs *blobs, const struct gc_blob_read_op *op, uint32_t *ret_crc)
{
    uint64_t local = op->reader->local;
    uint64_t key = gc_blob_part_key(local, op->chunk_no);
    struct gc_kv *kv = blobs->bulk[gc_blob_part_bulk(local, op->chunk_no, blobs->n_bulk)].kv;
    uint8_t head_bytes[GC_BLOB_CHUNK_HEAD];
    struct gc_blob_chunk_head head;
    struct iovec iov[2] = { { head_bytes, sizeof(head_bytes) },
                            { op->bytes->data, GC_BLOB_CHUNK_BYTES } };
    struct gc_kv_txn *txn;
    struct gc_kv_val val;
    uint64_t offset = 0;
    ssize_t n = -1;
    int fd = -1;
    int rc = gc_kv_begin(kv, false, &txn);

    if (rc != 0) {
        return rc;
    }
    rc = gc_kv_get(txn, BULK_CHUNK, gc_kv_val(&key, sizeof(key)), &val);
    if (rc == 0 && val.len == GC_KV_CHUNK_MAX) {
        rc = gc_kv_file_offset(txn, val, &fd, &offset);
        n = rc == 0 ? preadv(fd, iov, 2, (off_t)offset) : -1;
    }
    gc_kv_abort(txn);
    if (n != GC_KV_CHUNK_MAX || gc_blob_chunk_head_decode(head_bytes, &head) != 0 ||
        head.local != local || head.chunk_no != op->chunk_no) {
        return GC_ECHECKSUM; /* missing, unreadable or not what it should be: the copy is bad */
    }
    *ret_crc = head.crc;
    return 0;
}

static int
read_pieces(struct gc_kv_txn *txn, uint64_t local, uint8_t *dst, uint32_t len)
{
    for (uint32_t i = 0, at = 0; at < len; i++, at += GC_BLOB_PIECE_BYTES) {
        uint64_t key = gc_blob_part_key(local, i);
        size_t want = GC_MIN(GC_BLOB_PIECE_BYTES, len - at);
        struct gc_kv_val val;
        uint64_t offset;
        int fd;
        int rc = gc_kv_get(txn, CORE_PIECE, gc_kv_val(&key, sizeof(key)), &val);

        if (rc == 0 && val.len == want) {
            rc = gc_kv_file_offset(txn, val, &fd, &offset);
        }
        if (rc != 0 || val.len != want ||
            pread(fd, dst + at, want, (off_t)offset) != (ssize_t)want) {
            return GC_ECHECKSUM;
        }
    }
    return 0;
}

static int
read_tail(struct gc_blobs *blobs, const struct gc_blob_read_op *op, uint32_t *ret_crc)
{
    struct gc_blob_record rec;
    struct gc_kv_txn *txn;
    int rc = gc_kv_begin(blobs->core, false, &txn);

    if (rc != 0) {
        return rc;
    }
    rc = gc_blob_lookup_local(txn, op->reader->local, &rec);
    if (rc != 0 || rec.tail_len != op->bytes->len) {
        gc_kv_abort(txn);
        return GC_ECHECKSUM;
    }
    if (rec.inline_data != NULL) {
        memcpy(op->bytes->data, rec.inline_data, rec.tail_len);
    } else {
        rc = read_pieces(txn, op->reader->local, op->bytes->data, rec.tail_len);
    }
    gc_kv_abort(txn);
    *ret_crc = rec.tail_crc;
    return rc;
}

static void
do_read(struct gc_blobs *blobs, struct gc_blob_read_op *op)
{
    bool is_full = op->chunk_no < op->reader->rec.n_full;
    uint32_t crc = 0;
    int rc = is_full ? read_full(blobs, op, &crc) : read_tail(blobs, op, &crc);

    if (rc == 0 && gc_crc32c(0, op->bytes->data, op->bytes->len) != crc) {
        rc = GC_ECHECKSUM;
    }
    if (rc != 0) {
        const struct gc_blob_id *id = &op->reader->rec.id;

        gc_counter_inc(blobs->metrics.bad_checksums);
        gc_log(GC_LOG_ERROR, "storage.bad_chunk", "blob=%016llx%016llx chunk=%u rc=%s",
               (unsigned long long)id->epoch, (unsigned long long)id->counter, op->chunk_no,
               gc_err_name(rc));
        gc_bytes_unref(op->bytes);
        op->bytes = NULL;
    }
    op->crc = crc;
    gc_blob_op_done(&op->op, rc);
}

static void
do_tail(struct gc_blob_chunk_op *op)
{
    int rc = 0;

    if (gc_blob_put_is_aborted(op->put)) {
        rc = GC_ECANCELED;
    } else if (gc_crc32c(0, op->slice.data, op->slice.len) != op->crc) {
        rc = GC_ECHECKSUM;
    }
    gc_blob_put_chunk_done(op, rc);
}

void
gc_blob_reader_main(void *arg)
{
    struct gc_blobs *blobs = arg;
    struct gc_list *node;

    while ((node = gc_queue_pop(&blobs->read_queue, -1)) != NULL) {
        struct gc_blob_op *op = gc_container_of(node, struct gc_blob_op, node);

        if (op->kind == KIND_TAIL) {
            do_tail(gc_container_of(op, struct gc_blob_chunk_op, op));
        } else {
            do_read(blobs, gc_container_of(op, struct gc_blob_read_op, op));
        }
    }
}

int
gc_blob_read_chunk(struct gc_blob_reader *reader, struct gc_blob_read_op *op, uint32_t chunk_no)
{
    struct gc_blobs *blobs = reader->blobs;
    const struct gc_blob_record *rec = &reader->rec;
    uint32_t len = chunk_no < rec->n_full ? GC_BLOB_CHUNK_BYTES : rec->tail_len;
    struct gc_bytes *bytes;

    if (atomic_load(&blobs->stopped)) {
        return -EIO;
    }
    if (chunk_no >= rec->n_full + (rec->tail_len > 0)) {
        return GC_ERANGE;
    }
    bytes = gc_blob_pool_get(blobs->pool, len);
    if (bytes == NULL) {
        gc_counter_inc(blobs->metrics.refused);
        return GC_ELIMIT;
    }
    gc_blobs_count_lookups(blobs, 1);
    op->op.kind = KIND_READ;
    op->bytes = bytes;
    op->reader = reader;
    op->chunk_no = chunk_no;
    gc_queue_push(&blobs->read_queue, &op->op.node);
    return 0;
}

int
gc_blob_read_inline(struct gc_blob_reader *reader, struct gc_bytes **ret_bytes, uint32_t *ret_crc)
{
    struct gc_blobs *blobs = reader->blobs;
    struct gc_bytes *bytes = NULL;
    struct gc_blob_record rec;
    struct gc_kv_txn *txn;
    int rc;

    if (atomic_load(&blobs->stopped)) {
        return -EIO;
    }
    if (reader->rec.n_full > 0 || reader->rec.tail_len > GC_BLOB_INLINE_MAX) {
        return GC_ENOTFOUND;
    }
    rc = gc_kv_begin(blobs->core, false, &txn);
    if (rc != 0) {
        return rc;
    }
    /* Verified by the CRC of the record, which includes the data. */
    rc = gc_blob_lookup_local(txn, reader->local, &rec);
    if (rc != 0 || rec.inline_data == NULL) {
        rc = GC_ECHECKSUM;
    } else {
        bytes = gc_bytes_copy(rec.inline_data, rec.tail_len);
        rc = bytes == NULL ? -ENOMEM : 0;
    }
    gc_kv_abort(txn);
    if (rc == 0) {
        *ret_bytes = bytes;
        *ret_crc = rec.tail_crc;
    }
    return rc;
}
