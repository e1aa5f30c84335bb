/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "file/file_conf.h"

static bool
is_good(const char *listen, const char *advertise, const char *cluster_id)
{
    struct gc_file_conf conf = { 0 };
    char error[GC_CONF_ERROR_MAX] = "";
    bool good;
    assert_int_equal(gc_str_copy(conf.listen, sizeof(conf.listen), gc_str_of(listen)), 0);
    assert_int_equal(gc_str_copy(conf.advertise, sizeof(conf.advertise), gc_str_of(advertise)), 0);
    assert_int_equal(gc_str_copy(conf.cluster_id, sizeof(conf.cluster_id), gc_str_of(cluster_id)),
                     0);
    good = gc_file_conf_check(&conf, error) == 0;
    assert_true(good == (error[0] == '\0'));
    return good;
}

#define ID "00112233445566778899aabbccddeeff"

static void
a_cluster_id_has_32_hex_digits(void **state)
{
    (void)state;
    assert_true(is_good("127.0.0.1:7500", "", ID));
    assert_false(is_good("127.0.0.1:7500", "", "0011"));
    assert_false(is_good("127.0.0.1:7500", "", "g0112233445566778899aabbccddeeff"));
}

static void
who_listens_everywhere_says_where_it_is(void **state)
{
    (void)state;
    assert_false(is_good("0.0.0.0:7500", "", ID));
    assert_false(is_good("[::]:7500", "", ID));
    assert_true(is_good("0.0.0.0:7500", "file1.example:7500", ID));
    assert_true(is_good("10.0.0.1:7500", "", ID));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cluster_id_has_32_hex_digits),
        cmocka_unit_test(who_listens_everywhere_says_where_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
