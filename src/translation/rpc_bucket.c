/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GatewayService: CreateBucket, DeleteBucket, HeadBucket, ListBuckets. */
#include "base/err.h"
#include "rpc/pb.h"
#include "translation/reply.h"
#include "translation/unary.h"

#define LIST_MAX 1000

/* --- create --- */

static void
create_done(struct gc_unary *unary, const struct gc_meta_result *result)
{
    Gcommon__V1__Object__CreateBucketResponse response =
        GCOMMON__V1__OBJECT__CREATE_BUCKET_RESPONSE__INIT;
    (void)result;
    gc_reply(unary->call, &response.base);
}

static void
create_run(struct gc_unary *unary, const struct gc_meta_read *rd)
{
    const Gcommon__V1__Gateway__CreateBucketRequest *request = unary->request;
    struct gc_meta_command cmd = { .op = GC_META_OP_CREATE_BUCKET };
    (void)rd;
    if (request->request == NULL) {
        gc_reply_err(unary->call, GC_API_BadRequest);
        return;
    }
    cmd.u.create_bucket.name = gc_str_of(request->request->bucket);
    cmd.u.create_bucket.public_read = request->request->public_read;
    gc_unary_propose(unary, &cmd, create_done);
}

void
gc_translation_rpc_create_bucket(struct gc_rpc_call *call, void *arg, struct gc_bytes *request)
{
    Gcommon__V1__Gateway__CreateBucketRequest *decoded =
        gc_pb_unpack(&gcommon__v1__gateway__create_bucket_request__descriptor, gc_rpc_arena(call),
                     request->data, request->len);
    gc_unary_start(call, arg, decoded, decoded != NULL ? decoded->context : NULL, create_run);
}

/* --- delete --- */

static void
delete_done(struct gc_unary *unary, const struct gc_meta_result *result)
{
    Gcommon__V1__Object__DeleteBucketResponse response =
        GCOMMON__V1__OBJECT__DELETE_BUCKET_RESPONSE__INIT;
    (void)result;
    gc_reply(unary->call, &response.base);
}

static void
delete_run(struct gc_unary *unary, const struct gc_meta_read *rd)
{
    const Gcommon__V1__Gateway__DeleteBucketRequest *request = unary->request;
    struct gc_meta_command cmd = { .op = GC_META_OP_DELETE_BUCKET };
    struct gc_meta_bucket bucket;
    enum gc_api_err err = GC_API_BadRequest;
    if (request->request != NULL) {
        err = gc_bucket_for(rd, request->request->bucket, &unary->principal, GC_ACL_DELETE_BUCKET,
                            &bucket);
    }
    if (err != GC_API_OK) {
        gc_reply_err(unary->call, err);
        return;
    }
    cmd.u.delete_bucket.bucket_id = bucket.id;
    gc_unary_propose(unary, &cmd, delete_done);
}

void
gc_translation_rpc_delete_bucket(struct gc_rpc_call *call, void *arg, struct gc_bytes *request)
{
    Gcommon__V1__Gateway__DeleteBucketRequest *decoded =
        gc_pb_unpack(&gcommon__v1__gateway__delete_bucket_request__descriptor, gc_rpc_arena(call),
                     request->data, request->len);
    gc_unary_start(call, arg, decoded, decoded != NULL ? decoded->context : NULL, delete_run);
}

/* --- head --- */

static void
head_run(struct gc_unary *unary, const struct gc_meta_read *rd)
{
    const Gcommon__V1__Gateway__HeadBucketRequest *request = unary->request;
    Gcommon__V1__Object__HeadBucketResponse response =
        GCOMMON__V1__OBJECT__HEAD_BUCKET_RESPONSE__INIT;
    struct gc_meta_bucket bucket;
    enum gc_api_err err = GC_API_BadRequest;
    if (request->request != NULL) {
        err = gc_bucket_for(rd, request->request->bucket, &unary->principal, GC_ACL_LIST, &bucket);
    }
    if (err != GC_API_OK) {
        gc_reply_err(unary->call, err);
    } else {
        gc_reply(unary->call, &response.base);
    }
}

