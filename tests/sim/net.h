/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The virtual network: datagrams between numbered nodes, each of which may be lost, delayed (and so
 * overtaken), doubled, or cut off by a partition. A message that arrives at a node that is down is
 * lost; one that arrives after a restart is delivered, so receivers check what they get. */
#ifndef GC_TESTS_SIM_NET_H
#define GC_TESTS_SIM_NET_H

#include "base/list.h"
#include "storage/blob.h"
#include "tests/sim/kernel.h"

#define SIM_NODES_MAX 64u

struct sim_msg {
    unsigned type; /* of the model's */
    unsigned from;
    unsigned to;
    uint64_t tag;
    struct gc_blob_id blob;
    uint64_t a, b, c;
    size_t len;
    uint8_t data[];
};

struct sim_net_faults {
    unsigned loss_permille;
    unsigned dup_permille;
    unsigned late_permille; /* delayed by up to late_max_us */
    uint64_t delay_min_us;
    uint64_t delay_max_us;
    uint64_t late_max_us;
};

struct sim_net_node {
    void (*deliver)(void *arg, const struct sim_msg *msg);
    void *arg;
    bool up;
    unsigned group; /* messages pass only within one */
};

struct sim_net {
    struct sim *sim;
    struct gc_list flights; /* Private to net.c. */
    struct sim_net_faults faults;
    struct sim_net_node nodes[SIM_NODES_MAX];
    uint64_t n_sent;
    uint64_t n_lost;
};

/* A message with LEN bytes of DATA (copied; NULL: zeros). */
struct sim_msg *sim_msg_new(unsigned type, unsigned from, unsigned to, const void *data,
                            size_t len);
void sim_net_init(struct sim_net *net, struct sim *sim);
void sim_net_fini(struct sim_net *net);
/* Takes MSG; it arrives surely after DELAY_US when its node is up then: what a node tells itself.
 */
void sim_net_post(struct sim_net *net, struct sim_msg *msg, uint64_t delay_us);
/* Takes MSG. */
void sim_net_send(struct sim_net *net, struct sim_msg *msg);

#endif
