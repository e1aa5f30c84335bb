/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "daemon/daemon_priv.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* No core file and no ptrace by the same user may ever show a key; files are the owner's only. */
void
gc_daemon_harden(void)
{
    const struct rlimit no_core = { 0, 0 };
    struct rlimit files;
    umask(0077);
    (void)setrlimit(RLIMIT_CORE, &no_core);
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
}
