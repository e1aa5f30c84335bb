/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GET of an object. The call's first message is the head, which is answered; then come chunks, each
 * verified and written to the client by reference; the call's end with all bytes sent ends the
 * answer.
 *
 * Failures: before the head the client gets the error (a lost call is made again); after it the
 * stream is cut, so that no client takes a part for the whole. The client goes: the call is
 * cancelled. Flow control: translation is credited while the client's queue has room. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/err.h"
#include "base/log.h"
#include "core/chunk.h"
#include "rpc/pb.h"
#include "web/fields.h"
#include "web/object_head.h"
#include "web/ops.h"

#define PAUSE_MIN_MS 20
#define PAUSE_MAX_MS 500

enum get_state {
    GET_HEAD,   /* the head is awaited */
    GET_PAUSE,  /* no answer came; the call will be made again */
    GET_CHUNKS, /* answered, the bytes follow */
    GET_OVER
};

struct get {
    struct gc_web_request *req;
    enum get_state state;
    struct gc_rpc_call *call; /* NULL between and after attempts */
    struct gc_bytes *message;
    uint64_t left;   /* bytes still to be sent */
    unsigned n_owed; /* messages not yet credited to translation */
    struct gc_timer timer;
    uint64_t deadline_at_ms, retry_until_ms, pause_ms;
};

static void
get_free_if_done(struct get *get)
{
    struct gc_web_request *req = get->req;
    if (get->state != GET_OVER || get->call != NULL) {
        return;
    }
    gc_timer_stop(&get->timer);
    gc_bytes_unref(get->message);
    free(get);
    req->state = NULL;
    gc_web_release(req);
}

static void
get_over(struct get *get)
{
    get->state = GET_OVER;
    gc_timer_stop(&get->timer);
    if (get->call != NULL) {
        gc_rpc_cancel(get->call);
    }
}

/* The client's error, or, after the head, the end of the stream. */
static void
get_fail(struct get *get, enum gc_api_err err)
{
    struct gc_web_request *req = get->req;
    if (get->state == GET_OVER) {
        return;
    }
    get_over(get);
    if (req->status == 0) {
        if (!gc_web_answer_not_modified(req, err)) {
            gc_web_answer_err(req, err);
        }
        return;
    }
    req->err = err;
    gc_counter_inc(req->worker->metrics.cuts);
    gc_log_trace(GC_LOG_WARN, &req->trace, "get.cut", "id=%s code=%s left=%llu", req->id_text,
                 gc_api_err_info(err)->code, (unsigned long long)get->left);
    if (req->s != NULL) {
        gc_http_reset(req->s, GC_H2_INTERNAL_ERROR);
    }
}

/* --- messages ----------------------------------------------------------------------------------
 */

static void
take_head(struct get *get, struct gc_bytes *msg)
{
    struct gc_web_request *req = get->req;
    Gcommon__V1__Object__GetObjectResponse *response =
        gc_pb_unpack(&gcommon__v1__object__get_object_response__descriptor, gc_http_arena(req->s),
                     msg->data, msg->len);
    if (response == NULL ||
        response->part_case != GCOMMON__V1__OBJECT__GET_OBJECT_RESPONSE__PART_HEAD ||
        gc_web_respond_object(req, response->head, false) != 0) {
        get_fail(get, GC_API_InternalError);
        return;
    }
    gc_timer_stop(&get->timer);
    get->state = GET_CHUNKS;
    get->left = gc_web_object_bytes(response->head);
}

static void
take_chunk(struct get *get, struct gc_bytes *msg)
{
    struct gc_chunk chunk;
    if (gc_chunk_decode(msg, &chunk) != 0 || chunk.data.len > get->left) {
        get_fail(get, GC_API_InternalError);
        return;
    }
    if (gc_crc32c(0, chunk.data.data, chunk.data.len) != chunk.crc) {
        get_fail(get, GC_API_DataLoss);
        return;
    }
    if (gc_http_write(get->req->s, &chunk.data) != 0) {
        get_fail(get, GC_API_SlowDown);
        return;
    }
    get->left -= chunk.data.len;
    gc_counter_add(get->req->worker->metrics.bytes_out, chunk.data.len);
}

/* Credit what was taken, while the client takes it, too. */
static void
get_credit(struct get *get)
{
    while (get->n_owed > 0 && get->call != NULL && get->state != GET_OVER &&
           gc_http_queued(get->req->s) < GC_HTTP_QUEUE_HIGH) {
        get->n_owed--;
        gc_rpc_consume(get->call);
    }
}

static void
on_message(struct gc_rpc_call *call, void *arg, struct gc_bytes *msg)
{
    struct get *get = arg;
    (void)call;
    if (get->state == GET_OVER) {
        return;
    }
    get->n_owed++;
    if (get->state == GET_HEAD) {
        take_head(get, msg);
    } else {
        take_chunk(get, msg);
    }
    get_credit(get);
}

/* --- the call ----------------------------------------------------------------------------------
 */

static uint64_t
now_ms(const struct get *get)
{
    return gc_loop_now_ms(get->req->worker->loop);
}

static bool
get_again(struct get *get)
{
    get->pause_ms =
        GC_MIN(GC_MAX(get->pause_ms * 2, (uint64_t)PAUSE_MIN_MS), (uint64_t)PAUSE_MAX_MS);
    if (get->state != GET_HEAD ||
        now_ms(get) + get->pause_ms >= GC_MIN(get->retry_until_ms, get->deadline_at_ms)) {
        return false;
    }
    gc_counter_inc(get->req->worker->metrics.retries);
    get->state = GET_PAUSE;
    gc_timer_start(&get->timer, get->pause_ms);
    return true;
}

