/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/sources.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/err.h"
#include "cli/place.h"

/* --- listings --------------------------------------------------------------------------------- */

static struct gc_job *
list_next(struct gc_source *base)
{
    struct gc_list_source *source = gc_container_of(base, struct gc_list_source, source);
    struct gc_batch *batch = source->batch;

    while (!batch->stopped) {
        struct gc_list_item item;
        struct gc_fault fault;
        struct gc_job *job;
        int rc = gc_lister_next(&source->lister, &item, &fault);

        if (rc < 0) {
            gc_batch_refuse(batch, source->lister.bucket, &fault);
        }
        if (rc <= 0) {
            return NULL;
        }
        source->n_items++;
        job = source->make(source, &item);
        if (job != NULL) {
            return job;
        }
    }
    return NULL;
}

void
gc_list_source_init(struct gc_list_source *source, struct gc_batch *batch, const char *bucket,
                    struct gc_str prefix, gc_list_job_fn make)
{
    *source = (struct gc_list_source){
        .source = { .next = list_next },
        .batch = batch,
        .make = make,
    };
    gc_lister_init(&source->lister, batch->remote, bucket, prefix, "");
}

void
gc_list_source_fini(struct gc_list_source *source)
{
    gc_lister_fini(&source->lister);
}

void
gc_list_count(struct gc_batch *batch, const char *bucket, struct gc_str prefix)
{
    struct gc_lister lister;
    struct gc_list_item item;
    struct gc_fault fault;

    if (!batch->progress.shown) {
        return;
    }
    fputs("counting...", stderr);
    gc_lister_init(&lister, batch->remote, bucket, prefix, "");
    /* A fault is met again, and told, by who lists to work. */
    while (gc_lister_next(&lister, &item, &fault) > 0) {
        batch->progress.n_total++;
        batch->progress.n_bytes_total += item.length;
    }
    gc_lister_fini(&lister);
}

/* --- folders ---------------------------------------------------------------------------------- */

static struct gc_job *
walk_next(struct gc_source *base)
{
    struct gc_walk_source *source = gc_container_of(base, struct gc_walk_source, source);
    struct gc_batch *batch = source->batch;
    char shown[GC_SHOWN_MAX];

    while (!batch->stopped) {
        struct gc_walk_entry entry;
        struct gc_fault fault;
        struct gc_job *job;

        gc_walk_next(source->walk, &entry);
        switch (entry.kind) {
        case GC_WALK_END:
            return NULL;
        case GC_WALK_OTHER:
            gc_batch_skip(batch, gc_shown(shown, entry.path), entry.why);
            break;
        case GC_WALK_FAILED:
            gc_fault_set(&fault, entry.rc, "reading");
            gc_batch_refuse(batch, gc_shown(shown, entry.path), &fault);
            break;
        case GC_WALK_FILE:
            job = source->make(source, &entry);
            if (job != NULL) {
                return job;
            }
            break;
        }
    }
    return NULL;
}

int
gc_walk_source_open(struct gc_walk_source *source, struct gc_batch *batch, const char *dir,
                    gc_walk_job_fn make)
{
    *source = (struct gc_walk_source){
        .source = { .next = walk_next },
        .batch = batch,
        .make = make,
    };
    return gc_walk_open(dir, &source->walk);
}

void
gc_walk_source_close(struct gc_walk_source *source)
{
    gc_walk_close(source->walk);
    source->walk = NULL;
}

void
gc_walk_count(struct gc_batch *batch, const char *dir)
{
    struct gc_walk_entry entry;
    struct gc_walk *walk;
    struct stat st;

    if (!batch->progress.shown || gc_walk_open(dir, &walk) != 0) {
        return;
    }
    fputs("counting...", stderr);
    for (gc_walk_next(walk, &entry); entry.kind != GC_WALK_END; gc_walk_next(walk, &entry)) {
        if (entry.kind == GC_WALK_FILE &&
            fstatat(entry.dir_fd, entry.name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
            batch->progress.n_total++;
            batch->progress.n_bytes_total += (uint64_t)st.st_size;
        }
    }
    gc_walk_close(walk);
}

/* --- one job ---------------------------------------------------------------------------------- */

struct single {
    struct gc_source source;
    struct gc_job *job;
};

static struct gc_job *
single_next(struct gc_source *base)
{
    struct single *single = gc_container_of(base, struct single, source);
    struct gc_job *job = single->job;

    single->job = NULL;
    return job;
}

int
gc_batch_run_one(struct gc_batch *batch, struct gc_job *job)
{
    struct single single = { .source = { .next = single_next }, .job = job };

    return gc_batch_run(batch, &single.source);
}

/* --- prefixes --------------------------------------------------------------------------------- */

int
gc_prefix_of(struct gc_str prefix, char **ret_text)
{
    bool add = prefix.len > 0 && prefix.data[prefix.len - 1] != '/';

    return asprintf(ret_text, "%.*s%s", (int)prefix.len, prefix.data, add ? "/" : "") >= 0
               ? 0
               : -ENOMEM;
}
