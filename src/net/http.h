/* SPDX-License-Identifier: MIT */
/* One HTTP exchange as one interface, whatever carries it: HTTP/2 server and client streams
 * (net/h2.c over nghttp2) and HTTP/1.1 server requests (net/http1.c, a strict parser of our own).
 * Roles and rpc see only this header.
 *
 * A stream has two directions. Incoming: head, data..., end (with trailers). Outgoing: head,
 * writes..., end (with trailers). Both may be under way at once. Either side may reset. on_close
 * comes exactly once, last, and never from inside a gc_http call on that stream; after it the
 * stream's memory is gone.
 *
 * Flow control: incoming data is credited back to the sender only by gc_http_consume (bytes the
 * application is done with), so that a slow application slows the sender. Outgoing: gc_http_write
 * queues references; when gc_http_queued is at or over GC_HTTP_QUEUE_HIGH stop and wait for
 * on_writable (queue at or below GC_HTTP_QUEUE_LOW). Writing beyond GC_HTTP_QUEUE_MAX is refused
 * with GC_ELIMIT.
 *
 * Threads: a stream lives on its loop. Heads and slices are valid during the callback; keep by
 * copying or by a reference. */
#ifndef GC_NET_HTTP_H
#define GC_NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/metrics.h"
#include "base/str.h"
#include "net/addr.h"
#include "net/loop.h"
#include "net/tls.h"

#define GC_HTTP_QUEUE_LOW  (256 * 1024)
#define GC_HTTP_QUEUE_HIGH (512 * 1024)
#define GC_HTTP_QUEUE_MAX  (16 * 1024 * 1024)

/* HTTP/2 error codes (RFC 9113 section 7) that callers name. On HTTP/1.1 any reset closes the
 * connection. */
#define GC_H2_NO_ERROR          0u
#define GC_H2_PROTOCOL_ERROR    1u
#define GC_H2_INTERNAL_ERROR    2u
#define GC_H2_REFUSED_STREAM    7u
#define GC_H2_CANCEL            8u
#define GC_H2_ENHANCE_YOUR_CALM 11u

struct gc_http_stream;

struct gc_http_field {
    struct gc_str name; /* lower case */
    struct gc_str value;
    bool sensitive; /* never indexed by HPACK, never logged */
};

struct gc_http_head {
    struct gc_str method;    /* requests */
    struct gc_str scheme;    /* "https" or "http" */
    struct gc_str authority; /* :authority, or Host */
    struct gc_str path;      /* raw, with the query */
    unsigned status;         /* responses */
    /* Without pseudo, hop-by-hop and framing fields (content-length stays, and te on HTTP/2). From
     * peers that are not internal also without Forwarded and X-Forwarded-*. */
    const struct gc_http_field *fields;
    size_t n_fields;
    bool end; /* incoming: nothing follows the head (END_STREAM was on it, or no body) */
};

/* Value of the first field NAME; DATA NULL when absent. */
struct gc_str gc_http_field_get(const struct gc_http_field *fields, size_t n, const char *name);

struct gc_http_handler {
    void (*on_head)(struct gc_http_stream *s, void *arg,
                    const struct gc_http_head *head); /* client: the final response */
    void (*on_data)(struct gc_http_stream *s, void *arg, const struct gc_slice *data);
    void (*on_end)(struct gc_http_stream *s, void *arg, const struct gc_http_field *trailers,
                   size_t n); /* peer is done */
    void (*on_writable)(struct gc_http_stream *s, void *arg);
    /* RC 0: both directions ended. GC_ECANCELED: reset by the peer, H2_CODE says why. GC_ECLOSED:
     * connection lost. GC_EPROTO: peer broke the protocol. GC_EDEADLINE: a timer of the connection.
     * On our own gc_http_reset: GC_ECANCELED. */
    void (*on_close)(struct gc_http_stream *s, void *arg, int rc, unsigned h2_code);
};

/* Replace handler and argument (server: from on_request; any time). */
void gc_http_set_handler(struct gc_http_stream *s, const struct gc_http_handler *handler,
                         void *arg);

struct gc_loop *gc_http_loop(const struct gc_http_stream *s);
const struct gc_peer *gc_http_peer(const struct gc_http_stream *s);
struct gc_arena *gc_http_arena(struct gc_http_stream *s); /* freed after on_close; limit 256 KiB */
unsigned gc_http_version(const struct gc_http_stream *s); /* 1 or 2 */

/* Server: send the response head. END: no body follows. Fields are copied. 100 sends an interim
 * response (once). */
int gc_http_respond(struct gc_http_stream *s, unsigned status, const struct gc_http_field *fields,
                    size_t n, bool end);
/* Queue body bytes; references DATA->owner (owner NULL: the bytes are copied). */
int gc_http_write(struct gc_http_stream *s, const struct gc_slice *data);
/* Bytes queued and not yet given to the connection. */
size_t gc_http_queued(const struct gc_http_stream *s);
/* No more from us; trailers are copied (dropped on HTTP/1.1). When a server ends before the peer
 * has, on_close comes with RC 0 once the trailers have left, and the layer gives up the rest of the
 * request (HTTP/2: a reset with GC_H2_NO_ERROR a little later; HTTP/1.1: close). A client's stream
 * likewise closes with RC 0 when the response is whole before the request is. */
