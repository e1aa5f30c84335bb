/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bearer tokens: a file with the SHA-256 of each and who presents it, and the check of a presented
 * one. One line a token:
 *
 *   # principal  role   SHA-256 of the token, in hex (printf %s "$token" | sha256sum)
 *   backup       data   2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b
 *
 * Two tokens of a principal may be valid at once, so that they can be exchanged without a gap; they
 * may have different roles. The file is a secret although it holds only hashes: read it with
 * gc_file_read(..., secret). */
#ifndef GC_CORE_TOKEN_H
#define GC_CORE_TOKEN_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "core/principal.h"

#define GC_TOKEN_BYTES_MAX      512u  /* of a presented token */
#define GC_TOKENS_MAX           1024u /* lines with a token */
#define GC_TOKENS_PER_PRINCIPAL 2u
#define GC_TOKENS_FILE_MAX      (256u << 10)
#define GC_TOKENS_ERROR_MAX     256

struct gc_token_row {
    struct gc_principal principal;
    uint8_t sha256[32];
};

/* Read-only once parsed: any thread may check. */
struct gc_tokens {
    const struct gc_token_row *rows; /* in the arena */
    size_t n;
};

/* Parse TEXT, the content of FILE; an empty one is allowed. GC_ECONFIG: ERROR has "file:line: what"
 * (never a hash). GC_ELIMIT: the arena is too small, ERROR says so. */
int gc_tokens_parse(const char *file, struct gc_str text, struct gc_arena *arena,
                    struct gc_tokens *ret_tokens, char error[GC_TOKENS_ERROR_MAX]);

/* Who presents PRESENTED. GC_EAUTH: nobody we know, or empty, or too long. The time depends on the
 * number of rows and the length of what was presented, not on what is in them. */
int gc_tokens_check(const struct gc_tokens *tokens, struct gc_str presented,
                    struct gc_principal *ret_principal);

/* The token of an Authorization header, "Bearer <token>"; empty when it is of another kind. */
struct gc_str gc_token_of_header(struct gc_str authorization);

#endif
