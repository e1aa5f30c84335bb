/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a backend of storage/kv.h implements. kv.c checks arguments, remembers the first error of a
 * write transaction and calls these; a backend embeds the three structs below at the start of its
 * own and sees only valid sizes. */
#ifndef GC_STORAGE_KV_PRIV_H
#define GC_STORAGE_KV_PRIV_H

#include "storage/kv.h"

struct gc_kv_ops {
    void (*close)(struct gc_kv *kv);
    int (*begin)(struct gc_kv *kv, bool write, struct gc_kv_txn **ret_txn);
    int (*commit)(struct gc_kv_txn *txn); /* frees TXN */
    void (*abort)(struct gc_kv_txn *txn); /* frees TXN */
    int (*get)(struct gc_kv_txn *txn, unsigned table, struct gc_kv_val key,
               struct gc_kv_val *ret_val);
    /* VAL.data NULL: room for VAL.len bytes. INSERT: GC_EEXISTS instead of replacing. */
    int (*put)(struct gc_kv_txn *txn, unsigned table, struct gc_kv_val key, struct gc_kv_val val,
               bool insert, void **ret_data);
    int (*del)(struct gc_kv_txn *txn, unsigned table, struct gc_kv_val key);
    int (*cursor_open)(struct gc_kv_txn *txn, unsigned table, struct gc_kv_cursor **ret_cursor);
    void (*cursor_close)(struct gc_kv_cursor *cursor);
    int (*seek)(struct gc_kv_cursor *cursor, struct gc_kv_val key, struct gc_kv_val *ret_key,
                struct gc_kv_val *ret_val);
    int (*next)(struct gc_kv_cursor *cursor, struct gc_kv_val *ret_key, struct gc_kv_val *ret_val);
    int (*last)(struct gc_kv_cursor *cursor, struct gc_kv_val *ret_key, struct gc_kv_val *ret_val);
    int (*stat)(struct gc_kv *kv, struct gc_kv_stat *ret_stat);
    int (*file_offset)(struct gc_kv_txn *txn, struct gc_kv_val val, int *ret_fd,
                       uint64_t *ret_offset);
    void (*reader_check)(struct gc_kv *kv);
    void (*trim)(struct gc_kv *kv);
};

struct gc_kv {
    const struct gc_kv_ops *ops;
    unsigned n_tables;
    size_t value_max;
    bool int_keys[GC_KV_TABLES_MAX];
};

struct gc_kv_txn {
    struct gc_kv *kv;
    bool write;
    int rc; /* first error of a write */
};

struct gc_kv_cursor {
    struct gc_kv_txn *txn;
    unsigned table;
};

/* Fill the common part of KV from CONF. -EINVAL for no or too many tables. */
int gc_kv_init(struct gc_kv *kv, const struct gc_kv_ops *ops, const struct gc_kv_conf *conf);

#endif
