/* SPDX-License-Identifier: MIT */
/* Immutable, reference-counted bytes: what is handed between layers and threads without a copy (a
 * message, a chunk of an object). Made by one owner, who may write DATA until the first hand-over;
 * read-only afterwards. Reference counts are atomic: any thread may ref and unref. */
#ifndef GC_BASE_BYTES_H
#define GC_BASE_BYTES_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct gc_bytes {
    uint8_t *data;
    size_t len;
    atomic_uint refs;                    /* Private to bytes.c. */
    void (*free_fn)(struct gc_bytes *b); /* Private to bytes.c and pool owners. */
    void *owner;                         /* for free_fn */
};

/* LEN uninitialised bytes in one allocation, one reference; NULL when there is no memory. */
struct gc_bytes *gc_bytes_new(size_t len);

/* A copy of LEN bytes; NULL when there is no memory. */
struct gc_bytes *gc_bytes_copy(const void *src, size_t len);

/* One more reference; returns B. */
struct gc_bytes *gc_bytes_ref(struct gc_bytes *b);

/* Give a reference back; the last one frees. NULL is allowed. */
void gc_bytes_unref(struct gc_bytes *b);

/* A part of somebody's bytes. Whoever keeps the slice holds a reference to OWNER. */
struct gc_slice {
    struct gc_bytes *owner;
    const uint8_t *data;
    size_t len;
};

#endif
