/* SPDX-License-Identifier: GPL-3.0-or-later */
/* HTTP/2 against peers that speak it badly, frame by frame: floods and stalls at the server, odd
 * servers at the client. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/endian.h"
#include "base/err.h"
#include "base/macros.h"
#include "tests/support/conn_end.h"
#include "tests/support/http_bed.h"

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

enum {
    DATA,
    HEADERS,
    PRIORITY,
    RST_STREAM,
    SETTINGS,
    PUSH_PROMISE,
    PING,
    GOAWAY,
    WINDOW_UPDATE,
    CONTINUATION,
    UNKNOWN
};
#define END_STREAM  1
#define ACK         1
#define END_HEADERS 4

/* Header blocks: GET http://h/ and its like, and ":status: 200". */
#define GET_ROOT   "\x82\x86\x84\x41\x01h"
#define GET_SOURCE "\x82\x86\x41\x01h\x04\x10/source/67108864"
#define GET_HOLD   "\x82\x86\x41\x01h\x04\x05/hold"
#define STATUS_200 "\x88"
#define STATUS_103 \
    "\x08\x03"     \
    "103"
#define BLOCK(text) text, sizeof(text) - 1

struct fixture {
    struct hb bed;
    struct gc_end raw; /* the odd peer */
    struct gc_end_server raw_server;
    size_t parsed; /* bytes of raw.rx */
};

static int
set_up_with(void **state, struct gc_http_conf conf)
{
    struct fixture *f = calloc(1, sizeof(*f));

    hb_init(&f->bed, &conf);
    gc_end_init(&f->raw);
    f->raw.tx.max = 64 * 1024 * 1024;
    *state = f;
    return 0;
}

static int
set_up(void **state)
{
    return set_up_with(state, (struct gc_http_conf){ 0 });
}

static int
set_up_hasty(void **state)
{
    return set_up_with(state, (struct gc_http_conf){
                                  .handshake_timeout_ms = 200,
                                  .header_timeout_ms = 200,
                                  .write_timeout_ms = 300,
                              });
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;

    if (f->raw.conn != NULL) {
        gc_conn_abort(f->raw.conn, 0);
    }
    if (f->raw_server.listener != NULL) {
        gc_listen_close(f->raw_server.listener);
    }
    hb_until(&f->bed, f->raw.conn == NULL);
    hb_fini(&f->bed);
    gc_end_fini(&f->raw);
    free(f);
    return 0;
}

/* --- frames -------------------------------------------------------------------------------------
 */

static void
put(struct fixture *f, const void *data, size_t len)
{
    assert_int_equal(gc_buf_append(&f->raw.tx, data, len), 0);
}

static void
frame(struct fixture *f, uint8_t type, uint8_t flags, uint32_t id, const void *payload, size_t len)
{
    uint8_t head[9];

    gc_put_be32(head, (uint32_t)len << 8 | type);
    head[4] = flags;
    gc_put_be32(head + 5, id);
    put(f, head, sizeof(head));
    put(f, payload, len);
}

static void
frame_u32(struct fixture *f, uint8_t type, uint32_t id, uint32_t value)
{
    uint8_t payload[4];

    gc_put_be32(payload, value);
    frame(f, type, 0, id, payload, sizeof(payload));
}

static void
setting(struct fixture *f, uint16_t name, uint32_t value)
{
    uint8_t payload[6];

    gc_put_be16(payload, name);
    gc_put_be32(payload + 2, value);
    frame(f, SETTINGS, 0, 0, payload, sizeof(payload));
}

static void
flush(struct fixture *f)
{
    if (f->raw.conn != NULL) {
        gc_conn_dirty(f->raw.conn);
    }
}

/* Connect to our server with what is in TX. */
static void
dial(struct fixture *f)
{
    struct gc_dial_conf conf = { .timeout_ms = GC_UNTIL_MS };
    char text[64];

    snprintf(text, sizeof(text), "127.0.0.1:%u", f->bed.port);
    assert_int_equal(gc_addr_parse(gc_str_of(text), &conf.addr), 0);
    assert_int_equal(gc_dial_start(f->bed.loop, &conf, &gc_end_ops, &f->raw, &f->raw.conn), 0);
}

static void
start(struct fixture *f)
{
    put(f, PREFACE, sizeof(PREFACE) - 1);
    frame(f, SETTINGS, 0, 0, NULL, 0);
}

