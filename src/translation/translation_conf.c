/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "translation/translation_conf.h"

#include <stdio.h>

#include "base/err.h"

const struct gc_conf_item gc_translation_conf_items[] = {
    GC_DAEMON_CONF_ITEMS(struct gc_translation_conf, "127.0.0.1:9465",
                         "/run/gcommon/translation/admin.sock"),
    GC_CONF_STRING("rpc", "listen", struct gc_translation_conf, listen, "0.0.0.0:7400",
                   "address for gRPC from web and file servers"),
    GC_CONF_UINT("rpc", "streams_max", struct gc_translation_conf, streams_max, 1000, 1, 100000, "",
                 "concurrent calls a connection"),
    GC_CONF_STRING("state", "dir", struct gc_translation_conf, data_dir,
                   "/var/lib/gcommon/translation", "directory of log and state"),
    GC_CONF_STRING("state", "cluster_id", struct gc_translation_conf, cluster_id,
                   "00000000000000000000000000000000", "32 hex digits; the same on all nodes"),
    GC_CONF_UINT("registry", "lease_ms", struct gc_translation_conf, lease_ms, 10000, 500, 600000,
                 "ms", "a file server that is silent for longer is down"),
    GC_CONF_UINT("registry", "heartbeat_ms", struct gc_translation_conf, heartbeat_ms, 1000, 50,
                 60000, "ms", "how often file servers report"),
    GC_CONF_UINT(
        "write", "replica_stall_ms", struct gc_translation_conf, replica_stall_ms, 10000, 100,
        600000, "ms",
        "a file server that does nothing for this long is left out of a write that the others can "
        "finish, and left by a read for the next one"),
    GC_CONF_STRING("auth", "tokens", struct gc_translation_conf, tokens, "",
                   "file of token hashes, mode 0600 or 0640; empty = no tokens"),
    GC_CONF_BOOL("auth", "anonymous", struct gc_translation_conf, anonymous, "no",
                 "answer requests without credentials for public buckets"),
    { 0 },
};

int
gc_translation_conf_check(const void *ptr, char error[GC_CONF_ERROR_MAX])
{
    const struct gc_translation_conf *conf = ptr;
    uint8_t id[16];
    if (gc_hex_decode(id, sizeof(id), gc_str_of(conf->cluster_id)) != 0) {
        snprintf(error, GC_CONF_ERROR_MAX, "[state] cluster_id must be 32 hex digits");
        return GC_ECONFIG;
    }
    if (conf->heartbeat_ms * 2 > conf->lease_ms) {
        snprintf(error, GC_CONF_ERROR_MAX,
                 "[registry] lease_ms must be at least twice heartbeat_ms");
        return GC_ECONFIG;
    }
    return 0;
}
