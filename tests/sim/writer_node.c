/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A model translation process: takes operations of clients, writes blobs to file servers, proposes
 * the command once each blob has its quorum, and asks again until it has an outcome. Its ids are
 * undecided until then; the watermark that it reports is the lowest of them. A crash forgets
 * everything, the next start asks for a new epoch. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "core/principal.h"
#include "tests/sim/world.h"

#define OPS_MAX       16u
#define GRANT_TAG     (UINT64_C(1) << 63)
#define TICK_US       (300 * SIM_US_PER_MS)
#define PING_TICKS    5u
#define ENOUGH_US     (400 * SIM_US_PER_MS) /* then the quorum is enough */
#define WRITE_GIVE_UP (6 * SECOND_US)

static struct sim_msg *
message(const struct writer_node *wr, unsigned type, unsigned to, const void *data, size_t len)
{
    return sim_msg_new(type, wr->node, to, data, len);
}

static void
propose(struct writer_node *wr, const struct gc_meta_command *cmd, uint64_t tag)
{
    struct sim_msg *msg;
    struct gc_buf buf;
    int rc;

    gc_buf_init(&buf, GC_META_COMMAND_BYTES_MAX);
    rc = gc_meta_command_encode(cmd, &buf);
    assert(rc == 0);
    (void)rc;
    msg = message(wr, MSG_PROPOSE, NODE_META, buf.data, buf.len);
    msg->tag = tag;
    gc_buf_fini(&buf);
    sim_net_send(&wr->w->net, msg);
}

/* What a follower would know by reading its own state. */
static void
view_refresh(struct writer_node *wr)
{
    struct gc_meta_server servers[N_FILES * 2];
    struct gc_meta_bucket bucket;
    struct gc_arena arena;
    struct gc_meta_read rd;
    size_t n = 0;

    if (!world_up(wr->w, NODE_META) || wr->w->meta.disk.syncing) {
        return;
    }
    gc_arena_init(&arena, 1u << 16);
    world_read_begin(wr->w, &rd, &arena);
    if (gc_meta_get_bucket(&rd, wr->w->bucket_id, &bucket) == 0) {
        wr->copies = bucket.copies;
        wr->quorum = bucket.quorum;
    }
    (void)gc_meta_list_servers(&rd, 0, N_FILES * 2, servers, &n);
    wr->n_servers = 0;
    for (size_t i = 0; i < n && wr->n_servers < N_FILES; i++) {
        if (servers[i].state == GC_META_SERVER_UP) {
            wr->server_nodes[wr->n_servers] = (unsigned)strtoul(servers[i].node.data + 1, NULL, 10);
            wr->servers[wr->n_servers++] = servers[i].number;
        }
    }
    world_read_end(&rd);
    gc_arena_fini(&arena);
}

static unsigned
node_of(const struct writer_node *wr, uint32_t number)
{
    for (size_t i = 0; i < wr->n_servers; i++) {
        if (wr->servers[i] == number) {
            return wr->server_nodes[i];
        }
    }
    return NODE_META; /* it went away meanwhile; nobody there takes blobs */
}

/* --- operations --- */

static void
op_answer(struct writer_node *wr, const struct op *op, enum gc_api_err err, uint64_t index)
{
    struct sim_msg *msg = message(wr, MSG_OP_R, op->client, NULL, 0);

    msg->tag = op->client_tag;
    msg->a = err;
    msg->b = index;
    sim_net_send(&wr->w->net, msg);
}

static void
op_end(struct op *op)
{
    gc_list_remove(&op->node);
    free(op);
}

