/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/macros.h"
#include "crypto/spiffe.h"
#include "crypto/x509.h"

#define URI "spiffe://gc.example/gcommon/file/node-1"

/* What a peer's leaf of the domain "gc.example" says when all is well. */
static struct gc_x509_info
good_leaf(void)
{
    struct gc_x509_info info;

    memset(&info, 0, sizeof(info));
    info.pubkey = GC_X509_PUBKEY_P256;
    info.has_key_usage = true;
    info.key_usage = GC_X509_KU_DIGITAL_SIGNATURE;
    info.sans[0] = (struct gc_x509_san){ GC_X509_SAN_DNS, GC_STR("node-1.gc.example") };
    info.sans[1] = (struct gc_x509_san){ GC_X509_SAN_URI, GC_STR(URI) };
    info.n_sans = 2;
    return info;
}

static void
identity_is_taken_apart_and_put_together(void **state)
{
    char uri[GC_SPIFFE_URI_MAX];
    struct gc_spiffe_id id;

    (void)state;
    assert_int_equal(gc_spiffe_parse(GC_STR(URI), &id), 0);
    assert_string_equal(id.trust_domain, "gc.example");
    assert_string_equal(id.role, "file");
    assert_string_equal(id.node, "node-1");
    assert_int_equal(gc_spiffe_format(&id, uri), 0);
    assert_string_equal(uri, URI);
}

static void
every_role_is_known_and_no_other(void **state)
{
    static const char *const good[] = { "web", "translation", "file", "admin", "user" };
    static const char *const bad[] = { "", "Web", "webs", "we", "root" };

    (void)state;
    for (size_t i = 0; i < GC_ARRAY_LEN(good); i++) {
        assert_true(gc_spiffe_role_ok(gc_str_of(good[i])));
    }
    for (size_t i = 0; i < GC_ARRAY_LEN(bad); i++) {
        assert_false(gc_spiffe_role_ok(gc_str_of(bad[i])));
    }
    assert_false(gc_spiffe_role_ok(GC_STR("user\0")));
}

static void
anything_but_the_one_form_is_refused(void **state)
{
    static const struct gc_str bad[] = {
        { "", 0 },
        { "spiffe://", 9 },
#define BAD(literal) { literal, sizeof(literal) - 1 }
        BAD("https://gc.example/gcommon/file/node-1"),
        BAD("SPIFFE://gc.example/gcommon/file/node-1"),
        BAD("spiffe:/gc.example/gcommon/file/node-1"),
        BAD("spiffe:///gcommon/file/node-1"),
        BAD("spiffe://GC.example/gcommon/file/node-1"),
        BAD("spiffe://user@gc.example/gcommon/file/node-1"),
        BAD("spiffe://gc.example:80/gcommon/file/node-1"),
        BAD("spiffe://gc.example"),
        BAD("spiffe://gc.example/"),
        BAD("spiffe://gc.example/gcommon"),
        BAD("spiffe://gc.example/gcommon/file"),
        BAD("spiffe://gc.example/gcommon/file/"),
        BAD("spiffe://gc.example/gcommon//node-1"),
        BAD("spiffe://gc.example//gcommon/file/node-1"),
        BAD("spiffe://gc.example/other/file/node-1"),
        BAD("spiffe://gc.example/gcommon/root/node-1"),
        BAD("spiffe://gc.example/gcommon/file/node-1/"),
        BAD("spiffe://gc.example/gcommon/file/node-1/x"),
        BAD("spiffe://gc.example/gcommon/file/."),
        BAD("spiffe://gc.example/gcommon/file/.."),
        BAD("spiffe://gc.example/gcommon/file/node 1"),
        BAD("spiffe://gc.example/gcommon/file/node%2d1"),
        BAD("spiffe://gc.example/gcommon/file/node-1?q"),
        BAD("spiffe://gc.example/gcommon/file/node-1#f"),
        BAD("spiffe://gc.example/gcommon/file/node-1\0"),
        BAD("spiffe://gc.example/gcommon/file/n\303\266de"),
        BAD("spiffe://gc.example\0/gcommon/file/node-1"),
#undef BAD
    };
    struct gc_spiffe_id id = { .node = "untouched" };

    (void)state;
    for (size_t i = 0; i < GC_ARRAY_LEN(bad); i++) {
        if (gc_spiffe_parse(bad[i], &id) != GC_EIDENTITY) {
            fail_msg("accepted: %.*s", (int)bad[i].len, bad[i].data);
        }
    }
    assert_string_equal(id.node, "untouched");
}

