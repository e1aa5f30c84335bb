/* SPDX-License-Identifier: MIT */
/*
 * The reader. A certificate comes from a peer that is not trusted yet, so nothing is guessed: each
 * element has the one encoding DER allows and the place RFC 5280 gives it, and an extension we read
 * may be there once.
 */
#include "crypto/x509.h"

#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "crypto/der.h"
#include "crypto/oid.h"

#define X509_V3 2

static int
parse_name(struct gc_der *tbs, struct gc_str *ret_name)
{
    return gc_der_whole(tbs, GC_DER_SEQUENCE, ret_name);
}

static int
parse_validity(struct gc_der *tbs, struct gc_x509_info *info)
{
    struct gc_der validity;

    if (gc_der_read(tbs, GC_DER_SEQUENCE, &validity) != 0 ||
        gc_der_time(&validity, &info->not_before) != 0 ||
        gc_der_time(&validity, &info->not_after) != 0 || validity.len != 0) {
        return GC_EPARSE;
    }
    return 0;
}

static enum gc_x509_pubkey
pubkey_kind(struct gc_str algorithm, struct gc_der params, struct gc_der point)
{
    struct gc_der curve;

    if (gc_str_eq(algorithm, GC_OID_ED25519)) {
        return params.len == 0 && point.len == 32 ? GC_X509_PUBKEY_ED25519 : GC_X509_PUBKEY_OTHER;
    }
    if (gc_str_eq(algorithm, GC_OID_EC_PUBLIC_KEY) &&
        gc_der_read(&params, GC_DER_OID, &curve) == 0 && params.len == 0 &&
        gc_str_eq(gc_der_str(curve), GC_OID_P256) && point.len == GC_KEY_PUBLIC_BYTES &&
        point.data[0] == 0x04) {
        return GC_X509_PUBKEY_P256;
    }
    return GC_X509_PUBKEY_OTHER;
}

static int
parse_spki(struct gc_der *tbs, struct gc_x509_info *info)
{
    struct gc_der spki, body, algorithm, oid, point;

    if (gc_der_whole(tbs, GC_DER_SEQUENCE, &info->spki) != 0) {
        return GC_EPARSE;
    }
    spki = gc_der_of(info->spki);
    if (gc_der_read(&spki, GC_DER_SEQUENCE, &body) != 0 ||
        gc_der_read(&body, GC_DER_SEQUENCE, &algorithm) != 0 ||
        gc_der_read(&algorithm, GC_DER_OID, &oid) != 0 || gc_der_bits(&body, &point) != 0 ||
        body.len != 0) {
        return GC_EPARSE;
    }
    info->pubkey = pubkey_kind(gc_der_str(oid), algorithm, point);
    return 0;
}

/* --- extensions: each gets the content of its OCTET STRING
 * -------------------------------------------------------------- */

static int
ext_basic_constraints(struct gc_der value, struct gc_x509_info *info)
{
    struct gc_str path_len;
    struct gc_der body;

    if (gc_der_read(&value, GC_DER_SEQUENCE, &body) != 0 || value.len != 0) {
        return GC_EPARSE;
    }
    if (gc_der_next_is(&body, GC_DER_BOOLEAN) && gc_der_bool(&body, &info->is_ca) != 0) {
        return GC_EPARSE;
    }
    if (gc_der_next_is(&body, GC_DER_INTEGER) && gc_der_uint(&body, &path_len) != 0) {
        return GC_EPARSE;
    }
    return body.len == 0 ? 0 : GC_EPARSE;
}

static int
ext_key_usage(struct gc_der value, struct gc_x509_info *info)
{
    struct gc_der bits;

    if (gc_der_read(&value, GC_DER_BIT_STRING, &bits) != 0 || value.len != 0) {
        return GC_EPARSE;
    }
    if (bits.len < 2 || bits.len > 3 || bits.data[0] > 7) {
        return GC_EPARSE;
    }
    for (unsigned bit = 0; bit < 8 * (unsigned)(bits.len - 1); bit++) {
        if (bits.data[1 + bit / 8] & (0x80U >> bit % 8)) {
            info->key_usage |= 1U << bit;
        }
    }
    info->has_key_usage = true;
    return 0;
}

static int
ext_ext_key_usage(struct gc_der value, struct gc_x509_info *info)
{
    struct gc_der list, oid;

    if (gc_der_read(&value, GC_DER_SEQUENCE, &list) != 0 || value.len != 0 || list.len == 0) {
        return GC_EPARSE;
    }
    while (list.len > 0) {
        struct gc_str use;

        if (gc_der_read(&list, GC_DER_OID, &oid) != 0) {
            return GC_EPARSE;
        }
        use = gc_der_str(oid);
        info->for_server |= gc_str_eq(use, GC_OID_SERVER_AUTH) || gc_str_eq(use, GC_OID_ANY_EKU);
        info->for_client |= gc_str_eq(use, GC_OID_CLIENT_AUTH) || gc_str_eq(use, GC_OID_ANY_EKU);
    }
    info->has_ext_key_usage = true;
    return 0;
}

