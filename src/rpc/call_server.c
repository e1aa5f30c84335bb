/* SPDX-License-Identifier: MIT */
/* A call as the server sees it.
 *
 * Happy path: head -> (unary, server-streaming: the one request -> half-close ->) start -> messages
 * -> finish: trailers -> the stream closes with 0 -> on_end OK.
 * The peer resets or is lost: the stream closes with an error -> on_end CANCELLED.
 * We give up (deadline, no progress, bad framing, limits): trailers if they can leave at once, else
 * a reset -> on_end with the reason, from the loop. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/macros.h"
#include "rpc/call_priv.h"
#include "rpc/server_priv.h"
#include "rpc/timeout.h"

#define METADATA_OUT_MAX 32
#define STATUS_FIELDS    3 /* content-type, grpc-status, grpc-message */

struct server_call {
    struct gc_rpc_call base;
    struct gc_rpc_server *server;
    struct gc_rpc_entry *entry;
    struct gc_bytes *request; /* unary and server-streaming, until start */
    struct gc_rpc_metadata headers_out;
    struct gc_rpc_metadata trailers_out;
    uint64_t start_ns;
    enum gc_rpc_code sent_code;
    bool head_sent;
    bool started; /* the method's function has run */
};

static struct server_call *
server_call(struct gc_rpc_call *call)
{
    return gc_container_of(call, struct server_call, base);
}

/* --- sending -----------------------------------------------------------------------------------
 */

static void
add_all(struct gc_http_field *fields, size_t *n, const struct gc_rpc_metadata *more)
{
    for (size_t i = 0; i < more->n; i++) {
        fields[(*n)++] = more->fields[i];
    }
}

static int
send_head(struct server_call *sc)
{
    struct gc_http_field fields[1 + METADATA_OUT_MAX] = {
        { GC_STR("content-type"), GC_STR("application/grpc"), false },
    };
    size_t n = 1;
    int rc;

    if (sc->head_sent) {
        return 0;
    }
    add_all(fields, &n, &sc->headers_out);
    rc = gc_http_respond(sc->base.stream, 200, fields, n, false);
    sc->head_sent = rc == 0;
    return rc;
}

/* The status fields at FIELDS; WIRE holds the text. Returns how many. */
static size_t
status_fields(struct gc_http_field *fields, enum gc_rpc_code code, const char *text,
              char wire[GC_RPC_MESSAGE_WIRE_MAX])
{
    static const char *const numbers[] = { "0", "1",  "2",  "3",  "4",  "5",  "6",  "7", "8",
                                           "9", "10", "11", "12", "13", "14", "15", "16" };
    size_t n = 0;

    assert((size_t)code < GC_ARRAY_LEN(numbers));
    fields[n++] = (struct gc_http_field){ GC_STR("grpc-status"), gc_str_of(numbers[code]), false };
    if (*text != '\0') {
        size_t len = gc_rpc_message_encode(wire, text);

        fields[n++] = (struct gc_http_field){ GC_STR("grpc-message"), { wire, len }, false };
    }
    return n;
}

/* End the response; an error with nothing sent before it needs no head of its own. */
static int
send_end(struct server_call *sc, enum gc_rpc_code code, const char *text)
{
    struct gc_http_field fields[STATUS_FIELDS + METADATA_OUT_MAX] = {
        { GC_STR("content-type"), GC_STR("application/grpc"), false },
    };
    char wire[GC_RPC_MESSAGE_WIRE_MAX];
    size_t n = 1 + status_fields(fields + 1, code, text, wire);
    int rc;

    add_all(fields, &n, &sc->trailers_out);
    if (!sc->head_sent && code != GC_RPC_OK && sc->headers_out.n == 0) {
        sc->head_sent = true;
        return gc_http_respond(sc->base.stream, 200, fields, n, true);
    }
    rc = send_head(sc);
    return rc != 0 ? rc : gc_http_end(sc->base.stream, fields + 1, n - 1);
}

