/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A worker's channels to the file servers, one each, made on first use from the registry's record
 * and replaced when it changes, unless the channel leads to the same node and address and works.
 * Every dial pins the server's SPIFFE role and node (object-protocol.md rule 29). */
#ifndef GC_TRANSLATION_SERVERS_H
#define GC_TRANSLATION_SERVERS_H

#include <stddef.h>
#include <stdint.h>

#include "meta/query.h"
#include "rpc/channel.h"

struct gc_translation_worker;

struct gc_servers {
    struct gc_translation_worker *worker; /* Private to servers.c. */
    struct gc_server_channel *items;
    size_t n, cap;
};

void gc_servers_init(struct gc_servers *servers, struct gc_translation_worker *worker);
void gc_servers_fini(struct gc_servers *servers);
/* The channel to SERVER as it is registered now. GC_ELIMIT, -ENOMEM. The channel lives until it
 * is replaced, which cancels its calls, or fini. */
int gc_servers_channel(struct gc_servers *servers, const struct gc_meta_server *server,
                       struct gc_rpc_channel **ret_channel);
/* New connections use the daemon's current certificate. */
void gc_servers_reload(struct gc_servers *servers);

#endif
