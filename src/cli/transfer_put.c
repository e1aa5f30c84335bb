/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One object on its way to the server.
 *
 * Happy path: open -> chunks, as long as the call takes some -> at the end of the file the commit
 * with length, MD5 and checksum -> the answer names the MD5 that was stored.
 * Reading fails, or the answer names another MD5: our fault, the call is cancelled.
 * The call fails: the file is sent again from its beginning; what came out of a pipe is gone.
 * Memory: what the call queues (half a MiB) and one chunk. A pipe that has nothing for a moment is
 * asked again by a timer, so that the loop sees signals and the network. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checksum.h"
#include "base/err.h"
#include "cli/transfer.h"
#include "core/chunk.h"
#include "crypto/hash.h"
#include "proto/gcommon/v1/object/object.pb-c.h"
#include "rpc/pb.h"

#define PIPE_WAIT_MS  50 /* for more from a pipe, before the loop has its turn */
#define PIPE_AGAIN_MS 1

struct put {
    struct gc_job job;
    const char *bucket;
    const char *content_type;
    char *key;
    size_t key_len;
    struct gc_transfer_result *result;
    int fd;
    bool regular;
    bool began; /* something has been read */
    struct gc_timer more;

    /* Of this attempt. */
    struct gc_bytes *chunk; /* that is being filled */
    size_t n_filled;
    struct gc_hash md5;
    uint8_t digest[GC_MD5_BYTES];
    uint32_t crc;
    uint64_t length;
    bool committed, answered;
};

static struct put *
put_of(struct gc_job *job)
{
    return gc_container_of(job, struct put, job);
}

static void
put_fault(struct put *put, int rc, const char *what)
{
    gc_fault_set(&put->job.fault, rc, "%s", what);
    gc_job_give_up(&put->job);
}

/* --- reading ---------------------------------------------------------------------------------- */

/* Read some more into the chunk: bytes, 0 at the end, -EAGAIN: nothing yet. */
static ssize_t
read_more(struct put *put)
{
    ssize_t n;

    if (!put->regular) {
        struct pollfd ready = { .fd = put->fd, .events = POLLIN };

        if (poll(&ready, 1, PIPE_WAIT_MS) <= 0) {
            return -EAGAIN;
        }
    }
    put->began = true;
    n = read(put->fd, put->chunk->data + put->n_filled, GC_CHUNK_BYTES - put->n_filled);
    if (n < 0) {
        return errno == EINTR ? -EAGAIN : -errno;
    }
    return n;
}

/* Fill the chunk: 0 when it is full or *RET_END, which is the end of the file. */
static int
fill_chunk(struct put *put, bool *ret_end)
{
    if (put->chunk == NULL) {
        put->chunk = gc_bytes_new(GC_CHUNK_BYTES);
        put->n_filled = 0;
        if (put->chunk == NULL) {
            return -ENOMEM;
        }
    }
    while (put->n_filled < GC_CHUNK_BYTES) {
        ssize_t n = read_more(put);

        if (n < 0) {
            return (int)n;
        }
        if (n == 0) {
            *ret_end = true;
            return 0;
        }
        put->n_filled += (size_t)n;
    }
    return 0;
}

/* --- sending ---------------------------------------------------------------------------------- */

static int
send_message(struct put *put, const Gcommon__V1__Object__PutObjectRequest *request)
{
    struct gc_bytes *msg = gc_pb_pack(&request->base);
    int rc = msg != NULL ? gc_rpc_send(put->job.call, msg) : -ENOMEM;

    gc_bytes_unref(msg);
    return rc;
}

