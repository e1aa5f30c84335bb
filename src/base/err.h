/* SPDX-License-Identifier: MIT */
/* Error codes. A function returns 0 or a negative code: -errno (libuv's codes are the same on
 * Linux) or one of ours from err.tbl.h. Codes of other libraries are mapped in the file that wraps
 * them and never leave it. */
#ifndef GC_BASE_ERR_H
#define GC_BASE_ERR_H

enum gc_err {
#define GC_ERR(name, code, grpc, text) GC_##name = (code),
#include "base/err.tbl.h"
#undef GC_ERR
};

/* Name of RC: "ELIMIT", "ENOENT", "OK" for 0. Static memory, never NULL; safe in every thread. */
const char *gc_err_name(int rc);

/* Text of RC for people. Static memory, never NULL. */
const char *gc_err_text(int rc);

/* The gRPC status code (0..16) that tells RC to a peer; errnos map to UNAVAILABLE,
 * RESOURCE_EXHAUSTED (ENOMEM, ENOSPC, EMFILE), CANCELLED or UNKNOWN. */
unsigned gc_err_grpc(int rc);

#endif
