/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

struct own_bytes {
    struct gc_bytes b;
    _Alignas(16) uint8_t data[];
};

static void
own_free(struct gc_bytes *b)
{
    free(gc_container_of(b, struct own_bytes, b));
}

struct gc_bytes *
gc_bytes_new(size_t len)
{
    if (len > SIZE_MAX - sizeof(struct own_bytes)) {
        return NULL;
    }
    struct own_bytes *own = malloc(sizeof(*own) + len);
    if (own == NULL) {
        return NULL;
    }
    own->b.data = own->data;
    own->b.len = len;
    own->b.free_fn = own_free;
    own->b.owner = NULL;
    atomic_init(&own->b.refs, 1);
    return &own->b;
}

struct gc_bytes *
gc_bytes_copy(const void *src, size_t len)
{
    struct gc_bytes *b = gc_bytes_new(len);
    if (b != NULL && len > 0) {
        memcpy(b->data, src, len);
    }
    return b;
}

struct gc_bytes *
gc_bytes_ref(struct gc_bytes *b)
{
    unsigned before = atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
    assert(before > 0 && before < UINT_MAX / 2);
    return b;
}

void
gc_bytes_unref(struct gc_bytes *b)
{
    if (b == NULL) {
        return;
    }
    /* acq_rel: what other threads read before their unref happens before the free. */
    unsigned before = atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel);
    assert(before > 0);
    if (before == 1) {
        b->free_fn(b);
    }
}
