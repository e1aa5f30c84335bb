/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GatewayService.ListObjects: one page in one read transaction. The continuation token is base64 of
 * a byte that says whether the last item was a common prefix, and its name; it names a place, not a
 * snapshot, and survives restarts. */
#include <string.h>

#include "base/err.h"
#include "rpc/pb.h"
#include "translation/object.h"
#include "translation/reply.h"
#include "translation/unary.h"

#define ARENA_MAX (8u << 20)

/* What is absent is the empty text, not a null pointer, which memcmp may not get. */
static struct gc_str
str_of_bytes(const ProtobufCBinaryData *bytes)
{
    return bytes->len == 0 ? GC_STR("") : (struct gc_str){ (const char *)bytes->data, bytes->len };
}

static char *
continuation_encode(struct gc_arena *arena, const struct gc_meta_list_item *last)
{
    uint8_t *raw = gc_arena_alloc(arena, last->name.len + 1);
    char *text = gc_arena_alloc(arena, (last->name.len + 3) / 3 * 4 + 1);
    if (raw == NULL || text == NULL) {
        return NULL;
    }
    raw[0] = last->is_prefix ? 'p' : 'k';
    memcpy(raw + 1, last->name.data, last->name.len);
    text[gc_base64_encode(text, raw, last->name.len + 1, false)] = '\0';
    return text;
}

static bool
continuation_decode(struct gc_arena *arena, const char *text, struct gc_meta_list *list)
{
    size_t len = strlen(text);
    char *raw = gc_arena_alloc(arena, len / 4 * 3 + 3);
    if (raw == NULL || gc_base64_decode(raw, gc_str_of(text), &len) != 0 || len < 2 ||
        (raw[0] != 'p' && raw[0] != 'k')) {
        return false;
    }
    list->after_is_prefix = raw[0] == 'p';
    list->after = (struct gc_str){ raw + 1, len - 1 };
    return true;
}

static bool
fill_entry(struct gc_arena *arena, const struct gc_meta_list_item *item,
           Gcommon__V1__Object__ListEntry **ret_entry)
{
    Gcommon__V1__Object__ListEntry *entry = gc_arena_alloc(arena, sizeof(*entry));
    if (entry == NULL) {
        return false;
    }
    gcommon__v1__object__list_entry__init(entry);
    entry->key.data = (uint8_t *)item->name.data;
    entry->key.len = item->name.len;
    entry->length = item->length;
    entry->modified_ms = (int64_t)item->mtime_ms;
    entry->etag = gc_object_etag(arena, item->md5);
    *ret_entry = entry;
    return entry->etag != NULL;
}

static bool
fill_page(struct gc_arena *arena, const struct gc_meta_list_page *page,
          Gcommon__V1__Object__ListObjectsResponse *response)
{
    response->entries = gc_arena_alloc(arena, (page->n_items + 1) * sizeof(*response->entries));
    response->common_prefixes =
        gc_arena_alloc(arena, (page->n_items + 1) * sizeof(*response->common_prefixes));
    if (response->entries == NULL || response->common_prefixes == NULL) {
        return false;
    }
    for (size_t i = 0; i < page->n_items; i++) {
        const struct gc_meta_list_item *item = &page->items[i];
        if (item->is_prefix) {
            ProtobufCBinaryData *prefix = &response->common_prefixes[response->n_common_prefixes++];
            prefix->data = (uint8_t *)item->name.data;
            prefix->len = item->name.len;
        } else if (!fill_entry(arena, item, &response->entries[response->n_entries++])) {
            return false;
        }
    }
    response->truncated = page->truncated;
    if (page->truncated && page->n_items > 0) {
        response->next_continuation = continuation_encode(arena, &page->items[page->n_items - 1]);
        return response->next_continuation != NULL;
    }
    return true;
}

/* Whether NAME is what this listing shows for the names below it: one that goes on after it has
 * seen that already (S3's clients page by the last item's name). */
static bool
is_common_prefix(const struct gc_meta_list *list, struct gc_str name)
{
    struct gc_str rest;
    const char *at;
    if (list->delimiter.len == 0 || name.len <= list->prefix.len ||
        memcmp(name.data, list->prefix.data, list->prefix.len) != 0) {
        return false;
    }
    rest = (struct gc_str){ name.data + list->prefix.len, name.len - list->prefix.len };
    at = memmem(rest.data, rest.len, list->delimiter.data, list->delimiter.len);
    return at != NULL && at + list->delimiter.len == rest.data + rest.len;
}

static enum gc_api_err
list_page(struct gc_unary *unary, const struct gc_meta_read *rd,
          Gcommon__V1__Object__ListObjectsResponse *response)
{
    const Gcommon__V1__Gateway__ListObjectsRequest *outer = unary->request;
    const Gcommon__V1__Object__ListObjectsRequest *request = outer->request;
    struct gc_meta_list list = { .max = GC_META_LIST_MAX };
    struct gc_meta_bucket bucket;
    struct gc_meta_list_page page;
    enum gc_api_err err;
    int rc;
    if (request == NULL) {
        return GC_API_BadRequest;
    }
    err = gc_bucket_for(rd, request->bucket, &unary->principal, GC_ACL_LIST, &bucket);
    if (err != GC_API_OK) {
        return err;
    }
    list.bucket_id = bucket.id;
    list.prefix = str_of_bytes(&request->prefix);
    list.delimiter = str_of_bytes(&request->delimiter);
    list.after = str_of_bytes(&request->start_after);
    list.after_is_prefix = is_common_prefix(&list, list.after);
    if (request->max_keys > 0 && request->max_keys < list.max) {
        list.max = request->max_keys;
    }
    if (request->continuation[0] != '\0' &&
        !continuation_decode(rd->arena, request->continuation, &list)) {
        return GC_API_InvalidArgument;
    }
    rc = gc_meta_list_objects(rd, &list, &page);
    if (rc != 0) {
        return gc_reply_err_of_rc(rc);
    }
    return fill_page(rd->arena, &page, response) ? GC_API_OK : GC_API_SlowDown;
}

static void
list_run(struct gc_unary *unary, const struct gc_meta_read *rd)
{
    Gcommon__V1__Object__ListObjectsResponse response =
        GCOMMON__V1__OBJECT__LIST_OBJECTS_RESPONSE__INIT;
    struct gc_meta_read own = *rd;
    struct gc_arena arena;
    enum gc_api_err err;
    gc_arena_init(&arena, ARENA_MAX);
    own.arena = &arena;
    err = list_page(unary, &own, &response);
    if (err != GC_API_OK) {
        gc_reply_err(unary->call, err);
    } else {
        gc_reply(unary->call, &response.base);
    }
    gc_arena_fini(&arena);
}

void
gc_translation_rpc_list(struct gc_rpc_call *call, void *arg, struct gc_bytes *request)
{
    Gcommon__V1__Gateway__ListObjectsRequest *decoded =
        gc_pb_unpack(&gcommon__v1__gateway__list_objects_request__descriptor, gc_rpc_arena(call),
                     request->data, request->len);
    gc_unary_start(call, arg, decoded, decoded != NULL ? decoded->context : NULL, list_run);
}
