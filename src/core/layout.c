/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/layout.h"

#include <assert.h>

#include "base/err.h"
#include "base/macros.h"

uint64_t
gc_layout_n_blobs(uint64_t length)
{
    return length / GC_BLOB_BYTES + (length % GC_BLOB_BYTES != 0);
}

uint64_t
gc_layout_blob_bytes(uint64_t length, uint64_t blob)
{
    assert(blob < gc_layout_n_blobs(length));
    return GC_MIN(GC_BLOB_BYTES, length - blob * GC_BLOB_BYTES);
}

int
gc_layout_check(const struct gc_layout_extent *extents, size_t n, uint64_t length)
{
    uint64_t left = length;
    if (length > GC_OBJECT_BYTES_MAX) {
        return GC_ERANGE;
    }
    for (size_t i = 0; i < n; i++) {
        const struct gc_layout_extent *extent = &extents[i];
        if (extent->length == 0 || extent->length > GC_BLOB_BYTES ||
            extent->offset > GC_BLOB_BYTES - extent->length || extent->length > left) {
            return GC_ERANGE;
        }
        left -= extent->length;
    }
    return left == 0 ? 0 : GC_ERANGE;
}

void
gc_layout_walk_init(struct gc_layout_walk *walk, uint64_t first, uint64_t length)
{
    *walk = (struct gc_layout_walk){ .skip = first, .left = length };
}

bool
gc_layout_walk_next(struct gc_layout_walk *walk, const struct gc_layout_extent *extent,
                    struct gc_layout_part *ret_part)
{
    size_t index = walk->extent++;
    if (walk->skip >= extent->length) {
        walk->skip -= extent->length;
        return false;
    }
    uint64_t length = GC_MIN(extent->length - walk->skip, walk->left);
    if (length == 0) {
        return false;
    }
    *ret_part = (struct gc_layout_part){ .extent = index,
                                         .offset = extent->offset + walk->skip,
                                         .length = length };
    walk->skip = 0;
    walk->left -= length;
    return true;
}

bool
gc_layout_walk_done(const struct gc_layout_walk *walk)
{
    return walk->left == 0;
}

int
gc_layout_chunks(uint64_t offset, uint64_t length, struct gc_layout_chunks *ret_chunks)
{
    if (length == 0 || length > GC_BLOB_BYTES || offset > GC_BLOB_BYTES - length) {
        return GC_ERANGE;
    }
    uint64_t first = offset / GC_CHUNK_BYTES;
    uint64_t last = (offset + length - 1) / GC_CHUNK_BYTES;
    uint64_t last_start = GC_MAX(offset, last * GC_CHUNK_BYTES);
    *ret_chunks = (struct gc_layout_chunks){
        .first = (uint32_t)first,
        .n = (uint32_t)(last - first + 1),
        .skip = (uint32_t)(offset % GC_CHUNK_BYTES),
        .last_bytes = (uint32_t)(offset + length - last_start),
    };
    return 0;
}
