/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/macros.h"
#include "core/acl.h"

static void
roles_have_names_and_lasting_numbers(void **state)
{
    enum gc_principal_role role = GC_ROLE_ANONYMOUS;
    (void)state;
    assert_int_equal(gc_role_parse(GC_STR("read"), &role), 0);
    assert_int_equal(role, 1);
    assert_int_equal(gc_role_parse(GC_STR("data"), &role), 0);
    assert_int_equal(role, 2);
    assert_int_equal(gc_role_parse(GC_STR("admin"), &role), 0);
    assert_int_equal(role, 3);
    assert_int_equal(gc_role_parse(GC_STR("anonymous"), &role), GC_EPARSE);
    assert_int_equal(gc_role_parse(GC_STR("Admin"), &role), GC_EPARSE);
    assert_int_equal(gc_role_parse(GC_STR(""), &role), GC_EPARSE);
    assert_int_equal(role, 3);
    assert_string_equal(gc_role_name(GC_ROLE_ANONYMOUS), "anonymous");
    assert_string_equal(gc_role_name(GC_ROLE_DATA), "data");
    assert_string_equal(gc_role_name((enum gc_principal_role)4), "?");
}

static void
a_principal_is_set_from_what_a_peer_said(void **state)
{
    struct gc_principal p;
    char name[GC_PRINCIPAL_NAME_MAX + 1];
    (void)state;
    assert_int_equal(gc_principal_set(&p, GC_STR("spiffe://a.b/x_1@c+d-e"), 2), 0);
    assert_string_equal(p.name, "spiffe://a.b/x_1@c+d-e");
    assert_int_equal(p.role, GC_ROLE_DATA);
    memset(name, 'n', sizeof(name));
    assert_int_equal(gc_principal_set(&p, (struct gc_str){ name, GC_PRINCIPAL_NAME_MAX }, 1), 0);
    assert_int_equal(strlen(p.name), GC_PRINCIPAL_NAME_MAX);
    assert_int_equal(gc_principal_set(&p, (struct gc_str){ 0 }, 0), 0);
    assert_string_equal(p.name, "");
    assert_int_equal(p.role, GC_ROLE_ANONYMOUS);
}

static void
what_is_no_principal_is_refused(void **state)
{
    struct gc_principal p;
    char name[GC_PRINCIPAL_NAME_MAX + 1];
    (void)state;
    memset(name, 'n', sizeof(name));
    gc_principal_anonymous(&p);
    assert_int_equal(gc_principal_set(&p, (struct gc_str){ name, sizeof(name) }, 1), GC_EPARSE);
    assert_int_equal(gc_principal_set(&p, GC_STR("a b"), 1), GC_EPARSE);
    assert_int_equal(gc_principal_set(&p, GC_STR("a=b"), 1), GC_EPARSE);
    assert_int_equal(gc_principal_set(&p, GC_STR("a\0b"), 1), GC_EPARSE);
    assert_int_equal(gc_principal_set(&p, GC_STR("a\n"), 1), GC_EPARSE);
    assert_int_equal(gc_principal_set(&p, GC_STR(""), 1), GC_EPARSE);
    assert_int_equal(gc_principal_set(&p, GC_STR("a"), 0), GC_EPARSE);
    assert_int_equal(gc_principal_set(&p, GC_STR("a"), 4), GC_EPARSE);
    assert_int_equal(gc_principal_set(&p, GC_STR("a"), UINT32_MAX), GC_EPARSE);
    assert_string_equal(p.name, "");
    assert_int_equal(p.role, GC_ROLE_ANONYMOUS);
}

/* Letters in the order of the actions: B list buckets, C create bucket, D delete bucket, L list,
 * R read, W write. */
static void
decide(const struct gc_principal *who, const struct gc_acl_bucket *bucket, char ret[7])
{
    static const char letters[] = "BCDLRW";
    for (int action = GC_ACL_LIST_BUCKETS; action <= GC_ACL_WRITE; action++) {
        int rc = gc_acl_check(who, bucket, (enum gc_acl_action)action);
        assert_true(rc == 0 || rc == GC_EDENIED);
        ret[action] = rc == 0 ? letters[action] : '-';
    }
    ret[6] = '\0';
}

static void
the_whole_table_of_decisions(void **state)
{
    static const struct {
        const char *name;
        uint32_t role;
        const char *own;
        const char *others;
        const char *others_public;
    } cases[] = {
        { "", 0, "------", "------", "---LR-" },
        { "me", 1, "B--LR-", "B-----", "B--LR-" },
        { "me", 2, "BCDLRW", "BC----", "BC-LR-" },
        { "me", 3, "BCDLRW", "BCDLRW", "BCDLRW" },
    };
    (void)state;
    for (size_t i = 0; i < GC_ARRAY_LEN(cases); i++) {
        struct gc_principal who;
        struct gc_acl_bucket own = { gc_str_of(cases[i].name), false };
        struct gc_acl_bucket others = { GC_STR("you"), false };
        struct gc_acl_bucket others_public = { GC_STR("you"), true };
        char got[7];
        assert_int_equal(gc_principal_set(&who, gc_str_of(cases[i].name), cases[i].role), 0);
        decide(&who, &own, got);
        assert_string_equal(got, cases[i].own);
        decide(&who, &others, got);
        assert_string_equal(got, cases[i].others);
        decide(&who, &others_public, got);
        assert_string_equal(got, cases[i].others_public);
    }
}

static void
actions_without_a_bucket_need_none(void **state)
{
    struct gc_principal who;
    (void)state;
    assert_int_equal(gc_principal_set(&who, GC_STR("me"), 2), 0);
    assert_int_equal(gc_acl_check(&who, NULL, GC_ACL_CREATE_BUCKET), 0);
    assert_int_equal(gc_acl_check(&who, NULL, GC_ACL_LIST_BUCKETS), 0);
    gc_principal_anonymous(&who);
    assert_int_equal(gc_acl_check(&who, NULL, GC_ACL_CREATE_BUCKET), GC_EDENIED);
    assert_int_equal(gc_acl_check(&who, NULL, GC_ACL_LIST_BUCKETS), GC_EDENIED);
}

static void
a_longer_name_is_another_owner(void **state)
{
    struct gc_principal who;
    struct gc_acl_bucket bucket = { GC_STR("meow"), false };
    (void)state;
    assert_int_equal(gc_principal_set(&who, GC_STR("me"), 2), 0);
    assert_int_equal(gc_acl_check(&who, &bucket, GC_ACL_READ), GC_EDENIED);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roles_have_names_and_lasting_numbers),
        cmocka_unit_test(a_principal_is_set_from_what_a_peer_said),
        cmocka_unit_test(what_is_no_principal_is_refused),
        cmocka_unit_test(the_whole_table_of_decisions),
        cmocka_unit_test(actions_without_a_bucket_need_none),
        cmocka_unit_test(a_longer_name_is_another_owner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
