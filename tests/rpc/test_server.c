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
#include "tests/support/pki.h"
#include "tests/support/rpc_bed.h"

/* --- raw requests ------------------------------------------------------------------------------
 */

/* What a client that is not ours may send, and what it gets. */
struct raw {
    struct gc_loop *loop;
    struct gc_http_client *http;
    bool ready, closed, done;
    unsigned status;
    bool head_end;
    char code[8], text[64], accept[32], allow[16];
};

static void
on_ready(struct gc_http_client *http, void *arg)
{
    (void)http;
    ((struct raw *)arg)->ready = true;
}

static void
on_client_close(struct gc_http_client *http, void *arg, int rc)
{
    (void)http;
    (void)rc;
    ((struct raw *)arg)->closed = true;
}

static const struct gc_http_client_ops client_ops = { .on_ready = on_ready,
                                                      .on_close = on_client_close };

static void
take(char *dst, size_t size, const struct gc_http_field *fields, size_t n, const char *name)
{
    struct gc_str value = gc_http_field_get(fields, n, name);

    if (value.data != NULL) {
        assert_int_equal(gc_str_copy(dst, size, value), 0);
    }
}

static void
take_status(struct raw *raw, const struct gc_http_field *fields, size_t n)
{
    take(raw->code, sizeof(raw->code), fields, n, "grpc-status");
    take(raw->text, sizeof(raw->text), fields, n, "grpc-message");
}

static void
on_head(struct gc_http_stream *s, void *arg, const struct gc_http_head *head)
{
    struct raw *raw = arg;

    (void)s;
    raw->status = head->status;
    raw->head_end = head->end;
    take(raw->accept, sizeof(raw->accept), head->fields, head->n_fields, "grpc-accept-encoding");
    take(raw->allow, sizeof(raw->allow), head->fields, head->n_fields, "allow");
    take_status(raw, head->fields, head->n_fields);
}

static void
on_data(struct gc_http_stream *s, void *arg, const struct gc_slice *data)
{
    (void)arg;
    gc_http_consume(s, data->len);
}

static void
on_end(struct gc_http_stream *s, void *arg, const struct gc_http_field *trailers, size_t n)
{
    (void)s;
    take_status(arg, trailers, n);
}

static void
on_close(struct gc_http_stream *s, void *arg, int rc, unsigned h2_code)
{
    (void)s;
    (void)rc;
    (void)h2_code;
    ((struct raw *)arg)->done = true;
}

static const struct gc_http_handler handler = {
    .on_head = on_head, .on_data = on_data, .on_end = on_end, .on_close = on_close
};

static struct rpc_bed bed;
static struct raw raw;

static int
setup(void **state)
{
    struct gc_http_dial dial = { .timeout_ms = 30000 };
    char target[32];

    (void)state;
    rpc_bed_init(&bed, NULL);
    raw = (struct raw){ .loop = bed.loop };
    snprintf(target, sizeof(target), "127.0.0.1:%u", bed.server.port);
    assert_int_equal(gc_addr_parse(gc_str_of(target), &dial.addr), 0);
    assert_int_equal(gc_http_client_start(bed.loop, NULL, &dial, &client_ops, &raw, &raw.http), 0);
    rpc_bed_until(&bed, raw.ready);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    gc_http_client_abort(raw.http);
    rpc_bed_until(&bed, raw.closed);
    rpc_bed_fini(&bed);
    return 0;
}

#define FIELD(name, value)                 \
    (struct gc_http_field)                 \
    {                                      \
        GC_STR(name), GC_STR(value), false \
    }
#define GRPC FIELD("content-type", "application/grpc")
#define TE   FIELD("te", "trailers")

