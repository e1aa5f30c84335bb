/* SPDX-License-Identifier: MIT */
/* Times as text. Pure, no clock: cores may use it. The words are the protocol's, not the locale's.
 */
#ifndef GC_BASE_TIME_H
#define GC_BASE_TIME_H

#include <stdint.h>

/* RFC 1123 date of WALL_MS, e.g. "Tue, 24 Nov 2026 06:00:00 GMT"; 29 characters and a NUL. Pure. */
void gc_time_http(char dst[30], int64_t wall_ms);
/* Parse the three HTTP date forms (RFC 9110 5.6.7); GC_EPARSE. Pure. */
int gc_time_http_parse(const char *text, int64_t *ret_wall_ms);
/* "2026-11-24T06:00:00.000Z"; 24 characters and a NUL. Pure. */
void gc_time_iso(char dst[25], int64_t wall_ms);

#endif
