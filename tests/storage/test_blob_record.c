/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The bytes on disk, as FORMAT.md gives them: what this writes must be readable for ever. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/checksum.h"
#include "base/endian.h"
#include "base/err.h"
#include "base/str.h"
#include "storage/blob_record.h"

static void
assert_hex(const uint8_t *bytes, size_t len, const char *expected)
{
    char hex[2 * GC_BLOB_RECORD_MAX + 1];

    gc_hex_encode(hex, bytes, len);
    assert_string_equal(hex, expected);
}

static void
the_store_record_has_its_bytes(void **state)
{
    struct gc_blob_store_record rec = { .cluster_id = { 0xc1, 0xc2 },
                                        .uuid = { 0xaa, 0xbb },
                                        .generation = 3,
                                        .n_bulk = 2,
                                        .node = "file-1",
                                        .node_len = 6 };
    uint8_t buf[GC_BLOB_STORE_RECORD_MAX];
    size_t len = gc_blob_store_encode(buf, &rec);

    (void)state;
    assert_hex(buf, len,
               "53010000"
               "4fd26c41"
               "c1c20000000000000000000000000000"
               "aabb0000000000000000000000000000"
               "0000000000000003"
               "00000002"
               "06"
               "66696c652d31");
}

static void
the_state_record_has_its_bytes(void **state)
{
    struct gc_blob_state_record rec = {
        .seq = 1, .next_local = 9, .live_min = 8, .next_gc = 4, .n_blobs = 5, .bytes = 6, .n_gc = 7
    };
    uint8_t buf[GC_BLOB_STATE_RECORD];
    size_t len = gc_blob_state_encode(buf, &rec);

    (void)state;
    assert_hex(buf, len,
               "54010000"
               "f1d7edd0"
               "0000000000000001"
               "0000000000000009"
               "0000000000000008"
               "0000000000000004"
               "0000000000000005"
               "0000000000000006"
               "0000000000000007");
}

static void
the_bulk_record_has_its_bytes(void **state)
{
    struct gc_blob_bulk_record rec = { .uuid = { 0xaa, 0xbb }, .number = 1 };
    uint8_t buf[GC_BLOB_BULK_RECORD];
    size_t len = gc_blob_bulk_encode(buf, &rec);

    (void)state;
    assert_hex(buf, len,
               "4b010000"
               "ac8c1167"
               "aabb0000000000000000000000000000"
               "00000001");
}

static void
the_blob_record_has_its_bytes(void **state)
{
    struct gc_blob_record rec = { .id = { 1, 2 },
                                  .length = 3 * (uint64_t)GC_BLOB_CHUNK_BYTES + 4,
                                  .crc = 0x11223344,
                                  .n_full = 3,
                                  .tail_len = 4,
                                  .tail_crc = 0x55667788,
                                  .inline_data = (const uint8_t *)"tail" };
    uint8_t buf[GC_BLOB_RECORD_MAX];
    size_t len = gc_blob_record_encode(buf, &rec);

    (void)state;
    assert_hex(buf, len,
               "42010000"
               "85502164"
               "0000000000000001"
               "0000000000000002"
               "00000000000bff74"
               "11223344"
               "00000003"
               "00000004"
               "55667788"
               "00000000"
               "7461696c");
}

static void
the_gc_record_has_its_bytes(void **state)
{
    struct gc_blob_gc_record rec = { .local = 5, .id = { 1, 2 } };
    uint8_t buf[GC_BLOB_GC_RECORD];
    size_t len = gc_blob_gc_encode(buf, &rec);

    (void)state;
    assert_hex(buf, len,
               "47010000"
               "eebaa693"
               "0000000000000005"
               "0000000000000001"
               "0000000000000002");
}

