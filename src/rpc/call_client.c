/* SPDX-License-Identifier: MIT */
/* A call as the client sees it.
 *
 * Happy path: waits for a connection (messages are kept) -> stream -> head -> messages -> trailers
 * -> on_end with the server's status.
 * Refused by the peer before it reached a handler (REFUSED_STREAM, GOAWAY): waits again, once, if
 * all that was sent is still kept.
 * Stream reset, connection lost, no address works: on_end with what that means.
 * We give up (cancel, deadline, no progress, bad framing): reset, on_end from the loop. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/macros.h"
#include "rpc/channel_priv.h"
#include "rpc/timeout.h"

#define KEPT_MAX            64           /* messages */
#define REPLAY_BYTES_MAX    (256 * 1024) /* what is kept of what was sent */
#define FIELDS_OWN_MAX      6
#define METADATA_MAX        64
#define DISCARDED_BYTES_MAX (64 * 1024)

static struct gc_rpc_client_call *
client_call(struct gc_rpc_call *call)
{
    return gc_container_of(call, struct gc_rpc_client_call, base);
}

/* --- messages that wait ------------------------------------------------------------------------
 */

static void
forget_kept(struct gc_rpc_client_call *cc)
{
    for (size_t i = 0; i < cc->n_kept; i++) {
        gc_bytes_unref(cc->kept[i].tail.owner);
    }
    free(cc->kept);
    cc->kept = NULL;
    cc->n_kept = cc->kept_cap = cc->kept_bytes = 0;
    cc->replay = false;
}

static int
kept_grow(struct gc_rpc_client_call *cc)
{
    size_t cap = cc->kept_cap > 0 ? cc->kept_cap * 2 : 2;
    struct gc_rpc_out *kept;

    if (cc->n_kept < cc->kept_cap) {
        return 0;
    }
    if (cap > KEPT_MAX) {
        return GC_ELIMIT;
    }
    kept = reallocarray(cc->kept, cap, sizeof(*kept));
    if (kept == NULL) {
        return -ENOMEM;
    }
    cc->kept = kept;
    cc->kept_cap = cap;
    return 0;
}

static int
keep(struct gc_rpc_client_call *cc, const struct gc_rpc_out *out, size_t bytes_max)
{
    size_t len = out->head_len + out->tail.len;
    struct gc_slice tail = out->tail;
    int rc;

    if (len > bytes_max - GC_MIN(cc->kept_bytes, bytes_max)) {
        return GC_ELIMIT;
    }
    rc = kept_grow(cc);
    if (rc != 0) {
        return rc;
    }
    if (tail.owner != NULL) {
        gc_bytes_ref(tail.owner);
    } else if (tail.len > 0) {
        tail.owner = gc_bytes_copy(tail.data, tail.len);
        if (tail.owner == NULL) {
            return -ENOMEM;
        }
        tail.data = tail.owner->data;
    }
    cc->kept[cc->n_kept] = *out;
    cc->kept[cc->n_kept++].tail = tail;
    cc->kept_bytes += len;
    return 0;
}

static int
client_send(struct gc_rpc_call *call, const struct gc_rpc_out *out)
{
    struct gc_rpc_client_call *cc = client_call(call);
    int rc;

    if (call->stream == NULL) {
        rc = keep(cc, out, GC_HTTP_QUEUE_MAX);
        cc->choked = cc->choked || (rc == 0 && !cc->base.side->writable(call));
        return rc;
    }
    rc = gc_rpc_call_write(call, out);
    if (rc == 0 && cc->replay && keep(cc, out, REPLAY_BYTES_MAX) != 0) {
        forget_kept(cc);
    }
    return rc;
}

static bool
client_writable(const struct gc_rpc_call *call)
{
    const struct gc_rpc_client_call *cc =
        gc_container_of(call, const struct gc_rpc_client_call, base);

    if (call->stream != NULL) {
        return gc_http_queued(call->stream) < GC_HTTP_QUEUE_HIGH;
    }
    return cc->kept_bytes < GC_HTTP_QUEUE_HIGH && cc->n_kept < KEPT_MAX / 2;
}

