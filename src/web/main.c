/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "web/web.h"

int
main(int argc, char **argv)
{
    return gc_daemon_main(&gc_web_role, argc, argv);
}
