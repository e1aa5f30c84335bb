/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Create, head, delete, locate a bucket; list buckets. */
#include "base/err.h"
#include "rpc/pb.h"
#include "web/fields.h"
#include "web/ops.h"
#include "web/xml.h"

#define LIST_ARENA_MAX (16u << 20)
#define LIST_BYTES_MAX (8u << 20)

/* --- create ------------------------------------------------------------------------------------
 */

static enum gc_api_err
create_start(struct gc_web_request *req, const struct gc_http_head *head)
{
    Gcommon__V1__Object__CreateBucketRequest message =
        GCOMMON__V1__OBJECT__CREATE_BUCKET_REQUEST__INIT;
    bool is_public;
    enum gc_api_err err =
        gc_web_acl_public(gc_http_field_get(head->fields, head->n_fields, "x-amz-acl"), &is_public);
    if (err != GC_API_OK) {
        return err;
    }
    message.bucket = (char *)req->target.bucket.data;
    message.public_read = is_public;
    return gc_web_prepare(req, GC_UPSTREAM_CREATE_BUCKET, &message.base);
}

static void
create_answer(struct gc_web_request *req, struct gc_bytes *response)
{
    char location[80];
    struct gc_http_field field = { .name = GC_STR("location") };
    (void)response;
    location[0] = '/';
    (void)gc_str_copy(location + 1, sizeof(location) - 1, req->target.bucket);
    field.value = gc_str_of(location);
    gc_web_answer_empty(req, 200, &field, 1);
}

/* S3's clients make sure of their bucket by creating it again. */
static bool
create_on_err(struct gc_web_request *req, enum gc_api_err err)
{
    if (err != GC_API_BucketAlreadyOwnedByYou) {
        return false;
    }
    create_answer(req, NULL);
    return true;
}

const struct gc_web_op gc_web_op_create_bucket = {
    .name = "create_bucket",
    .start = create_start,
    .answer = create_answer,
    .on_err = create_on_err,
};

/* --- head, location ----------------------------------------------------------------------------
 */

static enum gc_api_err
head_start(struct gc_web_request *req, const struct gc_http_head *head)
{
    Gcommon__V1__Object__HeadBucketRequest message = GCOMMON__V1__OBJECT__HEAD_BUCKET_REQUEST__INIT;
    (void)head;
    message.bucket = (char *)req->target.bucket.data;
    return gc_web_prepare(req, GC_UPSTREAM_HEAD_BUCKET, &message.base);
}

static void
head_answer(struct gc_web_request *req, struct gc_bytes *response)
{
    (void)response;
    gc_web_answer_empty(req, 200, NULL, 0);
}

const struct gc_web_op gc_web_op_head_bucket = {
    .name = "head_bucket",
    .start = head_start,
    .answer = head_answer,
};

/* There are no regions: the constraint is empty, as for S3's first one. */
static void
location_answer(struct gc_web_request *req, struct gc_bytes *response)
{
    struct gc_xml xml;
    struct gc_buf body;
    (void)response;
    gc_buf_init(&body, 1024);
    gc_xml_begin(&xml, &body, "LocationConstraint", true);
    gc_xml_close(&xml, "LocationConstraint");
    gc_web_answer_xml(req, &body);
    gc_buf_fini(&body);
}

const struct gc_web_op gc_web_op_location = {
    .name = "location",
    .start = head_start,
    .answer = location_answer,
};

/* --- delete ------------------------------------------------------------------------------------
 */

static enum gc_api_err
delete_start(struct gc_web_request *req, const struct gc_http_head *head)
{
    Gcommon__V1__Object__DeleteBucketRequest message =
        GCOMMON__V1__OBJECT__DELETE_BUCKET_REQUEST__INIT;
    (void)head;
    message.bucket = (char *)req->target.bucket.data;
    return gc_web_prepare(req, GC_UPSTREAM_DELETE_BUCKET, &message.base);
}

static void
delete_answer(struct gc_web_request *req, struct gc_bytes *response)
{
    (void)response;
    gc_web_answer_empty(req, 204, NULL, 0);
}

const struct gc_web_op gc_web_op_delete_bucket = {
    .name = "delete_bucket",
    .start = delete_start,
    .answer = delete_answer,
};

/* --- list --------------------------------------------------------------------------------------
 */

static enum gc_api_err
list_start(struct gc_web_request *req, const struct gc_http_head *head)
{
    Gcommon__V1__Object__ListBucketsRequest message =
        GCOMMON__V1__OBJECT__LIST_BUCKETS_REQUEST__INIT;
    (void)head;
    return gc_web_prepare(req, GC_UPSTREAM_LIST_BUCKETS, &message.base);
}

static int
write_buckets(struct gc_buf *body, const Gcommon__V1__Object__ListBucketsResponse *response,
              const char *owner)
{
    struct gc_xml xml;
    gc_xml_begin(&xml, body, "ListAllMyBucketsResult", true);
    gc_xml_open(&xml, "Owner");
    gc_xml_cstr(&xml, "ID", owner);
    gc_xml_cstr(&xml, "DisplayName", owner);
    gc_xml_close(&xml, "Owner");
    gc_xml_open(&xml, "Buckets");
    for (size_t i = 0; i < response->n_buckets; i++) {
        gc_xml_open(&xml, "Bucket");
        gc_xml_cstr(&xml, "Name", response->buckets[i]->name);
        gc_xml_time(&xml, "CreationDate", response->buckets[i]->created_ms);
        gc_xml_close(&xml, "Bucket");
    }
    gc_xml_close(&xml, "Buckets");
    gc_xml_close(&xml, "ListAllMyBucketsResult");
    return xml.rc;
}

static void
list_answer(struct gc_web_request *req, struct gc_bytes *response)
{
    Gcommon__V1__Object__ListBucketsResponse *decoded;
    struct gc_arena arena;
    struct gc_buf body;
    gc_arena_init(&arena, LIST_ARENA_MAX);
    gc_buf_init(&body, LIST_BYTES_MAX);
    decoded = gc_pb_unpack(&gcommon__v1__object__list_buckets_response__descriptor, &arena,
                           response->data, response->len);
    if (decoded == NULL || write_buckets(&body, decoded, req->proof.principal) != 0) {
        gc_web_answer_err(req, GC_API_InternalError);
    } else {
        gc_web_answer_xml(req, &body);
    }
    gc_buf_fini(&body);
    gc_arena_fini(&arena);
}

const struct gc_web_op gc_web_op_list_buckets = {
    .name = "list_buckets",
    .start = list_start,
    .answer = list_answer,
};
