/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Workers open one after the other, so that the first can take port 0 and the rest join it. Each
 * then runs its loop until CLOSE is wished; gc_loop_free turns it until all that the role closed
 * has gone. */
#include "daemon/daemon_priv.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"

static void
on_reload(struct gc_task *task)
{
    struct gc_worker_priv *priv = gc_container_of(task, struct gc_worker_priv, task_reload);
    const struct gc_role *role = priv->worker.daemon->role;
    atomic_store(&priv->reload_posted, false); /* what is wished from now on is another one */
    if (role->worker_reload != NULL) {
        role->worker_reload(priv->worker.daemon->role_state, &priv->worker, priv->worker.state);
    }
}

static void
on_drain(struct gc_task *task)
{
    struct gc_worker_priv *priv = gc_container_of(task, struct gc_worker_priv, task_drain);
    const struct gc_role *role = priv->worker.daemon->role;
    role->worker_drain(priv->worker.daemon->role_state, &priv->worker, priv->worker.state);
}

static void
on_close(struct gc_task *task)
{
    struct gc_worker_priv *priv = gc_container_of(task, struct gc_worker_priv, task_close);
    gc_loop_stop(priv->worker.loop);
}

static void
worker_opened(struct gc_worker_priv *priv, int rc)
{
    struct gc_daemon *daemon = priv->worker.daemon;
    pthread_mutex_lock(&daemon->lock);
    priv->open_rc = rc;
    daemon->n_opened++;
    pthread_cond_broadcast(&daemon->cond);
    pthread_mutex_unlock(&daemon->lock);
}

static void
worker_main(void *arg)
{
    struct gc_worker_priv *priv = arg;
    struct gc_daemon *daemon = priv->worker.daemon;
    int rc = daemon->role->worker_open(daemon->role_state, &priv->worker, &priv->worker.state);
    worker_opened(priv, rc);
    if (rc == 0) {
        (void)gc_loop_run(priv->worker.loop);
        daemon->role->worker_close(daemon->role_state, &priv->worker, priv->worker.state);
    }
    gc_loop_free(priv->worker.loop);
}

static int
worker_start(struct gc_daemon *daemon, unsigned index)
{
    struct gc_worker_priv *priv = calloc(1, sizeof(*priv));
    char name[16];
    int rc;
    if (priv == NULL) {
        return -ENOMEM;
    }
    priv->worker.daemon = daemon;
    priv->worker.index = index;
    priv->worker.priv = priv;
    priv->task_reload.fn = on_reload;
    priv->task_drain.fn = on_drain;
    priv->task_close.fn = on_close;
    rc = gc_loop_new(&priv->worker.loop);
    if (rc != 0) {
        free(priv);
        return rc;
    }
    snprintf(name, sizeof(name), "worker%u", index);
    rc = gc_thread_start(&priv->thread, name, worker_main, priv);
    if (rc != 0) {
        gc_loop_free(priv->worker.loop);
        free(priv);
        return rc;
    }
    pthread_mutex_lock(&daemon->lock);
    while (daemon->n_opened <= index) {
        pthread_cond_wait(&daemon->cond, &daemon->lock);
    }
    rc = priv->open_rc;
    pthread_mutex_unlock(&daemon->lock);
    if (rc != 0) {
        gc_thread_join(&priv->thread);
        free(priv);
        return rc;
    }
    daemon->workers[index] = priv;
    daemon->n_workers = index + 1;
    return 0;
}

int
gc_daemon_workers_start(struct gc_daemon *daemon)
{
    uint64_t n = gc_daemon_conf(daemon)->workers;
    if (n == 0) {
        long online = sysconf(_SC_NPROCESSORS_ONLN);
        n = online < 1 ? 1 : GC_MIN((uint64_t)online, GC_DAEMON_WORKERS_MAX);
    }
    for (unsigned i = 0; i < n; i++) {
        int rc = worker_start(daemon, i);
        if (rc != 0) {
            gc_log(GC_LOG_ERROR, "worker.start", "worker=%u rc=%s", i, gc_err_name(rc));
            return rc;
        }
    }
    return 0;
}

