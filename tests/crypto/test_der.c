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
#include "crypto/der.h"

#define OUT_MAX (1024 * 1024)

/* An array of bytes as a reader. */
#define DER(...) \
    ((struct gc_der){ (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }) })

static void
lengths_of_every_form_come_back(void **state)
{
    static const size_t lengths[] = { 0, 1, 127, 128, 255, 256, 65535, 65536, 500000 };
    struct gc_buf buf, body;

    (void)state;
    gc_buf_init(&buf, OUT_MAX);
    gc_buf_init(&body, OUT_MAX);
    for (size_t i = 0; i < GC_ARRAY_LEN(lengths); i++) {
        struct gc_der_out out = { .buf = &buf };
        struct gc_der in, outer, inner;
        size_t mark;

        while (body.len < lengths[i]) {
            assert_int_equal(gc_buf_append(&body, "x", 1), 0);
        }
        gc_buf_clear(&buf);
        mark = gc_der_begin(&out, GC_DER_SEQUENCE);
        gc_der_put(&out, GC_DER_OCTET_STRING, (struct gc_str){ (const char *)body.data, body.len });
        gc_der_end(&out, mark);
        assert_int_equal(out.rc, 0);
        in = (struct gc_der){ buf.data, buf.len };
        assert_int_equal(gc_der_read(&in, GC_DER_SEQUENCE, &outer), 0);
        assert_int_equal(in.len, 0);
        assert_int_equal(gc_der_read(&outer, GC_DER_OCTET_STRING, &inner), 0);
        assert_int_equal(inner.len, lengths[i]);
        assert_true(inner.len == 0 || memcmp(inner.data, body.data, inner.len) == 0);
    }
    gc_buf_fini(&buf);
    gc_buf_fini(&body);
}

static void
headers_that_der_forbids_are_refused(void **state)
{
    const struct gc_der bad[] = {
        DER(0x30),                         /* no length */
        DER(0x30, 0x01),                   /* no content */
        DER(0x30, 0x80, 0x00, 0x00),       /* indefinite length */
        DER(0x30, 0x81, 0x01, 0x00),       /* long form of a short length */
        DER(0x30, 0x81),                   /* length cut off */
        DER(0x30, 0x82, 0x00, 0x80),       /* leading zero */
        DER(0x30, 0x85, 1, 0, 0, 0, 0, 0), /* more than four bytes of length */
        DER(0x30, 0x84, 0xff, 0xff, 0xff, 0xff),
        DER(0x1f, 0x81, 0x01, 0x00), /* tag of several bytes */
        { NULL, 0 },
    };

    (void)state;
    for (size_t i = 0; i < GC_ARRAY_LEN(bad); i++) {
        struct gc_der in = bad[i], body;
        uint8_t tag;

        assert_int_equal(gc_der_any(&in, &tag, &body), GC_EPARSE);
        assert_ptr_equal(in.data, bad[i].data);
        assert_int_equal(in.len, bad[i].len);
    }
}

static void
reading_another_tag_moves_nothing(void **state)
{
    struct gc_der in = DER(0x04, 0x01, 0x78), before = in, body;
    struct gc_str whole;

    (void)state;
    assert_int_equal(gc_der_read(&in, GC_DER_SEQUENCE, &body), GC_EPARSE);
    assert_int_equal(gc_der_whole(&in, GC_DER_SEQUENCE, &whole), GC_EPARSE);
    assert_ptr_equal(in.data, before.data);
    assert_int_equal(gc_der_whole(&in, GC_DER_OCTET_STRING, &whole), 0);
    assert_int_equal(whole.len, 3);
    assert_int_equal(in.len, 0);
}

