/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <inttypes.h>
#include <stdio.h>

#include "base/time.h"
#include "cli/json.h"
#include "cli/object_cmd.h"
#include "proto/gcommon/v1/object/object.pb-c.h"

#define ARENA_BYTES_MAX (1024 * 1024)

typedef Gcommon__V1__Object__ObjectHead Head;

static struct gc_str
value_of(const Gcommon__V1__Common__Field *field)
{
    return (struct gc_str){ (const char *)field->value.data, field->value.len };
}

/* --- objects ---------------------------------------------------------------------------------- */

static int
json_fields(struct gc_buf *out, const Head *head)
{
    int rc = gc_buf_append_str(out, ",\"fields\":{");

    for (size_t i = 0; i < head->n_fields && rc == 0; i++) {
        rc = i > 0 ? gc_buf_append_str(out, ",") : 0;
        rc = rc != 0 ? rc : gc_json_str(out, gc_str_of(head->fields[i]->name));
        rc = rc != 0 ? rc : gc_buf_append_str(out, ":");
        rc = rc != 0 ? rc : gc_json_str(out, value_of(head->fields[i]));
    }
    return rc != 0 ? rc : gc_buf_append_str(out, "}");
}

static int
print_object_json(const struct gc_place *place, const Head *head)
{
    struct gc_buf out;
    int rc;

    gc_buf_init(&out, ARENA_BYTES_MAX);
    rc = gc_buf_append_str(&out, "{");
    rc = rc != 0 ? rc : gc_object_json(&out, place, head->length, head->etag);
    rc = rc != 0 ? rc : gc_object_json_time(&out, "modified", head->modified_ms);
    rc = rc != 0 ? rc : gc_buf_printf(&out, ",\"copies\":%" PRIu32, head->copies);
    rc = rc != 0 ? rc : json_fields(&out, head);
    rc = rc != 0 ? rc : gc_buf_append_str(&out, "}\n");
    return gc_object_print(&out, rc);
}

static int
print_object(const struct gc_place *place, const Head *head)
{
    char shown[GC_SHOWN_MAX], size[GC_HUMAN_MAX], modified[25];

    gc_time_iso(modified, head->modified_ms);
    printf("bucket    %s\n", place->bucket);
    printf("key       %s\n", gc_shown(shown, place->rest));
    printf("length    %" PRIu64 " (%s)\n", head->length, gc_human_bytes(size, head->length));
    printf("etag      %s\n", gc_shown(shown, gc_str_of(head->etag)));
    printf("modified  %s\n", modified);
    printf("copies    %" PRIu32 "\n", head->copies);
    for (size_t i = 0; i < head->n_fields; i++) {
        printf("%s: ", gc_shown(shown, gc_str_of(head->fields[i]->name)));
        printf("%s\n", gc_shown(shown, value_of(head->fields[i])));
    }
    return GC_EXIT_OK;
}

static int
stat_object(struct gc_remote *remote, const struct gc_cli *cli, const struct gc_place *place,
            const char *arg)
{
    Gcommon__V1__Object__HeadObjectRequest request = GCOMMON__V1__OBJECT__HEAD_OBJECT_REQUEST__INIT;
    const Gcommon__V1__Object__HeadObjectResponse *response;
    struct gc_arena arena;
    struct gc_ask ask = {
        .path = GC_OBJECT_METHOD("HeadObject"),
        .request = &request.base,
        .answer = &gcommon__v1__object__head_object_response__descriptor,
        .arena = &arena,
    };
    struct gc_fault fault;
    void *answer;
    int status;

    request.bucket = (char *)(uintptr_t)place->bucket;
    request.key.data = (uint8_t *)(uintptr_t)place->rest.data;
    request.key.len = place->rest.len;
    gc_arena_init(&arena, ARENA_BYTES_MAX);
    if (!gc_remote_ask(remote, &ask, &answer, &fault)) {
        status = gc_object_fail(arg, &fault);
    } else if ((response = answer)->head == NULL) {
        gc_fault_say(&fault, "the answer says nothing");
        status = gc_object_fail(arg, &fault);
    } else {
        status = cli->json ? print_object_json(place, response->head)
                           : print_object(place, response->head);
    }
    gc_arena_fini(&arena);
    return status;
}

/* --- buckets ---------------------------------------------------------------------------------- */

static int
print_bucket(const struct gc_cli *cli, const char *bucket)
{
    struct gc_buf out;
    int rc;

    gc_buf_init(&out, GC_OBJECT_JSON_MAX);
    if (cli->json) {
        rc = gc_buf_append_str(&out, "{\"bucket\":");
        rc = rc != 0 ? rc : gc_json_str(&out, gc_str_of(bucket));
        rc = rc != 0 ? rc : gc_buf_append_str(&out, "}\n");
    } else {
        rc = gc_buf_printf(&out, "bucket    %s\n", bucket);
    }
    return gc_object_print(&out, rc);
}

static int
stat_bucket(struct gc_remote *remote, const struct gc_cli *cli, const struct gc_place *place)
{
    Gcommon__V1__Object__HeadBucketRequest request = GCOMMON__V1__OBJECT__HEAD_BUCKET_REQUEST__INIT;
    struct gc_arena arena;
    struct gc_ask ask = {
        .path = GC_OBJECT_METHOD("HeadBucket"),
        .request = &request.base,
        .answer = &gcommon__v1__object__head_bucket_response__descriptor,
        .arena = &arena,
    };
    struct gc_fault fault;
    void *answer;
    bool ok;

    request.bucket = (char *)(uintptr_t)place->bucket;
    gc_arena_init(&arena, ARENA_BYTES_MAX);
    ok = gc_remote_ask(remote, &ask, &answer, &fault);
    gc_arena_fini(&arena);
    return ok ? print_bucket(cli, place->bucket) : gc_object_fail(place->bucket, &fault);
}

int
gc_cmd_stat(struct gc_cli *cli, int argc, char **argv)
{
    struct gc_object_cmd cmd = {
        .name = "stat",
        .args = "BUCKET[/KEY]",
        .summary = "Say what is known about an object, or whether a bucket is there.",
        .n_args_min = 1,
        .n_args_max = 1,
    };
    struct gc_place place;
    struct gc_remote remote;
    size_t n_args;
    int status;

    if (!gc_object_parse(cli, &cmd, argc, argv, &n_args, &status)) {
        return status;
    }
    status = gc_object_take_prefix(argv[1], &place);
    status = status != 0 ? status : gc_remote_open(&remote, cli, &cmd.remote_opts);
    if (status != 0) {
        return status;
    }
    status = place.rest.len > 0 ? stat_object(&remote, cli, &place, argv[1])
                                : stat_bucket(&remote, cli, &place);
    gc_remote_close(&remote);
    return status;
}
