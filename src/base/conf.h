/* SPDX-License-Identifier: MIT */
/* Configuration: `[section]` and `key = value` (inih), a main file and drop-ins in name order. Each
 * daemon describes its keys by a table; unknown section or key, bad value, value out of range, a
 * key twice in one file are errors with file:line. Later files override earlier ones. Parsing is
 * pure over the table; gc_conf_load reads the files.
 *
 * A table row points into the daemon's own conf struct:
 *   static const struct gc_conf_item items[] = {
 *       GC_CONF_UINT("rpc", "deadline_ms", struct gc_file_conf, deadline_ms, 5000, 10, 60000,
 *           "ms", "budget of one call"),
 *       ... { 0 } };
 * Strings are char arrays inside the struct (fixed size); lists are blank-separated texts in one
 * string. A text may go on in indented lines, each joined by one blank; a line has at most 197
 * bytes. A key without a default is a text that must not stay empty. */
#ifndef GC_BASE_CONF_H
#define GC_BASE_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/file.h"

enum gc_conf_type {
    GC_CONF_T_UINT,
    GC_CONF_T_BYTES,
    GC_CONF_T_BOOL,
    GC_CONF_T_STR,
    GC_CONF_T_ENUM
};

struct gc_conf_item {
    const char *section;
    const char *key;
    enum gc_conf_type type;
    size_t offset;     /* of the member: uint64_t for UINT/BYTES, bool, char[size], int for ENUM */
    size_t size;       /* of a char array */
    uint64_t min, max; /* UINT, BYTES */
    const char *deflt; /* as it would be written in the file; NULL = required key */
    const char *unit;  /* "ms", "bytes", "" */
    const char *choices; /* ENUM: "a|b|c", value = index */
    const char *help;
};

#define GC_CONF_UINT(sect, k, st, member, dflt, lo, hi, unit_, help_)                          \
    {                                                                                          \
        .section = (sect), .key = (k), .type = GC_CONF_T_UINT, .offset = offsetof(st, member), \
        .min = (lo), .max = (hi), .deflt = #dflt, .unit = (unit_), .help = (help_)             \
    }
#define GC_CONF_BYTES(sect, k, st, member, dflt, lo, hi, help_)                                 \
    {                                                                                           \
        .section = (sect), .key = (k), .type = GC_CONF_T_BYTES, .offset = offsetof(st, member), \
        .min = (lo), .max = (hi), .deflt = (dflt), .unit = "bytes", .help = (help_)             \
    }
#define GC_CONF_BOOL(sect, k, st, member, dflt, help_)                                         \
    {                                                                                          \
        .section = (sect), .key = (k), .type = GC_CONF_T_BOOL, .offset = offsetof(st, member), \
        .deflt = (dflt), .unit = "", .help = (help_)                                           \
    }
#define GC_CONF_STRING(sect, k, st, member, dflt, help_)                                      \
    {                                                                                         \
        .section = (sect), .key = (k), .type = GC_CONF_T_STR, .offset = offsetof(st, member), \
        .size = sizeof(((st *)0)->member), .deflt = (dflt), .unit = "", .help = (help_)       \
    }
#define GC_CONF_ENUM(sect, k, st, member, choices_, dflt, help_)                               \
    {                                                                                          \
        .section = (sect), .key = (k), .type = GC_CONF_T_ENUM, .offset = offsetof(st, member), \
        .choices = (choices_), .deflt = (dflt), .unit = "", .help = (help_)                    \
    }

#define GC_CONF_ERROR_MAX      512
#define GC_CONF_FILE_BYTES_MAX (256 * 1024)

/* Write every default into CONF (required strings become ""). */
void gc_conf_defaults(const struct gc_conf_item *items, void *conf);
/* Parse TEXT (file content named FILE) over CONF. On GC_ECONFIG, ERROR has "file:line: what" and
 * CONF is undefined. */
int gc_conf_parse(const struct gc_conf_item *items, void *conf, const char *file, const char *text,
                  size_t len, char error[GC_CONF_ERROR_MAX]);
/* Defaults, PATH, then drop-ins of PATH with ".conf" replaced by ".conf.d"; checks required keys.
 */
int gc_conf_load(const struct gc_conf_item *items, void *conf, const char *path,
                 char error[GC_CONF_ERROR_MAX]);
/* The table as a commented example file (the files in etc/ and the man pages are generated from
 * it). */
int gc_conf_document(const struct gc_conf_item *items, struct gc_buf *out);

#endif
