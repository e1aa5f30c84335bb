/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "base/err.h"
#include "base/str.h"

#define DROPINS_MAX 64

static int
fail_read(const char *path, int rc, char error[GC_CONF_ERROR_MAX])
{
    snprintf(error, GC_CONF_ERROR_MAX, "%.400s: cannot read: %s", path, gc_err_text(rc));
    return GC_ECONFIG;
}

static int
load_file(const struct gc_conf_item *items, void *conf, const char *path,
          char error[GC_CONF_ERROR_MAX])
{
    struct gc_buf text;
    gc_buf_init(&text, GC_CONF_FILE_BYTES_MAX);
    int rc = gc_file_read(path, GC_CONF_FILE_BYTES_MAX, false, &text);
    rc = rc != 0 ? fail_read(path, rc, error)
                 : gc_conf_parse(items, conf, path, (const char *)text.data, text.len, error);
    gc_buf_fini(&text);
    return rc;
}

static bool
has_suffix(const char *text, const char *suffix)
{
    size_t len = strlen(text);
    size_t suffix_len = strlen(suffix);
    return len > suffix_len && strcmp(text + len - suffix_len, suffix) == 0;
}

static int
is_dropin(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && has_suffix(entry->d_name, ".conf");
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name); /* alphasort would ask the locale */
}

static int
load_dropin(const struct gc_conf_item *items, void *conf, const char *dir, const char *name,
            char error[GC_CONF_ERROR_MAX])
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof(path), "%s/%s", dir, name);
    if (n < 0 || (size_t)n >= sizeof(path)) {
        return fail_read(dir, -ENAMETOOLONG, error);
    }
    return load_file(items, conf, path, error);
}

static int
load_dropins(const struct gc_conf_item *items, void *conf, const char *dir,
             char error[GC_CONF_ERROR_MAX])
{
    struct dirent **entries;
    int rc = 0;
    int n = scandir(dir, &entries, is_dropin, by_name);
    if (n < 0) {
        return errno == ENOENT ? 0 : fail_read(dir, -errno, error);
    }
    if (n > DROPINS_MAX) {
        snprintf(error, GC_CONF_ERROR_MAX, "%.400s: more than %d drop-ins", dir, DROPINS_MAX);
        rc = GC_ECONFIG;
    }
    for (int i = 0; i < n; i++) {
        if (rc == 0) {
            rc = load_dropin(items, conf, dir, entries[i]->d_name, error);
        }
        free(entries[i]);
    }
    free(entries);
    return rc;
}

static int
check_required(const struct gc_conf_item *items, const void *conf, const char *path,
               char error[GC_CONF_ERROR_MAX])
{
    for (const struct gc_conf_item *item = items; item->key != NULL; item++) {
        if (item->deflt == NULL && ((const char *)conf)[item->offset] == '\0') {
            snprintf(error, GC_CONF_ERROR_MAX, "%s: %s in [%s] must be set", path, item->key,
                     item->section);
            return GC_ECONFIG;
        }
    }
    return 0;
}

int
gc_conf_load(const struct gc_conf_item *items, void *conf, const char *path,
             char error[GC_CONF_ERROR_MAX])
{
    char dir[PATH_MAX];

    gc_conf_defaults(items, conf);
    int rc = load_file(items, conf, path, error);
    if (rc == 0 && has_suffix(path, ".conf")) {
        int n = snprintf(dir, sizeof(dir), "%s.d", path);
        rc = n > 0 && (size_t)n < sizeof(dir) ? load_dropins(items, conf, dir, error)
                                              : fail_read(path, -ENAMETOOLONG, error);
    }
    return rc != 0 ? rc : check_required(items, conf, path, error);
}

/* The largest unit that keeps VALUE whole. */
static int
document_bytes(struct gc_buf *out, uint64_t value)
{
    static const char *const units[] = { "", "K", "M", "G", "T" };
    size_t i = 0;
    while (i + 1 < GC_ARRAY_LEN(units) && value != 0 && value % 1024 == 0) {
        value /= 1024;
        i++;
    }
    return gc_buf_printf(out, "%llu%s", (unsigned long long)value, units[i]);
}

/* What may be written for ITEM. */
static int
document_values(const struct gc_conf_item *item, struct gc_buf *out)
{
    int rc;
    switch (item->type) {
    case GC_CONF_T_UINT:
        return gc_buf_printf(out, "%llu to %llu%s%s", (unsigned long long)item->min,
                             (unsigned long long)item->max, item->unit[0] != '\0' ? " " : "",
                             item->unit);
    case GC_CONF_T_BYTES:
        rc = document_bytes(out, item->min);
        rc = rc != 0 ? rc : gc_buf_append_str(out, " to ");
        return rc != 0 ? rc : document_bytes(out, item->max);
    case GC_CONF_T_BOOL:
        return gc_buf_append_str(out, "yes or no");
    case GC_CONF_T_ENUM:
        return gc_buf_append_str(out, item->choices);
    case GC_CONF_T_STR:
        break;
    }
    return gc_buf_printf(out, "text, up to %zu bytes", item->size - 1);
}

static int
document_item(const struct gc_conf_item *item, struct gc_buf *out)
{
    bool empty = item->deflt == NULL || item->deflt[0] == '\0';
    int rc = gc_buf_printf(out, "# %s (", item->help);
    rc = rc != 0 ? rc : document_values(item, out);
    rc = rc != 0 ? rc : gc_buf_append_str(out, item->deflt == NULL ? "; must be set)\n" : ")\n");
    return rc != 0 ? rc
                   : gc_buf_printf(out, "#%s =%s%s\n\n", item->key, empty ? "" : " ",
                                   empty ? "" : item->deflt);
}

int
gc_conf_document(const struct gc_conf_item *items, struct gc_buf *out)
{
    size_t before = out->len;
    int rc = 0;
    for (const struct gc_conf_item *item = items; item->key != NULL && rc == 0; item++) {
        if (item == items || strcmp(item->section, item[-1].section) != 0) {
            rc = gc_buf_printf(out, "[%s]\n", item->section);
        }
        rc = rc != 0 ? rc : document_item(item, out);
    }
    if (rc != 0) {
        out->len = before;
    }
    return rc;
}
