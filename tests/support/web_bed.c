/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The bed and its client; the scripted translation node is in web_bed_node.c. */
#include "tests/support/web_bed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/macros.h"
#include "tests/support/web_bed_node.h"

#define PIECE (64 * 1024)

uint8_t
web_bed_byte(uint64_t at)
{
    return (uint8_t)(at * 31 + (at >> 8) * 7);
}

/* --- client ------------------------------------------------------------------------------------
 */

static void
on_head(struct gc_http_stream *s, void *arg, const struct gc_http_head *head)
{
    struct web_bed_reply *reply = arg;
    size_t n = 0;
    (void)s;
    reply->status = head->status;
    for (size_t i = 0; i < head->n_fields && n < sizeof(reply->fields); i++) {
        n += (size_t)snprintf(reply->fields + n, sizeof(reply->fields) - n, "%.*s: %.*s\n",
                              (int)head->fields[i].name.len, head->fields[i].name.data,
                              (int)head->fields[i].value.len, head->fields[i].value.data);
    }
}

static void
on_data(struct gc_http_stream *s, void *arg, const struct gc_slice *data)
{
    struct web_bed_reply *reply = arg;
    assert_int_equal(gc_buf_append(&reply->body, data->data, data->len), 0);
    if (reply->hold) {
        reply->held += data->len;
    } else {
        gc_http_consume(s, data->len);
    }
}

static void
on_end(struct gc_http_stream *s, void *arg, const struct gc_http_field *trailers, size_t n)
{
    struct web_bed_reply *reply = arg;
    (void)s;
    (void)trailers;
    (void)n;
    reply->ended = true;
}

static void
pump(struct web_bed_reply *reply)
{
    uint8_t piece[PIECE];
    while (reply->s != NULL && reply->n_sent < reply->to_send &&
           gc_http_queued(reply->s) < GC_HTTP_QUEUE_HIGH) {
        struct gc_slice data = { NULL, piece,
                                 GC_MIN(sizeof(piece), reply->to_send - reply->n_sent) };
        for (size_t i = 0; i < data.len; i++) {
            piece[i] = web_bed_byte(reply->n_sent + i);
        }
        if (gc_http_write(reply->s, &data) != 0) {
            return;
        }
        reply->n_sent += data.len;
    }
    if (reply->s != NULL && reply->end_due && reply->n_sent == reply->to_send) {
        reply->end_due = false;
        (void)gc_http_end(reply->s, NULL, 0);
    }
}

static void
on_writable(struct gc_http_stream *s, void *arg)
{
    (void)s;
    pump(arg);
}

static void
on_close(struct gc_http_stream *s, void *arg, int rc, unsigned h2_code)
{
    struct web_bed_reply *reply = arg;
    (void)s;
    reply->s = NULL;
    reply->closed = true;
    reply->rc = rc;
    reply->h2_code = h2_code;
}

static const struct gc_http_handler handler = {
    .on_head = on_head,
    .on_data = on_data,
    .on_end = on_end,
    .on_writable = on_writable,
    .on_close = on_close,
};

struct web_bed_reply *
web_bed_request(struct web_bed *bed, const char *method, const char *path,
                const char *const *fields, size_t n, bool end)
{
    struct web_bed_reply *reply = calloc(1, sizeof(*reply));
    struct gc_http_field list[128];
    struct gc_http_head head = {
        .method = gc_str_of(method),
        .scheme = GC_STR("http"),
        .authority = GC_STR("bed.example:1"),
        .path = gc_str_of(path),
        .fields = list,
        .n_fields = n,
    };
    assert_true(n <= GC_ARRAY_LEN(list) && bed->n_replies < WEB_BED_REPLIES_MAX);
    for (size_t i = 0; i < n; i++) {
        const char *colon = strstr(fields[i], ": ");
        list[i].name = (struct gc_str){ fields[i], (size_t)(colon - fields[i]) };
        list[i].value = gc_str_of(colon + 2);
        list[i].sensitive = false;
    }
    reply->bed = bed;
    gc_buf_init(&reply->body, 64u << 20);
    bed->replies[bed->n_replies++] = reply;
    assert_int_equal(gc_http_request(bed->client, &head, end, &handler, reply, &reply->s), 0);
    return reply;
}

