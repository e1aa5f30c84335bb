/* SPDX-License-Identifier: MIT */
/* AES-GCM of TLS records by libgcrypt. Debian's wolfSSL is built without AES-NI; its crypto
 * callback hands us whole records and makes them about 30 times as fast. What the callback does not
 * handle goes on to wolfCrypt's own code. */
#ifndef GC_CRYPTO_GCM_H
#define GC_CRYPTO_GCM_H

#include <stdint.h>

/* Register the callback with wolfCrypt, once, before threads start; again is harmless. RET_DEV_ID
 * is the device id to set on contexts (wolfSSL_CTX_SetDevId, after their key is loaded). Errors of
 * gc_crypto_init, GC_ELIMIT when wolfCrypt's table of devices is full, -ENOMEM.
 *
 * A decryption of zero bytes through the device fails as a bad tag does: an empty TLS 1.3 record
 * makes this wolfSSL read past its buffer (CVE-2024-0901), and nobody has a use for one. */
int gc_gcm_register(int *ret_dev_id);

/* Take it out again; contexts that carry the id fall back to wolfCrypt. For tests that want both
 * paths. */
void gc_gcm_unregister(void);

/* How many records the calling thread has sealed or opened through the callback. For tests. */
uint64_t gc_gcm_thread_records(void);

#endif
