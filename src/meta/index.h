/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names of objects in the table sm.index (object-protocol.md rule 4). For the files of src/meta.
 *
 * A container is a bucket or the continuation of long names; both have ids from one counter. A name
 * of up to 479 bytes is at {container, name}. For a longer one, {container, its first 479 bytes,
 * 0x01} is a branch to a child container, which holds the rest in the same way. The mark makes a
 * branch's key longer than any name's, so it collides with none and sorts behind the name of just
 * these 479 bytes, in front of every greater one: byte order of names is order of the table. An
 * empty child is removed with its branch, so a container is empty exactly when it has no row. */
#ifndef GC_META_INDEX_H
#define GC_META_INDEX_H

#include "meta/store.h"

/* The row of a name, not decoded. GC_ENOTFOUND. */
int gc_meta_index_get(const struct gc_meta *meta, struct gc_kv_txn *txn, uint64_t container,
                      struct gc_str name, struct gc_kv_val *ret_val);
/* Put an object's row; makes the branches that are missing. */
int gc_meta_index_put(struct gc_meta *meta, uint64_t container, struct gc_str name,
                      const struct gc_meta_index_row *row);
/* Delete a name that is there, and branches that become empty. */
int gc_meta_index_del(struct gc_meta *meta, uint64_t container, struct gc_str name);
/* 0 when nothing is in the container, GC_ENOTEMPTY, or an error. One seek. */
int gc_meta_index_empty(const struct gc_meta *meta, struct gc_kv_txn *txn, uint64_t container);

struct gc_meta_index_hit {
    char name[GC_META_KEY_MAX];
    size_t name_len;
    struct gc_kv_val val;
};
/* The first name >= FROM (any bytes). A few seeks. GC_ENOTFOUND. */
int gc_meta_index_seek(const struct gc_meta *meta, struct gc_kv_txn *txn, uint64_t container,
                       struct gc_str from, struct gc_meta_index_hit *ret_hit);

#endif
