/* SPDX-License-Identifier: MIT */
/* Logging: one event a line, `event key=value ...`, to stderr (journald). The sink is the one
 * mutable global of a process and is set up before threads start; lines are written whole by one
 * write(2), so threads may log at once. Values outside 0x21-0x7E and the characters " \ = are
 * escaped, at most 256 bytes each (object-protocol.md rule 31). Levels: error = an operator must
 * act, warn = we coped, info = lifecycle, debug = per request. Never bodies or secrets. */
#ifndef GC_BASE_LOG_H
#define GC_BASE_LOG_H

#include <stdbool.h>

#include "base/macros.h"
#include "base/str.h"
#include "base/trace.h"

enum gc_log_level { GC_LOG_ERROR, GC_LOG_WARN, GC_LOG_INFO, GC_LOG_DEBUG };
enum gc_log_format { GC_LOG_LOGFMT, GC_LOG_JSON };

/* DAEMON is the value of the key `daemon` in every line. Default: logfmt at info. */
void gc_log_setup(const char *daemon, enum gc_log_level level, enum gc_log_format format);
void gc_log_set_level(enum gc_log_level level);
bool gc_log_on(enum gc_log_level level);
int gc_log_level_parse(struct gc_str text, enum gc_log_level *ret_level);

/* FMT gives the whole `key=value key=value` tail; each %s value must be free of blanks or go
 * through gc_log_q. */
void gc_log(enum gc_log_level level, const char *event, const char *fmt, ...) GC_PRINTF(3, 4);

/* The same with the trace id of a request in the line (TRACE may be NULL). */
void gc_log_trace(enum gc_log_level level, const struct gc_trace *trace, const char *event,
                  const char *fmt, ...) GC_PRINTF(4, 5);

/* TEXT quoted and escaped for a log value, into one of a few static buffers per thread (valid for 4
 * further calls). */
const char *gc_log_q(struct gc_str text);

#endif
