/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What buckets and objects may be called. Pure. */
#ifndef GC_CORE_NAME_H
#define GC_CORE_NAME_H

#include <stdbool.h>

#include "base/str.h"

#define GC_BUCKET_NAME_MIN 3u
#define GC_BUCKET_NAME_MAX 63u
#define GC_OBJECT_KEY_MAX  1024u

/* S3's rules for new buckets: GC_BUCKET_NAME_MIN..MAX of a-z, 0-9, '.', '-'; a letter or digit at
 * both ends; no "..", not four numbers like an IPv4 address, no "xn--" at the start. So a name is a
 * host name too, and never one of our own paths ("/-/health"). */
bool gc_bucket_name_valid(struct gc_str name);

/* 1..GC_OBJECT_KEY_MAX bytes of UTF-8 without NUL. "/", ".", "..", "//" are ordinary bytes: a key
 * is no path. GC_EPARSE (empty, NUL, not UTF-8), GC_ELIMIT (longer). */
int gc_object_key_check(struct gc_str key);

#endif
