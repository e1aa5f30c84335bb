/* SPDX-License-Identifier: MIT */
/* One libuv loop with five handles of our own: an async that wakes it (posted tasks, stop), a timer
 * for the top of the timer heap, a prepare and a check that run what was marked for flushing, and
 * an idle that is active only while marks are left, so that the loop does not sleep on them.
 *
 * End: gc_loop_free lets go of our handles, then turns the loop until nobody else's is left;
 * whoever holds one has started to close it by then. If that takes half a minute somebody forgot,
 * and the process stops with a list of what is open. */
#include "net/loop.h"

#include <assert.h>
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "base/macros.h"
#include "net/loop_priv.h"
#include "net/tls.h"

#define FLUSH_PASSES    4 /* before other events get their turn */
#define FREE_MS_MAX     30000
#define QUIET_MS        5000
#define POOL_IDLE_MAX   64 /* buffers of 16 KiB */
#define BLOCKS_IDLE_MAX 16 /* blocks of 64 KiB */
#define TIMERS_FIRST    64

struct loop_signal {
    uv_signal_t uv;
    struct gc_list node;
    void (*fn)(void *arg, int signum);
    void *arg;
};

struct gc_loop {
    uv_loop_t uv;
    uv_async_t wake;
    uv_timer_t alarm;
    uv_prepare_t prepare;
    uv_check_t check;
    uv_idle_t idle;
    struct gc_list signals;

    struct gc_queue posted;
    atomic_bool stop;

    struct gc_timer **heap; /* by (due_ms, seq); children of slot n are 2n and 2n+1, slots from 1 */
    size_t n_timers;
    size_t timers_max;
    uint64_t timer_seq;
    uint64_t alarm_ms; /* when the libuv timer fires; UINT64_MAX: not armed */
    struct gc_timer turn;
    struct gc_timer quiet; /* runs from a handshake on */

    struct gc_list marked;

    char dns[GC_LOOP_DNS_MAX];
    struct gc_pool *pool;
    struct gc_loop_scratch *scratch;
    struct gc_out_block *blocks;
    size_t n_blocks;
};

/* --- posted tasks ----------------------------------------------------------------------------- */

void
gc_loop_post(struct gc_loop *loop, struct gc_task *task)
{
    gc_queue_push(&loop->posted, &task->node);
    uv_async_send(&loop->wake);
}

/* Run what has been posted up to now; what these tasks post waits for the next turn. */
static bool
run_posted(struct gc_loop *loop)
{
    struct gc_list tasks, *node;

    gc_list_init(&tasks);
    gc_queue_take(&loop->posted, &tasks, 0);
    bool any = !gc_list_empty(&tasks);
    while ((node = gc_list_pop(&tasks)) != NULL) {
        struct gc_task *task = gc_container_of(node, struct gc_task, node);
        task->fn(task);
    }
    return any;
}

static void
on_wake(uv_async_t *wake)
{
    struct gc_loop *loop = gc_container_of(wake, struct gc_loop, wake);

    run_posted(loop);
    if (atomic_load(&loop->stop)) {
        uv_stop(&loop->uv);
    }
}

/* --- timers ----------------------------------------------------------------------------------- */

static bool
timer_before(const struct gc_timer *a, const struct gc_timer *b)
{
    return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->seq < b->seq;
}

static void
heap_place(struct gc_loop *loop, size_t slot, struct gc_timer *timer)
{
    loop->heap[slot] = timer;
    timer->slot = slot;
}

static void
heap_up(struct gc_loop *loop, size_t slot, struct gc_timer *timer)
{
    while (slot > 1 && timer_before(timer, loop->heap[slot / 2])) {
        heap_place(loop, slot, loop->heap[slot / 2]);
        slot /= 2;
    }
    heap_place(loop, slot, timer);
}

static void
heap_down(struct gc_loop *loop, size_t slot, struct gc_timer *timer)
{
    for (;;) {
        size_t child = slot * 2;
        if (child < loop->n_timers && timer_before(loop->heap[child + 1], loop->heap[child])) {
            child++;
        }
        if (child > loop->n_timers || !timer_before(loop->heap[child], timer)) {
            break;
        }
        heap_place(loop, slot, loop->heap[child]);
        slot = child;
    }
    heap_place(loop, slot, timer);
}

/* Timers cannot fail to start: without memory for a pointer each the process cannot go on. */
static void
heap_grow(struct gc_loop *loop)
{
    size_t max = loop->timers_max == 0 ? TIMERS_FIRST : loop->timers_max * 2;
    struct gc_timer **heap = realloc(loop->heap, (max + 1) * sizeof(*heap));

    assert(heap != NULL);
    loop->heap = heap;
    loop->timers_max = max;
}

