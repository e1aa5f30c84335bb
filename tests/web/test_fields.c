/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/macros.h"
#include "web/fields.h"

static struct gc_arena arena;

static int
setup(void **state)
{
    (void)state;
    gc_arena_init(&arena, 256 * 1024);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    gc_arena_fini(&arena);
    return 0;
}

static struct gc_http_field
field(const char *name, const char *value)
{
    return (struct gc_http_field){ gc_str_of(name), gc_str_of(value), false };
}

static void
only_what_belongs_to_the_object_is_kept(void **state)
{
    const struct gc_http_field fields[] = {
        field("host", "x"),
        field("content-type", "text/plain"),
        field("authorization", "Bearer secret"),
        field("x-amz-meta-mtime", "1.5"),
        field("content-length", "3"),
        field("content-md5", "abc"),
        field("x-amz-meta-", "nameless"),
        field("x-amz-acl", "private"),
        field("cache-control", "no-cache"),
        field("expires", "never"),
        field("content-encoding", "gzip"),
        field("content-language", "de"),
        field("content-disposition", "inline"),
        field("etag", "\"x\""),
        field("set-cookie", "a=b"),
        field("x-amz-meta-empty", ""),
    };
    Gcommon__V1__Object__PutOpen open = GCOMMON__V1__OBJECT__PUT_OPEN__INIT;
    (void)state;
    assert_int_equal(gc_web_fields_keep(&arena, fields, GC_ARRAY_LEN(fields), &open), GC_API_OK);
    assert_int_equal(open.n_fields, 8);
    assert_string_equal(open.fields[0]->name, "content-type");
    assert_int_equal(open.fields[0]->value.len, 10);
    assert_memory_equal(open.fields[0]->value.data, "text/plain", 10);
    assert_string_equal(open.fields[1]->name, "x-amz-meta-mtime");
    assert_string_equal(open.fields[7]->name, "x-amz-meta-empty");
    assert_int_equal(open.fields[7]->value.len, 0);
    assert_int_equal(gc_web_fields_check(&open), GC_API_OK);
}

static void
user_metadata_ends_at_2048_bytes(void **state)
{
    char value[2048];
    struct gc_http_field fields[2] = { field("x-amz-meta-ab", "") };
    Gcommon__V1__Object__PutOpen open = GCOMMON__V1__OBJECT__PUT_OPEN__INIT;
    (void)state;
    memset(value, 'v', sizeof(value));
    fields[0].value = (struct gc_str){ value, 2046 };
    assert_int_equal(gc_web_fields_keep(&arena, fields, 1, &open), GC_API_OK);
    assert_int_equal(gc_web_fields_check(&open), GC_API_OK);
    fields[0].value.len = 2047;
    assert_int_equal(gc_web_fields_keep(&arena, fields, 1, &open), GC_API_MetadataTooLarge);
    fields[0].value.len = 2046;
    fields[1] = field("x-amz-meta-c", "");
    assert_int_equal(gc_web_fields_keep(&arena, fields, 2, &open), GC_API_MetadataTooLarge);
    fields[1] = field("content-type", "a/b");
    assert_int_equal(gc_web_fields_keep(&arena, fields, 2, &open), GC_API_OK);
}

static void
other_fields_have_limits_too(void **state)
{
    char *value = calloc(1, GC_WEB_CONTENT_BYTES_MAX + 1);
    struct gc_http_field fields[GC_WEB_STORED_MAX + 1];
    Gcommon__V1__Object__PutOpen open = GCOMMON__V1__OBJECT__PUT_OPEN__INIT;
    (void)state;
    fields[0] = field("expires", "");
    fields[0].value = (struct gc_str){ value, GC_WEB_CONTENT_BYTES_MAX - 7 };
    assert_int_equal(gc_web_fields_keep(&arena, fields, 1, &open), GC_API_OK);
    fields[0].value.len++;
    assert_int_equal(gc_web_fields_keep(&arena, fields, 1, &open), GC_API_MetadataTooLarge);
    for (size_t i = 0; i < GC_ARRAY_LEN(fields); i++) {
        fields[i] = field("x-amz-meta-a", "");
    }
    assert_int_equal(gc_web_fields_keep(&arena, fields, GC_WEB_STORED_MAX, &open), GC_API_OK);
    assert_int_equal(gc_web_fields_keep(&arena, fields, GC_WEB_STORED_MAX + 1, &open),
                     GC_API_MetadataTooLarge);
    free(value);
}

/* Fields of a gRPC message have not been through an HTTP parser, and will be sent by one. */
static void
fields_of_messages_cannot_forge_headers(void **state)
{
    static const struct {
        const char *name, *value;
    } bad[] = {
        { "content-type", "a\r\nset-cookie: b" },
        { "content-type", "a\x7f" },
        { "content-type", " a" },
        { "content-type", "a\t" },
        { "set-cookie", "a" },
        { "content-length", "1" },
        { "X-Amz-Meta-A", "a" },
        { "x-amz-meta-a b", "a" },
        { "x-amz-meta-a:", "a" },
        { "x-amz-meta-\xc3\xa4", "a" },
        { "x-amz-meta-", "a" },
        { "", "a" },
    };
    (void)state;
    for (size_t i = 0; i < GC_ARRAY_LEN(bad); i++) {
        Gcommon__V1__Common__Field one = GCOMMON__V1__COMMON__FIELD__INIT, *list = &one;
        Gcommon__V1__Object__PutOpen open = GCOMMON__V1__OBJECT__PUT_OPEN__INIT;
        one.name = (char *)bad[i].name;
        one.value.data = (uint8_t *)bad[i].value;
        one.value.len = strlen(bad[i].value);
        open.fields = &list;
        open.n_fields = 1;
        assert_int_equal(gc_web_fields_check(&open), GC_API_InvalidArgument);
    }
}

