/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The thread that drives the core.
 *
 * Happy path: propose counts the proposal and queues it; the thread takes all that wait, makes
 * batches as the core allows, runs each, writes the outcome into its proposals and notifies them;
 * what was queued meanwhile is the next batch.
 * Failures: a failed run stops the core; its batch and all later ones get its code. Closing: the
 * batch under way is finished, the rest is cancelled. */
#include "consensus/consensus.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/macros.h"

#define QUEUE_MAX        4096u
#define QUEUE_BYTES_MAX  (8u << 20)
#define LOG_KEEP_ENTRIES 4096u
#define LOG_KEEP_BYTES   (16u << 20)
#define TICK_MS          10000u

struct gc_consensus {
    struct gc_consensus_conf conf;
    struct gc_consensus_core core; /* the thread's */
    struct gc_thread thread;
    struct gc_queue queue;
    atomic_bool closing;

    pthread_mutex_t lock;          /* for the rest */
    struct gc_consensus_core view; /* the core's numbers after its last run */
    uint32_t n_waiting;
    uint64_t bytes_waiting;

    struct gc_counter *n_proposals;
    struct gc_counter *n_refused;
    struct gc_counter *n_entries;
    struct gc_gauge *waiting;
    struct gc_histogram *seconds;
};

static struct gc_consensus_now
clock_now(void)
{
    int64_t wall_ms = gc_clock_wall_ms();

    return (struct gc_consensus_now){
        .mono_ms = gc_clock_mono_ms(),
        .wall_ms = (uint64_t)GC_MAX(wall_ms, (int64_t)0),
    };
}

/* --- the thread --- */

/* PROP is done: its owner may free it as soon as it is notified. */
static void
proposal_finish(struct gc_consensus *cons, struct gc_proposal *prop, int rc, uint64_t index)
{
    pthread_mutex_lock(&cons->lock);
    cons->n_waiting--;
    cons->bytes_waiting -= prop->len;
    if (cons->waiting != NULL) {
        gc_gauge_set(cons->waiting, cons->n_waiting);
    }
    pthread_mutex_unlock(&cons->lock);
    prop->rc = rc;
    prop->index = index;
    prop->notify.fn(prop->notify.arg);
}

/* Run one entry and let others see the numbers. */
static int
run_entry(struct gc_consensus *cons, const struct gc_consensus_op *ops, size_t n_ops,
          uint64_t *ret_index)
{
    struct gc_consensus_now now = clock_now();
    uint64_t start_ns = gc_clock_mono_ns();
    bool was_well = cons->core.rc == 0;
    int rc = gc_consensus_core_run(&cons->core, &now, ops, n_ops, ret_index);

    pthread_mutex_lock(&cons->lock);
    if (rc == 0) {
        cons->view = cons->core;
    } else {
        cons->view.rc = rc;
    }
    pthread_mutex_unlock(&cons->lock);
    if (rc != 0 && was_well) {
        gc_log(GC_LOG_ERROR, "consensus.failed", "rc=%s", gc_err_name(rc));
    }
    if (rc == 0 && cons->conf.metrics != NULL) {
        gc_counter_inc(cons->n_entries);
        gc_counter_add(cons->n_proposals, n_ops);
        gc_histogram_observe(cons->seconds, (double)(gc_clock_mono_ns() - start_ns) / 1e9);
    }
    return rc;
}

/* One entry of the first proposals in LIST, which is not empty. */
static void
run_batch(struct gc_consensus *cons, struct gc_list *list)
{
    struct gc_consensus_op ops[GC_CONSENSUS_BATCH_MAX];
    const struct gc_list *node;
    uint64_t index = 0;
    size_t n = 0;
    int rc;

    gc_list_foreach(node, list) {
        const struct gc_proposal *prop = gc_container_of(node, struct gc_proposal, node);

        ops[n++] = (struct gc_consensus_op){ prop->data, prop->len, prop->result };
        if (n == GC_CONSENSUS_BATCH_MAX) {
            break;
        }
    }
    n = gc_consensus_core_fit(ops, n);
    rc = run_entry(cons, ops, n, &index);
    while (n-- > 0) {
        proposal_finish(cons, gc_container_of(gc_list_pop(list), struct gc_proposal, node), rc,
                        index);
    }
}

