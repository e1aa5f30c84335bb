/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Our HTTP/2 client against our server, on one loop. */
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
#include "tests/support/http_bed.h"

#define MIB (1024u * 1024u)

static int
set_up(void **state)
{
    struct hb *bed = calloc(1, sizeof(*bed));

    hb_init(bed, NULL);
    *state = bed;
    return 0;
}

static int
set_up_connected(void **state)
{
    set_up(state);
    hb_connect(*state);
    return 0;
}

static int
tear_down(void **state)
{
    hb_fini(*state);
    free(*state);
    return 0;
}

static bool
has(const char *fields, const char *line)
{
    return strstr(fields, line) != NULL;
}

/* --- exchanges ----------------------------------------------------------------------------------
 */

static void
a_request_without_body_gets_its_answer(void **state)
{
    struct hb *bed = *state;
    struct hb_exchange *call = hb_call(bed, "GET", "/x?y=1", true);

    hb_until(bed, call->n_closes);
    assert_int_equal(call->status, 200);
    assert_true(has(call->fields, "content-type: text/plain\n"));
    assert_int_equal(call->body_bytes, 6);
    assert_memory_equal(call->body.data, "hello\n", 6);
    assert_int_equal(call->n_ends, 1);
    assert_int_equal(call->rc, 0);
    assert_false(call->head_end);
    struct hb_exchange *req = bed->requests[0];
    hb_until(bed, req->n_closes);
    assert_string_equal(req->method, "GET");
    assert_string_equal(req->path, "/x?y=1");
    assert_string_equal(req->authority, "localhost");
    assert_true(req->head_end);
    assert_int_equal(req->n_ends, 1);
    assert_int_equal(req->rc, 0);
    assert_true(has(req->fields, "x-test: 1\n"));
    assert_int_equal(gc_http_server_n_streams(bed->server), 0);
}

static void
a_unary_exchange_has_body_and_trailers_both_ways(void **state)
{
    static const struct gc_http_field trailer = { GC_STR("x-sum"), GC_STR("42"), false };
    struct hb *bed = *state;
    struct hb_exchange *call = hb_call(bed, "POST", "/echo", false);

    hb_write(call, "abc", 3);
    hb_write(call, "defg", 4);
    assert_int_equal(gc_http_end(call->s, &trailer, 1), 0);
    hb_until(bed, call->n_closes);
    assert_int_equal(call->rc, 0);
    assert_int_equal(call->body_bytes, 7);
    assert_memory_equal(call->body.data, "abcdefg", 7);
    assert_string_equal(call->trailers, "x-end: yes\n");
    hb_until(bed, bed->requests[0]->n_closes);
    assert_string_equal(bed->requests[0]->trailers, "x-sum: 42\n");
    assert_int_equal(bed->requests[0]->rc, 0);
}

static void
bulk_goes_both_ways_with_bounded_queues(void **state)
{
    struct hb *bed = *state;
    struct hb_exchange *call = hb_call(bed, "POST", "/sink", false);
    struct hb_exchange *get = hb_call(bed, "GET", "/source/67108864", true);

    hb_source(call, 64 * MIB);
    hb_until(bed, call->n_closes && get->n_closes);
    assert_int_equal(call->rc, 0);
    assert_int_equal(get->rc, 0);
    assert_memory_equal(call->body.data, "67108864\n", 9);
    assert_int_equal(get->body_bytes, 64 * MIB);
    assert_int_equal(get->body_sum, hb_pattern_sum(64 * MIB));
    assert_int_equal(bed->requests[0]->body_sum, get->body_sum);
    assert_true(call->n_writables > 10);
}

static void
many_streams_run_at_once(void **state)
{
    struct hb *bed = *state;

    for (unsigned i = 0; i < 200; i++) {
        hb_end(hb_call(bed, "POST", "/echo", false));
    }
    for (unsigned i = 0; i < 200; i++) {
        hb_until(bed, bed->calls[i]->n_closes);
        assert_int_equal(bed->calls[i]->rc, 0);
        assert_string_equal(bed->calls[i]->trailers, "x-end: yes\n");
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_request_without_body_gets_its_answer, set_up_connected,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_unary_exchange_has_body_and_trailers_both_ways,
                                        set_up_connected, tear_down),
        cmocka_unit_test_setup_teardown(bulk_goes_both_ways_with_bounded_queues, set_up_connected,
                                        tear_down),
        cmocka_unit_test_setup_teardown(many_streams_run_at_once, set_up_connected, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
