/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "cli/cli.h"
#include "cli/json.h"

#define ARGV_MAX 16

/* A command with one option of each kind, and what parsing made of them. */
struct fixture {
    struct gc_cli cli;
    const char *name;
    bool all;
    struct gc_cli_opt opts[2];
    struct gc_cli_usage usage;
    char *argv[ARGV_MAX]; /* owns the words */
    char *own[ARGV_MAX];  /* what the parser may rearrange */
    int argc;
    size_t n_args;
    int status;
};

static int
set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    f->opts[0] = (struct gc_cli_opt){
        .name = "name", .letter = 'n', .arg = "N", .value = &f->name, .help = "a name"
    };
    f->opts[1] = (struct gc_cli_opt){ .name = "all", .letter = 'a', .on = &f->all, .help = "all" };
    f->usage = (struct gc_cli_usage){ .name = "test",
                                      .args = "FILE...",
                                      .summary = "Test.",
                                      .opts = f->opts,
                                      .n_opts = 2,
                                      .n_args_max = 3 };
    f->status = -1;
    *state = f;
    return 0;
}

static void
forget_words(struct fixture *f)
{
    for (int i = 0; i < f->argc; i++) {
        free(f->argv[i]);
    }
    f->argc = 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;

    forget_words(f);
    free(f);
    return 0;
}

/* Take LINE, its words separated by single blanks, as the arguments of a program. */
static void
take_words(struct fixture *f, const char *line)
{
    forget_words(f);
    for (size_t len; *line != '\0'; line += len + (line[len] == ' ')) {
        len = strcspn(line, " ");
        assert_true(f->argc < ARGV_MAX);
        f->argv[f->argc] = strndup(line, len);
        assert_non_null(f->argv[f->argc]);
        f->argc++;
    }
    memcpy(f->own, f->argv, sizeof(f->own));
}

static bool
parse(struct fixture *f, const char *line)
{
    take_words(f, line);
    return gc_cli_parse(&f->cli, &f->usage, f->argc, f->own, &f->n_args, &f->status);
}

static int
dispatch(struct fixture *f, const struct gc_cli_command *commands, const char *line)
{
    take_words(f, line);
    return gc_cli_dispatch(&f->cli, "group", commands, f->argc, f->own);
}

static void
options_and_arguments_may_be_mixed(void **state)
{
    struct fixture *f = *state;

    assert_true(parse(f, "test one --name x two -a --json --url=https://h/ three"));
    assert_string_equal(f->name, "x");
    assert_true(f->all);
    assert_true(f->cli.json);
    assert_string_equal(f->cli.url, "https://h/");
    assert_int_equal(f->n_args, 3);
}

static void
arguments_stand_first_after_parsing(void **state)
{
    struct fixture *f = *state;

    assert_true(parse(f, "test -n x one --all two"));
    assert_int_equal(f->n_args, 2);
    assert_string_equal(f->own[1], "one");
    assert_string_equal(f->own[2], "two");
}

static void
after_two_dashes_all_are_arguments(void **state)
{
    struct fixture *f = *state;

    assert_true(parse(f, "test -- --name -a --"));
    assert_null(f->name);
    assert_false(f->all);
    assert_int_equal(f->n_args, 3);
}

static void
single_dash_is_an_argument(void **state)
{
    struct fixture *f = *state;

    assert_true(parse(f, "test - -n -"));
    assert_int_equal(f->n_args, 1);
    assert_string_equal(f->name, "-");
}

static void
value_may_be_empty_or_have_an_equals_sign(void **state)
{
    struct fixture *f = *state;

    assert_true(parse(f, "test --name= --token=a=b"));
    assert_string_equal(f->name, "");
    assert_string_equal(f->cli.token, "a=b");
}

static void
help_ends_the_command_well(void **state)
{
    struct fixture *f = *state;

    assert_false(parse(f, "test --help"));
    assert_int_equal(f->status, GC_EXIT_OK);
}

static void
refused(struct fixture *f, const char *line)
{
    f->status = -1;
    assert_false(parse(f, line));
    assert_int_equal(f->status, GC_EXIT_USAGE);
}

