/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "web/list_params.h"

#include <string.h>

#include "base/macros.h"

enum gc_api_err
gc_web_list_params(const struct gc_web_target *target, struct gc_web_list_params *ret_params)
{
    struct gc_str version = gc_web_param(target, "list-type");
    struct gc_str encoding = gc_web_param(target, "encoding-type");
    struct gc_str max_keys = gc_web_param(target, "max-keys");
    uint64_t n = GC_WEB_LIST_KEYS_MAX;
    memset(ret_params, 0, sizeof(*ret_params));
    ret_params->v2 = gc_str_eq_cstr(version, "2");
    ret_params->url = gc_str_eq_cstr(encoding, "url");
    if ((version.len > 0 && !ret_params->v2) || (encoding.len > 0 && !ret_params->url) ||
        (max_keys.len > 0 && gc_str_u64(max_keys, INT32_MAX, &n) != 0)) {
        return GC_API_InvalidArgument;
    }
    ret_params->max_keys = (uint32_t)GC_MIN(n, (uint64_t)GC_WEB_LIST_KEYS_MAX);
    ret_params->prefix = gc_web_param(target, "prefix");
    ret_params->delimiter = gc_web_param(target, "delimiter");
    if (!ret_params->v2) {
        ret_params->after = gc_web_param(target, "marker");
        return GC_API_OK;
    }
    ret_params->after = gc_web_param(target, "start-after");
    ret_params->continuation = gc_web_param(target, "continuation-token");
    return ret_params->continuation.data != NULL && ret_params->continuation.len == 0
               ? GC_API_InvalidArgument
               : GC_API_OK;
}
