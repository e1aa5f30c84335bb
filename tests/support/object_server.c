/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/object_server.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/checksum.h"
#include "base/macros.h"
#include "base/str.h"
#include "core/apierr.h"
#include "core/chunk.h"
#include "crypto/hash.h"
#include "proto/gcommon/v1/object/object.pb-c.h"
#include "rpc/pb.h"

#define OBJECT_BYTES_MAX ((size_t)1 << 30)
#define CUT_AFTER        2 /* chunks */
#define MODIFIED_MS      1795500000123
#define ITEMS_MAX        1000

struct object {
    struct gc_list node; /* in the order of keys */
    struct gc_buf key;
    struct gc_buf data;
    char type[64];
    char etag[33];
};

struct bucket {
    struct gc_list node; /* in the order of names */
    char name[64];
    struct gc_list objects;
};

static struct object_server *
server_of(void *arg)
{
    return arg;
}

/* One of the counted faults is due. */
static bool
take(atomic_uint *n)
{
    unsigned left = atomic_load(n);

    while (left > 0 && !atomic_compare_exchange_weak(n, &left, left - 1)) {
    }
    return left > 0;
}

/* --- the map ---------------------------------------------------------------------------------- */

static struct gc_str
str_of_buf(const struct gc_buf *buf)
{
    return (struct gc_str){ (const char *)buf->data, buf->len };
}

static struct gc_str
str_of_bytes(const ProtobufCBinaryData *bytes)
{
    return (struct gc_str){ (const char *)bytes->data, bytes->len };
}

static struct bucket *
bucket_find(struct object_server *server, const char *name)
{
    struct gc_list *node;

    gc_list_foreach(node, &server->buckets) {
        struct bucket *bucket = gc_container_of(node, struct bucket, node);

        if (strcmp(bucket->name, name) == 0) {
            return bucket;
        }
    }
    return NULL;
}

static struct object *
object_find(struct bucket *bucket, struct gc_str key)
{
    struct gc_list *node;

    gc_list_foreach(node, &bucket->objects) {
        struct object *object = gc_container_of(node, struct object, node);

        if (gc_str_eq(str_of_buf(&object->key), key)) {
            return object;
        }
    }
    return NULL;
}

static void
object_free(struct object *object)
{
    gc_list_remove(&object->node);
    gc_buf_fini(&object->key);
    gc_buf_fini(&object->data);
    free(object);
}

static struct object *
object_new(struct gc_str key)
{
    struct object *object = calloc(1, sizeof(*object));

    assert(object != NULL);
    gc_list_init(&object->node);
    gc_buf_init(&object->key, 4096);
    gc_buf_init(&object->data, OBJECT_BYTES_MAX);
    assert(gc_buf_append(&object->key, key.data, key.len) == 0);
    return object;
}

static void
object_insert(struct bucket *bucket, struct object *object)
{
    struct gc_str key = str_of_buf(&object->key);
    struct object *old = object_find(bucket, key);
    struct gc_list *node;

    if (old != NULL) {
        object_free(old);
    }
    gc_list_foreach(node, &bucket->objects) {
        if (gc_str_cmp(str_of_buf(&gc_container_of(node, struct object, node)->key), key) > 0) {
            break;
        }
    }
    gc_list_push(node, &object->node); /* before it */
}

/* --- answers ---------------------------------------------------------------------------------- */

static void
fail(struct gc_rpc_call *call, enum gc_api_err err)
{
    const struct gc_api_err_info *info = gc_api_err_info(err);
    const struct gc_http_field trailer = { .name = GC_STR("gcommon-error"),
                                           .value = gc_str_of(info->code) };
    struct gc_rpc_status status;

    gc_rpc_status_set(&status, (enum gc_rpc_code)info->grpc, "%s", info->text);
    (void)gc_rpc_set_trailers(call, &trailer, 1);
    (void)gc_rpc_finish(call, &status);
}

