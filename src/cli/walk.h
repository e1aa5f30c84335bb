/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files below a folder, one by one, in the byte order of their paths. Blocking. Goes down by
 * descriptors and never through a symbolic link, so that it cannot leave the folder whatever
 * happens in it meanwhile. Memory: the names of the folders from the top down to where it is. */
#ifndef GC_CLI_WALK_H
#define GC_CLI_WALK_H

#include "base/str.h"

struct gc_walk;

enum gc_walk_kind {
    GC_WALK_END,
    GC_WALK_FILE,   /* regular, as it was a moment ago */
    GC_WALK_OTHER,  /* a link, a socket, a device ...: WHY says what */
    GC_WALK_FAILED, /* could not be looked at: RC */
};

struct gc_walk_entry {
    enum gc_walk_kind kind;
    struct gc_str path; /* below the folder; NUL-terminated; until the next call */
    int dir_fd;         /* FILE: the folder it is in */
    const char *name;   /* FILE: its name there */
    const char *why;    /* OTHER: static text */
    int rc;             /* FAILED */
};

/* -errno. */
int gc_walk_open(const char *dir, struct gc_walk **ret_walk);
void gc_walk_next(struct gc_walk *walk, struct gc_walk_entry *ret_entry);
void gc_walk_close(struct gc_walk *walk); /* NULL is allowed */

#endif
