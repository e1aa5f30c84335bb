/* SPDX-License-Identifier: MIT */
#include "crypto/der.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/err.h"

#define DER_LEN_BYTES_MAX 4

struct gc_der
gc_der_of(struct gc_str text)
{
    return (struct gc_der){ .data = (const uint8_t *)text.data, .len = text.len };
}

struct gc_str
gc_der_str(struct gc_der der)
{
    return (struct gc_str){ .data = (const char *)der.data, .len = der.len };
}

bool
gc_der_next_is(const struct gc_der *der, uint8_t tag)
{
    return der->len > 0 && der->data[0] == tag;
}

/* Size of the header at DER and of the content after it, which is known to be there. */
static int
der_header(const struct gc_der *der, size_t *ret_header, size_t *ret_body)
{
    size_t header = 2, body;

    if (der->len < 2 || (der->data[0] & 0x1f) == 0x1f) {
        return GC_EPARSE;
    }
    body = der->data[1];
    if (body >= 0x80) {
        size_t n_bytes = body & 0x7f;

        if (n_bytes == 0 || n_bytes > DER_LEN_BYTES_MAX || der->len - 2 < n_bytes ||
            der->data[2] == 0) {
            return GC_EPARSE;
        }
        body = 0;
        for (size_t i = 0; i < n_bytes; i++) {
            body = body << 8 | der->data[2 + i];
        }
        if (body < 0x80) {
            return GC_EPARSE;
        }
        header += n_bytes;
    }
    if (body > der->len - header) {
        return GC_EPARSE;
    }
    *ret_header = header;
    *ret_body = body;
    return 0;
}

static void
der_skip(struct gc_der *der, size_t len)
{
    der->data += len;
    der->len -= len;
}

int
gc_der_any(struct gc_der *der, uint8_t *ret_tag, struct gc_der *ret_body)
{
    size_t header, body;
    int rc;

    rc = der_header(der, &header, &body);
    if (rc != 0) {
        return rc;
    }
    *ret_tag = der->data[0];
    *ret_body = (struct gc_der){ .data = der->data + header, .len = body };
    der_skip(der, header + body);
    return 0;
}

int
gc_der_read(struct gc_der *der, uint8_t tag, struct gc_der *ret_body)
{
    uint8_t found;

    if (!gc_der_next_is(der, tag)) {
        return GC_EPARSE;
    }
    return gc_der_any(der, &found, ret_body);
}

int
gc_der_whole(struct gc_der *der, uint8_t tag, struct gc_str *ret_whole)
{
    size_t header, body;
    int rc;

    rc = gc_der_next_is(der, tag) ? der_header(der, &header, &body) : GC_EPARSE;
    if (rc != 0) {
        return rc;
    }
    *ret_whole = (struct gc_str){ .data = (const char *)der->data, .len = header + body };
    der_skip(der, header + body);
    return 0;
}

int
gc_der_uint(struct gc_der *der, struct gc_str *ret_number)
{
    struct gc_der at = *der, body = { 0 };
    int rc;

    rc = gc_der_read(&at, GC_DER_INTEGER, &body);
    if (rc != 0) {
        return rc;
    }
    if (body.len == 0 || body.data[0] >= 0x80) {
        return GC_EPARSE;
    }
    if (body.len > 1 && body.data[0] == 0) {
        if (body.data[1] < 0x80) {
            return GC_EPARSE;
        }
        der_skip(&body, 1);
    }
    *ret_number = gc_der_str(body);
    *der = at;
    return 0;
}

int
gc_der_bool(struct gc_der *der, bool *ret_value)
{
    struct gc_der at = *der, body = { 0 };
    int rc;

    rc = gc_der_read(&at, GC_DER_BOOLEAN, &body);
    if (rc != 0) {
        return rc;
    }
    if (body.len != 1 || (body.data[0] != 0x00 && body.data[0] != 0xff)) {
        return GC_EPARSE;
    }
    *ret_value = body.data[0] != 0;
    *der = at;
    return 0;
}

int
gc_der_bits(struct gc_der *der, struct gc_der *ret_body)
{
    struct gc_der at = *der, body = { 0 };
    int rc;

    rc = gc_der_read(&at, GC_DER_BIT_STRING, &body);
    if (rc != 0) {
        return rc;
    }
    if (body.len == 0 || body.data[0] != 0) {
        return GC_EPARSE;
    }
    der_skip(&body, 1);
    *ret_body = body;
    *der = at;
    return 0;
}

/* --- times
 * --------------------------------------------------------------------------------------------------------------
 */

static int
two_digits(const uint8_t *at)
{
    return (at[0] - '0') * 10 + (at[1] - '0');
}

/* What follows the year: MMDDHHMMSS. */
static int
seconds_of(int year, const uint8_t *digits, int64_t *ret_seconds)
{
    struct tm tm = { .tm_year = year - 1900,
                     .tm_mon = two_digits(digits) - 1,
                     .tm_mday = two_digits(digits + 2),
                     .tm_hour = two_digits(digits + 4),
                     .tm_min = two_digits(digits + 6),
                     .tm_sec = two_digits(digits + 8) };
    const struct tm read = tm;

    *ret_seconds = timegm(&tm);
    /* timegm makes 1 March of 30 February; what it had to mend was no time. */
    return tm.tm_mon == read.tm_mon && tm.tm_mday == read.tm_mday && tm.tm_hour == read.tm_hour &&
                   tm.tm_min == read.tm_min && tm.tm_sec == read.tm_sec
               ? 0
               : GC_EPARSE;
}

