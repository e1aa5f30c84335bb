/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A gRPC server with a test service, a channel, and calls whose course is recorded, all on one
 * loop. Messages are raw bytes. Methods of "gcommon.test.Echo":
 *   Unary    the request; metadata "x-initial*" comes back with the head, "x-trailing*" at the end
 *   Collect  client stream: "<messages> <bytes>"
 *   Stream   server stream: the request is "<n> <len>"; n messages of len bytes
 *   Chat     bidi: each message
 *   Fail     the request is "<code> <text>": ends so
 *   Left     "<remaining ms>"
 *   Hold     bidi: nothing: the test answers and consumes
 *   Sleep    unary: nothing; ends with the client
 *   Short    unary, deadline_max_ms 300: nothing
 *   Slow     bidi, progress_ms 300: nothing is answered, all is consumed */
#ifndef GC_TESTS_SUPPORT_RPC_BED_H
#define GC_TESTS_SUPPORT_RPC_BED_H

#include "base/buf.h"
#include "base/list.h"
#include "rpc/channel.h"
#include "rpc/server.h"
#include "tests/support/until.h"

#define RPC_BED_SERVICE      "gcommon.test.Echo"
#define RPC_BED_PATH(method) "/" RPC_BED_SERVICE "/" method

/* A call on the server, from its start until it is taken down with the bed. */
struct rpc_served {
    struct gc_list node;
    struct rpc_echo *echo;
    struct gc_rpc_call *call; /* NULL after on_end */
    const char *method;
    struct gc_rpc_status status;
    unsigned n_messages, n_half_closes, n_ends, n_unconsumed;
    size_t n_bytes;
    unsigned stream_left;
    struct gc_bytes *stream_message;
    bool hold; /* do not consume */
};

/* The service by itself; the test servers use it too. */
struct rpc_echo {
    struct gc_rpc_service service;
    struct gc_list served;
    unsigned n_served;
};
void rpc_echo_init(struct rpc_echo *echo);
void rpc_echo_fini(struct rpc_echo *echo);
/* The call that started last. */
struct rpc_served *rpc_echo_last(struct rpc_echo *echo);

struct rpc_bed_server {
    struct gc_loop *loop;
    struct gc_metrics *metrics;
    struct rpc_echo echo;
    struct gc_rpc_server *rpc;
    struct gc_http_server *http;
    uint16_t port;
};
/* Listen on 127.0.0.1, PORT 0: any. ROLES as in gc_rpc_service. */
void rpc_bed_server_open(struct rpc_bed_server *server, struct gc_loop *loop, uint16_t port,
                         struct gc_tls_ctx *tls, const char *roles);
/* Cuts all connections and waits until calls have ended. */
void rpc_bed_server_close(struct rpc_bed_server *server);

/* A call of the client. */
struct rpc_made {
    struct gc_list node;
    struct gc_rpc_call *call; /* NULL after on_end */
    struct gc_rpc_status status;
    unsigned n_headers, n_messages, n_ends, n_unconsumed, n_writables;
    struct gc_buf body; /* all messages, at most 1 MiB */
    size_t n_bytes;
    char initial[256], trailing[256]; /* value of "x-initial", "x-trailing" */
    bool hold;                        /* do not consume */
};

struct rpc_bed {
    struct gc_loop *loop;
    struct rpc_bed_server server;
    struct gc_rpc_channel *channel;
    struct gc_list made;
};
/* A server and a channel to it. CONF may be NULL; its targets are replaced. */
void rpc_bed_init(struct rpc_bed *bed, const struct gc_rpc_channel_conf *conf);
/* Only the loop. */
void rpc_bed_init_bare(struct rpc_bed *bed);
void rpc_bed_fini(struct rpc_bed *bed); /* all calls have ended once */
struct gc_rpc_channel *rpc_bed_channel(struct rpc_bed *bed, const char *targets,
                                       const struct gc_rpc_channel_conf *conf);

/* Start a call; CONF may be NULL, its path is set. */
struct rpc_made *rpc_bed_call(struct rpc_bed *bed, const char *path,
                              const struct gc_rpc_call_conf *conf);
void rpc_made_send(struct rpc_made *made, const char *text);
/* Send TEXT, half-close, wait for the end. */
void rpc_bed_ask(struct rpc_bed *bed, struct rpc_made *made, const char *text);
#define rpc_bed_until(bed, cond) gc_until((bed)->loop, cond)
/* Turn N times, for what must not happen. */
void rpc_bed_turns(struct rpc_bed *bed, unsigned n);

/* The call has ended with CODE and brought BODY. */
void assert_made(struct rpc_made *made, enum gc_rpc_code code, const char *body);

#endif
