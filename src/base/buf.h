/* SPDX-License-Identifier: MIT */
/* A growing byte buffer with a limit. Plain data: no locks; one owner. Errors are GC_ELIMIT and
 * -ENOMEM; a failed append changes nothing. */
#ifndef GC_BASE_BUF_H
#define GC_BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

struct gc_buf {
    uint8_t *data; /* NULL while empty and never grown */
    size_t len;
    size_t cap; /* Private to buf.c. */
    size_t max; /* LEN never exceeds it */
};

/* An empty buffer that may grow to MAX bytes. Allocates nothing. */
void gc_buf_init(struct gc_buf *buf, size_t max);

/* Free the memory. The buffer is empty afterwards and may be used again. */
void gc_buf_fini(struct gc_buf *buf);

/* Make room for LEN more bytes without another allocation. */
int gc_buf_reserve(struct gc_buf *buf, size_t len);

/* Append a copy of LEN bytes. SRC may be NULL when LEN is 0. */
int gc_buf_append(struct gc_buf *buf, const void *src, size_t len);

/* Append a string without its NUL. */
int gc_buf_append_str(struct gc_buf *buf, const char *str);

/* Append formatted text, without a NUL. */
int gc_buf_printf(struct gc_buf *buf, const char *fmt, ...) GC_PRINTF(2, 3);

/* Drop the first LEN bytes (LEN <= buf->len). */
void gc_buf_drop(struct gc_buf *buf, size_t len);

/* Set the length to 0; keeps the memory. */
void gc_buf_clear(struct gc_buf *buf);

/* NUL-terminate (the NUL is not counted in LEN) and return the data as a string; NULL on -ENOMEM.
 */
const char *gc_buf_cstr(struct gc_buf *buf);

#endif
