/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "file/remove.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "file/file.h"

struct gc_file_remove_item {
    struct gc_blob_op op;
    struct gc_task task;
    struct gc_file_remove *remove;
};

static void
remove_item_done(struct gc_file_remove *remove, int rc)
{
    if (rc == 0) {
        remove->n_removed++;
    } else if (rc != GC_ENOTFOUND && remove->rc == 0) {
        remove->rc = rc;
    }
}

static void
on_done(struct gc_task *task)
{
    struct gc_file_remove *remove = gc_container_of(task, struct gc_file_remove, done);
    remove->worker->n_ops--;
    free(remove->items);
    remove->items = NULL;
    remove->n_busy = 0;
    remove->cb(remove);
}

static void
on_item(struct gc_task *task)
{
    struct gc_file_remove_item *item = gc_container_of(task, struct gc_file_remove_item, task);
    struct gc_file_remove *remove = item->remove;
    remove_item_done(remove, item->op.rc);
    if (--remove->n_busy == 1) { /* only the start's own count is left */
        on_done(&remove->done);
    }
}

static void
notify_item(void *arg)
{
    struct gc_file_remove_item *item = arg;
    gc_loop_post(item->remove->worker->loop, &item->task);
}

void
gc_file_remove_start(struct gc_file_remove *remove, struct gc_file_worker *worker,
                     const struct gc_blob_id *ids, size_t n,
                     void (*cb)(struct gc_file_remove *remove))
{
    memset(remove, 0, sizeof(*remove));
    remove->worker = worker;
    remove->cb = cb;
    remove->n_busy = 1;
    remove->done.fn = on_done;
    worker->n_ops++;
    remove->items = calloc(n == 0 ? 1 : n, sizeof(*remove->items));
    if (remove->items == NULL) {
        remove->rc = -ENOMEM;
        n = 0;
    }
    for (size_t i = 0; i < n; i++) {
        struct gc_file_remove_item *item = &remove->items[i];
        int rc;
        item->remove = remove;
        item->task.fn = on_item;
        item->op.notify.fn = notify_item;
        item->op.notify.arg = item;
        remove->n_busy++;
        rc = gc_blob_delete(worker->file->blobs, &item->op, &ids[i]);
        if (rc != 0) {
            remove->n_busy--;
            remove_item_done(remove, rc);
        }
    }
    if (remove->n_busy == 1) {
        gc_loop_post(worker->loop, &remove->done);
    }
}

bool
gc_file_remove_active(const struct gc_file_remove *remove)
{
    return remove->n_busy > 0;
}