static void
uploads_that_ask_for_more_are_refused(void **state)
{
    static const struct {
        const char *name, *value;
        enum gc_api_err err;
    } cases[] = {
        { "x-amz-copy-source", "/a/b", GC_API_NotImplemented },
        { "x-amz-server-side-encryption-customer-key", "k", GC_API_NotImplemented },
        { "x-amz-object-lock-mode", "GOVERNANCE", GC_API_NotImplemented },
        { "x-amz-grant-read", "x", GC_API_NotImplemented },
        { "x-amz-acl", "public-read", GC_API_NotImplemented },
        { "x-amz-acl", "authenticated-read", GC_API_NotImplemented },
        { "x-amz-acl", "private", GC_API_OK },
        { "x-amz-acl", "bucket-owner-full-control", GC_API_OK },
        { "content-encoding", "aws-chunked", GC_API_NotImplemented },
        { "content-encoding", "gzip, AWS-Chunked", GC_API_NotImplemented },
        { "content-encoding", "gzip", GC_API_OK },
        { "x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", GC_API_NotImplemented },
        { "x-amz-content-sha256", "UNSIGNED-PAYLOAD", GC_API_OK },
        { "x-amz-meta-copy-source", "x", GC_API_OK },
    };
    (void)state;
    for (size_t i = 0; i < GC_ARRAY_LEN(cases); i++) {
        const struct gc_http_field one = field(cases[i].name, cases[i].value);
        assert_int_equal(gc_web_fields_refuse(&one, 1), cases[i].err);
    }
}

static void
conditions_of_a_read_have_their_dates(void **state)
{
    const struct gc_http_field fields[] = {
        field("if-match", "\"a\""),
        field("if-none-match", "*"),
        field("if-modified-since", "Tue, 24 Nov 2026 06:00:00 GMT"),
        field("if-unmodified-since", "soon"),
        field("if-range", "\"r\""),
    };
    Gcommon__V1__Object__Conditions conditions;
    (void)state;
    assert_int_equal(gc_web_conditions(&arena, fields, GC_ARRAY_LEN(fields), true, &conditions),
                     GC_API_OK);
    assert_string_equal(conditions.if_match, "\"a\"");
    assert_string_equal(conditions.if_none_match, "*");
    assert_string_equal(conditions.if_range, "\"r\"");
    assert_int_equal(conditions.if_modified_since_ms, 1795500000000);
    assert_int_equal(conditions.if_unmodified_since_ms, 0);
    assert_int_equal(gc_web_conditions(&arena, fields, GC_ARRAY_LEN(fields), false, &conditions),
                     GC_API_OK);
    assert_int_equal(conditions.if_modified_since_ms, 0);
    assert_string_equal(conditions.if_range, "");
    assert_int_equal(gc_web_conditions(&arena, NULL, 0, true, &conditions), GC_API_OK);
    assert_string_equal(conditions.if_match, "");
}

static void
a_condition_that_is_no_text_is_refused(void **state)
{
    const struct gc_http_field one = field("if-match", "\"\xff\"");
    Gcommon__V1__Object__Conditions conditions;
    (void)state;
    assert_int_equal(gc_web_conditions(&arena, &one, 1, true, &conditions), GC_API_InvalidArgument);
}

static void
a_digest_is_16_bytes_in_base64(void **state)
{
    static const char *const bad[] = {
        "",
        "1B2M2Y8AsgTpgAmY7PhCf",
        "1B2M2Y8AsgTpgAmY7PhCfgAA",
        "!B2M2Y8AsgTpgAmY7PhCfg==",
        "1B2M2Y8A==",
        "1B2M2Y8AsgTpgAmY7PhCfg====",
    };
    uint8_t md5[16];
    (void)state;
    assert_int_equal(gc_web_content_md5(GC_STR("1B2M2Y8AsgTpgAmY7PhCfg=="), md5), 0);
    assert_int_equal(md5[0], 0xd4);
    assert_int_equal(md5[15], 0x7e);
    for (size_t i = 0; i < GC_ARRAY_LEN(bad); i++) {
        assert_int_equal(gc_web_content_md5(gc_str_of(bad[i]), md5), GC_EPARSE);
    }
}

static void
a_bucket_is_private_or_readable_by_all(void **state)
{
    bool is_public;
    (void)state;
    assert_int_equal(gc_web_acl_public(GC_STR(""), &is_public), GC_API_OK);
    assert_false(is_public);
    assert_int_equal(gc_web_acl_public(GC_STR("private"), &is_public), GC_API_OK);
    assert_false(is_public);
    assert_int_equal(gc_web_acl_public(GC_STR("public-read"), &is_public), GC_API_OK);
    assert_true(is_public);
    assert_int_equal(gc_web_acl_public(GC_STR("public-read-write"), &is_public),
                     GC_API_NotImplemented);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(only_what_belongs_to_the_object_is_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(user_metadata_ends_at_2048_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(other_fields_have_limits_too, setup, teardown),
        cmocka_unit_test_setup_teardown(fields_of_messages_cannot_forge_headers, setup, teardown),
        cmocka_unit_test_setup_teardown(uploads_that_ask_for_more_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(conditions_of_a_read_have_their_dates, setup, teardown),
        cmocka_unit_test_setup_teardown(a_condition_that_is_no_text_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_digest_is_16_bytes_in_base64, setup, teardown),
        cmocka_unit_test_setup_teardown(a_bucket_is_private_or_readable_by_all, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
