/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The object commands as users run them, against a gRPC server with a map in memory. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "cli/cli.h"
#include "core/chunk.h"
#include "tests/support/object_server.h"
#include "tests/support/pki.h"

#define TOKEN    "0123456789abcdef"
#define ARGS_MAX 16
#define BIG      (5 * GC_CHUNK_BYTES + 77)

static const struct gc_cli_command commands[] = {
#define GC_COMMAND(name, help) { #name, gc_cmd_##name, help },
#include "cli/commands.tbl.h"
#undef GC_COMMAND
    { 0 },
};

struct fixture {
    struct object_server server;
    char dir[64]; /* of this test; its folder "work" is the current one */
    char out_path[96], err_path[96];
    int home_fd; /* the folder before */
    struct gc_buf out, err;
};

/* --- the bed ---------------------------------------------------------------------------------- */

static int
set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    char url[64];

    assert_non_null(f);
    object_server_open(&f->server, NULL, TOKEN);
    snprintf(f->dir, sizeof(f->dir), "/tmp/gc-cli-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    f->home_fd = open(".", O_RDONLY | O_DIRECTORY);
    snprintf(f->out_path, sizeof(f->out_path), "%s/out", f->dir);
    snprintf(f->err_path, sizeof(f->err_path), "%s/err", f->dir);
    assert_int_equal(chdir(f->dir), 0);
    assert_int_equal(mkdir("work", 0700), 0);
    assert_int_equal(chdir("work"), 0);
    snprintf(url, sizeof(url), "http://127.0.0.1:%u", f->server.port);
    setenv("GCOMMON_URL", url, 1);
    setenv("GCOMMON_TOKEN", TOKEN, 1);
    unsetenv("GCOMMON_CA");
    unsetenv("GCOMMON_CERT");
    unsetenv("GCOMMON_KEY");
    gc_buf_init(&f->out, 8 << 20);
    gc_buf_init(&f->err, 1 << 20);
    *state = f;
    return 0;
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fchdir(f->home_fd), 0);
    close(f->home_fd);
    assert_int_equal(nftw(f->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
    object_server_close(&f->server);
    gc_buf_fini(&f->out);
    gc_buf_fini(&f->err);
    free(f);
    return 0;
}

/* Let FD write to the file PATH; returns what it was. */
static int
redirect(int fd, const char *path)
{
    int old = dup(fd), new = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

    assert_true(old >= 0 && new >= 0);
    assert_int_equal(dup2(new, fd), fd);
    close(new);
    return old;
}

static void
restore(int fd, int old)
{
    assert_int_equal(dup2(old, fd), fd);
    close(old);
}

/* Run gcommonctl with the words of the list, which ends with NULL. */
static int
run_v(struct fixture *f, va_list ap)
{
    char *argv[ARGS_MAX] = { (char *)(uintptr_t) "gcommonctl" };
    int argc = 1, out, err, status;

    while ((argv[argc] = va_arg(ap, char *)) != NULL) {
        argc++;
        assert_true(argc < ARGS_MAX);
    }
    fflush(stdout);
    fflush(stderr);
    out = redirect(STDOUT_FILENO, f->out_path);
    err = redirect(STDERR_FILENO, f->err_path);
    status = gc_cli_main(commands, argc, argv);
    fflush(stdout);
    fflush(stderr);
    restore(STDOUT_FILENO, out);
    restore(STDERR_FILENO, err);
    gc_buf_clear(&f->out);
    gc_buf_clear(&f->err);
    assert_int_equal(gc_file_read(f->out_path, 8 << 20, false, &f->out), 0);
    assert_int_equal(gc_file_read(f->err_path, 1 << 20, false, &f->err), 0);
    assert_non_null(gc_buf_cstr(&f->out));
    assert_non_null(gc_buf_cstr(&f->err));
    return status;
}

static int __attribute__((sentinel)) run(struct fixture *f, ...)
{
    va_list ap;
    int status;

    va_start(ap, f);
    status = run_v(f, ap);
    va_end(ap);
    return status;
}

#define OUT(f) gc_buf_cstr(&(f)->out)
#define ERR(f) gc_buf_cstr(&(f)->err)
#define assert_run(f, expected, ...)                                                  \
    do {                                                                              \
        int assert_status = run(f, __VA_ARGS__, NULL);                                \
        if (assert_status != (expected)) {                                            \
            fail_msg("line %d: exit status %d: %s", __LINE__, assert_status, ERR(f)); \
        }                                                                             \
    } while (0)
#define assert_says(text, part)                                          \
    do {                                                                 \
        if (strstr(text, part) == NULL) {                                \
            fail_msg("line %d: no \"%s\" in: %s", __LINE__, part, text); \
        }                                                                \
    } while (0)

static uint8_t
byte_at(size_t at)
{
    return (uint8_t)(at * 131 + at / 251);
}

/* A file of LEN bytes that differ. */
static void
make_file(const char *path, size_t len)
{
    uint8_t *data = malloc(len + 1);
    int fd;

    assert_non_null(data);
    for (size_t i = 0; i < len; i++) {
        data[i] = byte_at(i);
    }
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, len), len);
    close(fd);
    free(data);
}

