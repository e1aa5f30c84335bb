/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "translation/propose.h"

#include <string.h>

#include "base/macros.h"
#include "translation/translation.h"

static void
on_done(struct gc_task *task)
{
    struct gc_propose *propose = gc_container_of(task, struct gc_propose, task);
    propose->rc = propose->proposal.rc;
    gc_buf_fini(&propose->data);
    propose->worker->n_ops--;
    propose->active = false;
    propose->cb(propose);
}

static void
notify(void *arg)
{
    struct gc_propose *propose = arg;
    gc_loop_post(propose->worker->loop, &propose->task);
}

int
gc_propose_start(struct gc_propose *propose, struct gc_translation_worker *worker,
                 const struct gc_meta_command *cmd, void (*cb)(struct gc_propose *propose))
{
    int rc;
    memset(propose, 0, sizeof(*propose));
    gc_buf_init(&propose->data, GC_META_COMMAND_BYTES_MAX);
    rc = gc_meta_command_encode(cmd, &propose->data);
    if (rc != 0) {
        gc_buf_fini(&propose->data);
        return rc;
    }
    propose->worker = worker;
    propose->cb = cb;
    propose->task.fn = on_done;
    propose->proposal.notify.fn = notify;
    propose->proposal.notify.arg = propose;
    propose->proposal.data = propose->data.data;
    propose->proposal.len = propose->data.len;
    propose->proposal.result = &propose->result;
    propose->active = true;
    worker->n_ops++;
    rc = gc_consensus_propose(worker->translation->consensus, &propose->proposal);
    if (rc != 0) {
        worker->n_ops--;
        propose->active = false;
        gc_buf_fini(&propose->data);
    }
    return rc;
}
