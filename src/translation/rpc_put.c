/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GatewayService.PutObject. Happy path: open (proof, bucket, early refusals) -> for each blob of up
 * to 4096 chunks: an id, its servers, the chunks as they come -> commit, whose length and checksum
 * must be those of the chunks -> the last blob is confirmed by its quorum -> one PutObject command
 * -> answer. Failures: a message out of order or a total that does not fit: the client's error,
 * nothing visible. Fewer servers than the quorum: 503. The call ends before the command was
 * proposed: the blobs' writes are cancelled and their ids decided. After it: the outcome is
 * awaited, then the ids are decided; this process never deletes a blob that a command has named.
 * Memory: at most a flow-control window of messages waits here; the sender is credited as the
 * servers take them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/err.h"
#include "core/layout.h"
#include "rpc/pb.h"
#include "translation/blob_write.h"
#include "translation/object.h"
#include "translation/place.h"
#include "translation/reply.h"
#include "translation/unary.h"

#define BLOBS_MAX   6  /* 5 GiB in blobs of just below 1 GiB */
#define WAITING_MAX 64 /* messages; flow control holds far fewer */

enum put_state {
    PUT_OPEN,    /* the first message is still to come */
    PUT_READING, /* a read index is under way */
    PUT_CHUNKS,  /* chunks, then the commit */
    PUT_TURNING, /* a full blob is being confirmed, more follow */
    PUT_LAST,    /* the last blob is being confirmed */
    PUT_COMMAND, /* the command is in the log or on its way */
    PUT_OVER     /* answered */
};

struct put_blob {
    struct gc_writer_id id;
    struct gc_meta_extent extent;
};

struct put {
    struct gc_rpc_call *call; /* NULL once it has ended */
    struct gc_translation_worker *worker;
    enum put_state state;
    const Gcommon__V1__Gateway__PutOpen *open; /* in the call's arena */
    struct gc_principal principal;
    struct gc_meta_bucket bucket;
    struct gc_read read;
    struct gc_propose propose;
    struct gc_blob_write *write;
    struct put_blob blobs[BLOBS_MAX];
    uint32_t n_blobs;
    uint64_t length, blob_length;
    uint32_t crc, blob_crc;
    uint8_t md5[16];
    struct gc_bytes *waiting[WAITING_MAX];
    unsigned n_waiting;
    bool half_closed;
    bool short_seen; /* a chunk that was not full: the last one */
    bool busy;       /* the read or the command is under way */
};

static void put_pump(struct put *put);

static void
put_decided(struct put *put)
{
    for (uint32_t i = 0; i < put->n_blobs; i++) {
        gc_writer_decided(&put->worker->translation->writer, &put->blobs[i].id);
    }
    put->n_blobs = 0;
}

static void
put_free_if_done(struct put *put)
{
    if (put->call != NULL || put->busy) {
        return;
    }
    if (put->write != NULL) {
        gc_blob_write_cancel(put->write);
    }
    put_decided(put);
    for (unsigned i = 0; i < put->n_waiting; i++) {
        gc_bytes_unref(put->waiting[i]);
    }
    put->worker->n_ops--;
    free(put);
}

static void
put_fail(struct put *put, enum gc_api_err err)
{
    if (put->state == PUT_OVER) {
        return;
    }
    put->state = PUT_OVER;
    if (put->write != NULL) {
        gc_blob_write_cancel(put->write);
        put->write = NULL;
    }
    if (put->call != NULL) {
        gc_reply_err(put->call, err);
    }
}

/* --- the command --- */

static void
on_proposed(struct gc_propose *propose)
{
    struct put *put = gc_container_of(propose, struct put, propose);
    put->busy = false;
    put_decided(put);
    if (put->call != NULL && propose->rc != 0) {
        put_fail(put, gc_reply_err_of_rc(propose->rc));
    } else if (put->call != NULL && propose->result.err != GC_API_OK) {
        put_fail(put, propose->result.err);
    } else if (put->call != NULL) {
        Gcommon__V1__Object__PutObjectResponse response =
            GCOMMON__V1__OBJECT__PUT_OBJECT_RESPONSE__INIT;
        char etag[33];
        gc_hex_encode(etag, propose->result.md5, 16);
        response.etag = etag;
        put->state = PUT_OVER;
        gc_reply(put->call, &response.base);
    }
    put_free_if_done(put);
}

