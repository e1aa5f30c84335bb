/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The writer thread of one bulk environment. A transaction takes what is queued until nothing is,
 * or until it holds conf.txn_bytes of dirty chunks or has removed BLOB_GC_CHUNKS; what is queued
 * while it syncs is the next one. */
#include <errno.h>
#include <string.h>

#include "base/checksum.h"
#include "base/err.h"
#include "base/log.h"
#include "base/macros.h"
#include "storage/blob_priv.h"

#define TRIM_AFTER_REMOVALS 16u

struct bulk_txn {
    struct blob_bulk *bulk;
    struct gc_kv_txn *txn;
    unsigned n_batch; /* chunks written: entries of bulk->batch */
    unsigned n_removed;
    struct gc_list removals; /* jobs to answer after the commit */
};

static int
bulk_write_chunk(struct bulk_txn *bt, const struct gc_blob_chunk_op *op)
{
    struct gc_blob_chunk_head head = { .local = op->put->local,
                                       .chunk_no = op->chunk_no,
                                       .crc = op->crc };
    uint64_t key = gc_blob_part_key(head.local, head.chunk_no);
    uint8_t *dst;
    void *room;
    int rc;

    if (gc_crc32c(0, op->slice.data, op->slice.len) != op->crc) {
        return GC_ECHECKSUM;
    }
    rc = gc_kv_reserve(bt->txn, BULK_CHUNK, gc_kv_val(&key, sizeof(key)), GC_KV_CHUNK_MAX, &room);
    if (rc != 0) {
        return rc;
    }
    dst = room;
    gc_blob_chunk_head_encode(dst, &head);
    memcpy(dst + GC_BLOB_CHUNK_HEAD, op->slice.data, GC_BLOB_CHUNK_BYTES);
    return 0;
}

static void
bulk_do_chunk(struct bulk_txn *bt, struct gc_blob_chunk_op *op)
{
    struct gc_blob_put *put = op->put;
    int rc = gc_blob_put_is_aborted(put) ? GC_ECANCELED : bulk_write_chunk(bt, op);

    if (rc == 0) {
        bt->bulk->batch[bt->n_batch++] = put;
    }
    gc_blob_put_chunk_done(op, rc);
}

static void
bulk_do_removal(struct bulk_txn *bt, struct blob_chunks_job *job)
{
    job->n_removed = 0;
    for (uint32_t no = job->from; no < job->to; no += job->step) {
        uint64_t key = gc_blob_part_key(job->local, no);

        if (gc_kv_del(bt->txn, BULK_CHUNK, gc_kv_val(&key, sizeof(key))) != 0) {
            continue;
        }
        job->n_removed++;
        if (job->n_removed % TRIM_AFTER_REMOVALS == 0) {
            gc_kv_trim(bt->bulk->kv); /* LMDB looks at the first page of each removed chunk */
        }
    }
    bt->n_removed += job->n_removed;
    gc_list_push(&bt->removals, &job->job.op.node);
}

/* Do what is in WORK and what comes meanwhile, as far as it fits in the transaction. */
static void
bulk_fill(struct bulk_txn *bt, struct gc_list *work)
{
    struct blob_bulk *bulk = bt->bulk;
    struct gc_list *node;

    while (bt->n_batch < bulk->batch_max && bt->n_removed < BLOB_GC_CHUNKS &&
           gc_kv_txn_rc(bt->txn) == 0) {
        if (gc_list_empty(work)) {
            (void)gc_queue_take(&bulk->queue, work, 0);
        }
        node = gc_list_pop(work);
        if (node == NULL) {
            return;
        }
        struct gc_blob_op *op = gc_container_of(node, struct gc_blob_op, node);

        if (op->kind == KIND_CHUNK) {
            bulk_do_chunk(bt, gc_container_of(op, struct gc_blob_chunk_op, op));
        } else {
            bulk_do_removal(bt, gc_container_of(op, struct blob_chunks_job, job.op));
        }
    }
}

static void
bulk_answer(struct bulk_txn *bt, int rc)
{
    struct gc_blobs *blobs = bt->bulk->blobs;
    struct gc_list *node;

    for (unsigned i = 0; i < bt->n_batch; i++) {
        gc_blob_put_chunk_synced(bt->bulk->batch[i], rc);
    }
    while ((node = gc_list_pop(&bt->removals)) != NULL) {
        gc_blob_op_done(gc_container_of(node, struct gc_blob_op, node), rc);
    }
    if (bt->n_batch > 0 || rc == GC_EFULL) {
        gc_blobs_check_space(blobs);
    }
}

static int
bulk_commit(struct bulk_txn *bt)
{
    struct blob_bulk *bulk = bt->bulk;
    int rc = gc_kv_txn_rc(bt->txn);

    if (bt->n_batch == 0 && bt->n_removed == 0) {
        gc_kv_abort(bt->txn);
        return rc;
    }
    rc = gc_kv_commit(bt->txn);
    if (rc == 0) {
        gc_counter_inc(bulk->commits);
        gc_counter_add(bulk->bytes, (uint64_t)bt->n_batch * GC_BLOB_CHUNK_BYTES);
    }
    /* LMDB has looked at pages of its tree all over the file. */
    gc_kv_trim(bulk->kv);
    return rc;
}

/* One transaction with the first of WORK. */
static void
bulk_batch(struct blob_bulk *bulk, struct gc_list *work)
{
    struct bulk_txn bt = { .bulk = bulk };
    struct gc_blobs *blobs = bulk->blobs;
    int rc;

    gc_list_init(&bt.removals);
    rc = gc_kv_begin(bulk->kv, true, &bt.txn);
    if (rc != 0) {
        gc_blobs_stop(blobs, "bulk begin", rc);
        return;
    }
    bulk_fill(&bt, work);
    rc = bulk_commit(&bt);
    if (gc_blobs_is_fatal(rc)) {
        gc_blobs_stop(blobs, "bulk commit", rc);
        rc = -EIO;
    }
    bulk_answer(&bt, rc);
}

/* The engine has stopped: nothing is written any more. */
static void
bulk_refuse(struct gc_list *work)
{
    struct gc_list *node;

    while ((node = gc_list_pop(work)) != NULL) {
        struct gc_blob_op *op = gc_container_of(node, struct gc_blob_op, node);

        if (op->kind == KIND_CHUNK) {
            gc_blob_put_chunk_done(gc_container_of(op, struct gc_blob_chunk_op, op), -EIO);
        } else {
            gc_blob_op_done(op, -EIO);
        }
    }
}

void
gc_blob_bulk_main(void *arg)
{
    struct blob_bulk *bulk = arg;
    struct gc_list work;

    gc_list_init(&work);
    while (gc_queue_take(&bulk->queue, &work, -1)) {
        while (!gc_list_empty(&work)) {
            if (atomic_load(&bulk->blobs->stopped)) {
                bulk_refuse(&work);
            } else {
                bulk_batch(bulk, &work);
            }
        }
    }
}
