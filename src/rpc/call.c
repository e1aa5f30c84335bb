/* SPDX-License-Identifier: MIT */
/* What client and server calls have in common. How a call ends:
 *
 *   the peer's end has come (status, reset, lost connection)  -> decide, on_end at once
 *   we end it (cancel, deadline, no progress, bad framing)    -> decide, tell the peer, let go of
 *                                                                the stream, on_end from the loop
 *
 * The decision is made once, in gc_rpc_call_decide; from then on the application hears nothing but
 * on_end. Letting go leaves the stream to a handler that takes and drops everything, so that the
 * end does not wait for a peer that does not read. */
#include "rpc/call_priv.h"

#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"

#define PROGRESS_LOOKS 4 /* a progress deadline is looked at so often */
#define MARGIN_MS_MAX  50

static void
orphan_data(struct gc_http_stream *s, void *arg, const struct gc_slice *data)
{
    (void)arg;
    gc_http_consume(s, data->len);
}

static void
orphan_head(struct gc_http_stream *s, void *arg, const struct gc_http_head *head)
{
    (void)s;
    (void)arg;
    (void)head;
}

static void
orphan_end(struct gc_http_stream *s, void *arg, const struct gc_http_field *trailers, size_t n)
{
    (void)s;
    (void)arg;
    (void)trailers;
    (void)n;
}

static void
orphan_close(struct gc_http_stream *s, void *arg, int rc, unsigned h2_code)
{
    (void)s;
    (void)arg;
    (void)rc;
    (void)h2_code;
}

static const struct gc_http_handler orphan = {
    .on_head = orphan_head,
    .on_data = orphan_data,
    .on_end = orphan_end,
    .on_close = orphan_close,
};

static void
on_deadline(struct gc_timer *timer)
{
    gc_rpc_call_fail(gc_container_of(timer, struct gc_rpc_call, deadline), GC_RPC_DEADLINE_EXCEEDED,
                     "deadline exceeded");
}

/* Does the peer owe us something: to take what is queued, or to send although nothing it sent is
 * left to consume? A server owes nothing before its client has said all. */
static bool
peer_owes(const struct gc_rpc_call *call)
{
    if (call->stream == NULL) {
        return true; /* a connection */
    }
    return gc_http_queued(call->stream) > 0 ||
           (!call->in_ended && gc_rpc_credit_n_waiting(&call->credit) == 0 &&
            (call->side->server || call->out_ended));
}

static void
on_progress(struct gc_timer *timer)
{
    struct gc_rpc_call *call = gc_container_of(timer, struct gc_rpc_call, progress);
    size_t queued = call->stream != NULL ? gc_http_queued(call->stream) : 0;
    uint64_t n_moved = call->n_in + call->n_out - queued;

    call->n_still = n_moved == call->n_moved && peer_owes(call) ? call->n_still + 1 : 0;
    call->n_moved = n_moved;
    if (call->n_still >= PROGRESS_LOOKS) {
        gc_rpc_call_fail(call, GC_RPC_DEADLINE_EXCEEDED, "no progress");
        return;
    }
    gc_timer_start(timer, call->progress_ms / PROGRESS_LOOKS + 1);
}

static void
on_end_task(struct gc_task *task)
{
    gc_rpc_call_end(gc_container_of(task, struct gc_rpc_call, end_task));
}

void
gc_rpc_call_init(struct gc_rpc_call *call, const struct gc_arena *arena,
                 const struct gc_rpc_side *side, struct gc_loop *loop)
{
    call->arena = *arena;
    call->side = side;
    call->loop = loop;
    call->deadline_at_ms = UINT64_MAX;
    call->n_refs = 1;
    call->end_task.fn = on_end_task;
    gc_rpc_credit_init(&call->credit);
    gc_timer_init(&call->deadline, loop, on_deadline);
    gc_timer_init(&call->progress, loop, on_progress);
}

void
gc_rpc_call_time(struct gc_rpc_call *call, uint64_t deadline_ms, uint64_t progress_ms)
{
    uint64_t now_ms = gc_loop_now_ms(call->loop);

    if (deadline_ms < UINT64_MAX - now_ms) {
        call->deadline_at_ms = now_ms + deadline_ms;
        gc_timer_start(&call->deadline, deadline_ms);
    }
    if (progress_ms > 0) {
        call->progress_ms = progress_ms;
        gc_timer_start(&call->progress, progress_ms / PROGRESS_LOOKS + 1);
    }
}

