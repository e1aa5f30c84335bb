/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two small HTTP servers on the main loop: GET /metrics on a loopback port, and the admin socket
 * with GET /status, POST /reload and POST /drain. Neither has a way to the role's listeners. */
#include "daemon/daemon_priv.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/version.h"

#define BODY_MAX (4u * 1024 * 1024)

static void
on_close(struct gc_http_stream *s, void *arg, int rc, unsigned h2_code)
{
    (void)s;
    (void)arg;
    (void)rc;
    (void)h2_code;
}

static void
on_data(struct gc_http_stream *s, void *arg, const struct gc_slice *data)
{
    (void)arg;
    gc_http_consume(s, data->len);
}

static void
on_end(struct gc_http_stream *s, void *arg, const struct gc_http_field *trailers, size_t n)
{
    (void)s;
    (void)arg;
    (void)trailers;
    (void)n;
}

static const struct gc_http_handler handler = {
    .on_data = on_data,
    .on_end = on_end,
    .on_close = on_close,
};

static void
answer(struct gc_http_stream *s, unsigned status, const char *type, const struct gc_buf *body)
{
    char length[24];
    struct gc_slice slice = { NULL, body->data, body->len };
    struct gc_http_field fields[2] = {
        { .name = GC_STR("content-type"), .value = gc_str_of(type) },
        { .name = GC_STR("content-length") },
    };
    snprintf(length, sizeof(length), "%zu", body->len);
    fields[1].value = gc_str_of(length);
    gc_http_set_handler(s, &handler, NULL);
    if (gc_http_respond(s, status, fields, 2, body->len == 0) != 0) {
        gc_http_reset(s, GC_H2_INTERNAL_ERROR);
        return;
    }
    if (body->len > 0) {
        (void)gc_http_write(s, &slice);
        (void)gc_http_end(s, NULL, 0);
    }
}

static void
answer_text(struct gc_http_stream *s, unsigned status, const char *text)
{
    struct gc_buf body;
    gc_buf_init(&body, BODY_MAX);
    (void)gc_buf_append_str(&body, text);
    answer(s, status, "text/plain", &body);
    gc_buf_fini(&body);
}

static void
on_metrics_request(void *arg, struct gc_http_stream *s, const struct gc_http_head *head)
{
    struct gc_daemon *daemon = arg;
    struct gc_buf body;
    if (!gc_str_eq_cstr(head->path, "/metrics")) {
        answer_text(s, 404, "try /metrics\n");
        return;
    }
    if (!gc_str_eq_cstr(head->method, "GET")) {
        answer_text(s, 405, "only GET\n");
        return;
    }
    gc_buf_init(&body, BODY_MAX);
    if (gc_metrics_render(daemon->metrics, &body) == 0) {
        answer(s, 200, "text/plain; version=0.0.4; charset=utf-8", &body);
    } else {
        answer_text(s, 500, "out of memory\n");
    }
    gc_buf_fini(&body);
}

static void
status_json(struct gc_daemon *daemon, struct gc_buf *json)
{
    (void)gc_buf_printf(
        json,
        "{\"role\":\"%s\",\"node\":\"%s\",\"version\":\"%s\",\"pid\":%ld,"
        "\"ready\":%s,\"draining\":%s,\"uptime_ms\":%llu,\"workers\":%u,",
        daemon->role->name, gc_daemon_conf(daemon)->node, gc_version(), (long)getpid(),
        gc_daemon_ready(daemon) ? "true" : "false", daemon->draining ? "true" : "false",
        (unsigned long long)(gc_clock_mono_ms() - daemon->started_ms), daemon->n_workers);
    if (daemon->role->status != NULL) {
        daemon->role->status(daemon->role_state, json);
    }
    (void)gc_buf_append_str(json, "\"listen\":{");
    pthread_mutex_lock(&daemon->lock);
    for (unsigned i = 0; i < daemon->n_listens; i++) {
        char text[GC_ADDR_TEXT_MAX];
        gc_addr_format(&daemon->listens[i].addr, text);
        (void)gc_buf_printf(json, "%s\"%s\":\"%s\"", i == 0 ? "" : ",", daemon->listens[i].name,
                            text);
    }
    pthread_mutex_unlock(&daemon->lock);
    (void)gc_buf_append_str(json, "}}\n");
}

