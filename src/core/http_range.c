/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/http_range.h"

#include <stdbool.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"

/* A position or count of any size: what does not fit in 64 bits is past the end of everything. */
static bool
parse_number(struct gc_str text, uint64_t *ret_value)
{
    int rc = gc_str_u64(text, UINT64_MAX, ret_value);
    if (rc == GC_ERANGE) {
        *ret_value = UINT64_MAX;
    }
    return rc == 0 || rc == GC_ERANGE;
}

/* "-500": the last 500 bytes. */
static enum gc_http_range_kind
parse_suffix(struct gc_str count, uint64_t length, struct gc_http_range *ret)
{
    uint64_t n;
    if (!parse_number(count, &n)) {
        return GC_HTTP_RANGE_WHOLE;
    }
    if (n == 0 || length == 0) {
        return GC_HTTP_RANGE_UNSATISFIABLE;
    }
    ret->first = n < length ? length - n : 0;
    ret->last = length - 1;
    return GC_HTTP_RANGE_PART;
}

enum gc_http_range_kind
gc_http_range_parse(struct gc_str header, uint64_t length, struct gc_http_range *ret)
{
    uint64_t first;
    uint64_t last = UINT64_MAX;

    header = gc_str_trim(header);
    if (header.len < 6 || !gc_str_ieq_cstr((struct gc_str){ header.data, 6 }, "bytes=")) {
        return GC_HTTP_RANGE_WHOLE;
    }
    struct gc_str spec = gc_str_trim((struct gc_str){ header.data + 6, header.len - 6 });
    const char *dash = spec.len > 0 ? memchr(spec.data, '-', spec.len) : NULL;
    if (dash == NULL) {
        return GC_HTTP_RANGE_WHOLE;
    }
    struct gc_str left = { spec.data, (size_t)(dash - spec.data) };
    struct gc_str right = { dash + 1, spec.len - left.len - 1 };
    if (left.len == 0) {
        return parse_suffix(right, length, ret);
    }
    if (!parse_number(left, &first) || (right.len > 0 && !parse_number(right, &last)) ||
        first > last) {
        return GC_HTTP_RANGE_WHOLE; /* a comma, a second range, is no digit either */
    }
    if (first >= length) {
        return GC_HTTP_RANGE_UNSATISFIABLE;
    }
    ret->first = first;
    ret->last = GC_MIN(last, length - 1);
    return GC_HTTP_RANGE_PART;
}
