/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The replicated state machine: buckets, the object index, file servers, writer epochs, garbage
 * queues and results of requests, in tables of a gc_kv environment that it shares with the log, so
 * that an entry and its effect are one transaction.
 *
 * apply is a pure function of (state, entry): no clock, no random, no configuration (rule 18). An
 * entry is applied by begin, one apply per command in it, end, all in one write transaction of the
 * caller, who commits it. What a command is refused for is in its result; a negative code is a
 * local failure (-EIO, -ENOMEM, GC_EFULL, GC_ECORRUPT): abort the transaction and stop the process.
 *
 * Threads: a gc_meta belongs to the thread that applies. The reads of meta/query.h use only what
 * init set and may run in any number of threads, each in its own read transaction. */
#ifndef GC_META_META_H
#define GC_META_META_H

#include "meta/command.h"
#include "storage/kv.h"

/* The tables, in this order, from table number TABLE0 on: put GC_META_TABLE_NAMES into the
 * environment's list of names. None has integer keys. */
enum gc_meta_table {
    GC_META_T_STATE,
    GC_META_T_BUCKET,
    GC_META_T_BUCKET_NAME,
    GC_META_T_INDEX,
    GC_META_T_MANIFEST,
    GC_META_T_BLOB,
    GC_META_T_GC,
    GC_META_T_SERVER,
    GC_META_T_SERVER_KEY,
    GC_META_T_EPOCH,
    GC_META_T_EPOCH_PROCESS,
    GC_META_T_DEDUP,
    GC_META_T_DEDUP_EXPIRY,
    GC_META_T_JOB,
    GC_META_N_TABLES
};
#define GC_META_TABLE_NAMES                                                                   \
    "sm.state", "sm.bucket", "sm.bucket_name", "sm.index", "sm.manifest", "sm.blob", "sm.gc", \
        "sm.server", "sm.server_key", "sm.epoch", "sm.epoch_process", "sm.dedup",             \
        "sm.dedup_expiry", "sm.job"

#define GC_META_DEDUP_MAX (1u << 18)

/* The single row of numbers about the whole state. */
struct gc_meta_state {
    uint8_t cluster_id[16];
    uint32_t cluster_version;
    uint64_t applied_index;
    uint64_t applied_term;
    uint64_t time_ms;
    uint64_t next_id; /* buckets, name branches and manifests draw from it */
    uint64_t next_epoch;
    uint64_t next_gc_seq;
    uint32_t next_server;
    uint32_t copies_default; /* min(3, servers ever registered); never falls by itself */
    uint64_t registry_version;
    uint64_t n_buckets;
    uint64_t n_objects;
    uint64_t n_bytes; /* of all objects */
    uint64_t n_blobs; /* referenced ones */
    uint64_t n_manifests;
    uint64_t n_gc_rows;
    uint64_t n_servers;
    uint64_t n_epochs; /* not fenced */
    uint64_t n_dedup;
    uint64_t n_jobs;
    uint64_t rows_hash; /* sum of the keyed hashes of all rows but this one */
};

struct gc_meta {
    unsigned table0;
    /* Private to the files of src/meta, between begin and end. */
    struct gc_kv_txn *txn;
    struct gc_meta_state state;
    struct gc_arena arena;
    uint8_t *row; /* one row being encoded */
    bool open;
};

/* -ENOMEM. */
int gc_meta_init(struct gc_meta *meta, unsigned table0);
void gc_meta_fini(struct gc_meta *meta);

/* Write the first state of a new cluster, before any entry. GC_EEXISTS when there is a state. */
int gc_meta_create(struct gc_meta *meta, struct gc_kv_txn *txn, const uint8_t cluster_id[16],
                   uint64_t state_time_ms);

struct gc_meta_entry {
    uint64_t index; /* applied index + 1 */
    uint64_t term;
    uint64_t time_ms; /* state time of the entry; an earlier one than the state's is ignored */
};

/* Start an entry: state time advances, a bounded number of results whose time is over is forgotten.
 * GC_ENOTFOUND when there is no state, GC_ESTALE when the entry is not the next one. */
int gc_meta_begin(struct gc_meta *meta, struct gc_kv_txn *txn, const struct gc_meta_entry *entry);
/* Carry out one encoded command of the entry. What cannot be decoded is refused with BadRequest.
 * RET may be NULL. */
int gc_meta_apply(struct gc_meta *meta, const void *data, size_t len, struct gc_meta_result *ret);
int gc_meta_end(struct gc_meta *meta);
/* Forget an entry that was begun: the caller aborts the transaction. */
void gc_meta_abandon(struct gc_meta *meta);

#endif
