/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/macros.h"
#include "base/random.h"
#include "rpc/frame.h"

#define MAX 100000

/* One message of LEN bytes of value FILL, framed, at DST; returns the length. */
static size_t
put_frame(uint8_t *dst, size_t len, uint8_t fill)
{
    gc_rpc_prefix_encode(dst, len);
    memset(dst + GC_RPC_PREFIX_LEN, fill, len);
    return GC_RPC_PREFIX_LEN + len;
}

static void
expect_message(struct gc_bytes *msg, size_t len, uint8_t fill)
{
    assert_int_equal(msg->len, len);
    for (size_t i = 0; i < len; i++) {
        assert_int_equal(msg->data[i], fill);
    }
    gc_bytes_unref(msg);
}

static void
messages_are_whole_in_any_fragmentation(void **state)
{
    static const size_t lens[] = { 0, 1, 4, 5000, 0, 0, 17, MAX };
    uint64_t seed = 7;
    struct gc_prng prng;
    uint8_t *wire = malloc(200000);
    size_t n_wire = 0;

    (void)state;
    assert_non_null(wire);
    for (size_t i = 0; i < GC_ARRAY_LEN(lens); i++) {
        n_wire += put_frame(wire + n_wire, lens[i], (uint8_t)(i + 1));
    }
    gc_prng_init(&prng, seed);
    for (int round = 0; round < 30; round++) {
        struct gc_rpc_decoder decoder;
        size_t n_got = 0;

        gc_rpc_decoder_init(&decoder, MAX);
        for (size_t at = 0; at < n_wire;) {
            size_t piece = 1 + (round == 0 ? 0 : gc_prng_below(&prng, 1u << (round % 16)));
            struct gc_slice data = { NULL, wire + at, GC_MIN(piece, n_wire - at) };
            struct gc_bytes *msg;
            int rc;

            at += data.len;
            while ((rc = gc_rpc_decoder_next(&decoder, &data, &msg)) == 1) {
                expect_message(msg, lens[n_got], (uint8_t)(n_got + 1));
                n_got++;
            }
            assert_int_equal(rc, 0);
            assert_int_equal(data.len, 0);
        }
        assert_int_equal(n_got, GC_ARRAY_LEN(lens));
        assert_true(gc_rpc_decoder_at_boundary(&decoder));
        gc_rpc_decoder_fini(&decoder);
    }
    free(wire);
}

static void
a_message_over_the_limit_is_refused_at_its_prefix(void **state)
{
    uint8_t prefix[GC_RPC_PREFIX_LEN];
    struct gc_slice data = { NULL, prefix, sizeof(prefix) };
    struct gc_rpc_decoder decoder;
    struct gc_bytes *msg = NULL;

    (void)state;
    gc_rpc_prefix_encode(prefix, MAX + 1);
    gc_rpc_decoder_init(&decoder, MAX);
    assert_int_equal(gc_rpc_decoder_next(&decoder, &data, &msg), GC_ELIMIT);
    gc_rpc_decoder_fini(&decoder);

    gc_rpc_prefix_encode(prefix, MAX);
    data = (struct gc_slice){ NULL, prefix, sizeof(prefix) };
    gc_rpc_decoder_init(&decoder, MAX);
    assert_int_equal(gc_rpc_decoder_next(&decoder, &data, &msg), 0);
    assert_false(gc_rpc_decoder_at_boundary(&decoder));
    gc_rpc_decoder_fini(&decoder);
    assert_null(msg);
}

static void
a_flag_without_an_encoding_is_a_protocol_error(void **state)
{
    static const uint8_t flags[] = { 1, 2, 255 };

    (void)state;
    for (size_t i = 0; i < GC_ARRAY_LEN(flags); i++) {
        uint8_t wire[6] = { flags[i], 0, 0, 0, 1, 'x' };
        struct gc_slice data = { NULL, wire, sizeof(wire) };
        struct gc_rpc_decoder decoder;
        struct gc_bytes *msg = NULL;

        gc_rpc_decoder_init(&decoder, MAX);
        assert_int_equal(gc_rpc_decoder_next(&decoder, &data, &msg), GC_EPROTO);
        gc_rpc_decoder_fini(&decoder);
    }
}

