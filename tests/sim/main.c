/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gc-sim [--seed N] [--seeds COUNT] [--trace]: seeds N .. N + COUNT - 1 (default: 1, 120 of them).
 * The first is run twice: its trace must be the same. A failure prints the last lines of the trace
 * and the seed that gives it again. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "tests/sim/world.h"

#define SEEDS_DEFAULT 120u

struct totals {
    uint64_t events;
    uint64_t entries;
    uint64_t acked;
    uint64_t reads;
    uint64_t refused;
    uint64_t fenced;
    uint64_t crashes;
};

static void
totals_add(struct totals *totals, const struct world *w)
{
    totals->events += w->sim.n_events;
    totals->entries += w->oracle.n_entries;
    totals->acked += w->n_acked;
    totals->reads += w->n_reads;
    totals->refused += w->n_refused;
    totals->fenced += w->n_fenced;
    totals->crashes += w->n_crashes;
}

static int
usage(void)
{
    fprintf(stderr, "usage: gc-sim [--seed N] [--seeds COUNT] [--trace]\n");
    return 2;
}

int
main(int argc, char **argv)
{
    struct world *counts = malloc(sizeof(*counts));
    struct totals totals = { 0 };
    uint64_t first = 1;
    uint64_t n = SEEDS_DEFAULT;
    uint64_t trace;
    uint64_t again;
    bool verbose = false;
    bool ok = counts != NULL;

    for (int i = 1; i < argc; i++) {
        uint64_t *number = strcmp(argv[i], "--seed") == 0    ? &first
                           : strcmp(argv[i], "--seeds") == 0 ? &n
                                                             : NULL;

        if (strcmp(argv[i], "--trace") == 0) {
            verbose = true;
        } else if (number == NULL || ++i == argc ||
                   gc_str_u64(gc_str_of(argv[i]), UINT32_MAX, number) != 0) {
            free(counts);
            return usage();
        }
    }
    for (uint64_t seed = first; ok && seed < first + n; seed++) {
        ok = world_run(seed, verbose, &trace, counts);
        totals_add(&totals, counts);
        if (ok && seed == first && !verbose) {
            ok = world_run(seed, false, &again, NULL) && again == trace;
            if (!ok) {
                fprintf(stderr, "seed %" PRIu64 ": the second run went another way\n", seed);
            }
        }
    }
    printf("%s: seeds %" PRIu64 "..%" PRIu64 ", events %" PRIu64 ", entries %" PRIu64
           ", acknowledged %" PRIu64 ", refused %" PRIu64 ", reads %" PRIu64 ", crashes %" PRIu64
           ", fenced %" PRIu64 "\n",
           ok ? "ok" : "FAILED", first, first + n - 1, totals.events, totals.entries, totals.acked,
           totals.refused, totals.reads, totals.crashes, totals.fenced);
    free(counts);
    return ok ? 0 : 1;
}
