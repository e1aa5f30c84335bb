/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a client makes of answers that no server of ours would give. Each case is a script of the
 * server: what it says to any request. */
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

#define UNARY RPC_BED_PATH("Unary")

#define FIELD(name, value)                 \
    (struct gc_http_field)                 \
    {                                      \
        GC_STR(name), GC_STR(value), false \
    }
#define FIELDS(...)                 \
    (const struct gc_http_field[8]) \
    {                               \
        __VA_ARGS__                 \
    }
#define GRPC FIELD("content-type", "application/grpc")
#define OK   FIELD("grpc-status", "0")

/* One message "hi". */
#define HI     "\0\0\0\0\2hi"
#define HI_LEN 7

struct script {
    unsigned status;
    const struct gc_http_field *head, *trailers; /* up to the first without a name */
    const char *body;
    size_t body_len, body_times;
    bool head_end; /* END_STREAM on the head */
    bool reset;    /* after the body, with RESET_CODE */
    unsigned reset_code;
    bool silent; /* nothing after the body */
};

static struct rpc_bed bed;
static struct gc_http_server *http;
static struct script script;

static void
drop_data(struct gc_http_stream *s, void *arg, const struct gc_slice *data)
{
    (void)arg;
    gc_http_consume(s, data->len);
}

static void
drop_end(struct gc_http_stream *s, void *arg, const struct gc_http_field *trailers, size_t n)
{
    (void)s;
    (void)arg;
    (void)trailers;
    (void)n;
}

static void
drop_close(struct gc_http_stream *s, void *arg, int rc, unsigned h2_code)
{
    (void)s;
    (void)arg;
    (void)rc;
    (void)h2_code;
}

static const struct gc_http_handler drop = { .on_data = drop_data,
                                             .on_end = drop_end,
                                             .on_close = drop_close };

static size_t
count(const struct gc_http_field *fields)
{
    size_t n = 0;

    while (fields != NULL && n < 8 && fields[n].name.len > 0) {
        n++;
    }
    return n;
}

static void
play(void *arg, struct gc_http_stream *s, const struct gc_http_head *head)
{
    (void)arg;
    (void)head;
    gc_http_set_handler(s, &drop, NULL);
    if (script.status != 0) {
        assert_int_equal(
            gc_http_respond(s, script.status, script.head, count(script.head), script.head_end), 0);
    }
    for (size_t i = 0; i < script.body_times; i++) {
        const struct gc_slice data = { NULL, (const uint8_t *)script.body, script.body_len };

        assert_int_equal(gc_http_write(s, &data), 0);
    }
    if (script.reset) {
        gc_http_reset(s, script.reset_code);
    } else if (!script.head_end && !script.silent) {
        assert_int_equal(gc_http_end(s, script.trailers, count(script.trailers)), 0);
    }
}

static int
setup(void **state)
{
    struct gc_addr addr;
    char target[32];
    uint16_t port;

    (void)state;
    rpc_bed_init_bare(&bed);
    assert_int_equal(gc_http_server_new(bed.loop, NULL, play, NULL, &http), 0);
    assert_int_equal(gc_addr_parse(GC_STR("127.0.0.1:0"), &addr), 0);
    assert_int_equal(gc_http_server_listen(http, &addr, -1, NULL, &port), 0);
    snprintf(target, sizeof(target), "127.0.0.1:%u", port);
    bed.channel = rpc_bed_channel(&bed, target, NULL);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    gc_rpc_channel_free(bed.channel);
    bed.channel = NULL;
    gc_http_server_free(http);
    rpc_bed_fini(&bed);
    return 0;
}

static struct rpc_made *
ask_once(const struct gc_rpc_call_conf *conf)
{
    struct rpc_made *made = rpc_bed_call(&bed, UNARY, conf);

    rpc_made_send(made, "x");
    assert_int_equal(gc_rpc_half_close(made->call), 0);
    rpc_bed_until(&bed, made->n_ends > 0);
    return made;
}

static void
expect(struct script what, enum gc_rpc_code code, const char *body)
{
    script = what;
    assert_made(ask_once(NULL), code, body);
}

/* --- status ------------------------------------------------------------------------------------
 */

static void
a_whole_answer_is_taken(void **state)
{
    (void)state;
    expect((struct script){ .status = 200,
                            .head = FIELDS(GRPC),
                            .body = HI,
                            .body_len = HI_LEN,
                            .body_times = 1,
                            .trailers = FIELDS(OK) },
           GC_RPC_OK, "hi");
}

