/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The translation node: the real core of the log over the real state machine. A batch is committed
 * at once but durable only after a sync that takes time; reads wait for it, a crash loses it. What
 * the leader knows besides (who was heard when) is in memory only. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "tests/sim/world.h"
#include "translation/machine.h"

#define QUEUE_MAX    256u
#define BATCH_MAX    32u
#define TICK_US      (200 * SIM_US_PER_MS)
#define IDLE_US      (2 * SECOND_US)
#define SERVERS_PAGE 64u

static const char *const tables[] = { GC_CONSENSUS_TABLE_NAMES, GC_META_TABLE_NAMES, NULL };
static const bool int_keys[GC_CONSENSUS_N_TABLES + GC_META_N_TABLES] = { true };

static struct gc_consensus_now
meta_now(const struct meta_node *m)
{
    uint64_t now_us = m->w->sim.now_us;

    return (struct gc_consensus_now){
        .mono_ms = (now_us - m->boot_us) / SIM_US_PER_MS,
        .wall_ms = (uint64_t)((int64_t)(WALL_0 + now_us / SIM_US_PER_MS) + m->wall_skew_ms),
    };
}

static void
core_open(struct meta_node *m)
{
    const struct gc_consensus_core_conf conf = {
        .kv = m->disk.kv,
        .table0 = 0,
        .machine = gc_machine(&m->meta), /* the one that translation runs */
        .log_keep_entries = 64,
        .log_keep_bytes = 64u << 10,
    };
    struct gc_consensus_now now = meta_now(m);
    int rc = gc_consensus_core_open(&m->core, &conf, &now);

    if (rc != 0) {
        sim_fail(&m->w->sim, "the log does not open: %s", gc_err_name(rc));
    }
}

/* --- proposals --- */

static void
prop_answer(struct meta_node *m, const struct prop *prop)
{
    struct sim_msg *msg;

    if (prop->result.op == GC_META_OP_REGISTER_SERVER && prop->result.err == GC_API_OK) {
        m->servers[prop->result.number % HEARD_MAX].at_us = m->w->sim.now_us; /* a full lease */
    }
    if (prop->from == NODE_META) {
        return;
    }
    msg = sim_msg_new(MSG_RESULT, NODE_META, prop->from, &prop->result, sizeof(prop->result));
    msg->tag = prop->tag;
    sim_net_send(&m->w->net, msg);
}

static void batch_start(struct meta_node *m);
static void meta_deliver(void *arg, const struct sim_msg *msg);

static void
list_free(struct gc_list *list)
{
    struct gc_list *node;

    while ((node = gc_list_pop(list)) != NULL) {
        free(gc_container_of(node, struct prop, node));
    }
}

/* Reads that waited; their node list holds a copy of the message behind a prop. */
static void
waiting_run(struct meta_node *m)
{
    struct gc_list *node;

    while (!m->disk.syncing && (node = gc_list_pop(&m->waiting)) != NULL) {
        struct prop *copy = gc_container_of(node, struct prop, node);
        const void *msg = copy->data;

        meta_deliver(m, msg);
        free(copy);
    }
}

static void
on_batch_durable(void *arg)
{
    struct meta_node *m = arg;
    struct gc_list *node;

    oracle_synced(m->w, m->batch_index);
    while ((node = gc_list_pop(&m->batch)) != NULL) {
        struct prop *prop = gc_container_of(node, struct prop, node);

        prop_answer(m, prop);
        free(prop);
    }
    waiting_run(m);
    batch_start(m);
}

