/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The Range header (RFC 9110 14.2) against a length. Pure; survives any text. */
#ifndef GC_CORE_HTTP_RANGE_H
#define GC_CORE_HTTP_RANGE_H

#include <stdint.h>

#include "base/str.h"

enum gc_http_range_kind {
    GC_HTTP_RANGE_WHOLE,        /* no header, or one that must or may be ignored: another unit, bad
                                   syntax, more than one range */
    GC_HTTP_RANGE_PART,         /* 206 */
    GC_HTTP_RANGE_UNSATISFIABLE /* 416, also every range of an empty object (as S3 does it) */
};

struct gc_http_range {
    uint64_t first;
    uint64_t last; /* inclusive, < the length */
};

/* RET is written for GC_HTTP_RANGE_PART only. */
enum gc_http_range_kind gc_http_range_parse(struct gc_str header, uint64_t length,
                                            struct gc_http_range *ret);

#endif
