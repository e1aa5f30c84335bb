/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "web/ops.h"

#include <string.h>

#include "base/macros.h"

static const struct {
    enum gc_web_resource resource;
    const char *method;
    const char *subresource; /* NULL: the plain operation */
    const struct gc_web_op *op;
} routes[] = {
    { GC_WEB_OWN, "GET", NULL, &gc_web_op_own },
    { GC_WEB_OWN, "HEAD", NULL, &gc_web_op_own },
    { GC_WEB_SERVICE, "GET", NULL, &gc_web_op_list_buckets },
    { GC_WEB_BUCKET, "PUT", NULL, &gc_web_op_create_bucket },
    { GC_WEB_BUCKET, "HEAD", NULL, &gc_web_op_head_bucket },
    { GC_WEB_BUCKET, "DELETE", NULL, &gc_web_op_delete_bucket },
    { GC_WEB_BUCKET, "GET", NULL, &gc_web_op_list_objects },
    { GC_WEB_BUCKET, "GET", "location", &gc_web_op_location },
    { GC_WEB_OBJECT, "PUT", NULL, &gc_web_op_put },
    { GC_WEB_OBJECT, "GET", NULL, &gc_web_op_get },
    { GC_WEB_OBJECT, "HEAD", NULL, &gc_web_op_head },
    { GC_WEB_OBJECT, "DELETE", NULL, &gc_web_op_delete },
};

static bool
same_subresource(const char *a, const char *b)
{
    return (a == NULL) == (b == NULL) && (a == NULL || strcmp(a, b) == 0);
}

enum gc_api_err
gc_web_find_op(const struct gc_web_target *target, struct gc_str method,
               const struct gc_web_op **ret_op)
{
    const char *subresource = target->resource == GC_WEB_OWN ? NULL : gc_web_subresource(target);
    for (size_t i = 0; i < GC_ARRAY_LEN(routes); i++) {
        if (routes[i].resource == target->resource && gc_str_eq_cstr(method, routes[i].method) &&
            same_subresource(routes[i].subresource, subresource)) {
            *ret_op = routes[i].op;
            return GC_API_OK;
        }
    }
    return subresource != NULL ? GC_API_NotImplemented : GC_API_MethodNotAllowed;
}
