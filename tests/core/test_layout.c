/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/macros.h"
#include "core/layout.h"

static void
a_put_fills_blobs_one_after_the_other(void **state)
{
    (void)state;
    assert_true(GC_BLOB_BYTES <= (uint64_t)1 << 30);
    assert_int_equal(gc_layout_n_blobs(0), 0);
    assert_int_equal(gc_layout_n_blobs(1), 1);
    assert_int_equal(gc_layout_n_blobs(GC_BLOB_BYTES), 1);
    assert_int_equal(gc_layout_n_blobs(GC_BLOB_BYTES + 1), 2);
    assert_int_equal(gc_layout_n_blobs(GC_OBJECT_PUT_BYTES_MAX), 6);
    assert_int_equal(gc_layout_n_blobs(UINT64_MAX), UINT64_MAX / GC_BLOB_BYTES + 1);
    assert_int_equal(gc_layout_blob_bytes(1, 0), 1);
    assert_int_equal(gc_layout_blob_bytes(GC_BLOB_BYTES, 0), GC_BLOB_BYTES);
    assert_int_equal(gc_layout_blob_bytes(GC_BLOB_BYTES + 1, 0), GC_BLOB_BYTES);
    assert_int_equal(gc_layout_blob_bytes(GC_BLOB_BYTES + 1, 1), 1);
}

static void
extents_must_make_the_object(void **state)
{
    struct gc_layout_extent two[] = { { 10, 90 }, { 0, 5 } };
    struct gc_layout_extent full = { 0, GC_BLOB_BYTES };
    (void)state;
    assert_int_equal(gc_layout_check(NULL, 0, 0), 0);
    assert_int_equal(gc_layout_check(NULL, 0, 1), GC_ERANGE);
    assert_int_equal(gc_layout_check(two, 2, 95), 0);
    assert_int_equal(gc_layout_check(two, 2, 94), GC_ERANGE);
    assert_int_equal(gc_layout_check(two, 2, 96), GC_ERANGE);
    assert_int_equal(gc_layout_check(two, 1, 95), GC_ERANGE);
    assert_int_equal(gc_layout_check(&full, 1, GC_BLOB_BYTES), 0);
    full.offset = 1;
    assert_int_equal(gc_layout_check(&full, 1, GC_BLOB_BYTES), GC_ERANGE);
    full = (struct gc_layout_extent){ 0, GC_BLOB_BYTES + 1 };
    assert_int_equal(gc_layout_check(&full, 1, GC_BLOB_BYTES + 1), GC_ERANGE);
    full = (struct gc_layout_extent){ 5, 0 };
    assert_int_equal(gc_layout_check(&full, 1, 0), GC_ERANGE);
    full = (struct gc_layout_extent){ UINT64_MAX, 10 };
    assert_int_equal(gc_layout_check(&full, 1, 10), GC_ERANGE);
    full = (struct gc_layout_extent){ 10, UINT64_MAX };
    assert_int_equal(gc_layout_check(&full, 1, UINT64_MAX), GC_ERANGE);
}

static void
an_object_has_at_most_5_tib(void **state)
{
    static struct gc_layout_extent extents[5200];
    uint64_t left = GC_OBJECT_BYTES_MAX;
    size_t n = 0;
    (void)state;
    while (left > 0) {
        extents[n] = (struct gc_layout_extent){ 0, GC_MIN(left, GC_BLOB_BYTES) };
        left -= extents[n++].length;
    }
    assert_int_equal(gc_layout_check(extents, n, GC_OBJECT_BYTES_MAX), 0);
    extents[n++] = (struct gc_layout_extent){ 0, 1 };
    assert_int_equal(gc_layout_check(extents, n, GC_OBJECT_BYTES_MAX + 1), GC_ERANGE);
}

static const struct gc_layout_extent small[] = { { 100, 3 }, { 0, 1 }, { 7, 4 }, { 50, 2 } };
#define SMALL_BYTES 10

/* Where each byte of the small object is. */
struct place {
    size_t extent;
    uint64_t offset;
};

static void
map_small(struct place map[SMALL_BYTES])
{
    size_t n = 0;
    for (size_t i = 0; i < GC_ARRAY_LEN(small); i++) {
        for (uint64_t j = 0; j < small[i].length; j++) {
            map[n++] = (struct place){ i, small[i].offset + j };
        }
    }
    assert_int_equal(n, SMALL_BYTES);
}

