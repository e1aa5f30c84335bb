/* SPDX-License-Identifier: MIT */
/* Whole small files: configuration, keys, certificates, tokens. Blocking; not for loops that serve
 * requests. */
#ifndef GC_BASE_FILE_H
#define GC_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* Append the content of the regular file PATH, at most MAX bytes (else GC_ELIMIT), to OUT; nothing
 * is appended on error. With SECRET, a file that its group can write or others can reach (mode &
 * 0037) is refused with -EPERM. -EINVAL: not a regular file. */
int gc_file_read(const char *path, size_t max, bool secret, struct gc_buf *out);

/* Write DATA to PATH by temporary file, fsync, rename, fsync of the directory. MODE as for open(2).
 * On error PATH is as before; a reader sees the old or the new content, never a part. */
int gc_file_write(const char *path, const void *data, size_t len, unsigned mode);

#endif
