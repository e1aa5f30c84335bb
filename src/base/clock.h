/* SPDX-License-Identifier: MIT */
/* The only home of clocks. Cores never include this: they are given the time. */
#ifndef GC_BASE_CLOCK_H
#define GC_BASE_CLOCK_H

#include <stdint.h>

/* Nanoseconds of CLOCK_MONOTONIC. */
uint64_t gc_clock_mono_ns(void);
uint64_t gc_clock_mono_ms(void);
/* Milliseconds since 1970 UTC. */
int64_t gc_clock_wall_ms(void);

/* RFC 1123 date of WALL_MS, e.g. "Tue, 24 Nov 2026 06:00:00 GMT"; 29 characters and a NUL. Pure. */
void gc_time_http(char dst[30], int64_t wall_ms);
/* Parse the three HTTP date forms (RFC 9110 5.6.7); GC_EPARSE. Pure. */
int gc_time_http_parse(const char *text, int64_t *ret_wall_ms);
/* "2026-11-24T06:00:00.000Z"; 24 characters and a NUL. Pure. */
void gc_time_iso(char dst[25], int64_t wall_ms);

#endif
