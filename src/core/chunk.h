/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The stream message that carries object bytes, parsed and made by hand: field 2 of whatever
 * message the stream has (proto/gcommon/v1/common/common.proto), so that the same bytes go from hop
 * to hop. Pure; survives any input. */
#ifndef GC_CORE_CHUNK_H
#define GC_CORE_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define GC_CHUNK_BYTES       262096u /* payload of a full chunk */
#define GC_CHUNKS_PER_BLOB   4096u
#define GC_BLOB_BYTES        ((uint64_t)GC_CHUNK_BYTES * GC_CHUNKS_PER_BLOB) /* just below 1 GiB */
#define GC_CHUNK_HEAD_MAX    24                       /* what comes before the payload */
#define GC_CHUNK_MESSAGE_MAX (GC_CHUNK_BYTES + 4096u) /* limit for one message of such a stream */

/* A stream of chunks is given up when nothing moves for so long (object-protocol.md rule 24). */
#define GC_PROGRESS_MS 30000u

struct gc_chunk {
    struct gc_slice data; /* lies in the message, which is its owner (no reference is taken) */
    uint32_t crc;
};

/* Whether MSG's first field is number 2 and it is length-delimited. */
bool gc_chunk_is(const struct gc_bytes *msg);

/* GC_EPARSE: not exactly one chunk with data and crc, or more than GC_CHUNK_BYTES. Unknown fields
 * are skipped. */
int gc_chunk_decode(struct gc_bytes *msg, struct gc_chunk *ret_chunk);

/* The bytes before the payload in a message made by us (crc first, then data). Returns their
 * number. */
size_t gc_chunk_head(uint8_t dst[GC_CHUNK_HEAD_MAX], size_t data_len, uint32_t crc);

/* A whole message with a copy of DATA; NULL when there is no memory. */
struct gc_bytes *gc_chunk_encode(const void *data, size_t len, uint32_t crc);

#endif
