/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/macros.h"
#include "rpc/timeout.h"

static const char *
formatted(uint64_t ns)
{
    static char text[GC_RPC_TIMEOUT_LEN + 1];
    size_t len = gc_rpc_timeout_format(text, ns);

    assert_int_equal(len, strlen(text));
    return text;
}

static uint64_t
parsed(const char *text)
{
    uint64_t ns = 1;

    assert_int_equal(gc_rpc_timeout_parse(gc_str_of(text), &ns), 0);
    return ns;
}

static void
the_finest_unit_that_fits_is_sent_rounded_up(void **state)
{
    (void)state;
    assert_string_equal(formatted(1), "1n");
    assert_string_equal(formatted(99999999), "99999999n");
    assert_string_equal(formatted(100000000), "100000u");
    assert_string_equal(formatted(100000001), "100001u");
    assert_string_equal(formatted(UINT64_C(5000) * 1000000), "5000000u");
    assert_string_equal(formatted(UINT64_C(99999999) * 1000), "99999999u");
    assert_string_equal(formatted(UINT64_C(99999999) * 1000 + 1), "100000m");
    assert_string_equal(formatted(UINT64_C(99999999) * 1000000 + 1), "100000S");
    assert_string_equal(formatted(UINT64_C(99999999) * 1000000000 + 1), "1666667M");
    assert_string_equal(formatted(UINT64_C(99999999) * 60000000000 + 1), "1666667H");
    assert_string_equal(formatted(UINT64_MAX), "5124096H");
}

static void
each_unit_is_read(void **state)
{
    (void)state;
    assert_int_equal(parsed("0n"), 0);
    assert_int_equal(parsed("7n"), 7);
    assert_int_equal(parsed("7u"), 7000);
    assert_int_equal(parsed("7m"), 7000000);
    assert_int_equal(parsed("7S"), UINT64_C(7000000000));
    assert_int_equal(parsed("7M"), UINT64_C(420000000000));
    assert_int_equal(parsed("7H"), UINT64_C(25200000000000));
    assert_int_equal(parsed("00000001S"), UINT64_C(1000000000));
}

static void
what_overflows_is_never(void **state)
{
    (void)state;
    assert_int_equal(parsed("99999999H"), GC_RPC_TIMEOUT_NEVER);
    assert_int_equal(parsed("5124096H"), GC_RPC_TIMEOUT_NEVER);
    assert_int_equal(parsed("5124095H"), UINT64_C(5124095) * 3600 * 1000000000);
}

static void
anything_doubtful_is_refused(void **state)
{
    static const char *const bad[] = { "",   "S",   "1",   "123456789S", "+1S", "-1S",
                                       "1s", "1 S", " 1S", "1S ",        "1x",  "1.5S" };
    uint64_t ns = 42;

    (void)state;
    for (size_t i = 0; i < GC_ARRAY_LEN(bad); i++) {
        assert_int_equal(gc_rpc_timeout_parse(gc_str_of(bad[i]), &ns), GC_EPARSE);
    }
    assert_int_equal(ns, 42);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_finest_unit_that_fits_is_sent_rounded_up),
        cmocka_unit_test(each_unit_is_read),
        cmocka_unit_test(what_overflows_is_never),
        cmocka_unit_test(anything_doubtful_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
