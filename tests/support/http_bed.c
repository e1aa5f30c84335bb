/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/http_bed.h"

#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/macros.h"

#define BODY_KEPT    (1024 * 1024)
#define SOURCE_PIECE (64 * 1024)

uint64_t
hb_metric(struct hb *bed, const char *name)
{
    struct gc_buf text;
    uint64_t value;
    const char *all, *at;

    gc_buf_init(&text, 1024 * 1024);
    assert_int_equal(gc_metrics_render(bed->metrics, &text), 0);
    all = gc_buf_cstr(&text);
    assert(all != NULL);
    at = strstr(all, name);
    while (at != NULL && at > all && at[-1] != '\n') {
        at = strstr(at + 1, name);
    }
    assert(at != NULL);
    value = strtoull(at + strlen(name), NULL, 10);
    gc_buf_fini(&text);
    return value;
}

void
hb_turns(struct hb *bed, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        gc_loop_turn(bed->loop, 1);
    }
}

/* --- exchanges ----------------------------------------------------------------------------------
 */

static uint8_t
pattern_at(size_t i)
{
    return (uint8_t)(i * 31 + (i >> 8) * 7);
}

static uint32_t
sum_on(uint32_t sum, const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        sum = sum * 16777619u + data[i] + 1;
    }
    return sum;
}

uint32_t
hb_pattern_sum(size_t len)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < len; i++) {
        uint8_t byte = pattern_at(i);
        sum = sum_on(sum, &byte, 1);
    }
    return sum;
}

static struct hb_exchange *
exchange_new(struct hb *bed)
{
    struct hb_exchange *ex = calloc(1, sizeof(*ex));

    assert_non_null(ex);
    ex->bed = bed;
    gc_buf_init(&ex->body, BODY_KEPT);
    return ex;
}

static void
exchange_free(struct hb_exchange *ex)
{
    gc_buf_fini(&ex->body);
    free(ex);
}

static void
print_fields(char *dst, size_t size, const struct gc_http_field *fields, size_t n)
{
    size_t at = 0;

    for (size_t i = 0; i < n && at < size; i++) {
        at += (size_t)snprintf(dst + at, size - at, "%.*s: %.*s\n", (int)fields[i].name.len,
                               fields[i].name.data, (int)fields[i].value.len, fields[i].value.data);
    }
}

static void
print_str(char *dst, size_t size, struct gc_str text)
{
    snprintf(dst, size, "%.*s", (int)text.len, text.data);
}

void
hb_write(struct hb_exchange *ex, const void *data, size_t len)
{
    assert_int_equal(gc_http_write(ex->s, &(struct gc_slice){ NULL, data, len }), 0);
}

static void
pump(struct hb_exchange *ex)
{
    while (ex->source_left > 0 && gc_http_queued(ex->s) < GC_HTTP_QUEUE_HIGH) {
        size_t len = GC_MIN(ex->source_left, (size_t)SOURCE_PIECE);
        struct gc_bytes *piece = gc_bytes_new(len);

        assert_non_null(piece);
        for (size_t i = 0; i < len; i++) {
            piece->data[i] = pattern_at(ex->source_at + i);
        }
        assert_int_equal(gc_http_write(ex->s, &(struct gc_slice){ piece, piece->data, len }), 0);
        gc_bytes_unref(piece);
        ex->source_at += len;
        ex->source_left -= len;
        if (ex->source_left == 0) {
            hb_end(ex);
        }
    }
}

void
hb_source(struct hb_exchange *ex, size_t len)
{
    ex->source_left = len;
    if (len == 0) {
        hb_end(ex);
    }
    pump(ex);
}

void
hb_end(struct hb_exchange *ex)
{
    assert_int_equal(gc_http_end(ex->s, NULL, 0), 0);
}

void
hb_consume_all(struct hb_exchange *ex)
{
    size_t held = ex->held;

    ex->held = 0;
    gc_http_consume(ex->s, held);
}

static void
on_head(struct gc_http_stream *s, void *arg, const struct gc_http_head *head)
{
    struct hb_exchange *ex = arg;

    assert_ptr_equal(s, ex->s);
    ex->n_heads++;
    ex->status = head->status;
    ex->head_end = head->end;
    print_fields(ex->fields, sizeof(ex->fields), head->fields, head->n_fields);
}

static void
on_data(struct gc_http_stream *s, void *arg, const struct gc_slice *data)
{
    struct hb_exchange *ex = arg;

    assert_int_equal(ex->n_ends, 0);
    assert_int_equal(ex->n_closes, 0);
    ex->body_bytes += data->len;
    ex->body_sum = sum_on(ex->body_sum, data->data, data->len);
    (void)gc_buf_append(&ex->body, data->data, data->len);
    if (ex->echo) {
        assert_int_equal(gc_http_write(s, data), 0);
    }
    if (ex->hold_data) {
        ex->held += data->len;
    } else {
        gc_http_consume(s, data->len);
    }
}

