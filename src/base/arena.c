/* SPDX-License-Identifier: MIT */
/* Blocks form a list; the first one is filled. What does not fit gets a new block, in front when it
 * is an ordinary one, behind the first when it is large, so that the room left in the first stays
 * usable. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_BLOCK_BYTES 4096
#define ARENA_ALIGN       _Alignof(max_align_t)

struct gc_arena_block {
    struct gc_arena_block *next;
    size_t cap;
    size_t len;
    _Alignas(max_align_t) uint8_t data[];
};

#define BLOCK_CAP (ARENA_BLOCK_BYTES - sizeof(struct gc_arena_block))
#define LARGE_MIN (BLOCK_CAP / 2)

void
gc_arena_init(struct gc_arena *arena, size_t max)
{
    *arena = (struct gc_arena){ .max = max };
}

static void
blocks_free(struct gc_arena_block *block)
{
    while (block != NULL) {
        struct gc_arena_block *next = block->next;
        free(block);
        block = next;
    }
}

void
gc_arena_fini(struct gc_arena *arena)
{
    blocks_free(arena->blocks);
    gc_arena_init(arena, arena->max);
}

void
gc_arena_reset(struct gc_arena *arena)
{
    struct gc_arena_block *keep = arena->blocks;
    if (keep != NULL && keep->cap > BLOCK_CAP) {
        keep = NULL; /* a large block is not worth keeping for the next request */
    }
    blocks_free(keep != NULL ? keep->next : arena->blocks);
    if (keep != NULL) {
        keep->next = NULL;
        keep->len = 0;
    }
    arena->blocks = keep;
    arena->used = 0;
}

static struct gc_arena_block *
block_add(struct gc_arena *arena, size_t len)
{
    size_t cap = len > LARGE_MIN ? GC_MAX(len, BLOCK_CAP) : BLOCK_CAP;
    if (cap > SIZE_MAX - sizeof(struct gc_arena_block)) {
        return NULL;
    }
    struct gc_arena_block *block = malloc(sizeof(*block) + cap);
    if (block == NULL) {
        return NULL;
    }
    block->cap = cap;
    block->len = 0;
    if (len > LARGE_MIN && arena->blocks != NULL) {
        block->next = arena->blocks->next;
        arena->blocks->next = block;
    } else {
        block->next = arena->blocks;
        arena->blocks = block;
    }
    return block;
}

/* LEN bytes, uninitialised, at a multiple of ALIGN (a power of two). Padding counts against the
 * limit too. */
static void *
arena_take(struct gc_arena *arena, size_t len, size_t align)
{
    struct gc_arena_block *block = arena->blocks;
    size_t pad = block != NULL ? -block->len & (align - 1) : 0;
    if (block == NULL || pad > block->cap - block->len || len > block->cap - block->len - pad) {
        pad = 0;
        block = NULL;
    }
    if (pad > arena->max - arena->used || len > arena->max - arena->used - pad) {
        return NULL;
    }
    if (block == NULL) {
        block = block_add(arena, len);
        if (block == NULL) {
            return NULL;
        }
    }
    void *ret = block->data + block->len + pad;
    block->len += pad + len;
    arena->used += pad + len;
    return ret;
}

void *
gc_arena_alloc(struct gc_arena *arena, size_t len)
{
    void *ret = arena_take(arena, len, ARENA_ALIGN);
    if (ret != NULL) {
        memset(ret, 0, len);
    }
    return ret;
}

void *
gc_arena_copy(struct gc_arena *arena, const void *src, size_t len)
{
    void *ret = arena_take(arena, len, ARENA_ALIGN);
    if (ret != NULL && len > 0) {
        memcpy(ret, src, len);
    }
    return ret;
}

struct gc_str
gc_arena_str(struct gc_arena *arena, struct gc_str src)
{
    char *text = src.len < SIZE_MAX ? arena_take(arena, src.len + 1, 1) : NULL;
    if (text == NULL) {
        return (struct gc_str){ 0 };
    }
    if (src.len > 0) {
        memcpy(text, src.data, src.len);
    }
    text[src.len] = '\0';
    return (struct gc_str){ text, src.len };
}

char *
gc_arena_printf(struct gc_arena *arena, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    char *text = n >= 0 ? arena_take(arena, (size_t)n + 1, 1) : NULL;
    if (text == NULL) {
        return NULL;
    }
    va_start(ap, fmt);
    vsnprintf(text, (size_t)n + 1, fmt, ap);
    va_end(ap);
    return text;
}