static void
assert_file(const char *path, size_t len)
{
    struct gc_buf content;

    gc_buf_init(&content, 16 << 20);
    assert_int_equal(gc_file_read(path, 16 << 20, false, &content), 0);
    assert_int_equal(content.len, len);
    for (size_t i = 0; i < len; i++) {
        if (content.data[i] != byte_at(i)) {
            fail_msg("%s differs at byte %zu", path, i);
        }
    }
    gc_buf_fini(&content);
}

static void
assert_missing(const char *path)
{
    struct stat st;

    assert_int_equal(lstat(path, &st), -1);
}

static int n_found;

static int
count_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)path;
    (void)st;
    (void)ftw;
    n_found += flag == FTW_F;
    return 0;
}

/* How many files are below PATH; a temporary one that stayed is found so. */
static int
n_files(const char *path)
{
    n_found = 0;
    assert_int_equal(nftw(path, count_one, 16, FTW_PHYS), 0);
    return n_found;
}

/* --- single objects --------------------------------------------------------------------------- */

static void
object_goes_and_comes_back(void **state)
{
    static const size_t sizes[] = { 0,  1, GC_CHUNK_BYTES - 1, GC_CHUNK_BYTES, GC_CHUNK_BYTES + 1,
                                    BIG };
    struct fixture *f = *state;

    assert_run(f, 0, "mb", "box");
    for (size_t i = 0; i < GC_ARRAY_LEN(sizes); i++) {
        make_file("in", sizes[i]);
        assert_run(f, 0, "put", "in", "box/some/key");
        assert_string_equal(OUT(f), "");
        assert_run(f, 0, "get", "box/some/key", "back");
        assert_file("back", sizes[i]);
    }
    assert_int_equal(n_files("."), 2);
}

static void
object_takes_the_name_of_its_file(void **state)
{
    struct fixture *f = *state;

    make_file("in", 10);
    assert_int_equal(mkdir("to", 0700), 0);
    assert_run(f, 0, "mb", "box");
    assert_run(f, 0, "put", "in", "box");
    assert_run(f, 0, "put", "./in", "box/a/");
    assert_run(f, 0, "ls", "-r", "--json", "box");
    assert_says(OUT(f), "\"key\":\"in\"");
    assert_says(OUT(f), "\"key\":\"a/in\"");
    assert_run(f, 0, "get", "box/a/in", "to");
    assert_file("to/in", 10);
    assert_run(f, 0, "rm", "box/in");
    assert_int_equal(unlink("in"), 0);
    assert_run(f, 0, "get", "box/a/in");
    assert_file("in", 10);
}

static void
standard_output_and_input_are_dashes(void **state)
{
    struct fixture *f = *state;
    int in = dup(STDIN_FILENO);

    make_file("in", BIG);
    assert_run(f, 0, "mb", "box");
    assert_int_equal(dup2(open("in", O_RDONLY), STDIN_FILENO), STDIN_FILENO);
    assert_run(f, 0, "put", "-", "box/x");
    restore(STDIN_FILENO, in);
    assert_run(f, 0, "get", "box/x", "-");
    assert_int_equal(gc_file_write("back", f->out.data, f->out.len, 0600), 0);
    assert_file("back", BIG);
    assert_run(f, GC_EXIT_USAGE, "put", "-", "box/");
    assert_run(f, GC_EXIT_USAGE, "get", "--json", "box/x", "-");
}

