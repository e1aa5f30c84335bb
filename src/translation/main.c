/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "translation/translation.h"

int
main(int argc, char **argv)
{
    return gc_daemon_main(&gc_translation_role, argc, argv);
}
