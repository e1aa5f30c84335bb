/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The blob engine: immutable blobs of up to 1 GiB under 128-bit ids, in LMDB environments in one
 * directory (FORMAT.md: the bytes on disk; specs: one core environment and S bulk environments). No
 * network knowledge, no libuv.
 *
 * What it promises: a commit that was answered with 0 is on stable storage, whole, with every
 * chunk's CRC32C verified before it was written; a blob is visible only after that; a crash leaves
 * only orphans, which the next start removes.
 *
 * Threads: one writer thread per environment with group commit, a pool of reader threads. Every
 * function here may be called from any thread. Completion: each request embeds a struct gc_blob_op
 * whose NOTIFY is called exactly once, from an engine thread, after RC is set; NOTIFY must only
 * hand over (post to a loop). A request that returned non-zero at start is never notified. Memory
 * of a request belongs to the caller and is untouched by the engine once notified.
 *
 * Memory: buffers of chunks come from one pool (conf.pool_bytes); put_chunk beyond the pool's share
 * is refused with GC_ELIMIT and the caller waits (its flow control holds the sender);
 * conf.txn_bytes bounds dirty pages per environment.
 *
 * Errors: GC_ENOTFOUND, GC_EEXISTS (id already committed or being written), GC_ECHECKSUM (data does
 * not match the CRC given, or a stored chunk does not match its own), GC_EFULL (below the reserve),
 * GC_EREADONLY, GC_ELIMIT, GC_ERANGE (offset or length outside the blob), GC_ECANCELED (aborted),
 * -EIO (engine has stopped itself: every later call returns it). */
#ifndef GC_STORAGE_BLOB_H
#define GC_STORAGE_BLOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/metrics.h"
#include "base/thread.h"

#define GC_BLOB_CHUNK_BYTES 262096u /* payload of a full chunk: 64 pages less headers */
#define GC_BLOB_CHUNKS_MAX  4096u   /* per blob */
#define GC_BLOB_BYTES_MAX \
    ((uint64_t)GC_BLOB_CHUNK_BYTES * GC_BLOB_CHUNKS_MAX) /* just below 1 GiB */
#define GC_BLOB_INLINE_MAX 1536u
#define GC_BLOB_PUTS_MAX   4096u

struct gc_blob_id {
    uint64_t epoch;   /* writer epoch, granted by the cluster */
    uint64_t counter; /* within the epoch */
};

struct gc_blob_conf {
    const char *dir;
    unsigned n_bulk;        /* 1..8, default 2; fixed at creation */
    uint64_t pool_bytes;    /* chunk buffers, default 16 MiB */
    uint64_t txn_bytes;     /* dirty bytes a transaction, default 8 MiB */
    unsigned n_readers;     /* reader threads, default 2 */
    uint64_t reserve_bytes; /* refuse puts below this much free space, default 1 GiB (and 5 %) */
    uint64_t gc_delay_ms;   /* between delete and removal; 0 = as soon as possible */
    uint64_t map_bytes;     /* address space per environment, default twice the file system */
    uint8_t cluster_id[16]; /* stored at creation, compared at open */
    const char *node;       /* likewise; at most 255 bytes */
    struct gc_metrics *metrics; /* may be NULL */
    /* Called (from any thread, like all notifies) when there is room in the pool again after a
     * request was refused with GC_ELIMIT; FN may be NULL. */
    struct gc_notify room;
};

struct gc_blobs; /* the engine */

/* Open or create. Removes engine orphans in the background. GC_ECONFLICT when the directory belongs
 * to another cluster or node, or is open in another process; GC_EVERSION for a newer format. */
int gc_blobs_open(const struct gc_blob_conf *conf, struct gc_blobs **ret_blobs);
/* Waits for running requests; puts not committed are aborted. */
void gc_blobs_close(struct gc_blobs *blobs);

/* Store identity (object-protocol.md rule 21). */
struct gc_blobs_identity {
    uint8_t store_uuid[16];
    uint64_t generation;  /* rises at every open */
    uint64_t durable_seq; /* rises with every durable core commit */
};
void gc_blobs_identity(struct gc_blobs *blobs, struct gc_blobs_identity *ret_identity);

struct gc_blob_op {
    struct gc_notify notify; /* set by the caller before start */
    int rc;                  /* set before notify */
    int kind;                /* Private to the engine. */
    struct gc_list node; /* Private to the engine while the request runs; the caller's queue node
                            afterwards. */
};

