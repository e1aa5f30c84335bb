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
#include "tests/support/rpc_bed.h"

#define UNARY   RPC_BED_PATH("Unary")
#define COLLECT RPC_BED_PATH("Collect")
#define STREAM  RPC_BED_PATH("Stream")
#define CHAT    RPC_BED_PATH("Chat")
#define FAIL    RPC_BED_PATH("Fail")
#define HOLD    RPC_BED_PATH("Hold")
#define SLEEP   RPC_BED_PATH("Sleep")

static struct rpc_bed bed;

static int
setup(void **state)
{
    (void)state;
    rpc_bed_init(&bed, NULL);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    rpc_bed_fini(&bed);
    return 0;
}

/* The call on the server that belongs to the newest one of the client. */
static struct rpc_served *
served_when(unsigned n)
{
    rpc_bed_until(&bed, bed.server.echo.n_served >= n);
    return rpc_echo_last(&bed.server.echo);
}

/* --- the four kinds ----------------------------------------------------------------------------
 */

static void
a_unary_call_brings_its_request_back(void **state)
{
    struct rpc_made *made = rpc_bed_call(&bed, UNARY, NULL);

    (void)state;
    rpc_bed_ask(&bed, made, "hello");
    assert_made(made, GC_RPC_OK, "hello");
    assert_int_equal(made->n_headers, 1);
    rpc_bed_until(&bed, gc_rpc_server_n_calls(bed.server.rpc) == 0);
    assert_int_equal(rpc_echo_last(&bed.server.echo)->status.code, GC_RPC_OK);
}

static void
a_client_stream_is_answered_once(void **state)
{
    struct rpc_made *made = rpc_bed_call(&bed, COLLECT, NULL);

    (void)state;
    rpc_made_send(made, "one");
    rpc_made_send(made, "");
    rpc_bed_ask(&bed, made, "three");
    assert_made(made, GC_RPC_OK, "3 8");
}

static void
a_server_stream_brings_all_messages(void **state)
{
    struct rpc_made *made = rpc_bed_call(&bed, STREAM, NULL);

    (void)state;
    rpc_bed_ask(&bed, made, "500 1000");
    assert_int_equal(made->status.code, GC_RPC_OK);
    assert_int_equal(made->n_messages, 500);
    assert_int_equal(made->n_bytes, 500000);
}

static void
a_conversation_goes_both_ways(void **state)
{
    struct rpc_made *made = rpc_bed_call(&bed, CHAT, NULL);

    (void)state;
    for (unsigned i = 1; i <= 5; i++) {
        rpc_made_send(made, "ping ");
        rpc_bed_until(&bed, made->n_messages == i);
    }
    rpc_bed_ask(&bed, made, "end");
    assert_made(made, GC_RPC_OK, "ping ping ping ping ping end");
}

static void
an_empty_message_is_a_message(void **state)
{
    struct rpc_made *made = rpc_bed_call(&bed, UNARY, NULL);

    (void)state;
    rpc_bed_ask(&bed, made, "");
    assert_made(made, GC_RPC_OK, "");
    assert_int_equal(made->n_messages, 1);
}

static void
a_message_may_come_in_two_parts(void **state)
{
    struct rpc_made *made = rpc_bed_call(&bed, UNARY, NULL);
    struct gc_bytes *tail = gc_bytes_copy("0123456789", 10);
    struct gc_slice part = { tail, tail->data + 4, 3 };

    (void)state;
    assert_int_equal(gc_rpc_send_parts(made->call, "head ", 5, &part), 0);
    gc_bytes_unref(tail);
    assert_int_equal(gc_rpc_half_close(made->call), 0);
    rpc_bed_until(&bed, made->n_ends > 0);
    assert_made(made, GC_RPC_OK, "head 456");
}

/* --- metadata and status -----------------------------------------------------------------------
 */