static void
check_range(const struct place map[SMALL_BYTES], uint64_t first, uint64_t length)
{
    struct gc_layout_walk walk;
    struct gc_layout_part part;
    uint64_t at = first;

    gc_layout_walk_init(&walk, first, length);
    for (size_t i = 0; i < GC_ARRAY_LEN(small); i++) {
        bool was_done = gc_layout_walk_done(&walk);
        if (!gc_layout_walk_next(&walk, &small[i], &part)) {
            continue;
        }
        assert_false(was_done);
        assert_true(part.length > 0);
        for (uint64_t j = 0; j < part.length; j++, at++) {
            assert_int_equal(part.extent, map[at].extent);
            assert_int_equal(part.offset + j, map[at].offset);
        }
    }
    assert_true(gc_layout_walk_done(&walk));
    assert_int_equal(at, first + length);
}

static void
every_range_finds_its_bytes(void **state)
{
    struct place map[SMALL_BYTES];
    (void)state;
    map_small(map);
    for (uint64_t first = 0; first < SMALL_BYTES; first++) {
        for (uint64_t length = 0; length <= SMALL_BYTES - first; length++) {
            check_range(map, first, length);
        }
    }
}

static void
a_range_past_the_object_is_never_done(void **state)
{
    static const struct gc_layout_extent extent = { 5, 10 };
    struct gc_layout_walk walk;
    struct gc_layout_part part;
    (void)state;
    gc_layout_walk_init(&walk, 8, 3);
    assert_true(gc_layout_walk_next(&walk, &extent, &part));
    assert_int_equal(part.offset, 13);
    assert_int_equal(part.length, 2);
    assert_false(gc_layout_walk_done(&walk));
    gc_layout_walk_init(&walk, 10, 1);
    assert_false(gc_layout_walk_next(&walk, &extent, &part));
    assert_false(gc_layout_walk_done(&walk));
}

static void
chunks_hold_the_part_of_a_blob(void **state)
{
    const uint64_t c = GC_CHUNK_BYTES;
    const struct {
        uint64_t offset;
        uint64_t length;
        struct gc_layout_chunks want;
    } cases[] = {
        { 0, 1, { 0, 1, 0, 1 } },
        { 0, c, { 0, 1, 0, (uint32_t)c } },
        { 0, c + 1, { 0, 2, 0, 1 } },
        { c - 1, 1, { 0, 1, (uint32_t)c - 1, 1 } },
        { c - 1, 2, { 0, 2, (uint32_t)c - 1, 1 } },
        { c, c, { 1, 1, 0, (uint32_t)c } },
        { c + 7, 5, { 1, 1, 7, 5 } },
        { 7, 3 * c, { 0, 4, 7, 7 } },
        { 0, GC_BLOB_BYTES, { 0, 4096, 0, (uint32_t)c } },
        { GC_BLOB_BYTES - 1, 1, { 4095, 1, (uint32_t)c - 1, 1 } },
    };
    (void)state;
    for (size_t i = 0; i < GC_ARRAY_LEN(cases); i++) {
        struct gc_layout_chunks got;
        assert_int_equal(gc_layout_chunks(cases[i].offset, cases[i].length, &got), 0);
        assert_memory_equal(&got, &cases[i].want, sizeof(got));
    }
}

static void
a_part_outside_of_a_blob_has_no_chunks(void **state)
{
    struct gc_layout_chunks got;
    (void)state;
    assert_int_equal(gc_layout_chunks(0, 0, &got), GC_ERANGE);
    assert_int_equal(gc_layout_chunks(0, GC_BLOB_BYTES + 1, &got), GC_ERANGE);
    assert_int_equal(gc_layout_chunks(GC_BLOB_BYTES, 1, &got), GC_ERANGE);
    assert_int_equal(gc_layout_chunks(UINT64_MAX, 1, &got), GC_ERANGE);
    assert_int_equal(gc_layout_chunks(1, UINT64_MAX, &got), GC_ERANGE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_put_fills_blobs_one_after_the_other),
        cmocka_unit_test(extents_must_make_the_object),
        cmocka_unit_test(an_object_has_at_most_5_tib),
        cmocka_unit_test(every_range_finds_its_bytes),
        cmocka_unit_test(a_range_past_the_object_is_never_done),
        cmocka_unit_test(chunks_hold_the_part_of_a_blob),
        cmocka_unit_test(a_part_outside_of_a_blob_has_no_chunks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
