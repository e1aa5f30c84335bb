/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the three daemons share: arguments, configuration, signals, workers, TLS reload, drain,
 * metrics and admin listeners, sd_notify. A role is a table (struct gc_role); its main.c is one
 * call of gc_daemon_main.
 *
 * Life: args -> config -> harden -> role.open (main thread) -> N workers, one thread and one loop
 * each: role.worker_open on that thread, one after the other -> READY -> signals. SIGHUP: config
 * and certificates are read again, role.reload on the main thread, then role.worker_reload on each
 * worker; a bad file is logged and nothing changes. SIGTERM/SIGINT: role.worker_drain on each
 * worker, at most drain_ms, then worker_close, close, exit 0. A second signal skips the drain.
 *
 * Threads: functions of this header are for the main thread unless they say otherwise. */
#ifndef GC_DAEMON_DAEMON_H
#define GC_DAEMON_DAEMON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/conf.h"
#include "base/metrics.h"
#include "net/addr.h"
#include "net/loop.h"
#include "net/tls.h"

#define GC_DAEMON_WORKERS_MAX 64
#define GC_PATH_MAX           256

/* The first member of every role's configuration struct. */
struct gc_daemon_conf {
    char node[64];
    uint64_t workers;
    uint64_t drain_ms;
    int log_level;
    int log_format;
    char metrics_listen[64];
    char admin_socket[104];
    char cert[GC_PATH_MAX];
    char key[GC_PATH_MAX];
    char ca[GC_PATH_MAX];
    char trust_domain[64];
};

/* Rows for the role's table; ROLE_STRUCT has `struct gc_daemon_conf daemon` as its first member. */
#define GC_DAEMON_CONF_ITEMS(st, metrics_default, admin_default)                               \
    GC_CONF_STRING("daemon", "node", st, daemon.node, NULL,                                    \
                   "name of this node; the last part of its SPIFFE id"),                       \
        GC_CONF_UINT("daemon", "workers", st, daemon.workers, 0, 0, GC_DAEMON_WORKERS_MAX, "", \
                     "event loops; 0 = one for each processor"),                               \
        GC_CONF_UINT("daemon", "drain_ms", st, daemon.drain_ms, 30000, 0, 3600000, "ms",       \
                     "how long running requests may go on after SIGTERM"),                     \
        GC_CONF_STRING("daemon", "admin_socket", st, daemon.admin_socket, admin_default,       \
                       "unix socket for status, reload and drain; empty = none"),              \
        GC_CONF_ENUM("log", "level", st, daemon.log_level, "error|warn|info|debug", "info",    \
                     "least level that is logged"),                                            \
        GC_CONF_ENUM("log", "format", st, daemon.log_format, "logfmt|json", "logfmt",          \
                     "form of a log line"),                                                    \
        GC_CONF_STRING("metrics", "listen", st, daemon.metrics_listen, metrics_default,        \
                       "loopback address of the Prometheus listener; empty = none"),           \
        GC_CONF_STRING("tls", "cert", st, daemon.cert, NULL,                                   \
                       "PEM chain of this node's certificate"),                                \
        GC_CONF_STRING("tls", "key", st, daemon.key, NULL, "PEM key, mode 0600 or 0640"),      \
        GC_CONF_STRING("tls", "ca", st, daemon.ca, NULL,                                       \
                       "PEM certificates that sign the cluster's nodes"),                      \
        GC_CONF_STRING("tls", "trust_domain", st, daemon.trust_domain, NULL,                   \
                       "SPIFFE trust domain of the cluster")

struct gc_daemon;

/* One worker: a thread with a loop. */
struct gc_worker {
    struct gc_daemon *daemon;
    struct gc_loop *loop;
    unsigned index;
    void *state;                 /* what role.worker_open returned */
    struct gc_worker_priv *priv; /* Private to daemon_workers.c. */
};

struct gc_role_command {
    const char *name; /* "fsck" */
    const char *help;
    int (*run)(int argc, char **argv); /* argv[0] is the name; returns the exit status */
};

struct gc_role {
    const char *name;    /* "file"; binary, unit and user are gcommon-<name> */
    const char *summary; /* one line for --help */
    const char *conf_path;
    const struct gc_conf_item *items;
    size_t conf_bytes;
    /* Checks that need more than one key; ERROR is what to tell the operator. May be NULL. */
    int (*check)(const void *conf, char error[GC_CONF_ERROR_MAX]);
    int (*open)(struct gc_daemon *daemon, const void *conf, void **ret_role);
    int (*worker_open)(void *role, struct gc_worker *worker,
                       void **ret_state); /* on the worker's thread */
    /* CONF is the new configuration, valid during the call. On an error nothing has changed. May be
     * NULL. */
    int (*reload)(void *role, const void *conf);
    void (*worker_reload)(void *role, struct gc_worker *worker, void *state);
    /* Stop taking work; call gc_worker_drained when the last request has ended. */
    void (*worker_drain)(void *role, struct gc_worker *worker, void *state);
    void (*worker_close)(void *role, struct gc_worker *worker, void *state);
    void (*close)(void *role);
    /* Append members of a JSON object ("\"a\":1,") to what the admin socket's /status says. Main
     * thread. May be NULL. */
    void (*status)(void *role, struct gc_buf *json);
    const struct gc_role_command *commands; /* ends with name NULL; may be NULL */
};

/* The whole main(). Exit status: 0, 1 failure, 2 usage or configuration. */
int gc_daemon_main(const struct gc_role *role, int argc, char **argv);

const struct gc_daemon_conf *gc_daemon_conf(const struct gc_daemon *daemon);
struct gc_metrics *gc_daemon_metrics(struct gc_daemon *daemon); /* any thread */
struct gc_loop *gc_daemon_loop(struct gc_daemon *daemon);       /* the main thread's */
unsigned gc_daemon_n_workers(const struct gc_daemon *daemon);
struct gc_worker *gc_daemon_worker(struct gc_daemon *daemon, unsigned index);
/* A new reference to the current INTERNAL context for serving or calling. Any thread. */
struct gc_tls_ctx *gc_daemon_tls(struct gc_daemon *daemon, bool server);

/* One address, listened on by all workers: worker 0 may be given port 0, the others learn which it
 * got. Parses TEXT, or gives what was told by gc_daemon_listening before. NAME ("grpc") stands in
 * logs and status. Worker's thread. */
int gc_daemon_listen_addr(struct gc_worker *worker, const char *name, const char *text,
                          struct gc_addr *ret_addr);
void gc_daemon_listening(struct gc_worker *worker, const char *name, const struct gc_addr *addr,
                         uint16_t port);

/* The worker has nothing left to do. Worker's thread. */
void gc_worker_drained(struct gc_worker *worker);

/* Ask the whole daemon to stop with exit status 1, e.g. when the store has failed. Any thread;
 * never returns to service. */
void gc_daemon_fail(struct gc_daemon *daemon, const char *why);

/* Whether requests should be sent here: false until ready, and again from the start of a drain. Any
 * thread. */
bool gc_daemon_ready(const struct gc_daemon *daemon);

#endif
