/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Each case damages a whole store by its own key-value tables and expects the line that names the
 * damage. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/macros.h"
#include "storage/blob_record.h"
#include "storage/fsck.h"
#include "storage/kv.h"
#include "tests/support/blob_bed.h"

#define CHUNK     GC_BLOB_CHUNK_BYTES
#define N_BLOBS   6
#define LINES_MAX 16

struct fixture {
    struct blob_bed bed;
    char lines[LINES_MAX][256];
    unsigned n_lines;
    struct gc_fsck_result res;
};

/* Local ids are i + 1 of these; the last one is deleted and waits for removal. */
static const uint64_t lengths[N_BLOBS] = {
    0, 700, 50000, CHUNK, 5 * CHUNK + 40000, 2 * CHUNK + 100
};

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    blob_bed_init(&f->bed);
    f->bed.conf.gc_delay_ms = 3600000;
    blob_bed_open(&f->bed);
    for (uint64_t i = 0; i < N_BLOBS; i++) {
        assert_int_equal(blob_bed_put(&f->bed, i, lengths[i]), 0);
    }
    assert_int_equal(blob_bed_delete(&f->bed, N_BLOBS - 1), 0);
    blob_bed_close(&f->bed);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    blob_bed_fini(&f->bed);
    free(f);
    return 0;
}

static void
on_line(void *arg, const char *line)
{
    struct fixture *f = arg;

    assert_true(f->n_lines < LINES_MAX);
    snprintf(f->lines[f->n_lines++], sizeof(f->lines[0]), "%s", line);
}

static int
fsck(struct fixture *f)
{
    f->n_lines = 0;
    return gc_fsck(f->bed.dir, on_line, f, &f->res);
}

static void
assert_reported(struct fixture *f, const char *line)
{
    assert_int_equal(fsck(f), GC_ECORRUPT);
    for (unsigned i = 0; i < f->n_lines; i++) {
        if (strcmp(f->lines[i], line) == 0) {
            return;
        }
    }
    for (unsigned i = 0; i < f->n_lines; i++) {
        print_message("reported: %s\n", f->lines[i]);
    }
    fail_msg("not reported: %s", line);
}

/* One write transaction on TABLE of FILE. */
struct edit {
    struct gc_kv *kv;
    struct gc_kv_txn *txn;
};

static struct edit
edit_begin(struct fixture *f, const char *file, const char *table, bool int_key)
{
    const char *tables[] = { table, NULL };
    const bool int_keys[] = { int_key };
    char path[128];
    struct gc_kv_conf conf = {
        .path = path,
        .tables = tables,
        .int_keys = int_keys,
        .map_bytes = f->bed.conf.map_bytes,
        .no_readahead = true, /* allows chunks */
    };
    struct edit e = { 0 };

    snprintf(path, sizeof(path), "%s/%s", f->bed.dir, file);
    assert_int_equal(gc_kv_open(&conf, &e.kv), 0);
    assert_int_equal(gc_kv_begin(e.kv, true, &e.txn), 0);
    return e;
}

static void
edit_end(struct edit *e)
{
    assert_int_equal(gc_kv_commit(e->txn), 0);
    gc_kv_close(e->kv);
}

static void
del_int(struct fixture *f, const char *file, const char *table, uint64_t key)
{
    struct edit e = edit_begin(f, file, table, true);

    assert_int_equal(gc_kv_del(e.txn, 0, gc_kv_val(&key, 8)), 0);
    edit_end(&e);
}

/* Flip a bit of byte AT of the value under KEY. */
static void
flip_int(struct fixture *f, const char *file, const char *table, uint64_t key, size_t at)
{
    struct edit e = edit_begin(f, file, table, true);
    struct gc_kv_val val;
    uint8_t *copy;

    assert_int_equal(gc_kv_get(e.txn, 0, gc_kv_val(&key, 8), &val), 0);
    copy = malloc(val.len);
    memcpy(copy, val.data, val.len);
    copy[at] ^= 1;
    assert_int_equal(gc_kv_put(e.txn, 0, gc_kv_val(&key, 8), gc_kv_val(copy, val.len)), 0);
    free(copy);
    edit_end(&e);
}

static const char *
bulk_of(uint64_t local, uint32_t chunk_no)
{
    return gc_blob_part_bulk(local, chunk_no, 2) == 0 ? "bulk-0.mdb" : "bulk-1.mdb";
}

static void
a_whole_store_has_nothing_to_report(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fsck(f), 0);
    assert_int_equal(f->n_lines, 0);
    assert_int_equal(f->res.n_problems, 0);
    assert_int_equal(f->res.n_blobs, N_BLOBS - 1);
    assert_int_equal(f->res.bytes, 700 + 50000 + CHUNK + 5 * CHUNK + 40000);
    assert_int_equal(f->res.n_chunks, 1 + 5 + 2);
    assert_int_equal(f->res.n_deleted, 1);
    assert_int_equal(f->res.n_orphans, 0);
    /* And the engine opens it as before. */
    blob_bed_open(&f->bed);
    assert_int_equal(blob_bed_check(&f->bed, 4, lengths[4]), 0);
}