void
gc_rpc_reject(struct gc_http_stream *s, enum gc_rpc_code code, const char *text)
{
    struct gc_http_field fields[STATUS_FIELDS + 1] = {
        { GC_STR("content-type"), GC_STR("application/grpc"), false },
        { GC_STR("grpc-accept-encoding"), GC_STR("identity"), false },
    };
    char wire[GC_RPC_MESSAGE_WIRE_MAX];
    size_t n = 2 + status_fields(fields + 2, code, text, wire);

    (void)gc_http_respond(s, 200, fields, n, true);
}

static int
server_send(struct gc_rpc_call *call, const struct gc_rpc_out *out)
{
    int rc = send_head(server_call(call));

    return rc != 0 ? rc : gc_rpc_call_write(call, out);
}

static bool
server_writable(const struct gc_rpc_call *call)
{
    return gc_http_queued(call->stream) < GC_HTTP_QUEUE_HIGH;
}

/* --- receiving ---------------------------------------------------------------------------------
 */

static bool
one_request(const struct server_call *sc)
{
    return sc->entry->method->kind == GC_RPC_UNARY ||
           sc->entry->method->kind == GC_RPC_SERVER_STREAM;
}

static void
server_message(struct gc_rpc_call *call, struct gc_bytes *msg)
{
    struct server_call *sc = server_call(call);

    if (call->out_ended) {
        gc_rpc_consume(call); /* answered already */
    } else if (!one_request(sc)) {
        call->handler->on_message(call, call->arg, msg);
    } else if (sc->request != NULL) {
        gc_rpc_call_fail(call, GC_RPC_UNIMPLEMENTED, "more than one request");
    } else {
        sc->request = gc_bytes_ref(msg);
        gc_rpc_consume(call);
    }
}

static void
run_start(struct server_call *sc)
{
    struct gc_rpc_call *call = &sc->base;
    struct gc_bytes *request = sc->request;

    sc->request = NULL;
    sc->started = true;
    sc->entry->method->start(call, sc->entry->service->arg, request);
    gc_bytes_unref(request);
    assert(call->handler != NULL || call->out_ended || call->decided);
}

static void
on_data(struct gc_http_stream *s, void *arg, const struct gc_slice *data)
{
    (void)s;
    gc_rpc_call_receive(arg, data);
}

static void
on_end(struct gc_http_stream *s, void *arg, const struct gc_http_field *trailers, size_t n)
{
    struct gc_rpc_call *call = arg;
    struct server_call *sc = server_call(call);

    (void)s;
    (void)trailers;
    (void)n;
    call->in_ended = true;
    if (call->out_ended) {
        return;
    }
    if (!gc_rpc_decoder_at_boundary(&call->decoder)) {
        gc_rpc_call_fail(call, GC_RPC_INTERNAL, "request ends inside a message");
    } else if (!one_request(sc)) {
        if (call->handler->on_half_close != NULL) {
            call->handler->on_half_close(call, call->arg);
        }
    } else if (sc->request == NULL) {
        gc_rpc_call_fail(call, GC_RPC_UNIMPLEMENTED, "no request");
    } else {
        run_start(sc);
    }
}

static void
on_writable(struct gc_http_stream *s, void *arg)
{
    struct gc_rpc_call *call = arg;

    (void)s;
    if (call->handler != NULL && call->handler->on_writable != NULL && !call->out_ended) {
        call->handler->on_writable(call, call->arg);
    }
}

static void
on_close(struct gc_http_stream *s, void *arg, int rc, unsigned h2_code)
{
    struct gc_rpc_call *call = arg;

    (void)s;
    (void)h2_code;
    call->stream = NULL;
    if (rc == 0 && call->out_ended) {
        gc_rpc_call_decide(call, GC_RPC_OK, "");
    } else {
        gc_rpc_call_decide(call, GC_RPC_CANCELLED, gc_err_text(rc != 0 ? rc : GC_ECANCELED));
    }
    gc_rpc_call_end(call);
}

