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

#include "base/clock.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/random.h"
#include "crypto/crypto.h"
#include "crypto/der.h"
#include "crypto/hash.h"
#include "crypto/spiffe.h"
#include "crypto/x509.h"

#define URI        "spiffe://gc.example/gcommon/web/w1"
#define T_START    INT64_C(1795500000)
#define T_2050     INT64_C(2524608000) /* 2050-01-01T00:00:00Z */
#define CERT_BYTES 4096

static const char *const dns_names[] = { "w1.gc.example", "localhost" };
static const struct gc_x509_ip ip_names[] = {
    { { 127, 0, 0, 1 }, 4 },
    { { [15] = 1 }, 16 },
};

/* A root, an intermediate below it, a leaf below that; a test may make more. */
struct fixture {
    struct gc_key *root_key, *inter_key, *leaf_key;
    struct gc_buf root, inter, leaf;
};

static struct gc_x509_spec
spec_of(enum gc_x509_kind kind)
{
    struct gc_x509_spec spec = { .kind = kind,
                                 .common_name = "gcommon test",
                                 .not_before = T_START,
                                 .not_after = T_START + 3600 };

    if (kind == GC_X509_LEAF) {
        spec.uri = URI;
        spec.dns = dns_names;
        spec.n_dns = GC_ARRAY_LEN(dns_names);
        spec.ips = ip_names;
        spec.n_ips = GC_ARRAY_LEN(ip_names);
    }
    return spec;
}

static struct gc_x509_signer
signer_of(const struct gc_key *key, const struct gc_buf *cert)
{
    return (struct gc_x509_signer){ .key = key, .cert = cert->data, .cert_len = cert->len };
}

static int
set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct gc_x509_spec spec = spec_of(GC_X509_ROOT);
    struct gc_x509_signer signer;

    assert_non_null(f);
    gc_buf_init(&f->root, CERT_BYTES);
    gc_buf_init(&f->inter, CERT_BYTES);
    gc_buf_init(&f->leaf, CERT_BYTES);
    assert_int_equal(gc_key_generate(&f->root_key), 0);
    assert_int_equal(gc_key_generate(&f->inter_key), 0);
    assert_int_equal(gc_key_generate(&f->leaf_key), 0);
    spec.common_name = "root";
    assert_int_equal(gc_x509_make(&spec, f->root_key, NULL, &f->root), 0);
    spec = spec_of(GC_X509_INTERMEDIATE);
    spec.common_name = "intermediate";
    signer = signer_of(f->root_key, &f->root);
    assert_int_equal(gc_x509_make(&spec, f->inter_key, &signer, &f->inter), 0);
    spec = spec_of(GC_X509_LEAF);
    signer = signer_of(f->inter_key, &f->inter);
    assert_int_equal(gc_x509_make(&spec, f->leaf_key, &signer, &f->leaf), 0);
    *state = f;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;

    gc_buf_fini(&f->root);
    gc_buf_fini(&f->inter);
    gc_buf_fini(&f->leaf);
    gc_key_free(f->root_key);
    gc_key_free(f->inter_key);
    gc_key_free(f->leaf_key);
    free(f);
    return 0;
}

static struct gc_x509_info
parsed(const struct gc_buf *cert)
{
    struct gc_x509_info info;

    assert_int_equal(gc_x509_parse(cert->data, cert->len, &info), 0);
    return info;
}

/* Is CERT's signature KEY's? */
static bool
signed_by(const struct gc_buf *cert, const struct gc_key *key)
{
    struct gc_der in = { cert->data, cert->len }, body, sig;
    ecc_key *ecc = wc_ecc_key_new(NULL);
    uint8_t digest[GC_SHA256_BYTES];
    struct gc_str tbs, algorithm;
    int good = 0;

    assert_non_null(ecc);
    assert_int_equal(gc_der_read(&in, GC_DER_SEQUENCE, &body), 0);
    assert_int_equal(gc_der_whole(&body, GC_DER_SEQUENCE, &tbs), 0);
    assert_int_equal(gc_der_whole(&body, GC_DER_SEQUENCE, &algorithm), 0);
    assert_int_equal(gc_der_bits(&body, &sig), 0);
    gc_sha256(tbs.data, tbs.len, digest);
    assert_int_equal(wc_ecc_import_x963(gc_key_public(key), GC_KEY_PUBLIC_BYTES, ecc), 0);
    assert_int_equal(
        wc_ecc_verify_hash(sig.data, (word32)sig.len, digest, sizeof(digest), &good, ecc), 0);
    wc_ecc_key_free(ecc);
    return good == 1;
}