static void
on_admin_request(void *arg, struct gc_http_stream *s, const struct gc_http_head *head)
{
    struct gc_daemon *daemon = arg;
    bool get = gc_str_eq_cstr(head->method, "GET");
    bool post = gc_str_eq_cstr(head->method, "POST");
    struct gc_buf body;
    gc_log(get ? GC_LOG_DEBUG : GC_LOG_INFO, "admin", "method=%s path=%s peer=%s",
           gc_log_q(head->method), gc_log_q(head->path),
           gc_log_q(gc_str_of(gc_http_peer(s)->addr)));
    if (get && gc_str_eq_cstr(head->path, "/status")) {
        gc_buf_init(&body, BODY_MAX);
        status_json(daemon, &body);
        answer(s, 200, "application/json", &body);
        gc_buf_fini(&body);
    } else if (post && gc_str_eq_cstr(head->path, "/reload")) {
        bool ok = gc_daemon_reload(daemon) == 0;
        answer_text(s, ok ? 200 : 409, ok ? "reloaded\n" : "not reloaded; the log says why\n");
    } else if (post && gc_str_eq_cstr(head->path, "/drain")) {
        answer_text(s, 202, "draining\n");
        gc_daemon_drain(daemon);
    } else {
        answer_text(s, 404, "GET /status, POST /reload, POST /drain\n");
    }
}

/* The listener is the daemon's own, not a worker's: log and remember it here. */
static void
note_listen(struct gc_daemon *daemon, const char *name, const struct gc_addr *addr, uint16_t port)
{
    struct gc_worker main_worker = { .daemon = daemon };
    gc_daemon_listening(&main_worker, name, addr, port);
}

static int
open_metrics(struct gc_daemon *daemon, const struct gc_http_conf *http)
{
    const char *text = gc_daemon_conf(daemon)->metrics_listen;
    struct gc_addr addr;
    uint16_t port = 0;
    int rc;
    if (text[0] == '\0') {
        return 0;
    }
    rc = gc_addr_parse(gc_str_of(text), &addr);
    if (rc == 0 && !gc_addr_is_loopback(&addr)) {
        rc = GC_ECONFIG;
    }
    if (rc == 0) {
        rc = gc_http_server_new(daemon->loop, http, on_metrics_request, daemon,
                                &daemon->metrics_server);
    }
    if (rc == 0) {
        rc = gc_http_server_listen(daemon->metrics_server, &addr, -1, NULL, &port);
    }
    if (rc != 0) {
        gc_log(GC_LOG_ERROR, "metrics.listen", "addr=%s rc=%s text=%s", gc_log_q(gc_str_of(text)),
               gc_err_name(rc), gc_log_q(gc_str_of(gc_err_text(rc))));
        return rc;
    }
    note_listen(daemon, "metrics", &addr, port);
    return 0;
}

static int
open_admin(struct gc_daemon *daemon, const struct gc_http_conf *http)
{
    const char *path = gc_daemon_conf(daemon)->admin_socket;
    struct gc_addr addr;
    int rc;
    if (path[0] == '\0') {
        return 0;
    }
    rc = gc_addr_unix(path, &addr);
    if (rc == 0) {
        rc =
            gc_http_server_new(daemon->loop, http, on_admin_request, daemon, &daemon->admin_server);
    }
    if (rc == 0) {
        rc = gc_http_server_listen(daemon->admin_server, &addr, -1, NULL, NULL);
    }
    if (rc != 0) {
        gc_log(GC_LOG_ERROR, "admin.listen", "path=%s rc=%s text=%s", gc_log_q(gc_str_of(path)),
               gc_err_name(rc), gc_log_q(gc_str_of(gc_err_text(rc))));
        return rc;
    }
    note_listen(daemon, "admin", &addr, 0);
    return 0;
}

int
gc_daemon_admin_open(struct gc_daemon *daemon)
{
    const struct gc_http_conf http = { .streams_max = 8, .conns_max = 32, .allow_h1 = true };
    int rc = open_metrics(daemon, &http);
    if (rc == 0) {
        rc = open_admin(daemon, &http);
    }
    return rc;
}

void
gc_daemon_admin_close(struct gc_daemon *daemon)
{
    if (daemon->metrics_server != NULL) {
        gc_http_server_free(daemon->metrics_server);
    }
    if (daemon->admin_server != NULL) {
        gc_http_server_free(daemon->admin_server);
    }
}
