/* SPDX-License-Identifier: MIT */
/*
 * wolfSSL calls gcm_callback for each record with the AES key in aes->devKey (refreshed on
 * KeyUpdate). Each thread owns one libgcrypt handle per key size and keys it anew only when another
 * connection's key comes along. Nothing hangs on aes->devCtx, which this wolfSSL neither frees nor
 * clears.
 */
#include "crypto/gcm.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <gcrypt.h>
#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/aes.h>
#include <wolfssl/wolfcrypt/cryptocb.h>
#include <wolfssl/wolfcrypt/error-crypt.h>

#include "base/err.h"
#include "base/str.h"
#include "crypto/crypto.h"

#define GCM_DEV_ID    0x67636d /* "gcm"; any number but wolfSSL's INVALID_DEVID */
#define GCM_IV_BYTES  12
#define GCM_TAG_BYTES 16
#define GCM_KEY_MAX   32

struct gcm_cipher {
    gcry_cipher_hd_t handle; /* NULL until first used */
    uint8_t key[GCM_KEY_MAX];
    bool keyed;
};

struct gcm_thread {
    struct gcm_cipher aes128;
    struct gcm_cipher aes256;
    uint64_t records;
};

/* One record, either way. The tag is read when opening, written when sealing. */
struct gcm_job {
    const Aes *aes;
    const uint8_t *in;
    uint8_t *out;
    size_t len;
    const uint8_t *iv;
    const uint8_t *aad;
    size_t aad_len;
};

static pthread_key_t thread_key;
static pthread_once_t thread_key_once = PTHREAD_ONCE_INIT;
static int thread_key_rc;

static void
thread_free(void *arg)
{
    struct gcm_thread *thread = arg;

    gcry_cipher_close(thread->aes128.handle);
    gcry_cipher_close(thread->aes256.handle);
    gc_wipe(thread, sizeof(*thread));
    free(thread);
}

static void
thread_key_make(void)
{
    thread_key_rc = -pthread_key_create(&thread_key, thread_free);
}

static struct gcm_thread *
thread_get(void)
{
    struct gcm_thread *thread = pthread_getspecific(thread_key);

    if (thread != NULL) {
        return thread;
    }
    thread = calloc(1, sizeof(*thread));
    if (thread != NULL && pthread_setspecific(thread_key, thread) != 0) {
        free(thread);
        thread = NULL;
    }
    return thread;
}

static int
cipher_key(struct gcm_cipher *cipher, int algo, const void *key, size_t key_len)
{
    if (cipher->handle == NULL &&
        gcry_cipher_open(&cipher->handle, algo, GCRY_CIPHER_MODE_GCM, 0) != 0) {
        cipher->handle = NULL;
        return MEMORY_E;
    }
    if (cipher->keyed && gc_equal_ct(cipher->key, key, key_len)) {
        return 0;
    }
    cipher->keyed = false;
    if (gcry_cipher_setkey(cipher->handle, key, key_len) != 0) {
        return BAD_FUNC_ARG;
    }
    memcpy(cipher->key, key, key_len);
    cipher->keyed = true;
    return 0;
}

/* The calling thread's cipher with the job's key, IV and associated data in it. Codes are
 * wolfCrypt's. */
static int
cipher_begin(const struct gcm_job *job, gcry_cipher_hd_t *ret_handle)
{
    struct gcm_thread *thread = thread_get();
    struct gcm_cipher *cipher;
    int rc;

    if (thread == NULL) {
        return MEMORY_E;
    }
    if (job->aes->keylen == 16) {
        cipher = &thread->aes128;
        rc = cipher_key(cipher, GCRY_CIPHER_AES128, job->aes->devKey, 16);
    } else {
        cipher = &thread->aes256;
        rc = cipher_key(cipher, GCRY_CIPHER_AES256, job->aes->devKey, 32);
    }
    if (rc != 0) {
        return rc;
    }
    if (gcry_cipher_setiv(cipher->handle, job->iv, GCM_IV_BYTES) != 0 ||
        (job->aad_len > 0 &&
         gcry_cipher_authenticate(cipher->handle, job->aad, job->aad_len) != 0)) {
        return BAD_FUNC_ARG;
    }
    thread->records++;
    *ret_handle = cipher->handle;
    return 0;
}

static bool
in_place(const struct gcm_job *job)
{
    return job->in == job->out;
}

