/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/batch.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "cli/place.h"

#define JOBS_DEFAULT 8
#define JOBS_MAX     64
#define TURN_MS      200

/* --- jobs ------------------------------------------------------------------------------------- */

static void
job_start(struct gc_job *job)
{
    int rc;

    job->fault = (struct gc_fault){ 0 };
    rc = job->ops->start(job);
    if (rc != 0) {
        job->call = NULL;
        gc_fault_set(&job->fault, rc, "call");
        gc_job_over(job);
    }
}

static void
on_again(struct gc_timer *timer)
{
    job_start(gc_container_of(timer, struct gc_job, again));
}

bool
gc_job_init(struct gc_job *job, struct gc_batch *batch, const struct gc_job_ops *ops,
            const char *bucket, struct gc_str key)
{
    char shown[GC_SHOWN_MAX];

    *job = (struct gc_job){ .batch = batch, .ops = ops };
    gc_list_init(&job->node);
    gc_remote_backoff_init(&job->backoff);
    gc_timer_init(&job->again, batch->remote->loop, on_again);
    if (asprintf(&job->name, "%s/%s", bucket, gc_shown(shown, key)) < 0) {
        job->name = NULL;
    }
    return job->name != NULL;
}

void
gc_job_fini(struct gc_job *job)
{
    gc_timer_stop(&job->again);
    free(job->name);
}

void
gc_job_moved(struct gc_job *job, uint64_t n)
{
    job->n_bytes += n;
    job->batch->progress.n_bytes += n;
}

void
gc_job_restart(struct gc_job *job)
{
    job->batch->progress.n_bytes -= job->n_bytes;
    job->n_bytes = 0;
}

void
gc_job_give_up(struct gc_job *job)
{
    if (job->call != NULL) {
        gc_rpc_cancel(job->call);
    }
}

static void
job_free(struct gc_job *job, bool done)
{
    struct gc_batch *batch = job->batch;

    gc_list_remove(&job->node);
    batch->n_running--;
    job->ops->free(job, done);
}

static bool
job_again(const struct gc_job *job)
{
    return job->fault.again && !job->batch->stopped &&
           job->n_failed < job->batch->remote->n_retries &&
           (job->ops->can_again == NULL || job->ops->can_again(job));
}

void
gc_job_over(struct gc_job *job)
{
    struct gc_batch *batch = job->batch;

    if (job->fault.status == GC_EXIT_OK) {
        batch->n_done++;
        batch->n_bytes += job->n_bytes;
        batch->progress.n_done++;
        job_free(job, true);
    } else if (job_again(job)) {
        job->n_failed++;
        gc_timer_start(&job->again, gc_rpc_backoff_next(&job->backoff, &batch->remote->prng));
    } else {
        gc_job_restart(job);
        gc_batch_refuse(batch, job->name, &job->fault);
        job_free(job, false);
    }
}

void
gc_job_ended(struct gc_job *job, struct gc_rpc_call *call, const struct gc_rpc_status *status)
{
    job->call = NULL;
    if (job->fault.status == GC_EXIT_OK) {
        gc_fault_of_call(&job->fault, call, status);
    }
    if (job->fault.status == GC_EXIT_OK) {
        job->ops->complete(job);
    }
    gc_job_over(job);
}

/* --- the batch -------------------------------------------------------------------------------- */

void
gc_batch_add_opts(struct gc_batch_opts *opts, struct gc_cli_opt rows[GC_BATCH_N_OPTS])
{
    rows[0] = (struct gc_cli_opt){ .name = "jobs",
                                   .letter = 'j',
                                   .arg = "N",
                                   .value = &opts->jobs,
                                   .help = "objects at once; 8" };
    rows[1] = (struct gc_cli_opt){
        .name = "quiet", .letter = 'q', .on = &opts->quiet, .help = "no progress bar, no summary"
    };
}