static void
get_finish(struct get *get)
{
    if (get->left > 0) {
        get_fail(get, GC_API_InternalError);
        return;
    }
    get_over(get);
    if (gc_http_end(get->req->s, NULL, 0) != 0) {
        gc_http_reset(get->req->s, GC_H2_INTERNAL_ERROR);
    }
}

/* What a 416 says of the object: its length. */
static void
keep_length(struct gc_web_request *req, struct gc_str length)
{
    if (req->s != NULL && length.len > 0) {
        req->content_range =
            gc_arena_printf(gc_http_arena(req->s), "bytes */%.*s", (int)length.len, length.data);
    }
}

static void
on_call_end(struct gc_rpc_call *call, void *arg, const struct gc_rpc_status *status)
{
    struct get *get = arg;
    enum gc_api_err err = gc_upstream_err(call, status);
    get->call = NULL;
    get->n_owed = 0;
    if (err == GC_API_InvalidRange) {
        keep_length(get->req, gc_rpc_trailer(call, "gcommon-length"));
    }
    if (err == GC_API_OK && get->state == GET_CHUNKS) {
        get_finish(get);
    } else if (err == GC_API_OK) {
        get_fail(get, GC_API_InternalError);
    } else if (!gc_upstream_lost(call, status) || !get_again(get)) {
        get_fail(get, err);
    }
    get_free_if_done(get);
}

static const struct gc_rpc_handler call_handler = {
    .on_message = on_message,
    .on_end = on_call_end,
};

static void
get_call(struct get *get)
{
    const struct gc_web_conf *web = get->req->worker->web->conf;
    const struct gc_rpc_call_conf conf = {
        .path = gc_upstream_methods[GC_UPSTREAM_GET_OBJECT].path,
        .trace = &get->req->trace,
        .progress_ms = web->progress_ms,
    };
    int rc = gc_rpc_call_start(get->req->worker->channel, &conf, &call_handler, get, &get->call);
    if (rc == 0) {
        rc = gc_rpc_send(get->call, get->message);
    }
    if (rc == 0) {
        rc = gc_rpc_half_close(get->call);
    }
    if (rc != 0 && rc != GC_ECLOSED) {
        get_fail(get, GC_API_SlowDown);
        return;
    }
    get->state = GET_HEAD;
    gc_timer_start(&get->timer, get->deadline_at_ms - GC_MIN(now_ms(get), get->deadline_at_ms));
}

static void
on_timer(struct gc_timer *timer)
{
    struct get *get = gc_container_of(timer, struct get, timer);
    if (get->state == GET_PAUSE) {
        get_call(get);
    } else {
        get_fail(get, GC_API_RequestExpired);
    }
    get_free_if_done(get);
}

/* --- the stream --------------------------------------------------------------------------------
 */

static enum gc_api_err
get_pack(struct get *get, const struct gc_http_head *head)
{
    struct gc_web_request *req = get->req;
    struct gc_arena *arena = gc_http_arena(req->s);
    struct gc_upstream_context context = gc_web_context(req);
    Gcommon__V1__Object__GetObjectRequest message = GCOMMON__V1__OBJECT__GET_OBJECT_REQUEST__INIT;
    Gcommon__V1__Object__Conditions conditions;
    enum gc_api_err err = gc_web_conditions(arena, head->fields, head->n_fields, true, &conditions);
    message.range = gc_web_text(arena, gc_http_field_get(head->fields, head->n_fields, "range"));
    if (err != GC_API_OK || message.range == NULL) {
        return GC_API_InvalidArgument;
    }
    message.bucket = (char *)req->target.bucket.data;
    message.key.data = (uint8_t *)req->target.key.data;
    message.key.len = req->target.key.len;
    message.conditions = &conditions;
    get->message = gc_upstream_wrap(GC_UPSTREAM_GET_OBJECT, &context, &message.base);
    return get->message != NULL ? GC_API_OK : GC_API_SlowDown;
}

static enum gc_api_err
get_start(struct gc_web_request *req, const struct gc_http_head *head)
{
    struct get *get = calloc(1, sizeof(*get));
    enum gc_api_err err;
    if (get == NULL) {
        return GC_API_SlowDown;
    }
    gc_web_keep_etag(req, head);
    get->req = req;
    gc_timer_init(&get->timer, req->worker->loop, on_timer);
    gc_web_hold(req);
    req->state = get;
    err = get_pack(get, head);
    if (err != GC_API_OK) {
        get->state = GET_OVER;
        get_free_if_done(get);
    }
    return err;
}

static void
get_end(struct gc_web_request *req)
{
    struct get *get = req->state;
    get->deadline_at_ms = now_ms(get) + req->worker->web->conf->deadline_ms;
    get->retry_until_ms = now_ms(get) + req->worker->web->conf->retry_ms;
    get_call(get);
    get_free_if_done(get);
}

static void
get_writable(struct gc_web_request *req)
{
    if (req->state != NULL) {
        get_credit(req->state);
    }
}

static void
get_gone(struct gc_web_request *req)
{
    struct get *get = req->state;
    if (get != NULL) {
        get_over(get);
        get_free_if_done(get);
    }
}

const struct gc_web_op gc_web_op_get = {
    .name = "get_object",
    .start = get_start,
    .end = get_end,
    .writable = get_writable,
    .gone = get_gone,
};
