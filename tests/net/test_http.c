/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The server as other programs see it: HTTP/1.1 byte by byte, and curl, nghttp and h2load. */
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
#include "net/conn.h"
#include "tests/support/conn_end.h"
#include "tests/support/http_bed.h"
#include "tests/support/pki.h"

#define HOST "Host: h\r\n"
#define HELLO                                                                       \
    "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 6\r\n\r\nhello" \
    "\n"

struct fixture {
    struct hb bed;
    struct gc_end raw;
    char out[64 * 1024];
};

static int
set_up_with(void **state, struct gc_http_conf conf)
{
    struct fixture *f = calloc(1, sizeof(*f));

    conf.allow_h1 = true;
    hb_init(&f->bed, &conf);
    gc_end_init(&f->raw);
    *state = f;
    return 0;
}

static struct gc_pki pki;

static int
set_up_tls(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct gc_tls_conf tls = gc_pki_conf(&pki, GC_TLS_PUBLIC, true, "server");
    const struct gc_http_conf conf = { .allow_h1 = true };
    char error[GC_TLS_ERROR_MAX];

    tls.alpn_h1 = true;
    assert_int_equal(gc_tls_ctx_new(&tls, &f->bed.tls_server, error), 0);
    hb_init(&f->bed, &conf);
    gc_end_init(&f->raw);
    setenv("CA", pki.ca_file, 1);
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
                                  .handshake_timeout_ms = 100,
                                  .header_timeout_ms = 200,
                                  .idle_timeout_ms = 300,
                                  .write_timeout_ms = 400,
                              });
}

static int
set_up_small(void **state)
{
    return set_up_with(state, (struct gc_http_conf){
                                  .header_bytes_max = 1000,
                                  .header_count_max = 10,
                                  .stream_window = 65536,
                              });
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;

    if (f->raw.conn != NULL) {
        gc_conn_abort(f->raw.conn, 0);
    }
    hb_until(&f->bed, f->raw.conn == NULL);
    hb_fini(&f->bed);
    gc_end_fini(&f->raw);
    free(f);
    return 0;
}

static void
dial(struct fixture *f)
{
    struct gc_dial_conf conf = { .timeout_ms = GC_UNTIL_MS };
    char text[64];

    snprintf(text, sizeof(text), "127.0.0.1:%u", f->bed.port);
    assert_int_equal(gc_addr_parse(gc_str_of(text), &conf.addr), 0);
    assert_int_equal(gc_dial_start(f->bed.loop, &conf, &gc_end_ops, &f->raw, &f->raw.conn), 0);
    hb_until(&f->bed, f->raw.n_opened);
}

/* Send TEXT on a new connection. */
static void
send_raw(struct fixture *f, const char *text)
{
    if (f->raw.conn == NULL) {
        dial(f);
    }
    gc_end_send(&f->raw, text);
}

/* Wait for exactly TEXT, and forget it. */
static void
expect(struct fixture *f, const char *text)
{
    hb_until(&f->bed, f->raw.rx.len >= strlen(text) || f->raw.n_eof || f->raw.n_closed);
    if (!gc_end_got(&f->raw, text)) {
        fail_msg("got \"%.*s\", not \"%s\"", (int)f->raw.rx.len, (const char *)f->raw.rx.data,
                 text);
    }
    gc_buf_clear(&f->raw.rx);
}

static void
expect_end(struct fixture *f)
{
    hb_until(&f->bed, f->raw.n_eof || f->raw.n_closed);
}

static struct hb_exchange *
request(struct fixture *f, size_t i)
{
    hb_until(&f->bed, f->bed.n_requests > i);
    return f->bed.requests[i];
}

/* --- HTTP/1.1 exchanges -------------------------------------------------------------------------
 */

static void
requests_follow_each_other_on_one_connection(void **state)
{
    struct fixture *f = *state;

    for (unsigned i = 0; i < 3; i++) {
        send_raw(f, "GET /a HTTP/1.1\r\n" HOST "\r\n");
        expect(f, HELLO);
    }
    assert_int_equal(f->bed.n_requests, 3);
    assert_string_equal(f->bed.requests[2]->authority, "h");
    assert_int_equal(f->bed.requests[2]->rc, 0);
    assert_int_equal(f->bed.requests[2]->n_ends, 1);
    assert_int_equal(gc_http_server_n_conns(f->bed.server), 1);
    assert_int_equal(gc_http_server_n_streams(f->bed.server), 0);
}