static void on_alarm(uv_timer_t *alarm);

/* Have libuv wake us for the first timer. An alarm that is too early is left: it costs one wake-up,
 * re-arming costs one each time the first timer is put off. */
static void
alarm_arm(struct gc_loop *loop, uint64_t ms_min)
{
    if (loop->n_timers == 0 || loop->heap[1]->due_ms >= loop->alarm_ms) {
        return;
    }
    uint64_t now = uv_now(&loop->uv);
    loop->alarm_ms = loop->heap[1]->due_ms;
    uint64_t in_ms = loop->alarm_ms > now ? loop->alarm_ms - now : 0;
    int rc = uv_timer_start(&loop->alarm, on_alarm, GC_MAX(in_ms, ms_min), 0);
    assert(rc == 0);
}

static void
on_alarm(uv_timer_t *alarm)
{
    struct gc_loop *loop = gc_container_of(alarm, struct gc_loop, alarm);
    uint64_t now = uv_now(&loop->uv);
    uint64_t seq_end = loop->timer_seq; /* what these callbacks start waits for the next turn */

    while (loop->n_timers > 0 && loop->heap[1]->due_ms <= now && loop->heap[1]->seq < seq_end) {
        struct gc_timer *timer = loop->heap[1];
        gc_timer_stop(timer);
        timer->fn(timer);
    }
    loop->alarm_ms = UINT64_MAX;
    alarm_arm(loop, 1); /* with 0 libuv would call us again before it looks at anything else */
}

void
gc_timer_init(struct gc_timer *timer, struct gc_loop *loop, void (*fn)(struct gc_timer *timer))
{
    *timer = (struct gc_timer){ .loop = loop, .fn = fn };
}

void
gc_timer_start(struct gc_timer *timer, uint64_t in_ms)
{
    struct gc_loop *loop = timer->loop;
    uint64_t now = uv_now(&loop->uv);

    gc_timer_stop(timer);
    if (loop->n_timers == loop->timers_max) {
        heap_grow(loop);
    }
    timer->due_ms = in_ms < UINT64_MAX - 1 - now ? now + in_ms : UINT64_MAX - 1;
    timer->seq = loop->timer_seq++;
    loop->n_timers++;
    heap_up(loop, loop->n_timers, timer);
    alarm_arm(loop, 0);
}

void
gc_timer_stop(struct gc_timer *timer)
{
    struct gc_loop *loop = timer->loop;
    size_t slot = timer->slot;

    if (slot == 0) {
        return;
    }
    struct gc_timer *last = loop->heap[loop->n_timers];
    loop->n_timers--;
    timer->slot = 0;
    if (last == timer) {
        return;
    }
    if (slot > 1 && timer_before(last, loop->heap[slot / 2])) {
        heap_up(loop, slot, last);
    } else {
        heap_down(loop, slot, last);
    }
}

/* --- flushing --------------------------------------------------------------------------------- */

void
gc_flush_init(struct gc_flush *flush, void (*fn)(struct gc_flush *flush))
{
    gc_list_init(&flush->node);
    flush->fn = fn;
}

void
gc_loop_flush_later(struct gc_loop *loop, struct gc_flush *flush)
{
    if (gc_list_empty(&flush->node)) {
        gc_list_push(&loop->marked, &flush->node);
    }
}

void
gc_flush_cancel(struct gc_flush *flush)
{
    gc_list_remove(&flush->node);
}

static void
on_idle(uv_idle_t *idle)
{
    (void)idle; /* it is there to keep the poll from waiting */
}

/* Flushes may mark others (one connection's progress is another's credit): some rounds at once,
 * then let the loop see new events in between. */
static void
run_marked(struct gc_loop *loop)
{
    for (int pass = 0; pass < FLUSH_PASSES && !gc_list_empty(&loop->marked); pass++) {
        struct gc_list end;
        gc_list_init(&end);
        gc_list_push(&loop->marked, &end);
        struct gc_list *node;
        while ((node = gc_list_pop(&loop->marked)) != &end) {
            struct gc_flush *flush = gc_container_of(node, struct gc_flush, node);
            flush->fn(flush);
        }
    }
    if (gc_list_empty(&loop->marked)) {
        uv_idle_stop(&loop->idle);
    } else {
        uv_idle_start(&loop->idle, on_idle);
    }
}

