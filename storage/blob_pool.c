/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "storage/blob_pool.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/macros.h"
#include "storage/blob.h"

/* Anything longer gets a buffer of chunk size, which is kept; shorter ones are malloc's business.
 */
#define POOL_SMALL_MAX 65536u
#define POOL_BYTES_MIN (8u * GC_BLOB_CHUNK_BYTES)

struct pool_buf {
    struct gc_bytes bytes;
    struct gc_list node; /* on the free list */
    uint32_t cap;
    uint8_t data[];
};

struct gc_blob_pool {
    pthread_mutex_t lock;
    uint64_t bytes_max;
    uint64_t side_max;
    uint64_t used[2];
    struct gc_list free_bufs;
    struct gc_notify room;
    unsigned n_out; /* buffers not given back */
    bool starved;   /* somebody was refused */
    bool orphaned;  /* freed by its owner */
};

struct gc_blob_pool *
gc_blob_pool_new(uint64_t bytes_max, const struct gc_notify *room)
{
    struct gc_blob_pool *pool = calloc(1, sizeof(*pool));

    if (pool == NULL) {
        return NULL;
    }
    pthread_mutex_init(&pool->lock, NULL);
    pool->bytes_max = GC_MAX(bytes_max, (uint64_t)POOL_BYTES_MIN);
    pool->side_max = pool->bytes_max / 4 * 3;
    pool->room = *room;
    gc_list_init(&pool->free_bufs);
    return pool;
}

static void
pool_drop_free(struct gc_list *bufs)
{
    struct gc_list *node;

    while ((node = gc_list_pop(bufs)) != NULL) {
        free(gc_container_of(node, struct pool_buf, node));
    }
}

static void
pool_destroy(struct gc_blob_pool *pool)
{
    pool_drop_free(&pool->free_bufs);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

void
gc_blob_pool_free(struct gc_blob_pool *pool)
{
    bool last;

    if (pool == NULL) {
        return;
    }
    pthread_mutex_lock(&pool->lock);
    pool->orphaned = true;
    pool->room.fn = NULL;
    last = pool->n_out == 0;
    pthread_mutex_unlock(&pool->lock);
    if (last) {
        pool_destroy(pool);
    }
}

static int
pool_charge_locked(struct gc_blob_pool *pool, enum gc_blob_pool_side side, uint64_t bytes)
{
    uint64_t used = pool->used[0] + pool->used[1];

    if (bytes > pool->side_max - pool->used[side] || bytes > pool->bytes_max - used) {
        pool->starved = true;
        return GC_ELIMIT;
    }
    pool->used[side] += bytes;
    return 0;
}

static void
pool_release_locked(struct gc_blob_pool *pool, enum gc_blob_pool_side side, uint64_t bytes)
{
    assert(bytes <= pool->used[side]);
    pool->used[side] -= bytes;
    if (pool->starved) {
        pool->starved = false;
        /* Under the lock, so that nobody is called once the owner has freed the pool. */
        if (pool->room.fn != NULL) {
            pool->room.fn(pool->room.arg);
        }
    }
}

int
gc_blob_pool_charge(struct gc_blob_pool *pool, enum gc_blob_pool_side side, uint64_t bytes)
{
    int rc;

    pthread_mutex_lock(&pool->lock);
    rc = pool_charge_locked(pool, side, bytes);
    pthread_mutex_unlock(&pool->lock);
    return rc;
}

void
gc_blob_pool_release(struct gc_blob_pool *pool, enum gc_blob_pool_side side, uint64_t bytes)
{
    pthread_mutex_lock(&pool->lock);
    pool_release_locked(pool, side, bytes);
    pthread_mutex_unlock(&pool->lock);
}

static void
pool_put_back(struct gc_bytes *bytes)
{
    struct pool_buf *buf = gc_container_of(bytes, struct pool_buf, bytes);
    struct gc_blob_pool *pool = bytes->owner;
    bool last;

    pthread_mutex_lock(&pool->lock);
    pool->n_out--;
    pool_release_locked(pool, GC_BLOB_POOL_READ, buf->cap);
    if (buf->cap == GC_BLOB_CHUNK_BYTES) {
        gc_list_push(&pool->free_bufs, &buf->node);
        buf = NULL;
    }
    last = pool->orphaned && pool->n_out == 0;
    pthread_mutex_unlock(&pool->lock);
    free(buf);
    if (last) {
        pool_destroy(pool);
    }
}

struct gc_bytes *
gc_blob_pool_get(struct gc_blob_pool *pool, uint32_t len)
{
    uint32_t cap = len > POOL_SMALL_MAX ? GC_BLOB_CHUNK_BYTES : len;
    struct pool_buf *buf = NULL;

    pthread_mutex_lock(&pool->lock);
    if (pool_charge_locked(pool, GC_BLOB_POOL_READ, cap) != 0) {
        pthread_mutex_unlock(&pool->lock);
        return NULL;
    }
    pool->n_out++;
    if (cap == GC_BLOB_CHUNK_BYTES && !gc_list_empty(&pool->free_bufs)) {
        buf = gc_container_of(gc_list_pop(&pool->free_bufs), struct pool_buf, node);
    }
    pthread_mutex_unlock(&pool->lock);
    if (buf == NULL) {
        buf = malloc(sizeof(*buf) + cap);
    }
    if (buf == NULL) {
        pthread_mutex_lock(&pool->lock);
        pool->n_out--;
        pool_release_locked(pool, GC_BLOB_POOL_READ, cap);
        pthread_mutex_unlock(&pool->lock);
        return NULL;
    }
    gc_list_init(&buf->node);
    buf->cap = cap;
    buf->bytes.data = buf->data;
    buf->bytes.len = len;
    buf->bytes.free_fn = pool_put_back;
    buf->bytes.owner = pool;
    atomic_init(&buf->bytes.refs, 1);
    return &buf->bytes;
}

void
gc_blob_pool_trim(struct gc_blob_pool *pool)
{
    struct gc_list bufs, *node;

    gc_list_init(&bufs);
    pthread_mutex_lock(&pool->lock);
    while ((node = gc_list_pop(&pool->free_bufs)) != NULL) {
        gc_list_push(&bufs, node);
    }
    pthread_mutex_unlock(&pool->lock);
    pool_drop_free(&bufs);
}
