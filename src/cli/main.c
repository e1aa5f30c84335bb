/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/cli.h"

static const struct gc_cli_command commands[] = {
#define GC_COMMAND(name, help) { #name, gc_cmd_##name, help },
#include "cli/commands.tbl.h"
#undef GC_COMMAND
    { 0 },
};

int
main(int argc, char **argv)
{
    return gc_cli_main(commands, argc, argv);
}
