/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is known about the store as a whole, and what all threads of the engine use. */
#include "storage/blob.h"

#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/err.h"
#include "base/log.h"
#include "base/macros.h"
#include "storage/blob_priv.h"

/* Each may have mapped 64 KiB: the kernel maps what is cached around a page that is looked at. */
#define TRIM_AFTER_LOOKUPS 64u /* each maps up to 64 KiB around a page, in each of two files */

/* --- shared by the threads --- */

void
gc_blob_op_done(struct gc_blob_op *op, int rc)
{
    struct gc_notify notify = op->notify;

    op->rc = rc;
    notify.fn(notify.arg);
}

bool
gc_blobs_is_fatal(int rc)
{
    return rc != 0 && rc != GC_EFULL && rc != GC_ELIMIT && rc != -ENOMEM;
}

void
gc_blobs_stop(struct gc_blobs *blobs, const char *where, int rc)
{
    if (!atomic_exchange(&blobs->stopped, true)) {
        gc_log(GC_LOG_ERROR, "storage.stopped", "dir=%s where=%s rc=%s",
               gc_log_q(gc_str_of(blobs->dir)), gc_log_q(gc_str_of(where)), gc_err_name(rc));
    }
}

void
gc_blobs_count_lookups(struct gc_blobs *blobs, unsigned n)
{
    if (atomic_fetch_add(&blobs->lookups, n) >= TRIM_AFTER_LOOKUPS) {
        atomic_store(&blobs->lookups, 0);
        gc_kv_trim(blobs->core);
        for (unsigned i = 0; i < blobs->n_bulk; i++) {
            gc_kv_trim(blobs->bulk[i].kv);
        }
    }
}

/* Bytes in the files, and how many of them new chunks and records can take without the files
 * growing. */
static void
blobs_file_bytes(struct gc_blobs *blobs, uint64_t *ret_bytes, uint64_t *ret_reusable)
{
    uint64_t bytes = 0, used = 0;

    for (unsigned i = 0; i <= blobs->n_bulk; i++) {
        struct gc_kv_stat stat;

        if (gc_kv_stat(i < blobs->n_bulk ? blobs->bulk[i].kv : blobs->core, &stat) == 0) {
            bytes += stat.file_bytes;
            used += GC_MIN(stat.used_bytes, stat.file_bytes);
        }
    }
    *ret_bytes = bytes;
    *ret_reusable = bytes - used;
}

static uint64_t
blobs_free_bytes(const struct gc_blobs *blobs)
{
    struct statvfs fs;

    return statvfs(blobs->dir, &fs) == 0 ? (uint64_t)fs.f_bavail * fs.f_frsize : 0;
}

void
gc_blobs_check_space(struct gc_blobs *blobs)
{
    uint64_t free_bytes = blobs_free_bytes(blobs);
    uint64_t bytes, reusable;
    bool full;

    blobs_file_bytes(blobs, &bytes, &reusable);
    full = free_bytes + reusable < blobs->conf.reserve_bytes;
    if (atomic_exchange(&blobs->full, full) != full) {
        gc_log(full ? GC_LOG_ERROR : GC_LOG_INFO, full ? "storage.full" : "storage.writable",
               "dir=%s free_bytes=%llu reusable_bytes=%llu reserve_bytes=%llu",
               gc_log_q(gc_str_of(blobs->dir)), (unsigned long long)free_bytes,
               (unsigned long long)reusable, (unsigned long long)blobs->conf.reserve_bytes);
    }
}

/* --- what is known --- */

void
gc_blobs_identity(struct gc_blobs *blobs, struct gc_blobs_identity *ret_identity)
{
    memcpy(ret_identity->store_uuid, blobs->store.uuid, sizeof(ret_identity->store_uuid));
    ret_identity->generation = blobs->store.generation;
    pthread_mutex_lock(&blobs->lock);
    ret_identity->durable_seq = blobs->state.seq;
    pthread_mutex_unlock(&blobs->lock);
}

void
gc_blobs_stat(struct gc_blobs *blobs, struct gc_blobs_stat *ret_stat)
{
    struct gc_blobs_stat stat = { 0 };
    uint64_t reusable;

    pthread_mutex_lock(&blobs->lock);
    stat.n_blobs = blobs->state.n_blobs;
    stat.bytes = blobs->state.bytes;
    stat.gc_queue = blobs->state.n_gc;
    stat.n_puts_open = blobs->n_puts;
    stat.n_readers_open = blobs->n_opens;
    pthread_mutex_unlock(&blobs->lock);
    stat.orphan_chunks = atomic_load(&blobs->gc.orphan_chunks);
    stat.read_only = atomic_load(&blobs->full);
    stat.stopped = atomic_load(&blobs->stopped);
    stat.free_bytes = blobs_free_bytes(blobs);
    blobs_file_bytes(blobs, &stat.file_bytes, &reusable);
    *ret_stat = stat;
}

int
gc_blobs_list(struct gc_blobs *blobs, const struct gc_blob_id *after, struct gc_blob_id *ids,
              size_t max, size_t *ret_n)
{
    struct gc_kv_cursor *cursor = NULL;
    struct gc_kv_val key, val;
    struct gc_kv_txn *txn;
    uint8_t from[GC_BLOB_ID_KEY];
    size_t n = 0;
    int rc;

    if (atomic_load(&blobs->stopped)) {
        return -EIO;
    }
    rc = gc_kv_begin(blobs->core, false, &txn);
    if (rc != 0) {
        return rc;
    }
    rc = gc_kv_cursor_open(txn, CORE_IDS, &cursor);
    if (rc == 0 && after != NULL) {
        gc_blob_id_key(from, after);
        rc = gc_kv_seek(cursor, gc_kv_val(from, sizeof(from)), &key, &val);
        if (rc == 0 && key.len == sizeof(from) && memcmp(key.data, from, sizeof(from)) == 0) {
            rc = gc_kv_next(cursor, &key, &val);
        }
    } else if (rc == 0) {
        rc = gc_kv_seek(cursor, gc_kv_val(NULL, 0), &key, &val);
    }
    while (rc == 0 && n < max) {
        rc = gc_blob_id_key_decode(key, &ids[n]);
        if (rc == 0) {
            n++;
            rc = gc_kv_next(cursor, &key, &val);
        }
    }
    gc_kv_cursor_close(cursor);
    gc_kv_abort(txn);
    if (rc != 0 && rc != GC_ENOTFOUND) {
        return rc;
    }
    *ret_n = n;
    return 0;
}
