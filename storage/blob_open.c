/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opening and closing the engine. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/random.h"
#include "storage/blob_priv.h"

#define MIB             (UINT64_C(1) << 20)
#define DEFAULT_POOL    (16 * MIB)
#define DEFAULT_TXN     (8 * MIB)
#define DEFAULT_RESERVE (1024 * MIB)
#define DEFAULT_BULK    2u
#define DEFAULT_READERS 2u
#define TXN_MIN         (2 * MIB)
#define RESERVE_MIN     MIB

static const char *const core_tables[] = { "meta", "ids", "blob", "piece", "gc", NULL };
static const bool core_int_keys[] = { false, false, true, true, true };
static const char *const bulk_tables[] = { "chunk", "meta", NULL };
static const bool bulk_int_keys[] = { true, false };

static const struct {
    struct gc_kv_val store, state, bulk;
} meta_key = { { "store", 5 }, { "state", 5 }, { "bulk", 4 } };

/* --- opening --- */

static int
open_dir(struct gc_blobs *blobs)
{
    char path[4096];
    int rc = 0;

    if (mkdir(blobs->dir, 0700) != 0 && errno != EEXIST) {
        return -errno;
    }
    if (snprintf(path, sizeof(path), "%s/lock", blobs->dir) >= (int)sizeof(path) - 16) {
        return -ENAMETOOLONG;
    }
    blobs->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (blobs->lock_fd < 0) {
        return -errno;
    }
    if (flock(blobs->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        rc = errno == EWOULDBLOCK ? GC_ECONFLICT : -errno;
        gc_log(GC_LOG_ERROR, "storage.locked", "dir=%s", gc_log_q(gc_str_of(blobs->dir)));
    }
    return rc;
}

/* Fill in what CONF leaves to us. */
static int
open_conf(struct gc_blobs *blobs, const struct gc_blob_conf *conf)
{
    struct gc_blob_conf *c = &blobs->conf;
    struct statvfs fs;

    if (conf->n_bulk > GC_BLOB_BULK_MAX || conf->node == NULL ||
        strlen(conf->node) > GC_BLOB_NODE_MAX) {
        return -EINVAL;
    }
    *c = *conf;
    c->dir = NULL;
    c->node = NULL;
    c->n_bulk = c->n_bulk > 0 ? c->n_bulk : DEFAULT_BULK;
    c->pool_bytes = c->pool_bytes > 0 ? c->pool_bytes : DEFAULT_POOL;
    c->txn_bytes = GC_MAX(c->txn_bytes > 0 ? c->txn_bytes : DEFAULT_TXN, TXN_MIN);
    c->n_readers = GC_MIN(c->n_readers > 0 ? c->n_readers : DEFAULT_READERS, BLOB_READERS_MAX);
    if (c->reserve_bytes == 0) {
        if (statvfs(blobs->dir, &fs) != 0) {
            return -errno;
        }
        c->reserve_bytes = GC_MAX(DEFAULT_RESERVE, (uint64_t)fs.f_blocks * fs.f_frsize / 20);
    }
    c->reserve_bytes = GC_MAX(c->reserve_bytes, RESERVE_MIN);
    return 0;
}

int
gc_blobs_open_kv(const char *path, bool bulk, uint64_t map_bytes, bool read_only,
                 struct gc_kv **ret_kv)
{
    struct gc_kv_conf conf = {
        .path = path,
        .tables = bulk ? bulk_tables : core_tables,
        .int_keys = bulk ? bulk_int_keys : core_int_keys,
        .map_bytes = map_bytes,
        .no_readahead = bulk,
        .read_only = read_only,
    };

    return gc_kv_open(&conf, ret_kv);
}

static int
open_kv(struct gc_blobs *blobs, const char *name, bool bulk, struct gc_kv **ret_kv)
{
    char path[4096];

    snprintf(path, sizeof(path), "%s/%s", blobs->dir, name);
    return gc_blobs_open_kv(path, bulk, blobs->conf.map_bytes, false, ret_kv);
}

static bool
file_is_there(const struct gc_blobs *blobs, const char *name)
{
    char path[4096];

    snprintf(path, sizeof(path), "%s/%s", blobs->dir, name);
    return access(path, F_OK) == 0;
}

static int
meta_put_store(struct gc_blobs *blobs, struct gc_kv_txn *txn)
{
    uint8_t buf[GC_BLOB_STORE_RECORD_MAX];
    size_t len = gc_blob_store_encode(buf, &blobs->store);

    return gc_kv_put(txn, CORE_META, meta_key.store, gc_kv_val(buf, len));
}

/* A store that did not exist before. */
static int
store_create(struct gc_blobs *blobs, const struct gc_blob_conf *conf, struct gc_kv_txn *txn)
{
    struct gc_blob_store_record *store = &blobs->store;
    uint8_t buf[GC_BLOB_STATE_RECORD];

    if (file_is_there(blobs, "bulk-0.mdb")) {
        gc_log(GC_LOG_ERROR, "storage.core_lost", "dir=%s", gc_log_q(gc_str_of(blobs->dir)));
        return GC_ECORRUPT; /* an empty core file would make all chunks orphans */
    }
    *store = (struct gc_blob_store_record){ .generation = 1, .n_bulk = blobs->conf.n_bulk };
    memcpy(store->cluster_id, conf->cluster_id, sizeof(store->cluster_id));
    gc_random_bytes(store->uuid, sizeof(store->uuid));
    store->node = conf->node;
    store->node_len = strlen(conf->node);
    blobs->state = (struct gc_blob_state_record){ .next_local = 1, .live_min = 1 };
    (void)meta_put_store(blobs, txn); /* errors are remembered */
    return gc_kv_put(txn, CORE_META, meta_key.state,
                     gc_kv_val(buf, gc_blob_state_encode(buf, &blobs->state)));
}

/* A store that existed: is it ours, and a generation later. */
static int
store_load(struct gc_blobs *blobs, const struct gc_blob_conf *conf, struct gc_kv_txn *txn,
           struct gc_kv_val val)
{
    struct gc_blob_store_record *store = &blobs->store;
    int rc = gc_blob_store_decode(val.data, val.len, store);

    if (rc != 0) {
        return rc;
    }
    if (memcmp(store->cluster_id, conf->cluster_id, sizeof(store->cluster_id)) != 0 ||
        store->node_len != strlen(conf->node) ||
        memcmp(store->node, conf->node, store->node_len) != 0) {
        gc_log(GC_LOG_ERROR, "storage.foreign", "dir=%s", gc_log_q(gc_str_of(blobs->dir)));
        return GC_ECONFLICT;
    }
    rc = gc_kv_get(txn, CORE_META, meta_key.state, &val);
    if (rc == 0) {
        rc = gc_blob_state_decode(val.data, val.len, &blobs->state);
    }
    if (rc != 0) {
        return rc == GC_ENOTFOUND ? GC_ECORRUPT : rc;
    }
    store->generation++;
    store->node = conf->node;
    return meta_put_store(blobs, txn);
}

static int
open_store(struct gc_blobs *blobs, const struct gc_blob_conf *conf)
{
    struct gc_kv_txn *txn;
    struct gc_kv_val val;
    int rc = gc_kv_begin(blobs->core, true, &txn);

    if (rc != 0) {
        return rc;
    }
    rc = gc_kv_get(txn, CORE_META, meta_key.store, &val);
    if (rc == GC_ENOTFOUND) {
        rc = store_create(blobs, conf, txn);
    } else if (rc == 0) {
        rc = store_load(blobs, conf, txn, val);
    }
    blobs->store.node = NULL; /* the caller's */
    if (rc != 0) {
        gc_kv_abort(txn);
        return rc;
    }
    return gc_kv_commit(txn);
}

/* Is KV bulk file NUMBER of our store? A new one becomes it. */
static int
bulk_claim(struct gc_blobs *blobs, struct gc_kv *kv, unsigned number)
{
    struct gc_blob_bulk_record rec = { .number = number };
    uint8_t buf[GC_BLOB_BULK_RECORD];
    struct gc_kv_txn *txn;
    struct gc_kv_val val;
    int rc = gc_kv_begin(kv, true, &txn);

    if (rc != 0) {
        return rc;
    }
    rc = gc_kv_get(txn, BULK_META, meta_key.bulk, &val);
    if (rc == GC_ENOTFOUND) {
        memcpy(rec.uuid, blobs->store.uuid, sizeof(rec.uuid));
        (void)gc_kv_put(txn, BULK_META, meta_key.bulk,
                        gc_kv_val(buf, gc_blob_bulk_encode(buf, &rec)));
        return gc_kv_commit(txn);
    }
    if (rc == 0) {
        rc = gc_blob_bulk_decode(val.data, val.len, &rec);
    }
    if (rc == 0 &&
        (rec.number != number || memcmp(rec.uuid, blobs->store.uuid, sizeof(rec.uuid)) != 0)) {
        gc_log(GC_LOG_ERROR, "storage.foreign_bulk", "number=%u", number);
        rc = GC_ECONFLICT;
    }
    gc_kv_abort(txn);
    return rc;
}

/* One more than the highest local id in TABLE of KV, at least *NEXT. PARTS: keys are of chunks. */
static int
next_local_of(struct gc_kv *kv, unsigned table, bool parts, uint64_t *next)
{
    struct gc_kv_cursor *cursor = NULL;
    struct gc_kv_val key, val;
    struct gc_kv_txn *txn;
    uint64_t local;
    int rc = gc_kv_begin(kv, false, &txn);

    if (rc != 0) {
        return rc;
    }
    rc = gc_kv_cursor_open(txn, table, &cursor);
    if (rc == 0) {
        rc = gc_kv_last(cursor, &key, &val);
    }
    if (rc == 0) {
        memcpy(&local, key.data, sizeof(local));
        local = parts ? gc_blob_part_local(local) : local;
        *next = GC_MAX(*next, local + 1);
    }
    gc_kv_cursor_close(cursor);
    gc_kv_abort(txn);
    return rc == GC_ENOTFOUND ? 0 : rc;
}

static int
open_bulks(struct gc_blobs *blobs)
{
    bool used = blobs->state.next_local > 1;
    int rc = next_local_of(blobs->core, CORE_BLOB, false, &blobs->next_local);

    for (unsigned i = 0; i < blobs->store.n_bulk && rc == 0; i++) {
        struct blob_bulk *bulk = &blobs->bulk[i];
        char name[32];

        snprintf(name, sizeof(name), "bulk-%u.mdb", i);
        if (used && !file_is_there(blobs, name)) {
            gc_log(GC_LOG_ERROR, "storage.bulk_lost", "file=%s", name);
            return GC_ECORRUPT;
        }
        rc = open_kv(blobs, name, true, &bulk->kv);
        if (rc != 0) {
            break;
        }
        blobs->n_bulk = i + 1;
        bulk->blobs = blobs;
        bulk->number = i;
        bulk->batch_max = (unsigned)(blobs->conf.txn_bytes / (64 * 4096));
        bulk->batch = calloc(bulk->batch_max, sizeof(bulk->batch[0]));
        rc = bulk->batch == NULL ? -ENOMEM : bulk_claim(blobs, bulk->kv, i);
        if (rc == 0) {
            rc = next_local_of(bulk->kv, BULK_CHUNK, true, &blobs->next_local);
        }
    }
    return rc;
}

/* All bulk files that there might be: how many there are is not known yet. */
static void
open_metrics(struct gc_blobs *blobs, struct gc_metrics *m)
{
    struct blob_metrics *metrics = &blobs->metrics;

    metrics->core_commits = gc_metrics_counter(m, "gc_storage_commits_total", "env=\"core\"",
                                               "Transactions synced to disk");
    metrics->puts = gc_metrics_counter(m, "gc_storage_puts_total", NULL, "Blobs made durable");
    metrics->deletes = gc_metrics_counter(m, "gc_storage_deletes_total", NULL, "Blobs deleted");
    metrics->refused = gc_metrics_counter(m, "gc_storage_refused_total", NULL,
                                          "Chunk requests refused because the pool was in use");
    metrics->bad_checksums = gc_metrics_counter(m, "gc_storage_bad_chunks_total", NULL,
                                                "Chunks that did not match their checksum");
    for (unsigned i = 0; i < GC_BLOB_BULK_MAX; i++) {
        char label[32];

        snprintf(label, sizeof(label), "env=\"bulk-%u\"", i);
        blobs->bulk[i].commits =
            gc_metrics_counter(m, "gc_storage_commits_total", label, "Transactions synced to disk");
        blobs->bulk[i].bytes = gc_metrics_counter(m, "gc_storage_chunk_bytes_total", label,
                                                  "Payload of chunks synced to disk");
    }
}

static int
start_threads(struct gc_blobs *blobs)
{
    int rc = 0;
    char name[16];

    while (blobs->started.n_bulk < blobs->n_bulk && rc == 0) {
        struct blob_bulk *bulk = &blobs->bulk[blobs->started.n_bulk];

        snprintf(name, sizeof(name), "bulk-%u", blobs->started.n_bulk);
        rc = gc_thread_start(&bulk->thread, name, gc_blob_bulk_main, bulk);
        blobs->started.n_bulk += rc == 0;
    }
    if (rc == 0) {
        rc = gc_thread_start(&blobs->core_thread, "core", gc_blob_core_main, blobs);
        blobs->started.core = rc == 0;
    }
    while (blobs->started.n_readers < blobs->conf.n_readers && rc == 0) {
        snprintf(name, sizeof(name), "read-%u", blobs->started.n_readers);
        rc = gc_thread_start(&blobs->readers[blobs->started.n_readers], name, gc_blob_reader_main,
                             blobs);
        blobs->started.n_readers += rc == 0;
    }
    if (rc == 0) {
        rc = gc_thread_start(&blobs->gc.thread, "gc", gc_blob_gc_main, blobs);
        blobs->started.gc = rc == 0;
    }
    return rc;
}

static struct gc_blobs *
blobs_new(const char *dir)
{
    struct gc_blobs *blobs = calloc(1, sizeof(*blobs));

    if (blobs == NULL) {
        return NULL;
    }
    blobs->dir = strdup(dir);
    blobs->lock_fd = -1;
    pthread_mutex_init(&blobs->lock, NULL);
    gc_list_init(&blobs->live);
    for (unsigned i = 0; i < BLOB_BUCKETS; i++) {
        gc_list_init(&blobs->puts[i]);
        gc_list_init(&blobs->opens[i]);
    }
    gc_queue_init(&blobs->core_queue);
    gc_queue_init(&blobs->read_queue);
    gc_queue_init(&blobs->gc.queue);
    gc_queue_init(&blobs->gc.replies);
    gc_list_init(&blobs->gc.retry);
    blobs->gc.wake.kind = KIND_WAKE;
    for (unsigned i = 0; i < GC_BLOB_BULK_MAX; i++) {
        gc_queue_init(&blobs->bulk[i].queue);
    }
    return blobs;
}

static int
open_all(struct gc_blobs *blobs, const struct gc_blob_conf *conf)
{
    struct blob_gc *gc = &blobs->gc;
    int rc = open_dir(blobs);

    if (rc == 0) {
        rc = open_conf(blobs, conf);
    }
    if (rc == 0) {
        rc = open_kv(blobs, "core.mdb", false, &blobs->core);
    }
    if (rc == 0) {
        rc = open_store(blobs, conf);
    }
    if (rc != 0) {
        return rc;
    }
    blobs->next_local = blobs->state.next_local;
    rc = open_bulks(blobs);
    if (rc != 0) {
        return rc;
    }
    gc->orphans_from = blobs->state.live_min;
    gc->orphans_below = blobs->next_local;
    gc->orphans_pending = gc->orphans_from < gc->orphans_below;
    if (blobs->state.n_gc > 0) {
        gc_blob_gc_mark(blobs, blobs->state.next_gc, gc_clock_mono_ms());
    }
    blobs->pool = gc_blob_pool_new(blobs->conf.pool_bytes, &conf->room);
    if (blobs->pool == NULL) {
        return -ENOMEM;
    }
    gc_blobs_check_space(blobs);
    return start_threads(blobs);
}

int
gc_blobs_open(const struct gc_blob_conf *conf, struct gc_blobs **ret_blobs)
{
    struct gc_blobs *blobs = blobs_new(conf->dir);
    int rc = -ENOMEM;

    if (blobs == NULL) {
        return rc;
    }
    blobs->own_metrics = conf->metrics == NULL ? gc_metrics_new() : NULL;
    if (blobs->dir != NULL && (conf->metrics != NULL || blobs->own_metrics != NULL)) {
        open_metrics(blobs, conf->metrics != NULL ? conf->metrics : blobs->own_metrics);
        rc = open_all(blobs, conf);
    }
    if (rc != 0) {
        gc_blobs_close(blobs);
        return rc;
    }
    gc_log(GC_LOG_INFO, "storage.open", "dir=%s blobs=%llu bytes=%llu generation=%llu",
           gc_log_q(gc_str_of(blobs->dir)), (unsigned long long)blobs->state.n_blobs,
           (unsigned long long)blobs->state.bytes, (unsigned long long)blobs->store.generation);
    *ret_blobs = blobs;
    return 0;
}

/* --- closing --- */

/* Abort the puts that nobody has committed. */
static void
close_puts(struct gc_blobs *blobs)
{
    struct gc_list *node;
    struct gc_blob_put *victim;

    do {
        victim = NULL;
        pthread_mutex_lock(&blobs->lock);
        gc_list_foreach(node, &blobs->live) {
            struct gc_blob_put *put = gc_container_of(node, struct gc_blob_put, live_node);

            if (put->commit == NULL && !put->aborted) {
                victim = put;
                break;
            }
        }
        pthread_mutex_unlock(&blobs->lock);
        if (victim != NULL) {
            gc_blob_put_abort(victim);
        }
    } while (victim != NULL);
}

/* In the order in which requests move on, so that each thread finds its successors still at work.
 */
static void
stop_threads(struct gc_blobs *blobs)
{
    gc_queue_close(&blobs->read_queue);
    for (unsigned i = 0; i < blobs->started.n_readers; i++) {
        gc_thread_join(&blobs->readers[i]);
    }
    gc_queue_close(&blobs->gc.queue);
    if (blobs->started.gc) {
        gc_thread_join(&blobs->gc.thread);
    }
    for (unsigned i = 0; i < blobs->started.n_bulk; i++) {
        gc_queue_close(&blobs->bulk[i].queue);
        gc_thread_join(&blobs->bulk[i].thread);
    }
    gc_queue_close(&blobs->core_queue);
    if (blobs->started.core) {
        gc_thread_join(&blobs->core_thread);
    }
}

/* Free the failed puts on LIST; the next start removes their chunks. */
static void
close_leftovers(struct gc_list *list)
{
    struct gc_list *node;

    while ((node = gc_list_pop(list)) != NULL) {
        struct gc_blob_op *op = gc_container_of(node, struct gc_blob_op, node);

        if (op->kind == KIND_PUT) {
            gc_blob_put_free(gc_container_of(op, struct gc_blob_put, job));
        }
    }
}

void
gc_blobs_close(struct gc_blobs *blobs)
{
    struct gc_list rest;

    if (blobs == NULL) {
        return;
    }
    atomic_store(&blobs->closing, true);
    close_puts(blobs);
    stop_threads(blobs);
    gc_list_init(&rest);
    (void)gc_queue_take(&blobs->gc.queue, &rest, 0);
    close_leftovers(&rest);
    close_leftovers(&blobs->gc.retry);
    gc_blob_pool_free(blobs->pool);
    for (unsigned i = 0; i < GC_BLOB_BULK_MAX; i++) {
        gc_kv_close(blobs->bulk[i].kv);
        gc_queue_fini(&blobs->bulk[i].queue);
        free(blobs->bulk[i].batch);
    }
    gc_kv_close(blobs->core);
    gc_queue_fini(&blobs->core_queue);
    gc_queue_fini(&blobs->read_queue);
    gc_queue_fini(&blobs->gc.queue);
    gc_queue_fini(&blobs->gc.replies);
    pthread_mutex_destroy(&blobs->lock);
    if (blobs->lock_fd >= 0) {
        close(blobs->lock_fd);
    }
    if (blobs->own_metrics != NULL) {
        gc_metrics_free(blobs->own_metrics);
    }
    free(blobs->dir);
    free(blobs);
}
