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

struct put_cmd {
    struct gc_cli *cli;
    struct gc_batch *batch;
    struct gc_place place;
    const char *content_type;
};

/* --- a folder --------------------------------------------------------------------------------- */

struct tree {
    struct gc_walk_source walk;
    const struct put_cmd *cmd;
    const char *prefix;
};

/* Open what was a regular file when its folder was read. Not waiting: it may be a pipe by now. */
static int
open_regular(const struct gc_walk_entry *entry, int *ret_fd)
{
    int fd = openat(entry->dir_fd, entry->name,
                    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    struct stat st;

    if (fd < 0) {
        return -errno;
    }
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return -EINVAL;
    }
    *ret_fd = fd;
    return 0;
}

/* The job for ENTRY under the name KEY, or why there is none. */
static struct gc_job *
tree_put(const struct tree *tree, const struct gc_walk_entry *entry, struct gc_str key,
         struct gc_fault *fault)
{
    struct gc_put_conf conf = {
        .bucket = tree->cmd->place.bucket,
        .key = key,
        .content_type = tree->cmd->content_type,
    };
    struct gc_job *job;
    int fd = -1, rc;

    if (gc_object_key_fault(key, fault)) {
        return NULL;
    }
    rc = open_regular(entry, &fd);
    if (rc != 0) {
        gc_fault_set(fault, rc, "opening");
        return NULL;
    }
    job = gc_put_new(tree->cmd->batch, &conf, fd);
    if (job == NULL) {
        gc_fault_set(fault, -ENOMEM, "start");
    }
    return job;
}

static struct gc_job *
tree_make(struct gc_walk_source *source, const struct gc_walk_entry *entry)
{
    const struct tree *tree = gc_container_of(source, struct tree, walk);
    size_t prefix_len = strlen(tree->prefix);
    char *text = malloc(prefix_len + entry->path.len + 1);
    struct gc_job *job = NULL;
    struct gc_fault fault;
    char shown[GC_SHOWN_MAX];

    if (text == NULL) {
        gc_fault_set(&fault, -ENOMEM, "start");
    } else {
        memcpy(text, tree->prefix, prefix_len);
        memcpy(text + prefix_len, entry->path.data, entry->path.len);
        job = tree_put(tree, entry, (struct gc_str){ text, prefix_len + entry->path.len }, &fault);
    }
    free(text);
    if (job == NULL) {
        gc_batch_refuse(source->batch, gc_shown(shown, entry->path), &fault);
    }
    return job;
}

static int
put_tree(const struct put_cmd *cmd, const char *dir)
{
    struct tree tree = { .cmd = cmd };
    char *prefix;
    int rc = gc_prefix_of(cmd->place.rest, &prefix);

    if (rc != 0) {
        return gc_cli_fail(rc, "start");
    }
    tree.prefix = prefix;
    rc = gc_walk_source_open(&tree.walk, cmd->batch, dir, tree_make);
    if (rc == 0) {
        gc_walk_count(cmd->batch, dir);
        (void)gc_batch_run(cmd->batch, &tree.walk.source);
        gc_walk_source_close(&tree.walk);
        (void)gc_batch_report(cmd->batch, cmd->cli, "stored");
    }
    free(prefix);
    return rc == 0 ? cmd->batch->status : gc_cli_fail(rc, "%s", dir);
}

/* --- one file --------------------------------------------------------------------------------- */

static int
open_file(const char *file, int *ret_fd)
{
    struct stat st;
    int fd;

    fd = strcmp(file, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                                : open(file, O_RDONLY | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) {
        return gc_cli_fail(-errno, "%s", file);
    }
    if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
        close(fd);
        fprintf(stderr, "gcommonctl: %s: is a folder (put --recursive stores what is in it)\n",
                file);
        return GC_EXIT_FAILURE;
    }
    *ret_fd = fd;
    return 0;
}

