/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The server that object commands speak to: a loop, a channel, who we are, how patient we are, and
 * whether a signal has asked us to stop. One thread, one at a time. */
#ifndef GC_CLI_REMOTE_H
#define GC_CLI_REMOTE_H

#include <protobuf-c/protobuf-c.h>

#include "base/random.h"
#include "cli/cli.h"
#include "cli/fault.h"
#include "rpc/backoff.h"
#include "rpc/channel.h"

#define GC_OBJECT_METHOD(name) "/gcommon.v1.object.ObjectService/" name

/* What the options of all object commands say, as text; NULL: the default. */
struct gc_remote_opts {
    const char *timeout;
    const char *retries;
};
#define GC_REMOTE_N_OPTS 2
/* Their rows in a command's table of options. */
void gc_remote_add_opts(struct gc_remote_opts *opts, struct gc_cli_opt rows[GC_REMOTE_N_OPTS]);

struct gc_remote {
    struct gc_loop *loop;
    struct gc_rpc_channel *channel;
    struct gc_prng prng;
    uint64_t timeout_ms; /* of a unary call; without progress, of a stream */
    unsigned n_retries;  /* after the first attempt */
    int signum;          /* a signal that wants us to end; 0: none so far */
    char *authorization; /* Private to remote.c, as what follows. */
    struct gc_http_field metadata;
};

/* Say what is wrong with the address, the files or the options and return the exit status; 0: open.
 * Connects later. */
int gc_remote_open(struct gc_remote *remote, const struct gc_cli *cli,
                   const struct gc_remote_opts *opts);
void gc_remote_close(struct gc_remote *remote);

/* Wait until there is a connection, or until all attempts have failed: whoever calls next hears
 * why. For what cannot be sent twice. */
void gc_remote_connect(struct gc_remote *remote);

/* How to call PATH: the caller's identity and either a deadline or, for a STREAM of chunks, one of
 * progress. */
struct gc_rpc_call_conf gc_remote_call_conf(const struct gc_remote *remote, const char *path,
                                            bool stream);

void gc_remote_backoff_init(struct gc_rpc_backoff *backoff);

/* One unary call, retried where that may help, waited for. Other calls of the loop go on meanwhile.
 * The answer, of type DESC, goes to ARENA and *RET_ANSWER. False: FAULT says why. *RET_N_ATTEMPTS
 * may be NULL. */
struct gc_ask {
    const char *path;
    const ProtobufCMessage *request;
    const ProtobufCMessageDescriptor *answer;
    struct gc_arena *arena;
    unsigned n_attempts; /* that it took */
};
bool gc_remote_ask(struct gc_remote *remote, struct gc_ask *ask, void **ret_answer,
                   struct gc_fault *fault);

#endif
