/* SPDX-License-Identifier: GPL-3.0-or-later */
/* BlobService.Read. Happy path: open the blob -> head -> for each chunk of the range: the engine
 * reads and verifies it, we cut it to the range and send it -> finish. At most one chunk is being
 * read and the next is asked for while the one before is on its way out. Failures: unknown blob
 * NOT_FOUND, range outside OUT_OF_RANGE, bad chunk DATA_LOSS at that chunk: what was sent before is
 * good. Pool used up: again 2 ms later. The call ends while a read runs: its result is dropped. */
#include <errno.h>
#include <stdlib.h>

#include "base/checksum.h"
#include "base/err.h"
#include "core/chunk.h"
#include "file/file.h"
#include "proto/gcommon/v1/blob/blob.pb-c.h"
#include "rpc/pb.h"

#define RETRY_MS 2

_Static_assert(GC_BLOB_CHUNK_BYTES == GC_CHUNK_BYTES, "a chunk on the wire is a chunk on disk");
_Static_assert(GC_BLOB_CHUNKS_MAX == GC_CHUNKS_PER_BLOB, "a blob of chunks fits the engine");

struct file_read {
    struct gc_file_worker *worker;
    struct gc_rpc_call *call; /* NULL once it has ended */
    struct gc_blob_reader *reader;
    struct gc_blob_read_op op;
    struct gc_task task;
    struct gc_timer retry;
    uint64_t at, end; /* what is still to be sent */
    bool busy;        /* the engine has OP */
    bool finished;
};

static void read_pump(struct file_read *read);

static void
read_free_if_done(struct file_read *read)
{
    if (read->call != NULL || read->busy) {
        return;
    }
    gc_timer_stop(&read->retry);
    if (read->reader != NULL) {
        gc_blob_close(read->reader);
    }
    free(read);
}

static void
read_finish(struct file_read *read, int rc)
{
    read->finished = true;
    (void)(rc == 0 ? gc_rpc_finish(read->call, NULL) : gc_rpc_fail_rc(read->call, rc));
}

/* Send what of the chunk BYTES, which is number CHUNK_NO, lies in the range. */
static int
send_part(struct file_read *read, struct gc_bytes *bytes, uint32_t crc, uint64_t chunk_no)
{
    uint64_t chunk_at = chunk_no * GC_CHUNK_BYTES;
    size_t skip = (size_t)(read->at - chunk_at);
    size_t len = (size_t)GC_MIN((uint64_t)(bytes->len - skip), read->end - read->at);
    struct gc_slice part = { bytes, bytes->data + skip, len };
    uint8_t head[GC_CHUNK_HEAD_MAX];
    size_t head_len;
    if (len != bytes->len) {
        crc = gc_crc32c(0, part.data, len);
    }
    head_len = gc_chunk_head(head, len, crc);
    read->at += len;
    return gc_rpc_send_parts(read->call, head, head_len, &part);
}

static void
on_read(struct gc_task *task)
{
    struct file_read *read = gc_container_of(task, struct file_read, task);
    struct gc_bytes *bytes = read->op.op.rc == 0 ? read->op.bytes : NULL;
    int rc = read->op.op.rc;
    read->busy = false;
    read->worker->n_ops--;
    if (rc == 0 && bytes->len <= read->at % GC_CHUNK_BYTES) {
        rc = GC_ECORRUPT; /* shorter than its record says */
    }
    if (read->call != NULL && !read->finished) {
        if (rc == 0) {
            rc = send_part(read, bytes, read->op.crc, read->op.chunk_no);
        }
        if (rc != 0) {
            read_finish(read, rc);
        }
    }
    gc_bytes_unref(bytes);
    read_pump(read);
    read_free_if_done(read);
}

static void
notify_read(void *arg)
{
    struct file_read *read = arg;
    gc_loop_post(read->worker->loop, &read->task);
}

