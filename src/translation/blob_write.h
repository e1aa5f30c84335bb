/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One blob on its way to several file servers at once (object-protocol.md rules 5 and 6): the same
 * frames to each, done when all that are left have confirmed, failed when fewer than the quorum are
 * left. A server that takes nothing for the stall time while enough others keep up is left out.
 *
 * Lives on a worker's loop. Callbacks come later, never from inside a call here; none after DONE or
 * cancel. */
#ifndef GC_TRANSLATION_BLOB_WRITE_H
#define GC_TRANSLATION_BLOB_WRITE_H

#include "base/bytes.h"
#include "meta/query.h"

struct gc_translation_worker;
struct gc_blob_write;

struct gc_blob_write_ops {
    /* More chunks may be given, after gc_blob_write_ready was false. */
    void (*on_ready)(void *arg);
    /* RC 0: committed on the N servers in NUMBERS, at least the quorum. GC_EFULL, GC_ELIMIT: the
     * last that was lost has no room, is overloaded; GC_EUNAVAILABLE. */
    void (*on_done)(void *arg, int rc, const uint32_t *numbers, uint32_t n);
};

struct gc_blob_write_conf {
    struct gc_translation_worker *worker;
    struct gc_blob_id id;
    const struct gc_meta_server *servers; /* N to try; borrowed */
    uint32_t n;
    uint32_t quorum;
    const struct gc_trace *trace;
    const struct gc_blob_write_ops *ops;
    void *arg;
};

/* GC_EUNAVAILABLE when fewer than the quorum could be started. */
int gc_blob_write_start(const struct gc_blob_write_conf *conf, struct gc_blob_write **ret_write);
bool gc_blob_write_ready(const struct gc_blob_write *write);
/* Forward MSG, a whole chunk message (referenced), to all. Only while ready. */
void gc_blob_write_chunk(struct gc_blob_write *write, struct gc_bytes *msg);
/* All chunks given. */
void gc_blob_write_commit(struct gc_blob_write *write, uint64_t length, uint32_t crc);
/* Give up: the servers drop what they have, unless they had committed already. WRITE is gone for
 * the caller. */
void gc_blob_write_cancel(struct gc_blob_write *write);

#endif