static void
a_large_message_in_one_slice_is_not_copied(void **state)
{
    struct gc_bytes *buffer = gc_bytes_new(16384);
    size_t len = put_frame(buffer->data, 12000, 3);
    struct gc_slice data = { buffer, buffer->data, len };
    struct gc_rpc_decoder decoder;
    struct gc_bytes *msg;

    (void)state;
    gc_rpc_decoder_init(&decoder, MAX);
    assert_int_equal(gc_rpc_decoder_next(&decoder, &data, &msg), 1);
    assert_ptr_equal(msg->data, buffer->data + GC_RPC_PREFIX_LEN);
    gc_bytes_unref(buffer);
    expect_message(msg, 12000, 3); /* outlives the caller's reference */
    gc_rpc_decoder_fini(&decoder);
}

static void
a_small_message_does_not_pin_the_buffer(void **state)
{
    struct gc_bytes *buffer = gc_bytes_new(16384);
    size_t len = put_frame(buffer->data, 2000, 3);
    struct gc_slice data = { buffer, buffer->data, len };
    struct gc_rpc_decoder decoder;
    struct gc_bytes *msg;

    (void)state;
    gc_rpc_decoder_init(&decoder, MAX);
    assert_int_equal(gc_rpc_decoder_next(&decoder, &data, &msg), 1);
    assert_ptr_not_equal(msg->data, buffer->data + GC_RPC_PREFIX_LEN);
    gc_bytes_unref(buffer);
    expect_message(msg, 2000, 3);
    gc_rpc_decoder_fini(&decoder);
}

static void
credit_waits_for_the_application(void **state)
{
    struct gc_rpc_credit credit;

    (void)state;
    gc_rpc_credit_init(&credit);
    assert_int_equal(gc_rpc_credit_arrived(&credit, 105), 0);
    assert_int_equal(gc_rpc_credit_whole(&credit), 0);
    assert_int_equal(gc_rpc_credit_arrived(&credit, 5), 0);
    assert_int_equal(gc_rpc_credit_whole(&credit), 0);
    assert_int_equal(gc_rpc_credit_n_waiting(&credit), 2);
    assert_int_equal(gc_rpc_credit_consumed(&credit), 105);
    assert_int_equal(gc_rpc_credit_consumed(&credit), 5);
    gc_rpc_credit_fini(&credit);
}

static void
a_message_beyond_the_window_still_arrives(void **state)
{
    struct gc_rpc_credit credit;
    size_t n_back = 0;

    (void)state;
    gc_rpc_credit_init(&credit);
    for (int i = 0; i < 256; i++) {
        n_back += gc_rpc_credit_arrived(&credit, 16384);
    }
    assert_int_equal(n_back, 256 * 16384 - GC_RPC_CREDIT_HELD_MAX);
    assert_int_equal(gc_rpc_credit_whole(&credit), 0);
    /* While that one waits, nothing of the next is given back. */
    assert_int_equal(gc_rpc_credit_arrived(&credit, 100000), 0);
    assert_int_equal(gc_rpc_credit_consumed(&credit), 100000);
    assert_int_equal(gc_rpc_credit_whole(&credit), 0);
    assert_int_equal(gc_rpc_credit_consumed(&credit), GC_RPC_CREDIT_HELD_MAX);
    gc_rpc_credit_fini(&credit);
}

static void
the_book_holds_any_number_of_messages(void **state)
{
    struct gc_rpc_credit credit;
    size_t n_in = 0, n_out = 0;

    (void)state;
    gc_rpc_credit_init(&credit);
    for (size_t i = 0; i < 3; i++) { /* so that the ring wraps before it grows */
        gc_rpc_credit_arrived(&credit, 1);
        assert_int_equal(gc_rpc_credit_whole(&credit), 0);
        assert_int_equal(gc_rpc_credit_consumed(&credit), 1);
    }
    for (size_t i = 0; i < 1000; i++) {
        gc_rpc_credit_arrived(&credit, i);
        assert_int_equal(gc_rpc_credit_whole(&credit), 0);
        n_in += i;
    }
    for (size_t i = 0; i < 1000; i++) {
        size_t len = gc_rpc_credit_consumed(&credit);

        assert_int_equal(len, i);
        n_out += len;
    }
    assert_int_equal(n_out, n_in);
    gc_rpc_credit_fini(&credit);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_are_whole_in_any_fragmentation),
        cmocka_unit_test(a_message_over_the_limit_is_refused_at_its_prefix),
        cmocka_unit_test(a_flag_without_an_encoding_is_a_protocol_error),
        cmocka_unit_test(a_large_message_in_one_slice_is_not_copied),
        cmocka_unit_test(a_small_message_does_not_pin_the_buffer),
        cmocka_unit_test(credit_waits_for_the_application),
        cmocka_unit_test(a_message_beyond_the_window_still_arrives),
        cmocka_unit_test(the_book_holds_any_number_of_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
