/* SPDX-License-Identifier: MIT */
/* CRC32C (Castagnoli, RFC 3720 12.1: reflected, init and xorout all ones) by ISA-L. Pure. */
#ifndef GC_BASE_CHECKSUM_H
#define GC_BASE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* Continue CRC (0 at the start) over LEN bytes; gc_crc32c(gc_crc32c(0, a), b) is the CRC of a
 * followed by b. */
uint32_t gc_crc32c(uint32_t crc, const void *data, size_t len);

/* The CRC of A followed by B from crc(A), crc(B) and the length of B. */
uint32_t gc_crc32c_combine(uint32_t crc_a, uint32_t crc_b, uint64_t len_b);

#endif
