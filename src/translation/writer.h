/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where blob ids come from: the epoch that the cluster granted this process, and a counter. Ids are
 * undecided from the moment they are given out until the command that names them has an outcome, or
 * it is sure that there will be none; the watermark is the smallest undecided counter
 * (object-protocol.md rules 1 and 11). Any thread. */
#ifndef GC_TRANSLATION_WRITER_H
#define GC_TRANSLATION_WRITER_H

#include "base/list.h"
#include "base/thread.h"
#include "storage/blob.h"

struct gc_writer {
    pthread_mutex_t lock; /* Private to writer.c. */
    struct gc_list undecided;
    uint64_t epoch;
    uint64_t next;
};

/* An id under way; the caller's memory between take and decided. */
struct gc_writer_id {
    struct gc_list node; /* Private to writer.c. */
    struct gc_blob_id id;
};

void gc_writer_init(struct gc_writer *writer, uint64_t epoch);
void gc_writer_fini(struct gc_writer *writer); /* nothing undecided by then */
void gc_writer_take(struct gc_writer *writer, struct gc_writer_id *ret_id);
void gc_writer_decided(struct gc_writer *writer, struct gc_writer_id *id);
/* Every counter below it is decided. */
uint64_t gc_writer_watermark(struct gc_writer *writer);

#endif
