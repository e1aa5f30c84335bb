/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "core/chunk.h"

static int
decode(const void *wire, size_t len, struct gc_chunk *ret, struct gc_bytes **ret_msg)
{
    *ret_msg = gc_bytes_copy(wire, len);
    assert_non_null(*ret_msg);
    return gc_chunk_decode(*ret_msg, ret);
}

static void
what_is_encoded_decodes_to_the_same(void **state)
{
    static const size_t lens[] = { 1, 127, 128, 16384, GC_CHUNK_BYTES };
    (void)state;
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        uint8_t *data = malloc(lens[i]);
        struct gc_chunk chunk;
        struct gc_bytes *msg;
        memset(data, (int)i + 1, lens[i]);
        msg = gc_chunk_encode(data, lens[i], 0xdeadbeef);
        assert_true(gc_chunk_is(msg));
        assert_int_equal(gc_chunk_decode(msg, &chunk), 0);
        assert_int_equal(chunk.crc, 0xdeadbeef);
        assert_int_equal(chunk.data.len, lens[i]);
        assert_memory_equal(chunk.data.data, data, lens[i]);
        gc_bytes_unref(msg);
        free(data);
    }
}

static void
fields_in_protobufs_own_order_and_unknown_ones_are_taken(void **state)
{
    /* data first, then crc, then an unknown varint field 9 */
    static const uint8_t wire[] = {
        0x12, 0x0b, 0x0a, 0x02, 'h', 'i', 0x15, 1, 2, 3, 4, 0x48, 0x05
    };
    struct gc_chunk chunk;
    struct gc_bytes *msg;
    (void)state;
    assert_int_equal(decode(wire, sizeof(wire), &chunk, &msg), 0);
    assert_int_equal(chunk.crc, 0x04030201);
    assert_int_equal(chunk.data.len, 2);
    gc_bytes_unref(msg);
}

static void
a_chunk_over_the_limit_is_refused(void **state)
{
    uint8_t *data = calloc(1, GC_CHUNK_BYTES + 1);
    struct gc_bytes *msg = gc_chunk_encode(data, GC_CHUNK_BYTES + 1, 0);
    struct gc_chunk chunk;
    (void)state;
    assert_int_equal(gc_chunk_decode(msg, &chunk), GC_EPARSE);
    gc_bytes_unref(msg);
    free(data);
}

static void
malformed_messages_are_refused(void **state)
{
    static const struct {
        const char *wire;
        size_t len;
    } bad[] = {
        { "", 0 },         /* nothing */
        { "\x0a\x00", 2 }, /* another field */
        { "\x12\x00", 2 }, /* no data */
        { "\x12\x05\x0a\x04"
          "ab",
          6 }, /* length beyond the end */
        { "\x12\x04\x0a\x02"
          "ab"
          "\x00",
          7 }, /* something follows */
        { "\x12\x08\x0a\x02"
          "ab\x0a\x02"
          "cd",
          10 }, /* data twice */
        { "\x12\x07\x0a\x02"
          "ab\x15\x01\x02",
          9 }, /* crc cut off */
        { "\x12\x05\x0b\x0a\x01"
          "a",
          6 },                                                  /* a group */
        { "\x12\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02", 11 }, /* varint over 64 bits */
        { "\x12\x02\x0a\x00", 4 },                              /* empty data */
    };
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct gc_chunk chunk;
        struct gc_bytes *msg;
        assert_int_equal(decode(bad[i].wire, bad[i].len, &chunk, &msg), GC_EPARSE);
        gc_bytes_unref(msg);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_encoded_decodes_to_the_same),
        cmocka_unit_test(fields_in_protobufs_own_order_and_unknown_ones_are_taken),
        cmocka_unit_test(a_chunk_over_the_limit_is_refused),
        cmocka_unit_test(malformed_messages_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
