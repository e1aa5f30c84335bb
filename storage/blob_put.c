/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One blob being written.
 *
 * Happy path: begin -> chunks (full ones to a bulk writer, the tail to a reader thread that
 * verifies it) -> commit -> when no chunk is running or uncommitted: to the core writer ->
 * published: the caller's commit is notified, the put freed. Failures: a chunk that does not match
 * its CRC, or a bulk commit that fails, is remembered in PUT->rc and becomes the answer of the
 * commit; abort sets ABORTED, chunk requests in queues are then notified with GC_ECANCELED. Either
 * way the put ends when nothing of it is running, and its chunks are removed by the gc thread.
 * put_settle decides, once. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/checksum.h"
#include "base/err.h"
#include "base/macros.h"
#include "storage/blob_priv.h"

static struct gc_list *
put_bucket(struct gc_blobs *blobs, const struct gc_blob_id *id)
{
    return &blobs->puts[(id->counter ^ id->epoch * UINT64_C(0x9e3779b97f4a7c15)) % BLOB_BUCKETS];
}

static bool
put_id_is_open(struct gc_blobs *blobs, const struct gc_blob_id *id)
{
    const struct gc_list *head = put_bucket(blobs, id);
    const struct gc_list *node;

    gc_list_foreach(node, head) {
        const struct gc_blob_put *put = gc_container_of(node, struct gc_blob_put, id_node);

        if (put->id.epoch == id->epoch && put->id.counter == id->counter) {
            return true;
        }
    }
    return false;
}

/* GC_EEXISTS when ID is committed. */
static int
put_check_committed(struct gc_blobs *blobs, const struct gc_blob_id *id)
{
    struct gc_blob_record rec;
    struct gc_kv_txn *txn;
    uint64_t local;
    int rc = gc_kv_begin(blobs->core, false, &txn);

    if (rc != 0) {
        return rc;
    }
    rc = gc_blob_lookup(txn, id, &local, &rec);
    gc_kv_abort(txn);
    if (rc == 0) {
        return GC_EEXISTS;
    }
    return rc == GC_ENOTFOUND ? 0 : rc;
}

static int
put_register(struct gc_blobs *blobs, struct gc_blob_put *put)
{
    int rc = 0;

    pthread_mutex_lock(&blobs->lock);
    if (put_id_is_open(blobs, &put->id)) {
        rc = GC_EEXISTS;
    } else if (blobs->n_puts >= GC_BLOB_PUTS_MAX || blobs->next_local >= GC_BLOB_LOCAL_MAX) {
        rc = GC_ELIMIT;
    } else {
        put->local = blobs->next_local++;
        blobs->n_puts++;
        gc_list_push(put_bucket(blobs, &put->id), &put->id_node);
        gc_list_push(&blobs->live, &put->live_node);
    }
    pthread_mutex_unlock(&blobs->lock);
    return rc;
}

int
gc_blob_put_begin(struct gc_blobs *blobs, const struct gc_blob_id *id, struct gc_blob_put **ret_put)
{
    struct gc_blob_put *put;
    int rc;

    if (atomic_load(&blobs->stopped)) {
        return -EIO;
    }
    if (atomic_load(&blobs->full)) {
        return GC_EFULL;
    }
    rc = put_check_committed(blobs, id);
    if (rc != 0) {
        return rc;
    }
    put = calloc(1, sizeof(*put));
    if (put == NULL) {
        return -ENOMEM;
    }
    put->job.kind = KIND_PUT;
    put->blobs = blobs;
    put->id = *id;
    rc = put_register(blobs, put);
    if (rc != 0) {
        free(put);
        return rc;
    }
    *ret_put = put;
    return 0;
}

void
gc_blob_put_free(struct gc_blob_put *put)
{
    struct gc_blobs *blobs = put->blobs;

    pthread_mutex_lock(&blobs->lock);
    gc_list_remove(&put->id_node);
    gc_list_remove(&put->live_node);
    blobs->n_puts--;
    pthread_mutex_unlock(&blobs->lock);
    if (put->tail.owner != NULL) {
        gc_blob_pool_release(blobs->pool, GC_BLOB_POOL_PUT, put->tail.len);
        gc_bytes_unref(put->tail.owner);
    }
    free(put);
}

