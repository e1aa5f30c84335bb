/* SPDX-License-Identifier: MIT */
/* P-256 key pairs, by wolfCrypt. A key is immutable once made; threads may share it. gc_crypto_init
 * first. */
#ifndef GC_CRYPTO_KEY_H
#define GC_CRYPTO_KEY_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

#define GC_KEY_PUBLIC_BYTES  65 /* 0x04, X, Y */
#define GC_KEY_SIG_BYTES_MAX 72 /* DER of two 256-bit numbers */

struct gc_key;

/* A new random key pair. -ENOMEM, GC_EINTERNAL. */
int gc_key_generate(struct gc_key **ret_key);

/* Wipes and frees; NULL is allowed. */
void gc_key_free(struct gc_key *key);

/* Read the first "PRIVATE KEY" (PKCS#8) or "EC PRIVATE KEY" (SEC 1) block of TEXT. GC_EPARSE when
 * there is none or it is malformed, GC_EUNIMPLEMENTED for other than an unencrypted P-256 key,
 * -ENOMEM. */
int gc_key_from_pem(struct gc_str text, struct gc_key **ret_key);

/* Append the key as PKCS#8 PEM. Wipe what you are given. -ENOMEM, GC_ELIMIT. */
int gc_key_to_pem(const struct gc_key *key, struct gc_buf *out);

/* The public half as an uncompressed point. */
const uint8_t *gc_key_public(const struct gc_key *key);

/* ECDSA over SHA-256 of LEN bytes, as DER. -ENOMEM, GC_EINTERNAL. */
int gc_key_sign(const struct gc_key *key, const void *data, size_t len,
                uint8_t ret_sig[GC_KEY_SIG_BYTES_MAX], size_t *ret_len);

#endif