static void
reply(struct gc_rpc_call *call, const ProtobufCMessage *response)
{
    struct gc_bytes *msg = gc_pb_pack(response);

    assert(msg != NULL);
    (void)gc_rpc_reply(call, msg);
    gc_bytes_unref(msg);
}

static void
ignore_message(struct gc_rpc_call *call, void *arg, struct gc_bytes *msg)
{
    (void)arg;
    (void)msg;
    gc_rpc_consume(call);
}

static void
ignore_end(struct gc_rpc_call *call, void *arg, const struct gc_rpc_status *status)
{
    (void)call;
    (void)arg;
    (void)status;
}

static const struct gc_rpc_handler ignore = { .on_message = ignore_message, .on_end = ignore_end };

/* Whether the call may go on; else it has been answered. */
static bool
admit(struct object_server *server, struct gc_rpc_call *call)
{
    char expected[100];

    gc_rpc_set_handler(call, &ignore, NULL);
    atomic_fetch_add(&server->n_calls, 1);
    snprintf(expected, sizeof(expected), "Bearer %s", server->token);
    if (take(&server->faults.unavailable)) {
        fail(call, GC_API_ServiceUnavailable);
        return false;
    }
    if (server->token[0] != '\0' &&
        !gc_str_eq_cstr(gc_rpc_metadata(call, "authorization"), expected)) {
        fail(call, GC_API_InvalidToken);
        return false;
    }
    return true;
}

#define UNPACK(call, type, msg)                                                               \
    gc_pb_unpack(&gcommon__v1__object__##type##__descriptor, gc_rpc_arena(call), (msg)->data, \
                 (msg)->len)

/* --- buckets ---------------------------------------------------------------------------------- */

static void
start_create_bucket(struct gc_rpc_call *call, void *arg, struct gc_bytes *msg)
{
    const Gcommon__V1__Object__CreateBucketRequest *request =
        UNPACK(call, create_bucket_request, msg);
    Gcommon__V1__Object__CreateBucketResponse response =
        GCOMMON__V1__OBJECT__CREATE_BUCKET_RESPONSE__INIT;
    struct object_server *server = server_of(arg);
    struct bucket *bucket;
    struct gc_list *node;

    if (!admit(server, call)) {
        return;
    }
    if (bucket_find(server, request->bucket) != NULL) {
        fail(call, GC_API_BucketAlreadyOwnedByYou);
        return;
    }
    bucket = calloc(1, sizeof(*bucket));
    assert(bucket != NULL);
    snprintf(bucket->name, sizeof(bucket->name), "%s", request->bucket);
    gc_list_init(&bucket->objects);
    gc_list_foreach(node, &server->buckets) {
        if (strcmp(gc_container_of(node, struct bucket, node)->name, bucket->name) > 0) {
            break;
        }
    }
    gc_list_push(node, &bucket->node);
    if (take(&server->faults.lose_answer)) {
        fail(call, GC_API_ServiceUnavailable);
    } else {
        reply(call, &response.base);
    }
}

static void
bucket_free(struct bucket *bucket)
{
    while (!gc_list_empty(&bucket->objects)) {
        object_free(gc_container_of(bucket->objects.next, struct object, node));
    }
    gc_list_remove(&bucket->node);
    free(bucket);
}

static void
start_delete_bucket(struct gc_rpc_call *call, void *arg, struct gc_bytes *msg)
{
    const Gcommon__V1__Object__DeleteBucketRequest *request =
        UNPACK(call, delete_bucket_request, msg);
    Gcommon__V1__Object__DeleteBucketResponse response =
        GCOMMON__V1__OBJECT__DELETE_BUCKET_RESPONSE__INIT;
    struct object_server *server = server_of(arg);
    struct bucket *bucket;

    if (!admit(server, call)) {
        return;
    }
    bucket = bucket_find(server, request->bucket);
    if (bucket == NULL) {
        fail(call, GC_API_NoSuchBucket);
    } else if (!gc_list_empty(&bucket->objects)) {
        fail(call, GC_API_BucketNotEmpty);
    } else {
        bucket_free(bucket);
        if (take(&server->faults.lose_answer)) {
            fail(call, GC_API_ServiceUnavailable);
        } else {
            reply(call, &response.base);
        }
    }
}

