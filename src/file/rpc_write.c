/* SPDX-License-Identifier: GPL-3.0-or-later */
/* BlobService.Write. Happy path: open -> chunks, each handed to the engine as it comes and credited
 * back to the sender when the engine is done with it -> commit -> the engine says durable -> reply.
 * Failures: a message out of order or malformed, a wrong CRC, a full store: the call fails with
 * that, the blob is aborted. The pool is used up: the message waits and is offered again when one
 * of ours is done or 2 ms later; the sender is held by flow control meanwhile. The call ends before
 * the commit was given: abort. After it: the engine's answer is awaited and dropped; the blob stays
 * and is an orphan until an inventory finds it. Memory ends when the call has ended and the engine
 * owns nothing of ours. */
#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/list.h"
#include "core/chunk.h"
#include "file/file.h"
#include "proto/gcommon/v1/blob/blob.pb-c.h"
#include "rpc/pb.h"

#define RETRY_MS    2
#define PENDING_MAX 64 /* messages of one call under way; flow control holds far fewer */

struct write_chunk {
    struct gc_blob_chunk_op chunk;
    struct gc_task task;
    struct file_write *write;
    struct gc_bytes *msg;
};

struct file_write {
    struct gc_file_worker *worker;
    struct gc_rpc_call *call; /* NULL once it has ended */
    struct gc_blob_put *put;  /* NULL before open and once consumed */
    struct gc_blob_op commit;
    struct gc_task commit_task;
    struct gc_timer retry;
    struct gc_bytes *waiting[PENDING_MAX]; /* messages not yet taken, in order */
    unsigned n_waiting;
    unsigned n_busy; /* requests the engine has */
    uint64_t length;
    uint32_t crc;
    bool opened, committing, half_closed, failed;
};

static void write_pump(struct file_write *write);

static void
write_free_if_done(struct file_write *write)
{
    if (write->call != NULL || write->n_busy > 0) {
        return;
    }
    gc_timer_stop(&write->retry);
    for (unsigned i = 0; i < write->n_waiting; i++) {
        gc_bytes_unref(write->waiting[i]);
    }
    free(write);
}

static void
write_abort(struct file_write *write)
{
    write->failed = true;
    if (write->put != NULL) {
        gc_blob_put_abort(write->put);
        write->put = NULL;
    }
}

static void
write_fail(struct file_write *write, int rc)
{
    if (write->failed) {
        return;
    }
    write_abort(write);
    if (write->call == NULL) {
        return;
    }
    if (rc == GC_EFULL) { /* the status alone could also mean overload */
        const struct gc_http_field full = { GC_STR("gcommon-error"), GC_STR("InsufficientStorage"),
                                            false };
        (void)gc_rpc_set_trailers(write->call, &full, 1);
    }
    (void)gc_rpc_fail_rc(write->call, rc);
}

static void
on_chunk_done(struct gc_task *task)
{
    struct write_chunk *chunk = gc_container_of(task, struct write_chunk, task);
    struct file_write *write = chunk->write;
    int rc = chunk->chunk.op.rc;
    write->n_busy--;
    write->worker->n_ops--;
    gc_bytes_unref(chunk->msg);
    free(chunk);
    if (rc != 0) {
        write_fail(write, rc);
    }
    if (write->call != NULL) {
        gc_rpc_consume(write->call);
        write_pump(write);
    }
    write_free_if_done(write);
}

static void
notify_chunk(void *arg)
{
    struct write_chunk *chunk = arg;
    gc_loop_post(chunk->write->worker->loop, &chunk->task);
}

/* Give one chunk to the engine. GC_ELIMIT: not now. */
static int
take_chunk(struct file_write *write, struct gc_bytes *msg)
{
    struct gc_chunk decoded;
    struct write_chunk *chunk;
    int rc = gc_chunk_decode(msg, &decoded);
    if (rc != 0 || write->put == NULL) {
        return GC_EPARSE;
    }
    chunk = calloc(1, sizeof(*chunk));
    if (chunk == NULL) {
        return -ENOMEM;
    }
    chunk->write = write;
    chunk->msg = msg;
    chunk->task.fn = on_chunk_done;
    chunk->chunk.op.notify.fn = notify_chunk;
    chunk->chunk.op.notify.arg = chunk;
    rc = gc_blob_put_chunk(write->put, &chunk->chunk, &decoded.data, decoded.crc);
    if (rc != 0) {
        free(chunk);
        return rc;
    }
    gc_bytes_ref(msg);
    write->n_busy++;
    write->worker->n_ops++;
    return 0;
}

static void
on_committed(struct gc_task *task)
{
    struct file_write *write = gc_container_of(task, struct file_write, commit_task);
    write->n_busy--;
    write->worker->n_ops--;
    if (write->commit.rc != 0) {
        write_fail(write, write->commit.rc);
    } else if (write->call != NULL) {
        Gcommon__V1__Blob__WriteResponse response = GCOMMON__V1__BLOB__WRITE_RESPONSE__INIT;
        struct gc_bytes *msg;
        response.length = write->length;
        response.crc32c = write->crc;
        msg = gc_pb_pack(&response.base);
        (void)(msg == NULL ? gc_rpc_fail_rc(write->call, -ENOMEM) : gc_rpc_reply(write->call, msg));
        gc_bytes_unref(msg);
    }
    write_free_if_done(write);
}

