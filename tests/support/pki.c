/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/pki.h"

#include <assert.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/macros.h"
#include "crypto/crypto.h"
#include "crypto/pem.h"

const char *
gc_pki_path(struct gc_pki *pki, const char *name)
{
    char *path = pki->paths[pki->n_paths++ % GC_ARRAY_LEN(pki->paths)];
    size_t dir_len = strlen(pki->dir);
    memcpy(path, pki->dir, dir_len);
    int n = snprintf(path + dir_len, sizeof(pki->paths[0]) - dir_len, "/%s", name);
    assert(n > 0 && (size_t)n < sizeof(pki->paths[0]) - dir_len);
    return path;
}

struct gc_x509_spec
gc_pki_spec(const char *common_name, const char *uri)
{
    static const char *const dns[] = { "localhost" };
    static const struct gc_x509_ip ip = { .bytes = { 127, 0, 0, 1 }, .len = 4 };
    int64_t now = gc_clock_wall_ms() / 1000;

    return (struct gc_x509_spec){ .kind = GC_X509_LEAF,
                                  .common_name = common_name,
                                  .not_before = now - 3600,
                                  .not_after = now + 3600,
                                  .uri = uri,
                                  .dns = dns,
                                  .n_dns = 1,
                                  .ips = &ip,
                                  .n_ips = 1 };
}

void
gc_pki_write(struct gc_pki *pki, const char *name, const struct gc_buf *der,
             const struct gc_key *key)
{
    struct gc_buf pem;
    char file[64];

    gc_buf_init(&pem, 65536);
    int rc = gc_pem_encode("CERTIFICATE", der->data, der->len, &pem);
    assert(rc == 0);
    snprintf(file, sizeof(file), "%s.crt", name);
    rc = gc_file_write(gc_pki_path(pki, file), pem.data, pem.len, 0644);
    assert(rc == 0);
    gc_buf_clear(&pem);
    rc = gc_key_to_pem(key, &pem);
    assert(rc == 0);
    snprintf(file, sizeof(file), "%s.key", name);
    rc = gc_file_write(gc_pki_path(pki, file), pem.data, pem.len, 0600);
    assert(rc == 0);
    gc_buf_fini(&pem);
}

void
gc_pki_init(struct gc_pki *pki, const char *ca_name)
{
    struct gc_x509_spec spec = gc_pki_spec(ca_name, NULL);

    memset(pki, 0, sizeof(*pki));
    int rc = gc_crypto_init();
    assert(rc == 0);
    snprintf(pki->dir, sizeof(pki->dir), "/tmp/gc-pki-XXXXXX");
    char *dir = mkdtemp(pki->dir);
    assert(dir != NULL);
    gc_buf_init(&pki->cert, GC_X509_DER_BYTES_MAX);
    rc = gc_key_generate(&pki->key);
    assert(rc == 0);
    spec.kind = GC_X509_ROOT;
    spec.n_dns = spec.n_ips = 0;
    rc = gc_x509_make(&spec, pki->key, NULL, &pki->cert);
    assert(rc == 0);
    gc_pki_write(pki, "ca", &pki->cert, pki->key);
    snprintf(pki->ca_file, sizeof(pki->ca_file), "%s/ca.crt", pki->dir);
}

void
gc_pki_fini(struct gc_pki *pki)
{
    DIR *dir = opendir(pki->dir);
    struct dirent *entry;

    assert(dir != NULL);
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.') {
            unlink(gc_pki_path(pki, entry->d_name));
        }
    }
    closedir(dir);
    rmdir(pki->dir);
    gc_key_free(pki->key);
    gc_buf_fini(&pki->cert);
}

void
gc_pki_issue(struct gc_pki *pki, const char *name, const struct gc_x509_spec *spec)
{
    struct gc_x509_signer signer = { .key = pki->key,
                                     .cert = pki->cert.data,
                                     .cert_len = pki->cert.len };
    struct gc_key *key;
    struct gc_buf der;

    gc_buf_init(&der, GC_X509_DER_BYTES_MAX);
    int rc = gc_key_generate(&key);
    assert(rc == 0);
    rc = gc_x509_make(spec, key, &signer, &der);
    assert(rc == 0);
    gc_pki_write(pki, name, &der, key);
    gc_key_free(key);
    gc_buf_fini(&der);
}

void
gc_pki_leaf(struct gc_pki *pki, const char *name, const char *uri)
{
    struct gc_x509_spec spec = gc_pki_spec(name, uri);
    gc_pki_issue(pki, name, &spec);
}

void
gc_pki_look_alike(struct gc_pki *pki, const char *name)
{
    struct gc_x509_info info;
    struct gc_buf der;
    struct gc_key *key;

    gc_buf_init(&der, GC_X509_DER_BYTES_MAX);
    int rc = gc_buf_append(&der, pki->cert.data, pki->cert.len);
    assert(rc == 0);
    rc = gc_x509_parse(der.data, der.len, &info);
    assert(rc == 0);
    rc = gc_key_generate(&key);
    assert(rc == 0);
    /* A P-256 SubjectPublicKeyInfo ends with the point. */
    size_t at =
        (size_t)((const uint8_t *)info.spki.data - der.data) + info.spki.len - GC_KEY_PUBLIC_BYTES;
    memcpy(der.data + at, gc_key_public(key), GC_KEY_PUBLIC_BYTES);
    gc_pki_write(pki, name, &der, key);
    gc_key_free(key);
    gc_buf_fini(&der);
}

struct gc_tls_conf
gc_pki_conf(struct gc_pki *pki, enum gc_tls_profile profile, bool server, const char *name)
{
    struct gc_tls_conf conf = { .profile = profile, .server = server, .ca_file = pki->ca_file };
    char file[64];

    if (profile == GC_TLS_INTERNAL) {
        conf.trust_domain = GC_PKI_DOMAIN;
    }
    if (name != NULL) {
        snprintf(file, sizeof(file), "%s.crt", name);
        conf.cert_file = gc_pki_path(pki, file);
        snprintf(file, sizeof(file), "%s.key", name);
        conf.key_file = gc_pki_path(pki, file);
    }
    return conf;
}

struct gc_tls_ctx *
gc_pki_ctx(struct gc_pki *pki, enum gc_tls_profile profile, bool server, const char *name)
{
    struct gc_tls_conf conf = gc_pki_conf(pki, profile, server, name);
    struct gc_tls_ctx *ctx = NULL;
    char error[GC_TLS_ERROR_MAX] = "";
    int rc = gc_tls_ctx_new(&conf, &ctx, error);

    if (rc != 0) {
        fprintf(stderr, "%s\n", error);
    }
    assert(rc == 0);
    return ctx;
}