static void
start_head_bucket(struct gc_rpc_call *call, void *arg, struct gc_bytes *msg)
{
    const Gcommon__V1__Object__HeadBucketRequest *request = UNPACK(call, head_bucket_request, msg);
    Gcommon__V1__Object__HeadBucketResponse response =
        GCOMMON__V1__OBJECT__HEAD_BUCKET_RESPONSE__INIT;
    struct object_server *server = server_of(arg);

    if (!admit(server, call)) {
        return;
    }
    if (bucket_find(server, request->bucket) == NULL) {
        fail(call, GC_API_NoSuchBucket);
    } else {
        reply(call, &response.base);
    }
}

static void
start_list_buckets(struct gc_rpc_call *call, void *arg, struct gc_bytes *msg)
{
    Gcommon__V1__Object__ListBucketsResponse response =
        GCOMMON__V1__OBJECT__LIST_BUCKETS_RESPONSE__INIT;
    struct object_server *server = server_of(arg);
    Gcommon__V1__Object__Bucket *buckets[ITEMS_MAX];
    struct gc_list *node;

    (void)msg;
    if (!admit(server, call)) {
        return;
    }
    response.buckets = buckets;
    gc_list_foreach(node, &server->buckets) {
        Gcommon__V1__Object__Bucket *row = gc_arena_alloc(gc_rpc_arena(call), sizeof(*row));

        assert(row != NULL && response.n_buckets < ITEMS_MAX);
        gcommon__v1__object__bucket__init(row);
        row->name = gc_container_of(node, struct bucket, node)->name;
        row->created_ms = MODIFIED_MS;
        buckets[response.n_buckets++] = row;
    }
    reply(call, &response.base);
}

/* --- single objects --------------------------------------------------------------------------- */

static struct object *
object_for(struct object_server *server, struct gc_rpc_call *call, const char *bucket_name,
           const ProtobufCBinaryData *key)
{
    struct bucket *bucket = bucket_find(server, bucket_name);
    struct object *object = bucket != NULL ? object_find(bucket, str_of_bytes(key)) : NULL;

    if (object == NULL) {
        fail(call, bucket == NULL ? GC_API_NoSuchBucket : GC_API_NoSuchKey);
    }
    return object;
}

struct head {
    Gcommon__V1__Object__ObjectHead head;
    Gcommon__V1__Common__Field field;
    Gcommon__V1__Common__Field *fields[1];
};

static void
fill_head(struct head *head, struct object *object)
{
    static char name[] = "content-type";

    gcommon__v1__object__object_head__init(&head->head);
    gcommon__v1__common__field__init(&head->field);
    head->head.length = object->data.len;
    head->head.etag = object->etag;
    head->head.modified_ms = MODIFIED_MS;
    head->head.copies = 1;
    if (object->type[0] != '\0') {
        head->field.name = name;
        head->field.value.data = (uint8_t *)object->type;
        head->field.value.len = strlen(object->type);
        head->fields[0] = &head->field;
        head->head.fields = head->fields;
        head->head.n_fields = 1;
    }
}

static void
start_head_object(struct gc_rpc_call *call, void *arg, struct gc_bytes *msg)
{
    const Gcommon__V1__Object__HeadObjectRequest *request = UNPACK(call, head_object_request, msg);
    Gcommon__V1__Object__HeadObjectResponse response =
        GCOMMON__V1__OBJECT__HEAD_OBJECT_RESPONSE__INIT;
    struct object *object;
    struct head head;

    if (!admit(arg, call)) {
        return;
    }
    object = object_for(arg, call, request->bucket, &request->key);
    if (object != NULL) {
        fill_head(&head, object);
        response.head = &head.head;
        reply(call, &response.base);
    }
}

