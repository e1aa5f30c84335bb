/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files are written keys first and trust-domain last, so that what an interrupted init leaves
 * behind is refused by issue, and by a second init.
 */
#include "cli/pki.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "cli/json.h"
#include "crypto/pem.h"
#include "crypto/spiffe.h"
#include "crypto/x509.h"

#define CA_DAYS_DEFAULT 3650
#define NAME_BYTES_MAX  64

struct init {
    const char *trust_domain;
    const char *dir;
    const char *name; /* of the root, NULL for the default */
    bool intermediate;
    struct gc_pki_validity validity;
    struct gc_x509_spec spec;
    char common_name[NAME_BYTES_MAX + 1];
};

/* One CA of the directory: its key and its certificate as DER. */
struct authority {
    struct gc_key *key;
    struct gc_buf der;
};

static bool
take_options(struct gc_cli *cli, struct init *init, int argc, char **argv, int *ret_status)
{
    const struct gc_cli_opt opts[] = {
        { .name = "trust-domain",
          .arg = "TD",
          .value = &init->trust_domain,
          .required = true,
          .help = "SPIFFE trust domain of the cluster, e.g. gc.example" },
        { .name = "dir",
          .arg = "DIR",
          .value = &init->dir,
          .required = true,
          .help = "where to put it; made if it is not there" },
        { .name = "name",
          .arg = "NAME",
          .value = &init->name,
          .help = "common name; default: gcommon CA and the trust domain" },
        { .name = "intermediate",
          .on = &init->intermediate,
          .help = "make also issuer.pem, issuer.key, which sign leaves" },
        { .name = "days",
          .arg = "N",
          .value = &init->validity.days,
          .help = "how long it is valid; default 3650" },
        { .name = "not-before",
          .arg = "TIME",
          .value = &init->validity.not_before,
          .help = "instead of five minutes ago" },
        { .name = "not-after",
          .arg = "TIME",
          .value = &init->validity.not_after,
          .help = "instead of --days" },
    };
    const struct gc_cli_usage usage = {
        .name = "pki init",
        .args = "",
        .summary = "Make a certificate authority: DIR/ca.pem (for everybody), DIR/ca.key (keep it\n"
                   "safe, best offline), DIR/trust-domain. Existing files are never replaced.",
        .opts = opts,
        .n_opts = GC_ARRAY_LEN(opts),
    };
    size_t n_args;

    return gc_cli_parse(cli, &usage, argc, argv, &n_args, ret_status);
}

static int
check_options(struct init *init)
{
    struct gc_str name;

    if (!gc_spiffe_trust_domain_ok(gc_str_of(init->trust_domain))) {
        return gc_cli_usage_error("--trust-domain %s: wants 1 to 63 of a-z 0-9 . - _",
                                  init->trust_domain);
    }
    if (init->name == NULL) {
        /* A long domain is cut: the name is for people, the domain is checked elsewhere. */
        snprintf(init->common_name, sizeof(init->common_name), "gcommon CA %.53s",
                 init->trust_domain);
        return 0;
    }
    name = gc_str_of(init->name);
    if (name.len == 0 || !gc_utf8_valid(name) ||
        gc_str_copy(init->common_name, sizeof(init->common_name), name) != 0) {
        return gc_cli_usage_error("--name: wants 1 to %d bytes of UTF-8", NAME_BYTES_MAX);
    }
    return 0;
}

/* Refuse a directory that holds a CA, or a part of one. */
static int
check_free(const char *dir)
{
    static const char *const names[] = { "ca.key", "ca.pem", "issuer.key", "issuer.pem",
                                         "trust-domain" };

    for (size_t i = 0; i < GC_ARRAY_LEN(names); i++) {
        char path[PATH_MAX];
        int status = gc_pki_file_path(path, dir, names[i], "");

        if (status != 0) {
            return status;
        }
        if (gc_pki_exists(path)) {
            return gc_cli_fail(GC_EEXISTS, "%s", path);
        }
    }
    return 0;
}

static int
make_dir(const char *dir)
{
    if (mkdir(dir, 0700) != 0 && errno != EEXIST) {
        return gc_cli_fail(-errno, "%s", dir);
    }
    return 0;
}

static void
authority_init(struct authority *authority)
{
    authority->key = NULL;
    gc_buf_init(&authority->der, GC_X509_DER_BYTES_MAX);
}

static void
authority_fini(struct authority *authority)
{
    gc_key_free(authority->key);
    gc_buf_fini(&authority->der);
}

