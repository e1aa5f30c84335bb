/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Our HTTP/2 client against our server, on one loop, in cleartext and over mutual TLS. */
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
#include "crypto/crypto.h"
#include "tests/support/http_bed.h"
#include "tests/support/pki.h"

#define MIB (1024u * 1024u)

static struct gc_pki pki;
static bool over_tls;

static int
set_up_with(void **state, struct gc_http_conf conf)
{
    struct hb *bed = calloc(1, sizeof(*bed));

    if (over_tls) {
        bed->tls_server = gc_pki_ctx(&pki, GC_TLS_INTERNAL, true, "server");
        bed->tls_client = gc_pki_ctx(&pki, GC_TLS_INTERNAL, false, "client");
    }
    hb_init(bed, &conf);
    *state = bed;
    return 0;
}

static int
set_up(void **state)
{
    return set_up_with(state, (struct gc_http_conf){ 0 });
}

static int
set_up_connected(void **state)
{
    set_up(state);
    hb_connect(*state);
    return 0;
}

static int
set_up_small(void **state)
{
    return set_up_with(state, (struct gc_http_conf){
                                  .streams_max = 3,
                                  .header_bytes_max = 1000,
                                  .header_count_max = 10,
                                  .stream_window = 65536,
                                  .conn_window = 200000,
                              });
}

