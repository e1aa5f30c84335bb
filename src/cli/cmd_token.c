/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Tokens are 256 random bits, shown once as 64 hexadecimal digits. The file that servers read has
 * only the SHA-256 of those digits: one line `principal role hash`. A principal may have several
 * lines, so that the next token works before the last one is taken out.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/random.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/json.h"
#include "core/principal.h"
#include "crypto/hash.h"

#define TOKEN_BYTES        32
#define TOKEN_FILE_DEFAULT "tokens"
#define TOKEN_FILE_MAX     (1024 * 1024)
#define TOKEN_FILE_MODE    0600
#define TOKEN_FILE_REFUSED 0037
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

/* May a line go to FD as it is? RET_NEWLINE: the last line there has no end. */
static int
check_file(int fd, bool *ret_newline)
{
    struct stat st;
    char last = '\n';

    if (fstat(fd, &st) != 0) {
        return -errno;
    }
    if (!S_ISREG(st.st_mode)) {
        return -EINVAL;
    }
    if (st.st_mode & TOKEN_FILE_REFUSED) {
        return -EPERM;
    }
    if (st.st_size > TOKEN_FILE_MAX - LINE_BYTES_MAX) {
        return GC_ELIMIT;
    }
    if (st.st_size > 0 && pread(fd, &last, 1, st.st_size - 1) != 1) {
        return -EIO;
    }
    *ret_newline = last != '\n';
    return 0;
}

/* LINE, which ends with a newline, at the end of the file, on stable storage. */
static int
append_line(int fd, const char *line)
{
    char text[LINE_BYTES_MAX + 1];
    bool newline = false;
    ssize_t n;
    int rc, len;

    if (flock(fd, LOCK_EX) != 0) {
        return -errno;
    }
    rc = check_file(fd, &newline);
    if (rc != 0) {
        return rc;
    }
    len = snprintf(text, sizeof(text), "%s%s", newline ? "\n" : "", line);
    n = write(fd, text, (size_t)len);
    if (n != len) {
        return n < 0 ? -errno : -EIO;
    }
    return fsync(fd) == 0 ? 0 : -errno;
}

static int
add_to_file(const char *path, const char *line)
{
    int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
                  TOKEN_FILE_MODE);
    int rc;

    if (fd < 0) {
        return -errno;
    }
    rc = append_line(fd, line);
    if (close(fd) != 0 && rc == 0) {
        rc = -errno;
    }
    return rc;
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
    int rc, status;

    gc_random_bytes(bytes, sizeof(bytes));
    gc_hex_encode(token, bytes, sizeof(bytes));
    gc_sha256(token, strlen(token), digest);
    gc_hex_encode(hash, digest, sizeof(digest));
    snprintf(line, sizeof(line), "%s %s %s\n", create->principal, create->role, hash);
    rc = add_to_file(create->file, line);
    if (rc == -EPERM) {
        status = gc_cli_fail(rc, "%s: others can read it (chmod 600)", create->file);
    } else {
        status = rc == 0 ? report(cli, create, token) : gc_cli_fail(rc, "%s", create->file);
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