static int
seal(const struct gcm_job *job, uint8_t *tag)
{
    gcry_cipher_hd_t handle;
    int rc;

    rc = cipher_begin(job, &handle);
    if (rc != 0) {
        return rc;
    }
    if (job->len > 0 &&
        gcry_cipher_encrypt(handle, job->out, job->len, in_place(job) ? NULL : job->in,
                            in_place(job) ? 0 : job->len) != 0) {
        return BAD_FUNC_ARG;
    }
    return gcry_cipher_gettag(handle, tag, GCM_TAG_BYTES) == 0 ? 0 : BAD_FUNC_ARG;
}

static int
open_sealed(const struct gcm_job *job, const uint8_t *tag)
{
    gcry_cipher_hd_t handle;
    int rc;

    if (job->len == 0) {
        return AES_GCM_AUTH_E;
    }
    rc = cipher_begin(job, &handle);
    if (rc != 0) {
        return rc;
    }
    if (gcry_cipher_decrypt(handle, job->out, job->len, in_place(job) ? NULL : job->in,
                            in_place(job) ? 0 : job->len) != 0) {
        return BAD_FUNC_ARG;
    }
    if (gcry_cipher_checktag(handle, tag, GCM_TAG_BYTES) != 0) {
        /* libgcrypt decrypts before it checks; nobody may see what was not authenticated. */
        gc_wipe(job->out, job->len);
        return AES_GCM_AUTH_E;
    }
    return 0;
}

static bool
handled(const Aes *aes, size_t iv_len, size_t tag_len)
{
    return aes != NULL && (aes->keylen == 16 || aes->keylen == 32) && iv_len == GCM_IV_BYTES &&
           tag_len == GCM_TAG_BYTES;
}

/* wolfCrypt asks here for every algorithm once a device exists, so the common "no" comes first. */
static int
gcm_callback(int dev_id, wc_CryptoInfo *info, void *arg)
{
    struct gcm_job job;

    (void)arg;
    if (info->algo_type != WC_ALGO_TYPE_CIPHER || info->cipher.type != WC_CIPHER_AES_GCM ||
        dev_id != GCM_DEV_ID) {
        return CRYPTOCB_UNAVAILABLE;
    }
    if (info->cipher.enc) {
        job = (struct gcm_job){ .aes = info->cipher.aesgcm_enc.aes,
                                .in = info->cipher.aesgcm_enc.in,
                                .out = info->cipher.aesgcm_enc.out,
                                .len = info->cipher.aesgcm_enc.sz,
                                .iv = info->cipher.aesgcm_enc.iv,
                                .aad = info->cipher.aesgcm_enc.authIn,
                                .aad_len = info->cipher.aesgcm_enc.authInSz };
        return handled(job.aes, info->cipher.aesgcm_enc.ivSz, info->cipher.aesgcm_enc.authTagSz)
                   ? seal(&job, info->cipher.aesgcm_enc.authTag)
                   : CRYPTOCB_UNAVAILABLE;
    }
    job = (struct gcm_job){ .aes = info->cipher.aesgcm_dec.aes,
                            .in = info->cipher.aesgcm_dec.in,
                            .out = info->cipher.aesgcm_dec.out,
                            .len = info->cipher.aesgcm_dec.sz,
                            .iv = info->cipher.aesgcm_dec.iv,
                            .aad = info->cipher.aesgcm_dec.authIn,
                            .aad_len = info->cipher.aesgcm_dec.authInSz };
    return handled(job.aes, info->cipher.aesgcm_dec.ivSz, info->cipher.aesgcm_dec.authTagSz)
               ? open_sealed(&job, info->cipher.aesgcm_dec.authTag)
               : CRYPTOCB_UNAVAILABLE;
}

int
gc_gcm_register(int *ret_dev_id)
{
    int rc;

    rc = gc_crypto_init();
    if (rc != 0) {
        return rc;
    }
    pthread_once(&thread_key_once, thread_key_make);
    if (thread_key_rc != 0) {
        return thread_key_rc;
    }
    if (wc_CryptoCb_RegisterDevice(GCM_DEV_ID, gcm_callback, NULL) != 0) {
        return GC_ELIMIT;
    }
    *ret_dev_id = GCM_DEV_ID;
    return 0;
}

void
gc_gcm_unregister(void)
{
    wc_CryptoCb_UnRegisterDevice(GCM_DEV_ID);
}

uint64_t
gc_gcm_thread_records(void)
{
    const struct gcm_thread *thread;

    pthread_once(&thread_key_once, thread_key_make);
    thread = thread_key_rc == 0 ? pthread_getspecific(thread_key) : NULL;
    return thread != NULL ? thread->records : 0;
}
