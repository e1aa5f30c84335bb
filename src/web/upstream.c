/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A unary call: attempt -> answer -> done. No answer: pause, next attempt, while there is time.
 * Cancelled in an attempt: the call's end ends us. Cancelled in a pause: the timer does, at once.
 */
#include "web/upstream.h"

#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/macros.h"
#include "proto/gcommon/v1/gateway/gateway.pb-c.h"
#include "rpc/pb.h"
#include "web/web.h"

#define PAUSE_MIN_MS 20
#define PAUSE_MAX_MS 500

#define METHOD(Name, name, mutates)                                                           \
    {                                                                                         \
        .path = "/gcommon.v1.gateway.GatewayService/" Name,                                   \
        .request = &gcommon__v1__object__##name##_request__descriptor,                        \
        .gateway = &gcommon__v1__gateway__##name##_request__descriptor, .mutation = (mutates) \
    }

const struct gc_upstream_method gc_upstream_methods[GC_UPSTREAM_OPS] = {
    [GC_UPSTREAM_CREATE_BUCKET] = METHOD("CreateBucket", create_bucket, true),
    [GC_UPSTREAM_DELETE_BUCKET] = METHOD("DeleteBucket", delete_bucket, true),
    [GC_UPSTREAM_HEAD_BUCKET] = METHOD("HeadBucket", head_bucket, false),
    [GC_UPSTREAM_LIST_BUCKETS] = METHOD("ListBuckets", list_buckets, false),
    [GC_UPSTREAM_GET_OBJECT] = METHOD("GetObject", get_object, false),
    [GC_UPSTREAM_HEAD_OBJECT] = METHOD("HeadObject", head_object, false),
    [GC_UPSTREAM_DELETE_OBJECT] = METHOD("DeleteObject", delete_object, true),
    [GC_UPSTREAM_LIST_OBJECTS] = METHOD("ListObjects", list_objects, false),
    [GC_UPSTREAM_GET_STATUS] = METHOD("GetStatus", get_status, false),
};

/* --- messages ----------------------------------------------------------------------------------
 */

struct context_message {
    Gcommon__V1__Gateway__Context context;
    Gcommon__V1__Gateway__Proof proof;
};

static void
fill_context(struct context_message *message, const struct gc_upstream_context *context,
             bool mutation)
{
    Gcommon__V1__Gateway__Proof *proof = &message->proof;
    gcommon__v1__gateway__context__init(&message->context);
    gcommon__v1__gateway__proof__init(proof);
    message->context.proof = proof;
    switch (context->proof->kind) {
    case GC_WEB_TOKEN:
        proof->kind_case = GCOMMON__V1__GATEWAY__PROOF__KIND_TOKEN;
        proof->token = (char *)context->proof->token;
        break;
    case GC_WEB_CERTIFICATE:
        proof->kind_case = GCOMMON__V1__GATEWAY__PROOF__KIND_CERTIFICATE;
        proof->certificate = (char *)context->proof->principal;
        break;
    case GC_WEB_ANONYMOUS:
        proof->kind_case = GCOMMON__V1__GATEWAY__PROOF__KIND_ANONYMOUS;
        proof->anonymous = true;
        break;
    }
    if (mutation) {
        message->context.request_id.data = (uint8_t *)context->request_id;
        message->context.request_id.len = GC_WEB_REQUEST_ID_BYTES;
        message->context.ttl_ms = context->ttl_ms;
    }
}

/* All gateway requests have the same members, context and, unless it is empty, request; their
 * places are in the descriptors. */
struct gc_bytes *
gc_upstream_wrap(enum gc_upstream_op op, const struct gc_upstream_context *context,
                 const ProtobufCMessage *request)
{
    const struct gc_upstream_method *method = &gc_upstream_methods[op];
    const ProtobufCMessageDescriptor *desc = method->gateway;
    union {
        ProtobufCMessage base;
        Gcommon__V1__Gateway__HeadObjectRequest largest;
        uint8_t bytes[sizeof(Gcommon__V1__Gateway__HeadObjectRequest)];
    } message;
    struct context_message parts;
    const void *members[2] = { &parts.context, request };
    assert(desc->sizeof_message <= sizeof(message) && desc->n_fields <= 2);
    assert(request->descriptor == method->request);
    assert(desc->n_fields == 1 || desc->fields[1].descriptor == method->request);
    fill_context(&parts, context, method->mutation);
    protobuf_c_message_init(desc, &message);
    for (size_t i = 0; i < desc->n_fields; i++) {
        memcpy(message.bytes + desc->fields[i].offset, &members[i], sizeof(members[i]));
    }
    return gc_pb_pack(&message.base);
}

struct gc_bytes *
gc_upstream_wrap_put(const struct gc_upstream_context *context, const ProtobufCMessage *open)
{
    Gcommon__V1__Gateway__PutObjectRequest message = GCOMMON__V1__GATEWAY__PUT_OBJECT_REQUEST__INIT;
    Gcommon__V1__Gateway__PutOpen outer = GCOMMON__V1__GATEWAY__PUT_OPEN__INIT;
    struct context_message parts;
    assert(open->descriptor == &gcommon__v1__object__put_open__descriptor);
    fill_context(&parts, context, true);
    outer.context = &parts.context;
    outer.open = (Gcommon__V1__Object__PutOpen *)(uintptr_t)open;
    message.part_case = GCOMMON__V1__GATEWAY__PUT_OBJECT_REQUEST__PART_OPEN;
    message.open = &outer;
    return gc_pb_pack(&message.base);
}

/* --- statuses ----------------------------------------------------------------------------------
 */

