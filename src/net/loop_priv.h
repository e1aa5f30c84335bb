/* SPDX-License-Identifier: MIT */
/* What a loop lends to connections, so that an idle one owns no buffer. For net/ only. */
#ifndef GC_NET_LOOP_PRIV_H
#define GC_NET_LOOP_PRIV_H

#include <stddef.h>
#include <stdint.h>

#include "net/loop.h"
#include "net/pool.h"

#define GC_LOOP_READ_BYTES (128 * 1024)

/* Memory that is free again when the callback that uses it returns. */
struct gc_loop_scratch {
    uint8_t read[GC_LOOP_READ_BYTES]; /* ciphertext of one read */
    uint8_t stage[16384];             /* plaintext of a record that is not full yet */
    size_t stage_len;
    struct gc_bytes *rx; /* buffer for the next plaintext; NULL: take one from the pool */
};
struct gc_loop_scratch *gc_loop_scratch(struct gc_loop *loop);

/* A TLS handshake has ended on this loop: when there is no other for a while, what the TLS library
 * keeps for handshakes is given back. */
void gc_loop_handshaken(struct gc_loop *loop);

/* DNS servers that resolve.c asks instead of the system's; empty: the system's. */
#define GC_LOOP_DNS_MAX 128
char *gc_loop_dns(struct gc_loop *loop);

/* Buffers for received plaintext. */
struct gc_pool *gc_loop_pool(struct gc_loop *loop);

/* Blocks of bytes on their way to a socket. NULL when there is no memory. */
#define GC_OUT_BLOCK_BYTES (64 * 1024)
struct gc_out_block {
    struct gc_out_block *next;
    size_t head; /* sent up to here */
    size_t tail; /* filled up to here */
    uint8_t data[GC_OUT_BLOCK_BYTES];
};
struct gc_out_block *gc_loop_block_get(struct gc_loop *loop);
void gc_loop_block_put(struct gc_loop *loop, struct gc_out_block *block);

#endif
