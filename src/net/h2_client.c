/* SPDX-License-Identifier: MIT */
/* The client end of HTTP/2: one connection, requests on it.
 *
 * dial -> on_open: session -> SETTINGS: on_ready -> requests -> (GOAWAY, ids used up, shutdown:
 * on_drain) -> the last stream ends -> on_close. Any failure on the way: streams close, then
 * on_close with the reason. The client is freed after on_close has returned, nowhere else. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/macros.h"
#include "net/h2_priv.h"

/* Stream ids end at 2^31 - 1: stop well before. */
#define STREAM_ID_LAST (INT32_MAX - 1000)

struct gc_http_client {
    struct gc_h2 h2;
    struct gc_http_conf conf;
    struct gc_http_counts counts;
    const struct gc_http_client_ops *ops;
    void *arg;
    struct gc_conn *conn; /* NULL: it is gone */
    bool told_ready;
    bool told_drain;
    bool no_more;  /* no new requests */
    bool starved;  /* somebody saw no slot */
    bool shutdown; /* close after the last stream */
    bool in_close;
};

static struct gc_http_client *
client_of(struct gc_h2 *h2)
{
    return gc_container_of(h2, struct gc_http_client, h2);
}

/* --- what the session tells ---------------------------------------------------------------------
 */

static void
on_head(struct gc_h2 *h2, struct h2_stream *s)
{
    if (s->base.in.over) {
        gc_http_count(h2->counts->head_limit);
    }
    if (s->base.in.over || s->base.in.head.status < 200) {
        gc_http_reset(&s->base, GC_H2_PROTOCOL_ERROR);
    } else {
        gc_http_stream_head(&s->base);
    }
}

static void
on_goaway(struct gc_h2 *h2)
{
    client_of(h2)->no_more = true;
}

/* After the last stream GOAWAY goes out, and with it the session is over. */
static void
finish_shutdown(struct gc_http_client *c)
{
    if (c->shutdown && c->h2.n_streams == 0 && !c->h2.draining) {
        c->h2.draining = true;
        (void)nghttp2_submit_goaway(c->h2.ng, NGHTTP2_FLAG_NONE, 0, NGHTTP2_NO_ERROR, NULL, 0);
    }
}

static void
on_settle(struct gc_h2 *h2)
{
    struct gc_http_client *c = client_of(h2);

    if (nghttp2_session_get_next_stream_id(h2->ng) > STREAM_ID_LAST) {
        c->no_more = true;
    }
    if (h2->ready && !c->told_ready && !c->no_more) {
        c->told_ready = true;
        c->ops->on_ready(c, c->arg);
    }
    if (c->no_more && !c->told_drain) {
        c->told_drain = true;
        if (c->ops->on_drain != NULL) {
            c->ops->on_drain(c, c->arg);
        }
    }
    if (c->starved && gc_http_client_slots(c) > 0) {
        c->starved = false;
        if (c->ops->on_slots != NULL) {
            c->ops->on_slots(c, c->arg);
        }
    }
    finish_shutdown(c);
}

static const struct gc_h2_role client_role = {
    .on_head = on_head,
    .on_goaway = on_goaway,
    .on_settle = on_settle,
};

/* --- the connection ----------------------------------------------------------------------------
 */

static void
on_open(struct gc_conn *conn, void *arg)
{
    struct gc_http_client *c = arg;
    int rc;

    if (gc_conn_peer(conn)->tls && !gc_conn_is_h2(conn)) {
        gc_conn_abort(conn, GC_EPROTO);
        return;
    }
    rc = gc_h2_open(&c->h2, conn);
    if (rc != 0) {
        gc_conn_abort(conn, rc);
    }
}

static void
on_read(struct gc_conn *conn, void *arg, const struct gc_slice *data)
{
    struct gc_http_client *c = arg;

    (void)conn;
    if (c->h2.ng != NULL) {
        gc_h2_read(&c->h2, data);
    }
}

static void
on_flush(struct gc_conn *conn, void *arg)
{
    struct gc_http_client *c = arg;

    (void)conn;
    if (c->h2.ng != NULL) {
        gc_h2_flush(&c->h2);
    }
}

static void
on_eof(struct gc_conn *conn, void *arg)
{
    struct gc_http_client *c = arg;

    if (c->h2.ng != NULL) {
        gc_h2_fail(&c->h2, GC_ECLOSED);
    } else {
        gc_conn_abort(conn, GC_ECLOSED);
    }
}

static void
on_close(struct gc_conn *conn, void *arg, int rc)
{
    struct gc_http_client *c = arg;

    (void)conn;
    c->conn = NULL;
    c->no_more = true;
    gc_h2_fini(&c->h2, rc);
    c->ops->on_close(c, c->arg, rc);
    free(c);
}

static const struct gc_conn_ops conn_ops = {
    .on_open = on_open,
    .on_read = on_read,
    .on_flush = on_flush,
    .on_eof = on_eof,
    .on_close = on_close,
};

/* --- what the application asks -------------------------------------------------------------------
 */

