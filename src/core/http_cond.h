/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Conditional requests (RFC 9110 section 13): headers against the object as it is. Pure; survives
 * any text.
 *
 * Entity tags are ours: strong, the hex MD5 without quotes. In the headers they may be quoted, weak
 * (W/"...") or, as some S3 clients send them, bare. Dates count in whole seconds. */
#ifndef GC_CORE_HTTP_COND_H
#define GC_CORE_HTTP_COND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct gc_http_cond {
    struct gc_str if_match;         /* empty = no such header */
    struct gc_str if_none_match;    /* empty = no such header */
    int64_t if_modified_since_ms;   /* 0 = no such header, or one that is no date */
    int64_t if_unmodified_since_ms; /* 0 = no such header, or one that is no date */
};

struct gc_http_target {
    bool exists; /* the rest is not looked at otherwise */
    struct gc_str etag;
    int64_t modified_ms;
};

enum gc_http_verdict {
    GC_HTTP_GO_ON,
    GC_HTTP_NOT_MODIFIED,       /* 304; reads only */
    GC_HTTP_PRECONDITION_FAILED /* 412 */
};

/* In the order of RFC 9110 13.2.2. READ: the method is GET or HEAD. */
enum gc_http_verdict gc_http_cond_check(const struct gc_http_cond *cond,
                                        const struct gc_http_target *target, bool read);

/* Whether a Range header counts beside this If-Range header (13.1.5): a strong entity tag that is
 * the object's, or its very date. Empty: it counts. */
bool gc_http_if_range(struct gc_str if_range, const struct gc_http_target *target);

#endif