static void
tell_writable(struct gc_rpc_call *call)
{
    if (gc_rpc_writable(call) && call->handler->on_writable != NULL) {
        call->handler->on_writable(call, call->arg);
    }
}

static void
on_wake(struct gc_task *task)
{
    struct gc_rpc_client_call *cc = gc_container_of(task, struct gc_rpc_client_call, wake_task);

    cc->waking = false;
    tell_writable(&cc->base);
    gc_rpc_unref(&cc->base);
}

static int
send_kept(struct gc_rpc_client_call *cc)
{
    struct gc_rpc_call *call = &cc->base;

    for (size_t i = 0; i < cc->n_kept; i++) {
        int rc = gc_rpc_call_write(call, &cc->kept[i]);

        if (rc != 0) {
            return rc;
        }
    }
    if (cc->kept_bytes > REPLAY_BYTES_MAX) {
        forget_kept(cc);
    }
    if (cc->choked && !cc->waking) {
        cc->waking = true;
        gc_rpc_ref(call);
        gc_loop_post(call->loop, &cc->wake_task);
    }
    cc->choked = false;
    return call->out_ended ? gc_http_end(call->stream, NULL, 0) : 0;
}

/* --- the place of a call in its channel --------------------------------------------------------
 */

static void
start_waiting(struct gc_rpc_client_call *cc, bool first)
{
    struct gc_rpc_channel *channel = cc->channel;

    cc->waiting = true;
    channel->n_waiting++;
    /* Pushing before a node is pushing to the end of the list that starts with it. */
    gc_list_push(first ? channel->waiting.next : &channel->waiting, &cc->node);
}

static void
leave_channel(struct gc_rpc_client_call *cc)
{
    gc_list_remove(&cc->node);
    if (cc->waiting) {
        cc->waiting = false;
        cc->channel->n_waiting--;
    }
    if (cc->conn != NULL) {
        cc->conn->n_calls--;
        cc->conn = NULL;
    }
}

/* --- the response ------------------------------------------------------------------------------
 */

static void
read_status(struct gc_rpc_client_call *cc, const struct gc_http_field *fields, size_t n)
{
    struct gc_str code = gc_http_field_get(fields, n, "grpc-status");
    struct gc_str text = gc_http_field_get(fields, n, "grpc-message");

    if (code.data == NULL) {
        return;
    }
    cc->answered = true;
    cc->answer.code = gc_rpc_code_parse(code);
    gc_rpc_message_decode(&cc->answer, text);
}

static void
read_trailers(struct gc_rpc_client_call *cc, const struct gc_http_field *fields, size_t n)
{
    struct gc_rpc_call *call = &cc->base;

    read_status(cc, fields, n);
    if (gc_rpc_metadata_decode(&call->arena, fields, n, &call->trailers) != 0) {
        gc_rpc_call_fail(call, GC_RPC_INTERNAL, "malformed trailing metadata");
    }
}

static bool
identity_encoding(const struct gc_http_head *head)
{
    struct gc_str encoding = gc_http_field_get(head->fields, head->n_fields, "grpc-encoding");

    return encoding.data == NULL || gc_str_eq_cstr(encoding, "identity");
}

