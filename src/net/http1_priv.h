/* SPDX-License-Identifier: MIT */
/* The inside of an HTTP/1.1 connection, for http1.c (requests, the life of it) and http1_write.c
 * (responses). */
#ifndef GC_NET_HTTP1_PRIV_H
#define GC_NET_HTTP1_PRIV_H

#include "base/buf.h"
#include "net/http1_parse.h"
#include "net/http_priv.h"

enum http1_state {
    HTTP1_HEAD,    /* waiting for a request */
    HTTP1_BODY,    /* its body arrives */
    HTTP1_ANSWER,  /* it is whole, the response is not */
    HTTP1_CLOSING, /* nothing is read any more */
};

enum http1_framing { FRAMING_NONE, FRAMING_LENGTH, FRAMING_CHUNKED, FRAMING_CLOSE };

struct http1_stream {
    struct gc_http_stream base;
    struct gc_http1 *h1;
    unsigned status;
    struct gc_http_field *fields; /* of the response, in the arena */
    size_t n_fields;
    bool interim_due;
    bool head_out; /* the head has been written */
    bool done;     /* everything has been written */
    enum http1_framing framing;
    uint64_t length_left;
};

struct gc_http1 {
    struct gc_http_link link;
    struct gc_http_service *service;
    struct gc_conn *conn;
    enum http1_state state;
    struct gc_buf head; /* bytes of the next head, and perhaps some behind it */
    struct gc_http1_scan scan;
    struct gc_buf pending;
    struct http1_stream *stream; /* NULL between requests */
    struct gc_http1_chunked chunked;
    uint64_t body_left;
    unsigned minor;
    unsigned error_status; /* to be answered, then close */
    bool body_chunked;
    bool keep_alive;
    bool draining;
    bool eof;
    bool used; /* had a request */
    struct gc_timer read_timer, write_timer;
    uint64_t bytes_out_seen;
    unsigned write_strikes;
};

/* --- http1_write.c -----------------------------------------------------------------------------
 */

/* As much of the response as is there and there is room for; sets DONE. From flush only.
 * GC_EINTERNAL: the body is not as long as its head said. */
int gc_http1_write_response(struct gc_http1 *h1, struct http1_stream *s);
/* A bare answer with ERROR_STATUS, which is cleared. */
void gc_http1_write_refusal(struct gc_http1 *h1);

#endif
