/* SPDX-License-Identifier: MIT */
/* The listening socket is polled and accepted from by ourselves, so that inherited and shared
 * sockets are treated alike, and a connection over a limit costs no more than its descriptor.
 *
 * Errors of accept: the peer's (it went away meanwhile) are skipped; the process's (no descriptor
 * or memory) stop accepting for ACCEPT_PAUSE_MS, because a readable socket would be reported again
 * at once.
 *
 * The memory lives until the poll handle has closed and the last connection is gone: connections
 * count themselves off. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/macros.h"
#include "net/conn_priv.h"

#define ACCEPTS_A_TURN  64 /* then other events get their turn */
#define ACCEPT_PAUSE_MS 100

struct gc_listener {
    uv_poll_t poll;
    struct gc_loop *loop;
    struct gc_listen_conf conf;
    int fd;
    bool closing;
    struct gc_timer pause;
    struct gc_list handshaking; /* connections not yet open */
    unsigned n_conns;
    unsigned n_refs; /* poll handle, connections */
    uint64_t n_refused;
};

static void
listener_unref(struct gc_listener *listener)
{
    assert(listener->n_refs > 0);
    if (--listener->n_refs > 0) {
        return;
    }
    gc_tls_ctx_unref(listener->conf.tls);
    free(listener);
}

void
gc_listen_conn_gone(struct gc_listener *listener)
{
    listener->n_conns--;
    listener_unref(listener);
}

/* --- accepting -------------------------------------------------------------------------------- */

/* Without the port: the bytes that say which host this is. */
static struct gc_str
host_bytes(const struct sockaddr_storage *ss)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)ss;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)ss;

    if (ss->ss_family == AF_INET6) {
        return (struct gc_str){ (const char *)&in6->sin6_addr, sizeof(in6->sin6_addr) };
    }
    return (struct gc_str){ (const char *)&in->sin_addr, sizeof(in->sin_addr) };
}

/* A handshake costs us a millisecond and 60 KiB, and the peer nothing: one host gets so many at a
 * time. */
static bool
handshakes_full(const struct gc_listener *listener, const struct gc_addr *addr)
{
    unsigned n = 0;
    struct gc_list *node;

    gc_list_foreach(node, &listener->handshaking) {
        struct gc_conn *conn = gc_container_of(node, struct gc_conn, handshaking);
        n += gc_str_eq(host_bytes(&conn->remote.ss), host_bytes(&addr->ss));
    }
    return n >= listener->conf.handshakes_per_host;
}

/* On a unix socket the kernel says who it is. */
static void
name_local_peer(struct gc_conn *conn, int fd)
{
    struct ucred who;
    socklen_t len = sizeof(who);

    if (conn->remote.ss.ss_family == AF_UNIX &&
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0) {
        snprintf(conn->peer.addr, sizeof(conn->peer.addr), "unix:pid:%ld,uid:%lu,gid:%lu",
                 (long)who.pid, (unsigned long)who.uid, (unsigned long)who.gid);
    }
}

static void
accept_one(struct gc_listener *listener, int fd, const struct gc_addr *addr)
{
    const struct gc_conn_ops *ops = NULL;
    void *arg = NULL;
    struct gc_conn *conn;

    if (listener->n_conns >= listener->conf.conns_max ||
        (listener->conf.tls != NULL && handshakes_full(listener, addr))) {
        listener->n_refused++;
        close(fd);
        return;
    }
    if (gc_conn_new(listener->loop, listener->conf.tls, NULL, addr, &conn) != 0) {
        listener->n_refused++;
        close(fd);
        return;
    }
    name_local_peer(conn, fd);
    conn->listener = listener;
    listener->n_conns++;
    listener->n_refs++;
    int rc = uv_tcp_open(&conn->tcp, fd);
    if (rc != 0) {
        close(fd);
        gc_conn_end(conn, rc);
        return;
    }
    conn->state = GC_CONN_HANDSHAKE;
    if (!listener->conf.on_accept(listener->conf.arg, conn, &ops, &arg)) {
        gc_conn_end(conn, GC_ECLOSED);
        return;
    }
    conn->ops = ops;
    conn->arg = arg;
    if (conn->state == GC_CONN_CLOSED) {
        return; /* on_accept has changed its mind */
    }
    gc_list_push(&listener->handshaking, &conn->handshaking);
    gc_timer_start(&conn->timer, listener->conf.handshake_timeout_ms);
    gc_conn_begin(conn);
}

static void
on_acceptable(uv_poll_t *poll, int status, int events)
{
    struct gc_listener *listener = gc_container_of(poll, struct gc_listener, poll);

    (void)status;
    (void)events;
    for (int i = 0; i < ACCEPTS_A_TURN && !listener->closing; i++) {
        struct gc_addr addr = { 0 };
        socklen_t len = sizeof(addr.ss);
        int fd =
            accept4(listener->fd, (struct sockaddr *)&addr.ss, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            accept_one(listener, fd, &addr);
            continue;
        }
        if (errno == EAGAIN) {
            return;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            gc_log(GC_LOG_WARN, "listen.pause", "rc=%s", gc_err_name(-errno));
            uv_poll_stop(poll);
            gc_timer_start(&listener->pause, ACCEPT_PAUSE_MS);
            return;
        }
    }
}

