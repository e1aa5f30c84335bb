/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "daemon/daemon_priv.h"

#include "base/log.h"

int
gc_daemon_tls_read(const struct gc_daemon_conf *conf, struct gc_daemon_tls_pair *ret_pair)
{
    struct gc_tls_conf tls = {
        .profile = GC_TLS_INTERNAL,
        .server = true,
        .cert_file = conf->cert,
        .key_file = conf->key,
        .ca_file = conf->ca,
        .client_cert = GC_TLS_CERT_REQUIRED,
        .trust_domain = conf->trust_domain,
    };
    struct gc_daemon_tls_pair pair = { NULL, NULL };
    char error[GC_TLS_ERROR_MAX];
    int rc = gc_tls_ctx_new(&tls, &pair.server, error);
    if (rc == 0) {
        tls.server = false;
        rc = gc_tls_ctx_new(&tls, &pair.client, error);
    }
    if (rc != 0) {
        gc_log(GC_LOG_ERROR, "tls.load", "error=%s", gc_log_q(gc_str_of(error)));
        gc_daemon_tls_free(&pair);
        return rc;
    }
    *ret_pair = pair;
    return 0;
}

void
gc_daemon_tls_take(struct gc_daemon *daemon, const struct gc_daemon_tls_pair *pair)
{
    struct gc_daemon_tls_pair old;
    pthread_mutex_lock(&daemon->lock);
    old = daemon->tls;
    daemon->tls = *pair;
    pthread_mutex_unlock(&daemon->lock);
    gc_daemon_tls_free(&old);
}

void
gc_daemon_tls_free(const struct gc_daemon_tls_pair *pair)
{
    gc_tls_ctx_unref(pair->server);
    gc_tls_ctx_unref(pair->client);
}

int
gc_daemon_tls_load(struct gc_daemon *daemon, const struct gc_daemon_conf *conf)
{
    struct gc_daemon_tls_pair pair;
    int rc = gc_daemon_tls_read(conf, &pair);
    if (rc == 0) {
        gc_daemon_tls_take(daemon, &pair);
    }
    return rc;
}

void
gc_daemon_tls_fini(struct gc_daemon *daemon)
{
    gc_daemon_tls_free(&daemon->tls);
}

struct gc_tls_ctx *
gc_daemon_tls(struct gc_daemon *daemon, bool server)
{
    struct gc_tls_ctx *ctx;
    pthread_mutex_lock(&daemon->lock);
    ctx = gc_tls_ctx_ref(server ? daemon->tls.server : daemon->tls.client);
    pthread_mutex_unlock(&daemon->lock);
    return ctx;
}