static void
on_prepare(uv_prepare_t *prepare)
{
    run_marked(gc_container_of(prepare, struct gc_loop, prepare));
}

static void
on_check(uv_check_t *check)
{
    run_marked(gc_container_of(check, struct gc_loop, check));
}

/* --- signals ---------------------------------------------------------------------------------- */

static void
on_signal(uv_signal_t *uv, int signum)
{
    struct loop_signal *sig = gc_container_of(uv, struct loop_signal, uv);
    sig->fn(sig->arg, signum);
}

int
gc_loop_signal(struct gc_loop *loop, int signum, void (*fn)(void *arg, int signum), void *arg)
{
    struct loop_signal *sig = calloc(1, sizeof(*sig));
    if (sig == NULL) {
        return -ENOMEM;
    }
    int rc = uv_signal_init(&loop->uv, &sig->uv);
    if (rc != 0) {
        free(sig);
        return rc;
    }
    /* From here on the handle belongs to the loop, which closes it at the end. */
    gc_list_push(&loop->signals, &sig->node);
    sig->fn = fn;
    sig->arg = arg;
    return uv_signal_start(&sig->uv, on_signal, signum);
}

static void
on_signal_closed(uv_handle_t *handle)
{
    free(gc_container_of(handle, struct loop_signal, uv));
}

/* --- what connections borrow ------------------------------------------------------------------ */

struct gc_loop_scratch *
gc_loop_scratch(struct gc_loop *loop)
{
    return loop->scratch;
}

char *
gc_loop_dns(struct gc_loop *loop)
{
    return loop->dns;
}

/* The TLS library keeps tables of curve points for the thread, a megabyte a peer key: worth it
 * while handshakes go on, and nothing for a daemon that keeps its connections. */
static void
on_quiet(struct gc_timer *timer)
{
    (void)timer;
    gc_tls_thread_end();
    malloc_trim(0);
}

void
gc_loop_handshaken(struct gc_loop *loop)
{
    gc_timer_start(&loop->quiet, QUIET_MS);
}

struct gc_pool *
gc_loop_pool(struct gc_loop *loop)
{
    return loop->pool;
}

struct gc_out_block *
gc_loop_block_get(struct gc_loop *loop)
{
    struct gc_out_block *block = loop->blocks;

    if (block != NULL) {
        loop->blocks = block->next;
        loop->n_blocks--;
    } else {
        block = malloc(sizeof(*block));
        if (block == NULL) {
            return NULL;
        }
    }
    block->next = NULL;
    block->head = 0;
    block->tail = 0;
    return block;
}

void
gc_loop_block_put(struct gc_loop *loop, struct gc_out_block *block)
{
    if (loop->n_blocks == BLOCKS_IDLE_MAX) {
        free(block);
        return;
    }
    block->next = loop->blocks;
    loop->blocks = block;
    loop->n_blocks++;
}

/* --- the loop itself -------------------------------------------------------------------------- */

static void
on_turn_over(struct gc_timer *timer)
{
    /* Its being due ends the wait; but when it is due before the wait begins (libuv up to 1.44 runs
     * timers first, and a busy machine may take a millisecond to get there), the wait must not. */
    uv_async_send(&timer->loop->wake);
}

static void
loop_memory_free(struct gc_loop *loop)
{
    while (loop->blocks != NULL) {
        struct gc_out_block *block = loop->blocks;
        loop->blocks = block->next;
        free(block);
    }
    if (loop->scratch != NULL) {
        gc_bytes_unref(loop->scratch->rx);
    }
    if (loop->pool != NULL) {
        gc_pool_close(loop->pool);
    }
    free(loop->scratch);
    free(loop->heap);
    gc_queue_fini(&loop->posted);
    free(loop);
}

/* Init and start of these cannot fail. */
static void
loop_handles_start(struct gc_loop *loop)
{
    uv_timer_init(&loop->uv, &loop->alarm);
    uv_idle_init(&loop->uv, &loop->idle);
    uv_prepare_init(&loop->uv, &loop->prepare);
    uv_prepare_start(&loop->prepare, on_prepare);
    uv_check_init(&loop->uv, &loop->check);
    uv_check_start(&loop->check, on_check);
}

