/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <dirent.h>
#include <errno.h>
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
#include "base/file.h"
#include "base/macros.h"

struct fixture {
    char dir[64];
    char path[96];
    struct gc_buf out;
};

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    snprintf(f->dir, sizeof(f->dir), "/tmp/gc_file.XXXXXX");
    if (mkdtemp(f->dir) == NULL) {
        return -1;
    }
    snprintf(f->path, sizeof(f->path), "%s/file", f->dir);
    gc_buf_init(&f->out, 1024 * 1024);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    gc_buf_fini(&f->out);
    unlink(f->path);
    int rc = rmdir(f->dir); /* fails when a temporary file was left */
    free(f);
    return rc;
}

static void
what_was_written_is_read(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    assert_int_equal(gc_file_write(f->path, "hello\0there", 11, 0600), 0);
    assert_int_equal(stat(f->path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(gc_buf_append_str(&f->out, ">"), 0);
    assert_int_equal(gc_file_read(f->path, 11, false, &f->out), 0);
    assert_int_equal(f->out.len, 12);
    assert_memory_equal(f->out.data, ">hello\0there", 12);
}

static void
a_write_replaces_the_whole_file(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(gc_file_write(f->path, "a long text", 11, 0600), 0);
    assert_int_equal(gc_file_write(f->path, "new", 3, 0644), 0);
    assert_int_equal(gc_file_read(f->path, 100, false, &f->out), 0);
    assert_string_equal(gc_buf_cstr(&f->out), "new");
}

static void
an_empty_file_is_read(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(gc_file_write(f->path, NULL, 0, 0600), 0);
    assert_int_equal(gc_file_read(f->path, 0, true, &f->out), 0);
    assert_int_equal(f->out.len, 0);
}

static void
a_file_over_the_limit_is_refused(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(gc_file_write(f->path, "12345678", 8, 0600), 0);
    assert_int_equal(gc_buf_append_str(&f->out, "keep"), 0);
    assert_int_equal(gc_file_read(f->path, 7, false, &f->out), GC_ELIMIT);
    assert_string_equal(gc_buf_cstr(&f->out), "keep");
    assert_int_equal(gc_file_read(f->path, 8, false, &f->out), 0);
}

static void
the_limit_of_the_buffer_counts_too(void **state)
{
    struct fixture *f = *state;
    struct gc_buf small;
    assert_int_equal(gc_file_write(f->path, "12345678", 8, 0600), 0);
    gc_buf_init(&small, 7);
    assert_int_equal(gc_file_read(f->path, 100, false, &small), GC_ELIMIT);
    assert_int_equal(small.len, 0);
    gc_buf_fini(&small);
    gc_buf_init(&small, 8);
    assert_int_equal(gc_file_read(f->path, 100, false, &small), 0);
    assert_int_equal(small.len, 8);
    gc_buf_fini(&small);
}

static void
a_file_whose_size_is_not_known_is_read_whole(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(gc_file_read("/proc/self/status", 1024 * 1024, false, &f->out), 0);
    assert_non_null(strstr(gc_buf_cstr(&f->out), "voluntary_ctxt_switches"));
}

static void
a_large_file_is_read_whole(void **state)
{
    struct fixture *f = *state;
    size_t len = 700 * 1000;
    char *data = malloc(len);
    for (size_t i = 0; i < len; i++) {
        data[i] = (char)(i * 31 >> 3);
    }
    assert_int_equal(gc_file_write(f->path, data, len, 0600), 0);
    assert_int_equal(gc_file_read(f->path, len, true, &f->out), 0);
    assert_int_equal(f->out.len, len);
    assert_memory_equal(f->out.data, data, len);
    free(data);
}

static void
a_secret_that_others_can_reach_is_refused(void **state)
{
    static const struct {
        mode_t mode;
        int rc;
    } cases[] = {
        { 0400, 0 },      { 0600, 0 },      { 0640, 0 },      { 0440, 0 },      { 0660, -EPERM },
        { 0644, -EPERM }, { 0604, -EPERM }, { 0602, -EPERM }, { 0610, -EPERM }, { 0601, -EPERM },
    };
    struct fixture *f = *state;
    assert_int_equal(gc_file_write(f->path, "secret", 6, 0600), 0);
    for (size_t i = 0; i < GC_ARRAY_LEN(cases); i++) {
        gc_buf_clear(&f->out);
        assert_int_equal(chmod(f->path, cases[i].mode), 0);
        assert_int_equal(gc_file_read(f->path, 100, true, &f->out), cases[i].rc);
        assert_int_equal(f->out.len, cases[i].rc == 0 ? 6 : 0);
        assert_int_equal(gc_file_read(f->path, 100, false, &f->out), 0);
    }
}

static void
what_is_not_a_regular_file_is_refused(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(gc_file_read(f->dir, 100, false, &f->out), -EINVAL);
    assert_int_equal(gc_file_read("/dev/null", 100, false, &f->out), -EINVAL);
    assert_int_equal(mkfifo(f->path, 0600), 0);
    assert_int_equal(gc_file_read(f->path, 100, false, &f->out), -EINVAL);
}

static void
a_missing_file_is_enoent(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(gc_file_read(f->path, 100, false, &f->out), -ENOENT);
    strcat(f->path, "/no/dir");
    assert_int_equal(gc_file_write(f->path, "x", 1, 0600), -ENOENT);
}

static void
a_failed_write_leaves_no_temporary_file(void **state)
{
    struct fixture *f = *state;
    /* The new content is written, then it cannot be renamed over a directory. */
    assert_int_equal(mkdir(f->path, 0700), 0);
    assert_int_equal(gc_file_write(f->path, "x", 1, 0600), -EISDIR);
    assert_int_equal(rmdir(f->path), 0);
}

static void
a_path_too_long_is_refused(void **state)
{
    char path[8192];
    (void)state;
    memset(path, 'x', sizeof(path));
    path[sizeof(path) - 1] = '\0';
    assert_int_equal(gc_file_write(path, "x", 1, 0600), -ENAMETOOLONG);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(what_was_written_is_read),
        CASE(a_write_replaces_the_whole_file),
        CASE(an_empty_file_is_read),
        CASE(a_file_over_the_limit_is_refused),
        CASE(the_limit_of_the_buffer_counts_too),
        CASE(a_file_whose_size_is_not_known_is_read_whole),
        CASE(a_large_file_is_read_whole),
        CASE(a_secret_that_others_can_reach_is_refused),
        CASE(what_is_not_a_regular_file_is_refused),
        CASE(a_missing_file_is_enoent),
        CASE(a_failed_write_leaves_no_temporary_file),
        CASE(a_path_too_long_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
