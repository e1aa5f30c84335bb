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
#include "core/token.h"
#include "crypto/crypto.h"
#include "crypto/hash.h"

struct fixture {
    struct gc_arena arena;
    struct gc_tokens tokens;
    char error[GC_TOKENS_ERROR_MAX];
};

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    gc_arena_init(&f->arena, 1 << 20);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    gc_arena_fini(&f->arena);
    free(f);
    return 0;
}

static int
parse(struct fixture *f, const char *text)
{
    f->error[0] = '\0';
    return gc_tokens_parse("tokens", gc_str_of(text), &f->arena, &f->tokens, f->error);
}

/* SHA-256 of "one", "two", "three". */
#define ONE   "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"
#define TWO   "3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3"
#define THREE "8b5b9db0c13db24256c829aa364aa90c6d2eba318b9232a4ab9313b954d3555f"
#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void
a_presented_token_gives_its_principal(void **state)
{
    struct fixture *f = *state;
    struct gc_principal who;
    assert_int_equal(parse(f, "# who may\n\n  backup data " ONE "\r\nroot\tadmin\t\t" TWO
                              "\nbackup read " THREE),
                     0);
    assert_int_equal(f->tokens.n, 3);
    assert_int_equal(gc_tokens_check(&f->tokens, GC_STR("one"), &who), 0);
    assert_string_equal(who.name, "backup");
    assert_int_equal(who.role, GC_ROLE_DATA);
    assert_int_equal(gc_tokens_check(&f->tokens, GC_STR("two"), &who), 0);
    assert_string_equal(who.name, "root");
    assert_int_equal(who.role, GC_ROLE_ADMIN);
    assert_int_equal(gc_tokens_check(&f->tokens, GC_STR("three"), &who), 0);
    assert_string_equal(who.name, "backup");
    assert_int_equal(who.role, GC_ROLE_READ);
}

static void
an_unknown_token_gives_nobody(void **state)
{
    struct fixture *f = *state;
    struct gc_principal who = { .name = "nobody" };
    assert_int_equal(parse(f, "root admin " ONE "\n"), 0);
    assert_int_equal(gc_tokens_check(&f->tokens, GC_STR("One"), &who), GC_EAUTH);
    assert_int_equal(gc_tokens_check(&f->tokens, GC_STR("on"), &who), GC_EAUTH);
    assert_int_equal(gc_tokens_check(&f->tokens, GC_STR("one "), &who), GC_EAUTH);
    assert_int_equal(gc_tokens_check(&f->tokens, GC_STR(ONE), &who), GC_EAUTH);
    assert_int_equal(gc_tokens_check(&f->tokens, (struct gc_str){ 0 }, &who), GC_EAUTH);
    assert_string_equal(who.name, "nobody");
}

static void
an_empty_file_lets_nobody_in(void **state)
{
    struct fixture *f = *state;
    struct gc_principal who;
    assert_int_equal(parse(f, ""), 0);
    assert_int_equal(f->tokens.n, 0);
    assert_int_equal(gc_tokens_check(&f->tokens, GC_STR("one"), &who), GC_EAUTH);
    assert_int_equal(parse(f, "# nothing\n \n\n"), 0);
    assert_int_equal(f->tokens.n, 0);
}

static void
a_token_has_up_to_512_bytes(void **state)
{
    struct fixture *f = *state;
    struct gc_principal who;
    char token[GC_TOKEN_BYTES_MAX + 1];
    uint8_t hash[32];
    char hex[65];
    char line[128];
    memset(token, 't', sizeof(token));
    gc_sha256(token, GC_TOKEN_BYTES_MAX, hash);
    gc_hex_encode(hex, hash, sizeof(hash));
    snprintf(line, sizeof(line), "me read %s\n", hex);
    assert_int_equal(parse(f, line), 0);
    assert_int_equal(
        gc_tokens_check(&f->tokens, (struct gc_str){ token, GC_TOKEN_BYTES_MAX }, &who), 0);
    /* One more: refused, although its first 512 bytes are a token. */
    assert_int_equal(gc_tokens_check(&f->tokens, (struct gc_str){ token, sizeof(token) }, &who),
                     GC_EAUTH);
}

