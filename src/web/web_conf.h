/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Configuration of gcommon-web. */
#ifndef GC_WEB_WEB_CONF_H
#define GC_WEB_WEB_CONF_H

#include "daemon/daemon.h"

struct gc_web_conf {
    struct gc_daemon_conf daemon;
    char listen[64];
    char h2c_listen[64];
    char cert[GC_PATH_MAX];
    char key[GC_PATH_MAX];
    char client_ca[GC_PATH_MAX];
    char public_url[256];
    char server_names[512];
    uint64_t streams_max;
    uint64_t header_bytes_max;
    uint64_t conns_max;
    uint64_t idle_ms;
    uint64_t progress_ms;
    uint64_t window_bytes;
    uint64_t object_bytes_max;
    char translation[512];
    int balance; /* enum gc_rpc_balance */
    uint64_t deadline_ms;
    uint64_t retry_ms;
    char tokens[GC_PATH_MAX];
    bool anonymous;
    char trust_domain[64]; /* of client certificates; empty = the cluster's */
};

extern const struct gc_conf_item gc_web_conf_items[];

/* Checks that need more than one key. */
int gc_web_conf_check(const void *conf, char error[GC_CONF_ERROR_MAX]);

#endif
