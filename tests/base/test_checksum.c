/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/checksum.h"
#include "base/random.h"

static void
the_vectors_of_rfc_3720_hold(void **state)
{
    uint8_t data[32];
    (void)state;
    memset(data, 0, sizeof(data));
    assert_int_equal(gc_crc32c(0, data, 32), 0x8a9136aa);
    memset(data, 0xff, sizeof(data));
    assert_int_equal(gc_crc32c(0, data, 32), 0x62a8ab43);
    for (int i = 0; i < 32; i++) {
        data[i] = (uint8_t)i;
    }
    assert_int_equal(gc_crc32c(0, data, 32), 0x46dd794e);
    for (int i = 0; i < 32; i++) {
        data[i] = (uint8_t)(31 - i);
    }
    assert_int_equal(gc_crc32c(0, data, 32), 0x113fdb5c);
    assert_int_equal(gc_crc32c(0, "123456789", 9), 0xe3069283);
}

static void
nothing_has_the_checksum_zero(void **state)
{
    (void)state;
    assert_int_equal(gc_crc32c(0, NULL, 0), 0);
    assert_int_equal(gc_crc32c(0x1234, NULL, 0), 0x1234);
}

static void
it_continues_at_every_cut(void **state)
{
    uint8_t data[300];
    struct gc_prng prng;
    (void)state;
    gc_prng_init(&prng, 7);
    for (size_t i = 0; i < sizeof(data); i++) {
        data[i] = (uint8_t)gc_prng_next(&prng);
    }
    uint32_t whole = gc_crc32c(0, data, sizeof(data));
    for (size_t cut = 0; cut <= sizeof(data); cut++) {
        uint32_t a = gc_crc32c(0, data, cut);
        uint32_t b = gc_crc32c(0, data + cut, sizeof(data) - cut);
        assert_int_equal(gc_crc32c(a, data + cut, sizeof(data) - cut), whole);
        assert_int_equal(gc_crc32c_combine(a, b, sizeof(data) - cut), whole);
    }
}

static void
lengths_past_32_bits_combine(void **state)
{
    (void)state;
    /* Three parts in both orders of putting them together, the middle one as long as nobody can
     * hold. */
    uint32_t a = 0x12345678;
    uint32_t b = 0x9abcdef0;
    uint32_t c = 0x0fedcba9;
    uint64_t len_b = (uint64_t)5 << 40;
    uint64_t len_c = 262096;
    uint32_t left = gc_crc32c_combine(gc_crc32c_combine(a, b, len_b), c, len_c);
    uint32_t right = gc_crc32c_combine(a, gc_crc32c_combine(b, c, len_c), len_b + len_c);
    assert_int_equal(left, right);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_rfc_3720_hold),
        cmocka_unit_test(nothing_has_the_checksum_zero),
        cmocka_unit_test(it_continues_at_every_cut),
        cmocka_unit_test(lengths_past_32_bits_combine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
