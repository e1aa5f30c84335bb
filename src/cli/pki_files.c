/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What init, issue and show share: files, times, the CA directory. */
#include "cli/pki.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "crypto/der.h"
#include "crypto/pem.h"
#include "crypto/spiffe.h"
#include "crypto/x509.h"

#define SECONDS_PER_DAY 86400
#define SKEW_SECONDS    300
#define DAYS_MAX        36500
#define KEY_PEM_BYTES   1024

int
gc_pki_file_path(char dst[PATH_MAX], const char *dir, const char *name, const char *suffix)
{
    int len = snprintf(dst, PATH_MAX, "%s%s%s%s", dir != NULL ? dir : "", dir != NULL ? "/" : "",
                       name, suffix);

    return len >= 0 && len < PATH_MAX ? 0 : gc_cli_usage_error("the path is too long: %s", name);
}

bool
gc_pki_exists(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0;
}

int
gc_pki_read(const char *path, bool secret, struct gc_buf *out)
{
    int rc = gc_file_read(path, GC_PKI_FILE_BYTES_MAX, secret, out);

    if (rc == -EPERM) {
        return gc_cli_fail(rc, "%s: others can read it (chmod 600)", path);
    }
    return rc == 0 ? 0 : gc_cli_fail(rc, "%s", path);
}

int
gc_pki_file_write(const char *path, const struct gc_buf *buf, unsigned mode)
{
    int rc = gc_file_write(path, buf->data, buf->len, mode);

    return rc == 0 ? 0 : gc_cli_fail(rc, "%s", path);
}

int
gc_pki_write_key(const char *path, const struct gc_key *key)
{
    struct gc_buf pem;
    int rc, status;

    gc_buf_init(&pem, KEY_PEM_BYTES);
    rc = gc_buf_reserve(&pem, KEY_PEM_BYTES);
    if (rc != 0) {
        return gc_cli_fail(rc, "%s", path);
    }
    rc = gc_key_to_pem(key, &pem);
    status =
        rc == 0 ? gc_pki_file_write(path, &pem, GC_PKI_MODE_SECRET) : gc_cli_fail(rc, "%s", path);
    gc_wipe(pem.data, pem.cap);
    gc_buf_fini(&pem);
    return status;
}

/* --- times ------------------------------------------------------------------------------------ */

/* "2026-11-24T06:00:00Z": a GeneralizedTime with marks between its parts. */
static int
parse_iso(struct gc_str text, int64_t *ret_seconds)
{
    static const char form[] = "dddd-dd-ddTdd:dd:ddZ";
    uint8_t der[2 + 15] = { GC_DER_GENERALIZED_TIME, 15 };
    struct gc_der in = { .data = der, .len = sizeof(der) };
    size_t n = 2;

    if (text.len != sizeof(form) - 1) {
        return GC_EPARSE;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (form[i] == 'd' || form[i] == 'Z') {
            der[n++] = (uint8_t)text.data[i];
        } else if (text.data[i] != form[i]) {
            return GC_EPARSE;
        }
    }
    return gc_der_time(&in, ret_seconds);
}

static int
parse_time(const char *option, const char *value, int64_t *ret_seconds)
{
    struct gc_str text = gc_str_of(value);
    uint64_t seconds;
    int rc;

    if (value[0] != '@') {
        rc = parse_iso(text, ret_seconds);
    } else {
        rc = gc_str_u64(gc_str_of(value + 1), INT64_MAX, &seconds);
        if (rc == 0) {
            *ret_seconds = (int64_t)seconds;
        }
    }
    return rc == 0 ? 0
                   : gc_cli_usage_error("--%s %s: no time; write 2026-11-24T06:00:00Z or @SECONDS",
                                        option, value);
}

int
gc_pki_validity(const struct gc_pki_validity *validity, unsigned days_default,
                int64_t *ret_not_before, int64_t *ret_not_after)
{
    int64_t now = gc_clock_wall_ms() / 1000, not_before = now - SKEW_SECONDS, not_after;
    uint64_t days = days_default;
    int status = 0;

    if (validity->days != NULL && validity->not_after != NULL) {
        return gc_cli_usage_error("--days and --not-after exclude each other");
    }
    if (validity->days != NULL &&
        (gc_str_u64(gc_str_of(validity->days), DAYS_MAX, &days) != 0 || days == 0)) {
        return gc_cli_usage_error("--days %s: wants 1 to %d", validity->days, DAYS_MAX);
    }
    if (validity->not_before != NULL) {
        status = parse_time("not-before", validity->not_before, &not_before);
    }
    not_after = now + (int64_t)days * SECONDS_PER_DAY;
    if (status == 0 && validity->not_after != NULL) {
        status = parse_time("not-after", validity->not_after, &not_after);
    }
    if (status == 0 && not_before >= not_after) {
        status = gc_cli_usage_error("it would end before it begins (see --not-before)");
    }
    if (status == 0) {
        *ret_not_before = not_before;
        *ret_not_after = not_after;
    }
    return status;
}

