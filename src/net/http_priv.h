/* SPDX-License-Identifier: MIT */
/* What the carriers (net/h2_*.c, net/http1.c) and http_server.c share below net/http.h.
 *
 * A stream is made by its carrier, which embeds struct gc_http_stream. http.c keeps the rules of
 * the interface (what may be called when) and the outgoing queue; the carrier moves bytes.
 * A link is the protocol on one server connection; http_server.c feeds it. */
#ifndef GC_NET_HTTP_PRIV_H
#define GC_NET_HTTP_PRIV_H

#include "net/conn.h"
#include "net/http.h"
#include "net/http_queue.h"

#define GC_HTTP_ARENA_MAX      (256 * 1024)
#define GC_HTTP_FIELDS_OUT_MAX 128 /* a head or trailers of ours */

/* --- counting ----------------------------------------------------------------------------------
 */

struct gc_http_counts { /* NULL members: nobody asked for metrics */
#define GC_METRIC(member, name, labels, help) struct gc_counter *member;
#include "net/http_counts.tbl.h"
#undef GC_METRIC
};

/* METRICS may be NULL. */
void gc_http_counts_init(struct gc_http_counts *counts, struct gc_metrics *metrics);

static inline void
gc_http_count(struct gc_counter *counter)
{
    if (counter != NULL) {
        gc_counter_inc(counter);
    }
}

/* --- incoming fields ---------------------------------------------------------------------------
 */

/* A head or trailers while it arrives; copies are in the stream's arena. */
struct gc_http_intake {
    struct gc_http_head head;
    struct gc_http_field *fields;
    size_t n_fields, cap;
    size_t bytes;   /* name + value + 32 of everything seen */
    unsigned count; /* of everything seen */
    bool over;      /* a limit was passed: the rest is counted no more */
};

/* Count FIELD against the limits of CONF: false when over. */
bool gc_http_intake_count(struct gc_http_intake *intake, const struct gc_http_conf *conf,
                          struct gc_str name, struct gc_str value);
/* Keep a copy of FIELD, unless it is one that a peer of CONF may not tell us. */
void gc_http_intake_add(struct gc_http_intake *intake, struct gc_arena *arena,
                        const struct gc_http_conf *conf, struct gc_http_field field);
/* Forget what was received (an interim response). The limits go on counting. */
void gc_http_intake_drop(struct gc_http_intake *intake);

/* --- what may be said --------------------------------------------------------------------------
 */

/* RFC 9110 token in lower case. */
bool gc_http_name_ok(struct gc_str name);
/* No control characters but tab, no blanks around. */
bool gc_http_value_ok(struct gc_str value);
/* Belongs to the connection or the framing, never to the application. */
bool gc_http_name_is_hop(struct gc_str name);

/* --- streams ----------------------------------------------------------------------------------
 */

struct gc_http_carrier {
    unsigned version;
    /* The head is checked and allowed. END: nothing follows. */
    int (*respond)(struct gc_http_stream *s, unsigned status, const struct gc_http_field *fields,
                   size_t n, bool end);
    int (*interim)(struct gc_http_stream *s, unsigned status);
    void (*out_ready)(struct gc_http_stream *s); /* bytes were queued, or the end was set */
    void (*consume)(struct gc_http_stream *s, size_t len);
    void (*reset)(struct gc_http_stream *s, unsigned h2_code);
};

struct gc_http_stream {
    const struct gc_http_carrier *carrier;
    const struct gc_http_handler *handler; /* NULL: nobody listens */
    void *arg;
    struct gc_loop *loop;
    const struct gc_peer *peer;
    const struct gc_http_counts *counts;
    struct gc_arena arena;
    struct gc_http_queue out;
    struct gc_http_intake in;
    const struct gc_http_field *trailers; /* outgoing, in the arena */
    size_t n_trailers;
    size_t unconsumed;    /* given to the application, not yet consumed */
    uint64_t progress_ms; /* when OUT last moved */
    unsigned reset_code;
    bool server;
    bool head_request; /* HEAD: no body in the response */
    bool wants_continue;
    bool continue_sent;
    bool head_sent;
    bool no_body;   /* writes are dropped */
    bool in_ended;  /* the peer is done */
    bool out_ended; /* the application is done */
    bool reset;     /* by us */
    bool choked;    /* the application waits for on_writable */
};

void gc_http_stream_init(struct gc_http_stream *s, const struct gc_http_carrier *carrier,
                         struct gc_conn *conn, const struct gc_http_counts *counts, bool server);
void gc_http_stream_fini(struct gc_http_stream *s);
/* Tell the application; each is a no-op where nobody listens or we have reset. */
void gc_http_stream_request(struct gc_http_stream *s, gc_http_request_fn fn, void *arg);
void gc_http_stream_head(struct gc_http_stream *s);
void gc_http_stream_data(struct gc_http_stream *s, const struct gc_slice *data);
void gc_http_stream_end(struct gc_http_stream *s, const struct gc_http_field *trailers, size_t n);
void gc_http_stream_close(struct gc_http_stream *s, int rc, unsigned h2_code);
/* LEN bytes of OUT went to the connection. True when on_writable is due. */
bool gc_http_stream_sent(struct gc_http_stream *s, size_t len);
void gc_http_stream_writable(struct gc_http_stream *s);
/* What a lost connection's RC means to its streams. */
int gc_http_stream_rc(int conn_rc);

/* --- server connections -------------------------------------------------------------------------
 */

/* What all connections of a server share; they outlive neither it nor each other. */
struct gc_http_service {
    struct gc_http_conf conf; /* defaults filled in */
    struct gc_http_counts counts;
    gc_http_request_fn on_request;
    void *arg;
    size_t n_streams;
};

void gc_http_conf_fill(struct gc_http_conf *conf);

struct gc_http_link;
struct gc_http_link_ops {
    void (*read)(struct gc_http_link *link, const struct gc_slice *data);
    void (*flush)(struct gc_http_link *link);
    void (*eof)(struct gc_http_link *link);
    void (*drain)(struct gc_http_link *link);
    /* The connection is gone: close the streams and free the link. */
    void (*close)(struct gc_http_link *link, int rc);
};
struct gc_http_link {
    const struct gc_http_link_ops *ops;
};

int gc_h2_link_new(struct gc_conn *conn, struct gc_http_service *service,
                   struct gc_http_link **ret_link);
int gc_http1_link_new(struct gc_conn *conn, struct gc_http_service *service,
                      struct gc_http_link **ret_link);

#endif