static void
metadata_goes_there_and_back(void **state)
{
    const struct gc_http_field metadata[] = {
        { GC_STR("x-initial"), GC_STR("first"), false },
        { GC_STR("x-trailing"), GC_STR("last"), false },
        { GC_STR("x-trailing-bin"), GC_STR("\x00\xff\x80"), false },
    };
    const struct gc_rpc_call_conf conf = { .metadata = metadata, .n_metadata = 3 };
    struct rpc_made *made = rpc_bed_call(&bed, UNARY, &conf);

    (void)state;
    rpc_bed_ask(&bed, made, "x");
    assert_made(made, GC_RPC_OK, "x");
    assert_string_equal(made->initial, "first");
    assert_string_equal(made->trailing, "last");
}

static void
bad_metadata_starts_nothing(void **state)
{
    const struct gc_http_field metadata = { GC_STR("grpc-status"), GC_STR("0"), false };
    const struct gc_rpc_call_conf conf = { .path = UNARY, .metadata = &metadata, .n_metadata = 1 };
    static const struct gc_rpc_handler none = { 0 };
    struct gc_rpc_call *call;

    (void)state;
    assert_int_equal(gc_rpc_call_start(bed.channel, &conf, &none, NULL, &call), GC_EPARSE);
}

static void
an_error_keeps_its_odd_text(void **state)
{
    static const char text[] = "\t\ntest\r\n\xe2\x98\xba \xf0\x9f\x98\x88 100%";
    struct rpc_made *made = rpc_bed_call(&bed, FAIL, NULL);
    char request[128];

    (void)state;
    snprintf(request, sizeof(request), "9 %s", text);
    rpc_bed_ask(&bed, made, request);
    assert_made(made, GC_RPC_FAILED_PRECONDITION, "");
    assert_string_equal(made->status.message, text);
    assert_int_equal(made->n_headers, 0); /* Trailers-Only */
}

static void
an_unknown_method_is_unimplemented(void **state)
{
    struct rpc_made *made = rpc_bed_call(&bed, RPC_BED_PATH("Nothing"), NULL);
    struct rpc_made *other = rpc_bed_call(&bed, "/gcommon.test.Nobody/Unary", NULL);

    (void)state;
    rpc_bed_until(&bed, made->n_ends > 0 && other->n_ends > 0);
    assert_made(made, GC_RPC_UNIMPLEMENTED, "");
    assert_made(other, GC_RPC_UNIMPLEMENTED, "");
}

/* --- cardinality -------------------------------------------------------------------------------
 */

static void
a_unary_method_wants_exactly_one_request(void **state)
{
    struct rpc_made *none = rpc_bed_call(&bed, UNARY, NULL);
    struct rpc_made *two = rpc_bed_call(&bed, UNARY, NULL);

    (void)state;
    assert_int_equal(gc_rpc_half_close(none->call), 0);
    rpc_made_send(two, "one");
    rpc_bed_ask(&bed, two, "two");
    rpc_bed_until(&bed, none->n_ends > 0);
    assert_made(none, GC_RPC_UNIMPLEMENTED, "");
    assert_made(two, GC_RPC_UNIMPLEMENTED, "");
    assert_int_equal(bed.server.echo.n_served, 0);
}

struct unary_result {
    unsigned n;
    struct gc_rpc_status status;
    struct gc_bytes *response;
};

static void
on_unary(void *arg, const struct gc_rpc_status *status, struct gc_bytes *response)
{
    struct unary_result *result = arg;

    result->n++;
    result->status = *status;
    result->response = response != NULL ? gc_bytes_ref(response) : NULL;
}

static struct unary_result
unary(const char *path, const char *request)
{
    const struct gc_rpc_call_conf conf = { .path = path };
    struct unary_result result = { 0 };
    struct gc_bytes *msg = gc_bytes_copy(request, strlen(request));
    struct gc_rpc_call *call;

    assert_int_equal(gc_rpc_unary(bed.channel, &conf, msg, on_unary, &result, &call), 0);
    gc_bytes_unref(msg);
    assert_int_equal(result.n, 0);
    rpc_bed_until(&bed, result.n > 0);
    return result;
}

static void
unary_in_one_gives_the_response(void **state)
{
    struct unary_result result = unary(UNARY, "hello");

    (void)state;
    assert_int_equal(result.status.code, GC_RPC_OK);
    assert_int_equal(result.response->len, 5);
    assert_memory_equal(result.response->data, "hello", 5);
    gc_bytes_unref(result.response);
}

