/* SPDX-License-Identifier: MIT */
#include "crypto/hash.h"

#include <errno.h>
#include <string.h>

#include <gcrypt.h>

#include "base/err.h"

static int
hash_algo(enum gc_hash_alg alg)
{
    return alg == GC_HASH_MD5 ? GCRY_MD_MD5 : GCRY_MD_SHA256;
}

/* libgcrypt refuses here only for want of memory: gc_crypto_init has tried the algorithms. */
static int
hash_rc(gcry_error_t err)
{
    if (err == 0) {
        return 0;
    }
    return gcry_err_code(err) == GPG_ERR_ENOMEM ? -ENOMEM : GC_EINTERNAL;
}

int
gc_hash_init(struct gc_hash *hash, enum gc_hash_alg alg)
{
    gcry_md_hd_t md;
    int rc;

    rc = hash_rc(gcry_md_open(&md, hash_algo(alg), 0));
    if (rc != 0) {
        return rc;
    }
    hash->md = md;
    hash->alg = alg;
    return 0;
}

void
gc_hash_fini(struct gc_hash *hash)
{
    gcry_md_close(hash->md);
    hash->md = NULL;
}

void
gc_hash_update(struct gc_hash *hash, const void *data, size_t len)
{
    if (len > 0) {
        gcry_md_write(hash->md, data, len);
    }
}

void
gc_hash_final(struct gc_hash *hash, uint8_t *ret)
{
    int algo = hash_algo(hash->alg);

    memcpy(ret, gcry_md_read(hash->md, algo), gcry_md_get_algo_dlen(algo));
    gcry_md_reset(hash->md);
}

void
gc_sha256(const void *data, size_t len, uint8_t ret[GC_SHA256_BYTES])
{
    gcry_md_hash_buffer(GCRY_MD_SHA256, ret, len > 0 ? data : "", len);
}

void
gc_md5(const void *data, size_t len, uint8_t ret[GC_MD5_BYTES])
{
    gcry_md_hash_buffer(GCRY_MD_MD5, ret, len > 0 ? data : "", len);
}

int
gc_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
               uint8_t ret[GC_SHA256_BYTES])
{
    gcry_md_hd_t md;
    int rc;

    rc = hash_rc(gcry_md_open(&md, GCRY_MD_SHA256, GCRY_MD_FLAG_HMAC));
    if (rc != 0) {
        return rc;
    }
    rc = hash_rc(gcry_md_setkey(md, key_len > 0 ? key : "", key_len));
    if (rc != 0) {
        goto out;
    }
    if (len > 0) {
        gcry_md_write(md, data, len);
    }
    memcpy(ret, gcry_md_read(md, GCRY_MD_SHA256), GC_SHA256_BYTES);
out:
    gcry_md_close(md);
    return rc;
}
