/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "file/file_conf.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"

#define MIB (1024ull * 1024)
#define GIB (1024ull * MIB)

const struct gc_conf_item gc_file_conf_items[] = {
    GC_DAEMON_CONF_ITEMS(struct gc_file_conf, "127.0.0.1:9466", "/run/gcommon/file/admin.sock"),
    GC_CONF_STRING("rpc", "listen", struct gc_file_conf, listen, "0.0.0.0:7500",
                   "address for gRPC from the translation tier"),
    GC_CONF_STRING(
        "rpc", "advertise", struct gc_file_conf, advertise, "",
        "host:port at which translation nodes reach this server; empty = the listen address, "
        "which must be one then"),
    GC_CONF_UINT("rpc", "streams_max", struct gc_file_conf, streams_max, 256, 1, 10000, "",
                 "concurrent calls a connection"),
    GC_CONF_STRING("cluster", "translation", struct gc_file_conf, translation, NULL,
                   "translation nodes, host:port or srv:NAME, separated by blanks"),
    GC_CONF_STRING("cluster", "zone", struct gc_file_conf, zone, "default",
                   "what fails together: copies of an object go to different zones"),
    GC_CONF_UINT("cluster", "weight", struct gc_file_conf, weight, 100, 1, 1000000, "",
                 "share of new objects, relative to the other servers (usually GiB)"),
    GC_CONF_STRING("storage", "dir", struct gc_file_conf, data_dir, "/var/lib/gcommon/file",
                   "directory of the store"),
    GC_CONF_STRING("storage", "cluster_id", struct gc_file_conf, cluster_id,
                   "00000000000000000000000000000000",
                   "32 hex digits; a store belongs to one cluster for ever"),
    GC_CONF_UINT("storage", "bulk_files", struct gc_file_conf, n_bulk, 2, 1, 8, "",
                 "bulk environments; fixed when the store is made"),
    GC_CONF_BYTES("storage", "pool", struct gc_file_conf, pool_bytes, "16M", 4 * MIB, 4 * GIB,
                  "memory for chunks under way"),
    GC_CONF_BYTES("storage", "transaction", struct gc_file_conf, txn_bytes, "8M", MIB, GIB,
                  "most bytes of one commit"),
    GC_CONF_UINT("storage", "readers", struct gc_file_conf, n_readers, 2, 1, 64, "",
                 "threads that read from disk"),
    GC_CONF_BYTES("storage", "reserve", struct gc_file_conf, reserve_bytes, "1G", 0, 1024 * GIB,
                  "uploads are refused when less space is free"),
    GC_CONF_BYTES("storage", "map", struct gc_file_conf, map_bytes, "0", 0, 1024 * 1024 * GIB,
                  "address space for each file of the store, and its largest size; 0 = twice the "
                  "file system"),
    GC_CONF_UINT("storage", "gc_delay_ms", struct gc_file_conf, gc_delay_ms, 600000, 0, 86400000,
                 "ms", "how long a deleted blob stays on disk"),
    GC_CONF_UINT("storage", "inventory_ms", struct gc_file_conf, inventory_ms, 3600000, 1000,
                 604800000, "ms", "pause between rounds that look for blobs nobody refers to"),
    { 0 },
};

static bool
is_hex(const char *text)
{
    return text[strspn(text, "0123456789abcdefABCDEF")] == '\0';
}

/* "every address" is where we listen; it is nowhere to others. */
static bool
is_everywhere(const char *listen)
{
    struct gc_str host;
    uint16_t port;
    return gc_addr_split(gc_str_of(listen), &host, &port) == 0 &&
           (gc_str_eq_cstr(host, "0.0.0.0") || gc_str_eq_cstr(host, "::"));
}

int
gc_file_conf_check(const void *ptr, char error[GC_CONF_ERROR_MAX])
{
    const struct gc_file_conf *conf = ptr;
    if (strlen(conf->cluster_id) != 32 || !is_hex(conf->cluster_id)) {
        snprintf(error, GC_CONF_ERROR_MAX, "[storage] cluster_id must be 32 hex digits");
        return GC_ECONFIG;
    }
    if (conf->advertise[0] == '\0' && is_everywhere(conf->listen)) {
        snprintf(error, GC_CONF_ERROR_MAX,
                 "[rpc] advertise must say where translation nodes reach this server: listen is "
                 "every address");
        return GC_ECONFIG;
    }
    return 0;
}
