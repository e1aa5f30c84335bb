/* SPDX-License-Identifier: MIT */
/* Holds the place of tls_*.c for as long as they are not there: there is no context, so no session.
 */
#include "base/err.h"
#include "net/tls.h"

#include <assert.h>
#include <stdio.h>

int
gc_tls_ctx_new(const struct gc_tls_conf *conf, struct gc_tls_ctx **ret_ctx,
               char error[GC_TLS_ERROR_MAX])
{
    (void)conf;
    (void)ret_ctx;
    snprintf(error, GC_TLS_ERROR_MAX, "built without TLS");
    return GC_EUNIMPLEMENTED;
}

struct gc_tls_ctx *
gc_tls_ctx_ref(struct gc_tls_ctx *ctx)
{
    return ctx;
}

void
gc_tls_ctx_unref(struct gc_tls_ctx *ctx)
{
    (void)ctx;
}

int
gc_tls_new(struct gc_tls_ctx *ctx, const char *expect_name, const struct gc_tls_io *io,
           struct gc_tls **ret_tls)
{
    (void)ctx;
    (void)expect_name;
    (void)io;
    (void)ret_tls;
    return GC_EUNIMPLEMENTED;
}

void
gc_tls_free(struct gc_tls *tls)
{
    assert(tls == NULL);
}

void
gc_tls_feed(struct gc_tls *tls, const void *data, size_t len)
{
    (void)tls;
    (void)data;
    (void)len;
}

int
gc_tls_handshake(struct gc_tls *tls)
{
    (void)tls;
    return GC_EUNIMPLEMENTED;
}

int
gc_tls_read(struct gc_tls *tls, void *dst, size_t size)
{
    (void)tls;
    (void)dst;
    (void)size;
    return GC_EUNIMPLEMENTED;
}

int
gc_tls_write(struct gc_tls *tls, const void *data, size_t len)
{
    (void)tls;
    (void)data;
    (void)len;
    return GC_EUNIMPLEMENTED;
}

void
gc_tls_close_notify(struct gc_tls *tls)
{
    (void)tls;
}

bool
gc_tls_alpn_is_h2(const struct gc_tls *tls)
{
    (void)tls;
    return false;
}

void
gc_tls_peer(const struct gc_tls *tls, struct gc_peer *peer)
{
    (void)tls;
    (void)peer;
}
