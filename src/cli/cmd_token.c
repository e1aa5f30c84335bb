/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Tokens are 256 random bits, shown once as 64 hexadecimal digits. The file that servers read has
 * only the SHA-256 of those digits: one line `principal role hash`. A principal may have two
 * lines, so that the next token works before the last one is taken out.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/random.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/json.h"
#include "core/principal.h"
#include "core/token.h"
#include "crypto/hash.h"

#define TOKEN_BYTES        32
#define TOKEN_FILE_DEFAULT "tokens"
#define TOKEN_FILE_MODE    0600
#define ARENA_BYTES_MAX    (1024 * 1024)
#define LINE_BYTES_MAX     256
#define RESULT_BYTES_MAX   8192

struct create {
    const char *principal;
    const char *role;
    const char *file;
};

static bool
take_options(struct gc_cli *cli, struct create *create, int argc, char **argv, int *ret_status)
{
    const struct gc_cli_opt opts[] = {
        { .name = "principal",
          .arg = "NAME",
          .value = &create->principal,
          .required = true,
          .help = "who the token stands for" },
        { .name = "role",
          .arg = "ROLE",
          .value = &create->role,
          .required = true,
          .help = "the most it may do: read, data or admin" },
        { .name = "file",
          .arg = "FILE",
          .value = &create->file,
          .help = "where to add its hash; default: tokens" },
    };
    const struct gc_cli_usage usage = {
        .name = "token create",
        .args = "",
        .summary =
            "Make a random access token, print it (only now: it is not kept), and add a line\n"
            "with its hash to FILE, which is readable by its owner only.",
        .opts = opts,
        .n_opts = GC_ARRAY_LEN(opts),
    };
    size_t n_args;

    return gc_cli_parse(cli, &usage, argc, argv, &n_args, ret_status);
}

/* What the servers would say to a file with this TEXT; returns the exit status. */
static int
check_as_servers_do(const char *path, const struct gc_buf *text)
{
    char error[GC_TOKENS_ERROR_MAX];
    struct gc_tokens tokens;
    struct gc_arena arena;
    int rc;

    gc_arena_init(&arena, ARENA_BYTES_MAX);
    rc = gc_tokens_parse(path, (struct gc_str){ (const char *)text->data, text->len }, &arena,
                         &tokens, error);
    gc_arena_fini(&arena);
    return rc == 0 ? 0 : gc_cli_fail(rc, "%s", error);
}

/* The file's content and then LINE, in TEXT; RET_OLD is how much of it is in the file already. */
static int
compose(const char *path, const char *line, struct gc_buf *text, size_t *ret_old)
{
    int rc = gc_file_read(path, GC_TOKENS_FILE_MAX, true, text);

    if (rc != 0) {
        return rc;
    }
    *ret_old = text->len;
    if (text->len > 0 && text->data[text->len - 1] != '\n') {
        rc = gc_buf_append_str(text, "\n");
    }
    return rc == 0 ? gc_buf_append_str(text, line) : rc;
}

/* Append to FD, on stable storage. */
static int
append(int fd, const void *data, size_t len)
{
    ssize_t n = write(fd, data, len);

    if (n != (ssize_t)len) {
        return n < 0 ? -errno : -EIO;
    }
    return fsync(fd) == 0 ? 0 : -errno;
}

/* LINE at the end of the file PATH, open as FD, unless servers would refuse what comes out. */
static int
add_line(int fd, const char *path, const char *line)
{
    struct gc_buf text;
    size_t old = 0;
    int rc, status;

    gc_buf_init(&text, GC_TOKENS_FILE_MAX);
    rc = flock(fd, LOCK_EX) == 0 ? compose(path, line, &text, &old) : -errno;
    if (rc == -EPERM) {
        status = gc_cli_fail(rc, "%s: others can read it (chmod 600)", path);
    } else {
        status = rc == 0 ? check_as_servers_do(path, &text) : gc_cli_fail(rc, "%s", path);
    }
    if (status == 0) {
        rc = append(fd, text.data + old, text.len - old);
        status = rc == 0 ? 0 : gc_cli_fail(rc, "%s", path);
    }
    gc_buf_fini(&text);
    return status;
}

static int
add_to_file(const char *path, const char *line)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
                  TOKEN_FILE_MODE);
    int status;

    if (fd < 0) {
        return gc_cli_fail(-errno, "%s", path);
    }
    status = add_line(fd, path, line);
    if (close(fd) != 0 && status == 0) {
        status = gc_cli_fail(-errno, "%s", path);
    }
    return status;
}

static int
report(const struct gc_cli *cli, const struct create *create, const char *token)
{
    struct gc_buf out;
    int rc;

    if (!cli->json) {
        printf("%s\n", token);
        return 0;
    }
    gc_buf_init(&out, RESULT_BYTES_MAX);
    rc = gc_buf_append_str(&out, "{");
    rc = rc == 0 ? gc_json_member(&out, "principal", gc_str_of(create->principal)) : rc;
    rc = rc == 0 ? gc_json_member(&out, "role", gc_str_of(create->role)) : rc;
    rc = rc == 0 ? gc_json_member(&out, "file", gc_str_of(create->file)) : rc;
    rc = rc == 0 ? gc_buf_printf(&out, "\"token\":\"%s\"}\n", token) : rc;
    if (rc == 0) {
        fwrite(out.data, 1, out.len, stdout);
    }
    gc_buf_fini(&out);
    return rc == 0 ? 0 : gc_cli_fail(rc, "result");
}

static int
make_token(const struct gc_cli *cli, const struct create *create)
{
    uint8_t bytes[TOKEN_BYTES], digest[GC_SHA256_BYTES];
    char token[2 * TOKEN_BYTES + 1], hash[2 * GC_SHA256_BYTES + 1], line[LINE_BYTES_MAX];
    int status;

    gc_random_bytes(bytes, sizeof(bytes));
    gc_hex_encode(token, bytes, sizeof(bytes));
    gc_sha256(token, strlen(token), digest);
    gc_hex_encode(hash, digest, sizeof(digest));
    snprintf(line, sizeof(line), "%s %s %s\n", create->principal, create->role, hash);
    status = add_to_file(create->file, line);
    if (status == 0) {
        status = report(cli, create, token);
    }
    gc_wipe(bytes, sizeof(bytes));
    gc_wipe(token, sizeof(token));
    return status;
}

static int
token_create(struct gc_cli *cli, int argc, char **argv)
{
    struct create create = { .file = TOKEN_FILE_DEFAULT };
    enum gc_principal_role role;
    int status;

    if (!take_options(cli, &create, argc, argv, &status)) {
        return status;
    }
    if (!gc_principal_name_valid(gc_str_of(create.principal))) {
        return gc_cli_usage_error("--principal %s: wants 1 to %u of a-z A-Z 0-9 . _ @ : / + -",
                                  create.principal, GC_PRINCIPAL_NAME_MAX);
    }
    if (gc_role_parse(gc_str_of(create.role), &role) != 0) {
        return gc_cli_usage_error("--role %s: wants read, data or admin", create.role);
    }
    return make_token(cli, &create);
}

static const struct gc_cli_command commands[] = {
    { "create", token_create, "make a token and add its hash to a file" },
    { 0 },
};

int
gc_cmd_token(struct gc_cli *cli, int argc, char **argv)
{
    return gc_cli_dispatch(cli, "token", commands, argc, argv);
}