/* Make the key and certificate of SPEC, and write them as DIR/NAME.key and .pem. */
static int
make_authority(const char *dir, const char *name, const struct gc_x509_spec *spec,
               const struct authority *above, struct authority *authority)
{
    struct gc_x509_signer signer = { 0 };
    char cert[PATH_MAX], key[PATH_MAX];
    struct gc_buf pem;
    int rc, status;

    gc_buf_init(&pem, GC_PKI_FILE_BYTES_MAX);
    if (above != NULL) {
        signer = (struct gc_x509_signer){ .key = above->key,
                                          .cert = above->der.data,
                                          .cert_len = above->der.len };
    }
    rc = gc_key_generate(&authority->key);
    if (rc == 0) {
        rc = gc_x509_make(spec, authority->key, above != NULL ? &signer : NULL, &authority->der);
    }
    if (rc == 0) {
        rc = gc_pem_encode("CERTIFICATE", authority->der.data, authority->der.len, &pem);
    }
    status = rc == 0 ? gc_pki_file_path(key, dir, name, ".key")
                     : gc_cli_fail(rc, "%s certificate", name);
    if (status == 0) {
        status = gc_pki_file_path(cert, dir, name, ".pem");
    }
    if (status == 0) {
        status = gc_pki_write_key(key, authority->key);
    }
    if (status == 0) {
        status = gc_pki_file_write(cert, &pem, GC_PKI_MODE_PUBLIC);
    }
    gc_buf_fini(&pem);
    return status;
}

static int
make_intermediate(const struct init *init, const struct authority *root)
{
    struct gc_x509_spec spec = init->spec;
    char name[NAME_BYTES_MAX + 1];
    struct authority issuer;
    int status;

    spec.kind = GC_X509_INTERMEDIATE;
    snprintf(name, sizeof(name), "gcommon issuer %.49s", init->trust_domain);
    spec.common_name = name;
    authority_init(&issuer);
    status = make_authority(init->dir, "issuer", &spec, root, &issuer);
    authority_fini(&issuer);
    return status;
}

static int
write_trust_domain(const struct init *init)
{
    char path[PATH_MAX];
    struct gc_buf text;
    int rc, status;

    gc_buf_init(&text, sizeof(path));
    status = gc_pki_file_path(path, init->dir, "trust-domain", "");
    if (status == 0) {
        rc = gc_buf_printf(&text, "%s\n", init->trust_domain);
        status = rc == 0 ? gc_pki_file_write(path, &text, GC_PKI_MODE_PUBLIC)
                         : gc_cli_fail(rc, "%s", path);
    }
    gc_buf_fini(&text);
    return status;
}

static int
report(const struct gc_cli *cli, const struct init *init)
{
    struct gc_buf out;
    char end[25];
    int rc = 0;

    gc_time_iso(end, init->spec.not_after * 1000);
    gc_buf_init(&out, GC_PKI_FILE_BYTES_MAX);
    if (cli->json) {
        rc = gc_buf_append_str(&out, "{");
        rc = rc == 0 ? gc_json_member(&out, "dir", gc_str_of(init->dir)) : rc;
        rc = rc == 0 ? gc_json_member(&out, "trust_domain", gc_str_of(init->trust_domain)) : rc;
        rc = rc == 0 ? gc_buf_printf(&out, "\"not_after\":\"%s\"}\n", end) : rc;
    } else {
        rc = gc_buf_printf(&out, "%s: certificate authority of %s, valid until %s\n", init->dir,
                           init->trust_domain, end);
    }
    if (rc == 0) {
        fwrite(out.data, 1, out.len, stdout);
    }
    gc_buf_fini(&out);
    return rc == 0 ? 0 : gc_cli_fail(rc, "result");
}

static int
make_all(struct gc_cli *cli, struct init *init)
{
    struct authority root;
    int status;

    authority_init(&root);
    init->spec.kind = GC_X509_ROOT;
    init->spec.common_name = init->common_name;
    status = make_authority(init->dir, "ca", &init->spec, NULL, &root);
    if (status == 0 && init->intermediate) {
        status = make_intermediate(init, &root);
    }
    if (status == 0) {
        status = write_trust_domain(init);
    }
    if (status == 0) {
        status = report(cli, init);
    }
    authority_fini(&root);
    return status;
}

int
gc_pki_init(struct gc_cli *cli, int argc, char **argv)
{
    struct init init = { 0 };
    int status;

    if (!take_options(cli, &init, argc, argv, &status)) {
        return status;
    }
    status = check_options(&init);
    if (status == 0) {
        status = gc_pki_validity(&init.validity, CA_DAYS_DEFAULT, &init.spec.not_before,
                                 &init.spec.not_after);
    }
    if (status == 0) {
        status = make_dir(init.dir);
    }
    if (status == 0) {
        status = check_free(init.dir);
    }
    return status == 0 ? make_all(cli, &init) : status;
}
