/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "web/web_conf.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "crypto/spiffe.h"
#include "rpc/balance.h"

#define KIB 1024ull
#define MIB (1024ull * KIB)
#define GIB (1024ull * MIB)

_Static_assert(GC_RPC_PICK_FIRST == 0 && GC_RPC_ROUND_ROBIN == 1 && GC_RPC_PICK2 == 2,
               "the choices of [upstream] balance are in this order");

const struct gc_conf_item gc_web_conf_items[] = {
    GC_DAEMON_CONF_ITEMS(struct gc_web_conf, "127.0.0.1:9464", "/run/gcommon/web/admin.sock"),
    GC_CONF_STRING("public", "listen", struct gc_web_conf, listen, "0.0.0.0:8443",
                   "address for clients: HTTPS (h2, HTTP/1.1) and gRPC"),
    GC_CONF_STRING("public", "h2c_listen", struct gc_web_conf, h2c_listen, "",
                   "loopback address that answers the same without TLS; empty = none"),
    GC_CONF_STRING("public", "cert", struct gc_web_conf, cert, NULL, "PEM chain that clients see"),
    GC_CONF_STRING("public", "key", struct gc_web_conf, key, NULL, "PEM key, mode 0600 or 0640"),
    GC_CONF_STRING("public", "client_ca", struct gc_web_conf, client_ca, "",
                   "PEM certificates that sign clients' certificates, which are then optional; "
                   "empty = clients have none"),
    GC_CONF_STRING("public", "public_url", struct gc_web_conf, public_url, "",
                   "how clients reach the cluster, https://host[:port]; stands in absolute URLs"),
    GC_CONF_STRING("public", "server_names", struct gc_web_conf, server_names, "",
                   "host names that may be asked for, separated by blanks; empty = any"),
    GC_CONF_UINT("public", "streams_max", struct gc_web_conf, streams_max, 128, 1, 10000, "",
                 "concurrent requests a connection"),
    GC_CONF_BYTES("public", "header_bytes_max", struct gc_web_conf, header_bytes_max, "16K",
                  4 * KIB, 64 * KIB, "size of a request's header fields"),
    GC_CONF_UINT("public", "conns_max", struct gc_web_conf, conns_max, 4096, 1, 1000000, "",
                 "connections a worker"),
    GC_CONF_UINT("public", "idle_ms", struct gc_web_conf, idle_ms, 120000, 1000, 3600000, "ms",
                 "connections without a request are closed after that"),
    GC_CONF_UINT("public", "progress_ms", struct gc_web_conf, progress_ms, 30000, 100, 3600000,
                 "ms", "uploads and downloads that stand still are ended after that"),
    GC_CONF_BYTES("public", "window", struct gc_web_conf, window_bytes, "256K", 64 * KIB, 8 * MIB,
                  "bytes of one upload that may be under way to us"),
    GC_CONF_BYTES("public", "object_bytes_max", struct gc_web_conf, object_bytes_max, "5G", 1,
                  5 * GIB, "largest object of one upload"),
    GC_CONF_STRING("upstream", "translation", struct gc_web_conf, translation, NULL,
                   "translation nodes, host:port or srv:NAME, separated by blanks"),
    GC_CONF_ENUM("upstream", "balance", struct gc_web_conf, balance, "pick_first|round_robin|pick2",
                 "pick2", "which translation node gets a request"),
    GC_CONF_UINT("upstream", "deadline_ms", struct gc_web_conf, deadline_ms, 15000, 100, 400000,
                 "ms", "time for one operation, or for the commit of an upload"),
    GC_CONF_UINT("upstream", "retry_ms", struct gc_web_conf, retry_ms, 3000, 0, 400000, "ms",
                 "how long an operation is repeated while no translation node answers"),
    GC_CONF_STRING(
        "auth", "tokens", struct gc_web_conf, tokens, "",
        "file of bearer tokens, mode 0600 or 0640; empty = only translation checks them"),
    GC_CONF_BOOL("auth", "anonymous", struct gc_web_conf, anonymous, "no",
                 "whether requests without proof of a principal are passed on"),
    GC_CONF_STRING("auth", "trust_domain", struct gc_web_conf, trust_domain, "",
                   "SPIFFE trust domain of client certificates; empty = the cluster's"),
    { 0 },
};

static int
fail(char error[GC_CONF_ERROR_MAX], const char *text)
{
    snprintf(error, GC_CONF_ERROR_MAX, "%s", text);
    return GC_ECONFIG;
}

static bool
url_ok(struct gc_str url)
{
    return gc_str_starts(url, "https://") && url.len > 8 &&
           memchr(url.data + 8, '/', url.len - 8) == NULL;
}

int
gc_web_conf_check(const void *ptr, char error[GC_CONF_ERROR_MAX])
{
    const struct gc_web_conf *conf = ptr;
    struct gc_addr addr;
    if (gc_addr_parse(gc_str_of(conf->listen), &addr) != 0) {
        return fail(error, "[public] listen must be a numeric address and a port");
    }
    if (conf->h2c_listen[0] != '\0' &&
        (gc_addr_parse(gc_str_of(conf->h2c_listen), &addr) != 0 || !gc_addr_is_loopback(&addr))) {
        return fail(error, "[public] h2c_listen must be a loopback address and a port: it is not "
                           "encrypted");
    }
    if (conf->public_url[0] != '\0' && !url_ok(gc_str_of(conf->public_url))) {
        return fail(error, "[public] public_url must be https://host[:port], without a path");
    }
    if (conf->trust_domain[0] != '\0' &&
        !gc_spiffe_trust_domain_ok(gc_str_of(conf->trust_domain))) {
        return fail(error, "[auth] trust_domain is not one");
    }
    return 0;
}
