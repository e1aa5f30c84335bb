/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Path and query of a request: whatever they are, names that come out are valid, parameters are
 * text, and finding the operation and reading a listing's parameters survive them. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "core/name.h"
#include "web/list_params.h"
#include "web/ops.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const struct gc_web_target *target)
{
    struct gc_web_list_params params;
    const struct gc_web_op *op;
    static const char *const methods[] = { "GET", "PUT", "HEAD", "DELETE", "POST" };

    if (target->resource == GC_WEB_BUCKET || target->resource == GC_WEB_OBJECT) {
        assert(gc_bucket_name_valid(target->bucket));
        assert(strlen(target->bucket.data) == target->bucket.len);
    }
    if (target->resource == GC_WEB_OBJECT) {
        assert(gc_object_key_check(target->key) == 0);
        assert(strlen(target->key.data) == target->key.len);
    }
    for (size_t i = 0; i < target->n_params; i++) {
        assert(gc_utf8_valid(target->params[i].name) && gc_utf8_valid(target->params[i].value));
    }
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        (void)gc_web_find_op(target, gc_str_of(methods[i]), &op);
    }
    if (gc_web_list_params(target, &params) == GC_API_OK) {
        assert(params.max_keys <= GC_WEB_LIST_KEYS_MAX);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct gc_str raw = { (const char *)data, size };
    struct gc_web_target target;
    struct gc_arena arena;

    gc_arena_init(&arena, 256 * 1024);
    if (gc_web_target_parse(&arena, raw, &target) == GC_API_OK) {
        check(&target);
    }
    (void)gc_web_host_ok("a.example [::1] b.example", raw);
    gc_arena_fini(&arena);
    return 0;
}
