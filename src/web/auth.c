/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "web/auth.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "base/log.h"

#define ARENA_MAX (1u << 20)

/* A tokens file with the memory of its rows; read-only. */
struct gc_web_tokens {
    struct gc_arena arena;
    struct gc_tokens tokens;
    bool checked; /* there is a file */
};

static void
tokens_free(struct gc_web_tokens *tokens)
{
    if (tokens != NULL) {
        gc_arena_fini(&tokens->arena);
        free(tokens);
    }
}

static int
tokens_parse(struct gc_web_tokens *tokens, const char *path, char error[GC_TOKENS_ERROR_MAX])
{
    struct gc_buf text;
    int rc;
    gc_buf_init(&text, GC_TOKENS_FILE_MAX);
    rc = gc_file_read(path, GC_TOKENS_FILE_MAX, true, &text);
    if (rc == 0) {
        const struct gc_str all = { (const char *)text.data, text.len };
        rc = gc_tokens_parse(path, all, &tokens->arena, &tokens->tokens, error);
    }
    if (text.len > 0) {
        gc_wipe(text.data, text.len);
    }
    gc_buf_fini(&text);
    return rc;
}

static int
tokens_load(const char *path, struct gc_web_tokens **ret_tokens)
{
    struct gc_web_tokens *tokens = calloc(1, sizeof(*tokens));
    char error[GC_TOKENS_ERROR_MAX] = "cannot be read";
    int rc;
    if (tokens == NULL) {
        return -ENOMEM;
    }
    gc_arena_init(&tokens->arena, ARENA_MAX);
    tokens->checked = path[0] != '\0';
    rc = tokens->checked ? tokens_parse(tokens, path, error) : 0;
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
gc_web_auth_init(struct gc_web_auth *auth, const char *tokens_file, bool anonymous)
{
    int rc = tokens_load(tokens_file, &auth->tokens);
    if (rc == 0) {
        pthread_rwlock_init(&auth->lock, NULL);
        auth->anonymous = anonymous;
    }
    return rc;
}

void
gc_web_auth_fini(struct gc_web_auth *auth)
{
    if (auth->tokens != NULL) {
        tokens_free(auth->tokens);
        auth->tokens = NULL;
        pthread_rwlock_destroy(&auth->lock);
    }
}

int
gc_web_auth_reload(struct gc_web_auth *auth, const char *tokens_file, bool anonymous)
{
    struct gc_web_tokens *fresh, *old;
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

static enum gc_api_err
check_token(struct gc_web_auth *auth, struct gc_str token, struct gc_web_proof *ret_proof)
{
    struct gc_principal principal = { .name = "" };
    int rc = token.len > 0 && gc_utf8_valid(token) ? 0 : GC_EAUTH;
    pthread_rwlock_rdlock(&auth->lock);
    if (rc == 0 && auth->tokens->checked) {
        rc = gc_tokens_check(&auth->tokens->tokens, token, &principal);
    }
    pthread_rwlock_unlock(&auth->lock);
    if (rc == 0) {
        rc = gc_str_copy(ret_proof->token, sizeof(ret_proof->token), token);
    }
    ret_proof->kind = GC_WEB_TOKEN;
    memcpy(ret_proof->principal, principal.name, sizeof(principal.name));
    return rc == 0 ? GC_API_OK : GC_API_InvalidToken;
}

/* The cluster's own nodes have nothing to do with the client API. */
static enum gc_api_err
check_certificate(const struct gc_peer *peer, struct gc_web_proof *ret_proof)
{
    bool person = strcmp(peer->id.role, "user") == 0 || strcmp(peer->id.role, "admin") == 0;
    if (!person || !gc_principal_name_valid(gc_str_of(peer->id.node))) {
        return GC_API_AccessDenied;
    }
    ret_proof->kind = GC_WEB_CERTIFICATE;
    snprintf(ret_proof->principal, sizeof(ret_proof->principal), "%s", peer->id.node);
    return GC_API_OK;
}

enum gc_api_err
gc_web_auth_check(struct gc_web_auth *auth, const struct gc_peer *peer, struct gc_str authorization,
                  struct gc_web_proof *ret_proof)
{
    bool anonymous;
    if (gc_str_starts(authorization, "AWS")) {
        return GC_API_NotImplemented;
    }
    if (authorization.data != NULL) {
        return check_token(auth, gc_token_of_header(authorization), ret_proof);
    }
    if (peer != NULL && peer->has_cert) {
        return check_certificate(peer, ret_proof);
    }
    ret_proof->kind = GC_WEB_ANONYMOUS;
    ret_proof->principal[0] = '\0';
    pthread_rwlock_rdlock(&auth->lock);
    anonymous = auth->anonymous;
    pthread_rwlock_unlock(&auth->lock);
    return anonymous ? GC_API_OK : GC_API_Unauthenticated;
}
