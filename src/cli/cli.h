/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The frame of gcommonctl. A command is a row of commands.tbl.h and one function in cmd_<name>.c;
 * it describes its options by a table (struct gc_cli_usage), from which parsing and --help come.
 * One thread. Results go to standard output, everything else to standard error. */
#ifndef GC_CLI_CLI_H
#define GC_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>

#include "base/macros.h"

/* Exit statuses; scripts rely on them. */
enum gc_cli_exit {
    GC_EXIT_OK = 0,
    GC_EXIT_FAILURE = 1,
    GC_EXIT_USAGE = 2,
    GC_EXIT_NOT_FOUND = 3,
    GC_EXIT_DENIED = 4,
    GC_EXIT_UNAVAILABLE = 5,
    GC_EXIT_INTERRUPTED = 130, /* by SIGINT, SIGTERM or SIGHUP */
};

/* What every command may use: from the environment, overridden by options before or after the
 * command's name. Texts are borrowed from both; NULL when not given. */
struct gc_cli {
    const char *url;
    const char *ca;
    const char *token;
    const char *cert;
    const char *key;
    bool json;
};

struct gc_cli_command {
    const char *name;
    int (*run)(struct gc_cli *cli, int argc, char **argv); /* argv[0] is the name */
    const char *help;                                      /* one line */
};

/* One option. Exactly one of VALUE and ON is set. */
struct gc_cli_opt {
    const char *name;   /* "trust-domain" */
    char letter;        /* of the short form, or 0 */
    const char *arg;    /* what its value is called in help; NULL for a switch */
    const char *help;   /* one line */
    const char **value; /* untouched when the option is not given */
    bool *on;           /* set to true when it is */
    bool required;
};

struct gc_cli_usage {
    const char *name;    /* "pki init" */
    const char *args;    /* the positional arguments in help: "FILE..."; "" for none */
    const char *summary; /* lines for help, without the last newline */
    const struct gc_cli_opt *opts;
    size_t n_opts;
    size_t n_args_min, n_args_max;
};

/* The whole main(): COMMANDS ends with a row without a name. */
int gc_cli_main(const struct gc_cli_command *commands, int argc, char **argv);

/* Run the command of COMMANDS that argv[1] names; GROUP is the name of what it belongs to ("pki"),
 * "" for the program itself. Returns the exit status. */
int gc_cli_dispatch(struct gc_cli *cli, const char *group, const struct gc_cli_command *commands,
                    int argc, char **argv);

/* Take the options (the usage's and the common ones) out of ARGV and leave argv[1..RET_N_ARGS] with
 * what remains. Returns true to go on; false when there is nothing more to do (help was asked for,
 * or something was wrong and has been said) and RET_STATUS is the exit status. */
bool gc_cli_parse(struct gc_cli *cli, const struct gc_cli_usage *usage, int argc, char **argv,
                  size_t *ret_n_args, int *ret_status);

/* Say "gcommonctl: ..." on standard error and return GC_EXIT_USAGE. */
int gc_cli_usage_error(const char *fmt, ...) GC_PRINTF(1, 2);

/* Say "gcommonctl: ...: <text of RC>" on standard error and return the exit status for RC. */
int gc_cli_fail(int rc, const char *fmt, ...) GC_PRINTF(2, 3);

/* The exit status for an error code; 0 for 0. */
int gc_cli_exit_of(int rc);

/* The commands. */
#define GC_COMMAND(name, help) int gc_cmd_##name(struct gc_cli *cli, int argc, char **argv);
#include "cli/commands.tbl.h"
#undef GC_COMMAND

#endif
