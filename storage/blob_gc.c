/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The thread that removes: first the orphans of earlier runs, then the chunks of puts that failed
 * and the blobs whose tombstone is old enough and that nobody has open. It writes nothing itself:
 * the writer threads do, in their own batches, a bounded part at a time. Chunks go before rows, so
 * that a crash between leaves rows, which are carried out again.
 *
 * How long a tombstone has waited is known by marks in memory (at most BLOB_MARKS_MAX, each for a
 * stretch of the queue); after a restart the delay begins again for all. */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/macros.h"
#include "storage/blob_priv.h"

#define GC_TICK_MS         1000
#define GC_HOUSEKEEPING_MS 60000u

/* --- the delay --- */

void
gc_blob_gc_mark(struct gc_blobs *blobs, uint64_t place, uint64_t now_ms)
{
    struct blob_gc *gc = &blobs->gc;
    uint64_t delay_ms = blobs->conf.gc_delay_ms;
    struct blob_mark *last = gc->n_marks > 0 ? &gc->marks[gc->n_marks - 1] : NULL;

    if (last == NULL || (now_ms - last->begun_ms > delay_ms / (BLOB_MARKS_MAX / 2) &&
                         gc->n_marks < BLOB_MARKS_MAX)) {
        last = &gc->marks[gc->n_marks++];
        last->begun_ms = now_ms;
    }
    last->upto = place;
    last->due_ms = now_ms + delay_ms;
}

/* Places below the result are due. */
static uint64_t
gc_due(struct gc_blobs *blobs, uint64_t now_ms)
{
    struct blob_gc *gc = &blobs->gc;
    unsigned n = 0;

    pthread_mutex_lock(&blobs->lock);
    while (n < gc->n_marks && gc->marks[n].due_ms <= now_ms) {
        gc->due_upto = gc->marks[n].upto;
        n++;
    }
    memmove(gc->marks, gc->marks + n, (gc->n_marks - n) * sizeof(gc->marks[0]));
    gc->n_marks -= n;
    pthread_mutex_unlock(&blobs->lock);
    return gc->due_upto;
}

void
gc_blob_gc_wake(struct gc_blobs *blobs)
{
    bool push;

    pthread_mutex_lock(&blobs->lock);
    push = !blobs->gc.woken && !atomic_load(&blobs->closing);
    blobs->gc.woken = blobs->gc.woken || push;
    pthread_mutex_unlock(&blobs->lock);
    if (push) {
        gc_queue_push(&blobs->gc.queue, &blobs->gc.wake.node);
    }
}

/* --- removing --- */

static void
on_reply(void *arg)
{
    struct blob_gc_job *job = arg;

    gc_queue_push(job->replies, &job->op.node);
}

static void
gc_submit(struct gc_blobs *blobs, struct gc_queue *writer, struct blob_gc_job *job,
          enum blob_kind kind)
{
    job->op = (struct gc_blob_op){ .notify = { on_reply, job }, .kind = (int)kind };
    job->replies = &blobs->gc.replies;
    gc_queue_push(writer, &job->op.node);
}

/* Wait for N jobs; the first error. */
static int
gc_wait(struct gc_blobs *blobs, unsigned n)
{
    int rc = 0;

    for (unsigned i = 0; i < n; i++) {
        struct gc_list *node = gc_queue_pop(&blobs->gc.replies, -1);
        const struct gc_blob_op *op = gc_container_of(node, struct gc_blob_op, node);

        rc = rc != 0 ? rc : op->rc;
    }
    return rc;
}

int
gc_blob_gc_remove_chunks(struct gc_blobs *blobs, uint64_t local, uint32_t n_full,
                         uint64_t *ret_n_removed)
{
    struct blob_chunks_job jobs[GC_BLOB_BULK_MAX];
    uint32_t step = blobs->n_bulk;
    uint32_t window = BLOB_GC_CHUNKS * step;
    uint64_t n_removed = 0;
    int rc = 0;

    for (uint32_t from = 0; from < n_full && rc == 0; from += window) {
        unsigned n = 0;

        for (; n < step && from + n < n_full; n++) {
            unsigned bulk = gc_blob_part_bulk(local, from + n, step);

            jobs[n] = (struct blob_chunks_job){
                .local = local, .from = from + n, .to = GC_MIN(from + window, n_full), .step = step
            };
            gc_submit(blobs, &blobs->bulk[bulk].queue, &jobs[n].job, KIND_REMOVE_CHUNKS);
        }
        rc = gc_wait(blobs, n);
        for (unsigned i = 0; i < n; i++) {
            n_removed += jobs[i].n_removed;
        }
    }
    *ret_n_removed = n_removed;
    return rc;
}

/* What the row at PLACE stands for. A row that cannot be trusted goes alone: fsck finds what it
 * left. */
static struct blob_gc_row
gc_row(struct gc_kv_txn *txn, uint64_t place, struct gc_kv_val val)
{
    struct blob_gc_row row = { .place = place };
    struct gc_blob_gc_record gc_rec;
    struct gc_blob_record rec;
    int rc = gc_blob_gc_decode(val.data, val.len, &gc_rec);

    if (rc == 0) {
        rc = gc_blob_lookup_local(txn, gc_rec.local, &rec);
    }
    if (rc == 0 && (rec.id.epoch != gc_rec.id.epoch || rec.id.counter != gc_rec.id.counter)) {
        rc = GC_ECORRUPT;
    }
    if (rc != 0) {
        gc_log(GC_LOG_ERROR, "storage.bad_gc_row", "place=%llu rc=%s", (unsigned long long)place,
               gc_err_name(rc));
        return row;
    }
    row.local = gc_rec.local;
    row.n_full = rec.n_full;
    row.n_pieces = gc_blob_n_pieces(rec.tail_len);
    return row;
}

