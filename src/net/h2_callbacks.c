/* SPDX-License-Identifier: MIT */
/* What nghttp2 tells us, passed on to streams and the session. nghttp2 has checked the framing and
 * the HTTP semantics (pseudo fields, content-length, states) before. */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "net/h2_priv.h"

/* A window update that is not worth its frame. */
#define SMALL_UPDATE_BYTES 1024

/* Between an early answer and the reset of the rest of the request. */
#define EARLY_LINGER_MS 1000

/* Empty DATA, PING, SETTINGS, PRIORITY, unknown, tiny WINDOW_UPDATE. */
#define COST_ODD_FRAME 1u
#define COST_CANCEL    2u  /* a request taken back unanswered */
#define COST_RESET     10u /* made us reset a stream */

static struct gc_str
str_of(const uint8_t *data, size_t len)
{
    return (struct gc_str){ (const char *)data, len };
}

static struct h2_stream *
find(nghttp2_session *ng, int32_t id)
{
    return id != 0 ? nghttp2_session_get_stream_user_data(ng, id) : NULL;
}

/* --- heads -------------------------------------------------------------------------------------
 */

static int
on_begin_headers(nghttp2_session *ng, const nghttp2_frame *frame, void *arg)
{
    struct gc_h2 *h2 = arg;
    struct h2_stream *s;

    h2->head_id = frame->hd.stream_id;
    gc_timer_start(&h2->head_timer, h2->conf->header_timeout_ms);
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) {
        return 0;
    }
    s = gc_h2_stream_new(h2, frame->hd.stream_id);
    if (s == NULL) {
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* nghttp2 resets the stream */
    }
    (void)nghttp2_session_set_stream_user_data(ng, s->id, s);
    return 0;
}

static unsigned
parse_status(struct gc_str text)
{
    uint64_t status = 0;

    (void)gc_str_u64(text, 999, &status);
    return (unsigned)status;
}

static void
take_pseudo(struct h2_stream *s, struct gc_str name, struct gc_str value)
{
    struct gc_http_head *head = &s->base.in.head;
    struct gc_str copy;

    if (gc_str_eq_cstr(name, ":status")) {
        head->status = parse_status(value);
        return;
    }
    copy = gc_arena_str(&s->base.arena, value);
    if (copy.data == NULL) {
        s->base.in.over = true;
    } else if (gc_str_eq_cstr(name, ":method")) {
        head->method = copy;
    } else if (gc_str_eq_cstr(name, ":scheme")) {
        head->scheme = copy;
    } else if (gc_str_eq_cstr(name, ":authority")) {
        head->authority = copy;
    } else if (gc_str_eq_cstr(name, ":path")) {
        head->path = copy;
    }
}

/* Host names the authority where :authority is missing, and may not contradict it. nghttp2 lets
 * neither come twice, and pseudo fields come first. */
static void
take_host(struct h2_stream *s, struct gc_str value)
{
    struct gc_http_head *head = &s->base.in.head;

    if (head->authority.len == 0) {
        head->authority = gc_arena_str(&s->base.arena, value);
    } else if (!gc_str_eq(head->authority, value)) {
        gc_h2_glitch(s->h2, COST_RESET);
        gc_http_reset(&s->base, GC_H2_PROTOCOL_ERROR);
    }
}

