/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the content of an object goes: a file that appears under its name only when it is complete,
 * or a stream (standard output, a pipe, a device). Blocking for files; a stream that takes nothing
 * is not waited for long. */
#ifndef GC_CLI_OUTFILE_H
#define GC_CLI_OUTFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

#define GC_OUTFILE_TEMP_MAX 32

struct gc_outfile {
    int fd; /* -1: closed */
    bool stream;
    bool own_fd;
    int dir_fd;                     /* Private to outfile.c, as what follows. */
    char *name;                     /* in that folder */
    char temp[GC_OUTFILE_TEMP_MAX]; /* until it is complete; "" for streams */
};

/* Nothing is open. */
void gc_outfile_init(struct gc_outfile *out);
/* The stream FD, which stays the caller's. */
void gc_outfile_of_fd(struct gc_outfile *out, int fd);
/* A temporary file beside PATH; the stream itself when PATH is a pipe or a device. -errno. */
int gc_outfile_open(struct gc_outfile *out, const char *path);
/* The same for the path REL (gc_key_no_path) below the folder ROOT_FD, with the folders that are
 * missing. Links are not followed: -ELOOP or -ENOTDIR. */
int gc_outfile_open_below(struct gc_outfile *out, int root_fd, struct gc_str rel);

/* Write all of it to a file, or what a stream takes now, perhaps nothing. */
int gc_outfile_write(struct gc_outfile *out, const void *data, size_t len, size_t *ret_written);
/* The file gets its name. The outfile is closed whatever is returned. */
int gc_outfile_commit(struct gc_outfile *out);
/* Close; of a file nothing stays. Harmless after commit. */
void gc_outfile_abort(struct gc_outfile *out);

#endif
