/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Many operations on objects at once, on one loop: a source gives jobs one by one, at most JOBS_MAX
 * of them run, each is attempted again where that may help, and what becomes of them is counted.
 *
 * A job: start() begins an attempt (a call) -> its call ends -> complete() -> free(), or, after a
 * fault that may pass, a wait and start() again. A fault that would meet the following jobs too
 * (nobody there, not allowed, no such bucket) stops the source; a signal cancels everything. */
#ifndef GC_CLI_BATCH_H
#define GC_CLI_BATCH_H

#include "base/list.h"
#include "cli/fault.h"
#include "cli/progress.h"
#include "cli/remote.h"

struct gc_job;
struct gc_batch;

struct gc_job_ops {
    /* Begin an attempt: set JOB->call and return 0, or return an error code. */
    int (*start)(struct gc_job *job);
    /* The call has ended well: finish, or set JOB->fault. */
    void (*complete)(struct gc_job *job);
    /* Whether the job can be attempted again at all; NULL: yes. */
    bool (*can_again)(const struct gc_job *job);
    /* Free what belongs to the job and itself. DONE false: nothing may stay behind. */
    void (*free)(struct gc_job *job, bool done);
};

/* Embedded in the operation's struct. */
struct gc_job {
    struct gc_list node; /* Private to batch.c. */
    struct gc_batch *batch;
    const struct gc_job_ops *ops;
    char *name;               /* for messages, shown; the job's */
    struct gc_rpc_call *call; /* of the attempt under way; NULL between attempts */
    struct gc_fault fault;    /* a fault on our side; the first counts */
    uint64_t n_bytes;         /* moved */
    unsigned n_failed;        /* attempts in a row that came to nothing */
    struct gc_rpc_backoff backoff;
    struct gc_timer again;
};

/* Where jobs come from. next() may block (a folder, a page of a listing); NULL: no more. Jobs that
 * cannot even be made are told to the batch (gc_batch_refuse, gc_batch_skip). */
struct gc_source {
    struct gc_job *(*next)(struct gc_source *source);
};

/* What the options of all commands that move many objects say, as text. */
struct gc_batch_opts {
    const char *jobs;
    bool quiet;
};
#define GC_BATCH_N_OPTS 2
void gc_batch_add_opts(struct gc_batch_opts *opts, struct gc_cli_opt rows[GC_BATCH_N_OPTS]);

struct gc_batch {
    struct gc_remote *remote;
    unsigned jobs_max;
    bool quiet;
    struct gc_progress progress;
    uint64_t n_done, n_bytes, n_failed, n_skipped;
    int status;          /* exit status of all so far */
    bool stopped;        /* no more jobs */
    struct gc_list jobs; /* Private to batch.c, as what follows. */
    unsigned n_running;
};

/* Says what is wrong with OPTS and returns the exit status. */
int gc_batch_init(struct gc_batch *batch, struct gc_remote *remote,
                  const struct gc_batch_opts *opts);
/* Run all that SOURCE gives. Returns the exit status. */
int gc_batch_run(struct gc_batch *batch, struct gc_source *source);
/* One job that could not be made: say why and count it. */
void gc_batch_refuse(struct gc_batch *batch, const char *name, const struct gc_fault *fault);
/* Something that is left out on purpose: warn and count. */
void gc_batch_skip(struct gc_batch *batch, const char *name, const char *why);
/* Print what was done, as VERB ("stored"): JSON to standard output, or for people to standard
 * error unless quiet. */
int gc_batch_report(const struct gc_batch *batch, const struct gc_cli *cli, const char *verb);

/* For jobs. Messages call it "BUCKET/KEY"; false: no memory. */
bool gc_job_init(struct gc_job *job, struct gc_batch *batch, const struct gc_job_ops *ops,
                 const char *bucket, struct gc_str key);
void gc_job_fini(struct gc_job *job);
/* N more bytes have moved. */
void gc_job_moved(struct gc_job *job, uint64_t n);
/* The attempt starts from the beginning: nothing has moved. */
void gc_job_restart(struct gc_job *job);
/* A fault on our side, which is in JOB->fault: give up the attempt; its end follows. */
void gc_job_give_up(struct gc_job *job);
/* The attempt's call has ended; from its on_end, as the last thing. */
void gc_job_ended(struct gc_job *job, struct gc_rpc_call *call, const struct gc_rpc_status *status);
/* The same where the outcome (JOB->fault) is known and the call has gone before. */
void gc_job_over(struct gc_job *job);

#endif
