/* SPDX-License-Identifier: MIT */
/* The grpc-timeout field: one to eight digits and a unit (H M S m u n). Pure. */
#ifndef GC_RPC_TIMEOUT_H
#define GC_RPC_TIMEOUT_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define GC_RPC_TIMEOUT_NEVER UINT64_MAX
#define GC_RPC_TIMEOUT_LEN   9 /* longest text */

/* Nanoseconds; GC_RPC_TIMEOUT_NEVER where they do not fit. Anything doubtful is GC_EPARSE. */
int gc_rpc_timeout_parse(struct gc_str text, uint64_t *ret_ns);

/* NS (> 0) in the finest unit that fits, rounded up; returns the length. DST gets a NUL too. */
size_t gc_rpc_timeout_format(char dst[GC_RPC_TIMEOUT_LEN + 1], uint64_t ns);

#endif
