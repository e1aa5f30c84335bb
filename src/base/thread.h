/* SPDX-License-Identifier: MIT */
/* Threads are started here only. A thread has a name (ps, gdb) and blocks all signals; signals
 * belong to the main loop. gc_queue is the message queue between threads: many producers, one or
 * more consumers, FIFO, bounded by the caller's own accounting (items are intrusive, so pushing
 * never fails). */
#ifndef GC_BASE_THREAD_H
#define GC_BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>

#include "base/list.h"

struct gc_thread {
    pthread_t id; /* Private to thread.c. */
    void (*fn)(void *arg);
    void *arg;
    char name[16];
};

/* Start FN(ARG). THREAD is the caller's memory until joined. */
int gc_thread_start(struct gc_thread *thread, const char *name, void (*fn)(void *arg), void *arg);
void gc_thread_join(struct gc_thread *thread);

struct gc_queue {
    pthread_mutex_t lock; /* Private to thread.c. */
    pthread_cond_t cond;
    struct gc_list items;
    bool closed;
};

void gc_queue_init(struct gc_queue *queue);
void gc_queue_fini(struct gc_queue *queue); /* empty by then */
void gc_queue_push(struct gc_queue *queue, struct gc_list *item);
/* Move all items to OUT (an initialised empty list head), waiting for at least one for TIMEOUT_MS
 * (-1: for ever). Returns false when the queue is closed and empty; true otherwise (OUT may be
 * empty after a timeout). */
bool gc_queue_take(struct gc_queue *queue, struct gc_list *out, int timeout_ms);
/* One item or NULL after the timeout / when closed and empty. For pools of consumers. */
struct gc_list *gc_queue_pop(struct gc_queue *queue, int timeout_ms);
/* No waiting any more; items still queued are taken first. */
void gc_queue_close(struct gc_queue *queue);

/* How another thread tells a loop or a test that work is done: called from any thread, must only
 * hand over. */
struct gc_notify {
    void (*fn)(void *arg);
    void *arg;
};

#endif
