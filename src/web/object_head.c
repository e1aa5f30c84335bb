/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "web/object_head.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "base/time.h"
#include "web/fields.h"

uint64_t
gc_web_object_bytes(const Gcommon__V1__Object__ObjectHead *head)
{
    return head->partial ? head->last - head->first + 1 : head->length;
}

struct head_fields {
    struct gc_http_field fields[GC_WEB_FIELDS_MAX];
    size_t n;
    int rc;
};

static void
add(struct head_fields *out, struct gc_str name, struct gc_str value)
{
    if (out->n == GC_WEB_FIELDS_MAX) {
        out->rc = GC_ELIMIT;
        return;
    }
    out->fields[out->n++] = (struct gc_http_field){ name, value, false };
}

/* The stored ones; the list of what may be stored is checked here, too: it decides what a browser
 * is told. */
static void
add_stored(struct head_fields *out, const Gcommon__V1__Object__ObjectHead *head)
{
    bool typed = false;
    for (size_t i = 0; i < head->n_fields; i++) {
        const Gcommon__V1__Common__Field *field = head->fields[i];
        struct gc_str name = gc_str_of(field->name);
        if (gc_web_field_stored(name)) {
            typed = typed || gc_str_eq_cstr(name, "content-type");
            add(out, name, (struct gc_str){ (const char *)field->value.data, field->value.len });
        }
    }
    if (!typed) {
        add(out, GC_STR("content-type"), GC_STR("binary/octet-stream"));
    }
}

int
gc_web_respond_object(struct gc_web_request *req, const Gcommon__V1__Object__ObjectHead *head,
                      bool end)
{
    struct head_fields out = { 0 };
    char etag[64], modified[30], length[24], range[80];
    if (head->partial && (head->first > head->last || head->last >= head->length)) {
        return GC_EPROTO;
    }
    snprintf(etag, sizeof(etag), "\"%s\"", head->etag);
    snprintf(length, sizeof(length), "%llu", (unsigned long long)gc_web_object_bytes(head));
    gc_time_http(modified, head->modified_ms);
    add(&out, GC_STR("etag"), gc_str_of(etag));
    add(&out, GC_STR("last-modified"), gc_str_of(modified));
    add(&out, GC_STR("accept-ranges"), GC_STR("bytes"));
    add(&out, GC_STR("content-length"), gc_str_of(length));
    if (head->partial) {
        snprintf(range, sizeof(range), "bytes %llu-%llu/%llu", (unsigned long long)head->first,
                 (unsigned long long)head->last, (unsigned long long)head->length);
        add(&out, GC_STR("content-range"), gc_str_of(range));
    }
    add_stored(&out, head);
    return out.rc != 0 ? out.rc
                       : gc_web_respond(req, head->partial ? 206 : 200, out.fields, out.n, end);
}

void
gc_web_keep_etag(struct gc_web_request *req, const struct gc_http_head *head)
{
    struct gc_str tag = gc_http_field_get(head->fields, head->n_fields, "if-none-match");
    bool one = tag.len > 2 && tag.data[0] == '"' &&
               memchr(tag.data + 1, '"', tag.len - 1) == tag.data + tag.len - 1;
    req->etag = one ? gc_arena_str(gc_http_arena(req->s), tag) : GC_STR("");
}

bool
gc_web_answer_not_modified(struct gc_web_request *req, enum gc_api_err err)
{
    const struct gc_http_field field = { GC_STR("etag"), req->etag, false };
    if (err != GC_API_NotModified) {
        return false;
    }
    gc_web_answer_empty(req, 304, &field, req->etag.len > 0 ? 1 : 0);
    return true;
}
