/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "daemon/daemon_priv.h"

#include "base/log.h"

/* Load the INTERNAL contexts of CONF and put them in place of the current ones; on error nothing
 * changes. */
int
gc_daemon_tls_load(struct gc_daemon *daemon, const struct gc_daemon_conf *conf)
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
    struct gc_tls_ctx *server = NULL, *client = NULL, *old_server, *old_client;
    char error[GC_TLS_ERROR_MAX];
    int rc = gc_tls_ctx_new(&tls, &server, error);
    if (rc == 0) {
        tls.server = false;
        rc = gc_tls_ctx_new(&tls, &client, error);
    }
    if (rc != 0) {
        gc_log(GC_LOG_ERROR, "tls.load", "error=%s", gc_log_q(gc_str_of(error)));
        gc_tls_ctx_unref(server);
        return rc;
    }
    pthread_mutex_lock(&daemon->lock);
    old_server = daemon->tls_server;
    old_client = daemon->tls_client;
    daemon->tls_server = server;
    daemon->tls_client = client;
    pthread_mutex_unlock(&daemon->lock);
    gc_tls_ctx_unref(old_server);
    gc_tls_ctx_unref(old_client);
    return 0;
}

void
gc_daemon_tls_fini(struct gc_daemon *daemon)
{
    gc_tls_ctx_unref(daemon->tls_server);
    gc_tls_ctx_unref(daemon->tls_client);
}

struct gc_tls_ctx *
gc_daemon_tls(struct gc_daemon *daemon, bool server)
{
    struct gc_tls_ctx *ctx;
    pthread_mutex_lock(&daemon->lock);
    ctx = gc_tls_ctx_ref(server ? daemon->tls_server : daemon->tls_client);
    pthread_mutex_unlock(&daemon->lock);
    return ctx;
}
