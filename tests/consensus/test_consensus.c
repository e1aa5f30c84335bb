/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The thread over the core: batches, limits, closing, failures. */
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "consensus/consensus.h"
#include "tests/support/counter_machine.h"

#define WAIT_MS 60000

struct fixture {
    struct counter_env env;
    struct gc_consensus_conf conf;
    struct gc_consensus *cons;
    struct gc_queue done; /* proposals that were notified */
    /* The gate: the writer says that it is there and waits for a token. */
    struct gc_queue arrived;
    struct gc_queue tokens;
    struct gc_list arrival;
    struct gc_list token;
};

struct prop {
    struct gc_proposal proposal;
    struct fixture *f;
    uint64_t result;
};

static void
on_done(void *arg)
{
    struct prop *prop = arg;

    gc_queue_push(&prop->f->done, &prop->proposal.node);
}

static void
gate(void *arg)
{
    struct fixture *f = arg;

    gc_queue_push(&f->arrived, &f->arrival);
    (void)gc_queue_pop(&f->tokens, WAIT_MS);
}

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    counter_env_open(&f->env, true, 1000);
    gc_queue_init(&f->done);
    gc_queue_init(&f->arrived);
    gc_queue_init(&f->tokens);
    gc_list_init(&f->arrival);
    gc_list_init(&f->token);
    f->conf = (struct gc_consensus_conf){
        .kv = f->env.kv,
        .machine = counter_machine(&f->env),
        .queue_max = 8,
        .queue_bytes_max = 300000,
    };
    *state = f;
    return 0;
}

static void
consensus_open(struct fixture *f)
{
    assert_int_equal(gc_consensus_open(&f->conf, &f->cons), 0);
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    gc_consensus_close(f->cons);
    gc_queue_fini(&f->done);
    gc_queue_fini(&f->arrived);
    gc_queue_fini(&f->tokens);
    counter_env_close(&f->env);
    free(f);
    return 0;
}

static int
propose(struct fixture *f, struct prop *prop, const void *data, size_t len)
{
    *prop = (struct prop){
        .f = f,
        .proposal = { .notify = { on_done, prop },
                      .data = data,
                      .len = len,
                      .result = &prop->result },
    };
    return gc_consensus_propose(f->cons, &prop->proposal);
}

static struct prop *
wait_done(struct fixture *f)
{
    struct gc_list *node = gc_queue_pop(&f->done, WAIT_MS);

    assert_non_null(node);
    return gc_container_of(node, struct prop, proposal.node);
}

/* Let the writer be in an entry, where it stays until released. */
static void
hold(struct fixture *f, struct prop *first)
{
    f->env.gate = gate;
    f->env.gate_arg = f;
    assert_int_equal(propose(f, first, "x", 1), 0);
    assert_non_null(gc_queue_pop(&f->arrived, WAIT_MS));
}

static void
release(struct fixture *f)
{
    f->env.gate = NULL; /* read by the writer after it has got the token */
    gc_queue_push(&f->tokens, &f->token);
}

static void
a_proposal_is_answered_with_result_and_index(void **state)
{
    struct fixture *f = *state;
    struct gc_consensus_status status;
    struct gc_read_index read = { .rc = 1 };
    struct prop prop;

    consensus_open(f);
    assert_int_equal(propose(f, &prop, "abc", 3), 0);
    assert_ptr_equal(wait_done(f), &prop);
    assert_int_equal(prop.proposal.rc, 0);
    assert_int_equal(prop.proposal.index, 1);
    assert_int_equal(prop.result, 3);
    assert_int_equal(gc_consensus_read_index(f->cons, &read), GC_CONSENSUS_READY);
    assert_int_equal(read.rc, 0);
    assert_int_equal(read.index, 1);
    gc_consensus_status(f->cons, &status);
    assert_true(status.leader);
    assert_int_equal(status.applied_index, 1);
    assert_int_equal(status.n_waiting, 0);
    assert_true(gc_consensus_state_time_ms(f->cons) >= 1000);
}

static void
what_waits_during_an_entry_becomes_the_next_one(void **state)
{
    struct fixture *f = *state;
    struct prop first;
    struct prop more[5];

    consensus_open(f);
    hold(f, &first);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(propose(f, &more[i], "abcde", i + 1), 0);
    }
    release(f);
    assert_ptr_equal(wait_done(f), &first);
    for (size_t i = 0; i < 5; i++) {
        assert_ptr_equal(wait_done(f), &more[i]);
        assert_int_equal(more[i].proposal.index, 2);
    }
    assert_int_equal(more[4].result, 1 + 15);
    assert_int_equal(atomic_load(&f->env.n_entries), 2);
}