/* --- writing: begin, chunks in order, commit or abort --- */

struct gc_blob_put; /* opaque; one per blob being written */

/* Start writing blob ID. Synchronous, does no I/O. GC_ELIMIT at GC_BLOB_PUTS_MAX open puts. */
int gc_blob_put_begin(struct gc_blobs *blobs, const struct gc_blob_id *id,
                      struct gc_blob_put **ret_put);

struct gc_blob_chunk_op {
    struct gc_blob_op op;
    struct gc_bytes *bytes; /* Private to the engine while the request runs. */
    struct gc_slice slice;
    uint32_t crc;
    uint32_t chunk_no;
    struct gc_blob_put *put;
};

/* Append the next chunk: exactly GC_BLOB_CHUNK_BYTES except the last one. SLICE's owner is
 * referenced until notified (no copy is made before the writer thread). CRC is verified by the
 * engine. Notified when the chunk has been handed to the file (bulk chunks: written in a
 * transaction, maybe not yet synced; small tails: taken): the caller may then forget it. */
int gc_blob_put_chunk(struct gc_blob_put *put, struct gc_blob_chunk_op *op,
                      const struct gc_slice *slice, uint32_t crc);

/* All chunks given, not necessarily notified yet (the commit waits for them): LENGTH is the blob's
 * length, CRC the CRC32C of all bytes. Notified when durable and visible. PUT is consumed: not to
 * be used after a start that returned 0. */
int gc_blob_put_commit(struct gc_blob_put *put, struct gc_blob_op *op, uint64_t length,
                       uint32_t crc);

/* Give up; what was written is removed. PUT is consumed. Chunk requests still running are notified
 * with GC_ECANCELED. */
void gc_blob_put_abort(struct gc_blob_put *put);

/* --- reading --- */

struct gc_blob_stat {
    uint64_t length;
    uint32_t crc;
    uint32_t n_chunks;
};

/* Open a blob for reading: it is not removed while open, even when deleted. Synchronous (a lookup
 * in the map). */
struct gc_blob_reader;
int gc_blob_open(struct gc_blobs *blobs, const struct gc_blob_id *id,
                 struct gc_blob_reader **ret_reader, struct gc_blob_stat *ret_stat);
void gc_blob_close(struct gc_blob_reader *reader); /* no read of it is running */

struct gc_blob_read_op {
    struct gc_blob_op op;
    struct gc_bytes *bytes;        /* result: the chunk's payload; the caller unrefs */
    uint32_t crc;                  /* result: CRC32C of the payload, verified */
    struct gc_blob_reader *reader; /* Private to the engine. */
    uint32_t chunk_no;
};

/* Read chunk CHUNK_NO whole, verified against its stored CRC. Buffers come from the pool; GC_ELIMIT
 * when it is empty. */
int gc_blob_read_chunk(struct gc_blob_reader *reader, struct gc_blob_read_op *op,
                       uint32_t chunk_no);
/* Small blobs (inline data) without a thread: GC_ENOTFOUND when the chunk is not inline; else a new
 * reference and its CRC. */
int gc_blob_read_inline(struct gc_blob_reader *reader, struct gc_bytes **ret_bytes,
                        uint32_t *ret_crc);

/* --- deleting, scanning --- */

/* Queue blob ID for removal after gc_delay (0 = now); readers that have it open keep it. Notified
 * when the tombstone is durable: the blob is invisible then. GC_ENOTFOUND. */
int gc_blob_delete(struct gc_blobs *blobs, struct gc_blob_op *op, const struct gc_blob_id *id);

/* Up to MAX committed ids > AFTER in id order (AFTER NULL = from the start). Synchronous; for
 * inventories in small pages. */
int gc_blobs_list(struct gc_blobs *blobs, const struct gc_blob_id *after, struct gc_blob_id *ids,
                  size_t max, size_t *ret_n);

struct gc_blobs_stat {
    uint64_t n_blobs;
    uint64_t bytes;      /* sum of lengths */
    uint64_t file_bytes; /* of all environments */
    uint64_t free_bytes; /* of the file system */
    uint64_t n_puts_open;
    uint64_t n_readers_open;
    uint64_t gc_queue;      /* blobs deleted but not yet removed */
    uint64_t orphan_chunks; /* removed since the start, of puts that a crash cut off */
    bool read_only;
    bool stopped; /* -EIO */
};
void gc_blobs_stat(struct gc_blobs *blobs, struct gc_blobs_stat *ret_stat);

#endif