static void
the_head_of_a_chunk_has_its_bytes(void **state)
{
    struct gc_blob_chunk_head head = { .local = 5, .chunk_no = 6, .crc = 0x11223344 };
    uint8_t buf[GC_BLOB_CHUNK_HEAD];

    (void)state;
    gc_blob_chunk_head_encode(buf, &head);
    assert_hex(buf, sizeof(buf),
               "4743434b"
               "01000000"
               "0000000000000005"
               "00000006"
               "0003ffd0"
               "11223344"
               "f16e631b");
}

static void
keys_sort_as_ids_do(void **state)
{
    struct gc_blob_id low = { 1, UINT64_MAX }, high = { 2, 0 }, back;
    uint8_t a[GC_BLOB_ID_KEY], b[GC_BLOB_ID_KEY];

    (void)state;
    gc_blob_id_key(a, &low);
    gc_blob_id_key(b, &high);
    assert_true(memcmp(a, b, sizeof(a)) < 0);
    assert_int_equal(gc_blob_id_key_decode(gc_kv_val(a, sizeof(a)), &back), 0);
    assert_true(back.epoch == 1 && back.counter == UINT64_MAX);
    assert_int_equal(gc_blob_id_key_decode(gc_kv_val(a, 15), &back), GC_ECORRUPT);
}

/* A record whose CRC is right, but which no encoder makes. */
static int
decode_blob_with(size_t at, uint32_t value)
{
    struct gc_blob_record rec = { .length = 4,
                                  .tail_len = 4,
                                  .inline_data = (const uint8_t *)"tail" };
    uint8_t buf[GC_BLOB_RECORD_MAX];
    size_t len = gc_blob_record_encode(buf, &rec);

    gc_put_be32(buf + at, value);
    gc_put_be32(buf + 4, gc_crc32c(gc_crc32c(0, buf, 4), buf + 8, len - 8));
    return gc_blob_record_decode(buf, len, &rec);
}

static void
records_that_contradict_themselves_are_refused(void **state)
{
    (void)state;
    assert_int_equal(decode_blob_with(40, 4), 0);
    assert_int_equal(decode_blob_with(0, 0x54010000), GC_ECORRUPT); /* another type */
    assert_int_equal(decode_blob_with(0, 0x42020000), GC_EVERSION);
    assert_int_equal(decode_blob_with(0, 0x42010001), GC_ECORRUPT); /* not zero */
    assert_int_equal(decode_blob_with(28, 5), GC_ECORRUPT);         /* length */
    assert_int_equal(decode_blob_with(36, 1), GC_ECORRUPT);         /* full chunks */
    assert_int_equal(decode_blob_with(40, 3), GC_ECORRUPT);         /* tail length */
    assert_int_equal(decode_blob_with(48, 1), GC_ECORRUPT);         /* not zero */
}

static void
each_flipped_bit_is_noticed(void **state)
{
    struct gc_blob_record rec = { .length = 4,
                                  .tail_len = 4,
                                  .inline_data = (const uint8_t *)"tail" };
    uint8_t buf[GC_BLOB_RECORD_MAX];
    size_t len = gc_blob_record_encode(buf, &rec);

    (void)state;
    for (size_t bit = 0; bit < 8 * len; bit++) {
        buf[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_int_equal(gc_blob_record_decode(buf, len, &rec), GC_ECORRUPT);
        buf[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    for (size_t cut = 0; cut < len; cut++) {
        assert_int_equal(gc_blob_record_decode(buf, cut, &rec), GC_ECORRUPT);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_store_record_has_its_bytes),
        cmocka_unit_test(the_state_record_has_its_bytes),
        cmocka_unit_test(the_bulk_record_has_its_bytes),
        cmocka_unit_test(the_blob_record_has_its_bytes),
        cmocka_unit_test(the_gc_record_has_its_bytes),
        cmocka_unit_test(the_head_of_a_chunk_has_its_bytes),
        cmocka_unit_test(keys_sort_as_ids_do),
        cmocka_unit_test(records_that_contradict_themselves_are_refused),
        cmocka_unit_test(each_flipped_bit_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
