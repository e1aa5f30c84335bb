/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the object commands have in common: their options, their arguments, their output. */
#ifndef GC_CLI_OBJECT_CMD_H
#define GC_CLI_OBJECT_CMD_H

#include "base/buf.h"
#include "cli/batch.h"
#include "cli/cli.h"
#include "cli/place.h"
#include "cli/remote.h"

#define GC_OBJECT_OWN_OPTS_MAX 4
#define GC_OBJECT_JSON_MAX     (64u * 1024) /* one object's */

/* A command's own options come first, then those of the server and, for commands that run a batch,
 * those of that. */
struct gc_object_cmd {
    const char *name, *args, *summary;
    size_t n_args_min, n_args_max;
    const struct gc_cli_opt *opts;
    size_t n_opts;
    bool batch;
    struct gc_remote_opts remote_opts; /* Filled by parsing, as the next. */
    struct gc_batch_opts batch_opts;
};
/* As gc_cli_parse. */
bool gc_object_parse(struct gc_cli *cli, struct gc_object_cmd *cmd, int argc, char **argv,
                     size_t *ret_n_args, int *ret_status);

/* BUCKET, with nothing behind it. Says what is wrong and returns the exit status. */
int gc_object_take_bucket(const char *arg, struct gc_place *ret_place);
/* BUCKET[/PREFIX]. */
int gc_object_take_prefix(const char *arg, struct gc_place *ret_place);
/* BUCKET/KEY with a valid key. */
int gc_object_take_key(const char *arg, struct gc_place *ret_place);
/* Why KEY can be none, in FAULT; false: it can. */
bool gc_object_key_fault(struct gc_str key, struct gc_fault *fault);

/* Say "gcommonctl: NAME: <fault>" and return its exit status. */
int gc_object_fail(const char *name, const struct gc_fault *fault);

/* Print OUT, whose making ended with RC, and free it; returns the exit status. */
int gc_object_print(struct gc_buf *out, int rc);
/* Append ,"name":"<time>" of MS since 1970. */
int gc_object_json_time(struct gc_buf *out, const char *name, int64_t ms);
/* Append "bucket":...,"key":...,"length":...,"etag":... */
int gc_object_json(struct gc_buf *out, const struct gc_place *place, uint64_t length,
                   const char *etag);

#endif
