/* SPDX-License-Identifier: MIT */
#include "base/thread.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"

static void *
thread_main(void *arg)
{
    struct gc_thread *thread = arg;
    pthread_setname_np(pthread_self(), thread->name);
    thread->fn(thread->arg);
    return NULL;
}

int
gc_thread_start(struct gc_thread *thread, const char *name, void (*fn)(void *arg), void *arg)
{
    sigset_t blocked;
    sigset_t before;

    thread->fn = fn;
    thread->arg = arg;
    snprintf(thread->name, sizeof(thread->name), "%s", name);

    /* All but those that a fault of the thread itself raises: sanitizers and core dumps want them.
     */
    sigfillset(&blocked);
    sigdelset(&blocked, SIGSEGV);
    sigdelset(&blocked, SIGBUS);
    sigdelset(&blocked, SIGFPE);
    sigdelset(&blocked, SIGILL);
    sigdelset(&blocked, SIGABRT);
    sigdelset(&blocked, SIGTRAP);
    pthread_sigmask(SIG_SETMASK, &blocked, &before);
    int err = pthread_create(&thread->id, NULL, thread_main, thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return -err;
}

void
gc_thread_join(struct gc_thread *thread)
{
    int err = pthread_join(thread->id, NULL);
    assert(err == 0);
    (void)err;
}

void
gc_queue_init(struct gc_queue *queue)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&queue->cond, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&queue->lock, NULL);
    gc_list_init(&queue->items);
    queue->closed = false;
}

void
gc_queue_fini(struct gc_queue *queue)
{
    assert(gc_list_empty(&queue->items));
    pthread_cond_destroy(&queue->cond);
    pthread_mutex_destroy(&queue->lock);
}

void
gc_queue_push(struct gc_queue *queue, struct gc_list *item)
{
    pthread_mutex_lock(&queue->lock);
    gc_list_push(&queue->items, item);
    pthread_cond_signal(&queue->cond);
    pthread_mutex_unlock(&queue->lock);
}

/* With the lock held: until there is an item, the queue is closed or the time is over. */
static void
queue_wait(struct gc_queue *queue, int timeout_ms)
{
    struct timespec until;
    int err = 0;

    if (timeout_ms > 0) {
        uint64_t until_ns = gc_clock_mono_ns() + (uint64_t)timeout_ms * 1000000;
        until.tv_sec = (time_t)(until_ns / 1000000000);
        until.tv_nsec = (long)(until_ns % 1000000000);
    }
    while (gc_list_empty(&queue->items) && !queue->closed && timeout_ms != 0 && err != ETIMEDOUT) {
        err = timeout_ms < 0 ? pthread_cond_wait(&queue->cond, &queue->lock)
                             : pthread_cond_timedwait(&queue->cond, &queue->lock, &until);
        assert(err == 0 || err == ETIMEDOUT);
    }
}

bool
gc_queue_take(struct gc_queue *queue, struct gc_list *out, int timeout_ms)
{
    assert(gc_list_empty(out));
    pthread_mutex_lock(&queue->lock);
    queue_wait(queue, timeout_ms);
    if (!gc_list_empty(&queue->items)) {
        /* OUT takes the place of the head among the nodes. */
        *out = queue->items;
        out->next->prev = out;
        out->prev->next = out;
        gc_list_init(&queue->items);
    }
    bool more = !gc_list_empty(out) || !queue->closed;
    pthread_mutex_unlock(&queue->lock);
    return more;
}

struct gc_list *
gc_queue_pop(struct gc_queue *queue, int timeout_ms)
{
    pthread_mutex_lock(&queue->lock);
    queue_wait(queue, timeout_ms);
    struct gc_list *item = gc_list_pop(&queue->items);
    pthread_mutex_unlock(&queue->lock);
    return item;
}

void
gc_queue_close(struct gc_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->closed = true;
    pthread_cond_broadcast(&queue->cond);
    pthread_mutex_unlock(&queue->lock);
}
