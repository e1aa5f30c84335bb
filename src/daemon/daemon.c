/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The order of things in a daemon's life; each step's own code is in daemon_*.c. Tear-down runs the
 * steps backwards and tolerates that only some were done. */
#include "daemon/daemon_priv.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/version.h"
#include "crypto/crypto.h"

const struct gc_daemon_conf *
gc_daemon_conf(const struct gc_daemon *daemon)
{
    return daemon->conf;
}

struct gc_metrics *
gc_daemon_metrics(struct gc_daemon *daemon)
{
    return daemon->metrics;
}

struct gc_loop *
gc_daemon_loop(struct gc_daemon *daemon)
{
    return daemon->loop;
}

unsigned
gc_daemon_n_workers(const struct gc_daemon *daemon)
{
    return daemon->n_workers;
}

struct gc_worker *
gc_daemon_worker(struct gc_daemon *daemon, unsigned index)
{
    return &daemon->workers[index]->worker;
}

bool
gc_daemon_ready(const struct gc_daemon *daemon)
{
    return atomic_load(&daemon->ready);
}

/* A new configuration from the files; NULL and the reason on stderr or in the log. */
static void *
load_conf(struct gc_daemon *daemon, char error[GC_CONF_ERROR_MAX])
{
    const struct gc_role *role = daemon->role;
    void *conf = calloc(1, role->conf_bytes);
    if (conf == NULL) {
        snprintf(error, GC_CONF_ERROR_MAX, "out of memory");
        return NULL;
    }
    if (gc_conf_load(role->items, conf, daemon->args.conf_path, error) != 0 ||
        (role->check != NULL && role->check(conf, error) != 0)) {
        free(conf);
        return NULL;
    }
    return conf;
}

int
gc_daemon_reload(struct gc_daemon *daemon)
{
    char error[GC_CONF_ERROR_MAX];
    const struct gc_daemon_conf *common;
    struct gc_daemon_tls_pair tls;
    void *conf = load_conf(daemon, error);
    int rc;
    if (conf == NULL) {
        gc_log(GC_LOG_ERROR, "reload", "result=unchanged error=%s", gc_log_q(gc_str_of(error)));
        return GC_ECONFIG;
    }
    common = conf;
    rc = gc_daemon_tls_read(common, &tls);
    if (rc == 0 && daemon->role->reload != NULL) {
        rc = daemon->role->reload(daemon->role_state, conf);
        if (rc != 0) {
            gc_daemon_tls_free(&tls);
        }
    }
    if (rc != 0) {
        gc_log(GC_LOG_ERROR, "reload", "result=unchanged rc=%s", gc_err_name(rc));
        free(conf);
        return rc;
    }
    gc_daemon_tls_take(daemon, &tls);
    gc_log_set_level((enum gc_log_level)common->log_level);
    gc_daemon_workers_wish(daemon, GC_WORKER_RELOAD);
    /* The running configuration stays as it was at start: roles hold pointers into it. What a
     * reload can change has been taken over above. */
    free(conf);
    gc_log(GC_LOG_INFO, "reload", "result=done");
    return 0;
}

static void
on_drained(struct gc_task *task)
{
    struct gc_daemon *daemon = gc_container_of(task, struct gc_daemon, task_drained);
    gc_loop_stop(daemon->loop);
}

static void
on_drain_timeout(struct gc_timer *timer)
{
    struct gc_daemon *daemon = gc_container_of(timer, struct gc_daemon, drain_timer);
    gc_log(GC_LOG_WARN, "drain", "result=cut after_ms=%llu",
           (unsigned long long)gc_daemon_conf(daemon)->drain_ms);
    gc_loop_stop(daemon->loop);
}

void
gc_daemon_drain(struct gc_daemon *daemon)
{
    if (daemon->draining) {
        gc_loop_stop(daemon->loop);
        return;
    }
    daemon->draining = true;
    atomic_store(&daemon->ready, false);
    gc_log(GC_LOG_INFO, "drain", "result=started");
    gc_daemon_notify("STOPPING=1");
    gc_timer_start(&daemon->drain_timer, gc_daemon_conf(daemon)->drain_ms);
    gc_daemon_workers_wish(daemon, GC_WORKER_DRAIN);
}

static void
on_signal(void *arg, int signum)
{
    struct gc_daemon *daemon = arg;
    if (signum == SIGHUP) {
        gc_daemon_notify("RELOADING=1");
        (void)gc_daemon_reload(daemon);
        gc_daemon_notify("READY=1");
    } else {
        gc_daemon_drain(daemon);
    }
}

static void
on_fail(struct gc_task *task)
{
    struct gc_daemon *daemon = gc_container_of(task, struct gc_daemon, task_fail);
    gc_loop_stop(daemon->loop);
}

void
gc_daemon_fail(struct gc_daemon *daemon, const char *why)
{
    atomic_store(&daemon->ready, false);
    atomic_store(&daemon->failed, true);
    if (!atomic_exchange(&daemon->fail_posted, true)) {
        gc_log(GC_LOG_ERROR, "daemon.fail", "why=%s", gc_log_q(gc_str_of(why)));
        gc_loop_post(daemon->loop, &daemon->task_fail);
    }
}

