/* SPDX-License-Identifier: MIT */
/* Streams of a session: what they send. Body bytes are not copied into nghttp2: it asks read_body
 * how much there is, makes a frame head, and has send_body put head and bytes into the connection.
 * send_body is also where output is bounded: nghttp2 goes from frame to frame without returning to
 * flush, so a test there alone would let a whole window per stream pile up. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "net/h2_priv.h"

#define FRAME_HEAD_BYTES  9
#define FRAME_BYTES_SMALL 16384
#define PSEUDO_MAX        4

static struct h2_stream *
h2_stream_of(struct gc_http_stream *s)
{
    return gc_container_of(s, struct h2_stream, base);
}

int
gc_h2_rc(int ng_rc)
{
    switch (ng_rc) {
    case 0:
        return 0;
    case NGHTTP2_ERR_NOMEM:
        return -ENOMEM;
    case NGHTTP2_ERR_STREAM_ID_NOT_AVAILABLE:
    case NGHTTP2_ERR_START_STREAM_NOT_ALLOWED:
        return GC_EUNAVAILABLE;
    default:
        return GC_EPROTO;
    }
}

/* --- fields ------------------------------------------------------------------------------------
 */

struct nv_list {
    nghttp2_nv nv[GC_HTTP_FIELDS_OUT_MAX + PSEUDO_MAX];
    size_t n;
};

static void
nv_add(struct nv_list *list, struct gc_str name, struct gc_str value, bool sensitive)
{
    assert(list->n < GC_ARRAY_LEN(list->nv));
    list->nv[list->n++] = (nghttp2_nv){
        .name = (uint8_t *)(uintptr_t)name.data,
        .namelen = name.len,
        .value = (uint8_t *)(uintptr_t)value.data,
        .valuelen = value.len,
        .flags = sensitive ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE,
    };
}

static void
nv_add_fields(struct nv_list *list, const struct gc_http_field *fields, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        nv_add(list, fields[i].name, fields[i].value, fields[i].sensitive);
    }
}

static void
nv_add_status(struct nv_list *list, unsigned status, char text[3])
{
    text[0] = (char)('0' + status / 100 % 10);
    text[1] = (char)('0' + status / 10 % 10);
    text[2] = (char)('0' + status % 10);
    nv_add(list, GC_STR(":status"), (struct gc_str){ text, 3 }, false);
}

/* --- body --------------------------------------------------------------------------------------
 */

static int
submit_trailers(struct h2_stream *s)
{
    struct nv_list list;

    list.n = 0;
    nv_add_fields(&list, s->base.trailers, s->base.n_trailers);
    return nghttp2_submit_trailer(s->h2->ng, s->id, list.nv, list.n);
}

/* NOLINTBEGIN(readability-function-size): the signature is nghttp2's */
/* nghttp2 asks: how many bytes has the next DATA frame? */
static ssize_t
read_body(nghttp2_session *ng, int32_t id, uint8_t *buf, size_t size, uint32_t *flags,
          nghttp2_data_source *source, void *arg)
{
    struct h2_stream *s = source->ptr;
    struct gc_http_stream *base = &s->base;

    (void)ng;
    (void)id;
    (void)buf;
    (void)arg;
    if (base->reset || (base->out.bytes == 0 && !base->out_ended)) {
        s->deferred = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    s->committed = GC_MIN(size, base->out.bytes);
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (base->out_ended && s->committed == base->out.bytes) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        if (base->n_trailers > 0) {
            *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
            if (submit_trailers(s) != 0) {
                return NGHTTP2_ERR_CALLBACK_FAILURE;
            }
        }
    }
    return (ssize_t)s->committed;
}
/* NOLINTEND(readability-function-size) */

/* nghttp2 says: put this frame into the connection. */
static int
send_body(nghttp2_session *ng, nghttp2_frame *frame, const uint8_t *frame_head, size_t len,
          nghttp2_data_source *source, void *arg)
{
    struct h2_stream *s = source->ptr;
    struct gc_h2 *h2 = arg;
    bool writable = false;

    (void)ng;
    assert(frame->data.padlen == 0);
    assert(len == s->committed);
    if (gc_conn_room(h2->conn) == 0) {
        return NGHTTP2_ERR_WOULDBLOCK;
    }
    gc_conn_write(h2->conn, frame_head, FRAME_HEAD_BYTES);
    for (size_t left = len, part; left > 0; left -= part) {
        const uint8_t *data;

        gc_http_queue_peek(&s->base.out, &data, &part);
        part = GC_MIN(part, left);
        gc_conn_write(h2->conn, data, part);
        writable = gc_http_stream_sent(&s->base, part);
    }
    s->committed = 0;
    if (writable && gc_list_empty(&s->writable)) {
        gc_list_push(&h2->writable, &s->writable);
    }
    return 0;
}

/* NOLINTBEGIN(readability-function-size): the signature is nghttp2's */
/* Frames beyond nghttp2's own 16 KiB cost the session a larger buffer for good, so only bulk
 * gets them. */
static ssize_t
frame_bytes(nghttp2_session *ng, uint8_t frame_type, int32_t id, int32_t conn_window,
            int32_t stream_window, uint32_t frame_max, void *arg)
{
    const struct h2_stream *s = nghttp2_session_get_stream_user_data(ng, id);
    uint32_t want = FRAME_BYTES_SMALL;

    (void)frame_type;
    (void)conn_window; /* nghttp2 applies both windows itself */
    (void)stream_window;
    (void)arg;
    if (s != NULL && s->base.out.bytes > want) {
        want = H2_FRAME_BYTES_MAX;
    }
    return (ssize_t)GC_MIN(frame_max, want);
}
/* NOLINTEND(readability-function-size) */

