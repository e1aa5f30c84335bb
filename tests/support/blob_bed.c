/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/blob_bed.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/checksum.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/random.h"
#include "storage/kv.h"

void
blob_bed_init(struct blob_bed *bed)
{
    memset(bed, 0, sizeof(*bed));
    strcpy(bed->dir, "/tmp/gc_test_blob.XXXXXX");
    assert_non_null(mkdtemp(bed->dir));
    gc_queue_init(&bed->done);
    bed->conf = (struct gc_blob_conf){
        .dir = bed->dir,
        .node = "file-1",
        .map_bytes = UINT64_C(1) << 31,
        .reserve_bytes = 1,
        .cluster_id = "cluster",
    };
}

void
blob_bed_open(struct blob_bed *bed)
{
    assert_int_equal(gc_blobs_open(&bed->conf, &bed->blobs), 0);
}

void
blob_bed_close(struct blob_bed *bed)
{
    gc_blobs_close(bed->blobs);
    bed->blobs = NULL;
}

void
blob_bed_fini(struct blob_bed *bed)
{
    static const char *const names[] = { "lock", "core.mdb", "bulk-0.mdb", "bulk-1.mdb",
                                         "bulk-2.mdb" };
    char path[128];

    blob_bed_close(bed);
    for (size_t i = 0; i < GC_ARRAY_LEN(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", bed->dir, names[i]);
        unlink(path);
        snprintf(path, sizeof(path), "%s/%s-lock", bed->dir, names[i]);
        unlink(path);
    }
    rmdir(bed->dir);
    while (gc_queue_pop(&bed->done, 0) != NULL) {
    }
    gc_queue_fini(&bed->done);
}

static void
on_done(void *arg)
{
    struct blob_bed_wait *wait = arg;

    gc_queue_push(&wait->bed->done, &wait->node);
}

struct gc_notify
blob_bed_notify(struct blob_bed *bed, struct blob_bed_wait *wait)
{
    wait->bed = bed;
    wait->done = false;
    return (struct gc_notify){ on_done, wait };
}

struct blob_bed_wait *
blob_bed_wait_any(struct blob_bed *bed, int timeout_ms)
{
    struct gc_list *node = gc_queue_pop(&bed->done, timeout_ms);
    struct blob_bed_wait *wait;

    if (node == NULL) {
        return NULL;
    }
    wait = gc_container_of(node, struct blob_bed_wait, node);
    assert_false(wait->done); /* exactly once */
    wait->done = true;
    return wait;
}

void
blob_bed_wait(struct blob_bed_wait *wait)
{
    while (!wait->done) {
        assert_non_null(blob_bed_wait_any(wait->bed, BLOB_BED_WAIT_MS));
    }
}

struct gc_bytes *
blob_bed_data(uint64_t seed, uint64_t len)
{
    struct gc_bytes *bytes = gc_bytes_new(len + 8);
    struct gc_prng prng;

    assert_non_null(bytes);
    gc_prng_init(&prng, seed);
    for (uint64_t at = 0; at < len; at += 8) {
        uint64_t word = gc_prng_next(&prng);

        memcpy(bytes->data + at, &word, sizeof(word));
    }
    bytes->len = len;
    return bytes;
}

struct gc_blob_id
blob_bed_id(uint64_t n)
{
    return (struct gc_blob_id){ .epoch = n >> 8, .counter = n & 0xff };
}

int
blob_bed_put_chunk(struct blob_bed *bed, struct gc_blob_put *put, struct gc_bytes *data,
                   uint64_t at)
{
    struct gc_slice slice = { data, data->data + at, GC_MIN(data->len - at, GC_BLOB_CHUNK_BYTES) };
    struct gc_blob_chunk_op op = { 0 };
    struct blob_bed_wait wait;
    int rc;

    op.op.notify = blob_bed_notify(bed, &wait);
    while ((rc = gc_blob_put_chunk(put, &op, &slice, gc_crc32c(0, slice.data, slice.len))) ==
           GC_ELIMIT) {
        (void)blob_bed_wait_any(bed, 1); /* somebody else uses the pool */
    }
    if (rc != 0) {
        return rc;
    }
    blob_bed_wait(&wait);
    return op.op.rc;
}

int
blob_bed_put_commit(struct blob_bed *bed, struct gc_blob_put *put, struct gc_bytes *data)
{
    struct gc_blob_op op = { 0 };
    struct blob_bed_wait wait;
    int rc;

    op.notify = blob_bed_notify(bed, &wait);
    rc = gc_blob_put_commit(put, &op, data->len, gc_crc32c(0, data->data, data->len));
    if (rc != 0) {
        gc_blob_put_abort(put);
        return rc;
    }
    blob_bed_wait(&wait);
    return op.rc;
}

int
blob_bed_put(struct blob_bed *bed, uint64_t id, uint64_t len)
{
    struct gc_blob_id blob_id = blob_bed_id(id);
    struct gc_blob_put *put = NULL;
    struct gc_bytes *data;
    int rc = gc_blob_put_begin(bed->blobs, &blob_id, &put);

    if (rc != 0) {
        return rc;
    }
    data = blob_bed_data(id, len);
    for (uint64_t at = 0; at < len && rc == 0; at += GC_BLOB_CHUNK_BYTES) {
        rc = blob_bed_put_chunk(bed, put, data, at);
    }
    if (rc == 0) {
        rc = blob_bed_put_commit(bed, put, data);
    } else {
        gc_blob_put_abort(put);
    }
    gc_bytes_unref(data);
    return rc;
}

int
blob_bed_delete(struct blob_bed *bed, uint64_t id)
{
    struct gc_blob_id blob_id = blob_bed_id(id);
    struct gc_blob_op op = { 0 };
    struct blob_bed_wait wait;
    int rc;

    op.notify = blob_bed_notify(bed, &wait);
    rc = gc_blob_delete(bed->blobs, &op, &blob_id);
    if (rc != 0) {
        return rc;
    }
    blob_bed_wait(&wait);
    return op.rc;
}

int
blob_bed_read_chunk(struct blob_bed *bed, struct gc_blob_reader *reader, uint32_t no,
                    struct gc_bytes **ret_bytes)
{
    struct gc_blob_read_op op = { 0 };
    struct blob_bed_wait wait;
    int rc;

    op.op.notify = blob_bed_notify(bed, &wait);
    while ((rc = gc_blob_read_chunk(reader, &op, no)) == GC_ELIMIT) {
        (void)blob_bed_wait_any(bed, 1);
    }
    if (rc != 0) {
        return rc;
    }
    blob_bed_wait(&wait);
    if (op.op.rc == 0) {
        assert_int_equal(op.crc, gc_crc32c(0, op.bytes->data, op.bytes->len));
        *ret_bytes = op.bytes;
    }
    return op.op.rc;
}

static int
check_inline(struct gc_blob_reader *reader, const struct gc_bytes *data)
{
    struct gc_bytes *bytes = NULL;
    uint32_t crc = 0;
    int rc = gc_blob_read_inline(reader, &bytes, &crc);

    if (rc == GC_ENOTFOUND) {
        return data->len > GC_BLOB_INLINE_MAX ? 0 : GC_EINTERNAL;
    }
    if (rc == 0 && (bytes->len != data->len || memcmp(bytes->data, data->data, data->len) != 0 ||
                    crc != gc_crc32c(0, data->data, data->len))) {
        rc = GC_EINTERNAL;
    }
    gc_bytes_unref(bytes);
    return rc;
}

int
blob_bed_check(struct blob_bed *bed, uint64_t id, uint64_t len)
{
    struct gc_blob_id blob_id = blob_bed_id(id);
    struct gc_blob_reader *reader = NULL;
    struct gc_bytes *data = NULL;
    struct gc_blob_stat stat;
    uint64_t at = 0;
    int rc = gc_blob_open(bed->blobs, &blob_id, &reader, &stat);

    if (rc != 0) {
        return rc;
    }
    data = blob_bed_data(id, len);
    if (stat.length != len || stat.crc != gc_crc32c(0, data->data, len) ||
        stat.n_chunks != (len + GC_BLOB_CHUNK_BYTES - 1) / GC_BLOB_CHUNK_BYTES) {
        rc = GC_EINTERNAL;
    }
    for (uint32_t no = 0; no < stat.n_chunks && rc == 0; no++) {
        struct gc_bytes *bytes = NULL;

        rc = blob_bed_read_chunk(bed, reader, no, &bytes);
        if (rc == 0 && (bytes->len != GC_MIN(len - at, GC_BLOB_CHUNK_BYTES) ||
                        memcmp(bytes->data, data->data + at, bytes->len) != 0)) {
            rc = GC_EINTERNAL;
        }
        at += GC_BLOB_CHUNK_BYTES;
        gc_bytes_unref(bytes);
    }
    if (rc == 0) {
        rc = check_inline(reader, data);
    }
    gc_bytes_unref(data);
    gc_blob_close(reader);
    return rc;
}

int
blob_bed_find(struct blob_bed *bed, uint64_t id)
{
    struct gc_blob_id blob_id = blob_bed_id(id);
    struct gc_blob_reader *reader = NULL;
    struct gc_blob_stat stat;
    int rc = gc_blob_open(bed->blobs, &blob_id, &reader, &stat);

    if (rc == 0) {
        gc_blob_close(reader);
    }
    return rc;
}

void
blob_bed_until(struct blob_bed *bed, bool (*check)(struct blob_bed *bed))
{
    uint64_t deadline = gc_clock_mono_ms() + BLOB_BED_WAIT_MS;

    while (!check(bed)) {
        assert_true(gc_clock_mono_ms() < deadline);
        (void)gc_queue_pop(&bed->done, 1);
    }
}

bool
blob_bed_gc_is_done(struct blob_bed *bed)
{
    struct gc_blobs_stat stat;

    gc_blobs_stat(bed->blobs, &stat);
    return stat.gc_queue == 0;
}

bool
blob_bed_puts_are_gone(struct blob_bed *bed)
{
    struct gc_blobs_stat stat;

    gc_blobs_stat(bed->blobs, &stat);
    return stat.n_puts_open == 0;
}

static uint64_t
count_table(struct blob_bed *bed, const char *file, const char *table)
{
    const char *tables[] = { table, NULL };
    const bool int_keys[] = { true };
    char path[128];
    struct gc_kv_conf conf = {
        .path = path, .tables = tables, .int_keys = int_keys, .map_bytes = bed->conf.map_bytes
    };
    struct gc_kv_stat stat;
    struct gc_kv *kv = NULL;

    snprintf(path, sizeof(path), "%s/%s", bed->dir, file);
    assert_int_equal(gc_kv_open(&conf, &kv), 0);
    assert_int_equal(gc_kv_stat(kv, &stat), 0);
    gc_kv_close(kv);
    return stat.entries;
}

uint64_t
blob_bed_count_chunks(struct blob_bed *bed)
{
    assert_null(bed->blobs);
    return count_table(bed, "bulk-0.mdb", "chunk") + count_table(bed, "bulk-1.mdb", "chunk");
}

uint64_t
blob_bed_count_core(struct blob_bed *bed)
{
    assert_null(bed->blobs);
    return count_table(bed, "core.mdb", "piece") + count_table(bed, "core.mdb", "blob");
}

uint64_t
blob_bed_proc_kib(const char *name)
{
    FILE *in = fopen("/proc/self/status", "r");
    char line[256];
    uint64_t kib = 0;

    assert_non_null(in);
    while (fgets(line, sizeof(line), in) != NULL) {
        if (strncmp(line, name, strlen(name)) == 0) {
            kib = strtoull(line + strlen(name) + 1, NULL, 10);
        }
    }
    fclose(in);
    return kib;
}
