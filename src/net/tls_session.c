/* SPDX-License-Identifier: MIT */
/* A session between two memories: wolfSSL reads from the ciphertext that gc_tls_feed lent, or is
 * told WANT_READ; what it writes goes to the owner, who always takes it, so WANT_WRITE does not
 * exist. A part of a record that has come is kept by wolfSSL itself.
 *
 * All its input passes gc_tls_on_recv, which follows the records and refuses those that wolfSSL
 * must not see. */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "net/tls_priv.h"

#define RECORD_BYTES  16384
#define CIPHER_MAX    (RECORD_BYTES + 2048)
#define TYPE_CCS      20
#define TYPE_APP_DATA 23
#define APP_DATA_MIN  17 /* TLS 1.3: one byte of content or type, and the tag */

#define ALPN_H2 "h2"
#define ALPN_H1 "http/1.1"

/* --- what wolfSSL calls ----------------------------------------------------------------------- */

/* Why the record that begins with this header must not reach wolfSSL; NULL: it may. */
static const char *
record_fault(const uint8_t header[GC_TLS_HEADER_LEN])
{
    size_t len = (size_t)header[3] << 8 | header[4];

    if (header[0] < TYPE_CCS || header[0] > TYPE_APP_DATA || header[1] != 3) {
        return "not a TLS record";
    }
    if (len > CIPHER_MAX) {
        return "record too long";
    }
    return header[0] == TYPE_APP_DATA && len < APP_DATA_MIN ? "empty record" : NULL;
}

/* Follow LEN bytes of input. They may end anywhere, and wolfSSL may ask for any number of them. */
static const char *
records_follow(struct gc_tls *tls, const uint8_t *data, size_t len)
{
    while (len > 0) {
        size_t n;
        if (tls->body_left > 0) {
            n = GC_MIN(len, tls->body_left);
            tls->body_left -= n;
        } else {
            n = GC_MIN(len, GC_TLS_HEADER_LEN - tls->header_len);
            memcpy(tls->header + tls->header_len, data, n);
            tls->header_len += n;
        }
        if (tls->header_len == GC_TLS_HEADER_LEN) {
            const char *fault = record_fault(tls->header);
            if (fault != NULL) {
                return fault;
            }
            tls->body_left = (size_t)tls->header[3] << 8 | tls->header[4];
            tls->header_len = 0;
        }
        data += n;
        len -= n;
    }
    return NULL;
}

int
gc_tls_on_recv(WOLFSSL *wolf, char *dst, int size, void *arg)
{
    struct gc_tls *tls = arg;
    size_t n = GC_MIN((size_t)GC_MAX(size, 0), tls->in_len);

    (void)wolf;
    if (tls->refusal != NULL) {
        return WOLFSSL_CBIO_ERR_GENERAL;
    }
    if (n == 0) {
        return WOLFSSL_CBIO_ERR_WANT_READ;
    }
    tls->refusal = records_follow(tls, tls->in, n);
    if (tls->refusal != NULL) {
        return WOLFSSL_CBIO_ERR_GENERAL;
    }
    memcpy(dst, tls->in, n);
    tls->in += n;
    tls->in_len -= n;
    return (int)n;
}

int
gc_tls_on_send(WOLFSSL *wolf, char *data, int len, void *arg)
{
    struct gc_tls *tls = arg;

    (void)wolf;
    tls->io.write(tls->io.arg, data, (size_t)len);
    return len;
}

/* Is NAME in the client's list (each name with its length in front)? */
static bool
alpn_offers(const unsigned char *offered, unsigned len, const char *name)
{
    struct gc_str rest = { (const char *)offered, len };

    while (rest.len > 0) {
        size_t n = (unsigned char)rest.data[0];
        if (n > rest.len - 1) {
            return false;
        }
        if (gc_str_eq_cstr((struct gc_str){ rest.data + 1, n }, name)) {
            return true;
        }
        rest = (struct gc_str){ rest.data + 1 + n, rest.len - 1 - n };
    }
    return false;
}

