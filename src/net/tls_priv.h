/* SPDX-License-Identifier: MIT */
/* The inside of contexts and sessions, for tls_*.c. */
#ifndef GC_NET_TLS_PRIV_H
#define GC_NET_TLS_PRIV_H

#include <stdatomic.h>

#include <wolfssl/options.h>

#include <wolfssl/error-ssl.h>
#include <wolfssl/ssl.h>

#include "base/buf.h"
#include "net/tls.h"

#define GC_TLS_NAME_MAX   256 /* of a server, with its NUL */
#define GC_TLS_HEADER_LEN 5   /* of a record */

struct gc_tls_ctx {
    WOLFSSL_CTX *wolf;
    atomic_uint refs;
    bool server;
    bool internal;
    bool alpn_h1;
    bool asks_cert;        /* the peer's certificate is asked for and verified */
    bool needs_cert;       /* ... and has to come */
    char trust_domain[64]; /* empty: certificates need not carry an identity */
    int64_t not_after;
    struct gc_buf spki;        /* our public key as the certificate has it */
    struct gc_buf ca_subjects; /* Names as DER, one after the other (they know their length) */
};

struct gc_tls {
    WOLFSSL *wolf;
    struct gc_tls_ctx *ctx;
    struct gc_tls_io io;

    const uint8_t *in; /* lent ciphertext */
    size_t in_len;
    uint8_t header[GC_TLS_HEADER_LEN]; /* of the record that is being read */
    size_t header_len;
    size_t body_left;

    bool done;             /* handshake finished and checked */
    bool alpn_mismatch;    /* the client offered protocols, none of them ours */
    bool identity_refused; /* rather than any other failure */
    const char *refusal;   /* why our checks refuse the peer; NULL: they do not (yet) */
    bool has_cert;
    struct gc_spiffe_id id;
    char expect_name[GC_TLS_NAME_MAX]; /* a client's; empty: none */
    char error[96];
};

/* tls_verify.c: wolfSSL's verify callback: its verdict and ours have to agree. */
int gc_tls_on_verify(int preverify, WOLFSSL_X509_STORE_CTX *store);
/* The same check of the leaf once the handshake is over, and that there is one where there has to
 * be. */
int gc_tls_verify_peer(struct gc_tls *tls);

/* tls_session.c: the ends of a session, as callbacks of the context. */
int gc_tls_on_recv(WOLFSSL *wolf, char *dst, int size, void *arg);
int gc_tls_on_send(WOLFSSL *wolf, char *data, int len, void *arg);
int gc_tls_on_alpn(WOLFSSL *wolf, const unsigned char **ret_name, unsigned char *ret_len,
                   const unsigned char *offered, unsigned offered_len, void *arg);

#endif
