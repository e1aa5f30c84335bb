/* SPDX-License-Identifier: MIT */
/* HTTP/1.1 on one server connection.
 *
 * Happy path: bytes gather in HEAD until the parser has a whole head; a stream is made and
 * on_request runs; body bytes go to the stream as they come; when the request is whole, bytes of
 * the next one wait in PENDING. The response is written by flush: its head is rendered there, when
 * it is known whether the body is whole already (content-length) or not (chunked). When both are
 * done the stream closes with 0 and the next request begins.
 *
 * Failure paths, all to the connection's on_close:
 *  - a head or body that breaks the framing: a bare 4xx where no response has begun, then close
 *  - the response is done before the request: close, the rest of the request is never parsed
 *  - reset by the application, a timer in mid-exchange: abort
 *  - the peer's end: in mid-request abort; behind a request it is answered first */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "net/http1_priv.h"

/* A pipelined request or two; more is not read from the socket, but for what was on its way. */
#define PENDING_MAX   (256 * 1024)
#define WRITE_STRIKES 2

static struct gc_http1 *
h1_of(struct gc_http_link *link)
{
    return gc_container_of(link, struct gc_http1, link);
}

static struct http1_stream *
stream_of(struct gc_http_stream *s)
{
    return gc_container_of(s, struct http1_stream, base);
}

static void
h1_fail(struct gc_http1 *h1, int rc)
{
    h1->state = HTTP1_CLOSING;
    gc_timer_stop(&h1->read_timer);
    gc_timer_stop(&h1->write_timer);
    if (h1->conn != NULL) {
        gc_conn_abort(h1->conn, rc);
    }
}

/* Answer STATUS and close. Where a response has begun it is too late for that. */
static void
h1_refuse(struct gc_http1 *h1, unsigned status)
{
    if (h1->stream != NULL && h1->stream->base.head_sent) {
        h1_fail(h1, GC_EPROTO);
        return;
    }
    h1->state = HTTP1_CLOSING;
    h1->error_status = status;
    gc_timer_stop(&h1->read_timer);
    gc_conn_dirty(h1->conn);
}

/* The exchange is over, or the connection is. */
static void
stream_free(struct gc_http1 *h1, int rc)
{
    struct http1_stream *s = h1->stream;

    h1->stream = NULL;
    h1->service->n_streams--;
    if (s->base.reset) {
        rc = GC_ECANCELED;
    }
    gc_http_stream_close(&s->base, rc, rc == GC_ECANCELED ? s->base.reset_code : GC_H2_NO_ERROR);
    gc_http_stream_fini(&s->base);
    free(s);
}

/* --- reading ------------------------------------------------------------------------------------
 */

/* A slow application stops the socket, and so the sender. */
static void
pause_by_window(struct gc_http1 *h1)
{
    const struct http1_stream *s = h1->stream;
    size_t window = h1->service->conf.stream_window;

    if (h1->state == HTTP1_BODY && s != NULL) {
        bool pause = s->base.unconsumed >= window;
        gc_conn_read_pause(h1->conn, pause);
        if (pause) {
            gc_timer_stop(&h1->read_timer);
        } else {
            gc_timer_start(&h1->read_timer, h1->service->conf.write_timeout_ms);
        }
    }
}

static void
request_whole(struct gc_http1 *h1)
{
    gc_timer_stop(&h1->read_timer);
    h1->state = HTTP1_ANSWER;
    gc_conn_read_pause(h1->conn, false); /* so that the peer's end is seen */
    gc_http_stream_end(&h1->stream->base, NULL, 0);
}

/* Body bytes by Content-Length. Returns how many of DATA were the body's. */
static size_t
read_plain(struct gc_http1 *h1, const struct gc_slice *data)
{
    struct gc_slice part = *data;

    part.len = (size_t)GC_MIN((uint64_t)data->len, h1->body_left);
    h1->body_left -= part.len;
    if (part.len > 0) {
        gc_http_stream_data(&h1->stream->base, &part);
    }
    if (h1->body_left == 0 && h1->state == HTTP1_BODY) {
        request_whole(h1);
    }
    return part.len;
}

static size_t
read_chunked(struct gc_http1 *h1, const struct gc_slice *data)
{
    struct gc_str input = { (const char *)data->data, data->len };
    struct gc_str body;
    enum gc_http1_chunk got = GC_HTTP1_CHUNK_DATA;

    while (got == GC_HTTP1_CHUNK_DATA && h1->state == HTTP1_BODY) {
        got = gc_http1_chunked_next(&h1->chunked, &input, &body);
        if (got == GC_HTTP1_CHUNK_DATA && body.len > 0) {
            const struct gc_slice part = { data->owner, (const uint8_t *)body.data, body.len };
            gc_http_stream_data(&h1->stream->base, &part);
        }
    }
    if (got == GC_HTTP1_CHUNK_BAD) {
        gc_http_count(h1->service->counts.malformed);
        h1_refuse(h1, 400);
    } else if (got == GC_HTTP1_CHUNK_END && h1->state == HTTP1_BODY) {
        request_whole(h1);
    }
    return data->len - input.len;
}