static void
on_head(struct gc_http_stream *s, void *arg, const struct gc_http_head *head)
{
    struct gc_rpc_call *call = arg;
    struct gc_rpc_client_call *cc = client_call(call);
    struct gc_str type = gc_http_field_get(head->fields, head->n_fields, "content-type");

    (void)s;
    forget_kept(cc);
    cc->http_status = head->status;
    cc->foreign = head->status != 200 || !gc_str_starts(type, "application/grpc");
    if (head->end) {
        read_trailers(cc, head->fields, head->n_fields);
    } else if (cc->foreign) {
        return; /* trailers may still say a status */
    } else if (!identity_encoding(head)) {
        gc_rpc_call_fail(call, GC_RPC_INTERNAL, "unknown message encoding");
    } else if (gc_rpc_metadata_decode(&call->arena, head->fields, head->n_fields,
                                      &call->metadata) != 0) {
        gc_rpc_call_fail(call, GC_RPC_INTERNAL, "malformed metadata");
    } else if (call->handler->on_headers != NULL) {
        call->handler->on_headers(call, call->arg, call->metadata.fields, call->metadata.n);
    }
}

/* What a response without grpc-status means. */
static void
decide_foreign(struct gc_rpc_client_call *cc)
{
    char text[64];

    snprintf(text, sizeof(text), "HTTP status %u without a gRPC status", cc->http_status);
    gc_rpc_call_decide(&cc->base, gc_rpc_code_of_http(cc->http_status), text);
}

static void
on_data(struct gc_http_stream *s, void *arg, const struct gc_slice *data)
{
    struct gc_rpc_call *call = arg;
    struct gc_rpc_client_call *cc = client_call(call);

    if (!cc->foreign) {
        gc_rpc_call_receive(call, data);
        return;
    }
    gc_http_consume(s, data->len);
    cc->n_discarded += data->len;
    if (cc->n_discarded > DISCARDED_BYTES_MAX) {
        gc_rpc_call_fail(call, gc_rpc_code_of_http(cc->http_status), "response is not gRPC");
    }
}

static void
client_message(struct gc_rpc_call *call, struct gc_bytes *msg)
{
    struct gc_rpc_client_call *cc = client_call(call);

    cc->n_messages++;
    if (cc->one_response && cc->n_messages > 1) {
        gc_rpc_call_fail(call, GC_RPC_UNIMPLEMENTED, "more than one response");
    } else {
        call->handler->on_message(call, call->arg, msg);
    }
}

static void
decide_answer(struct gc_rpc_client_call *cc)
{
    struct gc_rpc_call *call = &cc->base;

    if (!cc->answered) {
        decide_foreign(cc);
    } else if (cc->answer.code == GC_RPC_CANCELLED && gc_rpc_remaining_ms(call) == 0) {
        gc_rpc_call_decide(call, GC_RPC_DEADLINE_EXCEEDED, "deadline exceeded");
    } else if (cc->answer.code != GC_RPC_OK) {
        gc_rpc_call_decide(call, cc->answer.code, cc->answer.message);
    } else if (!gc_rpc_decoder_at_boundary(&call->decoder)) {
        gc_rpc_call_decide(call, GC_RPC_INTERNAL, "response ends inside a message");
    } else if (cc->one_response && cc->n_messages != 1) {
        gc_rpc_call_decide(call, GC_RPC_UNIMPLEMENTED, "no response");
    } else {
        gc_rpc_call_decide(call, GC_RPC_OK, cc->answer.message);
    }
}

static void
on_end(struct gc_http_stream *s, void *arg, const struct gc_http_field *trailers, size_t n)
{
    struct gc_rpc_call *call = arg;
    struct gc_rpc_client_call *cc = client_call(call);

    call->in_ended = true;
    if (n > 0) {
        read_trailers(cc, trailers, n);
    }
    if (call->decided) {
        return; /* the trailers were malformed: on_end is due */
    }
    decide_answer(cc);
    if (!call->out_ended) {
        gc_http_reset(s, GC_H2_NO_ERROR); /* nobody reads what we would still send */
    }
    gc_rpc_call_let_go(call);
    leave_channel(cc);
    gc_rpc_call_end(call);
}

static void
on_writable(struct gc_http_stream *s, void *arg)
{
    (void)s;
    tell_writable(arg);
}

