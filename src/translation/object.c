/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "translation/object.h"

#include "base/err.h"
#include "core/http_cond.h"
#include "core/http_range.h"
#include "core/name.h"

char *
gc_object_etag(struct gc_arena *arena, const uint8_t md5[16])
{
    char *etag = gc_arena_alloc(arena, 33);
    if (etag != NULL) {
        gc_hex_encode(etag, md5, 16);
    }
    return etag;
}

/* The stored headers; false at the arena's limit. */
static bool
fill_fields(struct gc_arena *arena, const struct gc_meta_object *object,
            Gcommon__V1__Object__ObjectHead *head)
{
    head->fields = gc_arena_alloc(arena, (object->n_fields + 1) * sizeof(*head->fields));
    if (head->fields == NULL) {
        return false;
    }
    for (size_t i = 0; i < object->n_fields; i++) {
        Gcommon__V1__Common__Field *field = gc_arena_alloc(arena, sizeof(*field));
        if (field == NULL) {
            return false;
        }
        gcommon__v1__common__field__init(field);
        field->name = (char *)gc_arena_str(arena, object->fields[i].name).data;
        field->value.data =
            gc_arena_copy(arena, object->fields[i].value.data, object->fields[i].value.len);
        field->value.len = object->fields[i].value.len;
        if (field->name == NULL || (field->value.data == NULL && field->value.len > 0)) {
            return false;
        }
        head->fields[head->n_fields++] = field;
    }
    return true;
}

static uint32_t
least_copies(const struct gc_meta_object *object)
{
    uint32_t least = 0;
    for (size_t i = 0; i < object->n_extents; i++) {
        if (i == 0 || object->extents[i].n_servers < least) {
            least = object->extents[i].n_servers;
        }
    }
    return least;
}

static enum gc_api_err
check_conditions(const struct gc_meta_object *object, const char *etag,
                 const Gcommon__V1__Object__Conditions *conditions)
{
    const struct gc_http_target target = {
        .exists = true,
        .etag = gc_str_of(etag),
        .modified_ms = (int64_t)object->mtime_ms,
    };
    struct gc_http_cond cond;
    if (conditions == NULL) {
        return GC_API_OK;
    }
    cond.if_match = gc_str_of(conditions->if_match);
    cond.if_none_match = gc_str_of(conditions->if_none_match);
    cond.if_modified_since_ms = conditions->if_modified_since_ms;
    cond.if_unmodified_since_ms = conditions->if_unmodified_since_ms;
    switch (gc_http_cond_check(&cond, &target, true)) {
    case GC_HTTP_NOT_MODIFIED:
        return GC_API_NotModified;
    case GC_HTTP_PRECONDITION_FAILED:
        return GC_API_PreconditionFailed;
    case GC_HTTP_GO_ON:
        break;
    }
    return GC_API_OK;
}

/* RANGE, unless If-Range says that it is about another version. */
static struct gc_str
range_that_counts(const struct gc_meta_object *object, const char *etag, const char *range,
                  const Gcommon__V1__Object__Conditions *conditions)
{
    const struct gc_http_target target = {
        .exists = true,
        .etag = gc_str_of(etag),
        .modified_ms = (int64_t)object->mtime_ms,
    };
    bool counts = conditions == NULL || gc_http_if_range(gc_str_of(conditions->if_range), &target);
    return gc_str_of(counts ? range : "");
}

enum gc_api_err
gc_object_view(struct gc_arena *arena, const struct gc_meta_object *object, const char *range,
               const Gcommon__V1__Object__Conditions *conditions, struct gc_object_view *ret_view)
{
    Gcommon__V1__Object__ObjectHead *head = &ret_view->head;
    struct gc_http_range part;
    enum gc_api_err err;
    gcommon__v1__object__object_head__init(head);
    head->etag = gc_object_etag(arena, object->md5);
    if (head->etag == NULL || !fill_fields(arena, object, head)) {
        return GC_API_SlowDown;
    }
    err = check_conditions(object, head->etag, conditions);
    if (err != GC_API_OK) {
        return err;
    }
    head->length = object->length;
    head->modified_ms = (int64_t)object->mtime_ms;
    head->copies = least_copies(object);
    ret_view->first = 0;
    ret_view->end = object->length;
    switch (gc_http_range_parse(range_that_counts(object, head->etag, range, conditions),
                                object->length, &part)) {
    case GC_HTTP_RANGE_UNSATISFIABLE:
        return GC_API_InvalidRange;
    case GC_HTTP_RANGE_PART:
        head->partial = true;
        head->first = ret_view->first = part.first;
        head->last = part.last;
        ret_view->end = part.last + 1;
        break;
    case GC_HTTP_RANGE_WHOLE:
        break;
    }
    return GC_API_OK;
}

enum gc_api_err
gc_object_key_err(struct gc_str key)
{
    switch (gc_object_key_check(key)) {
    case 0:
        return GC_API_OK;
    case GC_ELIMIT:
        return GC_API_KeyTooLongError;
    default:
        return GC_API_InvalidURI;
    }
}
