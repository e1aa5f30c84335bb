/* SPDX-License-Identifier: MIT */
/*
 * The maker. wolfCrypt's own cannot mark a CA's basic constraints critical, so a certificate is
 * written here element by element and wolfCrypt only signs it. The order is that of RFC 5280, 4.1.
 */
#include "crypto/x509.h"

#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "base/random.h"
#include "crypto/der.h"
#include "crypto/hash.h"
#include "crypto/oid.h"

#define SERIAL_BYTES       16
#define KEY_ID_BYTES       20
#define COMMON_NAME_MAX    64
#define SECONDS_1970       INT64_C(0)
#define SECONDS_9999       INT64_C(253402300799) /* the last second of the year */
#define DNS_NAME_BYTES_MAX 253
#define URI_BYTES_MAX      2048

static struct gc_str
bytes_of(const void *data, size_t len)
{
    return (struct gc_str){ .data = data, .len = len };
}

/* --- what goes in
 * -------------------------------------------------------------------------------------------------------
 */

static bool
text_ok(const char *text, size_t len_max)
{
    size_t len = strlen(text);

    for (size_t i = 0; i < len; i++) {
        if (text[i] <= 0x20 || text[i] >= 0x7f) {
            return false;
        }
    }
    return len >= 1 && len <= len_max;
}

static int
check_names(const struct gc_x509_spec *spec)
{
    if (spec->n_dns > GC_X509_SANS_MAX || spec->n_ips > GC_X509_SANS_MAX ||
        spec->n_dns + spec->n_ips + (spec->uri != NULL) > GC_X509_SANS_MAX) {
        return GC_ERANGE;
    }
    if (spec->uri != NULL && !text_ok(spec->uri, URI_BYTES_MAX)) {
        return GC_ERANGE;
    }
    for (size_t i = 0; i < spec->n_dns; i++) {
        if (!text_ok(spec->dns[i], DNS_NAME_BYTES_MAX)) {
            return GC_ERANGE;
        }
    }
    for (size_t i = 0; i < spec->n_ips; i++) {
        if (spec->ips[i].len != 4 && spec->ips[i].len != 16) {
            return GC_ERANGE;
        }
    }
    return 0;
}

static int
check_spec(const struct gc_x509_spec *spec)
{
    struct gc_str name = gc_str_of(spec->common_name);

    if (name.len == 0 || name.len > COMMON_NAME_MAX || !gc_utf8_valid(name)) {
        return GC_ERANGE;
    }
    if (spec->not_before < SECONDS_1970 || spec->not_after > SECONDS_9999 ||
        spec->not_before >= spec->not_after) {
        return GC_ERANGE;
    }
    if (spec->kind != GC_X509_LEAF &&
        (spec->uri != NULL || spec->n_dns > 0 || spec->n_ips > 0 || spec->client_only)) {
        return GC_ERANGE;
    }
    return check_names(spec);
}

/* Read SIGNER's certificate: it must be a CA's, of this key, and identify that key. */
static int
check_signer(const struct gc_x509_signer *signer, struct gc_x509_info *ret_info)
{
    const uint8_t *point = gc_key_public(signer->key);
    struct gc_str spki;
    int rc;

    rc = gc_x509_parse(signer->cert, signer->cert_len, ret_info);
    if (rc != 0) {
        return rc;
    }
    spki = ret_info->spki; /* ends with the point */
    if (!ret_info->is_ca || ret_info->key_id.len == 0 ||
        (ret_info->has_key_usage && !(ret_info->key_usage & GC_X509_KU_KEY_CERT_SIGN)) ||
        ret_info->pubkey != GC_X509_PUBKEY_P256 ||
        memcmp(spki.data + spki.len - GC_KEY_PUBLIC_BYTES, point, GC_KEY_PUBLIC_BYTES) != 0) {
        return GC_EDENIED;
    }
    return 0;
}

/* --- pieces
 * -------------------------------------------------------------------------------------------------------------
 */

static void
put_algorithm(struct gc_der_out *out)
{
    size_t seq = gc_der_begin(out, GC_DER_SEQUENCE);

    gc_der_put(out, GC_DER_OID, GC_OID_ECDSA_SHA256);
    gc_der_end(out, seq);
}

/* 126 random bits: always 16 bytes and positive. */
static void
put_serial(struct gc_der_out *out)
{
    uint8_t serial[SERIAL_BYTES];

    gc_random_bytes(serial, sizeof(serial));
    serial[0] = (uint8_t)((serial[0] & 0x3f) | 0x40);
    gc_der_put_uint(out, bytes_of(serial, sizeof(serial)));
}