/* Send a request with the N FIELDS and one whole message, wait for the answer. */
static void
request(const char *method, const char *path, const struct gc_http_field *fields, size_t n)
{
    static const uint8_t body[] = { 0, 0, 0, 0, 2, 'h', 'i' };
    const struct gc_slice data = { NULL, body, sizeof(body) };
    const struct gc_http_head head = {
        .method = gc_str_of(method),
        .scheme = GC_STR("http"),
        .authority = GC_STR("test"),
        .path = gc_str_of(path),
        .fields = fields,
        .n_fields = n,
    };
    struct gc_http_stream *s;

    raw.done = false;
    raw.status = 0;
    raw.code[0] = raw.text[0] = raw.accept[0] = raw.allow[0] = '\0';
    assert_int_equal(gc_http_request(raw.http, &head, false, &handler, &raw, &s), 0);
    assert_int_equal(gc_http_write(s, &data), 0);
    assert_int_equal(gc_http_end(s, NULL, 0), 0);
    rpc_bed_until(&bed, raw.done);
}
#define REQUEST(method, path, ...)                                       \
    request(method, path, (const struct gc_http_field[]){ __VA_ARGS__ }, \
            sizeof((const struct gc_http_field[]){ __VA_ARGS__ }) / sizeof(struct gc_http_field))

#define UNARY RPC_BED_PATH("Unary")

static void
a_plain_grpc_request_is_answered(void **state)
{
    (void)state;
    REQUEST("POST", UNARY, GRPC, TE);
    assert_int_equal(raw.status, 200);
    assert_false(raw.head_end);
    assert_string_equal(raw.code, "0");
    /* Without te, as some clients are. */
    REQUEST("POST", UNARY, GRPC);
    assert_string_equal(raw.code, "0");
}

static void
protobuf_content_types_are_taken(void **state)
{
    (void)state;
    REQUEST("POST", UNARY, FIELD("content-type", "application/grpc+proto"), TE);
    assert_string_equal(raw.code, "0");
    REQUEST("POST", UNARY, FIELD("content-type", "application/grpc;x=y"), TE);
    assert_string_equal(raw.code, "0");
    REQUEST("POST", UNARY, FIELD("content-type", "application/grpc+proto;x=y"), TE);
    assert_string_equal(raw.code, "0");
}

static void
other_content_types_are_415(void **state)
{
    static const char *const types[] = {
        "application/grpcfoo",     "application/grpc-web", "application/grpc+json",
        "application/grpc+protox", "text/plain",           "application/grp"
    };

    (void)state;
    for (size_t i = 0; i < GC_ARRAY_LEN(types); i++) {
        const struct gc_http_field field = { GC_STR("content-type"), gc_str_of(types[i]), false };

        request("POST", UNARY, &field, 1);
        assert_int_equal(raw.status, 415);
        assert_string_equal(raw.code, "");
    }
    REQUEST("POST", UNARY, TE);
    assert_int_equal(raw.status, 415);
    assert_int_equal(bed.server.echo.n_served, 0);
}

static void
other_methods_are_405(void **state)
{
    (void)state;
    REQUEST("PUT", UNARY, GRPC, TE);
    assert_int_equal(raw.status, 405);
    assert_string_equal(raw.allow, "POST");
}

static void
odd_paths_are_unimplemented(void **state)
{
    static const char *const paths[] = {
        "/",
        "/gcommon.test.Echo",
        "/gcommon.test.Echo/",
        "//Unary",
        "/gcommon.test.Echo/unary",
        "/gcommon.test.Echo/Unary/",
        "/gcommon.test.Echo/Unary?x",
    };

    (void)state;
    for (size_t i = 0; i < GC_ARRAY_LEN(paths); i++) {
        REQUEST("POST", paths[i], GRPC, TE);
        assert_int_equal(raw.status, 200);
        assert_true(raw.head_end); /* Trailers-Only */
        assert_string_equal(raw.code, "12");
    }
}

static void
unknown_encodings_are_unimplemented_and_told(void **state)
{
    (void)state;
    REQUEST("POST", UNARY, GRPC, TE, FIELD("grpc-encoding", "snappy"));
    assert_string_equal(raw.code, "12");
    assert_string_equal(raw.accept, "identity");
    REQUEST("POST", UNARY, GRPC, TE, FIELD("grpc-encoding", "identity"));
    assert_string_equal(raw.code, "0");
}