static const struct gc_http_handler http_handler = {
    .on_data = on_data,
    .on_end = on_end,
    .on_writable = on_writable,
    .on_close = on_close,
};

/* --- the end -----------------------------------------------------------------------------------
 */

static void
server_give_up(struct gc_rpc_call *call)
{
    struct server_call *sc = server_call(call);
    enum gc_rpc_code code = call->status.code;
    bool tell = !call->out_ended && code != GC_RPC_CANCELLED && gc_http_queued(call->stream) == 0;

    if (!tell || send_end(sc, code, call->status.message) != 0) {
        gc_http_reset(call->stream, GC_H2_CANCEL);
    }
}

static void
server_ended(struct gc_rpc_call *call)
{
    struct server_call *sc = server_call(call);
    enum gc_rpc_code code = call->status.code == GC_RPC_OK ? sc->sent_code : call->status.code;

    uint64_t took_ns = gc_clock_mono_ns() - sc->start_ns;

    if (gc_log_on(GC_LOG_DEBUG)) {
        gc_log_trace(GC_LOG_DEBUG, &call->trace, "rpc.call",
                     "service=%s method=%s peer=%s code=%s took_us=%llu", sc->entry->service->name,
                     sc->entry->method->name, call->peer != NULL ? call->peer->addr : "-",
                     gc_rpc_code_name(code), (unsigned long long)(took_ns / 1000));
    }
    call->peer = NULL;
    gc_rpc_stats_ended(&sc->entry->stats, code, took_ns);
}

static void
server_freed(struct gc_rpc_call *call)
{
    struct server_call *sc = server_call(call);

    sc->server->n_calls--;
    gc_bytes_unref(sc->request);
}

static const struct gc_rpc_side server_side = {
    .server = true,
    .send = server_send,
    .writable = server_writable,
    .message = server_message,
    .give_up = server_give_up,
    .ended = server_ended,
    .freed = server_freed,
};

int
gc_rpc_finish(struct gc_rpc_call *call, const struct gc_rpc_status *status)
{
    struct server_call *sc = server_call(call);
    int rc;

    assert(call->side->server);
    if (call->decided || call->out_ended) {
        return GC_ECLOSED;
    }
    sc->sent_code = status != NULL ? status->code : GC_RPC_OK;
    rc = send_end(sc, sc->sent_code, status != NULL ? status->message : "");
    if (rc != 0) {
        gc_rpc_call_fail(call, GC_RPC_INTERNAL, gc_err_text(rc));
        return rc;
    }
    call->out_ended = true;
    return 0;
}

int
gc_rpc_reply(struct gc_rpc_call *call, struct gc_bytes *msg)
{
    int rc = gc_rpc_send(call, msg);

    if (rc == GC_ECLOSED) {
        return rc;
    }
    return rc != 0 ? gc_rpc_fail_rc(call, rc) : gc_rpc_finish(call, NULL);
}

int
gc_rpc_fail_rc(struct gc_rpc_call *call, int rc)
{
    struct gc_rpc_status status;

    gc_rpc_status_of_rc(&status, rc);
    return gc_rpc_finish(call, &status);
}

int
gc_rpc_fail(struct gc_rpc_call *call, enum gc_rpc_code code, const char *fmt, ...)
{
    char text[GC_RPC_MESSAGE_MAX];
    struct gc_rpc_status status;
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    gc_rpc_status_set(&status, code, "%s", text);
    return gc_rpc_finish(call, &status);
}

static int
set_metadata(struct gc_rpc_call *call, const struct gc_http_field *fields, size_t n,
             struct gc_rpc_metadata *dst)
{
    if (n > METADATA_OUT_MAX) {
        return GC_ELIMIT;
    }
    return gc_rpc_metadata_encode(&call->arena, fields, n, dst);
}

int
gc_rpc_set_headers(struct gc_rpc_call *call, const struct gc_http_field *fields, size_t n)
{
    struct server_call *sc = server_call(call);

    if (call->decided || call->out_ended || sc->head_sent) {
        return GC_ECLOSED;
    }
    return set_metadata(call, fields, n, &sc->headers_out);
}

