/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/err.h"
#include "base/version.h"
#include "crypto/crypto.h"

#define PROGRAM       "gcommonctl"
#define N_COMMON_OPTS 6
#define HELP_COLUMN   26

/* --- errors ----------------------------------------------------------------------------------- */

static const struct {
    int rc;
    int status;
} statuses[] = {
    { GC_ENOTFOUND, GC_EXIT_NOT_FOUND },
    { -ENOENT, GC_EXIT_NOT_FOUND },
    { GC_EAUTH, GC_EXIT_DENIED },
    { GC_EDENIED, GC_EXIT_DENIED },
    { GC_EIDENTITY, GC_EXIT_DENIED },
    { -EACCES, GC_EXIT_DENIED },
    { -EPERM, GC_EXIT_DENIED },
    { GC_EUNAVAILABLE, GC_EXIT_UNAVAILABLE },
    { GC_EDEADLINE, GC_EXIT_UNAVAILABLE },
    { GC_ECLOSED, GC_EXIT_UNAVAILABLE },
    { GC_ETLS, GC_EXIT_UNAVAILABLE },
    { GC_EREADONLY, GC_EXIT_UNAVAILABLE },
    { -ECONNREFUSED, GC_EXIT_UNAVAILABLE },
    { -ECONNRESET, GC_EXIT_UNAVAILABLE },
    { -ETIMEDOUT, GC_EXIT_UNAVAILABLE },
    { -EHOSTUNREACH, GC_EXIT_UNAVAILABLE },
    { -ENETUNREACH, GC_EXIT_UNAVAILABLE },
    { -EPIPE, GC_EXIT_UNAVAILABLE },
};

int
gc_cli_exit_of(int rc)
{
    for (size_t i = 0; i < GC_ARRAY_LEN(statuses); i++) {
        if (statuses[i].rc == rc) {
            return statuses[i].status;
        }
    }
    return rc == 0 ? GC_EXIT_OK : GC_EXIT_FAILURE;
}

int
gc_cli_usage_error(const char *fmt, ...)
{
    va_list ap;

    fputs(PROGRAM ": ", stderr);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    return GC_EXIT_USAGE;
}

int
gc_cli_fail(int rc, const char *fmt, ...)
{
    va_list ap;

    fputs(PROGRAM ": ", stderr);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fprintf(stderr, ": %s\n", gc_err_text(rc));
    return gc_cli_exit_of(rc);
}

/* --- options ---------------------------------------------------------------------------------- */

static void
common_opts(struct gc_cli *cli, struct gc_cli_opt opts[N_COMMON_OPTS])
{
    opts[0] = (struct gc_cli_opt){ .name = "url",
                                   .arg = "URL",
                                   .value = &cli->url,
                                   .help = "address of a web server (GCOMMON_URL)" };
    opts[1] = (struct gc_cli_opt){ .name = "ca",
                                   .arg = "FILE",
                                   .value = &cli->ca,
                                   .help = "who signs its certificate, PEM (GCOMMON_CA)" };
    opts[2] = (struct gc_cli_opt){ .name = "token",
                                   .arg = "TOKEN",
                                   .value = &cli->token,
                                   .help = "who you are; better given by GCOMMON_TOKEN" };
    opts[3] = (struct gc_cli_opt){ .name = "cert",
                                   .arg = "FILE",
                                   .value = &cli->cert,
                                   .help = "or by this certificate, PEM (GCOMMON_CERT)" };
    opts[4] = (struct gc_cli_opt){
        .name = "key", .arg = "FILE", .value = &cli->key, .help = "and its key, PEM (GCOMMON_KEY)"
    };
    opts[5] =
        (struct gc_cli_opt){ .name = "json", .on = &cli->json, .help = "print results as JSON" };
}

static void
print_opts(const struct gc_cli_opt *opts, size_t n_opts)
{
    for (size_t i = 0; i < n_opts; i++) {
        char left[64];
        int len;

        if (opts[i].letter != 0) {
            len = snprintf(left, sizeof(left), "  -%c, --%s", opts[i].letter, opts[i].name);
        } else {
            len = snprintf(left, sizeof(left), "      --%s", opts[i].name);
        }
        if (opts[i].arg != NULL && len > 0 && (size_t)len < sizeof(left)) {
            snprintf(left + len, sizeof(left) - (size_t)len, " %s", opts[i].arg);
        }
        printf("%-*s %s%s\n", HELP_COLUMN, left, opts[i].help,
               opts[i].required ? " (required)" : "");
    }
}

