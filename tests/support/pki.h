/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Throw-away CAs and certificates as files of a temporary folder. */
#ifndef GC_TESTS_SUPPORT_PKI_H
#define GC_TESTS_SUPPORT_PKI_H

#include "crypto/key.h"
#include "crypto/x509.h"
#include "net/tls.h"

#define GC_PKI_DOMAIN "test.gc"

struct gc_pki {
    char dir[64];
    char ca_file[96];
    struct gc_key *key;
    struct gc_buf cert; /* DER of the CA */
    char paths[16][96]; /* of the last names asked for */
    size_t n_paths;
};

/* A folder and a root CA with the common name CA_NAME. Asserts that all goes well, as everything
 * here. */
void gc_pki_init(struct gc_pki *pki, const char *ca_name);
/* Removes the folder. */
void gc_pki_fini(struct gc_pki *pki);
/* The path of NAME in the folder; valid for 15 further calls. */
const char *gc_pki_path(struct gc_pki *pki, const char *name);

/* A leaf valid for an hour with the names localhost and 127.0.0.1, to be changed by tests. */
struct gc_x509_spec gc_pki_spec(const char *common_name, const char *uri);
/* Write NAME.crt and NAME.key. */
void gc_pki_issue(struct gc_pki *pki, const char *name, const struct gc_x509_spec *spec);
/* The same by spec of URI: "spiffe://test.gc/gcommon/ROLE/NODE". */
void gc_pki_leaf(struct gc_pki *pki, const char *name, const char *uri);
/* Write DER as NAME.crt and KEY as NAME.key. */
void gc_pki_write(struct gc_pki *pki, const char *name, const struct gc_buf *der,
                  const struct gc_key *key);
/* Write as NAME.crt and NAME.key a certificate that is the CA's own but for its public key, which
 * is new: subject, key identifier and signature are the CA's (CVE-2026-93302). */
void gc_pki_look_alike(struct gc_pki *pki, const char *name);

/* A context of PROFILE with the certificate NAME (NULL: none) and the CA of PKI. */
struct gc_tls_conf gc_pki_conf(struct gc_pki *pki, enum gc_tls_profile profile, bool server,
                               const char *name);
struct gc_tls_ctx *gc_pki_ctx(struct gc_pki *pki, enum gc_tls_profile profile, bool server,
                              const char *name);

#endif
