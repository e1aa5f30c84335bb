/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gcommon-web: the stateless front. Per worker one HTTP server for clients, one gRPC server on the
 * same port, one channel to the translation tier. */
#ifndef GC_WEB_WEB_H
#define GC_WEB_WEB_H

#include "daemon/daemon.h"
#include "rpc/channel.h"
#include "rpc/server.h"
#include "web/auth.h"
#include "web/metrics.h"
#include "web/web_conf.h"

struct gc_web {
    struct gc_daemon *daemon; /* NULL in tests: always ready */
    const struct gc_web_conf *conf;
    struct gc_web_auth auth;
    pthread_mutex_t lock;   /* of what a reload changes */
    struct gc_tls_ctx *tls; /* for clients */
    char translation[512];
};

struct gc_web_worker {
    struct gc_web *web;
    struct gc_worker *worker; /* NULL in tests */
    struct gc_loop *loop;
    struct gc_http_server *http;
    struct gc_rpc_server *rpc;
    struct gc_rpc_health *health;
    struct gc_rpc_channel *channel;
    struct gc_rpc_service service;
    struct gc_web_metrics metrics;
    size_t n_requests; /* the loop turns until 0 */
};

extern const struct gc_role gc_web_role;

/* The servers and the channel of W, whose web and loop are set; nothing listens yet. On an error
 * gc_web_worker_fini cleans up. UPSTREAM_TLS NULL: cleartext. */
int gc_web_worker_init(struct gc_web_worker *w, struct gc_metrics *metrics,
                       struct gc_tls_ctx *upstream_tls);
/* Cuts what runs, and turns the loop until it is gone. */
void gc_web_worker_fini(struct gc_web_worker *w);
/* Whether requests can be answered. Not ready: connects. */
bool gc_web_worker_ready(struct gc_web_worker *w);

/* What the HTTP server calls for each request; ARG is the worker. */
void gc_web_on_request(void *arg, struct gc_http_stream *s, const struct gc_http_head *head);

/* gcommon.v1.object.ObjectService; ARG is the worker. */
extern const struct gc_rpc_method gc_web_grpc_methods[];

#endif
