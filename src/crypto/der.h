/* SPDX-License-Identifier: MIT */
/* DER (X.690), as far as certificates and keys need it: one-byte tags, definite minimal lengths.
 * Pure; any thread. */
#ifndef GC_CRYPTO_DER_H
#define GC_CRYPTO_DER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

#define GC_DER_BOOLEAN          0x01
#define GC_DER_INTEGER          0x02
#define GC_DER_BIT_STRING       0x03
#define GC_DER_OCTET_STRING     0x04
#define GC_DER_OID              0x06
#define GC_DER_UTF8_STRING      0x0c
#define GC_DER_PRINTABLE_STRING 0x13
#define GC_DER_UTC_TIME         0x17
#define GC_DER_GENERALIZED_TIME 0x18
#define GC_DER_SEQUENCE         0x30
#define GC_DER_SET              0x31
#define GC_DER_CONTEXT(n)       (0x80 | (n)) /* [n] IMPLICIT of a primitive type */
#define GC_DER_EXPLICIT(n)      (0xa0 | (n)) /* [n] EXPLICIT, or IMPLICIT of a constructed one */

/* --- reading
 * ------------------------------------------------------------------------------------------------------------
 */

/* Bytes not yet read. Reading moves it forward; on an error it stays. All errors are GC_EPARSE. */
struct gc_der {
    const uint8_t *data;
    size_t len;
};

/* A reader of TEXT. */
struct gc_der gc_der_of(struct gc_str text);

/* What is left, as text. */
struct gc_str gc_der_str(struct gc_der der);

/* Is there another element, with this TAG? */
bool gc_der_next_is(const struct gc_der *der, uint8_t tag);

/* Read one element; its content goes to RET_BODY. */
int gc_der_any(struct gc_der *der, uint8_t *ret_tag, struct gc_der *ret_body);
int gc_der_read(struct gc_der *der, uint8_t tag, struct gc_der *ret_body);

/* Read one element of TAG whole: header and content go to RET_WHOLE. */
int gc_der_whole(struct gc_der *der, uint8_t tag, struct gc_str *ret_whole);

/* An INTEGER that is positive (or zero) and minimal; RET_NUMBER is without the leading zero byte of
 * the sign. */
int gc_der_uint(struct gc_der *der, struct gc_str *ret_number);

/* A BOOLEAN: exactly 00 or FF. */
int gc_der_bool(struct gc_der *der, bool *ret_value);

/* A BIT STRING of whole bytes (no unused bits). */
int gc_der_bits(struct gc_der *der, struct gc_der *ret_body);

/* UTCTime or GeneralizedTime in RFC 5280's only forms (seconds, Z); seconds since 1970. */
int gc_der_time(struct gc_der *der, int64_t *ret_seconds);

/* --- writing
 * ------------------------------------------------------------------------------------------------------------
 */

/* Elements are appended to a buffer of the caller's. The first error sticks in RC and makes all
 * further calls do nothing, so one check at the end is enough: -ENOMEM, or GC_ELIMIT from the
 * buffer. */
struct gc_der_out {
    struct gc_buf *buf;
    int rc;
};

/* Open a constructed element (or a string that holds elements); returns what gc_der_end wants. */
size_t gc_der_begin(struct gc_der_out *out, uint8_t tag);
void gc_der_end(struct gc_der_out *out, size_t mark);

void gc_der_put(struct gc_der_out *out, uint8_t tag, struct gc_str body);
/* Bytes that are DER already. */
void gc_der_put_raw(struct gc_der_out *out, struct gc_str der);
/* A positive number given as big-endian bytes; leading zeros are dropped. */
void gc_der_put_uint(struct gc_der_out *out, struct gc_str number);
void gc_der_put_bool(struct gc_der_out *out, bool value);
void gc_der_put_bits(struct gc_der_out *out, struct gc_str bytes, unsigned unused);
/* UTCTime to the end of 2049, GeneralizedTime after. SECONDS since 1970, years 1970 to 9999. */
void gc_der_put_time(struct gc_der_out *out, int64_t seconds);

#endif
