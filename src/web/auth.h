/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who asks, as far as web can tell: a client certificate that TLS has verified, a bearer token, or
 * nobody. web refuses what it knows to be wrong; the proof goes on to translation, which checks it
 * again and decides (object-protocol.md rules 27, 28). The table of tokens is replaced by a reload;
 * any thread. */
#ifndef GC_WEB_AUTH_H
#define GC_WEB_AUTH_H

#include <stdbool.h>

#include "base/thread.h"
#include "core/apierr.h"
#include "core/principal.h"
#include "core/token.h"
#include "net/tls.h"

enum gc_web_proof_kind { GC_WEB_ANONYMOUS, GC_WEB_TOKEN, GC_WEB_CERTIFICATE };

struct gc_web_proof {
    enum gc_web_proof_kind kind;
    char token[GC_TOKEN_BYTES_MAX + 1];        /* GC_WEB_TOKEN; never logged */
    char principal[GC_PRINCIPAL_NAME_MAX + 1]; /* whose proof it is, "" when we cannot tell */
};

struct gc_web_tokens;

struct gc_web_auth {
    pthread_rwlock_t lock; /* Private to auth.c. */
    struct gc_web_tokens *tokens;
    bool anonymous;
};

/* TOKENS_FILE "": tokens are passed on unchecked. GC_ECONFIG, -errno; the log says why. */
int gc_web_auth_init(struct gc_web_auth *auth, const char *tokens_file, bool anonymous);
void gc_web_auth_fini(struct gc_web_auth *auth);
/* Read the file again; on error nothing changes. */
int gc_web_auth_reload(struct gc_web_auth *auth, const char *tokens_file, bool anonymous);

/* AUTHORIZATION: the header's value, DATA NULL when absent; it counts before a certificate.
 * GC_API_OK, Unauthenticated, InvalidToken, AccessDenied (a certificate of the cluster's own
 * nodes), NotImplemented (signed requests). */
enum gc_api_err gc_web_auth_check(struct gc_web_auth *auth, const struct gc_peer *peer,
                                  struct gc_str authorization, struct gc_web_proof *ret_proof);

#endif
