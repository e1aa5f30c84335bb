/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pages of our own: /-/health (this process answers) and /-/ready (so does a translation node). */
#include "web/ops.h"

static enum gc_api_err
own_start(struct gc_web_request *req, const struct gc_http_head *head)
{
    (void)head;
    return gc_str_eq_cstr(req->target.own, "health") || gc_str_eq_cstr(req->target.own, "ready")
               ? GC_API_OK
               : GC_API_NoSuchKey;
}

static void
own_end(struct gc_web_request *req)
{
    bool ok = gc_str_eq_cstr(req->target.own, "health") || gc_web_worker_ready(req->worker);
    struct gc_buf body;
    gc_buf_init(&body, 64);
    (void)gc_buf_append_str(&body, ok ? "ok\n" : "not ready\n");
    gc_web_answer_body(req, ok ? 200 : 503, "text/plain", &body);
    gc_buf_fini(&body);
}

const struct gc_web_op gc_web_op_own = {
    .name = "own",
    .start = own_start,
    .end = own_end,
};
