/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The servers and the channel of one worker. */
#include "web/web.h"

#include "base/err.h"

/* Bytes of one download that may be under way to us: two chunks, so that one is on its way while
 * the other is taken. A client that is slow costs us this much. */
#define UPSTREAM_WINDOW (512u * 1024)

static struct gc_http_conf
http_conf(const struct gc_web_conf *conf, struct gc_metrics *metrics)
{
    return (struct gc_http_conf){
        .streams_max = (unsigned)conf->streams_max,
        .header_bytes_max = (unsigned)conf->header_bytes_max,
        .stream_window = (unsigned)conf->window_bytes,
        .conns_max = (unsigned)conf->conns_max,
        .idle_timeout_ms = conf->idle_ms,
        .allow_h1 = true,
        .metrics = metrics,
    };
}

static int
channel_new(struct gc_web_worker *w, struct gc_metrics *metrics, struct gc_tls_ctx *tls)
{
    const struct gc_web_conf *conf = w->web->conf;
    struct gc_rpc_channel_conf channel = {
        .targets = w->web->translation,
        .tls = tls,
        .expect_role = tls != NULL ? "translation" : NULL,
        .balance = (enum gc_rpc_balance)conf->balance,
        .backoff_base_ms = 100,
        .backoff_max_ms = 5000,
        .http = { .internal = true, .stream_window = UPSTREAM_WINDOW, .metrics = metrics },
        .user_agent = "gcommon-web",
    };
    int rc = gc_rpc_channel_new(w->loop, &channel, &w->channel);
    if (rc == 0) {
        gc_rpc_channel_connect(w->channel);
    }
    return rc;
}

int
gc_web_worker_init(struct gc_web_worker *w, struct gc_metrics *metrics,
                   struct gc_tls_ctx *upstream_tls)
{
    struct gc_http_conf http = http_conf(w->web->conf, metrics);
    int rc;
    gc_web_metrics_init(&w->metrics, metrics);
    w->service.name = "gcommon.v1.object.ObjectService";
    w->service.methods = gc_web_grpc_methods;
    w->service.arg = w;
    rc = channel_new(w, metrics, upstream_tls);
    if (rc == 0) {
        rc = gc_rpc_server_new(w->loop, metrics, &w->rpc);
    }
    if (rc == 0) {
        rc = gc_rpc_server_add(w->rpc, &w->service);
    }
    if (rc == 0) {
        rc = gc_rpc_health_new(w->rpc, &w->health);
    }
    if (rc == 0) {
        rc = gc_http_server_new(w->loop, &http, gc_web_on_request, w, &w->http);
    }
    if (rc == 0) {
        gc_rpc_health_set(w->health, "", true);
        gc_rpc_health_set(w->health, w->service.name, true);
    }
    return rc;
}

void
gc_web_worker_fini(struct gc_web_worker *w)
{
    if (w->http != NULL) {
        gc_http_server_free(w->http);
    }
    /* Requests end with their streams. Until then they may use the channel: an attempt is due. */
    while (w->n_requests > 0 || (w->rpc != NULL && gc_rpc_server_n_calls(w->rpc) > 0)) {
        gc_loop_turn(w->loop, 100);
    }
    if (w->channel != NULL) {
        gc_rpc_channel_free(w->channel);
    }
    if (w->health != NULL) {
        gc_rpc_health_free(w->health);
    }
    if (w->rpc != NULL) {
        gc_rpc_server_free(w->rpc);
    }
}

bool
gc_web_worker_ready(struct gc_web_worker *w)
{
    if (w->web->daemon != NULL && !gc_daemon_ready(w->web->daemon)) {
        return false;
    }
    if (gc_rpc_channel_state(w->channel) == GC_RPC_READY) {
        return true;
    }
    gc_rpc_channel_connect(w->channel);
    return false;
}
