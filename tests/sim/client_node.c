/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A model client (and the web process in front of it): puts, deletes and reads over a few keys, one
 * at a time. A lost answer is tried again with the same request id, at any writer, and in the end
 * resolved by asking for the outcome until it is known. What it is told goes to the oracle. */
#include <inttypes.h>
#include <string.h>

#include "tests/sim/world.h"

#define ANSWER_US  (4 * SECOND_US)
#define OUTCOME_US SECOND_US
#define READ_US    (2 * SECOND_US)
#define TRIES_MAX  3u

static void client_next(struct client_node *c);
static void on_timeout(void *arg, uint64_t tag);

/* A new state: what belongs to the tag before is answered too late. */
static void
client_set(struct client_node *c, enum client_state state, uint64_t timeout_us)
{
    c->state = state;
    c->tag = c->w->next_tag++;
    sim_after(&c->w->sim, timeout_us, on_timeout, c, c->tag);
}

static void
send(struct client_node *c, unsigned type, unsigned to, const void *data, size_t len)
{
    struct sim_msg *msg = sim_msg_new(type, c->node, to, data, len);

    msg->tag = c->tag;
    if (type == MSG_OUTCOME) {
        msg->a = c->request.serial;
        msg->b = c->request.expires_at_ms;
    } else if (type == MSG_LOOKUP) {
        msg->a = c->key;
    } else if (type == MSG_READ) {
        msg->blob = c->found.extents[c->extent].id;
    }
    sim_net_send(&c->w->net, msg);
}

/* --- changes --- */

static void
op_send(struct client_node *c)
{
    unsigned writer = NODE_WRITER_0 + (unsigned)sim_below(&c->w->sim, N_WRITERS);

    c->tries++;
    client_set(c, CLIENT_OP, ANSWER_US);
    send(c, MSG_OP, writer, &c->request, sizeof(c->request));
}

static void
op_begin(struct client_node *c)
{
    struct sim *sim = &c->w->sim;

    c->request = (struct op_request){
        .kind = sim_chance(sim, 250)   ? OP_DELETE
                : sim_chance(sim, 200) ? OP_PUT_NEW
                                       : OP_PUT,
        .serial = c->w->next_serial++,
        .expires_at_ms = world_state_time_ms(c->w) + TTL_MS,
        .content = c->w->next_content++,
        .key = (unsigned)sim_below(sim, N_KEYS),
    };
    c->tries = 0;
    sim_trace(sim, "client %u request %" PRIu64 " kind=%d key=%u content=%" PRIu64, c->node,
              c->request.serial, c->request.kind, c->request.key, c->request.content);
    op_send(c);
}

static void
op_unknown(struct client_node *c)
{
    if (c->tries < TRIES_MAX && sim_chance(&c->w->sim, 400)) {
        op_send(c);
        return;
    }
    client_set(c, CLIENT_OUTCOME, OUTCOME_US);
    send(c, MSG_OUTCOME, NODE_META, NULL, 0);
}

static void
op_done(struct client_node *c, enum gc_api_err err, uint64_t index)
{
    sim_trace(&c->w->sim, "client %u request %" PRIu64 " err=%d index=%" PRIu64, c->node,
              c->request.serial, err, index);
    if (err == GC_API_OK) {
        oracle_acked(c->w, &c->request, index);
    } else {
        oracle_refused(c->w, &c->request);
    }
    client_next(c);
}

static void
on_op_answer(struct client_node *c, const struct sim_msg *msg)
{
    enum gc_api_err err = (enum gc_api_err)msg->a;

    /* Refusals that are not remembered, or came after the time: something may still be under way,
     * or have happened. */
    if (err == GC_API_ServiceUnavailable || err == GC_API_StaleEpoch || err == GC_API_SlowDown ||
        err == GC_API_RequestExpired) {
        op_unknown(c);
    } else {
        op_done(c, err, msg->b);
    }
}

static void
on_outcome(struct client_node *c, const struct sim_msg *msg)
{
    struct gc_meta_result result;

    memcpy(&result, msg->data, sizeof(result));
    switch ((enum outcome)msg->a) {
    case OUTCOME_KNOWN:
        op_done(c, result.err, result.index);
        break;
    case OUTCOME_NEVER:
        sim_trace(&c->w->sim, "client %u request %" PRIu64 " never happened", c->node,
                  c->request.serial);
        oracle_refused(c->w, &c->request);
        client_next(c);
        break;
    case OUTCOME_FORGOTTEN:
        client_next(c);
        break;
    case OUTCOME_WAIT:
        break; /* the timeout asks again */
    }
}

/* --- reads --- */

static void
lookup(struct client_node *c)
{
    const struct oracle_key *key = &c->w->oracle.keys[c->key];

    c->floor = key->acked;
    client_set(c, CLIENT_LOOKUP, READ_US);
    send(c, MSG_LOOKUP, NODE_META, NULL, 0);
}

