/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From the proof that web forwards to a principal (object-protocol.md rule 28): tokens are verified
 * here against the hashes in the tokens file; a name that web asserts from a client certificate is
 * limited to data roles. Both table and ANONYMOUS are replaced by a reload; any thread. */
#ifndef GC_TRANSLATION_AUTH_H
#define GC_TRANSLATION_AUTH_H

#include <stdbool.h>

#include "base/thread.h"
#include "core/apierr.h"
#include "core/principal.h"
#include "proto/gcommon/v1/gateway/gateway.pb-c.h"

struct gc_auth_tokens;

struct gc_auth {
    pthread_rwlock_t lock; /* Private to auth.c. */
    struct gc_auth_tokens *tokens;
    bool anonymous;
};

int gc_auth_init(struct gc_auth *auth, const char *tokens_file, bool anonymous);
void gc_auth_fini(struct gc_auth *auth);
/* Read TOKENS_FILE again, and take ANONYMOUS; on error nothing changes and the log says why. */
int gc_auth_reload(struct gc_auth *auth, const char *tokens_file, bool anonymous);

/* GC_API_OK, Unauthenticated, InvalidToken, BadRequest. */
enum gc_api_err gc_auth_check(struct gc_auth *auth, const Gcommon__V1__Gateway__Context *context,
                              struct gc_principal *ret_principal);

#endif