int gc_http_end(struct gc_http_stream *s, const struct gc_http_field *trailers, size_t n);
/* Give the sender LEN bytes of credit back. */
void gc_http_consume(struct gc_http_stream *s, size_t len);
/* Give up both directions. A no-op after on_close is due. */
void gc_http_reset(struct gc_http_stream *s, unsigned h2_code);

/* --- server
 * -------------------------------------------------------------------------------------------------------------
 */

struct gc_http_conf {              /* zero-filled members take the defaults in [] */
    unsigned streams_max;          /* concurrent streams a connection [256] */
    unsigned header_bytes_max;     /* sum of name + value + 32 [16384] */
    unsigned header_count_max;     /* [100] */
    unsigned stream_window;        /* [1 MiB] */
    unsigned conn_window;          /* [8 MiB] */
    unsigned conns_max;            /* a listener [4096] */
    uint64_t handshake_timeout_ms; /* TLS and first bytes [10000] */
    uint64_t header_timeout_ms;    /* HTTP/1.1 request head, h2 header block [10000] */
    uint64_t idle_timeout_ms;      /* servers: no stream open [120000] */
    /* Nothing accepted by the peer while we have bytes: ends the stream, or the connection when its
     * socket takes nothing. HTTP/1.1: also nothing received of a body that we wait for. [60000] */
    uint64_t write_timeout_ms;
    bool allow_h1;              /* servers only */
    bool internal;              /* generous reset budget for mTLS peers */
    struct gc_metrics *metrics; /* may be NULL */
};

struct gc_http_server; /* one per loop */
/* on_request: the head of a new request. The callee sets a handler in it or answers and forgets
 * (unset: the stream is reset). For requests without a body on_end follows at once, after
 * on_request has returned. */
typedef void (*gc_http_request_fn)(void *arg, struct gc_http_stream *s,
                                   const struct gc_http_head *head);
int gc_http_server_new(struct gc_loop *loop, const struct gc_http_conf *conf,
                       gc_http_request_fn on_request, void *arg,
                       struct gc_http_server **ret_server);
/* Listen. TLS NULL: cleartext, h2 by prior knowledge (and h1 where allowed). FD >= 0: inherited
 * socket. May be called for several addresses. *RET_PORT (may be NULL) gets the port. */
int gc_http_server_listen(struct gc_http_server *server, const struct gc_addr *addr, int fd,
                          struct gc_tls_ctx *tls, uint16_t *ret_port);
/* New handshakes on TLS listeners use CTX. */
void gc_http_server_set_tls(struct gc_http_server *server, struct gc_tls_ctx *ctx);
/* Stop accepting, GOAWAY / Connection: close, finish what runs for at most GRACE_MS, then cut.
 * ON_DONE runs once all connections have closed. */
void gc_http_server_drain(struct gc_http_server *server, uint64_t grace_ms,
                          void (*on_done)(void *arg), void *arg);
/* Cuts what is left; the memory goes when the loop has closed everything. No callback of its
 * streams but on_close. */
void gc_http_server_free(struct gc_http_server *server);
size_t gc_http_server_n_streams(const struct gc_http_server *server);
size_t gc_http_server_n_conns(const struct gc_http_server *server);

/* --- client (HTTP/2 only)
 * -----------------------------------------------------------------------------------------------
 */

struct gc_http_client; /* one connection */
struct gc_http_client_ops {
    void (*on_ready)(struct gc_http_client *c,
                     void *arg); /* SETTINGS received: requests may start */
    void (*on_slots)(struct gc_http_client *c,
                     void *arg); /* slots became free after there were none */
    void (*on_drain)(struct gc_http_client *c,
                     void *arg); /* GOAWAY or ids used up: no new requests; running ones go on */
    void (*on_close)(struct gc_http_client *c, void *arg,
                     int rc); /* exactly once, after all its streams' on_close */
};
struct gc_http_dial {
    struct gc_addr addr;
    struct gc_tls_ctx *tls;  /* referenced; NULL = cleartext */
    const char *expect_name; /* PUBLIC profile: name to verify; copied */
    uint64_t timeout_ms;     /* connect and handshake */
};
/* CONF may be NULL; its server members are ignored. */
int gc_http_client_start(struct gc_loop *loop, const struct gc_http_conf *conf,
                         const struct gc_http_dial *dial, const struct gc_http_client_ops *ops,
                         void *arg, struct gc_http_client **ret_client);
/* Requests that may be started now. */
unsigned gc_http_client_slots(const struct gc_http_client *c);
const struct gc_peer *gc_http_client_peer(const struct gc_http_client *c);
/* HEAD->status is ignored. END: no body. GC_EUNAVAILABLE when not ready or draining, GC_ELIMIT
 * without a slot. A stream whose id is above the peer's GOAWAY closes with GC_ECANCELED and
 * GC_H2_REFUSED_STREAM. */
int gc_http_request(struct gc_http_client *c, const struct gc_http_head *head, bool end,
                    const struct gc_http_handler *handler, void *arg,
                    struct gc_http_stream **ret_stream);
/* Send a PING; its answer counts as bytes read. For keepalive. */
int gc_http_client_ping(struct gc_http_client *c);
uint64_t gc_http_client_last_read_ms(const struct gc_http_client *c);
/* No new requests; closes when the last stream has ended. */
void gc_http_client_shutdown(struct gc_http_client *c);
/* Cut: streams close with GC_ECANCELED, then on_close. */
void gc_http_client_abort(struct gc_http_client *c);

#endif
