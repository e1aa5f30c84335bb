/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "proto/gcommon/v1/object/object.pb-c.h"
#include "proto/gcommon/v1/registry/registry.pb-c.h"
#include "rpc/pb.h"

static struct gc_arena arena;

static int
setup(void **state)
{
    (void)state;
    gc_arena_init(&arena, 1024 * 1024);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    gc_arena_fini(&arena);
    return 0;
}

static void
a_message_comes_back_as_it_was_packed(void **state)
{
    Gcommon__V1__Object__ListObjectsRequest request =
        GCOMMON__V1__OBJECT__LIST_OBJECTS_REQUEST__INIT;
    Gcommon__V1__Object__ListObjectsRequest *back;
    struct gc_bytes *bytes;

    (void)state;
    request.bucket = (char *)"b\xc3\xbc"
                             "cher";
    bytes = gc_pb_pack(&request.base);
    assert_non_null(bytes);
    back = gc_pb_unpack(&gcommon__v1__object__list_objects_request__descriptor, &arena, bytes->data,
                        bytes->len);
    assert_non_null(back);
    assert_string_equal(back->bucket, request.bucket);
    gc_bytes_unref(bytes);
}

static void
no_bytes_are_the_empty_message(void **state)
{
    Gcommon__V1__Object__ListObjectsRequest *back;

    (void)state;
    back = gc_pb_unpack(&gcommon__v1__object__list_objects_request__descriptor, &arena, NULL, 0);
    assert_non_null(back);
    assert_string_equal(back->bucket, "");
}

static bool
accepts(const char *wire, size_t len)
{
    return gc_pb_unpack(&gcommon__v1__object__list_buckets_response__descriptor, &arena, wire,
                        len) != NULL;
}
#define ACCEPTS(wire) accepts(wire, sizeof(wire) - 1)

static void
malformed_messages_are_refused(void **state)
{
    (void)state;
    assert_true(ACCEPTS("\x0a\x03\x0a\x01x"));  /* one bucket named x */
    assert_true(ACCEPTS("\x98\x06\x01"));       /* an unknown field */
    assert_false(ACCEPTS("\x0a\x04\x0a\x01x")); /* longer than what is there */
    assert_false(ACCEPTS("\x0a\x03\x0a\x02x")); /* inner length too */
    assert_false(ACCEPTS("\x0a"));              /* no length */
    assert_false(ACCEPTS("\x02\x01"));          /* field number 0 */
    assert_false(ACCEPTS("\x0b\x0c"));          /* a group */
    assert_false(ACCEPTS("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")); /* an endless tag */
    assert_false(ACCEPTS("\x99\x06\x01"));                                 /* half a fixed64 */
}

static void
strings_are_utf8_without_nul(void **state)
{
    (void)state;
    assert_true(ACCEPTS("\x0a\x04\x0a\x02\xc3\xbc"));
    assert_false(ACCEPTS("\x0a\x04\x0a\x02\xc3x"));
    assert_false(ACCEPTS("\x0a\x05\x0a\x03"
                         "a\0b"));
}

static void
amplification_stops_at_the_budget(void **state)
{
    size_t len = 600 * 1024;
    char *wire = calloc(1, len);
    struct gc_arena large;

    (void)state;
    assert_non_null(wire);
    for (size_t i = 0; i < len; i += 2) {
        wire[i] = 0x0a; /* empty buckets: two bytes that would cost about fifty */
    }
    gc_arena_init(&large, 64 * 1024 * 1024);
    assert_null(
        gc_pb_unpack(&gcommon__v1__object__list_buckets_response__descriptor, &large, wire, len));
    assert_true(large.used <= 8 * len + 64 * 1024);
    gc_arena_fini(&large);
    /* The arena's own limit holds too. */
    assert_false(accepts(wire, len));
    assert_true(arena.used <= arena.max);
    free(wire);
}

static void
a_full_inventory_of_tiny_ids_fits(void **state)
{
    char wire[1000 * 11];

    (void)state;
    for (size_t i = 0; i < sizeof(wire); i += 11) {
        memcpy(wire + i, "\x12\x09\x09\x01\0\0\0\0\0\0\0", 11);
    }
    assert_non_null(gc_pb_unpack(&gcommon__v1__registry__inventory_request__descriptor, &arena,
                                 wire, sizeof(wire)));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_message_comes_back_as_it_was_packed, setup, teardown),
        cmocka_unit_test_setup_teardown(no_bytes_are_the_empty_message, setup, teardown),
        cmocka_unit_test_setup_teardown(malformed_messages_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(strings_are_utf8_without_nul, setup, teardown),
        cmocka_unit_test_setup_teardown(amplification_stops_at_the_budget, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_inventory_of_tiny_ids_fits, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
