/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Head -> target -> host -> operation -> proof -> op->start -> body -> op->end -> answer -> the
 * stream closes -> log, count -> freed when nobody holds it. Whatever fails on the way is answered
 * as S3's XML; the rest of the body is then dropped, and the HTTP layer ends the exchange. */
#include "web/request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/random.h"
#include "web/ops.h"

/* --- life --------------------------------------------------------------------------------------
 */

void
gc_web_hold(struct gc_web_request *req)
{
    req->n_refs++;
}

void
gc_web_release(struct gc_web_request *req)
{
    if (--req->n_refs > 0) {
        return;
    }
    gc_bytes_unref(req->prepared);
    gc_wipe(&req->proof, sizeof(req->proof));
    req->worker->n_requests--;
    free(req);
}

static void
log_request(const struct gc_web_request *req, int rc)
{
    const struct gc_peer *peer = gc_http_peer(req->s);
    uint64_t us = (gc_clock_mono_ns() - req->started_ns) / 1000;
    if (!gc_log_on(GC_LOG_DEBUG)) {
        return;
    }
    gc_log_trace(GC_LOG_DEBUG, &req->trace, "request",
                 "id=%s method=%s path=%s op=%s status=%u code=%s rc=%s us=%llu http=%u peer=%s",
                 req->id_text, gc_log_q(req->method), gc_log_q(req->path),
                 req->op != NULL ? req->op->name : "-", req->status,
                 req->err != GC_API_OK ? gc_api_err_info(req->err)->code : "-", gc_err_name(rc),
                 (unsigned long long)us, gc_http_version(req->s),
                 gc_log_q(gc_str_of(peer != NULL ? peer->addr : "")));
}

/* --- the prepared call -------------------------------------------------------------------------
 */

struct gc_upstream_context
gc_web_context(const struct gc_web_request *req)
{
    uint64_t ttl_ms = 2 * req->worker->web->conf->deadline_ms;
    return (struct gc_upstream_context){
        .proof = &req->proof,
        .request_id = req->id,
        .ttl_ms = (uint32_t)ttl_ms,
    };
}

enum gc_api_err
gc_web_prepare(struct gc_web_request *req, enum gc_upstream_op op, const ProtobufCMessage *message)
{
    struct gc_upstream_context context = gc_web_context(req);
    req->upstream_op = op;
    req->prepared = gc_upstream_wrap(op, &context, message);
    return req->prepared != NULL ? GC_API_OK : GC_API_SlowDown;
}

static void
on_answer(struct gc_upstream *up, enum gc_api_err err, struct gc_bytes *response)
{
    struct gc_web_request *req = gc_container_of(up, struct gc_web_request, upstream);
    if (req->s != NULL && err == GC_API_OK) {
        req->op->answer(req, response);
    } else if (req->s != NULL && (req->op->on_err == NULL || !req->op->on_err(req, err))) {
        gc_web_answer_err(req, err);
    }
    gc_web_release(req);
}

static void
call_prepared(struct gc_web_request *req)
{
    struct gc_bytes *message = req->prepared;
    req->prepared = NULL;
    gc_web_hold(req);
    gc_upstream_start(&req->upstream, gc_upstream_methods[req->upstream_op].path, message,
                      req->worker->web->conf->deadline_ms, on_answer);
}

/* --- the stream --------------------------------------------------------------------------------
 */

static void
on_head(struct gc_http_stream *s, void *arg, const struct gc_http_head *head)
{
    (void)s;
    (void)arg;
    (void)head;
}

static void
on_data(struct gc_http_stream *s, void *arg, const struct gc_slice *data)
{
    struct gc_web_request *req = arg;
    if (req->status == 0 && req->op->data != NULL) {
        req->op->data(req, data);
        return;
    }
    gc_http_consume(s, data->len);
    req->n_dropped += data->len;
    if (req->n_dropped > GC_WEB_BODY_DROP_MAX) {
        gc_web_answer_err(req, GC_API_EntityTooLarge);
    }
}

static void
on_end(struct gc_http_stream *s, void *arg, const struct gc_http_field *trailers, size_t n)
{
    struct gc_web_request *req = arg;
    (void)s;
    (void)trailers;
    (void)n;
    if (req->status != 0) {
        return;
    }
    if (req->op->end != NULL) {
        req->op->end(req);
    } else {
        call_prepared(req);
    }
}

static void
on_writable(struct gc_http_stream *s, void *arg)
{
    struct gc_web_request *req = arg;
    (void)s;
    if (req->op != NULL && req->op->writable != NULL) {
        req->op->writable(req);
    }
}

