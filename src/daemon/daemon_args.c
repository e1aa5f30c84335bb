/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "daemon/daemon_priv.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/version.h"

static void
print_help(const struct gc_role *role)
{
    printf("Usage: gcommon-%s [OPTION]...\n", role->name);
    if (role->commands != NULL) {
        printf("       gcommon-%s COMMAND [ARG]...\n", role->name);
    }
    printf("\n%s\n\n", role->summary);
    printf("  -c, --config FILE   read FILE instead of %s (and FILE's .conf.d/*.conf)\n",
           role->conf_path);
    printf("      --check-config  read the configuration, say what is wrong with it, and exit\n"
           "      --print-config  print every key with its default and meaning, and exit\n"
           "  -V, --version       print the version and exit\n"
           "  -h, --help          print this and exit\n\n"
           "Signals: TERM and INT drain and stop (twice: stop now), HUP reads configuration and\n"
           "certificates again.\n"
           "Exit status: 0 stopped as asked, 1 failure, 2 wrong usage or configuration.\n");
    for (const struct gc_role_command *c = role->commands; c != NULL && c->name != NULL; c++) {
        if (c == role->commands) {
            printf("\nCommands (with the daemon stopped; COMMAND --help tells more):\n");
        }
        printf("  %-18s  %s\n", c->name, c->help);
    }
}

static const struct gc_role_command *
find_command(const struct gc_role *role, const char *name)
{
    for (const struct gc_role_command *c = role->commands; c != NULL && c->name != NULL; c++) {
        if (strcmp(c->name, name) == 0) {
            return c;
        }
    }
    return NULL;
}

/* One option of getopt; false stops with args->exit_status. */
static bool
take_option(const struct gc_role *role, int opt, struct gc_daemon_args *args)
{
    switch (opt) {
    case 'c':
        args->conf_path = optarg;
        return true;
    case 'k':
        args->check_config = true;
        return true;
    case 'p':
        args->print_config = true;
        return true;
    case 'V':
        printf("gcommon-%s %s\n", role->name, gc_version());
        args->exit_status = 0;
        return false;
    case 'h':
        print_help(role);
        args->exit_status = 0;
        return false;
    default:
        fprintf(stderr, "Try 'gcommon-%s --help'.\n", role->name);
        args->exit_status = 2;
        return false;
    }
}

void
gc_daemon_args_parse(const struct gc_role *role, int argc, char **argv,
                     struct gc_daemon_args *ret_args)
{
    static const struct option options[] = {
        { "config", required_argument, NULL, 'c' }, { "check-config", no_argument, NULL, 'k' },
        { "print-config", no_argument, NULL, 'p' }, { "version", no_argument, NULL, 'V' },
        { "help", no_argument, NULL, 'h' },         { NULL, 0, NULL, 0 },
    };
    memset(ret_args, 0, sizeof(*ret_args));
    ret_args->conf_path = role->conf_path;
    ret_args->exit_status = -1;
    if (argc > 1 && argv[1][0] != '-') {
        ret_args->command = find_command(role, argv[1]);
        if (ret_args->command == NULL) {
            fprintf(stderr, "gcommon-%s: no such command: %s\nTry 'gcommon-%s --help'.\n",
                    role->name, argv[1], role->name);
            ret_args->exit_status = 2;
        }
        ret_args->command_argc = argc - 1;
        ret_args->command_argv = argv + 1;
        return;
    }
    int opt;
    optind = 1;
    while ((opt = getopt_long(argc, argv, "+c:Vh", options, NULL)) != -1) {
        if (!take_option(role, opt, ret_args)) {
            return;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "gcommon-%s: unexpected argument: %s\n", role->name, argv[optind]);
        ret_args->exit_status = 2;
    }
}