/* One entry of what waits; with nothing waiting only when FORCE-d by an idle tick. */
static void
entry_run(struct meta_node *m)
{
    struct gc_consensus_op ops[BATCH_MAX];
    struct gc_consensus_now now = meta_now(m);
    struct gc_list *node;
    size_t n = 0;
    int rc;

    while (n < BATCH_MAX && (node = gc_list_pop(&m->queue)) != NULL) {
        struct prop *prop = gc_container_of(node, struct prop, node);

        gc_list_push(&m->batch, &prop->node);
        ops[n++] = (struct gc_consensus_op){ prop->data, prop->len, &prop->result };
        m->n_queue--;
    }
    sim_disk_hold(&m->disk);
    rc = gc_consensus_core_run(&m->core, &now, ops, n, &m->batch_index);
    if (rc != 0) {
        sim_fail(&m->w->sim, "an entry failed: %s", gc_err_name(rc));
        return;
    }
    m->last_entry_us = m->w->sim.now_us;
    sim_trace(&m->w->sim, "meta entry %" PRIu64 " n=%zu time=%" PRIu64, m->batch_index, n,
              m->core.time_ms - WALL_0);
    oracle_entry(m->w, m->batch_index, &m->batch);
    sim_disk_sync(&m->disk, on_batch_durable, m);
}

static void
batch_start(struct meta_node *m)
{
    if (!m->disk.syncing && !gc_list_empty(&m->queue) && !m->w->sim.failed) {
        entry_run(m);
    }
}

static void
propose(struct meta_node *m, unsigned from, uint64_t tag, const void *data, size_t len)
{
    struct prop *prop;

    if (m->n_queue >= QUEUE_MAX) {
        return; /* as if it were lost; the proposer asks again */
    }
    prop = calloc(1, sizeof(*prop) + len);
    assert(prop != NULL);
    prop->from = from;
    prop->tag = tag;
    prop->len = len;
    memcpy(prop->data, data, len);
    gc_list_push(&m->queue, &prop->node);
    m->n_queue++;
}

void
meta_node_propose(struct meta_node *m, const struct gc_meta_command *cmd)
{
    struct gc_buf buf;
    int rc;

    gc_buf_init(&buf, GC_META_COMMAND_BYTES_MAX);
    rc = gc_meta_command_encode(cmd, &buf);
    assert(rc == 0);
    (void)rc;
    propose(m, NODE_META, 0, buf.data, buf.len);
    gc_buf_fini(&buf);
    batch_start(m);
}

/* --- reads --- */

static void
answer(struct meta_node *m, const struct sim_msg *to, unsigned type, const void *data, size_t len,
       uint64_t a)
{
    struct sim_msg *msg = sim_msg_new(type, NODE_META, to->from, data, len);

    msg->tag = to->tag;
    msg->a = a;
    sim_net_send(&m->w->net, msg);
}

static void
on_outcome(struct meta_node *m, const struct sim_msg *msg)
{
    const struct gc_meta_command barrier = { .op = GC_META_OP_BARRIER };
    uint8_t request_id[GC_META_REQUEST_ID_BYTES];
    enum outcome outcome = OUTCOME_KNOWN;
    struct gc_meta_result result = { .err = GC_API_OK };
    struct gc_meta_state state;
    struct gc_meta_read rd;
    int rc;

    world_request_id(msg->a, request_id);
    world_read_begin(m->w, &rd, NULL);
    rc = gc_meta_get_outcome(&rd, request_id, &result);
    (void)gc_meta_get_state(&rd, &state);
    world_read_end(&rd);
    if (rc == GC_ENOTFOUND && state.time_ms > msg->b + GC_META_RESULT_GRACE_MS) {
        outcome = OUTCOME_FORGOTTEN;
    } else if (rc == GC_ENOTFOUND && state.time_ms > msg->b) {
        outcome = OUTCOME_NEVER;
    } else if (rc == GC_ENOTFOUND) {
        outcome = OUTCOME_WAIT;
    }
    answer(m, msg, MSG_OUTCOME_R, &result, sizeof(result), outcome);
    if (outcome == OUTCOME_WAIT) {
        meta_node_propose(m, &barrier);
    }
}