void
gc_h2_data_callbacks(nghttp2_session_callbacks *callbacks)
{
    nghttp2_session_callbacks_set_send_data_callback(callbacks, send_body);
    nghttp2_session_callbacks_set_data_source_read_length_callback(callbacks, frame_bytes);
}

/* --- the carrier -------------------------------------------------------------------------------
 */

static int
h2_respond(struct gc_http_stream *base, unsigned status, const struct gc_http_field *fields,
           size_t n, bool end)
{
    struct h2_stream *s = h2_stream_of(base);
    nghttp2_data_provider body = { .source.ptr = s, .read_callback = read_body };
    struct nv_list list;
    char text[3];
    int rc;

    list.n = 0;
    nv_add_status(&list, status, text);
    nv_add_fields(&list, fields, n);
    rc = nghttp2_submit_response(s->h2->ng, s->id, list.nv, list.n, end ? NULL : &body);
    return gc_h2_rc(rc);
}

static int
h2_interim(struct gc_http_stream *base, unsigned status)
{
    struct h2_stream *s = h2_stream_of(base);
    struct nv_list list;
    char text[3];
    int rc;

    list.n = 0;
    nv_add_status(&list, status, text);
    rc = nghttp2_submit_headers(s->h2->ng, NGHTTP2_FLAG_NONE, s->id, NULL, list.nv, list.n, NULL);
    gc_h2_wake(s->h2);
    return rc < 0 ? gc_h2_rc(rc) : 0;
}

static void
h2_out_ready(struct gc_http_stream *base)
{
    struct h2_stream *s = h2_stream_of(base);

    if (s->deferred) {
        s->deferred = false;
        (void)nghttp2_session_resume_data(s->h2->ng, s->id);
    }
    gc_h2_watch_output(s->h2);
    gc_h2_wake(s->h2);
}

static void
h2_consume(struct gc_http_stream *base, size_t len)
{
    struct h2_stream *s = h2_stream_of(base);

    if (!base->in_ended && !base->reset) {
        (void)nghttp2_session_consume_stream(s->h2->ng, s->id, len);
        gc_h2_wake(s->h2);
    }
}

static void
h2_reset(struct gc_http_stream *base, unsigned h2_code)
{
    struct h2_stream *s = h2_stream_of(base);

    gc_http_queue_keep(&base->out, s->committed);
    (void)nghttp2_submit_rst_stream(s->h2->ng, NGHTTP2_FLAG_NONE, s->id, h2_code);
    gc_h2_wake(s->h2);
}

static const struct gc_http_carrier h2_carrier = {
    .version = 2,
    .respond = h2_respond,
    .interim = h2_interim,
    .out_ready = h2_out_ready,
    .consume = h2_consume,
    .reset = h2_reset,
};

int
gc_h2_submit_request(struct h2_stream *s, const struct gc_http_head *head, bool end)
{
    nghttp2_data_provider body = { .source.ptr = s, .read_callback = read_body };
    struct nv_list list;
    int32_t id;

    list.n = 0;
    nv_add(&list, GC_STR(":method"), head->method, false);
    nv_add(&list, GC_STR(":scheme"), head->scheme, false);
    nv_add(&list, GC_STR(":path"), head->path, false);
    nv_add(&list, GC_STR(":authority"), head->authority, false);
    nv_add_fields(&list, head->fields, head->n_fields);
    id = nghttp2_submit_request(s->h2->ng, NULL, list.nv, list.n, end ? NULL : &body, s);
    if (id < 0) {
        return gc_h2_rc(id);
    }
    s->id = id;
    return 0;
}

/* --- life --------------------------------------------------------------------------------------
 */

static void
on_linger_timer(struct gc_timer *timer)
{
    struct h2_stream *s = gc_container_of(timer, struct h2_stream, linger_timer);

    (void)nghttp2_submit_rst_stream(s->h2->ng, NGHTTP2_FLAG_NONE, s->id, NGHTTP2_NO_ERROR);
    gc_h2_wake(s->h2);
}

struct h2_stream *
gc_h2_stream_new(struct gc_h2 *h2, int32_t id)
{
    struct h2_stream *s = calloc(1, sizeof(*s));

    if (s == NULL) {
        return NULL;
    }
    gc_http_stream_init(&s->base, &h2_carrier, h2->conn, h2->counts, h2->server);
    s->h2 = h2;
    s->id = id;
    gc_list_init(&s->writable);
    gc_timer_init(&s->linger_timer, s->base.loop, on_linger_timer);
    gc_list_push(&h2->streams, &s->node);
    h2->n_streams++;
    if (h2->n_streams_all != NULL) {
        (*h2->n_streams_all)++;
    }
    gc_timer_stop(&h2->idle_timer);
    return s;
}

void
gc_h2_stream_free(struct h2_stream *s, int rc, unsigned h2_code)
{
    struct gc_h2 *h2 = s->h2;

    gc_list_remove(&s->node);
    gc_list_remove(&s->writable);
    gc_timer_stop(&s->linger_timer);
    h2->n_streams--;
    if (h2->n_streams_all != NULL) {
        (*h2->n_streams_all)--;
    }
    gc_http_stream_close(&s->base, rc, h2_code);
    gc_http_stream_fini(&s->base);
    free(s);
}