/* Nothing of PUT is running: free it, after its chunks have been removed. Closing leaves them to
 * the next start. */
static void
put_drop(struct gc_blob_put *put)
{
    struct gc_blobs *blobs = put->blobs;

    if (put->n_written > 0 && !atomic_load(&blobs->closing) && !atomic_load(&blobs->stopped)) {
        pthread_mutex_lock(&blobs->lock);
        gc_list_remove(&put->id_node); /* the id may be tried again at once */
        pthread_mutex_unlock(&blobs->lock);
        gc_queue_push(&blobs->gc.queue, &put->job.node);
        return;
    }
    gc_blob_put_free(put);
}

enum put_next { PUT_WAITS, PUT_PUBLISH, PUT_DROP };

/* With the lock held: what to do with PUT after something about it has changed. */
static enum put_next
put_settle(struct gc_blob_put *put)
{
    if (put->settled || put->n_running > 0 || put->n_unsynced > 0) {
        return PUT_WAITS;
    }
    if (!put->aborted && put->commit == NULL) {
        return PUT_WAITS;
    }
    put->settled = true;
    return put->aborted || put->rc != 0 ? PUT_DROP : PUT_PUBLISH;
}

/* A PUT that waits may be gone already: another thread has advanced it. */
static void
put_advance(struct gc_blob_put *put, enum put_next next)
{
    struct gc_blob_op *commit;
    int rc;

    switch (next) {
    case PUT_WAITS:
        break;
    case PUT_PUBLISH:
        gc_queue_push(&put->blobs->core_queue, &put->job.node);
        break;
    case PUT_DROP:
        commit = put->commit;
        rc = put->rc;
        put_drop(put);
        if (commit != NULL) {
            gc_blob_op_done(commit, rc);
        }
        break;
    }
}

/* With the lock held: take the next chunk into account. */
static int
put_chunk_admit(struct gc_blob_put *put, struct gc_blob_chunk_op *op)
{
    uint32_t len = (uint32_t)op->slice.len;
    bool is_full = len == GC_BLOB_CHUNK_BYTES;

    if (put->rc != 0) {
        return put->rc;
    }
    if (put->n_chunks != put->n_full || put->n_chunks >= GC_BLOB_CHUNKS_MAX) {
        return GC_ERANGE; /* a short chunk was the last one */
    }
    op->chunk_no = put->n_chunks;
    put->crc = put->n_chunks == 0 ? op->crc : gc_crc32c_combine(put->crc, op->crc, len);
    put->length += len;
    put->n_chunks++;
    put->n_running++;
    if (is_full) {
        put->n_full++;
        put->n_unsynced++;
    }
    return 0;
}

int
gc_blob_put_chunk(struct gc_blob_put *put, struct gc_blob_chunk_op *op,
                  const struct gc_slice *slice, uint32_t crc)
{
    struct gc_blobs *blobs = put->blobs;
    unsigned bulk = 0;
    int rc;

    assert(slice->owner != NULL && put->commit == NULL);
    if (atomic_load(&blobs->stopped)) {
        return -EIO;
    }
    if (slice->len == 0 || slice->len > GC_BLOB_CHUNK_BYTES) {
        return GC_ERANGE;
    }
    if (atomic_load(&blobs->full) && slice->len == GC_BLOB_CHUNK_BYTES) {
        return GC_EFULL;
    }
    rc = gc_blob_pool_charge(blobs->pool, GC_BLOB_POOL_PUT, slice->len);
    if (rc != 0) {
        gc_counter_inc(blobs->metrics.refused);
        return rc;
    }
    op->op.kind = slice->len == GC_BLOB_CHUNK_BYTES ? KIND_CHUNK : KIND_TAIL;
    op->slice = *slice;
    op->crc = crc;
    op->put = put;
    pthread_mutex_lock(&blobs->lock);
    rc = put_chunk_admit(put, op);
    pthread_mutex_unlock(&blobs->lock);
    if (rc != 0) {
        gc_blob_pool_release(blobs->pool, GC_BLOB_POOL_PUT, slice->len);
        return rc;
    }
    op->bytes = gc_bytes_ref(slice->owner);
    if (op->op.kind == KIND_TAIL) {
        gc_queue_push(&blobs->read_queue, &op->op.node);
    } else {
        bulk = gc_blob_part_bulk(put->local, op->chunk_no, blobs->n_bulk);
        gc_queue_push(&blobs->bulk[bulk].queue, &op->op.node);
    }
    return 0;
}

