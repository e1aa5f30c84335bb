/* SPDX-License-Identifier: MIT */
/* Between server.c (which method, may the peer call it) and call_server.c (the life of a call). */
#ifndef GC_RPC_SERVER_PRIV_H
#define GC_RPC_SERVER_PRIV_H

#include "rpc/server.h"
#include "rpc/stats.h"

/* A method as the server knows it. */
struct gc_rpc_entry {
    const struct gc_rpc_service *service;
    const struct gc_rpc_method *method;
    struct gc_rpc_stats stats;
};

struct gc_rpc_server {
    struct gc_loop *loop;
    struct gc_metrics *metrics;
    struct gc_rpc_entry **entries;
    size_t n_entries, cap;
    struct gc_rpc_stats unknown; /* calls that found no method */
    struct gc_counter *n_refused;
    size_t n_calls, n_calls_max;
};

/* Answer S at once with a status and no handler (Trailers-Only). */
void gc_rpc_reject(struct gc_http_stream *s, enum gc_rpc_code code, const char *text);
/* Begin a call whose head has passed the checks of server.c. */
void gc_rpc_server_call_start(struct gc_rpc_server *server, struct gc_rpc_entry *entry,
                              struct gc_http_stream *s, const struct gc_http_head *head);

#endif
