/* SPDX-License-Identifier: MIT */
/* gRPC channel: calls to one logical target that has several addresses. Connects on demand,
 * reconnects with backoff (gRPC's connection-backoff: 1 s x 1.6 up to 120 s, +-20 %; configurable),
 * balances per call, drains on GOAWAY, retries a call transparently once where it surely never
 * reached a handler (REFUSED_STREAM, GOAWAY above, connection refused before send). One per loop;
 * not shared between threads. */
#ifndef GC_RPC_CHANNEL_H
#define GC_RPC_CHANNEL_H

#include "net/http.h"
#include "rpc/balance.h"
#include "rpc/call.h"

struct gc_rpc_channel_conf {
    const char *targets; /* blank-separated "host:port", "ip:port", "srv:_x._tcp.domain"; copied */
    struct gc_tls_ctx *tls; /* referenced; NULL = cleartext */
    const char
        *expect_role; /* SPIFFE role that the peer must have ("file"); NULL = not checked; copied */
    const char *expect_node; /* SPIFFE node it must have; NULL = not checked; copied */
    const char *expect_name; /* PUBLIC TLS: DNS name; NULL = the host of the target; copied */
    enum gc_rpc_balance balance;
    uint64_t connect_timeout_ms; /* 0 = 5000 */
    uint64_t backoff_base_ms;    /* 0 = 1000 */
    uint64_t backoff_max_ms;     /* 0 = 120000 */
    uint64_t keepalive_ms; /* PING after about that long without a byte while calls run, four times
                              that for the answer, at most 20 s; 0 = 30000 */
    unsigned
        queue_max; /* calls waiting for a connection or slot; 0 = 1024; full = RESOURCE_EXHAUSTED */
    unsigned message_bytes_max; /* of a response; 0 = GC_RPC_MESSAGE_BYTES_MAX */
    struct gc_http_conf http;   /* windows and limits */
    const char *user_agent;     /* prefix; NULL = none; copied */
};

enum gc_rpc_state {
    GC_RPC_IDLE,
    GC_RPC_CONNECTING,
    GC_RPC_READY,
    GC_RPC_TRANSIENT_FAILURE,
    GC_RPC_SHUTDOWN
};

struct gc_rpc_channel;
int gc_rpc_channel_new(struct gc_loop *loop, const struct gc_rpc_channel_conf *conf,
                       struct gc_rpc_channel **ret_channel);
/* Replace the target list; running calls go on. */
int gc_rpc_channel_set_targets(struct gc_rpc_channel *channel, const char *targets);
/* New connections use TLS (referenced); existing ones are drained. */
void gc_rpc_channel_set_tls(struct gc_rpc_channel *channel, struct gc_tls_ctx *tls);
enum gc_rpc_state gc_rpc_channel_state(const struct gc_rpc_channel *channel);
/* Connect now instead of at the first call. */
void gc_rpc_channel_connect(struct gc_rpc_channel *channel);
/* Cancels what runs (their on_end come later, from the loop); the memory goes by itself. */
void gc_rpc_channel_free(struct gc_rpc_channel *channel);

struct gc_rpc_call_conf {
    const char *path;             /* "/gcommon.v1.blob.BlobService/Write"; static memory */
    uint64_t deadline_ms;         /* from now; GC_RPC_NO_DEADLINE = none (bulk streams) */
    uint64_t progress_ms;         /* progress deadline, see rpc/call.h; 0 = none */
    bool one_response;            /* end UNIMPLEMENTED when OK comes with no or several messages */
    bool wait_for_ready;          /* queue while the channel fails to connect, until the deadline */
    const struct gc_trace *trace; /* sent as traceparent; NULL = none */
    const struct gc_http_field *metadata; /* copied; names [0-9a-z_.-], not grpc-*; "-bin" values
                                             are raw bytes, encoded here */
    size_t n_metadata;
};

/* Start a call; the handler is called later. Messages may be sent at once: they queue. */
int gc_rpc_call_start(struct gc_rpc_channel *channel, const struct gc_rpc_call_conf *conf,
                      const struct gc_rpc_handler *handler, void *arg,
                      struct gc_rpc_call **ret_call);

/* Unary in one: sends REQUEST (referenced), half-closes; CB exactly once, later. RESPONSE is
 * borrowed, NULL unless OK. A call that got no or several messages with OK ends UNIMPLEMENTED
 * (cardinality). */
typedef void (*gc_rpc_unary_cb)(void *arg, const struct gc_rpc_status *status,
                                struct gc_bytes *response);
int gc_rpc_unary(struct gc_rpc_channel *channel, const struct gc_rpc_call_conf *conf,
                 struct gc_bytes *request, gc_rpc_unary_cb cb, void *arg,
                 struct gc_rpc_call **ret_call);

#endif
