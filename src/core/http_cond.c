/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/http_cond.h"

#include <string.h>

#include "base/time.h"

struct etag {
    struct gc_str text; /* without quotes */
    bool weak;
};

static void
advance(struct gc_str *text, size_t len)
{
    text->data += len;
    text->len -= len;
}

static size_t
span_until(struct gc_str text, char stop)
{
    const char *at = text.len > 0 ? memchr(text.data, stop, text.len) : NULL;
    return at != NULL ? (size_t)(at - text.data) : text.len;
}

/* The next tag of a list; false at its end. A tag without quotes goes to the next comma; what
 * stands between a closing quote and the comma is not ours to understand and is skipped. */
static bool
etag_next(struct gc_str *list, struct etag *ret_tag)
{
    while (list->len > 0 && strchr(" \t,", list->data[0]) != NULL && list->data[0] != '\0') {
        advance(list, 1);
    }
    if (list->len == 0) {
        return false;
    }
    ret_tag->weak = gc_str_starts(*list, "W/");
    if (ret_tag->weak) {
        advance(list, 2);
    }
    bool quoted = list->len > 0 && list->data[0] == '"';
    if (quoted) {
        advance(list, 1);
    }
    size_t len = span_until(*list, quoted ? '"' : ',');
    ret_tag->text = (struct gc_str){ list->data, len };
    if (!quoted) {
        ret_tag->text = gc_str_trim(ret_tag->text);
    }
    advance(list, len);
    advance(list, span_until(*list, ','));
    return true;
}

/* LIST is "*" or names the tag of TARGET. Weak tags match only where WEAK_TOO. */
static bool
etag_matches(struct gc_str list, const struct gc_http_target *target, bool weak_too)
{
    struct etag tag;
    if (!target->exists) {
        return false;
    }
    if (gc_str_eq_cstr(gc_str_trim(list), "*")) {
        return true;
    }
    while (etag_next(&list, &tag)) {
        if ((weak_too || !tag.weak) && gc_str_eq(tag.text, target->etag)) {
            return true;
        }
    }
    return false;
}

/* Whether the object is newer than the date, in the seconds that a header can say. */
static bool
modified_since(const struct gc_http_target *target, int64_t date_ms)
{
    return target->modified_ms / 1000 > date_ms / 1000;
}

enum gc_http_verdict
gc_http_cond_check(const struct gc_http_cond *cond, const struct gc_http_target *target, bool read)
{
    if (cond->if_match.len > 0) {
        if (!etag_matches(cond->if_match, target, false)) {
            return GC_HTTP_PRECONDITION_FAILED;
        }
    } else if (cond->if_unmodified_since_ms != 0 && target->exists &&
               modified_since(target, cond->if_unmodified_since_ms)) {
        return GC_HTTP_PRECONDITION_FAILED;
    }
    if (cond->if_none_match.len > 0) {
        if (etag_matches(cond->if_none_match, target, true)) {
            return read ? GC_HTTP_NOT_MODIFIED : GC_HTTP_PRECONDITION_FAILED;
        }
    } else if (read && cond->if_modified_since_ms != 0 && target->exists &&
               !modified_since(target, cond->if_modified_since_ms)) {
        return GC_HTTP_NOT_MODIFIED;
    }
    return GC_HTTP_GO_ON;
}

bool
gc_http_if_range(struct gc_str if_range, const struct gc_http_target *target)
{
    char date[32];
    int64_t date_ms;

    if (if_range.len == 0) {
        return true;
    }
    if (!target->exists) {
        return false;
    }
    if (gc_str_copy(date, sizeof(date), if_range) == 0 && gc_time_http_parse(date, &date_ms) == 0) {
        return date_ms / 1000 == target->modified_ms / 1000;
    }
    struct etag tag;
    return etag_next(&if_range, &tag) && !tag.weak && gc_str_eq(tag.text, target->etag);
}