static struct http1_stream *stream_new(struct gc_http1 *h1);

static bool
take_fields(struct gc_http1 *h1, struct http1_stream *s, const struct gc_http1_head *head)
{
    struct gc_http_intake *in = &s->base.in;
    const struct gc_http_conf *conf = &h1->service->conf;

    in->head.method = gc_arena_str(&s->base.arena, head->method);
    in->head.authority = gc_arena_str(&s->base.arena, head->authority);
    in->head.path = gc_arena_str(&s->base.arena, head->path);
    in->head.scheme = s->base.peer->tls ? GC_STR("https") : GC_STR("http");
    if (in->head.method.data == NULL || in->head.authority.data == NULL ||
        in->head.path.data == NULL) {
        return false;
    }
    for (size_t i = 0; i < head->n_fields; i++) {
        struct gc_http_field field = { .name = head->fields[i].name,
                                       .value = head->fields[i].value };
        if (!gc_http_intake_count(in, conf, field.name, field.value)) {
            return false;
        }
        gc_http_intake_add(in, &s->base.arena, conf, field);
    }
    return !in->over;
}

static void
start_request(struct gc_http1 *h1, const struct gc_http1_head *head)
{
    struct http1_stream *s = stream_new(h1);

    if (s == NULL) {
        h1_fail(h1, -ENOMEM);
        return;
    }
    h1->used = true;
    h1->minor = head->minor;
    h1->keep_alive = head->keep_alive;
    h1->body_chunked = head->chunked;
    h1->body_left = head->length;
    h1->chunked = (struct gc_http1_chunked){ 0 };
    if (!take_fields(h1, s, head)) {
        gc_http_count(h1->service->counts.head_limit);
        h1_refuse(h1, 431);
        return;
    }
    s->base.in.head.end = !head->chunked && head->length == 0;
    s->base.wants_continue = head->expect_continue;
    h1->state = HTTP1_BODY;
    gc_http_stream_request(&s->base, h1->service->on_request, h1->service->arg);
    if (h1->state == HTTP1_BODY && s->base.in.head.end) {
        request_whole(h1);
    }
    pause_by_window(h1);
}

/* Bytes of a head. Returns how many of DATA were its. */
static size_t
read_head(struct gc_http1 *h1, const struct gc_slice *data)
{
    struct gc_http1_head head;
    size_t before = h1->head.len, head_len = 0;
    size_t part = GC_MIN(data->len, h1->head.max - before); /* one byte too many is enough */
    unsigned status = 431;

    if (before == 0) {
        gc_timer_start(&h1->read_timer, h1->service->conf.header_timeout_ms);
    }
    if (gc_buf_append(&h1->head, data->data, part) == 0) {
        status = gc_http1_scan(&h1->scan, (const char *)h1->head.data, h1->head.len, &head_len);
    }
    if (status == 0 && head_len == 0) {
        return part;
    }
    if (status == 0) {
        status = gc_http1_parse((char *)h1->head.data, head_len, &head);
    }
    if (status != 0) {
        gc_http_count(status == 431 ? h1->service->counts.head_limit
                                    : h1->service->counts.malformed);
        h1_refuse(h1, status);
        return data->len;
    }
    start_request(h1, &head);
    h1->scan = (struct gc_http1_scan){ 0 };
    gc_buf_fini(&h1->head);
    return head_len - before;
}

static void
h1_input(struct gc_http1 *h1, const struct gc_slice *data)
{
    struct gc_slice rest = *data;

    while (rest.len > 0 && h1->state != HTTP1_CLOSING) {
        size_t n;

        if (h1->state == HTTP1_HEAD) {
            n = read_head(h1, &rest);
        } else if (h1->state == HTTP1_BODY) {
            n = h1->body_chunked ? read_chunked(h1, &rest) : read_plain(h1, &rest);
        } else if (gc_buf_append(&h1->pending, rest.data, rest.len) == 0) {
            gc_conn_read_pause(h1->conn, true);
            return;
        } else {
            h1_fail(h1, GC_ELIMIT);
            return;
        }
        rest.data += n;
        rest.len -= n;
    }
    pause_by_window(h1);
}

/* --- from one exchange to the next ---
 */

static void
refuse_now(struct gc_http1 *h1)
{
    gc_http1_write_refusal(h1);
    if (h1->stream != NULL) {
        stream_free(h1, GC_EPROTO);
    }
    gc_conn_close(h1->conn, GC_EPROTO);
}

