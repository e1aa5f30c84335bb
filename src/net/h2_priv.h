/* SPDX-License-Identifier: MIT */
/* HTTP/2 over nghttp2: one session is one connection, server or client.
 *
 * Bytes in: read -> nghttp2 -> h2_callbacks.c -> the application. Bytes out: only from flush, which
 * the connection calls before the loop sleeps; everything else queues in nghttp2 and marks the
 * connection dirty, so nothing is ever sent from inside a callback. What the application must be
 * told besides (on_writable, slots) waits for settle, at the end of read and flush, where nghttp2
 * is not on the stack.
 *
 * nghttp2 frees streams by on_stream_close, but not those that live when a session ends: the
 * session has a list of its own for these. */
#ifndef GC_NET_H2_PRIV_H
#define GC_NET_H2_PRIV_H

#include <nghttp2/nghttp2.h>

#include "base/list.h"
#include "net/http_priv.h"

#define H2_FRAME_BYTES_MAX (64 * 1024)

struct h2_stream {
    struct gc_http_stream base;
    struct gc_h2 *h2;
    struct gc_list node;     /* of h2->streams */
    struct gc_list writable; /* of h2->writable: on_writable is due */
    int32_t id;
    struct gc_timer linger_timer; /* answered early: reset when it fires */
    size_t committed;             /* of OUT: promised to nghttp2 for the DATA frame under way */
    bool deferred;                /* nghttp2 waits for resume_data */
    bool head_done;               /* the final head has been received */
    bool peer_reset;
    bool out_sent; /* END_STREAM has left */
    bool expired;  /* reset by the write timer */
};

/* What differs between the ends. Any may be NULL. */
struct gc_h2_role {
    void (*on_head)(struct gc_h2 *h2, struct h2_stream *s);
    void (*on_settings)(struct gc_h2 *h2);
    void (*on_goaway)(struct gc_h2 *h2);
    void (*on_settle)(struct gc_h2 *h2);
};

struct gc_h2 {
    struct gc_http_link link; /* servers */
    const struct gc_h2_role *role;
    void *owner; /* the role's */
    nghttp2_session *ng;
    struct gc_conn *conn; /* NULL: it is gone */
    const struct gc_http_conf *conf;
    const struct gc_http_counts *counts;
    size_t *n_streams_all; /* counts along; may be NULL */
    struct gc_list streams, writable;
    size_t n_streams;
    struct gc_bytes *reading; /* owner of the bytes that nghttp2 parses now */
    int32_t head_id;          /* whose header block arrives */
    uint64_t last_read_ms;
    uint64_t bytes_out_seen; /* by the write timer */
    unsigned write_strikes;
    unsigned glitches;
    uint64_t glitches_ms;
    int rc; /* what the connection will close with */
    bool server;
    bool busy;     /* nghttp2 is on the stack */
    bool ready;    /* the peer's SETTINGS came */
    bool draining; /* GOAWAY of ours is under way */
    bool closing;  /* the connection was told to close */
    struct gc_timer setup_timer, head_timer, idle_timer, write_timer, drain_timer;
};

/* --- h2_session.c ------------------------------------------------------------------------------
 */

/* Make the session and send SETTINGS. -ENOMEM. */
int gc_h2_open(struct gc_h2 *h2, struct gc_conn *conn);
void gc_h2_read(struct gc_h2 *h2, const struct gc_slice *data);
void gc_h2_flush(struct gc_h2 *h2);
/* Close all streams with RC and free what open made. */
void gc_h2_fini(struct gc_h2 *h2, int rc);
/* Something was queued. */
void gc_h2_wake(struct gc_h2 *h2);
/* There may be bytes that the peer has to take. */
void gc_h2_watch_output(struct gc_h2 *h2);
/* GOAWAY in two steps, then close when the last stream has ended. */
void gc_h2_drain(struct gc_h2 *h2);
void gc_h2_drain_answered(struct gc_h2 *h2);
/* Cut the connection. */
void gc_h2_fail(struct gc_h2 *h2, int rc);
/* The peer did something odd that costs us COST. */
void gc_h2_glitch(struct gc_h2 *h2, unsigned cost);
/* ... and something useful. */
void gc_h2_useful(struct gc_h2 *h2);

/* --- h2_callbacks.c ----------------------------------------------------------------------------
 */

int gc_h2_callbacks_new(nghttp2_session_callbacks **ret_callbacks);

/* --- h2_data.c: streams and what they send ------------------------------------------------------
 */

/* NULL when there is no memory. */
struct h2_stream *gc_h2_stream_new(struct gc_h2 *h2, int32_t id);
/* on_close, then the memory goes. */
void gc_h2_stream_free(struct h2_stream *s, int rc, unsigned h2_code);
void gc_h2_data_callbacks(nghttp2_session_callbacks *callbacks);
/* Request with HEAD on a new client stream S; sets its id. */
int gc_h2_submit_request(struct h2_stream *s, const struct gc_http_head *head, bool end);
/* A code of nghttp2 as ours. */
int gc_h2_rc(int ng_rc);

#endif
