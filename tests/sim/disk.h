/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A virtual disk under a gc_kv environment in memory: what is committed is durable only when a sync
 * that takes virtual time is over; a crash before loses it. */
#ifndef GC_TESTS_SIM_DISK_H
#define GC_TESTS_SIM_DISK_H

#include "storage/kv.h"
#include "tests/sim/kernel.h"

struct sim_disk {
    struct sim *sim;
    struct gc_kv *kv;
    uint64_t sync_min_us;
    uint64_t sync_max_us;
    bool syncing;
    /* Private to disk.c. */
    uint64_t life;
    void (*done)(void *arg);
    void *arg;
};

void sim_disk_open(struct sim_disk *disk, struct sim *sim, const struct gc_kv_conf *conf);
void sim_disk_close(struct sim_disk *disk);
/* Commits from here on are not durable until the sync that follows them. */
void sim_disk_hold(struct sim_disk *disk);
/* DONE(ARG) when all that was committed is durable; not at all when a crash comes first. */
void sim_disk_sync(struct sim_disk *disk, void (*done)(void *arg), void *arg);
void sim_disk_crash(struct sim_disk *disk);

#endif
