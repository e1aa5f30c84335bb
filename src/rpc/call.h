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
 * After on_end the functions here are harmless while the call's memory is kept by gc_rpc_ref; work
 * that goes on elsewhere (a storage operation with memory of the arena) holds a reference, and a
 * server call counts until the last one is gone.
 *
 * The deadline is enforced here on both sides. Calls without one may have a progress deadline: they
 * end with DEADLINE_EXCEEDED when nothing has moved for that long although the peer owes something
 * (it takes nothing of what is queued, or sends nothing although all it sent is consumed).
 * Threads: a call lives on its loop. */
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
#define GC_RPC_ARENA_BYTES_MAX   (1024 * 1024)
#define GC_RPC_HEAD_LEN_MAX      64 /* of gc_rpc_send_parts */

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

/* Keep the call's memory beyond on_end. */
struct gc_rpc_call *gc_rpc_ref(struct gc_rpc_call *call);
void gc_rpc_unref(struct gc_rpc_call *call);

struct gc_loop *gc_rpc_loop(const struct gc_rpc_call *call);
/* Memory that lives as long as the call, at most GC_RPC_ARENA_BYTES_MAX. */
struct gc_arena *gc_rpc_arena(struct gc_rpc_call *call);
/* NULL where there is no connection: on clients before one is chosen, on both sides once the call
 * has been given up. Valid until the next turn of the loop. */
const struct gc_peer *gc_rpc_peer(const struct gc_rpc_call *call);
/* The call's trace: the server's adopted from the peer with a new span, the client's as given. */
const struct gc_trace *gc_rpc_trace(const struct gc_rpc_call *call);
/* What is left, ms; UINT64_MAX without a deadline; 0 when it has passed. */
uint64_t gc_rpc_remaining_ms(const struct gc_rpc_call *call);
/* deadline_ms for a call that is made for CALL's sake: what is left less a margin for the answer,
 * at most OWN_MS (0 = no limit of its own). Never 0, which would mean no deadline; without any
 * deadline GC_RPC_NO_DEADLINE. */
uint64_t gc_rpc_child_deadline_ms(const struct gc_rpc_call *call, uint64_t own_ms);
/* Metadata received with the head, "-bin" values decoded: the value of NAME (first), DATA NULL when
 * absent; or all of it. */
struct gc_str gc_rpc_metadata(const struct gc_rpc_call *call, const char *name);
const struct gc_http_field *gc_rpc_metadata_all(const struct gc_rpc_call *call, size_t *ret_n);
/* Client, from on_end on: trailing metadata of the server. */
const struct gc_http_field *gc_rpc_trailers(const struct gc_rpc_call *call, size_t *ret_n);

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
/* Server: metadata to go with the response's head, before anything is sent; and to go with its end.
 * Copied; rules as in gc_rpc_call_conf. GC_EPARSE, GC_ELIMIT; GC_ECLOSED when it is too late. */
int gc_rpc_set_headers(struct gc_rpc_call *call, const struct gc_http_field *fields, size_t n);
int gc_rpc_set_trailers(struct gc_rpc_call *call, const struct gc_http_field *fields, size_t n);
/* Server: send the head now instead of with the first message. */
int gc_rpc_send_headers(struct gc_rpc_call *call);
/* Server: end with STATUS (NULL = OK); nothing may be sent after it. An error before any message is
 * sent as Trailers-Only. */
int gc_rpc_finish(struct gc_rpc_call *call, const struct gc_rpc_status *status);
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
