/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/world.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "core/principal.h"

#define CHAOS_US (90 * SECOND_US)
/* Enough for requests to run out, silent epochs to be fenced, the delay of garbage and a few rounds
 * of inventories. */
#define QUIET_US     (150 * SECOND_US)
#define CHECK_US     (5 * SECOND_US)
#define BOOT_US      (20 * SECOND_US)
#define DEAD_WRITER  0u /* does not come back after the chaos: its epoch must be fenced */
#define FAULT_MIN_US (100 * SIM_US_PER_MS)
#define FAULT_MAX_US (3 * SECOND_US)

bool
world_up(const struct world *w, unsigned node)
{
    return w->net.nodes[node].up;
}

void
world_read_begin(struct world *w, struct gc_meta_read *rd, struct gc_arena *arena)
{
    int rc;

    *rd = (struct gc_meta_read){ .meta = &w->meta.meta, .arena = arena };
    rc = gc_kv_begin(w->meta.disk.kv, false, &rd->txn);
    assert(rc == 0);
    (void)rc;
}

void
world_read_end(struct gc_meta_read *rd)
{
    gc_kv_abort(rd->txn);
}

uint64_t
world_state_time_ms(const struct world *w)
{
    return w->time_hint_ms + (w->sim.now_us - w->time_hint_at_us) / SIM_US_PER_MS;
}

struct gc_str
world_key(const struct world *w, unsigned key)
{
    return gc_str_of(w->keys[key]);
}

void
world_request_id(uint64_t serial, uint8_t request_id[GC_META_REQUEST_ID_BYTES])
{
    memset(request_id, 0, GC_META_REQUEST_ID_BYTES);
    gc_put_be64(request_id + 8, serial);
}

/* --- faults --- */

struct fault {
    void (*fn)(struct world *w);
    unsigned weight;
};

static void
on_meta_back(void *arg, uint64_t tag)
{
    struct world *w = arg;

    (void)tag;
    meta_node_start(&w->meta);
    check_state(w);
}

static void
fault_meta(struct world *w)
{
    if (world_up(w, NODE_META)) {
        w->n_crashes++;
        meta_node_crash(&w->meta);
        sim_after(&w->sim, sim_between(&w->sim, 50000, 3 * SECOND_US), on_meta_back, w, 0);
    }
}

static void
on_file_back(void *arg, uint64_t tag)
{
    (void)tag;
    file_node_start(arg);
}

static void
fault_file(struct world *w)
{
    struct file_node *f = &w->files[sim_below(&w->sim, N_FILES)];

    if (world_up(w, f->node)) {
        w->n_crashes++;
        file_node_crash(f);
        sim_after(&w->sim,
                  sim_between(&w->sim, 50000, (sim_chance(&w->sim, 100) ? 20 : 4) * SECOND_US),
                  on_file_back, f, 0);
    }
}

static void
on_writer_back(void *arg, uint64_t tag)
{
    (void)tag;
    writer_node_start(arg);
}

static void
fault_writer(struct world *w)
{
    struct writer_node *wr = &w->writers[sim_below(&w->sim, N_WRITERS)];

    if (world_up(w, wr->node)) {
        w->n_crashes++;
        writer_node_crash(wr);
        sim_after(&w->sim, sim_between(&w->sim, 50000, 4 * SECOND_US), on_writer_back, wr, 0);
    }
}

static void
fault_slow(struct world *w)
{
    struct file_node *f = &w->files[sim_below(&w->sim, N_FILES)];

    f->slow = !f->slow;
}

static void
heal(void *arg, uint64_t node)
{
    struct world *w = arg;

    w->net.nodes[node].group = 0;
}

static void
fault_partition(struct world *w)
{
    uint64_t node = sim_below(&w->sim, N_NODES);

    sim_trace(&w->sim, "node %" PRIu64 " is cut off", node);
    w->net.nodes[node].group = 1 + (unsigned)sim_below(&w->sim, 2);
    /* Sometimes longer than it takes to be fenced. */
    sim_after(&w->sim,
              sim_between(&w->sim, 200000, (sim_chance(&w->sim, 100) ? 40 : 6) * SECOND_US), heal,
              w, node);
}

static void
fault_net(struct world *w)
{
    w->net.faults.loss_permille = (unsigned)sim_below(&w->sim, 60);
    w->net.faults.dup_permille = (unsigned)sim_below(&w->sim, 60);
    w->net.faults.late_permille = (unsigned)sim_below(&w->sim, 100);
}

static void
on_fault_time(void *arg, uint64_t tag)
{
    static const struct fault faults[] = {
        { fault_meta, 2 }, { fault_file, 3 },      { fault_writer, 2 },
        { fault_slow, 2 }, { fault_partition, 2 }, { fault_net, 1 },
    };
    struct world *w = arg;
    unsigned pick = (unsigned)sim_below(&w->sim, 12);
    size_t i = 0;

    (void)tag;
    if (!w->chaos) {
        return;
    }
    while (pick >= faults[i].weight) {
        pick -= faults[i++].weight;
    }
    faults[i].fn(w);
    sim_after(&w->sim, sim_between(&w->sim, FAULT_MIN_US, FAULT_MAX_US), on_fault_time, w, 0);
}

