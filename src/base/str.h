/* SPDX-License-Identifier: MIT */
/* Borrowed text with a length, number parsing that refuses everything doubtful, hex, base64, UTF-8.
 * No allocation. */
#ifndef GC_BASE_STR_H
#define GC_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gc_str {
    const char *data; /* not NUL-terminated; may be NULL when LEN is 0 */
    size_t len;
};

#define GC_STR(literal) ((struct gc_str){ (literal), sizeof(literal) - 1 })

/* The text of a C string; NULL gives the empty text. */
struct gc_str gc_str_of(const char *cstr);

bool gc_str_eq(struct gc_str a, struct gc_str b);
bool gc_str_eq_cstr(struct gc_str a, const char *b);
bool gc_str_ieq_cstr(struct gc_str a, const char *b); /* ASCII case folded */
bool gc_str_starts(struct gc_str a, const char *prefix);
int gc_str_cmp(struct gc_str a, struct gc_str b); /* byte order, as memcmp; shorter first */

/* Without blanks (space, tab) at both ends. */
struct gc_str gc_str_trim(struct gc_str a);

/* Copy into DST and terminate. GC_ELIMIT when it does not fit in SIZE; nothing is written then. */
int gc_str_copy(char *dst, size_t size, struct gc_str src);

/* Decimal digits only, no sign, no blanks, at most MAX. GC_EPARSE, or GC_ERANGE when larger. */
int gc_str_u64(struct gc_str text, uint64_t max, uint64_t *ret_value);

/* "64K", "1MiB", "10G", plain bytes; powers of 1024. */
int gc_str_bytes(struct gc_str text, uint64_t max, uint64_t *ret_value);

/* DST gets 2*LEN lower-case digits and a NUL. */
void gc_hex_encode(char *dst, const void *src, size_t len);
/* Exactly LEN bytes from 2*LEN digits of either case; else GC_EPARSE. */
int gc_hex_decode(void *dst, size_t len, struct gc_str text);

/* Base64, standard alphabet. Returns the length written, no NUL. DST holds at least (len+2)/3*4
 * bytes. */
size_t gc_base64_encode(char *dst, const void *src, size_t len, bool pad);
/* Padded or unpadded; DST holds at least text.len/4*3+3 bytes. GC_EPARSE. */
int gc_base64_decode(void *dst, struct gc_str text, size_t *ret_len);

/* Well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms) without NUL. */
bool gc_utf8_valid(struct gc_str text);

/* Percent-decode in the sense of RFC 3986 into DST (at least text.len bytes); '+' stays. GC_EPARSE
 * on a bad escape. */
int gc_percent_decode(char *dst, struct gc_str text, size_t *ret_len);

/* Compare LEN bytes in a time that depends on LEN only. */
bool gc_equal_ct(const void *a, const void *b, size_t len);

/* Overwrite with zeros, not optimised away. */
void gc_wipe(void *data, size_t len);

#endif
