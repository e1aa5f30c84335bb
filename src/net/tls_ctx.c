/* SPDX-License-Identifier: MIT */
/* Contexts of wolfSSL 5.5.4 as Debian builds it, which has defaults and faults that each of the
 * following undoes; all stay on for later versions too:
 *
 *  - CVE-2026-93302: every CA loaded becomes a "trusted peer" as well, and a certificate that
 * copies its subject, key identifier and signature bytes passes for it, chain unchecked. gc_tls
 * load_ca() unloads trusted peers after each CA; tls_verify.c refuses a peer with a CA's subject or
 * a CA's rights.
 *  - CVE-2024-0901: an empty TLS 1.3 record makes it read past its buffer. tls_session.c refuses
 * such a record before wolfSSL sees it; the AES-GCM callback (crypto/gcm.h) fails to open one.
 *  - A resumed session has no client certificate and calls no verify callback. Where certificates
 * are asked for there are no tickets and no session cache; a session that is resumed all the same,
 * or has no certificate where one is needed, is refused after the handshake. Contexts never share
 * ticket keys.
 *  - Verification is off, TLS 1.1 on, and the suites contain some without encryption. Everything is
 * set here; unknown names in a list of suites are dropped silently, so the list is read back and
 * compared.
 *  - URI name constraints are not enforced (CVE-2026-5263): the trust domain is ours to check.
 *  - An ALPN callback that refuses does not end the handshake: tls_session.c looks again
 * afterwards.
 *  - wolfSSL_CTX_check_private_key takes any two EC keys of one curve for a pair; load_key()
 * compares them.
 *  - Without X25519 a handshake takes twice as long; without the libgcrypt callback a record takes
 * thirty times as long. Some errors of a private key are let pass when the callback is set first,
 * so keys are loaded before. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wolfssl/options.h>

#include <wolfssl/wolfcrypt/asn_public.h>
#include <wolfssl/wolfcrypt/ecc.h>

#include "base/err.h"
#include "base/file.h"
#include "base/macros.h"
#include "base/thread.h"
#include "crypto/gcm.h"
#include "crypto/pem.h"
#include "crypto/x509.h"
#include "net/tls_priv.h"

#define FILE_BYTES_MAX    (1024 * 1024) /* the CA bundle of a distribution has 220 KiB */
#define SUBJECT_BYTES_MAX (512 * 1024)
#define RSA_BITS_MIN      2048
#define EC_BITS_MIN       256

#define SUITES_TLS13 "TLS13-AES128-GCM-SHA256:TLS13-AES256-GCM-SHA384"
#define SUITES_TLS12                                                                          \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384" \
    ":ECDHE-RSA-AES256-GCM-SHA384"

/* --- the library ------------------------------------------------------------------------------ */

/* Written once, before pthread_once returns in any thread. */
static int library_rc;
static int library_dev_id;

static void
library_start_once(void)
{
    library_rc = gc_gcm_register(&library_dev_id);
    if (library_rc == 0 && wolfSSL_Init() != WOLFSSL_SUCCESS) {
        library_rc = GC_EINTERNAL;
    }
}

static int
library_start(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, library_start_once);
    return library_rc;
}

/* --- what is in the files --------------------------------------------------------------------- */

/* The failing step and what it says, for the operator. */
static int
refuse(char error[GC_TLS_ERROR_MAX], const char *what, const char *why)
{
    snprintf(error, GC_TLS_ERROR_MAX, "%s: %s", what, why);
    return GC_ECONFIG;
}

static int
read_file(const char *path, bool secret, struct gc_buf *out, char error[GC_TLS_ERROR_MAX])
{
    int rc = gc_file_read(path, FILE_BYTES_MAX, secret, out);
    if (rc == -EPERM && secret) {
        return refuse(error, path, "others can read or its group can write it; chmod 0600 or 0640");
    }
    return rc == 0 ? 0 : refuse(error, path, gc_err_text(rc));
}

/* Remember the subject of each CA in PEM. A bundle of public CAs may hold what our strict reader
 * does not take; a cluster's own may not. */
