/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What file servers last said of themselves, in this process's memory: their leases (core/lease.h)
 * and their reports. Shared by all workers behind a mutex. Times are monotonic ms. */
#ifndef GC_TRANSLATION_ROSTER_H
#define GC_TRANSLATION_ROSTER_H

#include "base/thread.h"
#include "core/lease.h"

#define GC_ROSTER_MAX 1024u

struct gc_roster_report {
    uint64_t free_bytes, total_bytes, n_blobs;
};

struct gc_roster {
    pthread_mutex_t lock; /* Private to roster.c. */
    struct gc_arena arena;
    struct gc_leases leases;
    struct gc_roster_entry *entries;
    size_t n;
};

/* GC_ELIMIT, -ENOMEM. */
int gc_roster_init(struct gc_roster *roster, uint64_t lease_ms);
void gc_roster_fini(struct gc_roster *roster); /* also of one that is all zero */

/* NUMBER has registered as INCARNATION: a full lease. */
void gc_roster_registered(struct gc_roster *roster, uint32_t number, uint64_t incarnation,
                          uint64_t now_ms);
/* A heartbeat of a server that the state has as up in this incarnation; one not known here yet gets
 * its lease now, as after a start everybody does. GC_ESTALE: known with a later incarnation.
 * GC_ELIMIT. */
int gc_roster_heard(struct gc_roster *roster, uint32_t number, uint64_t incarnation,
                    uint64_t now_ms, const struct gc_roster_report *report);
/* A server that the state has as up: a full lease, if it has none here yet. */
void gc_roster_expect(struct gc_roster *roster, uint32_t number, uint64_t incarnation,
                      uint64_t now_ms);
/* This process did not listen for a while: whose lease is over cannot be told. All begin anew, with
 * what is heard or expected next. */
void gc_roster_forget(struct gc_roster *roster);
/* Up to MAX servers whose lease is over. */
size_t gc_roster_silent(struct gc_roster *roster, uint64_t now_ms, struct gc_lease_row *ret_rows,
                        size_t max);
void gc_roster_drop(struct gc_roster *roster, uint32_t number, uint64_t incarnation);
/* GC_ENOTFOUND: no lease. The report is zero before the first heartbeat. */
int gc_roster_get(struct gc_roster *roster, uint32_t number, uint64_t now_ms,
                  uint64_t *ret_silent_ms, struct gc_roster_report *ret_report);

#endif
