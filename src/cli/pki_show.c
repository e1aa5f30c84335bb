/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/pki.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "cli/json.h"
#include "crypto/hash.h"
#include "crypto/pem.h"
#include "crypto/x509.h"

#define FILES_MAX     64
#define OUT_BYTES_MAX (4 * 1024 * 1024)

/* A certificate in words. */
struct words {
    char subject[256], issuer[256];
    char serial[2 * GC_X509_SERIAL_BYTES_MAX + 1];
    char not_before[25], not_after[25];
    char sha256[2 * GC_SHA256_BYTES + 1];
    const char *key;
    const char *use;
};

static const char *
use_text(const struct gc_x509_info *info)
{
    bool any = !info->has_ext_key_usage;

    if (info->is_ca) {
        return "ca";
    }
    if (any || (info->for_server && info->for_client)) {
        return "server, client";
    }
    if (info->for_server) {
        return "server";
    }
    return info->for_client ? "client" : "none";
}

static const char *
key_text(enum gc_x509_pubkey pubkey)
{
    switch (pubkey) {
    case GC_X509_PUBKEY_P256:
        return "P-256";
    case GC_X509_PUBKEY_ED25519:
        return "Ed25519";
    default:
        return "other";
    }
}

static void
describe(const struct gc_buf *der, const struct gc_x509_info *info, struct words *words)
{
    uint8_t digest[GC_SHA256_BYTES];

    gc_x509_name_text(info->subject, words->subject, sizeof(words->subject));
    gc_x509_name_text(info->issuer, words->issuer, sizeof(words->issuer));
    gc_hex_encode(words->serial, info->serial.data, info->serial.len);
    gc_time_iso(words->not_before, info->not_before * 1000);
    gc_time_iso(words->not_after, info->not_after * 1000);
    gc_sha256(der->data, der->len, digest);
    gc_hex_encode(words->sha256, digest, sizeof(digest));
    words->key = key_text(info->pubkey);
    words->use = use_text(info);
}

/* What kind of name it is, and its text: the name's own, or TEXT filled with an address. */
static const char *
san_text(const struct gc_x509_san *san, char text[INET6_ADDRSTRLEN], struct gc_str *ret_value)
{
    *ret_value = san->value;
    switch (san->kind) {
    case GC_X509_SAN_DNS:
        return "dns";
    case GC_X509_SAN_URI:
        return "uri";
    case GC_X509_SAN_IP:
        if (inet_ntop(san->value.len == 4 ? AF_INET : AF_INET6, san->value.data, text,
                      INET6_ADDRSTRLEN) == NULL) {
            text[0] = '\0';
        }
        *ret_value = gc_str_of(text);
        return "ip";
    default:
        *ret_value = GC_STR("");
        return "other";
    }
}

static int
print_text(const struct gc_x509_info *info, const struct words *words, struct gc_buf *out)
{
    int rc = gc_buf_printf(out,
                           "subject:    %s\nissuer:     %s\nserial:     %s\nnot before: %s\n"
                           "not after:  %s\nkey:        %s\nuse:        %s\nsha256:     %s\n",
                           words->subject, words->issuer, words->serial, words->not_before,
                           words->not_after, words->key, words->use, words->sha256);

    for (size_t i = 0; rc == 0 && i < info->n_sans; i++) {
        char text[INET6_ADDRSTRLEN];
        struct gc_str value;
        const char *kind = san_text(&info->sans[i], text, &value);

        rc = gc_buf_printf(out, "name:       %s %.*s\n", kind, (int)value.len, value.data);
    }
    return rc == 0 ? gc_buf_append_str(out, "\n") : rc;
}

static int
print_json_names(const struct gc_x509_info *info, struct gc_buf *out)
{
    int rc = gc_buf_append_str(out, "\"names\":[");

    for (size_t i = 0; rc == 0 && i < info->n_sans; i++) {
        char text[INET6_ADDRSTRLEN];
        struct gc_str value;
        const char *kind = san_text(&info->sans[i], text, &value);

        rc = gc_buf_printf(out, "%s{\"kind\":\"%s\",\"value\":", i > 0 ? "," : "", kind);
        rc = rc == 0 ? gc_json_str(out, value) : rc;
        rc = rc == 0 ? gc_buf_append_str(out, "}") : rc;
    }
    return rc == 0 ? gc_buf_append_str(out, "]") : rc;
}

