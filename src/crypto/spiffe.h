/* SPDX-License-Identifier: MIT */
/* Identities inside a cluster: spiffe://<trust-domain>/gcommon/<role>/<node>. Pure; any thread.
 *
 * A trust domain is 1 to 63 of a-z 0-9 . - _; a node name 1 to 63 of a-z A-Z 0-9 . - _ but neither
 * "." nor "..". Nothing is folded or decoded: two identities are equal when their bytes are. The
 * error is GC_EIDENTITY unless said otherwise. */
#ifndef GC_CRYPTO_SPIFFE_H
#define GC_CRYPTO_SPIFFE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct gc_x509_info;

struct gc_spiffe_id {
    char trust_domain[64];
    char role[16]; /* web, translation, file, admin, user */
    char node[64];
};

#define GC_SPIFFE_URI_MAX 192 /* bytes of any URI, with its NUL */

/* Take an identity apart. */
int gc_spiffe_parse(struct gc_str uri, struct gc_spiffe_id *ret_id);

/* Write ID's URI and a NUL to DST; GC_EIDENTITY when ID's parts are not well-formed. */
int gc_spiffe_format(const struct gc_spiffe_id *id, char dst[GC_SPIFFE_URI_MAX]);

/* Are these well-formed (and the role one of ours)? */
bool gc_spiffe_trust_domain_ok(struct gc_str text);
bool gc_spiffe_role_ok(struct gc_str text);
bool gc_spiffe_node_ok(struct gc_str text);

/* The identity of a peer's leaf, whose chain and times the TLS library has verified: exactly one
 * URI among its names, of TRUST_DOMAIN, no CA certificate nor one that may sign others, a P-256 or
 * Ed25519 key. */
int gc_spiffe_from_cert(const struct gc_x509_info *cert, const char *trust_domain,
                        struct gc_spiffe_id *ret_id);

#endif