struct pipe_end {
    struct gc_thread thread;
    int fd;
    size_t len;
};

static void
feed(void *arg)
{
    struct pipe_end *end = arg;

    for (size_t i = 0; i < end->len; i++) {
        uint8_t byte[1000];
        size_t n = GC_MIN(sizeof(byte), end->len - i);

        for (size_t k = 0; k < n; k++) {
            byte[k] = byte_at(i + k);
        }
        if (write(end->fd, byte, n) != (ssize_t)n) {
            break;
        }
        i += n - 1;
    }
    close(end->fd);
}

static void
pipe_is_stored_to_its_end(void **state)
{
    struct fixture *f = *state;
    struct pipe_end end = { .len = BIG };
    int fds[2], in = dup(STDIN_FILENO);

    assert_run(f, 0, "mb", "box");
    assert_int_equal(pipe(fds), 0);
    end.fd = fds[1];
    assert_int_equal(gc_thread_start(&end.thread, "feed", feed, &end), 0);
    assert_int_equal(dup2(fds[0], STDIN_FILENO), STDIN_FILENO);
    close(fds[0]);
    assert_run(f, 0, "put", "-", "box/x");
    restore(STDIN_FILENO, in);
    gc_thread_join(&end.thread);
    assert_run(f, 0, "get", "box/x", "back");
    assert_file("back", BIG);
}

static void
drain(void *arg)
{
    struct pipe_end *end = arg;
    uint8_t bytes[777];
    ssize_t n;

    while ((n = read(end->fd, bytes, sizeof(bytes))) > 0) {
        for (ssize_t k = 0; k < n; k++) {
            end->len += bytes[k] == byte_at(end->len);
        }
    }
    close(end->fd);
}

static void
slow_reader_of_a_pipe_gets_all(void **state)
{
    struct fixture *f = *state;
    struct pipe_end end = { 0 };
    char path[32];
    int fds[2];

    make_file("in", BIG);
    assert_run(f, 0, "mb", "box");
    assert_run(f, 0, "put", "in", "box/x");
    assert_int_equal(pipe(fds), 0);
    end.fd = fds[0];
    assert_int_equal(gc_thread_start(&end.thread, "drain", drain, &end), 0);
    snprintf(path, sizeof(path), "/dev/fd/%d", fds[1]);
    assert_run(f, 0, "get", "box/x", path);
    close(fds[1]);
    gc_thread_join(&end.thread);
    assert_int_equal(end.len, BIG);
}

static void
content_type_is_kept(void **state)
{
    struct fixture *f = *state;

    make_file("in", 3);
    assert_run(f, 0, "mb", "box");
    assert_run(f, 0, "put", "--content-type", "text/x-odd", "in", "box/x");
    assert_run(f, 0, "stat", "box/x");
    assert_says(OUT(f), "content-type: text/x-odd");
    assert_says(OUT(f), "length    3 (3 B)");
    assert_run(f, 0, "--json", "stat", "box/x");
    assert_says(OUT(f), "\"fields\":{\"content-type\":\"text/x-odd\"}");
}

static void
results_are_json_when_asked(void **state)
{
    struct fixture *f = *state;

    make_file("in", 3);
    assert_run(f, 0, "--json", "mb", "box", "--public-read");
    assert_string_equal(OUT(f), "{\"bucket\":\"box\",\"public_read\":true}\n");
    assert_run(f, 0, "--json", "put", "in", "box/a\"b");
    assert_says(OUT(f), "\"key\":\"a\\\"b\",\"length\":3,\"etag\":\"");
    assert_run(f, 0, "--json", "get", "box/a\"b", "back");
    assert_says(OUT(f), "{\"file\":\"back\",");
    assert_run(f, 0, "--json", "stat", "box");
    assert_string_equal(OUT(f), "{\"bucket\":\"box\"}\n");
    assert_run(f, 0, "--json", "ls");
    assert_says(OUT(f), "[{\"name\":\"box\",\"created\":\"2026-");
    assert_run(f, 0, "--json", "status");
    assert_says(OUT(f), "\"servers\":[{\"number\":1,\"node\":\"f1\"");
    assert_run(f, 0, "--json", "rm", "box/a\"b");
    assert_says(OUT(f), "{\"removed\":1,\"bytes\":0,\"skipped\":0,\"failed\":0,");
    assert_run(f, 0, "--json", "ls", "box");
    assert_string_equal(OUT(f), "[]\n");
    assert_run(f, 0, "--json", "rb", "box");
    assert_string_equal(OUT(f), "{\"bucket\":\"box\",\"removed\":0}\n");
}

