/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/macros.h"
#include "base/random.h"
#include "net/loop_priv.h"
#include "tests/support/until.h"

struct fixture {
    struct gc_loop *loop;
    char order[64];
    size_t n_order;
};

static int
set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    *state = f;
    return gc_loop_new(&f->loop);
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;
    gc_loop_free(f->loop);
    free(f);
    return 0;
}

struct note_task {
    struct gc_task task;
    struct fixture *f;
    char name;
    struct note_task *next;
};

static void
note(struct fixture *f, char name)
{
    assert_true(f->n_order < sizeof(f->order) - 1);
    f->order[f->n_order++] = name;
}

static void
on_note_task(struct gc_task *task)
{
    struct note_task *t = gc_container_of(task, struct note_task, task);
    note(t->f, t->name);
    if (t->next != NULL) {
        gc_loop_post(t->f->loop, &t->next->task);
        note(t->f, '.'); /* the next one has not run inside post */
    }
}

static void
posted_tasks_run_in_order_and_never_inside_post(void **state)
{
    struct fixture *f = *state;
    struct note_task c = { .task.fn = on_note_task, .f = f, .name = 'c' };
    struct note_task a = { .task.fn = on_note_task, .f = f, .name = 'a', .next = &c };
    struct note_task b = { .task.fn = on_note_task, .f = f, .name = 'b' };

    gc_loop_post(f->loop, &a.task);
    gc_loop_post(f->loop, &b.task);
    assert_int_equal(f->n_order, 0);
    gc_until(f->loop, f->n_order == 4);
    assert_string_equal(f->order, "a.bc");
}

#define POSTERS 4
#define POSTS   2000

struct poster {
    struct gc_thread thread;
    struct gc_loop *loop;
    struct counted {
        struct gc_task task;
        struct poster *poster;
    } tasks[POSTS];
    size_t n_run;
};

static void
on_counted(struct gc_task *task)
{
    struct counted *c = gc_container_of(task, struct counted, task);
    assert_ptr_equal(c, &c->poster->tasks[c->poster->n_run]);
    c->poster->n_run++;
}

static void
post_all(void *arg)
{
    struct poster *p = arg;
    for (size_t i = 0; i < POSTS; i++) {
        p->tasks[i] = (struct counted){ .task.fn = on_counted, .poster = p };
        gc_loop_post(p->loop, &p->tasks[i].task);
    }
}

static void
tasks_of_several_threads_all_run_each_threads_in_its_order(void **state)
{
    struct fixture *f = *state;
    struct poster *posters = calloc(POSTERS, sizeof(*posters));

    for (size_t i = 0; i < POSTERS; i++) {
        posters[i].loop = f->loop;
        assert_int_equal(gc_thread_start(&posters[i].thread, "poster", post_all, &posters[i]), 0);
    }
    for (size_t i = 0; i < POSTERS; i++) {
        gc_until(f->loop, posters[i].n_run == POSTS);
        gc_thread_join(&posters[i].thread);
    }
    free(posters);
}

static void
on_stop_task(struct gc_task *task)
{
    struct note_task *t = gc_container_of(task, struct note_task, task);
    gc_loop_stop(t->f->loop);
}

static void
run_ends_by_stop_also_when_stopped_before(void **state)
{
    struct fixture *f = *state;
    struct note_task t = { .task.fn = on_stop_task, .f = f };

    gc_loop_stop(f->loop);
    assert_int_equal(gc_loop_run(f->loop), 0);
    gc_loop_post(f->loop, &t.task);
    assert_int_equal(gc_loop_run(f->loop), 0);
}

/* --- timers --- */

struct note_timer {
    struct gc_timer timer;
    struct fixture *f;
    char name;
    struct gc_timer *stops;
    unsigned restarts;
};

static void
on_note_timer(struct gc_timer *timer)
{
    struct note_timer *t = gc_container_of(timer, struct note_timer, timer);
    assert_false(gc_timer_active(timer));
    note(t->f, t->name);
    if (t->stops != NULL) {
        gc_timer_stop(t->stops);
    }
    if (t->restarts > 0) {
        t->restarts--;
        gc_timer_start(timer, 0);
    }
}

static void
note_timer_init(struct note_timer *t, struct fixture *f, char name)
{
    *t = (struct note_timer){ .f = f, .name = name };
    gc_timer_init(&t->timer, f->loop, on_note_timer);
}