static void
h1_close(struct gc_http1 *h1, int rc)
{
    h1->state = HTTP1_CLOSING;
    gc_timer_stop(&h1->read_timer);
    gc_timer_stop(&h1->write_timer);
    gc_conn_close(h1->conn, rc);
}

static void
await_request(struct gc_http1 *h1)
{
    const struct gc_http_conf *conf = &h1->service->conf;

    h1->state = HTTP1_HEAD;
    gc_timer_start(&h1->read_timer, h1->used ? conf->idle_timeout_ms : conf->handshake_timeout_ms);
}

/* The response is out. On to the next request, if there may be one. */
static void
finish_exchange(struct gc_http1 *h1)
{
    bool whole = h1->stream->base.in_ended;
    struct gc_buf pending;
    struct gc_bytes *bytes = NULL;

    stream_free(h1, 0);
    if (h1->state == HTTP1_CLOSING) {
        return;
    }
    if (!whole || !h1->keep_alive || h1->draining || (h1->eof && h1->pending.len == 0)) {
        h1_close(h1, 0);
        return;
    }
    await_request(h1);
    if (h1->pending.len > 0) {
        pending = h1->pending;
        gc_buf_init(&h1->pending, PENDING_MAX);
        bytes = gc_bytes_copy(pending.data, pending.len);
        gc_buf_fini(&pending);
        if (bytes == NULL) {
            h1_fail(h1, -ENOMEM);
            return;
        }
        h1_input(h1, &(struct gc_slice){ bytes, bytes->data, bytes->len });
        gc_bytes_unref(bytes);
    }
    if (h1->state != HTTP1_CLOSING && h1->pending.len == 0) {
        gc_conn_read_pause(h1->conn, false);
        pause_by_window(h1);
    }
}

static void
h1_flush(struct gc_http_link *link)
{
    struct gc_http1 *h1 = h1_of(link);
    struct http1_stream *s = h1->stream;
    int rc;

    if (h1->error_status != 0) {
        refuse_now(h1);
        return;
    }
    if (s == NULL || h1->state == HTTP1_CLOSING) {
        return;
    }
    rc = gc_http1_write_response(h1, s);
    if (rc != 0) {
        h1_fail(h1, rc);
    } else if (s->done) {
        finish_exchange(h1);
    } else if (s->base.choked && s->base.out.bytes <= GC_HTTP_QUEUE_LOW) {
        gc_http_stream_writable(&s->base);
    }
}

/* --- the carrier --------------------------------------------------------------------------------
 */

static void
watch_output(struct gc_http1 *h1)
{
    if (!gc_timer_active(&h1->write_timer)) {
        h1->write_strikes = 0;
        h1->bytes_out_seen = gc_conn_bytes_out(h1->conn);
        gc_timer_start(&h1->write_timer, h1->service->conf.write_timeout_ms / WRITE_STRIKES + 1);
    }
}

static int
h1_respond(struct gc_http_stream *base, unsigned status, const struct gc_http_field *fields,
           size_t n, bool end)
{
    struct http1_stream *s = stream_of(base);
    struct gc_http_field *copy = gc_arena_alloc(&base->arena, (n + 1) * sizeof(*copy));

    if (copy == NULL) {
        return GC_ELIMIT;
    }
    for (size_t i = 0; i < n; i++) {
        copy[i].name = gc_arena_str(&base->arena, fields[i].name);
        copy[i].value = gc_arena_str(&base->arena, fields[i].value);
        if (copy[i].name.data == NULL || copy[i].value.data == NULL) {
            return GC_ELIMIT;
        }
    }
    s->status = status;
    s->fields = copy;
    s->n_fields = n;
    (void)end; /* seen by flush */
    return 0;
}

static int
h1_interim(struct gc_http_stream *base, unsigned status)
{
    struct http1_stream *s = stream_of(base);

    (void)status;
    s->interim_due = true;
    gc_conn_dirty(s->h1->conn);
    return 0;
}

static void
h1_out_ready(struct gc_http_stream *base)
{
    struct gc_http1 *h1 = stream_of(base)->h1;

    if (h1->conn != NULL) {
        watch_output(h1);
        gc_conn_dirty(h1->conn);
    }
}

static void
h1_consume(struct gc_http_stream *base, size_t len)
{
    struct gc_http1 *h1 = stream_of(base)->h1;
    size_t window = h1->service->conf.stream_window;

    /* Not at each step: only when a good part of the window is free again. */
    if (h1->conn != NULL && h1->state == HTTP1_BODY && base->unconsumed + len > window / 2 &&
        base->unconsumed <= window / 2) {
        pause_by_window(h1);
    }
}

static void
h1_reset(struct gc_http_stream *base, unsigned h2_code)
{
    (void)h2_code;
    gc_http_queue_keep(&base->out, 0);
    h1_fail(stream_of(base)->h1, GC_ECANCELED);
}