int
gc_http_client_start(struct gc_loop *loop, const struct gc_http_conf *conf,
                     const struct gc_http_dial *dial, const struct gc_http_client_ops *ops,
                     void *arg, struct gc_http_client **ret_client)
{
    struct gc_http_client *c = calloc(1, sizeof(*c));
    const struct gc_dial_conf dial_conf = {
        .addr = dial->addr,
        .tls = dial->tls,
        .expect_name = dial->expect_name,
        .timeout_ms = dial->timeout_ms,
    };
    int rc;

    if (c == NULL) {
        return -ENOMEM;
    }
    if (conf != NULL) {
        c->conf = *conf;
    }
    gc_http_conf_fill(&c->conf);
    gc_http_counts_init(&c->counts, c->conf.metrics);
    c->ops = ops;
    c->arg = arg;
    c->h2.conf = &c->conf;
    c->h2.counts = &c->counts;
    c->h2.role = &client_role;
    rc = gc_dial_start(loop, &dial_conf, &conn_ops, c, &c->conn);
    if (rc != 0) {
        free(c);
        return rc;
    }
    *ret_client = c;
    return 0;
}

unsigned
gc_http_client_slots(const struct gc_http_client *c)
{
    size_t max;

    if (!c->h2.ready || c->no_more || c->h2.closing) {
        return 0;
    }
    max = nghttp2_session_get_remote_settings(c->h2.ng, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
    max = GC_MIN(max, c->conf.streams_max);
    return max > c->h2.n_streams ? (unsigned)(max - c->h2.n_streams) : 0;
}

const struct gc_peer *
gc_http_client_peer(const struct gc_http_client *c)
{
    return c->conn != NULL ? gc_conn_peer(c->conn) : NULL;
}

static bool
request_ok(const struct gc_http_head *head)
{
    if (head->n_fields > GC_HTTP_FIELDS_OUT_MAX) {
        return false;
    }
    for (size_t i = 0; i < head->n_fields; i++) {
        const struct gc_http_field *field = &head->fields[i];
        bool te = gc_str_eq_cstr(field->name, "te") && gc_str_eq_cstr(field->value, "trailers");
        if (!gc_http_name_ok(field->name) || !gc_http_value_ok(field->value) ||
            (gc_http_name_is_hop(field->name) && !te)) {
            return false;
        }
    }
    return head->method.len > 0 && head->path.len > 0 && gc_http_value_ok(head->method) &&
           gc_http_value_ok(head->path) && gc_http_value_ok(head->authority);
}

int
gc_http_request(struct gc_http_client *c, const struct gc_http_head *head, bool end,
                const struct gc_http_handler *handler, void *arg,
                struct gc_http_stream **ret_stream)
{
    struct h2_stream *s;
    int rc;

    if (!c->h2.ready || c->no_more || c->h2.closing) {
        return GC_EUNAVAILABLE;
    }
    if (gc_http_client_slots(c) == 0) {
        c->starved = true;
        return GC_ELIMIT;
    }
    if (!request_ok(head)) {
        return GC_EPARSE;
    }
    s = gc_h2_stream_new(&c->h2, 0);
    if (s == NULL) {
        return -ENOMEM;
    }
    rc = gc_h2_submit_request(s, head, end);
    if (rc != 0) {
        gc_h2_stream_free(s, rc, 0); /* it has no handler yet: nobody is called */
        return rc;
    }
    gc_http_set_handler(&s->base, handler, arg);
    s->base.head_sent = true;
    s->base.out_ended = end;
    if (gc_http_client_slots(c) == 0) {
        c->starved = true;
    }
    gc_h2_wake(&c->h2);
    *ret_stream = &s->base;
    return 0;
}

int
gc_http_client_ping(struct gc_http_client *c)
{
    int rc;

    if (!c->h2.ready || c->h2.closing) {
        return GC_EUNAVAILABLE;
    }
    rc = nghttp2_submit_ping(c->h2.ng, NGHTTP2_FLAG_NONE, NULL);
    gc_h2_wake(&c->h2);
    return gc_h2_rc(rc);
}

uint64_t
gc_http_client_last_read_ms(const struct gc_http_client *c)
{
    return c->h2.last_read_ms;
}

void
gc_http_client_shutdown(struct gc_http_client *c)
{
    c->no_more = true;
    c->told_drain = true; /* the caller knows */
    c->shutdown = true;
    if (c->conn == NULL || c->h2.closing) {
        return;
    }
    if (c->h2.ng == NULL) {
        gc_conn_abort(c->conn, GC_ECANCELED);
        return;
    }
    if (!c->h2.busy) {
        finish_shutdown(c);
        gc_h2_wake(&c->h2);
    }
}

void
gc_http_client_abort(struct gc_http_client *c)
{
    c->no_more = true;
    c->told_drain = true;
    if (c->conn == NULL) {
        return;
    }
    if (c->h2.ng != NULL) {
        gc_h2_fail(&c->h2, GC_ECANCELED);
    } else {
        gc_conn_abort(c->conn, GC_ECANCELED);
    }
}
