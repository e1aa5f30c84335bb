/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A linearizable read: first an index, then a short transaction that sees at least it
 * (object-protocol.md rule 15). */
#ifndef GC_TRANSLATION_READ_H
#define GC_TRANSLATION_READ_H

#include "consensus/consensus.h"
#include "net/loop.h"

struct gc_translation_worker;

struct gc_read {
    int rc;
    /* Private to read.c. */
    struct gc_read_index op;
    struct gc_task task;
    struct gc_translation_worker *worker;
    void (*cb)(struct gc_read *read);
};

/* GC_CONSENSUS_READY: go on at once, CB is not called. 0: CB later, exactly once, with READ->rc.
 * Negative: an error. */
int gc_read_start(struct gc_read *read, struct gc_translation_worker *worker,
                  void (*cb)(struct gc_read *read));

#endif