/* NOLINTBEGIN(readability-function-size): the signature is nghttp2's */
static int
on_header(nghttp2_session *ng, const nghttp2_frame *frame, const uint8_t *name_data,
          size_t name_len, const uint8_t *value_data, size_t value_len, uint8_t flags, void *arg)
{
    struct gc_h2 *h2 = arg;
    struct h2_stream *s = find(ng, frame->hd.stream_id);
    struct gc_str name = str_of(name_data, name_len);
    struct gc_str value = str_of(value_data, value_len);

    /* Beyond the limits nothing is kept; nghttp2 goes on decoding for the connection's sake. */
    if (s == NULL || !gc_http_intake_count(&s->base.in, h2->conf, name, value)) {
        return 0;
    }
    if (name_len > 0 && name_data[0] == ':') {
        take_pseudo(s, name, value);
        return 0;
    }
    if (h2->server && !s->head_done && gc_str_eq_cstr(name, "host")) {
        take_host(s, value);
        return 0;
    }
    if (h2->server && gc_str_eq_cstr(name, "expect")) {
        s->base.wants_continue = gc_str_ieq_cstr(value, "100-continue");
        return 0;
    }
    gc_http_intake_add(&s->base.in, &s->base.arena, h2->conf,
                       (struct gc_http_field){
                           .name = name,
                           .value = value,
                           .sensitive = (flags & NGHTTP2_NV_FLAG_NO_INDEX) != 0,
                       });
    return 0;
}
/* NOLINTEND(readability-function-size) */

/* The response is whole: whatever we have not sent of the request is wanted no more. */
static void
response_ended(struct gc_h2 *h2, struct h2_stream *s)
{
    if (!h2->server && !s->out_sent && !s->base.reset) {
        gc_http_queue_keep(&s->base.out, s->committed);
        s->base.out_ended = true;
        (void)nghttp2_submit_rst_stream(h2->ng, NGHTTP2_FLAG_NONE, s->id, NGHTTP2_NO_ERROR);
    }
}

static void
head_received(struct gc_h2 *h2, struct h2_stream *s, bool end)
{
    struct gc_http_intake *in = &s->base.in;
    bool interim = !h2->server && in->head.status >= 100 && in->head.status < 200;

    if (interim) {
        gc_http_intake_drop(in);
        return;
    }
    s->head_done = true;
    in->head.end = end;
    h2->role->on_head(h2, s);
    gc_http_intake_drop(in); /* from here on it collects trailers */
    if (end && !s->base.reset) {
        gc_http_stream_end(&s->base, NULL, 0);
    }
    s->base.in_ended = s->base.in_ended || end;
    if (end) {
        response_ended(h2, s);
    }
}

static void
headers_received(struct gc_h2 *h2, const nghttp2_frame *frame)
{
    struct h2_stream *s = find(h2->ng, frame->hd.stream_id);
    bool end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;

    gc_timer_stop(&h2->head_timer);
    gc_h2_useful(h2);
    if (s == NULL) {
        return;
    }
    if (!s->head_done) {
        head_received(h2, s, end);
    } else if (s->base.in.over) {
        gc_http_reset(&s->base, GC_H2_PROTOCOL_ERROR);
    } else {
        gc_http_stream_end(&s->base, s->base.in.fields, s->base.in.n_fields);
        response_ended(h2, s);
    }
}

/* --- data --------------------------------------------------------------------------------------
 */

/* The connection's window is given back at once: an application that does not consume stops its own
 * stream, never the others. */
static int
on_data_chunk(nghttp2_session *ng, uint8_t flags, int32_t id, const uint8_t *data, size_t len,
              void *arg)
{
    struct gc_h2 *h2 = arg;
    struct h2_stream *s = find(ng, id);
    struct gc_slice slice = { .owner = h2->reading, .data = data, .len = len };

    (void)flags;
    (void)nghttp2_session_consume_connection(ng, len);
    if (s != NULL) {
        gc_http_stream_data(&s->base, &slice);
    }
    return 0;
}

static void
data_received(struct gc_h2 *h2, const nghttp2_frame *frame)
{
    bool end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    struct h2_stream *s = end ? find(h2->ng, frame->hd.stream_id) : NULL;

    if (frame->hd.length == 0 && !end) {
        gc_h2_glitch(h2, COST_ODD_FRAME);
    } else {
        gc_h2_useful(h2);
    }
    if (s != NULL) {
        gc_http_stream_end(&s->base, NULL, 0);
        response_ended(h2, s);
    }
}