static void
errors_end_in_their_exit_status(void **state)
{
    struct fixture *f = *state;

    make_file("in", 3);
    assert_run(f, GC_EXIT_NOT_FOUND, "stat", "box");
    assert_run(f, GC_EXIT_NOT_FOUND, "put", "in", "box/x");
    assert_says(ERR(f), "gcommonctl: box/x: NoSuchBucket: ");
    assert_run(f, 0, "mb", "box");
    assert_run(f, GC_EXIT_FAILURE, "mb", "box");
    assert_run(f, GC_EXIT_NOT_FOUND, "get", "box/none", "back");
    assert_missing("back");
    assert_run(f, GC_EXIT_NOT_FOUND, "stat", "box/none");
    assert_run(f, GC_EXIT_NOT_FOUND, "put", "none", "box/x");
    assert_run(f, 0, "rm", "box/none");
    assert_run(f, GC_EXIT_NOT_FOUND, "rm", "nobox/none");
    assert_run(f, GC_EXIT_NOT_FOUND, "get", "-r", "box/none", "d");
    assert_run(f, GC_EXIT_NOT_FOUND, "rb", "nobox");
    assert_run(f, GC_EXIT_DENIED, "--token", "wrong", "ls");
    assert_run(f, GC_EXIT_FAILURE, "put", ".", "box/x");
    assert_run(f, GC_EXIT_NOT_FOUND, "get", "box/none", "no/such/dir");
    assert_int_equal(n_files("."), 1);
}

static void
wrong_usage_is_told_before_anybody_is_called(void **state)
{
    struct fixture *f = *state;
    char key[1100];

    memset(key, 'k', sizeof(key));
    memcpy(key, "box/", 4);
    key[sizeof(key) - 1] = '\0';
    assert_run(f, GC_EXIT_USAGE, "mb");
    assert_run(f, GC_EXIT_USAGE, "mb", "box/x");
    assert_run(f, GC_EXIT_USAGE, "mb", "Box");
    assert_run(f, GC_EXIT_USAGE, "get", "box");
    assert_run(f, GC_EXIT_USAGE, "rm", "box");
    assert_run(f, GC_EXIT_USAGE, "rm", "box/x", "box/");
    assert_run(f, GC_EXIT_USAGE, "stat", key);
    assert_run(f, GC_EXIT_USAGE, "stat", "box/\xff");
    assert_run(f, GC_EXIT_USAGE, "rm", "-j", "0", "box/x");
    assert_run(f, GC_EXIT_USAGE, "rm", "-j", "65", "box/x");
    assert_run(f, GC_EXIT_USAGE, "ls", "--retries", "x");
    assert_run(f, GC_EXIT_USAGE, "ls", "--timeout", "0");
    assert_run(f, GC_EXIT_USAGE, "get", "-r", "box");
    assert_run(f, GC_EXIT_USAGE, "--url", "http://192.0.2.1:80", "ls");
    assert_says(ERR(f), "only for the same machine");
    assert_run(f, GC_EXIT_USAGE, "--url", "https://localhost:1", "ls");
    assert_says(ERR(f), "GCOMMON_CA");
    assert_int_equal(atomic_load(&f->server.n_calls), 0);
}

/* --- listings --------------------------------------------------------------------------------- */

static void
listing_stops_at_slashes_unless_recursive(void **state)
{
    static const char *const keys[] = { "box/a", "box/b/1", "box/b/2/3", "box/c\n1", "box/d/" };
    struct fixture *f = *state;

    make_file("in", 3);
    f->server.page_max = 2;
    assert_run(f, 0, "mb", "box");
    for (size_t i = 0; i < GC_ARRAY_LEN(keys) - 1; i++) {
        assert_run(f, 0, "put", "in", keys[i]);
    }
    assert_run(f, 0, "ls", "box");
    assert_string_equal(OUT(f), "2026-11-24T06:00:00.123Z              3  a\n"
                                "                                      -  b/\n"
                                "2026-11-24T06:00:00.123Z              3  c\\n1\n");
    assert_run(f, 0, "ls", "box/b/");
    assert_says(OUT(f), "  b/1\n");
    assert_says(OUT(f), "  b/2/\n");
    assert_run(f, 0, "ls", "-r", "box", "--json");
    assert_says(OUT(f), "[{\"key\":\"a\",");
    assert_says(OUT(f), ",\n{\"key\":\"b/2/3\",\"length\":3,\"etag\":\"");
    assert_says(OUT(f), "{\"key\":\"c\\u000a1\",");
    assert_run(f, 0, "ls", "box", "--json");
    assert_says(OUT(f), "{\"prefix\":\"b/\"}");
}

