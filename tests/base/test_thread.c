/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/macros.h"
#include "base/thread.h"

#define FOREVER     (-1)
#define DEADLINE_MS 60000

struct item {
    struct gc_list node;
    unsigned producer;
    unsigned value;
};

static struct item *
item_of(struct gc_list *node)
{
    return gc_container_of(node, struct item, node);
}

struct inside {
    char name[16];
    sigset_t blocked;
};

static void
look_around(void *arg)
{
    struct inside *inside = arg;
    pthread_getname_np(pthread_self(), inside->name, sizeof(inside->name));
    pthread_sigmask(SIG_SETMASK, NULL, &inside->blocked);
}

static void
a_thread_has_its_name_and_no_signals(void **state)
{
    struct gc_thread thread;
    struct inside inside;
    sigset_t before;
    sigset_t after;
    (void)state;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    assert_int_equal(gc_thread_start(&thread, "a-name-too-long-for-linux", look_around, &inside),
                     0);
    gc_thread_join(&thread);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    assert_string_equal(inside.name, "a-name-too-long");
    assert_true(sigismember(&inside.blocked, SIGTERM));
    assert_true(sigismember(&inside.blocked, SIGHUP));
    assert_true(sigismember(&inside.blocked, SIGPIPE));
    assert_false(sigismember(&inside.blocked, SIGSEGV));
    assert_int_equal(sigismember(&before, SIGTERM), sigismember(&after, SIGTERM));
}

static void
take_moves_all_items_in_order(void **state)
{
    struct gc_queue queue;
    struct gc_list out;
    struct item items[3];
    (void)state;
    gc_queue_init(&queue);
    gc_list_init(&out);
    for (unsigned i = 0; i < 3; i++) {
        items[i].value = i;
        gc_queue_push(&queue, &items[i].node);
    }
    assert_true(gc_queue_take(&queue, &out, FOREVER));
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(item_of(gc_list_pop(&out))->value, i);
    }
    assert_true(gc_list_empty(&out));
    assert_null(gc_queue_pop(&queue, 0));
    gc_queue_fini(&queue);
}

static void
an_empty_queue_waits_as_long_as_it_was_told(void **state)
{
    struct gc_queue queue;
    struct gc_list out;
    (void)state;
    gc_queue_init(&queue);
    gc_list_init(&out);
    assert_true(gc_queue_take(&queue, &out, 0));
    assert_true(gc_list_empty(&out));
    uint64_t before = gc_clock_mono_ns();
    assert_null(gc_queue_pop(&queue, 20));
    assert_true(gc_queue_take(&queue, &out, 20));
    assert_true(gc_clock_mono_ns() - before >= 40000000);
    assert_true(gc_list_empty(&out));
    gc_queue_fini(&queue);
}

static void
a_closed_queue_gives_what_it_still_has(void **state)
{
    struct gc_queue queue;
    struct gc_list out;
    struct item items[3];
    (void)state;
    gc_queue_init(&queue);
    gc_list_init(&out);
    gc_queue_push(&queue, &items[0].node);
    gc_queue_push(&queue, &items[1].node);
    gc_queue_close(&queue);
    gc_queue_push(&queue, &items[2].node);
    assert_ptr_equal(gc_queue_pop(&queue, FOREVER), &items[0].node);
    assert_true(gc_queue_take(&queue, &out, FOREVER));
    assert_ptr_equal(gc_list_pop(&out), &items[1].node);
    assert_ptr_equal(gc_list_pop(&out), &items[2].node);
    assert_false(gc_queue_take(&queue, &out, FOREVER));
    assert_null(gc_queue_pop(&queue, FOREVER));
    gc_queue_fini(&queue);
}

#define PRODUCERS 3
#define CONSUMERS 3
#define EACH      2000

struct traffic {
    struct gc_queue queue;
    struct item items[PRODUCERS][EACH];
    atomic_uint next_producer;
    atomic_uint next_consumer;
    unsigned taken[CONSUMERS];
    bool out_of_order[CONSUMERS];
};

static void
produce(void *arg)
{
    struct traffic *t = arg;
    unsigned producer = atomic_fetch_add(&t->next_producer, 1);
    for (unsigned i = 0; i < EACH; i++) {
        struct item *item = &t->items[producer][i];
        item->producer = producer;
        item->value = i + 1;
        gc_queue_push(&t->queue, &item->node);
    }
}