static void
an_open_or_absent_store_is_not_checked(void **state)
{
    struct fixture *f = *state;

    blob_bed_open(&f->bed);
    assert_int_equal(fsck(f), GC_ECONFLICT);
    assert_int_equal(gc_fsck("/nonexistent", on_line, f, &f->res), -ENOENT);
}

static void
a_damaged_chunk_is_named(void **state)
{
    struct fixture *f = *state;

    flip_int(f, bulk_of(5, 3), "chunk", gc_blob_part_key(5, 3), 200000);
    assert_reported(f, "blob 00000000000000000000000000000004: chunk 3: checksum mismatch");
    assert_int_equal(f->n_lines, 1);
    assert_int_equal(f->res.n_problems, 1);
}

static void
a_damaged_head_is_named(void **state)
{
    struct fixture *f = *state;

    flip_int(f, bulk_of(4, 0), "chunk", gc_blob_part_key(4, 0), 9);
    assert_reported(f, "blob 00000000000000000000000000000003: chunk 0: damaged head");
}

static void
a_missing_chunk_is_named(void **state)
{
    struct fixture *f = *state;

    del_int(f, bulk_of(5, 4), "chunk", gc_blob_part_key(5, 4));
    assert_reported(f, "blob 00000000000000000000000000000004: chunk 4: missing");
}

static void
pieces_are_checked(void **state)
{
    struct fixture *f = *state;

    flip_int(f, "core.mdb", "piece", gc_blob_part_key(3, 2), 10);
    assert_reported(f, "blob 00000000000000000000000000000002: chunk 0: checksum mismatch");
    del_int(f, "core.mdb", "piece", gc_blob_part_key(5, 1));
    assert_reported(f, "blob 00000000000000000000000000000004: chunk 5: a piece is missing");
}

static void
a_damaged_record_is_named(void **state)
{
    struct fixture *f = *state;

    flip_int(f, "core.mdb", "blob", 2, 300);
    assert_reported(f, "blob record 2: cannot be decoded");
    assert_reported(f, "id 00000000000000000000000000000001: leads to no intact blob record");
}

static void
what_belongs_to_no_blob_is_named(void **state)
{
    struct fixture *f = *state;

    del_int(f, "core.mdb", "blob", 5);
    assert_reported(f, "chunk 0 of local id 5: belongs to no blob");
    assert_reported(f, "piece 0 of local id 5: belongs to no blob");
    assert_reported(f, "id 00000000000000000000000000000004: leads to no intact blob record");
}

static void
a_record_that_nothing_refers_to_is_named(void **state)
{
    struct fixture *f = *state;

    del_int(f, "core.mdb", "gc", 0);
    assert_reported(f, "blob record 6: neither visible nor deleted");
    assert_reported(f, "state: 1 rows in the gc queue, counted 0");
}

static void
a_damaged_gc_row_is_named(void **state)
{
    struct fixture *f = *state;

    flip_int(f, "core.mdb", "gc", 0, 15);
    assert_reported(f, "gc row 0: cannot be decoded");
}

static void
wrong_counters_are_named(void **state)
{
    struct fixture *f = *state;
    struct edit e = edit_begin(f, "core.mdb", "ids", false);
    struct gc_blob_id id = blob_bed_id(1);
    uint8_t key[GC_BLOB_ID_KEY];

    gc_blob_id_key(key, &id);
    assert_int_equal(gc_kv_del(e.txn, 0, gc_kv_val(key, sizeof(key))), 0);
    edit_end(&e);
    assert_reported(f, "state: 5 blobs of 1663276 bytes, counted 4 of 1662576");
}

static void
a_lost_file_is_named(void **state)
{
    struct fixture *f = *state;
    char path[128];

    snprintf(path, sizeof(path), "%s/bulk-1.mdb", f->bed.dir);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(fsck(f), -ENOENT);
    assert_int_equal(f->n_lines, 1);
}

/* As a crash leaves it. */
static void
chunks_of_a_put_that_was_cut_off_are_counted(void **state)
{
    struct fixture *f = *state;
    struct gc_bytes *data = blob_bed_data(9, 3 * CHUNK);
    struct gc_blob_id id = blob_bed_id(9);
    struct gc_blob_put *put = NULL;

    blob_bed_open(&f->bed);
    assert_int_equal(gc_blob_put_begin(f->bed.blobs, &id, &put), 0);
    for (uint64_t at = 0; at < data->len; at += CHUNK) {
        assert_int_equal(blob_bed_put_chunk(&f->bed, put, data, at), 0);
    }
    blob_bed_close(&f->bed); /* leaves them to the next start */
    assert_int_equal(fsck(f), 0);
    assert_int_equal(f->res.n_orphans, 3);
    gc_bytes_unref(data);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_whole_store_has_nothing_to_report),
        CASE(an_open_or_absent_store_is_not_checked),
        CASE(a_damaged_chunk_is_named),
        CASE(a_damaged_head_is_named),
        CASE(a_missing_chunk_is_named),
        CASE(pieces_are_checked),
        CASE(a_damaged_record_is_named),
        CASE(what_belongs_to_no_blob_is_named),
        CASE(a_record_that_nothing_refers_to_is_named),
        CASE(a_damaged_gc_row_is_named),
        CASE(wrong_counters_are_named),
        CASE(a_lost_file_is_named),
        CASE(chunks_of_a_put_that_was_cut_off_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
