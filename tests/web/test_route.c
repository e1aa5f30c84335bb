/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "web/ops.h"
#include "web/route.h"

static struct gc_arena arena;
static struct gc_web_target target;

static enum gc_api_err
parse(const char *raw)
{
    return gc_web_target_parse(&arena, gc_str_of(raw), &target);
}

static void
assert_str(struct gc_str got, const char *want)
{
    assert_int_equal(got.len, strlen(want));
    assert_memory_equal(got.data, want, got.len);
}

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

static void
each_form_of_path_is_its_own_resource(void **state)
{
    (void)state;
    assert_int_equal(parse("/"), GC_API_OK);
    assert_int_equal(target.resource, GC_WEB_SERVICE);
    assert_int_equal(parse("/-/health"), GC_API_OK);
    assert_int_equal(target.resource, GC_WEB_OWN);
    assert_str(target.own, "health");
    assert_int_equal(parse("/papers"), GC_API_OK);
    assert_int_equal(target.resource, GC_WEB_BUCKET);
    assert_str(target.bucket, "papers");
    assert_int_equal(parse("/papers/"), GC_API_OK);
    assert_int_equal(target.resource, GC_WEB_BUCKET);
    assert_int_equal(parse("/papers/a"), GC_API_OK);
    assert_int_equal(target.resource, GC_WEB_OBJECT);
    assert_str(target.bucket, "papers");
    assert_str(target.key, "a");
}

static void
a_key_is_bytes_and_no_path(void **state)
{
    static const struct {
        const char *raw, *key;
    } cases[] = {
        { "/papers/.", "." },
        { "/papers/..", ".." },
        { "/papers/../papers/x", "../papers/x" },
        { "/papers//a//b/", "/a//b/" },
        { "/papers/%2e%2E/%2f", "..//" },
        { "/papers/a+b%20c", "a+b c" },
        { "/papers/%25%32%35", "%25" }, /* decoded once */
        { "/papers/-/health", "-/health" },
        { "/papers/a&b=c;d", "a&b=c;d" },
        { "/papers/%C3%A4\xc3\xa4", "\xc3\xa4\xc3\xa4" },
        { "/papers/x?", "x" },
        { "/papers/%3f?a=b", "?" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(parse(cases[i].raw), GC_API_OK);
        assert_int_equal(target.resource, GC_WEB_OBJECT);
        assert_str(target.key, cases[i].key);
    }
}

static void
what_is_no_name_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "papers",
        "*",
        "/papers/%",
        "/papers/%0",
        "/papers/%zz",
        "/papers/a%00b",
        "/papers/%ff",
        "/papers/%c0%80",
        "/papers/\xff",
        "/papers?a=%0g",
        "/papers?a=%00",
        "/papers?%ff=1",
        "/%zz",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(parse(bad[i]), GC_API_InvalidURI);
    }
}

static void
bucket_names_are_checked_after_decoding(void **state)
{
    (void)state;
    assert_int_equal(parse("/%70apers/x"), GC_API_OK);
    assert_str(target.bucket, "papers");
    assert_int_equal(parse("/Papers"), GC_API_InvalidBucketName);
    assert_int_equal(parse("/ab"), GC_API_InvalidBucketName);
    assert_int_equal(parse("/a%2fb"), GC_API_InvalidBucketName);
    assert_int_equal(parse("/-x/y"), GC_API_InvalidBucketName);
    assert_int_equal(parse("//papers"), GC_API_InvalidBucketName);
    assert_int_equal(parse("/.."), GC_API_InvalidBucketName);
}

static void
a_key_of_1024_bytes_is_the_longest(void **state)
{
    char raw[16 + 3 * 1025];
    size_t n = (size_t)snprintf(raw, sizeof(raw), "/papers/");
    (void)state;
    for (size_t i = 0; i < 1024; i++) {
        n += (size_t)snprintf(raw + n, sizeof(raw) - n, "%%61");
    }
    assert_int_equal(parse(raw), GC_API_OK);
    assert_int_equal(target.key.len, 1024);
    snprintf(raw + n, sizeof(raw) - n, "a");
    assert_int_equal(parse(raw), GC_API_KeyTooLongError);
}

static void
parameters_are_decoded_and_found_by_name(void **state)
{
    (void)state;
    assert_int_equal(parse("/papers?list-type=2&prefix=a+b%2Bc&&delimiter=%2F&flag&x==1&prefix=z"),
                     GC_API_OK);
    assert_int_equal(target.n_params, 6);
    assert_str(gc_web_param(&target, "prefix"), "a b+c");
    assert_str(gc_web_param(&target, "delimiter"), "/");
    assert_str(gc_web_param(&target, "x"), "=1");
    assert_non_null(gc_web_param(&target, "flag").data);
    assert_int_equal(gc_web_param(&target, "flag").len, 0);
    assert_null(gc_web_param(&target, "no").data);
}

