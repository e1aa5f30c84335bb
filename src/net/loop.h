/* SPDX-License-Identifier: MIT */
/* An event loop (libuv) with what our layers need on top: posting from other threads, timers that
 * stop at once, and a flush phase before the loop sleeps. One thread runs a loop; every function is
 * for that thread unless it says otherwise. A daemon runs several; nothing mutable is shared
 * between them. */
#ifndef GC_NET_LOOP_H
#define GC_NET_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/thread.h"

struct gc_loop;
struct uv_loop_s;

int gc_loop_new(struct gc_loop **ret_loop);
/* Runs what is left until every handle has closed; asserts that nothing stays behind. Not while the
 * loop runs. */
void gc_loop_free(struct gc_loop *loop);
/* Until gc_loop_stop. */
int gc_loop_run(struct gc_loop *loop);
/* One turn: waits at most MAX_WAIT_MS for something to happen. For tests and clients that own their
 * wait. */
void gc_loop_turn(struct gc_loop *loop, int max_wait_ms);
void gc_loop_stop(struct gc_loop *loop);             /* any thread */
uint64_t gc_loop_now_ms(const struct gc_loop *loop); /* monotonic, of this turn */
struct uv_loop_s *gc_loop_uv(struct gc_loop *loop);

/* Hand FN to the loop's thread. TASK is the caller's memory until FN runs; FIFO. Any thread, also
 * the loop's own (FN then runs later, never inside post). */
struct gc_task {
    struct gc_list node; /* Private to loop.c. */
    void (*fn)(struct gc_task *task);
};
void gc_loop_post(struct gc_loop *loop, struct gc_task *task);

/* FN runs once before the loop next sleeps; marking it again before that is a no-op. Flushes may
 * mark others; the loop does not sleep while one is marked. */
struct gc_flush {
    struct gc_list node; /* Private to loop.c. */
    void (*fn)(struct gc_flush *flush);
};
void gc_flush_init(struct gc_flush *flush, void (*fn)(struct gc_flush *flush));
void gc_loop_flush_later(struct gc_loop *loop, struct gc_flush *flush);
void gc_flush_cancel(struct gc_flush *flush);

/* A one-shot timer: a node in the loop's heap, no handle to close. Stop and start are immediate and
 * allowed in callbacks; the memory may be freed when the timer is stopped. */
struct gc_timer {
    struct gc_loop *loop; /* Private to loop.c. */
    uint64_t due_ms;
    uint64_t seq;
    size_t slot; /* place in the heap + 1; 0 = stopped */
    void (*fn)(struct gc_timer *timer);
};
void gc_timer_init(struct gc_timer *timer, struct gc_loop *loop,
                   void (*fn)(struct gc_timer *timer));
void gc_timer_start(struct gc_timer *timer, uint64_t in_ms); /* restarts */
void gc_timer_stop(struct gc_timer *timer);
static inline bool
gc_timer_active(const struct gc_timer *timer)
{
    return timer->slot != 0;
}

/* SIGTERM, SIGHUP ... on this loop (the main one only). FN runs on the loop. */
int gc_loop_signal(struct gc_loop *loop, int signum, void (*fn)(void *arg, int signum), void *arg);

#endif