static int
note_subjects(struct gc_tls_ctx *ctx, struct gc_str pem, const char *path,
              char error[GC_TLS_ERROR_MAX])
{
    struct gc_x509_info info;
    struct gc_str label;
    struct gc_buf der;
    size_t n_certs = 0;
    int rc;

    gc_buf_init(&der, GC_X509_DER_BYTES_MAX);
    while ((rc = gc_pem_next(&pem, &label, &der)) == 0) {
        if (!gc_str_eq_cstr(label, "CERTIFICATE")) {
            continue;
        }
        n_certs++;
        rc = gc_x509_parse(der.data, der.len, &info);
        if (rc == 0 && !info.is_ca) {
            rc = refuse(error, path, "a certificate in it is not a CA's");
            break;
        }
        if (rc != 0 && ctx->internal) {
            rc = refuse(error, path, "a certificate in it is malformed");
            break;
        }
        if (rc == 0) {
            rc = gc_buf_append(&ctx->ca_subjects, info.subject.data, info.subject.len);
            if (rc != 0) {
                break;
            }
        }
    }
    gc_buf_fini(&der);
    if (rc == GC_ENOTFOUND && n_certs > 0) {
        return 0;
    }
    return rc == GC_ECONFIG
               ? rc
               : refuse(error, path, n_certs == 0 ? "no certificate in it" : gc_err_text(rc));
}

static int
load_ca(struct gc_tls_ctx *ctx, const char *path, char error[GC_TLS_ERROR_MAX])
{
    struct gc_buf pem;

    gc_buf_init(&pem, FILE_BYTES_MAX);
    int rc = read_file(path, false, &pem, error);
    if (rc == 0) {
        rc = note_subjects(ctx, (struct gc_str){ (const char *)pem.data, pem.len }, path, error);
    }
    if (rc == 0 && wolfSSL_CTX_load_verify_buffer(ctx->wolf, pem.data, (long)pem.len,
                                                  WOLFSSL_FILETYPE_PEM) != WOLFSSL_SUCCESS) {
        rc = refuse(error, path, "the TLS library does not take it");
    }
    /* Whatever has been loaded: no CA is a peer. */
    if (wolfSSL_CTX_Unload_trust_peers(ctx->wolf) != WOLFSSL_SUCCESS && rc == 0) {
        rc = refuse(error, path, "cannot unload trusted peers");
    }
    gc_buf_fini(&pem);
    return rc;
}

/* When the leaf, the first certificate of PEM, ends, and whose key it is. */
static int
note_own(struct gc_tls_ctx *ctx, struct gc_str pem, const char *path, char error[GC_TLS_ERROR_MAX])
{
    struct gc_x509_info info;
    struct gc_str label;
    struct gc_buf der;
    int rc;

    gc_buf_init(&der, GC_X509_DER_BYTES_MAX);
    do {
        rc = gc_pem_next(&pem, &label, &der);
    } while (rc == 0 && !gc_str_eq_cstr(label, "CERTIFICATE"));
    if (rc == 0) {
        rc = gc_x509_parse(der.data, der.len, &info);
    }
    if (rc == 0) {
        ctx->not_after = info.not_after;
        rc = gc_buf_append(&ctx->spki, info.spki.data, info.spki.len);
    }
    gc_buf_fini(&der);
    if (rc != 0) {
        return refuse(error, path, rc == GC_ENOTFOUND ? "no certificate in it" : gc_err_text(rc));
    }
    return 0;
}

static int
load_cert(struct gc_tls_ctx *ctx, const char *path, char error[GC_TLS_ERROR_MAX])
{
    struct gc_buf pem;

    gc_buf_init(&pem, FILE_BYTES_MAX);
    int rc = read_file(path, false, &pem, error);
    if (rc == 0) {
        rc = note_own(ctx, (struct gc_str){ (const char *)pem.data, pem.len }, path, error);
    }
    if (rc == 0 && wolfSSL_CTX_use_certificate_chain_buffer(ctx->wolf, pem.data, (long)pem.len) !=
                       WOLFSSL_SUCCESS) {
        rc = refuse(error, path, "the TLS library does not take it");
    }
    gc_buf_fini(&pem);
    return rc;
}

