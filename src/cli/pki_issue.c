/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/pki.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "cli/json.h"
#include "crypto/pem.h"
#include "crypto/spiffe.h"
#include "crypto/x509.h"

#define LEAF_DAYS_DEFAULT 365
#define DNS_BYTES_MAX     253
#define NAMES_MAX         (GC_X509_SANS_MAX - 1) /* one is the SPIFFE id */

struct issue {
    const char *dir, *role, *node, *dns, *ip, *out, *trust_domain;
    bool client;
    bool force;
    struct gc_pki_validity validity;
    struct gc_pki_ca ca;
    struct gc_x509_spec spec;
    char uri[GC_SPIFFE_URI_MAX];
    char dns_texts[NAMES_MAX][DNS_BYTES_MAX + 1];
    const char *dns_names[NAMES_MAX];
    struct gc_x509_ip ips[NAMES_MAX];
    char cert_path[PATH_MAX], key_path[PATH_MAX];
};

static bool
take_options(struct gc_cli *cli, struct issue *issue, int argc, char **argv, int *ret_status)
{
    const struct gc_cli_opt opts[] = {
        { .name = "dir",
          .arg = "DIR",
          .value = &issue->dir,
          .required = true,
          .help = "the CA, as pki init made it" },
        { .name = "role",
          .arg = "ROLE",
          .value = &issue->role,
          .required = true,
          .help = "web, translation, file, admin or user" },
        { .name = "node",
          .arg = "NAME",
          .value = &issue->node,
          .required = true,
          .help = "name of the node or user: a-z A-Z 0-9 . - _" },
        { .name = "out",
          .arg = "PREFIX",
          .value = &issue->out,
          .required = true,
          .help = "write PREFIX.pem and PREFIX.key" },
        { .name = "dns", .arg = "A,B", .value = &issue->dns, .help = "DNS names of the node" },
        { .name = "ip", .arg = "X,Y", .value = &issue->ip, .help = "addresses of the node" },
        { .name = "client", .on = &issue->client, .help = "for a client only, not a server" },
        { .name = "days",
          .arg = "N",
          .value = &issue->validity.days,
          .help = "how long it is valid; default 365" },
        { .name = "not-before",
          .arg = "TIME",
          .value = &issue->validity.not_before,
          .help = "instead of five minutes ago" },
        { .name = "not-after",
          .arg = "TIME",
          .value = &issue->validity.not_after,
          .help = "instead of --days" },
        { .name = "trust-domain",
          .arg = "TD",
          .value = &issue->trust_domain,
          .help = "instead of the CA's, for tests" },
        { .name = "force", .on = &issue->force, .help = "replace existing files" },
    };
    const struct gc_cli_usage usage = {
        .name = "pki issue",
        .args = "",
        .summary =
            "Make a key and a certificate with the id spiffe://TD/gcommon/ROLE/NAME, signed\n"
            "by the CA in DIR. PREFIX.pem has the certificate and, where the CA has one, the\n"
            "intermediate; PREFIX.key is readable by its owner only.",
        .opts = opts,
        .n_opts = GC_ARRAY_LEN(opts),
    };
    size_t n_args;

    return gc_cli_parse(cli, &usage, argc, argv, &n_args, ret_status);
}

/* --- names ------------------------------------------------------------------------------------ */

static int
make_uri(struct issue *issue)
{
    const char *trust_domain =
        issue->trust_domain != NULL ? issue->trust_domain : issue->ca.trust_domain;
    struct gc_spiffe_id id;

    memset(&id, 0, sizeof(id));
    if (!gc_spiffe_trust_domain_ok(gc_str_of(trust_domain)) ||
        gc_str_copy(id.trust_domain, sizeof(id.trust_domain), gc_str_of(trust_domain)) != 0) {
        return gc_cli_usage_error("--trust-domain %s: wants 1 to 63 of a-z 0-9 . - _",
                                  trust_domain);
    }
    if (!gc_spiffe_role_ok(gc_str_of(issue->role)) ||
        gc_str_copy(id.role, sizeof(id.role), gc_str_of(issue->role)) != 0) {
        return gc_cli_usage_error("--role %s: wants web, translation, file, admin or user",
                                  issue->role);
    }
    if (!gc_spiffe_node_ok(gc_str_of(issue->node)) ||
        gc_str_copy(id.node, sizeof(id.node), gc_str_of(issue->node)) != 0) {
        return gc_cli_usage_error("--node %s: wants 1 to 63 of a-z A-Z 0-9 . - _", issue->node);
    }
    return gc_spiffe_format(&id, issue->uri);
}