struct web_bed_reply *
web_bed_get(struct web_bed *bed, const char *method, const char *path)
{
    struct web_bed_reply *reply = web_bed_request(bed, method, path, NULL, 0, true);
    web_bed_until(bed, reply->closed);
    return reply;
}

void
web_bed_send(struct web_bed_reply *reply, size_t n, bool end)
{
    reply->to_send += n;
    reply->end_due = end;
    pump(reply);
}

void
web_bed_end(struct web_bed_reply *reply)
{
    web_bed_send(reply, 0, true);
}

bool
web_bed_has(const struct web_bed_reply *reply, const char *line)
{
    size_t len = strlen(line);
    const char *at = reply->fields;
    while ((at = strstr(at, line)) != NULL) {
        if ((at == reply->fields || at[-1] == '\n') && at[len] == '\n') {
            return true;
        }
        at++;
    }
    return false;
}

bool
web_bed_body_has(struct web_bed_reply *reply, const char *text)
{
    return strstr(gc_buf_cstr(&reply->body), text) != NULL;
}

static void
client_ready(struct gc_http_client *client, void *arg)
{
    struct web_bed *bed = arg;
    (void)client;
    bed->client_ready = true;
}

static void
client_ignore(struct gc_http_client *client, void *arg)
{
    (void)client;
    (void)arg;
}

static void
client_close(struct gc_http_client *client, void *arg, int rc)
{
    struct web_bed *bed = arg;
    (void)client;
    (void)rc;
    bed->client = NULL;
}

static const struct gc_http_client_ops client_ops = {
    .on_ready = client_ready,
    .on_slots = client_ignore,
    .on_drain = client_ignore,
    .on_close = client_close,
};

/* --- the bed -----------------------------------------------------------------------------------
 */

void
web_bed_init(struct web_bed *bed)
{
    memset(bed, 0, sizeof(*bed));
    assert_int_equal(gc_loop_new(&bed->loop), 0);
    bed->metrics = gc_metrics_new();
    assert_non_null(bed->metrics);
    gc_buf_init(&bed->last, 4u << 20);
    gc_conf_defaults(gc_web_conf_items, &bed->conf);
    bed->conf.anonymous = true;
}

void
web_bed_open(struct web_bed *bed)
{
    struct gc_http_dial dial = { .timeout_ms = GC_UNTIL_MS };
    uint16_t port = web_bed_node_open(bed);

    bed->web.conf = &bed->conf;
    snprintf(bed->web.translation, sizeof(bed->web.translation), "127.0.0.1:%u", port);
    pthread_mutex_init(&bed->web.lock, NULL);
    assert_int_equal(gc_web_auth_init(&bed->web.auth, bed->conf.tokens, bed->conf.anonymous), 0);
    bed->worker.web = &bed->web;
    bed->worker.loop = bed->loop;
    assert_int_equal(gc_web_worker_init(&bed->worker, bed->metrics, NULL), 0);
    assert_int_equal(gc_addr_parse(GC_STR("127.0.0.1:0"), &dial.addr), 0);
    assert_int_equal(gc_http_server_listen(bed->worker.http, &dial.addr, -1, NULL, &port), 0);
    ((struct sockaddr_in *)&dial.addr.ss)->sin_port = htons(port);
    bed->port = port;
    assert_int_equal(gc_http_client_start(bed->loop, NULL, &dial, &client_ops, bed, &bed->client),
                     0);
    web_bed_until(bed, bed->client_ready && gc_web_worker_ready(&bed->worker));
}

void
web_bed_fini(struct web_bed *bed)
{
    if (bed->client != NULL) {
        gc_http_client_abort(bed->client);
    }
    web_bed_until(bed, bed->client == NULL && bed->worker.n_requests == 0);
    gc_web_worker_fini(&bed->worker);
    web_bed_node_close(bed);
    gc_web_auth_fini(&bed->web.auth);
    pthread_mutex_destroy(&bed->web.lock);
    for (size_t i = 0; i < bed->n_replies; i++) {
        assert_true(bed->replies[i]->closed);
        gc_buf_fini(&bed->replies[i]->body);
        free(bed->replies[i]);
    }
    gc_loop_free(bed->loop);
    gc_buf_fini(&bed->last);
    gc_metrics_free(bed->metrics);
}
