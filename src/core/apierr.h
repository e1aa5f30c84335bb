/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Errors of the client API, by number (0 = none), one table for web, translation and the state
 * machine. */
#ifndef GC_CORE_APIERR_H
#define GC_CORE_APIERR_H

#include "base/str.h"

enum gc_api_err {
    GC_API_OK = 0,
#define GC_API_ERR(number, code, http, grpc, text) GC_API_##code = (number),
#include "core/apierr.tbl.h"
#undef GC_API_ERR
};

struct gc_api_err_info {
    enum gc_api_err err;
    const char *code; /* "NoSuchKey" */
    unsigned http;
    unsigned grpc;
    const char *text;
};

/* Never NULL: unknown numbers give InternalError's row. */
const struct gc_api_err_info *gc_api_err_info(enum gc_api_err err);
/* By code; InternalError's row when unknown. */
const struct gc_api_err_info *gc_api_err_by_code(struct gc_str code);

#endif