static bool
may_try_again(const struct gc_rpc_client_call *cc, int rc, unsigned h2_code)
{
    return cc->replay && rc == GC_ECANCELED && h2_code == GC_H2_REFUSED_STREAM &&
           !cc->channel->shutdown;
}

static void
try_again(struct gc_rpc_client_call *cc)
{
    struct gc_rpc_channel *channel = cc->channel;

    cc->retried = true;
    cc->choked = true; /* perhaps: there may be more kept than may wait */
    cc->base.n_out = 0;
    leave_channel(cc);
    start_waiting(cc, true);
    gc_rpc_channel_pump(channel);
    gc_rpc_channel_settle(channel);
}

static void
decide_closed(struct gc_rpc_client_call *cc, int rc, unsigned h2_code)
{
    struct gc_rpc_call *call = &cc->base;

    switch (cc->conn->dead ? GC_ECLOSED : rc) {
    case GC_ECANCELED:
        if (gc_rpc_code_of_reset(h2_code) == GC_RPC_CANCELLED && gc_rpc_remaining_ms(call) == 0) {
            gc_rpc_call_decide(call, GC_RPC_DEADLINE_EXCEEDED, "deadline exceeded");
        } else {
            gc_rpc_call_decide(call, gc_rpc_code_of_reset(h2_code), "stream reset by the peer");
        }
        break;
    case 0:
    case GC_EPROTO:
        gc_rpc_call_decide(call, GC_RPC_INTERNAL, "malformed response");
        break;
    default:
        gc_rpc_call_decide(call, GC_RPC_UNAVAILABLE, "connection lost");
        break;
    }
}

static void
on_close(struct gc_http_stream *s, void *arg, int rc, unsigned h2_code)
{
    struct gc_rpc_call *call = arg;
    struct gc_rpc_client_call *cc = client_call(call);

    (void)s;
    call->stream = NULL;
    call->peer = NULL;
    if (may_try_again(cc, rc, h2_code)) {
        try_again(cc);
    } else {
        decide_closed(cc, rc, h2_code);
        leave_channel(cc);
        gc_rpc_call_end(call);
    }
}

static const struct gc_http_handler http_handler = {
    .on_head = on_head,
    .on_data = on_data,
    .on_end = on_end,
    .on_writable = on_writable,
    .on_close = on_close,
};

/* --- the request -------------------------------------------------------------------------------
 */

/* The texts that the request's own fields point to. */
struct own_texts {
    char timeout[GC_RPC_TIMEOUT_LEN + 1];
    char traceparent[GC_TRACEPARENT_LEN + 1];
};

static size_t
request_fields(const struct gc_rpc_client_call *cc, struct gc_http_field *fields,
               struct own_texts *texts)
{
    uint64_t left_ms = gc_rpc_remaining_ms(&cc->base);
    size_t n = 0;

    if (left_ms != UINT64_MAX) {
        uint64_t left_ns = GC_MIN(GC_MAX(left_ms, 1), UINT64_MAX / 1000000) * 1000000;
        size_t len = gc_rpc_timeout_format(texts->timeout, left_ns);

        fields[n++] =
            (struct gc_http_field){ GC_STR("grpc-timeout"), { texts->timeout, len }, false };
    }
    fields[n++] = (struct gc_http_field){ GC_STR("te"), GC_STR("trailers"), false };
    fields[n++] =
        (struct gc_http_field){ GC_STR("content-type"), GC_STR("application/grpc"), false };
    fields[n++] = (struct gc_http_field){ GC_STR("user-agent"), cc->channel->user_agent, false };
    if (cc->traced) {
        gc_trace_format(texts->traceparent, &cc->base.trace);
        fields[n++] = (struct gc_http_field){ GC_STR("traceparent"),
                                              { texts->traceparent, GC_TRACEPARENT_LEN },
                                              false };
    }
    assert(n <= FIELDS_OWN_MAX);
    for (size_t i = 0; i < cc->wire.n; i++) {
        fields[n++] = cc->wire.fields[i];
    }
    return n;
}

