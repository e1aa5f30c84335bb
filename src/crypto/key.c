/* SPDX-License-Identifier: MIT */
/*
 * A key is kept as plain numbers; wolfCrypt's own struct is filled for one operation at a time. It
 * is large, not safe to share between threads, and its layout is not ours to rely on.
 */
#include "crypto/key.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/error-crypt.h>
#include <wolfssl/wolfcrypt/random.h>

#include "base/err.h"
#include "crypto/der.h"
#include "crypto/hash.h"
#include "crypto/oid.h"
#include "crypto/pem.h"

#define KEY_BYTES         32
#define KEY_DER_BYTES_MAX 4096

struct gc_key {
    uint8_t priv[KEY_BYTES];
    uint8_t pub[GC_KEY_PUBLIC_BYTES];
};

/* The order of the group: a private key is between 1 and this less 1. */
static const uint8_t order[KEY_BYTES] = { 0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00,
                                          0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                          0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84,
                                          0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51 };

/* The one place that knows wolfCrypt's codes. */
static int
wolf_rc(int code)
{
    if (code == 0) {
        return 0;
    }
    return code == MEMORY_E ? -ENOMEM : GC_EINTERNAL;
}

/* A wolfCrypt key and the generator its operations want. */
struct wolf {
    WC_RNG *rng;
    ecc_key *ecc;
};

static void
wolf_fini(struct wolf *wolf)
{
    if (wolf->ecc != NULL) {
        wc_ecc_key_free(wolf->ecc);
    }
    if (wolf->rng != NULL) {
        wc_rng_free(wolf->rng);
    }
}

static int
wolf_init(struct wolf *wolf)
{
    wolf->rng = wc_rng_new(NULL, 0, NULL);
    wolf->ecc = wc_ecc_key_new(NULL);
    if (wolf->rng == NULL || wolf->ecc == NULL) {
        return -ENOMEM;
    }
    return wolf_rc(wc_ecc_set_rng(wolf->ecc, wolf->rng));
}

/* KEY from the numbers in ECC. */
static int
key_export(struct wolf *wolf, struct gc_key *key)
{
    word32 priv_len = sizeof(key->priv), pub_len = sizeof(key->pub);
    int rc;

    rc = wolf_rc(wc_ecc_export_private_only(wolf->ecc, key->priv, &priv_len));
    if (rc == 0) {
        rc = wolf_rc(wc_ecc_export_x963(wolf->ecc, key->pub, &pub_len));
    }
    if (rc == 0 && (priv_len != sizeof(key->priv) || pub_len != sizeof(key->pub))) {
        rc = GC_EINTERNAL;
    }
    return rc;
}

int
gc_key_generate(struct gc_key **ret_key)
{
    struct gc_key *key = calloc(1, sizeof(*key));
    struct wolf wolf = { 0 };
    int rc;

    rc = key != NULL ? wolf_init(&wolf) : -ENOMEM;
    if (rc == 0) {
        rc = wolf_rc(wc_ecc_make_key_ex(wolf.rng, KEY_BYTES, wolf.ecc, ECC_SECP256R1));
    }
    if (rc == 0) {
        rc = key_export(&wolf, key);
    }
    wolf_fini(&wolf);
    if (rc != 0) {
        gc_key_free(key);
        return rc;
    }
    *ret_key = key;
    return 0;
}

void
gc_key_free(struct gc_key *key)
{
    if (key != NULL) {
        gc_wipe(key, sizeof(*key));
        free(key);
    }
}

const uint8_t *
gc_key_public(const struct gc_key *key)
{
    return key->pub;
}

