/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/pki.h"

static const struct gc_cli_command commands[] = {
    { "init", gc_pki_init, "make a certificate authority" },
    { "issue", gc_pki_issue, "make a node's or a user's certificate" },
    { "show", gc_pki_show, "say what a certificate file holds" },
    { 0 },
};

int
gc_cmd_pki(struct gc_cli *cli, int argc, char **argv)
{
    return gc_cli_dispatch(cli, "pki", commands, argc, argv);
}