static int
ext_key_id(struct gc_der value, struct gc_x509_info *info)
{
    struct gc_der id;

    if (gc_der_read(&value, GC_DER_OCTET_STRING, &id) != 0 || value.len != 0) {
        return GC_EPARSE;
    }
    info->key_id = gc_der_str(id);
    return 0;
}

static int
ext_auth_id(struct gc_der value, struct gc_x509_info *info)
{
    struct gc_der body, id;

    if (gc_der_read(&value, GC_DER_SEQUENCE, &body) != 0 || value.len != 0) {
        return GC_EPARSE;
    }
    if (gc_der_next_is(&body, GC_DER_CONTEXT(0))) {
        if (gc_der_read(&body, GC_DER_CONTEXT(0), &id) != 0) {
            return GC_EPARSE;
        }
        info->auth_id = gc_der_str(id);
    }
    return 0;
}

static bool
is_graphic_ascii(struct gc_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] <= 0x20 || text.data[i] >= 0x7f) {
            return false;
        }
    }
    return text.len > 0;
}

static int
san_check(uint8_t tag, struct gc_der body, struct gc_x509_san *ret_san)
{
    ret_san->value = gc_der_str(body);
    switch (tag) {
    case GC_DER_CONTEXT(2):
        ret_san->kind = GC_X509_SAN_DNS;
        return is_graphic_ascii(ret_san->value) ? 0 : GC_EPARSE;
    case GC_DER_CONTEXT(6):
        ret_san->kind = GC_X509_SAN_URI;
        return is_graphic_ascii(ret_san->value) ? 0 : GC_EPARSE;
    case GC_DER_CONTEXT(7):
        ret_san->kind = GC_X509_SAN_IP;
        return body.len == 4 || body.len == 16 ? 0 : GC_EPARSE;
    case GC_DER_CONTEXT(1):  /* rfc822Name */
    case GC_DER_CONTEXT(8):  /* registeredID */
    case GC_DER_EXPLICIT(0): /* otherName */
    case GC_DER_EXPLICIT(3): /* x400Address */
    case GC_DER_EXPLICIT(4): /* directoryName */
    case GC_DER_EXPLICIT(5): /* ediPartyName */
        ret_san->kind = GC_X509_SAN_OTHER;
        return 0;
    default:
        return GC_EPARSE;
    }
}

static int
ext_sans(struct gc_der value, struct gc_x509_info *info)
{
    struct gc_der list, body;
    uint8_t tag;
    int rc;

    if (gc_der_read(&value, GC_DER_SEQUENCE, &list) != 0 || value.len != 0 || list.len == 0) {
        return GC_EPARSE;
    }
    while (list.len > 0) {
        if (info->n_sans == GC_X509_SANS_MAX) {
            return GC_ELIMIT;
        }
        rc = gc_der_any(&list, &tag, &body);
        if (rc == 0) {
            rc = san_check(tag, body, &info->sans[info->n_sans]);
        }
        if (rc != 0) {
            return rc;
        }
        info->n_sans++;
    }
    return 0;
}

static const struct extension {
    struct gc_str oid;
    int (*read)(struct gc_der value, struct gc_x509_info *info);
} extensions[] = {
    { GC_OID_INIT_BASIC_CONSTRAINTS, ext_basic_constraints },
    { GC_OID_INIT_KEY_USAGE, ext_key_usage },
    { GC_OID_INIT_EXT_KEY_USAGE, ext_ext_key_usage },
    { GC_OID_INIT_SUBJECT_KEY_ID, ext_key_id },
    { GC_OID_INIT_AUTHORITY_KEY_ID, ext_auth_id },
    { GC_OID_INIT_SUBJECT_ALT_NAME, ext_sans },
};

/* SEEN has a bit for each row of the table that was met before. */
static int
parse_extension(struct gc_der *list, unsigned *seen, struct gc_x509_info *info)
{
    struct gc_der ext, oid, value;
    bool critical;

    if (gc_der_read(list, GC_DER_SEQUENCE, &ext) != 0 || gc_der_read(&ext, GC_DER_OID, &oid) != 0) {
        return GC_EPARSE;
    }
    if (gc_der_next_is(&ext, GC_DER_BOOLEAN) && (gc_der_bool(&ext, &critical) != 0 || !critical)) {
        return GC_EPARSE; /* DER leaves out what is the default */
    }
    if (gc_der_read(&ext, GC_DER_OCTET_STRING, &value) != 0 || ext.len != 0) {
        return GC_EPARSE;
    }
    for (size_t i = 0; i < GC_ARRAY_LEN(extensions); i++) {
        if (!gc_str_eq(gc_der_str(oid), extensions[i].oid)) {
            continue;
        }
        if (*seen & 1U << i) {
            return GC_EPARSE;
        }
        *seen |= 1U << i;
        return extensions[i].read(value, info);
    }
    return 0; /* unknown; the TLS library refuses unknown critical ones */
}

