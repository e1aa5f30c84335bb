/* SPDX-License-Identifier: MIT */
/* gRPC status: code and text, and how both travel. Pure. */
#ifndef GC_RPC_STATUS_H
#define GC_RPC_STATUS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/macros.h"
#include "base/str.h"

enum gc_rpc_code {
    GC_RPC_OK = 0,
    GC_RPC_CANCELLED = 1,
    GC_RPC_UNKNOWN = 2,
    GC_RPC_INVALID_ARGUMENT = 3,
    GC_RPC_DEADLINE_EXCEEDED = 4,
    GC_RPC_NOT_FOUND = 5,
    GC_RPC_ALREADY_EXISTS = 6,
    GC_RPC_PERMISSION_DENIED = 7,
    GC_RPC_RESOURCE_EXHAUSTED = 8,
    GC_RPC_FAILED_PRECONDITION = 9,
    GC_RPC_ABORTED = 10,
    GC_RPC_OUT_OF_RANGE = 11,
    GC_RPC_UNIMPLEMENTED = 12,
    GC_RPC_INTERNAL = 13,
    GC_RPC_UNAVAILABLE = 14,
    GC_RPC_DATA_LOSS = 15,
    GC_RPC_UNAUTHENTICATED = 16,
};

#define GC_RPC_MESSAGE_MAX 512

struct gc_rpc_status {
    enum gc_rpc_code code;
    char message[GC_RPC_MESSAGE_MAX]; /* UTF-8, may be "" */
};

/* "NOT_FOUND". Static memory. */
const char *gc_rpc_code_name(enum gc_rpc_code code);
void gc_rpc_status_set(struct gc_rpc_status *status, enum gc_rpc_code code, const char *fmt, ...)
    GC_PRINTF(3, 4);
/* From one of our error codes, with its text. */
void gc_rpc_status_of_rc(struct gc_rpc_status *status, int rc);
/* The error code of base/err.h nearest to STATUS (0 for OK). */
int gc_rpc_status_rc(const struct gc_rpc_status *status);

/* What a client makes of a response that carries no grpc-status. */
enum gc_rpc_code gc_rpc_code_of_http(unsigned http_status);
/* What a client makes of a stream that was reset with H2_CODE. */
enum gc_rpc_code gc_rpc_code_of_reset(unsigned h2_code);
/* The code in a grpc-status field: UNKNOWN for whatever is no known decimal. */
enum gc_rpc_code gc_rpc_code_parse(struct gc_str text);

#define GC_RPC_MESSAGE_WIRE_MAX (3 * GC_RPC_MESSAGE_MAX)
/* TEXT as the grpc-message field (percent-encoded); returns the length, no NUL. */
size_t gc_rpc_message_encode(char dst[GC_RPC_MESSAGE_WIRE_MAX], const char *text);
/* Set STATUS's text from a grpc-message field. Never fails: a broken escape stays as it is, invalid
 * UTF-8 becomes U+FFFD, what is too long is cut between characters. */
void gc_rpc_message_decode(struct gc_rpc_status *status, struct gc_str text);

#endif
