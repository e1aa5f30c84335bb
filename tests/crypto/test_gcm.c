/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/aes.h>
#include <wolfssl/wolfcrypt/error-crypt.h>

#include "base/macros.h"
#include "base/thread.h"
#include "crypto/gcm.h"

#define TEXT_BYTES 60
#define TAG_BYTES  16
#define IV_BYTES   12
#define BIG_BYTES  16384

/* Test cases 4 and 16 of the GCM specification (McGrew, Viega), which NIST SP 800-38D points to. */
static const uint8_t key[32] = { 0xfe, 0xff, 0xe9, 0x92, 0x86, 0x65, 0x73, 0x1c, 0x6d, 0x6a, 0x8f,
                                 0x94, 0x67, 0x30, 0x83, 0x08, 0xfe, 0xff, 0xe9, 0x92, 0x86, 0x65,
                                 0x73, 0x1c, 0x6d, 0x6a, 0x8f, 0x94, 0x67, 0x30, 0x83, 0x08 };
static const uint8_t iv[IV_BYTES] = { 0xca, 0xfe, 0xba, 0xbe, 0xfa, 0xce,
                                      0xdb, 0xad, 0xde, 0xca, 0xf8, 0x88 };
static const uint8_t aad[20] = { 0xfe, 0xed, 0xfa, 0xce, 0xde, 0xad, 0xbe, 0xef, 0xfe, 0xed,
                                 0xfa, 0xce, 0xde, 0xad, 0xbe, 0xef, 0xab, 0xad, 0xda, 0xd2 };
static const char text_hex[] =
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c9595"
    "6809532fcf0e2449a6b525b16aedf5aa0de657ba637b39";
static const struct {
    size_t key_len;
    const char *sealed;
    const char *tag;
} vectors[] = {
    { 16,
      "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac"
      "84aa051ba30b396a0aac973d58e091",
      "5bc94fbc3221a5db94fae95ae7121a47" },
    { 32,
      "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056"
      "828838c5f61e6393ba7a0abcc9f662",
      "76fc6ece0f4e1768cddf8853bb2d551b" },
};

static void
from_hex(uint8_t *dst, const char *hex)
{
    for (; *hex != '\0'; hex += 2) {
        unsigned byte;

        assert_int_equal(sscanf(hex, "%2x", &byte), 1);
        *dst++ = (uint8_t)byte;
    }
}

static void
aes_init(Aes *aes, int dev_id, const uint8_t *k, size_t key_len)
{
    assert_int_equal(wc_AesInit(aes, NULL, dev_id), 0);
    assert_int_equal(wc_AesGcmSetKey(aes, k, (word32)key_len), 0);
}

static int
dev_id_of_test(void)
{
    int dev_id = INVALID_DEVID;

    assert_int_equal(gc_gcm_register(&dev_id), 0);
    assert_int_not_equal(dev_id, INVALID_DEVID);
    return dev_id;
}

static void
vectors_of_the_standard_go_both_ways_in_place(void **state)
{
    uint8_t text[TEXT_BYTES], sealed[TEXT_BYTES], tag[TAG_BYTES], buf[TEXT_BYTES], made[TAG_BYTES];
    int dev_id = dev_id_of_test();
    Aes aes;

    (void)state;
    from_hex(text, text_hex);
    for (size_t i = 0; i < GC_ARRAY_LEN(vectors); i++) {
        uint64_t before = gc_gcm_thread_records();

        from_hex(sealed, vectors[i].sealed);
        from_hex(tag, vectors[i].tag);
        aes_init(&aes, dev_id, key, vectors[i].key_len);
        memcpy(buf, text, sizeof(buf));
        assert_int_equal(wc_AesGcmEncrypt(&aes, buf, buf, sizeof(buf), iv, IV_BYTES, made,
                                          TAG_BYTES, aad, sizeof(aad)),
                         0);
        assert_memory_equal(buf, sealed, sizeof(sealed));
        assert_memory_equal(made, tag, sizeof(tag));
        assert_int_equal(wc_AesGcmDecrypt(&aes, buf, buf, sizeof(buf), iv, IV_BYTES, tag, TAG_BYTES,
                                          aad, sizeof(aad)),
                         0);
        assert_memory_equal(buf, text, sizeof(text));
        assert_int_equal(gc_gcm_thread_records(), before + 2);
        wc_AesFree(&aes);
    }
}