static int
set_up_hasty(void **state)
{
    return set_up_with(state, (struct gc_http_conf){
                                  .handshake_timeout_ms = 2000,
                                  .idle_timeout_ms = 300,
                                  .write_timeout_ms = 300,
                                  .stream_window = 65536,
                              });
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

/* --- calls out of place -------------------------------------------------------------------------
 */

static void
what_may_not_be_said_is_refused(void **state)
{
    static const struct gc_http_field bad[] = {
        { GC_STR("X-Upper"), GC_STR("1"), false },
        { GC_STR("x y"), GC_STR("1"), false },
        { GC_STR(""), GC_STR("1"), false },
        { GC_STR(":status"), GC_STR("1"), false },
        { GC_STR("x"), GC_STR("a\r\nb: c"), false },
        { GC_STR("x"), GC_STR(" a"), false },
        { GC_STR("connection"), GC_STR("close"), false },
        { GC_STR("transfer-encoding"), GC_STR("chunked"), false },
    };
    struct hb *bed = *state;
    struct hb_exchange *call = hb_call(bed, "POST", "/hold", false);
    struct gc_slice slice = { NULL, (const uint8_t *)"x", 1 };

    assert_int_equal(gc_http_respond(call->s, 200, NULL, 0, false), GC_ECONFLICT);
    hb_until(bed, bed->n_requests == 1);
    struct hb_exchange *req = bed->requests[0];
    assert_int_equal(gc_http_write(req->s, &slice), GC_ECONFLICT);
    assert_int_equal(gc_http_end(req->s, NULL, 0), GC_ECONFLICT);
    assert_int_equal(gc_http_respond(req->s, 99, NULL, 0, false), GC_ERANGE);
    assert_int_equal(gc_http_respond(req->s, 101, NULL, 0, false), GC_ERANGE);
    for (size_t i = 0; i < GC_ARRAY_LEN(bad); i++) {
        assert_int_equal(gc_http_respond(req->s, 200, &bad[i], 1, false), GC_EPARSE);
    }
    assert_int_equal(gc_http_respond(req->s, 200, NULL, 0, false), 0);
    assert_int_equal(gc_http_respond(req->s, 200, NULL, 0, false), GC_ECONFLICT);
    assert_int_equal(gc_http_end(req->s, &bad[0], 1), GC_EPARSE);
    assert_int_equal(gc_http_end(req->s, NULL, 0), 0);
    assert_int_equal(gc_http_end(req->s, NULL, 0), GC_ECLOSED);
    assert_int_equal(gc_http_write(req->s, &slice), GC_ECLOSED);
    hb_until(bed, call->n_closes);
}

static void
a_queue_beyond_its_limit_is_refused(void **state)
{
    struct hb *bed = *state;
    struct hb_exchange *call = hb_call(bed, "POST", "/sink", false);
    struct gc_bytes *piece = gc_bytes_new(GC_HTTP_QUEUE_MAX);
    struct gc_slice slice = { piece, piece->data, piece->len };

    memset(piece->data, 0, piece->len);
    assert_int_equal(gc_http_write(call->s, &slice), 0);
    assert_int_equal(gc_http_queued(call->s), GC_HTTP_QUEUE_MAX);
    slice.len = 1;
    assert_int_equal(gc_http_write(call->s, &slice), GC_ELIMIT);
    assert_int_equal(gc_http_queued(call->s), GC_HTTP_QUEUE_MAX);
    gc_bytes_unref(piece);
    hb_end(call);
    hb_until(bed, call->n_closes);
    assert_memory_equal(call->body.data, "16777216\n", 9);
    assert_int_equal(call->n_writables, 0); /* it had ended: nothing may be written */
    assert_int_equal(hb_metric(bed, "gc_http_queue_full_total "), 1);
}

static void
requests_out_of_place_are_refused(void **state)
{
    static const struct gc_http_field bad = { GC_STR("host"), GC_STR("h"), false };
    struct hb *bed = *state;
    struct hb_exchange *call;

    hb_dial(bed, NULL);
    assert_int_equal(gc_http_client_slots(bed->client), 0);
    assert_int_equal(hb_try_call(bed, "GET", "/", true, &call), GC_EUNAVAILABLE);
    assert_int_equal(gc_http_client_ping(bed->client), GC_EUNAVAILABLE);
    hb_until(bed, bed->n_ready);
    bed->call_fields = &bad;
    bed->n_call_fields = 1;
    assert_int_equal(hb_try_call(bed, "GET", "/", true, &call), GC_EPARSE);
    assert_int_equal(gc_http_client_slots(bed->client), 256);
}

/* --- resets -------------------------------------------------------------------------------------
 */

static void
a_call_reset_before_it_left_never_arrives(void **state)
{
    struct hb *bed = *state;
    struct hb_exchange *call = hb_call(bed, "POST", "/echo", false);

    hb_write(call, "abc", 3);
    gc_http_reset(call->s, GC_H2_CANCEL);
    gc_http_reset(call->s, GC_H2_CANCEL);
    assert_int_equal(call->n_closes, 0);
    hb_until(bed, call->n_closes);
    assert_int_equal(call->rc, GC_ECANCELED);
    assert_int_equal(call->h2_code, GC_H2_CANCEL);
    hb_turns(bed, 20);
    assert_int_equal(bed->n_requests, 0);
    assert_int_equal(gc_http_client_slots(bed->client), 256);
}

static void
a_reset_reaches_the_other_side_at_each_state(void **state)
{
    struct hb *bed = *state;
    struct gc_slice slice = { NULL, (const uint8_t *)"x", 1 };

    for (size_t i = 0; i < 6; i++) {
        bool by_server = i % 2 == 1;
        struct hb_exchange *call = hb_call(bed, "POST", "/hold", false);
        hb_until(bed, bed->n_requests == i + 1);
        struct hb_exchange *req = bed->requests[i];
        if (i >= 2) {
            hb_write(call, "abc", 3);
            hb_until(bed, req->body_bytes == 3);
        }
        if (i >= 4) {
            assert_int_equal(gc_http_respond(req->s, 200, NULL, 0, false), 0);
            hb_write(req, "de", 2);
            hb_end(call);
            hb_until(bed, call->body_bytes == 2 && req->n_ends == 1);
        }
        struct hb_exchange *resetter = by_server ? req : call, *other = by_server ? call : req;
        gc_http_reset(resetter->s, GC_H2_CANCEL);
        assert_int_equal(gc_http_write(resetter->s, &slice), GC_ECLOSED);
        assert_int_equal(gc_http_end(resetter->s, NULL, 0), GC_ECLOSED);
        assert_int_equal(resetter->n_closes, 0);
        hb_until(bed, call->n_closes && req->n_closes);
        assert_int_equal(resetter->rc, GC_ECANCELED);
        assert_int_equal(other->rc, GC_ECANCELED);
        assert_int_equal(other->h2_code, GC_H2_CANCEL);
        assert_int_equal(other->n_ends, !by_server && i >= 4);
    }
    assert_int_equal(bed->n_closes, 0);
}

/* A DATA frame may be half done when the stream is given up: its bytes must stay. */
static void
a_reset_in_mid_transfer_frees_the_queues_and_spares_the_connection(void **state)
{
    struct hb *bed = *state;
    struct hb_exchange *up = hb_call(bed, "POST", "/hold", false);
    struct hb_exchange *down = hb_call(bed, "GET", "/source/67108864", true);

    bed->hold_data = true;
    down->hold_data = true;
    hb_source(up, 64 * MIB);
    hb_until(bed, down->held >= 512 * 1024 && bed->n_requests == 2);
    gc_http_reset(up->s, GC_H2_CANCEL);
    assert_true(gc_http_queued(up->s) <= 64 * 1024);
    gc_http_reset(down->s, GC_H2_CANCEL);
    hb_until(bed, up->n_closes && down->n_closes && bed->requests[0]->n_closes &&
                      bed->requests[1]->n_closes);
    struct hb_exchange *again = hb_call(bed, "GET", "/source/10000000", true);
    hb_until(bed, again->n_closes);
    assert_int_equal(again->rc, 0);
    assert_int_equal(again->body_bytes, 10000000);
}

static void
a_request_that_nobody_takes_is_reset(void **state)
{
    struct hb *bed = *state;
    struct hb_exchange *call = hb_call(bed, "GET", "/unset", true);

    hb_until(bed, call->n_closes);
    assert_int_equal(call->rc, GC_ECANCELED);
    assert_int_equal(call->h2_code, GC_H2_INTERNAL_ERROR);
    assert_int_equal(call->n_heads, 0);
}

static void
an_early_answer_ends_both_sides(void **state)
{
    struct hb *bed = *state;
    struct hb_exchange *call = hb_call(bed, "POST", "/early", false);

    hb_source(call, 64 * MIB);
    hb_until(bed, call->n_closes);
    assert_int_equal(call->status, 403);
    assert_int_equal(call->body_bytes, 3);
    assert_int_equal(call->n_ends, 1);
    assert_int_equal(call->rc, 0);
    assert_int_equal(bed->requests[0]->rc, 0);
    assert_int_equal(bed->requests[0]->n_ends, 0);
    hb_until(bed, gc_http_server_n_streams(bed->server) == 0);
}

static void
a_body_that_is_not_as_long_as_it_said_is_the_peers_fault(void **state)
{
    static const struct gc_http_field length = { GC_STR("content-length"), GC_STR("5"), false };
    struct hb *bed = *state;

    bed->call_fields = &length;
    bed->n_call_fields = 1;
    for (size_t i = 0; i < 2; i++) {
        struct hb_exchange *call = hb_call(bed, "POST", "/sink", false);
        hb_write(call, "abcdefg", i == 0 ? 3 : 7);
        hb_end(call);
        hb_until(bed, call->n_closes && bed->n_requests == i + 1 && bed->requests[i]->n_closes);
        assert_int_equal(bed->requests[i]->rc, GC_EPROTO);
        assert_int_equal(bed->requests[i]->n_ends, 0);
        assert_int_equal(call->rc, GC_ECANCELED);
        assert_int_equal(call->h2_code, GC_H2_PROTOCOL_ERROR);
    }
}

/* --- flow control -------------------------------------------------------------------------------
 */

static void
a_slow_reader_bounds_what_is_under_way_and_stalls_nobody_else(void **state)
{
    struct hb *bed = *state;
    struct hb_exchange *slow = hb_call(bed, "GET", "/source/67108864", true);

    slow->hold_data = true;
    hb_until(bed, slow->held >= MIB); /* the window is used up */
    hb_turns(bed, 50);
    assert_int_equal(slow->held, MIB);
    assert_true(bed->requests[0]->source_at <= MIB + GC_HTTP_QUEUE_HIGH + 64 * 1024);
    struct hb_exchange *other = hb_call(bed, "GET", "/source/20000000", true);
    hb_until(bed, other->n_closes);
    assert_int_equal(other->body_bytes, 20000000);
    assert_int_equal(slow->held, MIB);
    while (slow->n_closes == 0) {
        assert_true(slow->held <= MIB);
        hb_consume_all(slow);
        hb_until(bed, slow->held > 0 || slow->n_closes);
    }
    assert_int_equal(slow->rc, 0);
    assert_int_equal(slow->body_sum, hb_pattern_sum(64 * MIB));
}

static void
a_slow_application_bounds_an_upload(void **state)
{
    struct hb *bed = *state;
    struct hb_exchange *call = hb_call(bed, "POST", "/sink", false);

    bed->hold_data = true;
    hb_source(call, 8 * MIB);
    hb_until(bed, bed->n_requests == 1);
    struct hb_exchange *req = bed->requests[0];
    hb_until(bed, req->held >= MIB);
    hb_turns(bed, 50);
    assert_int_equal(req->held, MIB);
    while (req->n_closes == 0) {
        hb_consume_all(req);
        hb_until(bed, req->held > 0 || req->n_closes);
    }
    hb_until(bed, call->n_closes);
    assert_memory_equal(call->body.data, "8388608\n", 8);
}

/* --- limits -------------------------------------------------------------------------------------
 */

static void
too_many_or_too_large_fields_are_431(void **state)
{
    struct hb *bed = *state;
    static char big[1000];
    struct gc_http_field many[11];
    const struct gc_http_field large = { GC_STR("x"), { big, sizeof(big) }, false };

    memset(big, 'a', sizeof(big));
    for (size_t i = 0; i < GC_ARRAY_LEN(many); i++) {
        many[i] = (struct gc_http_field){ GC_STR("y"), GC_STR("1"), false };
    }
    hb_connect(bed);
    for (size_t i = 0; i < 2; i++) {
        bed->call_fields = i == 0 ? many : &large;
        bed->n_call_fields = i == 0 ? GC_ARRAY_LEN(many) : 1;
        struct hb_exchange *call = hb_call(bed, "POST", "/echo", i == 0);
        hb_until(bed, call->n_closes);
        assert_int_equal(call->status, 431);
        assert_int_equal(call->rc, 0);
    }
    assert_int_equal(bed->n_requests, 0);
    bed->call_fields = NULL;
    struct hb_exchange *call = hb_call(bed, "GET", "/a", true);
    hb_until(bed, call->n_closes);
    assert_int_equal(call->status, 200);
}

static void
streams_are_limited_and_slots_come_back(void **state)
{
    struct hb *bed = *state;
    struct hb_exchange *refused = NULL;

    hb_connect(bed);
    assert_int_equal(gc_http_client_slots(bed->client), 3);
    for (size_t i = 0; i < 3; i++) {
        hb_call(bed, "POST", "/echo", false);
    }
    assert_int_equal(hb_try_call(bed, "GET", "/a", true, &refused), GC_ELIMIT);
    hb_turns(bed, 20);
    assert_int_equal(bed->n_slots, 0);
    hb_end(bed->calls[1]);
    hb_until(bed, bed->n_slots == 1);
    assert_int_equal(gc_http_client_slots(bed->client), 1);
    hb_end(hb_call(bed, "POST", "/echo", false));
    hb_end(bed->calls[0]);
    hb_end(bed->calls[2]);
    hb_until(bed, gc_http_client_slots(bed->client) == 3);
}

/* --- the end of connections ---------------------------------------------------------------------
 */

static void
on_done(void *arg)
{
    ((struct hb *)arg)->n_done++;
}

static void
draining_finishes_running_streams_and_takes_no_new_ones(void **state)
{
    struct hb *bed = *state;
    struct hb_exchange *call = hb_call(bed, "POST", "/echo", false), *refused;

    hb_until(bed, call->n_heads);
    gc_http_server_drain(bed->server, HB_DEADLINE_MS, on_done, bed);
    hb_until(bed, bed->n_drains == 1);
    assert_int_equal(hb_try_call(bed, "GET", "/a", true, &refused), GC_EUNAVAILABLE);
    hb_turns(bed, 20);
    assert_int_equal(bed->n_done, 0);
    hb_write(call, "abc", 3);
    hb_end(call);
    hb_until(bed, call->n_closes && bed->n_closes && bed->n_done);
    assert_int_equal(call->rc, 0);
    assert_int_equal(call->body_bytes, 3);
    assert_int_equal(bed->n_drains, 1);
}

static void
a_request_that_crosses_the_drain_is_served_or_refused_cleanly(void **state)
{
    struct hb *bed = *state;

    for (unsigned turns = 0; turns < 2; turns++) {
        hb_call(bed, "GET", "/a", true);
        hb_turns(bed, turns);
    }
    gc_http_server_drain(bed->server, HB_DEADLINE_MS, on_done, bed);
    hb_call(bed, "GET", "/a", true);
    hb_until(bed, bed->n_done && bed->n_closes);
    for (size_t i = 0; i < bed->n_calls; i++) {
        const struct hb_exchange *call = bed->calls[i];
        assert_true(call->rc == 0 || (call->rc == GC_ECANCELED && call->h2_code == 7));
    }
}

static void
draining_cuts_what_does_not_end(void **state)
{
    struct hb *bed = *state;
    struct hb_exchange *call = hb_call(bed, "POST", "/echo", false);

    hb_until(bed, call->n_heads);
    gc_http_server_drain(bed->server, 200, on_done, bed);
    hb_until(bed, bed->n_done && bed->n_closes);
    assert_int_equal(call->rc, GC_ECLOSED);
    assert_int_equal(bed->requests[0]->rc, GC_ECANCELED);
}

static void
a_client_shuts_down_after_its_last_stream(void **state)
{
    struct hb *bed = *state;
    struct hb_exchange *call = hb_call(bed, "POST", "/echo", false), *refused;

    hb_until(bed, call->n_heads);
    gc_http_client_shutdown(bed->client);
    assert_int_equal(hb_try_call(bed, "GET", "/a", true, &refused), GC_EUNAVAILABLE);
    hb_turns(bed, 20);
    assert_int_equal(bed->n_closes, 0);
    hb_end(call);
    hb_until(bed, bed->n_closes);
    assert_int_equal(bed->client_rc, 0);
    assert_int_equal(call->rc, 0);
    assert_int_equal(bed->n_drains, 0);
    hb_until(bed, gc_http_server_n_conns(bed->server) == 0);
}

static void
a_client_that_is_still_connecting_may_be_shut_down_or_aborted(void **state)
{
    struct hb *bed = *state;

    for (unsigned i = 0; i < 4; i++) {
        hb_dial(bed, NULL);
        hb_turns(bed, i / 2);
        if (i % 2 == 0) {
            gc_http_client_shutdown(bed->client);
        } else {
            gc_http_client_abort(bed->client);
            gc_http_client_abort(bed->client);
        }
        assert_int_equal(bed->n_closes, i);
        hb_until(bed, bed->n_closes == i + 1);
    }
}

static void
an_aborted_client_closes_streams_on_both_sides(void **state)
{
    struct hb *bed = *state;
    struct hb_exchange *up = hb_call(bed, "POST", "/hold", false);
    struct hb_exchange *down = hb_call(bed, "GET", "/source/67108864", true);

    hb_source(up, 64 * MIB);
    hb_until(bed, down->body_bytes > 100000 && bed->n_requests == 2);
    gc_http_client_abort(bed->client);
    assert_int_equal(up->n_closes + down->n_closes, 0);
    hb_until(bed, bed->n_closes && gc_http_server_n_streams(bed->server) == 0);
    assert_int_equal(up->rc, GC_ECANCELED);
    assert_int_equal(down->rc, GC_ECANCELED);
    assert_int_equal(bed->client_rc, GC_ECANCELED);
    assert_int_equal(bed->requests[0]->rc, GC_ECLOSED);
    assert_int_equal(bed->requests[1]->rc, GC_ECLOSED);
}

static void
a_freed_server_cuts_its_streams(void **state)
{
    struct hb *bed = *state;
    struct hb_exchange *up = hb_call(bed, "POST", "/hold", false);
    struct hb_exchange *down = hb_call(bed, "GET", "/source/67108864", true);

    hb_source(up, 64 * MIB);
    hb_until(bed, down->body_bytes > 100000 && bed->n_requests == 2);
    gc_http_server_free(bed->server);
    bed->server = NULL;
    hb_until(bed, bed->n_closes && bed->requests[0]->n_closes && bed->requests[1]->n_closes);
    assert_int_equal(up->rc, GC_ECLOSED);
    assert_int_equal(down->rc, GC_ECLOSED);
    assert_int_equal(bed->requests[0]->rc, GC_ECANCELED);
}

static void
a_ping_is_answered(void **state)
{
    struct hb *bed = *state;
    uint64_t before = gc_http_client_last_read_ms(bed->client);

    hb_until(bed, gc_loop_now_ms(bed->loop) > before + 20);
    assert_int_equal(gc_http_client_last_read_ms(bed->client), before);
    assert_int_equal(gc_http_client_ping(bed->client), 0);
    hb_until(bed, gc_http_client_last_read_ms(bed->client) > before);
    assert_int_equal(bed->n_closes, 0);
}

static void
an_idle_connection_is_drained(void **state)
{
    struct hb *bed = *state;
    struct hb_exchange *call;

    hb_connect(bed);
    call = hb_call(bed, "GET", "/a", true);
    hb_until(bed, bed->n_drains == 1 && bed->n_closes == 1);
    assert_int_equal(call->rc, 0);
    hb_until(bed, gc_http_server_n_conns(bed->server) == 0);
    assert_int_equal(hb_metric(bed, "gc_http_timeouts_total{timer=\"idle\"} "), 1);
}

static void
a_stream_whose_reader_stops_is_given_up_alone(void **state)
{
    struct hb *bed = *state;
    struct hb_exchange *slow, *other;

    hb_dial(bed, NULL);
    hb_until(bed, bed->n_ready);
    slow = hb_call(bed, "GET", "/source/67108864", true);
    slow->hold_data = true;
    other = hb_call(bed, "POST", "/hold", false);
    hb_until(bed, slow->n_closes);
    assert_int_equal(slow->rc, GC_ECANCELED);
    assert_int_equal(bed->requests[0]->rc, GC_EDEADLINE);
    assert_int_equal(bed->n_closes, 0);
    assert_int_equal(other->n_closes, 0);
}

#define TEST(name, set_up) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static int
run(const char *group)
{
    const struct CMUnitTest tests[] = {
        TEST(a_request_without_body_gets_its_answer, set_up_connected),
        TEST(a_unary_exchange_has_body_and_trailers_both_ways, set_up_connected),
        TEST(bulk_goes_both_ways_with_bounded_queues, set_up_connected),
        TEST(many_streams_run_at_once, set_up_connected),
        TEST(what_may_not_be_said_is_refused, set_up_connected),
        TEST(a_queue_beyond_its_limit_is_refused, set_up_connected),
        TEST(requests_out_of_place_are_refused, set_up),
        TEST(a_call_reset_before_it_left_never_arrives, set_up_connected),
        TEST(a_reset_reaches_the_other_side_at_each_state, set_up_connected),
        TEST(a_reset_in_mid_transfer_frees_the_queues_and_spares_the_connection, set_up_connected),
        TEST(a_request_that_nobody_takes_is_reset, set_up_connected),
        TEST(an_early_answer_ends_both_sides, set_up_connected),
        TEST(a_body_that_is_not_as_long_as_it_said_is_the_peers_fault, set_up_connected),
        TEST(a_slow_reader_bounds_what_is_under_way_and_stalls_nobody_else, set_up_connected),
        TEST(a_slow_application_bounds_an_upload, set_up_connected),
        TEST(too_many_or_too_large_fields_are_431, set_up_small),
        TEST(streams_are_limited_and_slots_come_back, set_up_small),
        TEST(draining_finishes_running_streams_and_takes_no_new_ones, set_up_connected),
        TEST(a_request_that_crosses_the_drain_is_served_or_refused_cleanly, set_up_connected),
        TEST(draining_cuts_what_does_not_end, set_up_connected),
        TEST(a_client_shuts_down_after_its_last_stream, set_up_connected),
        TEST(a_client_that_is_still_connecting_may_be_shut_down_or_aborted, set_up),
        TEST(an_aborted_client_closes_streams_on_both_sides, set_up_connected),
        TEST(a_freed_server_cuts_its_streams, set_up_connected),
        TEST(a_ping_is_answered, set_up_connected),
        TEST(an_idle_connection_is_drained, set_up_hasty),
        TEST(a_stream_whose_reader_stops_is_given_up_alone, set_up_hasty),
    };
    return cmocka_run_group_tests_name(group, tests, NULL, NULL);
}

int
main(void)
{
    int n_failed;

    if (gc_crypto_init() != 0) {
        return 1;
    }
    gc_pki_init(&pki, "test CA");
    gc_pki_leaf(&pki, "server", "spiffe://" GC_PKI_DOMAIN "/gcommon/file/f1");
    gc_pki_leaf(&pki, "client", "spiffe://" GC_PKI_DOMAIN "/gcommon/web/w1");
    n_failed = run("cleartext");
    over_tls = true;
    n_failed += run("mutual TLS");
    gc_pki_fini(&pki);
    return n_failed;
}