static void
on_lookup(struct meta_node *m, const struct sim_msg *msg)
{
    struct found found = { .n_extents = 0 };
    struct gc_meta_object object;
    struct gc_meta_state state;
    struct gc_arena arena;
    struct gc_meta_read rd;
    struct sim_msg *reply;
    int rc;

    gc_arena_init(&arena, 1u << 20);
    world_read_begin(m->w, &rd, &arena);
    rc = gc_meta_get_object(&rd, m->w->bucket_id, world_key(m->w, (unsigned)msg->a), &object);
    (void)gc_meta_get_state(&rd, &state);
    world_read_end(&rd);
    if (rc == 0) {
        memcpy(&found.content, object.md5, sizeof(found.content));
        found.length = object.length;
        found.n_extents = object.n_extents;
        for (size_t i = 0; i < object.n_extents; i++) {
            found.extents[i] = object.extents[i];
        }
    }
    reply = sim_msg_new(MSG_LOOKUP_R, NODE_META, msg->from, &found, sizeof(found));
    reply->tag = msg->tag;
    reply->a = rc == 0;
    reply->b = rc == 0 ? object.version : 0;
    reply->c = state.applied_index;
    sim_net_send(&m->w->net, reply);
    gc_arena_fini(&arena);
}

static void
on_inventory(struct meta_node *m, const struct sim_msg *msg)
{
    const struct gc_blob_id *ids = (const void *)msg->data;
    struct gc_blob_id garbage[INVENTORY_MAX];
    struct gc_meta_read rd;
    size_t n = 0;

    world_read_begin(m->w, &rd, NULL);
    for (size_t i = 0; i < msg->len / sizeof(*ids); i++) {
        enum gc_meta_blob_state state = GC_META_BLOB_UNDECIDED;

        (void)gc_meta_get_blob(&rd, &ids[i], &state);
        if (state == GC_META_BLOB_GARBAGE) {
            garbage[n++] = ids[i];
        }
    }
    world_read_end(&rd);
    if (n > 0) {
        answer(m, msg, MSG_INVENTORY_R, garbage, n * sizeof(*garbage), 0);
    }
}

/* --- file servers and writers --- */

static void
on_heartbeat(struct meta_node *m, const struct sim_msg *msg)
{
    struct heard *heard = &m->servers[msg->a % HEARD_MAX];
    struct gc_meta_command ack = { .op = GC_META_OP_GC_ACK };
    struct gc_meta_gc_row rows[GC_PAGE];
    struct gc_meta_server server;
    struct gc_arena arena;
    struct gc_meta_read rd;
    bool again;
    size_t n = 0;

    gc_arena_init(&arena, 1u << 16);
    world_read_begin(m->w, &rd, &arena);
    again = gc_meta_get_server(&rd, (uint32_t)msg->a, &server) != 0 ||
            server.incarnation != msg->b || server.state == GC_META_SERVER_DOWN;
    if (!again) {
        heard->at_us = m->w->sim.now_us;
        heard->durable_seq = GC_MAX(heard->durable_seq, msg->tag);
        (void)gc_meta_list_gc(&rd, (uint32_t)msg->a, 0, 1, rows, &n);
        ack.u.gc_ack.server = n > 0 && rows[0].seq <= msg->c ? (uint32_t)msg->a : 0;
        ack.u.gc_ack.upto = msg->c;
        (void)gc_meta_list_gc(&rd, (uint32_t)msg->a, msg->c, GC_PAGE, rows, &n);
    }
    world_read_end(&rd);
    gc_arena_fini(&arena);
    answer(m, msg, MSG_HEARTBEAT_R, rows, n * sizeof(*rows), again);
    if (ack.u.gc_ack.server != 0) {
        meta_node_propose(m, &ack);
    }
}

