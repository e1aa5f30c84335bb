/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/version.h"

static void
version_is_three_numbers(void **state)
{
    unsigned major, minor, patch;

    (void)state;
    assert_int_equal(sscanf(gc_version(), "%u.%u.%u", &major, &minor, &patch), 3);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_is_three_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