static void
read_pump(struct file_read *read)
{
    int rc;
    if (read->busy || read->finished || read->call == NULL) {
        return;
    }
    if (read->at == read->end) {
        read_finish(read, 0);
        return;
    }
    if (!gc_rpc_writable(read->call)) {
        return; /* on_writable */
    }
    rc = gc_blob_read_chunk(read->reader, &read->op, (uint32_t)(read->at / GC_CHUNK_BYTES));
    if (rc == 0) {
        read->busy = true;
        read->worker->n_ops++;
    } else if (rc == GC_ELIMIT) {
        gc_timer_start(&read->retry, RETRY_MS);
    } else {
        read_finish(read, rc);
    }
}

static void
on_retry(struct gc_timer *timer)
{
    read_pump(gc_container_of(timer, struct file_read, retry));
}

static void
on_writable(struct gc_rpc_call *call, void *arg)
{
    (void)call;
    read_pump(arg);
}

static void
on_message(struct gc_rpc_call *call, void *arg, struct gc_bytes *msg)
{
    (void)arg;
    (void)msg;
    gc_rpc_consume(call);
}

static void
on_end(struct gc_rpc_call *call, void *arg, const struct gc_rpc_status *status)
{
    struct file_read *read = arg;
    (void)call;
    (void)status;
    read->call = NULL;
    read_free_if_done(read);
}

static const struct gc_rpc_handler handler = {
    .on_message = on_message,
    .on_writable = on_writable,
    .on_end = on_end,
};

static int
send_head(struct file_read *read, uint64_t blob_length)
{
    Gcommon__V1__Blob__ReadHead head = GCOMMON__V1__BLOB__READ_HEAD__INIT;
    Gcommon__V1__Blob__ReadResponse response = GCOMMON__V1__BLOB__READ_RESPONSE__INIT;
    struct gc_bytes *msg;
    int rc;
    head.blob_length = blob_length;
    response.part_case = GCOMMON__V1__BLOB__READ_RESPONSE__PART_HEAD;
    response.head = &head;
    msg = gc_pb_pack(&response.base);
    rc = msg == NULL ? -ENOMEM : gc_rpc_send(read->call, msg);
    gc_bytes_unref(msg);
    return rc;
}

/* Small blobs need no thread: their bytes are in the record. */
static int
send_inline(struct file_read *read)
{
    struct gc_bytes *bytes;
    uint32_t crc;
    int rc;
    if (read->at == read->end) {
        return 0;
    }
    rc = gc_blob_read_inline(read->reader, &bytes, &crc);
    if (rc != 0) {
        return rc == GC_ENOTFOUND ? 0 : rc;
    }
    rc = send_part(read, bytes, crc, 0);
    gc_bytes_unref(bytes);
    return rc;
}

static int
read_start(struct file_read *read, const Gcommon__V1__Blob__ReadRequest *request)
{
    struct gc_blob_stat stat;
    struct gc_blob_id id;
    int rc;
    if (request == NULL || request->id == NULL) {
        return GC_EPARSE;
    }
    id.epoch = request->id->epoch;
    id.counter = request->id->counter;
    rc = gc_blob_open(read->worker->file->blobs, &id, &read->reader, &stat);
    if (rc != 0) {
        return rc;
    }
    if (request->offset > stat.length || request->length > stat.length - request->offset) {
        return GC_ERANGE;
    }
    read->at = request->offset;
    read->end = request->offset + request->length;
    rc = send_head(read, stat.length);
    return rc != 0 ? rc : send_inline(read);
}

void
gc_file_rpc_read(struct gc_rpc_call *call, void *arg, struct gc_bytes *request)
{
    struct file_read *read = calloc(1, sizeof(*read));
    int rc;
    if (read == NULL) {
        (void)gc_rpc_fail_rc(call, -ENOMEM);
        return;
    }
    read->worker = arg;
    read->call = call;
    read->task.fn = on_read;
    read->op.op.notify.fn = notify_read;
    read->op.op.notify.arg = read;
    gc_timer_init(&read->retry, read->worker->loop, on_retry);
    gc_rpc_set_handler(call, &handler, read);
    rc = read_start(read, gc_pb_unpack(&gcommon__v1__blob__read_request__descriptor,
                                       gc_rpc_arena(call), request->data, request->len));
    if (rc != 0) {
        read_finish(read, rc);
    } else {
        read_pump(read);
    }
}
