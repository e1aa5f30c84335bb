/* SPDX-License-Identifier: MIT */
#include "crypto/crypto.h"

#include <pthread.h>
#include <stddef.h>

#include <gcrypt.h>
#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/wc_port.h>

#include "base/err.h"

#define GCRYPT_VERSION_MIN "1.10.0"

/* What the once-routine found; written once, before pthread_once returns in any thread. */
static int init_rc;

static int
init_gcrypt(void)
{
    if (gcry_check_version(GCRYPT_VERSION_MIN) == NULL) {
        return GC_EVERSION;
    }
    /* Another library of the process (libsystemd) may have been first; its settings stand then. */
    if (gcry_control(GCRYCTL_INITIALIZATION_FINISHED_P) == 0) {
        gcry_control(GCRYCTL_DISABLE_SECMEM, 0);
        gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
    }
    if (gcry_md_test_algo(GCRY_MD_SHA256) != 0 || gcry_md_test_algo(GCRY_MD_MD5) != 0 ||
        gcry_cipher_test_algo(GCRY_CIPHER_AES128) != 0 ||
        gcry_cipher_test_algo(GCRY_CIPHER_AES256) != 0) {
        return GC_EUNIMPLEMENTED;
    }
    return 0;
}

static void
init_once(void)
{
    init_rc = init_gcrypt();
    if (init_rc == 0 && wolfCrypt_Init() != 0) {
        init_rc = GC_EINTERNAL;
    }
}

int
gc_crypto_init(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, init_once);
    return init_rc;
}