static void
start_delete_object(struct gc_rpc_call *call, void *arg, struct gc_bytes *msg)
{
    const Gcommon__V1__Object__DeleteObjectRequest *request =
        UNPACK(call, delete_object_request, msg);
    Gcommon__V1__Object__DeleteObjectResponse response =
        GCOMMON__V1__OBJECT__DELETE_OBJECT_RESPONSE__INIT;
    struct bucket *bucket;
    struct object *object;

    if (!admit(arg, call)) {
        return;
    }
    bucket = bucket_find(arg, request->bucket);
    if (bucket == NULL) {
        fail(call, GC_API_NoSuchBucket);
        return;
    }
    object = object_find(bucket, str_of_bytes(&request->key));
    if (object != NULL) {
        object_free(object);
    }
    reply(call, &response.base);
}

/* --- reading ---------------------------------------------------------------------------------- */

struct get {
    struct object_server *server;
    struct gc_rpc_call *call;
    struct gc_buf data; /* from the first byte asked for */
    size_t at;
    unsigned n_chunks;
    bool cut, damage, interrupt;
};

/* Send the chunk at get->at; false: no more is wanted. */
static bool
get_chunk(struct get *get)
{
    size_t len = GC_MIN(get->data.len - get->at, GC_CHUNK_BYTES);
    const uint8_t *data = get->data.data + get->at;
    struct gc_bytes *msg = gc_chunk_encode(data, len, gc_crc32c(0, data, len));

    assert(msg != NULL);
    get->at += len;
    get->n_chunks++;
    if (get->damage && get->n_chunks == 2) {
        msg->data[msg->len - 1] ^= 1;
    }
    (void)gc_rpc_send(get->call, msg);
    gc_bytes_unref(msg);
    if (get->n_chunks == CUT_AFTER && get->interrupt) {
        kill(getpid(), SIGINT);
    }
    if (get->n_chunks == CUT_AFTER && get->cut) {
        fail(get->call, GC_API_ServiceUnavailable);
        return false;
    }
    return true;
}

static void
get_pump(struct gc_rpc_call *call, void *arg)
{
    struct get *get = arg;

    while (gc_rpc_writable(call)) {
        if (get->interrupt && get->n_chunks >= CUT_AFTER) {
            return; /* the rest never comes */
        }
        if (get->at == get->data.len) {
            (void)gc_rpc_finish(call, NULL);
            return;
        }
        if (!get_chunk(get)) {
            return;
        }
    }
}

static void
get_end(struct gc_rpc_call *call, void *arg, const struct gc_rpc_status *status)
{
    struct get *get = arg;

    (void)call;
    (void)status;
    gc_buf_fini(&get->data);
    free(get);
}

static const struct gc_rpc_handler get_handler = {
    .on_message = ignore_message,
    .on_writable = get_pump,
    .on_end = get_end,
};

/* The first byte asked for; all tests ask for the rest of an object. */
static size_t
range_first(const Gcommon__V1__Object__GetObjectRequest *request)
{
    size_t first = 0;

    if (request->range[0] != '\0') {
        assert(strncmp(request->range, "bytes=", 6) == 0);
        first = strtoul(request->range + 6, NULL, 10);
        assert(request->conditions != NULL && request->conditions->if_match[0] == '"');
    }
    return first;
}

static bool
matches(const Gcommon__V1__Object__GetObjectRequest *request, const struct object *object)
{
    const char *if_match = request->conditions != NULL ? request->conditions->if_match : "";

    return if_match[0] == '\0' || (strlen(if_match) == strlen(object->etag) + 2 &&
                                   memcmp(if_match + 1, object->etag, strlen(object->etag)) == 0);
}

