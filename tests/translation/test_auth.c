/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "translation/auth.h"

struct bed {
    char path[64];
    struct gc_auth auth;
};

static void
write_tokens(const struct bed *bed, const char *principal, const char *role, const char *token)
{
    uint8_t hash[GC_SHA256_BYTES];
    char hex[2 * GC_SHA256_BYTES + 1];
    FILE *file = fopen(bed->path, "w");
    assert_non_null(file);
    gc_sha256(token, strlen(token), hash);
    gc_hex_encode(hex, hash, sizeof(hash));
    fprintf(file, "%s %s %s\n", principal, role, hex);
    assert_int_equal(fclose(file), 0);
}

static int
setup(void **state)
{
    static struct bed bed;
    int fd;
    snprintf(bed.path, sizeof(bed.path), "/tmp/gc-test-auth-XXXXXX");
    fd = mkstemp(bed.path); /* mode 0600 */
    assert_true(fd >= 0);
    close(fd);
    write_tokens(&bed, "ann", "admin", "secret-one");
    assert_int_equal(gc_auth_init(&bed.auth, bed.path, true), 0);
    *state = &bed;
    return 0;
}

static int
teardown(void **state)
{
    struct bed *bed = *state;
    gc_auth_fini(&bed->auth);
    return unlink(bed->path);
}

static enum gc_api_err
check(struct bed *bed, const Gcommon__V1__Gateway__Proof *proof, struct gc_principal *ret)
{
    Gcommon__V1__Gateway__Context context = GCOMMON__V1__GATEWAY__CONTEXT__INIT;
    context.proof = (Gcommon__V1__Gateway__Proof *)(uintptr_t)proof;
    return gc_auth_check(&bed->auth, &context, ret);
}

static enum gc_api_err
check_token(struct bed *bed, const char *token, struct gc_principal *ret)
{
    Gcommon__V1__Gateway__Proof proof = GCOMMON__V1__GATEWAY__PROOF__INIT;
    proof.kind_case = GCOMMON__V1__GATEWAY__PROOF__KIND_TOKEN;
    proof.token = (char *)(uintptr_t)token;
    return check(bed, &proof, ret);
}

static enum gc_api_err
check_anonymous(struct bed *bed)
{
    Gcommon__V1__Gateway__Proof proof = GCOMMON__V1__GATEWAY__PROOF__INIT;
    struct gc_principal principal;
    proof.kind_case = GCOMMON__V1__GATEWAY__PROOF__KIND_ANONYMOUS;
    proof.anonymous = true;
    return check(bed, &proof, &principal);
}

static void
a_token_proves_its_principal_and_another_nobody(void **state)
{
    struct gc_principal principal;
    assert_int_equal(check_token(*state, "secret-one", &principal), GC_API_OK);
    assert_string_equal(principal.name, "ann");
    assert_int_equal(principal.role, GC_ROLE_ADMIN);
    assert_int_equal(check_token(*state, "secret-two", &principal), GC_API_InvalidToken);
    assert_int_equal(check_token(*state, "", &principal), GC_API_InvalidToken);
}

static void
a_name_that_web_asserts_is_never_an_administrator(void **state)
{
    Gcommon__V1__Gateway__Proof proof = GCOMMON__V1__GATEWAY__PROOF__INIT;
    struct gc_principal principal;
    proof.kind_case = GCOMMON__V1__GATEWAY__PROOF__KIND_CERTIFICATE;
    proof.certificate = (char *)(uintptr_t) "ann";
    assert_int_equal(check(*state, &proof, &principal), GC_API_OK);
    assert_int_equal(principal.role, GC_ROLE_DATA);
    proof.certificate = (char *)(uintptr_t) "a n n";
    assert_int_equal(check(*state, &proof, &principal), GC_API_BadRequest);
}

static void
no_proof_and_an_unknown_kind_are_refused(void **state)
{
    Gcommon__V1__Gateway__Proof proof = GCOMMON__V1__GATEWAY__PROOF__INIT;
    struct gc_principal principal;
    assert_int_equal(check(*state, NULL, &principal), GC_API_Unauthenticated);
    assert_int_equal(check(*state, &proof, &principal), GC_API_BadRequest);
}

static void
a_reload_takes_tokens_and_whether_nobody_may_ask(void **state)
{
    struct bed *bed = *state;
    struct gc_principal principal;
    assert_int_equal(check_anonymous(bed), GC_API_OK);
    write_tokens(bed, "bob", "read", "secret-two");
    assert_int_equal(gc_auth_reload(&bed->auth, bed->path, false), 0);
    assert_int_equal(check_anonymous(bed), GC_API_Unauthenticated);
    assert_int_equal(check_token(bed, "secret-one", &principal), GC_API_InvalidToken);
    assert_int_equal(check_token(bed, "secret-two", &principal), GC_API_OK);
    assert_string_equal(principal.name, "bob");
}

static void
a_bad_file_changes_nothing(void **state)
{
    struct bed *bed = *state;
    struct gc_principal principal;
    write_tokens(bed, "bob", "king", "secret-two");
    assert_int_not_equal(gc_auth_reload(&bed->auth, bed->path, false), 0);
    assert_int_equal(chmod(bed->path, 0644), 0);
    assert_int_not_equal(gc_auth_reload(&bed->auth, bed->path, false), 0);
    assert_int_equal(check_anonymous(bed), GC_API_OK);
    assert_int_equal(check_token(bed, "secret-one", &principal), GC_API_OK);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_token_proves_its_principal_and_another_nobody, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_name_that_web_asserts_is_never_an_administrator, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(no_proof_and_an_unknown_kind_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_reload_takes_tokens_and_whether_nobody_may_ask, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_bad_file_changes_nothing, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