static int
send_open(struct put *put)
{
    Gcommon__V1__Object__PutObjectRequest request = GCOMMON__V1__OBJECT__PUT_OBJECT_REQUEST__INIT;
    Gcommon__V1__Object__PutOpen open = GCOMMON__V1__OBJECT__PUT_OPEN__INIT;
    Gcommon__V1__Common__Field type = GCOMMON__V1__COMMON__FIELD__INIT;
    Gcommon__V1__Common__Field *fields[] = { &type };
    char name[] = "content-type";

    open.bucket = (char *)(uintptr_t)put->bucket;
    open.key = (ProtobufCBinaryData){ .len = put->key_len, .data = (uint8_t *)put->key };
    if (put->content_type != NULL) {
        type.name = name;
        type.value.data = (uint8_t *)(uintptr_t)put->content_type;
        type.value.len = strlen(put->content_type);
        open.fields = fields;
        open.n_fields = 1;
    }
    request.part_case = GCOMMON__V1__OBJECT__PUT_OBJECT_REQUEST__PART_OPEN;
    request.open = &open;
    return send_message(put, &request);
}

static int
send_chunk(struct put *put)
{
    struct gc_bytes *chunk = put->chunk;
    struct gc_slice data = { .owner = chunk, .data = chunk->data, .len = put->n_filled };
    uint32_t crc = gc_crc32c(0, data.data, data.len);
    uint8_t head[GC_CHUNK_HEAD_MAX];
    size_t head_len = gc_chunk_head(head, data.len, crc);
    int rc;

    gc_hash_update(&put->md5, data.data, data.len);
    put->crc = gc_crc32c_combine(put->crc, crc, data.len);
    put->length += data.len;
    rc = gc_rpc_send_parts(put->job.call, head, head_len, &data);
    put->chunk = NULL;
    gc_bytes_unref(chunk);
    if (rc == 0) {
        gc_job_moved(&put->job, data.len);
    }
    return rc;
}

static int
send_commit(struct put *put)
{
    Gcommon__V1__Object__PutObjectRequest request = GCOMMON__V1__OBJECT__PUT_OBJECT_REQUEST__INIT;
    Gcommon__V1__Object__PutCommit commit = GCOMMON__V1__OBJECT__PUT_COMMIT__INIT;
    int rc;

    gc_hash_final(&put->md5, put->digest);
    commit.length = put->length;
    commit.md5 = (ProtobufCBinaryData){ .len = sizeof(put->digest), .data = put->digest };
    commit.crc32c = put->crc;
    request.part_case = GCOMMON__V1__OBJECT__PUT_OBJECT_REQUEST__PART_COMMIT;
    request.commit = &commit;
    put->committed = true;
    rc = send_message(put, &request);
    return rc == 0 ? gc_rpc_half_close(put->job.call) : rc;
}

static void
put_pump(struct put *put)
{
    while (put->job.call != NULL && put->job.fault.status == GC_EXIT_OK && !put->committed &&
           gc_rpc_writable(put->job.call)) {
        bool end = false;
        int rc = fill_chunk(put, &end);

        if (rc == -EAGAIN) {
            gc_timer_start(&put->more, PIPE_AGAIN_MS);
            return;
        }
        if (rc != 0) {
            put_fault(put, rc, "reading");
            return;
        }
        rc = put->n_filled > 0 ? send_chunk(put) : 0;
        rc = rc == 0 && end ? send_commit(put) : rc;
        if (rc == GC_ECLOSED) {
            return; /* the call is over: its end says why */
        }
        if (rc != 0) {
            put_fault(put, rc, "sending");
        }
    }
}

static void
on_more(struct gc_timer *timer)
{
    put_pump(gc_container_of(timer, struct put, more));
}

/* --- the call --------------------------------------------------------------------------------- */

static void
on_message(struct gc_rpc_call *call, void *arg, struct gc_bytes *msg)
{
    struct put *put = arg;
    const Gcommon__V1__Object__PutObjectResponse *response =
        gc_pb_unpack(&gcommon__v1__object__put_object_response__descriptor, gc_rpc_arena(call),
                     msg->data, msg->len);
    char etag[GC_ETAG_LEN + 1];

    gc_rpc_consume(call);
    gc_hex_encode(etag, put->digest, sizeof(put->digest));
    put->answered = response != NULL && put->committed;
    if (!put->answered) {
        put_fault(put, GC_EPROTO, "answer");
    } else if (strcmp(response->etag, etag) != 0) {
        put_fault(put, GC_ECORRUPT, "what was stored differs from what was sent");
    }
}