static void
on_pause_over(struct gc_timer *timer)
{
    struct gc_listener *listener = gc_container_of(timer, struct gc_listener, pause);
    uv_poll_start(&listener->poll, UV_READABLE, on_acceptable);
}

/* --- opening and closing ---------------------------------------------------------------------- */

/* A unix socket outlives its process as a file. One that nobody answers at is in our way; one that
 * somebody does is EADDRINUSE. Owner and group may connect (0660): what more is needed is the
 * folder's business. */
static int
socket_open_unix(const struct sockaddr_un *un, int *ret_fd)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int rc;

    if (fd < 0) {
        return -errno;
    }
    if (connect(fd, (const struct sockaddr *)un, sizeof(*un)) == 0) {
        close(fd);
        return -EADDRINUSE;
    }
    if (errno == ECONNREFUSED) {
        (void)unlink(un->sun_path);
    }
    if (bind(fd, (const struct sockaddr *)un, sizeof(*un)) != 0 || chmod(un->sun_path, 0660) != 0 ||
        listen(fd, SOMAXCONN) != 0) {
        rc = -errno;
        close(fd);
        return rc;
    }
    *ret_fd = fd;
    return 0;
}

static int
socket_open(const struct gc_listen_conf *conf, int *ret_fd)
{
    const struct sockaddr_storage *ss = &conf->addr.ss;
    socklen_t len =
        ss->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    int on = 1;

    if (ss->ss_family == AF_UNIX) {
        return socket_open_unix((const struct sockaddr_un *)ss, ret_fd);
    }
    int fd = socket(ss->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return -errno;
    }
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        (conf->reuse_port && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0) ||
        bind(fd, (const struct sockaddr *)ss, len) != 0 || listen(fd, SOMAXCONN) != 0) {
        int rc = -errno;
        close(fd);
        return rc;
    }
    *ret_fd = fd;
    return 0;
}

/* An inherited socket is the caller's; it only has to be one that does not block. */
static int
socket_inherit(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ? -errno : 0;
}

static void
listener_init(struct gc_listener *listener, struct gc_loop *loop, const struct gc_listen_conf *conf)
{
    listener->loop = loop;
    listener->conf = *conf;
    listener->conf.tls = conf->tls == NULL ? NULL : gc_tls_ctx_ref(conf->tls);
    if (listener->conf.handshake_timeout_ms == 0) {
        listener->conf.handshake_timeout_ms = GC_CONN_START_TIMEOUT_MS;
    }
    if (listener->conf.handshakes_per_host == 0) {
        listener->conf.handshakes_per_host = GC_LISTEN_HANDSHAKES_PER_HOST;
    }
    listener->n_refs = 1;
    gc_list_init(&listener->handshaking);
    gc_timer_init(&listener->pause, loop, on_pause_over);
}

int
gc_listen_open(struct gc_loop *loop, const struct gc_listen_conf *conf,
               struct gc_listener **ret_listener)
{
    struct gc_listener *listener = calloc(1, sizeof(*listener));
    if (listener == NULL) {
        return -ENOMEM;
    }
    listener->fd = conf->fd;
    int rc = conf->fd >= 0 ? socket_inherit(conf->fd) : socket_open(conf, &listener->fd);
    if (rc != 0) {
        free(listener);
        return rc;
    }
    rc = uv_poll_init(gc_loop_uv(loop), &listener->poll, listener->fd);
    if (rc != 0) {
        if (conf->fd < 0) {
            close(listener->fd);
        }
        free(listener);
        return rc;
    }
    listener_init(listener, loop, conf);
    rc = uv_poll_start(&listener->poll, UV_READABLE, on_acceptable);
    if (rc != 0) {
        gc_listen_close(listener);
        return rc;
    }
    *ret_listener = listener;
    return 0;
}

uint16_t
gc_listen_port(const struct gc_listener *listener)
{
    struct gc_addr addr = { 0 };
    socklen_t len = sizeof(addr.ss);

    if (getsockname(listener->fd, (struct sockaddr *)&addr.ss, &len) != 0) {
        return 0;
    }
    return gc_addr_port(&addr);
}

uint64_t
gc_listen_n_refused(const struct gc_listener *listener)
{
    return listener->n_refused;
}

void
gc_listen_set_tls(struct gc_listener *listener, struct gc_tls_ctx *ctx)
{
    struct gc_tls_ctx *old = listener->conf.tls;

    listener->conf.tls = gc_tls_ctx_ref(ctx);
    gc_tls_ctx_unref(old);
}

static void
on_poll_closed(uv_handle_t *handle)
{
    listener_unref(gc_container_of(handle, struct gc_listener, poll));
}

void
gc_listen_close(struct gc_listener *listener)
{
    assert(!listener->closing);
    listener->closing = true;
    gc_timer_stop(&listener->pause);
    uv_close((uv_handle_t *)&listener->poll, on_poll_closed);
    /* libuv has forgotten the descriptor: the port is free for others from now on. */
    if (listener->conf.fd < 0) {
        close(listener->fd);
    }
}