static void
unary_in_one_wants_exactly_one_response(void **state)
{
    struct unary_result none = unary(STREAM, "0 0");
    struct unary_result two = unary(STREAM, "2 3");
    struct unary_result error = unary(FAIL, "5 gone");

    (void)state;
    assert_int_equal(none.status.code, GC_RPC_UNIMPLEMENTED);
    assert_null(none.response);
    assert_int_equal(two.status.code, GC_RPC_UNIMPLEMENTED);
    assert_null(two.response);
    assert_int_equal(error.status.code, GC_RPC_NOT_FOUND);
    assert_string_equal(error.status.message, "gone");
    assert_null(error.response);
}

/* --- limits ------------------------------------------------------------------------------------
 */

static void
send_zeros(struct rpc_made *made, size_t len)
{
    struct gc_bytes *msg = gc_bytes_new(len);

    assert_non_null(msg);
    memset(msg->data, 0, len);
    assert_int_equal(gc_rpc_send(made->call, msg), 0);
    gc_bytes_unref(msg);
}

static void
a_message_at_the_limit_passes_both_ways(void **state)
{
    struct rpc_made *made = rpc_bed_call(&bed, UNARY, NULL);

    (void)state;
    send_zeros(made, GC_RPC_MESSAGE_BYTES_MAX);
    assert_int_equal(gc_rpc_half_close(made->call), 0);
    rpc_bed_until(&bed, made->n_ends > 0);
    assert_int_equal(made->status.code, GC_RPC_OK);
    assert_int_equal(made->n_bytes, GC_RPC_MESSAGE_BYTES_MAX);
}

static void
a_request_over_the_limit_is_refused(void **state)
{
    struct rpc_made *made = rpc_bed_call(&bed, UNARY, NULL);

    (void)state;
    send_zeros(made, GC_RPC_MESSAGE_BYTES_MAX + 1);
    rpc_bed_until(&bed, made->n_ends > 0);
    assert_made(made, GC_RPC_RESOURCE_EXHAUSTED, "");
    rpc_bed_until(&bed, gc_rpc_server_n_calls(bed.server.rpc) == 0);
}

static void
a_response_over_the_limit_ends_the_call(void **state)
{
    struct rpc_made *made = rpc_bed_call(&bed, STREAM, NULL);

    (void)state;
    rpc_bed_ask(&bed, made, "1 4194305");
    assert_made(made, GC_RPC_RESOURCE_EXHAUSTED, "");
    rpc_bed_until(&bed, gc_rpc_server_n_calls(bed.server.rpc) == 0);
    assert_int_equal(rpc_echo_last(&bed.server.echo)->status.code, GC_RPC_CANCELLED);
}

static void
a_slow_reader_stops_the_server(void **state)
{
    struct rpc_made *made = rpc_bed_call(&bed, STREAM, NULL);
    struct rpc_served *served;

    (void)state;
    made->hold = true;
    rpc_made_send(made, "400 65536");
    assert_int_equal(gc_rpc_half_close(made->call), 0);
    served = served_when(1);
    rpc_bed_until(&bed, made->n_bytes >= 900000);
    rpc_bed_turns(&bed, 50);
    /* A window and a queue are under way, not 25 MiB. */
    assert_in_range(400 - served->stream_left, 16, 40);
    made->hold = false;
    while (made->n_unconsumed > 0) {
        made->n_unconsumed--;
        gc_rpc_consume(made->call);
    }
    rpc_bed_until(&bed, made->n_ends > 0);
    assert_int_equal(made->status.code, GC_RPC_OK);
    assert_int_equal(made->n_messages, 400);
}

