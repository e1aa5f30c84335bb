/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ordered key-value environment with transactions: LMDB on disk (storage/kv_lmdb.c), or memory for
 * the simulator (storage/kv_mem.c, which can forget everything since the last sync, as a power cut
 * does). One interface, so that the state machine and the blob engine run unchanged on both.
 *
 * Threads: one write transaction at a time per environment, begun and ended on the same thread; any
 * number of short read transactions on any threads (LMDB runs with NOTLS). A read transaction never
 * outlives a callback. Memory returned by get and cursors is valid until the transaction writes or
 * ends. Values of up to 16,368 bytes everywhere; larger ones only in an environment that holds
 * nothing but 64-page chunks (FORMAT.md says why). Keys: 1..511 bytes.
 *
 * Errors: GC_ENOTFOUND, GC_EEXISTS, -EINVAL (size), GC_EFULL (map or disk full; the transaction is
 * aborted), -EIO (the environment must not be used any more: stop the process), GC_ECORRUPT,
 * -ENOMEM. An error inside a write transaction other than GC_ENOTFOUND/GC_EEXISTS is remembered:
 * commit then aborts and returns it, so a run of writes needs one check. */
#ifndef GC_STORAGE_KV_H
#define GC_STORAGE_KV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GC_KV_KEY_MAX    511
#define GC_KV_VALUE_MAX  16368  /* four pages less LMDB's header */
#define GC_KV_CHUNK_MAX  262128 /* 64 pages less it; only where conf.no_readahead is set */
#define GC_KV_TABLES_MAX 32

struct gc_kv;
struct gc_kv_txn;

struct gc_kv_val {
    const void *data;
    size_t len;
};

struct gc_kv_conf {
    const char *path;          /* LMDB: data file (NOSUBDIR); memory: ignored */
    const char *const *tables; /* names, NULL-terminated; a table's number is its place here */
    const bool *int_keys; /* per table: keys are native uint64_t (MDB_INTEGERKEY); NULL = none */
    /* Address space, never resized; 0 = twice the file system. Memory: bytes that fit, 0 = no
     * limit. */
    uint64_t map_bytes;
    bool no_readahead;   /* bulk environments: values of up to GC_KV_CHUNK_MAX, read by pread */
    bool unsafe_no_sync; /* tests and simulator on LMDB only */
    /* For tools, on LMDB only: nothing is created or changed, not even a lock file, so the caller
     * makes sure that no process has the file open. */
    bool read_only;
};

/* Creates the file with mode 0600. GC_ECORRUPT or GC_EVERSION for what is no LMDB 0.9 data file,
 * -ENOTSUP when its pages or the machine's are not 4096 bytes. */
int gc_kv_open(const struct gc_kv_conf *conf, struct gc_kv **ret_kv);
int gc_kv_open_mem(const struct gc_kv_conf *conf, struct gc_kv **ret_kv);
void gc_kv_close(struct gc_kv *kv); /* NULL allowed; no transaction is open */

/* Memory backend only: what is committed is synced unless HOLD; a crash returns to the last synced
 * state. */
void gc_kv_mem_hold_sync(struct gc_kv *kv, bool hold);
void gc_kv_mem_crash(struct gc_kv *kv);

int gc_kv_begin(struct gc_kv *kv, bool write, struct gc_kv_txn **ret_txn);
/* Durable on return when it returns 0. TXN is gone whatever it returns. */
int gc_kv_commit(struct gc_kv_txn *txn);
void gc_kv_abort(struct gc_kv_txn *txn); /* also ends a read; NULL allowed */
/* First error remembered by a write transaction, 0 if none. */
int gc_kv_txn_rc(const struct gc_kv_txn *txn);

int gc_kv_get(struct gc_kv_txn *txn, unsigned table, struct gc_kv_val key,
              struct gc_kv_val *ret_val);
int gc_kv_put(struct gc_kv_txn *txn, unsigned table, struct gc_kv_val key, struct gc_kv_val val);
/* GC_EEXISTS when the key is there; nothing changes then. */
int gc_kv_insert(struct gc_kv_txn *txn, unsigned table, struct gc_kv_val key, struct gc_kv_val val);
/* Put VAL_LEN bytes whose content the caller writes to *RET_DATA before the next call on the
 * transaction. */
int gc_kv_reserve(struct gc_kv_txn *txn, unsigned table, struct gc_kv_val key, size_t val_len,
                  void **ret_data);
int gc_kv_del(struct gc_kv_txn *txn, unsigned table, struct gc_kv_val key); /* GC_ENOTFOUND */

/* A cursor is for one loop: it is invalid after any write of its transaction and must be closed
 * before its end. */
struct gc_kv_cursor;
int gc_kv_cursor_open(struct gc_kv_txn *txn, unsigned table, struct gc_kv_cursor **ret_cursor);
void gc_kv_cursor_close(struct gc_kv_cursor *cursor); /* NULL allowed */
/* First key >= KEY (empty key: the first of all). GC_ENOTFOUND at the end. */
int gc_kv_seek(struct gc_kv_cursor *cursor, struct gc_kv_val key, struct gc_kv_val *ret_key,
               struct gc_kv_val *ret_val);
int gc_kv_next(struct gc_kv_cursor *cursor, struct gc_kv_val *ret_key, struct gc_kv_val *ret_val);
/* Last key of the table. */
int gc_kv_last(struct gc_kv_cursor *cursor, struct gc_kv_val *ret_key, struct gc_kv_val *ret_val);

struct gc_kv_stat {
    uint64_t file_bytes;
    uint64_t used_bytes; /* pages in use */
    uint64_t entries;    /* over all tables */
};
int gc_kv_stat(struct gc_kv *kv, struct gc_kv_stat *ret_stat);

/* LMDB only: where VAL (returned by get in TXN) lies in the data file, and the file's descriptor,
 * so that another thread can pread it within the transaction's life. -ENOTSUP on the memory
 * backend. */
int gc_kv_file_offset(struct gc_kv_txn *txn, struct gc_kv_val val, int *ret_fd,
                      uint64_t *ret_offset);

/* Let go of the map's resident pages: they stay in the page cache but no longer count as this
 * process's memory. Any thread, at any time. */
void gc_kv_trim(struct gc_kv *kv);

/* Forget readers of dead processes; call at start and every minute. */
void gc_kv_reader_check(struct gc_kv *kv);

/* Set malloc up for LMDB's habit of allocating and freeing each dirty page: without it glibc maps
 * and unmaps every chunk, which doubles the CPU time of bulk writes. Once, at the start of a
 * daemon, before any thread. */
void gc_storage_malloc_tune(void);

static inline struct gc_kv_val
gc_kv_val(const void *data, size_t len)
{
    struct gc_kv_val v = { data, len };
    return v;
}

#endif