static void
read_begin(struct client_node *c)
{
    c->key = (unsigned)sim_below(&c->w->sim, N_KEYS);
    c->again = false;
    c->version = 0;
    lookup(c);
}

static unsigned
node_of_number(const struct world *w, uint32_t number)
{
    for (unsigned i = 0; i < N_FILES; i++) {
        if (w->files[i].number == number) {
            return w->files[i].node;
        }
    }
    return NODE_META;
}

/* Ask the next server of the extent; the read ends with the last extent, or when nobody answers. */
static void
read_next(struct client_node *c)
{
    const struct gc_meta_extent *extent = &c->found.extents[c->extent];

    if (c->extent == c->found.n_extents || c->server == extent->n_servers) {
        c->w->n_reads += c->extent == c->found.n_extents;
        client_next(c);
        return;
    }
    client_set(c, CLIENT_READ, READ_US);
    send(c, MSG_READ, node_of_number(c->w, extent->servers[c->server]), NULL, 0);
}

static void
on_found(struct client_node *c, const struct sim_msg *msg)
{
    struct oracle_value value = oracle_value(c->w, c->key, msg->c);

    memcpy(&c->found, msg->data, sizeof(c->found));
    if (msg->c < c->floor) {
        sim_fail(&c->w->sim, "stale read of key %u: index %" PRIu64 " after %" PRIu64, c->key,
                 msg->c, c->floor);
    } else if ((msg->a != 0) != (value.content != 0) ||
               (msg->a != 0 && (c->found.content != value.content || msg->b != value.index))) {
        sim_fail(&c->w->sim, "key %u at %" PRIu64 ": content %" PRIu64 " instead of %" PRIu64,
                 c->key, msg->c, msg->a != 0 ? c->found.content : 0, value.content);
    } else if (msg->a == 0 || (c->again && msg->b != c->version)) {
        client_next(c); /* nothing there, or overwritten meanwhile */
    } else {
        c->version = msg->b;
        c->extent = 0;
        c->server = 0;
        read_next(c);
    }
}

static void
on_blob(struct client_node *c, const struct sim_msg *msg)
{
    const struct file_node *f = &c->w->files[msg->from - NODE_FILE_0];

    if (msg->a != 0 && msg->b != (c->found.content << 8 | c->extent)) {
        sim_fail(&c->w->sim, "key %u: a blob has another content", c->key);
    } else if (msg->a != 0) {
        c->extent++;
        c->server = 0;
        read_next(c);
    } else if (f->rolled_back) {
        c->server++;
        read_next(c);
    } else if (oracle_value(c->w, c->key, UINT64_MAX).index != c->version) {
        client_next(c); /* overwritten or deleted meanwhile, and the delay of garbage is over */
    } else if (c->again) {
        sim_fail(&c->w->sim, "key %u version %" PRIu64 ": server %u does not have its blob", c->key,
                 c->version, f->number);
    } else {
        c->again = true; /* before the first byte: look up again once */
        lookup(c);
    }
}

/* --- time --- */

static void
on_timeout(void *arg, uint64_t tag)
{
    struct client_node *c = arg;

    if (tag != c->tag) {
        return;
    }
    switch (c->state) {
    case CLIENT_IDLE:
        if (!c->w->chaos) {
            client_set(c, CLIENT_IDLE, SECOND_US);
        } else if (sim_chance(&c->w->sim, 300)) {
            read_begin(c);
        } else {
            op_begin(c);
        }
        break;
    case CLIENT_OP:
        op_unknown(c);
        break;
    case CLIENT_OUTCOME:
        client_set(c, CLIENT_OUTCOME, OUTCOME_US);
        send(c, MSG_OUTCOME, NODE_META, NULL, 0);
        break;
    case CLIENT_LOOKUP:
        client_next(c);
        break;
    case CLIENT_READ:
        c->server++;
        read_next(c);
        break;
    }
}

static void
client_next(struct client_node *c)
{
    client_set(c, CLIENT_IDLE, sim_between(&c->w->sim, 10000, 200000));
}

static void
client_deliver(void *arg, const struct sim_msg *msg)
{
    struct client_node *c = arg;

    if (msg->tag != c->tag) {
        return;
    }
    if (msg->type == MSG_OP_R && c->state == CLIENT_OP) {
        on_op_answer(c, msg);
    } else if (msg->type == MSG_OUTCOME_R && c->state == CLIENT_OUTCOME) {
        on_outcome(c, msg);
    } else if (msg->type == MSG_LOOKUP_R && c->state == CLIENT_LOOKUP) {
        on_found(c, msg);
    } else if (msg->type == MSG_READ_R && c->state == CLIENT_READ) {
        on_blob(c, msg);
    }
}

void
client_node_init(struct world *w, unsigned i)
{
    struct client_node *c = &w->clients[i];

    c->w = w;
    c->node = NODE_CLIENT_0 + i;
    w->net.nodes[c->node].deliver = client_deliver;
    w->net.nodes[c->node].arg = c;
    w->net.nodes[c->node].up = true;
    client_next(c);
}