void
gc_rpc_call_take_stream(struct gc_rpc_call *call, struct gc_http_stream *stream)
{
    call->stream = stream;
    call->peer = gc_http_peer(stream);
}

void
gc_rpc_call_let_go(struct gc_rpc_call *call)
{
    if (call->stream != NULL) {
        gc_http_set_handler(call->stream, &orphan, NULL);
    }
    call->stream = NULL;
    call->peer = NULL;
}

void
gc_rpc_call_decide(struct gc_rpc_call *call, enum gc_rpc_code code, const char *text)
{
    if (!call->decided) {
        call->decided = true;
        gc_rpc_status_set(&call->status, code, "%s", text);
        gc_timer_stop(&call->deadline);
        gc_timer_stop(&call->progress);
    }
}

void
gc_rpc_call_fail(struct gc_rpc_call *call, enum gc_rpc_code code, const char *text)
{
    if (call->decided) {
        return;
    }
    gc_rpc_call_decide(call, code, text);
    call->side->give_up(call);
    gc_rpc_call_let_go(call);
    gc_rpc_call_end_later(call);
}

void
gc_rpc_call_end_later(struct gc_rpc_call *call)
{
    gc_loop_post(call->loop, &call->end_task);
}

void
gc_rpc_call_end(struct gc_rpc_call *call)
{
    assert(call->decided && !call->ended);
    call->ended = true;
    if (call->handler != NULL) {
        call->handler->on_end(call, call->arg, &call->status);
    }
    call->side->ended(call);
    gc_rpc_unref(call);
}

void
gc_rpc_call_consume(struct gc_rpc_call *call, size_t len)
{
    if (call->stream != NULL && len > 0) {
        gc_http_consume(call->stream, len);
    }
}

static void
receive_error(struct gc_rpc_call *call, int rc)
{
    switch (rc) {
    case GC_ELIMIT:
        gc_rpc_call_fail(call, GC_RPC_RESOURCE_EXHAUSTED, "message over the limit");
        break;
    case GC_EPROTO:
        gc_rpc_call_fail(call, GC_RPC_INTERNAL, "compressed message without an encoding");
        break;
    default:
        gc_rpc_call_fail(call, GC_RPC_RESOURCE_EXHAUSTED, gc_err_text(rc));
        break;
    }
}

void
gc_rpc_call_receive(struct gc_rpc_call *call, const struct gc_slice *data)
{
    struct gc_slice rest = *data;

    call->n_in += data->len;
    /* The application may end the call from any message. */
    while (!call->decided) {
        size_t before = rest.len;
        struct gc_bytes *msg;
        int rc = gc_rpc_decoder_next(&call->decoder, &rest, &msg);

        gc_rpc_call_consume(call, gc_rpc_credit_arrived(&call->credit, before - rest.len));
        if (rc == 0) {
            return;
        }
        if (rc == 1) {
            rc = gc_rpc_credit_whole(&call->credit);
            if (rc == 0) {
                call->side->message(call, msg);
            }
            gc_bytes_unref(msg);
        }
        if (rc != 0) {
            receive_error(call, rc);
            return;
        }
    }
    gc_rpc_call_consume(call, rest.len);
}

int
gc_rpc_call_write(struct gc_rpc_call *call, const struct gc_rpc_out *out)
{
    struct gc_slice head = { NULL, out->head, out->head_len };
    size_t len = out->head_len + out->tail.len;
    int rc;

    if (len > GC_HTTP_QUEUE_MAX - GC_MIN(gc_http_queued(call->stream), GC_HTTP_QUEUE_MAX)) {
        return GC_ELIMIT;
    }
    rc = gc_http_write(call->stream, &head);
    if (rc != 0) {
        return rc;
    }
    rc = out->tail.len > 0 ? gc_http_write(call->stream, &out->tail) : 0;
    if (rc != 0) {
        /* Half a message is out: nothing sensible can follow. */
        gc_rpc_call_fail(call, GC_RPC_RESOURCE_EXHAUSTED, gc_err_text(rc));
        return rc;
    }
    call->n_out += len;
    return 0;
}

