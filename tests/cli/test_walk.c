/* SPDX-License-Identifier: GPL-3.0-or-later */
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

#include "base/err.h"
#include "base/macros.h"
#include "cli/walk.h"

struct fixture {
    char dir[64];
    int home_fd;
};

static int
set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    snprintf(f->dir, sizeof(f->dir), "/tmp/gc-walk-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    f->home_fd = open(".", O_RDONLY | O_DIRECTORY);
    assert_int_equal(chdir(f->dir), 0);
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
    assert_int_equal(nftw(f->dir, remove_one, 700, FTW_DEPTH | FTW_PHYS), 0);
    free(f);
    return 0;
}

static void
make_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT, 0600);

    assert_true(fd >= 0);
    close(fd);
}

static void
make_dirs(const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(mkdir(names[i], 0700), 0);
    }
}

static void
paths_come_in_the_order_of_their_bytes(void **state)
{
    static const char *const dirs[] = { "t", "t/a", "t/a/a", "t/b", "t/b/empty", "t/a.d" };
    static const char *const files[] = { "a!",  "a-b", "a.d/x", "a/a/1", "a/b",
                                         "a/z", "a0",  "b.x",   "b/1",   "\xff" };
    struct gc_walk_entry entry;
    struct gc_walk *walk;
    char path[64];

    (void)state;
    make_dirs(dirs, GC_ARRAY_LEN(dirs));
    for (size_t i = GC_ARRAY_LEN(files); i > 0; i--) {
        snprintf(path, sizeof(path), "t/%s", files[i - 1]);
        make_file(path);
    }
    assert_int_equal(gc_walk_open("t", &walk), 0);
    for (size_t i = 0; i < GC_ARRAY_LEN(files); i++) {
        gc_walk_next(walk, &entry);
        assert_int_equal(entry.kind, GC_WALK_FILE);
        assert_string_equal(entry.path.data, files[i]);
        assert_int_equal(entry.path.len, strlen(files[i]));
        assert_int_equal(faccessat(entry.dir_fd, entry.name, R_OK, 0), 0);
    }
    gc_walk_next(walk, &entry);
    assert_int_equal(entry.kind, GC_WALK_END);
    gc_walk_next(walk, &entry);
    assert_int_equal(entry.kind, GC_WALK_END);
    gc_walk_close(walk);
}

static void
others_are_named_and_not_entered(void **state)
{
    static const char *const dirs[] = { "t", "t/d", "outside" };
    struct gc_walk_entry entry;
    struct gc_walk *walk;

    (void)state;
    make_dirs(dirs, GC_ARRAY_LEN(dirs));
    make_file("outside/secret");
    assert_int_equal(symlink("../../outside", "t/d/link"), 0);
    assert_int_equal(mkfifo("t/pipe", 0600), 0);
    assert_int_equal(gc_walk_open("t", &walk), 0);
    gc_walk_next(walk, &entry);
    assert_int_equal(entry.kind, GC_WALK_OTHER);
    assert_string_equal(entry.path.data, "d/link");
    assert_string_equal(entry.why, "a symbolic link");
    gc_walk_next(walk, &entry);
    assert_int_equal(entry.kind, GC_WALK_OTHER);
    assert_string_equal(entry.why, "a named pipe");
    gc_walk_next(walk, &entry);
    assert_int_equal(entry.kind, GC_WALK_END);
    gc_walk_close(walk);
}

static void
folder_that_became_a_link_is_not_entered(void **state)
{
    static const char *const dirs[] = { "t", "t/d", "outside" };
    struct gc_walk_entry entry;
    struct gc_walk *walk;

    (void)state;
    make_dirs(dirs, GC_ARRAY_LEN(dirs));
    make_file("outside/secret");
    assert_int_equal(gc_walk_open("t", &walk), 0);
    assert_int_equal(rmdir("t/d"), 0);
    assert_int_equal(symlink("../outside", "t/d"), 0);
    gc_walk_next(walk, &entry);
    assert_int_equal(entry.kind, GC_WALK_FAILED);
    assert_string_equal(entry.path.data, "d");
    assert_true(entry.rc == -ENOTDIR || entry.rc == -ELOOP);
    gc_walk_next(walk, &entry);
    assert_int_equal(entry.kind, GC_WALK_END);
    gc_walk_close(walk);
}

static void
what_is_no_folder_cannot_be_walked(void **state)
{
    struct gc_walk *walk;

    (void)state;
    make_file("file");
    assert_int_equal(gc_walk_open("none", &walk), -ENOENT);
    assert_int_equal(gc_walk_open("file", &walk), -ENOTDIR);
    gc_walk_close(NULL);
}

static void
walk_goes_as_deep_as_keys_can(void **state)
{
    struct fixture *f = *state;
    struct gc_walk_entry entry;
    struct gc_walk *walk;
    unsigned n_files = 0;

    make_file("x");
    for (unsigned i = 0; i < 520; i++) {
        assert_int_equal(mkdir("d", 0700), 0);
        assert_int_equal(chdir("d"), 0);
        make_file("x");
    }
    assert_int_equal(gc_walk_open(f->dir, &walk), 0);
    for (gc_walk_next(walk, &entry); entry.kind == GC_WALK_FILE; gc_walk_next(walk, &entry)) {
        n_files++;
    }
    /* First, on the way down, the folder that is too deep; then the files on the way up. */
    assert_int_equal(entry.kind, GC_WALK_FAILED);
    assert_int_equal(entry.rc, GC_ELIMIT);
    assert_int_equal(entry.path.len, 1025);
    for (gc_walk_next(walk, &entry); entry.kind == GC_WALK_FILE; gc_walk_next(walk, &entry)) {
        n_files++;
    }
    assert_int_equal(entry.kind, GC_WALK_END);
    assert_int_equal(n_files, 513);
    gc_walk_close(walk);
}

static void
closing_early_closes_all(void **state)
{
    static const char *const dirs[] = { "t", "t/a", "t/a/b" };
    struct gc_walk_entry entry;
    struct gc_walk *walk;
    int fd = dup(0), next;

    (void)state;
    close(fd);
    make_dirs(dirs, GC_ARRAY_LEN(dirs));
    make_file("t/a/b/x");
    assert_int_equal(gc_walk_open("t", &walk), 0);
    gc_walk_next(walk, &entry);
    assert_int_equal(entry.kind, GC_WALK_FILE);
    gc_walk_close(walk);
    next = dup(0);
    assert_int_equal(next, fd);
    close(next);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(paths_come_in_the_order_of_their_bytes),
        CASE(others_are_named_and_not_entered),
        CASE(folder_that_became_a_link_is_not_entered),
        CASE(what_is_no_folder_cannot_be_walked),
        CASE(walk_goes_as_deep_as_keys_can),
        CASE(closing_early_closes_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
