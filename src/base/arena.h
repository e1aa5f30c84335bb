/* SPDX-License-Identifier: MIT */
/* Memory of one request: many small allocations, one free. One owner, no locks. Blocks come from
 * malloc, 4 KiB or larger; the sum of what is handed out never exceeds the limit given at init
 * (NULL is returned then, as when memory is out). */
#ifndef GC_BASE_ARENA_H
#define GC_BASE_ARENA_H

#include <stddef.h>

#include "base/macros.h"
#include "base/str.h"

struct gc_arena {
    struct gc_arena_block *blocks; /* Private to arena.c. */
    size_t used;
    size_t max;
};

void gc_arena_init(struct gc_arena *arena, size_t max);
void gc_arena_fini(struct gc_arena *arena);
/* Forget all allocations, keep one block. */
void gc_arena_reset(struct gc_arena *arena);
/* LEN bytes aligned for any type, zeroed; NULL at the limit. */
void *gc_arena_alloc(struct gc_arena *arena, size_t len);
/* A NUL-terminated copy; the returned text does not count the NUL. DATA is NULL at the limit. */
struct gc_str gc_arena_str(struct gc_arena *arena, struct gc_str src);
void *gc_arena_copy(struct gc_arena *arena, const void *src, size_t len);
char *gc_arena_printf(struct gc_arena *arena, const char *fmt, ...) GC_PRINTF(2, 3);

#endif