int
gc_batch_init(struct gc_batch *batch, struct gc_remote *remote, const struct gc_batch_opts *opts)
{
    uint64_t jobs_max = JOBS_DEFAULT;

    if (opts->jobs != NULL &&
        (gc_str_u64(gc_str_of(opts->jobs), JOBS_MAX, &jobs_max) != 0 || jobs_max == 0)) {
        return gc_cli_usage_error("--jobs %s: wants 1 to %d", opts->jobs, JOBS_MAX);
    }
    *batch = (struct gc_batch){
        .remote = remote,
        .jobs_max = (unsigned)jobs_max,
        .quiet = opts->quiet,
    };
    gc_list_init(&batch->jobs);
    gc_progress_init(&batch->progress, opts->quiet);
    return 0;
}

void
gc_batch_refuse(struct gc_batch *batch, const char *name, const struct gc_fault *fault)
{
    batch->n_failed++;
    batch->status = gc_fault_merge(batch->status, fault->status);
    batch->stopped = batch->stopped || fault->stop;
    if (fault->status != GC_EXIT_INTERRUPTED) {
        gc_progress_clear(&batch->progress);
        fprintf(stderr, "gcommonctl: %s: %s\n", name, fault->text);
    }
}

void
gc_batch_skip(struct gc_batch *batch, const char *name, const char *why)
{
    batch->n_skipped++;
    gc_progress_clear(&batch->progress);
    fprintf(stderr, "gcommonctl: skipped %s: %s\n", name, why);
}

/* A signal has come: everything that runs ends now. */
static void
batch_interrupt(struct gc_batch *batch)
{
    struct gc_list *node, *tmp;

    batch->stopped = true;
    batch->status = GC_EXIT_INTERRUPTED;
    gc_list_foreach_safe(node, tmp, &batch->jobs) {
        struct gc_job *job = gc_container_of(node, struct gc_job, node);

        gc_fault_interrupted(&job->fault);
        if (job->call != NULL) {
            gc_rpc_cancel(job->call);
        } else {
            gc_job_over(job);
        }
    }
}

static bool
batch_interrupted(const struct gc_batch *batch)
{
    return batch->remote->signum != 0;
}

/* Begin jobs until enough run. False: the source has no more. */
static bool
batch_fill(struct gc_batch *batch, struct gc_source *source)
{
    while (batch->n_running < batch->jobs_max && !batch->stopped && !batch_interrupted(batch)) {
        struct gc_job *job = source->next(source);

        if (job == NULL) {
            return false;
        }
        gc_list_push(&batch->jobs, &job->node);
        batch->n_running++;
        /* The source may have blocked: deadlines count from the loop's clock. */
        gc_loop_turn(batch->remote->loop, 0);
        job_start(job);
        gc_progress_draw(&batch->progress);
    }
    return !batch->stopped;
}

int
gc_batch_run(struct gc_batch *batch, struct gc_source *source)
{
    bool more = true, interrupted = false;

    while (more || batch->n_running > 0) {
        more = more && batch_fill(batch, source);
        if (batch_interrupted(batch) && !interrupted) {
            interrupted = true;
            more = false;
            batch_interrupt(batch);
        }
        if (batch->n_running > 0) {
            gc_loop_turn(batch->remote->loop, TURN_MS);
            gc_progress_draw(&batch->progress);
        }
    }
    gc_progress_clear(&batch->progress);
    if (interrupted) {
        fprintf(stderr, "gcommonctl: interrupted\n");
    }
    return batch->status;
}

int
gc_batch_report(const struct gc_batch *batch, const struct gc_cli *cli, const char *verb)
{
    uint64_t ms = gc_clock_mono_ms() - batch->progress.start_ms;
    char bytes[GC_HUMAN_MAX];

    if (cli->json) {
        printf("{\"%s\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"skipped\":%" PRIu64
               ",\"failed\":%" PRIu64 ",\"seconds\":%" PRIu64 ".%03" PRIu64 "}\n",
               verb, batch->n_done, batch->n_bytes, batch->n_skipped, batch->n_failed, ms / 1000,
               ms % 1000);
    } else if (!batch->quiet) {
        fprintf(stderr,
                "%s %" PRIu64 " objects, %s, in %" PRIu64 ".%03" PRIu64 " s; skipped %" PRIu64
                ", failed %" PRIu64 "\n",
                verb, batch->n_done, gc_human_bytes(bytes, batch->n_bytes), ms / 1000, ms % 1000,
                batch->n_skipped, batch->n_failed);
    }
    return batch->status;
}
