/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/chunk.h"

#include <string.h>

#include "base/err.h"

#define TAG_OUTER 0x12 /* field 2, length-delimited */
#define TAG_DATA  0x0a /* field 1, length-delimited */
#define TAG_CRC   0x15 /* field 2, fixed32 */

struct reader {
    const uint8_t *at, *end;
};

/* A base-128 varint of at most ten bytes; overlong and truncated ones are refused. */
static bool
take_varint(struct reader *r, uint64_t *ret)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70 && r->at < r->end; shift += 7) {
        uint8_t byte = *r->at++;
        if (shift == 63 && byte > 1) {
            return false;
        }
        value |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            *ret = value;
            return true;
        }
    }
    return false;
}

static bool
take_span(struct reader *r, struct reader *ret)
{
    uint64_t len;
    if (!take_varint(r, &len) || len > (uint64_t)(r->end - r->at)) {
        return false;
    }
    ret->at = r->at;
    ret->end = r->at + len;
    r->at += len;
    return true;
}

/* Skip the value of a field whose tag was read; groups are refused. */
static bool
skip_value(struct reader *r, uint64_t tag)
{
    struct reader span;
    uint64_t value;
    size_t fixed = (tag & 7) == 1 ? 8 : 4;
    switch (tag & 7) {
    case 0:
        return take_varint(r, &value);
    case 1:
    case 5:
        if ((size_t)(r->end - r->at) < fixed) {
            return false;
        }
        r->at += fixed;
        return true;
    case 2:
        return take_span(r, &span);
    default:
        return false;
    }
}

bool
gc_chunk_is(const struct gc_bytes *msg)
{
    return msg->len > 0 && msg->data[0] == TAG_OUTER;
}

static bool
decode_inner(struct reader *r, struct reader *ret_data, uint32_t *ret_crc)
{
    bool has_data = false, has_crc = false;
    while (r->at < r->end) {
        uint64_t tag;
        bool ok;
        if (!take_varint(r, &tag) || tag < 8) {
            return false;
        }
        if (tag == TAG_DATA && !has_data) {
            ok = has_data = take_span(r, ret_data);
        } else if (tag == TAG_CRC && !has_crc && r->end - r->at >= 4) {
            *ret_crc = (uint32_t)r->at[0] | (uint32_t)r->at[1] << 8 | (uint32_t)r->at[2] << 16 |
                       (uint32_t)r->at[3] << 24;
            r->at += 4;
            ok = has_crc = true;
        } else {
            ok = tag != TAG_DATA && tag != TAG_CRC && skip_value(r, tag);
        }
        if (!ok) {
            return false;
        }
    }
    if (!has_crc) { /* proto3 leaves a zero out */
        *ret_crc = 0;
    }
    return has_data;
}

int
gc_chunk_decode(struct gc_bytes *msg, struct gc_chunk *ret_chunk)
{
    struct reader r = { msg->data, msg->data + msg->len }, inner, data;
    uint64_t tag;
    uint32_t crc;
    if (!take_varint(&r, &tag) || tag != TAG_OUTER || !take_span(&r, &inner) || r.at != r.end ||
        !decode_inner(&inner, &data, &crc)) {
        return GC_EPARSE;
    }
    if (data.end == data.at || (size_t)(data.end - data.at) > GC_CHUNK_BYTES) {
        return GC_EPARSE;
    }
    ret_chunk->data.owner = msg;
    ret_chunk->data.data = data.at;
    ret_chunk->data.len = (size_t)(data.end - data.at);
    ret_chunk->crc = crc;
    return 0;
}

static size_t
put_varint(uint8_t *dst, uint64_t value)
{
    size_t n = 0;
    while (value >= 0x80) {
        dst[n++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    dst[n++] = (uint8_t)value;
    return n;
}

size_t
gc_chunk_head(uint8_t dst[GC_CHUNK_HEAD_MAX], size_t data_len, uint32_t crc)
{
    uint8_t inner[16];
    size_t n = 0, m = 0;
    inner[m++] = TAG_CRC;
    for (unsigned i = 0; i < 4; i++) {
        inner[m++] = (uint8_t)(crc >> (8 * i));
    }
    inner[m++] = TAG_DATA;
    m += put_varint(inner + m, data_len);
    dst[n++] = TAG_OUTER;
    n += put_varint(dst + n, m + data_len);
    memcpy(dst + n, inner, m);
    return n + m;
}

struct gc_bytes *
gc_chunk_encode(const void *data, size_t len, uint32_t crc)
{
    uint8_t head[GC_CHUNK_HEAD_MAX];
    size_t n = gc_chunk_head(head, len, crc);
    struct gc_bytes *msg = gc_bytes_new(n + len);
    if (msg != NULL) {
        memcpy(msg->data, head, n);
        memcpy(msg->data + n, data, len);
    }
    return msg;
}