int
gc_rpc_set_trailers(struct gc_rpc_call *call, const struct gc_http_field *fields, size_t n)
{
    if (call->decided || call->out_ended) {
        return GC_ECLOSED;
    }
    return set_metadata(call, fields, n, &server_call(call)->trailers_out);
}

int
gc_rpc_send_headers(struct gc_rpc_call *call)
{
    if (call->decided || call->out_ended) {
        return GC_ECLOSED;
    }
    return send_head(server_call(call));
}

/* --- the beginning -----------------------------------------------------------------------------
 */

/* Milliseconds until the deadline that the client and the method set; GC_EPARSE. */
static int
read_deadline(const struct gc_http_head *head, const struct gc_rpc_method *method,
              uint64_t *ret_deadline_ms)
{
    struct gc_str text = gc_http_field_get(head->fields, head->n_fields, "grpc-timeout");
    uint64_t deadline_ms = UINT64_MAX, ns;

    if (text.data != NULL) {
        int rc = gc_rpc_timeout_parse(text, &ns);

        if (rc != 0) {
            return rc;
        }
        if (ns != GC_RPC_TIMEOUT_NEVER) {
            deadline_ms = ns / 1000000 + (ns % 1000000 != 0);
        }
    }
    if (method->deadline_max_ms > 0) {
        deadline_ms = GC_MIN(deadline_ms, method->deadline_max_ms);
    }
    *ret_deadline_ms = deadline_ms;
    return 0;
}

static struct server_call *
call_new(struct gc_rpc_server *server, struct gc_rpc_entry *entry, struct gc_http_stream *s)
{
    unsigned limit = entry->method->message_bytes_max;
    struct server_call *sc;
    struct gc_arena arena;

    gc_arena_init(&arena, GC_RPC_ARENA_BYTES_MAX);
    sc = gc_arena_alloc(&arena, sizeof(*sc));
    if (sc == NULL) {
        return NULL;
    }
    gc_rpc_call_init(&sc->base, &arena, &server_side, server->loop);
    gc_rpc_decoder_init(&sc->base.decoder, limit != 0 ? limit : GC_RPC_MESSAGE_BYTES_MAX);
    sc->server = server;
    sc->entry = entry;
    sc->start_ns = gc_clock_mono_ns();
    server->n_calls++;
    gc_rpc_call_take_stream(&sc->base, s);
    gc_http_set_handler(s, &http_handler, &sc->base);
    return sc;
}

void
gc_rpc_server_call_start(struct gc_rpc_server *server, struct gc_rpc_entry *entry,
                         struct gc_http_stream *s, const struct gc_http_head *head)
{
    struct server_call *sc = call_new(server, entry, s);
    struct gc_rpc_call *call;
    uint64_t deadline_ms;

    if (sc == NULL) {
        gc_rpc_reject(s, GC_RPC_RESOURCE_EXHAUSTED, "out of memory");
        return;
    }
    call = &sc->base;
    gc_rpc_stats_started(&entry->stats);
    gc_trace_adopt(&call->trace, gc_http_field_get(head->fields, head->n_fields, "traceparent"));
    if (read_deadline(head, entry->method, &deadline_ms) != 0) {
        gc_rpc_call_fail(call, GC_RPC_INTERNAL, "malformed grpc-timeout");
    } else if (deadline_ms == 0) {
        gc_rpc_call_fail(call, GC_RPC_DEADLINE_EXCEEDED, "deadline exceeded");
    } else if (gc_rpc_metadata_decode(&call->arena, head->fields, head->n_fields,
                                      &call->metadata) != 0) {
        gc_rpc_call_fail(call, GC_RPC_INTERNAL, "malformed metadata");
    } else {
        gc_rpc_call_time(call, deadline_ms, entry->method->progress_ms);
        if (!one_request(sc)) {
            run_start(sc);
        }
    }
}