static void
print_usage(const struct gc_cli_usage *usage)
{
    printf("Usage: " PROGRAM " %s%s%s%s\n\n%s\n", usage->name,
           usage->n_opts > 0 ? " [OPTION]..." : "", usage->args[0] != '\0' ? " " : "", usage->args,
           usage->summary);
    if (usage->n_opts > 0) {
        printf("\nOptions:\n");
        print_opts(usage->opts, usage->n_opts);
    }
}

static const struct gc_cli_opt *
find_long(const struct gc_cli_opt *opts, size_t n_opts, const char *name, size_t len)
{
    for (size_t i = 0; i < n_opts; i++) {
        if (strlen(opts[i].name) == len && memcmp(opts[i].name, name, len) == 0) {
            return &opts[i];
        }
    }
    return NULL;
}

static const struct gc_cli_opt *
find_letter(const struct gc_cli_opt *opts, size_t n_opts, char letter)
{
    for (size_t i = 0; i < n_opts; i++) {
        if (opts[i].letter == letter) {
            return &opts[i];
        }
    }
    return NULL;
}

/* The option that ARG ("--x", "--x=v" or "-x") names; RET_VALUE is v or NULL. */
static const struct gc_cli_opt *
find_opt(const struct gc_cli_opt common[N_COMMON_OPTS], const struct gc_cli_usage *usage,
         const char *arg, const char **ret_value)
{
    const struct gc_cli_opt *opt;
    const char *name = arg + 2;
    size_t len;

    *ret_value = NULL;
    if (arg[1] != '-') {
        return arg[2] == '\0' ? find_letter(usage->opts, usage->n_opts, arg[1]) : NULL;
    }
    len = strcspn(name, "=");
    if (name[len] == '=') {
        *ret_value = name + len + 1;
    }
    opt = find_long(usage->opts, usage->n_opts, name, len);
    return opt != NULL ? opt : find_long(common, N_COMMON_OPTS, name, len);
}

/* Take the option at argv[*AT], and its value, which may be the next argument. */
static int
take_opt(struct gc_cli *cli, const struct gc_cli_usage *usage, int argc, char **argv, int *at)
{
    struct gc_cli_opt common[N_COMMON_OPTS];
    const struct gc_cli_opt *opt;
    const char *value;

    common_opts(cli, common);
    opt = find_opt(common, usage, argv[*at], &value);
    if (opt == NULL) {
        return gc_cli_usage_error("unknown option: %s", argv[*at]);
    }
    if (opt->on != NULL) {
        *opt->on = true;
        return value == NULL ? 0 : gc_cli_usage_error("--%s takes no value", opt->name);
    }
    if (value == NULL) {
        if (*at + 1 >= argc) {
            return gc_cli_usage_error("--%s wants a value", opt->name);
        }
        value = argv[++*at];
    }
    *opt->value = value;
    return 0;
}

static int
check_complete(const struct gc_cli_usage *usage, size_t n_args)
{
    for (size_t i = 0; i < usage->n_opts; i++) {
        const struct gc_cli_opt *opt = &usage->opts[i];

        if (opt->required && *opt->value == NULL) {
            return gc_cli_usage_error("%s: --%s %s is missing", usage->name, opt->name, opt->arg);
        }
    }
    if (n_args < usage->n_args_min) {
        return gc_cli_usage_error("%s: wants %s", usage->name, usage->args);
    }
    if (n_args > usage->n_args_max) {
        return gc_cli_usage_error("%s: too many arguments", usage->name);
    }
    return 0;
}

bool
gc_cli_parse(struct gc_cli *cli, const struct gc_cli_usage *usage, int argc, char **argv,
             size_t *ret_n_args, int *ret_status)
{
    bool only_args = false;
    size_t n_args = 0;
    int status = 0;

    for (int at = 1; at < argc && status == 0; at++) {
        const char *arg = argv[at];

        if (only_args || arg[0] != '-' || arg[1] == '\0') {
            argv[++n_args] = argv[at];
        } else if (strcmp(arg, "--") == 0) {
            only_args = true;
        } else if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0) {
            print_usage(usage);
            *ret_status = GC_EXIT_OK;
            return false;
        } else {
            status = take_opt(cli, usage, argc, argv, &at);
        }
    }
    if (status == 0) {
        status = check_complete(usage, n_args);
    }
    if (status != 0) {
        fprintf(stderr, "Try '" PROGRAM " %s --help'.\n", usage->name);
        *ret_status = status;
        return false;
    }
    *ret_n_args = n_args;
    return true;
}

