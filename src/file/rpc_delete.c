/* SPDX-License-Identifier: GPL-3.0-or-later */
/* BlobService.Delete: up to 1000 blobs, answered when their tombstones are durable. Unknown ids are
 * not counted and no error. */
#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "file/file.h"
#include "file/remove.h"
#include "proto/gcommon/v1/blob/blob.pb-c.h"
#include "rpc/pb.h"

#define IDS_MAX 1000

struct file_delete {
    struct gc_file_remove remove;
    struct gc_rpc_call *call; /* NULL once it has ended */
};

static void
on_removed(struct gc_file_remove *remove)
{
    struct file_delete *delete = gc_container_of(remove, struct file_delete, remove);
    if (delete->call == NULL) {
        free(delete);
    } else if (remove->rc != 0) {
        (void)gc_rpc_fail_rc(delete->call, remove->rc);
    } else {
        Gcommon__V1__Blob__DeleteResponse response = GCOMMON__V1__BLOB__DELETE_RESPONSE__INIT;
        struct gc_bytes *msg;
        response.n_deleted = (uint32_t)remove->n_removed;
        msg = gc_pb_pack(&response.base);
        (void)(msg == NULL ? gc_rpc_fail_rc(delete->call, -ENOMEM)
                           : gc_rpc_reply(delete->call, msg));
        gc_bytes_unref(msg);
    }
}

static void
on_message(struct gc_rpc_call *call, void *arg, struct gc_bytes *msg)
{
    (void)arg;
    (void)msg;
    gc_rpc_consume(call);
}

static void
on_end(struct gc_rpc_call *call, void *arg, const struct gc_rpc_status *status)
{
    struct file_delete *delete = arg;
    (void)call;
    (void)status;
    delete->call = NULL;
    if (!gc_file_remove_active(&delete->remove)) {
        free(delete);
    }
}

static const struct gc_rpc_handler handler = { .on_message = on_message, .on_end = on_end };

void
gc_file_rpc_delete(struct gc_rpc_call *call, void *arg, struct gc_bytes *request)
{
    Gcommon__V1__Blob__DeleteRequest *decoded =
        gc_pb_unpack(&gcommon__v1__blob__delete_request__descriptor, gc_rpc_arena(call),
                     request->data, request->len);
    struct gc_blob_id *ids;
    struct file_delete *delete;
    if (decoded == NULL || decoded->n_ids > IDS_MAX) {
        (void)gc_rpc_fail(call, GC_RPC_INVALID_ARGUMENT, "malformed, or more than %d ids", IDS_MAX);
        return;
    }
    ids = gc_arena_alloc(gc_rpc_arena(call), (decoded->n_ids + 1) * sizeof(*ids));
    delete = calloc(1, sizeof(*delete));
    if (ids == NULL || delete == NULL) {
        free(delete);
        (void)gc_rpc_fail_rc(call, -ENOMEM);
        return;
    }
    for (size_t i = 0; i < decoded->n_ids; i++) {
        ids[i].epoch = decoded->ids[i]->epoch;
        ids[i].counter = decoded->ids[i]->counter;
    }
    delete->call = call;
    gc_rpc_set_handler(call, &handler, delete);
    gc_file_remove_start(&delete->remove, arg, ids, decoded->n_ids, on_removed);
}
