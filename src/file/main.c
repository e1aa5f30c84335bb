/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "file/file.h"

int
main(int argc, char **argv)
{
    return gc_daemon_main(&gc_file_role, argc, argv);
}