static int
parse_extensions(struct gc_der *tbs, struct gc_x509_info *info)
{
    struct gc_der wrapper, list;
    unsigned seen = 0;
    int rc;

    if (gc_der_read(tbs, GC_DER_EXPLICIT(3), &wrapper) != 0 ||
        gc_der_read(&wrapper, GC_DER_SEQUENCE, &list) != 0 || wrapper.len != 0) {
        return GC_EPARSE;
    }
    while (list.len > 0) {
        rc = parse_extension(&list, &seen, info);
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

static int
parse_version_and_serial(struct gc_der *tbs, struct gc_x509_info *info)
{
    struct gc_der wrapper;
    struct gc_str version;

    if (gc_der_read(tbs, GC_DER_EXPLICIT(0), &wrapper) != 0 ||
        gc_der_uint(&wrapper, &version) != 0 || wrapper.len != 0 || version.len != 1 ||
        version.data[0] != X509_V3) {
        return GC_EPARSE;
    }
    if (gc_der_uint(tbs, &info->serial) != 0 || info->serial.len > GC_X509_SERIAL_BYTES_MAX) {
        return GC_EPARSE;
    }
    return 0;
}

static int
parse_tbs(struct gc_der tbs, struct gc_x509_info *info, struct gc_str *ret_algorithm)
{
    if (parse_version_and_serial(&tbs, info) != 0 ||
        gc_der_whole(&tbs, GC_DER_SEQUENCE, ret_algorithm) != 0 ||
        parse_name(&tbs, &info->issuer) != 0 || parse_validity(&tbs, info) != 0 ||
        parse_name(&tbs, &info->subject) != 0 || parse_spki(&tbs, info) != 0) {
        return GC_EPARSE;
    }
    if (tbs.len > 0) {
        int rc = parse_extensions(&tbs, info);

        if (rc != 0) {
            return rc;
        }
    }
    return tbs.len == 0 ? 0 : GC_EPARSE;
}

int
gc_x509_parse(const uint8_t *der, size_t len, struct gc_x509_info *ret_info)
{
    struct gc_der in = { .data = der, .len = len };
    struct gc_der cert, tbs, signature;
    struct gc_str inner, outer;
    struct gc_x509_info info;
    int rc;

    if (len > GC_X509_DER_BYTES_MAX) {
        return GC_ELIMIT;
    }
    memset(&info, 0, sizeof(info));
    if (gc_der_read(&in, GC_DER_SEQUENCE, &cert) != 0 || in.len != 0 ||
        gc_der_read(&cert, GC_DER_SEQUENCE, &tbs) != 0 ||
        gc_der_whole(&cert, GC_DER_SEQUENCE, &outer) != 0 || gc_der_bits(&cert, &signature) != 0 ||
        cert.len != 0) {
        return GC_EPARSE;
    }
    rc = parse_tbs(tbs, &info, &inner);
    if (rc != 0) {
        return rc;
    }
    if (!gc_str_eq(inner, outer)) {
        return GC_EPARSE;
    }
    *ret_info = info;
    return 0;
}

/* --- names for people
 * ---------------------------------------------------------------------------------------------------
 */

static const struct {
    struct gc_str oid;
    const char *label;
} attributes[] = {
    { GC_OID_INIT_COMMON_NAME, "CN" },
    { GC_OID_INIT_ORGANIZATION, "O" },
    { GC_OID_INIT_ORG_UNIT, "OU" },
    { GC_OID_INIT_COUNTRY, "C" },
};

static const char *
attribute_label(struct gc_str oid)
{
    for (size_t i = 0; i < GC_ARRAY_LEN(attributes); i++) {
        if (gc_str_eq(oid, attributes[i].oid)) {
            return attributes[i].label;
        }
    }
    return "?";
}

static void
text_add(char *dst, size_t size, struct gc_str text)
{
    size_t at = strlen(dst);

    for (size_t i = 0; i < text.len && at + 1 < size; i++) {
        char c = text.data[i];

        dst[at++] = c >= 0x20 && c < 0x7f ? c : '?';
    }
    dst[at] = '\0';
}

void
gc_x509_name_text(struct gc_str name, char *dst, size_t size)
{
    struct gc_der in = gc_der_of(name);
    struct gc_der rdns, rdn, attribute, oid, value;
    uint8_t tag;

    if (size == 0) {
        return;
    }
    dst[0] = '\0';
    if (gc_der_read(&in, GC_DER_SEQUENCE, &rdns) != 0) {
        return;
    }
    while (rdns.len > 0) {
        if (gc_der_read(&rdns, GC_DER_SET, &rdn) != 0 ||
            gc_der_read(&rdn, GC_DER_SEQUENCE, &attribute) != 0 ||
            gc_der_read(&attribute, GC_DER_OID, &oid) != 0 ||
            gc_der_any(&attribute, &tag, &value) != 0) {
            return;
        }
        text_add(dst, size, dst[0] != '\0' ? GC_STR(", ") : GC_STR(""));
        text_add(dst, size, gc_str_of(attribute_label(gc_der_str(oid))));
        text_add(dst, size, GC_STR("="));
        text_add(dst, size, gc_der_str(value));
    }
}