static void
what_the_table_does_not_know_is_refused(void **state)
{
    struct fixture *f = *state;

    refused(f, "test --nam x");
    refused(f, "test --names x");
    refused(f, "test -x");
    refused(f, "test -an");
    refused(f, "test --all=yes");
    refused(f, "test --name");
    refused(f, "test --=x");
    refused(f, "test one two three four");
}

static void
required_options_and_arguments_are_asked_for(void **state)
{
    struct fixture *f = *state;

    f->opts[0].required = true;
    refused(f, "test one");
    f->opts[0].required = false;
    f->usage.n_args_min = 1;
    refused(f, "test");
    assert_true(parse(f, "test one"));
}

static void
errors_have_the_documented_exit_status(void **state)
{
    (void)state;
    assert_int_equal(gc_cli_exit_of(0), 0);
    assert_int_equal(gc_cli_exit_of(GC_EPARSE), 1);
    assert_int_equal(gc_cli_exit_of(-EIO), 1);
    assert_int_equal(gc_cli_exit_of(GC_ENOTFOUND), 3);
    assert_int_equal(gc_cli_exit_of(-ENOENT), 3);
    assert_int_equal(gc_cli_exit_of(GC_EDENIED), 4);
    assert_int_equal(gc_cli_exit_of(GC_EAUTH), 4);
    assert_int_equal(gc_cli_exit_of(-EACCES), 4);
    assert_int_equal(gc_cli_exit_of(GC_EUNAVAILABLE), 5);
    assert_int_equal(gc_cli_exit_of(GC_EDEADLINE), 5);
    assert_int_equal(gc_cli_exit_of(-ECONNREFUSED), 5);
}

static int
run_ok(struct gc_cli *cli, int argc, char **argv)
{
    (void)cli;
    return argc == 2 && strcmp(argv[0], "go") == 0 && strcmp(argv[1], "x") == 0 ? 0 : 77;
}

static void
dispatch_finds_the_command_or_says_usage(void **state)
{
    static const struct gc_cli_command commands[] = { { "go", run_ok, "go" }, { 0 } };
    struct fixture *f = *state;

    assert_int_equal(dispatch(f, commands, "group go x"), 0);
    assert_int_equal(dispatch(f, commands, "group gone"), GC_EXIT_USAGE);
    assert_int_equal(dispatch(f, commands, "group"), GC_EXIT_USAGE);
    assert_int_equal(dispatch(f, commands, "group --help"), GC_EXIT_OK);
}

static void
json_strings_are_escaped(void **state)
{
    static const char text[] = "a\"b\\c\n\x7f\0\xc3\xb6\xff\xe2\x82z\xf0\x9f\x98\x80";
    struct gc_buf out;

    (void)state;
    gc_buf_init(&out, 256);
    assert_int_equal(gc_json_str(&out, (struct gc_str){ text, sizeof(text) - 1 }), 0);
    assert_string_equal(gc_buf_cstr(&out),
                        "\"a\\\"b\\\\c\\u000a\\u007f\\u0000\xc3\xb6\\ufffd\\ufffd\\ufffdz"
                        "\xf0\x9f\x98\x80\"");
    gc_buf_fini(&out);
}

static void
json_over_the_limit_is_an_error(void **state)
{
    struct gc_buf out;

    (void)state;
    gc_buf_init(&out, 4);
    assert_int_equal(gc_json_str(&out, GC_STR("abcd")), GC_ELIMIT);
    gc_buf_fini(&out);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(options_and_arguments_may_be_mixed),
        CASE(arguments_stand_first_after_parsing),
        CASE(after_two_dashes_all_are_arguments),
        CASE(single_dash_is_an_argument),
        CASE(value_may_be_empty_or_have_an_equals_sign),
        CASE(help_ends_the_command_well),
        CASE(what_the_table_does_not_know_is_refused),
        CASE(required_options_and_arguments_are_asked_for),
        CASE(errors_have_the_documented_exit_status),
        CASE(dispatch_finds_the_command_or_says_usage),
        CASE(json_strings_are_escaped),
        CASE(json_over_the_limit_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
