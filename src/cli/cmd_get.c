/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/json.h"
#include "cli/object_cmd.h"
#include "cli/sources.h"
#include "cli/transfer.h"

#define DIR_MODE 0777

struct get_cmd {
    struct gc_cli *cli;
    struct gc_batch *batch;
    struct gc_place place;
};

/* --- a tree ----------------------------------------------------------------------------------- */

struct tree {
    struct gc_list_source list;
    size_t prefix_len;
    int root_fd;
};

/* The job for ITEM, to become the file REL, or why there is none. */
static struct gc_job *
tree_get(const struct tree *tree, const struct gc_list_item *item, struct gc_str rel,
         struct gc_fault *fault)
{
    const struct gc_get_conf conf = { .bucket = tree->list.lister.bucket, .key = item->name };
    const char *why = gc_key_no_path(rel);
    struct gc_outfile out;
    struct gc_job *job;
    int rc;

    if (why != NULL) {
        gc_fault_say(fault, "cannot be a file below the folder: its name %s", why);
        return NULL;
    }
    rc = gc_outfile_open_below(&out, tree->root_fd, rel);
    if (rc != 0) {
        gc_fault_set(fault, rc, "opening");
        return NULL;
    }
    job = gc_get_new(tree->list.batch, &conf, &out);
    if (job == NULL) {
        gc_fault_set(fault, -ENOMEM, "start");
    }
    return job;
}

static struct gc_job *
tree_make(struct gc_list_source *source, const struct gc_list_item *item)
{
    const struct tree *tree = gc_container_of(source, struct tree, list);
    struct gc_str rel = { item->name.data + tree->prefix_len, item->name.len - tree->prefix_len };
    char shown[GC_SHOWN_MAX];
    struct gc_fault fault;
    struct gc_job *job = tree_get(tree, item, rel, &fault);

    if (job == NULL) {
        gc_batch_refuse(source->batch, gc_shown(shown, item->name), &fault);
    }
    return job;
}

static int
open_root(const char *dir)
{
    int fd;

    if (mkdir(dir, DIR_MODE) != 0 && errno != EEXIST) {
        return -errno;
    }
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 ? fd : -errno;
}

static int
get_below(const struct get_cmd *cmd, const char *prefix, int root_fd)
{
    struct tree tree = { .root_fd = root_fd, .prefix_len = strlen(prefix) };
    struct gc_batch *batch = cmd->batch;
    bool none;

    gc_list_count(batch, cmd->place.bucket, gc_str_of(prefix));
    gc_list_source_init(&tree.list, batch, cmd->place.bucket, gc_str_of(prefix), tree_make);
    (void)gc_batch_run(batch, &tree.list.source);
    none = batch->status == GC_EXIT_OK && tree.list.n_items == 0 && prefix[0] != '\0';
    gc_list_source_fini(&tree.list);
    if (none) {
        fprintf(stderr, "gcommonctl: nothing is below %s/%s\n", cmd->place.bucket, prefix);
        return GC_EXIT_NOT_FOUND;
    }
    (void)gc_batch_report(batch, cmd->cli, "got");
    return batch->status;
}

static int
get_tree(const struct get_cmd *cmd, const char *dir)
{
    char *prefix;
    int root_fd, rc = gc_prefix_of(cmd->place.rest, &prefix), status;

    if (rc != 0) {
        return gc_cli_fail(rc, "start");
    }
    root_fd = open_root(dir);
    if (root_fd < 0) {
        status = gc_cli_fail(root_fd, "%s", dir);
    } else {
        status = get_below(cmd, prefix, root_fd);
        close(root_fd);
    }
    free(prefix);
    return status;
}

/* --- one object ------------------------------------------------------------------------------- */

/* Where the object goes: FILE, or its own name in the folder FILE, or here when there is none;
 * the caller's to free. */
static int
complete_path(const struct get_cmd *cmd, const char *file, char **ret_path)
{
    struct gc_str name = gc_last_component(cmd->place.rest);
    struct stat st;
    bool in_dir = file == NULL || (stat(file, &st) == 0 && S_ISDIR(st.st_mode));

    if (in_dir && gc_key_no_path(name) != NULL) {
        return gc_cli_usage_error("get: the object's name is none for a file; give one");
    }
    if (asprintf(ret_path, "%s%s%.*s", file != NULL ? file : "", in_dir && file != NULL ? "/" : "",
                 in_dir ? (int)name.len : 0, name.data) < 0) {
        return gc_cli_fail(-ENOMEM, "start");
    }
    return 0;
}

