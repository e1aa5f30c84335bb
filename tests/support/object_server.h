/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The client API (gcommon.v1.object.ObjectService) over a map in memory, on a thread of its own:
 * what gcommonctl speaks to in its tests. Numbers in FAULTS count down: so many of the next calls
 * meet that fault. */
#ifndef GC_TESTS_SUPPORT_OBJECT_SERVER_H
#define GC_TESTS_SUPPORT_OBJECT_SERVER_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/list.h"
#include "base/metrics.h"
#include "base/thread.h"
#include "net/http.h"
#include "rpc/server.h"

struct object_faults {
    atomic_uint unavailable;   /* any call ends UNAVAILABLE before anything else */
    atomic_uint cut_get;       /* GetObject ends UNAVAILABLE after two chunks */
    atomic_uint damage_chunk;  /* the second chunk of GetObject arrives with a bit turned */
    atomic_uint lie_md5;       /* the head of GetObject names another MD5 */
    atomic_uint cut_put;       /* PutObject ends UNAVAILABLE after two chunks */
    atomic_uint change_stored; /* PutObject answers another MD5 */
    atomic_uint interrupt_put; /* SIGINT to this process after two chunks of PutObject */
    atomic_uint interrupt_get; /* the same when two chunks of GetObject have been sent */
    atomic_uint circle;        /* ListObjects forgets where it was to go on */
    atomic_uint lose_answer;   /* CreateBucket and DeleteBucket are carried out, then UNAVAILABLE */
};

struct object_server {
    struct object_faults faults;
    atomic_uint n_calls;
    unsigned page_max; /* entries of a listing's page */
    char token[80];    /* that callers must show; "" for none */
    uint16_t port;
    struct gc_loop *loop; /* Private to object_server.c, as what follows. */
    struct gc_thread thread;
    struct gc_metrics *metrics;
    struct gc_rpc_server *rpc;
    struct gc_http_server *http;
    struct gc_rpc_service service;
    struct gc_list buckets;
};

/* Listen on a port of 127.0.0.1; TLS may be NULL (h2c). */
void object_server_open(struct object_server *server, struct gc_tls_ctx *tls, const char *token);
void object_server_close(struct object_server *server);

#endif
