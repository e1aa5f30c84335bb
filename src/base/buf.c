/* SPDX-License-Identifier: MIT */
#include "base/buf.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#define BUF_CAP_MIN 64

void
gc_buf_init(struct gc_buf *buf, size_t max)
{
    *buf = (struct gc_buf){ .max = max };
}

void
gc_buf_fini(struct gc_buf *buf)
{
    free(buf->data);
    gc_buf_init(buf, buf->max);
}

/* At least CAP bytes of memory; doubled, so that many small appends stay linear. */
static int
buf_grow(struct gc_buf *buf, size_t cap)
{
    if (cap <= buf->cap) {
        return 0;
    }
    size_t doubled = buf->cap > buf->max / 2 ? buf->max : buf->cap * 2;
    cap = GC_MAX(cap, GC_MAX(doubled, GC_MIN((size_t)BUF_CAP_MIN, buf->max)));
    uint8_t *data = realloc(buf->data, cap);
    if (data == NULL) {
        return -ENOMEM;
    }
    buf->data = data;
    buf->cap = cap;
    return 0;
}

int
gc_buf_reserve(struct gc_buf *buf, size_t len)
{
    if (len > buf->max - buf->len) {
        return GC_ELIMIT;
    }
    return buf_grow(buf, buf->len + len);
}

int
gc_buf_append(struct gc_buf *buf, const void *src, size_t len)
{
    if (len == 0) {
        return 0;
    }
    int rc = gc_buf_reserve(buf, len);
    if (rc != 0) {
        return rc;
    }
    memcpy(buf->data + buf->len, src, len);
    buf->len += len;
    return 0;
}

int
gc_buf_append_str(struct gc_buf *buf, const char *str)
{
    return gc_buf_append(buf, str, strlen(str));
}

int
gc_buf_printf(struct gc_buf *buf, const char *fmt, ...)
{
    va_list ap;
    size_t room = buf->cap - buf->len;
    va_start(ap, fmt);
    int n = vsnprintf(room > 0 ? (char *)buf->data + buf->len : NULL, room, fmt, ap);
    va_end(ap);
    if (n < 0) {
        return -EINVAL;
    }
    size_t len = (size_t)n;
    if (len > buf->max - buf->len) {
        return GC_ELIMIT;
    }
    if (len >= room) {
        int rc = buf_grow(buf, buf->len + len + 1); /* vsnprintf insists on its NUL */
        if (rc != 0) {
            return rc;
        }
        va_start(ap, fmt);
        vsnprintf((char *)buf->data + buf->len, len + 1, fmt, ap);
        va_end(ap);
    }
    buf->len += len;
    return 0;
}

void
gc_buf_drop(struct gc_buf *buf, size_t len)
{
    assert(len <= buf->len);
    if (len == 0) {
        return;
    }
    buf->len -= len;
    memmove(buf->data, buf->data + len, buf->len);
}

void
gc_buf_clear(struct gc_buf *buf)
{
    buf->len = 0;
}

const char *
gc_buf_cstr(struct gc_buf *buf)
{
    if (buf_grow(buf, buf->len + 1) != 0) {
        return NULL;
    }
    buf->data[buf->len] = '\0';
    return (const char *)buf->data;
}