static void
on_register(struct meta_node *m, const struct sim_msg *msg)
{
    struct gc_meta_command cmd = { .op = GC_META_OP_REGISTER_SERVER };
    struct file_identity id;
    char node[8];
    struct gc_buf buf;

    memcpy(&id, msg->data, sizeof(id));
    snprintf(node, sizeof(node), "f%u", id.file);
    cmd.u.register_server.node = gc_str_of(node);
    cmd.u.register_server.address = GC_STR("sim:1");
    cmd.u.register_server.zone = GC_STR("z");
    cmd.u.register_server.weight = 1;
    memcpy(cmd.u.register_server.store_uuid, id.uuid, sizeof(id.uuid));
    cmd.u.register_server.generation = id.generation;
    cmd.u.register_server.durable_seq = id.durable_seq;
    gc_buf_init(&buf, 4096);
    (void)gc_meta_command_encode(&cmd, &buf);
    propose(m, msg->from, id.life, buf.data, buf.len);
    gc_buf_fini(&buf);
    batch_start(m);
}

static void
on_ping(struct meta_node *m, const struct sim_msg *msg)
{
    struct gc_meta_command cmd = { .op = GC_META_OP_SET_WATERMARK };
    struct gc_meta_epoch epoch;
    struct gc_meta_read rd;
    int rc;

    m->epochs[msg->a % HEARD_MAX].at_us = m->w->sim.now_us;
    world_read_begin(m->w, &rd, NULL);
    rc = gc_meta_get_epoch(&rd, msg->a, &epoch);
    world_read_end(&rd);
    if (rc == 0 && !epoch.fenced && epoch.watermark < msg->b) {
        cmd.u.set_watermark.epoch = msg->a;
        cmd.u.set_watermark.counter = msg->b;
        meta_node_propose(m, &cmd);
    }
}

static void
read_wait(struct meta_node *m, const struct sim_msg *msg)
{
    size_t len = sizeof(*msg) + msg->len;
    struct prop *copy = calloc(1, sizeof(*copy) + len);

    assert(copy != NULL);
    memcpy(copy->data, msg, len);
    gc_list_push(&m->waiting, &copy->node);
}

static void
meta_deliver(void *arg, const struct sim_msg *msg)
{
    struct meta_node *m = arg;

    if (msg->type == MSG_PROPOSE) {
        propose(m, msg->from, msg->tag, msg->data, msg->len);
        batch_start(m);
        return;
    }
    if (m->disk.syncing) {
        read_wait(m, msg); /* what it would see is not durable yet */
        return;
    }
    switch (msg->type) {
    case MSG_OUTCOME:
        on_outcome(m, msg);
        break;
    case MSG_LOOKUP:
        on_lookup(m, msg);
        break;
    case MSG_INVENTORY:
        on_inventory(m, msg);
        break;
    case MSG_HEARTBEAT:
        on_heartbeat(m, msg);
        break;
    case MSG_REGISTER:
        on_register(m, msg);
        break;
    case MSG_PING:
        on_ping(m, msg);
        break;
    default:
        break;
    }
}

/* --- silence --- */

static void
fence_silent(struct meta_node *m, const struct gc_meta_read *rd)
{
    struct gc_meta_command cmd = { .op = GC_META_OP_FENCE_EPOCH };
    struct gc_meta_epoch epochs[16];
    size_t n = 0;

    (void)gc_meta_list_epochs(rd, 0, 16, epochs, &n);
    for (size_t i = 0; i < n; i++) {
        struct heard *heard = &m->epochs[epochs[i].epoch % HEARD_MAX];

        if (m->w->sim.now_us - GC_MAX(heard->at_us, m->boot_us) > FENCE_US &&
            heard->proposed != epochs[i].epoch) {
            heard->proposed = epochs[i].epoch;
            cmd.u.fence_epoch.epoch = epochs[i].epoch;
            sim_trace(&m->w->sim, "meta fences epoch %" PRIu64, epochs[i].epoch);
            m->w->n_fenced++;
            meta_node_propose(m, &cmd);
        }
    }
}

