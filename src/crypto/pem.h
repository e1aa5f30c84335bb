/* SPDX-License-Identifier: MIT */
/* PEM blocks (RFC 7468). Pure; any thread. */
#ifndef GC_CRYPTO_PEM_H
#define GC_CRYPTO_PEM_H

#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"

/* Append LEN bytes as a block with this LABEL ("CERTIFICATE"). -ENOMEM, GC_ELIMIT. */
int gc_pem_encode(const char *label, const void *der, size_t len, struct gc_buf *out);

/* Take the next block off TEXT: its label (pointing into TEXT) and its content, which replaces what
 * is in DER. Text between blocks is skipped. GC_ENOTFOUND when there is no further block, GC_EPARSE
 * when it is malformed or has headers (an encrypted key), GC_ELIMIT when DER's limit is reached,
 * -ENOMEM. */
int gc_pem_next(struct gc_str *text, struct gc_str *ret_label, struct gc_buf *der);

#endif