static void
send_head(struct get *get, struct object *object, size_t first)
{
    Gcommon__V1__Object__GetObjectResponse response =
        GCOMMON__V1__OBJECT__GET_OBJECT_RESPONSE__INIT;
    char lie[] = "00000000000000000000000000000000";
    struct head head;
    struct gc_bytes *msg;

    fill_head(&head, object);
    if (take(&get->server->faults.lie_md5)) {
        head.head.etag = lie;
    }
    head.head.partial = first > 0;
    head.head.first = first;
    head.head.last = object->data.len - 1;
    response.part_case = GCOMMON__V1__OBJECT__GET_OBJECT_RESPONSE__PART_HEAD;
    response.head = &head.head;
    msg = gc_pb_pack(&response.base);
    assert(msg != NULL);
    (void)gc_rpc_send(get->call, msg);
    gc_bytes_unref(msg);
}

static void
start_get_object(struct gc_rpc_call *call, void *arg, struct gc_bytes *msg)
{
    const Gcommon__V1__Object__GetObjectRequest *request = UNPACK(call, get_object_request, msg);
    struct object_server *server = server_of(arg);
    struct object *object;
    struct get *get;
    size_t first;

    if (!admit(server, call)) {
        return;
    }
    object = object_for(server, call, request->bucket, &request->key);
    if (object == NULL) {
        return;
    }
    if (!matches(request, object)) {
        fail(call, GC_API_PreconditionFailed);
        return;
    }
    first = range_first(request);
    get = calloc(1, sizeof(*get));
    assert(get != NULL);
    get->server = server;
    get->call = call;
    get->cut = take(&server->faults.cut_get);
    get->damage = take(&server->faults.damage_chunk);
    get->interrupt = take(&server->faults.interrupt_get);
    gc_buf_init(&get->data, OBJECT_BYTES_MAX);
    assert(gc_buf_append(&get->data, object->data.data + first, object->data.len - first) == 0);
    gc_rpc_set_handler(call, &get_handler, get);
    send_head(get, object, first);
    get_pump(call, get);
}

/* --- writing ---------------------------------------------------------------------------------- */

struct put {
    struct object_server *server;
    char bucket[64];
    struct object *object; /* NULL before the open */
    unsigned n_chunks;
    bool over;
};

static void
put_over(struct put *put, struct gc_rpc_call *call, enum gc_api_err err)
{
    put->over = true;
    fail(call, err);
}

static void
put_open(struct put *put, struct gc_rpc_call *call, const Gcommon__V1__Object__PutOpen *open)
{
    if (put->object != NULL || bucket_find(put->server, open->bucket) == NULL) {
        put_over(put, call, put->object != NULL ? GC_API_BadRequest : GC_API_NoSuchBucket);
        return;
    }
    snprintf(put->bucket, sizeof(put->bucket), "%s", open->bucket);
    put->object = object_new(str_of_bytes(&open->key));
    if (open->n_fields > 0) {
        assert(gc_str_copy(put->object->type, sizeof(put->object->type),
                           str_of_bytes(&open->fields[0]->value)) == 0);
    }
}

static void
put_chunk(struct put *put, struct gc_rpc_call *call, struct gc_bytes *msg)
{
    struct gc_chunk chunk;
    bool ok = put->object != NULL && gc_chunk_decode(msg, &chunk) == 0 &&
              gc_crc32c(0, chunk.data.data, chunk.data.len) == chunk.crc &&
              put->object->data.len % GC_CHUNK_BYTES == 0;

    if (!ok) {
        put_over(put, call, GC_API_BadRequest);
        return;
    }
    assert(gc_buf_append(&put->object->data, chunk.data.data, chunk.data.len) == 0);
    put->n_chunks++;
    if (put->n_chunks == CUT_AFTER && take(&put->server->faults.interrupt_put)) {
        kill(getpid(), SIGINT);
    }
    if (put->n_chunks == CUT_AFTER && take(&put->server->faults.cut_put)) {
        put_over(put, call, GC_API_ServiceUnavailable);
    }
}

