/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Counts everything in the state again and compares it with what is kept incrementally: numbers,
 * references, the hash. For tests, the simulator and offline fsck; reads the whole state in one
 * transaction. */
#ifndef GC_META_CHECK_H
#define GC_META_CHECK_H

#include "meta/meta.h"

struct gc_meta_check {
    const char *problem; /* NULL: all is well */
    struct gc_meta_state kept;
    struct gc_meta_state counted; /* numbers n_* and rows_hash */
};

/* A negative code is a failure to read; what is wrong in the state is in RET_CHECK. */
int gc_meta_check(const struct gc_meta *meta, struct gc_kv_txn *txn,
                  struct gc_meta_check *ret_check);

#endif