/* The next frame of TYPE that we have received, as its payload; NULL: none yet. */
static const uint8_t *
next_frame(struct fixture *f, uint8_t type, size_t *ret_len)
{
    while (f->raw.rx.len >= f->parsed + 9) {
        const uint8_t *head = f->raw.rx.data + f->parsed;
        size_t len = gc_get_be32(head) >> 8;
        if (f->raw.rx.len < f->parsed + 9 + len) {
            return NULL;
        }
        f->parsed += 9 + len;
        if (head[3] == type) {
            *ret_len = len;
            return head + 9;
        }
    }
    return NULL;
}

static bool
find_frame(struct fixture *f, uint8_t type, size_t at, uint32_t *ret_value)
{
    size_t len;
    const uint8_t *payload = next_frame(f, type, &len);

    if (payload == NULL) {
        return false;
    }
    assert_true(len >= at + 4);
    *ret_value = gc_get_be32(payload + at);
    return true;
}

/* The server ends the connection. */
static void
expect_end(struct fixture *f)
{
    hb_until(&f->bed, f->raw.n_eof || f->raw.n_closed);
    if (f->raw.conn != NULL) {
        gc_conn_abort(f->raw.conn, 0);
    }
    hb_until(&f->bed, gc_http_server_n_conns(f->bed.server) == 0);
}

/* It says goodbye with CODE before. */
static void
expect_goaway(struct fixture *f, uint32_t code)
{
    uint32_t got = 0;

    hb_until(&f->bed, find_frame(f, GOAWAY, 4, &got));
    assert_int_equal(got, code);
    expect_end(f);
}

static void
expect_rst(struct fixture *f, uint32_t code)
{
    uint32_t got = 0;

    hb_until(&f->bed, find_frame(f, RST_STREAM, 0, &got));
    assert_int_equal(got, code);
}

/* --- beginnings ---------------------------------------------------------------------------------
 */

static void
what_is_no_preface_is_cut(void **state)
{
    struct fixture *f = *state;

    put(f, "GET / HTTP/1.1\r\nHost: h\r\n\r\n", 27);
    dial(f);
    expect_end(f);
}

static void
a_first_frame_that_is_not_settings_is_a_fault(void **state)
{
    struct fixture *f = *state;

    put(f, PREFACE, sizeof(PREFACE) - 1);
    frame(f, PING, 0, 0, "12345678", 8);
    dial(f);
    expect_end(f);
}

static void
priority_of_the_connection_is_a_fault(void **state)
{
    struct fixture *f = *state;

    start(f);
    frame(f, PRIORITY, 0, 0, "\0\0\0\3\x10", 5);
    dial(f);
    expect_goaway(f, GC_H2_PROTOCOL_ERROR);
}

static void
a_peer_that_never_says_settings_is_cut(void **state)
{
    struct fixture *f = *state;

    put(f, PREFACE, sizeof(PREFACE) - 1);
    dial(f);
    expect_end(f);
    assert_int_equal(hb_metric(&f->bed, "gc_http_timeouts_total{timer=\"setup\"} "), 1);
}

static void
a_header_block_that_never_ends_is_cut(void **state)
{
    struct fixture *f = *state;

    start(f);
    frame(f, HEADERS, END_STREAM, 1, BLOCK(GET_ROOT));
    dial(f);
    expect_end(f);
    assert_int_equal(f->bed.n_requests, 0);
    assert_int_equal(hb_metric(&f->bed, "gc_http_timeouts_total{timer=\"head\"} "), 1);
}

/* --- floods -------------------------------------------------------------------------------------
 */

#define FLOOD 5000

static void
flood(struct fixture *f, uint8_t type, uint32_t id, const void *payload, size_t len)
{
    start(f);
    frame(f, HEADERS, END_HEADERS, 1, BLOCK(GET_HOLD));
    for (unsigned i = 0; i < FLOOD; i++) {
        frame(f, type, 0, id, payload, len);
    }
    dial(f);
    expect_goaway(f, GC_H2_ENHANCE_YOUR_CALM);
    assert_int_equal(f->bed.n_requests, 1);
    assert_int_equal(f->bed.requests[0]->n_closes, 1);
    assert_int_equal(f->bed.requests[0]->rc, GC_EPROTO);
}

