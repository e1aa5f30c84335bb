/* SPDX-License-Identifier: MIT */
#include "rpc/status.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "net/http.h"

struct code_row {
    const char *name;
    int rc;
};

/* Indexed by the gRPC code. */
static const struct code_row codes[] = {
    [GC_RPC_OK] = { "OK", 0 },
    [GC_RPC_CANCELLED] = { "CANCELLED", GC_ECANCELED },
    [GC_RPC_UNKNOWN] = { "UNKNOWN", GC_EINTERNAL },
    [GC_RPC_INVALID_ARGUMENT] = { "INVALID_ARGUMENT", GC_EPARSE },
    [GC_RPC_DEADLINE_EXCEEDED] = { "DEADLINE_EXCEEDED", GC_EDEADLINE },
    [GC_RPC_NOT_FOUND] = { "NOT_FOUND", GC_ENOTFOUND },
    [GC_RPC_ALREADY_EXISTS] = { "ALREADY_EXISTS", GC_EEXISTS },
    [GC_RPC_PERMISSION_DENIED] = { "PERMISSION_DENIED", GC_EDENIED },
    [GC_RPC_RESOURCE_EXHAUSTED] = { "RESOURCE_EXHAUSTED", GC_ELIMIT },
    [GC_RPC_FAILED_PRECONDITION] = { "FAILED_PRECONDITION", GC_EPRECONDITION },
    [GC_RPC_ABORTED] = { "ABORTED", GC_ECONFLICT },
    [GC_RPC_OUT_OF_RANGE] = { "OUT_OF_RANGE", GC_ERANGE },
    [GC_RPC_UNIMPLEMENTED] = { "UNIMPLEMENTED", GC_EUNIMPLEMENTED },
    [GC_RPC_INTERNAL] = { "INTERNAL", GC_EINTERNAL },
    [GC_RPC_UNAVAILABLE] = { "UNAVAILABLE", GC_EUNAVAILABLE },
    [GC_RPC_DATA_LOSS] = { "DATA_LOSS", GC_ECORRUPT },
    [GC_RPC_UNAUTHENTICATED] = { "UNAUTHENTICATED", GC_EAUTH },
};

const char *
gc_rpc_code_name(enum gc_rpc_code code)
{
    return (size_t)code < GC_ARRAY_LEN(codes) ? codes[code].name : "UNKNOWN";
}

/* Length of the UTF-8 sequence at the start of TEXT; 0 when it is not one. */
static size_t
utf8_len(struct gc_str text)
{
    uint8_t lead = (uint8_t)text.data[0];
    size_t len = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;

    if (len > text.len || !gc_utf8_valid((struct gc_str){ text.data, len })) {
        return 0;
    }
    return len;
}

/* A copy of TEXT as valid UTF-8 without NUL, cut between characters. */
static void
set_message(struct gc_rpc_status *status, struct gc_str text)
{
    size_t out = 0;

    while (text.len > 0) {
        size_t len = utf8_len(text);
        const char *src = len > 0 ? text.data : "\xef\xbf\xbd";
        size_t n_out = len > 0 ? len : 3;

        if (n_out >= sizeof(status->message) - out) {
            break;
        }
        memcpy(status->message + out, src, n_out);
        out += n_out;
        text.data += len > 0 ? len : 1;
        text.len -= len > 0 ? len : 1;
    }
    status->message[out] = '\0';
}

void
gc_rpc_status_set(struct gc_rpc_status *status, enum gc_rpc_code code, const char *fmt, ...)
{
    char text[2 * GC_RPC_MESSAGE_MAX];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    status->code = code;
    set_message(status, gc_str_of(text));
}

void
gc_rpc_status_of_rc(struct gc_rpc_status *status, int rc)
{
    gc_rpc_status_set(status, (enum gc_rpc_code)gc_err_grpc(rc), "%s",
                      rc == 0 ? "" : gc_err_text(rc));
}

int
gc_rpc_status_rc(const struct gc_rpc_status *status)
{
    return (size_t)status->code < GC_ARRAY_LEN(codes) ? codes[status->code].rc : GC_EINTERNAL;
}

enum gc_rpc_code
gc_rpc_code_of_http(unsigned http_status)
{
    switch (http_status) {
    case 400:
    case 431:
        return GC_RPC_INTERNAL;
    case 401:
        return GC_RPC_UNAUTHENTICATED;
    case 403:
        return GC_RPC_PERMISSION_DENIED;
    case 404:
        return GC_RPC_UNIMPLEMENTED;
    case 429:
    case 502:
    case 503:
    case 504:
        return GC_RPC_UNAVAILABLE;
    default:
        return GC_RPC_UNKNOWN;
    }
}

enum gc_rpc_code
gc_rpc_code_of_reset(unsigned h2_code)
{
    switch (h2_code) {
    case GC_H2_REFUSED_STREAM:
        return GC_RPC_UNAVAILABLE;
    case GC_H2_CANCEL:
        return GC_RPC_CANCELLED;
    case GC_H2_ENHANCE_YOUR_CALM:
        return GC_RPC_RESOURCE_EXHAUSTED;
    case 12: /* INADEQUATE_SECURITY */
        return GC_RPC_PERMISSION_DENIED;
    default:
        return GC_RPC_INTERNAL;
    }
}

enum gc_rpc_code
gc_rpc_code_parse(struct gc_str text)
{
    uint64_t value;

    if ((text.len > 1 && text.data[0] == '0') || gc_str_u64(text, UINT32_MAX, &value) != 0 ||
        value >= GC_ARRAY_LEN(codes)) {
        return GC_RPC_UNKNOWN;
    }
    return (enum gc_rpc_code)value;
}

size_t
gc_rpc_message_encode(char dst[GC_RPC_MESSAGE_WIRE_MAX], const char *text)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t out = 0;

    for (; *text != '\0' && out <= GC_RPC_MESSAGE_WIRE_MAX - 3; text++) {
        uint8_t byte = (uint8_t)*text;

        if (byte >= 0x20 && byte <= 0x7e && byte != '%') {
            dst[out++] = (char)byte;
        } else {
            dst[out++] = '%';
            dst[out++] = digits[byte >> 4];
            dst[out++] = digits[byte & 15];
        }
    }
    return out;
}

void
gc_rpc_message_decode(struct gc_rpc_status *status, struct gc_str text)
{
    char raw[GC_RPC_MESSAGE_WIRE_MAX];
    size_t out = 0;

    for (size_t i = 0; i < text.len && out < sizeof(raw);) {
        uint8_t byte;

        if (text.data[i] == '%' && text.len - i >= 3 &&
            gc_hex_decode(&byte, 1, (struct gc_str){ text.data + i + 1, 2 }) == 0) {
            raw[out++] = (char)byte;
            i += 3;
        } else {
            raw[out++] = text.data[i++];
        }
    }
    set_message(status, (struct gc_str){ raw, out });
}
