/* SPDX-License-Identifier: MIT */
/* Who the peer is. wolfSSL verifies the chain and the times; what the leaf says is read and judged
 * here by our own reader of certificates: in wolfSSL's verify callback, so that a refused peer gets
 * an alert, and once more when the handshake is over, because not every handshake calls that
 * callback. */
#include <arpa/inet.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "crypto/x509.h"
#include "net/tls_priv.h"

/* --- server names ----------------------------------------------------------------------------- */

/* Does PATTERN, a name of a certificate, cover NAME? A first label "*" stands for one label; under
 * a domain of at least two (RFC 9525). */
static bool
dns_covers(struct gc_str pattern, struct gc_str name)
{
    if (gc_str_starts(pattern, "*.")) {
        const char *dot = memchr(name.data, '.', name.len);
        if (dot == NULL || dot == name.data ||
            memchr(pattern.data + 2, '.', pattern.len - 2) == NULL) {
            return false;
        }
        pattern = (struct gc_str){ pattern.data + 1, pattern.len - 1 };
        name = (struct gc_str){ dot, name.len - (size_t)(dot - name.data) };
    }
    return pattern.len == name.len && strncasecmp(pattern.data, name.data, name.len) == 0;
}

/* Is NAME, a DNS name or the text of an IP address, among the certificate's names? The subject does
 * not count. */
static bool
cert_names(const struct gc_x509_info *cert, const char *name)
{
    uint8_t ip[sizeof(struct in6_addr)];
    size_t ip_len = 0;

    if (inet_pton(AF_INET, name, ip) == 1) {
        ip_len = sizeof(struct in_addr);
    } else if (inet_pton(AF_INET6, name, ip) == 1) {
        ip_len = sizeof(struct in6_addr);
    }
    for (size_t i = 0; i < cert->n_sans; i++) {
        const struct gc_x509_san *san = &cert->sans[i];
        if (ip_len > 0) {
            if (san->kind == GC_X509_SAN_IP && san->value.len == ip_len &&
                memcmp(san->value.data, ip, ip_len) == 0) {
                return true;
            }
        } else if (san->kind == GC_X509_SAN_DNS && dns_covers(san->value, gc_str_of(name))) {
            return true;
        }
    }
    return false;
}

/* --- the leaf --------------------------------------------------------------------------------- */

/* Bytes of the Name at the beginning of DER, which our reader has taken. */
static size_t
name_len(const uint8_t *der)
{
    size_t len = der[1];
    size_t n_len_bytes = 0;

    if (len >= 0x80) {
        n_len_bytes = len & 0x7F;
        len = 0;
        for (size_t i = 0; i < n_len_bytes; i++) {
            len = len << 8 | der[2 + i];
        }
    }
    return 2 + n_len_bytes + len;
}

static bool
is_subject_of_a_ca(const struct gc_tls_ctx *ctx, struct gc_str subject)
{
    for (size_t at = 0; at < ctx->ca_subjects.len;) {
        const uint8_t *der = ctx->ca_subjects.data + at;
        struct gc_str name = { (const char *)der, name_len(der) };
        if (gc_str_eq(name, subject)) {
            return true;
        }
        at += name.len;
    }
    return false;
}

/* Why this leaf, whose chain wolfSSL has verified, is not to be trusted; NULL if it is. */
static const char *
leaf_fault(const struct gc_tls *tls, const uint8_t *der, size_t len, struct gc_spiffe_id *ret_id)
{
    const struct gc_tls_ctx *ctx = tls->ctx;
    struct gc_x509_info cert;

    if (der == NULL || gc_x509_parse(der, len, &cert) != 0) {
        return "malformed certificate";
    }
    if (cert.is_ca || (cert.has_key_usage && (cert.key_usage & GC_X509_KU_KEY_CERT_SIGN) != 0)) {
        return "certificate of a CA";
    }
    if (is_subject_of_a_ca(ctx, cert.subject)) {
        return "certificate with the subject of a CA";
    }
    if (cert.has_key_usage && (cert.key_usage & GC_X509_KU_DIGITAL_SIGNATURE) == 0) {
        return "certificate not for signatures";
    }
    if (cert.has_ext_key_usage && !(ctx->server ? cert.for_client : cert.for_server)) {
        return ctx->server ? "certificate not for clients" : "certificate not for servers";
    }
    if (ctx->trust_domain[0] != '\0' &&
        gc_spiffe_from_cert(&cert, ctx->trust_domain, ret_id) != 0) {
        return "no identity of our trust domain";
    }
    if (tls->expect_name[0] != '\0' && !cert_names(&cert, tls->expect_name)) {
        return "certificate of another server";
    }
    return NULL;
}

static int
refuse_peer(struct gc_tls *tls, const char *why)
{
    tls->identity_refused = true;
    tls->refusal = why;
    return GC_EIDENTITY;
}

int
gc_tls_on_verify(int preverify, WOLFSSL_X509_STORE_CTX *store)
{
    struct gc_tls *tls = store->userCtx;

    if (preverify != 1) {
        tls->identity_refused = true; /* the chain; wolfSSL says why */
        return 0;
    }
    if (store->error_depth > 0) {
        return 1;
    }
    if (store->certs == NULL || store->totalCerts < 1) {
        /* This build asks us about the absence of a certificate, too. */
        if (tls->ctx->needs_cert) {
            refuse_peer(tls, "no certificate");
        }
        return !tls->ctx->needs_cert;
    }
    const char *fault = leaf_fault(tls, store->certs[0].buffer, store->certs[0].length, &tls->id);
    if (fault != NULL) {
        refuse_peer(tls, fault);
        return 0;
    }
    return 1;
}

int
gc_tls_verify_peer(struct gc_tls *tls)
{
    const char *fault;
    int len = 0;

    if (!tls->ctx->asks_cert) {
        return 0;
    }
    if (wolfSSL_session_reused(tls->wolf)) {
        return refuse_peer(tls, "resumed session");
    }
    WOLFSSL_X509 *x509 = wolfSSL_get_peer_certificate(tls->wolf);
    if (x509 == NULL) {
        return tls->ctx->needs_cert ? refuse_peer(tls, "no certificate") : 0;
    }
    const uint8_t *der = wolfSSL_X509_get_der(x509, &len);
    fault = leaf_fault(tls, der, (size_t)GC_MAX(len, 0), &tls->id);
    wolfSSL_X509_free(x509);
    if (fault != NULL) {
        return refuse_peer(tls, fault);
    }
    tls->has_cert = true;
    return 0;
}
