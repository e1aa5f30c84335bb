/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How far a transfer has come, on one line of a terminal. The line itself is made by a pure
 * function of what has happened and the time. */
#ifndef GC_CLI_PROGRESS_H
#define GC_CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gc_progress {
    bool shown;             /* standard error is a terminal and nobody wants quiet */
    uint64_t n_done;        /* objects */
    uint64_t n_bytes;       /* moved */
    uint64_t n_total;       /* objects; 0: not known */
    uint64_t n_bytes_total; /* 0: not known */
    uint64_t start_ms;
    uint64_t drawn_ms; /* Private to progress.c. */
};

void gc_progress_init(struct gc_progress *progress, bool quiet);
/* Draw it, at most some times a second. */
void gc_progress_draw(struct gc_progress *progress);
/* Take the line away before something else is printed, or at the end. */
void gc_progress_clear(struct gc_progress *progress);

/* The line at NOW_MS in at most SIZE - 1 characters: objects, bytes, rate, time to go. Pure. */
void gc_progress_line(const struct gc_progress *progress, uint64_t now_ms, char *dst, size_t size);

#endif