void
gc_rpc_set_handler(struct gc_rpc_call *call, const struct gc_rpc_handler *handler, void *arg)
{
    call->handler = handler;
    call->arg = arg;
}

struct gc_rpc_call *
gc_rpc_ref(struct gc_rpc_call *call)
{
    call->n_refs++;
    return call;
}

void
gc_rpc_unref(struct gc_rpc_call *call)
{
    struct gc_arena arena;

    assert(call->n_refs > 0);
    if (--call->n_refs > 0) {
        return;
    }
    assert(call->ended);
    call->side->freed(call);
    gc_rpc_decoder_fini(&call->decoder);
    gc_rpc_credit_fini(&call->credit);
    arena = call->arena; /* the call lies in it */
    gc_arena_fini(&arena);
}

struct gc_loop *
gc_rpc_loop(const struct gc_rpc_call *call)
{
    return call->loop;
}

struct gc_arena *
gc_rpc_arena(struct gc_rpc_call *call)
{
    return &call->arena;
}

const struct gc_peer *
gc_rpc_peer(const struct gc_rpc_call *call)
{
    return call->peer;
}

const struct gc_trace *
gc_rpc_trace(const struct gc_rpc_call *call)
{
    return &call->trace;
}

uint64_t
gc_rpc_remaining_ms(const struct gc_rpc_call *call)
{
    uint64_t now_ms = gc_loop_now_ms(call->loop);

    if (call->deadline_at_ms == UINT64_MAX) {
        return UINT64_MAX;
    }
    return call->deadline_at_ms > now_ms ? call->deadline_at_ms - now_ms : 0;
}

uint64_t
gc_rpc_child_deadline_ms(const struct gc_rpc_call *call, uint64_t own_ms)
{
    uint64_t left_ms = gc_rpc_remaining_ms(call);

    if (left_ms == UINT64_MAX) {
        return own_ms;
    }
    left_ms -= GC_MIN(left_ms / 10, MARGIN_MS_MAX);
    if (own_ms > 0) {
        left_ms = GC_MIN(left_ms, own_ms);
    }
    return GC_MAX(left_ms, 1);
}

struct gc_str
gc_rpc_metadata(const struct gc_rpc_call *call, const char *name)
{
    return gc_http_field_get(call->metadata.fields, call->metadata.n, name);
}

const struct gc_http_field *
gc_rpc_metadata_all(const struct gc_rpc_call *call, size_t *ret_n)
{
    *ret_n = call->metadata.n;
    return call->metadata.fields;
}

struct gc_str
gc_rpc_trailer(const struct gc_rpc_call *call, const char *name)
{
    return gc_http_field_get(call->trailers.fields, call->trailers.n, name);
}

const struct gc_http_field *
gc_rpc_trailers(const struct gc_rpc_call *call, size_t *ret_n)
{
    *ret_n = call->trailers.n;
    return call->trailers.fields;
}

int
gc_rpc_send_parts(struct gc_rpc_call *call, const void *head, size_t head_len,
                  const struct gc_slice *tail)
{
    struct gc_rpc_out out = { .head_len = GC_RPC_PREFIX_LEN + head_len, .tail = *tail };

    assert(head_len <= GC_RPC_HEAD_LEN_MAX);
    if (call->decided || call->out_ended) {
        return GC_ECLOSED;
    }
    if (tail->len > GC_HTTP_QUEUE_MAX) {
        return GC_ELIMIT;
    }
    gc_rpc_prefix_encode(out.head, head_len + tail->len);
    if (head_len > 0) {
        memcpy(out.head + GC_RPC_PREFIX_LEN, head, head_len);
    }
    return call->side->send(call, &out);
}

int
gc_rpc_send(struct gc_rpc_call *call, struct gc_bytes *msg)
{
    const struct gc_slice tail = { msg, msg->data, msg->len };

    return gc_rpc_send_parts(call, NULL, 0, &tail);
}

bool
gc_rpc_writable(const struct gc_rpc_call *call)
{
    return !call->decided && !call->out_ended && call->side->writable(call);
}

void
gc_rpc_consume(struct gc_rpc_call *call)
{
    gc_rpc_call_consume(call, gc_rpc_credit_consumed(&call->credit));
}

void
gc_rpc_cancel(struct gc_rpc_call *call)
{
    gc_rpc_call_fail(call, GC_RPC_CANCELLED, "cancelled");
}