static struct gc_meta_command
op_command(const struct op *op, struct world *w)
{
    const struct op_request *request = &op->request;
    struct gc_meta_command cmd = {
        .op = request->kind == OP_DELETE ? GC_META_OP_DELETE_OBJECT : GC_META_OP_PUT_OBJECT,
        .expires_at_ms = request->expires_at_ms,
        .principal = GC_STR("alice"),
        .role = GC_ROLE_DATA,
    };
    struct gc_meta_put_object *put = &cmd.u.put_object;

    world_request_id(request->serial, cmd.request_id);
    if (request->kind == OP_DELETE) {
        cmd.u.delete_object.bucket_id = w->bucket_id;
        cmd.u.delete_object.key = world_key(w, request->key);
        return cmd;
    }
    put->bucket_id = w->bucket_id;
    put->key = world_key(w, request->key);
    put->conditions.if_none_match = request->kind == OP_PUT_NEW ? GC_STR("*") : GC_STR("");
    memcpy(put->object.md5, &request->content, sizeof(request->content));
    put->object.extents = op->extents;
    put->object.n_extents = op->n_extents;
    for (size_t i = 0; i < op->n_extents; i++) {
        put->object.length += op->extents[i].length;
    }
    return cmd;
}

static void
op_propose(struct writer_node *wr, struct op *op)
{
    struct gc_meta_command cmd = op_command(op, wr->w);

    if (!op->proposed) {
        sim_trace(&wr->w->sim, "writer %u proposes request %" PRIu64, wr->node, op->request.serial);
    }
    op->proposed = true;
    propose(wr, &cmd, op->tag);
}

/* Nothing was proposed, so nobody can ever refer to its blobs. */
static void
op_abort(struct writer_node *wr, struct op *op)
{
    sim_trace(&wr->w->sim, "writer %u gives request %" PRIu64 " up", wr->node, op->request.serial);
    for (size_t i = 0; i < op->n_extents; i++) {
        for (uint32_t k = 0; k < op->asked[i].n_servers; k++) {
            struct sim_msg *msg =
                message(wr, MSG_DELETE, node_of(wr, op->asked[i].servers[k]), NULL, 0);

            msg->blob = op->asked[i].id;
            sim_net_send(&wr->w->net, msg);
        }
    }
    op_answer(wr, op, GC_API_ServiceUnavailable, 0);
    op_end(op);
}

static bool
op_has(const struct op *op, uint32_t n_servers)
{
    for (size_t i = 0; i < op->n_extents; i++) {
        if (op->extents[i].n_servers < n_servers) {
            return false;
        }
    }
    return true;
}

static void
extent_write(struct writer_node *wr, const struct op *op, size_t i)
{
    for (uint32_t k = 0; k < op->asked[i].n_servers; k++) {
        struct sim_msg *msg = message(wr, MSG_WRITE, node_of(wr, op->asked[i].servers[k]), NULL, 0);

        msg->blob = op->asked[i].id;
        msg->a = op->request.content << 8 | i;
        msg->tag = op->tag;
        sim_net_send(&wr->w->net, msg);
    }
}

static size_t
extents_wanted(struct world *w)
{
    if (sim_chance(&w->sim, 50)) {
        return 0;
    }
    return sim_chance(&w->sim, 80) ? (size_t)sim_between(&w->sim, 2, EXTENTS_MAX) : 1;
}

static void
op_write(struct writer_node *wr, struct op *op)
{
    op->n_extents = extents_wanted(wr->w);
    for (size_t i = 0; i < op->n_extents; i++) {
        struct gc_meta_extent *asked = &op->asked[i];
        size_t first = (size_t)sim_below(&wr->w->sim, wr->n_servers);

        asked->id = (struct gc_blob_id){ wr->epoch, wr->next_counter++ };
        asked->length = sim_between(&wr->w->sim, 1, 100000);
        asked->n_servers = (uint32_t)GC_MIN((size_t)wr->copies, wr->n_servers);
        for (uint32_t k = 0; k < asked->n_servers; k++) {
            asked->servers[k] = wr->servers[(first + k) % wr->n_servers];
        }
        op->extents[i] = *asked;
        op->extents[i].n_servers = 0;
        extent_write(wr, op, i);
    }
    if (op->n_extents == 0) {
        op_propose(wr, op);
    }
}

