/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Headers that decide what of an object is sent: Range, If-Match, If-None-Match, If-Range. A range
 * lies within the object, whatever was asked for. */
#include <assert.h>
#include <stdint.h>

#include "core/http_cond.h"
#include "core/http_range.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct gc_http_target absent = { 0 };
    const struct gc_http_target object = { true, GC_STR("5d41402abc4b2a76b9719d911017c592"), 1000 };
    struct gc_str text = { (const char *)data, size };
    struct gc_http_cond match = { .if_match = text };
    struct gc_http_cond none_match = { .if_none_match = text };
    struct gc_http_range range;

    for (uint64_t length = 0; length < 1000; length = length * 10 + 1) {
        if (gc_http_range_parse(text, length, &range) == GC_HTTP_RANGE_PART) {
            assert(range.first <= range.last && range.last < length);
        }
    }
    assert(gc_http_cond_check(&match, &object, true) != GC_HTTP_NOT_MODIFIED);
    assert(size == 0 || gc_http_cond_check(&match, &absent, true) == GC_HTTP_PRECONDITION_FAILED);
    assert(gc_http_cond_check(&none_match, &object, false) != GC_HTTP_NOT_MODIFIED);
    assert(gc_http_cond_check(&none_match, &absent, true) == GC_HTTP_GO_ON);
    assert(size == 0 || !gc_http_if_range(text, &absent));
    gc_http_if_range(text, &object);
    return 0;
}
