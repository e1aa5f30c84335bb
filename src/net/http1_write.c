/* SPDX-License-Identifier: MIT */
/* HTTP/1.1 responses. The head is rendered at the first flush after it was given, when it may be
 * known already how long the body is. */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "net/http1_priv.h"

#define CHUNK_MAX    (64 * 1024)
#define HEAD_OUT_MAX (64 * 1024)

static const char *
reason(unsigned status)
{
    static const struct {
        unsigned status;
        const char *text;
    } reasons[] = {
        { 200, "OK" },
        { 201, "Created" },
        { 204, "No Content" },
        { 206, "Partial Content" },
        { 304, "Not Modified" },
        { 400, "Bad Request" },
        { 401, "Unauthorized" },
        { 403, "Forbidden" },
        { 404, "Not Found" },
        { 405, "Method Not Allowed" },
        { 408, "Request Timeout" },
        { 409, "Conflict" },
        { 411, "Length Required" },
        { 412, "Precondition Failed" },
        { 413, "Content Too Large" },
        { 414, "URI Too Long" },
        { 416, "Range Not Satisfiable" },
        { 417, "Expectation Failed" },
        { 429, "Too Many Requests" },
        { 431, "Request Header Fields Too Large" },
        { 500, "Internal Server Error" },
        { 501, "Not Implemented" },
        { 503, "Service Unavailable" },
        { 504, "Gateway Timeout" },
        { 505, "HTTP Version Not Supported" },
    };

    for (size_t i = 0; i < GC_ARRAY_LEN(reasons); i++) {
        if (reasons[i].status == status) {
            return reasons[i].text;
        }
    }
    return "";
}

/* How the response's end will be known. */
static void
choose_framing(struct gc_http1 *h1, struct http1_stream *s)
{
    struct gc_str length = gc_http_field_get(s->fields, s->n_fields, "content-length");

    if (s->base.no_body) {
        s->framing = FRAMING_NONE;
    } else if (length.data != NULL && gc_str_u64(length, INT64_MAX, &s->length_left) == 0) {
        s->framing = FRAMING_LENGTH;
    } else if (s->base.out_ended) {
        s->framing = FRAMING_LENGTH;
        s->length_left = s->base.out.bytes;
    } else {
        s->framing = h1->minor > 0 ? FRAMING_CHUNKED : FRAMING_CLOSE;
    }
    if (s->framing == FRAMING_CLOSE || h1->draining || h1->eof ||
        (s->base.out_ended && !s->base.in_ended)) {
        h1->keep_alive = false;
    }
}

static int
render_head(struct gc_http1 *h1, struct http1_stream *s, struct gc_buf *out)
{
    bool told = gc_http_field_get(s->fields, s->n_fields, "content-length").data != NULL;
    int rc;

    choose_framing(h1, s);
    rc = gc_buf_printf(out, "HTTP/1.1 %u %s\r\n", s->status, reason(s->status));
    for (size_t i = 0; i < s->n_fields && rc == 0; i++) {
        const struct gc_http_field *field = &s->fields[i];
        rc = gc_buf_printf(out, "%.*s: %.*s\r\n", (int)field->name.len, field->name.data,
                           (int)field->value.len, field->value.data);
    }
    if (rc == 0 && s->framing == FRAMING_LENGTH && !told) {
        rc = gc_buf_printf(out, "content-length: %llu\r\n", (unsigned long long)s->length_left);
    }
    if (rc == 0 && s->framing == FRAMING_CHUNKED) {
        rc = gc_buf_append_str(out, "transfer-encoding: chunked\r\n");
    }
    if (rc == 0 && !h1->keep_alive) {
        rc = gc_buf_append_str(out, "connection: close\r\n");
    }
    return rc == 0 ? gc_buf_append_str(out, "\r\n") : rc;
}

static int
write_head(struct gc_http1 *h1, struct http1_stream *s)
{
    struct gc_buf out;
    int rc;

    gc_buf_init(&out, HEAD_OUT_MAX);
    rc = render_head(h1, s, &out);
    if (rc == 0) {
        gc_conn_write(h1->conn, out.data, out.len);
        s->head_out = true;
    }
    gc_buf_fini(&out);
    return rc;
}

static void
write_text(struct gc_http1 *h1, const char *text)
{
    gc_conn_write(h1->conn, text, strlen(text));
}

/* LEN bytes of the queue, as they are. */
static void
write_bytes(struct gc_http1 *h1, struct http1_stream *s, size_t len)
{
    while (len > 0) {
        const uint8_t *data;
        size_t part;

        gc_http_queue_peek(&s->base.out, &data, &part);
        part = GC_MIN(part, len);
        gc_conn_write(h1->conn, data, part);
        (void)gc_http_stream_sent(&s->base, part);
        len -= part;
    }
}

/* As much of the body as there is room for. GC_EINTERNAL: it is not as long as it was said to be.
 */
static int
write_body(struct gc_http1 *h1, struct http1_stream *s)
{
    char text[24];

    while (s->base.out.bytes > 0 && gc_conn_room(h1->conn) > 0) {
        size_t len = GC_MIN(s->base.out.bytes, (size_t)CHUNK_MAX);

        if (s->framing == FRAMING_LENGTH && len > s->length_left) {
            return GC_EINTERNAL;
        }
        if (s->framing == FRAMING_CHUNKED) {
            snprintf(text, sizeof(text), "%zx\r\n", len);
            write_text(h1, text);
        }
        write_bytes(h1, s, len);
        if (s->framing == FRAMING_CHUNKED) {
            write_text(h1, "\r\n");
        } else if (s->framing == FRAMING_LENGTH) {
            s->length_left -= len;
        }
    }
    if (s->base.out.bytes > 0 || !s->base.out_ended) {
        return 0;
    }
    if (s->framing == FRAMING_LENGTH && s->length_left > 0) {
        return GC_EINTERNAL;
    }
    if (s->framing == FRAMING_CHUNKED) {
        write_text(h1, "0\r\n\r\n");
    }
    s->done = true;
    return 0;
}

int
gc_http1_write_response(struct gc_http1 *h1, struct http1_stream *s)
{
    int rc = 0;

    if (s->done || s->base.reset) {
        return 0;
    }
    if (s->interim_due && !s->base.head_sent && h1->minor > 0) {
        write_text(h1, "HTTP/1.1 100 Continue\r\n\r\n");
    }
    s->interim_due = false;
    if (s->base.head_sent && !s->head_out) {
        rc = write_head(h1, s);
    }
    return rc == 0 && s->head_out ? write_body(h1, s) : rc;
}

void
gc_http1_write_refusal(struct gc_http1 *h1)
{
    char text[160];

    snprintf(text, sizeof(text), "HTTP/1.1 %u %s\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
             h1->error_status, reason(h1->error_status));
    write_text(h1, text);
    h1->error_status = 0;
}
