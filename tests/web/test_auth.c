/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/file.h"
#include "base/macros.h"
#include "crypto/crypto.h"
#include "crypto/hash.h"
#include "web/auth.h"

struct files {
    char dir[64];
    char path[96];
    struct gc_web_auth auth;
    struct gc_web_proof proof;
};

/* The tokens file with one line for each of TOKENS, whose principal is its name with "p-" before.
 */
static void
write_tokens(struct files *files, const char *const *tokens, size_t n, unsigned mode)
{
    char text[1024];
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        uint8_t hash[GC_SHA256_BYTES];
        char hex[2 * GC_SHA256_BYTES + 1];
        gc_sha256(tokens[i], strlen(tokens[i]), hash);
        gc_hex_encode(hex, hash, sizeof(hash));
        len += (size_t)snprintf(text + len, sizeof(text) - len, "p-%s data %s\n", tokens[i], hex);
    }
    assert_int_equal(gc_file_write(files->path, text, len, mode), 0);
}

static int
setup(void **state)
{
    struct files *files = calloc(1, sizeof(*files));
    snprintf(files->dir, sizeof(files->dir), "/tmp/gc_web_auth_XXXXXX");
    assert_non_null(mkdtemp(files->dir));
    snprintf(files->path, sizeof(files->path), "%s/tokens", files->dir);
    *state = files;
    return 0;
}

static int
teardown(void **state)
{
    struct files *files = *state;
    gc_web_auth_fini(&files->auth);
    unlink(files->path);
    rmdir(files->dir);
    free(files);
    return 0;
}

static enum gc_api_err
check(struct files *files, const struct gc_peer *peer, const char *authorization)
{
    return gc_web_auth_check(&files->auth, peer, gc_str_of(authorization), &files->proof);
}

static void
a_token_of_the_file_is_the_proof(void **state)
{
    static const char *const tokens[] = { "one", "two" };
    struct files *files = *state;
    write_tokens(files, tokens, 2, 0600);
    assert_int_equal(gc_web_auth_init(&files->auth, files->path, true), 0);
    assert_int_equal(check(files, NULL, "Bearer two"), GC_API_OK);
    assert_int_equal(files->proof.kind, GC_WEB_TOKEN);
    assert_string_equal(files->proof.token, "two");
    assert_string_equal(files->proof.principal, "p-two");
    assert_int_equal(check(files, NULL, "bearer  one "), GC_API_OK);
    assert_string_equal(files->proof.principal, "p-one");
}

/* Also where the anonymous are let in: a wrong proof is not no proof. */
static void
a_wrong_token_is_refused(void **state)
{
    static const char *const tokens[] = { "one" };
    static const char *const bad[] = { "Bearer three", "Bearer ",        "Bearer",        "",
                                       "one",          "Basic b25lOg==", "Bearer one two" };
    struct files *files = *state;
    write_tokens(files, tokens, 1, 0600);
    assert_int_equal(gc_web_auth_init(&files->auth, files->path, true), 0);
    for (size_t i = 0; i < GC_ARRAY_LEN(bad); i++) {
        assert_int_equal(check(files, NULL, bad[i]), GC_API_InvalidToken);
    }
    assert_int_equal(check(files, NULL, "AWS4-HMAC-SHA256 Credential=x"), GC_API_NotImplemented);
    assert_int_equal(check(files, NULL, "AWS x:y"), GC_API_NotImplemented);
}

static void
without_a_file_tokens_are_passed_on(void **state)
{
    struct files *files = *state;
    char longest[7 + GC_TOKEN_BYTES_MAX + 2] = "Bearer ";
    assert_int_equal(gc_web_auth_init(&files->auth, "", false), 0);
    assert_int_equal(check(files, NULL, "Bearer any"), GC_API_OK);
    assert_string_equal(files->proof.token, "any");
    assert_string_equal(files->proof.principal, "");
    memset(longest + 7, 'x', GC_TOKEN_BYTES_MAX);
    assert_int_equal(check(files, NULL, longest), GC_API_OK);
    longest[7 + GC_TOKEN_BYTES_MAX] = 'x';
    assert_int_equal(check(files, NULL, longest), GC_API_InvalidToken);
    assert_int_equal(check(files, NULL, "Bearer \xff"), GC_API_InvalidToken);
}

static void
certificates_of_people_count_and_of_nodes_do_not(void **state)
{
    struct files *files = *state;
    struct gc_peer peer = { .tls = true, .has_cert = true };
    assert_int_equal(gc_web_auth_init(&files->auth, "", true), 0);
    snprintf(peer.id.node, sizeof(peer.id.node), "alice");
    snprintf(peer.id.role, sizeof(peer.id.role), "user");
    assert_int_equal(check(files, &peer, NULL), GC_API_OK);
    assert_int_equal(files->proof.kind, GC_WEB_CERTIFICATE);
    assert_string_equal(files->proof.principal, "alice");
    assert_int_equal(check(files, &peer, "Bearer t"), GC_API_OK);
    assert_int_equal(files->proof.kind, GC_WEB_TOKEN);
    for (size_t i = 0; i < 4; i++) {
        static const char *const roles[] = { "web", "translation", "file", "" };
        snprintf(peer.id.role, sizeof(peer.id.role), "%s", roles[i]);
        assert_int_equal(check(files, &peer, NULL), GC_API_AccessDenied);
    }
}

static void
who_shows_nothing_is_let_in_only_where_it_says_so(void **state)
{
    struct files *files = *state;
    const struct gc_peer peer = { .tls = true };
    assert_int_equal(gc_web_auth_init(&files->auth, "", false), 0);
    assert_int_equal(check(files, &peer, NULL), GC_API_Unauthenticated);
    assert_int_equal(gc_web_auth_reload(&files->auth, "", true), 0);
    assert_int_equal(check(files, &peer, NULL), GC_API_OK);
    assert_int_equal(files->proof.kind, GC_WEB_ANONYMOUS);
}

static void
a_reload_takes_the_file_whole_or_not_at_all(void **state)
{
    static const char *const before[] = { "one" };
    static const char *const after[] = { "two" };
    struct files *files = *state;
    write_tokens(files, before, 1, 0600);
    assert_int_equal(gc_web_auth_init(&files->auth, files->path, false), 0);
    assert_int_equal(gc_file_write(files->path, "p-one data xyz\n", 15, 0600), 0);
    assert_int_equal(gc_web_auth_reload(&files->auth, files->path, true), GC_ECONFIG);
    assert_int_equal(check(files, NULL, "Bearer one"), GC_API_OK);
    assert_int_equal(check(files, NULL, NULL), GC_API_Unauthenticated);
    write_tokens(files, after, 1, 0644);
    assert_int_not_equal(gc_web_auth_reload(&files->auth, files->path, true), 0);
    assert_int_equal(check(files, NULL, "Bearer two"), GC_API_InvalidToken);
    write_tokens(files, after, 1, 0640);
    assert_int_equal(gc_web_auth_reload(&files->auth, files->path, false), 0);
    assert_int_equal(check(files, NULL, "Bearer two"), GC_API_OK);
    assert_int_equal(check(files, NULL, "Bearer one"), GC_API_InvalidToken);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_token_of_the_file_is_the_proof),
        CASE(a_wrong_token_is_refused),
        CASE(without_a_file_tokens_are_passed_on),
        CASE(certificates_of_people_count_and_of_nodes_do_not),
        CASE(who_shows_nothing_is_let_in_only_where_it_says_so),
        CASE(a_reload_takes_the_file_whole_or_not_at_all),
    };
    assert_int_equal(gc_crypto_init(), 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