static void
chain_is_linked_by_names_key_ids_and_signatures(void **state)
{
    struct fixture *f = *state;
    struct gc_x509_info root = parsed(&f->root), inter = parsed(&f->inter), leaf = parsed(&f->leaf);

    assert_true(gc_str_eq(root.issuer, root.subject));
    assert_true(gc_str_eq(inter.issuer, root.subject));
    assert_true(gc_str_eq(leaf.issuer, inter.subject));
    assert_int_equal(root.auth_id.len, 0);
    assert_int_equal(root.key_id.len, 20);
    assert_true(gc_str_eq(inter.auth_id, root.key_id));
    assert_true(gc_str_eq(leaf.auth_id, inter.key_id));
    assert_true(signed_by(&f->root, f->root_key));
    assert_true(signed_by(&f->inter, f->root_key));
    assert_true(signed_by(&f->leaf, f->inter_key));
    assert_false(signed_by(&f->leaf, f->root_key));
}

/* Valid now, unlike the fixture's: a root, or what SIGNER signs. */
static void
make_current(enum gc_x509_kind kind, const struct gc_key *key, const struct gc_x509_signer *signer,
             struct gc_buf *cert)
{
    struct gc_x509_spec spec = spec_of(kind);
    char name[32];

    snprintf(name, sizeof(name), "kind %d", (int)kind);
    spec.common_name = name;
    spec.not_before = gc_clock_wall_ms() / 1000 - 60;
    spec.not_after = spec.not_before + 86400;
    gc_buf_clear(cert);
    assert_int_equal(gc_x509_make(&spec, key, signer, cert), 0);
}

static void
chain_is_accepted_by_the_tls_library(void **state)
{
    WOLFSSL_CERT_MANAGER *manager = wolfSSL_CertManagerNew();
    struct fixture *f = *state;
    struct gc_x509_signer signer;

    assert_non_null(manager);
    make_current(GC_X509_ROOT, f->root_key, NULL, &f->root);
    signer = signer_of(f->root_key, &f->root);
    make_current(GC_X509_INTERMEDIATE, f->inter_key, &signer, &f->inter);
    signer = signer_of(f->inter_key, &f->inter);
    make_current(GC_X509_LEAF, f->leaf_key, &signer, &f->leaf);
    assert_int_equal(wolfSSL_CertManagerLoadCABuffer(manager, f->root.data, (long)f->root.len,
                                                     WOLFSSL_FILETYPE_ASN1),
                     WOLFSSL_SUCCESS);
    assert_int_equal(wolfSSL_CertManagerVerifyBuffer(manager, f->inter.data, (long)f->inter.len,
                                                     WOLFSSL_FILETYPE_ASN1),
                     WOLFSSL_SUCCESS);
    assert_int_not_equal(wolfSSL_CertManagerVerifyBuffer(manager, f->leaf.data, (long)f->leaf.len,
                                                         WOLFSSL_FILETYPE_ASN1),
                         WOLFSSL_SUCCESS);
    assert_int_equal(wolfSSL_CertManagerLoadCABuffer(manager, f->inter.data, (long)f->inter.len,
                                                     WOLFSSL_FILETYPE_ASN1),
                     WOLFSSL_SUCCESS);
    assert_int_equal(wolfSSL_CertManagerVerifyBuffer(manager, f->leaf.data, (long)f->leaf.len,
                                                     WOLFSSL_FILETYPE_ASN1),
                     WOLFSSL_SUCCESS);
    f->leaf.data[f->leaf.len - 1] ^= 1;
    assert_int_not_equal(wolfSSL_CertManagerVerifyBuffer(manager, f->leaf.data, (long)f->leaf.len,
                                                         WOLFSSL_FILETYPE_ASN1),
                         WOLFSSL_SUCCESS);
    wolfSSL_CertManagerFree(manager);
}

