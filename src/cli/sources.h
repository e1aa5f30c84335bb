/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the jobs of recursive commands come from: the files below a folder, or the objects of a
 * listing. What each of them becomes is the command's function. */
#ifndef GC_CLI_SOURCES_H
#define GC_CLI_SOURCES_H

#include "cli/batch.h"
#include "cli/list.h"
#include "cli/walk.h"

/* Makes the job for an item; NULL: none, and the batch has been told why. */
struct gc_list_source;
typedef struct gc_job *(*gc_list_job_fn)(struct gc_list_source *source,
                                         const struct gc_list_item *item);
struct gc_list_source {
    struct gc_source source;
    struct gc_batch *batch;
    struct gc_lister lister;
    gc_list_job_fn make;
    uint64_t n_items;
};
/* All objects of BUCKET whose names begin with PREFIX; both are borrowed. */
void gc_list_source_init(struct gc_list_source *source, struct gc_batch *batch, const char *bucket,
                         struct gc_str prefix, gc_list_job_fn make);
void gc_list_source_fini(struct gc_list_source *source);

struct gc_walk_source;
typedef struct gc_job *(*gc_walk_job_fn)(struct gc_walk_source *source,
                                         const struct gc_walk_entry *entry);
struct gc_walk_source {
    struct gc_source source;
    struct gc_batch *batch;
    struct gc_walk *walk;
    gc_walk_job_fn make;
};
/* All regular files below DIR; others are skipped with a word. -errno. */
int gc_walk_source_open(struct gc_walk_source *source, struct gc_batch *batch, const char *dir,
                        gc_walk_job_fn make);
void gc_walk_source_close(struct gc_walk_source *source);

/* gc_batch_run with a source of one job. */
int gc_batch_run_one(struct gc_batch *batch, struct gc_job *job);

/* "PREFIX/" from PREFIX, "" from "". Objects below a prefix are those that begin with it. -errno
 * into *RET_TEXT that is the caller's to free. */
int gc_prefix_of(struct gc_str prefix, char **ret_text);

/* When progress is shown: how much there will be to do. */
void gc_list_count(struct gc_batch *batch, const char *bucket, struct gc_str prefix);
void gc_walk_count(struct gc_batch *batch, const char *dir);

#endif
