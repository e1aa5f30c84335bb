/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/json.h"

#define UTF8_BYTES_MAX 4

/* How many bytes at the start of TEXT are one character of UTF-8; 0 when none. */
static size_t
utf8_len(struct gc_str text)
{
    for (size_t len = 1; len <= UTF8_BYTES_MAX && len <= text.len; len++) {
        if (gc_utf8_valid((struct gc_str){ .data = text.data, .len = len })) {
            return len;
        }
    }
    return 0;
}

static int
put_char(struct gc_buf *out, const char *c, size_t len)
{
    if (len == 1 && (*c == '"' || *c == '\\')) {
        return gc_buf_printf(out, "\\%c", *c);
    }
    if (len == 1 && ((unsigned char)*c < 0x20 || *c == 0x7f)) {
        return gc_buf_printf(out, "\\u%04x", (unsigned)(unsigned char)*c);
    }
    return gc_buf_append(out, c, len);
}

int
gc_json_str(struct gc_buf *out, struct gc_str text)
{
    int rc = gc_buf_append_str(out, "\"");

    while (rc == 0 && text.len > 0) {
        size_t len = utf8_len(text);

        if (len > 0) {
            rc = put_char(out, text.data, len);
        } else {
            len = 1;
            rc = text.data[0] == '\0' ? gc_buf_append_str(out, "\\u0000")
                                      : gc_buf_append_str(out, "\\ufffd");
        }
        text.data += len;
        text.len -= len;
    }
    return rc == 0 ? gc_buf_append_str(out, "\"") : rc;
}

int
gc_json_member(struct gc_buf *out, const char *name, struct gc_str text)
{
    int rc = gc_buf_printf(out, "\"%s\":", name);

    if (rc == 0) {
        rc = gc_json_str(out, text);
    }
    return rc == 0 ? gc_buf_append_str(out, ",") : rc;
}
