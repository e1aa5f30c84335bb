/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/object_cmd.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/time.h"
#include "cli/json.h"

#define OPTS_MAX (GC_OBJECT_OWN_OPTS_MAX + GC_REMOTE_N_OPTS + GC_BATCH_N_OPTS)

bool
gc_object_parse(struct gc_cli *cli, struct gc_object_cmd *cmd, int argc, char **argv,
                size_t *ret_n_args, int *ret_status)
{
    struct gc_cli_opt opts[OPTS_MAX];
    struct gc_cli_usage usage = {
        .name = cmd->name,
        .args = cmd->args,
        .summary = cmd->summary,
        .opts = opts,
        .n_args_min = cmd->n_args_min,
        .n_args_max = cmd->n_args_max,
    };

    assert(cmd->n_opts <= GC_OBJECT_OWN_OPTS_MAX);
    if (cmd->n_opts > 0) {
        memcpy(opts, cmd->opts, cmd->n_opts * sizeof(*opts));
    }
    usage.n_opts = cmd->n_opts;
    if (cmd->batch) {
        gc_batch_add_opts(&cmd->batch_opts, opts + usage.n_opts);
        usage.n_opts += GC_BATCH_N_OPTS;
    }
    gc_remote_add_opts(&cmd->remote_opts, opts + usage.n_opts);
    usage.n_opts += GC_REMOTE_N_OPTS;
    return gc_cli_parse(cli, &usage, argc, argv, ret_n_args, ret_status);
}

/* --- arguments -------------------------------------------------------------------------------- */

static int
bad_argument(const char *arg, const char *why)
{
    char shown[GC_SHOWN_MAX];

    return gc_cli_usage_error("%s: %s", gc_shown(shown, gc_str_of(arg)), why);
}

int
gc_object_take_bucket(const char *arg, struct gc_place *ret_place)
{
    struct gc_place place;

    if (gc_place_parse(arg, &place) != 0) {
        return bad_argument(arg, "no possible name of a bucket");
    }
    if (place.rest.len > 0) {
        return bad_argument(arg, "wants only a bucket");
    }
    *ret_place = place;
    return 0;
}

int
gc_object_take_prefix(const char *arg, struct gc_place *ret_place)
{
    struct gc_place place;
    int rc;

    if (gc_place_parse(arg, &place) != 0) {
        return bad_argument(arg, "no possible name of a bucket");
    }
    rc = place.rest.len > 0 ? gc_object_key_check(place.rest) : 0;
    if (rc != 0) {
        return bad_argument(arg, rc == GC_ELIMIT ? "longer than any key" : "is not UTF-8");
    }
    *ret_place = place;
    return 0;
}

int
gc_object_take_key(const char *arg, struct gc_place *ret_place)
{
    struct gc_place place = { 0 };
    int status = gc_object_take_prefix(arg, &place);

    if (status == 0 && place.rest.len == 0) {
        return bad_argument(arg, "wants BUCKET/KEY");
    }
    if (status == 0) {
        *ret_place = place;
    }
    return status;
}

bool
gc_object_key_fault(struct gc_str key, struct gc_fault *fault)
{
    switch (gc_object_key_check(key)) {
    case 0:
        return false;
    case GC_ELIMIT:
        gc_fault_say(fault, "cannot be a key: longer than %u bytes", GC_OBJECT_KEY_MAX);
        return true;
    default:
        gc_fault_say(fault, "cannot be a key: %s", key.len == 0 ? "empty" : "not UTF-8");
        return true;
    }
}

/* --- output ----------------------------------------------------------------------------------- */

int
gc_object_fail(const char *name, const struct gc_fault *fault)
{
    char shown[GC_SHOWN_MAX];

    fprintf(stderr, "gcommonctl: %s: %s\n", gc_shown(shown, gc_str_of(name)), fault->text);
    return fault->status;
}

int
gc_object_print(struct gc_buf *out, int rc)
{
    if (rc == 0) {
        fwrite(out->data, 1, out->len, stdout);
    }
    gc_buf_fini(out);
    return rc == 0 ? GC_EXIT_OK : gc_cli_fail(rc, "result");
}

int
gc_object_json_time(struct gc_buf *out, const char *name, int64_t ms)
{
    char text[25];

    gc_time_iso(text, ms);
    return gc_buf_printf(out, ",\"%s\":\"%s\"", name, text);
}

int
gc_object_json(struct gc_buf *out, const struct gc_place *place, uint64_t length, const char *etag)
{
    int rc = gc_json_member(out, "bucket", gc_str_of(place->bucket));

    rc = rc != 0 ? rc : gc_json_member(out, "key", place->rest);
    rc = rc != 0 ? rc : gc_buf_printf(out, "\"length\":%" PRIu64 ",\"etag\":", length);
    return rc != 0 ? rc : gc_json_str(out, gc_str_of(etag));
}
