/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/macros.h"
#include "rpc/balance.h"
#include "web/web_conf.h"

static struct gc_web_conf conf;
static char error[GC_CONF_ERROR_MAX];

static int
parse(const char *text)
{
    int rc;
    gc_conf_defaults(gc_web_conf_items, &conf);
    rc = gc_conf_parse(gc_web_conf_items, &conf, "web.conf", text, strlen(text), error);
    return rc != 0 ? rc : gc_web_conf_check(&conf, error);
}

static void
defaults_are_safe(void **state)
{
    (void)state;
    assert_int_equal(parse(""), 0);
    assert_string_equal(conf.listen, "0.0.0.0:8443");
    assert_string_equal(conf.h2c_listen, "");
    assert_false(conf.anonymous);
    assert_int_equal(conf.balance, GC_RPC_PICK2);
    assert_int_equal(conf.object_bytes_max, 5ull << 30);
}

static void
cleartext_stays_on_loopback(void **state)
{
    (void)state;
    assert_int_equal(parse("[public]\nh2c_listen = 127.0.0.1:8080\n"), 0);
    assert_int_equal(parse("[public]\nh2c_listen = [::1]:0\n"), 0);
    assert_int_equal(parse("[public]\nh2c_listen = 0.0.0.0:8080\n"), GC_ECONFIG);
    assert_non_null(strstr(error, "h2c_listen"));
    assert_int_equal(parse("[public]\nh2c_listen = localhost:8080\n"), GC_ECONFIG);
    assert_int_equal(parse("[public]\nh2c_listen = 192.0.2.1:8080\n"), GC_ECONFIG);
}

static void
what_cannot_be_meant_is_an_error(void **state)
{
    static const char *const bad[] = {
        "[public]\nlisten = 8443\n",
        "[public]\npublic_url = http://a.example\n",
        "[public]\npublic_url = https://a.example/x\n",
        "[public]\npublic_url = https://\n",
        "[public]\nobject_bytes_max = 6G\n",
        "[upstream]\nbalance = random\n",
        "[auth]\ntrust_domain = Not One\n",
        "[auth]\nanonymous = maybe\n",
    };
    (void)state;
    for (size_t i = 0; i < GC_ARRAY_LEN(bad); i++) {
        assert_int_equal(parse(bad[i]), GC_ECONFIG);
        assert_int_not_equal(strlen(error), 0);
    }
    assert_int_equal(parse("[public]\npublic_url = https://a.example:8443\n"), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_safe),
        cmocka_unit_test(cleartext_stays_on_loopback),
        cmocka_unit_test(what_cannot_be_meant_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
