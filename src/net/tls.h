/* SPDX-License-Identifier: MIT */
/* TLS contexts and sessions. wolfSSL stays behind tls_*.c; a rpc library user who brings another
 * TLS replaces those.
 *
 * Profiles: INTERNAL is TLS 1.3 only, AES-GCM suites only, both sides show certificates, no
 * tickets, no session cache, the peer's leaf must carry exactly one SPIFFE URI of the trust domain.
 * PUBLIC is TLS 1.2+ with ECDHE AES-GCM; client certificates as configured; no tickets where client
 * certificates are asked for. All remedies for the stock library's known faults are applied to
 * every context (see the comment in tls_ctx.c).
 *
 * A peer's certificate is read by crypto/x509.h, which refuses more than GC_X509_SANS_MAX names. A
 * server is known by its alternative names only, never by its common name.
 *
 * A context is immutable and reference-counted (any thread); a reload makes a new one: running
 * sessions keep theirs. */
#ifndef GC_NET_TLS_H
#define GC_NET_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "crypto/spiffe.h"

enum gc_tls_profile { GC_TLS_INTERNAL, GC_TLS_PUBLIC };
enum gc_tls_client_cert { GC_TLS_CERT_NONE, GC_TLS_CERT_OPTIONAL, GC_TLS_CERT_REQUIRED };

struct gc_tls_conf {
    enum gc_tls_profile profile;
    bool server;
    const char *cert_file; /* PEM chain; may be NULL for a client of a public server */
    const char *key_file;  /* PEM, 0600 or 0640 */
    const char *ca_file; /* PEM: who may have signed the peer's certificate; NULL only where none is
                            verified */
    enum gc_tls_client_cert client_cert; /* PUBLIC servers; INTERNAL is always REQUIRED */
    const char *trust_domain; /* checked against the peer's SPIFFE URI; NULL on PUBLIC clients */
    bool alpn_h1;             /* offer or accept http/1.1 besides h2 */
};

#define GC_TLS_ERROR_MAX 256

struct gc_tls_ctx;
/* Read the files and check that key and certificate match. GC_ECONFIG with a text in ERROR. */
int gc_tls_ctx_new(const struct gc_tls_conf *conf, struct gc_tls_ctx **ret_ctx,
                   char error[GC_TLS_ERROR_MAX]);
struct gc_tls_ctx *gc_tls_ctx_ref(struct gc_tls_ctx *ctx);
void gc_tls_ctx_unref(struct gc_tls_ctx *ctx);
/* When the own certificate ends, seconds since 1970; 0 without one. */
int64_t gc_tls_ctx_not_after(const struct gc_tls_ctx *ctx);

/* Free what the TLS library keeps for the calling thread (megabytes); before a thread that ran
 * sessions ends. */
void gc_tls_thread_end(void);

/* Who is at the other end. Valid as long as the connection. */
struct gc_peer {
    bool tls;
    bool has_cert; /* verified against the CA; ID is set where a trust domain was configured */
    struct gc_spiffe_id id;
    char addr[120]; /* remote "ip:port", or "unix:pid:P,uid:U,gid:G" */
};

/* --- sessions, for net/conn.c only
 * -------------------------------------------------------------------------------------- */

/* A session over memory: ciphertext in by gc_tls_feed, out through the WRITE function; never
 * touches a socket. */
struct gc_tls;
struct gc_tls_io {
    /* Take LEN bytes of ciphertext for the socket (always accepted; the owner bounds plaintext
     * before). */
    void (*write)(void *arg, const void *data, size_t len);
    void *arg;
};
/* EXPECT_NAME: a client's DNS name or IP to verify (and SNI) on PUBLIC; NULL on INTERNAL. */
int gc_tls_new(struct gc_tls_ctx *ctx, const char *expect_name, const struct gc_tls_io *io,
               struct gc_tls **ret_tls);
void gc_tls_free(struct gc_tls *tls);
/* Lend ciphertext; read it out with gc_tls_handshake / gc_tls_read until they want more, before the
 * next feed. */
void gc_tls_feed(struct gc_tls *tls, const void *data, size_t len);
/* 0 finished, -EAGAIN needs more bytes, GC_ETLS / GC_EIDENTITY failed (an alert was written).
 * Clients call it once to start. */
int gc_tls_handshake(struct gc_tls *tls);
/* Plaintext into DST: bytes > 0, -EAGAIN, 0 at a clean close, GC_ETLS. */
int gc_tls_read(struct gc_tls *tls, void *dst, size_t size);
/* Encrypt all LEN bytes (records of at most 16 KiB). */
int gc_tls_write(struct gc_tls *tls, const void *data, size_t len);
void gc_tls_close_notify(struct gc_tls *tls);
/* After the handshake. */
bool gc_tls_alpn_is_h2(const struct gc_tls *tls);
void gc_tls_peer(const struct gc_tls *tls, struct gc_peer *peer);
/* Text of the last failure for logs; static or session memory, never NULL. */
const char *gc_tls_error(const struct gc_tls *tls);

#endif