/* The stored headers as the command wants them; NULL at the arena's limit. */
static const struct gc_meta_field *
put_fields(struct put *put, size_t *ret_n)
{
    const Gcommon__V1__Object__PutOpen *open = put->open->open;
    struct gc_meta_field *fields =
        gc_arena_alloc(gc_rpc_arena(put->call), (open->n_fields + 1) * sizeof(*fields));
    for (size_t i = 0; fields != NULL && i < open->n_fields; i++) {
        fields[i].name = gc_str_of(open->fields[i]->name);
        fields[i].value = (struct gc_str){ (const char *)open->fields[i]->value.data,
                                           open->fields[i]->value.len };
    }
    *ret_n = open->n_fields;
    return fields;
}

static void
put_propose(struct put *put)
{
    const Gcommon__V1__Object__PutOpen *open = put->open->open;
    struct gc_meta_command cmd = { .op = GC_META_OP_PUT_OBJECT };
    struct gc_meta_put_object *op = &cmd.u.put_object;
    struct gc_meta_extent extents[BLOBS_MAX];
    int rc;
    for (uint32_t i = 0; i < put->n_blobs; i++) {
        extents[i] = put->blobs[i].extent;
    }
    op->bucket_id = put->bucket.id;
    op->key = (struct gc_str){ (const char *)open->key.data, open->key.len };
    if (open->conditions != NULL) {
        op->conditions.if_match = gc_str_of(open->conditions->if_match);
        op->conditions.if_none_match = gc_str_of(open->conditions->if_none_match);
    }
    op->object.length = put->length;
    op->object.crc32c = put->crc;
    memcpy(op->object.md5, put->md5, sizeof(op->object.md5));
    op->object.fields = put_fields(put, &op->object.n_fields);
    op->object.extents = extents;
    op->object.n_extents = put->n_blobs;
    if (op->object.fields == NULL) {
        put_fail(put, GC_API_MetadataTooLarge);
        return;
    }
    if (!gc_command_header(&cmd, put->worker->translation, &put->principal, put->open->context)) {
        put_fail(put, GC_API_BadRequest);
        return;
    }
    rc = gc_propose_start(&put->propose, put->worker, &cmd, on_proposed);
    if (rc != 0) {
        put_fail(put, rc == -EINVAL ? GC_API_InvalidArgument : gc_reply_err_of_rc(rc));
        return;
    }
    put->state = PUT_COMMAND;
    put->busy = true;
}

/* --- blobs --- */

static void
on_blob_ready(void *arg)
{
    put_pump(arg);
}

static void
on_blob_done(void *arg, int rc, const uint32_t *numbers, uint32_t n)
{
    struct put *put = arg;
    struct gc_meta_extent *extent = &put->blobs[put->n_blobs - 1].extent;
    put->write = NULL;
    if (rc != 0 || put->state == PUT_CHUNKS) { /* before its commit it can only fail */
        put_fail(put, gc_reply_err_of_rc(rc));
        return;
    }
    memcpy(extent->servers, numbers, n * sizeof(*numbers));
    extent->n_servers = n;
    if (put->state == PUT_LAST) {
        put_propose(put);
    } else {
        put->state = PUT_CHUNKS;
        put_pump(put);
    }
}

static const struct gc_blob_write_ops blob_ops = {
    .on_ready = on_blob_ready,
    .on_done = on_blob_done,
};

/* An id and servers for the next blob. */
static enum gc_api_err
put_blob_open(struct put *put)
{
    struct gc_meta_server servers[GC_META_COPIES_MAX];
    struct put_blob *blob = &put->blobs[put->n_blobs];
    struct gc_blob_write_conf conf = {
        .worker = put->worker,
        .servers = servers,
        .quorum = put->bucket.quorum,
        .trace = gc_rpc_trace(put->call),
        .ops = &blob_ops,
        .arg = put,
    };
    struct gc_arena arena;
    int rc;
    if (put->n_blobs == BLOBS_MAX) {
        return GC_API_EntityTooLarge;
    }
    gc_writer_take(&put->worker->translation->writer, &blob->id);
    put->n_blobs++;
    memset(&blob->extent, 0, sizeof(blob->extent));
    blob->extent.id = conf.id = blob->id.id;
    put->blob_length = 0;
    put->blob_crc = 0;
    gc_arena_init(&arena, 1u << 20);
    rc = gc_place_blob(put->worker, &arena, &conf.id, put->bucket.copies, servers, &conf.n);
    if (rc == 0) {
        rc = conf.n < conf.quorum ? GC_EUNAVAILABLE : gc_blob_write_start(&conf, &put->write);
    }
    gc_arena_fini(&arena);
    return rc == 0 ? GC_API_OK : gc_reply_err_of_rc(rc);
}

