/* SPDX-License-Identifier: MIT */
/* The inside of a connection, for conn.c, dial.c and listen.c. */
#ifndef GC_NET_CONN_PRIV_H
#define GC_NET_CONN_PRIV_H

#include <uv.h>

#include "base/list.h"
#include "net/conn.h"
#include "net/loop_priv.h"

#define GC_CONN_START_TIMEOUT_MS 10000 /* connect and handshake, where a conf says 0 */

enum gc_conn_state {
    GC_CONN_CONNECTING,
    GC_CONN_HANDSHAKE, /* TCP is up, TLS is not yet */
    GC_CONN_OPEN,      /* between on_open and the decision to close */
    GC_CONN_CLOSING,   /* what is queued leaves; what arrives is thrown away */
    GC_CONN_CLOSED,    /* libuv is letting go of the handle; on_close is next */
};

struct gc_conn {
    uv_tcp_t tcp;
    uv_connect_t connect_req;
    uv_write_t write_req;
    uv_shutdown_t shutdown_req;
    struct gc_loop *loop;
    const struct gc_conn_ops *ops; /* NULL: nobody is told anything (refused at accept) */
    void *arg;
    struct gc_tls *tls; /* NULL: cleartext */
    struct gc_flush flush;
    struct gc_timer timer;

    struct gc_listener *listener; /* NULL: dialled */
    struct gc_list handshaking;   /* in its listener's list, until open or closed */

    enum gc_conn_state state;
    int rc;     /* of on_close, decided when CLOSING or CLOSED begins */
    int broken; /* set where the connection cannot be ended at once; the caller's caller ends it */
    bool in_flush;
    bool paused;
    bool peer_done; /* FIN or close_notify has come */
    bool full;      /* gc_conn_write reached the limit: on_flush runs again when there is room */
    bool shut;      /* our FIN is on its way */

    struct gc_out_block *out_first;
    struct gc_out_block *out_last;
    size_t out_len;
    size_t busy_len; /* of these, handed to uv_write; 0: none under way */

    size_t tls_answered; /* bytes that reading made TLS queue since the socket last took all */

    uint64_t bytes_in;
    uint64_t bytes_out;
    struct gc_addr remote;
    struct gc_peer peer;
};

/* A connection to or from ADDR without a socket yet. TLS NULL: cleartext. Errors leave nothing
 * behind. */
int gc_conn_new(struct gc_loop *loop, struct gc_tls_ctx *tls, const char *expect_name,
                const struct gc_addr *addr, struct gc_conn **ret_conn);
/* The socket is connected: handshake, or open at once. May call on_open. */
void gc_conn_begin(struct gc_conn *conn);
/* Decide the outcome and let go of the socket. Without OPS nobody hears of it. */
void gc_conn_end(struct gc_conn *conn, int rc);

/* listen.c: one of LISTENER's connections has been freed. */
void gc_listen_conn_gone(struct gc_listener *listener);

#endif
