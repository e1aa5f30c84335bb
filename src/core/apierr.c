/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/apierr.h"

#include "base/macros.h"

static const struct gc_api_err_info infos[] = {
#define GC_API_ERR(number, code, http, grpc, text) { GC_API_##code, #code, http, grpc, text },
#include "core/apierr.tbl.h"
#undef GC_API_ERR
};

const struct gc_api_err_info *
gc_api_err_info(enum gc_api_err err)
{
    for (size_t i = 0; i < GC_ARRAY_LEN(infos); i++) {
        if (infos[i].err == err) {
            return &infos[i];
        }
    }
    return &infos[0];
}

const struct gc_api_err_info *
gc_api_err_by_code(struct gc_str code)
{
    for (size_t i = 0; i < GC_ARRAY_LEN(infos); i++) {
        if (gc_str_eq_cstr(code, infos[i].code)) {
            return &infos[i];
        }
    }
    return &infos[0];
}