static void
bad_timeouts_are_refused(void **state)
{
    (void)state;
    REQUEST("POST", UNARY, GRPC, TE, FIELD("grpc-timeout", "123456789S"));
    assert_string_equal(raw.code, "13");
    REQUEST("POST", UNARY, GRPC, TE, FIELD("grpc-timeout", "1"));
    assert_string_equal(raw.code, "13");
    REQUEST("POST", UNARY, GRPC, TE, FIELD("grpc-timeout", "0n"));
    assert_string_equal(raw.code, "4");
    REQUEST("POST", UNARY, GRPC, TE, FIELD("grpc-timeout", "99999999H"));
    assert_string_equal(raw.code, "0");
}

static void
broken_base64_fails_the_call_only(void **state)
{
    (void)state;
    REQUEST("POST", UNARY, GRPC, TE, FIELD("x-key-bin", "A"));
    assert_string_equal(raw.code, "13");
    REQUEST("POST", UNARY, GRPC, TE, FIELD("x-key-bin", "AP8="));
    assert_string_equal(raw.code, "0");
}

static void
framing_faults_end_the_call(void **state)
{
    static const uint8_t compressed[] = { 1, 0, 0, 0, 1, 'x' };
    static const uint8_t half[] = { 0, 0, 0, 0, 9, 'x' };
    static const struct gc_slice bodies[] = { { NULL, compressed, sizeof(compressed) },
                                              { NULL, half, sizeof(half) } };
    const struct gc_http_field fields[] = { GRPC, TE };
    const struct gc_http_head head = { .method = GC_STR("POST"),
                                       .scheme = GC_STR("http"),
                                       .authority = GC_STR("test"),
                                       .path = GC_STR(RPC_BED_PATH("Collect")),
                                       .fields = fields,
                                       .n_fields = 2 };

    (void)state;
    for (size_t i = 0; i < GC_ARRAY_LEN(bodies); i++) {
        struct gc_http_stream *s;

        raw.done = false;
        raw.code[0] = '\0';
        assert_int_equal(gc_http_request(raw.http, &head, false, &handler, &raw, &s), 0);
        assert_int_equal(gc_http_write(s, &bodies[i]), 0);
        assert_int_equal(gc_http_end(s, NULL, 0), 0);
        rpc_bed_until(&bed, raw.done && gc_rpc_server_n_calls(bed.server.rpc) == 0);
        assert_string_equal(raw.code, "13");
        assert_int_equal(rpc_echo_last(&bed.server.echo)->status.code, GC_RPC_INTERNAL);
    }
}