static void
timers_fire_by_time_and_equal_ones_in_the_order_of_their_start(void **state)
{
    struct fixture *f = *state;
    struct note_timer a, b, c, d;

    note_timer_init(&a, f, 'a');
    note_timer_init(&b, f, 'b');
    note_timer_init(&c, f, 'c');
    note_timer_init(&d, f, 'd');
    gc_timer_start(&a.timer, 30);
    gc_timer_start(&b.timer, 10);
    gc_timer_start(&c.timer, 10);
    gc_timer_start(&d.timer, 1);
    gc_timer_start(&d.timer, 60); /* restarting counts from now */
    gc_until(f->loop, f->n_order == 4);
    assert_string_equal(f->order, "bcad");
}

static void
a_timer_stopped_by_another_of_the_same_moment_does_not_fire(void **state)
{
    struct fixture *f = *state;
    struct note_timer a, b, c;

    note_timer_init(&a, f, 'a');
    note_timer_init(&b, f, 'b');
    note_timer_init(&c, f, 'c');
    a.stops = &b.timer;
    gc_timer_start(&a.timer, 5);
    gc_timer_start(&b.timer, 5);
    gc_timer_start(&c.timer, 5);
    gc_timer_stop(&b.timer);
    gc_timer_start(&b.timer, 5);
    gc_until(f->loop, f->n_order == 2);
    gc_loop_turn(f->loop, 20);
    assert_string_equal(f->order, "ac");
    assert_false(gc_timer_active(&b.timer));
}

static void
a_timer_that_restarts_itself_at_once_does_not_starve_the_loop(void **state)
{
    struct fixture *f = *state;
    struct note_timer a;
    struct note_task t = { .task.fn = on_note_task, .f = f, .name = 't' };

    note_timer_init(&a, f, 'a');
    a.restarts = 30;
    gc_timer_start(&a.timer, 0);
    gc_loop_post(f->loop, &t.task);
    gc_until(f->loop, f->n_order == 32);
    assert_true(f->order[31] != 't');
}

struct many {
    struct gc_timer timer;
    uint64_t *last;
    size_t *n_fired;
};

static void
on_many(struct gc_timer *timer)
{
    struct many *m = gc_container_of(timer, struct many, timer);
    assert_true(timer->due_ms >= *m->last);
    *m->last = timer->due_ms;
    ++*m->n_fired;
}

static void
a_thousand_timers_started_and_stopped_at_random_fire_in_order(void **state)
{
    struct fixture *f = *state;
    struct many *many = calloc(1000, sizeof(*many));
    struct gc_prng prng;
    uint64_t last = 0;
    size_t n_fired = 0, n_active = 0;

    gc_prng_init(&prng, 42);
    for (size_t i = 0; i < 1000; i++) {
        many[i] = (struct many){ .last = &last, .n_fired = &n_fired };
        gc_timer_init(&many[i].timer, f->loop, on_many);
    }
    for (size_t i = 0; i < 5000; i++) {
        struct many *m = &many[gc_prng_below(&prng, 1000)];
        if (gc_prng_below(&prng, 3) == 0) {
            gc_timer_stop(&m->timer);
        } else {
            gc_timer_start(&m->timer, gc_prng_below(&prng, 200));
        }
    }
    for (size_t i = 0; i < 1000; i++) {
        n_active += gc_timer_active(&many[i].timer);
    }
    assert_true(n_active > 100);
    gc_until(f->loop, n_fired == n_active);
    free(many);
}

/* --- flushing --- */

struct note_flush {
    struct gc_flush flush;
    struct fixture *f;
    char name;
    struct note_flush *marks;
    unsigned times;
};

static void
on_note_flush(struct gc_flush *flush)
{
    struct note_flush *n = gc_container_of(flush, struct note_flush, flush);
    note(n->f, n->name);
    if (n->marks != NULL && n->times > 0) {
        n->times--;
        gc_loop_flush_later(n->f->loop, &n->marks->flush);
    }
}

static void
a_flush_marked_twice_runs_once(void **state)
{
    struct fixture *f = *state;
    struct note_flush a = { .f = f, .name = 'a' };

    gc_flush_init(&a.flush, on_note_flush);
    gc_loop_flush_later(f->loop, &a.flush);
    gc_loop_flush_later(f->loop, &a.flush);
    assert_int_equal(f->n_order, 0);
    gc_loop_turn(f->loop, 0);
    gc_loop_turn(f->loop, 0);
    assert_string_equal(f->order, "a");
}

