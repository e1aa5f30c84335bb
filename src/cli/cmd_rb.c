/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "cli/cmd_rm.h"
#include "cli/json.h"
#include "cli/object_cmd.h"
#include "proto/gcommon/v1/object/object.pb-c.h"

#define ARENA_BYTES_MAX 65536

static int
remove_bucket(struct gc_remote *remote, const char *bucket)
{
    Gcommon__V1__Object__DeleteBucketRequest request =
        GCOMMON__V1__OBJECT__DELETE_BUCKET_REQUEST__INIT;
    struct gc_arena arena;
    struct gc_ask ask = {
        .path = GC_OBJECT_METHOD("DeleteBucket"),
        .request = &request.base,
        .answer = &gcommon__v1__object__delete_bucket_response__descriptor,
        .arena = &arena,
    };
    struct gc_fault fault;
    void *answer;
    bool ok;

    request.bucket = (char *)(uintptr_t)bucket;
    gc_arena_init(&arena, ARENA_BYTES_MAX);
    ok = gc_remote_ask(remote, &ask, &answer, &fault);
    gc_arena_fini(&arena);
    /* Gone already: by an attempt whose answer was lost. */
    ok = ok || (ask.n_attempts > 1 && fault.api == GC_API_NoSuchBucket);
    return ok ? GC_EXIT_OK : gc_object_fail(bucket, &fault);
}

static int
print(const char *bucket, uint64_t n_removed)
{
    struct gc_buf out;
    int rc;

    gc_buf_init(&out, GC_OBJECT_JSON_MAX);
    rc = gc_buf_append_str(&out, "{");
    rc = rc != 0 ? rc : gc_json_member(&out, "bucket", gc_str_of(bucket));
    rc = rc != 0 ? rc : gc_buf_printf(&out, "\"removed\":%llu}\n", (unsigned long long)n_removed);
    return gc_object_print(&out, rc);
}

static int
run(struct gc_cli *cli, const struct gc_object_cmd *cmd, const char *bucket, bool recursive)
{
    struct gc_remote remote;
    struct gc_batch batch;
    int status = gc_remote_open(&remote, cli, &cmd->remote_opts);

    if (status != 0) {
        return status;
    }
    status = gc_batch_init(&batch, &remote, &cmd->batch_opts);
    if (status == 0 && recursive) {
        status = gc_remove_all(&batch, bucket, (struct gc_str){ "", 0 });
    }
    status = status != 0 ? status : remove_bucket(&remote, bucket);
    if (status == 0 && cli->json) {
        status = print(bucket, batch.n_done);
    }
    gc_remote_close(&remote);
    return status;
}

int
gc_cmd_rb(struct gc_cli *cli, int argc, char **argv)
{
    bool recursive = false;
    const struct gc_cli_opt opts[] = {
        { .name = "recursive",
          .letter = 'r',
          .on = &recursive,
          .help = "remove its objects before it" },
        { .name = "force", .on = &recursive, .help = "the same" },
    };
    struct gc_object_cmd cmd = {
        .name = "rb",
        .args = "BUCKET",
        .summary = "Remove a bucket, which must be empty unless --recursive is given.",
        .n_args_min = 1,
        .n_args_max = 1,
        .opts = opts,
        .n_opts = GC_ARRAY_LEN(opts),
        .batch = true,
    };
    struct gc_place place;
    size_t n_args;
    int status;

    if (!gc_object_parse(cli, &cmd, argc, argv, &n_args, &status)) {
        return status;
    }
    status = gc_object_take_bucket(argv[1], &place);
    return status != 0 ? status : run(cli, &cmd, place.bucket, recursive);
}
