/* SPDX-License-Identifier: MIT */
/* One gRPC call, client or server side, all four kinds. Messages are whole (length-prefixed framing
 * is done here), as reference-counted bytes, so that a relay forwards them without decoding or
 * copying.
 *
 * Receiving: on_message gets each message once; the sender's flow control is credited when the
 * application calls gc_rpc_consume (once a message, in order), so at most a window's worth of
 * messages is in flight. A message is refused by its length prefix when it is over the limit
 * (RESOURCE_EXHAUSTED). Sending: gc_rpc_send references the bytes; stop while gc_rpc_writable is
 * false, on_writable says when to go on.
 *
 * End: on_end exactly once, last, never from inside a gc_rpc call on that call; the call's memory
 * is gone after it. client: STATUS is the final status (the server's, or ours: deadline, cancel,
 * lost connection). server: OK when everything incl. the status has been handed to the connection;
 * otherwise CANCELLED (peer reset or lost), DEADLINE_EXCEEDED, or our own failure. A handler stops
 * its work then.
 *
 * The deadline is enforced here on both sides. Threads: a call lives on its loop. */
#ifndef GC_RPC_CALL_H
#define GC_RPC_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/trace.h"
#include "net/http.h"
#include "rpc/status.h"

#define GC_RPC_MESSAGE_BYTES_MAX (4u * 1024 * 1024)
#define GC_RPC_NO_DEADLINE       0

struct gc_rpc_call;

struct gc_rpc_handler {
    /* Client: initial metadata arrived (skipped for Trailers-Only). May be NULL. */
    void (*on_headers)(struct gc_rpc_call *call, void *arg, const struct gc_http_field *fields,
                       size_t n);
    /* MSG is borrowed: ref it to keep it. */
    void (*on_message)(struct gc_rpc_call *call, void *arg, struct gc_bytes *msg);
    /* Server: the client has half-closed. May be NULL. Not called on clients. */
    void (*on_half_close)(struct gc_rpc_call *call, void *arg);
    void (*on_writable)(struct gc_rpc_call *call, void *arg); /* may be NULL */
    void (*on_end)(struct gc_rpc_call *call, void *arg, const struct gc_rpc_status *status);
};

void gc_rpc_set_handler(struct gc_rpc_call *call, const struct gc_rpc_handler *handler, void *arg);

struct gc_loop *gc_rpc_loop(const struct gc_rpc_call *call);
struct gc_arena *gc_rpc_arena(struct gc_rpc_call *call);
const struct gc_peer *
gc_rpc_peer(const struct gc_rpc_call *call); /* client: NULL before a connection is chosen */
/* The call's trace: the server's adopted from the peer with a new span, the client's as given. */
const struct gc_trace *gc_rpc_trace(const struct gc_rpc_call *call);
/* What is left, ms; UINT64_MAX without a deadline; 0 when it has passed. */
uint64_t gc_rpc_remaining_ms(const struct gc_rpc_call *call);
/* Server: request metadata; value of NAME (first), DATA NULL when absent. */
struct gc_str gc_rpc_metadata(const struct gc_rpc_call *call, const char *name);

/* Queue one message; references MSG. GC_ELIMIT beyond the queue limit, GC_ECLOSED after
 * half-close/finish or end. */
int gc_rpc_send(struct gc_rpc_call *call, struct gc_bytes *msg);
/* The same for a message whose first HEAD_LEN (<= 64) bytes are copied and whose rest is TAIL
 * (referenced), so that a chunk read from disk is framed without a copy. */
int gc_rpc_send_parts(struct gc_rpc_call *call, const void *head, size_t head_len,
                      const struct gc_slice *tail);
bool gc_rpc_writable(const struct gc_rpc_call *call);
/* The application is done with the oldest unconsumed message. */
void gc_rpc_consume(struct gc_rpc_call *call);
/* Client: no more messages from us. */
int gc_rpc_half_close(struct gc_rpc_call *call);
/* Server: end with STATUS (NULL = OK) and optional trailing metadata; nothing may be sent after it.
 * An error before any message is sent as Trailers-Only. */
int gc_rpc_finish(struct gc_rpc_call *call, const struct gc_rpc_status *status);
/* The same with trailing metadata (copied; names and "-bin" as in gc_rpc_call_conf). */
int gc_rpc_finish_with(struct gc_rpc_call *call, const struct gc_rpc_status *status,
                       const struct gc_http_field *trailers, size_t n);
/* Client, in on_end or a unary call's callback: first trailing metadata NAME, DATA NULL if absent.
 */
struct gc_str gc_rpc_trailer(const struct gc_rpc_call *call, const char *name);
/* Server: reply one message and OK. */
int gc_rpc_reply(struct gc_rpc_call *call, struct gc_bytes *msg);
/* Server: end with one of our codes / a code and a text. */
int gc_rpc_fail_rc(struct gc_rpc_call *call, int rc);
int gc_rpc_fail(struct gc_rpc_call *call, enum gc_rpc_code code, const char *fmt, ...)
    GC_PRINTF(3, 4);
/* Give up from our side: resets the stream; on_end follows with CANCELLED. */
void gc_rpc_cancel(struct gc_rpc_call *call);

#endif