static void
parts_have_63_bytes_at_most(void **state)
{
    char longest[64], uri[GC_SPIFFE_URI_MAX + 64];
    struct gc_spiffe_id id;

    (void)state;
    memset(longest, 'a', 63);
    longest[63] = '\0';
    snprintf(uri, sizeof(uri), "spiffe://%s/gcommon/translation/%s", longest, longest);
    assert_int_equal(gc_spiffe_parse(gc_str_of(uri), &id), 0);
    assert_int_equal(gc_spiffe_format(&id, uri), 0);
    snprintf(uri, sizeof(uri), "spiffe://%sa/gcommon/web/n", longest);
    assert_int_equal(gc_spiffe_parse(gc_str_of(uri), &id), GC_EIDENTITY);
    snprintf(uri, sizeof(uri), "spiffe://d/gcommon/web/%sa", longest);
    assert_int_equal(gc_spiffe_parse(gc_str_of(uri), &id), GC_EIDENTITY);
}

static void
format_refuses_what_parse_would(void **state)
{
    struct gc_spiffe_id id = { .trust_domain = "gc.example", .role = "web", .node = "a/b" };
    char uri[GC_SPIFFE_URI_MAX];

    (void)state;
    assert_int_equal(gc_spiffe_format(&id, uri), GC_EIDENTITY);
}

static void
leaf_of_the_domain_is_accepted(void **state)
{
    struct gc_x509_info info = good_leaf();
    struct gc_spiffe_id id;

    (void)state;
    assert_int_equal(gc_spiffe_from_cert(&info, "gc.example", &id), 0);
    assert_string_equal(id.role, "file");
    info.pubkey = GC_X509_PUBKEY_ED25519;
    assert_int_equal(gc_spiffe_from_cert(&info, "gc.example", &id), 0);
}

static void
leaf_of_another_domain_is_refused(void **state)
{
    static const char *const others[] = { "gc.exampl", "gc.example2", "evil.example", "" };
    struct gc_x509_info info = good_leaf();
    struct gc_spiffe_id id;

    (void)state;
    for (size_t i = 0; i < GC_ARRAY_LEN(others); i++) {
        assert_int_equal(gc_spiffe_from_cert(&info, others[i], &id), GC_EIDENTITY);
    }
}

static void
no_uri_or_two_are_refused(void **state)
{
    struct gc_x509_info info = good_leaf();
    struct gc_spiffe_id id;

    (void)state;
    info.sans[0] = info.sans[1];
    assert_int_equal(gc_spiffe_from_cert(&info, "gc.example", &id), GC_EIDENTITY);
    info.sans[0] = (struct gc_x509_san){ GC_X509_SAN_URI, GC_STR("https://gc.example/") };
    assert_int_equal(gc_spiffe_from_cert(&info, "gc.example", &id), GC_EIDENTITY);
    info.n_sans = 0;
    assert_int_equal(gc_spiffe_from_cert(&info, "gc.example", &id), GC_EIDENTITY);
}

/* A SPIFFE URI in another kind of name is not one. */
static void
uri_in_a_dns_name_does_not_count(void **state)
{
    struct gc_x509_info info = good_leaf();
    struct gc_spiffe_id id;

    (void)state;
    info.sans[1].kind = GC_X509_SAN_DNS;
    assert_int_equal(gc_spiffe_from_cert(&info, "gc.example", &id), GC_EIDENTITY);
}

static void
ca_or_signing_certificates_are_refused(void **state)
{
    struct gc_x509_info info = good_leaf();
    struct gc_spiffe_id id;

    (void)state;
    info.is_ca = true;
    assert_int_equal(gc_spiffe_from_cert(&info, "gc.example", &id), GC_EIDENTITY);
    info = good_leaf();
    info.key_usage |= GC_X509_KU_KEY_CERT_SIGN;
    assert_int_equal(gc_spiffe_from_cert(&info, "gc.example", &id), GC_EIDENTITY);
}

static void
other_kinds_of_keys_are_refused(void **state)
{
    struct gc_x509_info info = good_leaf();
    struct gc_spiffe_id id;

    (void)state;
    info.pubkey = GC_X509_PUBKEY_OTHER;
    assert_int_equal(gc_spiffe_from_cert(&info, "gc.example", &id), GC_EIDENTITY);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(identity_is_taken_apart_and_put_together),
        cmocka_unit_test(every_role_is_known_and_no_other),
        cmocka_unit_test(anything_but_the_one_form_is_refused),
        cmocka_unit_test(parts_have_63_bytes_at_most),
        cmocka_unit_test(format_refuses_what_parse_would),
        cmocka_unit_test(leaf_of_the_domain_is_accepted),
        cmocka_unit_test(leaf_of_another_domain_is_refused),
        cmocka_unit_test(no_uri_or_two_are_refused),
        cmocka_unit_test(uri_in_a_dns_name_does_not_count),
        cmocka_unit_test(ca_or_signing_certificates_are_refused),
        cmocka_unit_test(other_kinds_of_keys_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