static void
listing_in_a_circle_ends(void **state)
{
    struct fixture *f = *state;

    make_file("in", 3);
    f->server.page_max = 1;
    assert_run(f, 0, "mb", "box");
    assert_run(f, 0, "put", "in", "box/a");
    assert_run(f, 0, "put", "in", "box/b");
    atomic_store(&f->server.faults.circle, 1000);
    assert_run(f, GC_EXIT_FAILURE, "ls", "box", "--json");
    assert_says(ERR(f), "circle");
    assert_says(OUT(f), "[{\"key\":\"a\",");
    assert_null(strchr(OUT(f), ']'));
}

/* --- trees ------------------------------------------------------------------------------------ */

static void
make_tree(void)
{
    static const char *const dirs[] = { "tree", "tree/a", "tree/a/b", "tree/a b", "tree/empty" };
    char name[256 + 8] = "tree/";

    for (size_t i = 0; i < GC_ARRAY_LEN(dirs); i++) {
        assert_int_equal(mkdir(dirs[i], 0700), 0);
    }
    make_file("tree/empty.txt", 0);
    make_file("tree/a/b/deep", 1000);
    make_file("tree/a/big", BIG);
    make_file("tree/a b/new\nline", 5);
    make_file("tree/\xc3\xa4\xf0\x9f\x98\x80", 6);
    make_file("tree/back\\slash%20\"quote", 7);
    make_file("tree/-dash", 8);
    memset(name + 5, 'n', 255);
    make_file(name, 9);
}

static void
assert_tree(const char *root)
{
    static const struct {
        const char *name;
        size_t len;
    } files[] = { { "empty.txt", 0 },
                  { "a/b/deep", 1000 },
                  { "a/big", BIG },
                  { "a b/new\nline", 5 },
                  { "\xc3\xa4\xf0\x9f\x98\x80", 6 },
                  { "back\\slash%20\"quote", 7 },
                  { "-dash", 8 } };
    char path[400];

    for (size_t i = 0; i < GC_ARRAY_LEN(files); i++) {
        snprintf(path, sizeof(path), "%s/%s", root, files[i].name);
        assert_file(path, files[i].len);
    }
    assert_int_equal(n_files(root), 8);
}

static void
tree_goes_and_comes_back(void **state)
{
    struct fixture *f = *state;

    make_tree();
    f->server.page_max = 3;
    assert_run(f, 0, "mb", "box");
    assert_run(f, 0, "put", "-r", "tree", "box/x/y");
    assert_says(ERR(f), "stored 8 objects");
    assert_run(f, 0, "put", "-r", "tree/", "box/x/y/", "-q");
    assert_string_equal(ERR(f), "");
    assert_run(f, 0, "get", "-r", "box/x", "back", "--json", "-j", "2");
    assert_says(OUT(f), "{\"got\":8,\"bytes\":");
    assert_tree("back/y");
    assert_run(f, 0, "get", "-r", "box", "back"); /* the files are new ones each time */
    assert_run(f, 0, "get", "-r", "box/x/y/", "back/y");
    assert_tree("back/y");
}

static void
what_is_no_regular_file_is_skipped(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(mkdir("tree", 0700), 0);
    make_file("tree/file", 3);
    assert_int_equal(symlink("file", "tree/link"), 0);
    assert_int_equal(symlink("..", "tree/up"), 0);
    assert_int_equal(mkfifo("tree/pipe", 0600), 0);
    assert_run(f, 0, "mb", "box");
    assert_run(f, 0, "put", "-r", "tree", "box", "--json");
    assert_says(OUT(f), "{\"stored\":1,\"bytes\":3,\"skipped\":3,\"failed\":0,");
    assert_says(ERR(f), "skipped link: a symbolic link");
    assert_says(ERR(f), "skipped pipe: a named pipe");
}

