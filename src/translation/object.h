/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Objects between the state machine's records and the messages of the client API. */
#ifndef GC_TRANSLATION_OBJECT_H
#define GC_TRANSLATION_OBJECT_H

#include "core/apierr.h"
#include "meta/query.h"
#include "proto/gcommon/v1/object/object.pb-c.h"

/* 32 hex digits of the MD5, in the arena; NULL at its limit. */
char *gc_object_etag(struct gc_arena *arena, const uint8_t md5[16]);

/* What of the object a GET or HEAD is about: GC_API_OK with the head filled (its memory in ARENA)
 * and the range in FIRST..END (END exclusive), NotModified, PreconditionFailed or InvalidRange.
 * RANGE and CONDITIONS may be NULL. */
struct gc_object_view {
    Gcommon__V1__Object__ObjectHead head;
    uint64_t first, end;
};
enum gc_api_err gc_object_view(struct gc_arena *arena, const struct gc_meta_object *object,
                               const char *range, const Gcommon__V1__Object__Conditions *conditions,
                               struct gc_object_view *ret_view);

/* What to answer for a key that is not valid; GC_API_OK when it is. */
enum gc_api_err gc_object_key_err(struct gc_str key);

#endif
