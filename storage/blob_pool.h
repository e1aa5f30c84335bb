/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The engine's memory for chunks, counted: what puts hold of their callers' bytes until it is in a
 * transaction, and buffers for reading. Either side may have three quarters of the whole, so that
 * neither starves the other. Buffers of chunk size are kept for reuse. Any thread. */
#ifndef GC_STORAGE_BLOB_POOL_H
#define GC_STORAGE_BLOB_POOL_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/thread.h"

struct gc_blob_pool;

enum gc_blob_pool_side { GC_BLOB_POOL_PUT, GC_BLOB_POOL_READ };

/* ROOM is called after a refusal when something came back. NULL when there is no memory. */
struct gc_blob_pool *gc_blob_pool_new(uint64_t bytes_max, const struct gc_notify *room);
/* ROOM is not called any more; the memory goes when the last buffer has come back. */
void gc_blob_pool_free(struct gc_blob_pool *pool);

/* Count BYTES that SIDE holds. GC_ELIMIT when they are too many. */
int gc_blob_pool_charge(struct gc_blob_pool *pool, enum gc_blob_pool_side side, uint64_t bytes);
void gc_blob_pool_release(struct gc_blob_pool *pool, enum gc_blob_pool_side side, uint64_t bytes);

/* A buffer of LEN bytes (up to a chunk) for reading, given back by gc_bytes_unref. NULL at the
 * limit. */
struct gc_bytes *gc_blob_pool_get(struct gc_blob_pool *pool, uint32_t len);

/* Free the buffers that nobody uses. */
void gc_blob_pool_trim(struct gc_blob_pool *pool);

#endif
