/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Verify a blob store that no process has open: every record, every chunk and piece against its
 * CRC, what refers to what, and the counters. Changes nothing. It trusts LMDB's own pages: a B-tree
 * that is itself damaged may end the process. */
#ifndef GC_STORAGE_FSCK_H
#define GC_STORAGE_FSCK_H

#include <stdint.h>

struct gc_fsck_result {
    uint64_t n_blobs;    /* visible */
    uint64_t bytes;      /* sum of their lengths */
    uint64_t n_chunks;   /* full chunks verified, of deleted blobs too */
    uint64_t n_deleted;  /* blobs that wait for removal */
    uint64_t n_orphans;  /* chunks of puts that were cut off; the next start removes them */
    uint64_t n_problems; /* lines given to REPORT */
};

/* REPORT gets one line for each problem, without a newline. 0: the store is whole. GC_ECORRUPT:
 * there were problems, or the store cannot be read at all. GC_ECONFLICT: a process has it open.
 * GC_EVERSION. -errno. *RET is written unless the store could not be opened. */
int gc_fsck(const char *dir, void (*report)(void *arg, const char *line), void *arg,
            struct gc_fsck_result *ret);

#endif