static void
a_status_in_the_head_counts_only_where_it_is_the_end(void **state)
{
    const struct gc_http_field *head = FIELDS(GRPC, FIELD("grpc-status", "5"));

    (void)state;
    expect((struct script){ .status = 200, .head = head, .head_end = true }, GC_RPC_NOT_FOUND, "");
    /* A body follows, or trailers: these say. */
    expect((struct script){ .status = 200,
                            .head = head,
                            .body = HI,
                            .body_len = HI_LEN,
                            .body_times = 1,
                            .trailers = FIELDS(OK) },
           GC_RPC_OK, "hi");
    expect((struct script){ .status = 200, .head = head, .trailers = FIELDS(OK) }, GC_RPC_OK, "");
    expect((struct script){ .status = 200, .head = head }, GC_RPC_UNKNOWN, "");
}

static void
an_unknown_code_keeps_its_text(void **state)
{
    struct rpc_made *made;

    (void)state;
    script = (struct script){ .status = 200,
                              .head = FIELDS(GRPC),
                              .trailers = FIELDS(FIELD("grpc-status", "42"),
                                                 FIELD("grpc-message", "odd%20one%zz")) };
    made = ask_once(NULL);
    assert_made(made, GC_RPC_UNKNOWN, "");
    assert_string_equal(made->status.message, "odd one%zz");
    expect((struct script){ .status = 200,
                            .head = FIELDS(GRPC),
                            .trailers = FIELDS(FIELD("grpc-status", "zero")) },
           GC_RPC_UNKNOWN, "");
}

static void
without_a_status_http_decides(void **state)
{
    static const struct {
        unsigned http;
        enum gc_rpc_code code;
    } cases[] = {
        { 400, GC_RPC_INTERNAL },          { 401, GC_RPC_UNAUTHENTICATED },
        { 403, GC_RPC_PERMISSION_DENIED }, { 404, GC_RPC_UNIMPLEMENTED },
        { 429, GC_RPC_UNAVAILABLE },       { 503, GC_RPC_UNAVAILABLE },
        { 500, GC_RPC_UNKNOWN },           { 200, GC_RPC_UNKNOWN },
    };

    (void)state;
    for (size_t i = 0; i < GC_ARRAY_LEN(cases); i++) {
        expect((struct script){ .status = cases[i].http,
                                .head = FIELDS(FIELD("content-type", "text/plain")),
                                .body = "sorry",
                                .body_len = 5,
                                .body_times = 1 },
               cases[i].code, "");
        expect((struct script){ .status = cases[i].http, .head_end = true }, cases[i].code, "");
    }
    /* What looks like messages under another status than 200 is none. */
    expect(
        (struct script){
            .status = 503, .head = FIELDS(GRPC), .body = HI, .body_len = HI_LEN, .body_times = 1 },
        GC_RPC_UNAVAILABLE, "");
}

static void
with_a_status_http_does_not_matter(void **state)
{
    (void)state;
    expect((struct script){ .status = 503,
                            .head = FIELDS(GRPC, FIELD("grpc-status", "10")),
                            .head_end = true },
           GC_RPC_ABORTED, "");
    expect((struct script){ .status = 500,
                            .head = FIELDS(GRPC),
                            .trailers = FIELDS(FIELD("grpc-status", "10")) },
           GC_RPC_ABORTED, "");
}

static void
an_endless_foreign_answer_is_cut(void **state)
{
    static char page[16384];

    (void)state;
    memset(page, 'p', sizeof(page));
    expect((struct script){ .status = 502,
                            .body = page,
                            .body_len = sizeof(page),
                            .body_times = 20,
                            .silent = true },
           GC_RPC_UNAVAILABLE, "");
}

/* --- messages ----------------------------------------------------------------------------------
 */

static void
broken_framing_is_internal(void **state)
{
    (void)state;
    /* Ends inside a message; inside a prefix. */
    expect((struct script){ .status = 200,
                            .head = FIELDS(GRPC),
                            .body = HI,
                            .body_len = HI_LEN - 1,
                            .body_times = 1,
                            .trailers = FIELDS(OK) },
           GC_RPC_INTERNAL, "");
    expect((struct script){ .status = 200,
                            .head = FIELDS(GRPC),
                            .body = HI,
                            .body_len = 3,
                            .body_times = 1,
                            .trailers = FIELDS(OK) },
           GC_RPC_INTERNAL, "");
    /* Compressed without an encoding. */
    expect((struct script){ .status = 200,
                            .head = FIELDS(GRPC),
                            .body = "\1\0\0\0\2hi",
                            .body_len = HI_LEN,
                            .body_times = 1,
                            .trailers = FIELDS(OK) },
           GC_RPC_INTERNAL, "");
}

