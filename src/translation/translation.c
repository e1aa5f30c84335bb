/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "translation/translation.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "core/chunk.h"
#include "translation/janitor.h"
#include "translation/machine.h"

#define META_TABLE0  GC_CONSENSUS_N_TABLES
#define UNARY_MAX_MS 60000

static const struct gc_rpc_method gateway_methods[] = {
    { .name = "CreateBucket",
      .kind = GC_RPC_UNARY,
      .start = gc_translation_rpc_create_bucket,
      .deadline_max_ms = UNARY_MAX_MS },
    { .name = "DeleteBucket",
      .kind = GC_RPC_UNARY,
      .start = gc_translation_rpc_delete_bucket,
      .deadline_max_ms = UNARY_MAX_MS },
    { .name = "HeadBucket",
      .kind = GC_RPC_UNARY,
      .start = gc_translation_rpc_head_bucket,
      .deadline_max_ms = UNARY_MAX_MS },
    { .name = "ListBuckets",
      .kind = GC_RPC_UNARY,
      .start = gc_translation_rpc_list_buckets,
      .deadline_max_ms = UNARY_MAX_MS },
    { .name = "PutObject",
      .kind = GC_RPC_CLIENT_STREAM,
      .start = gc_translation_rpc_put,
      .message_bytes_max = GC_CHUNK_MESSAGE_MAX,
      .progress_ms = GC_PROGRESS_MS },
    { .name = "GetObject",
      .kind = GC_RPC_SERVER_STREAM,
      .start = gc_translation_rpc_get,
      .progress_ms = GC_PROGRESS_MS },
    { .name = "HeadObject",
      .kind = GC_RPC_UNARY,
      .start = gc_translation_rpc_head,
      .deadline_max_ms = UNARY_MAX_MS },
    { .name = "DeleteObject",
      .kind = GC_RPC_UNARY,
      .start = gc_translation_rpc_delete,
      .deadline_max_ms = UNARY_MAX_MS },
    { .name = "ListObjects",
      .kind = GC_RPC_UNARY,
      .start = gc_translation_rpc_list,
      .deadline_max_ms = UNARY_MAX_MS },
    { .name = "Outcome",
      .kind = GC_RPC_UNARY,
      .start = gc_translation_rpc_outcome,
      .deadline_max_ms = UNARY_MAX_MS },
    { .name = "GetStatus",
      .kind = GC_RPC_UNARY,
      .start = gc_translation_rpc_status,
      .deadline_max_ms = UNARY_MAX_MS },
    { 0 },
};

static const struct gc_rpc_method registry_methods[] = {
    { .name = "RegisterServer",
      .kind = GC_RPC_UNARY,
      .start = gc_translation_rpc_register,
      .deadline_max_ms = UNARY_MAX_MS },
    { .name = "Heartbeat",
      .kind = GC_RPC_UNARY,
      .start = gc_translation_rpc_heartbeat,
      .deadline_max_ms = UNARY_MAX_MS },
    { .name = "Inventory",
      .kind = GC_RPC_UNARY,
      .start = gc_translation_rpc_inventory,
      .deadline_max_ms = UNARY_MAX_MS },
    { 0 },
};

/* --- the process --- */

static int
state_open_kv(struct gc_translation *translation)
{
    static const char *const tables[] = { GC_CONSENSUS_TABLE_NAMES, GC_META_TABLE_NAMES, NULL };
    static const bool int_keys[GC_ARRAY_LEN(tables)] = { [GC_CONSENSUS_T_LOG] = true };
    char path[GC_PATH_MAX + 16];
    const struct gc_kv_conf conf = { .path = path, .tables = tables, .int_keys = int_keys };
    if (mkdir(translation->conf->data_dir, 0700) != 0 && errno != EEXIST) {
        return -errno;
    }
    snprintf(path, sizeof(path), "%s/raft.mdb", translation->conf->data_dir);
    return gc_kv_open(&conf, &translation->kv);
}

/* The first state of a new cluster; one that is there must be of this cluster. */
static int
state_create(struct gc_translation *translation)
{
    uint8_t cluster_id[16];
    struct gc_meta_read rd = { .meta = &translation->meta };
    struct gc_meta_state state;
    int rc =
        gc_hex_decode(cluster_id, sizeof(cluster_id), gc_str_of(translation->conf->cluster_id));
    if (rc == 0) {
        rc = gc_kv_begin(translation->kv, true, &rd.txn);
    }
    if (rc != 0) {
        return rc;
    }
    rc = gc_meta_create(&translation->meta, rd.txn, cluster_id, (uint64_t)gc_clock_wall_ms());
    if (rc == 0) {
        return gc_kv_commit(rd.txn);
    }
    if (rc == GC_EEXISTS) {
        rc = gc_meta_get_state(&rd, &state);
        if (rc == 0 && !gc_equal_ct(state.cluster_id, cluster_id, sizeof(cluster_id))) {
            rc = GC_ECONFLICT;
        }
    }
    gc_kv_abort(rd.txn);
    return rc;
}

/* A proposal made before there are loops: the main thread waits for it. */
struct grant {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    bool done;
};

