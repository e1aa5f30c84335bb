/* SPDX-License-Identifier: MIT */
#include "base/str.h"

#include <string.h>

#include "base/err.h"
#include "base/macros.h"

struct gc_str
gc_str_of(const char *cstr)
{
    return (struct gc_str){ cstr, cstr != NULL ? strlen(cstr) : 0 };
}

bool
gc_str_eq(struct gc_str a, struct gc_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool
gc_str_eq_cstr(struct gc_str a, const char *b)
{
    return gc_str_eq(a, gc_str_of(b));
}

static char
ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool
gc_str_ieq_cstr(struct gc_str a, const char *b)
{
    if (a.len != strlen(b)) {
        return false;
    }
    for (size_t i = 0; i < a.len; i++) {
        if (ascii_lower(a.data[i]) != ascii_lower(b[i])) {
            return false;
        }
    }
    return true;
}

bool
gc_str_starts(struct gc_str a, const char *prefix)
{
    size_t len = strlen(prefix);
    return a.len >= len && (len == 0 || memcmp(a.data, prefix, len) == 0);
}

int
gc_str_cmp(struct gc_str a, struct gc_str b)
{
    size_t len = GC_MIN(a.len, b.len);
    int order = len > 0 ? memcmp(a.data, b.data, len) : 0;
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct gc_str
gc_str_trim(struct gc_str a)
{
    while (a.len > 0 && is_blank(a.data[0])) {
        a.data++;
        a.len--;
    }
    while (a.len > 0 && is_blank(a.data[a.len - 1])) {
        a.len--;
    }
    return a;
}

int
gc_str_copy(char *dst, size_t size, struct gc_str src)
{
    if (src.len >= size) {
        return GC_ELIMIT;
    }
    if (src.len > 0) {
        memcpy(dst, src.data, src.len);
    }
    dst[src.len] = '\0';
    return 0;
}

int
gc_str_u64(struct gc_str text, uint64_t max, uint64_t *ret_value)
{
    uint64_t value = 0;
    bool over = false;

    if (text.len == 0) {
        return GC_EPARSE;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return GC_EPARSE;
        }
        unsigned digit = (unsigned)(text.data[i] - '0');
        over = over || value > max / 10 || digit > max - value * 10;
        if (!over) {
            value = value * 10 + digit;
        }
    }
    if (over) {
        return GC_ERANGE;
    }
    *ret_value = value;
    return 0;
}

/* The power of two that UNIT stands for, or -1. "KB" is refused: some mean 1000 by it. */
static int
unit_shift(struct gc_str unit)
{
    static const char letters[] = "KMGT";
    if (unit.len == 0) {
        return 0;
    }
    const char *letter = memchr(letters, unit.data[0], sizeof(letters) - 1);
    if (letter == NULL ||
        (unit.len > 1 && !gc_str_eq_cstr((struct gc_str){ unit.data + 1, unit.len - 1 }, "iB"))) {
        return -1;
    }
    return 10 * (int)(letter - letters + 1);
}

int
gc_str_bytes(struct gc_str text, uint64_t max, uint64_t *ret_value)
{
    size_t digits = 0;
    uint64_t value;

    while (digits < text.len && text.data[digits] >= '0' && text.data[digits] <= '9') {
        digits++;
    }
    int shift = unit_shift((struct gc_str){ text.data + digits, text.len - digits });
    if (shift < 0) {
        return GC_EPARSE;
    }
    int rc = gc_str_u64((struct gc_str){ text.data, digits }, max >> shift, &value);
    if (rc != 0) {
        return rc;
    }
    *ret_value = value << shift;
    return 0;
}

void
gc_hex_encode(char *dst, const void *src, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *at = src;
    for (size_t i = 0; i < len; i++) {
        dst[2 * i] = digits[at[i] >> 4];
        dst[2 * i + 1] = digits[at[i] & 15];
    }
    dst[2 * len] = '\0';
}

static int
hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int
gc_hex_decode(void *dst, size_t len, struct gc_str text)
{
    uint8_t *out = dst;
    if (text.len % 2 != 0 || text.len / 2 != len) {
        return GC_EPARSE;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (hex_digit(text.data[i]) < 0) {
            return GC_EPARSE;
        }
    }
    for (size_t i = 0; i < len; i++) {
        unsigned high = (unsigned)hex_digit(text.data[2 * i]);
        out[i] = (uint8_t)(high << 4 | (unsigned)hex_digit(text.data[2 * i + 1]));
    }
    return 0;
}

static const char base64_letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t
gc_base64_encode(char *dst, const void *src, size_t len, bool pad)
{
    const uint8_t *at = src;
    size_t n = 0;

    while (len > 0) {
        size_t take = GC_MIN(len, (size_t)3);
        uint32_t bits =
            (uint32_t)at[0] << 16 | (take > 1 ? (uint32_t)at[1] << 8 : 0) | (take > 2 ? at[2] : 0);
        for (size_t i = 0; i < take + 1; i++) {
            dst[n++] = base64_letters[bits >> (18 - 6 * i) & 63];
        }
        for (size_t i = take + 1; pad && i < 4; i++) {
            dst[n++] = '=';
        }
        at += take;
        len -= take;
    }
    return n;
}

static int
base64_value(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

int
gc_base64_decode(void *dst, struct gc_str text, size_t *ret_len)
{
    uint8_t *out = dst;
    size_t n = 0;
    uint32_t bits = 0;
    unsigned held = 0; /* bits of BITS not yet written */

    if (text.len % 4 == 0 && text.len > 0 && text.data[text.len - 1] == '=') {
        text.len -= text.data[text.len - 2] == '=' ? 2 : 1;
    }
    if (text.len % 4 == 1) {
        return GC_EPARSE;
    }
    for (size_t i = 0; i < text.len; i++) {
        int value = base64_value(text.data[i]);
        if (value < 0) {
            return GC_EPARSE;
        }
        bits = bits << 6 | (uint32_t)value;
        held += 6;
        if (held >= 8) {
            held -= 8;
            out[n++] = (uint8_t)(bits >> held);
            bits &= (1u << held) - 1;
        }
    }
    if (bits != 0) {
        return GC_EPARSE; /* two texts for the same bytes */
    }
    *ret_len = n;
    return 0;
}

/* How many bytes the sequence that starts with LEAD has, and what its second byte may be; 0 for no
 * lead byte. */
static size_t
utf8_sequence(uint8_t lead, uint8_t *ret_min, uint8_t *ret_max)
{
    *ret_min = 0x80;
    *ret_max = 0xbf;
    if (lead >= 0xc2 && lead <= 0xdf) {
        return 2;
    }
    if (lead >= 0xe0 && lead <= 0xef) {
        *ret_min = lead == 0xe0 ? 0xa0 : 0x80; /* overlong */
        *ret_max = lead == 0xed ? 0x9f : 0xbf; /* surrogates */
        return 3;
    }
    if (lead >= 0xf0 && lead <= 0xf4) {
        *ret_min = lead == 0xf0 ? 0x90 : 0x80; /* overlong */
        *ret_max = lead == 0xf4 ? 0x8f : 0xbf; /* above U+10FFFF */
        return 4;
    }
    return 0;
}

/* How many bytes the character at AT takes, of which LEFT > 0 are there; 0: malformed, or a NUL. */
static size_t
utf8_char(const uint8_t *at, size_t left)
{
    uint8_t min;
    uint8_t max;

    if (at[0] < 0x80) {
        return at[0] != 0;
    }
    size_t n = utf8_sequence(at[0], &min, &max);
    if (n == 0 || n > left || at[1] < min || at[1] > max) {
        return 0;
    }
    for (size_t i = 2; i < n; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return n;
}

bool
gc_utf8_valid(struct gc_str text)
{
    const uint8_t *at = (const uint8_t *)text.data;
    size_t left = text.len;

    while (left > 0) {
        size_t n = utf8_char(at, left);
        if (n == 0) {
            return false;
        }
        at += n;
        left -= n;
    }
    return true;
}

int
gc_percent_decode(char *dst, struct gc_str text, size_t *ret_len)
{
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] != '%') {
            dst[n++] = text.data[i];
            continue;
        }
        if (text.len - i < 3) {
            return GC_EPARSE;
        }
        int high = hex_digit(text.data[i + 1]);
        int low = hex_digit(text.data[i + 2]);
        if (high < 0 || low < 0) {
            return GC_EPARSE;
        }
        dst[n++] = (char)(high << 4 | low);
        i += 2;
    }
    *ret_len = n;
    return 0;
}

bool
gc_equal_ct(const void *a, const void *b, size_t len)
{
    const volatile uint8_t *left = a;
    const volatile uint8_t *right = b;
    uint8_t differ = 0;
    for (size_t i = 0; i < len; i++) {
        differ |= left[i] ^ right[i];
    }
    return differ == 0;
}

void
gc_wipe(void *data, size_t len)
{
    if (len > 0) {
        explicit_bzero(data, len);
    }
}
