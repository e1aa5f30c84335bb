/* SPDX-License-Identifier: GPL-3.0-or-later */
/* propose -> committed -> applied. One node for now: a writer thread takes all proposals that wait,
 * makes one entry of them, and appends and applies it in one transaction (group commit). An engine
 * with several nodes takes the place of the core (consensus/core.h) without a change here.
 *
 * Threads: every function may be called from any thread; open and close from one. Notify functions
 * are called from the writer thread, never from inside a call here, and must only hand over.
 *
 * A proposal cannot be taken back: its memory, its data and its result belong to us until notify.
 * Outcome of a proposal, in rc:
 *   0            committed and applied; *result is what the state machine says
 *   GC_ECANCELED closed before it entered the log: nothing happened
 *   GC_EUNAVAILABLE  not in the log: nothing happened (no leader; not with one node)
 *   GC_ESTALE    leadership was lost on the way: may or may not happen (not with one node)
 *   other        the log or state failed locally: may or may not have happened, the process must
 *                stop; every later call returns the same code */
#ifndef GC_CONSENSUS_CONSENSUS_H
#define GC_CONSENSUS_CONSENSUS_H

#include "base/metrics.h"
#include "base/thread.h"
#include "consensus/core.h"

struct gc_consensus; /* opaque */

struct gc_consensus_conf {
    struct gc_kv *kv;
    unsigned table0; /* of GC_CONSENSUS_TABLE_NAMES */
    struct gc_consensus_machine machine;
    uint32_t queue_max;         /* proposals waiting; 0 = 4096 */
    uint64_t queue_bytes_max;   /* their data; 0 = 8 MiB */
    uint64_t log_keep_entries;  /* 0 = 4096 */
    uint64_t log_keep_bytes;    /* 0 = 16 MiB */
    uint32_t tick_ms;           /* how often an idle log gets an entry that only advances state time
                                   while the machine wants it; 0 = 10 s */
    struct gc_metrics *metrics; /* may be NULL */
};

/* Checks log against state and starts the writer thread. CONF's pointers live until close. Errors
 * as gc_consensus_core_open; -ENOMEM. */
int gc_consensus_open(const struct gc_consensus_conf *conf, struct gc_consensus **ret_cons);
/* Finish the batch that is being written, cancel the rest, stop the thread. Every notify has been
 * called when it returns. NULL allowed. */
void gc_consensus_close(struct gc_consensus *cons);

struct gc_proposal {
    struct gc_notify notify; /* set by the caller, as the next three */
    const void *data;        /* one command */
    size_t len;
    void *result; /* written by the state machine when rc is 0; its type is the machine's */
    int rc;
    uint64_t index;      /* log index, when rc is 0 */
    struct gc_list node; /* Private while running; the caller's queue node afterwards. */
};

/* GC_ELIMIT: the queue or the machine's table of results is full (503). GC_EUNAVAILABLE: closing.
 * -EINVAL: empty or longer than GC_CONSENSUS_COMMAND_BYTES_MAX. */
int gc_consensus_propose(struct gc_consensus *cons, struct gc_proposal *prop);

struct gc_read_index {
    struct gc_notify notify; /* set by the caller */
    int rc;
    uint64_t index;
    struct gc_list node; /* Private while running; the caller's queue node afterwards. */
};
#define GC_CONSENSUS_READY 1

/* Ask for an index that covers every write acknowledged before this call. When it is answered with
 * rc 0, a transaction begun from then on sees at least that index (linearizable read, rule 15).
 * Returns GC_CONSENSUS_READY when the answer is in OP at once and notify is not called (always so
 * with one node), 0 when notify will be called, or an error. */
int gc_consensus_read_index(struct gc_consensus *cons, struct gc_read_index *op);
/* A short read transaction on the environment; end it with gc_kv_abort in the same callback. */
int gc_consensus_begin_read(struct gc_consensus *cons, struct gc_kv_txn **ret_txn);

/* State time that an entry made now would carry: expires_at = this + how long a request may live.
 */
uint64_t gc_consensus_state_time_ms(struct gc_consensus *cons);

struct gc_consensus_status {
    bool leader; /* true with one node */
    uint64_t term;
    uint64_t first_index; /* of the log */
    uint64_t last_index;
    uint64_t applied_index; /* durable */
    uint64_t log_bytes;
    uint32_t n_waiting;
    int rc; /* 0, or the failure that stopped it */
};
void gc_consensus_status(struct gc_consensus *cons, struct gc_consensus_status *ret_status);

#endif
