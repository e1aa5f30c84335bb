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

/* costs[A] / weight of A < costs[B] / weight of B; the number decides between equals. */
static bool
is_better(const struct gc_placement *placement, const uint64_t *costs, size_t a, size_t b)
{
    const struct gc_placement_server *servers = placement->servers;
    unsigned __int128 left = (unsigned __int128)costs[a] * servers[b].weight;
    unsigned __int128 right = (unsigned __int128)costs[b] * servers[a].weight;
    return left != right ? left < right : servers[a].number < servers[b].number;
}

/* How many of the chosen are in ZONE. */
static unsigned
zone_count(const struct gc_placement *placement, const size_t *chosen, size_t n, struct gc_str zone)
{
    unsigned count = 0;
    for (size_t i = 0; i < n; i++) {
        count += gc_str_eq(placement->servers[chosen[i]].zone, zone);
    }
    return count;
}

/* The best of the least used zones; n_servers when there is none left. */
static size_t
choose_next(const struct gc_placement *placement, const uint64_t *costs, const size_t *chosen,
            size_t n_chosen)
{
    size_t best = placement->n_servers;
    unsigned best_count = 0;
    for (size_t i = 0; i < placement->n_servers; i++) {
        if (costs[i] == 0) {
            continue;
        }
        unsigned count = zone_count(placement, chosen, n_chosen, placement->servers[i].zone);
        if (best == placement->n_servers || count < best_count ||
            (count == best_count && is_better(placement, costs, i, best))) {
            best = i;
            best_count = count;
        }
    }
    return best;
}

int
gc_placement_choose(const struct gc_placement *placement, size_t n, uint32_t *ret_numbers,
                    size_t *ret_n)
{
    uint64_t costs[GC_PLACEMENT_SERVERS_MAX]; /* 0: not to be chosen (any more) */
    size_t chosen[GC_PLACEMENT_CHOICES_MAX];
    size_t n_chosen = 0;

    assert(n <= GC_PLACEMENT_CHOICES_MAX);
    if (placement->n_servers > GC_PLACEMENT_SERVERS_MAX) {
        return GC_ELIMIT;
    }
    for (size_t i = 0; i < placement->n_servers; i++) {
        const struct gc_placement_server *server = &placement->servers[i];
        uint64_t hash = hash_of(placement, server->number);
        bool usable = server->usable && server->weight > 0;
        costs[i] = usable ? minus_log2(hash | 1) : 0;
    }
    while (n_chosen < n) {
        size_t next = choose_next(placement, costs, chosen, n_chosen);
        if (next == placement->n_servers) {
            break;
        }
        costs[next] = 0;
        ret_numbers[n_chosen] = placement->servers[next].number;
        chosen[n_chosen++] = next;
    }
    *ret_n = n_chosen;
    return 0;
}
