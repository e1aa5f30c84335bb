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
#include "tests/support/rpc_bed.h"

#define CHECK "/grpc.health.v1.Health/Check"
#define LIST  "/grpc.health.v1.Health/List"
#define WATCH "/grpc.health.v1.Health/Watch"

#define SERVING_WIRE     "\x08\x01"
#define NOT_SERVING_WIRE "\x08\x02"
#define UNKNOWN_WIRE     "\x08\x03"

static struct rpc_bed bed;
static struct gc_rpc_health *health;

static int
setup(void **state)
{
    (void)state;
    rpc_bed_init(&bed, NULL);
    assert_int_equal(gc_rpc_health_new(bed.server.rpc, &health), 0);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    if (health != NULL) {
        gc_rpc_health_free(health);
    }
    rpc_bed_fini(&bed);
    return 0;
}

static struct rpc_made *
check(const char *request)
{
    struct rpc_made *made = rpc_bed_call(&bed, CHECK, NULL);

    rpc_bed_ask(&bed, made, request);
    return made;
}

static struct rpc_made *
watch(const char *request)
{
    struct rpc_made *made = rpc_bed_call(&bed, WATCH, NULL);

    rpc_made_send(made, request);
    assert_int_equal(gc_rpc_half_close(made->call), 0);
    rpc_bed_until(&bed, made->n_messages == 1);
    return made;
}

static void
check_tells_what_was_set(void **state)
{
    (void)state;
    assert_made(check(""), GC_RPC_OK, NOT_SERVING_WIRE);
    gc_rpc_health_set(health, "", true);
    gc_rpc_health_set(health, "a.B", false);
    assert_made(check(""), GC_RPC_OK, SERVING_WIRE);
    assert_made(check("\x0a\x03"
                      "a.B"),
                GC_RPC_OK, NOT_SERVING_WIRE);
}

static void
check_of_an_unknown_service_is_not_found(void **state)
{
    (void)state;
    assert_made(check("\x0a\x01x"), GC_RPC_NOT_FOUND, "");
}

static void
check_passes_over_fields_it_does_not_know(void **state)
{
    (void)state;
    assert_made(check("\x10\x07\x1a\x02zz"), GC_RPC_OK, NOT_SERVING_WIRE);
}

static void
a_malformed_request_is_an_error(void **state)
{
    (void)state;
    assert_made(check("\x0a\x05x"), GC_RPC_INTERNAL, "");
    assert_made(check("\x0a\x01\xff"), GC_RPC_INTERNAL, "");
    assert_made(check("\x0a"), GC_RPC_INTERNAL, "");
}

static void
list_tells_all_services(void **state)
{
    struct rpc_made *made = rpc_bed_call(&bed, LIST, NULL);
    char name[151];

    (void)state;
    memset(name, 'n', 150);
    name[150] = '\0';
    gc_rpc_health_set(health, name, true);
    rpc_bed_ask(&bed, made, "");
    assert_int_equal(made->status.code, GC_RPC_OK);
    assert_int_equal(made->body.len, 8 + 3 + 3 + 150 + 4);
    assert_memory_equal(made->body.data,
                        "\x0a\x06\x0a\x00\x12\x02\x08\x02\x0a\x9d\x01\x0a\x96\x01nnn", 17);
    assert_memory_equal(made->body.data + made->body.len - 5, "n\x12\x02\x08\x01", 5);
}

static void
watch_tells_each_change_once(void **state)
{
    struct rpc_made *made = watch("");

    (void)state;
    gc_rpc_health_set(health, "", false); /* as before */
    gc_rpc_health_set(health, "other", true);
    gc_rpc_health_set(health, "", true);
    rpc_bed_until(&bed, made->n_messages == 2);
    rpc_bed_turns(&bed, 5);
    assert_string_equal(gc_buf_cstr(&made->body), NOT_SERVING_WIRE SERVING_WIRE);
    gc_rpc_cancel(made->call);
}

static void
watch_waits_for_a_service_to_appear(void **state)
{
    struct rpc_made *made = watch("\x0a\x03new");

    (void)state;
    gc_rpc_health_set(health, "new", true);
    rpc_bed_until(&bed, made->n_messages == 2);
    assert_string_equal(gc_buf_cstr(&made->body), UNKNOWN_WIRE SERVING_WIRE);
    gc_rpc_cancel(made->call);
}

static void
watches_have_a_limit(void **state)
{
    struct rpc_made *refused;

    (void)state;
    for (int i = 0; i < 128; i++) {
        watch("");
    }
    refused = rpc_bed_call(&bed, WATCH, NULL);
    rpc_bed_ask(&bed, refused, "");
    assert_made(refused, GC_RPC_RESOURCE_EXHAUSTED, "");
}

static void
the_end_of_health_ends_watches(void **state)
{
    struct rpc_made *made = watch("");

    (void)state;
    gc_rpc_health_free(health);
    health = NULL;
    rpc_bed_until(&bed, made->n_ends > 0);
    assert_int_equal(made->status.code, GC_RPC_UNAVAILABLE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(check_tells_what_was_set),
        TEST(check_of_an_unknown_service_is_not_found),
        TEST(check_passes_over_fields_it_does_not_know),
        TEST(a_malformed_request_is_an_error),
        TEST(list_tells_all_services),
        TEST(watch_tells_each_change_once),
        TEST(watch_waits_for_a_service_to_appear),
        TEST(watches_have_a_limit),
        TEST(the_end_of_health_ends_watches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