static enum gc_api_err
err_of_code(enum gc_rpc_code code)
{
    switch (code) {
    case GC_RPC_OK:
        return GC_API_OK;
    case GC_RPC_DEADLINE_EXCEEDED:
        return GC_API_RequestExpired;
    case GC_RPC_RESOURCE_EXHAUSTED:
        return GC_API_SlowDown;
    case GC_RPC_DATA_LOSS:
        return GC_API_DataLoss;
    case GC_RPC_UNIMPLEMENTED:
        return GC_API_NotImplemented;
    case GC_RPC_CANCELLED:
    case GC_RPC_UNAVAILABLE:
    case GC_RPC_ABORTED:
    case GC_RPC_UNAUTHENTICATED: /* of web itself, not of the client */
    case GC_RPC_PERMISSION_DENIED:
        return GC_API_ServiceUnavailable;
    default:
        return GC_API_InternalError;
    }
}

enum gc_api_err
gc_upstream_err(const struct gc_rpc_call *call, const struct gc_rpc_status *status)
{
    struct gc_str code = gc_rpc_trailer(call, "gcommon-error");
    if (status->code != GC_RPC_OK && code.len > 0) {
        return gc_api_err_by_code(code)->err;
    }
    if (status->code == GC_RPC_PERMISSION_DENIED || status->code == GC_RPC_UNAUTHENTICATED) {
        gc_log(GC_LOG_ERROR, "upstream.refused", "code=%s text=%s", gc_rpc_code_name(status->code),
               gc_log_q(gc_str_of(status->message)));
    }
    return err_of_code(status->code);
}

bool
gc_upstream_lost(const struct gc_rpc_call *call, const struct gc_rpc_status *status)
{
    return status->code == GC_RPC_UNAVAILABLE && gc_rpc_trailer(call, "gcommon-error").len == 0;
}

/* --- one call ----------------------------------------------------------------------------------
 */

static void upstream_attempt(struct gc_upstream *up);

static void
upstream_finish(struct gc_upstream *up, enum gc_api_err err, struct gc_bytes *response)
{
    struct gc_bytes *request = up->request;
    gc_timer_stop(&up->timer);
    up->active = false;
    up->request = NULL;
    gc_bytes_unref(request);
    up->done(up, err, response); /* the last word: UP may be gone */
}

static bool
upstream_again(struct gc_upstream *up)
{
    uint64_t now = gc_loop_now_ms(up->worker->loop);
    uint64_t until = GC_MIN(up->retry_until_ms, up->deadline_at_ms);
    up->pause_ms = GC_MIN(GC_MAX(up->pause_ms * 2, (uint64_t)PAUSE_MIN_MS), (uint64_t)PAUSE_MAX_MS);
    if (up->cancelled || now + up->pause_ms >= until) {
        return false;
    }
    gc_counter_inc(up->worker->metrics.retries);
    gc_timer_start(&up->timer, up->pause_ms);
    return true;
}

static void
on_answer(void *arg, const struct gc_rpc_status *status, struct gc_bytes *response)
{
    struct gc_upstream *up = arg;
    const struct gc_rpc_call *call = up->call;
    enum gc_api_err err = gc_upstream_err(call, status);
    up->call = NULL;
    if (err != GC_API_OK && gc_upstream_lost(call, status) && upstream_again(up)) {
        return;
    }
    upstream_finish(up, err, response);
}

static void
on_timer(struct gc_timer *timer)
{
    struct gc_upstream *up = gc_container_of(timer, struct gc_upstream, timer);
    if (up->ending) {
        upstream_finish(up, up->err, NULL);
    } else {
        upstream_attempt(up);
    }
}

/* End with ERR from the loop. */
static void
upstream_end_later(struct gc_upstream *up, enum gc_api_err err)
{
    up->err = err;
    up->ending = true;
    gc_timer_start(&up->timer, 0);
}

static void
upstream_attempt(struct gc_upstream *up)
{
    uint64_t now = gc_loop_now_ms(up->worker->loop);
    struct gc_rpc_call_conf conf = { .path = up->path, .trace = up->trace };
    if (now >= up->deadline_at_ms) {
        upstream_end_later(up, GC_API_RequestExpired);
        return;
    }
    conf.deadline_ms = up->deadline_at_ms - now;
    if (up->request == NULL ||
        gc_rpc_unary(up->worker->channel, &conf, up->request, on_answer, up, &up->call) != 0) {
        upstream_end_later(up, GC_API_SlowDown);
    }
}

void
gc_upstream_init(struct gc_upstream *up, struct gc_web_worker *worker, const struct gc_trace *trace)
{
    memset(up, 0, sizeof(*up));
    up->worker = worker;
    up->trace = trace;
    gc_timer_init(&up->timer, worker->loop, on_timer);
}

void
gc_upstream_start(struct gc_upstream *up, const char *path, struct gc_bytes *request,
                  uint64_t deadline_ms,
                  void (*done)(struct gc_upstream *up, enum gc_api_err err,
                               struct gc_bytes *response))
{
    uint64_t now = gc_loop_now_ms(up->worker->loop);
    assert(!up->active);
    up->active = true;
    up->cancelled = false;
    up->ending = false;
    up->path = path;
    up->request = request;
    up->done = done;
    up->pause_ms = 0;
    up->deadline_at_ms = now + deadline_ms;
    up->retry_until_ms = now + up->worker->web->conf->retry_ms;
    upstream_attempt(up);
}

void
gc_upstream_cancel(struct gc_upstream *up)
{
    if (!up->active || up->cancelled) {
        return;
    }
    up->cancelled = true;
    if (up->call != NULL) {
        gc_rpc_cancel(up->call);
    } else {
        upstream_end_later(up, GC_API_ServiceUnavailable);
    }
}