static void
leaf_says_what_was_asked_for(void **state)
{
    struct fixture *f = *state;
    struct gc_x509_info info = parsed(&f->leaf);
    struct gc_spiffe_id id;
    char text[64];

    assert_false(info.is_ca);
    assert_int_equal(info.not_before, T_START);
    assert_int_equal(info.not_after, T_START + 3600);
    assert_int_equal(info.serial.len, 16);
    assert_int_equal(info.pubkey, GC_X509_PUBKEY_P256);
    assert_memory_equal(info.spki.data + info.spki.len - GC_KEY_PUBLIC_BYTES,
                        gc_key_public(f->leaf_key), GC_KEY_PUBLIC_BYTES);
    assert_true(info.has_key_usage && info.key_usage == GC_X509_KU_DIGITAL_SIGNATURE);
    assert_true(info.has_ext_key_usage && info.for_server && info.for_client);
    assert_int_equal(info.n_sans, 5);
    assert_int_equal(info.sans[0].kind, GC_X509_SAN_URI);
    assert_true(gc_str_eq_cstr(info.sans[0].value, URI));
    assert_int_equal(info.sans[2].kind, GC_X509_SAN_DNS);
    assert_true(gc_str_eq_cstr(info.sans[2].value, "localhost"));
    assert_int_equal(info.sans[4].kind, GC_X509_SAN_IP);
    assert_int_equal(info.sans[4].value.len, 16);
    assert_int_equal(gc_spiffe_from_cert(&info, "gc.example", &id), 0);
    assert_string_equal(id.node, "w1");
    gc_x509_name_text(info.subject, text, sizeof(text));
    assert_string_equal(text, "CN=gcommon test");
    gc_x509_name_text(info.subject, text, 6);
    assert_string_equal(text, "CN=gc");
}

static void
cas_may_sign_and_have_no_identity(void **state)
{
    struct fixture *f = *state;
    const struct gc_buf *const cas[] = { &f->root, &f->inter };
    struct gc_spiffe_id id;

    for (size_t i = 0; i < GC_ARRAY_LEN(cas); i++) {
        struct gc_x509_info info = parsed(cas[i]);

        assert_true(info.is_ca);
        assert_int_equal(info.key_usage, GC_X509_KU_KEY_CERT_SIGN | GC_X509_KU_CRL_SIGN);
        assert_false(info.has_ext_key_usage);
        assert_int_equal(info.n_sans, 0);
        assert_int_equal(gc_spiffe_from_cert(&info, "gc.example", &id), GC_EIDENTITY);
    }
}

static void
serials_have_16_bytes_and_differ(void **state)
{
    struct fixture *f = *state;
    struct gc_x509_info a = parsed(&f->root), b = parsed(&f->inter);

    assert_int_equal(a.serial.len, 16);
    assert_int_equal(a.serial.data[0] & 0x80, 0); /* no byte more for the sign */
    assert_false(gc_str_eq(a.serial, b.serial));
}

static void
client_only_leaf_is_no_server(void **state)
{
    struct fixture *f = *state;
    struct gc_x509_spec spec = spec_of(GC_X509_LEAF);
    struct gc_x509_signer signer = signer_of(f->root_key, &f->root);
    struct gc_x509_info info;
    struct gc_buf cert;

    gc_buf_init(&cert, CERT_BYTES);
    spec.client_only = true;
    assert_int_equal(gc_x509_make(&spec, f->leaf_key, &signer, &cert), 0);
    info = parsed(&cert);
    assert_true(info.has_ext_key_usage && info.for_client && !info.for_server);
    gc_buf_fini(&cert);
}