static void
grant_done(void *arg)
{
    struct grant *grant = arg;
    pthread_mutex_lock(&grant->lock);
    grant->done = true;
    pthread_cond_signal(&grant->cond);
    pthread_mutex_unlock(&grant->lock);
}

static int
propose_and_wait(struct gc_consensus *consensus, struct gc_proposal *proposal)
{
    struct grant grant = { .done = false };
    int rc;
    pthread_mutex_init(&grant.lock, NULL);
    pthread_cond_init(&grant.cond, NULL);
    proposal->notify.fn = grant_done;
    proposal->notify.arg = &grant;
    rc = gc_consensus_propose(consensus, proposal);
    if (rc == 0) {
        pthread_mutex_lock(&grant.lock);
        while (!grant.done) {
            pthread_cond_wait(&grant.cond, &grant.lock);
        }
        pthread_mutex_unlock(&grant.lock);
        rc = proposal->rc;
    }
    pthread_cond_destroy(&grant.cond);
    pthread_mutex_destroy(&grant.lock);
    return rc;
}

/* A new process start is a new epoch; the node's earlier one is fenced by the same command. */
static int
grant_epoch(struct gc_translation *translation)
{
    struct gc_meta_command cmd = { .op = GC_META_OP_GRANT_EPOCH };
    struct gc_meta_result result;
    struct gc_proposal proposal = { .result = &result };
    struct gc_buf data;
    int rc;
    cmd.u.grant_epoch.process = gc_str_of(translation->conf->daemon.node);
    gc_buf_init(&data, GC_META_COMMAND_BYTES_MAX);
    rc = gc_meta_command_encode(&cmd, &data);
    if (rc == 0) {
        proposal.data = data.data;
        proposal.len = data.len;
        rc = propose_and_wait(translation->consensus, &proposal);
    }
    gc_buf_fini(&data);
    if (rc == 0 && result.err != GC_API_OK) {
        rc = GC_ECONFLICT;
    }
    if (rc == 0) {
        gc_writer_init(&translation->writer, result.number);
        gc_log(GC_LOG_INFO, "writer.epoch", "epoch=%llu", (unsigned long long)result.number);
    }
    return rc;
}

static int
state_open(struct gc_translation *translation)
{
    struct gc_consensus_conf conf = { .table0 = 0,
                                      .metrics = gc_daemon_metrics(translation->daemon) };
    int rc = gc_meta_init(&translation->meta, META_TABLE0);
    if (rc == 0) {
        rc = state_open_kv(translation);
    }
    if (rc == 0) {
        rc = state_create(translation);
    }
    if (rc == 0) {
        conf.kv = translation->kv;
        conf.machine = gc_machine(&translation->meta);
        rc = gc_consensus_open(&conf, &translation->consensus);
    }
    if (rc == 0) {
        rc = grant_epoch(translation);
    }
    return rc;
}

static void
translation_close(void *role)
{
    struct gc_translation *translation = role;
    if (translation->writer.next > 0) {
        gc_writer_fini(&translation->writer);
    }
    gc_consensus_close(translation->consensus);
    if (translation->kv != NULL) {
        gc_kv_close(translation->kv);
    }
    gc_meta_fini(&translation->meta);
    gc_roster_fini(&translation->roster);
    gc_auth_fini(&translation->auth);
    free(translation);
}

static int
translation_open(struct gc_daemon *daemon, const void *conf, void **ret_role)
{
    struct gc_translation *translation = calloc(1, sizeof(*translation));
    int rc;
    if (translation == NULL) {
        return -ENOMEM;
    }
    gc_storage_malloc_tune();
    translation->daemon = daemon;
    translation->conf = conf;
    rc = gc_roster_init(&translation->roster, translation->conf->lease_ms);
    if (rc == 0) {
        rc = gc_auth_init(&translation->auth, translation->conf->tokens,
                          translation->conf->anonymous);
    }
    if (rc == 0) {
        rc = state_open(translation);
    }
    if (rc != 0) {
        gc_log(GC_LOG_ERROR, "state.open", "dir=%s rc=%s text=%s",
               gc_log_q(gc_str_of(translation->conf->data_dir)), gc_err_name(rc),
               gc_log_q(gc_str_of(gc_err_text(rc))));
        translation_close(translation);
        return rc;
    }
    *ret_role = translation;
    return 0;
}

static int
translation_reload(void *role, const void *conf)
{
    struct gc_translation *translation = role;
    const struct gc_translation_conf *fresh = conf;
    return gc_auth_reload(&translation->auth, fresh->tokens, fresh->anonymous);
}

/* --- a worker --- */

static void
worker_close(void *role, struct gc_worker *worker, void *state)
{
    struct gc_translation_worker *w = state;
    (void)role;
    (void)worker;
    if (w->janitor != NULL) {
        gc_janitor_close(w->janitor);
    }
    if (w->http != NULL) {
        gc_http_server_free(w->http);
    }
    while (w->n_ops > 0 || (w->rpc != NULL && gc_rpc_server_n_calls(w->rpc) > 0)) {
        gc_loop_turn(w->loop, 100);
    }
    gc_servers_fini(&w->servers);
    if (w->health != NULL) {
        gc_rpc_health_free(w->health);
    }
    if (w->rpc != NULL) {
        gc_rpc_server_free(w->rpc);
    }
    free(w);
}

