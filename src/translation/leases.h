/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What file servers last said of themselves, in memory (object-protocol.md rule 19): silence is
 * measured here, and only its consequence, ServerDown, is a command. Shared by all workers, guarded
 * by a mutex. Times are monotonic ms. */
#ifndef GC_TRANSLATION_LEASES_H
#define GC_TRANSLATION_LEASES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/thread.h"

#define GC_LEASES_MAX 1024

struct gc_lease {
    uint32_t number;
    uint64_t incarnation;
    uint64_t heard_ms;
    uint64_t free_bytes, total_bytes, n_blobs;
};

struct gc_leases {
    pthread_mutex_t lock; /* Private to leases.c. */
    struct gc_lease *items;
    size_t n;
};

int gc_leases_init(struct gc_leases *leases);
void gc_leases_fini(struct gc_leases *leases);
/* A sign of life; takes LEASE over, HEARD_MS included. GC_ELIMIT. */
int gc_leases_heard(struct gc_leases *leases, const struct gc_lease *lease);
/* GC_ENOTFOUND when the server has not been heard of since our start. */
int gc_leases_get(struct gc_leases *leases, uint32_t number, struct gc_lease *ret_lease);
/* Make sure there is a lease for NUMBER, a full one from NOW_MS if it is new here: after a start
 * everybody gets one. */
int gc_leases_grant(struct gc_leases *leases, uint32_t number, uint64_t incarnation,
                    uint64_t now_ms);

#endif