/* 1970, the last second of UTCTime and the first after it, a leap day, the last second of all. */
static void
times_come_back_to_the_second(void **state)
{
    static const int64_t ends[] = { 1,
                                    T_START,
                                    T_2050 - 1,
                                    T_2050,
                                    INT64_C(4107542399),
                                    INT64_C(951782400),
                                    INT64_C(253402300799) };
    struct fixture *f = *state;
    struct gc_x509_spec spec = spec_of(GC_X509_ROOT);
    struct gc_buf cert;

    gc_buf_init(&cert, CERT_BYTES);
    for (size_t i = 0; i < GC_ARRAY_LEN(ends); i++) {
        struct gc_x509_info info;

        spec.not_before = ends[i] - 1;
        spec.not_after = ends[i];
        gc_buf_clear(&cert);
        assert_int_equal(gc_x509_make(&spec, f->root_key, NULL, &cert), 0);
        info = parsed(&cert);
        assert_int_equal(info.not_before, ends[i] - 1);
        assert_int_equal(info.not_after, ends[i]);
    }
    gc_buf_fini(&cert);
}

static void
spec_outside_the_limits_makes_nothing(void **state)
{
    struct fixture *f = *state;
    struct gc_x509_signer signer = signer_of(f->root_key, &f->root);
    static const char *many[GC_X509_SANS_MAX + 1];
    static const char *const spaced[] = { "a b" };
    static const char *const empty[] = { "" };
    struct gc_x509_ip ip = { .len = 5 };
    struct gc_x509_spec specs[11];
    struct gc_buf cert;

    for (size_t i = 0; i < GC_ARRAY_LEN(many); i++) {
        many[i] = "name";
    }
    for (size_t i = 0; i < GC_ARRAY_LEN(specs); i++) {
        specs[i] = spec_of(GC_X509_LEAF);
    }
    specs[0].common_name = "";
    specs[1].common_name = "12345678901234567890123456789012345678901234567890123456789012345";
    specs[2].common_name = "\xff";
    specs[3].not_after = specs[3].not_before;
    specs[4].not_after = INT64_C(253402300800);
    specs[5].not_before = -1;
    specs[6].dns = many;
    specs[6].n_dns = GC_ARRAY_LEN(many);
    specs[7].dns = spaced;
    specs[7].n_dns = 1;
    specs[8].dns = empty;
    specs[8].n_dns = 1;
    specs[9].ips = &ip;
    specs[9].n_ips = 1;
    specs[10].kind = GC_X509_INTERMEDIATE; /* with the names of a leaf */
    gc_buf_init(&cert, CERT_BYTES);
    for (size_t i = 0; i < GC_ARRAY_LEN(specs); i++) {
        assert_int_equal(gc_x509_make(&specs[i], f->leaf_key, &signer, &cert), GC_ERANGE);
    }
    assert_int_equal(cert.len, 0);
    gc_buf_fini(&cert);
}

/* Where NEEDLE first stands in BUF. */
static uint8_t *
find(struct gc_buf *buf, const void *needle, size_t len)
{
    uint8_t *at = memmem(buf->data, buf->len, needle, len);

    assert_non_null(at);
    return at;
}

static void
only_a_ca_with_its_own_key_signs(void **state)
{
    struct fixture *f = *state;
    struct gc_x509_spec spec = spec_of(GC_X509_LEAF);
    struct gc_x509_signer signer = signer_of(f->leaf_key, &f->leaf);
    struct gc_buf cert;

    gc_buf_init(&cert, CERT_BYTES);
    assert_int_equal(gc_x509_make(&spec, f->leaf_key, &signer, &cert), GC_EDENIED);
    signer = signer_of(f->inter_key, &f->root);
    assert_int_equal(gc_x509_make(&spec, f->leaf_key, &signer, &cert), GC_EDENIED);
    signer = signer_of(f->root_key, &f->root);
    signer.cert_len--;
    assert_int_equal(gc_x509_make(&spec, f->leaf_key, &signer, &cert), GC_EPARSE);
    signer.cert_len++;
    find(&f->root, "\x30\x03\x01\x01\xff", 5)[4] = 0; /* CA:FALSE, with the key usage of a CA */
    assert_int_equal(gc_x509_make(&spec, f->leaf_key, &signer, &cert), GC_EDENIED);
    gc_buf_fini(&cert);
}

static void
full_buffer_keeps_what_it_had(void **state)
{
    struct fixture *f = *state;
    struct gc_x509_spec spec = spec_of(GC_X509_ROOT);
    struct gc_buf small;

    gc_buf_init(&small, 100);
    assert_int_equal(gc_x509_make(&spec, f->root_key, NULL, &small), GC_ELIMIT);
    assert_int_equal(small.len, 0);
    gc_buf_fini(&small);
}

