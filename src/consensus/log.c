/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "consensus/log.h"

#include <string.h>

#include "base/checksum.h"
#include "base/endian.h"
#include "base/err.h"
#include "base/macros.h"

#define VERSION        1
#define CRC_AT         21u
#define PIECE_BITS     8u
#define META_ROW_BYTES 25u
#define TRIM_MAX       64u /* entries a call: more than a batch adds, so that it keeps up */

_Static_assert(GC_CONSENSUS_ENTRY_BYTES_MAX >=
                   GC_CONSENSUS_COMMAND_BYTES_MAX + 4 + GC_LOG_HEAD_BYTES,
               "a largest command fits an entry");
_Static_assert(GC_CONSENSUS_ENTRY_BYTES_MAX >=
                   GC_CONSENSUS_BATCH_BYTES + 4 * GC_CONSENSUS_BATCH_MAX + GC_LOG_HEAD_BYTES,
               "a largest batch fits an entry");
_Static_assert(GC_CONSENSUS_ENTRY_BYTES_MAX / GC_KV_VALUE_MAX < 1u << PIECE_BITS,
               "pieces of an entry fit its keys");

static unsigned
log_table(const struct gc_consensus_core *core)
{
    return core->conf.table0 + GC_CONSENSUS_T_LOG;
}

static uint64_t
piece_key(uint64_t index, unsigned piece)
{
    return index << PIECE_BITS | piece;
}

static uint32_t
entry_crc(const uint8_t *head, const void *commands, size_t len)
{
    return gc_crc32c(gc_crc32c(0, head, CRC_AT), commands, len);
}

size_t
gc_log_encode(struct gc_consensus_core *core, const struct gc_consensus_entry *entry,
              const struct gc_consensus_op *ops, size_t n_ops)
{
    uint8_t *head = core->entry;
    uint8_t *at = head + GC_LOG_HEAD_BYTES;
    size_t len;

    for (size_t i = 0; i < n_ops; i++) {
        gc_put_be32(at, (uint32_t)ops[i].len);
        memcpy(at + 4, ops[i].data, ops[i].len);
        at += 4 + ops[i].len;
    }
    len = (size_t)(at - head) - GC_LOG_HEAD_BYTES;
    head[0] = VERSION;
    gc_put_be64(head + 1, entry->term);
    gc_put_be64(head + 9, entry->time_ms);
    gc_put_be32(head + 17, (uint32_t)len);
    gc_put_be32(head + CRC_AT, entry_crc(head, head + GC_LOG_HEAD_BYTES, len));
    return GC_LOG_HEAD_BYTES + len;
}

int
gc_log_append(struct gc_consensus_core *core, struct gc_kv_txn *txn, uint64_t index, size_t len)
{
    int rc = 0;
    unsigned piece = 0;

    for (size_t at = 0; rc == 0 && at < len; at += GC_KV_VALUE_MAX) {
        uint64_t key = piece_key(index, piece++);

        rc = gc_kv_put(txn, log_table(core), gc_kv_val(&key, sizeof(key)),
                       gc_kv_val(core->entry + at, GC_MIN(len - at, (size_t)GC_KV_VALUE_MAX)));
    }
    if (rc == 0) {
        core->log_bytes += len;
    }
    return rc;
}

/* Piece 0 of an entry and the length of the whole. */
static int
entry_head(const struct gc_consensus_core *core, struct gc_kv_txn *txn, uint64_t index,
           struct gc_kv_val *ret_val, size_t *ret_len)
{
    uint64_t key = piece_key(index, 0);
    const uint8_t *head;
    int rc = gc_kv_get(txn, log_table(core), gc_kv_val(&key, sizeof(key)), ret_val);

    if (rc != 0) {
        return rc;
    }
    head = ret_val->data;
    if (ret_val->len > 0 && head[0] > VERSION) {
        return GC_EVERSION;
    }
    if (ret_val->len < GC_LOG_HEAD_BYTES || head[0] != VERSION) {
        return GC_ECORRUPT;
    }
    *ret_len = GC_LOG_HEAD_BYTES + (size_t)gc_get_be32(head + 17);
    return *ret_len <= GC_CONSENSUS_ENTRY_BYTES_MAX ? 0 : GC_ECORRUPT;
}

int
gc_log_trim(struct gc_consensus_core *core, struct gc_kv_txn *txn)
{
    struct gc_kv_val val;
    size_t len;
    int rc = 0;

    for (unsigned n = 0; rc == 0 && n < TRIM_MAX && core->first_index < core->last_index &&
                         (core->last_index - core->first_index >= core->conf.log_keep_entries ||
                          core->log_bytes > core->conf.log_keep_bytes);
         n++) {
        rc = entry_head(core, txn, core->first_index, &val, &len);
        for (size_t at = 0; rc == 0 && at < len; at += GC_KV_VALUE_MAX) {
            uint64_t key = piece_key(core->first_index, (unsigned)(at / GC_KV_VALUE_MAX));

            rc = gc_kv_del(txn, log_table(core), gc_kv_val(&key, sizeof(key)));
        }
        if (rc == 0) {
            core->log_bytes -= len;
            core->first_index++;
        }
    }
    return rc == GC_ENOTFOUND ? GC_ECORRUPT : rc;
}

static struct gc_kv_val
meta_key(void)
{
    return gc_kv_val("log", 3);
}