static void
numbers_are_positive_and_minimal(void **state)
{
    const struct gc_der good[] = { DER(0x02, 1, 0x00), DER(0x02, 1, 0x7f),
                                   DER(0x02, 2, 0x00, 0x80) };
    const struct gc_der bad[] = { DER(0x02, 0), DER(0x02, 1, 0x80), DER(0x02, 2, 0x00, 0x7f),
                                  DER(0x02, 2, 0x00, 0x00) };
    static const uint8_t values[] = { 0x00, 0x7f, 0x80 };

    (void)state;
    for (size_t i = 0; i < GC_ARRAY_LEN(good); i++) {
        struct gc_der in = good[i];
        struct gc_str number;

        assert_int_equal(gc_der_uint(&in, &number), 0);
        assert_int_equal(number.len, 1);
        assert_int_equal((uint8_t)number.data[0], values[i]);
    }
    for (size_t i = 0; i < GC_ARRAY_LEN(bad); i++) {
        struct gc_der in = bad[i];
        struct gc_str number;

        assert_int_equal(gc_der_uint(&in, &number), GC_EPARSE);
        assert_ptr_equal(in.data, bad[i].data);
    }
}

static void
numbers_are_written_minimal(void **state)
{
    static const uint8_t want[] = {
        0x02, 1, 0x00, 0x02, 1, 0x01, 0x02, 2, 0x00, 0x80, 0x02, 1, 0x00
    };
    struct gc_buf buf;
    struct gc_der_out out = { .buf = &buf };

    (void)state;
    gc_buf_init(&buf, OUT_MAX);
    gc_der_put_uint(&out, GC_STR("\0\0"));
    gc_der_put_uint(&out, GC_STR("\0\x01"));
    gc_der_put_uint(&out, GC_STR("\x80"));
    gc_der_put_uint(&out, GC_STR(""));
    assert_int_equal(out.rc, 0);
    assert_int_equal(buf.len, sizeof(want));
    assert_memory_equal(buf.data, want, sizeof(want));
    gc_buf_fini(&buf);
}

static void
booleans_and_bit_strings_have_one_form(void **state)
{
    const struct gc_der bad_bools[] = { DER(0x01, 0), DER(0x01, 1, 0x01),
                                        DER(0x01, 2, 0xff, 0xff) };
    const struct gc_der bad_bits[] = { DER(0x03, 0), DER(0x03, 2, 0x01, 0x80) };
    struct gc_der in = DER(0x01, 1, 0xff, 0x01, 1, 0x00, 0x03, 2, 0x00, 0x80), bits;
    bool value = false;

    (void)state;
    assert_int_equal(gc_der_bool(&in, &value), 0);
    assert_true(value);
    assert_int_equal(gc_der_bool(&in, &value), 0);
    assert_false(value);
    assert_int_equal(gc_der_bits(&in, &bits), 0);
    assert_int_equal(bits.len, 1);
    for (size_t i = 0; i < GC_ARRAY_LEN(bad_bools); i++) {
        in = bad_bools[i];
        assert_int_equal(gc_der_bool(&in, &value), GC_EPARSE);
    }
    for (size_t i = 0; i < GC_ARRAY_LEN(bad_bits); i++) {
        in = bad_bits[i];
        assert_int_equal(gc_der_bits(&in, &bits), GC_EPARSE);
    }
}

static void
first_error_of_writing_sticks(void **state)
{
    struct gc_buf buf;
    struct gc_der_out out = { .buf = &buf };
    size_t mark;

    (void)state;
    gc_buf_init(&buf, 8);
    mark = gc_der_begin(&out, GC_DER_SEQUENCE);
    gc_der_put(&out, GC_DER_OCTET_STRING, GC_STR("longer than eight"));
    assert_int_equal(out.rc, GC_ELIMIT);
    gc_der_put_bool(&out, true);
    gc_der_end(&out, mark);
    assert_int_equal(out.rc, GC_ELIMIT);
    assert_true(buf.len <= 8);
    gc_buf_fini(&buf);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths_of_every_form_come_back),
        cmocka_unit_test(headers_that_der_forbids_are_refused),
        cmocka_unit_test(reading_another_tag_moves_nothing),
        cmocka_unit_test(numbers_are_positive_and_minimal),
        cmocka_unit_test(numbers_are_written_minimal),
        cmocka_unit_test(booleans_and_bit_strings_have_one_form),
        cmocka_unit_test(first_error_of_writing_sticks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