static void
a_slow_server_stops_the_client(void **state)
{
    struct rpc_made *made = rpc_bed_call(&bed, HOLD, NULL);
    struct rpc_served *served;
    size_t n_sent = 0;

    (void)state;
    served = served_when(1);
    for (int i = 0; i < 200; i++) {
        while (gc_rpc_writable(made->call)) {
            send_zeros(made, 65536);
            n_sent++;
        }
        rpc_bed_turns(&bed, 1);
    }
    assert_in_range(n_sent, 20, 40);
    served->hold = false;
    while (served->n_unconsumed > 0) {
        served->n_unconsumed--;
        gc_rpc_consume(served->call);
    }
    rpc_bed_until(&bed, made->n_writables > 0);
    rpc_bed_until(&bed, served->n_messages == n_sent);
    gc_rpc_cancel(made->call);
}

static void
the_queue_of_a_call_has_a_limit(void **state)
{
    struct rpc_made *made = rpc_bed_call(&bed, HOLD, NULL);
    struct gc_bytes *msg = gc_bytes_new(1024 * 1024);
    unsigned n = 0;

    (void)state;
    memset(msg->data, 0, msg->len);
    served_when(1);
    while (n < 100 && gc_rpc_send(made->call, msg) == 0) {
        n++;
    }
    assert_int_equal(gc_rpc_send(made->call, msg), GC_ELIMIT);
    assert_in_range(n, 10, 16);
    gc_bytes_unref(msg);
    gc_rpc_cancel(made->call);
}

static void
calls_beyond_the_servers_limit_are_refused(void **state)
{
    struct rpc_made *first = rpc_bed_call(&bed, HOLD, NULL);
    struct rpc_made *second;

    (void)state;
    served_when(1);
    gc_rpc_server_set_calls_max(bed.server.rpc, 1);
    second = rpc_bed_call(&bed, UNARY, NULL);
    rpc_bed_until(&bed, second->n_ends > 0);
    assert_made(second, GC_RPC_RESOURCE_EXHAUSTED, "");
    gc_rpc_cancel(first->call);
}

/* --- deadlines ---------------------------------------------------------------------------------
 */

static void
the_client_ends_at_its_deadline(void **state)
{
    const struct gc_rpc_call_conf conf = { .deadline_ms = 200 };
    struct rpc_made *made = rpc_bed_call(&bed, SLEEP, &conf);

    (void)state;
    rpc_bed_ask(&bed, made, "");
    assert_made(made, GC_RPC_DEADLINE_EXCEEDED, "");
    rpc_bed_until(&bed, gc_rpc_server_n_calls(bed.server.rpc) == 0);
    assert_int_not_equal(rpc_echo_last(&bed.server.echo)->status.code, GC_RPC_OK);
}

static void
the_server_knows_what_is_left(void **state)
{
    const struct gc_rpc_call_conf conf = { .deadline_ms = 60000 };
    struct rpc_made *made = rpc_bed_call(&bed, RPC_BED_PATH("Left"), &conf);
    struct rpc_made *endless = rpc_bed_call(&bed, RPC_BED_PATH("Left"), NULL);

    (void)state;
    rpc_bed_ask(&bed, made, "");
    assert_int_equal(made->status.code, GC_RPC_OK);
    assert_in_range(strtoul(gc_buf_cstr(&made->body), NULL, 10), 20000, 60000);
    rpc_bed_ask(&bed, endless, "");
    assert_made(endless, GC_RPC_OK, "18446744073709551615");
}

static void
the_method_limits_the_deadline(void **state)
{
    struct rpc_made *made = rpc_bed_call(&bed, RPC_BED_PATH("Short"), NULL);

    (void)state;
    rpc_bed_ask(&bed, made, "");
    assert_made(made, GC_RPC_DEADLINE_EXCEEDED, "");
    rpc_bed_until(&bed, gc_rpc_server_n_calls(bed.server.rpc) == 0);
    assert_int_equal(rpc_echo_last(&bed.server.echo)->status.code, GC_RPC_DEADLINE_EXCEEDED);
}

