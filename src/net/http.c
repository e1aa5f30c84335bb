/* SPDX-License-Identifier: MIT */
/* The rules of net/http.h, the same for both carriers: what may be called when, what fields may
 * say, the outgoing queue and its marks. */
#include "net/http.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "net/http_priv.h"

struct gc_str
gc_http_field_get(const struct gc_http_field *fields, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (gc_str_eq_cstr(fields[i].name, name)) {
            return fields[i].value;
        }
    }
    return (struct gc_str){ 0 };
}

void
gc_http_conf_fill(struct gc_http_conf *conf)
{
    const struct gc_http_conf defaults = {
        .streams_max = 256,
        .header_bytes_max = 16 * 1024,
        .header_count_max = 100,
        .stream_window = 1024 * 1024,
        .conn_window = 8 * 1024 * 1024,
        .conns_max = 4096,
        .handshake_timeout_ms = 10000,
        .header_timeout_ms = 10000,
        .idle_timeout_ms = 120000,
        .write_timeout_ms = 60000,
    };

    conf->streams_max = conf->streams_max != 0 ? conf->streams_max : defaults.streams_max;
    conf->header_bytes_max =
        conf->header_bytes_max != 0 ? conf->header_bytes_max : defaults.header_bytes_max;
    conf->header_count_max =
        conf->header_count_max != 0 ? conf->header_count_max : defaults.header_count_max;
    conf->stream_window = conf->stream_window != 0 ? conf->stream_window : defaults.stream_window;
    conf->conn_window = conf->conn_window != 0 ? conf->conn_window : defaults.conn_window;
    conf->conns_max = conf->conns_max != 0 ? conf->conns_max : defaults.conns_max;
    conf->handshake_timeout_ms = conf->handshake_timeout_ms != 0 ? conf->handshake_timeout_ms
                                                                 : defaults.handshake_timeout_ms;
    conf->header_timeout_ms =
        conf->header_timeout_ms != 0 ? conf->header_timeout_ms : defaults.header_timeout_ms;
    conf->idle_timeout_ms =
        conf->idle_timeout_ms != 0 ? conf->idle_timeout_ms : defaults.idle_timeout_ms;
    conf->write_timeout_ms =
        conf->write_timeout_ms != 0 ? conf->write_timeout_ms : defaults.write_timeout_ms;
}

void
gc_http_counts_init(struct gc_http_counts *counts, struct gc_metrics *metrics)
{
    *counts = (struct gc_http_counts){ 0 };
    if (metrics != NULL) {
#define GC_METRIC(member, name, labels, help) \
    counts->member = gc_metrics_counter(metrics, name, labels, help);
#include "net/http_counts.tbl.h"
#undef GC_METRIC
    }
}

/* --- what may be said --------------------------------------------------------------------------
 */

bool
gc_http_name_ok(struct gc_str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        bool alnum = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!alnum && (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL)) {
            return false;
        }
    }
    return name.len > 0;
}

