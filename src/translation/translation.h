/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gcommon-translation: the control plane. One environment with log and state, one writer thread
 * (consensus), and per worker an RPC server and a channel to each file server. What the workers
 * share is in struct gc_translation and is either constant, or guarded as its header says. */
#ifndef GC_TRANSLATION_TRANSLATION_H
#define GC_TRANSLATION_TRANSLATION_H

#include "consensus/consensus.h"
#include "daemon/daemon.h"
#include "meta/meta.h"
#include "meta/query.h"
#include "rpc/channel.h"
#include "rpc/server.h"
#include "storage/kv.h"
#include "translation/auth.h"
#include "translation/propose.h"
#include "translation/roster.h"
#include "translation/servers.h"
#include "translation/translation_conf.h"
#include "translation/writer.h"

struct gc_janitor;

struct gc_translation {
    struct gc_daemon *daemon;
    const struct gc_translation_conf *conf;
    struct gc_kv *kv;
    struct gc_meta meta;
    struct gc_consensus *consensus;
    struct gc_writer writer;
    struct gc_roster roster;
    struct gc_auth auth;
};

struct gc_translation_worker {
    struct gc_translation *translation;
    struct gc_worker *worker;
    struct gc_loop *loop;
    struct gc_rpc_server *rpc;
    struct gc_rpc_health *health;
    struct gc_http_server *http;
    struct gc_rpc_service gateway, registry;
    struct gc_servers servers;
    struct gc_janitor *janitor; /* worker 0 */
    size_t n_ops;               /* operations under way; the loop turns until 0 */
};

extern const struct gc_role gc_translation_role;

/* One file a method, or a family of small ones: rpc_<name>.c. ARG is the struct
 * gc_translation_worker. */
void gc_translation_rpc_put(struct gc_rpc_call *call, void *arg, struct gc_bytes *request);
void gc_translation_rpc_get(struct gc_rpc_call *call, void *arg, struct gc_bytes *request);
void gc_translation_rpc_head(struct gc_rpc_call *call, void *arg, struct gc_bytes *request);
void gc_translation_rpc_delete(struct gc_rpc_call *call, void *arg, struct gc_bytes *request);
void gc_translation_rpc_list(struct gc_rpc_call *call, void *arg, struct gc_bytes *request);
void gc_translation_rpc_create_bucket(struct gc_rpc_call *call, void *arg,
                                      struct gc_bytes *request);
void gc_translation_rpc_delete_bucket(struct gc_rpc_call *call, void *arg,
                                      struct gc_bytes *request);
void gc_translation_rpc_head_bucket(struct gc_rpc_call *call, void *arg, struct gc_bytes *request);
void gc_translation_rpc_list_buckets(struct gc_rpc_call *call, void *arg, struct gc_bytes *request);
void gc_translation_rpc_outcome(struct gc_rpc_call *call, void *arg, struct gc_bytes *request);
void gc_translation_rpc_status(struct gc_rpc_call *call, void *arg, struct gc_bytes *request);
void gc_translation_rpc_register(struct gc_rpc_call *call, void *arg, struct gc_bytes *request);
void gc_translation_rpc_heartbeat(struct gc_rpc_call *call, void *arg, struct gc_bytes *request);
void gc_translation_rpc_inventory(struct gc_rpc_call *call, void *arg, struct gc_bytes *request);

#endif
