/* SPDX-License-Identifier: MIT */
#include "crypto/pem.h"

#include <stdbool.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"

#define PEM_BEGIN      "-----BEGIN "
#define PEM_END        "-----END "
#define PEM_DASHES     "-----"
#define PEM_LINE_BYTES 48 /* 64 characters */

int
gc_pem_encode(const char *label, const void *der, size_t len, struct gc_buf *out)
{
    const uint8_t *at = der;
    char line[PEM_LINE_BYTES / 3 * 4 + 1];
    size_t start = out->len;
    int rc;

    rc = gc_buf_printf(out, PEM_BEGIN "%s" PEM_DASHES "\n", label);
    while (rc == 0 && len > 0) {
        size_t n = GC_MIN(len, (size_t)PEM_LINE_BYTES);
        size_t n_chars = gc_base64_encode(line, at, n, true);

        line[n_chars] = '\n';
        rc = gc_buf_append(out, line, n_chars + 1);
        at += n;
        len -= n;
    }
    if (rc == 0) {
        rc = gc_buf_printf(out, PEM_END "%s" PEM_DASHES "\n", label);
    }
    gc_wipe(line, sizeof(line));
    if (rc != 0) {
        out->len = start;
    }
    return rc;
}

static struct gc_str
str_from(struct gc_str text, size_t at)
{
    return (struct gc_str){ .data = text.data + at, .len = text.len - at };
}

/* Cut the next line off TEXT, without its end and trailing blanks; false at the end of the text. */
static bool
next_line(struct gc_str *text, struct gc_str *ret_line)
{
    const char *end;
    size_t len, skip;

    if (text->len == 0) {
        return false;
    }
    end = memchr(text->data, '\n', text->len);
    len = end != NULL ? (size_t)(end - text->data) : text->len;
    skip = end != NULL ? len + 1 : len;
    *ret_line = (struct gc_str){ .data = text->data, .len = len };
    while (ret_line->len > 0 && memchr(" \t\r", ret_line->data[ret_line->len - 1], 3) != NULL) {
        ret_line->len--;
    }
    *text = str_from(*text, skip);
    return true;
}

/* Is LINE "-----BEGIN x-----" (or END)? Then x goes to RET_LABEL. */
static bool
is_boundary(struct gc_str line, const char *start, struct gc_str *ret_label)
{
    size_t start_len = strlen(start), dashes = strlen(PEM_DASHES);

    if (!gc_str_starts(line, start) || line.len <= start_len + dashes ||
        memcmp(line.data + line.len - dashes, PEM_DASHES, dashes) != 0) {
        return false;
    }
    *ret_label =
        (struct gc_str){ .data = line.data + start_len, .len = line.len - start_len - dashes };
    return true;
}

/* The characters of the lines up to the END of LABEL go to CHARS. */
static int
collect(struct gc_str *text, struct gc_str label, struct gc_buf *chars)
{
    struct gc_str line, end_label;
    int rc;

    while (next_line(text, &line)) {
        if (is_boundary(line, PEM_END, &end_label)) {
            return gc_str_eq(label, end_label) ? 0 : GC_EPARSE;
        }
        rc = gc_buf_append(chars, line.data, line.len);
        if (rc != 0) {
            return rc;
        }
    }
    return GC_EPARSE;
}

static int
decode(const struct gc_buf *chars, struct gc_buf *der)
{
    size_t len;
    int rc;

    gc_buf_clear(der);
    if (chars->len == 0) {
        return GC_EPARSE;
    }
    rc = gc_buf_reserve(der, chars->len / 4 * 3 + 3);
    if (rc != 0) {
        return rc;
    }
    rc = gc_base64_decode((char *)der->data,
                          (struct gc_str){ .data = (const char *)chars->data, .len = chars->len },
                          &len);
    if (rc == 0) {
        der->len = len;
    }
    return rc;
}

int
gc_pem_next(struct gc_str *text, struct gc_str *ret_label, struct gc_buf *der)
{
    struct gc_str rest = *text, line, label;
    struct gc_buf chars;
    int rc;

    do {
        if (!next_line(&rest, &line)) {
            return GC_ENOTFOUND;
        }
    } while (!is_boundary(line, PEM_BEGIN, &label));
    gc_buf_init(&chars, der->max / 3 * 4 + 4);
    /* At once, so that growing leaves no copies of a key behind. */
    rc = gc_buf_reserve(&chars, GC_MIN(rest.len, chars.max));
    if (rc == 0) {
        rc = collect(&rest, label, &chars);
    }
    if (rc != 0) {
        goto out;
    }
    rc = decode(&chars, der);
    if (rc != 0) {
        goto out;
    }
    *ret_label = label;
    *text = rest;
out:
    if (chars.data != NULL) {
        gc_wipe(chars.data, chars.len);
    }
    gc_buf_fini(&chars);
    return rc;
}