/* Is this key of some curve another one than the certificate's? wolfSSL compares RSA and Ed25519
 * keys, but takes any two of the same curve for a pair. */
static bool
ec_key_differs(const struct gc_tls_ctx *ctx, struct gc_str pem)
{
    uint8_t point[1 + 2 * MAX_ECC_BYTES];
    word32 len = sizeof(point), at = 0;
    struct gc_str label;
    struct gc_buf der;
    ecc_key key;
    bool differs = false;

    gc_buf_init(&der, FILE_BYTES_MAX);
    wc_ecc_init(&key);
    while (gc_pem_next(&pem, &label, &der) == 0) {
        at = 0;
        if (wc_EccPrivateKeyDecode(der.data, &at, &key, (word32)der.len) == 0) {
            differs = wc_ecc_make_pub(&key, NULL) != 0 ||
                      wc_ecc_export_x963(&key, point, &len) != 0 || len > ctx->spki.len ||
                      memcmp(ctx->spki.data + ctx->spki.len - len, point, len) != 0;
            break;
        }
    }
    wc_ecc_free(&key);
    if (der.data != NULL) {
        gc_wipe(der.data, der.cap);
    }
    gc_buf_fini(&der);
    return differs;
}

static int
load_key(struct gc_tls_ctx *ctx, const char *path, char error[GC_TLS_ERROR_MAX])
{
    struct gc_buf pem;

    gc_buf_init(&pem, FILE_BYTES_MAX);
    int rc = read_file(path, true, &pem, error);
    if (rc == 0 && wolfSSL_CTX_use_PrivateKey_buffer(ctx->wolf, pem.data, (long)pem.len,
                                                     WOLFSSL_FILETYPE_PEM) != WOLFSSL_SUCCESS) {
        rc = refuse(error, path, "not a private key that the TLS library takes");
    }
    if (rc == 0 && ec_key_differs(ctx, (struct gc_str){ (const char *)pem.data, pem.len })) {
        rc = refuse(error, path, "is not the key of the certificate");
    }
    if (pem.data != NULL) {
        gc_wipe(pem.data, pem.cap);
    }
    gc_buf_fini(&pem);
    return rc;
}

static int
load_files(struct gc_tls_ctx *ctx, const struct gc_tls_conf *conf, char error[GC_TLS_ERROR_MAX])
{
    int rc = 0;

    if (conf->cert_file != NULL) {
        rc = load_cert(ctx, conf->cert_file, error);
    }
    if (rc == 0 && conf->cert_file != NULL) {
        rc = load_key(ctx, conf->key_file, error);
    }
    if (rc == 0 && ctx->asks_cert) {
        rc = load_ca(ctx, conf->ca_file, error);
    }
    if (rc != 0) {
        return rc;
    }
    if (wolfSSL_CTX_SetDevId(ctx->wolf, library_dev_id) != WOLFSSL_SUCCESS) {
        return refuse(error, "tls", "cannot set the record cipher");
    }
    if (conf->cert_file != NULL && wolfSSL_CTX_check_private_key(ctx->wolf) != WOLFSSL_SUCCESS) {
        return refuse(error, conf->key_file, "is not the key of the certificate");
    }
    return 0;
}

/* --- protocol --------------------------------------------------------------------------------- */

static bool
set_versions(struct gc_tls_ctx *ctx)
{
    if (ctx->internal) {
        return true; /* the method has no other version */
    }
    return wolfSSL_CTX_SetMinVersion(ctx->wolf, WOLFSSL_TLSV1_2) == WOLFSSL_SUCCESS &&
           wolfSSL_CTX_get_min_proto_version(ctx->wolf) == TLS1_2_VERSION;
}

