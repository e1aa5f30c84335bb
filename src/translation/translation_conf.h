/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Configuration of gcommon-translation. */
#ifndef GC_TRANSLATION_TRANSLATION_CONF_H
#define GC_TRANSLATION_TRANSLATION_CONF_H

#include "daemon/daemon.h"

struct gc_translation_conf {
    struct gc_daemon_conf daemon;
    char listen[64];
    uint64_t streams_max;
    char data_dir[GC_PATH_MAX];
    char cluster_id[33];
    uint64_t lease_ms;
    uint64_t heartbeat_ms;
    uint64_t replica_stall_ms;
    char tokens[GC_PATH_MAX];
    bool anonymous;
};

extern const struct gc_conf_item gc_translation_conf_items[];
int gc_translation_conf_check(const void *conf, char error[GC_CONF_ERROR_MAX]);

#endif