static void
report_silent(struct meta_node *m, const struct gc_meta_read *rd)
{
    struct gc_meta_command cmd = { .op = GC_META_OP_SERVER_DOWN };
    struct gc_meta_server servers[SERVERS_PAGE];
    size_t n = 0;

    (void)gc_meta_list_servers(rd, 0, SERVERS_PAGE, servers, &n);
    for (size_t i = 0; i < n; i++) {
        struct heard *heard = &m->servers[servers[i].number % HEARD_MAX];

        if (servers[i].state == GC_META_SERVER_UP &&
            m->w->sim.now_us - GC_MAX(heard->at_us, m->boot_us) > LEASE_US &&
            heard->proposed != servers[i].incarnation) {
            heard->proposed = servers[i].incarnation;
            cmd.u.server_down.number = servers[i].number;
            cmd.u.server_down.incarnation = servers[i].incarnation;
            meta_node_propose(m, &cmd);
        }
    }
}

static void
on_tick(void *arg, uint64_t tag)
{
    struct meta_node *m = arg;
    struct gc_arena arena;
    struct gc_meta_read rd;

    if (tag != m->life) {
        return;
    }
    sim_after(&m->w->sim, TICK_US, on_tick, m, tag);
    if (m->disk.syncing) {
        return;
    }
    gc_arena_init(&arena, 1u << 20);
    world_read_begin(m->w, &rd, &arena);
    fence_silent(m, &rd);
    report_silent(m, &rd);
    world_read_end(&rd);
    gc_arena_fini(&arena);
    if (!m->disk.syncing && m->core.room < GC_META_DEDUP_MAX &&
        m->w->sim.now_us - m->last_entry_us > IDLE_US) {
        entry_run(m); /* only time goes on */
    }
}

/* --- life --- */

void
meta_node_start(struct meta_node *m)
{
    m->boot_us = m->w->sim.now_us;
    m->wall_skew_ms = (int64_t)sim_below(&m->w->sim, 6000) - 3000;
    memset(m->servers, 0, sizeof(m->servers)); /* a new leader grants everyone a full lease */
    memset(m->epochs, 0, sizeof(m->epochs));
    core_open(m);
    oracle_restart(m->w, m->core.last_index);
    m->w->net.nodes[NODE_META].up = true;
    sim_trace(&m->w->sim, "meta starts, last=%" PRIu64 " term=%" PRIu64, m->core.last_index,
              m->core.term);
    sim_after(&m->w->sim, TICK_US, on_tick, m, m->life);
}

void
meta_node_crash(struct meta_node *m)
{
    sim_trace(&m->w->sim, "meta crashes%s", m->disk.syncing ? " in a sync" : "");
    m->life++;
    m->w->net.nodes[NODE_META].up = false;
    gc_consensus_core_close(&m->core);
    sim_disk_crash(&m->disk);
    list_free(&m->queue);
    list_free(&m->batch);
    list_free(&m->waiting);
    m->n_queue = 0;
}

void
meta_node_init(struct world *w)
{
    static const uint8_t cluster_id[16] = "simulated";
    const struct gc_kv_conf conf = { .tables = tables, .int_keys = int_keys };
    struct meta_node *m = &w->meta;
    struct gc_kv_txn *txn;
    int rc;

    m->w = w;
    gc_list_init(&m->queue);
    gc_list_init(&m->batch);
    gc_list_init(&m->waiting);
    sim_disk_open(&m->disk, &w->sim, &conf);
    rc = gc_meta_init(&m->meta, GC_CONSENSUS_N_TABLES);
    if (rc == 0) {
        rc = gc_kv_begin(m->disk.kv, true, &txn);
    }
    if (rc == 0) {
        rc = gc_meta_create(&m->meta, txn, cluster_id, WALL_0);
    }
    if (rc == 0) {
        rc = gc_kv_commit(txn);
    }
    assert(rc == 0);
    w->net.nodes[NODE_META].deliver = meta_deliver;
    w->net.nodes[NODE_META].arg = m;
}

void
meta_node_fini(struct world *w)
{
    struct meta_node *m = &w->meta;

    if (world_up(w, NODE_META)) {
        meta_node_crash(m);
    }
    gc_meta_fini(&m->meta);
    sim_disk_close(&m->disk);
}
