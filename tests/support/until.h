/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Waiting for a condition of a loop, with a deadline that only a broken program meets. */
#ifndef GC_TESTS_SUPPORT_UNTIL_H
#define GC_TESTS_SUPPORT_UNTIL_H

#include "base/clock.h"
#include "net/loop.h"

#define GC_UNTIL_MS 30000

/* Turn LOOP until COND holds; the test fails when it does not in time. */
#define gc_until(loop, cond)                                                         \
    do {                                                                             \
        uint64_t gc_until_end = gc_clock_mono_ms() + GC_UNTIL_MS;                    \
        while (!(cond)) {                                                            \
            if (gc_clock_mono_ms() > gc_until_end) {                                 \
                fail_msg("%s:%d: waited in vain for %s", __FILE__, __LINE__, #cond); \
            }                                                                        \
            gc_loop_turn(loop, 50);                                                  \
        }                                                                            \
    } while (0)

#endif