static void
put_commit(struct put *put, struct gc_rpc_call *call, const Gcommon__V1__Object__PutCommit *commit)
{
    Gcommon__V1__Object__PutObjectResponse response =
        GCOMMON__V1__OBJECT__PUT_OBJECT_RESPONSE__INIT;
    struct object *object = put->object;
    struct bucket *bucket = bucket_find(put->server, put->bucket);
    char lie[] = "00000000000000000000000000000000";
    uint8_t md5[GC_MD5_BYTES];

    gc_md5(object->data.data, object->data.len, md5);
    if (commit->length != object->data.len || commit->md5.len != sizeof(md5) ||
        commit->crc32c != gc_crc32c(0, object->data.data, object->data.len)) {
        put_over(put, call, GC_API_IncompleteBody);
        return;
    }
    if (memcmp(commit->md5.data, md5, sizeof(md5)) != 0 || bucket == NULL) {
        put_over(put, call, GC_API_BadDigest);
        return;
    }
    put->over = true;
    put->object = NULL;
    gc_hex_encode(object->etag, md5, sizeof(md5));
    response.etag = take(&put->server->faults.change_stored) ? lie : object->etag;
    object_insert(bucket, object);
    reply(call, &response.base);
}

static void
put_message(struct gc_rpc_call *call, void *arg, struct gc_bytes *msg)
{
    struct put *put = arg;
    const Gcommon__V1__Object__PutObjectRequest *request;

    gc_rpc_consume(call);
    if (put->over) {
        return;
    }
    if (gc_chunk_is(msg)) {
        put_chunk(put, call, msg);
        return;
    }
    request = UNPACK(call, put_object_request, msg);
    if (request->part_case == GCOMMON__V1__OBJECT__PUT_OBJECT_REQUEST__PART_OPEN) {
        put_open(put, call, request->open);
    } else if (request->part_case == GCOMMON__V1__OBJECT__PUT_OBJECT_REQUEST__PART_COMMIT &&
               put->object != NULL) {
        put_commit(put, call, request->commit);
    } else {
        put_over(put, call, GC_API_BadRequest);
    }
}

static void
put_half_close(struct gc_rpc_call *call, void *arg)
{
    struct put *put = arg;

    if (!put->over) {
        put_over(put, call, GC_API_IncompleteBody);
    }
}

static void
put_end(struct gc_rpc_call *call, void *arg, const struct gc_rpc_status *status)
{
    struct put *put = arg;

    (void)call;
    (void)status;
    if (put->object != NULL) {
        object_free(put->object);
    }
    free(put);
}

static const struct gc_rpc_handler put_handler = {
    .on_message = put_message,
    .on_half_close = put_half_close,
    .on_end = put_end,
};

static void
start_put_object(struct gc_rpc_call *call, void *arg, struct gc_bytes *msg)
{
    struct put *put;

    (void)msg;
    if (!admit(arg, call)) {
        return;
    }
    put = calloc(1, sizeof(*put));
    assert(put != NULL);
    put->server = arg;
    gc_rpc_set_handler(call, &put_handler, put);
}

/* --- listing ---------------------------------------------------------------------------------- */

struct page {
    Gcommon__V1__Object__ListObjectsResponse response;
    Gcommon__V1__Object__ListEntry entries[ITEMS_MAX];
    Gcommon__V1__Object__ListEntry *entry_rows[ITEMS_MAX];
    ProtobufCBinaryData prefixes[ITEMS_MAX];
    struct gc_str last; /* name of the last item */
    char continuation[2 * 1024 + 1];
};