int
gc_tls_on_alpn(WOLFSSL *wolf, const unsigned char **ret_name, unsigned char *ret_len,
               const unsigned char *offered, unsigned offered_len, void *arg)
{
    struct gc_tls *tls = wolfSSL_get_app_data(wolf);
    const char *name = NULL;

    (void)arg;
    if (alpn_offers(offered, offered_len, ALPN_H2)) {
        name = ALPN_H2;
    } else if (tls->ctx->alpn_h1 && alpn_offers(offered, offered_len, ALPN_H1)) {
        name = ALPN_H1;
    }
    tls->alpn_mismatch = name == NULL;
    if (name == NULL) {
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    *ret_name = (const unsigned char *)name;
    *ret_len = (unsigned char)strlen(name);
    return SSL_TLSEXT_ERR_OK;
}

/* --- a session -------------------------------------------------------------------------------- */

static bool
client_set_name(struct gc_tls *tls, const char *name)
{
    uint8_t ip[sizeof(struct in6_addr)];
    size_t len = strlen(name);

    if (len == 0 || len >= sizeof(tls->expect_name)) {
        return false;
    }
    memcpy(tls->expect_name, name, len + 1);
    if (inet_pton(AF_INET, name, ip) == 1 || inet_pton(AF_INET6, name, ip) == 1) {
        return true; /* an address has no SNI; tls_verify.c compares it */
    }
    return wolfSSL_UseSNI(tls->wolf, WOLFSSL_SNI_HOST_NAME, name, (unsigned short)len) ==
               WOLFSSL_SUCCESS &&
           wolfSSL_check_domain_name(tls->wolf, name) == WOLFSSL_SUCCESS;
}

static bool
client_set_alpn(struct gc_tls *tls)
{
    char both[] = ALPN_H2 "," ALPN_H1;
    char h2[] = ALPN_H2;
    char *list = tls->ctx->alpn_h1 ? both : h2;

    return wolfSSL_UseALPN(tls->wolf, list, (unsigned)strlen(list),
                           WOLFSSL_ALPN_FAILED_ON_MISMATCH) == WOLFSSL_SUCCESS;
}

int
gc_tls_new(struct gc_tls_ctx *ctx, const char *expect_name, const struct gc_tls_io *io,
           struct gc_tls **ret_tls)
{
    if (!ctx->server && ctx->trust_domain[0] == '\0' && expect_name == NULL) {
        return -EINVAL; /* a public server is known by its name only */
    }
    struct gc_tls *tls = calloc(1, sizeof(*tls));
    if (tls == NULL) {
        return -ENOMEM;
    }
    tls->io = *io;
    tls->ctx = gc_tls_ctx_ref(ctx);
    tls->wolf = wolfSSL_new(ctx->wolf);
    if (tls->wolf == NULL) {
        gc_tls_free(tls);
        return -ENOMEM;
    }
    wolfSSL_SetIOReadCtx(tls->wolf, tls);
    wolfSSL_SetIOWriteCtx(tls->wolf, tls);
    wolfSSL_SetCertCbCtx(tls->wolf, tls);
    wolfSSL_set_app_data(tls->wolf, tls);
    if (!ctx->server &&
        ((expect_name != NULL && !client_set_name(tls, expect_name)) || !client_set_alpn(tls))) {
        gc_tls_free(tls);
        return GC_ETLS;
    }
    *ret_tls = tls;
    return 0;
}

void
gc_tls_free(struct gc_tls *tls)
{
    if (tls == NULL) {
        return;
    }
    wolfSSL_free(tls->wolf);
    gc_tls_ctx_unref(tls->ctx);
    free(tls);
}

void
gc_tls_feed(struct gc_tls *tls, const void *data, size_t len)
{
    tls->in = data;
    tls->in_len = len;
}

/* What went wrong. Our own refusals explain more than wolfSSL's codes. */
static int
tls_fail(struct gc_tls *tls, int err)
{
    if (tls->refusal != NULL) {
        snprintf(tls->error, sizeof(tls->error), "%s", tls->refusal);
    } else {
        snprintf(tls->error, sizeof(tls->error), "%s",
                 wolfSSL_ERR_reason_error_string((unsigned long)err));
    }
    return tls->identity_refused || err == NO_PEER_CERT ? GC_EIDENTITY : GC_ETLS;
}

static int
refuse(struct gc_tls *tls, const char *why)
{
    tls->refusal = why;
    return GC_ETLS;
}

bool
gc_tls_alpn_is_h2(const struct gc_tls *tls)
{
    const unsigned char *name = NULL;
    unsigned len = 0;

    wolfSSL_get0_alpn_selected(tls->wolf, &name, &len);
    return gc_str_eq_cstr((struct gc_str){ (const char *)name, len }, ALPN_H2);
}

/* Without ALPN it is HTTP/1.1, where that is spoken. */
static bool
alpn_ok(const struct gc_tls *tls)
{
    return gc_tls_alpn_is_h2(tls) || (tls->ctx->alpn_h1 && !tls->alpn_mismatch);
}

/* wolfSSL is content; are we? */
static int
handshake_check(struct gc_tls *tls)
{
    int version = wolfSSL_version(tls->wolf);

    if (version != TLS1_3_VERSION && (tls->ctx->internal || version != TLS1_2_VERSION)) {
        return refuse(tls, "protocol version");
    }
    if (!alpn_ok(tls)) {
        return refuse(tls, "no common application protocol");
    }
    return gc_tls_verify_peer(tls);
}

int
gc_tls_handshake(struct gc_tls *tls)
{
    int ret = tls->ctx->server ? wolfSSL_accept(tls->wolf) : wolfSSL_connect(tls->wolf);

    if (ret != WOLFSSL_SUCCESS) {
        int err = wolfSSL_get_error(tls->wolf, ret);
        return err == WOLFSSL_ERROR_WANT_READ ? -EAGAIN : tls_fail(tls, err);
    }
    if (handshake_check(tls) != 0) {
        wolfSSL_shutdown(tls->wolf); /* the alert we can still make it send */
        return tls_fail(tls, 0);
    }
    tls->done = true;
    return 0;
}

int
gc_tls_read(struct gc_tls *tls, void *dst, size_t size)
{
    assert(tls->done);
    for (;;) {
        size_t before = tls->in_len;
        int n = wolfSSL_read(tls->wolf, dst, (int)GC_MIN(size, (size_t)RECORD_BYTES));
        if (n > 0) {
            return n;
        }
        int err = wolfSSL_get_error(tls->wolf, n);
        if (err == WOLFSSL_ERROR_ZERO_RETURN) {
            return 0;
        }
        if (err != WOLFSSL_ERROR_WANT_READ) {
            return tls_fail(tls, err);
        }
        /* It may stop after a message of its own (KeyUpdate) although more has come. */
        if (tls->in_len == 0 || tls->in_len == before) {
            return -EAGAIN;
        }
    }
}

int
gc_tls_write(struct gc_tls *tls, const void *data, size_t len)
{
    const uint8_t *from = data;

    assert(tls->done);
    while (len > 0) {
        int n = wolfSSL_write(tls->wolf, from, (int)GC_MIN(len, (size_t)RECORD_BYTES));
        if (n <= 0) {
            return tls_fail(tls, wolfSSL_get_error(tls->wolf, n));
        }
        from += n;
        len -= (size_t)n;
    }
    return 0;
}

void
gc_tls_close_notify(struct gc_tls *tls)
{
    wolfSSL_shutdown(tls->wolf);
}

void
gc_tls_peer(const struct gc_tls *tls, struct gc_peer *peer)
{
    assert(tls->done);
    peer->tls = true;
    peer->has_cert = tls->has_cert;
    peer->id = tls->id;
}

const char *
gc_tls_error(const struct gc_tls *tls)
{
    return tls->error;
}
