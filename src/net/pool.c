/* SPDX-License-Identifier: MIT */
#include "net/pool.h"

#include <assert.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/macros.h"
#include "base/thread.h"

struct gc_pool {
    pthread_mutex_t lock;
    struct gc_list idle;
    size_t n_idle;
    size_t idle_max;
    size_t n_out;
    bool closed;
};

struct pool_buf {
    struct gc_bytes bytes;
    struct gc_list node; /* in the pool's idle list while nobody holds it */
    _Alignas(16) uint8_t data[GC_POOL_BUF_BYTES];
};

static void buf_back(struct gc_bytes *b);

struct gc_pool *
gc_pool_new(size_t idle_max)
{
    struct gc_pool *pool = calloc(1, sizeof(*pool));
    if (pool == NULL) {
        return NULL;
    }
    int rc = pthread_mutex_init(&pool->lock, NULL);
    assert(rc == 0);
    gc_list_init(&pool->idle);
    pool->idle_max = idle_max;
    return pool;
}

static void
pool_free(struct gc_pool *pool)
{
    struct gc_list *node;

    while ((node = gc_list_pop(&pool->idle)) != NULL) {
        free(gc_container_of(node, struct pool_buf, node));
    }
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

void
gc_pool_close(struct gc_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    assert(!pool->closed);
    pool->closed = true;
    bool last = pool->n_out == 0;
    pthread_mutex_unlock(&pool->lock);
    if (last) {
        pool_free(pool);
    }
}

struct gc_bytes *
gc_pool_get(struct gc_pool *pool)
{
    struct pool_buf *buf = NULL;

    pthread_mutex_lock(&pool->lock);
    struct gc_list *node = gc_list_pop(&pool->idle);
    if (node != NULL) {
        pool->n_idle--;
        buf = gc_container_of(node, struct pool_buf, node);
    } else {
        buf = malloc(sizeof(*buf));
    }
    pool->n_out += buf != NULL;
    pthread_mutex_unlock(&pool->lock);
    if (buf == NULL) {
        return NULL;
    }
    gc_list_init(&buf->node);
    buf->bytes.data = buf->data;
    buf->bytes.len = GC_POOL_BUF_BYTES;
    buf->bytes.free_fn = buf_back;
    buf->bytes.owner = pool;
    atomic_init(&buf->bytes.refs, 1);
    return &buf->bytes;
}

static void
buf_back(struct gc_bytes *b)
{
    struct pool_buf *buf = gc_container_of(b, struct pool_buf, bytes);
    struct gc_pool *pool = b->owner;

    pthread_mutex_lock(&pool->lock);
    pool->n_out--;
    bool keep = !pool->closed && pool->n_idle < pool->idle_max;
    bool last = pool->closed && pool->n_out == 0;
    if (keep) {
        /* At the front: the buffer still in the cache is the next one taken. */
        gc_list_push(pool->idle.next, &buf->node);
        pool->n_idle++;
    }
    pthread_mutex_unlock(&pool->lock);
    if (!keep) {
        free(buf);
    }
    if (last) {
        pool_free(pool);
    }
}

bool
gc_pool_sole(struct gc_bytes *b)
{
    return atomic_load_explicit(&b->refs, memory_order_acquire) == 1;
}

size_t
gc_pool_n_out(struct gc_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    size_t n = pool->n_out;
    pthread_mutex_unlock(&pool->lock);
    return n;
}