static void
on_check_time(void *arg, uint64_t tag)
{
    struct world *w = arg;

    (void)tag;
    if (world_up(w, NODE_META)) { /* else the oracle has what the crash took */
        check_state(w);
    }
    sim_after(&w->sim, CHECK_US, on_check_time, w, 0);
}

/* --- the run --- */

/* Names of all lengths around the limits of the index. */
static void
keys_init(struct world *w)
{
    static const size_t lens[] = { 1, 5, 20, 479, 480, 700, 958, 1024 };

    for (unsigned key = 0; key < N_KEYS; key++) {
        size_t len = GC_MAX(lens[key % GC_ARRAY_LEN(lens)], (size_t)4);

        memset(w->keys[key], 'k', len);
        snprintf(w->keys[key] + len - 3, 4, "%03u", key);
    }
}

static void
world_init(struct world *w, uint64_t seed, bool verbose)
{
    memset(w, 0, sizeof(*w));
    sim_init(&w->sim, seed);
    w->sim.verbose = verbose;
    sim_net_init(&w->net, &w->sim);
    w->net.faults = (struct sim_net_faults){
        .loss_permille = 10,
        .dup_permille = 10,
        .late_permille = 5,
        .delay_min_us = 100,
        .delay_max_us = 5000,
        .late_max_us = 25 * SECOND_US,
    };
    w->next_serial = 1;
    w->next_tag = 1;
    w->next_content = 1;
    w->time_hint_ms = WALL_0;
    keys_init(w);
    meta_node_init(w);
    for (unsigned i = 0; i < N_FILES; i++) {
        file_node_init(w, i);
    }
    for (unsigned i = 0; i < N_WRITERS; i++) {
        writer_node_init(w, i);
    }
}

static void
world_fini(struct world *w)
{
    for (unsigned i = 0; i < N_WRITERS; i++) {
        writer_node_fini(&w->writers[i]);
    }
    for (unsigned i = 0; i < N_FILES; i++) {
        file_node_fini(&w->files[i]);
    }
    meta_node_fini(w);
    oracle_fini(w);
    sim_net_fini(&w->net);
    sim_fini(&w->sim);
}

static void
bucket_create(struct world *w)
{
    struct gc_meta_command cmd = {
        .op = GC_META_OP_CREATE_BUCKET,
        .expires_at_ms = WALL_0 + TTL_MS,
        .principal = GC_STR("alice"),
        .role = GC_ROLE_DATA,
    };
    struct gc_meta_bucket bucket = { .id = 0 };
    struct gc_arena arena;
    struct gc_meta_read rd;

    world_request_id(w->next_serial++, cmd.request_id);
    cmd.u.create_bucket.name = GC_STR("bucket");
    meta_node_propose(&w->meta, &cmd);
    sim_run_until(&w->sim, w->sim.now_us + SECOND_US);
    gc_arena_init(&arena, 4096);
    world_read_begin(w, &rd, &arena);
    (void)gc_meta_find_bucket(&rd, GC_STR("bucket"), &bucket);
    world_read_end(&rd);
    gc_arena_fini(&arena);
    w->bucket_id = bucket.id;
    if (bucket.id == 0) {
        sim_fail(&w->sim, "no bucket");
    }
}

static void
world_boot(struct world *w)
{
    meta_node_start(&w->meta);
    for (unsigned i = 0; i < N_FILES; i++) {
        file_node_start(&w->files[i]);
    }
    for (unsigned i = 0; i < N_WRITERS; i++) {
        writer_node_start(&w->writers[i]);
    }
    bucket_create(w);
    for (unsigned i = 0; i < N_CLIENTS; i++) {
        client_node_init(w, i);
    }
}

/* No more faults and no new work; one writer is dead for good. */
static void
world_calm(struct world *w)
{
    sim_trace(&w->sim, "calm");
    w->chaos = false;
    w->net.faults.loss_permille = 0;
    w->net.faults.dup_permille = 0;
    w->net.faults.late_permille = 0;
    for (unsigned node = 0; node < N_NODES; node++) {
        w->net.nodes[node].group = 0;
    }
    for (unsigned i = 0; i < N_FILES; i++) {
        w->files[i].slow = false;
    }
}

bool
world_run(uint64_t seed, bool verbose, uint64_t *ret_trace, struct world *ret_counts)
{
    struct world *w = malloc(sizeof(*w));
    bool ok;

    assert(w != NULL);
    world_init(w, seed, verbose);
    world_boot(w);
    w->chaos = true;
    sim_after(&w->sim, FAULT_MAX_US, on_fault_time, w, 0);
    sim_after(&w->sim, CHECK_US, on_check_time, w, 0);
    sim_run_until(&w->sim, w->sim.now_us + CHAOS_US);
    world_calm(w);
    sim_run_until(&w->sim, w->sim.now_us + BOOT_US); /* all are back */
    if (!w->sim.failed) {
        writer_node_crash(&w->writers[DEAD_WRITER]);
    }
    sim_run_until(&w->sim, w->sim.now_us + QUIET_US);
    if (!w->sim.failed) {
        check_quiet(w);
    }
    ok = !w->sim.failed;
    if (!ok) {
        sim_report(&w->sim);
    }
    if (ret_trace != NULL) {
        *ret_trace = w->sim.trace_hash;
    }
    if (ret_counts != NULL) {
        *ret_counts = *w; /* for its numbers only */
    }
    world_fini(w);
    free(w);
    return ok;
}