/* Are the suites of a session of this context exactly those of LIST, in its order? */
static bool
suites_are(struct gc_tls_ctx *ctx, const char *list)
{
    struct gc_buf text;
    WOLFSSL *wolf = wolfSSL_new(ctx->wolf);
    bool same = false;

    if (wolf == NULL) {
        return false;
    }
    gc_buf_init(&text, 4096);
    WOLF_STACK_OF(WOLFSSL_CIPHER) *suites = wolfSSL_get_ciphers_compat(wolf);
    int n = suites == NULL ? 0 : wolfSSL_sk_SSL_CIPHER_num(suites);
    for (int i = 0; i < n; i++) {
        const char *name = wolfSSL_CIPHER_get_name(wolfSSL_sk_SSL_CIPHER_value(suites, i));
        if (gc_buf_printf(&text, "%s%s", i > 0 ? ":" : "", name != NULL ? name : "?") != 0) {
            break;
        }
    }
    same = gc_str_eq_cstr((struct gc_str){ (const char *)text.data, text.len }, list);
    gc_buf_fini(&text);
    wolfSSL_free(wolf);
    return same;
}

static bool
set_suites(struct gc_tls_ctx *ctx)
{
    const char *list = ctx->internal ? SUITES_TLS13 : SUITES_TLS13 ":" SUITES_TLS12;
    int groups[] = { WOLFSSL_ECC_X25519, WOLFSSL_ECC_SECP256R1 };

    return wolfSSL_CTX_set_cipher_list(ctx->wolf, list) == WOLFSSL_SUCCESS &&
           suites_are(ctx, list) &&
           wolfSSL_CTX_set_groups(ctx->wolf, groups, GC_ARRAY_LEN(groups)) == WOLFSSL_SUCCESS &&
           wolfSSL_CTX_SetMinRsaKey_Sz(ctx->wolf, RSA_BITS_MIN) == WOLFSSL_SUCCESS &&
           wolfSSL_CTX_SetMinEccKey_Sz(ctx->wolf, EC_BITS_MIN) == WOLFSSL_SUCCESS;
}

/* Only a public server that asks for no certificate hands out (TLS 1.3) tickets. */
static bool
set_resumption(struct gc_tls_ctx *ctx)
{
    wolfSSL_CTX_set_session_cache_mode(ctx->wolf, WOLFSSL_SESS_CACHE_OFF);
    if (!ctx->server) {
        return true;
    }
    if (wolfSSL_CTX_NoTicketTLSv12(ctx->wolf) != WOLFSSL_SUCCESS) {
        return false;
    }
    return !ctx->asks_cert || (wolfSSL_CTX_no_ticket_TLSv13(ctx->wolf) == 0 &&
                               wolfSSL_CTX_set_num_tickets(ctx->wolf, 0) == WOLFSSL_SUCCESS);
}

static void
set_callbacks(struct gc_tls_ctx *ctx)
{
    int verify = WOLFSSL_VERIFY_NONE;

    if (ctx->asks_cert) {
        verify = WOLFSSL_VERIFY_PEER;
    }
    if (ctx->needs_cert) {
        verify |= WOLFSSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    }
    wolfSSL_CTX_set_verify(ctx->wolf, verify, ctx->asks_cert ? gc_tls_on_verify : NULL);
    wolfSSL_CTX_SetIORecv(ctx->wolf, gc_tls_on_recv);
    wolfSSL_CTX_SetIOSend(ctx->wolf, gc_tls_on_send);
    if (ctx->server) {
        wolfSSL_CTX_set_alpn_select_cb(ctx->wolf, gc_tls_on_alpn, NULL);
    }
}

static WOLFSSL_METHOD *
method_of(const struct gc_tls_ctx *ctx)
{
    if (ctx->internal) {
        return ctx->server ? wolfTLSv1_3_server_method() : wolfTLSv1_3_client_method();
    }
    return ctx->server ? wolfSSLv23_server_method() : wolfSSLv23_client_method();
}

/* --- the context ------------------------------------------------------------------------------ */

