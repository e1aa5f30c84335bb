/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A model file server. What it has confirmed is on its disk; what it is writing is lost by a crash.
 * It takes writes only while registered in this life, removes what its garbage queue names after
 * its own delay, and what an inventory says is garbage at once. */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/world.h"

#define HEARTBEAT_US SECOND_US
#define INVENTORY_US (3 * SECOND_US)

static size_t
store_find(const struct store *store, const struct gc_blob_id *id)
{
    size_t i = 0;

    while (i < store->n_blobs &&
           (store->blobs[i].id.epoch != id->epoch || store->blobs[i].id.counter != id->counter)) {
        i++;
    }
    return i;
}

static void
store_add(struct store *store, const struct gc_blob_id *id, uint64_t content)
{
    if (store->n_blobs == store->cap) {
        store->cap = GC_MAX((size_t)64, 2 * store->cap);
        store->blobs = realloc(store->blobs, store->cap * sizeof(*store->blobs));
    }
    assert(store->blobs != NULL);
    store->blobs[store->n_blobs++] = (struct stored_blob){ *id, content };
    store->durable_seq++;
}

static void
store_copy(struct store *dst, const struct store *src)
{
    free(dst->blobs);
    *dst = *src;
    dst->cap = GC_MAX((size_t)1, src->n_blobs);
    dst->blobs = malloc(dst->cap * sizeof(*dst->blobs));
    assert(dst->blobs != NULL);
    if (src->n_blobs > 0) {
        memcpy(dst->blobs, src->blobs, src->n_blobs * sizeof(*src->blobs));
    }
}

const struct stored_blob *
file_node_find(const struct file_node *f, const struct gc_blob_id *id)
{
    size_t i = store_find(&f->store, id);

    return i < f->store.n_blobs ? &f->store.blobs[i] : NULL;
}

static void
blob_remove(struct file_node *f, const struct gc_blob_id *id, const char *why)
{
    struct store *store = &f->store;
    size_t i = store_find(store, id);

    if (i == store->n_blobs) {
        return;
    }
    check_removal(f->w, f, id, why);
    sim_trace(&f->w->sim, "file %u removes %" PRIu64 ".%" PRIu64 " (%s)", f->node, id->epoch,
              id->counter, why);
    store->blobs[i] = store->blobs[--store->n_blobs];
    store->durable_seq++;
}

static struct sim_msg *
message(const struct file_node *f, unsigned type, unsigned to, const void *data, size_t len)
{
    return sim_msg_new(type, f->node, to, data, len);
}

/* --- writing and reading --- */

static void
on_write(struct file_node *f, const struct sim_msg *msg)
{
    uint64_t delay_us = f->slow ? sim_between(&f->w->sim, 100000, 12 * SECOND_US)
                                : sim_between(&f->w->sim, 500, 20000);
    struct sim_msg *synced;

    if (f->incarnation == 0) {
        return; /* what it confirms now would not be known to be newer than its registration */
    }
    synced = message(f, MSG_SYNCED, f->node, NULL, 0);
    synced->tag = msg->tag;
    synced->blob = msg->blob;
    synced->a = msg->a;
    synced->b = msg->from;
    synced->c = f->life;
    sim_net_post(&f->w->net, synced, delay_us);
}

static void
on_synced(struct file_node *f, const struct sim_msg *msg)
{
    struct sim_msg *reply;

    if (msg->c != f->life || f->incarnation == 0) {
        return;
    }
    if (file_node_find(f, &msg->blob) == NULL) {
        store_add(&f->store, &msg->blob, msg->a);
    }
    reply = message(f, MSG_WRITTEN, (unsigned)msg->b, NULL, 0);
    reply->blob = msg->blob;
    reply->tag = msg->tag;
    reply->a = f->number;
    sim_net_send(&f->w->net, reply);
}

static void
on_read(struct file_node *f, const struct sim_msg *msg)
{
    const struct stored_blob *blob = file_node_find(f, &msg->blob);
    struct sim_msg *reply = message(f, MSG_READ_R, msg->from, NULL, 0);

    reply->blob = msg->blob;
    reply->tag = msg->tag;
    reply->a = blob != NULL;
    reply->b = blob != NULL ? blob->content : 0;
    sim_net_send(&f->w->net, reply);
}

/* --- registration, heartbeat, garbage --- */

static void
on_registered(struct file_node *f, const struct sim_msg *msg)
{
    struct gc_meta_result result;

    memcpy(&result, msg->data, sizeof(result));
    if (msg->tag != f->life || result.err != GC_API_OK || result.incarnation <= f->incarnation) {
        return;
    }
    f->number = (uint32_t)result.number;
    f->incarnation = result.incarnation;
    f->registered_generation = f->store.generation;
    sim_trace(&f->w->sim, "file %u is number %u incarnation %" PRIu64, f->node, f->number,
              f->incarnation);
}

static void
on_heartbeat_reply(struct file_node *f, const struct sim_msg *msg)
{
    const struct gc_meta_gc_row *rows = (const void *)msg->data;

    if (msg->a != 0) {
        f->incarnation = 0;
        return;
    }
    for (size_t i = 0; i < msg->len / sizeof(*rows); i++) {
        if (rows[i].seq <= f->gc_cursor) {
            continue; /* an answer that was overtaken */
        }
        f->todo = realloc(f->todo, (f->n_todo + 1) * sizeof(*f->todo));
        assert(f->todo != NULL);
        f->todo[f->n_todo++] = (struct gc_todo){ rows[i], f->w->sim.now_us };
        f->gc_cursor = rows[i].seq;
    }
}