/* How long to wait for proposals: for ever when nothing in the state waits for time. */
static int
wait_ms(const struct gc_consensus *cons)
{
    bool wants_time = cons->core.rc == 0 && cons->core.room < cons->conf.machine.room_max;

    return wants_time ? (int)cons->conf.tick_ms : -1;
}

static void
thread_main(void *arg)
{
    struct gc_consensus *cons = arg;
    struct gc_list list;
    uint64_t index;

    gc_list_init(&list);
    while (gc_queue_take(&cons->queue, &list, wait_ms(cons))) {
        if (gc_list_empty(&list) && !atomic_load(&cons->closing)) {
            (void)run_entry(cons, NULL, 0, &index); /* its failure is in the core */
        }
        while (!gc_list_empty(&list) && !atomic_load(&cons->closing)) {
            run_batch(cons, &list);
        }
        while (!gc_list_empty(&list)) {
            proposal_finish(cons, gc_container_of(gc_list_pop(&list), struct gc_proposal, node),
                            GC_ECANCELED, 0);
        }
    }
}

/* --- open, close --- */

static void
metrics_init(struct gc_consensus *cons)
{
    struct gc_metrics *m = cons->conf.metrics;

    if (m == NULL) {
        return;
    }
    cons->n_proposals = gc_metrics_counter(m, "gc_consensus_proposals_total", NULL,
                                           "Commands committed and applied.");
    cons->n_refused = gc_metrics_counter(m, "gc_consensus_refused_total", NULL,
                                         "Commands refused because a queue was full.");
    cons->n_entries =
        gc_metrics_counter(m, "gc_consensus_entries_total", NULL, "Entries written to the log.");
    cons->waiting = gc_metrics_gauge(m, "gc_consensus_waiting", NULL,
                                     "Commands that wait for their entry to be committed.");
    cons->seconds = gc_metrics_histogram(m, "gc_consensus_entry_seconds", NULL,
                                         "Time to append, apply and commit an entry.",
                                         gc_duration_bounds, GC_ARRAY_LEN(gc_duration_bounds));
}

static void
conf_defaults(struct gc_consensus_conf *conf)
{
    conf->queue_max = conf->queue_max > 0 ? conf->queue_max : QUEUE_MAX;
    conf->queue_bytes_max = conf->queue_bytes_max > 0 ? conf->queue_bytes_max : QUEUE_BYTES_MAX;
    conf->log_keep_entries = conf->log_keep_entries > 0 ? conf->log_keep_entries : LOG_KEEP_ENTRIES;
    conf->log_keep_bytes = conf->log_keep_bytes > 0 ? conf->log_keep_bytes : LOG_KEEP_BYTES;
    conf->tick_ms = conf->tick_ms > 0 ? conf->tick_ms : TICK_MS;
}

static void
consensus_free(struct gc_consensus *cons)
{
    gc_consensus_core_close(&cons->core);
    gc_queue_fini(&cons->queue);
    pthread_mutex_destroy(&cons->lock);
    free(cons);
}

int
gc_consensus_open(const struct gc_consensus_conf *conf, struct gc_consensus **ret_cons)
{
    struct gc_consensus *cons = calloc(1, sizeof(*cons));
    struct gc_consensus_core_conf core_conf;
    struct gc_consensus_now now = clock_now();
    int rc;

    if (cons == NULL) {
        return -ENOMEM;
    }
    cons->conf = *conf;
    conf_defaults(&cons->conf);
    core_conf = (struct gc_consensus_core_conf){
        .kv = conf->kv,
        .table0 = conf->table0,
        .machine = conf->machine,
        .log_keep_entries = cons->conf.log_keep_entries,
        .log_keep_bytes = cons->conf.log_keep_bytes,
    };
    pthread_mutex_init(&cons->lock, NULL);
    gc_queue_init(&cons->queue);
    metrics_init(cons);
    rc = gc_consensus_core_open(&cons->core, &core_conf, &now);
    if (rc == 0) {
        cons->view = cons->core;
        rc = gc_thread_start(&cons->thread, "consensus", thread_main, cons);
    }
    if (rc != 0) {
        consensus_free(cons);
        return rc;
    }
    *ret_cons = cons;
    return 0;
}

