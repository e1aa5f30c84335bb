/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "cli/json.h"
#include "cli/object_cmd.h"
#include "proto/gcommon/v1/object/object.pb-c.h"

#define ARENA_BYTES_MAX 65536

static int
make_bucket(struct gc_remote *remote, const char *bucket, bool public_read)
{
    Gcommon__V1__Object__CreateBucketRequest request =
        GCOMMON__V1__OBJECT__CREATE_BUCKET_REQUEST__INIT;
    struct gc_arena arena;
    struct gc_ask ask = {
        .path = GC_OBJECT_METHOD("CreateBucket"),
        .request = &request.base,
        .answer = &gcommon__v1__object__create_bucket_response__descriptor,
        .arena = &arena,
    };
    struct gc_fault fault;
    void *answer;
    bool ok;

    request.bucket = (char *)(uintptr_t)bucket;
    request.public_read = public_read;
    gc_arena_init(&arena, ARENA_BYTES_MAX);
    ok = gc_remote_ask(remote, &ask, &answer, &fault);
    gc_arena_fini(&arena);
    /* Ours already: by an attempt whose answer was lost. */
    ok = ok || (ask.n_attempts > 1 && fault.api == GC_API_BucketAlreadyOwnedByYou);
    return ok ? GC_EXIT_OK : gc_object_fail(bucket, &fault);
}

static int
print(const char *bucket, bool public_read)
{
    struct gc_buf out;
    int rc;

    gc_buf_init(&out, GC_OBJECT_JSON_MAX);
    rc = gc_buf_append_str(&out, "{");
    rc = rc != 0 ? rc : gc_json_member(&out, "bucket", gc_str_of(bucket));
    rc =
        rc != 0 ? rc : gc_buf_printf(&out, "\"public_read\":%s}\n", public_read ? "true" : "false");
    return gc_object_print(&out, rc);
}

int
gc_cmd_mb(struct gc_cli *cli, int argc, char **argv)
{
    bool public_read = false;
    const struct gc_cli_opt opts[] = {
        { .name = "public-read", .on = &public_read, .help = "anybody may read its objects" },
    };
    struct gc_object_cmd cmd = {
        .name = "mb",
        .args = "BUCKET",
        .summary = "Make a bucket.",
        .n_args_min = 1,
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
    status = gc_object_take_bucket(argv[1], &place);
    status = status != 0 ? status : gc_remote_open(&remote, cli, &cmd.remote_opts);
    if (status != 0) {
        return status;
    }
    status = make_bucket(&remote, place.bucket, public_read);
    gc_remote_close(&remote);
    return status == 0 && cli->json ? print(place.bucket, public_read) : status;
}