int
gc_key_sign(const struct gc_key *key, const void *data, size_t len,
            uint8_t ret_sig[GC_KEY_SIG_BYTES_MAX], size_t *ret_len)
{
    uint8_t digest[GC_SHA256_BYTES];
    word32 sig_len = GC_KEY_SIG_BYTES_MAX;
    struct wolf wolf = { 0 };
    int rc;

    gc_sha256(data, len, digest);
    rc = wolf_init(&wolf);
    if (rc == 0) {
        rc = wolf_rc(wc_ecc_import_private_key_ex(key->priv, sizeof(key->priv), key->pub,
                                                  sizeof(key->pub), wolf.ecc, ECC_SECP256R1));
    }
    if (rc == 0) {
        rc = wolf_rc(
            wc_ecc_sign_hash(digest, sizeof(digest), ret_sig, &sig_len, wolf.rng, wolf.ecc));
    }
    wolf_fini(&wolf);
    if (rc == 0) {
        *ret_len = sig_len;
    }
    return rc;
}

/* --- reading
 * ------------------------------------------------------------------------------------------------------------
 */

/* Key from its private number; what a file says about the public half is not believed but computed.
 */
static int
key_from_private(const uint8_t priv[KEY_BYTES], struct gc_key **ret_key)
{
    static const uint8_t zero[KEY_BYTES];
    struct gc_key *key;
    struct wolf wolf = { 0 };
    int rc;

    if (memcmp(priv, zero, KEY_BYTES) == 0 || memcmp(priv, order, KEY_BYTES) >= 0) {
        return GC_EPARSE;
    }
    key = calloc(1, sizeof(*key));
    rc = key != NULL ? wolf_init(&wolf) : -ENOMEM;
    if (rc == 0) {
        rc = wolf_rc(
            wc_ecc_import_private_key_ex(priv, KEY_BYTES, NULL, 0, wolf.ecc, ECC_SECP256R1));
    }
    if (rc == 0) {
        rc = wolf_rc(wc_ecc_make_pub_ex(wolf.ecc, NULL, wolf.rng));
    }
    if (rc == 0) {
        rc = key_export(&wolf, key);
    }
    wolf_fini(&wolf);
    if (rc != 0) {
        gc_key_free(key);
        return rc;
    }
    *ret_key = key;
    return 0;
}

static bool
is_number(struct gc_str number, uint8_t value)
{
    return number.len == 1 && (uint8_t)number.data[0] == value;
}

/* ECPrivateKey of RFC 5915. CURVE_KNOWN: the wrapper has named the curve already. */
static int
parse_sec1(struct gc_der in, bool curve_known, struct gc_key **ret_key)
{
    struct gc_der body, number, wrapper, curve;
    struct gc_str version;

    if (gc_der_read(&in, GC_DER_SEQUENCE, &body) != 0 || in.len != 0 ||
        gc_der_uint(&body, &version) != 0 || !is_number(version, 1) ||
        gc_der_read(&body, GC_DER_OCTET_STRING, &number) != 0) {
        return GC_EPARSE;
    }
    if (gc_der_next_is(&body, GC_DER_EXPLICIT(0))) {
        if (gc_der_read(&body, GC_DER_EXPLICIT(0), &wrapper) != 0 ||
            gc_der_read(&wrapper, GC_DER_OID, &curve) != 0 || wrapper.len != 0) {
            return GC_EPARSE;
        }
        curve_known = gc_str_eq(gc_der_str(curve), GC_OID_P256);
    }
    if (!curve_known) {
        return GC_EUNIMPLEMENTED;
    }
    if (number.len != KEY_BYTES) {
        return GC_EPARSE;
    }
    return key_from_private(number.data, ret_key);
}

/* PrivateKeyInfo of RFC 5208. */
static int
parse_pkcs8(struct gc_der in, struct gc_key **ret_key)
{
    struct gc_der body, algorithm, oid, curve, inner;
    struct gc_str version;

    if (gc_der_read(&in, GC_DER_SEQUENCE, &body) != 0 || in.len != 0 ||
        gc_der_uint(&body, &version) != 0 || gc_der_read(&body, GC_DER_SEQUENCE, &algorithm) != 0 ||
        gc_der_read(&algorithm, GC_DER_OID, &oid) != 0 ||
        gc_der_read(&body, GC_DER_OCTET_STRING, &inner) != 0) {
        return GC_EPARSE;
    }
    if (!gc_str_eq(gc_der_str(oid), GC_OID_EC_PUBLIC_KEY) ||
        gc_der_read(&algorithm, GC_DER_OID, &curve) != 0 ||
        !gc_str_eq(gc_der_str(curve), GC_OID_P256)) {
        return GC_EUNIMPLEMENTED;
    }
    return parse_sec1(inner, true, ret_key);
}