/* --- the directory ---------------------------------------------------------------------------- */

static int
load_trust_domain(const char *dir, struct gc_pki_ca *ca)
{
    char path[PATH_MAX];
    struct gc_str text;
    struct gc_buf buf;
    int status;

    gc_buf_init(&buf, GC_PKI_FILE_BYTES_MAX);
    status = gc_pki_file_path(path, dir, "trust-domain", "");
    if (status == 0) {
        status = gc_pki_read(path, false, &buf);
    }
    if (status == 0) {
        text = (struct gc_str){ .data = (const char *)buf.data, .len = buf.len };
        if (text.len > 0 && text.data[text.len - 1] == '\n') {
            text.len--;
        }
        if (!gc_spiffe_trust_domain_ok(text) ||
            gc_str_copy(ca->trust_domain, sizeof(ca->trust_domain), text) != 0) {
            status = gc_cli_fail(GC_EPARSE, "%s", path);
        }
    }
    gc_buf_fini(&buf);
    return status;
}

static int
load_key(const char *path, struct gc_key **ret_key)
{
    struct gc_buf pem;
    int rc, status;

    gc_buf_init(&pem, GC_PKI_FILE_BYTES_MAX);
    status = gc_pki_read(path, true, &pem);
    if (status == 0) {
        rc = gc_key_from_pem((struct gc_str){ .data = (const char *)pem.data, .len = pem.len },
                             ret_key);
        status = rc == 0 ? 0 : gc_cli_fail(rc, "%s", path);
    }
    if (pem.data != NULL) {
        gc_wipe(pem.data, pem.len);
    }
    gc_buf_fini(&pem);
    return status;
}

/* The file's one certificate, as PEM and DER. */
static int
load_cert(const char *path, struct gc_pki_ca *ca)
{
    struct gc_x509_info info;
    struct gc_str text, label;
    int rc, status;

    status = gc_pki_read(path, false, &ca->cert_pem);
    if (status != 0) {
        return status;
    }
    text = (struct gc_str){ .data = (const char *)ca->cert_pem.data, .len = ca->cert_pem.len };
    rc = gc_pem_next(&text, &label, &ca->cert_der);
    if (rc == 0 && !gc_str_eq_cstr(label, "CERTIFICATE")) {
        rc = GC_EPARSE;
    }
    if (rc == 0) {
        rc = gc_x509_parse(ca->cert_der.data, ca->cert_der.len, &info);
    }
    if (rc != 0) {
        return gc_cli_fail(rc, "%s", path);
    }
    ca->not_after = info.not_after;
    return 0;
}

int
gc_pki_ca_load(const char *dir, struct gc_pki_ca *ret_ca)
{
    char cert[PATH_MAX], key[PATH_MAX];
    const char *name;
    int status;

    memset(ret_ca, 0, sizeof(*ret_ca));
    gc_buf_init(&ret_ca->cert_pem, GC_PKI_FILE_BYTES_MAX);
    gc_buf_init(&ret_ca->cert_der, GC_X509_DER_BYTES_MAX);
    status = gc_pki_file_path(cert, dir, "issuer", ".pem");
    if (status != 0) {
        return status;
    }
    ret_ca->is_intermediate = gc_pki_exists(cert);
    name = ret_ca->is_intermediate ? "issuer" : "ca";
    status = gc_pki_file_path(cert, dir, name, ".pem");
    if (status == 0) {
        status = gc_pki_file_path(key, dir, name, ".key");
    }
    if (status == 0) {
        status = load_trust_domain(dir, ret_ca);
    }
    if (status == 0) {
        status = load_cert(cert, ret_ca);
    }
    if (status == 0) {
        status = load_key(key, &ret_ca->key);
    }
    return status;
}

void
gc_pki_ca_fini(struct gc_pki_ca *ca)
{
    gc_key_free(ca->key);
    gc_buf_fini(&ca->cert_pem);
    gc_buf_fini(&ca->cert_der);
}
