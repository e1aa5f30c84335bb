/* SPDX-License-Identifier: MIT */
/* W3C trace context (traceparent, level 1). A malformed header means a new trace, never an error.
 */
#ifndef GC_BASE_TRACE_H
#define GC_BASE_TRACE_H

#include <stdint.h>

#include "base/str.h"

#define GC_TRACEPARENT_LEN 55

struct gc_trace {
    uint8_t trace_id[16];
    uint8_t span_id[8];
    uint8_t flags;
};

/* A new random trace. */
void gc_trace_new(struct gc_trace *trace);
/* Adopt TEXT's trace with a new span id; a new trace when TEXT is malformed or empty. */
void gc_trace_adopt(struct gc_trace *trace, struct gc_str text);
/* DST gets "00-<trace>-<span>-<flags>" and a NUL. */
void gc_trace_format(char dst[GC_TRACEPARENT_LEN + 1], const struct gc_trace *trace);

#endif