static void
a_trace_is_continued(void **state)
{
    static const char parent[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    struct gc_trace trace;
    struct rpc_made *made;
    struct rpc_served *served;

    (void)state;
    gc_trace_adopt(&trace, GC_STR(parent));
    made = rpc_bed_call(&bed, RPC_BED_PATH("Hold"), &(struct gc_rpc_call_conf){ .trace = &trace });
    rpc_bed_until(&bed, bed.server.echo.n_served == 1);
    served = rpc_echo_last(&bed.server.echo);
    assert_memory_equal(gc_rpc_trace(served->call)->trace_id, trace.trace_id, 16);
    assert_memory_not_equal(gc_rpc_trace(served->call)->span_id, trace.span_id, 8);
    gc_rpc_cancel(made->call);
}

/* --- who may call ------------------------------------------------------------------------------
 */

static void
without_tls_a_role_is_never_proven(void **state)
{
    struct rpc_bed_server strict;
    struct rpc_made *made;
    char target[32];

    (void)state;
    rpc_bed_server_open(&strict, bed.loop, 0, NULL, "translation");
    snprintf(target, sizeof(target), "127.0.0.1:%u", strict.port);
    assert_int_equal(gc_rpc_channel_set_targets(bed.channel, target), 0);
    made = rpc_bed_call(&bed, UNARY, NULL);
    rpc_bed_ask(&bed, made, "x");
    assert_made(made, GC_RPC_UNAUTHENTICATED, "");
    rpc_bed_server_close(&strict);
}

static struct gc_tls_ctx *
tls_ctx(struct gc_pki *pki, const char *role, bool server)
{
    char error[GC_TLS_ERROR_MAX], name[64], uri[128];
    struct gc_tls_ctx *ctx;
    struct gc_tls_conf conf = {
        .profile = GC_TLS_INTERNAL,
        .server = server,
        .ca_file = pki->ca_file,
        .trust_domain = GC_PKI_DOMAIN,
    };

    snprintf(name, sizeof(name), "%s-%d", role, server);
    snprintf(uri, sizeof(uri), "spiffe://" GC_PKI_DOMAIN "/gcommon/%s/node-1", role);
    gc_pki_leaf(pki, name, uri);
    snprintf(name, sizeof(name), "%s-%d.crt", role, server);
    conf.cert_file = gc_pki_path(pki, name);
    snprintf(name, sizeof(name), "%s-%d.key", role, server);
    conf.key_file = gc_pki_path(pki, name);
    if (gc_tls_ctx_new(&conf, &ctx, error) != 0) {
        fail_msg("%s", error);
    }
    return ctx;
}

static void
roles_decide_who_may_call(void **state)
{
    static const struct {
        const char *role, *expect_role, *expect_node;
        enum gc_rpc_code code;
    } cases[] = {
        { "translation", "file", "node-1", GC_RPC_OK },
        { "web", "file", NULL, GC_RPC_OK },
        { "file", NULL, NULL, GC_RPC_PERMISSION_DENIED },
        { "translation", "web", NULL, GC_RPC_UNAVAILABLE },      /* we refuse the server */
        { "translation", "file", "node-2", GC_RPC_UNAVAILABLE }, /* another node */
    };
    struct rpc_bed mtls;
    struct gc_tls_ctx *server_tls;
    struct gc_pki pki;
    char target[32];

    (void)state;
    gc_pki_init(&pki, "rpc test CA");
    server_tls = tls_ctx(&pki, "file", true);
    rpc_bed_init_bare(&mtls);
    rpc_bed_server_open(&mtls.server, mtls.loop, 0, server_tls, "web translation");
    snprintf(target, sizeof(target), "127.0.0.1:%u", mtls.server.port);
    for (size_t i = 0; i < GC_ARRAY_LEN(cases); i++) {
        struct gc_tls_ctx *client_tls = tls_ctx(&pki, cases[i].role, false);
        const struct gc_rpc_channel_conf conf = { .tls = client_tls,
                                                  .expect_role = cases[i].expect_role,
                                                  .expect_node = cases[i].expect_node };
        struct rpc_made *made;

        mtls.channel = rpc_bed_channel(&mtls, target, &conf);
        made = rpc_bed_call(&mtls, UNARY, NULL);
        rpc_bed_ask(&mtls, made, "x");
        assert_made(made, cases[i].code, cases[i].code == GC_RPC_OK ? "x" : "");
        gc_rpc_channel_free(mtls.channel);
        gc_tls_ctx_unref(client_tls);
    }
    mtls.channel = NULL;
    rpc_bed_fini(&mtls);
    gc_tls_ctx_unref(server_tls);
    gc_pki_fini(&pki);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_plain_grpc_request_is_answered),
        TEST(protobuf_content_types_are_taken),
        TEST(other_content_types_are_415),
        TEST(other_methods_are_405),
        TEST(odd_paths_are_unimplemented),
        TEST(unknown_encodings_are_unimplemented_and_told),
        TEST(bad_timeouts_are_refused),
        TEST(broken_base64_fails_the_call_only),
        TEST(framing_faults_end_the_call),
        TEST(a_trace_is_continued),
        TEST(without_tls_a_role_is_never_proven),
        TEST(roles_decide_who_may_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