static void
bad_tag_is_refused_and_shows_no_plaintext(void **state)
{
    uint8_t buf[TEXT_BYTES], tag[TAG_BYTES];
    static const uint8_t zeros[TEXT_BYTES];
    int dev_id = dev_id_of_test();
    Aes aes;

    (void)state;
    aes_init(&aes, dev_id, key, 16);
    for (size_t bit = 0; bit < 8 * (size_t)TAG_BYTES; bit += 13) {
        from_hex(buf, vectors[0].sealed);
        from_hex(tag, vectors[0].tag);
        tag[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_int_equal(wc_AesGcmDecrypt(&aes, buf, buf, sizeof(buf), iv, IV_BYTES, tag, TAG_BYTES,
                                          aad, sizeof(aad)),
                         AES_GCM_AUTH_E);
        assert_memory_equal(buf, zeros, sizeof(zeros));
    }
    wc_AesFree(&aes);
}

static void
changed_associated_data_is_refused(void **state)
{
    uint8_t buf[TEXT_BYTES], tag[TAG_BYTES];
    Aes aes;

    (void)state;
    aes_init(&aes, dev_id_of_test(), key, 32);
    from_hex(buf, vectors[1].sealed);
    from_hex(tag, vectors[1].tag);
    assert_int_equal(wc_AesGcmDecrypt(&aes, buf, buf, sizeof(buf), iv, IV_BYTES, tag, TAG_BYTES,
                                      aad, sizeof(aad) - 1),
                     AES_GCM_AUTH_E);
    wc_AesFree(&aes);
}

/* The tag of an empty text is right here, so it is the emptiness that is refused. */
static void
opening_an_empty_record_fails_though_its_tag_is_right(void **state)
{
    uint8_t tag[TAG_BYTES], dummy[1] = { 0 };
    int dev_id = dev_id_of_test();
    Aes aes;

    (void)state;
    aes_init(&aes, dev_id, key, 16);
    assert_int_equal(
        wc_AesGcmEncrypt(&aes, dummy, dummy, 0, iv, IV_BYTES, tag, TAG_BYTES, aad, sizeof(aad)), 0);
    assert_int_equal(
        wc_AesGcmDecrypt(&aes, dummy, dummy, 0, iv, IV_BYTES, tag, TAG_BYTES, aad, sizeof(aad)),
        AES_GCM_AUTH_E);
    gc_gcm_unregister();
    assert_int_equal(
        wc_AesGcmDecrypt(&aes, dummy, dummy, 0, iv, IV_BYTES, tag, TAG_BYTES, aad, sizeof(aad)), 0);
    wc_AesFree(&aes);
}

/* Lengths around the block and the bulk code paths, two keys in turn, not in place. */
static void
device_and_wolfcrypt_agree_for_every_length(void **state)
{
    static const size_t lengths[] = { 1, 15, 16, 17, 31, 127, 128, 129, 1000, 4097, BIG_BYTES };
    static uint8_t text[BIG_BYTES], ours[BIG_BYTES], theirs[BIG_BYTES], back[BIG_BYTES];
    uint8_t other_key[16], our_tag[TAG_BYTES], their_tag[TAG_BYTES];
    int dev_id = dev_id_of_test();
    Aes device, soft;

    (void)state;
    memset(other_key, 0x5a, sizeof(other_key));
    for (size_t i = 0; i < BIG_BYTES; i++) {
        text[i] = (uint8_t)(i * 31 + i / 256);
    }
    for (size_t i = 0; i < 2 * GC_ARRAY_LEN(lengths); i++) {
        word32 len = (word32)lengths[i / 2];
        const uint8_t *k = i % 2 == 0 ? key : other_key;

        aes_init(&device, dev_id, k, 16);
        aes_init(&soft, INVALID_DEVID, k, 16);
        assert_int_equal(
            wc_AesGcmEncrypt(&device, ours, text, len, iv, IV_BYTES, our_tag, TAG_BYTES, aad, 5),
            0);
        assert_int_equal(
            wc_AesGcmEncrypt(&soft, theirs, text, len, iv, IV_BYTES, their_tag, TAG_BYTES, aad, 5),
            0);
        assert_memory_equal(ours, theirs, len);
        assert_memory_equal(our_tag, their_tag, TAG_BYTES);
        assert_int_equal(wc_AesGcmDecrypt(&device, back, theirs, len, iv, IV_BYTES, their_tag,
                                          TAG_BYTES, aad, 5),
                         0);
        assert_memory_equal(back, text, len);
        wc_AesFree(&device);
        wc_AesFree(&soft);
    }
}

static void
what_the_device_does_not_do_falls_back_to_wolfcrypt(void **state)
{
    uint8_t buf[TEXT_BYTES], tag[12];
    int dev_id = dev_id_of_test();
    uint64_t before = gc_gcm_thread_records();
    Aes aes;

    (void)state;
    aes_init(&aes, dev_id, key, 24);
    from_hex(buf, text_hex);
    assert_int_equal(wc_AesGcmEncrypt(&aes, buf, buf, sizeof(buf), iv, IV_BYTES, tag, sizeof(tag),
                                      aad, sizeof(aad)),
                     0);
    assert_int_equal(wc_AesGcmDecrypt(&aes, buf, buf, sizeof(buf), iv, IV_BYTES, tag, sizeof(tag),
                                      aad, sizeof(aad)),
                     0);
    assert_int_equal(gc_gcm_thread_records(), before);
    wc_AesFree(&aes);
}

static void
unregistered_device_falls_back_to_wolfcrypt(void **state)
{
    uint8_t buf[TEXT_BYTES], sealed[TEXT_BYTES], tag[TAG_BYTES];
    int dev_id = dev_id_of_test();
    uint64_t before = gc_gcm_thread_records();
    Aes aes;

    (void)state;
    gc_gcm_unregister();
    aes_init(&aes, dev_id, key, 16);
    from_hex(buf, text_hex);
    from_hex(sealed, vectors[0].sealed);
    assert_int_equal(wc_AesGcmEncrypt(&aes, buf, buf, sizeof(buf), iv, IV_BYTES, tag, TAG_BYTES,
                                      aad, sizeof(aad)),
                     0);
    assert_memory_equal(buf, sealed, sizeof(sealed));
    assert_int_equal(gc_gcm_thread_records(), before);
    wc_AesFree(&aes);
}

struct sealer {
    struct gc_thread thread;
    int dev_id;
    uint8_t key_byte;
    bool ok;
};

static void
seal_and_open_with_own_key(void *arg)
{
    uint8_t my_key[16], text[256], buf[256], tag[TAG_BYTES];
    struct sealer *sealer = arg;
    bool ok;
    Aes aes;

    memset(my_key, sealer->key_byte, sizeof(my_key));
    memset(text, 7, sizeof(text));
    ok = wc_AesInit(&aes, NULL, sealer->dev_id) == 0 &&
         wc_AesGcmSetKey(&aes, my_key, sizeof(my_key)) == 0;
    for (unsigned i = 0; ok && i < 500; i++) {
        memcpy(buf, text, sizeof(buf));
        ok = wc_AesGcmEncrypt(&aes, buf, buf, sizeof(buf), iv, IV_BYTES, tag, TAG_BYTES, aad, 5) ==
                 0 &&
             wc_AesGcmDecrypt(&aes, buf, buf, sizeof(buf), iv, IV_BYTES, tag, TAG_BYTES, aad, 5) ==
                 0 &&
             memcmp(buf, text, sizeof(buf)) == 0;
    }
    wc_AesFree(&aes);
    sealer->ok = ok && gc_gcm_thread_records() == 1000;
}

static void
threads_do_not_disturb_each_other(void **state)
{
    int dev_id = dev_id_of_test();
    struct sealer sealers[4];

    (void)state;
    for (size_t i = 0; i < GC_ARRAY_LEN(sealers); i++) {
        sealers[i].dev_id = dev_id;
        sealers[i].key_byte = (uint8_t)(i + 1);
        assert_int_equal(
            gc_thread_start(&sealers[i].thread, "sealer", seal_and_open_with_own_key, &sealers[i]),
            0);
    }
    for (size_t i = 0; i < GC_ARRAY_LEN(sealers); i++) {
        gc_thread_join(&sealers[i].thread);
        assert_true(sealers[i].ok);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_of_the_standard_go_both_ways_in_place),
        cmocka_unit_test(bad_tag_is_refused_and_shows_no_plaintext),
        cmocka_unit_test(changed_associated_data_is_refused),
        cmocka_unit_test(opening_an_empty_record_fails_though_its_tag_is_right),
        cmocka_unit_test(device_and_wolfcrypt_agree_for_every_length),
        cmocka_unit_test(what_the_device_does_not_do_falls_back_to_wolfcrypt),
        cmocka_unit_test(unregistered_device_falls_back_to_wolfcrypt),
        cmocka_unit_test(threads_do_not_disturb_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
