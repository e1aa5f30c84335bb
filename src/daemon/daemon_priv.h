/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Private to src/daemon. */
#ifndef GC_DAEMON_DAEMON_PRIV_H
#define GC_DAEMON_DAEMON_PRIV_H

#include <stdatomic.h>

#include "base/thread.h"
#include "daemon/daemon.h"
#include "net/http.h"

struct gc_daemon_args {
    const char *conf_path;
    bool check_config;
    bool print_config;
    const struct gc_role_command *command;
    int command_argc;
    char **command_argv;
    int exit_status; /* >= 0: leave at once with it */
};

/* What one listening address is called and which port it got. */
#define GC_DAEMON_LISTENS_MAX 8
struct gc_daemon_listen {
    char name[24];
    struct gc_addr addr;
};

enum gc_worker_wish { GC_WORKER_RELOAD, GC_WORKER_DRAIN, GC_WORKER_CLOSE };

/* The INTERNAL contexts of one configuration. */
struct gc_daemon_tls_pair {
    struct gc_tls_ctx *server, *client;
};

struct gc_worker_priv {
    struct gc_worker worker;
    struct gc_thread thread;
    struct gc_task task_reload, task_drain, task_close;
    atomic_bool reload_posted; /* a task is posted once at a time */
    bool drained;
    int open_rc;
};

struct gc_daemon {
    const struct gc_role *role;
    struct gc_daemon_args args;
    void *conf; /* the role's struct; daemon part first */
    void *role_state;
    struct gc_metrics *metrics;
    struct gc_loop *loop;
    struct gc_http_server *metrics_server;
    struct gc_http_server *admin_server;
    uint64_t started_ms;

    struct gc_worker_priv *workers[GC_DAEMON_WORKERS_MAX];
    unsigned n_workers;

    pthread_mutex_t lock; /* all below */
    pthread_cond_t cond;  /* a worker has opened or drained */
    unsigned n_opened;
    unsigned n_drained;
    struct gc_daemon_tls_pair tls;
    struct gc_daemon_listen listens[GC_DAEMON_LISTENS_MAX];
    unsigned n_listens;

    atomic_bool ready;
    atomic_bool failed;
    bool draining;
    struct gc_task task_drained; /* posted by the last worker that has drained */
    struct gc_task task_fail;
    atomic_bool fail_posted;
    struct gc_timer drain_timer;
    struct gc_timer watchdog_timer;
    uint64_t watchdog_ms;
};

/* daemon_args.c */
void gc_daemon_args_parse(const struct gc_role *role, int argc, char **argv,
                          struct gc_daemon_args *ret_args);

/* daemon_tls.c */
/* The contexts that CONF's files make; the log says why not. */
int gc_daemon_tls_read(const struct gc_daemon_conf *conf, struct gc_daemon_tls_pair *ret_pair);
void gc_daemon_tls_free(const struct gc_daemon_tls_pair *pair);
/* Put PAIR in place of the current one; takes it. */
void gc_daemon_tls_take(struct gc_daemon *daemon, const struct gc_daemon_tls_pair *pair);
/* Read and take. */
int gc_daemon_tls_load(struct gc_daemon *daemon, const struct gc_daemon_conf *conf);
void gc_daemon_tls_fini(struct gc_daemon *daemon);

/* daemon_workers.c */
int gc_daemon_workers_start(struct gc_daemon *daemon);
void gc_daemon_workers_wish(struct gc_daemon *daemon, enum gc_worker_wish wish);
void gc_daemon_workers_join(struct gc_daemon *daemon);

/* daemon_admin.c: the metrics and admin listeners on the main loop. */
int gc_daemon_admin_open(struct gc_daemon *daemon);
void gc_daemon_admin_close(struct gc_daemon *daemon);

/* daemon.c */
int gc_daemon_reload(struct gc_daemon *daemon);
void gc_daemon_drain(struct gc_daemon *daemon);

/* daemon_harden.c: undumpable, umask, no core files, descriptor limit. */
void gc_daemon_harden(void);

/* daemon_notify.c: systemd; no-ops when not started by it. */
void gc_daemon_notify_ready(struct gc_daemon *daemon);
void gc_daemon_notify(const char *state);

#endif
