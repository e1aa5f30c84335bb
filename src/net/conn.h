/* SPDX-License-Identifier: MIT */
/* One TCP connection, with TLS or without: plaintext in and out, batched. What net/h2.c and
 * net/http1.c stand on; roles never see it.
 *
 * Reading: each turn's bytes arrive as slices of pooled buffers (16 KiB); keeping one means keeping
 * a reference. Writing: never from inside a read callback directly to the socket. A protocol marks
 * the connection dirty; before the loop sleeps ON_FLUSH runs and calls gc_conn_write while
 * gc_conn_room > 0; all records leave in one write. When the socket accepts more, ON_FLUSH runs
 * again if the protocol had been stopped by room. Closing: on_close exactly once, later, never
 * inside a gc_conn function; the connection's memory ends after it. */
#ifndef GC_NET_CONN_H
#define GC_NET_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "net/addr.h"
#include "net/loop.h"
#include "net/tls.h"

#define GC_CONN_OUT_MAX (256 * 1024) /* bytes waiting for the socket before gc_conn_room says 0 */

struct gc_conn;

struct gc_conn_ops {
    /* Connected, handshake done, peer verified. */
    void (*on_open)(struct gc_conn *conn, void *arg);
    void (*on_read)(struct gc_conn *conn, void *arg, const struct gc_slice *data);
    void (*on_flush)(struct gc_conn *conn, void *arg);
    /* The peer has finished sending (TCP FIN or close_notify). The connection still writes. May be
     * NULL: closes then. */
    void (*on_eof)(struct gc_conn *conn, void *arg);
    /* RC: 0 closed by us, GC_ECLOSED by the peer, GC_EDEADLINE, GC_ETLS, GC_EIDENTITY, -errno. */
    void (*on_close)(struct gc_conn *conn, void *arg, int rc);
};

/* --- accepting
 * ----------------------------------------------------------------------------------------------------------
 */

#define GC_LISTEN_HANDSHAKES_PER_HOST 256

struct gc_listener;
struct gc_listen_conf {
    struct gc_addr addr; /* port 0: chosen by the kernel */
    bool reuse_port;     /* several loops on one address */
    int fd; /* >= 0: an inherited listening socket instead of addr (socket activation) */
    struct gc_tls_ctx *tls;        /* referenced; NULL = cleartext */
    unsigned conns_max;            /* further connections are closed at once and counted */
    unsigned handshakes_per_host;  /* unfinished ones of one remote address; 0:
                                      GC_LISTEN_HANDSHAKES_PER_HOST */
    uint64_t handshake_timeout_ms; /* 0: 10 s */
    /* Called at accept, before the handshake: returns the ops and argument of the new connection;
     * false refuses it. */
    bool (*on_accept)(void *arg, struct gc_conn *conn, const struct gc_conn_ops **ret_ops,
                      void **ret_arg);
    void *arg;
};
int gc_listen_open(struct gc_loop *loop, const struct gc_listen_conf *conf,
                   struct gc_listener **ret_listener);
uint16_t gc_listen_port(const struct gc_listener *listener);
/* Connections closed at once because of a limit. */
uint64_t gc_listen_n_refused(const struct gc_listener *listener);
/* New handshakes use CTX (referenced). */
void gc_listen_set_tls(struct gc_listener *listener, struct gc_tls_ctx *ctx);
/* Stop accepting; connections live on. The memory is released by the loop. */
void gc_listen_close(struct gc_listener *listener);

/* --- connecting
 * ---------------------------------------------------------------------------------------------------------
 */

struct gc_dial_conf {
    struct gc_addr addr;
    struct gc_tls_ctx *tls;  /* referenced; NULL = cleartext */
    const char *expect_name; /* PUBLIC profile: name to verify; copied */
    uint64_t timeout_ms;     /* connect and handshake */
};
/* on_open or on_close follows, later. */
int gc_dial_start(struct gc_loop *loop, const struct gc_dial_conf *conf,
                  const struct gc_conn_ops *ops, void *arg, struct gc_conn **ret_conn);

/* --- a connection
 * -------------------------------------------------------------------------------------------------------
 */

struct gc_loop *gc_conn_loop(const struct gc_conn *conn);
const struct gc_peer *
gc_conn_peer(const struct gc_conn *conn);       /* address always; identity after on_open */
bool gc_conn_is_h2(const struct gc_conn *conn); /* ALPN; false on cleartext */
/* ON_FLUSH before the loop sleeps. */
void gc_conn_dirty(struct gc_conn *conn);
/* How many bytes gc_conn_write should still be given now. */
size_t gc_conn_room(const struct gc_conn *conn);
/* Queue LEN bytes (copied or encrypted at once). Only from ON_FLUSH. */
void gc_conn_write(struct gc_conn *conn, const void *data, size_t len);
/* Stop or go on reading from the socket. What has been read by then (at most 128 KiB) still
 * arrives. */
void gc_conn_read_pause(struct gc_conn *conn, bool pause);
/* Send what gc_conn_write was given and the end of the stream, wait for the peer's end (all bounded
 * by a 5 s timer), then close with RC. No callback but on_close comes after this; before on_open it
 * is gc_conn_abort. The first RC counts. */
void gc_conn_close(struct gc_conn *conn, int rc);
/* Close now. */
void gc_conn_abort(struct gc_conn *conn, int rc);
/* Bytes moved since open, for metrics and idle detection. */
uint64_t gc_conn_bytes_in(const struct gc_conn *conn);
uint64_t gc_conn_bytes_out(const struct gc_conn *conn);

#endif
