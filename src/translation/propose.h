/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One command through the log, answered on the caller's loop. */
#ifndef GC_TRANSLATION_PROPOSE_H
#define GC_TRANSLATION_PROPOSE_H

#include "base/buf.h"
#include "consensus/consensus.h"
#include "meta/command.h"
#include "net/loop.h"

struct gc_translation_worker;

struct gc_propose {
    int rc; /* 0: RESULT is the state machine's answer; else as gc_proposal.rc */
    struct gc_meta_result result;
    /* Private to propose.c. */
    struct gc_proposal proposal;
    struct gc_buf data;
    struct gc_task task;
    struct gc_translation_worker *worker;
    void (*cb)(struct gc_propose *propose);
    bool active;
};

/* Encode CMD (copied) and propose it. Non-zero: nothing happened, no callback. Zero: CB exactly
 * once, later, on the worker's loop; PROPOSE stays the caller's memory but is not to be touched
 * before. It cannot be cancelled. */
int gc_propose_start(struct gc_propose *propose, struct gc_translation_worker *worker,
                     const struct gc_meta_command *cmd, void (*cb)(struct gc_propose *propose));

#endif
