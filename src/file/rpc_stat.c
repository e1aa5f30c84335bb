/* SPDX-License-Identifier: GPL-3.0-or-later */
/* BlobService.Stat and BlobService.List: lookups without I/O of their own. */
#include "base/err.h"
#include "file/file.h"
#include "proto/gcommon/v1/blob/blob.pb-c.h"
#include "rpc/pb.h"

#define LIST_MAX 1000

static void
reply(struct gc_rpc_call *call, const ProtobufCMessage *response)
{
    struct gc_bytes *msg = gc_pb_pack(response);
    (void)(msg == NULL ? gc_rpc_fail_rc(call, GC_EINTERNAL) : gc_rpc_reply(call, msg));
    gc_bytes_unref(msg);
}

void
gc_file_rpc_stat(struct gc_rpc_call *call, void *arg, struct gc_bytes *request)
{
    struct gc_file_worker *worker = arg;
    Gcommon__V1__Blob__StatRequest *decoded =
        gc_pb_unpack(&gcommon__v1__blob__stat_request__descriptor, gc_rpc_arena(call),
                     request->data, request->len);
    Gcommon__V1__Blob__StatResponse response = GCOMMON__V1__BLOB__STAT_RESPONSE__INIT;
    struct gc_blob_reader *reader;
    struct gc_blob_stat stat;
    struct gc_blob_id id;
    int rc;
    if (decoded == NULL || decoded->id == NULL) {
        (void)gc_rpc_fail_rc(call, GC_EPARSE);
        return;
    }
    id.epoch = decoded->id->epoch;
    id.counter = decoded->id->counter;
    rc = gc_blob_open(worker->file->blobs, &id, &reader, &stat);
    if (rc != 0) {
        (void)gc_rpc_fail_rc(call, rc);
        return;
    }
    gc_blob_close(reader);
    response.length = stat.length;
    response.crc32c = stat.crc;
    reply(call, &response.base);
}

void
gc_file_rpc_list(struct gc_rpc_call *call, void *arg, struct gc_bytes *request)
{
    struct gc_file_worker *worker = arg;
    struct gc_arena *arena = gc_rpc_arena(call);
    Gcommon__V1__Blob__ListRequest *decoded = gc_pb_unpack(
        &gcommon__v1__blob__list_request__descriptor, arena, request->data, request->len);
    Gcommon__V1__Blob__ListResponse response = GCOMMON__V1__BLOB__LIST_RESPONSE__INIT;
    Gcommon__V1__Common__BlobId *messages;
    struct gc_blob_id after, *ids;
    size_t max, n;
    int rc;
    if (decoded == NULL) {
        (void)gc_rpc_fail_rc(call, GC_EPARSE);
        return;
    }
    max = decoded->max == 0 || decoded->max > LIST_MAX ? LIST_MAX : decoded->max;
    ids = gc_arena_alloc(arena, max * sizeof(*ids));
    messages = gc_arena_alloc(arena, max * sizeof(*messages));
    response.ids = gc_arena_alloc(arena, max * sizeof(*response.ids));
    if (ids == NULL || messages == NULL || response.ids == NULL) {
        (void)gc_rpc_fail_rc(call, GC_ELIMIT);
        return;
    }
    if (decoded->after != NULL) {
        after.epoch = decoded->after->epoch;
        after.counter = decoded->after->counter;
    }
    rc = gc_blobs_list(worker->file->blobs, decoded->after != NULL ? &after : NULL, ids, max, &n);
    if (rc != 0) {
        (void)gc_rpc_fail_rc(call, rc);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        gcommon__v1__common__blob_id__init(&messages[i]);
        messages[i].epoch = ids[i].epoch;
        messages[i].counter = ids[i].counter;
        response.ids[i] = &messages[i];
    }
    response.n_ids = n;
    reply(call, &response.base);
}