void
gc_daemon_workers_wish(struct gc_daemon *daemon, enum gc_worker_wish wish)
{
    for (unsigned i = 0; i < daemon->n_workers; i++) {
        struct gc_worker_priv *priv = daemon->workers[i];
        struct gc_task *task = wish == GC_WORKER_RELOAD  ? &priv->task_reload
                               : wish == GC_WORKER_DRAIN ? &priv->task_drain
                                                         : &priv->task_close;
        /* Of the three only a reload can be wished again while one is still to come; a task that is
         * posted twice would take those between off the queue. */
        if (wish == GC_WORKER_RELOAD && atomic_exchange(&priv->reload_posted, true)) {
            continue;
        }
        gc_loop_post(priv->worker.loop, task);
    }
}

void
gc_daemon_workers_join(struct gc_daemon *daemon)
{
    for (unsigned i = 0; i < daemon->n_workers; i++) {
        gc_thread_join(&daemon->workers[i]->thread);
        free(daemon->workers[i]);
        daemon->workers[i] = NULL;
    }
    daemon->n_workers = 0;
}

void
gc_worker_drained(struct gc_worker *worker)
{
    struct gc_daemon *daemon = worker->daemon;
    bool last;
    pthread_mutex_lock(&daemon->lock);
    if (!worker->priv->drained) {
        worker->priv->drained = true;
        daemon->n_drained++;
    }
    last = daemon->n_drained == daemon->n_workers;
    pthread_mutex_unlock(&daemon->lock);
    if (last) {
        gc_loop_post(daemon->loop, &daemon->task_drained);
    }
}

int
gc_daemon_listen_addr(struct gc_worker *worker, const char *name, const char *text,
                      struct gc_addr *ret_addr)
{
    struct gc_daemon *daemon = worker->daemon;
    int rc = gc_addr_parse(gc_str_of(text), ret_addr);
    if (rc != 0) {
        gc_log(GC_LOG_ERROR, "listen.address", "name=%s value=%s", name, gc_log_q(gc_str_of(text)));
        return rc;
    }
    pthread_mutex_lock(&daemon->lock);
    for (unsigned i = 0; i < daemon->n_listens; i++) {
        if (strcmp(daemon->listens[i].name, name) == 0) {
            *ret_addr = daemon->listens[i].addr;
        }
    }
    pthread_mutex_unlock(&daemon->lock);
    return 0;
}

static void
addr_set_port(struct gc_addr *addr, uint16_t port)
{
    if (addr->ss.ss_family == AF_INET6) {
        ((struct sockaddr_in6 *)&addr->ss)->sin6_port = htons(port);
    } else if (addr->ss.ss_family == AF_INET) {
        ((struct sockaddr_in *)&addr->ss)->sin_port = htons(port);
    }
}

void
gc_daemon_listening(struct gc_worker *worker, const char *name, const struct gc_addr *addr,
                    uint16_t port)
{
    struct gc_daemon *daemon = worker->daemon;
    char text[GC_ADDR_TEXT_MAX];
    struct gc_daemon_listen *listen;
    if (worker->index != 0) {
        return;
    }
    pthread_mutex_lock(&daemon->lock);
    assert(daemon->n_listens < GC_DAEMON_LISTENS_MAX);
    listen = &daemon->listens[daemon->n_listens++];
    snprintf(listen->name, sizeof(listen->name), "%s", name);
    listen->addr = *addr;
    addr_set_port(&listen->addr, port);
    gc_addr_format(&listen->addr, text);
    pthread_mutex_unlock(&daemon->lock);
    gc_log(GC_LOG_INFO, "listen", "name=%s addr=%s", name, text);
}