static void
on_writable(struct gc_rpc_call *call, void *arg)
{
    (void)call;
    put_pump(arg);
}

static void
on_end(struct gc_rpc_call *call, void *arg, const struct gc_rpc_status *status)
{
    struct put *put = arg;

    gc_timer_stop(&put->more);
    gc_job_ended(&put->job, call, status);
}

static const struct gc_rpc_handler handler = {
    .on_message = on_message,
    .on_writable = on_writable,
    .on_end = on_end,
};

/* --- the job ---------------------------------------------------------------------------------- */

static void
attempt_clear(struct put *put)
{
    gc_timer_stop(&put->more);
    gc_bytes_unref(put->chunk);
    put->chunk = NULL;
    gc_hash_fini(&put->md5);
    put->crc = 0;
    put->length = 0;
    put->committed = put->answered = false;
}

static int
put_start(struct gc_job *job)
{
    struct put *put = put_of(job);
    struct gc_rpc_call_conf conf =
        gc_remote_call_conf(job->batch->remote, GC_OBJECT_METHOD("PutObject"), true);
    int rc;

    attempt_clear(put);
    gc_job_restart(job);
    if (put->began && put->regular && lseek(put->fd, 0, SEEK_SET) != 0) {
        return -errno;
    }
    rc = gc_hash_init(&put->md5, GC_HASH_MD5);
    if (rc != 0) {
        return rc;
    }
    conf.one_response = true;
    rc = gc_rpc_call_start(job->batch->remote->channel, &conf, &handler, put, &job->call);
    if (rc != 0) {
        return rc;
    }
    rc = send_open(put);
    if (rc != 0 && rc != GC_ECLOSED) {
        put_fault(put, rc, "sending");
    } else {
        put_pump(put);
    }
    return 0;
}

static void
put_complete(struct gc_job *job)
{
    struct put *put = put_of(job);

    if (!put->answered) {
        gc_fault_set(&job->fault, GC_EPROTO, "answer");
    } else if (put->result != NULL) {
        put->result->length = put->length;
        gc_hex_encode(put->result->etag, put->digest, sizeof(put->digest));
    }
}

static bool
put_can_again(const struct gc_job *job)
{
    const struct put *put = gc_container_of(job, const struct put, job);

    return put->regular || !put->began;
}

static void
put_free(struct gc_job *job, bool done)
{
    struct put *put = put_of(job);

    (void)done;
    attempt_clear(put);
    if (put->fd >= 0) {
        close(put->fd);
    }
    gc_job_fini(&put->job);
    free(put->key);
    free(put);
}

static const struct gc_job_ops put_ops = {
    .start = put_start,
    .complete = put_complete,
    .can_again = put_can_again,
    .free = put_free,
};

struct gc_job *
gc_put_new(struct gc_batch *batch, const struct gc_put_conf *conf, int fd)
{
    struct put *put = calloc(1, sizeof(*put));
    struct stat st;

    if (put == NULL) {
        close(fd);
        return NULL;
    }
    put->fd = fd;
    put->regular = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && lseek(fd, 0, SEEK_CUR) == 0;
    put->bucket = conf->bucket;
    put->content_type = conf->content_type;
    put->result = conf->result;
    put->key = strndup(conf->key.data, conf->key.len);
    put->key_len = conf->key.len;
    gc_timer_init(&put->more, batch->remote->loop, on_more);
    if (!gc_job_init(&put->job, batch, &put_ops, conf->bucket, conf->key) || put->key == NULL) {
        put_free(&put->job, false);
        return NULL;
    }
    return &put->job;
}