static void
put_common_name(struct gc_der_out *out, const char *name)
{
    size_t seq = gc_der_begin(out, GC_DER_SEQUENCE);
    size_t set = gc_der_begin(out, GC_DER_SET);
    size_t pair = gc_der_begin(out, GC_DER_SEQUENCE);

    gc_der_put(out, GC_DER_OID, GC_OID_COMMON_NAME);
    gc_der_put(out, GC_DER_UTF8_STRING, gc_str_of(name));
    gc_der_end(out, pair);
    gc_der_end(out, set);
    gc_der_end(out, seq);
}

static void
put_validity(struct gc_der_out *out, const struct gc_x509_spec *spec)
{
    size_t seq = gc_der_begin(out, GC_DER_SEQUENCE);

    gc_der_put_time(out, spec->not_before);
    gc_der_put_time(out, spec->not_after);
    gc_der_end(out, seq);
}

static void
put_spki(struct gc_der_out *out, const struct gc_key *key)
{
    size_t seq = gc_der_begin(out, GC_DER_SEQUENCE);
    size_t algorithm = gc_der_begin(out, GC_DER_SEQUENCE);

    gc_der_put(out, GC_DER_OID, GC_OID_EC_PUBLIC_KEY);
    gc_der_put(out, GC_DER_OID, GC_OID_P256);
    gc_der_end(out, algorithm);
    gc_der_put_bits(out, bytes_of(gc_key_public(key), GC_KEY_PUBLIC_BYTES), 0);
    gc_der_end(out, seq);
}

/* --- extensions
 * ---------------------------------------------------------------------------------------------------------
 */

/* An extension is open from ext_begin to ext_end; what is put in between is its content. */
struct ext {
    size_t seq;
    size_t octets;
};

static struct ext
ext_begin(struct gc_der_out *out, struct gc_str oid, bool critical)
{
    struct ext ext;

    ext.seq = gc_der_begin(out, GC_DER_SEQUENCE);
    gc_der_put(out, GC_DER_OID, oid);
    if (critical) {
        gc_der_put_bool(out, true);
    }
    ext.octets = gc_der_begin(out, GC_DER_OCTET_STRING);
    return ext;
}

static void
ext_end(struct gc_der_out *out, struct ext ext)
{
    gc_der_end(out, ext.octets);
    gc_der_end(out, ext.seq);
}

static void
put_basic_constraints(struct gc_der_out *out, enum gc_x509_kind kind)
{
    struct ext ext = ext_begin(out, GC_OID_BASIC_CONSTRAINTS, true);
    size_t seq = gc_der_begin(out, GC_DER_SEQUENCE);

    if (kind != GC_X509_LEAF) {
        gc_der_put_bool(out, true);
    }
    if (kind == GC_X509_INTERMEDIATE) {
        gc_der_put_uint(out, GC_STR("\0")); /* no further CA below this one */
    }
    gc_der_end(out, seq);
    ext_end(out, ext);
}

static void
put_key_usage(struct gc_der_out *out, enum gc_x509_kind kind)
{
    struct ext ext = ext_begin(out, GC_OID_KEY_USAGE, true);

    if (kind == GC_X509_LEAF) {
        gc_der_put_bits(out, GC_STR("\x80"), 7); /* digitalSignature */
    } else {
        gc_der_put_bits(out, GC_STR("\x06"), 1); /* keyCertSign, cRLSign */
    }
    ext_end(out, ext);
}

static void
put_ext_key_usage(struct gc_der_out *out, bool client_only)
{
    struct ext ext = ext_begin(out, GC_OID_EXT_KEY_USAGE, false);
    size_t seq = gc_der_begin(out, GC_DER_SEQUENCE);

    if (!client_only) {
        gc_der_put(out, GC_DER_OID, GC_OID_SERVER_AUTH);
    }
    gc_der_put(out, GC_DER_OID, GC_OID_CLIENT_AUTH);
    gc_der_end(out, seq);
    ext_end(out, ext);
}

/* RFC 7093, method 1: the first 160 bits of the SHA-256 of the point. */
static void
put_subject_key_id(struct gc_der_out *out, const struct gc_key *key)
{
    struct ext ext = ext_begin(out, GC_OID_SUBJECT_KEY_ID, false);
    uint8_t digest[GC_SHA256_BYTES];

    gc_sha256(gc_key_public(key), GC_KEY_PUBLIC_BYTES, digest);
    gc_der_put(out, GC_DER_OCTET_STRING, bytes_of(digest, KEY_ID_BYTES));
    ext_end(out, ext);
}

static void
put_authority_key_id(struct gc_der_out *out, struct gc_str key_id)
{
    struct ext ext = ext_begin(out, GC_OID_AUTHORITY_KEY_ID, false);
    size_t seq = gc_der_begin(out, GC_DER_SEQUENCE);

    gc_der_put(out, GC_DER_CONTEXT(0), key_id);
    gc_der_end(out, seq);
    ext_end(out, ext);
}