static void
pipelined_requests_are_answered_in_order(void **state)
{
    struct fixture *f = *state;

    send_raw(f, "PUT /sink HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc"
                "GET /a HTTP/1.1\r\n" HOST "\r\n"
                "GET /204 HTTP/1.1\r\n" HOST "\r\n");
    expect(f, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n3\n" HELLO
              "HTTP/1.1 204 No Content\r\n\r\n");
}

static void
a_head_may_come_byte_by_byte(void **state)
{
    static const char text[] = "PUT /sink HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
                               "3\r\nabc\r\n2;x\r\nde\r\n0\r\n\r\n";
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        send_raw(f, (char[]){ text[i], '\0' });
        hb_turns(&f->bed, 2);
    }
    expect(f, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n5\n");
}

static void
a_body_of_unknown_length_is_chunked(void **state)
{
    struct fixture *f = *state;

    send_raw(f, "PUT /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\n");
    expect(f, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
    send_raw(f, "abc");
    expect(f, "3\r\nabc\r\n");
    send_raw(f, "de");
    expect(f, "2\r\nde\r\n0\r\n\r\n");
    send_raw(f, "GET /a HTTP/1.1\r\n" HOST "\r\n");
    expect(f, HELLO);
}

static void
http_1_0_gets_a_body_until_the_end(void **state)
{
    struct fixture *f = *state;

    send_raw(f, "PUT /echo HTTP/1.0\r\nContent-Length: 3\r\n\r\n");
    expect(f, "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n");
    send_raw(f, "abc");
    expect(f, "abc");
    expect_end(f);
    assert_int_equal(request(f, 0)->rc, 0);
}

static void
head_and_204_have_no_body(void **state)
{
    struct fixture *f = *state;

    send_raw(f, "HEAD /a HTTP/1.1\r\n" HOST "\r\n");
    expect(f, "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n");
    send_raw(f, "GET /204 HTTP/1.1\r\n" HOST "\r\n");
    expect(f, "HTTP/1.1 204 No Content\r\n\r\n");
    send_raw(f, "GET /a HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    expect(f, "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 6\r\n"
              "connection: close\r\n\r\nhello\n");
    expect_end(f);
}

static void
a_client_that_waits_is_told_to_go_on(void **state)
{
    struct fixture *f = *state;

    send_raw(f, "PUT /sink HTTP/1.1\r\n" HOST "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    expect(f, "HTTP/1.1 100 Continue\r\n\r\n");
    send_raw(f, "abc");
    expect(f, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n3\n");
    /* Not when the answer is there already. */
    send_raw(f, "PUT /early HTTP/1.1\r\n" HOST "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    expect(f, "HTTP/1.1 403 Forbidden\r\ncontent-type: text/plain\r\ncontent-length: 3\r\n"
              "connection: close\r\n\r\nno\n");
    expect_end(f);
    assert_int_equal(request(f, 1)->rc, 0);
}

static void
an_answer_before_the_body_is_whole_closes(void **state)
{
    struct fixture *f = *state;

    send_raw(f, "PUT /early HTTP/1.1\r\n" HOST "Content-Length: 1000\r\n\r\nabc");
    expect(f, "HTTP/1.1 403 Forbidden\r\ncontent-type: text/plain\r\ncontent-length: 3\r\n"
              "connection: close\r\n\r\nno\n");
    expect_end(f);
    assert_int_equal(request(f, 0)->n_ends, 0);
    assert_int_equal(request(f, 0)->rc, 0);
}

static void
broken_framing_is_answered_and_closed(void **state)
{
    struct fixture *f = *state;

    send_raw(f, "GET /a HTTP/1.1\n" HOST "\r\n");
    expect(f, "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    expect_end(f);
    assert_int_equal(f->bed.n_requests, 0);
    assert_int_equal(hb_metric(&f->bed, "gc_http_malformed_total "), 1);
}

static void
a_broken_chunk_is_refused_while_nothing_was_answered(void **state)
{
    struct fixture *f = *state;

    send_raw(f, "PUT /sink HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3\r\nabcX");
    expect(f, "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    expect_end(f);
    assert_int_equal(request(f, 0)->rc, GC_EPROTO);
    assert_int_equal(request(f, 0)->n_ends, 0);
    assert_int_equal(hb_metric(&f->bed, "gc_http_malformed_total "), 1);
}

static void
a_broken_chunk_cuts_an_answer_that_has_begun(void **state)
{
    struct fixture *f = *state;

    send_raw(f, "PUT /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc");
    expect(f, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n");
    send_raw(f, "X");
    expect_end(f);
    assert_int_equal(f->raw.rx.len, 0);
    assert_int_equal(request(f, 0)->rc, GC_EPROTO);
}

static void
too_many_or_too_large_fields_are_431(void **state)
{
    static const char refusal[] = "HTTP/1.1 431 Request Header Fields Too Large\r\n"
                                  "content-length: 0\r\nconnection: close\r\n\r\n";
    struct fixture *f = *state;

    send_raw(f, "GET /a HTTP/1.1\r\n" HOST "a:1\r\nb:1\r\nc:1\r\nd:1\r\ne:1\r\nf:1\r\n"
                "g:1\r\nh:1\r\ni:1\r\nj:1\r\nk:1\r\n\r\n");
    expect(f, refusal);
    expect_end(f);
    assert_int_equal(f->bed.n_requests, 0);
    assert_int_equal(hb_metric(&f->bed, "gc_http_head_limit_total "), 1);
}

static void
what_only_proxies_say_is_dropped(void **state)
{
    struct fixture *f = *state;

    send_raw(f, "GET /a HTTP/1.1\r\n" HOST
                "X-Forwarded-For: 1.2.3.4\r\nForwarded: for=x\r\nX-Forwarded-Proto: https\r\n"
                "X-Other: 1\r\n\r\n");
    expect(f, HELLO);
    assert_string_equal(request(f, 0)->fields, "x-other: 1\n");
}

static void
a_slow_application_stops_the_sender(void **state)
{
    struct fixture *f = *state;
    const uint64_t total = 64 * 1024 * 1024;
    char head[128];
    struct hb_exchange *req;

    f->bed.hold_data = true;
    snprintf(head, sizeof(head), "PUT /sink HTTP/1.1\r\n" HOST "Content-Length: %llu\r\n\r\n",
             (unsigned long long)total);
    send_raw(f, head);
    gc_end_send_pattern(&f->raw, total);
    req = request(f, 0);
    hb_until(&f->bed, req->held >= f->bed.conf.stream_window);
    hb_turns(&f->bed, 200);
    assert_true(req->held < f->bed.conf.stream_window + 256 * 1024);
    assert_true(f->raw.n_written < total);
    while (req->body_bytes < total) {
        size_t before = req->body_bytes;
        hb_consume_all(req);
        hb_until(&f->bed, req->body_bytes > before);
        assert_true(req->held < f->bed.conf.stream_window + 256 * 1024);
    }
    expect(f, "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n67108864\n");
}

static void
a_lost_connection_closes_the_stream(void **state)
{
    struct fixture *f = *state;

    send_raw(f, "PUT /sink HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nabc");
    hb_until(&f->bed, request(f, 0)->body_bytes == 3);
    gc_conn_abort(f->raw.conn, 0);
    hb_until(&f->bed, request(f, 0)->n_closes);
    assert_int_equal(request(f, 0)->rc, GC_ECLOSED);
    assert_int_equal(request(f, 0)->n_ends, 0);
}

static void
a_client_that_has_half_closed_gets_its_answer(void **state)
{
    struct fixture *f = *state;

    f->raw.close_after_tx = true;
    gc_buf_append_str(&f->raw.tx, "GET /source/3 HTTP/1.1\r\n" HOST "\r\n");
    dial(f);
    hb_until(&f->bed, f->raw.n_closed);
    hb_until(&f->bed, request(f, 0)->n_closes);
    assert_int_equal(request(f, 0)->rc, 0);
}

static void
reset_cuts_the_connection(void **state)
{
    struct fixture *f = *state;

    send_raw(f, "GET /reset HTTP/1.1\r\n" HOST "\r\n");
    expect_end(f);
    assert_int_equal(f->raw.rx.len, 0);
    assert_int_equal(request(f, 0)->rc, GC_ECANCELED);
    assert_int_equal(request(f, 0)->h2_code, GC_H2_CANCEL);
}

static void
a_body_longer_or_shorter_than_said_cuts_the_connection(void **state)
{
    static const struct gc_http_field length = { GC_STR("content-length"), GC_STR("3"), false };
    struct fixture *f = *state;

    for (unsigned i = 0; i < 2; i++) {
        f->raw.n_eof = f->raw.n_closed = f->raw.n_opened = 0;
        send_raw(f, "GET /hold HTTP/1.1\r\n" HOST "\r\n");
        struct hb_exchange *req = request(f, i);
        assert_int_equal(gc_http_respond(req->s, 200, &length, 1, false), 0);
        hb_write(req, "abcd", i == 0 ? 4 : 2);
        hb_end(req);
        expect_end(f);
        if (f->raw.conn != NULL) {
            gc_conn_abort(f->raw.conn, 0);
        }
        hb_until(&f->bed, f->raw.conn == NULL && req->n_closes);
        assert_int_not_equal(req->rc, 0);
    }
}

/* --- timers and draining ------------------------------------------------------------------------
 */

static void
a_silent_connection_is_closed(void **state)
{
    struct fixture *f = *state;

    dial(f);
    expect_end(f);
    assert_int_equal(f->raw.rx.len, 0);
}

static void
a_silent_connection_is_closed_in_mid_preface(void **state)
{
    struct fixture *f = *state;

    send_raw(f, "PRI * HT");
    expect_end(f);
    assert_int_equal(f->raw.rx.len, 0);
    assert_int_equal(hb_metric(&f->bed, "gc_http_timeouts_total{timer=\"setup\"} "), 1);
}

static void
a_head_that_never_ends_is_408(void **state)
{
    struct fixture *f = *state;

    send_raw(f, "GET /a HTTP/1.1\r\n");
    expect(f, "HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    expect_end(f);
    assert_int_equal(hb_metric(&f->bed, "gc_http_timeouts_total{timer=\"head\"} "), 1);
}

static void
an_idle_connection_is_closed(void **state)
{
    struct fixture *f = *state;

    send_raw(f, "GET /a HTTP/1.1\r\n" HOST "\r\n");
    expect(f, HELLO);
    expect_end(f);
    assert_int_equal(hb_metric(&f->bed, "gc_http_timeouts_total{timer=\"idle\"} "), 1);
}

static void
a_body_that_stops_coming_is_given_up(void **state)
{
    struct fixture *f = *state;

    send_raw(f, "PUT /sink HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nabc");
    hb_until(&f->bed, request(f, 0)->n_closes);
    assert_int_equal(request(f, 0)->rc, GC_EDEADLINE);
    assert_int_equal(hb_metric(&f->bed, "gc_http_timeouts_total{timer=\"body\"} "), 1);
}

static void
a_reader_that_stops_is_given_up(void **state)
{
    struct fixture *f = *state;

    send_raw(f, "GET /source/67108864 HTTP/1.1\r\n" HOST "\r\n");
    gc_conn_read_pause(f->raw.conn, true);
    hb_until(&f->bed, request(f, 0)->n_closes);
    assert_int_equal(request(f, 0)->rc, GC_EDEADLINE);
    assert_true(request(f, 0)->source_left > 0);
    assert_int_equal(hb_metric(&f->bed, "gc_http_timeouts_total{timer=\"write\"} "), 1);
}

static void
on_done(void *arg)
{
    ((struct hb *)arg)->n_done++;
}

static void
servers_share_the_port_that_the_first_was_given(void **state)
{
    struct fixture *f = *state;
    struct gc_http_server *second;
    struct gc_addr addr;
    uint16_t port = 0;
    char text[GC_ADDR_TEXT_MAX];

    snprintf(text, sizeof(text), "127.0.0.1:%u", f->bed.port);
    assert_int_equal(gc_addr_parse(gc_str_of(text), &addr), 0);
    assert_int_equal(gc_http_server_new(f->bed.loop, NULL, NULL, NULL, &second), 0);
    assert_int_equal(gc_http_server_listen(second, &addr, -1, NULL, &port), 0);
    assert_int_equal(port, f->bed.port);
    gc_http_server_free(second);
}

static void
draining_finishes_what_runs(void **state)
{
    struct fixture *f = *state;

    send_raw(f, "PUT /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\n");
    expect(f, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
    gc_http_server_drain(f->bed.server, 60000, on_done, &f->bed);
    hb_turns(&f->bed, 20);
    assert_int_equal(f->bed.n_done, 0);
    send_raw(f, "abc");
    expect(f, "3\r\nabc\r\n0\r\n\r\n");
    expect_end(f);
    gc_conn_close(f->raw.conn, 0);
    hb_until(&f->bed, f->bed.n_done);
}

static void
draining_ends_idle_connections(void **state)
{
    struct fixture *f = *state;

    send_raw(f, "GET /a HTTP/1.1\r\n" HOST "\r\n");
    expect(f, HELLO);
    gc_http_server_drain(f->bed.server, 60000, on_done, &f->bed);
    assert_int_equal(f->bed.n_done, 0);
    expect_end(f);
    gc_conn_close(f->raw.conn, 0);
    hb_until(&f->bed, f->bed.n_done);
}

static void
draining_nothing_is_done_at_once_but_later(void **state)
{
    struct fixture *f = *state;

    gc_http_server_drain(f->bed.server, 60000, on_done, &f->bed);
    assert_int_equal(f->bed.n_done, 0);
    hb_until(&f->bed, f->bed.n_done);
}

/* --- other programs -----------------------------------------------------------------------------
 */

static void
assert_shell(struct fixture *f, const char *command, const char *want)
{
    int rc = hb_shell(&f->bed, command, f->out, sizeof(f->out));

    if (rc != 0 || strstr(f->out, want) == NULL) {
        fail_msg("%s: exit %d, \"%s\" does not contain \"%s\"", command, rc, f->out, want);
    }
}

static void
curl_speaks_both_versions(void **state)
{
    struct fixture *f = *state;

    assert_shell(f, "curl -sS --http2-prior-knowledge $U/a", "hello\n");
    assert_shell(f, "curl -sS --http1.1 $U/a $U/b", "hello\nhello\n");
    assert_shell(f, "curl -sSI --http1.1 $U/a", "HTTP/1.1 200 OK");
    assert_shell(f, "curl -sSI --http2-prior-knowledge $U/a", "HTTP/2 200");
    assert_shell(f, "curl -sS --http1.0 $U/source/100000 | wc -c", "100000\n");
    assert_shell(f, "curl -sS --http1.1 $U/source/10000000 | wc -c", "10000000\n");
    assert_shell(f, "curl -sS --http2-prior-knowledge $U/source/10000000 | wc -c", "10000000\n");
}

static void
curl_uploads_in_each_way(void **state)
{
    struct fixture *f = *state;
    const char *data = "head -c 5000000 /dev/zero | ";
    char command[256];
    static const char *const ways[] = {
        "--http2-prior-knowledge -T -",
        "--http1.1 -T -",
        "--http1.1 --data-binary @-",
        "--http1.1 -H 'Expect: 100-continue' --data-binary @-",
        "--http2-prior-knowledge -H 'Expect: 100-continue' --data-binary @-",
        "--http1.1 -H Expect: -T -",
    };

    for (size_t i = 0; i < GC_ARRAY_LEN(ways); i++) {
        snprintf(command, sizeof(command), "%scurl -sS %s $U/sink", data, ways[i]);
        assert_shell(f, command, "5000000\n");
    }
}

/* From a file: curl 7.88 hangs over an early answer when it uploads from a pipe over HTTP/2. */
static void
curl_hears_no_before_it_has_sent_all(void **state)
{
    struct fixture *f = *state;
    static const char *const versions[] = { "--http1.1",
                                            "--http1.1 -H Expect:", "--http2-prior-knowledge" };
    char command[256];

    for (size_t i = 0; i < GC_ARRAY_LEN(versions); i++) {
        snprintf(command, sizeof(command),
                 "t=$(mktemp); truncate -s 50M $t; curl -sS %s -T $t $U/early; rc=$?; rm $t; "
                 "exit $rc",
                 versions[i]);
        assert_shell(f, command, "no\n");
    }
}

static void
curl_chooses_the_version_by_alpn(void **state)
{
    struct fixture *f = *state;
    static const char *const versions[][2] = { { "--http2", "HTTP/2 200" },
                                               { "--http1.1", "HTTP/1.1 200" } };
    char command[256];

    for (size_t i = 0; i < GC_ARRAY_LEN(versions); i++) {
        snprintf(command, sizeof(command), "curl -sSi --cacert $CA %s $U/a", versions[i][0]);
        assert_shell(f, command, versions[i][1]);
        snprintf(command, sizeof(command), "curl -sS --cacert $CA %s $U/source/20000000 | wc -c",
                 versions[i][0]);
        assert_shell(f, command, "20000000\n");
        snprintf(command, sizeof(command),
                 "head -c 20000000 /dev/zero | curl -sS --cacert $CA %s -T - $U/sink",
                 versions[i][0]);
        assert_shell(f, command, "20000000\n");
        snprintf(command, sizeof(command),
                 "t=$(mktemp); truncate -s 50M $t; curl -sS --cacert $CA %s -T $t $U/early; "
                 "rc=$?; rm $t; exit $rc",
                 versions[i][0]);
        assert_shell(f, command, "no\n");
    }
}

static void
nghttp_sees_trailers(void **state)
{
    struct fixture *f = *state;

    assert_shell(f,
                 "echo abc > /tmp/gc_nghttp_$$; nghttp -nv -d /tmp/gc_nghttp_$$ $U/sink; "
                 "rm /tmp/gc_nghttp_$$",
                 "x-end: yes");
}

static void
h2load_has_all_requests_answered(void **state)
{
    struct fixture *f = *state;

    assert_shell(f, "h2load -n 1000 -c 4 -m 32 $U/a", "1000 succeeded, 0 failed");
    assert_shell(f, "h2load --h1 -n 500 -c 4 $U/a", "500 succeeded, 0 failed");
}

#define TEST(name, set_up) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(requests_follow_each_other_on_one_connection, set_up),
        TEST(pipelined_requests_are_answered_in_order, set_up),
        TEST(a_head_may_come_byte_by_byte, set_up),
        TEST(a_body_of_unknown_length_is_chunked, set_up),
        TEST(http_1_0_gets_a_body_until_the_end, set_up),
        TEST(head_and_204_have_no_body, set_up),
        TEST(a_client_that_waits_is_told_to_go_on, set_up),
        TEST(an_answer_before_the_body_is_whole_closes, set_up),
        TEST(broken_framing_is_answered_and_closed, set_up),
        TEST(a_broken_chunk_is_refused_while_nothing_was_answered, set_up),
        TEST(a_broken_chunk_cuts_an_answer_that_has_begun, set_up),
        TEST(too_many_or_too_large_fields_are_431, set_up_small),
        TEST(what_only_proxies_say_is_dropped, set_up),
        TEST(a_slow_application_stops_the_sender, set_up_small),
        TEST(a_lost_connection_closes_the_stream, set_up),
        TEST(a_client_that_has_half_closed_gets_its_answer, set_up),
        TEST(reset_cuts_the_connection, set_up),
        TEST(a_body_longer_or_shorter_than_said_cuts_the_connection, set_up),
        TEST(a_silent_connection_is_closed, set_up_hasty),
        TEST(a_silent_connection_is_closed_in_mid_preface, set_up_hasty),
        TEST(a_head_that_never_ends_is_408, set_up_hasty),
        TEST(an_idle_connection_is_closed, set_up_hasty),
        TEST(a_body_that_stops_coming_is_given_up, set_up_hasty),
        TEST(a_reader_that_stops_is_given_up, set_up_hasty),
        TEST(servers_share_the_port_that_the_first_was_given, set_up),
        TEST(draining_finishes_what_runs, set_up),
        TEST(draining_ends_idle_connections, set_up),
        TEST(draining_nothing_is_done_at_once_but_later, set_up),
        TEST(curl_speaks_both_versions, set_up),
        TEST(curl_uploads_in_each_way, set_up),
        TEST(curl_hears_no_before_it_has_sent_all, set_up),
        TEST(curl_chooses_the_version_by_alpn, set_up_tls),
        TEST(nghttp_sees_trailers, set_up),
        TEST(h2load_has_all_requests_answered, set_up),
    };
    int n_failed;

    if (gc_crypto_init() != 0) {
        return 1;
    }
    gc_pki_init(&pki, "test CA");
    gc_pki_leaf(&pki, "server", "spiffe://" GC_PKI_DOMAIN "/gcommon/web/w1");
    n_failed = cmocka_run_group_tests(tests, NULL, NULL);
    gc_pki_fini(&pki);
    return n_failed;
}
