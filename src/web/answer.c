/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How requests are answered. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "web/request.h"
#include "web/xml.h"

#define ERROR_BYTES_MAX (32 * 1024)

bool
gc_web_answered(const struct gc_web_request *req)
{
    return req->s == NULL || req->status != 0;
}

int
gc_web_respond(struct gc_web_request *req, unsigned status, const struct gc_http_field *fields,
               size_t n, bool end)
{
    struct gc_http_field all[GC_WEB_FIELDS_MAX];
    char date[30];
    size_t m = 0;
    int rc;
    if (gc_web_answered(req)) {
        return GC_ECLOSED;
    }
    if (n > GC_WEB_FIELDS_MAX - 3) {
        return GC_ELIMIT;
    }
    gc_time_http(date, gc_clock_wall_ms());
    all[m++] = (struct gc_http_field){ GC_STR("x-amz-request-id"), gc_str_of(req->id_text), false };
    all[m++] = (struct gc_http_field){ GC_STR("date"), gc_str_of(date), false };
    all[m++] = (struct gc_http_field){ GC_STR("server"), GC_STR("gcommon"), false };
    for (size_t i = 0; i < n; i++) {
        all[m++] = fields[i];
    }
    rc = gc_http_respond(req->s, status, all, m, end);
    if (rc == 0) {
        req->status = status;
    }
    return rc;
}

/* An answer that cannot be given is no answer. */
static void
answer_failed(struct gc_web_request *req, int rc)
{
    if (rc != 0 && req->s != NULL) {
        gc_log_trace(GC_LOG_WARN, &req->trace, "answer", "id=%s rc=%s", req->id_text,
                     gc_err_name(rc));
        gc_http_reset(req->s, GC_H2_INTERNAL_ERROR);
    }
}

void
gc_web_answer_empty(struct gc_web_request *req, unsigned status, const struct gc_http_field *fields,
                    size_t n)
{
    if (!gc_web_answered(req)) {
        answer_failed(req, gc_web_respond(req, status, fields, n, true));
    }
}

/* BUF as the body, with FIELDS and its type and length. */
static void
answer_with(struct gc_web_request *req, unsigned status, const struct gc_http_field *fields,
            size_t n, const struct gc_buf *buf)
{
    const struct gc_slice body = { NULL, buf->data, buf->len };
    struct gc_http_field all[8];
    char length[24];
    int rc;
    if (gc_web_answered(req)) {
        return;
    }
    for (size_t i = 0; i < n; i++) {
        all[i] = fields[i];
    }
    snprintf(length, sizeof(length), "%zu", buf->len);
    all[n] = (struct gc_http_field){ GC_STR("content-length"), gc_str_of(length), false };
    rc = gc_web_respond(req, status, all, n + 1, false);
    if (rc == 0) {
        rc = gc_http_write(req->s, &body);
    }
    if (rc == 0) {
        rc = gc_http_end(req->s, NULL, 0);
    }
    answer_failed(req, rc);
}

void
gc_web_answer_body(struct gc_web_request *req, unsigned status, const char *type,
                   const struct gc_buf *buf)
{
    const struct gc_http_field field = { GC_STR("content-type"), gc_str_of(type), false };
    answer_with(req, status, &field, 1, buf);
}

void
gc_web_answer_xml(struct gc_web_request *req, const struct gc_buf *buf)
{
    gc_web_answer_body(req, 200, "application/xml", buf);
}

static struct gc_str
methods_of(enum gc_web_resource resource)
{
    switch (resource) {
    case GC_WEB_SERVICE:
        return GC_STR("GET");
    case GC_WEB_OWN:
        return GC_STR("GET, HEAD");
    default:
        return GC_STR("GET, HEAD, PUT, DELETE");
    }
}

void
gc_web_answer_err(struct gc_web_request *req, enum gc_api_err err)
{
    const struct gc_api_err_info *info = gc_api_err_info(err);
    struct gc_http_field fields[3];
    struct gc_buf body;
    size_t n = 0;
    if (gc_web_answered(req)) {
        return;
    }
    req->err = err;
    if (info->http == 304) {
        gc_web_answer_empty(req, 304, NULL, 0);
        return;
    }
    fields[n++] =
        (struct gc_http_field){ GC_STR("content-type"), GC_STR("application/xml"), false };
    if (info->http == 503) {
        fields[n++] = (struct gc_http_field){ GC_STR("retry-after"), GC_STR("1"), false };
    } else if (info->http == 401) {
        fields[n++] = (struct gc_http_field){ GC_STR("www-authenticate"), GC_STR("Bearer"), false };
    } else if (info->http == 416 && req->content_range != NULL) {
        fields[n++] =
            (struct gc_http_field){ GC_STR("content-range"), gc_str_of(req->content_range), false };
    } else if (info->http == 405) {
        fields[n++] =
            (struct gc_http_field){ GC_STR("allow"), methods_of(req->target.resource), false };
    }
    gc_buf_init(&body, ERROR_BYTES_MAX);
    if (gc_xml_error(&body, err, req->path, req->id_text) != 0) {
        gc_buf_clear(&body);
    }
    answer_with(req, info->http, fields, n, &body);
    gc_buf_fini(&body);
}
