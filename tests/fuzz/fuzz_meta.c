/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands and rows of the state machine from any bytes: what a decoder takes, its encoder writes
 * back byte by byte; applying any bytes is no local failure and keeps the state's counts right. The
 * first byte says which. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "meta/check.h"
#include "meta/rows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool ok)
{
    if (!ok) {
        __builtin_trap();
    }
}

static void
same(const struct gc_meta_enc *enc, const uint8_t *data, size_t size)
{
    check(enc->len == size && (size == 0 || memcmp(enc->data, data, size) == 0));
}

static uint8_t out[1u << 20];

static void
command(const uint8_t *data, size_t size)
{
    struct gc_meta_command cmd;
    struct gc_arena arena;
    struct gc_buf buf;

    gc_arena_init(&arena, 4u << 20);
    gc_buf_init(&buf, GC_META_COMMAND_BYTES_MAX);
    if (gc_meta_command_decode(&cmd, data, size, &arena) == 0) {
        check(gc_meta_command_encode(&cmd, &buf) == 0);
        check(buf.len == size && memcmp(buf.data, data, size) == 0);
    }
    gc_buf_fini(&buf);
    gc_arena_fini(&arena);
}

#define ROW(type, decode, encode)                                     \
    static void row_##encode(const uint8_t *data, size_t size)        \
    {                                                                 \
        struct gc_meta_enc enc = { .data = out, .cap = sizeof(out) }; \
        type row;                                                     \
        memset(&row, 0, sizeof(row));                                 \
        if (decode(gc_kv_val(data, size), &row) == 0) {               \
            encode(&enc, &row);                                       \
            same(&enc, data, size);                                   \
        }                                                             \
    }
ROW(struct gc_meta_state, gc_meta_dec_state, gc_meta_enc_state)
ROW(struct gc_meta_bucket_row, gc_meta_dec_bucket_row, gc_meta_enc_bucket_row)
ROW(struct gc_meta_manifest_head, gc_meta_dec_manifest_head, gc_meta_enc_manifest_head)
ROW(struct gc_meta_blob_row, gc_meta_dec_blob_row, gc_meta_enc_blob_row)
ROW(struct gc_meta_gc_row, gc_meta_dec_gc_row, gc_meta_enc_gc_row)
ROW(struct gc_meta_server, gc_meta_dec_server, gc_meta_enc_server)
ROW(struct gc_meta_epoch_row, gc_meta_dec_epoch_row, gc_meta_enc_epoch_row)
ROW(struct gc_meta_dedup_row, gc_meta_dec_dedup_row, gc_meta_enc_dedup_row)
ROW(struct gc_meta_job_row, gc_meta_dec_job_row, gc_meta_enc_job_row)

static void
row_index(const uint8_t *data, size_t size)
{
    struct gc_meta_enc enc = { .data = out, .cap = sizeof(out) };
    struct gc_meta_index_row row;
    struct gc_arena arena;

    gc_arena_init(&arena, 4u << 20);
    if (gc_meta_dec_index_row(gc_kv_val(data, size), &row, &arena) == 0) {
        gc_meta_enc_index_row(&enc, &row);
        same(&enc, data, size);
    }
    gc_arena_fini(&arena);
}

static void
row_piece(const uint8_t *data, size_t size)
{
    struct gc_meta_enc enc = { .data = out, .cap = sizeof(out) };
    struct gc_meta_extent extents[GC_META_PIECE_EXTENTS];
    size_t n;

    if (gc_meta_dec_piece(gc_kv_val(data, size), extents, &n) == 0) {
        gc_meta_enc_piece(&enc, extents, n);
        same(&enc, data, size);
    }
}

/* Commands, each with its length in two bytes, on a new state. */
static void
apply(const uint8_t *data, size_t size)
{
    static const char *const tables[] = { GC_META_TABLE_NAMES, NULL };
    static const uint8_t cluster_id[16] = { 1 };
    const struct gc_kv_conf conf = { .tables = tables };
    const struct gc_meta_entry entry = { .index = 1, .term = 1, .time_ms = 5 };
    struct gc_meta_check counts;
    struct gc_meta meta;
    struct gc_kv_txn *txn;
    struct gc_kv *kv;
    int rc = 0;

    check(gc_kv_open_mem(&conf, &kv) == 0 && gc_meta_init(&meta, 0) == 0);
    check(gc_kv_begin(kv, true, &txn) == 0);
    check(gc_meta_create(&meta, txn, cluster_id, 0) == 0);
    check(gc_meta_begin(&meta, txn, &entry) == 0);
    while (rc == 0 && size >= 2) {
        size_t len = (size_t)data[0] << 8 | data[1];

        len = len < size - 2 ? len : size - 2;
        rc = gc_meta_apply(&meta, data + 2, len, NULL);
        check(rc == 0 || rc == GC_EVERSION);
        data += 2 + len;
        size -= 2 + len;
    }
    check(gc_meta_end(&meta) == 0);
    check(gc_meta_check(&meta, txn, &counts) == 0);
    check(counts.problem == NULL);
    gc_kv_abort(txn);
    gc_meta_fini(&meta);
    gc_kv_close(kv);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const targets[])(const uint8_t *data, size_t size) = {
        command,
        apply,
        row_gc_meta_enc_state,
        row_gc_meta_enc_bucket_row,
        row_gc_meta_enc_manifest_head,
        row_gc_meta_enc_blob_row,
        row_gc_meta_enc_gc_row,
        row_gc_meta_enc_server,
        row_gc_meta_enc_epoch_row,
        row_gc_meta_enc_dedup_row,
        row_gc_meta_enc_job_row,
        row_index,
        row_piece,
    };

    if (size > 0) {
        targets[data[0] % (sizeof(targets) / sizeof(targets[0]))](data + 1, size - 1);
    }
    return 0;
}
