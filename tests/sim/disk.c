/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/disk.h"

#include <assert.h>

void
sim_disk_open(struct sim_disk *disk, struct sim *sim, const struct gc_kv_conf *conf)
{
    int rc;

    *disk = (struct sim_disk){ .sim = sim, .sync_min_us = 200, .sync_max_us = 2000 };
    rc = gc_kv_open_mem(conf, &disk->kv);
    assert(rc == 0);
    (void)rc;
}

void
sim_disk_close(struct sim_disk *disk)
{
    gc_kv_close(disk->kv);
}

void
sim_disk_hold(struct sim_disk *disk)
{
    gc_kv_mem_hold_sync(disk->kv, true);
}

static void
on_synced(void *arg, uint64_t tag)
{
    struct sim_disk *disk = arg;

    if (tag != disk->life) {
        return; /* the machine has crashed since */
    }
    disk->syncing = false;
    gc_kv_mem_hold_sync(disk->kv, false);
    disk->done(disk->arg);
}

void
sim_disk_sync(struct sim_disk *disk, void (*done)(void *arg), void *arg)
{
    assert(!disk->syncing);
    disk->syncing = true;
    disk->done = done;
    disk->arg = arg;
    sim_after(disk->sim, sim_between(disk->sim, disk->sync_min_us, disk->sync_max_us), on_synced,
              disk, disk->life);
}

void
sim_disk_crash(struct sim_disk *disk)
{
    disk->life++;
    disk->syncing = false;
    gc_kv_mem_crash(disk->kv);
    gc_kv_mem_hold_sync(disk->kv, false);
}
