/* SPDX-License-Identifier: MIT */
#include "base/version.h"

#include "config.h"

const char *
gc_version(void)
{
    return PACKAGE_VERSION;
}
