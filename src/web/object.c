/* SPDX-License-Identifier: GPL-3.0-or-later */
/* HEAD and DELETE of an object. */
#include "base/err.h"
#include "rpc/pb.h"
#include "web/fields.h"
#include "web/object_head.h"
#include "web/ops.h"

static enum gc_api_err
head_start(struct gc_web_request *req, const struct gc_http_head *head)
{
    Gcommon__V1__Object__HeadObjectRequest message = GCOMMON__V1__OBJECT__HEAD_OBJECT_REQUEST__INIT;
    Gcommon__V1__Object__Conditions conditions;
    enum gc_api_err err =
        gc_web_conditions(gc_http_arena(req->s), head->fields, head->n_fields, true, &conditions);
    if (err != GC_API_OK) {
        return err;
    }
    gc_web_keep_etag(req, head);
    message.bucket = (char *)req->target.bucket.data;
    message.key.data = (uint8_t *)req->target.key.data;
    message.key.len = req->target.key.len;
    message.conditions = &conditions;
    return gc_web_prepare(req, GC_UPSTREAM_HEAD_OBJECT, &message.base);
}

static void
head_answer(struct gc_web_request *req, struct gc_bytes *response)
{
    Gcommon__V1__Object__HeadObjectResponse *decoded =
        gc_pb_unpack(&gcommon__v1__object__head_object_response__descriptor, gc_http_arena(req->s),
                     response->data, response->len);
    if (decoded == NULL || decoded->head == NULL ||
        gc_web_respond_object(req, decoded->head, true) != 0) {
        gc_web_answer_err(req, GC_API_InternalError);
    }
}

const struct gc_web_op gc_web_op_head = {
    .name = "head_object",
    .start = head_start,
    .answer = head_answer,
    .on_err = gc_web_answer_not_modified,
};

static enum gc_api_err
delete_start(struct gc_web_request *req, const struct gc_http_head *head)
{
    Gcommon__V1__Object__DeleteObjectRequest message =
        GCOMMON__V1__OBJECT__DELETE_OBJECT_REQUEST__INIT;
    if (gc_http_field_get(head->fields, head->n_fields, "if-match").data != NULL) {
        return GC_API_NotImplemented; /* deleting anyway would be worse */
    }
    message.bucket = (char *)req->target.bucket.data;
    message.key.data = (uint8_t *)req->target.key.data;
    message.key.len = req->target.key.len;
    return gc_web_prepare(req, GC_UPSTREAM_DELETE_OBJECT, &message.base);
}

static void
delete_answer(struct gc_web_request *req, struct gc_bytes *response)
{
    (void)response;
    gc_web_answer_empty(req, 204, NULL, 0);
}

const struct gc_web_op gc_web_op_delete = {
    .name = "delete_object",
    .start = delete_start,
    .answer = delete_answer,
};
