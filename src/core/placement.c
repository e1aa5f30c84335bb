/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The method: hash (blob, server) to a uniform u in (0, 1]; -log(u) / weight is then exponentially
 * distributed with rate weight, and the least of several such numbers belongs to each in proportion
 * to its weight. The logarithm is computed bit by bit in fixed point, the quotients are compared by
 * cross multiplication: every machine gets the same. */
#include "core/placement.h"

#include <assert.h>

#include "base/err.h"

#define LOG_FRACTION_BITS 40

static uint64_t
mix(uint64_t v)
{
    v ^= v >> 30;
    v *= 0xbf58476d1ce4e5b9u;
    v ^= v >> 27;
    v *= 0x94d049bb133111ebu;
    return v ^ (v >> 31);
}

static uint64_t
hash_of(const struct gc_placement *placement, uint32_t number)
{
    uint64_t h = mix(placement->epoch + 0x9e3779b97f4a7c15u);
    h = mix(h ^ (placement->counter + 0x3c6ef372fe94f82au));
    return mix(h ^ (number + 0xdaa66d2c7ddf743fu));
}

/* -log2(v / 2^64) with LOG_FRACTION_BITS fractional bits, at least 1. V > 0. */
static uint64_t
minus_log2(uint64_t v)
{
    unsigned zeros = (unsigned)__builtin_clzll(v);
    uint64_t x = v << zeros; /* in [1, 2) with 63 fractional bits */
    uint64_t log = (uint64_t)(63 - zeros);
    for (int i = 0; i < LOG_FRACTION_BITS; i++) {
        unsigned __int128 square = (unsigned __int128)x * x; /* in [1, 4), 126 fractional bits */
        unsigned two = (unsigned)(square >> 127);
        x = (uint64_t)(square >> (63 + two));
        log = log << 1 | two;
    }
    return ((uint64_t)64 << LOG_FRACTION_BITS) - log;
}

struct candidate {
    uint64_t cost;        /* to be divided by the weight; 0: not to be chosen (any more) */
    unsigned zone_copies; /* chosen so far in its zone */
};

/* Whether A is to be chosen before B: the less used zone, then the lower cost / weight; the number
 * decides between equals. */
static bool
is_before(const struct gc_placement *placement, const struct candidate *candidates, size_t a,
          size_t b)
{
    const struct gc_placement_server *servers = placement->servers;
    if (candidates[a].zone_copies != candidates[b].zone_copies) {
        return candidates[a].zone_copies < candidates[b].zone_copies;
    }
    unsigned __int128 left = (unsigned __int128)candidates[a].cost * servers[b].weight;
    unsigned __int128 right = (unsigned __int128)candidates[b].cost * servers[a].weight;
    return left != right ? left < right : servers[a].number < servers[b].number;
}

/* n_servers when there is none left. */
static size_t
choose_next(const struct gc_placement *placement, const struct candidate *candidates)
{
    size_t best = placement->n_servers;
    for (size_t i = 0; i < placement->n_servers; i++) {
        if (candidates[i].cost != 0 &&
            (best == placement->n_servers || is_before(placement, candidates, i, best))) {
            best = i;
        }
    }
    return best;
}

static void
count_zone(const struct gc_placement *placement, struct candidate *candidates, struct gc_str zone)
{
    for (size_t i = 0; i < placement->n_servers; i++) {
        candidates[i].zone_copies += gc_str_eq(placement->servers[i].zone, zone);
    }
}

int
gc_placement_choose(const struct gc_placement *placement, size_t n, uint32_t *ret_numbers,
                    size_t *ret_n)
{
    struct candidate candidates[GC_PLACEMENT_SERVERS_MAX];
    size_t n_chosen = 0;

    assert(n <= GC_PLACEMENT_CHOICES_MAX);
    if (placement->n_servers > GC_PLACEMENT_SERVERS_MAX) {
        return GC_ELIMIT;
    }
    for (size_t i = 0; i < placement->n_servers; i++) {
        const struct gc_placement_server *server = &placement->servers[i];
        bool usable = server->usable && server->weight > 0;
        candidates[i].cost = usable ? minus_log2(hash_of(placement, server->number) | 1) : 0;
        candidates[i].zone_copies = 0;
    }
    while (n_chosen < n) {
        size_t next = choose_next(placement, candidates);
        if (next == placement->n_servers) {
            break;
        }
        candidates[next].cost = 0;
        ret_numbers[n_chosen++] = placement->servers[next].number;
        count_zone(placement, candidates, placement->servers[next].zone);
    }
    *ret_n = n_chosen;
    return 0;
}
