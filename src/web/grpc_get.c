/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ObjectService.GetObject: head and chunks of translation's answer go on as they come; each chunk's
 * CRC32C is verified here first. The client is not served faster than it takes: what it does not
 * take yet waits here, at most a flow-control window of messages. Translation's error is the
 * client's; a bad chunk ends the call with DATA_LOSS. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "core/chunk.h"
#include "proto/gcommon/v1/object/object.pb-c.h"
#include "rpc/pb.h"
#include "web/grpc.h"

#define WAITING_MAX 64

struct grpc_get {
    struct gc_rpc_call *call; /* NULL once it has ended */
    struct gc_rpc_call *upstream;
    struct gc_web_worker *worker;
    struct gc_trace trace;
    struct gc_bytes *waiting[WAITING_MAX];
    unsigned n_waiting;
    enum gc_api_err err; /* translation's, once its call has ended */
    bool over;
};

static void
get_free_if_done(struct grpc_get *get)
{
    if (get->call != NULL || get->upstream != NULL) {
        return;
    }
    for (unsigned i = 0; i < get->n_waiting; i++) {
        gc_bytes_unref(get->waiting[i]);
    }
    get->worker->n_requests--;
    free(get);
}

static void
get_fail(struct grpc_get *get, enum gc_api_err err)
{
    if (get->over || get->call == NULL) {
        return;
    }
    get->over = true;
    gc_web_grpc_err(get->call, err);
    if (get->upstream != NULL) {
        gc_rpc_cancel(get->upstream);
    }
}

static void
get_flush(struct grpc_get *get)
{
    unsigned sent = 0;
    while (sent < get->n_waiting && get->call != NULL && !get->over && gc_rpc_writable(get->call)) {
        if (gc_rpc_send(get->call, get->waiting[sent]) != 0) {
            get_fail(get, GC_API_ServiceUnavailable);
        }
        gc_bytes_unref(get->waiting[sent++]);
        if (get->upstream != NULL) {
            gc_rpc_consume(get->upstream);
        }
    }
    get->n_waiting -= sent;
    memmove(get->waiting, get->waiting + sent, get->n_waiting * sizeof(get->waiting[0]));
    if (get->n_waiting == 0 && get->upstream == NULL && !get->over && get->call != NULL) {
        if (get->err != GC_API_OK) {
            get_fail(get, get->err);
        } else {
            get->over = true;
            (void)gc_rpc_finish(get->call, NULL);
        }
    }
}

/* A head, or a chunk that is what its checksum says. */
static bool
is_sound(const struct grpc_get *get, struct gc_bytes *msg)
{
    struct gc_chunk chunk;
    if (!gc_chunk_is(msg)) {
        return true;
    }
    if (gc_chunk_decode(msg, &chunk) != 0 ||
        gc_crc32c(0, chunk.data.data, chunk.data.len) != chunk.crc) {
        return false;
    }
    gc_counter_add(get->worker->metrics.bytes_out, chunk.data.len);
    return true;
}

static void
upstream_message(struct gc_rpc_call *call, void *arg, struct gc_bytes *msg)
{
    struct grpc_get *get = arg;
    if (get->call == NULL || get->over) {
        gc_rpc_consume(call);
    } else if (!is_sound(get, msg) || get->n_waiting == WAITING_MAX) {
        get_fail(get, GC_API_DataLoss);
    } else {
        get->waiting[get->n_waiting++] = gc_bytes_ref(msg);
        get_flush(get);
    }
}

static void
upstream_end(struct gc_rpc_call *call, void *arg, const struct gc_rpc_status *status)
{
    struct grpc_get *get = arg;
    get->err = gc_upstream_err(call, status);
    get->upstream = NULL;
    get_flush(get);
    get_free_if_done(get);
}

static const struct gc_rpc_handler upstream_handler = {
    .on_message = upstream_message,
    .on_end = upstream_end,
};

static void
on_message(struct gc_rpc_call *call, void *arg, struct gc_bytes *msg)
{
    (void)arg;
    (void)msg;
    gc_rpc_consume(call);
}

static void
on_writable(struct gc_rpc_call *call, void *arg)
{
    (void)call;
    get_flush(arg);
}

static void
on_end(struct gc_rpc_call *call, void *arg, const struct gc_rpc_status *status)
{
    struct grpc_get *get = arg;
    (void)call;
    (void)status;
    get->call = NULL;
    if (get->upstream != NULL) {
        gc_rpc_cancel(get->upstream);
    }
    get_free_if_done(get);
}

static const struct gc_rpc_handler handler = {
    .on_message = on_message,
    .on_writable = on_writable,
    .on_end = on_end,
};

static int
upstream_start(struct grpc_get *get, struct gc_bytes *request)
{
    const struct gc_rpc_call_conf conf = {
        .path = gc_upstream_methods[GC_UPSTREAM_GET_OBJECT].path,
        .trace = &get->trace,
        .progress_ms = get->worker->web->conf->progress_ms,
    };
    int rc = request == NULL ? -ENOMEM
                             : gc_rpc_call_start(get->worker->channel, &conf, &upstream_handler,
                                                 get, &get->upstream);
    if (rc != 0) {
        get->upstream = NULL;
        return rc;
    }
    if (gc_rpc_send(get->upstream, request) != 0 || gc_rpc_half_close(get->upstream) != 0) {
        gc_rpc_cancel(get->upstream);
    }
    return 0;
}

void
gc_web_grpc_get(struct gc_rpc_call *call, void *arg, struct gc_bytes *request)
{
    struct gc_web_worker *worker = arg;
    const ProtobufCMessage *decoded =
        gc_pb_unpack(&gcommon__v1__object__get_object_request__descriptor, gc_rpc_arena(call),
                     request->data, request->len);
    struct gc_web_grpc_caller caller;
    struct gc_bytes *wrapped;
    struct grpc_get *get;
    if (decoded == NULL) {
        gc_web_grpc_err(call, GC_API_BadRequest);
        return;
    }
    if (!gc_web_grpc_caller(call, worker, &caller)) {
        return;
    }
    get = calloc(1, sizeof(*get));
    if (get == NULL) {
        (void)gc_rpc_fail_rc(call, -ENOMEM);
        return;
    }
    get->call = call;
    get->worker = worker;
    gc_trace_new(&get->trace);
    worker->n_requests++;
    gc_rpc_set_handler(call, &handler, get);
    wrapped = gc_upstream_wrap(GC_UPSTREAM_GET_OBJECT, &caller.context, decoded);
    if (upstream_start(get, wrapped) != 0) {
        get_fail(get, GC_API_SlowDown);
    }
    gc_bytes_unref(wrapped);
}
