/* SPDX-License-Identifier: GPL-3.0-or-later */
/* PUT of an object. Body bytes are hashed and gathered in chunks of exactly GC_CHUNK_BYTES; a full
 * one goes to translation with its CRC32C. When the whole body has arrived and length and
 * Content-MD5 hold, the commit follows; its answer is ours.
 *
 * The call to translation begins with the first full chunk; for a body that was announced to be
 * small, or turns out to be, at its end. Such a body stays in memory until the answer, so that it
 * can be sent again under the same request id.
 *
 * Failures:
 *   the client goes, or stands still    -> the call is cancelled: without commit nothing is visible
 *   length, digest, size are wrong      -> the same, and the client's error
 *   translation refuses, at any time    -> its error; the rest of the body is dropped
 *   no answer before the commit         -> 503
 *   no answer after the commit, small   -> sent again, for [upstream] retry_ms
 *   no answer after the commit, large   -> Outcome is asked until the deadline, then 503
 *
 * Flow control: the client is credited while the call is writable; what is held back meanwhile is
 * at most its window. Memory: a chunk that is being filled, what the call has queued, the window.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/err.h"
#include "core/chunk.h"
#include "crypto/hash.h"
#include "proto/gcommon/v1/gateway/gateway.pb-c.h"
#include "rpc/pb.h"
#include "web/fields.h"
#include "web/ops.h"
#include "web/outcome.h"

#define KEPT_MAX       2
#define SMALL_MAX      (256u * 1024) /* at most KEPT_MAX chunks */
#define LENGTH_UNKNOWN UINT64_MAX
#define PAUSE_MIN_MS   20
#define PAUSE_MAX_MS   500

_Static_assert(SMALL_MAX <= KEPT_MAX * GC_CHUNK_BYTES, "a small body is kept whole");

enum put_state {
    PUT_BODY,   /* the body arrives */
    PUT_COMMIT, /* the commit is on its way, its answer is awaited */
    PUT_PAUSE,  /* no answer came; the small body will be sent again */
    PUT_ASK,    /* no answer came; Outcome is being asked */
    PUT_OVER    /* answered, or nobody wants an answer */
};

struct put_chunk {
    struct gc_bytes *bytes;
    size_t len;
    uint32_t crc;
};

struct put {
    struct gc_web_request *req;
    enum put_state state;
    struct gc_rpc_call *call; /* NULL before, between and after attempts */
    struct gc_bytes *open;    /* the call's first message */
    struct gc_bytes *filling;
    size_t n_filling;
    struct put_chunk kept[KEPT_MAX]; /* full, not yet sent; a replayable body's: all of them */
    size_t n_kept;
    struct gc_hash md5;
    uint8_t digest[GC_MD5_BYTES], want_digest[GC_MD5_BYTES];
    uint64_t length, announced;
    uint32_t crc;
    uint64_t seen; /* LENGTH when we last looked for progress */
    size_t held;   /* bytes not credited to the client */
    struct gc_timer timer;
    uint64_t deadline_at_ms, retry_until_ms, pause_ms; /* from the commit on */
    struct gc_outcome outcome;
    bool digest_wanted, replayable;
};

static void
drop_kept(struct put *put)
{
    for (size_t i = 0; i < put->n_kept; i++) {
        gc_bytes_unref(put->kept[i].bytes);
    }
    put->n_kept = 0;
}

static void
put_free_if_done(struct put *put)
{
    struct gc_web_request *req = put->req;
    if (put->state != PUT_OVER || put->call != NULL || put->outcome.active) {
        return;
    }
    gc_timer_stop(&put->timer);
    drop_kept(put);
    gc_bytes_unref(put->filling);
    gc_bytes_unref(put->open);
    gc_hash_fini(&put->md5);
    free(put);
    req->state = NULL;
    gc_web_release(req);
}

/* Nothing more is done for this upload. */
static void
put_over(struct put *put)
{
    put->state = PUT_OVER;
    gc_timer_stop(&put->timer);
    if (put->call != NULL) {
        gc_rpc_cancel(put->call);
    }
    gc_outcome_cancel(&put->outcome);
    if (put->req->s != NULL && put->held > 0) {
        gc_http_consume(put->req->s, put->held);
    }
    put->held = 0;
}

static void
put_fail(struct put *put, enum gc_api_err err)
{
    if (put->state != PUT_OVER) {
        put_over(put);
        gc_web_answer_err(put->req, err);
    }
}

static void
put_done(struct put *put)
{
    char etag[2 * GC_MD5_BYTES + 3] = "\"";
    struct gc_http_field field = { .name = GC_STR("etag") };
    gc_hex_encode(etag + 1, put->digest, sizeof(put->digest));
    etag[2 * GC_MD5_BYTES + 1] = '"';
    field.value = (struct gc_str){ etag, sizeof(etag) - 1 };
    put_over(put);
    gc_web_answer_empty(put->req, 200, &field, 1);
}

