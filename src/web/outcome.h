/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What became of a mutation whose answer was lost (object-protocol.md rule 8): translation is asked
 * again and again until it knows, or the time is over. Memory: the caller's, until DONE, which runs
 * exactly once, later, also after a cancel. Threads: the worker's. */
#ifndef GC_WEB_OUTCOME_H
#define GC_WEB_OUTCOME_H

#include "web/upstream.h"

struct gc_outcome {
    struct gc_upstream up; /* Private to outcome.c from here on. */
    struct gc_timer timer;
    struct gc_web_worker *worker;
    const uint8_t *request_id;
    uint64_t deadline_at_ms, pause_ms;
    void (*done)(struct gc_outcome *outcome, enum gc_api_err err);
    bool active, cancelled;
};

/* TRACE is borrowed until DONE. */
void gc_outcome_init(struct gc_outcome *outcome, struct gc_web_worker *worker,
                     const struct gc_trace *trace);
/* Ask about REQUEST_ID (borrowed until DONE) for at most DEADLINE_MS. ERR of DONE: GC_API_OK (the
 * mutation was carried out), the error it ended with, ServiceUnavailable (nobody knows). */
void gc_outcome_start(struct gc_outcome *outcome, const uint8_t *request_id, uint64_t deadline_ms,
                      void (*done)(struct gc_outcome *outcome, enum gc_api_err err));
/* DONE comes soon. Harmless when not active. */
void gc_outcome_cancel(struct gc_outcome *outcome);

#endif
