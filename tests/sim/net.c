/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/net.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct flight {
    struct gc_list node;
    struct sim_net *net;
    struct sim_msg *msg;
};

struct sim_msg *
sim_msg_new(unsigned type, unsigned from, unsigned to, const void *data, size_t len)
{
    struct sim_msg *msg = calloc(1, sizeof(*msg) + len);

    assert(msg != NULL);
    msg->type = type;
    msg->from = from;
    msg->to = to;
    msg->len = len;
    if (data != NULL && len > 0) {
        memcpy(msg->data, data, len);
    }
    return msg;
}

void
sim_net_init(struct sim_net *net, struct sim *sim)
{
    memset(net, 0, sizeof(*net));
    net->sim = sim;
    gc_list_init(&net->flights);
}

void
sim_net_fini(struct sim_net *net)
{
    struct gc_list *node;

    while ((node = gc_list_pop(&net->flights)) != NULL) {
        struct flight *flight = gc_container_of(node, struct flight, node);

        free(flight->msg);
        free(flight);
    }
}

static void
flight_land(void *arg, uint64_t tag)
{
    struct flight *flight = arg;
    struct sim_net *net = flight->net;
    struct sim_msg *msg = flight->msg;
    const struct sim_net_node *to = &net->nodes[msg->to];

    (void)tag;
    gc_list_remove(&flight->node);
    free(flight);
    if (to->up && to->group == net->nodes[msg->from].group) {
        to->deliver(to->arg, msg);
    } else {
        net->n_lost++;
    }
    free(msg);
}

void
sim_net_post(struct sim_net *net, struct sim_msg *msg, uint64_t delay_us)
{
    struct flight *flight = malloc(sizeof(*flight));

    assert(flight != NULL);
    flight->net = net;
    flight->msg = msg;
    gc_list_init(&flight->node);
    gc_list_push(&net->flights, &flight->node);
    sim_after(net->sim, delay_us, flight_land, flight, 0);
}

static void
flight_start(struct sim_net *net, struct sim_msg *msg)
{
    const struct sim_net_faults *faults = &net->faults;
    uint64_t delay_us = sim_between(net->sim, faults->delay_min_us, faults->delay_max_us);

    if (sim_chance(net->sim, faults->late_permille)) {
        delay_us += sim_below(net->sim, faults->late_max_us + 1);
    }
    sim_net_post(net, msg, delay_us);
}

void
sim_net_send(struct sim_net *net, struct sim_msg *msg)
{
    net->n_sent++;
    if (sim_chance(net->sim, net->faults.dup_permille)) {
        struct sim_msg *copy = sim_msg_new(msg->type, msg->from, msg->to, msg->data, msg->len);

        copy->tag = msg->tag;
        copy->blob = msg->blob;
        copy->a = msg->a;
        copy->b = msg->b;
        copy->c = msg->c;
        flight_start(net, copy);
    }
    if (sim_chance(net->sim, net->faults.loss_permille)) {
        net->n_lost++;
        free(msg);
        return;
    }
    flight_start(net, msg);
}