bool
gc_http_value_ok(struct gc_str value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.data[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    return gc_str_trim(value).len == value.len;
}

bool
gc_http_name_is_hop(struct gc_str name)
{
    static const char *const hop[] = { "connection",
                                       "keep-alive",
                                       "proxy-connection",
                                       "upgrade",
                                       "transfer-encoding",
                                       "te",
                                       "trailer",
                                       "host",
                                       "expect" };

    for (size_t i = 0; i < GC_ARRAY_LEN(hop); i++) {
        if (gc_str_eq_cstr(name, hop[i])) {
            return true;
        }
    }
    return false;
}

static int
fields_check(const struct gc_http_field *fields, size_t n)
{
    if (n > GC_HTTP_FIELDS_OUT_MAX) {
        return GC_ELIMIT;
    }
    for (size_t i = 0; i < n; i++) {
        bool te = gc_str_eq_cstr(fields[i].name, "te");
        if (!gc_http_name_ok(fields[i].name) || !gc_http_value_ok(fields[i].value) ||
            (gc_http_name_is_hop(fields[i].name) && !te)) {
            return GC_EPARSE;
        }
    }
    return 0;
}

/* --- incoming fields ---------------------------------------------------------------------------
 */

bool
gc_http_intake_count(struct gc_http_intake *intake, const struct gc_http_conf *conf,
                     struct gc_str name, struct gc_str value)
{
    size_t bytes = name.len + value.len + 32;

    if (intake->over || intake->count >= conf->header_count_max ||
        bytes > conf->header_bytes_max - intake->bytes) {
        intake->over = true;
        return false;
    }
    intake->count++;
    intake->bytes += bytes;
    return true;
}

/* What only a proxy in front of us may say; we have none, and inside the peers are our own. */
static bool
is_forged(const struct gc_http_conf *conf, struct gc_str name)
{
    return !conf->internal &&
           (gc_str_starts(name, "x-forwarded-") || gc_str_eq_cstr(name, "forwarded"));
}

static bool
is_secret(struct gc_str name)
{
    return gc_str_eq_cstr(name, "authorization") || gc_str_eq_cstr(name, "cookie") ||
           gc_str_eq_cstr(name, "set-cookie") || gc_str_eq_cstr(name, "proxy-authorization");
}

static bool
intake_grow(struct gc_http_intake *intake, struct gc_arena *arena)
{
    size_t cap = intake->cap != 0 ? intake->cap * 2 : 16;
    struct gc_http_field *fields;

    if (intake->n_fields < intake->cap) {
        return true;
    }
    fields = gc_arena_alloc(arena, cap * sizeof(*fields));
    if (fields == NULL) {
        return false;
    }
    if (intake->n_fields > 0) {
        memcpy(fields, intake->fields, intake->n_fields * sizeof(*fields));
    }
    intake->fields = fields;
    intake->cap = cap;
    return true;
}

void
gc_http_intake_add(struct gc_http_intake *intake, struct gc_arena *arena,
                   const struct gc_http_conf *conf, struct gc_http_field field)
{
    if (is_forged(conf, field.name)) {
        return;
    }
    field.sensitive = field.sensitive || is_secret(field.name);
    field.name = gc_arena_str(arena, field.name);
    field.value = gc_arena_str(arena, field.value);
    if (field.name.data == NULL || field.value.data == NULL || !intake_grow(intake, arena)) {
        intake->over = true;
        return;
    }
    intake->fields[intake->n_fields++] = field;
}

void
gc_http_intake_drop(struct gc_http_intake *intake)
{
    intake->head = (struct gc_http_head){ 0 };
    intake->fields = NULL;
    intake->n_fields = 0;
    intake->cap = 0;
}

/* --- from the carrier to the application ---------------------------------------------------------
 */

void
gc_http_stream_init(struct gc_http_stream *s, const struct gc_http_carrier *carrier,
                    struct gc_conn *conn, const struct gc_http_counts *counts, bool server)
{
    *s = (struct gc_http_stream){
        .carrier = carrier,
        .loop = gc_conn_loop(conn),
        .peer = gc_conn_peer(conn),
        .counts = counts,
        .server = server,
    };
    gc_arena_init(&s->arena, GC_HTTP_ARENA_MAX);
    gc_http_queue_init(&s->out);
    s->progress_ms = gc_loop_now_ms(s->loop);
}

void
gc_http_stream_fini(struct gc_http_stream *s)
{
    gc_http_queue_fini(&s->out);
    gc_arena_fini(&s->arena);
}

static void
head_complete(struct gc_http_stream *s)
{
    s->in.head.fields = s->in.fields;
    s->in.head.n_fields = s->in.n_fields;
}

/* The application has taken the request. A client that waits for 100 gets it now, unless it was
 * answered already: there is no earlier moment at which we know that somebody will read. */
void
gc_http_stream_request(struct gc_http_stream *s, gc_http_request_fn fn, void *arg)
{
    head_complete(s);
    s->head_request = gc_str_eq_cstr(s->in.head.method, "HEAD");
    if (fn != NULL) {
        fn(arg, s, &s->in.head);
    }
    if (s->handler == NULL && !s->out_ended) {
        gc_http_reset(s, GC_H2_INTERNAL_ERROR);
    } else if (s->wants_continue && !s->in.head.end && !s->head_sent && !s->reset) {
        (void)gc_http_respond(s, 100, NULL, 0, false);
    }
}

void
gc_http_stream_head(struct gc_http_stream *s)
{
    head_complete(s);
    if (s->handler != NULL && !s->reset) {
        s->handler->on_head(s, s->arg, &s->in.head);
    }
}

void
gc_http_stream_data(struct gc_http_stream *s, const struct gc_slice *data)
{
    s->unconsumed += data->len;
    if (s->handler != NULL && !s->reset) {
        s->handler->on_data(s, s->arg, data);
    } else {
        gc_http_consume(s, data->len);
    }
}

void
gc_http_stream_end(struct gc_http_stream *s, const struct gc_http_field *trailers, size_t n)
{
    s->in_ended = true;
    if (s->handler != NULL && !s->reset) {
        s->handler->on_end(s, s->arg, trailers, n);
    }
}

void
gc_http_stream_close(struct gc_http_stream *s, int rc, unsigned h2_code)
{
    const struct gc_http_handler *handler = s->handler;

    s->reset = true; /* the application may still call us from on_close: everything is refused */
    s->handler = NULL;
    if (handler != NULL) {
        handler->on_close(s, s->arg, rc, h2_code);
    }
}

bool
gc_http_stream_sent(struct gc_http_stream *s, size_t len)
{
    gc_http_queue_drop(&s->out, len);
    s->progress_ms = gc_loop_now_ms(s->loop);
    return s->choked && s->out.bytes <= GC_HTTP_QUEUE_LOW;
}

void
gc_http_stream_writable(struct gc_http_stream *s)
{
    s->choked = false;
    if (s->handler != NULL && !s->reset && !s->out_ended && s->handler->on_writable != NULL) {
        s->handler->on_writable(s, s->arg);
    }
}

int
gc_http_stream_rc(int conn_rc)
{
    if (conn_rc == GC_EDEADLINE || conn_rc == GC_ECANCELED || conn_rc == GC_EPROTO) {
        return conn_rc;
    }
    return GC_ECLOSED;
}

/* --- from the application to the carrier ---------------------------------------------------------
 */

void
gc_http_set_handler(struct gc_http_stream *s, const struct gc_http_handler *handler, void *arg)
{
    s->handler = handler;
    s->arg = arg;
}

struct gc_loop *
gc_http_loop(const struct gc_http_stream *s)
{
    return s->loop;
}

const struct gc_peer *
gc_http_peer(const struct gc_http_stream *s)
{
    return s->peer;
}

struct gc_arena *
gc_http_arena(struct gc_http_stream *s)
{
    return &s->arena;
}

unsigned
gc_http_version(const struct gc_http_stream *s)
{
    return s->carrier->version;
}

size_t
gc_http_queued(const struct gc_http_stream *s)
{
    return s->out.bytes;
}

static int
respond_continue(struct gc_http_stream *s)
{
    if (s->continue_sent) {
        return 0;
    }
    s->continue_sent = true;
    return s->carrier->interim(s, 100);
}

int
gc_http_respond(struct gc_http_stream *s, unsigned status, const struct gc_http_field *fields,
                size_t n, bool end)
{
    int rc;

    if (s->reset) {
        return GC_ECLOSED;
    }
    if (!s->server || s->head_sent) {
        return GC_ECONFLICT;
    }
    if (status == 100) {
        return respond_continue(s);
    }
    if (status < 200 || status > 599) {
        return GC_ERANGE;
    }
    rc = fields_check(fields, n);
    if (rc != 0) {
        return rc;
    }
    s->no_body = s->head_request || status == 204 || status == 304;
    rc = s->carrier->respond(s, status, fields, n, end || s->no_body);
    if (rc != 0) {
        return rc;
    }
    s->head_sent = true;
    s->out_ended = end;
    s->carrier->out_ready(s);
    return 0;
}

int
gc_http_write(struct gc_http_stream *s, const struct gc_slice *data)
{
    int rc;

    if (s->reset || s->out_ended) {
        return GC_ECLOSED;
    }
    if (!s->head_sent) {
        return GC_ECONFLICT;
    }
    if (s->no_body || data->len == 0) {
        return 0;
    }
    if (data->len > GC_HTTP_QUEUE_MAX - s->out.bytes) {
        gc_http_count(s->counts->queue_full);
        return GC_ELIMIT;
    }
    if (s->out.bytes == 0) {
        s->progress_ms = gc_loop_now_ms(s->loop);
    }
    rc = gc_http_queue_push(&s->out, data);
    if (rc != 0) {
        return rc;
    }
    s->choked = s->choked || s->out.bytes >= GC_HTTP_QUEUE_HIGH;
    s->carrier->out_ready(s);
    return 0;
}

static int
keep_trailers(struct gc_http_stream *s, const struct gc_http_field *trailers, size_t n)
{
    struct gc_http_field *copy;

    if (n == 0 || s->no_body) {
        return 0;
    }
    copy = gc_arena_alloc(&s->arena, n * sizeof(*copy));
    if (copy == NULL) {
        return GC_ELIMIT;
    }
    for (size_t i = 0; i < n; i++) {
        copy[i].name = gc_arena_str(&s->arena, trailers[i].name);
        copy[i].value = gc_arena_str(&s->arena, trailers[i].value);
        copy[i].sensitive = trailers[i].sensitive;
        if (copy[i].name.data == NULL || copy[i].value.data == NULL) {
            return GC_ELIMIT;
        }
    }
    s->trailers = copy;
    s->n_trailers = n;
    return 0;
}

int
gc_http_end(struct gc_http_stream *s, const struct gc_http_field *trailers, size_t n)
{
    int rc;

    if (s->reset || s->out_ended) {
        return GC_ECLOSED;
    }
    if (!s->head_sent) {
        return GC_ECONFLICT;
    }
    rc = fields_check(trailers, n);
    if (rc == 0) {
        rc = keep_trailers(s, trailers, n);
    }
    if (rc != 0) {
        return rc;
    }
    s->out_ended = true;
    s->carrier->out_ready(s);
    return 0;
}

void
gc_http_consume(struct gc_http_stream *s, size_t len)
{
    assert(len <= s->unconsumed);
    s->unconsumed -= len;
    if (len > 0) {
        s->carrier->consume(s, len);
    }
}

void
gc_http_reset(struct gc_http_stream *s, unsigned h2_code)
{
    if (s->reset) {
        return;
    }
    s->reset = true;
    s->reset_code = h2_code;
    s->carrier->reset(s, h2_code);
}
