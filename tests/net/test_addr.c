/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/macros.h"
#include "net/addr.h"

static void
numeric_addresses_go_round(void **state)
{
    static const char *const texts[] = {
        "127.0.0.1:7400",      "0.0.0.0:0", "255.255.255.255:65535",
        "[::1]:7400",          "[::]:0",    "[2001:db8::8:800:200c:417a]:443",
        "[::ffff:10.0.0.1]:1",
    };
    char text[GC_ADDR_TEXT_MAX];
    struct gc_addr addr;

    (void)state;
    for (size_t i = 0; i < GC_ARRAY_LEN(texts); i++) {
        assert_int_equal(gc_addr_parse(gc_str_of(texts[i]), &addr), 0);
        gc_addr_format(&addr, text);
        assert_string_equal(text, texts[i]);
    }
}

static void
doubtful_addresses_are_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "127.0.0.1",
        ":80",
        "127.0.0.1:",
        "127.0.0.1:65536",
        "127.0.0.1:-1",
        "127.0.0.1:+1",
        "127.0.0.1: 1",
        "127.1:80",
        "host:80",
        "::1:80",
        "[::1]",
        "[::1]80",
        "[::1:80",
        "::1]:80",
        "[]:80",
        "[127.0.0.1]:80",
        "0127.0.0.1:80",
        "1.2.3.4.5:80",
        "127.0.0.1:000080",
        "[fe80::1%lo]:80",
        "[[::1]]:80",
    };
    struct gc_addr addr;

    (void)state;
    for (size_t i = 0; i < GC_ARRAY_LEN(texts); i++) {
        if (gc_addr_parse(gc_str_of(texts[i]), &addr) != GC_EPARSE) {
            fail_msg("taken: %s", texts[i]);
        }
    }
    assert_int_equal(gc_addr_parse((struct gc_str){ "127.0.0.1\0x:80", 14 }, &addr), GC_EPARSE);
    assert_int_equal(gc_addr_parse((struct gc_str){ NULL, 0 }, &addr), GC_EPARSE);
}

static void
host_and_port_are_split_at_the_last_colon(void **state)
{
    struct gc_str host;
    char name[300];
    uint16_t port;

    (void)state;
    assert_int_equal(gc_addr_split(GC_STR("node-1.example:7400"), &host, &port), 0);
    assert_true(gc_str_eq_cstr(host, "node-1.example"));
    assert_int_equal(port, 7400);
    assert_int_equal(gc_addr_split(GC_STR("[::1]:1"), &host, &port), 0);
    assert_true(gc_str_eq_cstr(host, "::1"));
    assert_int_equal(gc_addr_split(GC_STR("::1:1"), &host, &port), GC_EPARSE);
    memset(name, 'a', sizeof(name));
    memcpy(name + 255, ":1", 3);
    assert_int_equal(gc_addr_split(gc_str_of(name), &host, &port), 0);
    memcpy(name + 255, "a:1", 4);
    assert_int_equal(gc_addr_split(gc_str_of(name), &host, &port), GC_EPARSE);
}

static void
loopback_is_recognised_in_all_its_forms(void **state)
{
    static const struct {
        const char *text;
        bool loopback;
    } cases[] = {
        { "127.0.0.1:1", true },  { "127.255.0.9:1", true },
        { "[::1]:1", true },      { "[::ffff:127.0.0.1]:1", true },
        { "128.0.0.1:1", false }, { "0.0.0.0:1", false },
        { "[::]:1", false },      { "[::ffff:10.0.0.1]:1", false },
        { "[fe80::1]:1", false },
    };
    struct gc_addr addr;

    (void)state;
    for (size_t i = 0; i < GC_ARRAY_LEN(cases); i++) {
        assert_int_equal(gc_addr_parse(gc_str_of(cases[i].text), &addr), 0);
        assert_int_equal(gc_addr_is_loopback(&addr), cases[i].loopback);
        assert_int_equal(gc_addr_port(&addr), 1);
    }
    memset(&addr, 0, sizeof(addr));
    assert_false(gc_addr_is_loopback(&addr));
    assert_int_equal(gc_addr_port(&addr), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numeric_addresses_go_round),
        cmocka_unit_test(doubtful_addresses_are_refused),
        cmocka_unit_test(host_and_port_are_split_at_the_last_colon),
        cmocka_unit_test(loopback_is_recognised_in_all_its_forms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