static void
an_unknown_encoding_is_internal(void **state)
{
    (void)state;
    expect((struct script){ .status = 200,
                            .head = FIELDS(GRPC, FIELD("grpc-encoding", "snappy")),
                            .trailers = FIELDS(OK) },
           GC_RPC_INTERNAL, "");
    expect((struct script){ .status = 200,
                            .head = FIELDS(GRPC, FIELD("grpc-encoding", "identity")),
                            .trailers = FIELDS(OK) },
           GC_RPC_OK, "");
}

static void
an_error_after_half_a_message_is_the_servers(void **state)
{
    (void)state;
    expect((struct script){ .status = 200,
                            .head = FIELDS(GRPC),
                            .body = HI,
                            .body_len = 6,
                            .body_times = 1,
                            .trailers = FIELDS(FIELD("grpc-status", "15")) },
           GC_RPC_DATA_LOSS, "");
}

static void
one_response_means_exactly_one(void **state)
{
    const struct gc_rpc_call_conf conf = { .one_response = true };
    struct rpc_made *made;

    (void)state;
    for (size_t n = 0; n < 3; n++) {
        script = (struct script){ .status = 200,
                                  .head = FIELDS(GRPC),
                                  .body = HI,
                                  .body_len = HI_LEN,
                                  .body_times = n,
                                  .trailers = FIELDS(OK) };
        made = ask_once(&conf);
        assert_int_equal(made->status.code, n == 1 ? GC_RPC_OK : GC_RPC_UNIMPLEMENTED);
    }
}

static void
broken_base64_is_internal(void **state)
{
    (void)state;
    expect((struct script){ .status = 200,
                            .head = FIELDS(GRPC, FIELD("x-bin", "A")),
                            .trailers = FIELDS(OK) },
           GC_RPC_INTERNAL, "");
    expect((struct script){ .status = 200,
                            .head = FIELDS(GRPC),
                            .trailers = FIELDS(OK, FIELD("x-bin", "A")) },
           GC_RPC_INTERNAL, "");
}

/* --- resets ------------------------------------------------------------------------------------
 */

static void
a_reset_says_why(void **state)
{
    static const struct {
        unsigned h2;
        enum gc_rpc_code code;
    } cases[] = {
        { GC_H2_NO_ERROR, GC_RPC_INTERNAL },
        { GC_H2_PROTOCOL_ERROR, GC_RPC_INTERNAL },
        { GC_H2_INTERNAL_ERROR, GC_RPC_INTERNAL },
        { GC_H2_REFUSED_STREAM, GC_RPC_UNAVAILABLE },
        { GC_H2_CANCEL, GC_RPC_CANCELLED },
        { GC_H2_ENHANCE_YOUR_CALM, GC_RPC_RESOURCE_EXHAUSTED },
        { 12, GC_RPC_PERMISSION_DENIED },
    };

    (void)state;
    for (size_t i = 0; i < GC_ARRAY_LEN(cases); i++) {
        /* Before anything was said, and in mid-answer. */
        expect((struct script){ .reset = true, .reset_code = cases[i].h2 }, cases[i].code, "");
        script = (struct script){ .status = 200,
                                  .head = FIELDS(GRPC),
                                  .body = HI,
                                  .body_len = HI_LEN,
                                  .body_times = 1,
                                  .reset = true,
                                  .reset_code = cases[i].h2 };
        assert_int_equal(ask_once(NULL)->status.code, cases[i].code);
    }
}

static void
a_silent_answer_ends_at_the_deadline(void **state)
{
    const struct gc_rpc_call_conf conf = { .deadline_ms = 150 };

    (void)state;
    script = (struct script){ .status = 200,
                              .head = FIELDS(GRPC),
                              .body = HI,
                              .body_len = HI_LEN,
                              .body_times = 1,
                              .silent = true };
    assert_made(ask_once(&conf), GC_RPC_DEADLINE_EXCEEDED, "hi");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_whole_answer_is_taken),
        TEST(a_status_in_the_head_counts_only_where_it_is_the_end),
        TEST(an_unknown_code_keeps_its_text),
        TEST(without_a_status_http_decides),
        TEST(with_a_status_http_does_not_matter),
        TEST(an_endless_foreign_answer_is_cut),
        TEST(broken_framing_is_internal),
        TEST(an_unknown_encoding_is_internal),
        TEST(an_error_after_half_a_message_is_the_servers),
        TEST(one_response_means_exactly_one),
        TEST(broken_base64_is_internal),
        TEST(a_reset_says_why),
        TEST(a_silent_answer_ends_at_the_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
