/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writing JSON (RFC 8259) into a buffer. */
#ifndef GC_CLI_JSON_H
#define GC_CLI_JSON_H

#include "base/buf.h"
#include "base/str.h"

/* Append TEXT as a JSON string with its quotes. What is not UTF-8 is shown as U+FFFD, byte by
 * byte. */
int gc_json_str(struct gc_buf *out, struct gc_str text);

/* Append "name":"text", with the comma. */
int gc_json_member(struct gc_buf *out, const char *name, struct gc_str text);

#endif
