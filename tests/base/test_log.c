/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/thread.h"

/* stderr is a pipe while a test runs. */
struct fixture {
    int stderr_fd;
    int read_fd;
    char text[65536];
};

static int
setup(void **state)
{
    int fds[2];
    struct fixture *f = calloc(1, sizeof(*f));
    if (pipe(fds) != 0 || fcntl(fds[0], F_SETFL, O_NONBLOCK) != 0) {
        return -1;
    }
    f->stderr_fd = dup(STDERR_FILENO);
    f->read_fd = fds[0];
    dup2(fds[1], STDERR_FILENO);
    close(fds[1]);
    gc_log_setup("unit", GC_LOG_INFO, GC_LOG_LOGFMT);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    dup2(f->stderr_fd, STDERR_FILENO);
    close(f->stderr_fd);
    close(f->read_fd);
    free(f);
    return 0;
}

/* All that was logged since the last call. */
static const char *
logged(struct fixture *f)
{
    size_t len = 0;
    ssize_t n;
    while ((n = read(f->read_fd, f->text + len, sizeof(f->text) - 1 - len)) > 0) {
        len += (size_t)n;
    }
    f->text[len] = '\0';
    return f->text;
}

/* The same without the time stamp, which is looked at and left out. */
static const char *
logged_after_time(struct fixture *f)
{
    const char *text = logged(f);
    unsigned year, month, day, hour, minute, second, ms;
    int end = 0;
    assert_int_equal(sscanf(text, "ts=%4u-%2u-%2uT%2u:%2u:%2u.%3uZ %n", &year, &month, &day, &hour,
                            &minute, &second, &ms, &end),
                     7);
    assert_int_equal(end, 28);
    return text + end;
}

static void
a_line_is_logfmt(void **state)
{
    struct fixture *f = *state;
    gc_log(GC_LOG_WARN, "rpc.retry", "peer=%s attempt=%u", "10.0.0.1:7400", 3u);
    assert_string_equal(logged_after_time(f), "level=warn event=rpc.retry daemon=unit "
                                              "peer=10.0.0.1:7400 attempt=3\n");
}

static void
a_line_is_json(void **state)
{
    struct fixture *f = *state;
    gc_log_setup("unit", GC_LOG_INFO, GC_LOG_JSON);
    gc_log(GC_LOG_ERROR, "disk.full", "path=%s text=\"no space left\" flag n=%d",
           gc_log_q(GC_STR("/a\\b\"c")), 5);
    const char *text = logged(f);
    assert_memory_equal(text, "{\"ts\":\"", 7);
    assert_string_equal(
        strchr(text, ',') + 1,
        "\"level\":\"error\",\"event\":\"disk.full\",\"daemon\":\"unit\","
        "\"path\":\"/a\\\\x5cb\\\\x22c\",\"text\":\"no space left\",\"flag\":\"true\","
        "\"n\":\"5\"}\n");
}