static void
names_that_are_no_keys_are_counted(void **state)
{
    struct fixture *f = *state;
    char prefix[1100] = "box/";

    assert_int_equal(mkdir("tree", 0700), 0);
    make_file("tree/good", 3);
    make_file("tree/bad\xff", 3);
    assert_run(f, 0, "mb", "box");
    assert_run(f, GC_EXIT_FAILURE, "put", "-r", "tree", "box", "--json");
    assert_says(OUT(f), "{\"stored\":1,\"bytes\":3,\"skipped\":0,\"failed\":1,");
    assert_says(ERR(f), "bad\\377: cannot be a key: not UTF-8");
    memset(prefix + 4, 'p', 1020);
    prefix[1024] = '\0';
    assert_run(f, GC_EXIT_FAILURE, "put", "-r", "tree", prefix);
    assert_says(ERR(f), "good: cannot be a key: longer than 1024 bytes");
}

static void
keys_that_are_no_paths_are_refused(void **state)
{
    static const char *const keys[] = { "box/d/../../out", "box/d//etc", "box/d/a//b", "box/d/." };
    struct fixture *f = *state;

    make_file("in", 3);
    assert_run(f, 0, "mb", "box");
    assert_run(f, 0, "put", "in", "box/d/good");
    for (size_t i = 0; i < GC_ARRAY_LEN(keys); i++) {
        assert_run(f, 0, "put", "in", keys[i]);
    }
    assert_run(f, GC_EXIT_FAILURE, "get", "-r", "box/d", "back", "--json");
    assert_says(OUT(f), "{\"got\":1,\"bytes\":3,\"skipped\":0,\"failed\":4,");
    assert_says(ERR(f), "d/../../out: cannot be a file below the folder: its name has a component");
    assert_file("back/good", 3);
    assert_int_equal(n_files("."), 2);
}

static void
links_in_the_folder_are_not_followed(void **state)
{
    struct fixture *f = *state;

    make_file("in", 3);
    assert_int_equal(mkdir("back", 0700), 0);
    assert_int_equal(mkdir("outside", 0700), 0);
    assert_int_equal(symlink("../outside", "back/d"), 0);
    assert_run(f, 0, "mb", "box");
    assert_run(f, 0, "put", "in", "box/d/x");
    assert_run(f, GC_EXIT_FAILURE, "get", "-r", "box", "back");
    assert_missing("outside/x");
}

static void
file_and_folder_of_one_name_are_an_error(void **state)
{
    struct fixture *f = *state;

    make_file("in", 3);
    assert_run(f, 0, "mb", "box");
    assert_run(f, 0, "put", "in", "box/a");
    assert_run(f, 0, "put", "in", "box/a/b");
    assert_run(f, GC_EXIT_FAILURE, "get", "-r", "box", "back", "-j", "1");
    assert_file("back/a", 3);
    assert_int_equal(n_files("back"), 1);
}

static void
removing_is_for_one_some_or_all(void **state)
{
    struct fixture *f = *state;

    make_tree();
    f->server.page_max = 3;
    assert_run(f, 0, "mb", "box");
    assert_run(f, 0, "put", "-r", "tree", "box");
    assert_run(f, 0, "put", "tree/-dash", "box/aa");
    assert_run(f, GC_EXIT_FAILURE, "rb", "box");
    assert_says(ERR(f), "BucketNotEmpty");
    assert_run(f, 0, "rm", "box/-dash", "box/empty.txt");
    assert_run(f, 0, "rm", "-r", "box/a", "--json");
    assert_says(OUT(f), "{\"removed\":2,");
    assert_run(f, 0, "stat", "box/aa");
    assert_run(f, 0, "rb", "-r", "box", "--json");
    assert_says(OUT(f), "\"removed\":5}");
    assert_run(f, GC_EXIT_NOT_FOUND, "stat", "box");
}

/* --- faults ----------------------------------------------------------------------------------- */

