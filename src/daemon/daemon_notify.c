/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "daemon/daemon_priv.h"

#include <systemd/sd-daemon.h>

void
gc_daemon_notify(const char *state)
{
    (void)sd_notify(0, state);
}

static void
on_watchdog(struct gc_timer *timer)
{
    struct gc_daemon *daemon = gc_container_of(timer, struct gc_daemon, watchdog_timer);
    gc_daemon_notify("WATCHDOG=1");
    gc_timer_start(timer, daemon->watchdog_ms);
}

void
gc_daemon_notify_ready(struct gc_daemon *daemon)
{
    uint64_t usec = 0;
    gc_daemon_notify("READY=1");
    if (sd_watchdog_enabled(0, &usec) > 0 && usec >= 2000) {
        daemon->watchdog_ms = usec / 2000;
        gc_timer_start(&daemon->watchdog_timer, daemon->watchdog_ms);
    }
    /* on_watchdog stays set whether or not it ever fires. */
    daemon->watchdog_timer.fn = on_watchdog;
}