static int
print_json(const struct gc_x509_info *info, const struct words *words, struct gc_buf *out)
{
    const struct {
        const char *name;
        const char *value;
    } members[] = {
        { "subject", words->subject },
        { "issuer", words->issuer },
        { "serial", words->serial },
        { "not_before", words->not_before },
        { "not_after", words->not_after },
        { "key", words->key },
        { "use", words->use },
        { "sha256", words->sha256 },
    };
    int rc = gc_buf_append_str(out, out->len > 1 ? ",{" : "{"); /* 1: the array's bracket */

    for (size_t i = 0; rc == 0 && i < GC_ARRAY_LEN(members); i++) {
        rc = gc_json_member(out, members[i].name, gc_str_of(members[i].value));
    }
    rc = rc == 0 ? gc_buf_printf(out, "\"ca\":%s,", info->is_ca ? "true" : "false") : rc;
    rc = rc == 0 ? print_json_names(info, out) : rc;
    return rc == 0 ? gc_buf_append_str(out, "}") : rc;
}

static int
show_cert(bool json, const struct gc_buf *der, struct gc_buf *out)
{
    struct gc_x509_info info;
    struct words words;
    int rc;

    rc = gc_x509_parse(der->data, der->len, &info);
    if (rc != 0) {
        return rc;
    }
    describe(der, &info, &words);
    return json ? print_json(&info, &words, out) : print_text(&info, &words, out);
}

/* All certificates of PEM, at least one. */
static int
show_all(bool json, const struct gc_buf *pem, struct gc_buf *out)
{
    struct gc_str text = { .data = (const char *)pem->data, .len = pem->len };
    struct gc_str label;
    struct gc_buf der;
    size_t n_certs = 0;
    int rc;

    gc_buf_init(&der, GC_X509_DER_BYTES_MAX);
    while ((rc = gc_pem_next(&text, &label, &der)) == 0) {
        if (!gc_str_eq_cstr(label, "CERTIFICATE")) {
            continue;
        }
        rc = show_cert(json, &der, out);
        if (rc != 0) {
            break;
        }
        n_certs++;
    }
    gc_buf_fini(&der);
    if (rc == GC_ENOTFOUND) {
        rc = n_certs > 0 ? 0 : GC_EPARSE;
    }
    return rc;
}

static int
show_file(const struct gc_cli *cli, const char *path, struct gc_buf *out)
{
    struct gc_buf pem;
    int rc, status;

    gc_buf_init(&pem, GC_PKI_FILE_BYTES_MAX);
    status = gc_pki_read(path, false, &pem);
    if (status == 0) {
        rc = show_all(cli->json, &pem, out);
        status = rc == 0 ? 0 : gc_cli_fail(rc, "%s", path);
    }
    gc_buf_fini(&pem);
    return status;
}

int
gc_pki_show(struct gc_cli *cli, int argc, char **argv)
{
    static const struct gc_cli_usage usage = {
        .name = "pki show",
        .args = "FILE...",
        .summary = "Say what the certificates in PEM files are.",
        .n_args_min = 1,
        .n_args_max = FILES_MAX,
    };
    struct gc_buf out;
    size_t n_args;
    int status;

    if (!gc_cli_parse(cli, &usage, argc, argv, &n_args, &status)) {
        return status;
    }
    gc_buf_init(&out, OUT_BYTES_MAX);
    status = gc_buf_append_str(&out, cli->json ? "[" : "");
    for (size_t i = 1; status == 0 && i <= n_args; i++) {
        status = show_file(cli, argv[i], &out);
    }
    if (status == 0) {
        fwrite(out.data, 1, out.len, stdout);
        fputs(cli->json ? "]\n" : "", stdout);
    }
    gc_buf_fini(&out);
    return status;
}