static bool
ends_with_private_key(struct gc_str label)
{
    static const char end[] = "PRIVATE KEY";
    size_t len = sizeof(end) - 1;

    return label.len >= len && memcmp(label.data + label.len - len, end, len) == 0;
}

int
gc_key_from_pem(struct gc_str text, struct gc_key **ret_key)
{
    struct gc_str label = { 0 };
    struct gc_buf der;
    int rc;

    gc_buf_init(&der, KEY_DER_BYTES_MAX);
    do {
        rc = gc_pem_next(&text, &label, &der);
    } while (rc == 0 && !ends_with_private_key(label));
    if (rc != 0) {
        rc = rc == -ENOMEM ? rc : GC_EPARSE;
        goto out;
    }
    if (gc_str_eq_cstr(label, "PRIVATE KEY")) {
        rc = parse_pkcs8((struct gc_der){ der.data, der.len }, ret_key);
    } else if (gc_str_eq_cstr(label, "EC PRIVATE KEY")) {
        rc = parse_sec1((struct gc_der){ der.data, der.len }, false, ret_key);
    } else {
        rc = GC_EUNIMPLEMENTED;
    }
out:
    if (der.data != NULL) {
        gc_wipe(der.data, der.len);
    }
    gc_buf_fini(&der);
    return rc;
}

/* --- writing
 * ------------------------------------------------------------------------------------------------------------
 */

static struct gc_str
bytes_of(const void *data, size_t len)
{
    return (struct gc_str){ .data = data, .len = len };
}

static void
put_sec1(struct gc_der_out *out, const struct gc_key *key)
{
    size_t seq = gc_der_begin(out, GC_DER_SEQUENCE);
    size_t wrapper;

    gc_der_put_uint(out, GC_STR("\x01"));
    gc_der_put(out, GC_DER_OCTET_STRING, bytes_of(key->priv, sizeof(key->priv)));
    wrapper = gc_der_begin(out, GC_DER_EXPLICIT(1));
    gc_der_put_bits(out, bytes_of(key->pub, sizeof(key->pub)), 0);
    gc_der_end(out, wrapper);
    gc_der_end(out, seq);
}

static void
put_pkcs8(struct gc_der_out *out, const struct gc_key *key)
{
    size_t seq = gc_der_begin(out, GC_DER_SEQUENCE);
    size_t inner;

    gc_der_put_uint(out, GC_STR("\0"));
    inner = gc_der_begin(out, GC_DER_SEQUENCE);
    gc_der_put(out, GC_DER_OID, GC_OID_EC_PUBLIC_KEY);
    gc_der_put(out, GC_DER_OID, GC_OID_P256);
    gc_der_end(out, inner);
    inner = gc_der_begin(out, GC_DER_OCTET_STRING);
    put_sec1(out, key);
    gc_der_end(out, inner);
    gc_der_end(out, seq);
}

int
gc_key_to_pem(const struct gc_key *key, struct gc_buf *out)
{
    struct gc_der_out der_out;
    struct gc_buf der;
    int rc;

    gc_buf_init(&der, KEY_DER_BYTES_MAX);
    rc = gc_buf_reserve(&der, KEY_DER_BYTES_MAX);
    if (rc != 0) {
        return rc;
    }
    der_out = (struct gc_der_out){ .buf = &der };
    put_pkcs8(&der_out, key);
    rc = der_out.rc;
    if (rc == 0) {
        rc = gc_pem_encode("PRIVATE KEY", der.data, der.len, out);
    }
    gc_wipe(der.data, der.len);
    gc_buf_fini(&der);
    return rc;
}
