/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the arguments of object commands name, and how such names are shown. Pure. */
#ifndef GC_CLI_PLACE_H
#define GC_CLI_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "core/name.h"

/* "BUCKET" or "BUCKET/REST"; REST is a key or a prefix. */
struct gc_place {
    char bucket[GC_BUCKET_NAME_MAX + 1];
    struct gc_str rest; /* lies in the argument */
    bool has_slash;     /* "BUCKET/" has an empty rest */
};

/* GC_EPARSE: no possible bucket name. */
int gc_place_parse(const char *arg, struct gc_place *ret_place);

/* A URL of a web server: https://host[:port][/] or http://host[:port][/]. */
#define GC_URL_TARGET_MAX 300
struct gc_url {
    bool tls;
    bool loopback;                  /* "localhost", 127.0.0.0/8 or [::1] */
    char target[GC_URL_TARGET_MAX]; /* "host:port" */
};
int gc_url_parse(const char *text, struct gc_url *ret_url); /* GC_EPARSE */

/* What stands behind the last '/'; all of it without one. */
struct gc_str gc_last_component(struct gc_str path);

/* Why KEY cannot be a path below a folder ("has a component '..'"); NULL when it can. Static
 * memory. */
const char *gc_key_no_path(struct gc_str key);

/* NAME for people on one line: control characters, backslashes and what is not UTF-8 as C escapes.
 * What does not fit ends in "...". Returns DST. */
#define GC_SHOWN_MAX (4 * GC_OBJECT_KEY_MAX + 8)
const char *gc_shown(char dst[GC_SHOWN_MAX], struct gc_str name);

/* "512 B", "1.5 GiB". Returns DST. */
#define GC_HUMAN_MAX 24
const char *gc_human_bytes(char dst[GC_HUMAN_MAX], uint64_t bytes);

#endif
