/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GatewayService.HeadObject. */
#include "base/err.h"
#include "rpc/pb.h"
#include "translation/object.h"
#include "translation/reply.h"
#include "translation/unary.h"

static void
head_run(struct gc_unary *unary, const struct gc_meta_read *rd)
{
    const Gcommon__V1__Gateway__HeadObjectRequest *outer = unary->request;
    const Gcommon__V1__Object__HeadObjectRequest *request = outer->request;
    Gcommon__V1__Object__HeadObjectResponse response =
        GCOMMON__V1__OBJECT__HEAD_OBJECT_RESPONSE__INIT;
    struct gc_object_view view;
    struct gc_meta_bucket bucket;
    struct gc_meta_object object;
    enum gc_api_err err = GC_API_BadRequest;
    struct gc_str key;
    if (request != NULL) {
        key = (struct gc_str){ (const char *)request->key.data, request->key.len };
        err = gc_object_key_err(key);
    }
    if (err == GC_API_OK) {
        err = gc_bucket_for(rd, request->bucket, &unary->principal, GC_ACL_READ, &bucket);
    }
    if (err == GC_API_OK) {
        int rc = gc_meta_get_object(rd, bucket.id, key, &object);
        err = rc == 0 ? gc_object_view(rd->arena, &object, "", request->conditions, &view)
              : rc == GC_ENOTFOUND ? GC_API_NoSuchKey
                                   : gc_reply_err_of_rc(rc);
    }
    if (err != GC_API_OK) {
        gc_reply_err(unary->call, err);
        return;
    }
    response.head = &view.head;
    gc_reply(unary->call, &response.base);
}

void
gc_translation_rpc_head(struct gc_rpc_call *call, void *arg, struct gc_bytes *request)
{
    Gcommon__V1__Gateway__HeadObjectRequest *decoded =
        gc_pb_unpack(&gcommon__v1__gateway__head_object_request__descriptor, gc_rpc_arena(call),
                     request->data, request->len);
    gc_unary_start(call, arg, decoded, decoded != NULL ? decoded->context : NULL, head_run);
}
