/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/macros.h"
#include "base/random.h"
#include "base/str.h"

static void
texts_compare_by_bytes_then_length(void **state)
{
    struct gc_str none = { 0 };
    (void)state;
    assert_true(gc_str_eq(GC_STR("ab"), GC_STR("ab")));
    assert_false(gc_str_eq(GC_STR("ab"), GC_STR("abc")));
    assert_false(gc_str_eq(GC_STR("ab"), GC_STR("aB")));
    assert_true(gc_str_eq(none, GC_STR("")));
    assert_true(gc_str_eq_cstr(GC_STR("x"), "x"));
    assert_true(gc_str_eq(gc_str_of(NULL), none));
    assert_true(gc_str_cmp(GC_STR("a"), GC_STR("ab")) < 0);
    assert_true(gc_str_cmp(GC_STR("b"), GC_STR("ab")) > 0);
    assert_true(gc_str_cmp(GC_STR("\xff"), GC_STR("a")) > 0);
    assert_int_equal(gc_str_cmp(none, none), 0);
    assert_true(gc_str_cmp(none, GC_STR("a")) < 0);
}

static void
case_is_folded_in_ascii_only(void **state)
{
    (void)state;
    assert_true(gc_str_ieq_cstr(GC_STR("Content-MD5"), "content-md5"));
    assert_false(gc_str_ieq_cstr(GC_STR("a"), "ab"));
    assert_false(gc_str_ieq_cstr(GC_STR("["), "{"));
    assert_false(gc_str_ieq_cstr(GC_STR("\xc3\x84"), "\xc3\xa4"));
}

static void
prefixes_and_blanks(void **state)
{
    (void)state;
    assert_true(gc_str_starts(GC_STR("Bearer x"), "Bearer "));
    assert_false(gc_str_starts(GC_STR("Bear"), "Bearer "));
    assert_true(gc_str_starts((struct gc_str){ 0 }, ""));
    assert_true(gc_str_eq_cstr(gc_str_trim(GC_STR(" \t a b\t ")), "a b"));
    assert_int_equal(gc_str_trim(GC_STR(" \t ")).len, 0);
    assert_true(gc_str_eq_cstr(gc_str_trim(GC_STR("\na\r")), "\na\r"));
}

static void
a_copy_that_does_not_fit_writes_nothing(void **state)
{
    char dst[4] = "???";
    (void)state;
    assert_int_equal(gc_str_copy(dst, sizeof(dst), GC_STR("abcd")), GC_ELIMIT);
    assert_string_equal(dst, "???");
    assert_int_equal(gc_str_copy(dst, sizeof(dst), GC_STR("abc")), 0);
    assert_string_equal(dst, "abc");
    assert_int_equal(gc_str_copy(dst, sizeof(dst), (struct gc_str){ 0 }), 0);
    assert_string_equal(dst, "");
    assert_int_equal(gc_str_copy(dst, 0, GC_STR("")), GC_ELIMIT);
}

static void
numbers_are_decimal_and_within_their_maximum(void **state)
{
    static const struct {
        const char *text;
        uint64_t max;
        int rc;
        uint64_t value;
    } cases[] = {
        { "0", 10, 0, 0 },
        { "10", 10, 0, 10 },
        { "007", 10, 0, 7 },
        { "11", 10, GC_ERANGE, 0 },
        { "1", 0, GC_ERANGE, 0 },
        { "18446744073709551615", UINT64_MAX, 0, UINT64_MAX },
        { "18446744073709551616", UINT64_MAX, GC_ERANGE, 0 },
        { "99999999999999999999999999", UINT64_MAX, GC_ERANGE, 0 },
        { "99999999999999999999999999x", UINT64_MAX, GC_EPARSE, 0 },
        { "", 10, GC_EPARSE, 0 },
        { "-1", 10, GC_EPARSE, 0 },
        { "+1", 10, GC_EPARSE, 0 },
        { " 1", 10, GC_EPARSE, 0 },
        { "1 ", 10, GC_EPARSE, 0 },
        { "0x1", 10, GC_EPARSE, 0 },
        { "1.0", 10, GC_EPARSE, 0 },
    };
    (void)state;
    for (size_t i = 0; i < GC_ARRAY_LEN(cases); i++) {
        uint64_t value = 4711;
        assert_int_equal(gc_str_u64(gc_str_of(cases[i].text), cases[i].max, &value), cases[i].rc);
        assert_int_equal(value, cases[i].rc == 0 ? cases[i].value : 4711);
    }
}

