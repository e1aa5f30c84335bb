/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "web/xml.h"

#define HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

static void
assert_text(struct gc_buf *buf, const char *want)
{
    assert_string_equal(gc_buf_cstr(buf), want);
}

static void
elements_nest_and_values_have_their_forms(void **state)
{
    struct gc_xml xml;
    struct gc_buf buf;
    (void)state;
    gc_buf_init(&buf, 4096);
    gc_xml_begin(&xml, &buf, "R", true);
    gc_xml_open(&xml, "A");
    gc_xml_u64(&xml, "N", 18446744073709551615ull);
    gc_xml_bool(&xml, "B", true);
    gc_xml_close(&xml, "A");
    gc_xml_time(&xml, "T", 1795500000000);
    gc_xml_cstr(&xml, "E", "");
    gc_xml_close(&xml, "R");
    assert_int_equal(xml.rc, 0);
    assert_text(&buf, HEAD "<R xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
                           "<A><N>18446744073709551615</N><B>true</B></A>"
                           "<T>2026-11-24T06:00:00.000Z</T><E></E></R>");
    gc_buf_fini(&buf);
}

static void
texts_cannot_break_out_of_their_element(void **state)
{
    static const char text[] = "a<b>&\"c'\t\r\n\x01\x7f\xc3\xa4\xf0\x9f\x98\x80\0z";
    struct gc_xml xml;
    struct gc_buf buf;
    (void)state;
    gc_buf_init(&buf, 4096);
    gc_xml_begin(&xml, &buf, "R", false);
    gc_xml_text(&xml, "K", (struct gc_str){ text, sizeof(text) - 1 });
    assert_text(&buf, HEAD "<R><K>a&lt;b&gt;&amp;&quot;c&apos;&#x9;&#xd;&#xa;&#x1;&#x7f;"
                           "\xc3\xa4\xf0\x9f\x98\x80&#x0;z</K>");
    gc_buf_fini(&buf);
}

static void
what_is_no_utf8_is_replaced(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        { "\xff", "\xef\xbf\xbd" },
        { "a\xc3", "a\xef\xbf\xbd" },
        { "\xc3(", "\xef\xbf\xbd(" },
        { "\x80x", "\xef\xbf\xbdx" },
        { "\xc0\x80", "\xef\xbf\xbd\xef\xbf\xbd" },
        { "\xed\xa0\x80!", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd!" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gc_xml xml;
        struct gc_buf buf;
        char want[128] = HEAD "<R><K>";
        gc_buf_init(&buf, 4096);
        gc_xml_begin(&xml, &buf, "R", false);
        gc_xml_cstr(&xml, "K", cases[i].text);
        strncat(want, cases[i].want, 40);
        strncat(want, "</K>", 5);
        assert_text(&buf, want);
        gc_buf_fini(&buf);
    }
}

static void
url_encoding_leaves_only_unreserved_bytes_and_slashes(void **state)
{
    struct gc_xml xml;
    struct gc_buf buf;
    (void)state;
    gc_buf_init(&buf, 4096);
    gc_xml_begin(&xml, &buf, "R", false);
    gc_xml_url(&xml, "K", GC_STR("a/B-9_.~ +%&\xc3\xa4\x01"));
    assert_text(&buf, HEAD "<R><K>a/B-9_.~%20%2B%25%26%C3%A4%01</K>");
    gc_buf_fini(&buf);
}

static void
an_error_names_code_text_resource_and_request(void **state)
{
    struct gc_buf buf;
    (void)state;
    gc_buf_init(&buf, 4096);
    assert_int_equal(gc_xml_error(&buf, GC_API_NoSuchKey, GC_STR("/b/<k>"), "00ff"), 0);
    assert_text(&buf, HEAD "<Error><Code>NoSuchKey</Code>"
                           "<Message>The specified key does not exist.</Message>"
                           "<Resource>/b/&lt;k&gt;</Resource><RequestId>00ff</RequestId></Error>");
    gc_buf_fini(&buf);
}

static void
the_limit_is_kept_and_told_at_the_end(void **state)
{
    struct gc_xml xml;
    struct gc_buf buf;
    (void)state;
    gc_buf_init(&buf, 60);
    gc_xml_begin(&xml, &buf, "R", false);
    assert_int_equal(xml.rc, 0);
    gc_xml_cstr(&xml, "K", "0123456789012345678901234567890123456789");
    gc_xml_url(&xml, "K", GC_STR("x"));
    gc_xml_u64(&xml, "N", 1);
    assert_int_equal(xml.rc, GC_ELIMIT);
    assert_true(buf.len <= 60);
    gc_buf_fini(&buf);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_nest_and_values_have_their_forms),
        cmocka_unit_test(texts_cannot_break_out_of_their_element),
        cmocka_unit_test(what_is_no_utf8_is_replaced),
        cmocka_unit_test(url_encoding_leaves_only_unreserved_bytes_and_slashes),
        cmocka_unit_test(an_error_names_code_text_resource_and_request),
        cmocka_unit_test(the_limit_is_kept_and_told_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
