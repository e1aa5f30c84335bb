/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "base/endian.h"
#include "base/err.h"
#include "meta/apply.h"

static void
dedup_key(struct gc_meta_key *key, const uint8_t request_id[GC_META_REQUEST_ID_BYTES])
{
    gc_meta_key_bytes(key, request_id, GC_META_REQUEST_ID_BYTES);
}

int
gc_meta_dedup_get(const struct gc_meta *meta, struct gc_kv_txn *txn,
                  const uint8_t request_id[GC_META_REQUEST_ID_BYTES],
                  struct gc_meta_dedup_row *ret_row)
{
    struct gc_meta_key key;
    struct gc_kv_val val;
    int rc;

    dedup_key(&key, request_id);
    rc = gc_meta_store_get(meta, txn, GC_META_T_DEDUP, &key, &val);
    return rc == 0 ? gc_meta_dec_dedup_row(val, ret_row) : rc;
}

int
gc_meta_dedup_put(struct gc_meta *meta, const struct gc_meta_command *cmd,
                  const struct gc_meta_result *result)
{
    struct gc_meta_dedup_row row = { .expires_at_ms = cmd->expires_at_ms, .result = *result };
    struct gc_meta_enc enc = gc_meta_store_row(meta);
    struct gc_meta_key key;
    int rc;

    dedup_key(&key, cmd->request_id);
    gc_meta_enc_dedup_row(&enc, &row);
    rc = gc_meta_store_put(meta, GC_META_T_DEDUP, &key, &enc);
    if (rc != 0) {
        return rc;
    }
    gc_meta_key_expiry(&key, cmd->expires_at_ms, cmd->request_id);
    enc = gc_meta_store_row(meta);
    gc_meta_enc_number_row(&enc, 0);
    meta->state.n_dedup++;
    return gc_meta_store_put(meta, GC_META_T_DEDUP_EXPIRY, &key, &enc);
}

int
gc_meta_dedup_expire(struct gc_meta *meta, unsigned max)
{
    static const struct gc_meta_key first = { .len = 0 };
    struct gc_meta_key key;
    struct gc_meta_key row;
    struct gc_kv_val val;
    int rc;

    while (max-- > 0) {
        rc = gc_meta_store_seek(meta, meta->txn, GC_META_T_DEDUP_EXPIRY, &first, &key, &val);
        if (rc != 0) {
            return rc == GC_ENOTFOUND ? 0 : rc;
        }
        if (key.len != 8 + GC_META_REQUEST_ID_BYTES) {
            return GC_ECORRUPT;
        }
        if (gc_get_be64(key.data) + GC_META_RESULT_GRACE_MS >= meta->state.time_ms) {
            return 0;
        }
        dedup_key(&row, key.data + 8);
        rc = gc_meta_store_del(meta, GC_META_T_DEDUP, &row);
        if (rc == 0) {
            rc = gc_meta_store_del(meta, GC_META_T_DEDUP_EXPIRY, &key);
        }
        if (rc != 0) {
            return rc;
        }
        meta->state.n_dedup--;
    }
    return 0;
}