static void
put_blob_commit(struct put *put, enum put_state next)
{
    put->state = next;
    put->blobs[put->n_blobs - 1].extent.length = put->blob_length;
    gc_blob_write_commit(put->write, put->blob_length, put->blob_crc);
}

/* --- messages --- */

/* One chunk. *RET_TAKEN false: it must wait. */
static enum gc_api_err
take_chunk(struct put *put, struct gc_bytes *msg, bool *ret_taken)
{
    struct gc_chunk chunk;
    *ret_taken = false;
    if (gc_chunk_decode(msg, &chunk) != 0 || put->short_seen) {
        return GC_API_BadRequest;
    }
    if (chunk.data.len > GC_OBJECT_PUT_BYTES_MAX - put->length) {
        return GC_API_EntityTooLarge;
    }
    if (put->write != NULL && put->blob_length == GC_BLOB_BYTES) {
        put_blob_commit(put, PUT_TURNING);
        return GC_API_OK;
    }
    if (put->write == NULL) {
        enum gc_api_err err = put_blob_open(put);
        if (err != GC_API_OK) {
            return err;
        }
    }
    if (!gc_blob_write_ready(put->write)) {
        return GC_API_OK;
    }
    *ret_taken = true;
    gc_blob_write_chunk(put->write, msg);
    put->short_seen = chunk.data.len < GC_CHUNK_BYTES;
    put->crc = gc_crc32c_combine(put->crc, chunk.crc, chunk.data.len);
    put->blob_crc = gc_crc32c_combine(put->blob_crc, chunk.crc, chunk.data.len);
    put->length += chunk.data.len;
    put->blob_length += chunk.data.len;
    return GC_API_OK;
}

static enum gc_api_err
take_commit(struct put *put, const Gcommon__V1__Object__PutCommit *commit)
{
    if (commit->length != put->length || commit->crc32c != put->crc) {
        return GC_API_IncompleteBody;
    }
    if (commit->md5.len != sizeof(put->md5)) {
        return GC_API_BadRequest;
    }
    memcpy(put->md5, commit->md5.data, sizeof(put->md5));
    if (put->write != NULL) {
        put_blob_commit(put, PUT_LAST);
    } else {
        put_propose(put);
    }
    return GC_API_OK;
}

/* The early refusals: bucket, ACL, key, conditions that cannot hold (apply decides again at its own
 * index). */
static enum gc_api_err
put_check(struct put *put, const struct gc_meta_read *rd)
{
    const Gcommon__V1__Object__PutOpen *open = put->open->open;
    struct gc_str key = { (const char *)open->key.data, open->key.len };
    struct gc_meta_object object;
    enum gc_api_err err = gc_object_key_err(key);
    if (err == GC_API_OK) {
        err = gc_bucket_for(rd, open->bucket, &put->principal, GC_ACL_WRITE, &put->bucket);
    }
    if (err == GC_API_OK && open->conditions != NULL &&
        strcmp(open->conditions->if_none_match, "*") == 0 &&
        gc_meta_head_object(rd, put->bucket.id, key, &object) == 0) {
        err = GC_API_PreconditionFailed;
    }
    return err;
}

static void
put_opened(struct put *put)
{
    struct gc_translation *translation = put->worker->translation;
    struct gc_meta_read rd = { .meta = &translation->meta, .arena = gc_rpc_arena(put->call) };
    enum gc_api_err err;
    int rc = gc_consensus_begin_read(translation->consensus, &rd.txn);
    if (rc != 0) {
        put_fail(put, gc_reply_err_of_rc(rc));
        return;
    }
    err = put_check(put, &rd);
    gc_kv_abort(rd.txn);
    if (err != GC_API_OK) {
        put_fail(put, err);
        return;
    }
    put->state = PUT_CHUNKS;
}

