/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Our side of TLS for tests with a foreign peer (tests/it/test_tls.sh). Runs until it is killed.
 *   tls_peer serve internal|public none|optional|required DIR NAME    prints "port N", echoes what
 * comes tls_peer dial internal|public DIR NAME ADDRESS EXPECT-NAME         sends "hello"; NAME "-":
 * no certificate DIR holds ca.crt, NAME.crt, NAME.key. Events are lines on stdout: open cert=0|1
 * role=R node=N h2=0|1     read BYTES     close opened=0|1 rc=NAME */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "net/conn.h"

#define DOMAIN "test.gc"

struct peer {
    bool opened;
    bool dials;
    struct gc_buf tx;
    struct gc_loop *loop;
};

static void
on_open(struct gc_conn *conn, void *arg)
{
    const struct gc_peer *who = gc_conn_peer(conn);
    struct peer *peer = arg;

    peer->opened = true;
    printf("open cert=%d role=%s node=%s h2=%d\n", who->has_cert, who->id.role, who->id.node,
           gc_conn_is_h2(conn));
    if (peer->dials) {
        (void)gc_buf_append_str(&peer->tx, "hello\n");
        gc_conn_dirty(conn);
    }
}

static void
on_read(struct gc_conn *conn, void *arg, const struct gc_slice *data)
{
    struct peer *peer = arg;

    printf("read %zu\n", data->len);
    if (!peer->dials) {
        (void)gc_buf_append(&peer->tx, data->data, data->len);
        gc_conn_dirty(conn);
    }
}

static void
on_flush(struct gc_conn *conn, void *arg)
{
    struct peer *peer = arg;

    if (peer->tx.len > 0) {
        gc_conn_write(conn, peer->tx.data, peer->tx.len);
        gc_buf_clear(&peer->tx);
    }
}

static void
on_close(struct gc_conn *conn, void *arg, int rc)
{
    struct peer *peer = arg;

    (void)conn;
    printf("close opened=%d rc=%s\n", peer->opened, gc_err_name(rc));
    if (peer->dials) {
        gc_loop_stop(peer->loop);
    }
    gc_buf_fini(&peer->tx);
    free(peer);
}

static const struct gc_conn_ops ops = {
    .on_open = on_open,
    .on_read = on_read,
    .on_flush = on_flush,
    .on_close = on_close,
};

static struct peer *
peer_new(struct gc_loop *loop, bool dials)
{
    struct peer *peer = calloc(1, sizeof(*peer));

    if (peer != NULL) {
        gc_buf_init(&peer->tx, 1 << 24);
        peer->loop = loop;
        peer->dials = dials;
    }
    return peer;
}

static bool
on_accept(void *arg, struct gc_conn *conn, const struct gc_conn_ops **ret_ops, void **ret_arg)
{
    (void)conn;
    *ret_ops = &ops;
    *ret_arg = peer_new(arg, false);
    return *ret_arg != NULL;
}

static int
serve(struct gc_loop *loop, struct gc_tls_ctx *tls)
{
    struct gc_listen_conf conf = { .fd = -1,
                                   .tls = tls,
                                   .conns_max = 100,
                                   .handshake_timeout_ms = 5000,
                                   .on_accept = on_accept,
                                   .arg = loop };
    struct gc_listener *listener;

    if (gc_addr_parse(GC_STR("127.0.0.1:0"), &conf.addr) != 0 ||
        gc_listen_open(loop, &conf, &listener) != 0) {
        return 1;
    }
    printf("port %u\n", gc_listen_port(listener));
    return gc_loop_run(loop);
}

static int
dial(struct gc_loop *loop, struct gc_tls_ctx *tls, const char *addr, const char *expect_name)
{
    struct gc_dial_conf conf = { .tls = tls, .timeout_ms = 10000 };
    struct peer *peer = peer_new(loop, true);
    struct gc_conn *conn;

    conf.expect_name = strcmp(expect_name, "-") != 0 ? expect_name : NULL;
    if (peer == NULL || gc_addr_parse(gc_str_of(addr), &conf.addr) != 0 ||
        gc_dial_start(loop, &conf, &ops, peer, &conn) != 0) {
        return 1;
    }
    return gc_loop_run(loop);
}

static struct gc_tls_ctx *
context(char **argv, bool server, const char *dir, const char *name)
{
    struct gc_tls_conf conf = { .server = server, .alpn_h1 = true };
    struct gc_tls_ctx *ctx = NULL;
    char error[GC_TLS_ERROR_MAX], ca[256], cert[256], key[256];

    snprintf(ca, sizeof(ca), "%s/ca.crt", dir);
    snprintf(cert, sizeof(cert), "%s/%s.crt", dir, name);
    snprintf(key, sizeof(key), "%s/%s.key", dir, name);
    conf.profile = strcmp(argv[2], "internal") == 0 ? GC_TLS_INTERNAL : GC_TLS_PUBLIC;
    conf.trust_domain = server || conf.profile == GC_TLS_INTERNAL ? DOMAIN : NULL;
    conf.ca_file = ca;
    if (strcmp(name, "-") != 0) {
        conf.cert_file = cert;
        conf.key_file = key;
    }
    if (server) {
        conf.client_cert = strcmp(argv[3], "required") == 0   ? GC_TLS_CERT_REQUIRED
                           : strcmp(argv[3], "optional") == 0 ? GC_TLS_CERT_OPTIONAL
                                                              : GC_TLS_CERT_NONE;
    }
    if (gc_tls_ctx_new(&conf, &ctx, error) != 0) {
        fprintf(stderr, "%s\n", error);
    }
    return ctx;
}

int
main(int argc, char **argv)
{
    struct gc_loop *loop;
    bool server = argc == 6 && strcmp(argv[1], "serve") == 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!server && (argc != 7 || strcmp(argv[1], "dial") != 0)) {
        fprintf(stderr, "see the head of tls_peer.c\n");
        return 2;
    }
    struct gc_tls_ctx *tls = context(argv, server, argv[server ? 4 : 3], argv[server ? 5 : 4]);
    if (tls == NULL || gc_loop_new(&loop) != 0) {
        return 1;
    }
    return server ? serve(loop, tls) : dial(loop, tls, argv[5], argv[6]);
}
