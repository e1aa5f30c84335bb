/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ObjectService.PutObject: open -> chunks, each verified against its CRC32C, hashed and passed on
 * as it came -> commit, whose length, CRC32C and MD5 (when it has one) must be what arrived -> our
 * commit, which carries the MD5 -> translation's answer is the client's. Failures: a message out of
 * order or a total that does not fit ends the call with the client's error and cancels the call to
 * translation, so nothing is visible; translation's error is the client's; no answer before the
 * commit is UNAVAILABLE, after it Outcome is asked. The client is credited as translation takes: at
 * most a flow-control window of messages waits. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "core/layout.h"
#include "crypto/hash.h"
#include "proto/gcommon/v1/gateway/gateway.pb-c.h"
#include "rpc/pb.h"
#include "web/fields.h"
#include "web/grpc.h"
#include "web/outcome.h"

#define WAITING_MAX 64

enum put_state { PUT_OPEN, PUT_CHUNKS, PUT_COMMIT, PUT_ASK, PUT_OVER };

struct grpc_put {
    struct gc_rpc_call *call; /* NULL once it has ended */
    struct gc_rpc_call *upstream;
    struct gc_web_worker *worker;
    struct gc_web_grpc_caller caller;
    struct gc_trace trace;
    enum put_state state;
    struct gc_hash md5;
    uint8_t digest[GC_MD5_BYTES];
    struct gc_outcome outcome;
    uint64_t length;
    uint32_t crc;
    struct gc_bytes *answer;
    struct gc_bytes *waiting[WAITING_MAX];
    unsigned n_waiting;
    bool half_closed;
};

static void
put_free_if_done(struct grpc_put *put)
{
    if (put->call != NULL || put->upstream != NULL || put->outcome.active) {
        return;
    }
    for (unsigned i = 0; i < put->n_waiting; i++) {
        gc_bytes_unref(put->waiting[i]);
    }
    gc_bytes_unref(put->answer);
    gc_hash_fini(&put->md5);
    gc_wipe(&put->caller, sizeof(put->caller));
    put->worker->n_requests--;
    free(put);
}

static void
put_fail(struct grpc_put *put, enum gc_api_err err)
{
    if (put->state == PUT_OVER || put->call == NULL) {
        return;
    }
    put->state = PUT_OVER;
    gc_web_grpc_err(put->call, err);
    if (put->upstream != NULL) {
        gc_rpc_cancel(put->upstream);
    }
}

/* --- to translation --- */

static void put_pump(struct grpc_put *put);

static void
upstream_message(struct gc_rpc_call *call, void *arg, struct gc_bytes *msg)
{
    struct grpc_put *put = arg;
    if (put->answer == NULL) {
        put->answer = gc_bytes_ref(msg);
    }
    gc_rpc_consume(call);
}

static void
upstream_writable(struct gc_rpc_call *call, void *arg)
{
    (void)call;
    put_pump(arg);
}

static void
on_outcome(struct gc_outcome *outcome, enum gc_api_err err)
{
    struct grpc_put *put = gc_container_of(outcome, struct grpc_put, outcome);
    Gcommon__V1__Object__PutObjectResponse response =
        GCOMMON__V1__OBJECT__PUT_OBJECT_RESPONSE__INIT;
    char etag[2 * GC_MD5_BYTES + 1];
    struct gc_bytes *msg;
    if (err == GC_API_OK && put->call != NULL) {
        gc_hex_encode(etag, put->digest, sizeof(put->digest));
        response.etag = etag;
        msg = gc_pb_pack(&response.base);
        put->state = PUT_OVER;
        (void)(msg == NULL ? gc_rpc_fail_rc(put->call, -ENOMEM) : gc_rpc_reply(put->call, msg));
        gc_bytes_unref(msg);
    } else {
        put_fail(put, err);
    }
    put_free_if_done(put);
}