/* BUCKET/ and BUCKET/some/ keep the file's own name: KEY, which is the caller's to free. */
static int
complete_key(const struct put_cmd *cmd, const char *file, char **ret_key)
{
    struct gc_str rest = cmd->place.rest, name = gc_last_component(gc_str_of(file));
    bool keep = rest.len == 0 || rest.data[rest.len - 1] == '/';
    struct gc_fault fault;

    if (keep && (strcmp(file, "-") == 0 || name.len == 0)) {
        return gc_cli_usage_error("put: wants BUCKET/KEY, the name of the object");
    }
    if (asprintf(ret_key, "%.*s%.*s", (int)rest.len, rest.data, keep ? (int)name.len : 0,
                 name.data) < 0) {
        return gc_cli_fail(-ENOMEM, "start");
    }
    if (gc_object_key_fault(gc_str_of(*ret_key), &fault)) {
        int status = gc_object_fail(*ret_key, &fault);

        free(*ret_key);
        return status;
    }
    return 0;
}

static int
print_stored(const struct put_cmd *cmd, const char *key, const struct gc_transfer_result *result)
{
    struct gc_place place = cmd->place;
    struct gc_buf out;
    int rc;

    if (!cmd->cli->json) {
        return GC_EXIT_OK;
    }
    place.rest = gc_str_of(key);
    gc_buf_init(&out, GC_OBJECT_JSON_MAX);
    rc = gc_buf_append_str(&out, "{");
    rc = rc != 0 ? rc : gc_object_json(&out, &place, result->length, result->etag);
    rc = rc != 0 ? rc : gc_buf_append_str(&out, "}\n");
    return gc_object_print(&out, rc);
}

/* Store what is open as FD (taken). */
static int
put_fd(const struct put_cmd *cmd, int fd, const char *key)
{
    struct gc_transfer_result result = { 0 };
    struct gc_put_conf conf = {
        .bucket = cmd->place.bucket,
        .key = gc_str_of(key),
        .content_type = cmd->content_type,
        .result = &result,
    };
    struct gc_job *job;
    struct stat st;
    int status;

    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        cmd->batch->progress.n_bytes_total = (uint64_t)st.st_size;
    } else {
        gc_remote_connect(cmd->batch->remote); /* it can be read only once */
    }
    job = gc_put_new(cmd->batch, &conf, fd);
    if (job == NULL) {
        return gc_cli_fail(-ENOMEM, "start");
    }
    status = gc_batch_run_one(cmd->batch, job);
    return status == 0 ? print_stored(cmd, key, &result) : status;
}

static int
put_file(const struct put_cmd *cmd, const char *file)
{
    char *key = NULL;
    int fd = -1, status = complete_key(cmd, file, &key);

    if (status != 0) {
        return status;
    }
    status = open_file(file, &fd);
    if (status == 0) {
        status = put_fd(cmd, fd, key);
    }
    free(key);
    return status;
}

int
gc_cmd_put(struct gc_cli *cli, int argc, char **argv)
{
    bool recursive = false;
    struct put_cmd put = { .cli = cli };
    const struct gc_cli_opt opts[] = {
        { .name = "recursive",
          .letter = 'r',
          .on = &recursive,
          .help = "FILE is a folder: store what is in it" },
        { .name = "content-type",
          .arg = "TYPE",
          .value = &put.content_type,
          .help = "media type of the content" },
    };
    struct gc_object_cmd cmd = {
        .name = "put",
        .args = "FILE BUCKET/KEY",
        .summary =
            "Store a file, or standard input (-), as an object. With --recursive, store all\n"
            "regular files of a folder below BUCKET[/PREFIX].",
        .n_args_min = 2,
        .n_args_max = 2,
        .opts = opts,
        .n_opts = GC_ARRAY_LEN(opts),
        .batch = true,
    };
    struct gc_remote remote;
    struct gc_batch batch;
    size_t n_args;
    int status;

    if (!gc_object_parse(cli, &cmd, argc, argv, &n_args, &status)) {
        return status;
    }
    status = gc_object_take_prefix(argv[2], &put.place);
    status = status != 0 ? status : gc_remote_open(&remote, cli, &cmd.remote_opts);
    if (status != 0) {
        return status;
    }
    put.batch = &batch;
    status = gc_batch_init(&batch, &remote, &cmd.batch_opts);
    if (status == 0) {
        status = recursive ? put_tree(&put, argv[1]) : put_file(&put, argv[1]);
    }
    gc_remote_close(&remote);
    return status;
}