static void
notify_commit(void *arg)
{
    struct file_write *write = arg;
    gc_loop_post(write->worker->loop, &write->commit_task);
}

static int
take_commit(struct file_write *write, const Gcommon__V1__Blob__WriteCommit *commit)
{
    int rc;
    if (write->put == NULL) {
        return GC_EPARSE;
    }
    write->length = commit->length;
    write->crc = commit->crc32c;
    write->commit.notify.fn = notify_commit;
    write->commit.notify.arg = write;
    write->commit_task.fn = on_committed;
    rc = gc_blob_put_commit(write->put, &write->commit, commit->length, commit->crc32c);
    if (rc == 0) {
        write->put = NULL;
        write->committing = true;
        write->n_busy++;
        write->worker->n_ops++;
    }
    return rc;
}

static int
take_open(struct file_write *write, const Gcommon__V1__Blob__WriteOpen *open)
{
    struct gc_blob_id id;
    int rc;
    if (write->opened || open->id == NULL) {
        return GC_EPARSE;
    }
    if (atomic_load(&write->worker->file->number) == 0) {
        /* Not registered in this life: the cluster may still have an earlier one, and declare it
         * down. Not now; the caller's progress deadline bounds the wait. */
        return GC_ELIMIT;
    }
    id.epoch = open->id->epoch;
    id.counter = open->id->counter;
    rc = gc_blob_put_begin(write->worker->file->blobs, &id, &write->put);
    write->opened = rc == 0;
    return rc;
}

/* Open or commit; small, so it is decoded into the call's arena. */
static int
take_control(struct file_write *write, struct gc_bytes *msg)
{
    Gcommon__V1__Blob__WriteRequest *request =
        gc_pb_unpack(&gcommon__v1__blob__write_request__descriptor, gc_rpc_arena(write->call),
                     msg->data, msg->len);
    int rc = GC_EPARSE;
    if (request == NULL) {
        return GC_EPARSE;
    }
    if (request->part_case == GCOMMON__V1__BLOB__WRITE_REQUEST__PART_OPEN) {
        rc = take_open(write, request->open);
    } else if (request->part_case == GCOMMON__V1__BLOB__WRITE_REQUEST__PART_COMMIT) {
        rc = take_commit(write, request->commit);
    }
    if (rc == 0) {
        gc_rpc_consume(write->call);
    }
    return rc;
}

/* Take what waits, in order, until the engine says not now. */
static void
write_pump(struct file_write *write)
{
    unsigned taken = 0;
    int rc = 0;
    while (taken < write->n_waiting && !write->failed && write->call != NULL) {
        struct gc_bytes *msg = write->waiting[taken];
        rc = gc_chunk_is(msg) ? take_chunk(write, msg) : take_control(write, msg);
        if (rc != 0) {
            break;
        }
        gc_bytes_unref(msg);
        taken++;
    }
    for (unsigned i = taken; i < write->n_waiting; i++) {
        write->waiting[i - taken] = write->waiting[i];
    }
    write->n_waiting -= taken;
    if (rc == GC_ELIMIT) {
        gc_timer_start(&write->retry, RETRY_MS);
    } else if (rc != 0) {
        write_fail(write, rc);
    } else if (write->half_closed && !write->committing) {
        write_fail(write, GC_ECANCELED); /* no commit came */
    }
}

static void
on_retry(struct gc_timer *timer)
{
    write_pump(gc_container_of(timer, struct file_write, retry));
}

static void
on_message(struct gc_rpc_call *call, void *arg, struct gc_bytes *msg)
{
    struct file_write *write = arg;
    (void)call;
    if (write->failed) {
        return;
    }
    if (write->n_waiting == PENDING_MAX) {
        write_fail(write, GC_ELIMIT);
        return;
    }
    write->waiting[write->n_waiting++] = gc_bytes_ref(msg);
    if (write->n_waiting == 1) {
        write_pump(write);
    }
}

static void
on_half_close(struct gc_rpc_call *call, void *arg)
{
    struct file_write *write = arg;
    (void)call;
    write->half_closed = true;
    write_pump(write);
}

static void
on_end(struct gc_rpc_call *call, void *arg, const struct gc_rpc_status *status)
{
    struct file_write *write = arg;
    (void)call;
    (void)status;
    write->call = NULL;
    write_abort(write);
    write_free_if_done(write);
}

static const struct gc_rpc_handler handler = {
    .on_message = on_message,
    .on_half_close = on_half_close,
    .on_end = on_end,
};

void
gc_file_rpc_write(struct gc_rpc_call *call, void *arg, struct gc_bytes *request)
{
    struct file_write *write = calloc(1, sizeof(*write));
    (void)request;
    if (write == NULL) {
        (void)gc_rpc_fail_rc(call, -ENOMEM);
        return;
    }
    write->worker = arg;
    write->call = call;
    gc_timer_init(&write->retry, write->worker->loop, on_retry);
    gc_rpc_set_handler(call, &handler, write);
}
