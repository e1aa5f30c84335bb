/* SPDX-License-Identifier: MIT */
#include "base/checksum.h"

#include <isa-l/crc.h>

/* crc32_iscsi computes the bare register: it inverts neither what it is given nor what it returns,
 * and takes an int. */
#define ISAL_LEN_MAX ((size_t)1 << 30)

uint32_t
gc_crc32c(uint32_t crc, const void *data, size_t len)
{
    const uint8_t *at = data;
    crc = ~crc;
    while (len > 0) {
        size_t n = len < ISAL_LEN_MAX ? len : ISAL_LEN_MAX;
        crc = crc32_iscsi((unsigned char *)(uintptr_t)at, (int)n, crc);
        at += n;
        len -= n;
    }
    return ~crc;
}

/* Polynomials modulo the CRC's, reflected: bit 31 is x^0. */
#define POLY     0x82f63b78u
#define POLY_ONE ((uint32_t)1 << 31)
#define POLY_X8  ((uint32_t)1 << 23)

static uint32_t
poly_mul(uint32_t a, uint32_t b)
{
    uint32_t product = 0;
    for (uint32_t bit = POLY_ONE; bit != 0; bit >>= 1) {
        if ((a & bit) != 0) {
            product ^= b;
        }
        b = (b >> 1) ^ ((b & 1) != 0 ? POLY : 0); /* times x */
    }
    return product;
}

/* len_b bytes shift crc_a by as many powers of x^8; initial and final inversion cancel out. */
uint32_t
gc_crc32c_combine(uint32_t crc_a, uint32_t crc_b, uint64_t len_b)
{
    uint32_t shift = POLY_ONE;
    for (uint32_t power = POLY_X8; len_b != 0; len_b >>= 1) {
        if ((len_b & 1) != 0) {
            shift = poly_mul(shift, power);
        }
        power = poly_mul(power, power);
    }
    return poly_mul(shift, crc_a) ^ crc_b;
}
