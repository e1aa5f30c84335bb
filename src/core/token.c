/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/token.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "crypto/hash.h"

_Static_assert(sizeof(((struct gc_token_row *)0)->sha256) == GC_SHA256_BYTES, "size of a SHA-256");

struct token_parse {
    const char *file;
    unsigned line;
    struct gc_token_row *rows;
    size_t n;
    uint8_t
        of_nothing[GC_SHA256_BYTES]; /* the hash of a missing token: sha256sum of an empty input */
    char *error;
};

static int GC_PRINTF(2, 3) token_refuse(struct token_parse *parse, const char *fmt, ...)
{
    char what[128];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    snprintf(parse->error, GC_TOKENS_ERROR_MAX, "%s:%u: %s", parse->file, parse->line, what);
    return GC_ECONFIG;
}

/* The next line, taken off TEXT, without its newline. */
static struct gc_str
next_line(struct gc_str *text)
{
    const char *newline = memchr(text->data, '\n', text->len);
    struct gc_str line = { text->data,
                           newline != NULL ? (size_t)(newline - text->data) : text->len };
    size_t used = line.len + (newline != NULL);
    text->data += used;
    text->len -= used;
    if (line.len > 0 && line.data[line.len - 1] == '\r') {
        line.len--;
    }
    return gc_str_trim(line);
}

/* The next word, taken off LINE; empty at the end. */
static struct gc_str
next_word(struct gc_str *line)
{
    *line = gc_str_trim(*line);
    struct gc_str word = { line->data, 0 };
    while (word.len < line->len && line->data[word.len] != ' ' && line->data[word.len] != '\t') {
        word.len++;
    }
    line->data += word.len;
    line->len -= word.len;
    return word;
}

static bool
is_token_line(struct gc_str line)
{
    return line.len > 0 && line.data[0] != '#';
}

static int
check_against_earlier(struct token_parse *parse, const struct gc_token_row *row)
{
    unsigned same = 1;
    for (size_t i = 0; i < parse->n; i++) {
        if (memcmp(parse->rows[i].sha256, row->sha256, sizeof(row->sha256)) == 0) {
            return token_refuse(parse, "the same token as in an earlier line");
        }
        same += strcmp(parse->rows[i].principal.name, row->principal.name) == 0;
    }
    if (same > GC_TOKENS_PER_PRINCIPAL) {
        return token_refuse(parse, "more than %u tokens of %s", GC_TOKENS_PER_PRINCIPAL,
                            row->principal.name);
    }
    return 0;
}

static int
parse_line(struct token_parse *parse, struct gc_str line)
{
    struct gc_token_row *row = &parse->rows[parse->n];
    enum gc_principal_role role;
    struct gc_str name = next_word(&line);
    struct gc_str role_name = next_word(&line);
    struct gc_str hash = next_word(&line);

    if (hash.len == 0 || gc_str_trim(line).len > 0) {
        return token_refuse(parse, "expected \"principal role sha256\"");
    }
    if (!gc_principal_name_valid(name)) {
        return token_refuse(parse, "a principal has 1 to %u of a-z A-Z 0-9 . _ @ : / + -",
                            GC_PRINCIPAL_NAME_MAX);
    }
    if (gc_role_parse(role_name, &role) != 0) {
        return token_refuse(parse, "the role must be admin, data or read");
    }
    if (gc_hex_decode(row->sha256, sizeof(row->sha256), hash) != 0) {
        return token_refuse(parse, "the SHA-256 must have 64 hex digits");
    }
    if (memcmp(row->sha256, parse->of_nothing, sizeof(row->sha256)) == 0) {
        return token_refuse(parse, "this is the SHA-256 of an empty token");
    }
    gc_principal_set(&row->principal, name, (uint32_t)role);
    int rc = check_against_earlier(parse, row);
    if (rc == 0) {
        parse->n++;
    }
    return rc;
}

int
gc_tokens_parse(const char *file, struct gc_str text, struct gc_arena *arena,
                struct gc_tokens *ret_tokens, char error[GC_TOKENS_ERROR_MAX])
{
    struct token_parse parse = { .file = file, .error = error };
    size_t n = 0;
    int rc = 0;

    gc_sha256(NULL, 0, parse.of_nothing);
    for (struct gc_str left = text; left.len > 0;) {
        n += is_token_line(next_line(&left));
        parse.line++;
        if (n > GC_TOKENS_MAX) {
            return token_refuse(&parse, "more than %u tokens", GC_TOKENS_MAX);
        }
    }
    parse.rows = gc_arena_alloc(arena, n * sizeof(*parse.rows));
    if (parse.rows == NULL) {
        snprintf(error, GC_TOKENS_ERROR_MAX, "%s: no memory for %zu tokens", file, n);
        return GC_ELIMIT;
    }
    parse.line = 0;
    while (text.len > 0 && rc == 0) {
        struct gc_str line = next_line(&text);
        parse.line++;
        rc = is_token_line(line) ? parse_line(&parse, line) : 0;
    }
    if (rc == 0) {
        *ret_tokens = (struct gc_tokens){ parse.rows, parse.n };
    }
    return rc;
}

int
gc_tokens_check(const struct gc_tokens *tokens, struct gc_str presented,
                struct gc_principal *ret_principal)
{
    uint8_t hash[GC_SHA256_BYTES];
    bool in_limits = presented.len > 0 && presented.len <= GC_TOKEN_BYTES_MAX;
    size_t found = 0; /* row number + 1; at most one row has the hash */

    gc_sha256(presented.data, GC_MIN(presented.len, (size_t)GC_TOKEN_BYTES_MAX), hash);
    for (size_t i = 0; i < tokens->n; i++) {
        size_t same = gc_equal_ct(hash, tokens->rows[i].sha256, sizeof(hash));
        found |= -same & (i + 1);
    }
    if (found == 0 || !in_limits) {
        return GC_EAUTH;
    }
    *ret_principal = tokens->rows[found - 1].principal;
    return 0;
}

struct gc_str
gc_token_of_header(struct gc_str authorization)
{
    static const char scheme[] = "Bearer ";
    size_t len = sizeof(scheme) - 1;
    struct gc_str text = gc_str_trim(authorization);
    if (text.len <= len || !gc_str_ieq_cstr((struct gc_str){ text.data, len }, scheme)) {
        return (struct gc_str){ 0 };
    }
    return gc_str_trim((struct gc_str){ text.data + len, text.len - len });
}
