/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Listings are printed as their pages come. As JSON they are one array; one that a fault cuts short
 * is not closed, so that nobody takes it for whole. */
#include <inttypes.h>
#include <stdio.h>

#include "base/time.h"
#include "cli/json.h"
#include "cli/list.h"
#include "cli/object_cmd.h"
#include "proto/gcommon/v1/object/object.pb-c.h"

#define ARENA_BYTES_MAX (64u * 1024 * 1024)

/* --- objects ---------------------------------------------------------------------------------- */

static int
json_item(struct gc_buf *out, const struct gc_list_item *item)
{
    int rc = gc_buf_printf(out, "{\"%s\":", item->is_prefix ? "prefix" : "key");

    rc = rc != 0 ? rc : gc_json_str(out, item->name);
    if (item->is_prefix) {
        return rc != 0 ? rc : gc_buf_append_str(out, "}");
    }
    rc = rc != 0 ? rc : gc_buf_printf(out, ",\"length\":%" PRIu64 ",\"etag\":", item->length);
    rc = rc != 0 ? rc : gc_json_str(out, gc_str_of(item->etag));
    rc = rc != 0 ? rc : gc_object_json_time(out, "modified", item->modified_ms);
    return rc != 0 ? rc : gc_buf_append_str(out, "}");
}

static int
print_item_json(const struct gc_list_item *item, bool first)
{
    struct gc_buf out;
    int rc;

    gc_buf_init(&out, GC_OBJECT_JSON_MAX);
    rc = gc_buf_append_str(&out, first ? "[" : ",\n");
    rc = rc != 0 ? rc : json_item(&out, item);
    return gc_object_print(&out, rc);
}

static void
print_item(const struct gc_list_item *item)
{
    char shown[GC_SHOWN_MAX], modified[25];

    gc_shown(shown, item->name);
    if (item->is_prefix) {
        printf("%24s %14s  %s\n", "", "-", shown);
    } else {
        gc_time_iso(modified, item->modified_ms);
        printf("%24s %14" PRIu64 "  %s\n", modified, item->length, shown);
    }
}

static int
list_objects(struct gc_remote *remote, const struct gc_cli *cli, const struct gc_place *place,
             bool recursive)
{
    struct gc_lister lister;
    struct gc_list_item item;
    struct gc_fault fault;
    int rc, status = GC_EXIT_OK;
    bool first = true;

    gc_lister_init(&lister, remote, place->bucket, place->rest, recursive ? "" : "/");
    while ((rc = gc_lister_next(&lister, &item, &fault)) > 0 && status == GC_EXIT_OK) {
        if (cli->json) {
            status = print_item_json(&item, first);
        } else {
            print_item(&item);
        }
        first = false;
        if (ferror(stdout)) {
            break; /* nobody listens; the end of the program says so */
        }
    }
    if (rc < 0) {
        status = gc_object_fail(place->bucket, &fault);
    } else if (cli->json && status == GC_EXIT_OK) {
        fputs(first ? "[]\n" : "]\n", stdout);
    }
    gc_lister_fini(&lister);
    return status;
}

/* --- buckets ---------------------------------------------------------------------------------- */

static int
print_bucket_json(const Gcommon__V1__Object__Bucket *bucket, bool first)
{
    struct gc_buf out;
    int rc;

    gc_buf_init(&out, GC_OBJECT_JSON_MAX);
    rc = gc_buf_printf(&out, "%s{\"name\":", first ? "" : ",\n");
    rc = rc != 0 ? rc : gc_json_str(&out, gc_str_of(bucket->name));
    rc = rc != 0 ? rc : gc_object_json_time(&out, "created", bucket->created_ms);
    rc = rc != 0 ? rc : gc_buf_append_str(&out, "}");
    return gc_object_print(&out, rc);
}

static int
print_buckets(const struct gc_cli *cli, const Gcommon__V1__Object__ListBucketsResponse *answer)
{
    char shown[GC_SHOWN_MAX], created[25];
    int status = GC_EXIT_OK;

    if (cli->json) {
        fputs("[", stdout);
    }
    for (size_t i = 0; i < answer->n_buckets && status == GC_EXIT_OK; i++) {
        const Gcommon__V1__Object__Bucket *bucket = answer->buckets[i];

        if (cli->json) {
            status = print_bucket_json(bucket, i == 0);
        } else {
            gc_time_iso(created, bucket->created_ms);
            printf("%s  %s\n", created, gc_shown(shown, gc_str_of(bucket->name)));
        }
    }
    if (cli->json) {
        fputs("]\n", stdout);
    }
    return status;
}

static int
list_buckets(struct gc_remote *remote, const struct gc_cli *cli)
{
    Gcommon__V1__Object__ListBucketsRequest request =
        GCOMMON__V1__OBJECT__LIST_BUCKETS_REQUEST__INIT;
    struct gc_arena arena;
    struct gc_ask ask = {
        .path = GC_OBJECT_METHOD("ListBuckets"),
        .request = &request.base,
        .answer = &gcommon__v1__object__list_buckets_response__descriptor,
        .arena = &arena,
    };
    struct gc_fault fault;
    void *answer;
    int status;

    gc_arena_init(&arena, ARENA_BYTES_MAX);
    status = gc_remote_ask(remote, &ask, &answer, &fault) ? print_buckets(cli, answer)
                                                          : gc_object_fail("ls", &fault);
    gc_arena_fini(&arena);
    return status;
}

int
gc_cmd_ls(struct gc_cli *cli, int argc, char **argv)
{
    bool recursive = false;
    const struct gc_cli_opt opts[] = {
        { .name = "recursive",
          .letter = 'r',
          .on = &recursive,
          .help = "all objects, not only up to the next '/'" },
    };
    struct gc_object_cmd cmd = {
        .name = "ls",
        .args = "[BUCKET[/PREFIX]]",
        .summary = "List the buckets, or the objects of one whose names begin with PREFIX.\n"
                   "Names are shown on one line, with C escapes where needed.",
        .n_args_max = 1,
        .opts = opts,
        .n_opts = GC_ARRAY_LEN(opts),
    };
    struct gc_place place;
    struct gc_remote remote;
    size_t n_args;
    int status;

    if (!gc_object_parse(cli, &cmd, argc, argv, &n_args, &status)) {
        return status;
    }
    status = n_args > 0 ? gc_object_take_prefix(argv[1], &place) : 0;
    status = status != 0 ? status : gc_remote_open(&remote, cli, &cmd.remote_opts);
    if (status != 0) {
        return status;
    }
    status =
        n_args > 0 ? list_objects(&remote, cli, &place, recursive) : list_buckets(&remote, cli);
    gc_remote_close(&remote);
    return status;
}