static void
upstream_end(struct gc_rpc_call *call, void *arg, const struct gc_rpc_status *status)
{
    struct grpc_put *put = arg;
    enum gc_api_err err = gc_upstream_err(call, status);
    put->upstream = NULL;
    if (put->state == PUT_COMMIT && put->call != NULL && gc_upstream_lost(call, status)) {
        put->state = PUT_ASK;
        gc_outcome_start(
            &put->outcome, put->caller.request_id,
            GC_MIN(gc_rpc_remaining_ms(put->call), put->worker->web->conf->deadline_ms),
            on_outcome);
    } else if (err != GC_API_OK || put->state != PUT_COMMIT || put->answer == NULL) {
        put_fail(put, err != GC_API_OK ? err : GC_API_InternalError);
    } else if (put->call != NULL) {
        put->state = PUT_OVER;
        (void)gc_rpc_reply(put->call, put->answer);
    }
    put_free_if_done(put);
}

static const struct gc_rpc_handler upstream_handler = {
    .on_message = upstream_message,
    .on_writable = upstream_writable,
    .on_end = upstream_end,
};

static enum gc_api_err
take_open(struct grpc_put *put, const Gcommon__V1__Object__PutOpen *open)
{
    const struct gc_rpc_call_conf conf = {
        .path = GC_UPSTREAM_PUT_PATH,
        .trace = &put->trace,
        .progress_ms = put->worker->web->conf->progress_ms,
    };
    enum gc_api_err err = gc_web_fields_check(open);
    struct gc_bytes *msg;
    int rc;
    if (err != GC_API_OK) {
        return err;
    }
    msg = gc_upstream_wrap_put(&put->caller.context, &open->base);
    rc = msg == NULL ? -ENOMEM
                     : gc_rpc_call_start(put->worker->channel, &conf, &upstream_handler, put,
                                         &put->upstream);
    if (rc == 0) {
        rc = gc_rpc_send(put->upstream, msg);
    } else {
        put->upstream = NULL;
    }
    gc_bytes_unref(msg);
    put->state = PUT_CHUNKS;
    return rc == 0 ? GC_API_OK : GC_API_SlowDown;
}

/* *RET_TAKEN false: it must wait. */
static enum gc_api_err
take_chunk(struct grpc_put *put, struct gc_bytes *msg, bool *ret_taken)
{
    struct gc_chunk chunk;
    *ret_taken = put->upstream != NULL && gc_rpc_writable(put->upstream);
    if (!*ret_taken) {
        return GC_API_OK;
    }
    if (gc_chunk_decode(msg, &chunk) != 0) {
        return GC_API_BadRequest;
    }
    if (gc_crc32c(0, chunk.data.data, chunk.data.len) != chunk.crc) {
        return GC_API_BadDigest;
    }
    if (chunk.data.len > put->worker->web->conf->object_bytes_max - put->length) {
        return GC_API_EntityTooLarge;
    }
    gc_counter_add(put->worker->metrics.bytes_in, chunk.data.len);
    gc_hash_update(&put->md5, chunk.data.data, chunk.data.len);
    put->crc = gc_crc32c_combine(put->crc, chunk.crc, chunk.data.len);
    put->length += chunk.data.len;
    return gc_rpc_send(put->upstream, msg) == 0 ? GC_API_OK : GC_API_SlowDown;
}

