/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The writer thread of the core environment: a commit here is what makes blobs visible and
 * invisible. A transaction takes what is queued until nothing is, or until it is large; what is
 * queued while it syncs is the next one. A put that meets its own error (GC_EEXISTS) does not touch
 * the others; an error of the transaction is everybody's. When the disk is full the puts of the
 * transaction fail and the rest, which makes room, is tried once more without them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/endian.h"
#include "base/err.h"
#include "base/log.h"
#include "base/macros.h"
#include "storage/blob_priv.h"

#define CORE_OPS_MAX        1024u
#define CORE_COMMIT_LOOKUPS 8u          /* about what a commit looks at by itself */
#define CORE_OP_BYTES       (4u * 4096) /* about what an operation dirties besides pieces */

static const char state_key[] = "state";

struct core_txn {
    struct gc_blobs *blobs;
    struct gc_kv_txn *txn;
    struct gc_list done; /* in the transaction */
    struct gc_blob_state_record state;
    uint64_t dirty_bytes;
    unsigned n_ops;
    unsigned n_puts;
    bool changed;
    bool tombstones;
};

/* --- what goes into the transaction --- */

static int
core_put_pieces(struct core_txn *ct, const struct gc_blob_put *put)
{
    uint32_t tail_len = (uint32_t)put->tail.len;
    uint32_t n = gc_blob_n_pieces(tail_len);

    for (uint32_t i = 0; i < n; i++) {
        uint64_t key = gc_blob_part_key(put->local, i);
        uint32_t at = i * GC_BLOB_PIECE_BYTES;
        struct gc_kv_val piece =
            gc_kv_val(put->tail.data + at, GC_MIN(GC_BLOB_PIECE_BYTES, tail_len - at));
        int rc = gc_kv_put(ct->txn, CORE_PIECE, gc_kv_val(&key, sizeof(key)), piece);

        if (rc != 0) {
            return rc;
        }
    }
    ct->dirty_bytes += (uint64_t)n * 4 * 4096;
    return 0;
}

static int
core_do_put(struct core_txn *ct, const struct gc_blob_put *put)
{
    uint8_t key[GC_BLOB_ID_KEY], local[8], buf[GC_BLOB_RECORD_MAX];
    struct gc_blob_record rec = {
        .id = put->id,
        .length = put->length,
        .crc = put->crc,
        .n_full = put->n_full,
        .tail_len = (uint32_t)put->tail.len,
        .tail_crc = put->tail_crc,
        .inline_data = put->tail.len <= GC_BLOB_INLINE_MAX ? put->tail.data : NULL,
    };
    size_t len = gc_blob_record_encode(buf, &rec);
    int rc;

    gc_blob_id_key(key, &put->id);
    gc_put_be64(local, put->local);
    rc = gc_kv_insert(ct->txn, CORE_IDS, gc_kv_val(key, sizeof(key)),
                      gc_kv_val(local, sizeof(local)));
    if (rc != 0) {
        return rc;
    }
    rc = gc_kv_put(ct->txn, CORE_BLOB, gc_kv_val(&put->local, sizeof(put->local)),
                   gc_kv_val(buf, len));
    if (rc == 0) {
        rc = core_put_pieces(ct, put);
    }
    ct->state.n_blobs++;
    ct->state.bytes += put->length;
    ct->changed = true;
    return rc;
}

static int
core_do_delete(struct core_txn *ct, const struct blob_delete_job *job)
{
    uint8_t key[GC_BLOB_ID_KEY], buf[GC_BLOB_GC_RECORD];
    struct gc_blob_gc_record row = { .id = job->id };
    struct gc_blob_record rec;
    size_t len;
    int rc = gc_blob_lookup(ct->txn, &job->id, &row.local, &rec);

    if (rc != 0) {
        return rc;
    }
    len = gc_blob_gc_encode(buf, &row);
    gc_blob_id_key(key, &job->id);
    rc = gc_kv_del(ct->txn, CORE_IDS, gc_kv_val(key, sizeof(key)));
    if (rc == 0) {
        rc = gc_kv_put(ct->txn, CORE_GC, gc_kv_val(&ct->state.next_gc, sizeof(uint64_t)),
                       gc_kv_val(buf, len));
    }
    ct->state.next_gc++;
    ct->state.n_blobs--;
    ct->state.bytes -= rec.length;
    ct->state.n_gc++;
    ct->changed = true;
    ct->tombstones = true;
    return rc;
}

