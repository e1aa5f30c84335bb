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
#include "net/http.h"
#include "rpc/status.h"

static const char *
encoded(const char *text)
{
    static char wire[GC_RPC_MESSAGE_WIRE_MAX + 1];

    wire[gc_rpc_message_encode(wire, text)] = '\0';
    return wire;
}

static const char *
decoded(const char *wire)
{
    static struct gc_rpc_status status;

    gc_rpc_message_decode(&status, gc_str_of(wire));
    return status.message;
}

static void
every_code_has_a_name_and_an_error(void **state)
{
    (void)state;
    for (int code = 1; code <= 16; code++) {
        struct gc_rpc_status status = { .code = (enum gc_rpc_code)code };

        assert_true(strlen(gc_rpc_code_name(status.code)) > 0);
        assert_true(gc_rpc_status_rc(&status) < 0);
    }
    assert_string_equal(gc_rpc_code_name(GC_RPC_NOT_FOUND), "NOT_FOUND");
    assert_string_equal(gc_rpc_code_name((enum gc_rpc_code)17), "UNKNOWN");
}

static void
our_errors_come_back_from_their_status(void **state)
{
    static const int rcs[] = {
        0,          GC_ELIMIT,         GC_ENOTFOUND, GC_EEXISTS,   GC_EAUTH,
        GC_EDENIED, GC_EUNAVAILABLE,   GC_EDEADLINE, GC_ECANCELED, GC_EPRECONDITION,
        GC_ERANGE,  GC_EUNIMPLEMENTED, GC_ECONFLICT, GC_EINTERNAL
    };

    (void)state;
    for (size_t i = 0; i < GC_ARRAY_LEN(rcs); i++) {
        struct gc_rpc_status status;

        gc_rpc_status_of_rc(&status, rcs[i]);
        assert_int_equal(gc_rpc_status_rc(&status), rcs[i]);
        assert_string_equal(status.message, rcs[i] == 0 ? "" : gc_err_text(rcs[i]));
    }
}

static void
a_message_travels_percent_encoded(void **state)
{
    static const char odd[] = "\t\ntest with whitespace\r\nand Unicode BMP \xe2\x98\xba and "
                              "non-BMP \xf0\x9f\x98\x88\t\n100%";

    (void)state;
    assert_string_equal(encoded("plain ~ text"), "plain ~ text");
    assert_string_equal(encoded("\t100%\x7f"), "%09100%25%7F");
    assert_string_equal(encoded("\xe2\x98\xba"), "%E2%98%BA");
    assert_string_equal(decoded(encoded(odd)), odd);
}

static void
a_broken_escape_keeps_its_text(void **state)
{
    (void)state;
    assert_string_equal(decoded("a%zzb"), "a%zzb");
    assert_string_equal(decoded("a%4"), "a%4");
    assert_string_equal(decoded("a%"), "a%");
    assert_string_equal(decoded("%41%e2%98%BA"), "A\xe2\x98\xba");
    assert_string_equal(decoded("a%FFb%00c"), "a\xef\xbf\xbd"
                                              "b\xef\xbf\xbd"
                                              "c");
}

static void
a_long_message_is_cut_between_characters(void **state)
{
    struct gc_rpc_status status;
    char wire[GC_RPC_MESSAGE_MAX * 9 + 1] = "";
    char *at = wire;

    (void)state;
    for (int i = 0; i < GC_RPC_MESSAGE_MAX; i++) {
        at += snprintf(at, 10, "%%E2%%98%%BA");
    }
    gc_rpc_message_decode(&status, gc_str_of(wire));
    assert_int_equal(strlen(status.message), (GC_RPC_MESSAGE_MAX - 1) / 3 * 3);
    assert_true(gc_utf8_valid(gc_str_of(status.message)));

    memset(wire, 'x', GC_RPC_MESSAGE_MAX * 2);
    wire[GC_RPC_MESSAGE_MAX * 2] = '\0';
    gc_rpc_status_set(&status, GC_RPC_ABORTED, "%s", wire);
    assert_int_equal(strlen(status.message), GC_RPC_MESSAGE_MAX - 1);
}

static void
only_a_known_decimal_is_a_code(void **state)
{
    static const char *const bad[] = { "", "42", "-1", "01", "1x", " 1", "4294967297" };

    (void)state;
    assert_int_equal(gc_rpc_code_parse(GC_STR("0")), GC_RPC_OK);
    assert_int_equal(gc_rpc_code_parse(GC_STR("16")), GC_RPC_UNAUTHENTICATED);
    for (size_t i = 0; i < GC_ARRAY_LEN(bad); i++) {
        assert_int_equal(gc_rpc_code_parse(gc_str_of(bad[i])), GC_RPC_UNKNOWN);
    }
}

static void
http_statuses_and_resets_become_codes(void **state)
{
    (void)state;
    assert_int_equal(gc_rpc_code_of_http(400), GC_RPC_INTERNAL);
    assert_int_equal(gc_rpc_code_of_http(401), GC_RPC_UNAUTHENTICATED);
    assert_int_equal(gc_rpc_code_of_http(403), GC_RPC_PERMISSION_DENIED);
    assert_int_equal(gc_rpc_code_of_http(404), GC_RPC_UNIMPLEMENTED);
    assert_int_equal(gc_rpc_code_of_http(431), GC_RPC_INTERNAL);
    assert_int_equal(gc_rpc_code_of_http(503), GC_RPC_UNAVAILABLE);
    assert_int_equal(gc_rpc_code_of_http(200), GC_RPC_UNKNOWN);
    assert_int_equal(gc_rpc_code_of_reset(GC_H2_NO_ERROR), GC_RPC_INTERNAL);
    assert_int_equal(gc_rpc_code_of_reset(GC_H2_REFUSED_STREAM), GC_RPC_UNAVAILABLE);
    assert_int_equal(gc_rpc_code_of_reset(GC_H2_CANCEL), GC_RPC_CANCELLED);
    assert_int_equal(gc_rpc_code_of_reset(GC_H2_ENHANCE_YOUR_CALM), GC_RPC_RESOURCE_EXHAUSTED);
    assert_int_equal(gc_rpc_code_of_reset(12), GC_RPC_PERMISSION_DENIED);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_a_name_and_an_error),
        cmocka_unit_test(our_errors_come_back_from_their_status),
        cmocka_unit_test(a_message_travels_percent_encoded),
        cmocka_unit_test(a_broken_escape_keeps_its_text),
        cmocka_unit_test(a_long_message_is_cut_between_characters),
        cmocka_unit_test(only_a_known_decimal_is_a_code),
        cmocka_unit_test(http_statuses_and_resets_become_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
