/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Calls to the translation tier: the table of methods, how a client's request is wrapped with what
 * only web may say (proof, request id, limit), one unary call with its retries, and what statuses
 * mean to a client.
 *
 * A unary call that gets no answer (no connection, or it was lost) is repeated with the same
 * request id, so that a mutation is carried out once, until an answer comes, [upstream] retry_ms
 * are over, or the deadline. Memory: struct gc_upstream is the caller's; it must live until DONE,
 * which runs exactly once, later, also after a cancel. Threads: the worker's. */
#ifndef GC_WEB_UPSTREAM_H
#define GC_WEB_UPSTREAM_H

#include <protobuf-c/protobuf-c.h>

#include "base/trace.h"
#include "net/loop.h"
#include "rpc/channel.h"
#include "web/auth.h"

struct gc_web_worker;

#define GC_WEB_REQUEST_ID_BYTES 16

struct gc_upstream_method {
    const char *path;
    const ProtobufCMessageDescriptor *request; /* the client's, as in ObjectService */
    const ProtobufCMessageDescriptor *gateway; /* {context, request} */
    bool mutation;
};

enum gc_upstream_op {
    GC_UPSTREAM_CREATE_BUCKET,
    GC_UPSTREAM_DELETE_BUCKET,
    GC_UPSTREAM_HEAD_BUCKET,
    GC_UPSTREAM_LIST_BUCKETS,
    GC_UPSTREAM_GET_OBJECT, /* the first message of a stream */
    GC_UPSTREAM_HEAD_OBJECT,
    GC_UPSTREAM_DELETE_OBJECT,
    GC_UPSTREAM_LIST_OBJECTS,
    GC_UPSTREAM_GET_STATUS,
    GC_UPSTREAM_OPS
};
extern const struct gc_upstream_method gc_upstream_methods[GC_UPSTREAM_OPS];

#define GC_UPSTREAM_PUT_PATH     "/gcommon.v1.gateway.GatewayService/PutObject"
#define GC_UPSTREAM_OUTCOME_PATH "/gcommon.v1.gateway.GatewayService/Outcome"

/* Who asks and under which id. */
struct gc_upstream_context {
    const struct gc_web_proof *proof;
    const uint8_t *request_id;
    uint32_t ttl_ms;
};

/* The message that OP's method takes, with REQUEST (of the client's type) in it; NULL when there is
 * no memory. */
struct gc_bytes *gc_upstream_wrap(enum gc_upstream_op op, const struct gc_upstream_context *context,
                                  const ProtobufCMessage *request);
/* The first message of a PutObject; OPEN is a gcommon.v1.object.PutOpen. */
struct gc_bytes *gc_upstream_wrap_put(const struct gc_upstream_context *context,
                                      const ProtobufCMessage *open);

/* What a client is told for the end of a call to translation (in its on_end or callback). */
enum gc_api_err gc_upstream_err(const struct gc_rpc_call *call, const struct gc_rpc_status *status);
/* Whether STATUS says only that there was no answer. */
bool gc_upstream_lost(const struct gc_rpc_call *call, const struct gc_rpc_status *status);

struct gc_upstream {
    struct gc_web_worker *worker; /* Private to upstream.c from here on. */
    const struct gc_trace *trace;
    const char *path;
    struct gc_bytes *request;
    void (*done)(struct gc_upstream *up, enum gc_api_err err, struct gc_bytes *response);
    struct gc_rpc_call *call;
    struct gc_timer timer;
    uint64_t deadline_at_ms, retry_until_ms, pause_ms;
    enum gc_api_err err;
    bool active, cancelled, ending;
};

/* TRACE is borrowed until the end of the call. */
void gc_upstream_init(struct gc_upstream *up, struct gc_web_worker *worker,
                      const struct gc_trace *trace);
/* Call PATH with REQUEST (takes the reference; NULL: ends with SlowDown), at most DEADLINE_MS.
 * RESPONSE is borrowed, NULL unless ERR is GC_API_OK. Not while active. */
void gc_upstream_start(struct gc_upstream *up, const char *path, struct gc_bytes *request,
                       uint64_t deadline_ms,
                       void (*done)(struct gc_upstream *up, enum gc_api_err err,
                                    struct gc_bytes *response));
/* DONE comes soon. Harmless when not active. */
void gc_upstream_cancel(struct gc_upstream *up);

#endif
