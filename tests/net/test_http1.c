/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The HTTP/1.1 parser: what it takes, what it refuses, and that pieces change nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "net/http1_parse.h"

#define MORE 1u /* not a status: the head is not whole */
#define HOST "Host: h\r\n"

/* Feed TEXT in pieces of STEP bytes. The status, 0 or MORE. */
static unsigned
parse_in_steps(const char *text, size_t len, size_t step, char *copy, struct gc_http1_head *head)
{
    struct gc_http1_scan scan = { 0 };
    size_t head_len = 0;
    unsigned status = 0;

    memcpy(copy, text, len);
    for (size_t at = 0; status == 0 && head_len == 0 && at < len;) {
        at = GC_MIN(at + step, len);
        status = gc_http1_scan(&scan, copy, at, &head_len);
    }
    if (status == 0 && head_len == 0) {
        return MORE;
    }
    return status != 0 ? status : gc_http1_parse(copy, head_len, head);
}

static unsigned
parse(const char *text, size_t len, struct gc_http1_head *head)
{
    static char copy[128 * 1024];

    assert_true(len <= sizeof(copy));
    return parse_in_steps(text, len, len, copy, head);
}

#define CASE(status, text)                 \
    {                                      \
        status, text, sizeof(text "") - 1, \
    }
static const struct {
    unsigned status;
    const char *text;
    size_t len;
} cases[] = {
    /* request lines */
    CASE(0, "GET / HTTP/1.1\r\n" HOST "\r\n"),
    CASE(0, "\r\nGET / HTTP/1.1\r\n" HOST "\r\n"),
    CASE(400, "\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n"),
    CASE(400, "\n"),
    CASE(400, " GET / HTTP/1.1\r\n" HOST "\r\n"),
    CASE(400, "GET  / HTTP/1.1\r\n" HOST "\r\n"),
    CASE(400, "GET /  HTTP/1.1\r\n" HOST "\r\n"),
    CASE(400, "GET / HTTP/1.1 \r\n" HOST "\r\n"),
    CASE(400, "GET\t/ HTTP/1.1\r\n" HOST "\r\n"),
    CASE(400, "GET /\r\n" HOST "\r\n"),
    CASE(400, "GET\r\n" HOST "\r\n"),
    CASE(400, "GET / http/1.1\r\n" HOST "\r\n"),
    CASE(400, "GET / HTTP/1.10\r\n" HOST "\r\n"),
    CASE(400, "GET / HTTP/11\r\n" HOST "\r\n"),
    CASE(400, "GET / HTTP/1,1\r\n" HOST "\r\n"),
    CASE(505, "GET / HTTP/0.9\r\n" HOST "\r\n"),
    CASE(505, "GET / HTTP/1.2\r\n" HOST "\r\n"),
    CASE(505, "GET / HTTP/2.0\r\n" HOST "\r\n"),
    CASE(505, "PRI * HTTP/2.0\r\n\r\n"),
    CASE(501, "BREW / HTTP/1.1\r\n" HOST "\r\n"),
    CASE(501, "get / HTTP/1.1\r\n" HOST "\r\n"),
    CASE(501, "CONNECT h:80 HTTP/1.1\r\n" HOST "\r\n"),
    CASE(501, "TRACE / HTTP/1.1\r\n" HOST "\r\n"),
    CASE(400, "G@T / HTTP/1.1\r\n" HOST "\r\n"),
    CASE(400, "GET x HTTP/1.1\r\n" HOST "\r\n"),
    CASE(400, "GET /a#b HTTP/1.1\r\n" HOST "\r\n"),
    CASE(400, "GET /\x01 HTTP/1.1\r\n" HOST "\r\n"),
    CASE(400, "GET /\x7f HTTP/1.1\r\n" HOST "\r\n"),
    CASE(400, "GET /\xc3\xa4 HTTP/1.1\r\n" HOST "\r\n"),
    CASE(400, "GET /\0 HTTP/1.1\r\n" HOST "\r\n"),
    CASE(0, "OPTIONS * HTTP/1.1\r\n" HOST "\r\n"),
    CASE(400, "GET * HTTP/1.1\r\n" HOST "\r\n"),
    CASE(0, "GET http://h/p?q HTTP/1.1\r\n" HOST "\r\n"),
    CASE(0, "GET https://h HTTP/1.1\r\n" HOST "\r\n"),
    CASE(400, "GET http://other/p HTTP/1.1\r\n" HOST "\r\n"),
    CASE(400, "GET http://u@h/p HTTP/1.1\r\n" HOST "\r\n"),
    CASE(400, "GET http:///p HTTP/1.1\r\n" HOST "\r\n"),
    CASE(400, "GET ftp://h/p HTTP/1.1\r\n" HOST "\r\n"),
    /* line ends */
    CASE(400, "GET / HTTP/1.1\n" HOST "\r\n"),
    CASE(400, "GET / HTTP/1.1\r\nHost: h\n\r\n"),
    CASE(400, "GET / HTTP/1.1\r\n" HOST "\n"),
    CASE(400, "GET / HTTP/1.1\r\n" HOST "X: a\rb\r\n\r\n"),
    CASE(400, "GET / HTTP/1.1\r" HOST "\r\n"),
    CASE(400, "GET / HTTP/1.1\r\r\n" HOST "\r\n"),
    CASE(MORE, "GET / HTTP/1.1\r\n" HOST "\r"),
    CASE(MORE, ""),
    CASE(MORE, "\r\n"),
    /* fields */
    CASE(400, "GET / HTTP/1.1\r\n" HOST "X : y\r\n\r\n"),
    CASE(400, "GET / HTTP/1.1\r\n" HOST " X: y\r\n\r\n"),
    CASE(400, "GET / HTTP/1.1\r\n" HOST "X: y\r\n z\r\n\r\n"),
    CASE(400, "GET / HTTP/1.1\r\n" HOST "X: y\r\n\tz\r\n\r\n"),
    CASE(400, "GET / HTTP/1.1\r\n" HOST ": y\r\n\r\n"),
    CASE(400, "GET / HTTP/1.1\r\n" HOST "X\r\n\r\n"),
    CASE(400, "GET / HTTP/1.1\r\n" HOST "X\xc3: y\r\n\r\n"),
    CASE(400, "GET / HTTP/1.1\r\n" HOST "X(: y\r\n\r\n"),
    CASE(400, "GET / HTTP/1.1\r\n" HOST "X: a\0b\r\n\r\n"),
    CASE(400, "GET / HTTP/1.1\r\n" HOST "X: a\x01"
              "b\r\n\r\n"),
    CASE(400, "GET / HTTP/1.1\r\n" HOST "X: a\x7f\r\n\r\n"),
    CASE(0, "GET / HTTP/1.1\r\n" HOST "X: a\tb\xff\r\n\r\n"),
    CASE(0, "GET / HTTP/1.1\r\n" HOST "X:\r\nY: \t\r\n\r\n"),
    /* Host */
    CASE(400, "GET / HTTP/1.1\r\n\r\n"),
    CASE(0, "GET / HTTP/1.0\r\n\r\n"),
    CASE(400, "GET / HTTP/1.1\r\n" HOST HOST "\r\n"),
    CASE(400, "GET / HTTP/1.0\r\n" HOST HOST "\r\n"),
    CASE(400, "GET / HTTP/1.1\r\nHost:\r\n\r\n"),
    CASE(400, "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"),
    CASE(400, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
    CASE(400, "GET / HTTP/1.1\r\nHost: u@h\r\n\r\n"),
    CASE(0, "GET / HTTP/1.1\r\nHost: [::1]:8443\r\n\r\n"),
    /* lengths */
    CASE(0, "PUT / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n"),
    CASE(0, "PUT / HTTP/1.1\r\n" HOST "Content-Length: 9223372036854775807\r\n\r\n"),
    CASE(400, "PUT / HTTP/1.1\r\n" HOST "Content-Length: 9223372036854775808\r\n\r\n"),
    CASE(400, "PUT / HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999\r\n\r\n"),
    CASE(400, "PUT / HTTP/1.1\r\n" HOST "Content-Length: 00000000000000000001\r\n\r\n"),
    CASE(400, "PUT / HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\n"),
    CASE(400, "PUT / HTTP/1.1\r\n" HOST "Content-Length: +1\r\n\r\n"),
    CASE(400, "PUT / HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n"),
    CASE(400, "PUT / HTTP/1.1\r\n" HOST "Content-Length: 0x1\r\n\r\n"),
    CASE(400, "PUT / HTTP/1.1\r\n" HOST "Content-Length: 1 1\r\n\r\n"),
    CASE(400, "PUT / HTTP/1.1\r\n" HOST "Content-Length: 1, 1\r\n\r\n"),
    CASE(400, "PUT / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 1\r\n\r\n"),
    CASE(400, "PUT / HTTP/1.1\r\n" HOST "Content-Length: 1\r\ncontent-length: 2\r\n\r\n"),
    /* codings */
    CASE(0, "PUT / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"),
    CASE(0, "PUT / HTTP/1.1\r\n" HOST "Transfer-Encoding: CHUNKED\r\n\r\n"),
    CASE(501, "PUT / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n\r\n"),
    CASE(501, "PUT / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n"),
    CASE(501, "PUT / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked, identity\r\n\r\n"),
    CASE(501, "PUT / HTTP/1.1\r\n" HOST "Transfer-Encoding: identity\r\n\r\n"),
    CASE(501, "PUT / HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n"),
    CASE(501, "PUT / HTTP/1.1\r\n" HOST "Transfer-Encoding: \"chunked\"\r\n\r\n"),
    CASE(501, "PUT / HTTP/1.1\r\n" HOST "Transfer-Encoding:\r\n\r\n"),
    CASE(400, "PUT / HTTP/1.1\r\n" HOST "Transfer-Encoding\t: chunked\r\n\r\n"),
    CASE(400, "PUT / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n"
              "Transfer-Encoding: chunked\r\n\r\n"),
    CASE(400, "PUT / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"),
    CASE(400, "PUT / HTTP/1.1\r\n" HOST "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"),
    CASE(400, "PUT / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n"),
    /* Connection and Expect */
    CASE(400, "GET / HTTP/1.1\r\n" HOST "Connection: content-length\r\n\r\n"),
    CASE(400, "GET / HTTP/1.1\r\n" HOST "Connection: close, Transfer-Encoding\r\n\r\n"),
    CASE(400, "GET / HTTP/1.1\r\n" HOST "Connection: a b\r\n\r\n"),
    CASE(417, "PUT / HTTP/1.1\r\n" HOST "Expect: a-pony\r\n\r\n"),
    CASE(0, "PUT / HTTP/1.1\r\n" HOST "Expect: 100-Continue\r\n\r\n"),
};

static void
each_input_is_taken_or_refused_as_the_table_says(void **state)
{
    struct gc_http1_head head = { .n_fields = 0 };

    (void)state;
    for (size_t i = 0; i < GC_ARRAY_LEN(cases); i++) {
        unsigned status = parse(cases[i].text, cases[i].len, &head);
        if (status != cases[i].status) {
            fail_msg("got %u, not %u: %s", status, cases[i].status, cases[i].text);
        }
    }
}

static void
pieces_change_nothing(void **state)
{
    struct gc_http1_head head = { .n_fields = 0 };
    char copy[1024];

    (void)state;
    for (size_t i = 0; i < GC_ARRAY_LEN(cases); i++) {
        for (size_t step = 1; step <= cases[i].len; step++) {
            assert_int_equal(parse_in_steps(cases[i].text, cases[i].len, step, copy, &head),
                             cases[i].status);
        }
    }
}

static void
assert_str(struct gc_str got, const char *want)
{
    assert_int_equal(got.len, strlen(want));
    assert_memory_equal(got.data, want, got.len);
}

static void
the_head_tells_what_was_sent(void **state)
{
    static const char text[] = "PUT /b/k?x=%20 HTTP/1.1\r\n"
                               "HOST: example.net:80\r\n"
                               "Content-Length: 12\r\n"
                               "X-Amz-Meta-A:  two  words \r\n"
                               "Expect: 100-continue\r\n\r\n";
    struct gc_http1_head head = { .n_fields = 0 };

    (void)state;
    assert_int_equal(parse(text, sizeof(text) - 1, &head), 0);
    assert_str(head.method, "PUT");
    assert_str(head.path, "/b/k?x=%20");
    assert_str(head.authority, "example.net:80");
    assert_int_equal(head.minor, 1);
    assert_int_equal(head.length, 12);
    assert_false(head.chunked);
    assert_true(head.keep_alive);
    assert_true(head.expect_continue);
    assert_int_equal(head.n_fields, 2);
    assert_str(head.fields[0].name, "content-length");
    assert_str(head.fields[0].value, "12");
    assert_str(head.fields[1].name, "x-amz-meta-a");
    assert_str(head.fields[1].value, "two  words");
}

static void
hop_by_hop_fields_and_what_connection_names_are_dropped(void **state)
{
    static const char text[] = "GET / HTTP/1.1\r\n" HOST "Connection: X-One, close\r\n"
                               "x-one: 1\r\nTE: trailers\r\nUpgrade: h2c\r\n"
                               "HTTP2-Settings: AAA\r\nTrailer: a\r\nKeep-Alive: 1\r\n"
                               "x-two: 2\r\n\r\n";
    struct gc_http1_head head = { .n_fields = 0 };

    (void)state;
    assert_int_equal(parse(text, sizeof(text) - 1, &head), 0);
    assert_int_equal(head.n_fields, 1);
    assert_str(head.fields[0].name, "x-two");
    assert_false(head.keep_alive);
}

static void
http_1_0_is_not_kept_alive(void **state)
{
    static const char text[] = "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
    struct gc_http1_head head = { .n_fields = 0 };

    (void)state;
    assert_int_equal(parse(text, sizeof(text) - 1, &head), 0);
    assert_false(head.keep_alive);
    assert_int_equal(head.authority.len, 0);
}

static void
an_absolute_target_gives_path_and_authority(void **state)
{
    static const char text[] = "GET http://h/p?q HTTP/1.1\r\n" HOST "\r\n";
    static const char bare[] = "GET http://h HTTP/1.1\r\n" HOST "\r\n";
    struct gc_http1_head head = { .n_fields = 0 };

    (void)state;
    assert_int_equal(parse(text, sizeof(text) - 1, &head), 0);
    assert_str(head.path, "/p?q");
    assert_str(head.authority, "h");
    assert_int_equal(parse(bare, sizeof(bare) - 1, &head), 0);
    assert_str(head.path, "/");
}

/* START, N times FILL, END. */
static unsigned
parse_long(const char *start, const char *fill, size_t n, const char *end)
{
    static char text[128 * 1024];
    struct gc_http1_head head = { .n_fields = 0 };
    size_t len = strlen(start);

    memcpy(text, start, len);
    for (size_t i = 0; i < n; i++) {
        memcpy(text + len, fill, strlen(fill));
        len += strlen(fill);
    }
    memcpy(text + len, end, strlen(end));
    return parse(text, len + strlen(end), &head);
}

static void
long_lines_and_heads_are_refused(void **state)
{
    (void)state;
    assert_int_equal(parse_long("GET /", "a", 8000, " HTTP/1.1\r\n" HOST "\r\n"), 0);
    assert_int_equal(parse_long("GET /", "a", 8192, " HTTP/1.1\r\n" HOST "\r\n"), 414);
    assert_int_equal(parse_long("GET /", "a", 9000, ""), 414);
    assert_int_equal(parse_long("GET / HTTP/1.1\r\n" HOST "X: ", "a", 24000, "\r\n\r\n"), 0);
    assert_int_equal(parse_long("GET / HTTP/1.1\r\n" HOST "X: ", "a", 25000, "\r\n\r\n"), 431);
    assert_int_equal(parse_long("GET / HTTP/1.1\r\n" HOST "X: ", "a", 25000, ""), 431);
    assert_int_equal(parse_long("GET / HTTP/1.1\r\n" HOST, "X: 1\r\n", 127, "\r\n"), 0);
    assert_int_equal(parse_long("GET / HTTP/1.1\r\n" HOST, "X: 1\r\n", 128, "\r\n"), 431);
}

/* --- chunks -------------------------------------------------------------------------------------
 */

#define BAD "(bad)"

/* The body that TEXT in pieces of STEP bytes decodes to, then ">" and what is behind it. */
static void
decode(const char *text, size_t len, size_t step, char *out)
{
    struct gc_http1_chunked chunked = { 0 };
    enum gc_http1_chunk got = GC_HTTP1_CHUNK_MORE;
    struct gc_str data, input;
    size_t at = 0, n = 0;

    while (at < len && got != GC_HTTP1_CHUNK_END && got != GC_HTTP1_CHUNK_BAD) {
        input = (struct gc_str){ text + at, GC_MIN(step, len - at) };
        at += input.len;
        do {
            got = gc_http1_chunked_next(&chunked, &input, &data);
            if (got == GC_HTTP1_CHUNK_DATA) {
                memcpy(out + n, data.data, data.len);
                n += data.len;
            }
        } while (got == GC_HTTP1_CHUNK_DATA);
    }
    if (got == GC_HTTP1_CHUNK_END) {
        at -= input.len;
        snprintf(out + n, 64, ">%.*s", (int)(len - at), text + at);
    } else {
        snprintf(out + n, 64, "%s", got == GC_HTTP1_CHUNK_BAD ? BAD : "");
    }
}

#define CHUNKS(out, text)              \
    {                                  \
        out, text, sizeof(text "") - 1 \
    }
static const struct {
    const char *out, *text;
    size_t len;
} chunk_cases[] = {
    CHUNKS("abc>", "3\r\nabc\r\n0\r\n\r\n"),
    CHUNKS(">", "0\r\n\r\n"),
    CHUNKS("abcdefghijklmnop>GET", "a\r\nabcdefghij\r\n6\r\nklmnop\r\n0\r\n\r\nGET"),
    CHUNKS("abcdefghij>", "A\r\nabcdefghij\r\n00\r\n\r\n"),
    CHUNKS("a>", "0000000000000001\r\na\r\n0\r\n\r\n"),
    CHUNKS(BAD, "00000000000000001\r\na\r\n0\r\n\r\n"),
    CHUNKS(BAD, "ffffffffffffffff\r\na"),
    CHUNKS("a>", "1;x=y\r\na\r\n0;z\r\n\r\n"),
    CHUNKS("a>", "1\r\na\r\n0\r\nX-T: v\r\nY:\r\n\r\n"),
    CHUNKS("ab", "3\r\nab"),
    CHUNKS(BAD, "\r\n"),
    CHUNKS(BAD, " 1\r\na\r\n"),
    CHUNKS(BAD, "1 \r\na\r\n"),
    CHUNKS(BAD, "+1\r\na\r\n"),
    CHUNKS(BAD, "-1\r\na\r\n"),
    CHUNKS(BAD, "0x1\r\na\r\n"),
    CHUNKS(BAD, "1\na\r\n"),
    CHUNKS(BAD, "1\r\r\na\r\n"),
    CHUNKS(BAD, "g\r\n"),
    CHUNKS("a" BAD, "1\r\nab\r\n"),
    CHUNKS("a" BAD, "1\r\na\n0\r\n\r\n"),
    CHUNKS("a" BAD, "1\r\na\rx"),
    CHUNKS(BAD, "1;x\ny\r\na\r\n"),
    CHUNKS(BAD, "1;x\0\r\na\r\n"),
    CHUNKS(BAD, "0\r\n\n"),
    CHUNKS(BAD, "0\r\n\rx"),
    CHUNKS(BAD, "0\r\n X: folded\r\n\r\n"),
    CHUNKS(BAD, "0\r\nX : v\r\n\r\n"),
    CHUNKS(BAD, "0\r\nnocolon\r\n\r\n"),
    CHUNKS(BAD, "0\r\nX: a\0b\r\n\r\n"),
};

static void
chunked_bodies_decode_alike_in_any_pieces(void **state)
{
    char out[256];

    (void)state;
    for (size_t i = 0; i < GC_ARRAY_LEN(chunk_cases); i++) {
        for (size_t step = 1; step <= chunk_cases[i].len; step++) {
            decode(chunk_cases[i].text, chunk_cases[i].len, step, out);
            assert_string_equal(out, chunk_cases[i].out);
        }
    }
}

/* BYTES of a body with START, N times FILL: is it refused? */
static bool
chunks_refused(const char *start, char fill, size_t n)
{
    static char text[16 * 1024], out[16 * 1024];
    size_t len = strlen(start);

    memcpy(text, start, len);
    memset(text + len, fill, n);
    decode(text, len + n, len + n, out);
    return strstr(out, BAD) != NULL;
}

static void
extensions_and_trailers_are_limited(void **state)
{
    (void)state;
    assert_false(chunks_refused("1;", 'x', GC_HTTP1_EXT_MAX));
    assert_true(chunks_refused("1;", 'x', GC_HTTP1_EXT_MAX + 1));
    assert_true(chunks_refused("1;x\r\na\r\n1;", 'x', GC_HTTP1_EXT_MAX));
    assert_false(chunks_refused("0\r\nX:", 'x', GC_HTTP1_TRAILER_MAX - 2));
    assert_true(chunks_refused("0\r\nX:", 'x', GC_HTTP1_TRAILER_MAX - 1));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_input_is_taken_or_refused_as_the_table_says),
        cmocka_unit_test(pieces_change_nothing),
        cmocka_unit_test(the_head_tells_what_was_sent),
        cmocka_unit_test(hop_by_hop_fields_and_what_connection_names_are_dropped),
        cmocka_unit_test(http_1_0_is_not_kept_alive),
        cmocka_unit_test(an_absolute_target_gives_path_and_authority),
        cmocka_unit_test(long_lines_and_heads_are_refused),
        cmocka_unit_test(chunked_bodies_decode_alike_in_any_pieces),
        cmocka_unit_test(extensions_and_trailers_are_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
