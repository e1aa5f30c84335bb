/* SPDX-License-Identifier: GPL-3.0-or-later */
/* XML as S3's clients read it, written into a buffer. Plain data; the first failure (the buffer's
 * limit, no memory) is kept in RC and makes the rest a no-op, so that one check at the end is
 * enough. Names of elements are ours, texts anybody's: & < > " ' and control characters are
 * escaped, what is not UTF-8 becomes U+FFFD. */
#ifndef GC_WEB_XML_H
#define GC_WEB_XML_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "core/apierr.h"

#define GC_WEB_XML_NS "http://s3.amazonaws.com/doc/2006-03-01/"

struct gc_xml {
    struct gc_buf *buf;
    int rc;
};

/* Begin a document with the root element ROOT, in S3's name space when NS. */
void gc_xml_begin(struct gc_xml *xml, struct gc_buf *buf, const char *root, bool ns);
void gc_xml_open(struct gc_xml *xml, const char *name);
void gc_xml_close(struct gc_xml *xml, const char *name);
void gc_xml_text(struct gc_xml *xml, const char *name, struct gc_str text);
void gc_xml_cstr(struct gc_xml *xml, const char *name, const char *text);
void gc_xml_u64(struct gc_xml *xml, const char *name, uint64_t value);
void gc_xml_bool(struct gc_xml *xml, const char *name, bool value);
/* Percent-encoded but for unreserved characters and "/" (encoding-type=url). */
void gc_xml_url(struct gc_xml *xml, const char *name, struct gc_str text);
/* "2026-11-24T06:00:00.000Z" */
void gc_xml_time(struct gc_xml *xml, const char *name, int64_t wall_ms);

/* The whole answer to a request that failed. */
int gc_xml_error(struct gc_buf *buf, enum gc_api_err err, struct gc_str resource,
                 const char *request_id);

#endif
