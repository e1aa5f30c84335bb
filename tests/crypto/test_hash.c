/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "crypto/crypto.h"
#include "crypto/hash.h"

#define HEX_MAX (2 * GC_SHA256_BYTES + 1)

static const char *
hex_of(char dst[HEX_MAX], const uint8_t *src, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        snprintf(dst + 2 * i, 3, "%02x", src[i]);
    }
    return dst;
}

static const struct {
    const char *text;
    const char *md5;
    const char *sha256;
} vectors[] = {
    { "", "d41d8cd98f00b204e9800998ecf8427e",
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
    { "abc", "900150983cd24fb0d6963f7d28e17f72",
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
    { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "8215ef0796a20bcaaae116d3876c664a",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
};

static void
one_shot_digests_are_those_of_the_standards(void **state)
{
    uint8_t digest[GC_SHA256_BYTES];
    char hex[HEX_MAX];

    (void)state;
    for (size_t i = 0; i < GC_ARRAY_LEN(vectors); i++) {
        gc_md5(vectors[i].text, strlen(vectors[i].text), digest);
        assert_string_equal(hex_of(hex, digest, GC_MD5_BYTES), vectors[i].md5);
        gc_sha256(vectors[i].text, strlen(vectors[i].text), digest);
        assert_string_equal(hex_of(hex, digest, GC_SHA256_BYTES), vectors[i].sha256);
    }
    gc_sha256(NULL, 0, digest);
    assert_string_equal(hex_of(hex, digest, GC_SHA256_BYTES), vectors[0].sha256);
    gc_md5(NULL, 0, digest);
    assert_string_equal(hex_of(hex, digest, GC_MD5_BYTES), vectors[0].md5);
}

static void
hash_in_pieces_equals_the_hash_at_once(void **state)
{
    uint8_t data[1000], whole[GC_SHA256_BYTES], pieces[GC_SHA256_BYTES];
    struct gc_hash hash = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(data); i++) {
        data[i] = (uint8_t)(i * 7);
    }
    gc_sha256(data, sizeof(data), whole);
    assert_int_equal(gc_hash_init(&hash, GC_HASH_SHA256), 0);
    for (size_t step = 1; step < sizeof(data); step = step * 3 + 1) {
        for (size_t at = 0; at < sizeof(data); at += step) {
            gc_hash_update(&hash, data + at, GC_MIN(step, sizeof(data) - at));
        }
        gc_hash_update(&hash, NULL, 0);
        gc_hash_final(&hash, pieces);
        assert_memory_equal(pieces, whole, sizeof(whole));
    }
    gc_hash_fini(&hash);
}

static void
final_starts_an_empty_hash(void **state)
{
    uint8_t digest[GC_MD5_BYTES];
    struct gc_hash hash = { 0 };
    char hex[HEX_MAX];

    (void)state;
    assert_int_equal(gc_hash_init(&hash, GC_HASH_MD5), 0);
    gc_hash_update(&hash, "abc", 3);
    gc_hash_final(&hash, digest);
    assert_string_equal(hex_of(hex, digest, sizeof(digest)), vectors[1].md5);
    gc_hash_final(&hash, digest);
    assert_string_equal(hex_of(hex, digest, sizeof(digest)), vectors[0].md5);
    gc_hash_fini(&hash);
    gc_hash_fini(&hash);
}

/* RFC 4231, cases 1, 2 and 6 (a key longer than the block). */
static void
hmac_is_that_of_rfc_4231(void **state)
{
    static const char text6[] = "Test Using Larger Than Block-Size Key - Hash Key First";
    uint8_t key[131], mac[GC_SHA256_BYTES];
    char hex[HEX_MAX];

    (void)state;
    memset(key, 0x0b, 20);
    assert_int_equal(gc_hmac_sha256(key, 20, "Hi There", 8, mac), 0);
    assert_string_equal(hex_of(hex, mac, sizeof(mac)),
                        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    assert_int_equal(gc_hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, mac), 0);
    assert_string_equal(hex_of(hex, mac, sizeof(mac)),
                        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof(key));
    assert_int_equal(gc_hmac_sha256(key, sizeof(key), text6, strlen(text6), mac), 0);
    assert_string_equal(hex_of(hex, mac, sizeof(mac)),
                        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void
hmac_takes_an_empty_key_and_an_empty_text(void **state)
{
    uint8_t mac[GC_SHA256_BYTES];
    char hex[HEX_MAX];

    (void)state;
    assert_int_equal(gc_hmac_sha256(NULL, 0, NULL, 0, mac), 0);
    assert_string_equal(hex_of(hex, mac, sizeof(mac)),
                        "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void
init_may_be_called_again(void **state)
{
    (void)state;
    assert_int_equal(gc_crypto_init(), 0);
    assert_int_equal(gc_crypto_init(), 0);
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
        cmocka_unit_test(one_shot_digests_are_those_of_the_standards),
        cmocka_unit_test(hash_in_pieces_equals_the_hash_at_once),
        cmocka_unit_test(final_starts_an_empty_hash),
        cmocka_unit_test(hmac_is_that_of_rfc_4231),
        cmocka_unit_test(hmac_takes_an_empty_key_and_an_empty_text),
        cmocka_unit_test(init_may_be_called_again),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