static size_t
n_ops(const struct writer_node *wr)
{
    const struct gc_list *node;
    size_t n = 0;

    gc_list_foreach(node, &wr->ops) {
        n++;
    }
    return n;
}

static void
on_op(struct writer_node *wr, const struct sim_msg *msg)
{
    struct op *op = calloc(1, sizeof(*op));

    assert(op != NULL);
    gc_list_init(&op->node);
    memcpy(&op->request, msg->data, sizeof(op->request));
    op->client = msg->from;
    op->client_tag = msg->tag;
    op->tag = wr->w->next_tag++;
    op->started_us = wr->w->sim.now_us;
    view_refresh(wr);
    if (wr->epoch == 0 || wr->n_servers < wr->quorum || wr->quorum == 0 || n_ops(wr) >= OPS_MAX) {
        op_answer(wr, op, GC_API_ServiceUnavailable, 0);
        free(op);
        return;
    }
    gc_list_push(&wr->ops, &op->node);
    if (op->request.kind == OP_DELETE) {
        op_propose(wr, op);
    } else {
        op_write(wr, op);
    }
}

static struct op *
op_find(struct writer_node *wr, uint64_t tag)
{
    struct gc_list *node;

    gc_list_foreach(node, &wr->ops) {
        struct op *op = gc_container_of(node, struct op, node);

        if (op->tag == tag) {
            return op;
        }
    }
    return NULL;
}

static void
on_written(struct writer_node *wr, const struct sim_msg *msg)
{
    struct op *op = op_find(wr, msg->tag);

    if (op == NULL || op->proposed) {
        return; /* a late copy: the record does not name it, an inventory will find it */
    }
    for (size_t i = 0; i < op->n_extents; i++) {
        struct gc_meta_extent *extent = &op->extents[i];
        bool known = extent->id.counter != msg->blob.counter;

        for (uint32_t k = 0; k < extent->n_servers; k++) {
            known = known || extent->servers[k] == msg->a;
        }
        if (!known && extent->n_servers < op->asked[i].n_servers) {
            extent->servers[extent->n_servers++] = (uint32_t)msg->a;
        }
    }
    if (op_has(op, wr->copies)) {
        op_propose(wr, op);
    }
}

static void
epoch_lost(struct writer_node *wr)
{
    struct gc_list *node;
    struct gc_list *next;

    sim_trace(&wr->w->sim, "writer %u is fenced", wr->node);
    wr->epoch = 0;
    wr->grant_serial = 0;
    gc_list_foreach_safe(node, next, &wr->ops) {
        struct op *op = gc_container_of(node, struct op, node);

        if (!op->proposed) {
            op_abort(wr, op);
        }
    }
}

static void
on_result(struct writer_node *wr, const struct sim_msg *msg)
{
    struct op *op = op_find(wr, msg->tag);
    struct gc_meta_result result;
    bool fenced;

    memcpy(&result, msg->data, sizeof(result));
    if (wr->epoch == 0 && msg->tag == (GRANT_TAG | wr->grant_serial) && result.err == GC_API_OK) {
        wr->epoch = result.number;
        wr->next_counter = 1;
        sim_trace(&wr->w->sim, "writer %u has epoch %" PRIu64, wr->node, wr->epoch);
    }
    if (op == NULL) {
        return;
    }
    fenced = result.err == GC_API_StaleEpoch && op->extents[0].id.epoch == wr->epoch;
    op_answer(wr, op, result.err, result.index);
    op_end(op);
    if (fenced) {
        epoch_lost(wr);
    }
}

/* --- time --- */

