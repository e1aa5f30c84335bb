/* SPDX-License-Identifier: MIT */
/* Fixed-width integers in bytes. Big-endian where keys must sort, little-endian nowhere. */
#ifndef GC_BASE_ENDIAN_H
#define GC_BASE_ENDIAN_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

static inline void
gc_put_be16(uint8_t *dst, uint16_t v)
{
    v = htobe16(v);
    memcpy(dst, &v, sizeof(v));
}
static inline void
gc_put_be32(uint8_t *dst, uint32_t v)
{
    v = htobe32(v);
    memcpy(dst, &v, sizeof(v));
}
static inline void
gc_put_be64(uint8_t *dst, uint64_t v)
{
    v = htobe64(v);
    memcpy(dst, &v, sizeof(v));
}
static inline uint16_t
gc_get_be16(const uint8_t *src)
{
    uint16_t v;
    memcpy(&v, src, sizeof(v));
    return be16toh(v);
}
static inline uint32_t
gc_get_be32(const uint8_t *src)
{
    uint32_t v;
    memcpy(&v, src, sizeof(v));
    return be32toh(v);
}
static inline uint64_t
gc_get_be64(const uint8_t *src)
{
    uint64_t v;
    memcpy(&v, src, sizeof(v));
    return be64toh(v);
}

#endif