static void
floods_of_frames_that_mean_nothing_are_ended(void **state)
{
    static const struct {
        uint8_t type;
        uint32_t id;
        const void *payload;
        size_t len;
    } floods[] = {
        { DATA, 1, NULL, 0 },
        { PRIORITY, 1, "\0\0\0\3\x10", 5 },
        { WINDOW_UPDATE, 0, "\0\0\0\1", 4 },
        { WINDOW_UPDATE, 1, "\0\0\0\1", 4 },
        { UNKNOWN, 1, "xyz", 3 },
    };

    tear_down(state);
    for (size_t i = 0; i < GC_ARRAY_LEN(floods); i++) {
        set_up(state);
        flood(*state, floods[i].type, floods[i].id, floods[i].payload, floods[i].len);
        tear_down(state);
    }
    set_up(state);
}

/* These are answered, so they come in portions that leave the answers time to go. */
static void
floods_that_must_be_answered_are_ended(void **state)
{
    struct fixture *f;

    tear_down(state);
    for (unsigned kind = 0; kind < 2; kind++) {
        set_up(state);
        f = *state;
        start(f);
        dial(f);
        for (unsigned i = 0; i < FLOOD / 50 && f->raw.n_eof == 0 && f->raw.n_closed == 0; i++) {
            uint64_t seen = f->raw.n_read;
            for (unsigned k = 0; k < 50; k++) {
                frame(f, kind == 0 ? PING : SETTINGS, 0, 0, "12345678", kind == 0 ? 8 : 0);
            }
            flush(f);
            hb_until(&f->bed, f->raw.n_read > seen || f->raw.n_eof || f->raw.n_closed);
        }
        expect_goaway(f, GC_H2_ENHANCE_YOUR_CALM);
        tear_down(state);
    }
    set_up(state);
}

/* A client that measures with PINGs as it works is not a flood. */
static void
pings_beside_requests_are_no_flood(void **state)
{
    struct fixture *f = *state;

    start(f);
    dial(f);
    for (uint32_t i = 0; i < 1500; i++) {
        frame(f, HEADERS, END_HEADERS | END_STREAM, 2 * i + 1, BLOCK(GET_ROOT));
        frame(f, PING, 0, 0, "12345678", 8);
        frame(f, PING, 0, 0, "12345678", 8);
        if (i % 20 == 19) {
            flush(f);
            hb_until(&f->bed, f->bed.n_requests == i + 1 && f->bed.requests[i]->n_closes);
        }
    }
    assert_int_equal(f->raw.n_eof + f->raw.n_closed, 0);
}

static void
streams_beyond_the_limit_are_refused(void **state)
{
    struct fixture *f = *state;

    start(f);
    for (uint32_t i = 0; i < 300; i++) {
        frame(f, HEADERS, END_HEADERS | END_STREAM, 2 * i + 1, BLOCK(GET_HOLD));
    }
    dial(f);
    expect_rst(f, GC_H2_REFUSED_STREAM);
    assert_int_equal(f->bed.n_requests, 256);
    hb_until(&f->bed, hb_metric(&f->bed, "gc_http_stream_limit_total ") == 44);
    assert_int_equal(f->raw.n_eof + f->raw.n_closed, 0);
}

static void
rapid_resets_are_ended(void **state)
{
    struct fixture *f = *state;
    uint32_t code;

    start(f);
    for (uint32_t i = 0; i < 10000; i++) {
        frame(f, HEADERS, END_HEADERS | END_STREAM, 2 * i + 1, BLOCK(GET_HOLD));
        frame_u32(f, RST_STREAM, 2 * i + 1, GC_H2_CANCEL);
    }
    dial(f);
    hb_until(&f->bed, find_frame(f, GOAWAY, 4, &code));
    assert_true(f->bed.n_requests < 2600);
}

/* The peer makes us reset: window overflow on each stream. */
static void
resets_that_the_peer_provokes_are_ended(void **state)
{
    struct fixture *f = *state;

    start(f);
    for (uint32_t i = 0; i < 1900; i++) {
        frame(f, HEADERS, END_HEADERS | END_STREAM, 2 * i + 1, BLOCK(GET_HOLD));
        frame_u32(f, WINDOW_UPDATE, 2 * i + 1, 0x7fffffff);
    }
    dial(f);
    expect_goaway(f, GC_H2_ENHANCE_YOUR_CALM);
    assert_true(f->bed.n_requests < 1000);
    assert_int_equal(hb_metric(&f->bed, "gc_http_floods_total "), 1);
}

