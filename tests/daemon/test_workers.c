/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "daemon/daemon_priv.h"

/* A daemon of one worker, whose first reload takes until the test lets it go on. */
struct bed {
    struct gc_daemon daemon;
    struct gc_daemon_conf conf;
    pthread_mutex_t lock;
    pthread_cond_t cond;
    unsigned n_reloads;
    bool go_on;
    struct gc_task other; /* posted to the worker by somebody else */
    bool other_ran;
};

static int
worker_open(void *role, struct gc_worker *worker, void **ret_state)
{
    (void)worker;
    *ret_state = role;
    return 0;
}

static void
worker_reload(void *role, struct gc_worker *worker, void *state)
{
    struct bed *bed = state;
    (void)role;
    (void)worker;
    pthread_mutex_lock(&bed->lock);
    bed->n_reloads++;
    pthread_cond_broadcast(&bed->cond);
    while (!bed->go_on) {
        pthread_cond_wait(&bed->cond, &bed->lock);
    }
    pthread_mutex_unlock(&bed->lock);
}

static void
worker_close(void *role, struct gc_worker *worker, void *state)
{
    (void)role;
    (void)worker;
    (void)state;
}

static const struct gc_role role = {
    .name = "test",
    .worker_open = worker_open,
    .worker_reload = worker_reload,
    .worker_close = worker_close,
};

static void
on_other(struct gc_task *task)
{
    struct bed *bed = gc_container_of(task, struct bed, other);
    pthread_mutex_lock(&bed->lock);
    bed->other_ran = true;
    pthread_cond_broadcast(&bed->cond);
    pthread_mutex_unlock(&bed->lock);
}

/* Until there were N reloads and, if OTHER, the other task has run. */
static void
wait_for(struct bed *bed, unsigned n, bool other)
{
    struct timespec until;
    int err = 0;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 30;
    pthread_mutex_lock(&bed->lock);
    while (err == 0 && (bed->n_reloads < n || (other && !bed->other_ran))) {
        err = pthread_cond_timedwait(&bed->cond, &bed->lock, &until);
    }
    pthread_mutex_unlock(&bed->lock);
    assert_int_equal(err, 0);
}

static void
reloads_wished_during_one_are_one_more_and_displace_nothing(void **state)
{
    static struct bed bed;
    (void)state;
    bed.conf.workers = 1;
    bed.daemon.role = &role;
    bed.daemon.conf = &bed.conf;
    bed.daemon.role_state = &bed;
    pthread_mutex_init(&bed.daemon.lock, NULL);
    pthread_cond_init(&bed.daemon.cond, NULL);
    pthread_mutex_init(&bed.lock, NULL);
    pthread_cond_init(&bed.cond, NULL);
    assert_int_equal(gc_daemon_workers_start(&bed.daemon), 0);
    gc_daemon_workers_wish(&bed.daemon, GC_WORKER_RELOAD);
    wait_for(&bed, 1, false);
    bed.other.fn = on_other;
    gc_daemon_workers_wish(&bed.daemon, GC_WORKER_RELOAD);
    gc_loop_post(gc_daemon_worker(&bed.daemon, 0)->loop, &bed.other);
    gc_daemon_workers_wish(&bed.daemon, GC_WORKER_RELOAD);
    pthread_mutex_lock(&bed.lock);
    bed.go_on = true;
    pthread_cond_broadcast(&bed.cond);
    pthread_mutex_unlock(&bed.lock);
    wait_for(&bed, 2, true);
    gc_daemon_workers_wish(&bed.daemon, GC_WORKER_CLOSE);
    gc_daemon_workers_join(&bed.daemon);
    assert_int_equal(bed.n_reloads, 2);
    pthread_cond_destroy(&bed.cond);
    pthread_mutex_destroy(&bed.lock);
    pthread_cond_destroy(&bed.daemon.cond);
    pthread_mutex_destroy(&bed.daemon.lock);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reloads_wished_during_one_are_one_more_and_displace_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