static void
every_shorter_or_longer_text_is_refused(void **state)
{
    struct fixture *f = *state;
    struct gc_x509_info info = { .n_sans = 77 };
    uint8_t *copy;

    for (size_t len = 0; len < f->leaf.len; len++) {
        copy = malloc(len > 0 ? len : 1);
        assert_non_null(copy);
        memcpy(copy, f->leaf.data, len);
        assert_int_equal(gc_x509_parse(copy, len, &info), GC_EPARSE);
        free(copy);
    }
    assert_int_equal(gc_buf_append(&f->leaf, "", 1), 0);
    assert_int_equal(gc_x509_parse(f->leaf.data, f->leaf.len, &info), GC_EPARSE);
    assert_int_equal(info.n_sans, 77);
}

static void
nul_or_control_character_in_a_uri_or_dns_name_is_refused(void **state)
{
    static const uint8_t bad[] = { 0, '\n', ' ', 0x7f, 0x80, 0xff };
    struct fixture *f = *state;
    uint8_t *uri = find(&f->leaf, URI, strlen(URI));
    uint8_t *dns = find(&f->leaf, dns_names[0], strlen(dns_names[0]));
    struct gc_x509_info info;

    for (size_t i = 0; i < sizeof(bad); i++) {
        uri[12] = bad[i];
        assert_int_equal(gc_x509_parse(f->leaf.data, f->leaf.len, &info), GC_EPARSE);
        uri[12] = 'x';
        assert_int_equal(gc_x509_parse(f->leaf.data, f->leaf.len, &info), 0);
        dns[3] = bad[i];
        assert_int_equal(gc_x509_parse(f->leaf.data, f->leaf.len, &info), GC_EPARSE);
        dns[3] = 'x';
    }
}

static void
extension_given_twice_is_refused(void **state)
{
    struct fixture *f = *state;
    struct gc_x509_info info;

    /* The names become a second authority key id (2.5.29.17 -> .35), well-formed in itself. */
    find(&f->leaf, "\x55\x1d\x11", 3)[2] = 0x23;
    assert_int_equal(gc_x509_parse(f->leaf.data, f->leaf.len, &info), GC_EPARSE);
}

static void
unknown_extension_is_passed_over(void **state)
{
    struct fixture *f = *state;
    struct gc_x509_info info;

    find(&f->leaf, "\x55\x1d\x11", 3)[2] = 0x63;
    assert_int_equal(gc_x509_parse(f->leaf.data, f->leaf.len, &info), 0);
    assert_int_equal(info.n_sans, 0);
}

static void
impossible_times_are_refused(void **state)
{
    static const char *const bad[] = { "261301000000Z", "260230000000Z", "270229000000Z",
                                       "260100000000Z", "260101240000Z", "260101006000Z",
                                       "260101000060Z", "26010100000 Z", "260101000000z",
                                       "260001000000Z" };
    struct fixture *f = *state;
    uint8_t *at = find(&f->leaf, "\x17\x0d", 2) + 2;
    struct gc_x509_info info;

    memcpy(at, "240229000000Z", 13);
    assert_int_equal(gc_x509_parse(f->leaf.data, f->leaf.len, &info), 0);
    assert_int_equal(info.not_before, INT64_C(1709164800));
    for (size_t i = 0; i < GC_ARRAY_LEN(bad); i++) {
        memcpy(at, bad[i], 13);
        assert_int_equal(gc_x509_parse(f->leaf.data, f->leaf.len, &info), GC_EPARSE);
    }
}

static void
other_versions_and_a_differing_inner_algorithm_are_refused(void **state)
{
    struct fixture *f = *state;
    uint8_t *version = find(&f->leaf, "\xa0\x03\x02\x01\x02", 5);
    uint8_t *algorithm = find(&f->leaf, "\x2a\x86\x48\xce\x3d\x04\x03\x02", 8);
    struct gc_x509_info info;

    version[4] = 1;
    assert_int_equal(gc_x509_parse(f->leaf.data, f->leaf.len, &info), GC_EPARSE);
    version[4] = 2;
    algorithm[7] = 3;
    assert_int_equal(gc_x509_parse(f->leaf.data, f->leaf.len, &info), GC_EPARSE);
}