int
gc_rpc_client_call_open(struct gc_rpc_client_call *cc, struct gc_rpc_conn *conn)
{
    struct gc_http_field fields[FIELDS_OWN_MAX + METADATA_MAX];
    struct gc_rpc_call *call = &cc->base;
    struct gc_http_stream *stream;
    struct own_texts texts;
    struct gc_http_head head = {
        .method = GC_STR("POST"),
        .scheme = gc_str_of(cc->channel->conf.tls != NULL ? "https" : "http"),
        .authority = gc_str_of(conn->sub->authority),
        .path = gc_str_of(cc->path),
        .fields = fields,
        .n_fields = request_fields(cc, fields, &texts),
    };
    int rc = gc_http_request(conn->http, &head, false, &http_handler, call, &stream);

    if (rc == GC_ELIMIT || rc == GC_EUNAVAILABLE) {
        return rc;
    }
    if (rc != 0) {
        gc_rpc_call_fail(call, GC_RPC_INTERNAL, gc_err_text(rc));
        return 0;
    }
    leave_channel(cc);
    gc_list_push(&cc->channel->running, &cc->node);
    cc->conn = conn;
    conn->n_calls++;
    cc->replay = !cc->retried;
    gc_rpc_call_take_stream(call, stream);
    rc = send_kept(cc);
    if (rc != 0) {
        gc_rpc_call_fail(call, GC_RPC_RESOURCE_EXHAUSTED, gc_err_text(rc));
    }
    return 0;
}

int
gc_rpc_half_close(struct gc_rpc_call *call)
{
    assert(!call->side->server);
    if (call->decided || call->out_ended) {
        return GC_ECLOSED;
    }
    call->out_ended = true;
    return call->stream != NULL ? gc_http_end(call->stream, NULL, 0) : 0;
}

/* --- life --------------------------------------------------------------------------------------
 */

static void
client_give_up(struct gc_rpc_call *call)
{
    if (call->stream != NULL) {
        gc_http_reset(call->stream, GC_H2_CANCEL);
    }
    leave_channel(client_call(call));
}

static void
client_ended(struct gc_rpc_call *call)
{
    struct gc_rpc_client_call *cc = client_call(call);

    forget_kept(cc);
    if (cc->stats != NULL) {
        gc_rpc_stats_ended(cc->stats, call->status.code, gc_clock_mono_ns() - cc->start_ns);
        cc->stats = NULL;
    }
}

static void
client_freed(struct gc_rpc_call *call)
{
    gc_rpc_channel_unref(client_call(call)->channel);
}

static const struct gc_rpc_side client_side = {
    .send = client_send,
    .writable = client_writable,
    .message = client_message,
    .give_up = client_give_up,
    .ended = client_ended,
    .freed = client_freed,
};

/* A call in an arena of its own. */
static int
call_new(struct gc_rpc_channel *channel, const struct gc_rpc_call_conf *conf,
         struct gc_rpc_client_call **ret_cc)
{
    struct gc_rpc_client_call *cc;
    struct gc_arena arena;
    int rc;

    gc_arena_init(&arena, GC_RPC_ARENA_BYTES_MAX);
    cc = gc_arena_alloc(&arena, sizeof(*cc));
    if (cc == NULL) {
        return -ENOMEM;
    }
    rc = conf->n_metadata > METADATA_MAX
             ? GC_ELIMIT
             : gc_rpc_metadata_encode(&arena, conf->metadata, conf->n_metadata, &cc->wire);
    if (rc != 0) {
        gc_arena_fini(&arena);
        return rc;
    }
    gc_rpc_call_init(&cc->base, &arena, &client_side, channel->loop);
    gc_rpc_decoder_init(&cc->base.decoder, channel->conf.message_bytes_max);
    gc_list_init(&cc->node);
    cc->wake_task.fn = on_wake;
    cc->channel = channel;
    cc->path = conf->path;
    cc->wait_for_ready = conf->wait_for_ready;
    cc->one_response = conf->one_response;
    cc->traced = conf->trace != NULL;
    if (cc->traced) {
        cc->base.trace = *conf->trace;
    }
    *ret_cc = cc;
    return 0;
}