static void
flushes_that_mark_each_other_all_run_before_the_loop_sleeps(void **state)
{
    struct fixture *f = *state;
    struct note_flush a = { .f = f, .name = 'a', .times = 10 };
    struct note_flush b = { .f = f, .name = 'b', .times = 10, .marks = &a };

    a.marks = &b;
    gc_flush_init(&a.flush, on_note_flush);
    gc_flush_init(&b.flush, on_note_flush);
    gc_loop_flush_later(f->loop, &a.flush);
    /* No other event comes: a loop that slept on a mark would sit out its whole wait. */
    uint64_t begin = gc_clock_mono_ms();
    while (f->n_order < 21) {
        gc_loop_turn(f->loop, GC_UNTIL_MS);
    }
    assert_true(gc_clock_mono_ms() - begin < GC_UNTIL_MS);
    assert_string_equal(f->order, "abababababababababab"
                                  "a");
}

static void
a_cancelled_flush_does_not_run(void **state)
{
    struct fixture *f = *state;
    struct note_flush a = { .f = f, .name = 'a' };

    gc_flush_init(&a.flush, on_note_flush);
    gc_loop_flush_later(f->loop, &a.flush);
    gc_flush_cancel(&a.flush);
    gc_flush_cancel(&a.flush);
    gc_loop_turn(f->loop, 0);
    assert_int_equal(f->n_order, 0);
}

/* --- signals, end --- */

static void
on_signal(void *arg, int signum)
{
    assert_int_equal(signum, SIGHUP);
    note(arg, 's');
}

static void
a_signal_reaches_the_loop(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(gc_loop_signal(f->loop, SIGHUP, on_signal, f), 0);
    kill(getpid(), SIGHUP);
    gc_until(f->loop, f->n_order == 1);
    kill(getpid(), SIGHUP);
    gc_until(f->loop, f->n_order == 2);
}

static void
free_runs_what_was_posted_and_marked(void **state)
{
    struct fixture *f = *state;
    struct gc_loop *loop;
    struct note_task t = { .task.fn = on_note_task, .f = f, .name = 't' };
    struct note_flush a = { .f = f, .name = 'a' };

    assert_int_equal(gc_loop_new(&loop), 0);
    gc_flush_init(&a.flush, on_note_flush);
    gc_loop_flush_later(loop, &a.flush);
    gc_loop_post(loop, &t.task);
    gc_loop_free(loop);
    assert_int_equal(f->n_order, 2);
}

/* --- the pool of receive buffers --- */

static void
unref_all(void *arg)
{
    struct gc_bytes **bufs = arg;
    for (size_t i = 0; i < 100; i++) {
        gc_bytes_unref(bufs[i]);
    }
}

static void
buffers_may_be_given_back_by_another_thread_and_after_the_loop(void **state)
{
    struct gc_pool *pool = gc_pool_new(10);
    struct gc_bytes *bufs[100], *late;
    struct gc_thread thread;

    (void)state;
    for (size_t i = 0; i < 100; i++) {
        bufs[i] = gc_pool_get(pool);
        assert_true(gc_pool_sole(bufs[i]));
        bufs[i]->data[bufs[i]->len - 1] = 1;
    }
    assert_int_equal(gc_pool_n_out(pool), 100);
    assert_int_equal(gc_thread_start(&thread, "unref", unref_all, bufs), 0);
    late = gc_pool_get(pool);
    gc_bytes_ref(late);
    assert_false(gc_pool_sole(late));
    gc_thread_join(&thread);
    assert_int_equal(gc_pool_n_out(pool), 1);
    gc_pool_close(pool);
    late->data[0] = 1;
    gc_bytes_unref(late);
    gc_bytes_unref(late);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(posted_tasks_run_in_order_and_never_inside_post),
        CASE(tasks_of_several_threads_all_run_each_threads_in_its_order),
        CASE(run_ends_by_stop_also_when_stopped_before),
        CASE(timers_fire_by_time_and_equal_ones_in_the_order_of_their_start),
        CASE(a_timer_stopped_by_another_of_the_same_moment_does_not_fire),
        CASE(a_timer_that_restarts_itself_at_once_does_not_starve_the_loop),
        CASE(a_thousand_timers_started_and_stopped_at_random_fire_in_order),
        CASE(a_flush_marked_twice_runs_once),
        CASE(flushes_that_mark_each_other_all_run_before_the_loop_sleeps),
        CASE(a_cancelled_flush_does_not_run),
        CASE(a_signal_reaches_the_loop),
        CASE(free_runs_what_was_posted_and_marked),
        CASE(buffers_may_be_given_back_by_another_thread_and_after_the_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
