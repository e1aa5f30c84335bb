/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inside of the blob engine. Who does what:
 * - blob.c: what is known about the store; blob_open.c: opening and closing
 * - blob_put.c: one blob being written, a state that is advanced in one function (put_settle)
 * - blob_bulk.c: a writer thread per bulk environment, chunks in, chunks out
 * - blob_core.c: the writer thread of the core environment, which publishes and removes
 * - blob_reader.c: open blobs and the threads that read (and verify tails for puts)
 * - blob_gc.c: the thread that removes; blob_orphan.c: what it does first
 *
 * Everything that moves between threads is a struct gc_blob_op with a kind, on a gc_queue. The
 * order of a put: its chunks are written and committed by the bulk writers; when none is running or
 * uncommitted the put goes to the core writer, whose commit publishes it; then the caller is told.
 * What fails on the way goes to the gc thread, which removes its chunks.
 *
 * One lock (blobs->lock) guards the tables of open puts and open blobs, the fields of puts and the
 * counters; it is never held over I/O or a notify. */
#ifndef GC_STORAGE_BLOB_PRIV_H
#define GC_STORAGE_BLOB_PRIV_H

#include <stdatomic.h>

#include "base/list.h"
#include "storage/blob.h"
#include "storage/blob_pool.h"
#include "storage/blob_record.h"
#include "storage/kv.h"

#define BLOB_READERS_MAX 16u
#define BLOB_BUCKETS     1024u
#define BLOB_MARKS_MAX   64u
#define BLOB_GC_ROWS     64u   /* removed in one core transaction, */
#define BLOB_GC_PAGES    1024u /* or as many as free this many pages */
#define BLOB_GC_CHUNKS   64u   /* removed in one bulk transaction */

enum blob_kind {
    KIND_CHUNK,         /* gc_blob_chunk_op: a full chunk, to its bulk writer */
    KIND_TAIL,          /* gc_blob_chunk_op: the rest, to a reader thread that verifies it */
    KIND_READ,          /* gc_blob_read_op, to a reader thread */
    KIND_PUT,           /* gc_blob_put, to the core writer */
    KIND_DELETE,        /* blob_delete_job, to the core writer */
    KIND_REMOVE_CHUNKS, /* blob_chunks_job, to a bulk writer */
    KIND_REMOVE_ROWS,   /* blob_rows_job, to the core writer */
    KIND_WAKE           /* to the gc thread */
};

enum core_table { CORE_META, CORE_IDS, CORE_BLOB, CORE_PIECE, CORE_GC };
enum bulk_table { BULK_CHUNK, BULK_META };

struct gc_blob_put {
    struct gc_blob_op job; /* KIND_PUT: towards the core writer, later the gc thread */
    struct gc_blobs *blobs;
    struct gc_list id_node;   /* table of puts */
    struct gc_list live_node; /* by local id */
    struct gc_blob_id id;
    uint64_t local;
    uint64_t length;      /* given so far */
    uint32_t crc;         /* of it */
    uint32_t n_chunks;    /* given so far */
    uint32_t n_full;      /* of them full */
    uint32_t n_running;   /* chunk requests not notified yet */
    uint32_t n_unsynced;  /* chunks not committed by their bulk writer yet */
    uint32_t n_written;   /* chunks put into a transaction */
    struct gc_slice tail; /* holds a reference to its owner */
    uint32_t tail_crc;
    int rc; /* first error */
    bool aborted;
    bool settled;              /* handed on: to the core writer or to be dropped */
    struct gc_blob_op *commit; /* the caller's request */
};

struct gc_blob_reader {
    struct gc_blobs *blobs;
    struct gc_list node; /* table of open blobs */
    uint64_t local;
    struct gc_blob_record rec; /* without inline data */
};

struct blob_delete_job {
    struct gc_blob_op job;
    struct gc_blob_op *caller;
    struct gc_blob_id id;
};

/* What the gc thread asks of a writer; it comes back on gc.replies. */
struct blob_gc_job {
    struct gc_blob_op op;
    struct gc_queue *replies;
};

/* Remove the chunks FROM, FROM + STEP, ... below TO of LOCAL. */
struct blob_chunks_job {
    struct blob_gc_job job;
    uint64_t local;
    uint32_t from, to, step;
    uint32_t n_removed; /* result */
};

struct blob_gc_row {
    uint64_t place; /* in the queue */
    uint64_t local; /* 0: only the row goes */
    uint32_t n_full;
    uint32_t n_pieces;
};

struct blob_rows_job {
    struct blob_gc_job job;
    struct blob_gc_row rows[BLOB_GC_ROWS];
    unsigned n;
};

struct blob_bulk {
    struct gc_blobs *blobs;
    unsigned number;
    struct gc_kv *kv;
    struct gc_queue queue;
    struct gc_thread thread;
    struct gc_counter *commits;
    struct gc_counter *bytes;
    struct gc_blob_put **batch; /* a put for each chunk of the transaction */
    unsigned batch_max;
};

/* Tombstones up to place UPTO of the gc queue may be carried out at DUE_MS. */
struct blob_mark {
    uint64_t upto;
    uint64_t begun_ms;
    uint64_t due_ms;
};