static void
a_child_call_gets_less_than_what_is_left(void **state)
{
    const struct gc_rpc_call_conf conf = { .deadline_ms = 60000 };
    struct rpc_made *made = rpc_bed_call(&bed, HOLD, &conf);
    struct rpc_made *endless = rpc_bed_call(&bed, HOLD, NULL);
    uint64_t left_ms = gc_rpc_remaining_ms(made->call);

    (void)state;
    assert_true(gc_rpc_child_deadline_ms(made->call, 0) < left_ms);
    assert_int_equal(gc_rpc_child_deadline_ms(made->call, 10), 10);
    assert_int_equal(gc_rpc_child_deadline_ms(endless->call, 10), 10);
    assert_int_equal(gc_rpc_child_deadline_ms(endless->call, 0), GC_RPC_NO_DEADLINE);
    gc_rpc_cancel(made->call);
    gc_rpc_cancel(endless->call);
}

static void
a_silent_client_ends_at_the_progress_deadline(void **state)
{
    struct rpc_made *made = rpc_bed_call(&bed, RPC_BED_PATH("Slow"), NULL);
    struct rpc_served *served = served_when(1);

    (void)state;
    for (int i = 0; i < 8; i++) {
        uint64_t end = gc_clock_mono_ms() + 75;

        rpc_made_send(made, "x");
        rpc_bed_until(&bed, gc_clock_mono_ms() >= end);
    }
    rpc_bed_until(&bed, made->n_ends > 0);
    assert_int_equal(served->n_messages, 8);
    assert_made(made, GC_RPC_DEADLINE_EXCEEDED, "");
    assert_string_equal(made->status.message, "no progress");
    rpc_bed_until(&bed, served->n_ends > 0);
}

static void
a_silent_server_ends_at_the_progress_deadline(void **state)
{
    const struct gc_rpc_call_conf conf = { .progress_ms = 200 };
    struct rpc_made *open = rpc_bed_call(&bed, HOLD, &conf);
    struct rpc_made *made = rpc_bed_call(&bed, SLEEP, &conf);

    (void)state;
    rpc_bed_ask(&bed, made, "");
    assert_made(made, GC_RPC_DEADLINE_EXCEEDED, "");
    /* It is our turn there, so that the server owes nothing. */
    assert_int_equal(open->n_ends, 0);
    gc_rpc_cancel(open->call);
}

/* --- cancel ------------------------------------------------------------------------------------
 */

static void
expect_cancelled(struct rpc_made *made)
{
    gc_rpc_cancel(made->call);
    assert_int_equal(made->n_ends, 0); /* never from inside */
    gc_rpc_cancel(made->call);
    rpc_bed_until(&bed, made->n_ends > 0);
    assert_int_equal(made->status.code, GC_RPC_CANCELLED);
    rpc_bed_until(&bed, gc_rpc_server_n_calls(bed.server.rpc) == 0);
}

static void
cancel_before_there_is_a_connection(void **state)
{
    struct rpc_made *made = rpc_bed_call(&bed, UNARY, NULL);

    (void)state;
    rpc_made_send(made, "x");
    expect_cancelled(made);
    assert_int_equal(bed.server.echo.n_served, 0);
}

static void
cancel_right_after_the_request_was_queued(void **state)
{
    struct rpc_made *first = rpc_bed_call(&bed, UNARY, NULL);
    struct rpc_made *made;

    (void)state;
    rpc_bed_ask(&bed, first, "x");
    made = rpc_bed_call(&bed, HOLD, NULL); /* the connection is there: a stream at once */
    expect_cancelled(made);
}

static void
cancel_while_the_server_works(void **state)
{
    struct rpc_made *made = rpc_bed_call(&bed, HOLD, NULL);
    struct rpc_served *served = served_when(1);

    (void)state;
    expect_cancelled(made);
    assert_int_equal(served->n_ends, 1);
    assert_int_equal(served->status.code, GC_RPC_CANCELLED);
}

static void
cancel_after_half_close(void **state)
{
    struct rpc_made *made = rpc_bed_call(&bed, SLEEP, NULL);
    struct rpc_served *served;

    (void)state;
    rpc_made_send(made, "x");
    assert_int_equal(gc_rpc_half_close(made->call), 0);
    served = served_when(1);
    expect_cancelled(made);
    assert_int_equal(served->status.code, GC_RPC_CANCELLED);
}