static void
a_full_queue_refuses_by_number_and_by_bytes(void **state)
{
    struct fixture *f = *state;
    uint8_t *big = calloc(1, GC_CONSENSUS_COMMAND_BYTES_MAX);
    struct prop props[9];

    consensus_open(f);
    hold(f, &props[0]);
    assert_int_equal(propose(f, &props[1], big, 200000), 0);
    assert_int_equal(propose(f, &props[2], big, 100000), GC_ELIMIT);
    for (size_t i = 2; i < 8; i++) {
        assert_int_equal(propose(f, &props[i], "x", 1), 0);
    }
    assert_int_equal(propose(f, &props[8], "x", 1), GC_ELIMIT);
    release(f);
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(wait_done(f)->proposal.rc, 0);
    }
    assert_int_equal(propose(f, &props[8], "x", 1), 0);
    assert_ptr_equal(wait_done(f), &props[8]);
    assert_int_equal(propose(f, &props[8], "x", 0), -EINVAL);
    assert_int_equal(propose(f, &props[8], big, GC_CONSENSUS_COMMAND_BYTES_MAX + 1), -EINVAL);
    free(big);
}

static void
without_room_for_results_nothing_enters_the_log(void **state)
{
    struct fixture *f = *state;
    struct prop props[2];

    f->env.room = 1;
    consensus_open(f);
    hold(f, &props[0]);
    assert_int_equal(propose(f, &props[1], "x", 1), GC_ELIMIT);
    f->env.room = 0;
    release(f);
    assert_ptr_equal(wait_done(f), &props[0]);
    assert_int_equal(propose(f, &props[1], "x", 1), GC_ELIMIT);
}

/* Closes while the writer is held up, from a thread of its own. */
struct closer {
    struct gc_thread thread;
    struct gc_consensus *cons;
};

static void
closer_main(void *arg)
{
    struct closer *closer = arg;

    gc_consensus_close(closer->cons);
}

static void
until_closing(struct fixture *f)
{
    uint64_t deadline_ms = gc_clock_mono_ms() + WAIT_MS;
    struct gc_read_index read;

    while (gc_consensus_read_index(f->cons, &read) == GC_CONSENSUS_READY) {
        assert_true(gc_clock_mono_ms() < deadline_ms);
        sched_yield();
    }
}

static void
closing_finishes_the_entry_under_way_and_cancels_the_rest(void **state)
{
    struct fixture *f = *state;
    struct closer closer;
    struct prop first;
    struct prop waiting;
    struct prop late;

    consensus_open(f);
    hold(f, &first);
    assert_int_equal(propose(f, &waiting, "abc", 3), 0);
    closer.cons = f->cons;
    assert_int_equal(gc_thread_start(&closer.thread, "closer", closer_main, &closer), 0);
    until_closing(f);
    assert_int_equal(propose(f, &late, "y", 1), GC_EUNAVAILABLE);
    release(f);
    gc_thread_join(&closer.thread);
    f->cons = NULL;
    assert_ptr_equal(wait_done(f), &first);
    assert_int_equal(first.proposal.rc, 0);
    assert_ptr_equal(wait_done(f), &waiting);
    assert_int_equal(waiting.proposal.rc, GC_ECANCELED);
    assert_int_equal(counter_env_sum(&f->env), 1);
}

static void
a_failure_is_the_answer_to_all_from_then_on(void **state)
{
    struct fixture *f = *state;
    struct gc_read_index read;
    struct prop first;
    struct prop waiting;
    struct prop late;

    consensus_open(f);
    hold(f, &first);
    assert_int_equal(propose(f, &waiting, "abc", 3), 0);
    f->env.fail_rc = -EIO;
    release(f);
    assert_ptr_equal(wait_done(f), &first);
    assert_int_equal(first.proposal.rc, -EIO);
    assert_ptr_equal(wait_done(f), &waiting);
    assert_int_equal(waiting.proposal.rc, -EIO);
    assert_int_equal(propose(f, &late, "x", 1), -EIO);
    assert_int_equal(gc_consensus_read_index(f->cons, &read), -EIO);
    assert_int_equal(counter_env_sum(&f->env), 0);
}

static void
time_goes_on_while_the_machine_remembers_something(void **state)
{
    struct fixture *f = *state;

    f->env.room = 999;
    f->conf.tick_ms = 1;
    f->env.gate = gate;
    f->env.gate_arg = f;
    consensus_open(f);
    assert_non_null(gc_queue_pop(&f->arrived, WAIT_MS)); /* an entry nobody proposed */
    f->env.room = 1000;                                  /* the last one */
    release(f);
    gc_consensus_close(f->cons);
    f->cons = NULL;
    assert_int_equal(atomic_load(&f->env.n_entries), 1);
}

int
main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(a_proposal_is_answered_with_result_and_index),
        CASE(what_waits_during_an_entry_becomes_the_next_one),
        CASE(a_full_queue_refuses_by_number_and_by_bytes),
        CASE(without_room_for_results_nothing_enters_the_log),
        CASE(closing_finishes_the_entry_under_way_and_cancels_the_rest),
        CASE(a_failure_is_the_answer_to_all_from_then_on),
        CASE(time_goes_on_while_the_machine_remembers_something),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