static int
open_signals(struct gc_daemon *daemon)
{
    static const int signums[] = { SIGTERM, SIGINT, SIGHUP };
    for (size_t i = 0; i < GC_ARRAY_LEN(signums); i++) {
        int rc = gc_loop_signal(daemon->loop, signums[i], on_signal, daemon);
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

static int
open_all(struct gc_daemon *daemon)
{
    const struct gc_role *role = daemon->role;
    int rc = gc_loop_new(&daemon->loop);
    if (rc != 0) {
        return rc;
    }
    gc_timer_init(&daemon->drain_timer, daemon->loop, on_drain_timeout);
    gc_timer_init(&daemon->watchdog_timer, daemon->loop, NULL);
    rc = open_signals(daemon);
    if (rc == 0) {
        rc = gc_daemon_tls_load(daemon, daemon->conf);
    }
    if (rc == 0) {
        rc = role->open(daemon, daemon->conf, &daemon->role_state);
    }
    if (rc == 0) {
        rc = gc_daemon_workers_start(daemon);
    }
    if (rc == 0) {
        rc = gc_daemon_admin_open(daemon);
    }
    return rc;
}

static void
close_all(struct gc_daemon *daemon)
{
    if (daemon->loop == NULL) {
        return;
    }
    gc_timer_stop(&daemon->drain_timer);
    gc_timer_stop(&daemon->watchdog_timer);
    gc_daemon_workers_wish(daemon, GC_WORKER_CLOSE);
    gc_daemon_workers_join(daemon);
    if (daemon->role_state != NULL) {
        daemon->role->close(daemon->role_state);
    }
    gc_daemon_admin_close(daemon);
    gc_loop_free(daemon->loop);
    gc_daemon_tls_fini(daemon);
}

static int
serve(struct gc_daemon *daemon)
{
    const struct gc_daemon_conf *conf = daemon->conf;
    int rc;
    gc_log_setup(daemon->role->name, (enum gc_log_level)conf->log_level,
                 (enum gc_log_format)conf->log_format);
    gc_log(GC_LOG_INFO, "start", "version=%s node=%s", gc_version(),
           gc_log_q(gc_str_of(conf->node)));
    rc = open_all(daemon);
    if (rc == 0 && !atomic_load(&daemon->failed)) {
        atomic_store(&daemon->ready, true);
        gc_log(GC_LOG_INFO, "ready", "workers=%u after_ms=%llu", daemon->n_workers,
               (unsigned long long)(gc_clock_mono_ms() - daemon->started_ms));
        gc_daemon_notify_ready(daemon);
        rc = gc_loop_run(daemon->loop);
        atomic_store(&daemon->ready, false);
    } else if (rc != 0) {
        gc_log(GC_LOG_ERROR, "start.failed", "rc=%s text=%s", gc_err_name(rc),
               gc_log_q(gc_str_of(gc_err_text(rc))));
    }
    close_all(daemon);
    rc = rc != 0 || atomic_load(&daemon->failed) ? 1 : 0;
    gc_log(GC_LOG_INFO, "stop", "status=%d", rc);
    return rc;
}

static int
print_config(const struct gc_role *role)
{
    struct gc_buf text;
    int rc;
    gc_buf_init(&text, 1024 * 1024);
    rc = gc_conf_document(role->items, &text);
    if (rc == 0) {
        rc = fwrite(text.data, 1, text.len, stdout) == text.len ? 0 : -EIO;
    }
    gc_buf_fini(&text);
    return rc == 0 ? 0 : 1;
}

static int
run(struct gc_daemon *daemon)
{
    char error[GC_CONF_ERROR_MAX];
    int status;
    daemon->conf = load_conf(daemon, error);
    if (daemon->conf == NULL) {
        fprintf(stderr, "gcommon-%s: %s\n", daemon->role->name, error);
        return 2;
    }
    if (daemon->args.check_config) {
        printf("%s: ok\n", daemon->args.conf_path);
        free(daemon->conf);
        return 0;
    }
    if (gc_crypto_init() != 0) {
        fprintf(stderr, "gcommon-%s: the crypto libraries cannot be initialised\n",
                daemon->role->name);
        free(daemon->conf);
        return 1;
    }
    gc_daemon_harden();
    daemon->metrics = gc_metrics_new();
    status = daemon->metrics == NULL ? 1 : serve(daemon);
    gc_metrics_free(daemon->metrics);
    free(daemon->conf);
    return status;
}

int
gc_daemon_main(const struct gc_role *role, int argc, char **argv)
{
    struct gc_daemon daemon = { .role = role };
    int status;
    gc_daemon_args_parse(role, argc, argv, &daemon.args);
    if (daemon.args.exit_status >= 0) {
        return daemon.args.exit_status;
    }
    if (daemon.args.command != NULL) {
        return daemon.args.command->run(daemon.args.command_argc, daemon.args.command_argv);
    }
    if (daemon.args.print_config) {
        return print_config(role);
    }
    pthread_mutex_init(&daemon.lock, NULL);
    pthread_cond_init(&daemon.cond, NULL);
    daemon.started_ms = gc_clock_mono_ms();
    daemon.task_drained.fn = on_drained;
    daemon.task_fail.fn = on_fail;
    status = run(&daemon);
    pthread_cond_destroy(&daemon.cond);
    pthread_mutex_destroy(&daemon.lock);
    return status;
}
