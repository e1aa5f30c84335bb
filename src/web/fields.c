/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "web/fields.h"

#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "base/time.h"
#include "crypto/hash.h"

#define META_PREFIX "x-amz-meta-"

static bool
is_meta(struct gc_str name)
{
    return gc_str_starts(name, META_PREFIX);
}

bool
gc_web_field_stored(struct gc_str name)
{
    static const char *const kept[] = {
        "content-type",     "content-encoding", "content-disposition",
        "content-language", "cache-control",    "expires",
    };
    for (size_t i = 0; i < GC_ARRAY_LEN(kept); i++) {
        if (gc_str_eq_cstr(name, kept[i])) {
            return true;
        }
    }
    return is_meta(name) && name.len > strlen(META_PREFIX);
}

/* What has been kept so far. */
struct tally {
    size_t n, meta_bytes, content_bytes;
};

static enum gc_api_err
count(struct tally *tally, struct gc_str name, size_t value_len)
{
    if (is_meta(name)) {
        tally->meta_bytes += name.len - strlen(META_PREFIX) + value_len;
    } else {
        tally->content_bytes += name.len + value_len;
    }
    return ++tally->n > GC_WEB_STORED_MAX || tally->meta_bytes > GC_WEB_META_BYTES_MAX ||
                   tally->content_bytes > GC_WEB_CONTENT_BYTES_MAX
               ? GC_API_MetadataTooLarge
               : GC_API_OK;
}

static enum gc_api_err
keep(struct gc_arena *arena, const struct gc_http_field *field, Gcommon__V1__Object__PutOpen *open)
{
    Gcommon__V1__Common__Field *kept = gc_arena_alloc(arena, sizeof(*kept));
    if (kept == NULL) {
        return GC_API_SlowDown;
    }
    gcommon__v1__common__field__init(kept);
    kept->name = (char *)gc_arena_str(arena, field->name).data;
    kept->value.data = (uint8_t *)gc_arena_str(arena, field->value).data;
    kept->value.len = field->value.len;
    if (kept->name == NULL || kept->value.data == NULL) {
        return GC_API_SlowDown;
    }
    open->fields[open->n_fields++] = kept;
    return GC_API_OK;
}

enum gc_api_err
gc_web_fields_keep(struct gc_arena *arena, const struct gc_http_field *fields, size_t n,
                   Gcommon__V1__Object__PutOpen *open)
{
    struct tally tally = { 0 };
    enum gc_api_err err = GC_API_OK;
    open->n_fields = 0;
    open->fields = gc_arena_alloc(arena, (n + 1) * sizeof(open->fields[0]));
    if (open->fields == NULL) {
        return GC_API_SlowDown;
    }
    for (size_t i = 0; i < n && err == GC_API_OK; i++) {
        if (gc_web_field_stored(fields[i].name)) {
            err = count(&tally, fields[i].name, fields[i].value.len);
            if (err == GC_API_OK) {
                err = keep(arena, &fields[i], open);
            }
        }
    }
    return err;
}

/* What may stand in a header field, since the object's readers get it there. */
static bool
value_ok(struct gc_str value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.data[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    return gc_str_trim(value).len == value.len;
}

static bool
name_ok(struct gc_str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_' &&
            c != '.') {
            return false;
        }
    }
    return gc_web_field_stored(name);
}

enum gc_api_err
gc_web_fields_check(const Gcommon__V1__Object__PutOpen *open)
{
    struct tally tally = { 0 };
    enum gc_api_err err = GC_API_OK;
    for (size_t i = 0; i < open->n_fields && err == GC_API_OK; i++) {
        const Gcommon__V1__Common__Field *field = open->fields[i];
        struct gc_str name = gc_str_of(field->name);
        struct gc_str value = { (const char *)field->value.data, field->value.len };
        err = name_ok(name) && value_ok(value) ? count(&tally, name, value.len)
                                               : GC_API_InvalidArgument;
    }
    return err;
}

