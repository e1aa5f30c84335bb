/* SPDX-License-Identifier: MIT */
/* Reference-counted buffers of one size, reused: what received plaintext travels in. A loop owns
 * one pool and takes buffers on its thread; any thread may give the last reference back, also after
 * the pool's owner has closed it (the memory of the pool goes with its last buffer). */
#ifndef GC_NET_POOL_H
#define GC_NET_POOL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"

#define GC_POOL_BUF_BYTES 16384 /* a TLS record's plaintext */

struct gc_pool;

/* Keeps at most IDLE_MAX unused buffers. NULL when there is no memory. */
struct gc_pool *gc_pool_new(size_t idle_max);
void gc_pool_close(struct gc_pool *pool);

/* A buffer of GC_POOL_BUF_BYTES with one reference; NULL when there is no memory. */
struct gc_bytes *gc_pool_get(struct gc_pool *pool);

/* Whether the caller's reference to B is the only one, so that B may be written again. */
bool gc_pool_sole(struct gc_bytes *b);

/* Buffers that somebody holds. For tests. */
size_t gc_pool_n_out(struct gc_pool *pool);

#endif
