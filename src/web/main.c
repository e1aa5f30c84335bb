/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "base/version.h"

int
main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        printf("gcommon-web %s\n", gc_version());
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        printf("usage: gcommon-web [--version | --help]\n");
        return 0;
    }
    fprintf(stderr, "gcommon-web: see gcommon-web --help\n");
    return 2;
}
