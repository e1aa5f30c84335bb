/* SPDX-License-Identifier: MIT */
#include "crypto/spiffe.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "crypto/x509.h"

#define SPIFFE_SCHEME "spiffe://"
#define SPIFFE_PATH   "gcommon"

static const char *const roles[] = { "web", "translation", "file", "admin", "user" };

static bool
is_lower_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool
gc_spiffe_trust_domain_ok(struct gc_str text)
{
    if (text.len == 0 || text.len >= sizeof(((struct gc_spiffe_id *)0)->trust_domain)) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (!is_lower_or_digit(text.data[i]) && memchr(".-_", text.data[i], 3) == NULL) {
            return false;
        }
    }
    return true;
}

bool
gc_spiffe_role_ok(struct gc_str text)
{
    for (size_t i = 0; i < GC_ARRAY_LEN(roles); i++) {
        if (gc_str_eq_cstr(text, roles[i])) {
            return true;
        }
    }
    return false;
}

bool
gc_spiffe_node_ok(struct gc_str text)
{
    if (text.len == 0 || text.len >= sizeof(((struct gc_spiffe_id *)0)->node) ||
        gc_str_eq_cstr(text, ".") || gc_str_eq_cstr(text, "..")) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];

        if (!is_lower_or_digit(c) && !(c >= 'A' && c <= 'Z') && memchr(".-_", c, 3) == NULL) {
            return false;
        }
    }
    return true;
}

/* Cut the text before the next '/', or all of it, off REST. */
static struct gc_str
next_segment(struct gc_str *rest)
{
    const char *slash = rest->len > 0 ? memchr(rest->data, '/', rest->len) : NULL;
    size_t len = slash != NULL ? (size_t)(slash - rest->data) : rest->len;
    struct gc_str segment = { .data = rest->data, .len = len };
    size_t skip = slash != NULL ? len + 1 : len;

    rest->data += skip;
    rest->len -= skip;
    return segment;
}

int
gc_spiffe_parse(struct gc_str uri, struct gc_spiffe_id *ret_id)
{
    struct gc_str rest, trust_domain, path, role, node;
    struct gc_spiffe_id id;

    if (uri.len >= GC_SPIFFE_URI_MAX || !gc_str_starts(uri, SPIFFE_SCHEME)) {
        return GC_EIDENTITY;
    }
    rest = (struct gc_str){ .data = uri.data + strlen(SPIFFE_SCHEME),
                            .len = uri.len - strlen(SPIFFE_SCHEME) };
    trust_domain = next_segment(&rest);
    path = next_segment(&rest);
    role = next_segment(&rest);
    node = rest; /* a further '/' is outside a node's alphabet */
    if (!gc_spiffe_trust_domain_ok(trust_domain) || !gc_str_eq_cstr(path, SPIFFE_PATH) ||
        !gc_spiffe_role_ok(role) || !gc_spiffe_node_ok(node)) {
        return GC_EIDENTITY;
    }
    memset(&id, 0, sizeof(id));
    if (gc_str_copy(id.trust_domain, sizeof(id.trust_domain), trust_domain) != 0 ||
        gc_str_copy(id.role, sizeof(id.role), role) != 0 ||
        gc_str_copy(id.node, sizeof(id.node), node) != 0) {
        return GC_EIDENTITY;
    }
    *ret_id = id;
    return 0;
}

int
gc_spiffe_format(const struct gc_spiffe_id *id, char dst[GC_SPIFFE_URI_MAX])
{
    if (!gc_spiffe_trust_domain_ok(gc_str_of(id->trust_domain)) ||
        !gc_spiffe_role_ok(gc_str_of(id->role)) || !gc_spiffe_node_ok(gc_str_of(id->node))) {
        return GC_EIDENTITY;
    }
    snprintf(dst, GC_SPIFFE_URI_MAX, SPIFFE_SCHEME "%s/" SPIFFE_PATH "/%s/%s", id->trust_domain,
             id->role, id->node);
    return 0;
}

/* The one URI among CERT's names; none or several are an error. */
static int
only_uri(const struct gc_x509_info *cert, struct gc_str *ret_uri)
{
    const struct gc_x509_san *found = NULL;

    for (size_t i = 0; i < cert->n_sans; i++) {
        if (cert->sans[i].kind != GC_X509_SAN_URI) {
            continue;
        }
        if (found != NULL) {
            return GC_EIDENTITY;
        }
        found = &cert->sans[i];
    }
    if (found == NULL) {
        return GC_EIDENTITY;
    }
    *ret_uri = found->value;
    return 0;
}

int
gc_spiffe_from_cert(const struct gc_x509_info *cert, const char *trust_domain,
                    struct gc_spiffe_id *ret_id)
{
    struct gc_spiffe_id id;
    struct gc_str uri;
    int rc;

    if (cert->is_ca || cert->key_usage & (GC_X509_KU_KEY_CERT_SIGN | GC_X509_KU_CRL_SIGN) ||
        cert->pubkey == GC_X509_PUBKEY_OTHER) {
        return GC_EIDENTITY;
    }
    rc = only_uri(cert, &uri);
    if (rc != 0) {
        return rc;
    }
    rc = gc_spiffe_parse(uri, &id);
    if (rc != 0) {
        return rc;
    }
    if (strcmp(id.trust_domain, trust_domain) != 0) {
        return GC_EIDENTITY;
    }
    *ret_id = id;
    return 0;
}
