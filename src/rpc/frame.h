/* SPDX-License-Identifier: MIT */
/* gRPC's message framing: a flag byte, four bytes of length, the message. The decoder takes the
 * body of a stream in any pieces and gives whole messages; the credit book says how much of what
 * arrived the sender may be given back. Pure, but for memory.
 *
 * Credit: bytes of a whole message are held until the application has consumed it. Of a message
 * that is still arriving while nothing else waits, all but GC_RPC_CREDIT_HELD_MAX bytes are given
 * back at once: a message larger than the window would else never arrive. */
#ifndef GC_RPC_FRAME_H
#define GC_RPC_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define GC_RPC_PREFIX_LEN      5
#define GC_RPC_CREDIT_HELD_MAX (32 * 1024)

struct gc_rpc_decoder {
    size_t message_bytes_max;
    uint8_t prefix[GC_RPC_PREFIX_LEN]; /* Private to frame.c, as all below. */
    size_t n_prefix;
    struct gc_bytes *msg;
    size_t n_filled;
};

void gc_rpc_decoder_init(struct gc_rpc_decoder *decoder, size_t message_bytes_max);
void gc_rpc_decoder_fini(struct gc_rpc_decoder *decoder);

/* Take bytes off the front of DATA. 1: a whole message, *RET_MSG is the caller's reference. 0: DATA
 * is used up. GC_ELIMIT: the prefix announces more than the limit (nothing is allocated).
 * GC_EPROTO: a flag other than 0 (no encoding has been agreed). -ENOMEM. After an error the decoder
 * is only good for fini. A large message that lies whole in DATA references DATA's owner. */
int gc_rpc_decoder_next(struct gc_rpc_decoder *decoder, struct gc_slice *data,
                        struct gc_bytes **ret_msg);

/* True between messages: the stream may end here. */
bool gc_rpc_decoder_at_boundary(const struct gc_rpc_decoder *decoder);

void gc_rpc_prefix_encode(uint8_t dst[GC_RPC_PREFIX_LEN], size_t len);

struct gc_rpc_credit {
    uint32_t *held; /* Private to frame.c: bytes of each whole, unconsumed message, a ring */
    size_t cap, head, n;
    size_t n_partial; /* held of the message that is arriving */
    uint32_t first[8];
};

void gc_rpc_credit_init(struct gc_rpc_credit *credit);
void gc_rpc_credit_fini(struct gc_rpc_credit *credit);
/* LEN bytes of the current message (or its prefix) have arrived. Returns what to give back now. */
size_t gc_rpc_credit_arrived(struct gc_rpc_credit *credit, size_t len);
/* The current message is whole. -ENOMEM. */
int gc_rpc_credit_whole(struct gc_rpc_credit *credit);
/* The oldest whole message was consumed. Returns what to give back now. */
size_t gc_rpc_credit_consumed(struct gc_rpc_credit *credit);
/* Whole messages that are not consumed. */
static inline size_t
gc_rpc_credit_n_waiting(const struct gc_rpc_credit *credit)
{
    return credit->n;
}

#endif
