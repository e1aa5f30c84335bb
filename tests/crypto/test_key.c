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
#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/ecc.h>

#include "base/err.h"
#include "base/macros.h"
#include "crypto/crypto.h"
#include "crypto/hash.h"
#include "crypto/key.h"
#include "crypto/pem.h"

/* Made by openssl 3.0: one key in both forms. */
static const char pkcs8_pem[] = "-----BEGIN PRIVATE KEY-----\n"
                                "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgWSZfqDIpT8IMVLT9\n"
                                "I30jZiRo9hDXxX6GMs6aBCG0vzShRANCAASSx6KbuGHc6EH+8fv0/FtLRGay3dXM\n"
                                "chzInlotg22jyqaMPnQI1If10UpgKgTcQK6Fddd/67ICvQ7CzBKjYYTs\n"
                                "-----END PRIVATE KEY-----\n";
static const char sec1_pem[] = "-----BEGIN EC PARAMETERS-----\n"
                               "BggqhkjOPQMBBw==\n"
                               "-----END EC PARAMETERS-----\n"
                               "-----BEGIN EC PRIVATE KEY-----\n"
                               "MHcCAQEEIFkmX6gyKU/CDFS0/SN9I2YkaPYQ18V+hjLOmgQhtL80oAoGCCqGSM49\n"
                               "AwEHoUQDQgAEkseim7hh3OhB/vH79PxbS0Rmst3VzHIcyJ5aLYNto8qmjD50CNSH\n"
                               "9dFKYCoE3ECuhXXXf+uyAr0OwswSo2GE7A==\n"
                               "-----END EC PRIVATE KEY-----\n";
static const char p384_pem[] = "-----BEGIN PRIVATE KEY-----\n"
                               "MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDDcxdMC2ezhCqqNb3Om\n"
                               "p0mYoOWlgNaX2xtuccC+j4Chey73LWY38f422wcAGQXUIquhZANiAASiCov703Mw\n"
                               "JxVNlK1vjtP2ciDQB31JqNkeZus9p6XAwyFvD2JJM35gfOePq/vcVRNyjbxqmxMV\n"
                               "jRJLogaAmsAEpRPhzffnN3fcGfCCTgaMlRYHBg5I9R4E2zvPdG+jrao=\n"
                               "-----END PRIVATE KEY-----\n";

static bool
verifies(const uint8_t *point, const void *data, size_t len, const uint8_t *sig, size_t sig_len)
{
    ecc_key *ecc = wc_ecc_key_new(NULL);
    uint8_t digest[GC_SHA256_BYTES];
    int good = 0;

    assert_non_null(ecc);
    gc_sha256(data, len, digest);
    assert_int_equal(wc_ecc_import_x963(point, GC_KEY_PUBLIC_BYTES, ecc), 0);
    assert_int_equal(wc_ecc_verify_hash(sig, (word32)sig_len, digest, sizeof(digest), &good, ecc),
                     0);
    wc_ecc_key_free(ecc);
    return good == 1;
}

static void
signature_verifies_with_the_public_half_only(void **state)
{
    uint8_t sig[GC_KEY_SIG_BYTES_MAX];
    struct gc_key *key, *other;
    size_t sig_len;

    (void)state;
    assert_int_equal(gc_key_generate(&key), 0);
    assert_int_equal(gc_key_generate(&other), 0);
    assert_memory_not_equal(gc_key_public(key), gc_key_public(other), GC_KEY_PUBLIC_BYTES);
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(gc_key_sign(key, "text", 4, sig, &sig_len), 0);
        assert_true(verifies(gc_key_public(key), "text", 4, sig, sig_len));
        assert_false(verifies(gc_key_public(key), "texT", 4, sig, sig_len));
        assert_false(verifies(gc_key_public(other), "text", 4, sig, sig_len));
    }
    gc_key_free(key);
    gc_key_free(other);
    gc_key_free(NULL);
}

static void
key_comes_back_from_its_pem(void **state)
{
    struct gc_key *key, *again;
    struct gc_buf pem;

    (void)state;
    gc_buf_init(&pem, 4096);
    assert_int_equal(gc_key_generate(&key), 0);
    assert_int_equal(gc_key_to_pem(key, &pem), 0);
    assert_int_equal(gc_key_from_pem(gc_str_of(gc_buf_cstr(&pem)), &again), 0);
    assert_memory_equal(gc_key_public(key), gc_key_public(again), GC_KEY_PUBLIC_BYTES);
    gc_buf_fini(&pem);
    gc_key_free(key);
    gc_key_free(again);
}

static void
pem_is_read_by_the_tls_library(void **state)
{
    WOLFSSL_CTX *ctx = wolfSSL_CTX_new(wolfTLSv1_3_server_method());
    struct gc_key *key;
    struct gc_buf pem;

    (void)state;
    assert_non_null(ctx);
    gc_buf_init(&pem, 4096);
    assert_int_equal(gc_key_generate(&key), 0);
    assert_int_equal(gc_key_to_pem(key, &pem), 0);
    assert_int_equal(
        wolfSSL_CTX_use_PrivateKey_buffer(ctx, pem.data, (long)pem.len, WOLFSSL_FILETYPE_PEM),
        WOLFSSL_SUCCESS);
    gc_buf_fini(&pem);
    gc_key_free(key);
    wolfSSL_CTX_free(ctx);
}