int
gc_loop_new(struct gc_loop **ret_loop)
{
    /* A peer that goes away is an error of the write to it, not of the process. */
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    struct gc_loop *loop = calloc(1, sizeof(*loop));
    int rc = -ENOMEM;

    if (loop == NULL) {
        return rc;
    }
    sigaction(SIGPIPE, &ignore, NULL);
    gc_queue_init(&loop->posted);
    gc_list_init(&loop->signals);
    gc_list_init(&loop->marked);
    loop->alarm_ms = UINT64_MAX;
    gc_timer_init(&loop->turn, loop, on_turn_over);
    gc_timer_init(&loop->quiet, loop, on_quiet);
    loop->pool = gc_pool_new(POOL_IDLE_MAX);
    loop->scratch = calloc(1, sizeof(*loop->scratch));
    if (loop->pool == NULL || loop->scratch == NULL) {
        goto out;
    }
    rc = uv_loop_init(&loop->uv);
    if (rc != 0) {
        goto out;
    }
    rc = uv_async_init(&loop->uv, &loop->wake, on_wake);
    if (rc != 0) {
        uv_loop_close(&loop->uv);
        goto out;
    }
    loop_handles_start(loop);
    *ret_loop = loop;
    return 0;
out:
    loop_memory_free(loop);
    return rc;
}

static void
on_free_overdue(struct gc_timer *timer)
{
    fprintf(stderr, "loop: not closed before the loop is freed:\n");
    uv_print_active_handles(&timer->loop->uv, stderr);
    assert(!"a handle was left open at the end of its loop");
}

static void
unref_handles(struct gc_loop *loop)
{
    struct gc_list *node;

    uv_unref((uv_handle_t *)&loop->wake);
    uv_unref((uv_handle_t *)&loop->alarm);
    uv_unref((uv_handle_t *)&loop->prepare);
    uv_unref((uv_handle_t *)&loop->check);
    uv_unref((uv_handle_t *)&loop->idle);
    gc_list_foreach(node, &loop->signals) {
        uv_unref((uv_handle_t *)&gc_container_of(node, struct loop_signal, node)->uv);
    }
}

static void
close_handles(struct gc_loop *loop)
{
    struct gc_list *node;

    uv_close((uv_handle_t *)&loop->wake, NULL);
    uv_close((uv_handle_t *)&loop->alarm, NULL);
    uv_close((uv_handle_t *)&loop->prepare, NULL);
    uv_close((uv_handle_t *)&loop->check, NULL);
    uv_close((uv_handle_t *)&loop->idle, NULL);
    while ((node = gc_list_pop(&loop->signals)) != NULL) {
        struct loop_signal *sig = gc_container_of(node, struct loop_signal, node);
        uv_close((uv_handle_t *)&sig->uv, on_signal_closed);
    }
}

void
gc_loop_free(struct gc_loop *loop)
{
    struct gc_timer overdue;

    gc_timer_init(&overdue, loop, on_free_overdue);
    gc_timer_stop(&loop->quiet);
    gc_timer_start(&overdue, FREE_MS_MAX);
    unref_handles(loop);
    for (;;) {
        bool work = run_posted(loop);
        run_marked(loop); /* libuv does not call prepare once only our own handles are left */
        work = work || !gc_list_empty(&loop->marked);
        if (!work && !uv_loop_alive(&loop->uv)) {
            break;
        }
        uv_run(&loop->uv, work ? UV_RUN_NOWAIT : UV_RUN_ONCE);
    }
    gc_timer_stop(&overdue);
    assert(loop->n_timers == 0);
    close_handles(loop);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    int rc = uv_loop_close(&loop->uv);
    assert(rc == 0);
    loop_memory_free(loop);
    gc_tls_thread_end();
}

int
gc_loop_run(struct gc_loop *loop)
{
    while (!atomic_exchange(&loop->stop, false)) {
        uv_run(&loop->uv, UV_RUN_DEFAULT);
    }
    gc_tls_thread_end(); /* the thread may end before the loop is freed by another */
    return 0;
}

void
gc_loop_turn(struct gc_loop *loop, int max_wait_ms)
{
    uv_update_time(&loop->uv);
    if (max_wait_ms > 0) {
        gc_timer_start(&loop->turn, (uint64_t)max_wait_ms);
        uv_run(&loop->uv, UV_RUN_ONCE);
        gc_timer_stop(&loop->turn);
    } else {
        uv_run(&loop->uv, UV_RUN_NOWAIT);
    }
}

void
gc_loop_stop(struct gc_loop *loop)
{
    atomic_store(&loop->stop, true);
    uv_async_send(&loop->wake);
}

uint64_t
gc_loop_now_ms(const struct gc_loop *loop)
{
    return uv_now(&loop->uv);
}

struct uv_loop_s *
gc_loop_uv(struct gc_loop *loop)
{
    return &loop->uv;
}