/* The common prefix that stands for KEY, or an empty one. */
static struct gc_str
common_prefix(const Gcommon__V1__Object__ListObjectsRequest *request, struct gc_str key)
{
    const char *rest = key.data + request->prefix.len;
    const char *at = request->delimiter.len == 0
                         ? NULL
                         : memmem(rest, key.len - request->prefix.len, request->delimiter.data,
                                  request->delimiter.len);

    return (struct gc_str){ key.data,
                            at != NULL ? (size_t)(at - key.data) + request->delimiter.len : 0 };
}

/* Whether KEY is new to a listing that has come to page->last. */
static bool
is_news(const struct page *page, struct gc_str key, struct gc_str common)
{
    if (page->last.len == 0) {
        return true;
    }
    return common.len > 0 ? gc_str_cmp(common, page->last) > 0 : gc_str_cmp(key, page->last) > 0;
}

static void
page_add(struct page *page, struct object *object, struct gc_str common)
{
    Gcommon__V1__Object__ListObjectsResponse *response = &page->response;
    Gcommon__V1__Object__ListEntry *entry = &page->entries[response->n_entries];

    if (common.len > 0) {
        page->prefixes[response->n_common_prefixes++] =
            (ProtobufCBinaryData){ .len = common.len, .data = (uint8_t *)(uintptr_t)common.data };
        page->last = common;
        return;
    }
    gcommon__v1__object__list_entry__init(entry);
    entry->key = (ProtobufCBinaryData){ .len = object->key.len, .data = object->key.data };
    entry->length = object->data.len;
    entry->etag = object->etag;
    entry->modified_ms = MODIFIED_MS;
    page->entry_rows[response->n_entries++] = entry;
    page->last = str_of_buf(&object->key);
}

static void
fill_page(struct page *page, struct bucket *bucket,
          const Gcommon__V1__Object__ListObjectsRequest *request, size_t max)
{
    struct gc_str prefix = str_of_bytes(&request->prefix);
    struct gc_list *node;
    size_t n = 0;

    gc_list_foreach(node, &bucket->objects) {
        struct object *object = gc_container_of(node, struct object, node);
        struct gc_str key = str_of_buf(&object->key), common;

        if (key.len < prefix.len || !gc_str_eq((struct gc_str){ key.data, prefix.len }, prefix)) {
            continue;
        }
        common = common_prefix(request, key);
        if (!is_news(page, key, common)) {
            continue;
        }
        if (n++ == max) {
            page->response.truncated = true;
            gc_hex_encode(page->continuation, page->last.data, page->last.len);
            page->response.next_continuation = page->continuation;
            return;
        }
        page_add(page, object, common);
    }
}

static void
start_list_objects(struct gc_rpc_call *call, void *arg, struct gc_bytes *msg)
{
    const Gcommon__V1__Object__ListObjectsRequest *request =
        UNPACK(call, list_objects_request, msg);
    struct object_server *server = server_of(arg);
    struct bucket *bucket;
    struct page *page;
    char last[1024];

    if (!admit(server, call)) {
        return;
    }
    bucket = bucket_find(server, request->bucket);
    if (bucket == NULL) {
        fail(call, GC_API_NoSuchBucket);
        return;
    }
    page = calloc(1, sizeof(*page));
    assert(page != NULL);
    gcommon__v1__object__list_objects_response__init(&page->response);
    page->response.entries = page->entry_rows;
    page->response.common_prefixes = page->prefixes;
    page->last.data = last;
    page->last.len = take(&server->faults.circle) ? 0 : strlen(request->continuation) / 2;
    assert(page->last.len <= sizeof(last));
    assert(page->last.len == 0 ||
           gc_hex_decode(last, page->last.len, gc_str_of(request->continuation)) == 0);
    fill_page(page, bucket, request, server->page_max);
    reply(call, &page->response.base);
    free(page);
}