static void
on_end(struct gc_http_stream *s, void *arg, const struct gc_http_field *trailers, size_t n)
{
    static const struct gc_http_field trailer = { GC_STR("x-end"), GC_STR("yes"), false };
    struct hb_exchange *ex = arg;
    char text[32];

    assert_int_equal(ex->n_closes, 0);
    ex->n_ends++;
    print_fields(ex->trailers, sizeof(ex->trailers), trailers, n);
    if (ex->sink) {
        snprintf(text, sizeof(text), "%zu\n", ex->body_bytes);
        assert_int_equal(gc_http_respond(s, 200, NULL, 0, false), 0);
        hb_write(ex, text, strlen(text));
    }
    if (ex->sink || ex->echo) {
        assert_int_equal(gc_http_end(s, &trailer, 1), 0);
    }
}

static void
on_writable(struct gc_http_stream *s, void *arg)
{
    struct hb_exchange *ex = arg;

    assert_true(gc_http_queued(s) <= GC_HTTP_QUEUE_LOW);
    ex->n_writables++;
    pump(ex);
}

static void
on_close(struct gc_http_stream *s, void *arg, int rc, unsigned h2_code)
{
    struct hb_exchange *ex = arg;

    assert_ptr_equal(s, ex->s);
    ex->n_closes++;
    ex->rc = rc;
    ex->h2_code = h2_code;
    ex->s = NULL;
}

static const struct gc_http_handler handler = {
    .on_head = on_head,
    .on_data = on_data,
    .on_end = on_end,
    .on_writable = on_writable,
    .on_close = on_close,
};

/* --- the server's application -------------------------------------------------------------------
 */

static void
answer(struct hb_exchange *ex, unsigned status, const char *text)
{
    static const struct gc_http_field type = { GC_STR("content-type"), GC_STR("text/plain"),
                                               false };

    assert_int_equal(gc_http_respond(ex->s, status, &type, 1, false), 0);
    hb_write(ex, text, strlen(text));
    hb_end(ex);
}

static void
serve(struct hb_exchange *ex)
{
    if (strcmp(ex->path, "/echo") == 0) {
        ex->echo = true;
        assert_int_equal(gc_http_respond(ex->s, 200, NULL, 0, false), 0);
    } else if (strcmp(ex->path, "/sink") == 0) {
        ex->sink = true;
    } else if (strncmp(ex->path, "/source/", 8) == 0) {
        assert_int_equal(gc_http_respond(ex->s, 200, NULL, 0, false), 0);
        hb_source(ex, strtoul(ex->path + 8, NULL, 10));
    } else if (strcmp(ex->path, "/reset") == 0) {
        gc_http_reset(ex->s, GC_H2_CANCEL);
    } else if (strcmp(ex->path, "/204") == 0) {
        assert_int_equal(gc_http_respond(ex->s, 204, NULL, 0, true), 0);
    } else if (strcmp(ex->path, "/early") == 0) {
        answer(ex, 403, "no\n");
    } else if (strcmp(ex->path, "/hold") != 0) {
        answer(ex, 200, "hello\n");
    }
}

static void
on_request(void *arg, struct gc_http_stream *s, const struct gc_http_head *head)
{
    struct hb *bed = arg;
    struct hb_exchange *ex;

    if (gc_str_eq_cstr(head->path, "/unset")) {
        return;
    }
    ex = exchange_new(bed);
    ex->s = s;
    ex->hold_data = bed->hold_data;
    assert_true(bed->n_requests < HB_EXCHANGES_MAX);
    bed->requests[bed->n_requests++] = ex;
    print_str(ex->method, sizeof(ex->method), head->method);
    print_str(ex->path, sizeof(ex->path), head->path);
    print_str(ex->authority, sizeof(ex->authority), head->authority);
    print_fields(ex->fields, sizeof(ex->fields), head->fields, head->n_fields);
    ex->head_end = head->end;
    gc_http_set_handler(s, &handler, ex);
    serve(ex);
}

/* --- the client ---------------------------------------------------------------------------------
 */

static void
on_client_ready(struct gc_http_client *c, void *arg)
{
    (void)c;
    ((struct hb *)arg)->n_ready++;
}

static void
on_client_slots(struct gc_http_client *c, void *arg)
{
    assert_true(gc_http_client_slots(c) > 0);
    ((struct hb *)arg)->n_slots++;
}

static void
on_client_drain(struct gc_http_client *c, void *arg)
{
    assert_int_equal(gc_http_client_slots(c), 0);
    ((struct hb *)arg)->n_drains++;
}

static void
on_client_close(struct gc_http_client *c, void *arg, int rc)
{
    struct hb *bed = arg;

    assert_ptr_equal(c, bed->client);
    for (size_t i = 0; i < bed->n_calls; i++) {
        assert_int_equal(bed->calls[i]->n_closes, 1);
    }
    bed->n_closes++;
    bed->client_rc = rc;
    bed->client = NULL;
}