static void
unavailable_server_is_asked_again(void **state)
{
    struct fixture *f = *state;

    make_file("in", BIG);
    atomic_store(&f->server.faults.unavailable, 2);
    assert_run(f, 0, "mb", "box");
    atomic_store(&f->server.faults.unavailable, 2);
    assert_run(f, 0, "put", "in", "box/x");
    atomic_store(&f->server.faults.unavailable, 1);
    assert_run(f, 0, "get", "box/x", "back");
    assert_file("back", BIG);
    atomic_store(&f->server.faults.unavailable, 1);
    assert_run(f, 0, "rm", "box/x");
    atomic_store(&f->server.faults.unavailable, 2);
    assert_run(f, GC_EXIT_UNAVAILABLE, "ls", "--retries", "1");
    assert_int_equal(atomic_load(&f->server.faults.unavailable), 0);
}

static void
nobody_there_is_unavailable(void **state)
{
    struct fixture *f = *state;

    make_file("in", 3);
    assert_run(f, GC_EXIT_UNAVAILABLE, "--url", "http://127.0.0.1:1", "ls", "--retries", "1");
    assert_run(f, GC_EXIT_UNAVAILABLE, "--url", "http://127.0.0.1:1", "put", "in", "box/x",
               "--retries", "0");
}

static void
cut_transfers_are_taken_up_again(void **state)
{
    struct fixture *f = *state;

    make_file("in", BIG);
    assert_run(f, 0, "mb", "box");
    atomic_store(&f->server.faults.cut_put, 2);
    assert_run(f, 0, "put", "in", "box/x");
    assert_int_equal(atomic_load(&f->server.faults.cut_put), 0);
    /* More often than there are retries: each attempt brings something. */
    atomic_store(&f->server.faults.cut_get, 2);
    assert_run(f, 0, "get", "box/x", "back", "--retries", "1");
    assert_file("back", BIG);
    assert_int_equal(atomic_load(&f->server.faults.cut_get), 0);
    atomic_store(&f->server.faults.cut_get, 2);
    assert_run(f, 0, "get", "box/x", "-");
    assert_int_equal(f->out.len, BIG);
}

static void
pipe_that_was_read_is_not_sent_again(void **state)
{
    struct fixture *f = *state;
    struct pipe_end end = { .len = BIG };
    int fds[2], in = dup(STDIN_FILENO);

    assert_run(f, 0, "mb", "box");
    atomic_store(&f->server.faults.cut_put, 1);
    assert_int_equal(pipe(fds), 0);
    end.fd = fds[1];
    assert_int_equal(gc_thread_start(&end.thread, "feed", feed, &end), 0);
    assert_int_equal(dup2(fds[0], STDIN_FILENO), STDIN_FILENO);
    close(fds[0]);
    assert_run(f, GC_EXIT_UNAVAILABLE, "put", "-", "box/x");
    restore(STDIN_FILENO, in);
    gc_thread_join(&end.thread);
    assert_run(f, GC_EXIT_NOT_FOUND, "stat", "box/x");
}

static void
damaged_chunk_is_fetched_again(void **state)
{
    struct fixture *f = *state;

    make_file("in", BIG);
    assert_run(f, 0, "mb", "box");
    assert_run(f, 0, "put", "in", "box/x");
    atomic_store(&f->server.faults.damage_chunk, 1);
    assert_run(f, 0, "get", "box/x", "back");
    assert_file("back", BIG);
    atomic_store(&f->server.faults.damage_chunk, 1);
    assert_run(f, GC_EXIT_FAILURE, "get", "box/x", "back2", "--retries", "0");
    assert_says(ERR(f), "checksum");
    assert_int_equal(n_files("."), 2);
}

static void
wrong_md5_leaves_no_file(void **state)
{
    struct fixture *f = *state;

    make_file("in", BIG);
    assert_run(f, 0, "mb", "box");
    assert_run(f, 0, "put", "in", "box/x");
    atomic_store(&f->server.faults.lie_md5, 1);
    assert_run(f, GC_EXIT_FAILURE, "get", "box/x", "back");
    assert_says(ERR(f), "MD5");
    assert_int_equal(n_files("."), 1);
    atomic_store(&f->server.faults.change_stored, 1);
    assert_run(f, GC_EXIT_FAILURE, "put", "in", "box/x");
    assert_says(ERR(f), "differs");
}