struct blob_gc {
    struct gc_queue queue;   /* failed puts, wakes */
    struct gc_queue replies; /* jobs that writers have done */
    struct gc_thread thread;
    struct gc_list retry; /* failed puts whose chunks could not be removed yet */
    struct gc_blob_op wake;
    bool woken;       /* WAKE is queued */
    atomic_bool held; /* something due is still open */
    uint64_t housekept_ms;
    struct blob_mark marks[BLOB_MARKS_MAX];
    unsigned n_marks;
    uint64_t due_upto;      /* places below are due */
    uint64_t orphans_from;  /* local ids of earlier runs that may have no record: from here */
    uint64_t orphans_below; /* to below here */
    bool orphans_pending;   /* guarded by blobs->lock: they may be there still */
    atomic_uint_fast64_t orphan_chunks;
};

struct blob_metrics {
    struct gc_counter *core_commits;
    struct gc_counter *puts;
    struct gc_counter *deletes;
    struct gc_counter *refused;       /* GC_ELIMIT by the pool */
    struct gc_counter *bad_checksums; /* found when reading */
};

struct gc_blobs {
    struct gc_blob_conf conf; /* with defaults filled in; its pointers are not valid */
    char *dir;
    int lock_fd;
    struct gc_blob_store_record store;
    struct gc_kv *core;
    struct blob_bulk bulk[GC_BLOB_BULK_MAX];
    unsigned n_bulk;
    struct gc_queue core_queue;
    struct gc_thread core_thread;
    struct gc_queue read_queue;
    struct gc_thread readers[BLOB_READERS_MAX];
    struct {
        unsigned n_readers, n_bulk;
        bool core, gc;
    } started; /* threads */
    struct blob_gc gc;
    struct gc_blob_pool *pool;
    struct blob_metrics metrics;
    struct gc_metrics *own_metrics; /* when the caller has none */
    atomic_bool stopped;
    atomic_bool full;
    atomic_bool closing;
    atomic_uint lookups; /* since the map was trimmed */

    pthread_mutex_t lock; /* guards what follows */
    struct gc_list puts[BLOB_BUCKETS];
    struct gc_list live; /* puts by rising local id */
    struct gc_list opens[BLOB_BUCKETS];
    uint64_t n_puts;
    uint64_t n_opens;
    uint64_t next_local;
    struct gc_blob_state_record state; /* as committed */
};

/* blob.c */
/* Stop for good after an error that the engine cannot live with; WHERE is for the one log line. */
void gc_blobs_stop(struct gc_blobs *blobs, const char *where, int rc);
/* RC, the outcome of a transaction, means that the environment is not to be trusted any more. */
bool gc_blobs_is_fatal(int rc);
/* Look at the free space again. */
void gc_blobs_check_space(struct gc_blobs *blobs);
/* Count N lookups in the maps and let their pages go from time to time. */
void gc_blobs_count_lookups(struct gc_blobs *blobs, unsigned n);
/* RC is set and OP's owner told. */
void gc_blob_op_done(struct gc_blob_op *op, int rc);

/* blob_open.c */
/* Open a core or bulk file at PATH with its tables. */
int gc_blobs_open_kv(const char *path, bool bulk, uint64_t map_bytes, bool read_only,
                     struct gc_kv **ret_kv);

/* blob_put.c */
/* The outcome of a chunk's way into a transaction (or, for a tail, of its check); tells the caller.
 */
void gc_blob_put_chunk_done(struct gc_blob_chunk_op *op, int rc);
/* A chunk of PUT was committed by its bulk writer, or failed to. */
void gc_blob_put_chunk_synced(struct gc_blob_put *put, int rc);
/* PUT was published, or failed to be. */
void gc_blob_put_published(struct gc_blob_put *put, int rc);
bool gc_blob_put_is_aborted(struct gc_blob_put *put);
/* Take PUT out of the tables and free it. */
void gc_blob_put_free(struct gc_blob_put *put);

/* blob_bulk.c, blob_core.c, blob_reader.c, blob_gc.c: what their threads run */
void gc_blob_bulk_main(void *arg);
void gc_blob_core_main(void *arg);
void gc_blob_reader_main(void *arg);
void gc_blob_gc_main(void *arg);

/* blob_reader.c */
/* Find the blob LOCAL in TXN. GC_ENOTFOUND, GC_ECORRUPT. */
int gc_blob_lookup_local(struct gc_kv_txn *txn, uint64_t local, struct gc_blob_record *ret_rec);
int gc_blob_lookup(struct gc_kv_txn *txn, const struct gc_blob_id *id, uint64_t *ret_local,
                   struct gc_blob_record *ret_rec);
/* Some reader has the blob LOCAL open. */
bool gc_blob_is_open(struct gc_blobs *blobs, uint64_t local);

/* blob_gc.c */
/* With blobs->lock held: tombstones up to PLACE are durable since NOW_MS. */
void gc_blob_gc_mark(struct gc_blobs *blobs, uint64_t place, uint64_t now_ms);
void gc_blob_gc_wake(struct gc_blobs *blobs);
/* For the gc thread: remove chunks 0..N_FULL-1 of LOCAL and wait for it. */
int gc_blob_gc_remove_chunks(struct gc_blobs *blobs, uint64_t local, uint32_t n_full,
                             uint64_t *ret_n_removed);

/* blob_orphan.c */
/* For the gc thread: remove the chunks that no blob record of an earlier run owns. */
void gc_blob_orphans_remove(struct gc_blobs *blobs);

#endif
