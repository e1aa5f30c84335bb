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
#include "rpc/metadata.h"

#define FIELD(name, value)                 \
    (struct gc_http_field)                 \
    {                                      \
        GC_STR(name), GC_STR(value), false \
    }

static struct gc_arena arena;

static int
setup(void **state)
{
    (void)state;
    gc_arena_init(&arena, 64 * 1024);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    gc_arena_fini(&arena);
    return 0;
}

static int
encode_one(struct gc_http_field field, struct gc_rpc_metadata *ret_wire)
{
    return gc_rpc_metadata_encode(&arena, &field, 1, ret_wire);
}

static void
expect(const struct gc_rpc_metadata *metadata, size_t at, const char *name, const char *value)
{
    assert_true(at < metadata->n);
    assert_true(gc_str_eq_cstr(metadata->fields[at].name, name));
    assert_true(gc_str_eq_cstr(metadata->fields[at].value, value));
}

static void
binary_values_travel_unpadded(void **state)
{
    struct gc_rpc_metadata wire;

    (void)state;
    assert_int_equal(encode_one(FIELD("key-bin", "\x00\xff"), &wire), 0);
    expect(&wire, 0, "key-bin", "AP8");
    assert_int_equal(encode_one(FIELD("key-bin", ""), &wire), 0);
    expect(&wire, 0, "key-bin", "");
    assert_int_equal(encode_one(FIELD("key", " text "), &wire), 0);
    expect(&wire, 0, "key", "text");
}

static void
bad_names_and_values_are_refused(void **state)
{
    const struct gc_http_field bad[] = {
        FIELD("", "x"),       FIELD("Key", "x"),         FIELD("k y", "x"),
        FIELD(":path", "/"),  FIELD("grpc-status", "0"), FIELD("te", "trailers"),
        FIELD("key", "\xff"), FIELD("key", "a\nb"),      FIELD("content-type", "x"),
        FIELD("key", "\x7f"),
    };
    struct gc_rpc_metadata wire = { NULL, 42 };

    (void)state;
    for (size_t i = 0; i < GC_ARRAY_LEN(bad); i++) {
        assert_int_equal(encode_one(bad[i], &wire), GC_EPARSE);
    }
    assert_int_equal(wire.n, 42);
    assert_int_equal(encode_one(FIELD("grpc-status-details-bin", "x"), &wire), 0);
}

static void
padded_unpadded_and_joined_values_are_decoded(void **state)
{
    const struct gc_http_field in[] = {
        FIELD("a-bin", "AP8"), FIELD("b-bin", "AP8="), FIELD("c-bin", "YQ, YmM=,,ZA"),
        FIELD("d-bin", ""),    FIELD("text", "a,b"),
    };
    struct gc_rpc_metadata out;

    (void)state;
    assert_int_equal(gc_rpc_metadata_decode(&arena, in, GC_ARRAY_LEN(in), &out), 0);
    assert_int_equal(out.n, 8);
    assert_int_equal(out.fields[0].value.len, 2);
    assert_memory_equal(out.fields[0].value.data, "\x00\xff", 2);
    assert_memory_equal(out.fields[1].value.data, "\x00\xff", 2);
    expect(&out, 2, "c-bin", "a");
    expect(&out, 3, "c-bin", "bc");
    expect(&out, 4, "c-bin", "");
    expect(&out, 5, "c-bin", "d");
    expect(&out, 6, "d-bin", "");
    expect(&out, 7, "text", "a,b");
}

static void
protocol_fields_and_illegal_text_are_left_out(void **state)
{
    const struct gc_http_field in[] = {
        FIELD("grpc-timeout", "1S"), FIELD("te", "trailers"), FIELD("content-type", "x"),
        FIELD("key", "\xfc"),        FIELD("k!", "x"),        FIELD("user-agent", "x"),
    };
    struct gc_rpc_metadata out;

    (void)state;
    assert_int_equal(gc_rpc_metadata_decode(&arena, in, GC_ARRAY_LEN(in), &out), 0);
    assert_int_equal(out.n, 1);
    expect(&out, 0, "user-agent", "x");
}

static void
broken_base64_is_malformed(void **state)
{
    const struct gc_http_field in = FIELD("a-bin", "A");
    struct gc_rpc_metadata out;

    (void)state;
    assert_int_equal(gc_rpc_metadata_decode(&arena, &in, 1, &out), GC_EPARSE);
}

static void
too_many_values_are_over_the_limit(void **state)
{
    char commas[GC_RPC_METADATA_MAX + 1];
    struct gc_http_field in = { GC_STR("a-bin"), { commas, sizeof(commas) - 2 }, false };
    struct gc_rpc_metadata out;
    struct gc_arena small;

    (void)state;
    memset(commas, ',', sizeof(commas));
    assert_int_equal(gc_rpc_metadata_decode(&arena, &in, 1, &out), 0);
    assert_int_equal(out.n, GC_RPC_METADATA_MAX);
    in.value.len++;
    assert_int_equal(gc_rpc_metadata_decode(&arena, &in, 1, &out), GC_ELIMIT);

    gc_arena_init(&small, 16);
    assert_int_equal(gc_rpc_metadata_decode(&small, &in, 1, &out), GC_ELIMIT);
    assert_int_equal(gc_rpc_metadata_encode(&small, &in, 1, &out), GC_ELIMIT);
    gc_arena_fini(&small);
}

static void
the_user_agent_starts_with_the_application(void **state)
{
    struct gc_str plain = gc_rpc_user_agent(&arena, NULL);
    struct gc_str named = gc_rpc_user_agent(&arena, "app/1");

    (void)state;
    assert_true(gc_str_starts(plain, "grpc-c-gcommon/"));
    assert_true(gc_str_starts(named, "app/1 grpc-c-gcommon/"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(binary_values_travel_unpadded, setup, teardown),
        cmocka_unit_test_setup_teardown(bad_names_and_values_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(padded_unpadded_and_joined_values_are_decoded, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(protocol_fields_and_illegal_text_are_left_out, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(broken_base64_is_malformed, setup, teardown),
        cmocka_unit_test_setup_teardown(too_many_values_are_over_the_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(the_user_agent_starts_with_the_application, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