/* Collect rows that are due and not open. */
static int
gc_collect(struct gc_blobs *blobs, uint64_t due_upto, struct blob_rows_job *job)
{
    struct gc_kv_cursor *cursor = NULL;
    struct gc_kv_val key, val;
    struct gc_kv_txn *txn;
    unsigned pages = 0;
    bool held = false;
    int rc;

    job->n = 0;
    rc = gc_kv_begin(blobs->core, false, &txn);
    if (rc != 0) {
        return rc;
    }
    rc = gc_kv_cursor_open(txn, CORE_GC, &cursor);
    if (rc == 0) {
        rc = gc_kv_seek(cursor, gc_kv_val(NULL, 0), &key, &val);
    }
    while (rc == 0 && job->n < BLOB_GC_ROWS && pages < BLOB_GC_PAGES) {
        struct blob_gc_row row;
        uint64_t place;

        memcpy(&place, key.data, sizeof(place));
        if (place >= due_upto) {
            break;
        }
        row = gc_row(txn, place, val);
        if (gc_blob_is_open(blobs, row.local)) {
            held = true;
        } else {
            job->rows[job->n++] = row;
            pages += 2 + 4 * row.n_pieces;
        }
        rc = gc_kv_next(cursor, &key, &val);
    }
    gc_kv_cursor_close(cursor);
    gc_kv_abort(txn);
    atomic_store(&blobs->gc.held, held);
    return rc == GC_ENOTFOUND ? 0 : rc;
}

/* Remove some of what is due. Returns true when there may be more. */
static bool
gc_step(struct gc_blobs *blobs, uint64_t due_upto)
{
    struct blob_rows_job job;
    uint64_t n_removed;
    int rc = gc_collect(blobs, due_upto, &job);

    for (unsigned i = 0; i < job.n && rc == 0; i++) {
        rc = gc_blob_gc_remove_chunks(blobs, job.rows[i].local, job.rows[i].n_full, &n_removed);
    }
    if (rc == 0 && job.n > 0) {
        gc_submit(blobs, &blobs->core_queue, &job.job, KIND_REMOVE_ROWS);
        rc = gc_wait(blobs, 1);
    }
    return rc == 0 && job.n > 0;
}

static void
gc_failed_put(struct gc_blobs *blobs, struct gc_blob_put *put)
{
    uint64_t n_removed;

    if (atomic_load(&blobs->closing) || atomic_load(&blobs->stopped) ||
        gc_blob_gc_remove_chunks(blobs, put->local, put->n_full, &n_removed) == 0) {
        gc_blob_put_free(put);
        return;
    }
    gc_list_push(&blobs->gc.retry, &put->job.node);
}

static void
gc_items(struct gc_blobs *blobs, struct gc_list *items)
{
    struct gc_list *node;

    while ((node = gc_list_pop(items)) != NULL) {
        struct gc_blob_op *op = gc_container_of(node, struct gc_blob_op, node);

        if (op->kind == KIND_WAKE) {
            pthread_mutex_lock(&blobs->lock);
            blobs->gc.woken = false;
            pthread_mutex_unlock(&blobs->lock);
        } else {
            gc_failed_put(blobs, gc_container_of(op, struct gc_blob_put, job));
        }
    }
}

static void
gc_housekeep(struct gc_blobs *blobs, uint64_t now_ms)
{
    gc_blobs_check_space(blobs);
    if (now_ms - blobs->gc.housekept_ms < GC_HOUSEKEEPING_MS) {
        return;
    }
    blobs->gc.housekept_ms = now_ms;
    gc_kv_reader_check(blobs->core);
    for (unsigned i = 0; i < blobs->n_bulk; i++) {
        gc_kv_reader_check(blobs->bulk[i].kv);
    }
    gc_blob_pool_trim(blobs->pool);
}

static bool
gc_may_work(struct gc_blobs *blobs)
{
    return !atomic_load(&blobs->closing) && !atomic_load(&blobs->stopped);
}

/* Until the next mark is due, at most a tick. */
static int
gc_timeout_ms(struct gc_blobs *blobs, uint64_t now_ms)
{
    uint64_t due_ms = now_ms + GC_TICK_MS;

    pthread_mutex_lock(&blobs->lock);
    if (blobs->gc.n_marks > 0) {
        due_ms = GC_MIN(due_ms, blobs->gc.marks[0].due_ms);
    }
    pthread_mutex_unlock(&blobs->lock);
    return due_ms > now_ms ? (int)(due_ms - now_ms) : 0;
}

void
gc_blob_gc_main(void *arg)
{
    struct gc_blobs *blobs = arg;
    struct gc_list items;
    uint64_t now_ms = gc_clock_mono_ms();

    gc_list_init(&items);
    blobs->gc.housekept_ms = now_ms;
    do {
        struct gc_list *node = gc_list_pop(&blobs->gc.retry);

        if (node != NULL) {
            gc_list_push(&items, node);
        }
        gc_items(blobs, &items);
        if (gc_may_work(blobs)) {
            gc_blob_orphans_remove(blobs);
        }
        now_ms = gc_clock_mono_ms();
        while (gc_may_work(blobs) && gc_step(blobs, gc_due(blobs, now_ms))) {
        }
        gc_housekeep(blobs, now_ms);
    } while (gc_queue_take(&blobs->gc.queue, &items, gc_timeout_ms(blobs, now_ms)));
}