int
gc_log_save(const struct gc_consensus_core *core, struct gc_kv_txn *txn)
{
    uint8_t row[META_ROW_BYTES];

    row[0] = VERSION;
    gc_put_be64(row + 1, core->term);
    gc_put_be64(row + 9, core->first_index);
    gc_put_be64(row + 17, core->log_bytes);
    return gc_kv_put(txn, core->conf.table0 + GC_CONSENSUS_T_META, meta_key(),
                     gc_kv_val(row, sizeof(row)));
}

/* First and last index in the table; first = last + 1 = NEXT when it is empty. */
static int
log_bounds(const struct gc_consensus_core *core, struct gc_kv_txn *txn, uint64_t next,
           uint64_t *ret_first, uint64_t *ret_last)
{
    struct gc_kv_cursor *cursor;
    struct gc_kv_val key;
    struct gc_kv_val val;
    uint64_t first = 0;
    uint64_t last;
    int rc = gc_kv_cursor_open(txn, log_table(core), &cursor);

    if (rc != 0) {
        return rc;
    }
    rc = gc_kv_seek(cursor, gc_kv_val(NULL, 0), &key, &val);
    if (rc == 0) {
        memcpy(&first, key.data, sizeof(first));
        rc = gc_kv_last(cursor, &key, &val);
    }
    if (rc == 0) {
        memcpy(&last, key.data, sizeof(last));
        *ret_first = first >> PIECE_BITS;
        *ret_last = last >> PIECE_BITS;
    } else if (rc == GC_ENOTFOUND) {
        *ret_first = next;
        *ret_last = next - 1;
        rc = 0;
    }
    gc_kv_cursor_close(cursor);
    return rc;
}

int
gc_log_load(struct gc_consensus_core *core, struct gc_kv_txn *txn, uint64_t applied)
{
    struct gc_kv_val val;
    const uint8_t *row;
    int rc = log_bounds(core, txn, applied + 1, &core->first_index, &core->last_index);

    if (rc != 0) {
        return rc;
    }
    rc = gc_kv_get(txn, core->conf.table0 + GC_CONSENSUS_T_META, meta_key(), &val);
    if (rc == GC_ENOTFOUND) {
        return core->first_index == core->last_index + 1 ? 0 : GC_ECORRUPT;
    }
    if (rc != 0) {
        return rc;
    }
    row = val.data;
    if (val.len > 0 && row[0] > VERSION) {
        return GC_EVERSION;
    }
    if (val.len != META_ROW_BYTES || row[0] != VERSION) {
        return GC_ECORRUPT;
    }
    core->term = gc_get_be64(row + 1);
    core->log_bytes = gc_get_be64(row + 17);
    return gc_get_be64(row + 9) == core->first_index ? 0 : GC_ECORRUPT;
}

/* Join the pieces of an entry of LEN bytes in DATA. */
static int
entry_join(const struct gc_consensus_core *core, struct gc_kv_txn *txn, uint64_t index,
           uint8_t *data, size_t len)
{
    struct gc_kv_val val;

    for (size_t at = 0; at < len; at += GC_KV_VALUE_MAX) {
        uint64_t key = piece_key(index, (unsigned)(at / GC_KV_VALUE_MAX));
        int rc = gc_kv_get(txn, log_table(core), gc_kv_val(&key, sizeof(key)), &val);

        if (rc == 0 && val.len != GC_MIN(len - at, (size_t)GC_KV_VALUE_MAX)) {
            rc = GC_ECORRUPT;
        }
        if (rc != 0) {
            return rc == GC_ENOTFOUND ? GC_ECORRUPT : rc;
        }
        memcpy(data + at, val.data, val.len);
    }
    return 0;
}

int
gc_consensus_core_read(const struct gc_consensus_core *core, struct gc_kv_txn *txn, uint64_t index,
                       void *data, struct gc_consensus_entry *ret_entry, size_t *ret_len)
{
    uint8_t head[GC_LOG_HEAD_BYTES];
    struct gc_kv_val val;
    size_t len;
    int rc = entry_head(core, txn, index, &val, &len);

    if (rc == 0) {
        rc = entry_join(core, txn, index, data, len);
    }
    if (rc != 0) {
        return rc;
    }
    memcpy(head, data, sizeof(head));
    len -= GC_LOG_HEAD_BYTES;
    memmove(data, (uint8_t *)data + GC_LOG_HEAD_BYTES, len);
    if (gc_get_be32(head + CRC_AT) != entry_crc(head, data, len)) {
        return GC_ECORRUPT;
    }
    *ret_entry = (struct gc_consensus_entry){
        .index = index,
        .term = gc_get_be64(head + 1),
        .time_ms = gc_get_be64(head + 9),
    };
    *ret_len = len;
    return 0;
}

bool
gc_consensus_entry_next(const void *data, size_t len, size_t *pos, const void **ret_cmd,
                        size_t *ret_cmd_len)
{
    const uint8_t *at = (const uint8_t *)data + *pos;
    size_t left = len - *pos;
    size_t cmd_len;

    if (left < 4) {
        return false;
    }
    cmd_len = gc_get_be32(at);
    if (cmd_len > left - 4) {
        return false;
    }
    *ret_cmd = at + 4;
    *ret_cmd_len = cmd_len;
    *pos += 4 + cmd_len;
    return true;
}