static void
put_sans(struct gc_der_out *out, const struct gc_x509_spec *spec)
{
    struct ext ext;
    size_t seq;

    if (spec->uri == NULL && spec->n_dns == 0 && spec->n_ips == 0) {
        return;
    }
    ext = ext_begin(out, GC_OID_SUBJECT_ALT_NAME, false);
    seq = gc_der_begin(out, GC_DER_SEQUENCE);
    if (spec->uri != NULL) {
        gc_der_put(out, GC_DER_CONTEXT(6), gc_str_of(spec->uri));
    }
    for (size_t i = 0; i < spec->n_dns; i++) {
        gc_der_put(out, GC_DER_CONTEXT(2), gc_str_of(spec->dns[i]));
    }
    for (size_t i = 0; i < spec->n_ips; i++) {
        gc_der_put(out, GC_DER_CONTEXT(7), bytes_of(spec->ips[i].bytes, spec->ips[i].len));
    }
    gc_der_end(out, seq);
    ext_end(out, ext);
}

/* --- the whole
 * ----------------------------------------------------------------------------------------------------------
 */

/* ISSUER is what the signer's certificate says, NULL for a root. */
static void
put_extensions(struct gc_der_out *out, const struct gc_x509_spec *spec,
               const struct gc_key *subject, const struct gc_x509_info *issuer)
{
    size_t wrapper = gc_der_begin(out, GC_DER_EXPLICIT(3));
    size_t list = gc_der_begin(out, GC_DER_SEQUENCE);

    put_basic_constraints(out, spec->kind);
    put_key_usage(out, spec->kind);
    if (spec->kind == GC_X509_LEAF) {
        put_ext_key_usage(out, spec->client_only);
    }
    put_subject_key_id(out, subject);
    if (issuer != NULL) {
        put_authority_key_id(out, issuer->key_id);
    }
    put_sans(out, spec);
    gc_der_end(out, list);
    gc_der_end(out, wrapper);
}

static void
put_tbs(struct gc_der_out *out, const struct gc_x509_spec *spec, const struct gc_key *subject,
        const struct gc_x509_info *issuer)
{
    size_t tbs = gc_der_begin(out, GC_DER_SEQUENCE);
    size_t version = gc_der_begin(out, GC_DER_EXPLICIT(0));

    gc_der_put_uint(out, GC_STR("\x02"));
    gc_der_end(out, version);
    put_serial(out);
    put_algorithm(out);
    if (issuer != NULL) {
        gc_der_put_raw(out, issuer->subject);
    } else {
        put_common_name(out, spec->common_name);
    }
    put_validity(out, spec);
    put_common_name(out, spec->common_name);
    put_spki(out, subject);
    put_extensions(out, spec, subject, issuer);
    gc_der_end(out, tbs);
}

/* Wrap TBS, signed by KEY, into the certificate. */
static int
sign_tbs(const struct gc_buf *tbs, const struct gc_key *key, struct gc_buf *cert)
{
    struct gc_der_out out = { .buf = cert };
    uint8_t sig[GC_KEY_SIG_BYTES_MAX];
    size_t sig_len, seq;
    int rc;

    rc = gc_key_sign(key, tbs->data, tbs->len, sig, &sig_len);
    if (rc != 0) {
        return rc;
    }
    seq = gc_der_begin(&out, GC_DER_SEQUENCE);
    gc_der_put_raw(&out, bytes_of(tbs->data, tbs->len));
    put_algorithm(&out);
    gc_der_put_bits(&out, bytes_of(sig, sig_len), 0);
    gc_der_end(&out, seq);
    return out.rc;
}

int
gc_x509_make(const struct gc_x509_spec *spec, const struct gc_key *subject,
             const struct gc_x509_signer *signer, struct gc_buf *out)
{
    struct gc_x509_info issuer;
    struct gc_buf tbs, cert;
    struct gc_der_out tbs_out = { .buf = &tbs };
    int rc;

    assert((spec->kind == GC_X509_ROOT) == (signer == NULL));
    rc = check_spec(spec);
    if (rc == 0 && signer != NULL) {
        rc = check_signer(signer, &issuer);
    }
    if (rc != 0) {
        return rc;
    }
    gc_buf_init(&tbs, GC_X509_DER_BYTES_MAX);
    gc_buf_init(&cert, GC_X509_DER_BYTES_MAX);
    put_tbs(&tbs_out, spec, subject, signer != NULL ? &issuer : NULL);
    rc = tbs_out.rc;
    if (rc == 0) {
        rc = sign_tbs(&tbs, signer != NULL ? signer->key : subject, &cert);
    }
    if (rc == 0) {
        rc = gc_buf_append(out, cert.data, cert.len);
    }
    gc_buf_fini(&cert);
    gc_buf_fini(&tbs);
    return rc;
}