static void
consume(void *arg)
{
    struct traffic *t = arg;
    unsigned consumer = atomic_fetch_add(&t->next_consumer, 1);
    unsigned last[PRODUCERS] = { 0 };
    struct gc_list *node;
    while ((node = gc_queue_pop(&t->queue, FOREVER)) != NULL) {
        struct item *item = item_of(node);
        if (item->value <= last[item->producer]) {
            t->out_of_order[consumer] = true;
        }
        last[item->producer] = item->value;
        t->taken[consumer]++;
    }
}

static void
many_threads_lose_and_double_nothing(void **state)
{
    static struct traffic t;
    struct gc_thread producers[PRODUCERS];
    struct gc_thread consumers[CONSUMERS];
    unsigned taken = 0;
    (void)state;
    gc_queue_init(&t.queue);
    for (size_t i = 0; i < CONSUMERS; i++) {
        assert_int_equal(gc_thread_start(&consumers[i], "consume", consume, &t), 0);
    }
    for (size_t i = 0; i < PRODUCERS; i++) {
        assert_int_equal(gc_thread_start(&producers[i], "produce", produce, &t), 0);
    }
    for (size_t i = 0; i < PRODUCERS; i++) {
        gc_thread_join(&producers[i]);
    }
    gc_queue_close(&t.queue);
    for (size_t i = 0; i < CONSUMERS; i++) {
        gc_thread_join(&consumers[i]);
        taken += t.taken[i];
        assert_false(t.out_of_order[i]);
    }
    assert_int_equal(taken, PRODUCERS * EACH);
    gc_queue_fini(&t.queue);
}

static void
take_all(void *arg)
{
    struct traffic *t = arg;
    struct gc_list out;
    gc_list_init(&out);
    while (gc_queue_take(&t->queue, &out, DEADLINE_MS)) {
        while (gc_list_pop(&out) != NULL) {
            t->taken[0]++;
        }
    }
}

static void
a_waiting_taker_is_woken_by_push_and_close(void **state)
{
    static struct traffic t;
    struct gc_thread taker;
    struct gc_thread producer;
    (void)state;
    gc_queue_init(&t.queue);
    uint64_t before = gc_clock_mono_ms();
    assert_int_equal(gc_thread_start(&taker, "take", take_all, &t), 0);
    assert_int_equal(gc_thread_start(&producer, "produce", produce, &t), 0);
    gc_thread_join(&producer);
    gc_queue_close(&t.queue);
    gc_thread_join(&taker);
    assert_true(gc_clock_mono_ms() - before < DEADLINE_MS); /* not by its timeout */
    assert_int_equal(t.taken[0], EACH);
    gc_queue_fini(&t.queue);
}

static void
count_then_wait(void *arg)
{
    struct traffic *t = arg;
    atomic_fetch_add(&t->next_consumer, 1);
    gc_queue_pop(&t->queue, DEADLINE_MS);
}

/* Until COUNT has reached WANT; a queue that nobody fills is the clock. */
static void
await(atomic_uint *count, unsigned want)
{
    struct gc_queue never;
    uint64_t until_ms = gc_clock_mono_ms() + DEADLINE_MS;
    gc_queue_init(&never);
    while (atomic_load(count) < want) {
        assert_true(gc_clock_mono_ms() < until_ms);
        gc_queue_pop(&never, 1);
    }
    gc_queue_fini(&never);
}

static void
close_wakes_all_who_wait(void **state)
{
    static struct traffic t;
    struct gc_thread consumers[CONSUMERS];
    (void)state;
    uint64_t before = gc_clock_mono_ms();
    for (int round = 0; round < 20; round++) {
        gc_queue_init(&t.queue);
        atomic_store(&t.next_consumer, 0);
        for (size_t i = 0; i < CONSUMERS; i++) {
            assert_int_equal(gc_thread_start(&consumers[i], "wait", count_then_wait, &t), 0);
        }
        await(&t.next_consumer, CONSUMERS);
        gc_queue_close(&t.queue);
        for (size_t i = 0; i < CONSUMERS; i++) {
            gc_thread_join(&consumers[i]);
        }
        gc_queue_fini(&t.queue);
    }
    assert_true(gc_clock_mono_ms() - before < DEADLINE_MS);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thread_has_its_name_and_no_signals),
        cmocka_unit_test(take_moves_all_items_in_order),
        cmocka_unit_test(an_empty_queue_waits_as_long_as_it_was_told),
        cmocka_unit_test(a_closed_queue_gives_what_it_still_has),
        cmocka_unit_test(many_threads_lose_and_double_nothing),
        cmocka_unit_test(a_waiting_taker_is_woken_by_push_and_close),
        cmocka_unit_test(close_wakes_all_who_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
