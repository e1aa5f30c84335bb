/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/kernel.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FNV_BASIS UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

struct sim_event {
    uint64_t at_us;
    uint64_t seq;
    sim_event_fn fn;
    void *arg;
    uint64_t tag;
};

void
sim_init(struct sim *sim, uint64_t seed)
{
    memset(sim, 0, sizeof(*sim));
    sim->seed = seed;
    sim->trace_hash = FNV_BASIS;
    gc_prng_init(&sim->prng, seed);
    sim->lines = calloc(SIM_TRACE_LINES, sizeof(*sim->lines));
    assert(sim->lines != NULL);
}

void
sim_fini(struct sim *sim)
{
    free(sim->heap);
    free(sim->lines);
}

/* --- the heap --- */

static bool
event_before(const struct sim_event *a, const struct sim_event *b)
{
    return a->at_us < b->at_us || (a->at_us == b->at_us && a->seq < b->seq);
}

static void
heap_swap(struct sim *sim, size_t i, size_t k)
{
    struct sim_event event = sim->heap[i];

    sim->heap[i] = sim->heap[k];
    sim->heap[k] = event;
}

static void
heap_up(struct sim *sim, size_t i)
{
    while (i > 0 && event_before(&sim->heap[i], &sim->heap[(i - 1) / 2])) {
        heap_swap(sim, i, (i - 1) / 2);
        i = (i - 1) / 2;
    }
}

static void
heap_down(struct sim *sim)
{
    size_t i = 0;

    for (;;) {
        size_t least = i;

        for (size_t k = 2 * i + 1; k <= 2 * i + 2 && k < sim->n_heap; k++) {
            if (event_before(&sim->heap[k], &sim->heap[least])) {
                least = k;
            }
        }
        if (least == i) {
            return;
        }
        heap_swap(sim, i, least);
        i = least;
    }
}

void
sim_after(struct sim *sim, uint64_t delay_us, sim_event_fn fn, void *arg, uint64_t tag)
{
    if (sim->n_heap == sim->heap_cap) {
        sim->heap_cap = GC_MAX((size_t)256, 2 * sim->heap_cap);
        sim->heap = realloc(sim->heap, sim->heap_cap * sizeof(*sim->heap));
        assert(sim->heap != NULL);
    }
    sim->heap[sim->n_heap++] = (struct sim_event){
        .at_us = sim->now_us + delay_us,
        .seq = sim->next_seq++,
        .fn = fn,
        .arg = arg,
        .tag = tag,
    };
    heap_up(sim, sim->n_heap - 1);
}

void
sim_run_until(struct sim *sim, uint64_t until_us)
{
    while (!sim->failed && sim->n_heap > 0 && sim->heap[0].at_us <= until_us) {
        struct sim_event event = sim->heap[0];

        sim->heap[0] = sim->heap[--sim->n_heap];
        heap_down(sim);
        assert(event.at_us >= sim->now_us);
        sim->now_us = event.at_us;
        sim->n_events++;
        event.fn(event.arg, event.tag);
    }
    if (!sim->failed) {
        sim->now_us = GC_MAX(sim->now_us, until_us);
    }
}

/* --- random --- */

uint64_t
sim_below(struct sim *sim, uint64_t n)
{
    return gc_prng_below(&sim->prng, n);
}

uint64_t
sim_between(struct sim *sim, uint64_t low, uint64_t high)
{
    return low + gc_prng_below(&sim->prng, high - low + 1);
}

bool
sim_chance(struct sim *sim, unsigned permille)
{
    return gc_prng_below(&sim->prng, 1000) < permille;
}

/* --- trace --- */

static void
trace_line(struct sim *sim, const char *fmt, va_list args)
{
    char *line = sim->lines[sim->n_lines++ % SIM_TRACE_LINES];
    int n = snprintf(line, SIM_TRACE_LINE_MAX, "%10.3f ", (double)sim->now_us / 1e6);

    vsnprintf(line + n, SIM_TRACE_LINE_MAX - (size_t)n, fmt, args);
    for (const char *at = line; *at != '\0'; at++) {
        sim->trace_hash = (sim->trace_hash ^ (uint8_t)*at) * FNV_PRIME;
    }
    if (sim->verbose) {
        printf("%s\n", line);
    }
}

void
sim_trace(struct sim *sim, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    trace_line(sim, fmt, args);
    va_end(args);
}

void
sim_fail(struct sim *sim, const char *fmt, ...)
{
    va_list args;

    if (sim->failed) {
        return;
    }
    sim->failed = true;
    va_start(args, fmt);
    vsnprintf(sim->failure, sizeof(sim->failure), fmt, args);
    va_end(args);
    sim_trace(sim, "FAILED %s", sim->failure);
}

void
sim_report(const struct sim *sim)
{
    uint64_t first = sim->n_lines > SIM_TRACE_LINES ? sim->n_lines - SIM_TRACE_LINES : 0;

    for (uint64_t i = first; i < sim->n_lines; i++) {
        fprintf(stderr, "%s\n", sim->lines[i % SIM_TRACE_LINES]);
    }
    fprintf(stderr, "seed %" PRIu64 ": %s\n", sim->seed, sim->failed ? sim->failure : "ok");
}
