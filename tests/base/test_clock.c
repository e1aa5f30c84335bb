/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"

static void
monotonic_time_never_goes_back(void **state)
{
    (void)state;
    uint64_t before = gc_clock_mono_ns();
    uint64_t before_ms = gc_clock_mono_ms();
    for (int i = 0; i < 1000; i++) {
        uint64_t now = gc_clock_mono_ns();
        assert_true(now >= before);
        before = now;
    }
    assert_true(before_ms <= before / 1000000);
}

static void
wall_time_is_past_2020(void **state)
{
    (void)state;
    assert_true(gc_clock_wall_ms() > 1577836800000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(monotonic_time_never_goes_back),
        cmocka_unit_test(wall_time_is_past_2020),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