static void
byte_counts_have_binary_units(void **state)
{
    static const struct {
        const char *text;
        uint64_t max;
        int rc;
        uint64_t value;
    } cases[] = {
        { "4096", UINT64_MAX, 0, 4096 },
        { "64K", UINT64_MAX, 0, 65536 },
        { "1MiB", UINT64_MAX, 0, 1048576 },
        { "10G", UINT64_MAX, 0, 10737418240 },
        { "5TiB", UINT64_MAX, 0, 5497558138880 },
        { "16777215T", UINT64_MAX, 0, 0xffffff0000000000 },
        { "16777216T", UINT64_MAX, GC_ERANGE, 0 },
        { "1K", 1023, GC_ERANGE, 0 },
        { "1K", 1024, 0, 1024 },
        { "1KB", UINT64_MAX, GC_EPARSE, 0 },
        { "1k", UINT64_MAX, GC_EPARSE, 0 },
        { "1 K", UINT64_MAX, GC_EPARSE, 0 },
        { "K", UINT64_MAX, GC_EPARSE, 0 },
        { "1Ki", UINT64_MAX, GC_EPARSE, 0 },
        { "1KiBx", UINT64_MAX, GC_EPARSE, 0 },
        { "1X", UINT64_MAX, GC_EPARSE, 0 },
        { "", UINT64_MAX, GC_EPARSE, 0 },
        { "-1K", UINT64_MAX, GC_EPARSE, 0 },
    };
    (void)state;
    for (size_t i = 0; i < GC_ARRAY_LEN(cases); i++) {
        uint64_t value = 4711;
        assert_int_equal(gc_str_bytes(gc_str_of(cases[i].text), cases[i].max, &value), cases[i].rc);
        assert_int_equal(value, cases[i].rc == 0 ? cases[i].value : 4711);
    }
}

static void
hex_goes_both_ways(void **state)
{
    uint8_t data[4] = { 0x00, 0x9f, 0xa0, 0xff };
    uint8_t back[4];
    char text[9];
    (void)state;
    gc_hex_encode(text, data, 4);
    assert_string_equal(text, "009fa0ff");
    assert_int_equal(gc_hex_decode(back, 4, GC_STR("009FA0fF")), 0);
    assert_memory_equal(back, data, 4);
    memset(back, 7, 4);
    assert_int_equal(gc_hex_decode(back, 4, GC_STR("009fa0f")), GC_EPARSE);
    assert_int_equal(gc_hex_decode(back, 4, GC_STR("009fa0ff0")), GC_EPARSE);
    assert_int_equal(gc_hex_decode(back, 4, GC_STR("009fa0ff00")), GC_EPARSE);
    assert_int_equal(gc_hex_decode(back, 4, GC_STR("009fa0fg")), GC_EPARSE);
    assert_int_equal(gc_hex_decode(back, 4, GC_STR("009fa0:f")), GC_EPARSE);
    assert_memory_equal(back, "\7\7\7\7", 4);
    assert_int_equal(gc_hex_decode(back, 0, GC_STR("")), 0);
}