int
gc_der_time(struct gc_der *der, int64_t *ret_seconds)
{
    struct gc_der at = *der, body = { 0 };
    int64_t seconds;
    uint8_t tag;
    int year, rc;

    if (gc_der_any(&at, &tag, &body) != 0 || body.len < 2 || body.data[body.len - 1] != 'Z') {
        return GC_EPARSE;
    }
    for (size_t i = 0; i < body.len - 1; i++) {
        if (body.data[i] < '0' || body.data[i] > '9') {
            return GC_EPARSE;
        }
    }
    year = two_digits(body.data);
    if (tag == GC_DER_UTC_TIME && body.len == 13) {
        rc = seconds_of(year + (year < 50 ? 2000 : 1900), body.data + 2, &seconds);
    } else if (tag == GC_DER_GENERALIZED_TIME && body.len == 15) {
        rc = seconds_of(year * 100 + two_digits(body.data + 2), body.data + 4, &seconds);
    } else {
        rc = GC_EPARSE;
    }
    if (rc != 0) {
        return rc;
    }
    *ret_seconds = seconds;
    *der = at;
    return 0;
}

void
gc_der_put_time(struct gc_der_out *out, int64_t seconds)
{
    time_t when = (time_t)seconds;
    char text[40];
    struct tm tm;
    int year, len;

    gmtime_r(&when, &tm);
    year = tm.tm_year + 1900;
    assert(year >= 1970 && year <= 9999);
    len = snprintf(text, sizeof(text), "%04d%02d%02d%02d%02d%02dZ", year, tm.tm_mon + 1, tm.tm_mday,
                   tm.tm_hour, tm.tm_min, tm.tm_sec);
    if (year < 2050) {
        gc_der_put(out, GC_DER_UTC_TIME,
                   (struct gc_str){ .data = text + 2, .len = (size_t)len - 2 });
    } else {
        gc_der_put(out, GC_DER_GENERALIZED_TIME,
                   (struct gc_str){ .data = text, .len = (size_t)len });
    }
}

/* --- writing
 * ------------------------------------------------------------------------------------------------------------
 */

void
gc_der_put_raw(struct gc_der_out *out, struct gc_str der)
{
    if (out->rc == 0) {
        out->rc = gc_buf_append(out->buf, der.data, der.len);
    }
}

static void
put_byte(struct gc_der_out *out, uint8_t byte)
{
    gc_der_put_raw(out, (struct gc_str){ .data = (const char *)&byte, .len = 1 });
}

/* The length as DER writes it; returns how many bytes. */
static size_t
encode_len(uint8_t dst[1 + sizeof(size_t)], size_t len)
{
    size_t n_bytes = 0;

    if (len < 0x80) {
        dst[0] = (uint8_t)len;
        return 1;
    }
    for (size_t rest = len; rest > 0; rest >>= 8) {
        n_bytes++;
    }
    dst[0] = (uint8_t)(0x80 | n_bytes);
    for (size_t i = 0; i < n_bytes; i++) {
        dst[1 + i] = (uint8_t)(len >> 8 * (n_bytes - 1 - i));
    }
    return 1 + n_bytes;
}

size_t
gc_der_begin(struct gc_der_out *out, uint8_t tag)
{
    put_byte(out, tag);
    return out->rc == 0 ? out->buf->len : 0;
}

/* The length is known only now: make room for it between tag and content. */
void
gc_der_end(struct gc_der_out *out, size_t mark)
{
    uint8_t len_bytes[1 + sizeof(size_t)];
    size_t body_len, n_bytes;

    if (out->rc != 0) {
        return;
    }
    assert(mark > 0 && mark <= out->buf->len);
    body_len = out->buf->len - mark;
    n_bytes = encode_len(len_bytes, body_len);
    out->rc = gc_buf_append(out->buf, len_bytes, n_bytes);
    if (out->rc == 0) {
        memmove(out->buf->data + mark + n_bytes, out->buf->data + mark, body_len);
        memcpy(out->buf->data + mark, len_bytes, n_bytes);
    }
}

void
gc_der_put(struct gc_der_out *out, uint8_t tag, struct gc_str body)
{
    size_t mark = gc_der_begin(out, tag);

    gc_der_put_raw(out, body);
    gc_der_end(out, mark);
}

void
gc_der_put_uint(struct gc_der_out *out, struct gc_str number)
{
    size_t mark = gc_der_begin(out, GC_DER_INTEGER);

    while (number.len > 0 && number.data[0] == 0) {
        number.data++;
        number.len--;
    }
    if (number.len == 0 || (uint8_t)number.data[0] >= 0x80) {
        put_byte(out, 0);
    }
    gc_der_put_raw(out, number);
    gc_der_end(out, mark);
}

void
gc_der_put_bool(struct gc_der_out *out, bool value)
{
    gc_der_put(out, GC_DER_BOOLEAN, value ? GC_STR("\xff") : GC_STR("\0"));
}

void
gc_der_put_bits(struct gc_der_out *out, struct gc_str bytes, unsigned unused)
{
    size_t mark = gc_der_begin(out, GC_DER_BIT_STRING);

    assert(unused < 8);
    put_byte(out, (uint8_t)unused);
    gc_der_put_raw(out, bytes);
    gc_der_end(out, mark);
}
