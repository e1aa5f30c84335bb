/* SPDX-License-Identifier: MIT */
/* A server: listeners and connections of one loop. It finds out which protocol a connection speaks
 * (ALPN, or the first bytes on cleartext) and gives it a link of that protocol.
 *
 * A connection lives from on_accept to on_close. The server's memory goes when it was freed and the
 * last connection has closed. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/list.h"
#include "base/macros.h"
#include "net/http_priv.h"

#define LISTENERS_MAX 16

/* What a client that knows HTTP/2 says first (RFC 9113 section 3.4). */
#define PREFACE       "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define PREFACE_BYTES (sizeof(PREFACE) - 1)

struct server_listener {
    struct gc_listener *listener;
    bool tls;
};

struct gc_http_server {
    struct gc_http_service service;
    struct gc_loop *loop;
    struct server_listener listeners[LISTENERS_MAX];
    size_t n_listeners;
    struct gc_list conns;
    size_t n_conns;
    struct gc_timer grace_timer, done_timer;
    void (*on_done)(void *arg);
    void *done_arg;
    bool draining;
    bool freed;
};

struct server_conn {
    struct gc_http_server *server;
    struct gc_conn *conn;
    struct gc_list node;
    struct gc_http_link *link; /* NULL while the protocol is not known */
    struct gc_timer first_timer;
    size_t n_first; /* bytes of the preface seen */
};

/* --- which protocol ----------------------------------------------------------------------------
 */

static void
start_link(struct server_conn *sc, bool h2)
{
    struct gc_http_service *service = &sc->server->service;
    int rc;

    gc_timer_stop(&sc->first_timer);
    if (h2) {
        rc = gc_h2_link_new(sc->conn, service, &sc->link);
    } else if (service->conf.allow_h1) {
        rc = gc_http1_link_new(sc->conn, service, &sc->link);
    } else {
        rc = GC_EPROTO;
    }
    if (rc != 0) {
        gc_conn_abort(sc->conn, rc);
    } else if (sc->server->draining) {
        sc->link->ops->drain(sc->link);
    }
}

static void
link_read(struct server_conn *sc, const struct gc_slice *data)
{
    if (sc->link != NULL && data->len > 0) {
        sc->link->ops->read(sc->link, data);
    }
}

/* The first bytes of a cleartext connection: the preface of HTTP/2, or something else. */
static void
read_first(struct server_conn *sc, const struct gc_slice *data)
{
    struct gc_slice rest = *data;
    size_t same = 0;

    while (same < data->len && sc->n_first + same < PREFACE_BYTES &&
           data->data[same] == (uint8_t)PREFACE[sc->n_first + same]) {
        same++;
    }
    if (sc->n_first + same < PREFACE_BYTES && same == data->len) {
        sc->n_first += same;
        return; /* it may become either */
    }
    start_link(sc, sc->n_first + same == PREFACE_BYTES);
    if (sc->n_first > 0 && sc->link != NULL) {
        struct gc_bytes *first = gc_bytes_copy(PREFACE, sc->n_first);
        if (first == NULL) {
            gc_conn_abort(sc->conn, -ENOMEM);
            return;
        }
        link_read(sc, &(struct gc_slice){ first, first->data, first->len });
        gc_bytes_unref(first);
    }
    link_read(sc, &rest);
}

static void
on_first_timer(struct gc_timer *timer)
{
    struct server_conn *sc = gc_container_of(timer, struct server_conn, first_timer);

    gc_http_count(sc->server->service.counts.timeout_setup);
    gc_conn_abort(sc->conn, GC_EDEADLINE);
}

/* --- connections -------------------------------------------------------------------------------
 */

static void
on_open(struct gc_conn *conn, void *arg)
{
    struct server_conn *sc = arg;

    if (gc_conn_peer(conn)->tls) {
        start_link(sc, gc_conn_is_h2(conn));
    } else if (!sc->server->service.conf.allow_h1) {
        start_link(sc, true);
    } else {
        gc_timer_start(&sc->first_timer, sc->server->service.conf.handshake_timeout_ms);
    }
}

static void
on_read(struct gc_conn *conn, void *arg, const struct gc_slice *data)
{
    struct server_conn *sc = arg;

    (void)conn;
    if (sc->link != NULL) {
        link_read(sc, data);
    } else {
        read_first(sc, data);
    }
}

static void
on_flush(struct gc_conn *conn, void *arg)
{
    struct server_conn *sc = arg;

    (void)conn;
    if (sc->link != NULL) {
        sc->link->ops->flush(sc->link);
    }
}

static void
on_eof(struct gc_conn *conn, void *arg)
{
    struct server_conn *sc = arg;

    if (sc->link != NULL) {
        sc->link->ops->eof(sc->link);
    } else {
        gc_conn_abort(conn, GC_ECLOSED);
    }
}

/* The last connection has gone: is anybody waiting for that? */
static void
server_emptied(struct gc_http_server *server)
{
    if (server->freed) {
        free(server);
    } else if (server->draining && server->on_done != NULL) {
        gc_timer_start(&server->done_timer, 0);
    }
}

static void
on_close(struct gc_conn *conn, void *arg, int rc)
{
    struct server_conn *sc = arg;
    struct gc_http_server *server = sc->server;

    (void)conn;
    gc_timer_stop(&sc->first_timer);
    if (sc->link != NULL) {
        sc->link->ops->close(sc->link, rc);
    }
    gc_list_remove(&sc->node);
    free(sc);
    server->n_conns--;
    if (server->n_conns == 0) {
        server_emptied(server);
    }
}

