/* SPDX-License-Identifier: MIT */
/* Start-up of the libraries that do the cryptography (libgcrypt, wolfCrypt). */
#ifndef GC_CRYPTO_CRYPTO_H
#define GC_CRYPTO_CRYPTO_H

/* Make both libraries ready and check that they do what we need of them. To be called before
 * anything else of this folder; idempotent, any thread. GC_EVERSION when a library is too old,
 * GC_EUNIMPLEMENTED when it refuses a needed algorithm (MD5 in FIPS mode), GC_EINTERNAL otherwise.
 */
int gc_crypto_init(void);

#endif