static void
cancel_in_the_middle_of_a_stream(void **state)
{
    struct rpc_made *made = rpc_bed_call(&bed, STREAM, NULL);

    (void)state;
    rpc_made_send(made, "100000 65536");
    assert_int_equal(gc_rpc_half_close(made->call), 0);
    rpc_bed_until(&bed, made->n_messages > 30);
    expect_cancelled(made);
    assert_int_equal(rpc_echo_last(&bed.server.echo)->status.code, GC_RPC_CANCELLED);
}

static void
the_server_cancels(void **state)
{
    struct rpc_made *made = rpc_bed_call(&bed, HOLD, NULL);
    struct rpc_served *served = served_when(1);

    (void)state;
    gc_rpc_cancel(served->call);
    assert_int_equal(served->n_ends, 0);
    rpc_bed_until(&bed, made->n_ends > 0 && served->n_ends > 0);
    assert_made(made, GC_RPC_CANCELLED, "");
    assert_int_equal(served->status.code, GC_RPC_CANCELLED);
}

static void
a_call_after_its_end_is_harmless_while_kept(void **state)
{
    struct rpc_made *made = rpc_bed_call(&bed, UNARY, NULL);
    struct gc_rpc_call *call = gc_rpc_ref(made->call);
    struct gc_bytes *msg = gc_bytes_copy("x", 1);

    (void)state;
    rpc_bed_ask(&bed, made, "x");
    gc_rpc_cancel(call);
    assert_int_equal(gc_rpc_send(call, msg), GC_ECLOSED);
    assert_int_equal(gc_rpc_half_close(call), GC_ECLOSED);
    assert_false(gc_rpc_writable(call));
    assert_null(gc_rpc_peer(call));
    rpc_bed_turns(&bed, 5);
    assert_int_equal(made->n_ends, 1);
    gc_bytes_unref(msg);
    gc_rpc_unref(call);
}

static void
a_reset_call_counts_until_its_work_has_ended(void **state)
{
    struct rpc_made *made = rpc_bed_call(&bed, HOLD, NULL);
    struct rpc_served *served = served_when(1);
    struct gc_rpc_call *call = gc_rpc_ref(served->call);

    (void)state;
    gc_rpc_cancel(made->call);
    rpc_bed_until(&bed, served->n_ends > 0);
    rpc_bed_turns(&bed, 5);
    assert_int_equal(gc_rpc_server_n_calls(bed.server.rpc), 1);
    assert_int_equal(gc_rpc_finish(call, NULL), GC_ECLOSED);
    gc_rpc_unref(call);
    assert_int_equal(gc_rpc_server_n_calls(bed.server.rpc), 0);
}

/* --- early ends and losses ---------------------------------------------------------------------
 */

static void
a_server_may_end_before_its_client(void **state)
{
    struct rpc_made *made = rpc_bed_call(&bed, HOLD, NULL);
    struct rpc_served *served = served_when(1);

    (void)state;
    rpc_made_send(made, "still talking");
    rpc_bed_until(&bed, served->n_messages == 1);
    assert_int_equal(gc_rpc_fail(served->call, GC_RPC_ABORTED, "enough of %d", 42), 0);
    assert_int_equal(gc_rpc_fail(served->call, GC_RPC_ABORTED, "again"), GC_ECLOSED);
    rpc_bed_until(&bed, made->n_ends > 0 && served->n_ends > 0);
    assert_made(made, GC_RPC_ABORTED, "");
    assert_string_equal(made->status.message, "enough of 42");
    assert_int_equal(served->status.code, GC_RPC_OK);
}

static void
a_killed_server_makes_calls_unavailable(void **state)
{
    struct rpc_made *idle = rpc_bed_call(&bed, HOLD, NULL);
    struct rpc_made *busy = rpc_bed_call(&bed, STREAM, NULL);

    (void)state;
    rpc_made_send(busy, "100000 65536");
    assert_int_equal(gc_rpc_half_close(busy->call), 0);
    rpc_bed_until(&bed, busy->n_messages > 10);
    rpc_bed_server_close(&bed.server); /* asserts that all calls ended once */
    rpc_bed_until(&bed, idle->n_ends > 0 && busy->n_ends > 0);
    assert_int_equal(idle->status.code, GC_RPC_UNAVAILABLE);
    assert_int_equal(busy->status.code, GC_RPC_UNAVAILABLE);
}

