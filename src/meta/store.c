/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "meta/store.h"

#include <string.h>

#include "base/endian.h"
#include "base/err.h"
#include "meta/siphash.h"

struct gc_meta_enc
gc_meta_store_row(struct gc_meta *meta)
{
    return (struct gc_meta_enc){ .data = meta->row, .cap = GC_KV_VALUE_MAX };
}

uint64_t
gc_meta_store_row_hash(const uint8_t hash_key[16], enum gc_meta_table table, struct gc_kv_val key,
                       struct gc_kv_val val)
{
    struct gc_siphash sip;
    uint8_t head[4];

    gc_put_be16(head, (uint16_t)table);
    gc_put_be16(head + 2, (uint16_t)key.len);
    gc_siphash_init(&sip, hash_key);
    gc_siphash_update(&sip, head, sizeof(head));
    gc_siphash_update(&sip, key.data, key.len);
    gc_siphash_update(&sip, val.data, val.len);
    return gc_siphash_final(&sip);
}

static uint64_t
row_hash(const struct gc_meta *meta, enum gc_meta_table table, struct gc_kv_val key,
         struct gc_kv_val val)
{
    return gc_meta_store_row_hash(meta->state.cluster_id, table, key, val);
}

int
gc_meta_store_put(struct gc_meta *meta, enum gc_meta_table table, const struct gc_meta_key *key,
                  const struct gc_meta_enc *enc)
{
    struct gc_kv_val k = gc_meta_key_val(key);
    struct gc_kv_val row = gc_kv_val(enc->data, enc->len);
    struct gc_kv_val old;
    int rc;

    if (enc->len > enc->cap) {
        return GC_EINTERNAL;
    }
    rc = gc_kv_get(meta->txn, meta->table0 + table, k, &old);
    if (rc == 0) {
        meta->state.rows_hash -= row_hash(meta, table, k, old);
    } else if (rc != GC_ENOTFOUND) {
        return rc;
    }
    meta->state.rows_hash += row_hash(meta, table, k, row);
    return gc_kv_put(meta->txn, meta->table0 + table, k, row);
}

int
gc_meta_store_del(struct gc_meta *meta, enum gc_meta_table table, const struct gc_meta_key *key)
{
    struct gc_kv_val k = gc_meta_key_val(key);
    struct gc_kv_val old;
    int rc;

    rc = gc_kv_get(meta->txn, meta->table0 + table, k, &old);
    if (rc != 0) {
        return rc == GC_ENOTFOUND ? GC_ECORRUPT : rc;
    }
    meta->state.rows_hash -= row_hash(meta, table, k, old);
    return gc_kv_del(meta->txn, meta->table0 + table, k);
}

int
gc_meta_store_get(const struct gc_meta *meta, struct gc_kv_txn *txn, enum gc_meta_table table,
                  const struct gc_meta_key *key, struct gc_kv_val *ret_val)
{
    return gc_kv_get(txn, meta->table0 + table, gc_meta_key_val(key), ret_val);
}

int
gc_meta_store_seek(const struct gc_meta *meta, struct gc_kv_txn *txn, enum gc_meta_table table,
                   const struct gc_meta_key *from, struct gc_meta_key *ret_key,
                   struct gc_kv_val *ret_val)
{
    struct gc_kv_cursor *cursor;
    struct gc_kv_val key;
    int rc;

    rc = gc_kv_cursor_open(txn, meta->table0 + table, &cursor);
    if (rc != 0) {
        return rc;
    }
    rc = gc_kv_seek(cursor, gc_meta_key_val(from), &key, ret_val);
    gc_kv_cursor_close(cursor);
    if (rc == 0) {
        gc_meta_key_bytes(ret_key, key.data, key.len);
    }
    return rc;
}

static void
state_key(struct gc_meta_key *key)
{
    gc_meta_key_bytes(key, "state", 5);
}

int
gc_meta_store_load_state(const struct gc_meta *meta, struct gc_kv_txn *txn,
                         struct gc_meta_state *ret_state)
{
    struct gc_meta_key key;
    struct gc_kv_val val;
    int rc;

    state_key(&key);
    rc = gc_meta_store_get(meta, txn, GC_META_T_STATE, &key, &val);
    return rc == 0 ? gc_meta_dec_state(val, ret_state) : rc;
}

int
gc_meta_store_save_state(struct gc_meta *meta)
{
    struct gc_meta_enc enc = gc_meta_store_row(meta);
    struct gc_meta_key key;

    state_key(&key);
    gc_meta_enc_state(&enc, &meta->state);
    return gc_kv_put(meta->txn, meta->table0 + GC_META_T_STATE, gc_meta_key_val(&key),
                     gc_kv_val(enc.data, enc.len));
}
