/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "translation/read.h"

#include <string.h>

#include "base/macros.h"
#include "translation/translation.h"

static void
on_done(struct gc_task *task)
{
    struct gc_read *read = gc_container_of(task, struct gc_read, task);
    read->worker->n_ops--;
    read->rc = read->op.rc;
    read->cb(read);
}

static void
notify(void *arg)
{
    struct gc_read *read = arg;
    gc_loop_post(read->worker->loop, &read->task);
}

int
gc_read_start(struct gc_read *read, struct gc_translation_worker *worker,
              void (*cb)(struct gc_read *read))
{
    int rc;
    memset(read, 0, sizeof(*read));
    read->worker = worker;
    read->cb = cb;
    read->task.fn = on_done;
    read->op.notify.fn = notify;
    read->op.notify.arg = read;
    rc = gc_consensus_read_index(worker->translation->consensus, &read->op);
    if (rc == 0) {
        worker->n_ops++;
    }
    return rc;
}
