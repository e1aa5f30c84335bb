/* SPDX-License-Identifier: MIT */
/* Inside a channel: channel.c (targets, waiting calls, choice), subchannel.c (one address and its
 * connections), call_client.c (calls).
 *
 * A channel lives until it is freed by its owner and all its calls, connections and look-ups are
 * over: each holds a reference. A subchannel is one address; it has at most one connection that
 * takes new calls. A connection that drains or belongs to a removed address lives on alone until
 * its last call has ended. */
#ifndef GC_RPC_CHANNEL_PRIV_H
#define GC_RPC_CHANNEL_PRIV_H

#include "net/resolve.h"
#include "rpc/backoff.h"
#include "rpc/call_priv.h"
#include "rpc/channel.h"
#include "rpc/stats.h"

#define GC_RPC_SUBS_MAX    64
#define GC_RPC_TARGETS_MAX 16

struct gc_rpc_channel;

struct gc_rpc_sub {
    struct gc_list node; /* in channel->subs */
    struct gc_rpc_channel *channel;
    struct gc_addr addr;
    char name[256]; /* host of the target, to be verified on public TLS */
    char authority[256];
    enum gc_rpc_state state;
    struct gc_rpc_conn *conn; /* while CONNECTING or READY */
    struct gc_rpc_backoff backoff;
    struct gc_timer timer; /* until the next attempt */
    bool keep;             /* while targets are compared */
};

struct gc_rpc_conn {
    struct gc_list node; /* in channel->conns */
    struct gc_rpc_channel *channel;
    struct gc_rpc_sub *sub; /* NULL: takes no new calls */
    struct gc_http_client *http;
    struct gc_timer keepalive;
    bool pinged; /* at PINGED_MS; nothing is known to have come since */
    uint64_t pinged_ms;
    bool dead;    /* the peer has not answered: we cut it */
    bool refused; /* the peer is not who it should be */
    unsigned n_calls;
};

struct gc_rpc_target {
    struct gc_rpc_channel *channel;
    char text[256];
    struct gc_resolve *resolve; /* under way */
    struct gc_addr addrs[GC_RESOLVE_ADDRS_MAX];
    size_t n_addrs;
    bool numeric;
};

struct gc_rpc_path_stats {
    const char *path;
    struct gc_rpc_stats stats;
};

struct gc_rpc_channel {
    struct gc_loop *loop;
    struct gc_arena arena; /* texts of the configuration */
    struct gc_rpc_channel_conf conf;
    struct gc_str user_agent;
    struct gc_rpc_target *targets;
    size_t n_targets;
    unsigned n_resolving;
    unsigned generation; /* of the list of targets */
    struct gc_timer resolve_timer;
    uint64_t resolved_ms; /* when names were last looked up */
    struct gc_list subs;
    size_t n_subs;
    struct gc_list conns;
    struct gc_list waiting; /* calls without a stream, oldest first */
    size_t n_waiting;
    struct gc_list running; /* calls with a stream */
    size_t cursor;
    struct gc_prng prng;
    struct gc_rpc_path_stats **paths;
    size_t n_paths;
    char error[160]; /* why the last attempt failed */
    bool shutdown;
    unsigned n_refs;
};

/* --- channel.c */
void gc_rpc_channel_ref(struct gc_rpc_channel *channel);
void gc_rpc_channel_unref(struct gc_rpc_channel *channel);
/* Start what attempts the policy wants now. */
void gc_rpc_channel_kick(struct gc_rpc_channel *channel);
/* A connection was lost or an attempt failed. */
void gc_rpc_channel_settle(struct gc_rpc_channel *channel);
/* Give waiting calls to connections that have room. */
void gc_rpc_channel_pump(struct gc_rpc_channel *channel);
/* A connection for one call now, or NULL. */
struct gc_rpc_conn *gc_rpc_channel_pick(struct gc_rpc_channel *channel);
/* True when no attempt is under way or could be made right now. */
bool gc_rpc_channel_failing(const struct gc_rpc_channel *channel);
void gc_rpc_channel_resolve(struct gc_rpc_channel *channel);
struct gc_rpc_stats *gc_rpc_channel_stats(struct gc_rpc_channel *channel, const char *path);

/* --- subchannel.c */
struct gc_rpc_sub *gc_rpc_sub_new(struct gc_rpc_channel *channel, const struct gc_addr *addr,
                                  const char *target);
void gc_rpc_sub_free(struct gc_rpc_sub *sub);
/* IDLE -> CONNECTING, or TRANSIENT_FAILURE when that cannot even start. */
void gc_rpc_sub_connect(struct gc_rpc_sub *sub);
/* Its connection takes no new calls any more. */
void gc_rpc_sub_detach(struct gc_rpc_sub *sub);

/* --- call_client.c */
struct gc_rpc_client_call {
    struct gc_rpc_call base;
    struct gc_list node; /* in channel->waiting or channel->running */
    struct gc_rpc_channel *channel;
    struct gc_rpc_conn *conn; /* while it has a stream */
    const char *path;
    struct gc_rpc_metadata wire;
    struct gc_rpc_stats *stats; /* may be NULL */
    uint64_t start_ns;
    /* Messages that wait for a stream, or were sent and may have to be sent once more. */
    struct gc_rpc_out *kept;
    size_t n_kept, kept_cap, kept_bytes;
    struct gc_task wake_task;    /* on_writable after the stream was opened */
    struct gc_rpc_status answer; /* the server's, once ANSWERED */
    unsigned http_status;
    size_t n_messages;
    size_t n_discarded;
    bool answered;
    bool wait_for_ready;
    bool one_response;
    bool traced;
    bool waiting;
    bool choked; /* the application was told not to write */
    bool waking; /* WAKE_TASK is on its way */
    bool replay; /* nothing has come back yet and KEPT holds all that was sent */
    bool retried;
    bool foreign; /* the response is not gRPC */
};

/* Give a waiting call its stream on CONN, or end it. GC_ELIMIT, GC_EUNAVAILABLE: not here and now;
 * it still waits. */
int gc_rpc_client_call_open(struct gc_rpc_client_call *cc, struct gc_rpc_conn *conn);

#endif