static void
a_freed_channel_cancels_its_calls(void **state)
{
    struct rpc_made *running = rpc_bed_call(&bed, HOLD, NULL);
    struct rpc_served *served = served_when(1);
    struct rpc_made *queued = rpc_bed_call(&bed, HOLD, NULL);

    (void)state;
    gc_rpc_channel_free(bed.channel);
    bed.channel = NULL;
    assert_int_equal(running->n_ends, 0);
    rpc_bed_until(&bed, running->n_ends > 0 && queued->n_ends > 0 && served->n_ends > 0);
    assert_int_equal(running->status.code, GC_RPC_CANCELLED);
    assert_int_equal(queued->status.code, GC_RPC_CANCELLED);
    assert_int_equal(served->status.code, GC_RPC_CANCELLED);
}

static void
calls_are_counted_by_method_and_code(void **state)
{
    struct rpc_made *made = rpc_bed_call(&bed, FAIL, NULL);
    struct gc_buf text;
    const char *all;

    (void)state;
    rpc_bed_ask(&bed, made, "5 gone");
    rpc_bed_until(&bed, gc_rpc_server_n_calls(bed.server.rpc) == 0);
    gc_buf_init(&text, 1024 * 1024);
    assert_int_equal(gc_metrics_render(bed.server.metrics, &text), 0);
    all = gc_buf_cstr(&text);
    assert_non_null(strstr(all, "gc_rpc_server_calls_total{service=\"gcommon.test.Echo\","
                                "method=\"Fail\",code=\"NOT_FOUND\"} 1"));
    assert_non_null(strstr(all, "gc_rpc_server_started_total{service=\"gcommon.test.Echo\","
                                "method=\"Fail\"} 1"));
    gc_buf_fini(&text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_unary_call_brings_its_request_back),
        TEST(a_client_stream_is_answered_once),
        TEST(a_server_stream_brings_all_messages),
        TEST(a_conversation_goes_both_ways),
        TEST(an_empty_message_is_a_message),
        TEST(a_message_may_come_in_two_parts),
        TEST(metadata_goes_there_and_back),
        TEST(bad_metadata_starts_nothing),
        TEST(an_error_keeps_its_odd_text),
        TEST(an_unknown_method_is_unimplemented),
        TEST(a_unary_method_wants_exactly_one_request),
        TEST(unary_in_one_gives_the_response),
        TEST(unary_in_one_wants_exactly_one_response),
        TEST(a_message_at_the_limit_passes_both_ways),
        TEST(a_request_over_the_limit_is_refused),
        TEST(a_response_over_the_limit_ends_the_call),
        TEST(a_slow_reader_stops_the_server),
        TEST(a_slow_server_stops_the_client),
        TEST(the_queue_of_a_call_has_a_limit),
        TEST(calls_beyond_the_servers_limit_are_refused),
        TEST(the_client_ends_at_its_deadline),
        TEST(the_server_knows_what_is_left),
        TEST(the_method_limits_the_deadline),
        TEST(a_child_call_gets_less_than_what_is_left),
        TEST(a_silent_client_ends_at_the_progress_deadline),
        TEST(a_silent_server_ends_at_the_progress_deadline),
        TEST(cancel_before_there_is_a_connection),
        TEST(cancel_right_after_the_request_was_queued),
        TEST(cancel_while_the_server_works),
        TEST(cancel_after_half_close),
        TEST(cancel_in_the_middle_of_a_stream),
        TEST(the_server_cancels),
        TEST(a_call_after_its_end_is_harmless_while_kept),
        TEST(a_reset_call_counts_until_its_work_has_ended),
        TEST(a_server_may_end_before_its_client),
        TEST(a_killed_server_makes_calls_unavailable),
        TEST(a_freed_channel_cancels_its_calls),
        TEST(calls_are_counted_by_method_and_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