/* --- sending -----------------------------------------------------------------------------------
 */

static const struct gc_rpc_handler call_handler;

static uint64_t
now_ms(const struct put *put)
{
    return gc_loop_now_ms(put->req->worker->loop);
}

static int
send_chunk(struct put *put, const struct put_chunk *chunk)
{
    const struct gc_slice tail = { chunk->bytes, chunk->bytes->data, chunk->len };
    uint8_t head[GC_CHUNK_HEAD_MAX];
    size_t head_len = gc_chunk_head(head, chunk->len, chunk->crc);
    return gc_rpc_send_parts(put->call, head, head_len, &tail);
}

/* Begin a call, or go on with it: what is kept is sent. A call that has failed meanwhile says so in
 * its on_end; GC_EUNAVAILABLE: none could be made. */
static int
put_send(struct put *put)
{
    const struct gc_rpc_call_conf conf = {
        .path = GC_UPSTREAM_PUT_PATH,
        .trace = &put->req->trace,
        .progress_ms = put->req->worker->web->conf->progress_ms,
    };
    int rc = 0;
    if (put->call == NULL) {
        if (gc_rpc_call_start(put->req->worker->channel, &conf, &call_handler, put, &put->call) !=
            0) {
            return GC_EUNAVAILABLE; /* and there is no call */
        }
        rc = gc_rpc_send(put->call, put->open);
    }
    for (size_t i = 0; i < put->n_kept && rc == 0; i++) {
        rc = send_chunk(put, &put->kept[i]);
    }
    if (!put->replayable) {
        drop_kept(put);
    }
    return rc == GC_ECLOSED ? 0 : rc;
}

static struct gc_bytes *
pack_commit(const struct put *put)
{
    Gcommon__V1__Gateway__PutObjectRequest message = GCOMMON__V1__GATEWAY__PUT_OBJECT_REQUEST__INIT;
    Gcommon__V1__Object__PutCommit commit = GCOMMON__V1__OBJECT__PUT_COMMIT__INIT;
    commit.length = put->length;
    commit.md5.data = (uint8_t *)put->digest;
    commit.md5.len = sizeof(put->digest);
    commit.crc32c = put->crc;
    message.part_case = GCOMMON__V1__GATEWAY__PUT_OBJECT_REQUEST__PART_COMMIT;
    message.commit = &commit;
    return gc_pb_pack(&message.base);
}

/* All that is left, and the commit. */
static void
put_commit(struct put *put)
{
    struct gc_bytes *commit = pack_commit(put);
    int rc = commit == NULL ? -ENOMEM : put_send(put);
    put->state = PUT_COMMIT;
    if (rc == 0) {
        rc = gc_rpc_send(put->call, commit);
    }
    if (rc == 0) {
        rc = gc_rpc_half_close(put->call);
    }
    gc_bytes_unref(commit);
    if (rc != 0 && rc != GC_ECLOSED) {
        put_fail(put, GC_API_SlowDown);
        return;
    }
    gc_timer_start(&put->timer, put->deadline_at_ms - GC_MIN(now_ms(put), put->deadline_at_ms));
}

/* --- no answer ---------------------------------------------------------------------------------
 */

/* A pause, each longer than the last, and another attempt; false when there is no time left. */
static bool
put_again(struct put *put)
{
    put->pause_ms =
        GC_MIN(GC_MAX(put->pause_ms * 2, (uint64_t)PAUSE_MIN_MS), (uint64_t)PAUSE_MAX_MS);
    if (now_ms(put) + put->pause_ms >= GC_MIN(put->retry_until_ms, put->deadline_at_ms)) {
        return false;
    }
    gc_counter_inc(put->req->worker->metrics.retries);
    put->state = PUT_PAUSE;
    gc_timer_start(&put->timer, put->pause_ms);
    return true;
}

static void
on_outcome(struct gc_outcome *outcome, enum gc_api_err err)
{
    struct put *put = gc_container_of(outcome, struct put, outcome);
    if (put->state == PUT_ASK && err == GC_API_OK) {
        put_done(put);
    } else {
        put_fail(put, err);
    }
    put_free_if_done(put);
}

/* The call has ended without an answer after the commit was sent. */
static void
put_lost(struct put *put)
{
    uint64_t now = now_ms(put);
    if (!put->replayable) {
        gc_timer_stop(&put->timer);
        put->state = PUT_ASK;
        gc_outcome_start(&put->outcome, put->req->id,
                         put->deadline_at_ms - GC_MIN(now, put->deadline_at_ms), on_outcome);
    } else if (!put_again(put)) {
        put_fail(put, GC_API_ServiceUnavailable);
    }
}