static void
todo_run(struct file_node *f)
{
    size_t n = 0;

    while (n < f->n_todo && f->w->sim.now_us - f->todo[n].learned_us >= GC_DELAY_US) {
        blob_remove(f, &f->todo[n].row.id, "queue");
        f->store.gc_done = f->todo[n].row.seq;
        n++;
    }
    f->n_todo -= n;
    memmove(f->todo, f->todo + n, f->n_todo * sizeof(*f->todo));
}

static void
on_heartbeat_time(void *arg, uint64_t tag)
{
    struct file_node *f = arg;
    struct sim_msg *msg;

    if (tag != f->life) {
        return;
    }
    sim_after(&f->w->sim, HEARTBEAT_US, on_heartbeat_time, f, tag);
    if (f->incarnation == 0) {
        struct file_identity id = { .generation = f->store.generation,
                                    .durable_seq = f->store.durable_seq,
                                    .life = f->life,
                                    .file = f->node };

        memcpy(id.uuid, f->uuid, sizeof(id.uuid));
        sim_net_send(&f->w->net, message(f, MSG_REGISTER, NODE_META, &id, sizeof(id)));
        return;
    }
    if (f->n_todo > 0) {
        todo_run(f);
    }
    msg = message(f, MSG_HEARTBEAT, NODE_META, NULL, 0);
    msg->a = f->number;
    msg->b = f->incarnation;
    msg->c = f->store.gc_done;
    msg->tag = f->store.durable_seq;
    sim_net_send(&f->w->net, msg);
}

static void
on_inventory_time(void *arg, uint64_t tag)
{
    struct file_node *f = arg;
    struct gc_blob_id ids[INVENTORY_MAX];
    size_t n = 0;

    if (tag != f->life) {
        return;
    }
    sim_after(&f->w->sim, INVENTORY_US, on_inventory_time, f, tag);
    if (f->incarnation == 0 || f->store.n_blobs == 0) {
        return;
    }
    while (n < INVENTORY_MAX && n < f->store.n_blobs) {
        ids[n++] = f->store.blobs[f->inventory_at++ % f->store.n_blobs].id;
    }
    sim_net_send(&f->w->net, message(f, MSG_INVENTORY, NODE_META, ids, n * sizeof(*ids)));
}

static void
on_inventory_reply(struct file_node *f, const struct sim_msg *msg)
{
    const struct gc_blob_id *ids = (const void *)msg->data;

    for (size_t i = 0; i < msg->len / sizeof(*ids); i++) {
        blob_remove(f, &ids[i], "inventory");
    }
}

static void
file_deliver(void *arg, const struct sim_msg *msg)
{
    struct file_node *f = arg;

    switch (msg->type) {
    case MSG_WRITE:
        on_write(f, msg);
        break;
    case MSG_SYNCED:
        on_synced(f, msg);
        break;
    case MSG_READ:
        on_read(f, msg);
        break;
    case MSG_DELETE:
        blob_remove(f, &msg->blob, "writer");
        break;
    case MSG_RESULT:
        on_registered(f, msg);
        break;
    case MSG_HEARTBEAT_R:
        on_heartbeat_reply(f, msg);
        break;
    case MSG_INVENTORY_R:
        on_inventory_reply(f, msg);
        break;
    default:
        break;
    }
}

/* --- life --- */

/* Somebody puts an old image of the disk back, old enough that the registry knows a higher
 * generation. */
static void
disk_roll_back(struct file_node *f)
{
    if (f->old.generation == 0 || f->old.generation + 1 >= f->registered_generation) {
        return;
    }
    sim_trace(&f->w->sim, "file %u gets an old disk", f->node);
    store_copy(&f->store, &f->old);
    f->rolled_back = true;
}

void
file_node_start(struct file_node *f)
{
    if (!f->rolled_back && f->w->chaos && sim_chance(&f->w->sim, 100)) {
        disk_roll_back(f);
    }
    f->store.generation++;
    f->store.durable_seq++;
    f->incarnation = 0;
    f->n_todo = 0;
    f->gc_cursor = f->store.gc_done;
    f->w->net.nodes[f->node].up = true;
    if (sim_chance(&f->w->sim, 300)) {
        store_copy(&f->old, &f->store);
    }
    sim_trace(&f->w->sim, "file %u starts, generation %" PRIu64 " blobs=%zu", f->node,
              f->store.generation, f->store.n_blobs);
    sim_after(&f->w->sim, sim_below(&f->w->sim, HEARTBEAT_US), on_heartbeat_time, f, f->life);
    sim_after(&f->w->sim, sim_below(&f->w->sim, INVENTORY_US), on_inventory_time, f, f->life);
}

void
file_node_crash(struct file_node *f)
{
    sim_trace(&f->w->sim, "file %u crashes", f->node);
    f->life++;
    f->w->net.nodes[f->node].up = false;
}

void
file_node_init(struct world *w, unsigned i)
{
    struct file_node *f = &w->files[i];

    f->w = w;
    f->node = NODE_FILE_0 + i;
    f->uuid[0] = (uint8_t)(i + 1);
    w->net.nodes[f->node].deliver = file_deliver;
    w->net.nodes[f->node].arg = f;
}

void
file_node_fini(struct file_node *f)
{
    free(f->store.blobs);
    free(f->old.blobs);
    free(f->todo);
}
