/* SPDX-License-Identifier: MIT */
/* X.509 certificates: a strict reader of what we need to know about a peer or a CA, and a maker of
 * CAs and leaves (P-256, ECDSA with SHA-256). Pure; any thread; gc_crypto_init first. The chain
 * itself is verified by the TLS library. */
#ifndef GC_CRYPTO_X509_H
#define GC_CRYPTO_X509_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "crypto/key.h"

#define GC_X509_DER_BYTES_MAX    (16 * 1024) /* longer certificates are refused */
#define GC_X509_SANS_MAX         32          /* and those with more names */
#define GC_X509_SERIAL_BYTES_MAX 20

enum gc_x509_pubkey { GC_X509_PUBKEY_OTHER, GC_X509_PUBKEY_P256, GC_X509_PUBKEY_ED25519 };

enum gc_x509_san_kind { GC_X509_SAN_OTHER, GC_X509_SAN_DNS, GC_X509_SAN_URI, GC_X509_SAN_IP };

struct gc_x509_san {
    enum gc_x509_san_kind kind;
    struct gc_str value; /* DNS, URI: printable ASCII without NUL; IP: 4 or 16 bytes */
};

/* Bits of key_usage, as RFC 5280 numbers them. */
#define GC_X509_KU_DIGITAL_SIGNATURE 0x01U
#define GC_X509_KU_KEY_CERT_SIGN     0x20U
#define GC_X509_KU_CRL_SIGN          0x40U

/* What a certificate says. All texts point into the DER that was parsed. */
struct gc_x509_info {
    struct gc_str serial;  /* bytes of a positive number, big-endian */
    struct gc_str issuer;  /* the whole Name as DER: equal names are equal bytes */
    struct gc_str subject; /* likewise */
    int64_t not_before;    /* seconds since 1970; both ends are valid moments */
    int64_t not_after;
    enum gc_x509_pubkey pubkey;
    struct gc_str spki;    /* the whole SubjectPublicKeyInfo as DER (for pins) */
    struct gc_str key_id;  /* subject key identifier, empty when absent */
    struct gc_str auth_id; /* authority key identifier (its keyIdentifier), empty when absent */
    bool is_ca;
    bool has_key_usage; /* else every use is allowed */
    uint32_t key_usage;
    bool has_ext_key_usage; /* likewise */
    bool for_server;        /* id-kp-serverAuth or any */
    bool for_client;        /* id-kp-clientAuth or any */
    size_t n_sans;
    struct gc_x509_san sans[GC_X509_SANS_MAX];
};

/* Read a DER certificate of exactly LEN bytes. GC_EPARSE when it is not strict DER, not version 3,
 * or breaks RFC 5280 in what we read; GC_ELIMIT when it is longer or has more names than the limits
 * above. The signature is not checked. */
int gc_x509_parse(const uint8_t *der, size_t len, struct gc_x509_info *ret_info);

/* A Name (subject, issuer) for people: "CN=a, O=b", bytes outside printable ASCII as "?". Cut off
 * when longer than SIZE. */
void gc_x509_name_text(struct gc_str name, char *dst, size_t size);

/* --- making
 * -------------------------------------------------------------------------------------------------------------
 */

enum gc_x509_kind {
    GC_X509_ROOT,         /* self-signed CA */
    GC_X509_INTERMEDIATE, /* CA that signs leaves only (pathlen 0) */
    GC_X509_LEAF,
};

struct gc_x509_ip {
    uint8_t bytes[16];
    size_t len; /* 4 or 16 */
};

/* What to put in. Leaves carry digitalSignature, CA:FALSE and their names; CAs keyCertSign, cRLSign
 * and no names but the subject: a CA never has a SPIFFE id. */
struct gc_x509_spec {
    enum gc_x509_kind kind;
    const char *common_name; /* 1 to 64 bytes of UTF-8 */
    int64_t not_before;      /* seconds since 1970, years 1970 to 9999 */
    int64_t not_after;       /* later than not_before */
    bool client_only;        /* leaf: clientAuth without serverAuth */
    const char *uri;         /* leaf: one URI, or NULL */
    const char *const *dns;
    size_t n_dns;
    const struct gc_x509_ip *ips;
    size_t n_ips; /* all names together at most GC_X509_SANS_MAX */
};

/* Who signs. CERT is the CA's own certificate. */
struct gc_x509_signer {
    const struct gc_key *key;
    const uint8_t *cert;
    size_t cert_len;
};

/* Append to OUT the DER certificate of SUBJECT (only its public half is used), signed by SIGNER;
 * NULL for a root, which SUBJECT signs itself. The serial is random. GC_ERANGE for a spec outside
 * the limits above, GC_EDENIED when SIGNER's certificate is not a CA's or not its key's, GC_EPARSE
 * when it cannot be read, -ENOMEM, GC_ELIMIT (OUT), GC_EINTERNAL. */
int gc_x509_make(const struct gc_x509_spec *spec, const struct gc_key *subject,
                 const struct gc_x509_signer *signer, struct gc_buf *out);

#endif