static void
start_status(struct gc_rpc_call *call, void *arg, struct gc_bytes *msg)
{
    Gcommon__V1__Object__GetStatusResponse response =
        GCOMMON__V1__OBJECT__GET_STATUS_RESPONSE__INIT;
    Gcommon__V1__Object__FileServer row = GCOMMON__V1__OBJECT__FILE_SERVER__INIT,
                                    *rows[] = { &row };
    char node[] = "t1", version[] = "0", file[] = "f1", address[] = "127.0.0.1:7500";

    (void)msg;
    if (!admit(arg, call)) {
        return;
    }
    response.node = node;
    response.version = version;
    response.n_buckets = 7;
    row.number = 1;
    row.node = file;
    row.address = address;
    row.up = true;
    response.servers = rows;
    response.n_servers = 1;
    reply(call, &response.base);
}

/* --- life ------------------------------------------------------------------------------------- */

static const struct gc_rpc_method methods[] = {
    { .name = "CreateBucket", .kind = GC_RPC_UNARY, .start = start_create_bucket },
    { .name = "DeleteBucket", .kind = GC_RPC_UNARY, .start = start_delete_bucket },
    { .name = "HeadBucket", .kind = GC_RPC_UNARY, .start = start_head_bucket },
    { .name = "ListBuckets", .kind = GC_RPC_UNARY, .start = start_list_buckets },
    { .name = "PutObject", .kind = GC_RPC_CLIENT_STREAM, .start = start_put_object },
    { .name = "GetObject", .kind = GC_RPC_SERVER_STREAM, .start = start_get_object },
    { .name = "HeadObject", .kind = GC_RPC_UNARY, .start = start_head_object },
    { .name = "DeleteObject", .kind = GC_RPC_UNARY, .start = start_delete_object },
    { .name = "ListObjects", .kind = GC_RPC_UNARY, .start = start_list_objects },
    { .name = "GetStatus", .kind = GC_RPC_UNARY, .start = start_status },
    { 0 },
};

static void
run(void *arg)
{
    (void)gc_loop_run(server_of(arg)->loop);
    gc_tls_thread_end();
}

void
object_server_open(struct object_server *server, struct gc_tls_ctx *tls, const char *token)
{
    struct gc_addr addr;
    int rc;

    memset(server, 0, sizeof(*server));
    gc_list_init(&server->buckets);
    snprintf(server->token, sizeof(server->token), "%s", token);
    server->page_max = ITEMS_MAX;
    server->metrics = gc_metrics_new();
    server->service = (struct gc_rpc_service){ .name = "gcommon.v1.object.ObjectService",
                                               .methods = methods,
                                               .arg = server };
    rc = gc_loop_new(&server->loop);
    assert(rc == 0);
    rc = gc_rpc_server_new(server->loop, server->metrics, &server->rpc);
    assert(rc == 0);
    rc = gc_rpc_server_add(server->rpc, &server->service);
    assert(rc == 0);
    rc = gc_http_server_new(server->loop, &(struct gc_http_conf){ 0 }, gc_rpc_server_on_request,
                            server->rpc, &server->http);
    assert(rc == 0);
    rc = gc_addr_parse(GC_STR("127.0.0.1:0"), &addr);
    assert(rc == 0);
    rc = gc_http_server_listen(server->http, &addr, -1, tls, &server->port);
    assert(rc == 0);
    rc = gc_thread_start(&server->thread, "objects", run, server);
    assert(rc == 0);
    (void)rc;
}

void
object_server_close(struct object_server *server)
{
    gc_loop_stop(server->loop);
    gc_thread_join(&server->thread);
    gc_http_server_free(server->http);
    while (gc_rpc_server_n_calls(server->rpc) > 0) {
        gc_loop_turn(server->loop, 10);
    }
    gc_rpc_server_free(server->rpc);
    while (!gc_list_empty(&server->buckets)) {
        bucket_free(gc_container_of(server->buckets.next, struct bucket, node));
    }
    gc_loop_free(server->loop);
    gc_metrics_free(server->metrics);
}
