/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "web/route.h"

#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "core/name.h"

/* Operations chosen by a parameter. What is not here is no operation: signatures, ids that SDKs add
 * for their logs, and the like. */
static const char *const subresources[] = {
    "accelerate",
    "acl",
    "analytics",
    "attributes",
    "cors",
    "delete",
    "encryption",
    "intelligent-tiering",
    "inventory",
    "legal-hold",
    "lifecycle",
    "location",
    "logging",
    "metadataTable",
    "metrics",
    "notification",
    "object-lock",
    "ownershipControls",
    "partNumber",
    "policy",
    "policyStatus",
    "publicAccessBlock",
    "renameObject",
    "replication",
    "requestPayment",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "restore",
    "retention",
    "select",
    "session",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
    "website",
};

/* The part of *TEXT before STOP, which goes too; all of it when there is none. */
static struct gc_str
take_until(struct gc_str *text, char stop)
{
    const char *at = text->len > 0 ? memchr(text->data, stop, text->len) : NULL;
    struct gc_str part = { text->data, at != NULL ? (size_t)(at - text->data) : text->len };
    size_t skip = part.len + (at != NULL ? 1 : 0);
    text->data += skip;
    text->len -= skip;
    return part;
}

/* RAW without its escapes, NUL-terminated. */
static enum gc_api_err
decode(struct gc_arena *arena, struct gc_str raw, struct gc_str *ret_text)
{
    char *text = gc_arena_alloc(arena, raw.len + 1);
    size_t len;
    if (text == NULL) {
        return GC_API_SlowDown;
    }
    if (gc_percent_decode(text, raw, &len) != 0) {
        return GC_API_InvalidURI;
    }
    text[len] = '\0';
    *ret_text = (struct gc_str){ text, len };
    return GC_API_OK;
}

/* In a query a blank may be written "+". */
static enum gc_api_err
decode_param(struct gc_arena *arena, struct gc_str raw, struct gc_str *ret_text)
{
    char *copy = gc_arena_alloc(arena, raw.len + 1);
    enum gc_api_err err;
    if (copy == NULL) {
        return GC_API_SlowDown;
    }
    for (size_t i = 0; i < raw.len; i++) {
        copy[i] = raw.data[i] == '+' ? ' ' : raw.data[i];
    }
    err = decode(arena, (struct gc_str){ copy, raw.len }, ret_text);
    return err == GC_API_OK && !gc_utf8_valid(*ret_text) ? GC_API_InvalidURI : err;
}

static enum gc_api_err
parse_query(struct gc_arena *arena, struct gc_str query, struct gc_web_target *target)
{
    while (query.len > 0) {
        struct gc_str value = take_until(&query, '&');
        struct gc_str name = take_until(&value, '=');
        struct gc_web_param *param;
        enum gc_api_err err;
        if (name.len == 0 && value.len == 0) {
            continue;
        }
        if (target->n_params == GC_WEB_PARAMS_MAX) {
            return GC_API_InvalidURI;
        }
        param = &target->params[target->n_params];
        err = decode_param(arena, name, &param->name);
        if (err == GC_API_OK) {
            err = decode_param(arena, value, &param->value);
        }
        if (err != GC_API_OK) {
            return err;
        }
        target->n_params++;
    }
    return GC_API_OK;
}

static enum gc_api_err
parse_key(struct gc_arena *arena, struct gc_str raw, struct gc_web_target *target)
{
    enum gc_api_err err = decode(arena, raw, &target->key);
    if (err != GC_API_OK) {
        return err;
    }
    switch (gc_object_key_check(target->key)) {
    case 0:
        target->resource = GC_WEB_OBJECT;
        return GC_API_OK;
    case GC_ELIMIT:
        return GC_API_KeyTooLongError;
    default:
        return GC_API_InvalidURI;
    }
}

enum gc_api_err
gc_web_target_parse(struct gc_arena *arena, struct gc_str raw, struct gc_web_target *ret_target)
{
    struct gc_str query = raw;
    struct gc_str path = take_until(&query, '?');
    enum gc_api_err err;
    struct gc_str first;
    memset(ret_target, 0, sizeof(*ret_target));
    if (path.len == 0 || path.data[0] != '/') {
        return GC_API_InvalidURI;
    }
    err = parse_query(arena, query, ret_target);
    if (err != GC_API_OK) {
        return err;
    }
    (void)take_until(&path, '/');
    first = take_until(&path, '/');
    if (first.len == 0 && path.len == 0) {
        ret_target->resource = GC_WEB_SERVICE;
        return GC_API_OK;
    }
    if (gc_str_eq_cstr(first, "-")) {
        ret_target->resource = GC_WEB_OWN;
        ret_target->own = path;
        return GC_API_OK;
    }
    err = decode(arena, first, &ret_target->bucket);
    if (err != GC_API_OK) {
        return err;
    }
    if (!gc_bucket_name_valid(ret_target->bucket)) {
        return GC_API_InvalidBucketName;
    }
    ret_target->resource = GC_WEB_BUCKET;
    return path.len > 0 ? parse_key(arena, path, ret_target) : GC_API_OK;
}

struct gc_str
gc_web_param(const struct gc_web_target *target, const char *name)
{
    for (size_t i = 0; i < target->n_params; i++) {
        if (gc_str_eq_cstr(target->params[i].name, name)) {
            return target->params[i].value;
        }
    }
    return (struct gc_str){ 0 };
}

const char *
gc_web_subresource(const struct gc_web_target *target)
{
    for (size_t i = 0; i < target->n_params; i++) {
        for (size_t j = 0; j < GC_ARRAY_LEN(subresources); j++) {
            if (gc_str_eq_cstr(target->params[i].name, subresources[j])) {
                return subresources[j];
            }
        }
    }
    return NULL;
}

/* The host of "host:port" or "[v6]:port", without a dot at its end. */
static struct gc_str
host_of(struct gc_str authority)
{
    size_t len = authority.len;
    if (len > 0 && authority.data[0] == '[') {
        const char *end = memchr(authority.data, ']', len);
        len = end != NULL ? (size_t)(end - authority.data) + 1 : len;
    } else {
        const char *colon = len > 0 ? memchr(authority.data, ':', len) : NULL;
        len = colon != NULL ? (size_t)(colon - authority.data) : len;
    }
    if (len > 0 && authority.data[len - 1] == '.') {
        len--;
    }
    return (struct gc_str){ authority.data, len };
}

bool
gc_web_host_ok(const char *names, struct gc_str authority)
{
    struct gc_str host = host_of(authority);
    char name[256];
    names += strspn(names, " \t");
    if (*names == '\0') {
        return true;
    }
    while (*names != '\0') {
        size_t len = strcspn(names, " \t");
        if (gc_str_copy(name, sizeof(name), (struct gc_str){ names, len }) == 0 &&
            gc_str_ieq_cstr(host, name)) {
            return true;
        }
        names += len;
        names += strspn(names, " \t");
    }
    return false;
}
