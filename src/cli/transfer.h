/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The jobs of a batch that move or remove one object. Each is one function that makes it; NULL when
 * there is no memory (what was given to it is freed all the same). */
#ifndef GC_CLI_TRANSFER_H
#define GC_CLI_TRANSFER_H

#include "cli/batch.h"
#include "cli/outfile.h"

#define GC_ETAG_LEN 32

/* What became of a single transfer, for the command that started it. */
struct gc_transfer_result {
    uint64_t length;
    char etag[GC_ETAG_LEN + 1]; /* "" when it is none of ours */
};

/* Store what can be read from FD (taken) as KEY (copied) of BUCKET (borrowed). A regular file can
 * be sent again; a pipe only once. */
struct gc_put_conf {
    const char *bucket;
    struct gc_str key;
    const char *content_type;          /* borrowed; NULL: none */
    struct gc_transfer_result *result; /* filled when done; may be NULL */
};
struct gc_job *gc_put_new(struct gc_batch *batch, const struct gc_put_conf *conf, int fd);

/* Bring the object to OUT (taken: copied, and the caller's is empty). Every chunk's checksum is
 * verified before it is written, the whole content's MD5 before a file gets its name. After a
 * fault it goes on where it was. */
struct gc_get_conf {
    const char *bucket;
    struct gc_str key;
    struct gc_transfer_result *result;
};
struct gc_job *gc_get_new(struct gc_batch *batch, const struct gc_get_conf *conf,
                          struct gc_outfile *out);

/* Remove an object; one that is not there is removed already. */
struct gc_job *gc_remove_new(struct gc_batch *batch, const char *bucket, struct gc_str key);

#endif
