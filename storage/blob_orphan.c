/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Chunks that a crash left without a blob record. A put that was running when the process ended has
 * a local id of at least live_min as the last core commit recorded it (a put that began later has a
 * higher one), so the search begins there and ends where this run's own ids begin: usually it looks
 * at almost nothing. */
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "storage/blob_priv.h"

/* The lowest local id >= FROM that has a chunk in KV. */
static int
orphan_seek(struct gc_kv *kv, uint64_t from, uint64_t *ret_local)
{
    uint64_t key = gc_blob_part_key(from, 0);
    struct gc_kv_cursor *cursor = NULL;
    struct gc_kv_val found, val;
    struct gc_kv_txn *txn;
    int rc = gc_kv_begin(kv, false, &txn);

    if (rc != 0) {
        return rc;
    }
    rc = gc_kv_cursor_open(txn, BULK_CHUNK, &cursor);
    if (rc == 0) {
        rc = gc_kv_seek(cursor, gc_kv_val(&key, sizeof(key)), &found, &val);
    }
    if (rc == 0) {
        memcpy(&key, found.data, sizeof(key));
        *ret_local = gc_blob_part_local(key);
    }
    gc_kv_cursor_close(cursor);
    gc_kv_abort(txn);
    return rc;
}

/* GC_ENOTFOUND when LOCAL has no record. Anything else that is wrong with it is not ours to decide.
 */
static int
orphan_check(struct gc_blobs *blobs, uint64_t local)
{
    struct gc_blob_record rec;
    struct gc_kv_txn *txn;
    int rc = gc_kv_begin(blobs->core, false, &txn);

    if (rc == 0) {
        rc = gc_blob_lookup_local(txn, local, &rec);
        gc_kv_abort(txn);
    }
    return rc;
}

/* Remove the orphans in bulk environment NUMBER. */
static int
orphans_in(struct gc_blobs *blobs, unsigned number, uint64_t *n_blobs)
{
    struct blob_gc *gc = &blobs->gc;
    uint64_t local = gc->orphans_from;
    uint64_t n_removed = 0;
    int rc;

    for (;; local++) {
        if (atomic_load(&blobs->closing) || atomic_load(&blobs->stopped)) {
            return GC_ECANCELED;
        }
        rc = orphan_seek(blobs->bulk[number].kv, local, &local);
        if (rc == GC_ENOTFOUND || (rc == 0 && local >= gc->orphans_below)) {
            return 0;
        }
        if (rc == 0 && orphan_check(blobs, local) == GC_ENOTFOUND) {
            rc = gc_blob_gc_remove_chunks(blobs, local, GC_BLOB_CHUNKS_MAX, &n_removed);
            atomic_fetch_add(&gc->orphan_chunks, n_removed);
            *n_blobs += 1;
        }
        if (rc != 0) {
            return rc;
        }
    }
}

void
gc_blob_orphans_remove(struct gc_blobs *blobs)
{
    struct blob_gc *gc = &blobs->gc;
    uint64_t n_blobs = 0;
    bool pending;
    int rc = 0;

    pthread_mutex_lock(&blobs->lock);
    pending = gc->orphans_pending;
    pthread_mutex_unlock(&blobs->lock);
    for (unsigned i = 0; i < blobs->n_bulk && pending && rc == 0; i++) {
        rc = orphans_in(blobs, i, &n_blobs);
    }
    if (pending && rc == 0) {
        pthread_mutex_lock(&blobs->lock);
        gc->orphans_pending = false;
        pthread_mutex_unlock(&blobs->lock);
    }
    if (n_blobs > 0) {
        gc_log(GC_LOG_INFO, "storage.orphans", "blobs=%llu chunks=%llu rc=%s",
               (unsigned long long)n_blobs, (unsigned long long)atomic_load(&gc->orphan_chunks),
               gc_err_name(rc));
    }
}
