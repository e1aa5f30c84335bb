/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "file/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "core/chunk.h"
#include "file/fsck_command.h"
#include "storage/kv.h"

static const struct gc_rpc_method methods[] = {
    { .name = "Write",
      .kind = GC_RPC_CLIENT_STREAM,
      .start = gc_file_rpc_write,
      .message_bytes_max = GC_CHUNK_MESSAGE_MAX,
      .progress_ms = GC_PROGRESS_MS },
    { .name = "Read",
      .kind = GC_RPC_SERVER_STREAM,
      .start = gc_file_rpc_read,
      .progress_ms = GC_PROGRESS_MS },
    { .name = "Delete",
      .kind = GC_RPC_UNARY,
      .start = gc_file_rpc_delete,
      .deadline_max_ms = 60000 },
    { .name = "Stat", .kind = GC_RPC_UNARY, .start = gc_file_rpc_stat, .deadline_max_ms = 60000 },
    { .name = "List", .kind = GC_RPC_UNARY, .start = gc_file_rpc_list, .deadline_max_ms = 60000 },
    { 0 },
};

static int
file_open(struct gc_daemon *daemon, const void *conf, void **ret_role)
{
    const struct gc_file_conf *fc = conf;
    struct gc_blob_conf blob = {
        .dir = fc->data_dir,
        .n_bulk = (unsigned)fc->n_bulk,
        .pool_bytes = fc->pool_bytes,
        .txn_bytes = fc->txn_bytes,
        .n_readers = (unsigned)fc->n_readers,
        .reserve_bytes = fc->reserve_bytes,
        .map_bytes = fc->map_bytes,
        .gc_delay_ms = fc->gc_delay_ms,
        .node = fc->daemon.node,
        .metrics = gc_daemon_metrics(daemon),
    };
    struct gc_file *file = calloc(1, sizeof(*file));
    int rc;
    if (file == NULL) {
        return -ENOMEM;
    }
    gc_storage_malloc_tune();
    file->daemon = daemon;
    file->conf = fc;
    rc = gc_hex_decode(blob.cluster_id, sizeof(blob.cluster_id), gc_str_of(fc->cluster_id));
    if (rc == 0) {
        rc = gc_blobs_open(&blob, &file->blobs);
    }
    if (rc != 0) {
        gc_log(GC_LOG_ERROR, "store.open", "dir=%s rc=%s text=%s",
               gc_log_q(gc_str_of(fc->data_dir)), gc_err_name(rc),
               gc_log_q(gc_str_of(gc_err_text(rc))));
        free(file);
        return rc;
    }
    *ret_role = file;
    return 0;
}

static void
file_close(void *role)
{
    struct gc_file *file = role;
    gc_blobs_close(file->blobs);
    free(file);
}

static int
worker_listen(struct gc_file_worker *w)
{
    const struct gc_file_conf *conf = w->file->conf;
    struct gc_tls_ctx *tls = gc_daemon_tls(w->file->daemon, true);
    char advertise[GC_ADDR_TEXT_MAX];
    struct gc_addr addr;
    uint16_t port;
    int rc = gc_daemon_listen_addr(w->worker, "grpc", conf->listen, &addr);
    if (rc == 0) {
        rc = gc_http_server_listen(w->http, &addr, -1, tls, &port);
    }
    gc_tls_ctx_unref(tls);
    if (rc != 0) {
        gc_log(GC_LOG_ERROR, "listen.failed", "addr=%s rc=%s text=%s",
               gc_log_q(gc_str_of(conf->listen)), gc_err_name(rc),
               gc_log_q(gc_str_of(gc_err_text(rc))));
        return rc;
    }
    gc_daemon_listening(w->worker, "grpc", &addr, port);
    if (w->worker->index != 0) {
        return 0;
    }
    (void)gc_daemon_listen_addr(w->worker, "grpc", conf->listen, &addr); /* with the port */
    gc_addr_format(&addr, advertise);
    return gc_registrar_open(w, conf->advertise[0] != '\0' ? conf->advertise : advertise,
                             &w->registrar);
}

static void
worker_close(void *role, struct gc_worker *worker, void *state)
{
    struct gc_file_worker *w = state;
    (void)role;
    (void)worker;
    if (w->registrar != NULL) {
        gc_registrar_close(w->registrar);
    }
    if (w->http != NULL) {
        gc_http_server_free(w->http);
    }
    while (w->n_ops > 0 || (w->rpc != NULL && gc_rpc_server_n_calls(w->rpc) > 0)) {
        gc_loop_turn(w->loop, 100);
    }
    if (w->health != NULL) {
        gc_rpc_health_free(w->health);
    }
    if (w->rpc != NULL) {
        gc_rpc_server_free(w->rpc);
    }
    free(w);
}

