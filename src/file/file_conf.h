/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Configuration of gcommon-file. */
#ifndef GC_FILE_FILE_CONF_H
#define GC_FILE_FILE_CONF_H

#include "daemon/daemon.h"

struct gc_file_conf {
    struct gc_daemon_conf daemon;
    char listen[64];
    char advertise[256];
    char zone[32];
    uint64_t weight;
    char translation[512];
    char cluster_id[33];
    char data_dir[GC_PATH_MAX];
    uint64_t n_bulk;
    uint64_t pool_bytes;
    uint64_t txn_bytes;
    uint64_t n_readers;
    uint64_t reserve_bytes;
    uint64_t map_bytes;
    uint64_t gc_delay_ms;
    uint64_t inventory_ms;
    uint64_t streams_max;
};

extern const struct gc_conf_item gc_file_conf_items[];

/* Checks that need more than one key. */
int gc_file_conf_check(const void *conf, char error[GC_CONF_ERROR_MAX]);

#endif