static void
the_trace_of_a_request_is_in_its_lines(void **state)
{
    struct fixture *f = *state;
    struct gc_trace trace;
    gc_trace_adopt(&trace, GC_STR("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
    gc_log_trace(GC_LOG_INFO, &trace, "get", "n=%d", 1);
    assert_string_equal(logged_after_time(f), "level=info event=get daemon=unit "
                                              "trace=0af7651916cd43dd8448eb211c80319c n=1\n");
    gc_log_trace(GC_LOG_INFO, NULL, "get", "n=%d", 2);
    assert_string_equal(logged_after_time(f), "level=info event=get daemon=unit n=2\n");
}

static void
levels_above_the_chosen_one_are_silent(void **state)
{
    struct fixture *f = *state;
    gc_log(GC_LOG_DEBUG, "a", "n=%d", 1);
    assert_string_equal(logged(f), "");
    assert_false(gc_log_on(GC_LOG_DEBUG));
    gc_log_set_level(GC_LOG_DEBUG);
    assert_true(gc_log_on(GC_LOG_DEBUG));
    gc_log(GC_LOG_DEBUG, "a", "n=%d", 1);
    assert_non_null(strstr(logged(f), "level=debug event=a"));
    gc_log_set_level(GC_LOG_ERROR);
    gc_log(GC_LOG_WARN, "a", "n=%d", 1);
    assert_string_equal(logged(f), "");
}

static void
level_names_are_read(void **state)
{
    enum gc_log_level level = GC_LOG_INFO;
    (void)state;
    assert_int_equal(gc_log_level_parse(GC_STR("debug"), &level), 0);
    assert_int_equal(level, GC_LOG_DEBUG);
    assert_int_equal(gc_log_level_parse(GC_STR("error"), &level), 0);
    assert_int_equal(level, GC_LOG_ERROR);
    assert_int_equal(gc_log_level_parse(GC_STR("trace"), &level), GC_EPARSE);
    assert_int_equal(level, GC_LOG_ERROR);
}

static void
a_quoted_value_is_escaped(void **state)
{
    (void)state;
    assert_string_equal(gc_log_q(GC_STR("plain-value/1")), "\"plain-value/1\"");
    assert_string_equal(gc_log_q(GC_STR("")), "\"\"");
    assert_string_equal(gc_log_q(GC_STR("a b\n\"\\=\x7f\xc3\xa4\0z")),
                        "\"a\\x20b\\x0a\\x22\\x5c\\x3d\\x7f\\xc3\\xa4\\x00z\"");
}

static void
a_quoted_value_has_at_most_256_bytes(void **state)
{
    char text[1000];
    (void)state;
    memset(text, 'x', sizeof(text));
    const char *q = gc_log_q((struct gc_str){ text, sizeof(text) });
    assert_int_equal(strlen(q), 258);
    assert_string_equal(q + 254, "...\"");
    memset(text, ' ', sizeof(text));
    q = gc_log_q((struct gc_str){ text, sizeof(text) });
    assert_true(strlen(q) <= 258);
    assert_string_equal(q + strlen(q) - 8, "\\x20...\"");
    memset(text, 'x', 256);
    q = gc_log_q((struct gc_str){ text, 253 });
    assert_null(strstr(q, "..."));
}

static void
a_quoted_value_outlives_four_more(void **state)
{
    (void)state;
    const char *first = gc_log_q(GC_STR("first"));
    for (int i = 0; i < 4; i++) {
        gc_log_q(GC_STR("other"));
    }
    assert_string_equal(first, "\"first\"");
}

static void
no_value_can_break_the_line(void **state)
{
    static const char *const values[] = {
        "a\nlevel=error event=forged", "\"", "a\"b", "\\", "a=b", "\x1b[31m", "\xff\xfe", "=", "",
    };
    struct fixture *f = *state;
    for (int json = 0; json < 2; json++) {
        gc_log_setup("unit", GC_LOG_INFO, json ? GC_LOG_JSON : GC_LOG_LOGFMT);
        for (size_t i = 0; i < GC_ARRAY_LEN(values); i++) {
            gc_log(GC_LOG_INFO, "x", "v=%s", values[i]);
            gc_log(GC_LOG_INFO, "x", "v=\"%s", values[i]);
            const char *text = logged(f);
            size_t lines = 0;
            for (; *text != '\0'; text++) {
                lines += *text == '\n';
                assert_true(*text == '\n' || (*text >= 0x20 && *text <= 0x7e));
            }
            assert_int_equal(lines, 2);
        }
    }
}

static void
what_does_not_fit_is_left_out_whole(void **state)
{
    struct fixture *f = *state;
    char value[2001];
    char many[2500];
    size_t n = 0;
    memset(value, 'v', 2000);
    value[2000] = '\0';
    gc_log(GC_LOG_INFO, "x", "v=%s", value);
    assert_true(strlen(logged(f)) < 400); /* one value has its limit */
    for (int i = 0; n < sizeof(many) - 8; i++) {
        n += (size_t)snprintf(many + n, sizeof(many) - n, "k%d=\\\\ ", i % 10);
    }
    for (int json = 0; json < 2; json++) {
        gc_log_setup("unit", GC_LOG_INFO, json ? GC_LOG_JSON : GC_LOG_LOGFMT);
        gc_log(GC_LOG_INFO, "x", "%s", many);
        const char *end = json ? ",\"truncated\":\"true\"}\n" : " truncated=true\n";
        const char *text = logged(f);
        size_t len = strlen(text);
        assert_in_range(len, strlen(end), 4096);
        assert_string_equal(text + len - strlen(end), end);
    }
}

static void
logging_keeps_errno(void **state)
{
    struct fixture *f = *state;
    errno = EXDEV;
    gc_log(GC_LOG_INFO, "x", "n=%d", 1);
    assert_int_equal(errno, EXDEV);
    close(STDERR_FILENO);
    gc_log(GC_LOG_INFO, "x", "n=%d", 1);
    assert_int_equal(errno, EXDEV);
    dup2(f->stderr_fd, STDERR_FILENO);
}

static void
chatter(void *arg)
{
    const char *name = arg;
    for (int i = 0; i < 50; i++) {
        gc_log(GC_LOG_INFO, "chat", "who=%s q=%s end=1", name, gc_log_q(gc_str_of(name)));
    }
}

static void
lines_of_threads_stay_whole(void **state)
{
    static char names[2][4] = { "aaa", "bbb" };
    struct fixture *f = *state;
    struct gc_thread threads[2];
    size_t lines = 0;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(gc_thread_start(&threads[i], "chat", chatter, names[i]), 0);
    }
    for (size_t i = 0; i < 2; i++) {
        gc_thread_join(&threads[i]);
    }
    logged(f);
    for (char *line = f->text; *line != '\0'; lines++) {
        char *end = strchr(line, '\n');
        assert_non_null(end);
        *end = '\0';
        assert_memory_equal(line, "ts=", 3);
        assert_true(strstr(line, " who=aaa q=\"aaa\" end=1") != NULL ||
                    strstr(line, " who=bbb q=\"bbb\" end=1") != NULL);
        line = end + 1;
    }
    assert_int_equal(lines, 100);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_line_is_logfmt),
        CASE(a_line_is_json),
        CASE(the_trace_of_a_request_is_in_its_lines),
        CASE(levels_above_the_chosen_one_are_silent),
        CASE(level_names_are_read),
        CASE(a_quoted_value_is_escaped),
        CASE(a_quoted_value_has_at_most_256_bytes),
        CASE(a_quoted_value_outlives_four_more),
        CASE(no_value_can_break_the_line),
        CASE(what_does_not_fit_is_left_out_whole),
        CASE(logging_keeps_errno),
        CASE(lines_of_threads_stay_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