static int
worker_open(void *role, struct gc_worker *worker, void **ret_state)
{
    struct gc_file *file = role;
    struct gc_file_worker *w = calloc(1, sizeof(*w));
    struct gc_http_conf http = { .internal = true,
                                 .streams_max = (unsigned)file->conf->streams_max,
                                 .metrics = gc_daemon_metrics(file->daemon) };
    int rc;
    if (w == NULL) {
        return -ENOMEM;
    }
    w->file = file;
    w->worker = worker;
    w->loop = worker->loop;
    w->service.name = "gcommon.v1.blob.BlobService";
    w->service.methods = methods;
    w->service.arg = w;
    w->service.roles = "translation";
    rc = gc_rpc_server_new(w->loop, http.metrics, &w->rpc);
    if (rc == 0) {
        rc = gc_rpc_server_add(w->rpc, &w->service);
    }
    if (rc == 0) {
        rc = gc_rpc_health_new(w->rpc, &w->health);
    }
    if (rc == 0) {
        rc = gc_http_server_new(w->loop, &http, gc_rpc_server_on_request, w->rpc, &w->http);
    }
    if (rc == 0) {
        rc = worker_listen(w);
    }
    if (rc != 0) {
        worker_close(role, worker, w);
        return rc;
    }
    gc_rpc_health_set(w->health, "", true);
    gc_rpc_health_set(w->health, w->service.name, true);
    *ret_state = w;
    return 0;
}

static void
worker_reload(void *role, struct gc_worker *worker, void *state)
{
    struct gc_file_worker *w = state;
    struct gc_tls_ctx *tls = gc_daemon_tls(w->file->daemon, true);
    (void)role;
    (void)worker;
    gc_http_server_set_tls(w->http, tls);
    gc_tls_ctx_unref(tls);
    if (w->registrar != NULL) {
        gc_registrar_reload(w->registrar);
    }
}

static void
on_drained(void *arg)
{
    struct gc_file_worker *w = arg;
    gc_worker_drained(w->worker);
}

static void
worker_drain(void *role, struct gc_worker *worker, void *state)
{
    struct gc_file_worker *w = state;
    struct gc_file *file = role;
    (void)worker;
    gc_rpc_health_set(w->health, "", false);
    gc_http_server_drain(w->http, file->conf->daemon.drain_ms, on_drained, w);
}

static void
file_status(void *role, struct gc_buf *json)
{
    struct gc_file *file = role;
    struct gc_blobs_stat stat;
    gc_blobs_stat(file->blobs, &stat);
    (void)gc_buf_printf(json,
                        "\"number\":%u,\"blobs\":%llu,\"bytes\":%llu,\"file_bytes\":%llu,"
                        "\"free_bytes\":%llu,\"puts_open\":%llu,\"readers_open\":%llu,"
                        "\"gc_queue\":%llu,\"read_only\":%s,\"stopped\":%s,",
                        atomic_load(&file->number), (unsigned long long)stat.n_blobs,
                        (unsigned long long)stat.bytes, (unsigned long long)stat.file_bytes,
                        (unsigned long long)stat.free_bytes, (unsigned long long)stat.n_puts_open,
                        (unsigned long long)stat.n_readers_open, (unsigned long long)stat.gc_queue,
                        stat.read_only ? "true" : "false", stat.stopped ? "true" : "false");
}

static const struct gc_role_command commands[] = {
    { "fsck", "verify the store; nothing is changed", gc_file_fsck_command },
    { NULL, NULL, NULL },
};

const struct gc_role gc_file_role = {
    .name = "file",
    .summary = "The file tier of gcommon: stores immutable blobs and serves them over gRPC.",
    .conf_path = "/etc/gcommon/file.conf",
    .items = gc_file_conf_items,
    .conf_bytes = sizeof(struct gc_file_conf),
    .check = gc_file_conf_check,
    .open = file_open,
    .worker_open = worker_open,
    .worker_reload = worker_reload,
    .worker_drain = worker_drain,
    .worker_close = worker_close,
    .close = file_close,
    .status = file_status,
    .commands = commands,
};
