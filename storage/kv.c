/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "storage/kv.h"

#include <assert.h>
#include <errno.h>
#include <malloc.h>
#include <string.h>

#include "base/err.h"
#include "storage/kv_priv.h"

int
gc_kv_init(struct gc_kv *kv, const struct gc_kv_ops *ops, const struct gc_kv_conf *conf)
{
    unsigned n = 0;

    while (conf->tables[n] != NULL) {
        n++;
        if (n > GC_KV_TABLES_MAX) {
            return -EINVAL;
        }
    }
    if (n == 0) {
        return -EINVAL;
    }
    kv->ops = ops;
    kv->n_tables = n;
    kv->value_max = conf->no_readahead ? GC_KV_CHUNK_MAX : GC_KV_VALUE_MAX;
    for (unsigned i = 0; i < n; i++) {
        kv->int_keys[i] = conf->int_keys != NULL && conf->int_keys[i];
    }
    return 0;
}

void
gc_kv_close(struct gc_kv *kv)
{
    if (kv != NULL) {
        kv->ops->close(kv);
    }
}

int
gc_kv_begin(struct gc_kv *kv, bool write, struct gc_kv_txn **ret_txn)
{
    return kv->ops->begin(kv, write, ret_txn);
}

int
gc_kv_commit(struct gc_kv_txn *txn)
{
    int rc = txn->rc;

    if (rc != 0) {
        txn->kv->ops->abort(txn);
        return rc;
    }
    return txn->kv->ops->commit(txn);
}

void
gc_kv_abort(struct gc_kv_txn *txn)
{
    if (txn != NULL) {
        txn->kv->ops->abort(txn);
    }
}

int
gc_kv_txn_rc(const struct gc_kv_txn *txn)
{
    return txn->rc;
}

/* Remember what makes a transaction worthless. */
static int
kv_note(struct gc_kv_txn *txn, int rc)
{
    if (txn->write && txn->rc == 0 && rc != 0 && rc != GC_ENOTFOUND && rc != GC_EEXISTS) {
        txn->rc = rc;
    }
    return rc;
}

static bool
kv_key_ok(const struct gc_kv_txn *txn, unsigned table, struct gc_kv_val key)
{
    assert(table < txn->kv->n_tables);
    if (txn->kv->int_keys[table]) {
        return key.len == sizeof(uint64_t);
    }
    return key.len > 0 && key.len <= GC_KV_KEY_MAX;
}

int
gc_kv_get(struct gc_kv_txn *txn, unsigned table, struct gc_kv_val key, struct gc_kv_val *ret_val)
{
    if (txn->rc != 0) {
        return txn->rc;
    }
    if (!kv_key_ok(txn, table, key)) {
        return kv_note(txn, -EINVAL);
    }
    return kv_note(txn, txn->kv->ops->get(txn, table, key, ret_val));
}

static int
kv_write(struct gc_kv_txn *txn, unsigned table, struct gc_kv_val key, struct gc_kv_val val,
         bool insert, void **ret_data)
{
    assert(txn->write);
    if (txn->rc != 0) {
        return txn->rc;
    }
    if (!kv_key_ok(txn, table, key) || val.len > txn->kv->value_max) {
        return kv_note(txn, -EINVAL);
    }
    return kv_note(txn, txn->kv->ops->put(txn, table, key, val, insert, ret_data));
}

int
gc_kv_put(struct gc_kv_txn *txn, unsigned table, struct gc_kv_val key, struct gc_kv_val val)
{
    void *data;

    /* A backend takes a NULL value for a reservation; an empty one may come as NULL. */
    return kv_write(txn, table, key, gc_kv_val(val.len > 0 ? val.data : "", val.len), false, &data);
}

int
gc_kv_insert(struct gc_kv_txn *txn, unsigned table, struct gc_kv_val key, struct gc_kv_val val)
{
    void *data;

    return kv_write(txn, table, key, gc_kv_val(val.len > 0 ? val.data : "", val.len), true, &data);
}

int
gc_kv_reserve(struct gc_kv_txn *txn, unsigned table, struct gc_kv_val key, size_t val_len,
              void **ret_data)
{
    return kv_write(txn, table, key, gc_kv_val(NULL, val_len), false, ret_data);
}

int
gc_kv_del(struct gc_kv_txn *txn, unsigned table, struct gc_kv_val key)
{
    assert(txn->write);
    if (txn->rc != 0) {
        return txn->rc;
    }
    if (!kv_key_ok(txn, table, key)) {
        return kv_note(txn, -EINVAL);
    }
    return kv_note(txn, txn->kv->ops->del(txn, table, key));
}

int
gc_kv_cursor_open(struct gc_kv_txn *txn, unsigned table, struct gc_kv_cursor **ret_cursor)
{
    assert(table < txn->kv->n_tables);
    if (txn->rc != 0) {
        return txn->rc;
    }
    return kv_note(txn, txn->kv->ops->cursor_open(txn, table, ret_cursor));
}

void
gc_kv_cursor_close(struct gc_kv_cursor *cursor)
{
    if (cursor != NULL) {
        cursor->txn->kv->ops->cursor_close(cursor);
    }
}

int
gc_kv_seek(struct gc_kv_cursor *cursor, struct gc_kv_val key, struct gc_kv_val *ret_key,
           struct gc_kv_val *ret_val)
{
    struct gc_kv_txn *txn = cursor->txn;

    if (txn->rc != 0) {
        return txn->rc;
    }
    if (key.len > 0 && !kv_key_ok(txn, cursor->table, key)) {
        return kv_note(txn, -EINVAL);
    }
    return kv_note(txn, txn->kv->ops->seek(cursor, key, ret_key, ret_val));
}

int
gc_kv_next(struct gc_kv_cursor *cursor, struct gc_kv_val *ret_key, struct gc_kv_val *ret_val)
{
    struct gc_kv_txn *txn = cursor->txn;

    if (txn->rc != 0) {
        return txn->rc;
    }
    return kv_note(txn, txn->kv->ops->next(cursor, ret_key, ret_val));
}

int
gc_kv_last(struct gc_kv_cursor *cursor, struct gc_kv_val *ret_key, struct gc_kv_val *ret_val)
{
    struct gc_kv_txn *txn = cursor->txn;

    if (txn->rc != 0) {
        return txn->rc;
    }
    return kv_note(txn, txn->kv->ops->last(cursor, ret_key, ret_val));
}

int
gc_kv_stat(struct gc_kv *kv, struct gc_kv_stat *ret_stat)
{
    return kv->ops->stat(kv, ret_stat);
}

int
gc_kv_file_offset(struct gc_kv_txn *txn, struct gc_kv_val val, int *ret_fd, uint64_t *ret_offset)
{
    return txn->kv->ops->file_offset(txn, val, ret_fd, ret_offset);
}

void
gc_kv_reader_check(struct gc_kv *kv)
{
    kv->ops->reader_check(kv);
}

void
gc_kv_trim(struct gc_kv *kv)
{
    kv->ops->trim(kv);
}

void
gc_storage_malloc_tune(void)
{
    /* Larger than anything we allocate; any value set stops glibc's own guessing. */
    (void)mallopt(M_MMAP_THRESHOLD, 32 << 20);
    (void)mallopt(M_TRIM_THRESHOLD, 1 << 30);
    (void)mallopt(M_TOP_PAD, 1 << 20);
}