static void
bad_lines_are_told_with_file_and_line(void **state)
{
    static const struct {
        const char *text;
        const char *error;
    } cases[] = {
        { "root\n", "tokens:1: expected \"principal role sha256\"" },
        { "\n#\nroot admin\n", "tokens:3: expected \"principal role sha256\"" },
        { "root admin " ONE " more\n", "tokens:1: expected \"principal role sha256\"" },
        { "ro=ot admin " ONE "\n",
          "tokens:1: a principal has 1 to 63 of a-z A-Z 0-9 . _ @ : / + -" },
        { "root anonymous " ONE "\n", "tokens:1: the role must be admin, data or read" },
        { "root Admin " ONE "\n", "tokens:1: the role must be admin, data or read" },
        { "root admin abcd\n", "tokens:1: the SHA-256 must have 64 hex digits" },
        { "root admin " ONE "0\n", "tokens:1: the SHA-256 must have 64 hex digits" },
        { "root admin " EMPTY "\n", "tokens:1: this is the SHA-256 of an empty token" },
        { "a admin " ONE "\nb read " ONE "\n", "tokens:2: the same token as in an earlier line" },
        { "a data " ONE "\na data " TWO "\n\na data " THREE "\n",
          "tokens:4: more than 2 tokens of a" },
    };
    struct fixture *f = *state;
    assert_int_equal(parse(f, "root admin " ONE "\n"), 0);
    for (size_t i = 0; i < GC_ARRAY_LEN(cases); i++) {
        assert_int_equal(parse(f, cases[i].text), GC_ECONFIG);
        assert_string_equal(f->error, cases[i].error);
        assert_int_equal(f->tokens.n, 1); /* what was valid before still is */
    }
}

static char *
many_lines(unsigned n)
{
    size_t room = n * 100 + 1;
    char *text = malloc(room);
    size_t len = 0;
    for (unsigned i = 0; i < n; i++) {
        len += (size_t)snprintf(text + len, room - len, "p%u read %064x\n", i, i + 1);
    }
    return text;
}

static void
there_are_up_to_1024_tokens(void **state)
{
    struct fixture *f = *state;
    char *text = many_lines(GC_TOKENS_MAX);
    assert_int_equal(parse(f, text), 0);
    assert_int_equal(f->tokens.n, GC_TOKENS_MAX);
    free(text);
    text = many_lines(GC_TOKENS_MAX + 1);
    assert_int_equal(parse(f, text), GC_ECONFIG);
    assert_string_equal(f->error, "tokens:1025: more than 1024 tokens");
    free(text);
}

static void
an_arena_too_small_is_told(void **state)
{
    struct fixture *f = *state;
    struct gc_arena small;
    gc_arena_init(&small, sizeof(struct gc_token_row));
    struct gc_str two = GC_STR("a read " ONE "\nb read " TWO "\n");
    assert_int_equal(gc_tokens_parse("tokens", two, &small, &f->tokens, f->error), GC_ELIMIT);
    assert_string_equal(f->error, "tokens: no memory for 2 tokens");
    gc_arena_fini(&small);
}

static void
the_header_gives_a_bearer_token_only(void **state)
{
    static const struct {
        const char *header;
        const char *token;
    } cases[] = {
        { "Bearer abc", "abc" },
        { "bearer abc", "abc" },
        { " BEARER   abc ", "abc" },
        { "Basic abc", "" },
        { "Bearer", "" },
        { "Bearer ", "" },
        { "Bearerabc", "" },
        { "", "" },
        { "abc", "" },
    };
    (void)state;
    for (size_t i = 0; i < GC_ARRAY_LEN(cases); i++) {
        assert_true(gc_str_eq_cstr(gc_token_of_header(gc_str_of(cases[i].header)), cases[i].token));
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_presented_token_gives_its_principal),
        CASE(an_unknown_token_gives_nobody),
        CASE(an_empty_file_lets_nobody_in),
        CASE(a_token_has_up_to_512_bytes),
        CASE(bad_lines_are_told_with_file_and_line),
        CASE(there_are_up_to_1024_tokens),
        CASE(an_arena_too_small_is_told),
        CASE(the_header_gives_a_bearer_token_only),
    };
    if (gc_crypto_init() != 0) {
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