bool
gc_blob_put_is_aborted(struct gc_blob_put *put)
{
    bool aborted;

    pthread_mutex_lock(&put->blobs->lock);
    aborted = put->aborted;
    pthread_mutex_unlock(&put->blobs->lock);
    return aborted;
}

void
gc_blob_put_chunk_done(struct gc_blob_chunk_op *op, int rc)
{
    struct gc_blob_put *put = op->put;
    struct gc_blobs *blobs = put->blobs;
    bool is_full = op->op.kind == KIND_CHUNK;
    struct gc_bytes *bytes = op->bytes;
    size_t len = op->slice.len;
    enum put_next next;

    pthread_mutex_lock(&blobs->lock);
    if (rc == 0 && is_full) {
        put->n_written++;
    } else if (rc == 0) {
        put->tail = op->slice; /* with its reference and its share of the pool */
        put->tail_crc = op->crc;
        bytes = NULL;
    } else {
        put->n_unsynced -= is_full;
        put->rc = put->rc != 0 ? put->rc : rc;
    }
    pthread_mutex_unlock(&blobs->lock);
    if (bytes != NULL) {
        gc_bytes_unref(bytes);
        gc_blob_pool_release(blobs->pool, GC_BLOB_POOL_PUT, len);
    }
    gc_blob_op_done(&op->op, rc);

    /* Counted as running until its owner was told, so that the commit is notified after it. */
    pthread_mutex_lock(&blobs->lock);
    put->n_running--;
    next = put_settle(put);
    pthread_mutex_unlock(&blobs->lock);
    put_advance(put, next);
}

void
gc_blob_put_chunk_synced(struct gc_blob_put *put, int rc)
{
    struct gc_blobs *blobs = put->blobs;
    enum put_next next;

    pthread_mutex_lock(&blobs->lock);
    put->n_unsynced--;
    put->rc = put->rc != 0 ? put->rc : rc;
    next = put_settle(put);
    pthread_mutex_unlock(&blobs->lock);
    put_advance(put, next);
}

int
gc_blob_put_commit(struct gc_blob_put *put, struct gc_blob_op *op, uint64_t length, uint32_t crc)
{
    struct gc_blobs *blobs = put->blobs;
    enum put_next next = PUT_WAITS;
    int rc;

    if (atomic_load(&blobs->stopped)) {
        return -EIO;
    }
    pthread_mutex_lock(&blobs->lock);
    rc = put->rc;
    if (rc == 0 && length != put->length) {
        rc = GC_ERANGE;
    }
    if (rc == 0 && crc != put->crc) {
        rc = GC_ECHECKSUM;
    }
    if (rc == 0) {
        put->commit = op;
        next = put_settle(put);
    }
    pthread_mutex_unlock(&blobs->lock);
    put_advance(put, next);
    return rc;
}

void
gc_blob_put_abort(struct gc_blob_put *put)
{
    struct gc_blobs *blobs = put->blobs;
    enum put_next next;

    assert(put->commit == NULL);
    pthread_mutex_lock(&blobs->lock);
    put->aborted = true;
    gc_list_remove(&put->id_node); /* the id may be tried again at once */
    put->rc = put->rc != 0 ? put->rc : GC_ECANCELED;
    next = put_settle(put);
    pthread_mutex_unlock(&blobs->lock);
    put_advance(put, next);
}

void
gc_blob_put_published(struct gc_blob_put *put, int rc)
{
    struct gc_blob_op *commit = put->commit;

    if (rc == 0) {
        gc_counter_inc(put->blobs->metrics.puts);
        gc_blob_put_free(put);
    } else {
        put_drop(put);
    }
    gc_blob_op_done(commit, rc);
}