static void
empty_continuations_are_ended(void **state)
{
    struct fixture *f = *state;

    start(f);
    frame(f, HEADERS, END_STREAM, 1, BLOCK(GET_ROOT));
    for (unsigned i = 0; i < 100; i++) {
        frame(f, CONTINUATION, 0, 1, NULL, 0);
    }
    dial(f);
    expect_end(f);
    assert_int_equal(f->bed.n_requests, 0);
}

/* One field of 4000 bytes goes to the table, a thousand references of one byte each follow. */
static void
a_header_bomb_is_431_and_costs_no_memory(void **state)
{
    struct fixture *f = *state;
    static uint8_t block[8000];
    uint32_t got;
    size_t n = 6;

    memcpy(block, GET_ROOT, 6);
    memcpy(block + n, "\x40\x01x\x7f\xa1\x1e", 6); /* x: 4000 bytes, indexed */
    memset(block + n + 6, 'a', 4000);
    n += 4006;
    memset(block + n, 0xbe, 1000);
    n += 1000;
    start(f);
    frame(f, HEADERS, END_HEADERS | END_STREAM, 1, block, n);
    frame(f, HEADERS, END_HEADERS | END_STREAM, 3, BLOCK(GET_ROOT));
    dial(f);
    hb_until(&f->bed, f->bed.n_requests == 1); /* the second; HPACK is still in step */
    hb_until(&f->bed, find_frame(f, HEADERS, 0, &got));
    assert_int_equal(f->raw.rx.data[f->parsed - 5], 0x48); /* a literal status */
    assert_memory_equal(f->raw.rx.data + f->parsed - 3, "431", 3);
    assert_int_equal(hb_metric(&f->bed, "gc_http_head_limit_total "), 1);
}

/* --- stalls -------------------------------------------------------------------------------------
 */

static void
a_window_that_stays_shut_ends_the_stream(void **state)
{
    struct fixture *f = *state;

    put(f, PREFACE, sizeof(PREFACE) - 1);
    setting(f, 4, 0);
    frame(f, HEADERS, END_HEADERS | END_STREAM, 1, BLOCK(GET_SOURCE));
    dial(f);
    expect_rst(f, GC_H2_CANCEL);
    assert_int_equal(f->bed.requests[0]->rc, GC_EDEADLINE);
    assert_int_equal(f->raw.n_eof + f->raw.n_closed, 0);
    assert_int_equal(hb_metric(&f->bed, "gc_http_timeouts_total{timer=\"write\"} "), 1);
}

static void
ask_for_much(struct fixture *f, uint32_t n)
{
    put(f, PREFACE, sizeof(PREFACE) - 1);
    setting(f, 4, 0x7fffffff);
    frame_u32(f, WINDOW_UPDATE, 0, 0x7fff0000);
    for (uint32_t i = 0; i < n; i++) {
        frame(f, HEADERS, END_HEADERS | END_STREAM, 2 * i + 1, BLOCK(GET_SOURCE));
    }
}

static void
a_socket_that_nobody_reads_ends_the_connection(void **state)
{
    struct fixture *f = *state;

    ask_for_much(f, 3);
    dial(f);
    hb_until(&f->bed, f->raw.n_opened);
    gc_conn_read_pause(f->raw.conn, true);
    hb_until(&f->bed, f->bed.n_requests == 3 && gc_http_server_n_conns(f->bed.server) == 0);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(f->bed.requests[i]->rc, GC_EDEADLINE);
    }
}

/* Windows are open, the socket is not: what goes from the streams to the connection is bounded by
 * the connection, not by the sum of the streams. */
static void
an_unread_socket_takes_no_more_than_its_share(void **state)
{
    struct fixture *f = *state;
    size_t given = 0, before = 1;

    ask_for_much(f, 64);
    dial(f);
    hb_until(&f->bed, f->raw.n_opened);
    gc_conn_read_pause(f->raw.conn, true);
    hb_until(&f->bed, f->bed.n_requests == 64);
    while (given != before) { /* until the kernel's buffers are full too */
        before = given;
        hb_turns(&f->bed, 100);
        given = 0;
        for (size_t i = 0; i < 64; i++) {
            given += f->bed.requests[i]->source_at - gc_http_queued(f->bed.requests[i]->s);
        }
    }
    assert_true(given < 16 * 1024 * 1024);
}