static bool
dns_name_ok(struct gc_str name)
{
    if (gc_str_starts(name, "*.")) {
        name.data += 2;
        name.len -= 2;
    }
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            c != '.' && c != '-' && c != '_') {
            return false;
        }
    }
    return name.len > 0 && name.len <= DNS_BYTES_MAX;
}

static int
add_dns(struct issue *issue, struct gc_str name)
{
    size_t n = issue->spec.n_dns;

    if (!dns_name_ok(name) ||
        gc_str_copy(issue->dns_texts[n], sizeof(issue->dns_texts[n]), name) != 0) {
        return gc_cli_usage_error("--dns %.*s: no DNS name", (int)name.len, name.data);
    }
    issue->dns_names[n] = issue->dns_texts[n];
    issue->spec.n_dns++;
    return 0;
}

static int
add_ip(struct issue *issue, struct gc_str text)
{
    struct gc_x509_ip *ip = &issue->ips[issue->spec.n_ips];
    char cstr[INET6_ADDRSTRLEN];

    if (gc_str_copy(cstr, sizeof(cstr), text) == 0 && inet_pton(AF_INET, cstr, ip->bytes) == 1) {
        ip->len = 4;
    } else if (gc_str_copy(cstr, sizeof(cstr), text) == 0 &&
               inet_pton(AF_INET6, cstr, ip->bytes) == 1) {
        ip->len = 16;
    } else {
        return gc_cli_usage_error("--ip %.*s: no IPv4 or IPv6 address", (int)text.len, text.data);
    }
    issue->spec.n_ips++;
    return 0;
}

/* Give ADD each part of "a,b,c". */
static int
split(struct issue *issue, const char *list, int (*add)(struct issue *issue, struct gc_str part))
{
    while (list != NULL) {
        size_t len = strcspn(list, ",");
        int status;

        if (issue->spec.n_dns + issue->spec.n_ips == NAMES_MAX) {
            return gc_cli_usage_error("more than %d names", NAMES_MAX);
        }
        status = add(issue, (struct gc_str){ .data = list, .len = len });
        if (status != 0) {
            return status;
        }
        list = list[len] == ',' ? list + len + 1 : NULL;
    }
    return 0;
}

static int
make_spec(struct issue *issue)
{
    struct gc_x509_spec *spec = &issue->spec;
    int status;

    spec->kind = GC_X509_LEAF;
    spec->common_name = issue->node;
    spec->client_only = issue->client;
    spec->uri = issue->uri;
    spec->dns = issue->dns_names;
    spec->ips = issue->ips;
    status = make_uri(issue);
    if (status == 0) {
        status = split(issue, issue->dns, add_dns);
    }
    if (status == 0) {
        status = split(issue, issue->ip, add_ip);
    }
    if (status == 0) {
        status = gc_pki_validity(&issue->validity, LEAF_DAYS_DEFAULT, &spec->not_before,
                                 &spec->not_after);
    }
    if (status != 0 || spec->not_after <= issue->ca.not_after) {
        return status;
    }
    /* A leaf that outlives its issuer fails one day without warning. */
    if (issue->validity.days != NULL || issue->validity.not_after != NULL) {
        return gc_cli_usage_error("the CA ends before that; choose a shorter time");
    }
    spec->not_after = issue->ca.not_after;
    return spec->not_before < spec->not_after ? 0
                                              : gc_cli_fail(GC_EPRECONDITION, "the CA has expired");
}

/* --- output ----------------------------------------------------------------------------------- */

