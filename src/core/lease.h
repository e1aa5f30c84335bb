/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The leases of file servers, in the memory of the leader (object-protocol.md rule 19): who sent no
 * heartbeat for a whole lease is silent, and only the leader's command ServerDown makes that a fact
 * of the state. A new leader has heard nobody yet and grants everyone a full lease.
 *
 * Times are monotonic milliseconds of the caller. Plain data, one owner, no locks; lookups are
 * logarithmic. */
#ifndef GC_CORE_LEASE_H
#define GC_CORE_LEASE_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

struct gc_lease_row {
    uint32_t number;
    uint64_t incarnation;
    uint64_t heard_ms;
};

struct gc_leases {
    struct gc_lease_row *rows; /* by number; Private to lease.c. */
    size_t n;
    size_t max;
    uint64_t lease_ms;
};

/* An empty table with room for MAX servers in ARENA. GC_ELIMIT: the arena is too small. */
int gc_leases_init(struct gc_leases *leases, struct gc_arena *arena, size_t max, uint64_t lease_ms);

/* Forget everyone: at the start of a leadership, before each registered server is granted. */
void gc_leases_clear(struct gc_leases *leases);

/* NUMBER registered as INCARNATION, or is registered as a leadership starts: a full lease from now
 * on. GC_ELIMIT: the table is full. GC_ESTALE: it is known with a later incarnation. */
int gc_leases_grant(struct gc_leases *leases, uint32_t number, uint64_t incarnation,
                    uint64_t now_ms);

/* A heartbeat. GC_ENOTFOUND: nobody registered so (it has to register again), GC_ESTALE: known with
 * a later incarnation. */
int gc_leases_heard(struct gc_leases *leases, uint32_t number, uint64_t incarnation,
                    uint64_t now_ms);

/* The server is down or gone in the state. No effect when it is known with another incarnation. */
void gc_leases_drop(struct gc_leases *leases, uint32_t number, uint64_t incarnation);

/* Up to MAX servers whose lease is over, by number. They are told again until they are dropped or
 * heard. Returns how many. */
size_t gc_leases_silent(const struct gc_leases *leases, uint64_t now_ms,
                        struct gc_lease_row *ret_rows, size_t max);

/* When the next lease ends (in the past when one is over); UINT64_MAX without servers. */
uint64_t gc_leases_next_ms(const struct gc_leases *leases);

/* For how long NUMBER has been silent. GC_ENOTFOUND. */
int gc_leases_silent_ms(const struct gc_leases *leases, uint32_t number, uint64_t now_ms,
                        uint64_t *ret_ms);

#endif