/* The DATA frame that waits for room has been promised already: its bytes stay. */
static void
a_reset_of_a_blocked_stream_leaves_the_connection_whole(void **state)
{
    struct fixture *f = *state;
    uint64_t seen = 1;

    ask_for_much(f, 8);
    dial(f);
    hb_until(&f->bed, f->raw.n_opened);
    gc_conn_read_pause(f->raw.conn, true);
    hb_until(&f->bed, f->bed.n_requests == 8);
    while (f->raw.n_read != seen) {
        seen = f->raw.n_read;
        hb_turns(&f->bed, 200);
    }
    for (size_t i = 0; i < 8; i++) {
        gc_http_reset(f->bed.requests[i]->s, GC_H2_CANCEL);
        assert_true(gc_http_queued(f->bed.requests[i]->s) <= 64 * 1024);
    }
    f->raw.take_pattern = true; /* count only */
    gc_conn_read_pause(f->raw.conn, false);
    hb_until(&f->bed, gc_http_server_n_streams(f->bed.server) == 0);
    frame(f, HEADERS, END_HEADERS | END_STREAM, 17, BLOCK(GET_ROOT));
    flush(f);
    hb_until(&f->bed, f->bed.n_requests == 9 && f->bed.requests[8]->n_closes);
    assert_int_equal(f->bed.requests[8]->rc, 0);
}

/* --- odd servers --------------------------------------------------------------------------------
 */

/* Our client, connected to the raw peer, which has said SETTINGS. */
static void
connect_to_raw(struct fixture *f)
{
    const struct gc_listen_conf conf = { .fd = -1 };

    f->raw_server.ends = &f->raw;
    f->raw_server.n_ends = 1;
    f->raw_server.no_eof = true;
    assert_int_equal(gc_end_listen(&f->raw_server, f->bed.loop, &conf), 0);
    f->bed.port = gc_listen_port(f->raw_server.listener);
    frame(f, SETTINGS, 0, 0, NULL, 0);
    hb_connect(&f->bed);
}

static void
streams_above_a_goaway_are_refused_and_the_others_go_on(void **state)
{
    struct fixture *f = *state;
    struct hb_exchange *low, *high, *late;

    connect_to_raw(f);
    low = hb_call(&f->bed, "GET", "/", true);
    high = hb_call(&f->bed, "GET", "/", true);
    hb_turns(&f->bed, 10);
    frame(f, GOAWAY, 0, 0, "\0\0\0\1\0\0\0\0", 8);
    flush(f);
    hb_until(&f->bed, f->bed.n_drains == 1 && high->n_closes);
    assert_int_equal(high->rc, GC_ECANCELED);
    assert_int_equal(high->h2_code, GC_H2_REFUSED_STREAM);
    assert_int_equal(hb_try_call(&f->bed, "GET", "/", true, &late), GC_EUNAVAILABLE);
    assert_int_equal(low->n_closes, 0);
    frame(f, HEADERS, END_HEADERS | END_STREAM, 1, BLOCK(STATUS_200));
    flush(f);
    hb_until(&f->bed, low->n_closes && f->bed.n_closes);
    assert_int_equal(low->rc, 0);
    assert_int_equal(low->status, 200);
    assert_true(low->head_end);
    assert_int_equal(f->bed.client_rc, 0);
}

static void
a_call_that_meets_a_goaway_unsent_is_refused(void **state)
{
    struct fixture *f = *state;
    struct hb_exchange *call;

    connect_to_raw(f);
    frame(f, GOAWAY, 0, 0, "\0\0\0\0\0\0\0\0", 8);
    flush(f);
    call = hb_call(&f->bed, "GET", "/", true);
    hb_until(&f->bed, call->n_closes && f->bed.n_closes);
    assert_int_equal(call->rc, GC_ECANCELED);
    assert_int_equal(call->h2_code, GC_H2_REFUSED_STREAM);
}

static void
interim_responses_are_skipped(void **state)
{
    struct fixture *f = *state;
    struct hb_exchange *call;

    connect_to_raw(f);
    call = hb_call(&f->bed, "GET", "/", true);
    hb_turns(&f->bed, 10);
    frame(f, HEADERS, END_HEADERS, 1, BLOCK(STATUS_103));
    frame(f, HEADERS, END_HEADERS, 1, BLOCK(STATUS_200));
    frame(f, DATA, END_STREAM, 1, "abc", 3);
    flush(f);
    hb_until(&f->bed, call->n_closes);
    assert_int_equal(call->n_heads, 1);
    assert_int_equal(call->status, 200);
    assert_int_equal(call->body_bytes, 3);
}