static void
both_forms_of_openssl_are_read(void **state)
{
    struct gc_key *a, *b;
    struct gc_buf pem;

    (void)state;
    assert_int_equal(gc_key_from_pem(gc_str_of(pkcs8_pem), &a), 0);
    assert_int_equal(gc_key_from_pem(gc_str_of(sec1_pem), &b), 0);
    assert_memory_equal(gc_key_public(a), gc_key_public(b), GC_KEY_PUBLIC_BYTES);
    gc_buf_init(&pem, 4096);
    assert_int_equal(gc_key_to_pem(a, &pem), 0);
    assert_string_equal(gc_buf_cstr(&pem), pkcs8_pem);
    gc_buf_fini(&pem);
    gc_key_free(a);
    gc_key_free(b);
}

static void
keys_of_other_kinds_are_refused(void **state)
{
    struct gc_key *key = NULL;

    (void)state;
    assert_int_equal(gc_key_from_pem(gc_str_of(p384_pem), &key), GC_EUNIMPLEMENTED);
    assert_int_equal(gc_key_from_pem(GC_STR("-----BEGIN RSA PRIVATE KEY-----\nAAAA\n"
                                            "-----END RSA PRIVATE KEY-----\n"),
                                     &key),
                     GC_EUNIMPLEMENTED);
    assert_int_equal(gc_key_from_pem(GC_STR("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n"
                                            "-----END ENCRYPTED PRIVATE KEY-----\n"),
                                     &key),
                     GC_EUNIMPLEMENTED);
    assert_null(key);
}

static void
text_without_a_key_is_malformed(void **state)
{
    static const char *const bad[] = {
        "",
        "\n",
        "-----BEGIN PRIVATE KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\nMIG!\n-----END PRIVATE KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    };
    struct gc_key *key = NULL;

    (void)state;
    for (size_t i = 0; i < GC_ARRAY_LEN(bad); i++) {
        assert_int_equal(gc_key_from_pem(gc_str_of(bad[i]), &key), GC_EPARSE);
    }
    for (size_t len = 0; len < sizeof(pkcs8_pem) - 2; len++) {
        assert_int_equal(gc_key_from_pem((struct gc_str){ pkcs8_pem, len }, &key), GC_EPARSE);
    }
}

/* Zero, and the order of the group, written into the place of the private number. */
static void
numbers_outside_the_group_are_refused(void **state)
{
    static const char *const edges[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
    };
    struct gc_str text = gc_str_of(pkcs8_pem), label;
    struct gc_buf der, pem;
    struct gc_key *key = NULL;

    (void)state;
    gc_buf_init(&der, 4096);
    gc_buf_init(&pem, 4096);
    assert_int_equal(gc_pem_next(&text, &label, &der), 0);
    for (size_t i = 0; i < GC_ARRAY_LEN(edges); i++) {
        assert_int_equal(gc_hex_decode(der.data + 36, 32, gc_str_of(edges[i])), 0);
        gc_buf_clear(&pem);
        assert_int_equal(gc_pem_encode("PRIVATE KEY", der.data, der.len, &pem), 0);
        assert_int_equal(gc_key_from_pem(gc_str_of(gc_buf_cstr(&pem)), &key), GC_EPARSE);
    }
    gc_buf_fini(&der);
    gc_buf_fini(&pem);
}

static void
pem_blocks_are_read_one_after_the_other(void **state)
{
    struct gc_str text, label;
    uint8_t data[200];
    struct gc_buf pem, der;

    (void)state;
    gc_buf_init(&pem, 4096);
    gc_buf_init(&der, 4096);
    for (size_t i = 0; i < sizeof(data); i++) {
        data[i] = (uint8_t)i;
    }
    for (size_t len = 1; len <= sizeof(data); len += 47) {
        assert_int_equal(gc_buf_append_str(&pem, "a comment\r\n"), 0);
        assert_int_equal(gc_pem_encode("DATA", data, len, &pem), 0);
    }
    text = gc_str_of(gc_buf_cstr(&pem));
    for (size_t len = 1; len <= sizeof(data); len += 47) {
        assert_int_equal(gc_pem_next(&text, &label, &der), 0);
        assert_true(gc_str_eq_cstr(label, "DATA"));
        assert_int_equal(der.len, len);
        assert_memory_equal(der.data, data, len);
    }
    assert_int_equal(gc_pem_next(&text, &label, &der), GC_ENOTFOUND);
    gc_buf_fini(&pem);
    gc_buf_fini(&der);
}

static void
pem_larger_than_the_buffer_is_refused(void **state)
{
    static const uint8_t data[300];
    struct gc_str text, label;
    struct gc_buf pem, der;

    (void)state;
    gc_buf_init(&pem, 4096);
    gc_buf_init(&der, 100);
    assert_int_equal(gc_pem_encode("DATA", data, sizeof(data), &pem), 0);
    text = gc_str_of(gc_buf_cstr(&pem));
    assert_int_equal(gc_pem_next(&text, &label, &der), GC_ELIMIT);
    gc_buf_fini(&pem);
    gc_buf_init(&pem, 100);
    assert_int_equal(gc_pem_encode("DATA", data, sizeof(data), &pem), GC_ELIMIT);
    assert_int_equal(pem.len, 0);
    gc_buf_fini(&pem);
    gc_buf_fini(&der);
}

static int
set_up(void **state)
{
    (void)state;
    return gc_crypto_init();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signature_verifies_with_the_public_half_only),
        cmocka_unit_test(key_comes_back_from_its_pem),
        cmocka_unit_test(pem_is_read_by_the_tls_library),
        cmocka_unit_test(both_forms_of_openssl_are_read),
        cmocka_unit_test(keys_of_other_kinds_are_refused),
        cmocka_unit_test(text_without_a_key_is_malformed),
        cmocka_unit_test(numbers_outside_the_group_are_refused),
        cmocka_unit_test(pem_blocks_are_read_one_after_the_other),
        cmocka_unit_test(pem_larger_than_the_buffer_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