void
gc_consensus_close(struct gc_consensus *cons)
{
    if (cons == NULL) {
        return;
    }
    /* Under the lock, so that no proposal is queued behind the closing. */
    pthread_mutex_lock(&cons->lock);
    atomic_store(&cons->closing, true);
    pthread_mutex_unlock(&cons->lock);
    gc_queue_close(&cons->queue);
    gc_thread_join(&cons->thread);
    assert(cons->n_waiting == 0);
    consensus_free(cons);
}

/* --- calls from any thread --- */

/* Under the lock. */
static int
propose_check(const struct gc_consensus *cons, const struct gc_proposal *prop)
{
    if (atomic_load(&cons->closing)) {
        return GC_EUNAVAILABLE;
    }
    if (cons->view.rc != 0) {
        return cons->view.rc;
    }
    if (cons->n_waiting >= cons->conf.queue_max || cons->n_waiting >= cons->view.room ||
        cons->bytes_waiting > cons->conf.queue_bytes_max ||
        prop->len > cons->conf.queue_bytes_max - cons->bytes_waiting) {
        return GC_ELIMIT;
    }
    return 0;
}

int
gc_consensus_propose(struct gc_consensus *cons, struct gc_proposal *prop)
{
    int rc;

    if (prop->len == 0 || prop->len > GC_CONSENSUS_COMMAND_BYTES_MAX) {
        return -EINVAL;
    }
    pthread_mutex_lock(&cons->lock);
    rc = propose_check(cons, prop);
    if (rc == 0) {
        cons->n_waiting++;
        cons->bytes_waiting += prop->len;
        gc_list_init(&prop->node);
        gc_queue_push(&cons->queue, &prop->node);
    } else if (rc == GC_ELIMIT && cons->n_refused != NULL) {
        gc_counter_inc(cons->n_refused);
    }
    pthread_mutex_unlock(&cons->lock);
    return rc;
}

int
gc_consensus_read_index(struct gc_consensus *cons, struct gc_read_index *op)
{
    int rc;

    pthread_mutex_lock(&cons->lock);
    rc = atomic_load(&cons->closing) ? GC_EUNAVAILABLE : cons->view.rc;
    op->index = cons->view.last_index;
    pthread_mutex_unlock(&cons->lock);
    op->rc = rc;
    return rc == 0 ? GC_CONSENSUS_READY : rc;
}

int
gc_consensus_begin_read(struct gc_consensus *cons, struct gc_kv_txn **ret_txn)
{
    return gc_kv_begin(cons->conf.kv, false, ret_txn);
}

uint64_t
gc_consensus_state_time_ms(struct gc_consensus *cons)
{
    struct gc_consensus_now now = clock_now();
    uint64_t time_ms;

    pthread_mutex_lock(&cons->lock);
    time_ms = gc_consensus_core_time(&cons->view, &now);
    pthread_mutex_unlock(&cons->lock);
    return time_ms;
}

void
gc_consensus_status(struct gc_consensus *cons, struct gc_consensus_status *ret_status)
{
    pthread_mutex_lock(&cons->lock);
    *ret_status = (struct gc_consensus_status){
        .leader = cons->view.rc == 0,
        .term = cons->view.term,
        .first_index = cons->view.first_index,
        .last_index = cons->view.last_index,
        .applied_index = cons->view.last_index,
        .log_bytes = cons->view.log_bytes,
        .n_waiting = cons->n_waiting,
        .rc = cons->view.rc,
    };
    pthread_mutex_unlock(&cons->lock);
}
