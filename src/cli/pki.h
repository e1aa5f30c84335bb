/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shared by the parts of `gcommonctl pki`. A function that returns a status has said on standard
 * error what was wrong; 0 is success.
 *
 * A CA is a directory: ca.pem, ca.key (the root), trust-domain (one line) and, when it was made
 * with an intermediate, issuer.pem and issuer.key, which then sign the leaves so that ca.key can be
 * kept elsewhere. */
#ifndef GC_CLI_PKI_H
#define GC_CLI_PKI_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "cli/cli.h"
#include "crypto/key.h"

#define GC_PKI_FILE_BYTES_MAX (64 * 1024)
#define GC_PKI_MODE_SECRET    0600
#define GC_PKI_MODE_PUBLIC    0644

/* The subcommands. */
int gc_pki_init(struct gc_cli *cli, int argc, char **argv);
int gc_pki_issue(struct gc_cli *cli, int argc, char **argv);
int gc_pki_show(struct gc_cli *cli, int argc, char **argv);

/* DIR/NAME, or with DIR NULL just NAME, followed by SUFFIX. */
int gc_pki_file_path(char dst[PATH_MAX], const char *dir, const char *name, const char *suffix);

/* Is there something at PATH? */
bool gc_pki_exists(const char *path);

/* Append the content of PATH to OUT (an initialised buffer). */
int gc_pki_read(const char *path, bool secret, struct gc_buf *out);

/* Write the whole content of BUF. */
int gc_pki_file_write(const char *path, const struct gc_buf *buf, unsigned mode);

/* Write KEY, mode 0600. */
int gc_pki_write_key(const char *path, const struct gc_key *key);

/* When a certificate is valid, as options give it. */
struct gc_pki_validity {
    const char *days;
    const char *not_before;
    const char *not_after;
};

/* Seconds since 1970. Starts five minutes ago, for clocks that run late, unless NOT_BEFORE says
 * else; ends after DAYS or DAYS_DEFAULT, unless NOT_AFTER says else. */
int gc_pki_validity(const struct gc_pki_validity *validity, unsigned days_default,
                    int64_t *ret_not_before, int64_t *ret_not_after);

/* What a signer's DIR holds. */
struct gc_pki_ca {
    struct gc_key *key;
    struct gc_buf cert_pem;
    struct gc_buf cert_der;
    int64_t not_after;
    bool is_intermediate;
    char trust_domain[64];
};

/* Read it; RET_CA is to be given back to gc_pki_ca_fini, on error as well. */
int gc_pki_ca_load(const char *dir, struct gc_pki_ca *ret_ca);
void gc_pki_ca_fini(struct gc_pki_ca *ca);

#endif