/* --- frames ------------------------------------------------------------------------------------
 */

static void
ping_received(struct gc_h2 *h2, const nghttp2_frame *frame)
{
    if ((frame->hd.flags & NGHTTP2_FLAG_ACK) == 0) {
        gc_h2_glitch(h2, COST_ODD_FRAME);
    } else if (gc_timer_active(&h2->drain_timer)) {
        gc_h2_drain_answered(h2);
    }
}

static void
settings_received(struct gc_h2 *h2, const nghttp2_frame *frame)
{
    if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0) {
        return;
    }
    if (h2->ready) {
        gc_h2_glitch(h2, COST_ODD_FRAME);
    }
    h2->ready = true;
    gc_timer_stop(&h2->setup_timer);
    if (h2->role->on_settings != NULL) {
        h2->role->on_settings(h2);
    }
}

static int
on_begin_frame(nghttp2_session *ng, const nghttp2_frame_hd *head, void *arg)
{
    struct gc_h2 *h2 = arg;

    if (head->type == NGHTTP2_PRIORITY && head->stream_id == 0) {
        /* Priorities are off, so nghttp2 does not look at it. */
        (void)nghttp2_session_terminate_session(ng, NGHTTP2_PROTOCOL_ERROR);
    } else if (head->type == NGHTTP2_PRIORITY || head->type > NGHTTP2_CONTINUATION) {
        gc_h2_glitch(h2, COST_ODD_FRAME);
    }
    return 0;
}

/* Frames of unknown types are read as extensions, or nghttp2 would not tell of them at all. */
static int
on_unknown_frame(nghttp2_session *ng, void **ret_payload, const nghttp2_frame_hd *head, void *arg)
{
    (void)ng;
    (void)ret_payload;
    (void)head;
    (void)arg;
    return NGHTTP2_ERR_CANCEL; /* forget it */
}

static int
on_frame_recv(nghttp2_session *ng, const nghttp2_frame *frame, void *arg)
{
    struct gc_h2 *h2 = arg;
    struct h2_stream *s;

    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
        headers_received(h2, frame);
        break;
    case NGHTTP2_DATA:
        data_received(h2, frame);
        break;
    case NGHTTP2_RST_STREAM:
        s = find(ng, frame->hd.stream_id);
        if (s != NULL) {
            s->peer_reset = true;
            gc_h2_glitch(h2, h2->server && !s->base.head_sent ? COST_CANCEL : 0);
        }
        break;
    case NGHTTP2_SETTINGS:
        settings_received(h2, frame);
        break;
    case NGHTTP2_PING:
        ping_received(h2, frame);
        break;
    case NGHTTP2_WINDOW_UPDATE:
        if (frame->window_update.window_size_increment < SMALL_UPDATE_BYTES) {
            gc_h2_glitch(h2, COST_ODD_FRAME);
        }
        break;
    case NGHTTP2_GOAWAY:
        if (h2->role->on_goaway != NULL) {
            h2->role->on_goaway(h2);
        }
        break;
    default:
        break;
    }
    return 0;
}

static int
on_invalid_frame(nghttp2_session *ng, const nghttp2_frame *frame, int ng_rc, void *arg)
{
    struct gc_h2 *h2 = arg;

    (void)ng;
    (void)ng_rc;
    if (frame->hd.type == NGHTTP2_HEADERS) {
        gc_timer_stop(&h2->head_timer);
    }
    return 0;
}

/* Only what the peer caused is held against it. A refused stream may be an honest race with our
 * SETTINGS. */
static void
reset_sent(struct gc_h2 *h2, const nghttp2_frame *frame)
{
    const struct h2_stream *s = find(h2->ng, frame->hd.stream_id);

    if (s != NULL && s->base.reset) {
        return;
    }
    if (frame->rst_stream.error_code == NGHTTP2_REFUSED_STREAM) {
        gc_http_count(h2->counts->stream_limit);
        gc_h2_glitch(h2, COST_ODD_FRAME);
    } else if (frame->rst_stream.error_code != NGHTTP2_NO_ERROR) {
        gc_h2_glitch(h2, COST_RESET);
    }
}

