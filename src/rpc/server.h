/* SPDX-License-Identifier: MIT */
/* gRPC server: services over a gc_http_server. A service is a table; a method is a row with its
 * kind and one function.
 *
 * Refused before any handler: other content types (HTTP 415), other methods than POST (405), HTTP/1
 * (505), unknown services and methods (UNIMPLEMENTED), peers without the role, encodings other than
 * identity (UNIMPLEMENTED), a malformed grpc-timeout or base64 (INTERNAL). A missing `te` is
 * tolerated. Unary and server-streaming calls with no or several requests end UNIMPLEMENTED. */
#ifndef GC_RPC_SERVER_H
#define GC_RPC_SERVER_H

#include "base/metrics.h"
#include "net/http.h"
#include "rpc/call.h"

enum gc_rpc_kind { GC_RPC_UNARY, GC_RPC_CLIENT_STREAM, GC_RPC_SERVER_STREAM, GC_RPC_BIDI };

struct gc_rpc_method {
    const char *name; /* "Get" */
    enum gc_rpc_kind kind;
    /* UNARY and SERVER_STREAM: START runs when exactly one request has arrived whole and the client
     * has half-closed; REQUEST is borrowed and already consumed. CLIENT_STREAM and BIDI: START runs
     * at the head, REQUEST is NULL. START sets a handler (gc_rpc_set_handler) or finishes the call
     * before it returns. ARG is the service's. */
    void (*start)(struct gc_rpc_call *call, void *arg, struct gc_bytes *request);
    unsigned message_bytes_max; /* of a request; 0 = GC_RPC_MESSAGE_BYTES_MAX */
    uint64_t deadline_max_ms;   /* calls without a deadline or a longer one get this; 0 = none (bulk
                                   streams) */
    uint64_t progress_ms;       /* progress deadline, see rpc/call.h; 0 = none */
};

struct gc_rpc_service {
    const char *name;                    /* "gcommon.v1.blob.BlobService" */
    const struct gc_rpc_method *methods; /* ends with name NULL */
    void *arg;
    /* Roles of peers that may call it, blank-separated SPIFFE roles ("translation web"); NULL:
     * anybody who got this far (public services authenticate by themselves). Checked before any
     * handler: PERMISSION_DENIED, UNAUTHENTICATED without a certificate. */
    const char *roles;
};

struct gc_rpc_server; /* one per loop */
/* Services are borrowed and must outlive the server. */
int gc_rpc_server_new(struct gc_loop *loop, struct gc_metrics *metrics,
                      struct gc_rpc_server **ret_server);
int gc_rpc_server_add(struct gc_rpc_server *server, const struct gc_rpc_service *service);
/* Calls at once, counted until their last reference is gone; more are refused with
 * RESOURCE_EXHAUSTED. Default GC_RPC_SERVER_CALLS_MAX. */
#define GC_RPC_SERVER_CALLS_MAX 4096
void gc_rpc_server_set_calls_max(struct gc_rpc_server *server, size_t n_max);
void gc_rpc_server_free(struct gc_rpc_server *server); /* its calls are over */

/* True when HEAD looks like gRPC (content-type application/grpc, alone or followed by + or ;). */
bool gc_rpc_is_grpc(const struct gc_http_head *head);
/* Serve one stream: give it as a gc_http_request_fn (ARG = server), or call it from one. */
void gc_rpc_server_on_request(void *server, struct gc_http_stream *s,
                              const struct gc_http_head *head);
size_t gc_rpc_server_n_calls(const struct gc_rpc_server *server);

/* grpc.health.v1.Health (Check, Watch, List). "" is the whole server, not serving until it is set.
 * At most 100 services. */
struct gc_rpc_health;
int gc_rpc_health_new(struct gc_rpc_server *server,
                      struct gc_rpc_health **ret_health); /* adds the service */
void gc_rpc_health_set(struct gc_rpc_health *health, const char *service, bool serving);
/* Ends the watching calls; right before or any time after the server is freed. */
void gc_rpc_health_free(struct gc_rpc_health *health);

#endif
