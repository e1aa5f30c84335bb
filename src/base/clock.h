/* SPDX-License-Identifier: MIT */
/* The only home of clocks. Cores never include this: they are given the time (and base/time.h). */
#ifndef GC_BASE_CLOCK_H
#define GC_BASE_CLOCK_H

#include <stdint.h>

#include "base/time.h"

/* Nanoseconds of CLOCK_MONOTONIC. */
uint64_t gc_clock_mono_ns(void);
uint64_t gc_clock_mono_ms(void);
/* Milliseconds since 1970 UTC. */
int64_t gc_clock_wall_ms(void);

#endif