static bool
value_has(struct gc_str value, const char *word)
{
    size_t len = strlen(word);
    for (size_t i = 0; i + len <= value.len; i++) {
        if (gc_str_ieq_cstr((struct gc_str){ value.data + i, len }, word)) {
            return true;
        }
    }
    return false;
}

enum gc_api_err
gc_web_fields_refuse(const struct gc_http_field *fields, size_t n)
{
    static const char *const refused[] = {
        "x-amz-copy-source",  "x-amz-server-side-encryption",
        "x-amz-object-lock-", "x-amz-grant-",
        "x-amz-tagging",      "x-amz-website-redirect-location",
        "x-amz-trailer",      "x-amz-write-offset-bytes",
    };
    bool is_public;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < GC_ARRAY_LEN(refused); j++) {
            if (gc_str_starts(fields[i].name, refused[j])) {
                return GC_API_NotImplemented;
            }
        }
        if (gc_str_eq_cstr(fields[i].name, "x-amz-acl") &&
            (gc_web_acl_public(fields[i].value, &is_public) != GC_API_OK || is_public)) {
            return GC_API_NotImplemented;
        }
        /* Bodies in the framing of signed chunks must not be stored as they come. */
        if ((gc_str_eq_cstr(fields[i].name, "content-encoding") &&
             value_has(fields[i].value, "aws-chunked")) ||
            (gc_str_eq_cstr(fields[i].name, "x-amz-content-sha256") &&
             gc_str_starts(fields[i].value, "STREAMING-"))) {
            return GC_API_NotImplemented;
        }
    }
    return GC_API_OK;
}

char *
gc_web_text(struct gc_arena *arena, struct gc_str value)
{
    return gc_utf8_valid(value) ? (char *)gc_arena_str(arena, value).data : NULL;
}

/* 0 when the field is absent or no date. */
static int64_t
date_ms(const struct gc_http_field *fields, size_t n, const char *name)
{
    char text[64];
    int64_t ms = 0;
    if (gc_str_copy(text, sizeof(text), gc_http_field_get(fields, n, name)) != 0 ||
        gc_time_http_parse(text, &ms) != 0) {
        return 0;
    }
    return ms;
}

enum gc_api_err
gc_web_conditions(struct gc_arena *arena, const struct gc_http_field *fields, size_t n, bool read,
                  Gcommon__V1__Object__Conditions *ret)
{
    struct gc_str if_range = { 0 };
    gcommon__v1__object__conditions__init(ret);
    ret->if_match = gc_web_text(arena, gc_http_field_get(fields, n, "if-match"));
    ret->if_none_match = gc_web_text(arena, gc_http_field_get(fields, n, "if-none-match"));
    if (read) {
        ret->if_modified_since_ms = date_ms(fields, n, "if-modified-since");
        ret->if_unmodified_since_ms = date_ms(fields, n, "if-unmodified-since");
        if_range = gc_http_field_get(fields, n, "if-range");
    }
    ret->if_range = gc_web_text(arena, if_range);
    return ret->if_match != NULL && ret->if_none_match != NULL && ret->if_range != NULL
               ? GC_API_OK
               : GC_API_InvalidArgument;
}

int
gc_web_content_md5(struct gc_str value, uint8_t ret[16])
{
    uint8_t raw[32];
    size_t len;
    if (value.len > 24 || gc_base64_decode(raw, value, &len) != 0 || len != GC_MD5_BYTES) {
        return GC_EPARSE;
    }
    memcpy(ret, raw, GC_MD5_BYTES);
    return 0;
}

enum gc_api_err
gc_web_acl_public(struct gc_str acl, bool *ret_public)
{
    *ret_public = gc_str_eq_cstr(acl, "public-read");
    return *ret_public || acl.len == 0 || gc_str_eq_cstr(acl, "private") ||
                   gc_str_starts(acl, "bucket-owner-")
               ? GC_API_OK
               : GC_API_NotImplemented;
}