/* Find the call a connection, now or later. */
static void
place(struct gc_rpc_client_call *cc)
{
    struct gc_rpc_channel *channel = cc->channel;

    start_waiting(cc, false);
    gc_rpc_channel_kick(channel);
    gc_rpc_channel_pump(channel);
    if (cc->waiting) {
        gc_rpc_channel_settle(channel);
    }
}

int
gc_rpc_call_start(struct gc_rpc_channel *channel, const struct gc_rpc_call_conf *conf,
                  const struct gc_rpc_handler *handler, void *arg, struct gc_rpc_call **ret_call)
{
    uint64_t deadline_ms = conf->deadline_ms != GC_RPC_NO_DEADLINE ? conf->deadline_ms : UINT64_MAX;
    struct gc_rpc_client_call *cc;
    int rc;

    if (channel->shutdown) {
        return GC_ECLOSED;
    }
    if (channel->n_waiting >= channel->conf.queue_max) {
        return GC_ELIMIT;
    }
    rc = call_new(channel, conf, &cc);
    if (rc != 0) {
        return rc;
    }
    gc_rpc_channel_ref(channel);
    gc_rpc_set_handler(&cc->base, handler, arg);
    cc->start_ns = gc_clock_mono_ns();
    cc->stats = gc_rpc_channel_stats(channel, conf->path);
    if (cc->stats != NULL) {
        gc_rpc_stats_started(cc->stats);
    }
    gc_rpc_call_time(&cc->base, deadline_ms, conf->progress_ms);
    place(cc);
    *ret_call = &cc->base;
    return 0;
}

/* --- unary -------------------------------------------------------------------------------------
 */

struct unary {
    gc_rpc_unary_cb cb;
    void *arg;
    struct gc_bytes *response;
};

static void
unary_message(struct gc_rpc_call *call, void *arg, struct gc_bytes *msg)
{
    struct unary *unary = arg;

    unary->response = gc_bytes_ref(msg);
    gc_rpc_consume(call);
}

static void
unary_end(struct gc_rpc_call *call, void *arg, const struct gc_rpc_status *status)
{
    struct unary *unary = arg;

    (void)call;
    unary->cb(unary->arg, status, status->code == GC_RPC_OK ? unary->response : NULL);
    gc_bytes_unref(unary->response);
}

static const struct gc_rpc_handler unary_handler = {
    .on_message = unary_message,
    .on_end = unary_end,
};

int
gc_rpc_unary(struct gc_rpc_channel *channel, const struct gc_rpc_call_conf *conf,
             struct gc_bytes *request, gc_rpc_unary_cb cb, void *arg, struct gc_rpc_call **ret_call)
{
    struct gc_rpc_call_conf own = *conf;
    struct gc_rpc_call *call;
    struct unary *unary;
    int rc;

    own.one_response = true;
    rc = gc_rpc_call_start(channel, &own, &unary_handler, NULL, &call);
    if (rc != 0) {
        return rc;
    }
    unary = gc_arena_alloc(&call->arena, sizeof(*unary));
    assert(unary != NULL); /* a new arena has room */
    unary->cb = cb;
    unary->arg = arg;
    gc_rpc_set_handler(call, &unary_handler, unary);
    /* When these fail the call has been given up already: CB tells why. */
    rc = gc_rpc_send(call, request);
    if (rc == 0) {
        (void)gc_rpc_half_close(call);
    } else {
        gc_rpc_call_fail(call, GC_RPC_RESOURCE_EXHAUSTED, gc_err_text(rc));
    }
    *ret_call = call;
    return 0;
}