static const struct gc_http_client_ops client_ops = {
    .on_ready = on_client_ready,
    .on_slots = on_client_slots,
    .on_drain = on_client_drain,
    .on_close = on_client_close,
};

int
hb_try_call(struct hb *bed, const char *method, const char *path, bool end,
            struct hb_exchange **ret_call)
{
    static const struct gc_http_field field = { GC_STR("x-test"), GC_STR("1"), false };
    const struct gc_http_head head = {
        .method = gc_str_of(method),
        .scheme = GC_STR("http"),
        .authority = GC_STR("localhost"),
        .path = gc_str_of(path),
        .fields = bed->call_fields != NULL ? bed->call_fields : &field,
        .n_fields = bed->call_fields != NULL ? bed->n_call_fields : 1,
    };
    struct hb_exchange *ex = exchange_new(bed);
    int rc;

    rc = gc_http_request(bed->client, &head, end, &handler, ex, &ex->s);
    if (rc != 0) {
        exchange_free(ex);
        return rc;
    }
    assert_true(bed->n_calls < HB_EXCHANGES_MAX);
    bed->calls[bed->n_calls++] = ex;
    *ret_call = ex;
    return 0;
}

struct hb_exchange *
hb_call(struct hb *bed, const char *method, const char *path, bool end)
{
    struct hb_exchange *ex = NULL;

    assert_int_equal(hb_try_call(bed, method, path, end, &ex), 0);
    return ex;
}

void
hb_dial(struct hb *bed, const struct gc_http_conf *conf)
{
    struct gc_http_dial dial = { .tls = bed->tls_client, .timeout_ms = HB_DEADLINE_MS };
    char text[64];

    snprintf(text, sizeof(text), "127.0.0.1:%u", bed->port);
    assert_int_equal(gc_addr_parse(gc_str_of(text), &dial.addr), 0);
    assert_null(bed->client);
    assert_int_equal(gc_http_client_start(bed->loop, conf, &dial, &client_ops, bed, &bed->client),
                     0);
}

void
hb_connect(struct hb *bed)
{
    unsigned n_ready = bed->n_ready;

    hb_dial(bed, &bed->conf);
    hb_until(bed, bed->n_ready > n_ready);
}

/* --- other programs -----------------------------------------------------------------------------
 */

static void
exec_shell(const struct hb *bed, const char *command, int out_fd)
{
    char url[64];

    snprintf(url, sizeof(url), "http%s://127.0.0.1:%u", bed->tls_server != NULL ? "s" : "",
             bed->port);
    setenv("U", url, 1);
    dup2(out_fd, 1);
    dup2(out_fd, 2);
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
}

int
hb_shell(struct hb *bed, const char *command, char *out, size_t size)
{
    char path[] = "/tmp/gc_test_XXXXXX";
    int fd = mkstemp(path), status = 0;
    ssize_t n;
    pid_t pid;

    assert_true(fd >= 0);
    unlink(path);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        exec_shell(bed, command, fd);
    }
    hb_until(bed, waitpid(pid, &status, WNOHANG) == pid);
    n = pread(fd, out, size - 1, 0);
    out[n > 0 ? n : 0] = '\0';
    close(fd);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* --- life ---------------------------------------------------------------------------------------
 */

void
hb_init(struct hb *bed, const struct gc_http_conf *conf)
{
    struct gc_addr addr;

    if (conf != NULL) {
        bed->conf = *conf;
    }
    bed->metrics = gc_metrics_new();
    assert_non_null(bed->metrics);
    bed->conf.metrics = bed->metrics;
    assert_int_equal(gc_loop_new(&bed->loop), 0);
    assert_int_equal(gc_http_server_new(bed->loop, &bed->conf, on_request, bed, &bed->server), 0);
    assert_int_equal(gc_addr_parse(GC_STR("127.0.0.1:0"), &addr), 0);
    assert_int_equal(gc_http_server_listen(bed->server, &addr, -1, bed->tls_server, &bed->port), 0);
}

void
hb_fini(struct hb *bed)
{
    if (bed->client != NULL) {
        gc_http_client_abort(bed->client);
        hb_until(bed, bed->client == NULL);
    }
    if (bed->server != NULL) {
        gc_http_server_free(bed->server);
    }
    gc_loop_free(bed->loop);
    for (size_t i = 0; i < bed->n_calls; i++) {
        assert_int_equal(bed->calls[i]->n_closes, 1);
        exchange_free(bed->calls[i]);
    }
    for (size_t i = 0; i < bed->n_requests; i++) {
        assert_int_equal(bed->requests[i]->n_closes, 1);
        exchange_free(bed->requests[i]);
    }
    gc_metrics_free(bed->metrics);
    gc_tls_ctx_unref(bed->tls_server);
    gc_tls_ctx_unref(bed->tls_client);
}