static void
a_parameter_too_many_is_refused(void **state)
{
    char raw[256] = "/papers?a";
    (void)state;
    for (size_t i = 1; i < GC_WEB_PARAMS_MAX; i++) {
        strncat(raw, "&a", sizeof(raw) - strlen(raw) - 1);
    }
    assert_int_equal(parse(raw), GC_API_OK);
    assert_int_equal(target.n_params, GC_WEB_PARAMS_MAX);
    strncat(raw, "&a", sizeof(raw) - strlen(raw) - 1);
    assert_int_equal(parse(raw), GC_API_InvalidURI);
}

static void
a_full_arena_asks_to_slow_down(void **state)
{
    struct gc_arena small;
    (void)state;
    gc_arena_init(&small, 4);
    assert_int_equal(gc_web_target_parse(&small, GC_STR("/papers/abcdefgh"), &target),
                     GC_API_SlowDown);
    gc_arena_fini(&small);
}

static enum gc_api_err
find(const char *method, const char *raw, const struct gc_web_op **op)
{
    assert_int_equal(parse(raw), GC_API_OK);
    return gc_web_find_op(&target, gc_str_of(method), op);
}

static void
method_and_subresource_choose_the_operation(void **state)
{
    static const struct {
        const char *method, *raw;
        const struct gc_web_op *op;
    } cases[] = {
        { "GET", "/", &gc_web_op_list_buckets },
        { "GET", "/-/ready?acl", &gc_web_op_own },
        { "PUT", "/papers", &gc_web_op_create_bucket },
        { "HEAD", "/papers/", &gc_web_op_head_bucket },
        { "DELETE", "/papers", &gc_web_op_delete_bucket },
        { "GET", "/papers?list-type=2", &gc_web_op_list_objects },
        { "GET", "/papers?location", &gc_web_op_location },
        { "GET", "/papers?location=", &gc_web_op_location },
        { "PUT", "/papers/x?x-id=PutObject", &gc_web_op_put },
        { "GET", "/papers/x", &gc_web_op_get },
        { "HEAD", "/papers/x", &gc_web_op_head },
        { "DELETE", "/papers/x", &gc_web_op_delete },
    };
    const struct gc_web_op *op;
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        op = NULL;
        assert_int_equal(find(cases[i].method, cases[i].raw, &op), GC_API_OK);
        assert_ptr_equal(op, cases[i].op);
    }
}

/* An operation that we do not have must never be taken for the plain one: PUT ?acl is no upload. */
static void
unknown_operations_are_never_the_plain_one(void **state)
{
    const struct gc_web_op *op;
    (void)state;
    assert_int_equal(find("PUT", "/papers/x?acl", &op), GC_API_NotImplemented);
    assert_int_equal(find("PUT", "/papers/x?partNumber=1&uploadId=2", &op), GC_API_NotImplemented);
    assert_int_equal(find("PUT", "/papers/x?%61cl", &op), GC_API_NotImplemented);
    assert_int_equal(find("DELETE", "/papers/x?versionId=1", &op), GC_API_NotImplemented);
    assert_int_equal(find("DELETE", "/papers?policy", &op), GC_API_NotImplemented);
    assert_int_equal(find("PUT", "/papers?location", &op), GC_API_NotImplemented);
    assert_int_equal(find("POST", "/papers?delete", &op), GC_API_NotImplemented);
    assert_int_equal(find("POST", "/papers/x", &op), GC_API_MethodNotAllowed);
    assert_int_equal(find("PUT", "/", &op), GC_API_MethodNotAllowed);
    assert_int_equal(find("PUT", "/-/health", &op), GC_API_MethodNotAllowed);
    assert_int_equal(find("get", "/papers/x", &op), GC_API_MethodNotAllowed);
}

static void
hosts_are_compared_without_port_and_case(void **state)
{
    (void)state;
    assert_true(gc_web_host_ok("", GC_STR("anything")));
    assert_true(gc_web_host_ok("  ", GC_STR("")));
    assert_true(gc_web_host_ok("a.example b.example", GC_STR("B.Example:8443")));
    assert_true(gc_web_host_ok(" a.example ", GC_STR("a.example.")));
    assert_true(gc_web_host_ok("[::1]", GC_STR("[::1]:8443")));
    assert_false(gc_web_host_ok("a.example", GC_STR("b.example")));
    assert_false(gc_web_host_ok("a.example", GC_STR("a.example.evil")));
    assert_false(gc_web_host_ok("a.example", GC_STR("")));
    assert_false(gc_web_host_ok("a.example", GC_STR("x@a.example")));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_form_of_path_is_its_own_resource, setup, teardown),
        cmocka_unit_test_setup_teardown(a_key_is_bytes_and_no_path, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_name_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(bucket_names_are_checked_after_decoding, setup, teardown),
        cmocka_unit_test_setup_teardown(a_key_of_1024_bytes_is_the_longest, setup, teardown),
        cmocka_unit_test_setup_teardown(parameters_are_decoded_and_found_by_name, setup, teardown),
        cmocka_unit_test_setup_teardown(a_parameter_too_many_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_arena_asks_to_slow_down, setup, teardown),
        cmocka_unit_test_setup_teardown(method_and_subresource_choose_the_operation, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(unknown_operations_are_never_the_plain_one, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(hosts_are_compared_without_port_and_case, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
