/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The methods with one request and one answer all go the same way: decode -> authenticate -> wrap
 * -> call translation, with its retries -> pass the answer on, whose type is the same on both hops.
 */
#include "web/grpc.h"

#include <errno.h>
#include <stdlib.h>

#include "base/macros.h"
#include "base/random.h"
#include "core/chunk.h"
#include "proto/gcommon/v1/object/object.pb-c.h"
#include "rpc/pb.h"

struct grpc_unary {
    struct gc_rpc_call *call; /* NULL once it has ended */
    struct gc_web_worker *worker;
    struct gc_upstream up;
    struct gc_trace trace;
};

void
gc_web_grpc_err(struct gc_rpc_call *call, enum gc_api_err err)
{
    const struct gc_api_err_info *info = gc_api_err_info(err);
    const struct gc_http_field trailer = { .name = GC_STR("gcommon-error"),
                                           .value = gc_str_of(info->code) };
    struct gc_rpc_status status;
    gc_rpc_status_set(&status, (enum gc_rpc_code)info->grpc, "%s", info->text);
    (void)gc_rpc_set_trailers(call, &trailer, 1);
    (void)gc_rpc_finish(call, &status);
}

bool
gc_web_grpc_caller(struct gc_rpc_call *call, struct gc_web_worker *worker,
                   struct gc_web_grpc_caller *ret_caller)
{
    enum gc_api_err err =
        gc_web_auth_check(&worker->web->auth, gc_rpc_peer(call),
                          gc_rpc_metadata(call, "authorization"), &ret_caller->proof);
    if (err != GC_API_OK) {
        gc_counter_inc(worker->metrics.auth_failures);
        gc_web_grpc_err(call, err);
        return false;
    }
    gc_random_bytes(ret_caller->request_id, sizeof(ret_caller->request_id));
    ret_caller->context.proof = &ret_caller->proof;
    ret_caller->context.request_id = ret_caller->request_id;
    ret_caller->context.ttl_ms = (uint32_t)(2 * worker->web->conf->deadline_ms);
    return true;
}

static void
unary_free_if_done(struct grpc_unary *unary)
{
    if (unary->call == NULL && !unary->up.active) {
        unary->worker->n_requests--;
        free(unary);
    }
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
    struct grpc_unary *unary = arg;
    (void)call;
    (void)status;
    unary->call = NULL;
    gc_upstream_cancel(&unary->up);
    unary_free_if_done(unary);
}

static const struct gc_rpc_handler handler = { .on_message = on_message, .on_end = on_end };

static void
on_answer(struct gc_upstream *up, enum gc_api_err err, struct gc_bytes *response)
{
    struct grpc_unary *unary = gc_container_of(up, struct grpc_unary, up);
    if (unary->call != NULL && err != GC_API_OK) {
        gc_web_grpc_err(unary->call, err);
    } else if (unary->call != NULL) {
        (void)gc_rpc_reply(unary->call, response);
    }
    unary_free_if_done(unary);
}

static void
unary_start(struct gc_rpc_call *call, struct gc_web_worker *worker, struct gc_bytes *request,
            enum gc_upstream_op op)
{
    const struct gc_upstream_method *method = &gc_upstream_methods[op];
    const ProtobufCMessage *decoded =
        gc_pb_unpack(method->request, gc_rpc_arena(call), request->data, request->len);
    uint64_t deadline_ms = GC_MIN(gc_rpc_remaining_ms(call), worker->web->conf->deadline_ms);
    struct gc_web_grpc_caller caller;
    struct grpc_unary *unary;
    if (decoded == NULL) {
        gc_web_grpc_err(call, GC_API_BadRequest);
        return;
    }
    if (!gc_web_grpc_caller(call, worker, &caller)) {
        return;
    }
    unary = calloc(1, sizeof(*unary));
    if (unary == NULL) {
        (void)gc_rpc_fail_rc(call, -ENOMEM);
        return;
    }
    unary->call = call;
    unary->worker = worker;
    gc_trace_new(&unary->trace);
    worker->n_requests++;
    gc_upstream_init(&unary->up, worker, &unary->trace);
    gc_rpc_set_handler(call, &handler, unary);
    gc_upstream_start(&unary->up, method->path, gc_upstream_wrap(op, &caller.context, decoded),
                      deadline_ms, on_answer);
}

#define UNARY(name, op)                                                             \
    static void name(struct gc_rpc_call *call, void *arg, struct gc_bytes *request) \
    {                                                                               \
        unary_start(call, arg, request, op);                                        \
    }

UNARY(create_bucket, GC_UPSTREAM_CREATE_BUCKET)
UNARY(delete_bucket, GC_UPSTREAM_DELETE_BUCKET)
UNARY(head_bucket, GC_UPSTREAM_HEAD_BUCKET)
UNARY(list_buckets, GC_UPSTREAM_LIST_BUCKETS)
UNARY(head_object, GC_UPSTREAM_HEAD_OBJECT)
UNARY(delete_object, GC_UPSTREAM_DELETE_OBJECT)
UNARY(list_objects, GC_UPSTREAM_LIST_OBJECTS)
UNARY(get_status, GC_UPSTREAM_GET_STATUS)

#define UNARY_MAX_MS 60000
/* A single request is here before its sender is known: no more than a name or some of them need. */
#define REQUEST_BYTES_MAX 16384
#define UNARY_ROW(name_, start_)                                                                   \
    {                                                                                              \
        .name = (name_), .kind = GC_RPC_UNARY, .start = (start_), .deadline_max_ms = UNARY_MAX_MS, \
        .message_bytes_max = REQUEST_BYTES_MAX                                                     \
    }

const struct gc_rpc_method gc_web_grpc_methods[] = {
    UNARY_ROW("CreateBucket", create_bucket),
    UNARY_ROW("DeleteBucket", delete_bucket),
    UNARY_ROW("HeadBucket", head_bucket),
    UNARY_ROW("ListBuckets", list_buckets),
    UNARY_ROW("HeadObject", head_object),
    UNARY_ROW("DeleteObject", delete_object),
    UNARY_ROW("ListObjects", list_objects),
    UNARY_ROW("GetStatus", get_status),
    { .name = "PutObject",
      .kind = GC_RPC_CLIENT_STREAM,
      .start = gc_web_grpc_put,
      .message_bytes_max = GC_CHUNK_MESSAGE_MAX,
      .progress_ms = GC_PROGRESS_MS },
    { .name = "GetObject",
      .kind = GC_RPC_SERVER_STREAM,
      .start = gc_web_grpc_get,
      .message_bytes_max = REQUEST_BYTES_MAX,
      .progress_ms = GC_PROGRESS_MS },
    { 0 },
};