static void
more_than_the_limit_is_refused_as_such(void **state)
{
    static uint8_t large[GC_X509_DER_BYTES_MAX + 1];
    struct gc_x509_info info;

    (void)state;
    assert_int_equal(gc_x509_parse(large, sizeof(large), &info), GC_ELIMIT);
    assert_int_equal(gc_x509_parse(large, sizeof(large) - 1, &info), GC_EPARSE);
}

static void
names_up_to_the_limit_are_read_and_one_more_is_refused(void **state)
{
    struct fixture *f = *state;
    struct gc_x509_signer signer = signer_of(f->root_key, &f->root);
    struct gc_x509_spec spec = spec_of(GC_X509_ROOT);
    const char *names[GC_X509_SANS_MAX];
    struct gc_x509_info info;
    struct gc_buf cert;

    for (size_t i = 0; i < GC_ARRAY_LEN(names); i++) {
        names[i] = "sixsix";
    }
    spec.kind = GC_X509_LEAF;
    spec.dns = names;
    spec.n_dns = GC_ARRAY_LEN(names);
    gc_buf_init(&cert, CERT_BYTES);
    assert_int_equal(gc_x509_make(&spec, f->leaf_key, &signer, &cert), 0);
    assert_int_equal(gc_x509_parse(cert.data, cert.len, &info), 0);
    assert_int_equal(info.n_sans, GC_X509_SANS_MAX);
    /* One name of six bytes becomes two, of one and of three. */
    memcpy(find(&cert, "\x82\x06sixsix", 8), "\x82\x01s\x82\x03six", 8);
    assert_int_equal(gc_x509_parse(cert.data, cert.len, &info), GC_ELIMIT);
    gc_buf_fini(&cert);
}

/* Whatever happens to a certificate on its way, reading it ends well; sanitizers watch. */
static void
mutated_certificates_never_break_the_reader(void **state)
{
    struct fixture *f = *state;
    struct gc_x509_info info;
    struct gc_prng prng;
    uint64_t seed;
    uint8_t *copy = malloc(f->leaf.len);
    char text[64];

    assert_non_null(copy);
    gc_random_bytes(&seed, sizeof(seed));
    printf("seed %llu\n", (unsigned long long)seed);
    gc_prng_init(&prng, seed);
    for (unsigned i = 0; i < 20000; i++) {
        memcpy(copy, f->leaf.data, f->leaf.len);
        for (uint64_t n = 1 + gc_prng_below(&prng, 4); n > 0; n--) {
            copy[gc_prng_below(&prng, f->leaf.len)] = (uint8_t)gc_prng_next(&prng);
        }
        if (gc_x509_parse(copy, f->leaf.len, &info) == 0) {
            gc_x509_name_text(info.subject, text, sizeof(text));
        }
    }
    free(copy);
}

static int
group_set_up(void **state)
{
    (void)state;
    return gc_crypto_init();
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(chain_is_linked_by_names_key_ids_and_signatures),
        CASE(chain_is_accepted_by_the_tls_library),
        CASE(leaf_says_what_was_asked_for),
        CASE(cas_may_sign_and_have_no_identity),
        CASE(serials_have_16_bytes_and_differ),
        CASE(client_only_leaf_is_no_server),
        CASE(times_come_back_to_the_second),
        CASE(spec_outside_the_limits_makes_nothing),
        CASE(only_a_ca_with_its_own_key_signs),
        CASE(full_buffer_keeps_what_it_had),
        CASE(every_shorter_or_longer_text_is_refused),
        CASE(nul_or_control_character_in_a_uri_or_dns_name_is_refused),
        CASE(extension_given_twice_is_refused),
        CASE(unknown_extension_is_passed_over),
        CASE(impossible_times_are_refused),
        CASE(other_versions_and_a_differing_inner_algorithm_are_refused),
        CASE(more_than_the_limit_is_refused_as_such),
        CASE(names_up_to_the_limit_are_read_and_one_more_is_refused),
        CASE(mutated_certificates_never_break_the_reader),
    };
    return cmocka_run_group_tests(tests, group_set_up, NULL);
}
