/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Header fields of requests and what we make of them. Pure. Texts of the results are in the arena
 * or point to what was given. */
#ifndef GC_WEB_FIELDS_H
#define GC_WEB_FIELDS_H

#include "core/apierr.h"
#include "net/http.h"
#include "proto/gcommon/v1/object/object.pb-c.h"

#define GC_WEB_META_BYTES_MAX    2048u /* names without their prefix and values of x-amz-meta-* */
#define GC_WEB_CONTENT_BYTES_MAX 8192u /* the other stored fields */
#define GC_WEB_STORED_MAX        100u  /* fields of one object */

/* Whether an object keeps the field NAME (lower case): content-type, content-encoding,
 * content-disposition, content-language, cache-control, expires, x-amz-meta-*. */
bool gc_web_field_stored(struct gc_str name);

/* The fields that an object keeps, in the form of the proto. MetadataTooLarge, SlowDown (arena). */
enum gc_api_err gc_web_fields_keep(struct gc_arena *arena, const struct gc_http_field *fields,
                                   size_t n, Gcommon__V1__Object__PutOpen *open);
/* The same rules for fields that came in a message: InvalidArgument, MetadataTooLarge. */
enum gc_api_err gc_web_fields_check(const Gcommon__V1__Object__PutOpen *open);

/* Whether a PUT asks by its fields for what is not there yet (a copy, a signed stream, encryption
 * with the client's key, locks, grants): NotImplemented. */
enum gc_api_err gc_web_fields_refuse(const struct gc_http_field *fields, size_t n);

/* If-Match, If-None-Match, and for a READ the two dates and If-Range; a date that is none counts as
 * absent. InvalidArgument: not UTF-8. */
enum gc_api_err gc_web_conditions(struct gc_arena *arena, const struct gc_http_field *fields,
                                  size_t n, bool read, Gcommon__V1__Object__Conditions *ret);

/* Content-MD5 in base64. GC_EPARSE. */
int gc_web_content_md5(struct gc_str value, uint8_t ret[16]);

/* A canned ACL (x-amz-acl) of a bucket: private or public-read. NotImplemented. */
enum gc_api_err gc_web_acl_public(struct gc_str acl, bool *ret_public);

/* NUL-terminated UTF-8 in the arena, "" for an absent field; NULL: not UTF-8, or no memory. */
char *gc_web_text(struct gc_arena *arena, struct gc_str value);

#endif