static void
on_read(struct gc_read *read)
{
    struct put *put = gc_container_of(read, struct put, read);
    put->busy = false;
    if (put->call != NULL && put->state == PUT_READING) {
        if (read->rc != 0) {
            put_fail(put, gc_reply_err_of_rc(read->rc));
        } else {
            put_opened(put);
            put_pump(put);
        }
    }
    put_free_if_done(put);
}

static enum gc_api_err
take_open(struct put *put, const Gcommon__V1__Gateway__PutOpen *open)
{
    enum gc_api_err err;
    int rc;
    if (open->open == NULL || open->context == NULL) {
        return GC_API_BadRequest;
    }
    err = gc_auth_check(&put->worker->translation->auth, open->context, &put->principal);
    if (err != GC_API_OK) {
        return err;
    }
    put->open = open;
    put->state = PUT_READING;
    rc = gc_read_start(&put->read, put->worker, on_read);
    if (rc == GC_CONSENSUS_READY) {
        put_opened(put);
    } else if (rc == 0) {
        put->busy = true;
    } else {
        return gc_reply_err_of_rc(rc);
    }
    return GC_API_OK;
}

/* Open or commit; small, so it is decoded into the call's arena. */
static enum gc_api_err
take_control(struct put *put, struct gc_bytes *msg)
{
    const Gcommon__V1__Gateway__PutObjectRequest *request =
        gc_pb_unpack(&gcommon__v1__gateway__put_object_request__descriptor, gc_rpc_arena(put->call),
                     msg->data, msg->len);
    if (request == NULL) {
        return GC_API_BadRequest;
    }
    if (request->part_case == GCOMMON__V1__GATEWAY__PUT_OBJECT_REQUEST__PART_OPEN &&
        put->state == PUT_OPEN) {
        return take_open(put, request->open);
    }
    if (request->part_case == GCOMMON__V1__GATEWAY__PUT_OBJECT_REQUEST__PART_COMMIT &&
        put->state == PUT_CHUNKS) {
        return take_commit(put, request->commit);
    }
    return GC_API_BadRequest;
}

static void
put_pump(struct put *put)
{
    while (put->n_waiting > 0 && (put->state == PUT_OPEN || put->state == PUT_CHUNKS)) {
        struct gc_bytes *msg = put->waiting[0];
        bool taken = true;
        enum gc_api_err err = put->state == PUT_CHUNKS && gc_chunk_is(msg)
                                  ? take_chunk(put, msg, &taken)
                                  : take_control(put, msg);
        if (err != GC_API_OK) {
            put_fail(put, err);
            return;
        }
        if (!taken) {
            return;
        }
        put->n_waiting--;
        memmove(put->waiting, put->waiting + 1, put->n_waiting * sizeof(put->waiting[0]));
        gc_bytes_unref(msg);
        gc_rpc_consume(put->call);
    }
    if (put->half_closed && (put->state == PUT_OPEN || put->state == PUT_CHUNKS)) {
        put_fail(put, GC_API_IncompleteBody); /* no commit came */
    }
}

static void
on_message(struct gc_rpc_call *call, void *arg, struct gc_bytes *msg)
{
    struct put *put = arg;
    (void)call;
    if (put->state == PUT_OVER) {
        return;
    }
    if (put->state >= PUT_LAST || put->n_waiting == WAITING_MAX) {
        put_fail(put, GC_API_BadRequest);
        return;
    }
    put->waiting[put->n_waiting++] = gc_bytes_ref(msg);
    if (put->n_waiting == 1) {
        put_pump(put);
    }
}

static void
on_half_close(struct gc_rpc_call *call, void *arg)
{
    struct put *put = arg;
    (void)call;
    put->half_closed = true;
    put_pump(put);
}

static void
on_end(struct gc_rpc_call *call, void *arg, const struct gc_rpc_status *status)
{
    struct put *put = arg;
    (void)call;
    (void)status;
    put->call = NULL;
    put_free_if_done(put);
}

static const struct gc_rpc_handler handler = {
    .on_message = on_message,
    .on_half_close = on_half_close,
    .on_end = on_end,
};

void
gc_translation_rpc_put(struct gc_rpc_call *call, void *arg, struct gc_bytes *request)
{
    struct put *put = calloc(1, sizeof(*put));
    (void)request;
    if (put == NULL) {
        (void)gc_rpc_fail_rc(call, -ENOMEM);
        return;
    }
    put->call = call;
    put->worker = arg;
    put->worker->n_ops++;
    gc_rpc_set_handler(call, &handler, put);
}