static void
on_close(struct gc_http_stream *s, void *arg, int rc, unsigned h2_code)
{
    struct gc_web_request *req = arg;
    (void)s;
    (void)h2_code;
    log_request(req, rc);
    gc_web_metrics_request(&req->worker->metrics, req->method, req->status,
                           gc_clock_mono_ns() - req->started_ns);
    gc_gauge_add(req->worker->metrics.active, -1);
    req->s = NULL;
    if (req->op != NULL && req->op->gone != NULL) {
        req->op->gone(req);
    } else {
        gc_upstream_cancel(&req->upstream);
    }
    gc_web_release(req);
}

static const struct gc_http_handler handler = {
    .on_head = on_head,
    .on_data = on_data,
    .on_end = on_end,
    .on_writable = on_writable,
    .on_close = on_close,
};

/* --- the head ----------------------------------------------------------------------------------
 */

/* A trace of our own: what a client says is only noted. */
static void
begin_trace(struct gc_web_request *req, const struct gc_http_head *head)
{
    struct gc_str link = gc_http_field_get(head->fields, head->n_fields, "traceparent");
    gc_trace_new(&req->trace);
    if (link.data != NULL && gc_log_on(GC_LOG_DEBUG)) {
        gc_log_trace(GC_LOG_DEBUG, &req->trace, "trace.link", "traceparent=%s", gc_log_q(link));
    }
}

static struct gc_web_request *
request_new(struct gc_web_worker *w, struct gc_http_stream *s, const struct gc_http_head *head)
{
    struct gc_web_request *req = calloc(1, sizeof(*req));
    const char *query = memchr(head->path.data, '?', head->path.len);
    if (req == NULL) {
        return NULL;
    }
    req->s = s;
    req->worker = w;
    req->n_refs = 1;
    req->started_ns = gc_clock_mono_ns();
    gc_random_bytes(req->id, sizeof(req->id));
    gc_hex_encode(req->id_text, req->id, sizeof(req->id));
    begin_trace(req, head);
    req->method = gc_arena_str(gc_http_arena(s), head->method);
    req->path = gc_arena_str(gc_http_arena(s), head->path);
    if (query != NULL) {
        req->path.len = GC_MIN(req->path.len, (size_t)(query - head->path.data));
    }
    gc_upstream_init(&req->upstream, w, &req->trace);
    w->n_requests++;
    gc_gauge_add(w->metrics.active, 1);
    return req;
}

static enum gc_api_err
check_proof(struct gc_web_request *req, const struct gc_http_head *head)
{
    struct gc_str authorization = gc_http_field_get(head->fields, head->n_fields, "authorization");
    struct gc_str signature = gc_web_param(&req->target, "X-Amz-Signature");
    enum gc_api_err err = gc_web_auth_check(&req->worker->web->auth, gc_http_peer(req->s),
                                            authorization, &req->proof);
    if (signature.data != NULL) {
        err = GC_API_NotImplemented;
    }
    if (err != GC_API_OK) {
        gc_counter_inc(req->worker->metrics.auth_failures);
    }
    return err;
}

static enum gc_api_err
request_begin(struct gc_web_request *req, const struct gc_http_head *head)
{
    const struct gc_web_conf *conf = req->worker->web->conf;
    const struct gc_web_op *op;
    enum gc_api_err err = gc_web_target_parse(
        gc_http_arena(req->s), gc_arena_str(gc_http_arena(req->s), head->path), &req->target);
    bool own = err == GC_API_OK && req->target.resource == GC_WEB_OWN;
    if (!own && !gc_web_host_ok(conf->server_names, head->authority)) {
        return GC_API_MisdirectedRequest;
    }
    if (err == GC_API_OK) {
        err = gc_web_find_op(&req->target, req->method, &op);
    }
    if (err == GC_API_OK && !own) {
        err = check_proof(req, head);
    }
    if (err != GC_API_OK) {
        return err;
    }
    req->op = op;
    err = op->start(req, head);
    if (err != GC_API_OK) {
        req->op = NULL;
    }
    return err;
}

void
gc_web_on_request(void *arg, struct gc_http_stream *s, const struct gc_http_head *head)
{
    struct gc_web_worker *w = arg;
    struct gc_web_request *req;
    enum gc_api_err err;
    if (gc_rpc_is_grpc(head) && gc_web_host_ok(w->web->conf->server_names, head->authority)) {
        gc_rpc_server_on_request(w->rpc, s, head);
        return;
    }
    req = request_new(w, s, head);
    if (req == NULL) {
        gc_http_reset(s, GC_H2_INTERNAL_ERROR);
        return;
    }
    gc_http_set_handler(s, &handler, req);
    err = request_begin(req, head);
    if (err != GC_API_OK) {
        gc_web_answer_err(req, err);
    }
}
