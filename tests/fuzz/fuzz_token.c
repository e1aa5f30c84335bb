/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tokens file: whatever it holds, the answer is 0 or an error with a text; what was accepted is
 * valid, and the text itself presented as a token opens nothing but by its hash. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "core/token.h"
#include "crypto/crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gc_str text = { (const char *)data, size };
    struct gc_arena arena;
    struct gc_tokens tokens = { 0 };
    struct gc_principal who;
    char error[GC_TOKENS_ERROR_MAX] = "";

    assert(gc_crypto_init() == 0);
    gc_arena_init(&arena, 64 * sizeof(struct gc_token_row));
    int rc = gc_tokens_parse("fuzz", text, &arena, &tokens, error);
    assert(rc == 0 || rc == GC_ECONFIG || rc == GC_ELIMIT);
    assert((rc == 0) == (error[0] == '\0'));
    for (size_t i = 0; i < tokens.n; i++) {
        const struct gc_principal *p = &tokens.rows[i].principal;
        assert(gc_principal_name_valid(gc_str_of(p->name)) && p->role != GC_ROLE_ANONYMOUS);
    }
    rc = gc_tokens_check(&tokens, gc_token_of_header(text), &who);
    assert(rc == 0 || rc == GC_EAUTH);
    gc_arena_fini(&arena);
    return 0;
}
