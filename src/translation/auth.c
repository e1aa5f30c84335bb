/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "translation/auth.h"

#include <errno.h>
#include <stdlib.h>

#include "base/conf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "core/token.h"

#define ARENA_MAX (1u << 20)

/* A tokens file with the memory of its rows; read-only. */
struct gc_auth_tokens {
    struct gc_arena arena;
    struct gc_tokens tokens;
};

static void
tokens_free(struct gc_auth_tokens *tokens)
{
    if (tokens != NULL) {
        gc_arena_fini(&tokens->arena);
        free(tokens);
    }
}

static int
tokens_load(const char *path, struct gc_auth_tokens **ret_tokens)
{
    struct gc_auth_tokens *tokens = calloc(1, sizeof(*tokens));
    char error[GC_TOKENS_ERROR_MAX] = "cannot be read";
    struct gc_buf text;
    int rc = 0;
    if (tokens == NULL) {
        return -ENOMEM;
    }
    gc_arena_init(&tokens->arena, ARENA_MAX);
    gc_buf_init(&text, GC_TOKENS_FILE_MAX);
    if (path[0] != '\0') {
        rc = gc_file_read(path, GC_TOKENS_FILE_MAX, true, &text);
    }
    if (rc == 0) {
        const struct gc_str all = { (const char *)text.data, text.len };
        rc = gc_tokens_parse(path, all, &tokens->arena, &tokens->tokens, error);
    }
    if (text.len > 0) {
        gc_wipe(text.data, text.len);
    }
    gc_buf_fini(&text);
    if (rc != 0) {
        gc_log(GC_LOG_ERROR, "tokens.load", "file=%s rc=%s text=%s", gc_log_q(gc_str_of(path)),
               gc_err_name(rc), gc_log_q(gc_str_of(error)));
        tokens_free(tokens);
        return rc;
    }
    *ret_tokens = tokens;
    return 0;
}

int
gc_auth_init(struct gc_auth *auth, const char *tokens_file, bool anonymous)
{
    int rc = tokens_load(tokens_file, &auth->tokens);
    if (rc == 0) {
        pthread_rwlock_init(&auth->lock, NULL);
        auth->anonymous = anonymous;
    }
    return rc;
}

void
gc_auth_fini(struct gc_auth *auth)
{
    if (auth->tokens != NULL) {
        tokens_free(auth->tokens);
        auth->tokens = NULL;
        pthread_rwlock_destroy(&auth->lock);
    }
}

int
gc_auth_reload(struct gc_auth *auth, const char *tokens_file, bool anonymous)
{
    struct gc_auth_tokens *fresh, *old;
    int rc = tokens_load(tokens_file, &fresh);
    if (rc != 0) {
        return rc;
    }
    pthread_rwlock_wrlock(&auth->lock);
    old = auth->tokens;
    auth->tokens = fresh;
    auth->anonymous = anonymous;
    pthread_rwlock_unlock(&auth->lock);
    tokens_free(old);
    return 0;
}

enum gc_api_err
gc_auth_check(struct gc_auth *auth, const Gcommon__V1__Gateway__Context *context,
              struct gc_principal *ret_principal)
{
    const Gcommon__V1__Gateway__Proof *proof = context->proof;
    bool anonymous;
    int rc;
    if (proof == NULL) {
        return GC_API_Unauthenticated;
    }
    switch (proof->kind_case) {
    case GCOMMON__V1__GATEWAY__PROOF__KIND_TOKEN:
        pthread_rwlock_rdlock(&auth->lock);
        rc = gc_tokens_check(&auth->tokens->tokens, gc_str_of(proof->token), ret_principal);
        pthread_rwlock_unlock(&auth->lock);
        return rc == 0 ? GC_API_OK : GC_API_InvalidToken;
    case GCOMMON__V1__GATEWAY__PROOF__KIND_CERTIFICATE:
        rc = gc_principal_set(ret_principal, gc_str_of(proof->certificate), GC_ROLE_DATA);
        return rc == 0 ? GC_API_OK : GC_API_BadRequest;
    case GCOMMON__V1__GATEWAY__PROOF__KIND_ANONYMOUS:
        gc_principal_anonymous(ret_principal);
        pthread_rwlock_rdlock(&auth->lock);
        anonymous = auth->anonymous;
        pthread_rwlock_unlock(&auth->lock);
        return anonymous ? GC_API_OK : GC_API_Unauthenticated;
    default:
        return GC_API_BadRequest;
    }
}