static void
base64_has_the_vectors_of_rfc_4648(void **state)
{
    static const struct {
        const char *plain;
        const char *padded;
    } cases[] = {
        { "", "" },
        { "f", "Zg==" },
        { "fo", "Zm8=" },
        { "foo", "Zm9v" },
        { "foob", "Zm9vYg==" },
        { "fooba", "Zm9vYmE=" },
        { "foobar", "Zm9vYmFy" },
        { "\xff\xef\xbe", "/+++" },
    };
    (void)state;
    for (size_t i = 0; i < GC_ARRAY_LEN(cases); i++) {
        char text[16];
        char back[16];
        size_t len;
        struct gc_str padded = gc_str_of(cases[i].padded);
        struct gc_str bare = { padded.data, strcspn(padded.data, "=") };
        len = gc_base64_encode(text, cases[i].plain, strlen(cases[i].plain), true);
        assert_true(gc_str_eq((struct gc_str){ text, len }, padded));
        len = gc_base64_encode(text, cases[i].plain, strlen(cases[i].plain), false);
        assert_true(gc_str_eq((struct gc_str){ text, len }, bare));
        assert_int_equal(gc_base64_decode(back, padded, &len), 0);
        assert_true(gc_str_eq_cstr((struct gc_str){ back, len }, cases[i].plain));
        assert_int_equal(gc_base64_decode(back, bare, &len), 0);
        assert_true(gc_str_eq_cstr((struct gc_str){ back, len }, cases[i].plain));
    }
}

static void
doubtful_base64_is_refused(void **state)
{
    static const char *const cases[] = {
        "Z",     "Zg=",      "Zg===",    "Z===", "====",   "=",
        "Zm9vY", "Zm9v====", "Zg==Zg==", "Z g=", "Zm8-",   "Zh==" /* bits behind the last byte */,
        "Zm9=",  "Zh",       "Zm9vYg=",  "\n",   "Zm9v\n",
    };
    (void)state;
    for (size_t i = 0; i < GC_ARRAY_LEN(cases); i++) {
        char dst[32];
        size_t len = 99;
        assert_int_equal(gc_base64_decode(dst, gc_str_of(cases[i]), &len), GC_EPARSE);
        assert_int_equal(len, 99);
    }
}

static void
base64_goes_both_ways_within_the_promised_room(void **state)
{
    struct gc_prng prng;
    (void)state;
    gc_prng_init(&prng, 3);
    for (size_t len = 0; len < 200; len++) {
        uint8_t plain[200];
        size_t room = (len + 2) / 3 * 4;
        size_t back_len;
        for (size_t i = 0; i < len; i++) {
            plain[i] = (uint8_t)gc_prng_next(&prng);
        }
        char *text = malloc(room + 1); /* exactly, for the sanitizer */
        size_t n = gc_base64_encode(text, plain, len, len % 2 == 0);
        assert_true(n <= room);
        uint8_t *back = malloc(n / 4 * 3 + 3);
        assert_int_equal(gc_base64_decode(back, (struct gc_str){ text, n }, &back_len), 0);
        assert_int_equal(back_len, len);
        assert_memory_equal(back, plain, len);
        free(back);
        free(text);
    }
}

static void
well_formed_utf8_is_accepted(void **state)
{
    static const char *const cases[] = {
        "",
        "ascii /../ \x7f\x01",
        "\xc2\x80",
        "\xdf\xbf",
        "\xe0\xa0\x80",
        "\xed\x9f\xbf",
        "\xee\x80\x80",
        "\xef\xbf\xbf",
        "\xf0\x90\x80\x80",
        "\xf4\x8f\xbf\xbf",
        "a\xc3\xa4z",
    };
    (void)state;
    assert_true(gc_utf8_valid((struct gc_str){ 0 }));
    for (size_t i = 0; i < GC_ARRAY_LEN(cases); i++) {
        assert_true(gc_utf8_valid(gc_str_of(cases[i])));
    }
}

