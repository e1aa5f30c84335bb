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
    char address[GC_META_TEXT_MAX + 1], node[GC_META_TEXT_MAX + 1]; /* what CHANNEL leads to */
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

/* The channel of ITEM, which is new. */
static int
channel_new(struct gc_servers *servers, const struct gc_meta_server *server,
            struct gc_server_channel *item)
{
    struct gc_rpc_channel_conf conf = {
        .targets = item->address,
        .expect_role = "file",
        .expect_node = item->node,
        .balance = GC_RPC_PICK_FIRST,
        .backoff_base_ms = 100,
        .backoff_max_ms = 5000,
        .message_bytes_max = GC_CHUNK_MESSAGE_MAX,
        .http = { .internal = true },
    };
    int rc = gc_str_copy(item->address, sizeof(item->address), server->address);
    if (rc == 0) {
        rc = gc_str_copy(item->node, sizeof(item->node), server->node);
    }
    if (rc == 0) {
        conf.tls = gc_daemon_tls(servers->worker->translation->daemon, false);
        rc = gc_rpc_channel_new(servers->worker->loop, &conf, &item->channel);
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

static struct gc_server_channel *
find_item(const struct gc_servers *servers, uint32_t number)
{
    for (size_t i = 0; i < servers->n; i++) {
        if (servers->items[i].number == number) {
            return &servers->items[i];
        }
    }
    return NULL;
}

/* A server that has registered again, or was taken for down, may be where it was: what runs goes
 * on. A channel that waits for its next attempt runs nothing; a new one need not wait. */
static bool
item_leads_to(struct gc_server_channel *item, const struct gc_meta_server *server)
{
    if (item->registry_version != server->registry_version &&
        gc_str_eq_cstr(server->address, item->address) &&
        gc_str_eq_cstr(server->node, item->node) &&
        gc_rpc_channel_state(item->channel) != GC_RPC_TRANSIENT_FAILURE) {
        item->registry_version = server->registry_version;
    }
    return item->registry_version == server->registry_version;
}

int
gc_servers_channel(struct gc_servers *servers, const struct gc_meta_server *server,
                   struct gc_rpc_channel **ret_channel)
{
    struct gc_server_channel *item = find_item(servers, server->number);
    struct gc_server_channel fresh = { .number = server->number,
                                       .registry_version = server->registry_version };
    int rc;
    if (item != NULL && item_leads_to(item, server)) {
        *ret_channel = item->channel;
        return 0;
    }
    rc = item != NULL ? 0 : servers_grow(servers);
    if (rc == 0) {
        rc = channel_new(servers, server, &fresh);
    }
    if (rc != 0) {
        return rc;
    }
    if (item != NULL) {
        gc_rpc_channel_free(item->channel);
    } else {
        item = &servers->items[servers->n++];
    }
    *item = fresh;
    *ret_channel = item->channel;
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