static int
print_got(const struct get_cmd *cmd, const char *path, const struct gc_transfer_result *result)
{
    struct gc_buf out;
    int rc;

    if (!cmd->cli->json) {
        return GC_EXIT_OK;
    }
    gc_buf_init(&out, GC_OBJECT_JSON_MAX);
    rc = gc_buf_append_str(&out, "{");
    rc = rc != 0 ? rc : gc_json_member(&out, "file", gc_str_of(path));
    rc = rc != 0 ? rc : gc_object_json(&out, &cmd->place, result->length, result->etag);
    rc = rc != 0 ? rc : gc_buf_append_str(&out, "}\n");
    return gc_object_print(&out, rc);
}

/* Bring the object to OUT, which is called PATH. */
static int
get_to(const struct get_cmd *cmd, struct gc_outfile *out, const char *path)
{
    struct gc_transfer_result result = { 0 };
    const struct gc_get_conf conf = {
        .bucket = cmd->place.bucket,
        .key = cmd->place.rest,
        .result = &result,
    };
    struct gc_job *job;
    int status;

    job = gc_get_new(cmd->batch, &conf, out);
    if (job == NULL) {
        return gc_cli_fail(-ENOMEM, "start");
    }
    status = gc_batch_run_one(cmd->batch, job);
    return status == 0 ? print_got(cmd, path, &result) : status;
}

static int
get_file(const struct get_cmd *cmd, const char *file)
{
    struct gc_outfile out;
    char *path = NULL;
    int rc, status;

    if (file != NULL && strcmp(file, "-") == 0) {
        gc_outfile_of_fd(&out, STDOUT_FILENO);
        return get_to(cmd, &out, file);
    }
    status = complete_path(cmd, file, &path);
    if (status != 0) {
        return status;
    }
    rc = gc_outfile_open(&out, path);
    status = rc == 0 ? get_to(cmd, &out, path) : gc_cli_fail(rc, "%s", path);
    free(path);
    return status;
}

/* --- the command ------------------------------------------------------------------------------ */

static int
check_args(const struct get_cmd *cmd, char **argv, size_t n_args, bool recursive)
{
    if (recursive) {
        return n_args == 2 ? 0 : gc_cli_usage_error("get --recursive: wants BUCKET[/PREFIX] DIR");
    }
    if (cmd->place.rest.len == 0) {
        return gc_cli_usage_error("get: wants BUCKET/KEY");
    }
    if (cmd->cli->json && n_args == 2 && strcmp(argv[2], "-") == 0) {
        return gc_cli_usage_error("get: standard output is for the object; no --json");
    }
    return 0;
}

int
gc_cmd_get(struct gc_cli *cli, int argc, char **argv)
{
    bool recursive = false;
    const struct gc_cli_opt opts[] = {
        { .name = "recursive",
          .letter = 'r',
          .on = &recursive,
          .help = "all objects below BUCKET[/PREFIX], as files of a folder" },
    };
    struct gc_object_cmd cmd = {
        .name = "get",
        .args = "BUCKET/KEY [FILE]",
        .summary =
            "Fetch an object into FILE (default: its own name), or to standard output (-).\n"
            "With --recursive, fetch all objects below BUCKET[/PREFIX] into the folder FILE.",
        .n_args_min = 1,
        .n_args_max = 2,
        .opts = opts,
        .n_opts = GC_ARRAY_LEN(opts),
        .batch = true,
    };
    struct get_cmd get = { .cli = cli };
    struct gc_remote remote;
    struct gc_batch batch;
    size_t n_args;
    int status;

    if (!gc_object_parse(cli, &cmd, argc, argv, &n_args, &status)) {
        return status;
    }
    status = gc_object_take_prefix(argv[1], &get.place);
    status = status != 0 ? status : check_args(&get, argv, n_args, recursive);
    status = status != 0 ? status : gc_remote_open(&remote, cli, &cmd.remote_opts);
    if (status != 0) {
        return status;
    }
    get.batch = &batch;
    status = gc_batch_init(&batch, &remote, &cmd.batch_opts);
    if (status == 0) {
        status = recursive ? get_tree(&get, argv[2]) : get_file(&get, n_args == 2 ? argv[2] : NULL);
    }
    gc_remote_close(&remote);
    return status;
}
