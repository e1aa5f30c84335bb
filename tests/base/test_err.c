/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/macros.h"

static void
our_codes_have_name_text_and_status(void **state)
{
    (void)state;
    assert_string_equal(gc_err_name(GC_ELIMIT), "ELIMIT");
    assert_string_equal(gc_err_text(GC_ELIMIT), "limit reached");
    assert_int_equal(gc_err_grpc(GC_ELIMIT), 8);
    assert_string_equal(gc_err_name(GC_ESTALE), "ESTALE");
    assert_int_equal(gc_err_grpc(GC_EAUTH), 16);
}

static void
success_is_ok(void **state)
{
    (void)state;
    assert_string_equal(gc_err_name(0), "OK");
    assert_string_equal(gc_err_text(0), "success");
    assert_int_equal(gc_err_grpc(0), 0);
}

static void
errnos_keep_their_names(void **state)
{
    static const struct {
        int rc;
        const char *name;
        unsigned grpc;
    } cases[] = {
        { -ENOENT, "ENOENT", 2 },          { -ENOMEM, "ENOMEM", 8 },
        { -ENOSPC, "ENOSPC", 8 },          { -EMFILE, "EMFILE", 8 },
        { -ECANCELED, "ECANCELED", 1 },    { -ECONNREFUSED, "ECONNREFUSED", 14 },
        { -ECONNRESET, "ECONNRESET", 14 }, { -EPIPE, "EPIPE", 14 },
        { -ETIMEDOUT, "ETIMEDOUT", 14 },   { -EHOSTUNREACH, "EHOSTUNREACH", 14 },
    };
    (void)state;
    for (size_t i = 0; i < GC_ARRAY_LEN(cases); i++) {
        assert_string_equal(gc_err_name(cases[i].rc), cases[i].name);
        assert_int_equal(gc_err_grpc(cases[i].rc), cases[i].grpc);
    }
    assert_string_equal(gc_err_text(-ENOENT), "No such file or directory");
}

static void
codes_of_libuv_are_known(void **state)
{
    (void)state;
    assert_string_equal(gc_err_name(-4095), "EOF");
    assert_int_equal(gc_err_grpc(-4095), 14);
    assert_string_equal(gc_err_name(-3008), "EAI");
    assert_string_equal(gc_err_text(-3008), "name resolution failed");
    assert_int_equal(gc_err_grpc(-3008), 14);
}

static void
codes_of_nobody_have_a_text_too(void **state)
{
    static const int codes[] = { -999, -20999, -1000000, 1, 20001, (int)0x80000000 };
    (void)state;
    for (size_t i = 0; i < GC_ARRAY_LEN(codes); i++) {
        assert_string_equal(gc_err_name(codes[i]), "EUNKNOWN");
        assert_string_equal(gc_err_text(codes[i]), "unknown error");
        assert_int_equal(gc_err_grpc(codes[i]), 2);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(our_codes_have_name_text_and_status),
        cmocka_unit_test(success_is_ok),
        cmocka_unit_test(errnos_keep_their_names),
        cmocka_unit_test(codes_of_libuv_are_known),
        cmocka_unit_test(codes_of_nobody_have_a_text_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