void
gc_translation_rpc_head_bucket(struct gc_rpc_call *call, void *arg, struct gc_bytes *request)
{
    Gcommon__V1__Gateway__HeadBucketRequest *decoded =
        gc_pb_unpack(&gcommon__v1__gateway__head_bucket_request__descriptor, gc_rpc_arena(call),
                     request->data, request->len);
    gc_unary_start(call, arg, decoded, decoded != NULL ? decoded->context : NULL, head_run);
}

/* --- list --- */

/* Take the buckets of one page that the principal owns (an administrator: all). */
static int
list_page(struct gc_unary *unary, const struct gc_meta_read *rd, struct gc_str *after,
          Gcommon__V1__Object__ListBucketsResponse *response, size_t *ret_n)
{
    struct gc_meta_bucket *page = gc_arena_alloc(rd->arena, LIST_MAX * sizeof(*page));
    Gcommon__V1__Object__Bucket **all;
    int rc = page == NULL ? GC_ELIMIT : gc_meta_list_buckets(rd, *after, LIST_MAX, page, ret_n);
    if (rc != 0) {
        return rc;
    }
    all = gc_arena_alloc(rd->arena, (response->n_buckets + *ret_n + 1) * sizeof(*all));
    if (all == NULL) {
        return GC_ELIMIT;
    }
    for (size_t i = 0; i < response->n_buckets; i++) {
        all[i] = response->buckets[i];
    }
    response->buckets = all;
    for (size_t i = 0; i < *ret_n; i++) {
        Gcommon__V1__Object__Bucket *bucket;
        *after = page[i].name;
        if (unary->principal.role != GC_ROLE_ADMIN &&
            !gc_str_eq_cstr(page[i].owner, unary->principal.name)) {
            continue;
        }
        bucket = gc_arena_alloc(rd->arena, sizeof(*bucket));
        if (bucket == NULL) {
            return GC_ELIMIT;
        }
        gcommon__v1__object__bucket__init(bucket);
        bucket->name = (char *)gc_arena_str(rd->arena, page[i].name).data;
        bucket->created_ms = (int64_t)page[i].created_ms;
        response->buckets[response->n_buckets++] = bucket;
    }
    return 0;
}

static void
list_run(struct gc_unary *unary, const struct gc_meta_read *rd)
{
    Gcommon__V1__Object__ListBucketsResponse response =
        GCOMMON__V1__OBJECT__LIST_BUCKETS_RESPONSE__INIT;
    struct gc_arena arena;
    struct gc_meta_read own = *rd;
    struct gc_str after = GC_STR("");
    size_t n = LIST_MAX;
    int rc = 0;
    if (unary->principal.role == GC_ROLE_ANONYMOUS) {
        gc_reply_err(unary->call, GC_API_AccessDenied);
        return;
    }
    gc_arena_init(&arena, 16u << 20);
    own.arena = &arena;
    while (rc == 0 && n == LIST_MAX) {
        rc = list_page(unary, &own, &after, &response, &n);
    }
    if (rc != 0) {
        gc_reply_err(unary->call, gc_reply_err_of_rc(rc));
    } else {
        gc_reply(unary->call, &response.base);
    }
    gc_arena_fini(&arena);
}

void
gc_translation_rpc_list_buckets(struct gc_rpc_call *call, void *arg, struct gc_bytes *request)
{
    Gcommon__V1__Gateway__ListBucketsRequest *decoded =
        gc_pb_unpack(&gcommon__v1__gateway__list_buckets_request__descriptor, gc_rpc_arena(call),
                     request->data, request->len);
    gc_unary_start(call, arg, decoded, decoded != NULL ? decoded->context : NULL, list_run);
}
