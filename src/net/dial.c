/* SPDX-License-Identifier: MIT */
/* Happy path: uv_tcp_connect, then gc_conn_begin takes over (handshake, on_open). The timer covers
 * both. A refused or unreachable peer, the timer and gc_conn_close all end the connection before it
 * opened: on_close comes without on_open. libuv calls on_connect with ECANCELED when the handle was
 * closed meanwhile. */
#include "base/macros.h"
#include "net/conn_priv.h"

static void
on_connect(uv_connect_t *req, int status)
{
    struct gc_conn *conn = gc_container_of(req, struct gc_conn, connect_req);

    if (conn->state == GC_CONN_CLOSED) {
        return;
    }
    if (status != 0) {
        gc_conn_end(conn, status);
        return;
    }
    gc_conn_begin(conn);
}

int
gc_dial_start(struct gc_loop *loop, const struct gc_dial_conf *conf, const struct gc_conn_ops *ops,
              void *arg, struct gc_conn **ret_conn)
{
    struct gc_conn *conn;
    int rc = gc_conn_new(loop, conf->tls, conf->expect_name, &conf->addr, &conn);

    if (rc != 0) {
        return rc;
    }
    rc = uv_tcp_connect(&conn->connect_req, &conn->tcp, (const struct sockaddr *)&conf->addr.ss,
                        on_connect);
    if (rc != 0) {
        gc_conn_end(conn, rc); /* without ops: silently */
        return rc;
    }
    conn->ops = ops;
    conn->arg = arg;
    gc_timer_start(&conn->timer,
                   conf->timeout_ms > 0 ? conf->timeout_ms : GC_CONN_START_TIMEOUT_MS);
    *ret_conn = conn;
    return 0;
}
