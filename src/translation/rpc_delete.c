/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GatewayService.DeleteObject: one command; the blobs go by the garbage queue. */
#include "rpc/pb.h"
#include "translation/object.h"
#include "translation/reply.h"
#include "translation/unary.h"

static void
delete_done(struct gc_unary *unary, const struct gc_meta_result *result)
{
    Gcommon__V1__Object__DeleteObjectResponse response =
        GCOMMON__V1__OBJECT__DELETE_OBJECT_RESPONSE__INIT;
    (void)result;
    gc_reply(unary->call, &response.base);
}

static void
delete_run(struct gc_unary *unary, const struct gc_meta_read *rd)
{
    const Gcommon__V1__Gateway__DeleteObjectRequest *request = unary->request;
    struct gc_meta_command cmd = { .op = GC_META_OP_DELETE_OBJECT };
    struct gc_meta_bucket bucket;
    enum gc_api_err err = GC_API_BadRequest;
    if (request->request != NULL) {
        cmd.u.delete_object.key =
            (struct gc_str){ (const char *)request->request->key.data, request->request->key.len };
        err = gc_object_key_err(cmd.u.delete_object.key);
    }
    if (err == GC_API_OK) {
        err = gc_bucket_for(rd, request->request->bucket, &unary->principal, GC_ACL_WRITE, &bucket);
    }
    if (err != GC_API_OK) {
        gc_reply_err(unary->call, err);
        return;
    }
    cmd.u.delete_object.bucket_id = bucket.id;
    gc_unary_propose(unary, &cmd, delete_done);
}

void
gc_translation_rpc_delete(struct gc_rpc_call *call, void *arg, struct gc_bytes *request)
{
    Gcommon__V1__Gateway__DeleteObjectRequest *decoded =
        gc_pb_unpack(&gcommon__v1__gateway__delete_object_request__descriptor, gc_rpc_arena(call),
                     request->data, request->len);
    gc_unary_start(call, arg, decoded, decoded != NULL ? decoded->context : NULL, delete_run);
}