static int
check_output(struct issue *issue)
{
    const char *const paths[] = { issue->cert_path, issue->key_path };
    int status = gc_pki_file_path(issue->cert_path, NULL, issue->out, ".pem");

    if (status == 0) {
        status = gc_pki_file_path(issue->key_path, NULL, issue->out, ".key");
    }
    for (size_t i = 0; status == 0 && !issue->force && i < GC_ARRAY_LEN(paths); i++) {
        if (gc_pki_exists(paths[i])) {
            status = gc_cli_fail(GC_EEXISTS, "%s", paths[i]);
        }
    }
    return status;
}

/* The leaf's certificate, and what links it to the root, as PEM. */
static int
make_chain(const struct issue *issue, const struct gc_key *key, struct gc_buf *pem)
{
    struct gc_x509_signer signer = { .key = issue->ca.key,
                                     .cert = issue->ca.cert_der.data,
                                     .cert_len = issue->ca.cert_der.len };
    struct gc_buf der;
    int rc;

    gc_buf_init(&der, GC_X509_DER_BYTES_MAX);
    rc = gc_x509_make(&issue->spec, key, &signer, &der);
    if (rc == 0) {
        rc = gc_pem_encode("CERTIFICATE", der.data, der.len, pem);
    }
    if (rc == 0 && issue->ca.is_intermediate) {
        rc = gc_buf_append(pem, issue->ca.cert_pem.data, issue->ca.cert_pem.len);
    }
    gc_buf_fini(&der);
    return rc;
}

static int
make_leaf(const struct issue *issue)
{
    struct gc_key *key = NULL;
    struct gc_buf pem;
    int rc, status;

    gc_buf_init(&pem, 2 * GC_PKI_FILE_BYTES_MAX);
    rc = gc_key_generate(&key);
    if (rc == 0) {
        rc = make_chain(issue, key, &pem);
    }
    status =
        rc == 0 ? gc_pki_write_key(issue->key_path, key) : gc_cli_fail(rc, "%s", issue->cert_path);
    if (status == 0) {
        status = gc_pki_file_write(issue->cert_path, &pem, GC_PKI_MODE_PUBLIC);
    }
    gc_key_free(key);
    gc_buf_fini(&pem);
    return status;
}

static int
report(const struct gc_cli *cli, const struct issue *issue)
{
    struct gc_buf out;
    char end[25];
    int rc = 0;

    gc_time_iso(end, issue->spec.not_after * 1000);
    gc_buf_init(&out, GC_PKI_FILE_BYTES_MAX);
    if (cli->json) {
        rc = gc_buf_append_str(&out, "{");
        rc = rc == 0 ? gc_json_member(&out, "id", gc_str_of(issue->uri)) : rc;
        rc = rc == 0 ? gc_json_member(&out, "cert", gc_str_of(issue->cert_path)) : rc;
        rc = rc == 0 ? gc_json_member(&out, "key", gc_str_of(issue->key_path)) : rc;
        rc = rc == 0 ? gc_buf_printf(&out, "\"not_after\":\"%s\"}\n", end) : rc;
    } else {
        rc = gc_buf_printf(&out, "%s, %s: %s, valid until %s\n", issue->cert_path, issue->key_path,
                           issue->uri, end);
    }
    if (rc == 0) {
        fwrite(out.data, 1, out.len, stdout);
    }
    gc_buf_fini(&out);
    return rc == 0 ? 0 : gc_cli_fail(rc, "result");
}

int
gc_pki_issue(struct gc_cli *cli, int argc, char **argv)
{
    struct issue issue = { 0 };
    int status;

    if (!take_options(cli, &issue, argc, argv, &status)) {
        return status;
    }
    status = gc_pki_ca_load(issue.dir, &issue.ca);
    if (status == 0) {
        status = make_spec(&issue);
    }
    if (status == 0) {
        status = check_output(&issue);
    }
    if (status == 0) {
        status = make_leaf(&issue);
    }
    if (status == 0) {
        status = report(cli, &issue);
    }
    gc_pki_ca_fini(&issue.ca);
    return status;
}
