/* SPDX-License-Identifier: MIT */
#include "base/err.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/macros.h"

/* Codes that libuv has and Linux has not; part of libuv's ABI. */
#define UV_CODE_EOF     (-4095)
#define UV_CODE_EAI_MAX (-3000)
#define UV_CODE_EAI_MIN (-3014)

#define GRPC_UNKNOWN            2
#define GRPC_CANCELLED          1
#define GRPC_RESOURCE_EXHAUSTED 8
#define GRPC_UNAVAILABLE        14

struct err_row {
    int code;
    unsigned grpc;
    const char *name;
    const char *text;
};

static const struct err_row err_rows[] = {
    { 0, 0, "OK", "success" },
#define GC_ERR(name, code, grpc, text) { code, grpc, #name, text },
#include "base/err.tbl.h"
#undef GC_ERR
    { UV_CODE_EOF, GRPC_UNAVAILABLE, "EOF", "end of file" },
};

static const struct err_row *
err_find(int rc)
{
    for (size_t i = 0; i < GC_ARRAY_LEN(err_rows); i++) {
        if (err_rows[i].code == rc) {
            return &err_rows[i];
        }
    }
    return NULL;
}

static bool
is_resolver_code(int rc)
{
    return rc <= UV_CODE_EAI_MAX && rc >= UV_CODE_EAI_MIN;
}

const char *
gc_err_name(int rc)
{
    const struct err_row *row = err_find(rc);
    if (row != NULL) {
        return row->name;
    }
    if (is_resolver_code(rc)) {
        return "EAI";
    }
    const char *name = rc < 0 && rc > UV_CODE_EAI_MAX ? strerrorname_np(-rc) : NULL;
    return name != NULL ? name : "EUNKNOWN";
}

const char *
gc_err_text(int rc)
{
    const struct err_row *row = err_find(rc);
    if (row != NULL) {
        return row->text;
    }
    if (is_resolver_code(rc)) {
        return "name resolution failed";
    }
    const char *text = rc < 0 && rc > UV_CODE_EAI_MAX ? strerrordesc_np(-rc) : NULL;
    return text != NULL ? text : "unknown error";
}

unsigned
gc_err_grpc(int rc)
{
    const struct err_row *row = err_find(rc);
    if (row != NULL) {
        return row->grpc;
    }
    if (is_resolver_code(rc)) {
        return GRPC_UNAVAILABLE;
    }
    switch (rc) {
    case -ENOMEM:
    case -ENOSPC:
    case -EDQUOT:
    case -EMFILE:
    case -ENFILE:
    case -ENOBUFS:
        return GRPC_RESOURCE_EXHAUSTED;
    case -ECANCELED:
        return GRPC_CANCELLED;
    case -EAGAIN:
    case -ECONNREFUSED:
    case -ECONNRESET:
    case -ECONNABORTED:
    case -EPIPE:
    case -ENOTCONN:
    case -ETIMEDOUT:
    case -EHOSTUNREACH:
    case -ENETUNREACH:
    case -ENETDOWN:
    case -EADDRNOTAVAIL:
        return GRPC_UNAVAILABLE;
    default:
        return GRPC_UNKNOWN;
    }
}
