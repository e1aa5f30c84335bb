/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ListObjectsV2, and its older form that rclone and s3cmd use. */
#include <string.h>

#include "base/macros.h"
#include "rpc/pb.h"
#include "web/fields.h"
#include "web/list_params.h"
#include "web/ops.h"
#include "web/xml.h"

#define ARENA_MAX (16u << 20)
#define BYTES_MAX (15u << 20) /* what the stream takes at once */

static ProtobufCBinaryData
bytes_of(struct gc_str text)
{
    return (ProtobufCBinaryData){ .len = text.len, .data = (uint8_t *)text.data };
}

static enum gc_api_err
list_start(struct gc_web_request *req, const struct gc_http_head *head)
{
    Gcommon__V1__Object__ListObjectsRequest message =
        GCOMMON__V1__OBJECT__LIST_OBJECTS_REQUEST__INIT;
    struct gc_web_list_params params;
    enum gc_api_err err = gc_web_list_params(&req->target, &params);
    (void)head;
    if (err != GC_API_OK) {
        return err;
    }
    message.bucket = (char *)req->target.bucket.data;
    message.prefix = bytes_of(params.prefix);
    message.delimiter = bytes_of(params.delimiter);
    message.start_after = bytes_of(params.after);
    message.max_keys = GC_MAX(params.max_keys, 1u); /* 0 would mean all; the answer leaves it out */
    if (params.continuation.data != NULL) {
        message.continuation = (char *)params.continuation.data;
    }
    return gc_web_prepare(req, GC_UPSTREAM_LIST_OBJECTS, &message.base);
}

static void
put_name(struct gc_xml *xml, const struct gc_web_list_params *params, const char *element,
         struct gc_str text)
{
    if (params->url) {
        gc_xml_url(xml, element, text);
    } else {
        gc_xml_text(xml, element, text);
    }
}

static struct gc_str
str_of_bytes(const ProtobufCBinaryData *bytes)
{
    return (struct gc_str){ (const char *)bytes->data, bytes->len };
}

static void
put_entry(struct gc_xml *xml, const struct gc_web_list_params *params,
          const Gcommon__V1__Object__ListEntry *entry)
{
    gc_xml_open(xml, "Contents");
    put_name(xml, params, "Key", str_of_bytes(&entry->key));
    gc_xml_time(xml, "LastModified", entry->modified_ms);
    gc_xml_open(xml, "ETag");
    if (xml->rc == 0) {
        xml->rc = gc_buf_printf(xml->buf, "&quot;%s&quot;", entry->etag);
    }
    gc_xml_close(xml, "ETag");
    gc_xml_u64(xml, "Size", entry->length);
    gc_xml_cstr(xml, "StorageClass", "STANDARD");
    gc_xml_close(xml, "Contents");
}

/* What the page's last item is called: where the older form goes on. */
static struct gc_str
last_name(const Gcommon__V1__Object__ListObjectsResponse *page)
{
    struct gc_str key = GC_STR(""), prefix = GC_STR("");
    if (page->n_entries > 0) {
        key = str_of_bytes(&page->entries[page->n_entries - 1]->key);
    }
    if (page->n_common_prefixes > 0) {
        prefix = str_of_bytes(&page->common_prefixes[page->n_common_prefixes - 1]);
    }
    return gc_str_cmp(key, prefix) > 0 ? key : prefix;
}

static void
put_position(struct gc_xml *xml, const struct gc_web_list_params *params,
             const Gcommon__V1__Object__ListObjectsResponse *page, bool truncated)
{
    if (!params->v2) {
        put_name(xml, params, "Marker", params->after);
        if (truncated) {
            put_name(xml, params, "NextMarker", last_name(page));
        }
        return;
    }
    gc_xml_u64(xml, "KeyCount", page->n_entries + page->n_common_prefixes);
    if (params->after.len > 0) {
        put_name(xml, params, "StartAfter", params->after);
    }
    if (params->continuation.data != NULL) {
        gc_xml_text(xml, "ContinuationToken", params->continuation);
    }
    if (truncated) {
        gc_xml_cstr(xml, "NextContinuationToken", page->next_continuation);
    }
}

static int
write_page(struct gc_buf *body, struct gc_str bucket, const struct gc_web_list_params *params,
           const Gcommon__V1__Object__ListObjectsResponse *page)
{
    bool truncated = page->truncated && params->max_keys > 0;
    struct gc_xml xml;
    gc_xml_begin(&xml, body, "ListBucketResult", true);
    gc_xml_text(&xml, "Name", bucket);
    put_name(&xml, params, "Prefix", params->prefix);
    if (params->delimiter.len > 0) {
        put_name(&xml, params, "Delimiter", params->delimiter);
    }
    gc_xml_u64(&xml, "MaxKeys", params->max_keys);
    if (params->url) {
        gc_xml_cstr(&xml, "EncodingType", "url");
    }
    gc_xml_bool(&xml, "IsTruncated", truncated);
    put_position(&xml, params, page, truncated);
    for (size_t i = 0; i < page->n_entries; i++) {
        put_entry(&xml, params, page->entries[i]);
    }
    for (size_t i = 0; i < page->n_common_prefixes; i++) {
        gc_xml_open(&xml, "CommonPrefixes");
        put_name(&xml, params, "Prefix", str_of_bytes(&page->common_prefixes[i]));
        gc_xml_close(&xml, "CommonPrefixes");
    }
    gc_xml_close(&xml, "ListBucketResult");
    return xml.rc;
}

static void
list_answer(struct gc_web_request *req, struct gc_bytes *response)
{
    Gcommon__V1__Object__ListObjectsResponse *page;
    struct gc_web_list_params params;
    struct gc_arena arena;
    struct gc_buf body;
    gc_arena_init(&arena, ARENA_MAX);
    gc_buf_init(&body, BYTES_MAX);
    page = gc_pb_unpack(&gcommon__v1__object__list_objects_response__descriptor, &arena,
                        response->data, response->len);
    (void)gc_web_list_params(&req->target, &params); /* as at the start */
    if (page != NULL && params.max_keys == 0) {
        page->n_entries = 0;
        page->n_common_prefixes = 0;
    }
    if (page == NULL || write_page(&body, req->target.bucket, &params, page) != 0) {
        gc_web_answer_err(req, GC_API_InternalError);
    } else {
        gc_web_answer_xml(req, &body);
    }
    gc_buf_fini(&body);
    gc_arena_fini(&arena);
}

const struct gc_web_op gc_web_op_list_objects = {
    .name = "list_objects",
    .start = list_start,
    .answer = list_answer,
};
