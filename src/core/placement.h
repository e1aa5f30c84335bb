/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which file servers a new blob goes to: weighted rendezvous hashing in integers. Every server gets
 * a number from (blob id, server number, weight), the lowest win; so servers get blobs in
 * proportion to their weights, and adding or losing one moves only the blobs that it gets or had.
 * Zones come first: no zone has two copies while a zone with a usable server has none, and so on.
 *
 * The choice is made once and stored with the object (object-protocol.md rule 2). It depends on the
 * arguments only: not on the order of the servers, not on the machine. Pure. */
#ifndef GC_CORE_PLACEMENT_H
#define GC_CORE_PLACEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define GC_PLACEMENT_SERVERS_MAX 1024u
#define GC_PLACEMENT_CHOICES_MAX 32u

struct gc_placement_server {
    uint32_t number; /* distinct */
    uint32_t weight; /* 0: gets nothing */
    struct gc_str zone;
    bool usable; /* up, not draining, trusted, with room */
};

struct gc_placement {
    uint64_t epoch; /* of the blob id */
    uint64_t counter;
    const struct gc_placement_server *servers;
    size_t n_servers;
};

/* Choose N servers (<= GC_PLACEMENT_CHOICES_MAX), the best first: numbers to RET_NUMBERS, their
 * count to RET_N; it is less than N when there are not as many usable ones. The choice of fewer is
 * the beginning of the choice of more, so the rest can serve as substitutes. GC_ELIMIT: more than
 * GC_PLACEMENT_SERVERS_MAX servers. */
int gc_placement_choose(const struct gc_placement *placement, size_t n, uint32_t *ret_numbers,
                        size_t *ret_n);

#endif