static const char *
conf_fault(const struct gc_tls_conf *conf)
{
    bool internal = conf->profile == GC_TLS_INTERNAL;
    bool asks = internal || !conf->server || conf->client_cert != GC_TLS_CERT_NONE;

    if ((conf->cert_file == NULL) != (conf->key_file == NULL)) {
        return "certificate and key go together";
    }
    if (conf->cert_file == NULL && (internal || conf->server)) {
        return "no certificate";
    }
    if (asks && conf->ca_file == NULL) {
        return "no CA to verify the peer by";
    }
    if (internal && conf->trust_domain == NULL) {
        return "no trust domain";
    }
    if (conf->trust_domain != NULL && !gc_spiffe_trust_domain_ok(gc_str_of(conf->trust_domain))) {
        return "malformed trust domain";
    }
    return NULL;
}

static void
ctx_free(struct gc_tls_ctx *ctx)
{
    wolfSSL_CTX_free(ctx->wolf);
    gc_buf_fini(&ctx->ca_subjects);
    gc_buf_fini(&ctx->spki);
    free(ctx);
}

static struct gc_tls_ctx *
ctx_alloc(const struct gc_tls_conf *conf)
{
    struct gc_tls_ctx *ctx = calloc(1, sizeof(*ctx));

    if (ctx == NULL) {
        return NULL;
    }
    atomic_init(&ctx->refs, 1);
    gc_buf_init(&ctx->ca_subjects, SUBJECT_BYTES_MAX);
    gc_buf_init(&ctx->spki, GC_X509_DER_BYTES_MAX);
    ctx->server = conf->server;
    ctx->internal = conf->profile == GC_TLS_INTERNAL;
    ctx->alpn_h1 = conf->alpn_h1 && !ctx->internal;
    ctx->needs_cert = ctx->internal || !conf->server || conf->client_cert == GC_TLS_CERT_REQUIRED;
    ctx->asks_cert = ctx->needs_cert || conf->client_cert == GC_TLS_CERT_OPTIONAL;
    if (conf->trust_domain != NULL) {
        snprintf(ctx->trust_domain, sizeof(ctx->trust_domain), "%s", conf->trust_domain);
    }
    ctx->wolf = wolfSSL_CTX_new(method_of(ctx));
    if (ctx->wolf == NULL) {
        ctx_free(ctx);
        return NULL;
    }
    return ctx;
}

int
gc_tls_ctx_new(const struct gc_tls_conf *conf, struct gc_tls_ctx **ret_ctx,
               char error[GC_TLS_ERROR_MAX])
{
    const char *fault = conf_fault(conf);

    if (fault != NULL) {
        return refuse(error, "tls", fault);
    }
    if (library_start() != 0) {
        return refuse(error, "tls", gc_err_text(library_start()));
    }
    struct gc_tls_ctx *ctx = ctx_alloc(conf);
    if (ctx == NULL) {
        return refuse(error, "tls", "no memory");
    }
    int rc = 0;
    if (!set_versions(ctx) || !set_resumption(ctx)) {
        rc = refuse(error, "tls", "the TLS library refuses our versions or settings of resumption");
    }
    if (rc == 0) {
        set_callbacks(ctx);
        rc = load_files(ctx, conf, error);
    }
    if (rc == 0 && !set_suites(ctx)) {
        rc = refuse(error, "tls", "the TLS library does not have exactly our suites and groups");
    }
    if (rc != 0) {
        ctx_free(ctx);
        return rc;
    }
    *ret_ctx = ctx;
    return 0;
}

struct gc_tls_ctx *
gc_tls_ctx_ref(struct gc_tls_ctx *ctx)
{
    unsigned before = atomic_fetch_add_explicit(&ctx->refs, 1, memory_order_relaxed);
    assert(before > 0);
    return ctx;
}

void
gc_tls_ctx_unref(struct gc_tls_ctx *ctx)
{
    if (ctx == NULL) {
        return;
    }
    unsigned before = atomic_fetch_sub_explicit(&ctx->refs, 1, memory_order_acq_rel);
    assert(before > 0);
    if (before == 1) {
        ctx_free(ctx);
    }
}

int64_t
gc_tls_ctx_not_after(const struct gc_tls_ctx *ctx)
{
    return ctx->not_after;
}

void
gc_tls_thread_end(void)
{
    wc_ecc_fp_free();
}
