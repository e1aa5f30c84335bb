/* SPDX-License-Identifier: MIT */
/* What both ends of a call share, for call*.c only. A call is embedded in a client's or server's
 * struct that lies in the call's own arena. */
#ifndef GC_RPC_CALL_PRIV_H
#define GC_RPC_CALL_PRIV_H

#include "net/loop.h"
#include "rpc/call.h"
#include "rpc/frame.h"
#include "rpc/metadata.h"

/* One message on its way out: its head (with the prefix) and the bytes behind it. */
struct gc_rpc_out {
    uint8_t head[GC_RPC_PREFIX_LEN + GC_RPC_HEAD_LEN_MAX];
    size_t head_len;
    struct gc_slice tail;
};

/* Where client and server differ. */
struct gc_rpc_side {
    bool server;
    int (*send)(struct gc_rpc_call *call, const struct gc_rpc_out *out);
    bool (*writable)(const struct gc_rpc_call *call);
    /* Deliver a message that has arrived (a reference is lent). */
    void (*message)(struct gc_rpc_call *call, struct gc_bytes *msg);
    /* Something is wrong on our side of the wire: tell the peer, let go of the stream, end later
     * with the status that has been decided. */
    void (*give_up)(struct gc_rpc_call *call);
    void (*ended)(struct gc_rpc_call *call); /* after on_end */
    void (*freed)(struct gc_rpc_call *call); /* the memory goes after this */
};

struct gc_rpc_call {
    struct gc_arena arena;
    const struct gc_rpc_side *side;
    struct gc_loop *loop;
    struct gc_http_stream *stream; /* NULL: none yet, or let go of */
    const struct gc_peer *peer;
    const struct gc_rpc_handler *handler;
    void *arg;
    struct gc_rpc_decoder decoder;
    struct gc_rpc_credit credit;
    struct gc_rpc_metadata metadata;
    struct gc_rpc_metadata trailers;
    struct gc_trace trace;
    struct gc_timer deadline;
    uint64_t deadline_at_ms; /* UINT64_MAX: none */
    struct gc_timer progress;
    uint64_t progress_ms;
    uint64_t n_moved;     /* bytes in, and out of the queue, at the last look */
    uint64_t n_in, n_out; /* bytes received; bytes put into the stream's queue */
    unsigned n_still;     /* looks in a row that saw nothing move */
    struct gc_task end_task;
    struct gc_rpc_status status; /* of on_end, once decided */
    unsigned n_refs;
    bool decided;   /* only on_end is to come */
    bool ended;     /* on_end has been */
    bool out_ended; /* we have half-closed or finished */
    bool in_ended;  /* the peer has */
};

void gc_rpc_call_init(struct gc_rpc_call *call, const struct gc_arena *arena,
                      const struct gc_rpc_side *side, struct gc_loop *loop);
/* Start the timers. DEADLINE_MS: UINT64_MAX = none. */
void gc_rpc_call_time(struct gc_rpc_call *call, uint64_t deadline_ms, uint64_t progress_ms);
void gc_rpc_call_take_stream(struct gc_rpc_call *call, struct gc_http_stream *stream);
/* Forget the stream, which ends by itself. */
void gc_rpc_call_let_go(struct gc_rpc_call *call);
/* The first decision counts. */
void gc_rpc_call_decide(struct gc_rpc_call *call, enum gc_rpc_code code, const char *text);
/* Decide and give up; on_end comes later. */
void gc_rpc_call_fail(struct gc_rpc_call *call, enum gc_rpc_code code, const char *text);
/* on_end comes from the loop. */
void gc_rpc_call_end_later(struct gc_rpc_call *call);
/* on_end now: only from callbacks of the layer below, as their last act. */
void gc_rpc_call_end(struct gc_rpc_call *call);
/* Body bytes from the peer. */
void gc_rpc_call_receive(struct gc_rpc_call *call, const struct gc_slice *data);
/* Hand OUT to the stream. */
int gc_rpc_call_write(struct gc_rpc_call *call, const struct gc_rpc_out *out);
void gc_rpc_call_consume(struct gc_rpc_call *call, size_t len);

#endif