/* A server that has answered before the request was whole wants no more of it, and the application
 * is done. The reset waits a little: clients exist that forget the answer when they are reset while
 * they send. What they still send is thrown away, and its credit withheld. */
static void
end_sent(struct gc_h2 *h2, struct h2_stream *s)
{
    s->out_sent = true;
    if (h2->server && !s->base.in_ended) {
        gc_http_stream_close(&s->base, 0, GC_H2_NO_ERROR);
        gc_timer_start(&s->linger_timer, EARLY_LINGER_MS);
    }
}

static int
on_frame_send(nghttp2_session *ng, const nghttp2_frame *frame, void *arg)
{
    struct gc_h2 *h2 = arg;
    struct h2_stream *s;

    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
    case NGHTTP2_DATA:
        gc_h2_useful(h2);
        s = find(ng, frame->hd.stream_id);
        if (s != NULL && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
            end_sent(h2, s);
        }
        break;
    case NGHTTP2_RST_STREAM:
        reset_sent(h2, frame);
        break;
    case NGHTTP2_GOAWAY:
        if (frame->goaway.error_code != NGHTTP2_NO_ERROR && h2->rc == 0) {
            h2->rc = GC_EPROTO;
        }
        break;
    default:
        break;
    }
    return 0;
}

/* --- the end -----------------------------------------------------------------------------------
 */

static int
close_rc(const struct h2_stream *s, uint32_t ng_code)
{
    bool answered = s->base.server ? s->out_sent : s->base.in_ended;

    if (s->expired) {
        return GC_EDEADLINE;
    }
    if (s->base.reset) {
        return GC_ECANCELED;
    }
    if (s->base.in_ended && s->out_sent) {
        return 0;
    }
    if (ng_code == NGHTTP2_NO_ERROR && answered) {
        return 0; /* the answer was whole before the request was */
    }
    if (s->peer_reset) {
        return answered && s->base.server ? 0 : GC_ECANCELED;
    }
    return ng_code == NGHTTP2_REFUSED_STREAM ? GC_ECANCELED : GC_EPROTO;
}

static int
on_stream_close(nghttp2_session *ng, int32_t id, uint32_t ng_code, void *arg)
{
    struct gc_h2 *h2 = arg;
    struct h2_stream *s = find(ng, id);
    int rc;

    if (id == h2->head_id) {
        gc_timer_stop(&h2->head_timer);
    }
    if (s == NULL) {
        return 0;
    }
    rc = close_rc(s, ng_code);
    (void)nghttp2_session_set_stream_user_data(ng, id, NULL);
    gc_h2_stream_free(s, rc, rc == 0 ? GC_H2_NO_ERROR : ng_code);
    if (h2->n_streams == 0 && h2->server) {
        gc_timer_start(&h2->idle_timer, h2->conf->idle_timeout_ms);
    }
    return 0;
}

int
gc_h2_callbacks_new(nghttp2_session_callbacks **ret_callbacks)
{
    nghttp2_session_callbacks *cb;

    if (nghttp2_session_callbacks_new(&cb) != 0) {
        return -ENOMEM;
    }
    nghttp2_session_callbacks_set_on_begin_frame_callback(cb, on_begin_frame);
    nghttp2_session_callbacks_set_unpack_extension_callback(cb, on_unknown_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(cb, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame_recv);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(cb, on_invalid_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data_chunk);
    nghttp2_session_callbacks_set_on_frame_send_callback(cb, on_frame_send);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_stream_close);
    gc_h2_data_callbacks(cb);
    *ret_callbacks = cb;
    return 0;
}
