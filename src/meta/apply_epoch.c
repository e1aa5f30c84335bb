/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writer epochs (object-protocol.md rule 11). An epoch has a row as long as it is not fenced; one
 * that was granted and has no row is fenced, so fenced epochs cost nothing. */
#include "base/err.h"
#include "meta/apply.h"

static int
epoch_get(const struct gc_meta *meta, uint64_t epoch, struct gc_meta_epoch_row *ret_row)
{
    struct gc_meta_key key;
    struct gc_kv_val val;
    int rc;

    gc_meta_key_u64(&key, epoch);
    rc = gc_meta_store_get(meta, meta->txn, GC_META_T_EPOCH, &key, &val);
    return rc == 0 ? gc_meta_dec_epoch_row(val, ret_row) : rc;
}

static int
epoch_put(struct gc_meta *meta, uint64_t epoch, const struct gc_meta_epoch_row *row)
{
    struct gc_meta_enc enc = gc_meta_store_row(meta);
    struct gc_meta_key key;

    gc_meta_key_u64(&key, epoch);
    gc_meta_enc_epoch_row(&enc, row);
    return gc_meta_store_put(meta, GC_META_T_EPOCH, &key, &enc);
}

/* The epoch has a row; PROCESS is the key of its name. */
static int
epoch_drop(struct gc_meta *meta, uint64_t epoch, const struct gc_meta_key *process)
{
    struct gc_meta_key key;
    int rc;

    gc_meta_key_u64(&key, epoch);
    rc = gc_meta_store_del(meta, GC_META_T_EPOCH, &key);
    if (rc != 0) {
        return rc;
    }
    meta->state.n_epochs--;
    return gc_meta_store_del(meta, GC_META_T_EPOCH_PROCESS, process);
}

int
gc_meta_do_grant_epoch(struct gc_meta *meta, const struct gc_meta_command *cmd,
                       struct gc_meta_result *ret)
{
    struct gc_meta_epoch_row row = { .process = cmd->u.grant_epoch.process, .watermark = 0 };
    struct gc_meta_enc enc;
    struct gc_meta_key key;
    struct gc_kv_val val;
    uint64_t old;
    int rc;

    if (row.process.len == 0) {
        ret->err = GC_API_InvalidArgument;
        return 0;
    }
    gc_meta_key_bytes(&key, row.process.data, row.process.len);
    rc = gc_meta_store_get(meta, meta->txn, GC_META_T_EPOCH_PROCESS, &key, &val);
    if (rc == 0) {
        rc = gc_meta_dec_number_row(val, &old);
        if (rc == 0) {
            rc = epoch_drop(meta, old, &key);
        }
    } else if (rc == GC_ENOTFOUND) {
        rc = 0;
    }
    if (rc != 0) {
        return rc;
    }
    ret->number = meta->state.next_epoch++;
    rc = epoch_put(meta, ret->number, &row);
    if (rc != 0) {
        return rc;
    }
    meta->state.n_epochs++;
    enc = gc_meta_store_row(meta);
    gc_meta_enc_number_row(&enc, ret->number);
    return gc_meta_store_put(meta, GC_META_T_EPOCH_PROCESS, &key, &enc);
}

int
gc_meta_do_fence_epoch(struct gc_meta *meta, const struct gc_meta_command *cmd,
                       struct gc_meta_result *ret)
{
    uint64_t epoch = cmd->u.fence_epoch.epoch;
    struct gc_meta_epoch_row row;
    struct gc_meta_key process;
    int rc = epoch_get(meta, epoch, &row);

    if (rc == GC_ENOTFOUND) {
        if (epoch == 0 || epoch >= meta->state.next_epoch) {
            ret->err = GC_API_InvalidArgument; /* else: fenced already */
        }
        return 0;
    }
    if (rc != 0) {
        return rc;
    }
    gc_meta_key_bytes(&process, row.process.data, row.process.len);
    ret->number = epoch;
    return epoch_drop(meta, epoch, &process);
}

int
gc_meta_do_set_watermark(struct gc_meta *meta, const struct gc_meta_command *cmd,
                         struct gc_meta_result *ret)
{
    const struct gc_meta_set_watermark *set = &cmd->u.set_watermark;
    struct gc_meta_epoch_row row;
    int rc = epoch_get(meta, set->epoch, &row);

    if (rc == GC_ENOTFOUND) {
        ret->err = GC_API_StaleEpoch;
        return 0;
    }
    if (rc != 0) {
        return rc;
    }
    ret->number = row.watermark;
    if (set->counter <= row.watermark) {
        return 0;
    }
    row.watermark = set->counter;
    ret->number = row.watermark;
    return epoch_put(meta, set->epoch, &row);
}
