/* SPDX-License-Identifier: MIT */
/* Content hashes and HMAC by libgcrypt (about 1 GB/s SHA-256 a core). gc_crypto_init comes first.
 * MD5 is here because S3's ETag is one; it proves nothing about who made the data. One owner per
 * gc_hash; the one-shot calls are safe in any thread. */
#ifndef GC_CRYPTO_HASH_H
#define GC_CRYPTO_HASH_H

#include <stddef.h>
#include <stdint.h>

#define GC_SHA256_BYTES 32
#define GC_MD5_BYTES    16

enum gc_hash_alg { GC_HASH_MD5, GC_HASH_SHA256 };

/* A hash that grows. Private to hash.c but for embedding; all zeros is a valid argument of
 * gc_hash_fini. */
struct gc_hash {
    void *md;
    enum gc_hash_alg alg;
};

/* Start an empty hash. -ENOMEM. */
int gc_hash_init(struct gc_hash *hash, enum gc_hash_alg alg);

/* Free it; also without a final, also twice. */
void gc_hash_fini(struct gc_hash *hash);

/* Add LEN bytes. DATA may be NULL when LEN is 0. */
void gc_hash_update(struct gc_hash *hash, const void *data, size_t len);

/* Write the digest of all that was added (GC_MD5_BYTES or GC_SHA256_BYTES) to RET and start again
 * with an empty hash. */
void gc_hash_final(struct gc_hash *hash, uint8_t *ret);

/* Digest of LEN bytes at once. DATA may be NULL when LEN is 0. */
void gc_sha256(const void *data, size_t len, uint8_t ret[GC_SHA256_BYTES]);
void gc_md5(const void *data, size_t len, uint8_t ret[GC_MD5_BYTES]);

/* HMAC-SHA256 of LEN bytes under a key of any length. -ENOMEM. */
int gc_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
                   uint8_t ret[GC_SHA256_BYTES]);

#endif
