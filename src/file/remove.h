/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Remove a batch of blobs: tombstones for all of them, one callback when the last is durable. Used
 * by the Delete method, by the registrar for GC rows and for orphans. On a worker's loop. */
#ifndef GC_FILE_REMOVE_H
#define GC_FILE_REMOVE_H

#include <stdbool.h>
#include <stddef.h>

#include "net/loop.h"
#include "storage/blob.h"

struct gc_file_worker;

struct gc_file_remove {
    size_t n_removed; /* results, set before the callback */
    int rc;           /* first failure; unknown ids are none */
    /* Private to remove.c. */
    struct gc_file_worker *worker;
    struct gc_file_remove_item *items;
    size_t n_busy;
    void (*cb)(struct gc_file_remove *remove);
    struct gc_task done;
};

/* IDS are copied. CB exactly once, later. REMOVE is the caller's until then. */
void gc_file_remove_start(struct gc_file_remove *remove, struct gc_file_worker *worker,
                          const struct gc_blob_id *ids, size_t n,
                          void (*cb)(struct gc_file_remove *remove));
/* Whether CB is still to come. */
bool gc_file_remove_active(const struct gc_file_remove *remove);

#endif
