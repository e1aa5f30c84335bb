/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A peer's certificate before anything is known about the peer: read it, show its names, ask for
 * its identity. */
#include <stdint.h>
#include <stdlib.h>

#include "crypto/spiffe.h"
#include "crypto/x509.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every text of an answer lies inside the input. */
static void
check_inside(struct gc_str text, const uint8_t *data, size_t size)
{
    const uint8_t *start = (const uint8_t *)text.data;

    if (text.len > 0 &&
        (start < data || start > data + size || text.len > (size_t)(data + size - start))) {
        abort();
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gc_x509_info info;
    struct gc_spiffe_id id;
    char text[64];

    if (gc_x509_parse(data, size, &info) != 0) {
        return 0;
    }
    check_inside(info.serial, data, size);
    check_inside(info.issuer, data, size);
    check_inside(info.subject, data, size);
    check_inside(info.spki, data, size);
    check_inside(info.key_id, data, size);
    check_inside(info.auth_id, data, size);
    if (info.n_sans > GC_X509_SANS_MAX) {
        abort();
    }
    for (size_t i = 0; i < info.n_sans; i++) {
        check_inside(info.sans[i].value, data, size);
    }
    gc_x509_name_text(info.subject, text, sizeof(text));
    gc_x509_name_text(info.issuer, text, sizeof(text));
    if (gc_spiffe_from_cert(&info, "gc.example", &id) == 0) {
        char uri[GC_SPIFFE_URI_MAX];

        if (info.is_ca || gc_spiffe_format(&id, uri) != 0) {
            abort();
        }
    }
    return 0;
}