/* --- the call ----------------------------------------------------------------------------------
 */

static void
on_message(struct gc_rpc_call *call, void *arg, struct gc_bytes *msg)
{
    (void)arg;
    (void)msg; /* the entity tag, which we know */
    gc_rpc_consume(call);
}

static void
on_call_writable(struct gc_rpc_call *call, void *arg)
{
    struct put *put = arg;
    size_t held = put->held;
    (void)call;
    put->held = 0;
    if (held > 0 && put->req->s != NULL) {
        gc_http_consume(put->req->s, held);
    }
}

static void
on_call_end(struct gc_rpc_call *call, void *arg, const struct gc_rpc_status *status)
{
    struct put *put = arg;
    enum gc_api_err err = gc_upstream_err(call, status);
    put->call = NULL;
    if (put->state == PUT_COMMIT && err == GC_API_OK) {
        put_done(put);
    } else if (put->state == PUT_COMMIT && gc_upstream_lost(call, status)) {
        put_lost(put);
    } else {
        put_fail(put, err != GC_API_OK ? err : GC_API_InternalError);
    }
    put_free_if_done(put);
}

static const struct gc_rpc_handler call_handler = {
    .on_message = on_message,
    .on_writable = on_call_writable,
    .on_end = on_call_end,
};

/* --- the body ----------------------------------------------------------------------------------
 */

/* The chunk that was being filled is done. */
static void
chunk_done(struct put *put)
{
    struct put_chunk *chunk = &put->kept[put->n_kept++];
    chunk->bytes = put->filling;
    chunk->len = put->n_filling;
    chunk->crc = gc_crc32c(0, chunk->bytes->data, chunk->len);
    put->crc = gc_crc32c_combine(put->crc, chunk->crc, chunk->len);
    put->filling = NULL;
    put->n_filling = 0;
}

/* Add what fits of DATA to the chunk that is being filled. */
static int
fill(struct put *put, struct gc_slice *data)
{
    uint64_t left = put->announced - put->length; /* huge when it is unknown */
    size_t len;
    if (put->filling == NULL) {
        put->filling = gc_bytes_new((size_t)GC_MIN(left, (uint64_t)GC_CHUNK_BYTES));
        if (put->filling == NULL) {
            return -ENOMEM;
        }
    }
    len = GC_MIN(data->len, put->filling->len - put->n_filling);
    memcpy(put->filling->data + put->n_filling, data->data, len);
    put->n_filling += len;
    put->length += len;
    data->data += len;
    data->len -= len;
    if (put->n_filling < put->filling->len) {
        return 0;
    }
    chunk_done(put);
    return put->announced <= SMALL_MAX ? 0 : put_send(put);
}

static void
put_data(struct gc_web_request *req, const struct gc_slice *data)
{
    struct put *put = req->state;
    const struct gc_web_conf *conf = req->worker->web->conf;
    struct gc_slice rest = *data;
    int rc = 0;
    put->held += data->len;
    if (data->len > GC_MIN(put->announced, conf->object_bytes_max) - put->length) {
        put_fail(put,
                 put->announced == LENGTH_UNKNOWN ? GC_API_EntityTooLarge : GC_API_IncompleteBody);
        put_free_if_done(put);
        return;
    }
    gc_counter_add(req->worker->metrics.bytes_in, data->len);
    gc_hash_update(&put->md5, data->data, data->len);
    while (rest.len > 0 && rc == 0) {
        rc = fill(put, &rest);
    }
    if (rc != 0) {
        put_fail(put, GC_API_SlowDown);
    } else if (put->call == NULL || gc_rpc_writable(put->call)) {
        gc_http_consume(req->s, put->held);
        put->held = 0;
    }
    put_free_if_done(put);
}

static void
put_end(struct gc_web_request *req)
{
    struct put *put = req->state;
    const struct gc_web_conf *conf = req->worker->web->conf;
    if (put->n_filling > 0) {
        chunk_done(put);
    }
    gc_hash_final(&put->md5, put->digest);
    put->deadline_at_ms = now_ms(put) + conf->deadline_ms;
    put->retry_until_ms = now_ms(put) + conf->retry_ms;
    put->replayable = put->call == NULL;
    if (put->announced != LENGTH_UNKNOWN && put->length != put->announced) {
        put_fail(put, GC_API_IncompleteBody);
    } else if (put->digest_wanted &&
               memcmp(put->digest, put->want_digest, sizeof(put->digest)) != 0) {
        put_fail(put, GC_API_BadDigest);
    } else {
        put_commit(put);
    }
    put_free_if_done(put);
}

static void
put_gone(struct gc_web_request *req)
{
    struct put *put = req->state;
    if (put != NULL) {
        put_over(put);
        put_free_if_done(put);
    }
}

/* --- time --------------------------------------------------------------------------------------
 */