static enum gc_api_err
take_commit(struct grpc_put *put, const Gcommon__V1__Object__PutCommit *commit)
{
    Gcommon__V1__Gateway__PutObjectRequest message = GCOMMON__V1__GATEWAY__PUT_OBJECT_REQUEST__INIT;
    Gcommon__V1__Object__PutCommit ours = GCOMMON__V1__OBJECT__PUT_COMMIT__INIT;
    uint8_t *md5 = put->digest;
    struct gc_bytes *msg;
    int rc;
    gc_hash_final(&put->md5, md5);
    if (commit->length != put->length) {
        return GC_API_IncompleteBody;
    }
    if (commit->crc32c != put->crc) {
        return GC_API_BadDigest;
    }
    if (commit->md5.len != 0 && (commit->md5.len != sizeof(put->digest) ||
                                 memcmp(commit->md5.data, md5, sizeof(put->digest)) != 0)) {
        return commit->md5.len == sizeof(put->digest) ? GC_API_BadDigest : GC_API_InvalidDigest;
    }
    ours.length = put->length;
    ours.crc32c = put->crc;
    ours.md5.data = md5;
    ours.md5.len = sizeof(put->digest);
    message.part_case = GCOMMON__V1__GATEWAY__PUT_OBJECT_REQUEST__PART_COMMIT;
    message.commit = &ours;
    msg = gc_pb_pack(&message.base);
    put->state = PUT_COMMIT;
    rc = msg == NULL || put->upstream == NULL ? -ENOMEM : gc_rpc_send(put->upstream, msg);
    if (rc == 0) {
        rc = gc_rpc_half_close(put->upstream);
    }
    gc_bytes_unref(msg);
    return rc == 0 ? GC_API_OK : GC_API_ServiceUnavailable;
}

/* --- from the client --- */

/* Open or commit; small, so it is decoded into the call's arena. */
static enum gc_api_err
take_control(struct grpc_put *put, struct gc_bytes *msg)
{
    const Gcommon__V1__Object__PutObjectRequest *request =
        gc_pb_unpack(&gcommon__v1__object__put_object_request__descriptor, gc_rpc_arena(put->call),
                     msg->data, msg->len);
    if (request == NULL) {
        return GC_API_BadRequest;
    }
    if (request->part_case == GCOMMON__V1__OBJECT__PUT_OBJECT_REQUEST__PART_OPEN &&
        put->state == PUT_OPEN) {
        return take_open(put, request->open);
    }
    if (request->part_case == GCOMMON__V1__OBJECT__PUT_OBJECT_REQUEST__PART_COMMIT &&
        put->state == PUT_CHUNKS) {
        return take_commit(put, request->commit);
    }
    return GC_API_BadRequest;
}

static void
put_pump(struct grpc_put *put)
{
    while (put->n_waiting > 0 && put->state < PUT_COMMIT && put->call != NULL) {
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
    if (put->half_closed && put->state < PUT_COMMIT && put->call != NULL) {
        put_fail(put, GC_API_IncompleteBody); /* no commit came */
    }
}

static void
on_message(struct gc_rpc_call *call, void *arg, struct gc_bytes *msg)
{
    struct grpc_put *put = arg;
    (void)call;
    if (put->state == PUT_OVER) {
        return;
    }
    if (put->state >= PUT_COMMIT || put->n_waiting == WAITING_MAX) {
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
    struct grpc_put *put = arg;
    (void)call;
    put->half_closed = true;
    put_pump(put);
}

static void
on_end(struct gc_rpc_call *call, void *arg, const struct gc_rpc_status *status)
{
    struct grpc_put *put = arg;
    (void)call;
    (void)status;
    put->call = NULL;
    gc_outcome_cancel(&put->outcome);
    if (put->upstream != NULL) {
        gc_rpc_cancel(put->upstream);
    }
    put_free_if_done(put);
}

static const struct gc_rpc_handler handler = {
    .on_message = on_message,
    .on_half_close = on_half_close,
    .on_end = on_end,
};

void
gc_web_grpc_put(struct gc_rpc_call *call, void *arg, struct gc_bytes *request)
{
    struct gc_web_worker *worker = arg;
    struct grpc_put *put = calloc(1, sizeof(*put));
    (void)request;
    if (put == NULL || gc_hash_init(&put->md5, GC_HASH_MD5) != 0) {
        free(put);
        (void)gc_rpc_fail_rc(call, -ENOMEM);
        return;
    }
    if (!gc_web_grpc_caller(call, worker, &put->caller)) {
        gc_hash_fini(&put->md5);
        free(put);
        return;
    }
    put->call = call;
    put->worker = worker;
    gc_trace_new(&put->trace); /* what a client says of traces is not adopted */
    worker->n_requests++;
    gc_outcome_init(&put->outcome, worker, &put->trace);
    gc_rpc_set_handler(call, &handler, put);
}
