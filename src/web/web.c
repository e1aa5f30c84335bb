/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "web/web.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/log.h"

/* The context for clients, with what is in the files now. */
static int
tls_load(const struct gc_web_conf *conf, struct gc_tls_ctx **ret_tls)
{
    bool certs = conf->client_ca[0] != '\0';
    const struct gc_tls_conf tls = {
        .profile = GC_TLS_PUBLIC,
        .server = true,
        .cert_file = conf->cert,
        .key_file = conf->key,
        .ca_file = certs ? conf->client_ca : NULL,
        .client_cert = certs ? GC_TLS_CERT_OPTIONAL : GC_TLS_CERT_NONE,
        .trust_domain =
            conf->trust_domain[0] != '\0' ? conf->trust_domain : conf->daemon.trust_domain,
        .alpn_h1 = true,
    };
    char error[GC_TLS_ERROR_MAX];
    int rc = gc_tls_ctx_new(&tls, ret_tls, error);
    if (rc != 0) {
        gc_log(GC_LOG_ERROR, "tls.load", "error=%s", gc_log_q(gc_str_of(error)));
    }
    return rc;
}

static int
web_open(struct gc_daemon *daemon, const void *conf, void **ret_role)
{
    struct gc_web *web = calloc(1, sizeof(*web));
    int rc;
    if (web == NULL) {
        return -ENOMEM;
    }
    web->daemon = daemon;
    web->conf = conf;
    snprintf(web->translation, sizeof(web->translation), "%s", web->conf->translation);
    rc = tls_load(web->conf, &web->tls);
    if (rc == 0) {
        rc = gc_web_auth_init(&web->auth, web->conf->tokens, web->conf->anonymous);
    }
    if (rc != 0) {
        gc_tls_ctx_unref(web->tls);
        free(web);
        return rc;
    }
    pthread_mutex_init(&web->lock, NULL);
    *ret_role = web;
    return 0;
}

static void
web_close(void *role)
{
    struct gc_web *web = role;
    gc_web_auth_fini(&web->auth);
    gc_tls_ctx_unref(web->tls);
    pthread_mutex_destroy(&web->lock);
    free(web);
}

/* Certificates, tokens and the list of translation nodes; the rest is for the next start. */
static int
web_reload(void *role, const void *ptr)
{
    struct gc_web *web = role;
    const struct gc_web_conf *conf = ptr;
    struct gc_tls_ctx *fresh, *old;
    int rc = tls_load(conf, &fresh);
    if (rc != 0) {
        return rc;
    }
    rc = gc_web_auth_reload(&web->auth, conf->tokens, conf->anonymous);
    if (rc != 0) {
        gc_tls_ctx_unref(fresh);
        return rc;
    }
    pthread_mutex_lock(&web->lock);
    old = web->tls;
    web->tls = fresh;
    snprintf(web->translation, sizeof(web->translation), "%s", conf->translation);
    pthread_mutex_unlock(&web->lock);
    gc_tls_ctx_unref(old);
    return 0;
}

/* --- workers -----------------------------------------------------------------------------------
 */

static struct gc_tls_ctx *
web_tls(struct gc_web *web)
{
    struct gc_tls_ctx *tls;
    pthread_mutex_lock(&web->lock);
    tls = gc_tls_ctx_ref(web->tls);
    pthread_mutex_unlock(&web->lock);
    return tls;
}

static int
worker_listen_on(struct gc_web_worker *w, const char *name, const char *text,
                 struct gc_tls_ctx *tls)
{
    struct gc_addr addr;
    uint16_t port;
    int rc = gc_daemon_listen_addr(w->worker, name, text, &addr);
    if (rc == 0) {
        rc = gc_http_server_listen(w->http, &addr, -1, tls, &port);
    }
    if (rc != 0) {
        gc_log(GC_LOG_ERROR, "listen.failed", "addr=%s rc=%s text=%s", gc_log_q(gc_str_of(text)),
               gc_err_name(rc), gc_log_q(gc_str_of(gc_err_text(rc))));
        return rc;
    }
    gc_daemon_listening(w->worker, name, &addr, port);
    return 0;
}

static int
worker_listen(struct gc_web_worker *w)
{
    const struct gc_web_conf *conf = w->web->conf;
    struct gc_tls_ctx *tls = web_tls(w->web);
    int rc = worker_listen_on(w, "https", conf->listen, tls);
    gc_tls_ctx_unref(tls);
    if (rc == 0 && conf->h2c_listen[0] != '\0') {
        rc = worker_listen_on(w, "h2c", conf->h2c_listen, NULL);
    }
    return rc;
}

static int
worker_open(void *role, struct gc_worker *worker, void **ret_state)
{
    struct gc_web *web = role;
    struct gc_web_worker *w = calloc(1, sizeof(*w));
    struct gc_tls_ctx *tls;
    int rc;
    if (w == NULL) {
        return -ENOMEM;
    }
    w->web = web;
    w->worker = worker;
    w->loop = worker->loop;
    tls = gc_daemon_tls(web->daemon, false);
    rc = gc_web_worker_init(w, gc_daemon_metrics(web->daemon), tls);
    gc_tls_ctx_unref(tls);
    if (rc == 0) {
        rc = worker_listen(w);
    }
    if (rc != 0) {
        gc_web_worker_fini(w);
        free(w);
        return rc;
    }
    *ret_state = w;
    return 0;
}

static void
worker_reload(void *role, struct gc_worker *worker, void *state)
{
    struct gc_web *web = role;
    struct gc_web_worker *w = state;
    struct gc_tls_ctx *tls = web_tls(web);
    char targets[sizeof(web->translation)];
    (void)worker;
    gc_http_server_set_tls(w->http, tls);
    gc_tls_ctx_unref(tls);
    tls = gc_daemon_tls(web->daemon, false);
    gc_rpc_channel_set_tls(w->channel, tls);
    gc_tls_ctx_unref(tls);
    pthread_mutex_lock(&web->lock);
    snprintf(targets, sizeof(targets), "%s", web->translation);
    pthread_mutex_unlock(&web->lock);
    if (gc_rpc_channel_set_targets(w->channel, targets) != 0) {
        gc_log(GC_LOG_ERROR, "upstream.targets", "error=malformed");
    }
    gc_rpc_channel_connect(w->channel);
}

static void
on_drained(void *arg)
{
    struct gc_web_worker *w = arg;
    gc_worker_drained(w->worker);
}

static void
worker_drain(void *role, struct gc_worker *worker, void *state)
{
    struct gc_web *web = role;
    struct gc_web_worker *w = state;
    (void)worker;
    gc_rpc_health_set(w->health, "", false);
    gc_rpc_health_set(w->health, w->service.name, false);
    gc_http_server_drain(w->http, web->conf->daemon.drain_ms, on_drained, w);
}

static void
worker_close(void *role, struct gc_worker *worker, void *state)
{
    (void)role;
    (void)worker;
    gc_web_worker_fini(state);
    free(state);
}

const struct gc_role gc_web_role = {
    .name = "web",
    .summary = "The front of gcommon: HTTPS and gRPC for clients, gRPC to the translation tier.",
    .conf_path = "/etc/gcommon/web.conf",
    .items = gc_web_conf_items,
    .conf_bytes = sizeof(struct gc_web_conf),
    .check = gc_web_conf_check,
    .open = web_open,
    .worker_open = worker_open,
    .reload = web_reload,
    .worker_reload = worker_reload,
    .worker_drain = worker_drain,
    .worker_close = worker_close,
    .close = web_close,
};