static void
lost_answer_of_a_bucket_is_no_error(void **state)
{
    struct fixture *f = *state;

    atomic_store(&f->server.faults.lose_answer, 1);
    assert_run(f, 0, "mb", "box");
    atomic_store(&f->server.faults.lose_answer, 1);
    assert_run(f, 0, "rb", "box");
    assert_run(f, GC_EXIT_NOT_FOUND, "stat", "box");
}

static void
signal_leaves_nothing_behind(void **state)
{
    struct fixture *f = *state;

    make_file("in", BIG);
    assert_run(f, 0, "mb", "box");
    atomic_store(&f->server.faults.interrupt_put, 1);
    atomic_store(&f->server.faults.cut_put, 0);
    (void)run(f, "put", "in", "box/x", NULL); /* the signal may come too late */
    assert_run(f, 0, "put", "in", "box/x");
    atomic_store(&f->server.faults.interrupt_get, 1);
    assert_run(f, GC_EXIT_INTERRUPTED, "get", "box/x", "back");
    assert_string_equal(ERR(f), "gcommonctl: interrupted\n");
    assert_int_equal(n_files("."), 1);
    atomic_store(&f->server.faults.interrupt_get, 1);
    assert_run(f, GC_EXIT_INTERRUPTED, "get", "-r", "box", "back");
    assert_int_equal(n_files("."), 1);
}

/* --- TLS -------------------------------------------------------------------------------------- */

static void
server_is_verified_by_the_authority_given(void **state)
{
    struct fixture *f = *state;
    struct object_server server;
    struct gc_pki pki, other;
    struct gc_tls_ctx *tls;
    char url[64], by_name[64];

    gc_pki_init(&pki, "one");
    gc_pki_init(&other, "two");
    gc_pki_leaf(&pki, "web", "spiffe://test.gc/gcommon/web/w1");
    tls = gc_pki_ctx(&pki, GC_TLS_PUBLIC, true, "web");
    object_server_open(&server, tls, TOKEN);
    snprintf(url, sizeof(url), "https://127.0.0.1:%u", server.port);
    snprintf(by_name, sizeof(by_name), "https://localhost:%u/", server.port);
    make_file("in", BIG);
    assert_run(f, 0, "--url", url, "--ca", pki.ca_file, "mb", "box");
    assert_run(f, 0, "--url", by_name, "--ca", pki.ca_file, "put", "in", "box/x");
    assert_run(f, 0, "--url", url, "--ca", pki.ca_file, "get", "box/x", "back");
    assert_file("back", BIG);
    assert_run(f, GC_EXIT_UNAVAILABLE, "--url", url, "--ca", other.ca_file, "ls", "--retries", "0");
    assert_run(f, GC_EXIT_FAILURE, "--url", url, "--ca", "none.pem", "ls");
    object_server_close(&server);
    gc_tls_ctx_unref(tls);
    gc_pki_fini(&pki);
    gc_pki_fini(&other);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(object_goes_and_comes_back),
        CASE(object_takes_the_name_of_its_file),
        CASE(standard_output_and_input_are_dashes),
        CASE(pipe_is_stored_to_its_end),
        CASE(slow_reader_of_a_pipe_gets_all),
        CASE(content_type_is_kept),
        CASE(results_are_json_when_asked),
        CASE(errors_end_in_their_exit_status),
        CASE(wrong_usage_is_told_before_anybody_is_called),
        CASE(listing_stops_at_slashes_unless_recursive),
        CASE(listing_in_a_circle_ends),
        CASE(tree_goes_and_comes_back),
        CASE(what_is_no_regular_file_is_skipped),
        CASE(names_that_are_no_keys_are_counted),
        CASE(keys_that_are_no_paths_are_refused),
        CASE(links_in_the_folder_are_not_followed),
        CASE(file_and_folder_of_one_name_are_an_error),
        CASE(removing_is_for_one_some_or_all),
        CASE(unavailable_server_is_asked_again),
        CASE(nobody_there_is_unavailable),
        CASE(cut_transfers_are_taken_up_again),
        CASE(pipe_that_was_read_is_not_sent_again),
        CASE(damaged_chunk_is_fetched_again),
        CASE(wrong_md5_leaves_no_file),
        CASE(lost_answer_of_a_bucket_is_no_error),
        CASE(signal_leaves_nothing_behind),
        CASE(server_is_verified_by_the_authority_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