static int
core_del(struct core_txn *ct, enum core_table table, uint64_t key)
{
    int rc = gc_kv_del(ct->txn, table, gc_kv_val(&key, sizeof(key)));

    return rc == GC_ENOTFOUND ? 0 : rc;
}

static int
core_do_rows(struct core_txn *ct, const struct blob_rows_job *job)
{
    int rc = 0;

    for (unsigned i = 0; i < job->n && rc == 0; i++) {
        const struct blob_gc_row *row = &job->rows[i];

        for (uint32_t piece = 0; piece < row->n_pieces && rc == 0; piece++) {
            rc = core_del(ct, CORE_PIECE, gc_blob_part_key(row->local, piece));
        }
        rc = rc != 0 ? rc : core_del(ct, CORE_BLOB, row->local);
        rc = rc != 0 ? rc : core_del(ct, CORE_GC, row->place);
    }
    ct->state.n_gc -= job->n;
    ct->changed = true;
    return rc;
}

static int
core_do(struct core_txn *ct, struct gc_blob_op *op)
{
    switch (op->kind) {
    case KIND_PUT:
        ct->n_puts++;
        return core_do_put(ct, gc_container_of(op, struct gc_blob_put, job));
    case KIND_DELETE:
        return core_do_delete(ct, gc_container_of(op, struct blob_delete_job, job));
    default:
        return core_do_rows(ct, gc_container_of(op, struct blob_rows_job, job.op));
    }
}

/* Do what is in WORK and what comes meanwhile, as far as it fits in the transaction. */
static void
core_fill(struct core_txn *ct, struct gc_list *work, bool puts)
{
    struct gc_blobs *blobs = ct->blobs;

    while (ct->n_ops < CORE_OPS_MAX && ct->dirty_bytes < blobs->conf.txn_bytes &&
           gc_kv_txn_rc(ct->txn) == 0) {
        struct gc_list *node;

        if (gc_list_empty(work) && puts) {
            (void)gc_queue_take(&blobs->core_queue, work, 0);
        }
        node = gc_list_pop(work);
        if (node == NULL) {
            return;
        }
        struct gc_blob_op *op = gc_container_of(node, struct gc_blob_op, node);

        op->rc = core_do(ct, op);
        ct->dirty_bytes += CORE_OP_BYTES;
        ct->n_ops++;
        gc_list_push(&ct->done, &op->node);
    }
}

static int
core_put_state(struct core_txn *ct)
{
    struct gc_blobs *blobs = ct->blobs;
    uint8_t buf[GC_BLOB_STATE_RECORD];

    pthread_mutex_lock(&blobs->lock);
    ct->state.next_local = blobs->next_local;
    ct->state.live_min = blobs->next_local;
    if (!gc_list_empty(&blobs->live)) {
        ct->state.live_min =
            gc_container_of(blobs->live.next, struct gc_blob_put, live_node)->local;
    }
    if (blobs->gc.orphans_pending) {
        ct->state.live_min = GC_MIN(ct->state.live_min, blobs->gc.orphans_from);
    }
    pthread_mutex_unlock(&blobs->lock);
    ct->state.seq++;
    return gc_kv_put(ct->txn, CORE_META, gc_kv_val(state_key, sizeof(state_key) - 1),
                     gc_kv_val(buf, gc_blob_state_encode(buf, &ct->state)));
}

static int
core_commit(struct core_txn *ct)
{
    struct gc_blobs *blobs = ct->blobs;
    int rc;

    if (gc_kv_txn_rc(ct->txn) == 0 && !ct->changed) {
        gc_kv_abort(ct->txn);
        return 0;
    }
    (void)core_put_state(ct); /* an error is remembered by the transaction */
    rc = gc_kv_commit(ct->txn);
    if (rc != 0) {
        return rc;
    }
    gc_counter_inc(blobs->metrics.core_commits);
    pthread_mutex_lock(&blobs->lock);
    blobs->state = ct->state;
    if (ct->tombstones) {
        gc_blob_gc_mark(blobs, ct->state.next_gc, gc_clock_mono_ms());
    }
    pthread_mutex_unlock(&blobs->lock);
    if (ct->tombstones && blobs->conf.gc_delay_ms == 0) {
        gc_blob_gc_wake(blobs);
    }
    return 0;
}