/* --- commands --------------------------------------------------------------------------------- */

static void
print_commands(const struct gc_cli_command *commands)
{
    printf("\nCommands:\n");
    for (const struct gc_cli_command *c = commands; c->name != NULL; c++) {
        printf("  %-*s %s\n", HELP_COLUMN - 2, c->name, c->help);
    }
}

static void
print_group_help(const char *group, const struct gc_cli_command *commands)
{
    printf("Usage: " PROGRAM " %s COMMAND [OPTION]... [ARGUMENT]...\n", group);
    print_commands(commands);
    printf("\n'" PROGRAM " %s COMMAND --help' tells more.\n", group);
}

int
gc_cli_dispatch(struct gc_cli *cli, const char *group, const struct gc_cli_command *commands,
                int argc, char **argv)
{
    const char *blank = group[0] != '\0' ? " " : "";

    if (argc < 2) {
        fprintf(stderr, "Try '" PROGRAM "%s%s --help'.\n", blank, group);
        return GC_EXIT_USAGE;
    }
    if (group[0] != '\0' && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        print_group_help(group, commands);
        return GC_EXIT_OK;
    }
    for (const struct gc_cli_command *c = commands; c->name != NULL; c++) {
        if (strcmp(c->name, argv[1]) == 0) {
            return c->run(cli, argc - 1, argv + 1);
        }
    }
    return gc_cli_usage_error("no such command:%s%s %s", blank, group, argv[1]);
}

static void
print_help(struct gc_cli *cli, const struct gc_cli_command *commands)
{
    struct gc_cli_opt common[N_COMMON_OPTS];

    common_opts(cli, common);
    printf("Usage: " PROGRAM " [OPTION]... COMMAND [OPTION]... [ARGUMENT]...\n\n"
           "Store, fetch and list objects, and look after a gcommon cluster.\n");
    print_commands(commands);
    printf("\nOptions of all commands:\n");
    print_opts(common, N_COMMON_OPTS);
    printf("  -V, --version            print the version and exit\n"
           "  -h, --help               print this, or a command's own help, and exit\n\n"
           "Exit status: 0 done, 1 failure, 2 wrong usage, 3 not found, 4 denied,\n"
           "5 unavailable (try again later).\n");
}

/* Results that could not be written are a failure. */
static int
flush_output(int status)
{
    if (fflush(stdout) != 0 || ferror(stdout)) {
        int error = errno;

        gc_cli_fail(-error, "standard output");
        return status != GC_EXIT_OK ? status : GC_EXIT_FAILURE;
    }
    return status;
}

/* Take the common options that stand before the command's name; AT is where that is. */
static int
take_leading(struct gc_cli *cli, int argc, char **argv, int *at)
{
    static const struct gc_cli_usage none = { .name = "" };

    for (; *at < argc && argv[*at][0] == '-'; ++*at) {
        int status = take_opt(cli, &none, argc, argv, at);

        if (status != 0) {
            return status;
        }
    }
    return 0;
}

int
gc_cli_main(const struct gc_cli_command *commands, int argc, char **argv)
{
    struct gc_cli cli = { .url = getenv("GCOMMON_URL"),
                          .ca = getenv("GCOMMON_CA"),
                          .token = getenv("GCOMMON_TOKEN"),
                          .cert = getenv("GCOMMON_CERT"),
                          .key = getenv("GCOMMON_KEY") };
    int at = 1, rc, status;

    /* Keys and tokens pass through here: no core dumps, no looking in from outside. */
    prctl(PR_SET_DUMPABLE, 0);
    if (argc > 1 && (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0)) {
        printf(PROGRAM " %s\n", gc_version());
        return flush_output(GC_EXIT_OK);
    }
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        print_help(&cli, commands);
        return flush_output(GC_EXIT_OK);
    }
    status = take_leading(&cli, argc, argv, &at);
    if (status != 0) {
        return status;
    }
    rc = gc_crypto_init();
    if (rc != 0) {
        return gc_cli_fail(rc, "cryptography");
    }
    return flush_output(gc_cli_dispatch(&cli, "", commands, argc - at + 1, argv + at - 1));
}
