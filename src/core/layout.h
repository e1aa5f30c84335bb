/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the bytes of an object are: an object is a list of extents (a part of a blob each), a blob
 * a run of chunks. Arithmetic only, on lengths that were checked or are refused. Pure.
 *
 * One PUT fills blobs one after the other to GC_BLOB_BYTES; chunks of a blob are full but the last.
 */
#ifndef GC_CORE_LAYOUT_H
#define GC_CORE_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/chunk.h"

#define GC_OBJECT_PUT_BYTES_MAX ((uint64_t)5 << 30) /* one PUT */
#define GC_OBJECT_BYTES_MAX     ((uint64_t)5 << 40)

/* How many blobs a PUT of LENGTH bytes fills; none for 0. */
uint64_t gc_layout_n_blobs(uint64_t length);
/* The length of the one with index BLOB < gc_layout_n_blobs(LENGTH). */
uint64_t gc_layout_blob_bytes(uint64_t length, uint64_t blob);

struct gc_layout_extent {
    uint64_t offset; /* within its blob */
    uint64_t length;
};

/* Whether N extents make an object of LENGTH bytes: none is empty or reaches past GC_BLOB_BYTES,
 * the sum is LENGTH, at most GC_OBJECT_BYTES_MAX. GC_ERANGE. */
int gc_layout_check(const struct gc_layout_extent *extents, size_t n, uint64_t length);

struct gc_layout_part {
    size_t extent;   /* its index */
    uint64_t offset; /* within the blob */
    uint64_t length; /* > 0 */
};

/* The parts that hold LENGTH bytes from FIRST on of an object, extent by extent: give each extent
 * to next, in order, until done. */
struct gc_layout_walk {
    uint64_t skip; /* Private to layout.c. */
    uint64_t left;
    size_t extent;
};

void gc_layout_walk_init(struct gc_layout_walk *walk, uint64_t first, uint64_t length);
/* Whether a part of this extent belongs to the range; RET_PART is written then. */
bool gc_layout_walk_next(struct gc_layout_walk *walk, const struct gc_layout_extent *extent,
                         struct gc_layout_part *ret_part);
/* Nothing more to come; not done after the last extent: the range reaches past the object. */
bool gc_layout_walk_done(const struct gc_layout_walk *walk);

/* The chunks of a blob that hold LENGTH > 0 bytes from OFFSET on. */
struct gc_layout_chunks {
    uint32_t first;      /* number of the first one */
    uint32_t n;          /* > 0 */
    uint32_t skip;       /* bytes to leave out of the first */
    uint32_t last_bytes; /* bytes wanted of the last, from its start (in the only one: from skip) */
};

/* GC_ERANGE: empty, or past GC_BLOB_BYTES. */
int gc_layout_chunks(uint64_t offset, uint64_t length, struct gc_layout_chunks *ret_chunks);

#endif