/* --- answering --- */

static void
core_answer(struct gc_blobs *blobs, struct gc_blob_op *op, int rc)
{
    rc = rc != 0 ? rc : op->rc;
    if (op->kind == KIND_PUT) {
        gc_blob_put_published(gc_container_of(op, struct gc_blob_put, job), rc);
    } else if (op->kind == KIND_DELETE) {
        struct blob_delete_job *job = gc_container_of(op, struct blob_delete_job, job);
        struct gc_blob_op *caller = job->caller;

        free(job);
        if (rc == 0) {
            gc_counter_inc(blobs->metrics.deletes);
        }
        gc_blob_op_done(caller, rc);
    } else {
        gc_blob_op_done(op, rc);
    }
}

/* Answer what was in a transaction that ended with RC; what deserves another try goes to AGAIN. */
static void
core_finish(struct core_txn *ct, int rc, struct gc_list *again)
{
    struct gc_list *node;

    while ((node = gc_list_pop(&ct->done)) != NULL) {
        struct gc_blob_op *op = gc_container_of(node, struct gc_blob_op, node);

        if (rc == GC_EFULL && ct->n_puts > 0 && op->kind != KIND_PUT) {
            gc_list_push(again, node);
        } else {
            core_answer(ct->blobs, op, rc);
        }
    }
}

static void core_run(struct gc_blobs *blobs, struct gc_list *work, bool puts);

/* One transaction with the first of WORK. PUTS: there may be puts among them, and more may be taken
 * from the queue. */
static void
core_batch(struct gc_blobs *blobs, struct gc_list *work, bool puts)
{
    struct core_txn ct = { .blobs = blobs };
    struct gc_list again;
    int rc;

    gc_list_init(&ct.done);
    gc_list_init(&again);
    rc = gc_kv_begin(blobs->core, true, &ct.txn);
    if (rc != 0) {
        gc_blobs_stop(blobs, "core begin", rc);
        return;
    }
    pthread_mutex_lock(&blobs->lock);
    ct.state = blobs->state;
    pthread_mutex_unlock(&blobs->lock);
    core_fill(&ct, work, puts);
    rc = core_commit(&ct);
    if (rc == GC_EFULL) {
        gc_blobs_check_space(blobs);
    } else if (gc_blobs_is_fatal(rc)) {
        gc_blobs_stop(blobs, "core commit", rc);
        rc = -EIO;
    }
    gc_blobs_count_lookups(blobs, ct.n_ops + CORE_COMMIT_LOOKUPS);
    core_finish(&ct, rc, &again);
    core_run(blobs, &again, false);
}

/* The engine has stopped: nothing is written any more. */
static void
core_refuse(struct gc_blobs *blobs, struct gc_list *work)
{
    struct gc_list *node;

    while ((node = gc_list_pop(work)) != NULL) {
        core_answer(blobs, gc_container_of(node, struct gc_blob_op, node), -EIO);
    }
}

static void
core_run(struct gc_blobs *blobs, struct gc_list *work, bool puts)
{
    while (!gc_list_empty(work)) {
        if (atomic_load(&blobs->stopped)) {
            core_refuse(blobs, work);
        } else {
            core_batch(blobs, work, puts);
        }
    }
}

void
gc_blob_core_main(void *arg)
{
    struct gc_blobs *blobs = arg;
    struct gc_list work;

    gc_list_init(&work);
    while (gc_queue_take(&blobs->core_queue, &work, -1)) {
        core_run(blobs, &work, true);
    }
}

int
gc_blob_delete(struct gc_blobs *blobs, struct gc_blob_op *op, const struct gc_blob_id *id)
{
    struct blob_delete_job *job;

    if (atomic_load(&blobs->stopped)) {
        return -EIO;
    }
    job = calloc(1, sizeof(*job));
    if (job == NULL) {
        return -ENOMEM;
    }
    job->job.kind = KIND_DELETE;
    job->caller = op;
    job->id = *id;
    gc_queue_push(&blobs->core_queue, &job->job.node);
    return 0;
}
