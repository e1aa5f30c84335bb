/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a request is about: its path and query taken apart, percent-decoded once. Pure; survives any
 * bytes.
 *
 *   /                        the service
 *   /-/<name>                our own pages
 *   /<bucket>, /<bucket>/    a bucket
 *   /<bucket>/<key>          an object; the key is all the rest: "/", ".", "..", "//" are ordinary
 *                            bytes of it */
#ifndef GC_WEB_ROUTE_H
#define GC_WEB_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "core/apierr.h"

#define GC_WEB_PARAMS_MAX 32

enum gc_web_resource { GC_WEB_SERVICE, GC_WEB_OWN, GC_WEB_BUCKET, GC_WEB_OBJECT };

struct gc_web_param {
    struct gc_str name, value;
};

/* Texts point into the arena or into the raw path. */
struct gc_web_target {
    enum gc_web_resource resource;
    struct gc_str own; /* GC_WEB_OWN: "health" */
    struct gc_str bucket;
    struct gc_str key;
    struct gc_web_param params[GC_WEB_PARAMS_MAX]; /* in the order of the query */
    size_t n_params;
};

/* RAW: path and query as they came. InvalidURI (a bad escape, NUL, no UTF-8, too many parameters),
 * InvalidBucketName, KeyTooLongError, SlowDown (the arena is used up). */
enum gc_api_err gc_web_target_parse(struct gc_arena *arena, struct gc_str raw,
                                    struct gc_web_target *ret_target);

/* Value of the first parameter NAME; DATA NULL when there is none. */
struct gc_str gc_web_param(const struct gc_web_target *target, const char *name);

/* The name of the first parameter that asks for another operation than the plain one ("acl",
 * "uploads", "location" ...), as S3 has them; NULL without. */
const char *gc_web_subresource(const struct gc_web_target *target);

/* Whether AUTHORITY ("host", "host:port", "[v6]:port") names one of the hosts in NAMES, which are
 * separated by blanks; an empty list has them all. */
bool gc_web_host_ok(const char *names, struct gc_str authority);

#endif