static void
malformed_utf8_is_refused(void **state)
{
    static const char *const cases[] = {
        "\x80",             /* a continuation alone */
        "\xbf",             /* the same */
        "\xc0\x80",         /* overlong NUL */
        "\xc1\xbf",         /* overlong */
        "\xc2",             /* cut off */
        "\xc2\x41",         /* no continuation */
        "\xc2\xc0",         /* the same */
        "\xe0\x9f\xbf",     /* overlong */
        "\xe1\x80",         /* cut off */
        "\xe1\x80\x41",     /* no continuation */
        "\xed\xa0\x80",     /* surrogate */
        "\xed\xbf\xbf",     /* surrogate */
        "\xf0\x8f\xbf\xbf", /* overlong */
        "\xf0\x90\x80",     /* cut off */
        "\xf1\x80\x80\xc0", /* no continuation */
        "\xf4\x90\x80\x80", /* above U+10FFFF */
        "\xf5\x80\x80\x80", /* the same */
        "\xfe",             /* never in UTF-8 */
        "\xff",             /* never in UTF-8 */
        "ok\xc3",           /* cut off at the end of good text */
    };
    (void)state;
    for (size_t i = 0; i < GC_ARRAY_LEN(cases); i++) {
        assert_false(gc_utf8_valid(gc_str_of(cases[i])));
    }
    assert_false(gc_utf8_valid(GC_STR("a\0b")));
}

static void
percent_escapes_become_bytes(void **state)
{
    char dst[64];
    size_t len;
    (void)state;
    assert_int_equal(gc_percent_decode(dst, GC_STR("a%20b+c%2Fd%2f%00%ff%25"), &len), 0);
    assert_int_equal(len, 11);
    assert_memory_equal(dst, "a b+c/d/\0\xff%", 11);
    assert_int_equal(gc_percent_decode(dst, GC_STR(""), &len), 0);
    assert_int_equal(len, 0);
}

static void
bad_percent_escapes_are_refused(void **state)
{
    static const char *const cases[] = { "%", "%2", "a%", "%2g", "%g2", "%%20", "% 2", "%-1" };
    (void)state;
    for (size_t i = 0; i < GC_ARRAY_LEN(cases); i++) {
        char dst[16];
        size_t len = 99;
        assert_int_equal(gc_percent_decode(dst, gc_str_of(cases[i]), &len), GC_EPARSE);
        assert_int_equal(len, 99);
    }
}

static void
constant_time_equality_sees_every_bit(void **state)
{
    uint8_t a[32] = { 0 };
    uint8_t b[32] = { 0 };
    (void)state;
    assert_true(gc_equal_ct(a, b, 32));
    assert_true(gc_equal_ct(NULL, NULL, 0));
    for (unsigned bit = 0; bit < 256; bit++) {
        b[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(gc_equal_ct(a, b, 32));
        b[bit / 8] = 0;
    }
}

static void
wipe_leaves_zeros(void **state)
{
    char secret[] = "xxSECRETxx";
    (void)state;
    gc_wipe(secret + 2, 6);
    assert_memory_equal(secret, "xx\0\0\0\0\0\0xx", 10);
    gc_wipe(NULL, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_compare_by_bytes_then_length),
        cmocka_unit_test(case_is_folded_in_ascii_only),
        cmocka_unit_test(prefixes_and_blanks),
        cmocka_unit_test(a_copy_that_does_not_fit_writes_nothing),
        cmocka_unit_test(numbers_are_decimal_and_within_their_maximum),
        cmocka_unit_test(byte_counts_have_binary_units),
        cmocka_unit_test(hex_goes_both_ways),
        cmocka_unit_test(base64_has_the_vectors_of_rfc_4648),
        cmocka_unit_test(doubtful_base64_is_refused),
        cmocka_unit_test(base64_goes_both_ways_within_the_promised_room),
        cmocka_unit_test(well_formed_utf8_is_accepted),
        cmocka_unit_test(malformed_utf8_is_refused),
        cmocka_unit_test(percent_escapes_become_bytes),
        cmocka_unit_test(bad_percent_escapes_are_refused),
        cmocka_unit_test(constant_time_equality_sees_every_bit),
        cmocka_unit_test(wipe_leaves_zeros),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