static int
worker_listen(struct gc_translation_worker *w)
{
    struct gc_translation *translation = w->translation;
    struct gc_tls_ctx *tls = gc_daemon_tls(translation->daemon, true);
    struct gc_addr addr;
    uint16_t port;
    int rc = gc_daemon_listen_addr(w->worker, "grpc", translation->conf->listen, &addr);
    if (rc == 0) {
        rc = gc_http_server_listen(w->http, &addr, -1, tls, &port);
    }
    gc_tls_ctx_unref(tls);
    if (rc != 0) {
        gc_log(GC_LOG_ERROR, "listen.failed", "addr=%s rc=%s text=%s",
               gc_log_q(gc_str_of(translation->conf->listen)), gc_err_name(rc),
               gc_log_q(gc_str_of(gc_err_text(rc))));
        return rc;
    }
    gc_daemon_listening(w->worker, "grpc", &addr, port);
    return w->worker->index == 0 ? gc_janitor_open(w, &w->janitor) : 0;
}

static int
worker_services(struct gc_translation_worker *w)
{
    int rc;
    w->gateway = (struct gc_rpc_service){ .name = "gcommon.v1.gateway.GatewayService",
                                          .methods = gateway_methods,
                                          .arg = w,
                                          .roles = "web" };
    w->registry = (struct gc_rpc_service){ .name = "gcommon.v1.registry.RegistryService",
                                           .methods = registry_methods,
                                           .arg = w,
                                           .roles = "file" };
    rc = gc_rpc_server_new(w->loop, gc_daemon_metrics(w->translation->daemon), &w->rpc);
    if (rc == 0) {
        rc = gc_rpc_server_add(w->rpc, &w->gateway);
    }
    if (rc == 0) {
        rc = gc_rpc_server_add(w->rpc, &w->registry);
    }
    if (rc == 0) {
        rc = gc_rpc_health_new(w->rpc, &w->health);
    }
    return rc;
}

static int
worker_open(void *role, struct gc_worker *worker, void **ret_state)
{
    struct gc_translation *translation = role;
    struct gc_translation_worker *w = calloc(1, sizeof(*w));
    struct gc_http_conf http = { .internal = true,
                                 .streams_max = (unsigned)translation->conf->streams_max,
                                 .metrics = gc_daemon_metrics(translation->daemon) };
    int rc;
    if (w == NULL) {
        return -ENOMEM;
    }
    w->translation = translation;
    w->worker = worker;
    w->loop = worker->loop;
    gc_servers_init(&w->servers, w);
    rc = worker_services(w);
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
    gc_rpc_health_set(w->health, w->gateway.name, true);
    gc_rpc_health_set(w->health, w->registry.name, true);
    *ret_state = w;
    return 0;
}

static void
worker_reload(void *role, struct gc_worker *worker, void *state)
{
    struct gc_translation_worker *w = state;
    struct gc_tls_ctx *tls = gc_daemon_tls(w->translation->daemon, true);
    (void)role;
    (void)worker;
    gc_http_server_set_tls(w->http, tls);
    gc_tls_ctx_unref(tls);
    gc_servers_reload(&w->servers);
}

static void
on_drained(void *arg)
{
    struct gc_translation_worker *w = arg;
    gc_worker_drained(w->worker);
}

static void
worker_drain(void *role, struct gc_worker *worker, void *state)
{
    struct gc_translation_worker *w = state;
    struct gc_translation *translation = role;
    (void)worker;
    gc_rpc_health_set(w->health, "", false);
    gc_http_server_drain(w->http, translation->conf->daemon.drain_ms, on_drained, w);
}

static void
translation_status(void *role, struct gc_buf *json)
{
    struct gc_translation *translation = role;
    struct gc_consensus_status status;
    gc_consensus_status(translation->consensus, &status);
    (void)gc_buf_printf(json,
                        "\"leader\":%s,\"term\":%llu,\"applied_index\":%llu,\"log_bytes\":%llu,"
                        "\"epoch\":%llu,\"watermark\":%llu,",
                        status.leader ? "true" : "false", (unsigned long long)status.term,
                        (unsigned long long)status.applied_index,
                        (unsigned long long)status.log_bytes,
                        (unsigned long long)translation->writer.epoch,
                        (unsigned long long)gc_writer_watermark(&translation->writer));
}

const struct gc_role gc_translation_role = {
    .name = "translation",
    .summary = "The control plane of gcommon: turns names into places.",
    .conf_path = "/etc/gcommon/translation.conf",
    .items = gc_translation_conf_items,
    .conf_bytes = sizeof(struct gc_translation_conf),
    .check = gc_translation_conf_check,
    .open = translation_open,
    .worker_open = worker_open,
    .reload = translation_reload,
    .worker_reload = worker_reload,
    .worker_drain = worker_drain,
    .worker_close = worker_close,
    .close = translation_close,
    .status = translation_status,
};
