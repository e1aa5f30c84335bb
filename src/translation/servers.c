/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "translation/servers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "core/chunk.h"
#include "translation/translation.h"

#define SERVERS_MAX 1024

struct gc_server_channel {
    uint32_t number;
    uint64_t registry_version;
    struct gc_rpc_channel *channel;
};

void
gc_servers_init(struct gc_servers *servers, struct gc_translation_worker *worker)
{
    memset(servers, 0, sizeof(*servers));
    servers->worker = worker;
}

void
gc_servers_fini(struct gc_servers *servers)
{
    for (size_t i = 0; i < servers->n; i++) {
        gc_rpc_channel_free(servers->items[i].channel);
    }
    free(servers->items);
    servers->items = NULL;
    servers->n = servers->cap = 0;
}

static int
channel_new(struct gc_servers *servers, const struct gc_meta_server *server,
            struct gc_rpc_channel **ret_channel)
{
    char address[GC_META_TEXT_MAX + 1], node[GC_META_TEXT_MAX + 1];
    struct gc_rpc_channel_conf conf = {
        .targets = address,
        .expect_role = "file",
        .expect_node = node,
        .balance = GC_RPC_PICK_FIRST,
        .backoff_base_ms = 100,
        .backoff_max_ms = 5000,
        .message_bytes_max = GC_CHUNK_MESSAGE_MAX,
        .http = { .internal = true },
    };
    int rc = gc_str_copy(address, sizeof(address), server->address);
    if (rc == 0) {
        rc = gc_str_copy(node, sizeof(node), server->node);
    }
    if (rc == 0) {
        conf.tls = gc_daemon_tls(servers->worker->translation->daemon, false);
        rc = gc_rpc_channel_new(servers->worker->loop, &conf, ret_channel);
        gc_tls_ctx_unref(conf.tls);
    }
    return rc;
}

static int
servers_grow(struct gc_servers *servers)
{
    size_t cap = servers->cap == 0 ? 8 : servers->cap * 2;
    struct gc_server_channel *items;
    if (servers->n < servers->cap) {
        return 0;
    }
    if (servers->n >= SERVERS_MAX) {
        return GC_ELIMIT;
    }
    items = realloc(servers->items, cap * sizeof(*items));
    if (items == NULL) {
        return -ENOMEM;
    }
    servers->items = items;
    servers->cap = cap;
    return 0;
}

int
gc_servers_channel(struct gc_servers *servers, const struct gc_meta_server *server,
                   struct gc_rpc_channel **ret_channel)
{
    struct gc_server_channel *item = NULL;
    struct gc_rpc_channel *channel;
    int rc;
    for (size_t i = 0; i < servers->n && item == NULL; i++) {
        if (servers->items[i].number == server->number) {
            item = &servers->items[i];
        }
    }
    if (item != NULL && item->registry_version == server->registry_version) {
        *ret_channel = item->channel;
        return 0;
    }
    rc = item != NULL ? 0 : servers_grow(servers);
    if (rc == 0) {
        rc = channel_new(servers, server, &channel);
    }
    if (rc != 0) {
        return rc;
    }
    if (item != NULL) {
        gc_rpc_channel_free(item->channel);
    } else {
        item = &servers->items[servers->n++];
    }
    item->number = server->number;
    item->registry_version = server->registry_version;
    item->channel = channel;
    *ret_channel = channel;
    return 0;
}

void
gc_servers_reload(struct gc_servers *servers)
{
    struct gc_tls_ctx *tls = gc_daemon_tls(servers->worker->translation->daemon, false);
    for (size_t i = 0; i < servers->n; i++) {
        gc_rpc_channel_set_tls(servers->items[i].channel, tls);
    }
    gc_tls_ctx_unref(tls);
}
