/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The simulator's kernel: virtual time, an event heap, random numbers from one seed, and a trace of
 * what happened with a hash. Nothing here or above it may depend on anything but the seed, so the
 * same seed gives the same trace hash, and a failing seed can be run again and read.
 *
 * One thread. Memory failures stop the process. */
#ifndef GC_TESTS_SIM_KERNEL_H
#define GC_TESTS_SIM_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "base/random.h"

#define SIM_US_PER_MS      1000u
#define SIM_TRACE_LINES    400u /* kept for the report of a failure */
#define SIM_TRACE_LINE_MAX 160u

typedef void (*sim_event_fn)(void *arg, uint64_t tag);

struct sim_event;

struct sim {
    uint64_t seed;
    uint64_t now_us;
    struct gc_prng prng;
    bool verbose; /* print the trace as it comes */
    bool failed;
    char failure[256];
    uint64_t n_events;
    uint64_t trace_hash;
    /* Private to kernel.c. */
    struct sim_event *heap;
    size_t n_heap;
    size_t heap_cap;
    uint64_t next_seq;
    char (*lines)[SIM_TRACE_LINE_MAX];
    uint64_t n_lines;
};

void sim_init(struct sim *sim, uint64_t seed);
void sim_fini(struct sim *sim);

/* Call FN(ARG, TAG) DELAY_US from now. Events of one moment run in the order in which they were
 * made. There is no cancelling: FN looks at TAG (a life, a request number) to see whether it is
 * still wanted. */
void sim_after(struct sim *sim, uint64_t delay_us, sim_event_fn fn, void *arg, uint64_t tag);
/* Run events up to and including the moment UNTIL_US, or to the first failure. */
void sim_run_until(struct sim *sim, uint64_t until_us);

uint64_t sim_below(struct sim *sim, uint64_t n); /* 0..N-1; N > 0 */
uint64_t sim_between(struct sim *sim, uint64_t low, uint64_t high);
bool sim_chance(struct sim *sim, unsigned permille);

/* One line of the trace; goes into the hash with its time. */
void sim_trace(struct sim *sim, const char *fmt, ...) GC_PRINTF(2, 3);
/* A check did not hold: keeps the first, ends the run. */
void sim_fail(struct sim *sim, const char *fmt, ...) GC_PRINTF(2, 3);
/* The last lines of the trace and the failure, to stderr. */
void sim_report(const struct sim *sim);

#endif
