/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Listing: one seek per name, and one past each common prefix, so a page costs what it returns. */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "meta/index.h"
#include "meta/query.h"

/* No name has this byte (it is not in UTF-8): P and it is past all names that begin with P. */
#define PAST_ALL '\xff'

#define FROM_MAX (GC_META_KEY_MAX + 2)

struct from {
    char data[FROM_MAX];
    size_t len;
};

static void
from_set(struct from *from, struct gc_str text)
{
    from->len = GC_MIN(text.len, (size_t)GC_META_KEY_MAX + 1);
    if (from->len > 0) {
        memcpy(from->data, text.data, from->len);
    }
}

static void
from_past(struct from *from, struct gc_str text, bool all_with_prefix)
{
    from_set(from, text);
    from->data[from->len++] = all_with_prefix ? PAST_ALL : '\0';
}

/* Where the first name of the page is looked for. */
static void
from_start(struct from *from, const struct gc_meta_list *list)
{
    struct from after;

    from_set(from, list->prefix);
    if (list->after.len > 0) {
        from_past(&after, list->after, list->after_is_prefix);
        if (gc_str_cmp((struct gc_str){ after.data, after.len },
                       (struct gc_str){ from->data, from->len }) > 0) {
            *from = after;
        }
    }
}

static bool
has_prefix(struct gc_str name, struct gc_str prefix)
{
    return name.len >= prefix.len &&
           (prefix.len == 0 || memcmp(name.data, prefix.data, prefix.len) == 0);
}

/* Length of NAME up to and with the first delimiter behind the prefix; 0 without one. */
static size_t
common_len(struct gc_str name, const struct gc_meta_list *list)
{
    const char *rest = name.data + list->prefix.len;
    const char *at;

    if (list->delimiter.len == 0) {
        return 0;
    }
    at = memmem(rest, name.len - list->prefix.len, list->delimiter.data, list->delimiter.len);
    return at != NULL ? (size_t)(at - name.data) + list->delimiter.len : 0;
}

static int
item_fill(const struct gc_meta_read *rd, const struct gc_meta_list *list,
          const struct gc_meta_index_hit *hit, struct gc_meta_list_item *item)
{
    struct gc_str name = { hit->name, hit->name_len };
    size_t common = common_len(name, list);
    struct gc_meta_index_row row;
    int rc;

    *item = (struct gc_meta_list_item){ .is_prefix = common > 0 };
    if (item->is_prefix) {
        name.len = common;
    } else {
        rc = gc_meta_dec_index_row(hit->val, &row, NULL);
        if (rc != 0) {
            return rc;
        }
        item->length = row.object.length;
        item->mtime_ms = row.object.mtime_ms;
        item->version = row.object.version;
        memcpy(item->md5, row.object.md5, sizeof(item->md5));
    }
    item->name = gc_arena_str(rd->arena, name);
    return item->name.data != NULL ? 0 : GC_ELIMIT;
}

int
gc_meta_list_objects(const struct gc_meta_read *rd, const struct gc_meta_list *list,
                     struct gc_meta_list_page *ret_page)
{
    size_t max = GC_MIN(list->max, (size_t)GC_META_LIST_MAX);
    struct gc_meta_list_page page = { .n_items = 0 };
    struct gc_meta_index_hit hit;
    struct from from;
    int rc = 0;

    if (max == 0 || list->prefix.len > GC_META_KEY_MAX) {
        *ret_page = page;
        return 0;
    }
    page.items = gc_arena_alloc(rd->arena, max * sizeof(*page.items));
    if (page.items == NULL) {
        return GC_ELIMIT;
    }
    from_start(&from, list);
    for (;;) {
        struct gc_meta_list_item *item = &page.items[page.n_items];

        rc = gc_meta_index_seek(rd->meta, rd->txn, list->bucket_id,
                                (struct gc_str){ from.data, from.len }, &hit);
        if (rc == 0 && !has_prefix((struct gc_str){ hit.name, hit.name_len }, list->prefix)) {
            rc = GC_ENOTFOUND;
        }
        if (rc != 0) {
            break;
        }
        if (page.n_items == max) {
            page.truncated = true;
            break;
        }
        rc = item_fill(rd, list, &hit, item);
        if (rc == GC_ELIMIT && page.n_items > 0) {
            page.truncated = true;
            rc = 0;
            break;
        }
        if (rc != 0) {
            return rc;
        }
        page.n_items++;
        from_past(&from, item->name, item->is_prefix);
    }
    if (rc != 0 && rc != GC_ENOTFOUND) {
        return rc;
    }
    *ret_page = page;
    return 0;
}