static void
slots_follow_the_servers_settings(void **state)
{
    struct fixture *f = *state;
    struct hb_exchange *call;

    connect_to_raw(f);
    assert_int_equal(gc_http_client_slots(f->bed.client), 256); /* our own limit */
    setting(f, 3, 0);
    flush(f);
    hb_until(&f->bed, gc_http_client_slots(f->bed.client) == 0);
    assert_int_equal(hb_try_call(&f->bed, "GET", "/", true, &call), GC_ELIMIT);
    setting(f, 3, 2);
    flush(f);
    hb_until(&f->bed, f->bed.n_slots == 1);
    assert_int_equal(gc_http_client_slots(f->bed.client), 2);
}

static void
a_server_that_breaks_the_protocol_is_left(void **state)
{
    struct fixture *f = *state;
    struct hb_exchange *call;

    connect_to_raw(f);
    call = hb_call(&f->bed, "GET", "/", true);
    hb_turns(&f->bed, 10);
    frame(f, DATA, 0, 0, "abc", 3);
    flush(f);
    hb_until(&f->bed, call->n_closes && f->bed.n_closes);
    assert_int_equal(call->rc, GC_EPROTO);
    assert_int_equal(f->bed.client_rc, GC_EPROTO);
}

static void
a_malformed_response_is_the_streams_fault_alone(void **state)
{
    struct fixture *f = *state;
    struct hb_exchange *call;

    connect_to_raw(f);
    call = hb_call(&f->bed, "GET", "/", true);
    hb_turns(&f->bed, 10);
    frame(f, HEADERS, END_HEADERS | END_STREAM, 1, BLOCK("\x00\x01x\x01y")); /* no status */
    flush(f);
    hb_until(&f->bed, call->n_closes);
    assert_int_equal(call->rc, GC_EPROTO);
    assert_int_equal(f->bed.n_closes, 0);
}

static void
a_server_that_goes_away_closes_the_calls(void **state)
{
    struct fixture *f = *state;
    struct hb_exchange *call;

    connect_to_raw(f);
    call = hb_call(&f->bed, "GET", "/", true);
    hb_turns(&f->bed, 10);
    gc_conn_abort(f->raw.conn, 0);
    hb_until(&f->bed, f->bed.n_closes);
    assert_int_equal(call->rc, GC_ECLOSED);
    assert_int_equal(f->bed.client_rc, GC_ECLOSED);
}

static void
a_refused_connection_is_told(void **state)
{
    struct fixture *f = *state;

    gc_http_server_free(f->bed.server);
    f->bed.server = NULL;
    hb_dial(&f->bed, NULL);
    hb_until(&f->bed, f->bed.n_closes);
    assert_true(f->bed.client_rc < 0);
    assert_int_equal(f->bed.n_ready, 0);
}

#define TEST(name, set_up) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_no_preface_is_cut, set_up),
        TEST(a_first_frame_that_is_not_settings_is_a_fault, set_up),
        TEST(priority_of_the_connection_is_a_fault, set_up),
        TEST(a_peer_that_never_says_settings_is_cut, set_up_hasty),
        TEST(a_header_block_that_never_ends_is_cut, set_up_hasty),
        TEST(floods_of_frames_that_mean_nothing_are_ended, set_up),
        TEST(floods_that_must_be_answered_are_ended, set_up),
        TEST(pings_beside_requests_are_no_flood, set_up),
        TEST(streams_beyond_the_limit_are_refused, set_up),
        TEST(rapid_resets_are_ended, set_up),
        TEST(resets_that_the_peer_provokes_are_ended, set_up),
        TEST(empty_continuations_are_ended, set_up),
        TEST(a_header_bomb_is_431_and_costs_no_memory, set_up),
        TEST(a_window_that_stays_shut_ends_the_stream, set_up_hasty),
        TEST(a_socket_that_nobody_reads_ends_the_connection, set_up_hasty),
        TEST(an_unread_socket_takes_no_more_than_its_share, set_up),
        TEST(a_reset_of_a_blocked_stream_leaves_the_connection_whole, set_up),
        TEST(streams_above_a_goaway_are_refused_and_the_others_go_on, set_up),
        TEST(a_call_that_meets_a_goaway_unsent_is_refused, set_up),
        TEST(interim_responses_are_skipped, set_up),
        TEST(slots_follow_the_servers_settings, set_up),
        TEST(a_server_that_breaks_the_protocol_is_left, set_up),
        TEST(a_malformed_response_is_the_streams_fault_alone, set_up),
        TEST(a_server_that_goes_away_closes_the_calls, set_up),
        TEST(a_refused_connection_is_told, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