static const struct gc_http_carrier h1_carrier = {
    .version = 1,
    .respond = h1_respond,
    .interim = h1_interim,
    .out_ready = h1_out_ready,
    .consume = h1_consume,
    .reset = h1_reset,
};

static struct http1_stream *
stream_new(struct gc_http1 *h1)
{
    struct http1_stream *s = calloc(1, sizeof(*s));

    if (s == NULL) {
        return NULL;
    }
    gc_http_stream_init(&s->base, &h1_carrier, h1->conn, &h1->service->counts, true);
    s->h1 = h1;
    h1->stream = s;
    h1->service->n_streams++;
    return s;
}

/* --- timers and the end -------------------------------------------------------------------------
 */

static void
on_read_timer(struct gc_timer *timer)
{
    struct gc_http1 *h1 = gc_container_of(timer, struct gc_http1, read_timer);

    const struct gc_http_counts *counts = &h1->service->counts;

    if (h1->state == HTTP1_HEAD && h1->head.len == 0) {
        gc_http_count(h1->used ? counts->timeout_idle : counts->timeout_setup);
        h1_close(h1, h1->used ? 0 : GC_EDEADLINE); /* idle: nobody waits for an answer */
    } else if (h1->state == HTTP1_HEAD) {
        gc_http_count(counts->timeout_head);
        h1_refuse(h1, 408);
    } else {
        gc_http_count(counts->timeout_body);
        h1_fail(h1, GC_EDEADLINE);
    }
}

/* Has the peer taken anything since, while there was something to take? */
static void
on_write_timer(struct gc_timer *timer)
{
    struct gc_http1 *h1 = gc_container_of(timer, struct gc_http1, write_timer);
    uint64_t bytes_out = gc_conn_bytes_out(h1->conn);
    bool output =
        gc_conn_room(h1->conn) == 0 || (h1->stream != NULL && h1->stream->base.out.bytes > 0);

    if (!output) {
        return;
    }
    h1->write_strikes = bytes_out == h1->bytes_out_seen ? h1->write_strikes + 1 : 0;
    h1->bytes_out_seen = bytes_out;
    if (h1->write_strikes >= WRITE_STRIKES) {
        gc_http_count(h1->service->counts.timeout_write);
        h1_fail(h1, GC_EDEADLINE);
        return;
    }
    gc_timer_start(&h1->write_timer, h1->service->conf.write_timeout_ms / WRITE_STRIKES + 1);
}

static void
h1_read(struct gc_http_link *link, const struct gc_slice *data)
{
    h1_input(h1_of(link), data);
}

static void
h1_eof(struct gc_http_link *link)
{
    struct gc_http1 *h1 = h1_of(link);

    h1->eof = true;
    if (h1->state == HTTP1_BODY || (h1->state == HTTP1_HEAD && h1->head.len > 0)) {
        h1_fail(h1, GC_ECLOSED);
    } else if (h1->state == HTTP1_HEAD) {
        h1_close(h1, GC_ECLOSED);
    }
}

static void
h1_drain(struct gc_http_link *link)
{
    struct gc_http1 *h1 = h1_of(link);

    h1->draining = true;
    if (h1->state == HTTP1_HEAD && h1->head.len == 0) {
        h1_close(h1, 0);
    }
}

static void
h1_link_close(struct gc_http_link *link, int rc)
{
    struct gc_http1 *h1 = h1_of(link);

    h1->conn = NULL;
    h1->state = HTTP1_CLOSING;
    gc_timer_stop(&h1->read_timer);
    gc_timer_stop(&h1->write_timer);
    if (h1->stream != NULL) {
        stream_free(h1, gc_http_stream_rc(rc));
    }
    gc_buf_fini(&h1->head);
    gc_buf_fini(&h1->pending);
    free(h1);
}

static const struct gc_http_link_ops h1_ops = {
    .read = h1_read,
    .flush = h1_flush,
    .eof = h1_eof,
    .drain = h1_drain,
    .close = h1_link_close,
};

int
gc_http1_link_new(struct gc_conn *conn, struct gc_http_service *service,
                  struct gc_http_link **ret_link)
{
    struct gc_http1 *h1 = calloc(1, sizeof(*h1));

    if (h1 == NULL) {
        return -ENOMEM;
    }
    h1->link.ops = &h1_ops;
    h1->service = service;
    h1->conn = conn;
    gc_buf_init(&h1->head, GC_HTTP1_HEAD_MAX + 1);
    gc_buf_init(&h1->pending, PENDING_MAX);
    gc_timer_init(&h1->read_timer, gc_conn_loop(conn), on_read_timer);
    gc_timer_init(&h1->write_timer, gc_conn_loop(conn), on_write_timer);
    await_request(h1);
    *ret_link = &h1->link;
    return 0;
}
