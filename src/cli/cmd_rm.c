/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/cmd_rm.h"

#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "cli/object_cmd.h"
#include "cli/sources.h"
#include "cli/transfer.h"

#define ARGS_MAX SIZE_MAX

/* --- everything below a prefix ---------------------------------------------------------------- */

static struct gc_job *
remove_item(struct gc_list_source *source, const struct gc_list_item *item)
{
    struct gc_job *job = gc_remove_new(source->batch, source->lister.bucket, item->name);
    struct gc_fault fault;

    if (job == NULL) {
        gc_fault_set(&fault, -ENOMEM, "start");
        fault.stop = true;
        gc_batch_refuse(source->batch, source->lister.bucket, &fault);
    }
    return job;
}

int
gc_remove_all(struct gc_batch *batch, const char *bucket, struct gc_str prefix)
{
    struct gc_list_source source;

    gc_list_count(batch, bucket, prefix);
    gc_list_source_init(&source, batch, bucket, prefix, remove_item);
    (void)gc_batch_run(batch, &source.source);
    gc_list_source_fini(&source);
    return batch->status;
}

static int
remove_below(struct gc_batch *batch, const struct gc_place *place)
{
    char *prefix;
    int rc = gc_prefix_of(place->rest, &prefix);

    if (rc != 0) {
        return gc_cli_fail(rc, "start");
    }
    (void)gc_remove_all(batch, place->bucket, gc_str_of(prefix));
    free(prefix);
    return batch->status;
}

/* --- what the arguments name ------------------------------------------------------------------ */

struct arg_source {
    struct gc_source source;
    struct gc_batch *batch;
    const struct gc_place *places;
    size_t n, at;
};

static struct gc_job *
arg_next(struct gc_source *base)
{
    struct arg_source *source = gc_container_of(base, struct arg_source, source);
    const struct gc_place *place;
    struct gc_fault fault;
    struct gc_job *job;

    if (source->at == source->n) {
        return NULL;
    }
    place = &source->places[source->at++];
    job = gc_remove_new(source->batch, place->bucket, place->rest);
    if (job == NULL) {
        gc_fault_set(&fault, -ENOMEM, "start");
        gc_batch_refuse(source->batch, place->bucket, &fault);
    }
    return job;
}

static int
remove_places(struct gc_batch *batch, const struct gc_place *places, size_t n)
{
    struct arg_source source = {
        .source = { .next = arg_next }, .batch = batch, .places = places, .n = n
    };

    return gc_batch_run(batch, &source.source);
}

/* All arguments are looked at before the first object is removed. */
static int
take_places(char **args, size_t n, bool recursive, struct gc_place *places)
{
    int status = 0;

    for (size_t i = 0; i < n && status == 0; i++) {
        status = recursive ? gc_object_take_prefix(args[i], &places[i])
                           : gc_object_take_key(args[i], &places[i]);
    }
    return status;
}

static int
run(struct gc_cli *cli, const struct gc_object_cmd *cmd, const struct gc_place *places, size_t n,
    bool recursive)
{
    struct gc_remote remote;
    struct gc_batch batch;
    int status = gc_remote_open(&remote, cli, &cmd->remote_opts);

    if (status != 0) {
        return status;
    }
    status = gc_batch_init(&batch, &remote, &cmd->batch_opts);
    if (status == 0) {
        for (size_t i = 0; recursive && i < n && !batch.stopped; i++) {
            (void)remove_below(&batch, &places[i]);
        }
        status = recursive ? batch.status : remove_places(&batch, places, n);
        if (recursive || cli->json) {
            (void)gc_batch_report(&batch, cli, "removed");
        }
    }
    gc_remote_close(&remote);
    return status;
}

int
gc_cmd_rm(struct gc_cli *cli, int argc, char **argv)
{
    bool recursive = false;
    const struct gc_cli_opt opts[] = {
        { .name = "recursive",
          .letter = 'r',
          .on = &recursive,
          .help = "all objects below BUCKET/PREFIX, or of BUCKET" },
    };
    struct gc_object_cmd cmd = {
        .name = "rm",
        .args = "BUCKET/KEY...",
        .summary = "Remove objects. One that is not there counts as removed.",
        .n_args_min = 1,
        .n_args_max = ARGS_MAX,
        .opts = opts,
        .n_opts = GC_ARRAY_LEN(opts),
        .batch = true,
    };
    struct gc_place *places;
    size_t n_args;
    int status;

    if (!gc_object_parse(cli, &cmd, argc, argv, &n_args, &status)) {
        return status;
    }
    places = calloc(n_args, sizeof(*places));
    if (places == NULL) {
        return gc_cli_fail(-ENOMEM, "start");
    }
    status = take_places(argv + 1, n_args, recursive, places);
    status = status != 0 ? status : run(cli, &cmd, places, n_args, recursive);
    free(places);
    return status;
}
