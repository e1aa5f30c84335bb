/* SPDX-License-Identifier: MIT */
/* The few macros that every folder may use. */
#ifndef GC_BASE_MACROS_H
#define GC_BASE_MACROS_H

#include <stddef.h>

/* The struct TYPE whose MEMBER is at PTR. */
#define gc_container_of(ptr, type, member) \
    ((type *)(void *)(((char *)(ptr)) - offsetof(type, member)))

#define GC_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#define GC_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

#define GC_MIN(a, b) ((a) < (b) ? (a) : (b))
#define GC_MAX(a, b) ((a) > (b) ? (a) : (b))

#endif