static const struct gc_conn_ops conn_ops = {
    .on_open = on_open,
    .on_read = on_read,
    .on_flush = on_flush,
    .on_eof = on_eof,
    .on_close = on_close,
};

static bool
on_accept(void *arg, struct gc_conn *conn, const struct gc_conn_ops **ret_ops, void **ret_arg)
{
    struct gc_http_server *server = arg;
    struct server_conn *sc;

    if (server->draining || server->freed) {
        return false;
    }
    sc = calloc(1, sizeof(*sc));
    if (sc == NULL) {
        return false;
    }
    sc->server = server;
    sc->conn = conn;
    gc_timer_init(&sc->first_timer, server->loop, on_first_timer);
    gc_list_push(&server->conns, &sc->node);
    server->n_conns++;
    *ret_ops = &conn_ops;
    *ret_arg = sc;
    return true;
}

/* --- the server --------------------------------------------------------------------------------
 */

static void
cut_all(struct gc_http_server *server)
{
    struct gc_list *node;

    gc_list_foreach(node, &server->conns) {
        gc_conn_abort(gc_container_of(node, struct server_conn, node)->conn, GC_ECANCELED);
    }
}

static void
on_grace_timer(struct gc_timer *timer)
{
    cut_all(gc_container_of(timer, struct gc_http_server, grace_timer));
}

static void
on_done_timer(struct gc_timer *timer)
{
    struct gc_http_server *server = gc_container_of(timer, struct gc_http_server, done_timer);
    void (*on_done)(void *arg) = server->on_done;

    gc_timer_stop(&server->grace_timer);
    server->on_done = NULL;
    on_done(server->done_arg);
}

int
gc_http_server_new(struct gc_loop *loop, const struct gc_http_conf *conf,
                   gc_http_request_fn on_request, void *arg, struct gc_http_server **ret_server)
{
    struct gc_http_server *server = calloc(1, sizeof(*server));

    if (server == NULL) {
        return -ENOMEM;
    }
    if (conf != NULL) {
        server->service.conf = *conf;
    }
    gc_http_conf_fill(&server->service.conf);
    gc_http_counts_init(&server->service.counts, server->service.conf.metrics);
    server->service.on_request = on_request;
    server->service.arg = arg;
    server->loop = loop;
    gc_list_init(&server->conns);
    gc_timer_init(&server->grace_timer, loop, on_grace_timer);
    gc_timer_init(&server->done_timer, loop, on_done_timer);
    *ret_server = server;
    return 0;
}

int
gc_http_server_listen(struct gc_http_server *server, const struct gc_addr *addr, int fd,
                      struct gc_tls_ctx *tls, uint16_t *ret_port)
{
    struct gc_listen_conf conf = {
        .fd = fd,
        .tls = tls,
        .conns_max = server->service.conf.conns_max,
        .handshake_timeout_ms = server->service.conf.handshake_timeout_ms,
        .on_accept = on_accept,
        .arg = server,
    };
    struct server_listener *slot;
    int rc;

    if (server->n_listeners == LISTENERS_MAX) {
        return GC_ELIMIT;
    }
    if (server->draining) {
        return GC_ECLOSED;
    }
    if (addr != NULL) {
        conf.addr = *addr;
        /* The other loops listen there too, also on a port that the kernel has chosen now. */
        conf.reuse_port = addr->ss.ss_family != AF_UNIX;
    }
    slot = &server->listeners[server->n_listeners];
    rc = gc_listen_open(server->loop, &conf, &slot->listener);
    if (rc != 0) {
        return rc;
    }
    slot->tls = tls != NULL;
    server->n_listeners++;
    if (ret_port != NULL) {
        *ret_port = gc_listen_port(slot->listener);
    }
    return 0;
}

void
gc_http_server_set_tls(struct gc_http_server *server, struct gc_tls_ctx *ctx)
{
    for (size_t i = 0; i < server->n_listeners; i++) {
        if (server->listeners[i].tls) {
            gc_listen_set_tls(server->listeners[i].listener, ctx);
        }
    }
}

static void
stop_listening(struct gc_http_server *server)
{
    while (server->n_listeners > 0) {
        gc_listen_close(server->listeners[--server->n_listeners].listener);
    }
}

void
gc_http_server_drain(struct gc_http_server *server, uint64_t grace_ms, void (*on_done)(void *arg),
                     void *arg)
{
    struct gc_list *node;

    assert(!server->draining);
    server->draining = true;
    server->on_done = on_done;
    server->done_arg = arg;
    stop_listening(server);
    gc_list_foreach(node, &server->conns) {
        struct server_conn *sc = gc_container_of(node, struct server_conn, node);
        if (sc->link != NULL) {
            sc->link->ops->drain(sc->link);
        } else {
            gc_conn_abort(sc->conn, GC_ECANCELED);
        }
    }
    gc_timer_start(&server->grace_timer, grace_ms);
    if (server->n_conns == 0) {
        server_emptied(server);
    }
}

void
gc_http_server_free(struct gc_http_server *server)
{
    assert(!server->freed);
    server->freed = true;
    server->service.on_request = NULL;
    gc_timer_stop(&server->grace_timer);
    gc_timer_stop(&server->done_timer);
    stop_listening(server);
    if (server->n_conns == 0) {
        free(server);
    } else {
        cut_all(server);
    }
}

size_t
gc_http_server_n_streams(const struct gc_http_server *server)
{
    return server->service.n_streams;
}

size_t
gc_http_server_n_conns(const struct gc_http_server *server)
{
    return server->n_conns;
}