/* Has the client sent anything since we last looked? What we hold back is not its fault; the call
 * has its own watch. */
static void
look_for_progress(struct put *put)
{
    if (put->seen == put->length && put->held == 0) {
        gc_counter_inc(put->req->worker->metrics.stalls);
        put_fail(put, GC_API_RequestTimeout);
        return;
    }
    put->seen = put->length;
    gc_timer_start(&put->timer, put->req->worker->web->conf->progress_ms);
}

static void
on_timer(struct gc_timer *timer)
{
    struct put *put = gc_container_of(timer, struct put, timer);
    switch (put->state) {
    case PUT_BODY:
        look_for_progress(put);
        break;
    case PUT_COMMIT:
        put_fail(put, GC_API_RequestExpired);
        break;
    case PUT_PAUSE:
        put_commit(put);
        break;
    case PUT_ASK:
    case PUT_OVER:
        break;
    }
    put_free_if_done(put);
}

/* --- the head ----------------------------------------------------------------------------------
 */

static enum gc_api_err
read_length(struct put *put, const struct gc_http_head *head)
{
    struct gc_str text = gc_http_field_get(head->fields, head->n_fields, "content-length");
    put->announced = head->end ? 0 : LENGTH_UNKNOWN;
    if (text.data == NULL) {
        /* HTTP/1.1 without length and without chunks has no body; S3 wants the length said. */
        return head->end && gc_http_version(put->req->s) == 1 ? GC_API_MissingContentLength
                                                              : GC_API_OK;
    }
    if (gc_str_u64(text, UINT64_MAX - 1, &put->announced) != 0) {
        return GC_API_BadRequest;
    }
    return put->announced > put->req->worker->web->conf->object_bytes_max ? GC_API_EntityTooLarge
                                                                          : GC_API_OK;
}

static enum gc_api_err
read_digest(struct put *put, const struct gc_http_head *head)
{
    struct gc_str text = gc_http_field_get(head->fields, head->n_fields, "content-md5");
    put->digest_wanted = text.data != NULL;
    return put->digest_wanted && gc_web_content_md5(text, put->want_digest) != 0
               ? GC_API_InvalidDigest
               : GC_API_OK;
}

static enum gc_api_err
pack_open(struct put *put, const struct gc_http_head *head)
{
    struct gc_web_request *req = put->req;
    struct gc_arena *arena = gc_http_arena(req->s);
    struct gc_upstream_context context = gc_web_context(req);
    Gcommon__V1__Object__PutOpen open = GCOMMON__V1__OBJECT__PUT_OPEN__INIT;
    Gcommon__V1__Object__Conditions conditions;
    enum gc_api_err err = gc_web_fields_keep(arena, head->fields, head->n_fields, &open);
    if (err == GC_API_OK) {
        err = gc_web_conditions(arena, head->fields, head->n_fields, false, &conditions);
    }
    if (err != GC_API_OK) {
        return err;
    }
    open.bucket = (char *)req->target.bucket.data;
    open.key.data = (uint8_t *)req->target.key.data;
    open.key.len = req->target.key.len;
    open.conditions = &conditions;
    put->open = gc_upstream_wrap_put(&context, &open.base);
    return put->open != NULL ? GC_API_OK : GC_API_SlowDown;
}

static enum gc_api_err
put_read_head(struct put *put, const struct gc_http_head *head)
{
    enum gc_api_err err = gc_web_fields_refuse(head->fields, head->n_fields);
    if (err == GC_API_OK) {
        err = read_length(put, head);
    }
    if (err == GC_API_OK) {
        err = read_digest(put, head);
    }
    if (err == GC_API_OK) {
        err = pack_open(put, head);
    }
    if (err == GC_API_OK && gc_hash_init(&put->md5, GC_HASH_MD5) != 0) {
        err = GC_API_SlowDown;
    }
    return err;
}

static enum gc_api_err
put_start(struct gc_web_request *req, const struct gc_http_head *head)
{
    struct put *put = calloc(1, sizeof(*put));
    enum gc_api_err err;
    if (put == NULL) {
        return GC_API_SlowDown;
    }
    put->req = req;
    gc_timer_init(&put->timer, req->worker->loop, on_timer);
    gc_outcome_init(&put->outcome, req->worker, &req->trace);
    gc_web_hold(req);
    req->state = put;
    err = put_read_head(put, head);
    if (err != GC_API_OK) {
        put->state = PUT_OVER;
        put_free_if_done(put);
        return err;
    }
    gc_timer_start(&put->timer, req->worker->web->conf->progress_ms);
    return GC_API_OK;
}

const struct gc_web_op gc_web_op_put = {
    .name = "put_object",
    .start = put_start,
    .data = put_data,
    .end = put_end,
    .gone = put_gone,
};
