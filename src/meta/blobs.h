/* SPDX-License-Identifier: GPL-3.0-or-later */
/* References to blobs, manifests, and the way of a blob without references into the garbage queues
 * (object-protocol.md rules 11-13). For the files of src/meta.
 *
 * A blob's row says that an object or manifest names it; when nothing does any more, it stays as
 * long as rows of the garbage queue are left, so that a server that asks about the blob is told to
 * follow its queue, with its delay and holds, and not to delete at once. */
#ifndef GC_META_BLOBS_H
#define GC_META_BLOBS_H

#include "meta/store.h"

/* Give OBJECT's blobs, which have no row yet, to the bucket's object, by a manifest when there are
 * many; ROW gets kind and ref. */
int gc_meta_blobs_take(struct gc_meta *meta, uint64_t bucket_id,
                       const struct gc_meta_object *object, struct gc_meta_index_row *row);
/* The object of ROW (decoded with extents) is gone: drop its references. */
int gc_meta_blobs_release(struct gc_meta *meta, const struct gc_meta_index_row *row);
/* The extents of manifest ID into OBJECT; -ENOMEM when the arena is full. */
int gc_meta_blobs_load_manifest(const struct gc_meta *meta, struct gc_kv_txn *txn, uint64_t id,
                                struct gc_arena *arena, struct gc_meta_object *object);
/* GC_ENOTFOUND. */
int gc_meta_blobs_get(const struct gc_meta *meta, struct gc_kv_txn *txn,
                      const struct gc_blob_id *id, struct gc_meta_blob_row *ret_row);
/* Remove up to MAX queue rows of SERVER with seq <= UPTO. */
int gc_meta_blobs_ack(struct gc_meta *meta, uint32_t server, uint64_t upto, uint64_t max,
                      uint64_t *ret_n);

#endif