static void
ops_tick(struct writer_node *wr)
{
    struct gc_list *node;
    struct gc_list *next;

    gc_list_foreach_safe(node, next, &wr->ops) {
        struct op *op = gc_container_of(node, struct op, node);
        uint64_t age_us = wr->w->sim.now_us - op->started_us;

        if (op->proposed || (age_us > ENOUGH_US && op_has(op, wr->quorum))) {
            op_propose(wr, op);
        } else if (age_us > WRITE_GIVE_UP) {
            op_abort(wr, op);
        }
    }
}

static void
grant_ask(struct writer_node *wr)
{
    struct gc_meta_command cmd = { .op = GC_META_OP_GRANT_EPOCH };
    char process[8];

    if (wr->grant_serial == 0 || world_state_time_ms(wr->w) > wr->grant_expires_ms) {
        wr->grant_serial = wr->w->next_serial++;
        wr->grant_expires_ms = world_state_time_ms(wr->w) + TTL_MS;
    }
    snprintf(process, sizeof(process), "w%u", wr->index);
    cmd.u.grant_epoch.process = gc_str_of(process);
    world_request_id(wr->grant_serial, cmd.request_id);
    cmd.expires_at_ms = wr->grant_expires_ms;
    propose(wr, &cmd, GRANT_TAG | wr->grant_serial);
}

static void
ping(struct writer_node *wr)
{
    struct sim_msg *msg = message(wr, MSG_PING, NODE_META, NULL, 0);
    const struct gc_list *node;

    msg->a = wr->epoch;
    msg->b = wr->next_counter;
    gc_list_foreach(node, &wr->ops) {
        const struct op *op = gc_container_of(node, struct op, node);

        if (op->n_extents > 0 && op->extents[0].id.epoch == wr->epoch) {
            msg->b = GC_MIN(msg->b, op->extents[0].id.counter);
        }
    }
    sim_net_send(&wr->w->net, msg);
}

static void
on_tick(void *arg, uint64_t tag)
{
    struct writer_node *wr = arg;

    if (tag != wr->life) {
        return;
    }
    sim_after(&wr->w->sim, TICK_US, on_tick, wr, tag);
    view_refresh(wr);
    ops_tick(wr);
    if (wr->epoch == 0) {
        grant_ask(wr);
    } else if (++wr->n_ticks % PING_TICKS == 0) {
        ping(wr);
    }
}

static void
writer_deliver(void *arg, const struct sim_msg *msg)
{
    struct writer_node *wr = arg;

    switch (msg->type) {
    case MSG_OP:
        on_op(wr, msg);
        break;
    case MSG_WRITTEN:
        on_written(wr, msg);
        break;
    case MSG_RESULT:
        on_result(wr, msg);
        break;
    default:
        break;
    }
}

void
writer_node_start(struct writer_node *wr)
{
    sim_trace(&wr->w->sim, "writer %u starts", wr->node);
    wr->w->net.nodes[wr->node].up = true;
    sim_after(&wr->w->sim, sim_below(&wr->w->sim, TICK_US), on_tick, wr, wr->life);
}

void
writer_node_crash(struct writer_node *wr)
{
    struct gc_list *node;

    sim_trace(&wr->w->sim, "writer %u crashes", wr->node);
    wr->w->net.nodes[wr->node].up = false;
    wr->life++;
    wr->epoch = 0;
    wr->grant_serial = 0;
    while ((node = gc_list_pop(&wr->ops)) != NULL) {
        free(gc_container_of(node, struct op, node));
    }
}

void
writer_node_init(struct world *w, unsigned i)
{
    struct writer_node *wr = &w->writers[i];

    wr->w = w;
    wr->index = i;
    wr->node = NODE_WRITER_0 + i;
    gc_list_init(&wr->ops);
    w->net.nodes[wr->node].deliver = writer_deliver;
    w->net.nodes[wr->node].arg = wr;
}

void
writer_node_fini(struct writer_node *wr)
{
    struct gc_list *node;

    while ((node = gc_list_pop(&wr->ops)) != NULL) {
        free(gc_container_of(node, struct op, node));
    }
}
