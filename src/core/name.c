/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/name.h"

#include "base/err.h"

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool
is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || is_digit(c);
}

/* Four groups of digits with dots between them. */
static bool
looks_like_ipv4(struct gc_str name)
{
    unsigned dots = 0;
    for (size_t i = 0; i < name.len; i++) {
        if (name.data[i] == '.') {
            dots++;
        } else if (!is_digit(name.data[i])) {
            return false;
        }
    }
    return dots == 3;
}

bool
gc_bucket_name_valid(struct gc_str name)
{
    if (name.len < GC_BUCKET_NAME_MIN || name.len > GC_BUCKET_NAME_MAX) {
        return false;
    }
    if (!is_alnum(name.data[0]) || !is_alnum(name.data[name.len - 1])) {
        return false;
    }
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        if (!is_alnum(c) && c != '-' && c != '.') {
            return false;
        }
        if (c == '.' && name.data[i + 1] == '.') { /* the last one is no dot */
            return false;
        }
    }
    return !looks_like_ipv4(name) && !gc_str_starts(name, "xn--");
}

int
gc_object_key_check(struct gc_str key)
{
    if (key.len == 0) {
        return GC_EPARSE;
    }
    if (key.len > GC_OBJECT_KEY_MAX) {
        return GC_ELIMIT;
    }
    return gc_utf8_valid(key) ? 0 : GC_EPARSE;
}
