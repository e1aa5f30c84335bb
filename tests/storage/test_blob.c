/* SPDX-License-Identifier: GPL-3.0-or-later */
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
#include "base/err.h"
#include "base/macros.h"
#include "base/thread.h"
#include "tests/support/blob_bed.h"

#define CHUNK GC_BLOB_CHUNK_BYTES

static int
setup(void **state)
{
    struct blob_bed *bed = calloc(1, sizeof(*bed));

    blob_bed_init(bed);
    blob_bed_open(bed);
    *state = bed;
    return 0;
}

static int
teardown(void **state)
{
    blob_bed_fini(*state);
    free(*state);
    return 0;
}

static void
blobs_of_every_shape_come_back(void **state)
{
    static const uint64_t lengths[] = { 0,          1,         GC_BLOB_INLINE_MAX,
                                        1537,       16367,     16368,
                                        16369,      CHUNK - 1, CHUNK,
                                        CHUNK + 1,  2 * CHUNK, 3 * CHUNK + 5000,
                                        CHUNK * 40, 2 * 16368 };
    struct blob_bed *bed = *state;
    struct gc_blobs_stat stat;
    uint64_t sum = 0;

    for (uint64_t i = 0; i < GC_ARRAY_LEN(lengths); i++) {
        assert_int_equal(blob_bed_put(bed, i, lengths[i]), 0);
        sum += lengths[i];
    }
    for (int round = 0; round < 2; round++) {
        for (uint64_t i = 0; i < GC_ARRAY_LEN(lengths); i++) {
            assert_int_equal(blob_bed_check(bed, i, lengths[i]), 0);
        }
        gc_blobs_stat(bed->blobs, &stat);
        assert_int_equal(stat.n_blobs, GC_ARRAY_LEN(lengths));
        assert_int_equal(stat.bytes, sum);
        assert_int_equal(stat.n_puts_open, 0);
        assert_int_equal(stat.n_readers_open, 0);
        blob_bed_close(bed);
        blob_bed_open(bed);
    }
}

static void
a_blob_is_invisible_until_its_commit_is_answered(void **state)
{
    struct blob_bed *bed = *state;
    struct gc_bytes *data = blob_bed_data(7, CHUNK + 10);
    struct gc_blob_id id = blob_bed_id(7), ids[4];
    struct gc_blob_put *put = NULL;
    size_t n = 99;

    assert_int_equal(blob_bed_find(bed, 7), GC_ENOTFOUND);
    assert_int_equal(gc_blob_put_begin(bed->blobs, &id, &put), 0);
    assert_int_equal(blob_bed_put_chunk(bed, put, data, 0), 0);
    assert_int_equal(blob_bed_put_chunk(bed, put, data, CHUNK), 0);
    assert_int_equal(blob_bed_find(bed, 7), GC_ENOTFOUND);
    assert_int_equal(gc_blobs_list(bed->blobs, NULL, ids, 4, &n), 0);
    assert_int_equal(n, 0);
    assert_int_equal(blob_bed_put_commit(bed, put, data), 0);
    assert_int_equal(blob_bed_check(bed, 7, CHUNK + 10), 0);
    gc_bytes_unref(data);
}

static void
an_id_can_be_used_once(void **state)
{
    struct blob_bed *bed = *state;
    struct gc_blob_id id = blob_bed_id(1);
    struct gc_blob_put *put = NULL, *other = NULL;

    assert_int_equal(gc_blob_put_begin(bed->blobs, &id, &put), 0);
    assert_int_equal(gc_blob_put_begin(bed->blobs, &id, &other), GC_EEXISTS);
    gc_blob_put_abort(put);
    assert_int_equal(blob_bed_put(bed, 1, 100), 0);
    assert_int_equal(gc_blob_put_begin(bed->blobs, &id, &other), GC_EEXISTS);
    assert_null(other);
}

static int
put_chunk_with_crc(struct blob_bed *bed, struct gc_blob_put *put, struct gc_bytes *data,
                   uint32_t crc)
{
    struct gc_slice slice = { data, data->data, data->len };
    struct gc_blob_chunk_op op = { 0 };
    struct blob_bed_wait wait;
    int rc;

    op.op.notify = blob_bed_notify(bed, &wait);
    rc = gc_blob_put_chunk(put, &op, &slice, crc);
    if (rc != 0) {
        return rc;
    }
    blob_bed_wait(&wait);
    return op.op.rc;
}

static void
a_chunk_that_does_not_match_its_crc_is_refused(void **state)
{
    static const uint64_t lengths[] = { 10, 5000, CHUNK };
    struct blob_bed *bed = *state;

    for (uint64_t i = 0; i < GC_ARRAY_LEN(lengths); i++) {
        struct gc_bytes *data = blob_bed_data(i, lengths[i]);
        struct gc_blob_id id = blob_bed_id(i);
        struct gc_blob_put *put = NULL;
        uint32_t crc = gc_crc32c(0, data->data, data->len) ^ 1;
        struct gc_blob_op commit = { 0 };

        assert_int_equal(gc_blob_put_begin(bed->blobs, &id, &put), 0);
        assert_int_equal(put_chunk_with_crc(bed, put, data, crc), GC_ECHECKSUM);
        /* The blob is spoilt. */
        assert_int_equal(put_chunk_with_crc(bed, put, data, crc ^ 1), GC_ECHECKSUM);
        assert_int_equal(gc_blob_put_commit(put, &commit, data->len, crc), GC_ECHECKSUM);
        gc_blob_put_abort(put);
        assert_int_equal(blob_bed_find(bed, i), GC_ENOTFOUND);
        gc_bytes_unref(data);
    }
    blob_bed_until(bed, blob_bed_puts_are_gone);
}

static void
commit_checks_length_and_crc_of_the_whole(void **state)
{
    struct blob_bed *bed = *state;
    struct gc_bytes *data = blob_bed_data(1, CHUNK + 100);
    uint32_t crc = gc_crc32c(0, data->data, data->len);
    struct gc_blob_id id = blob_bed_id(1);
    struct gc_blob_put *put = NULL;
    struct gc_blob_op op = { 0 };

    assert_int_equal(gc_blob_put_begin(bed->blobs, &id, &put), 0);
    assert_int_equal(blob_bed_put_chunk(bed, put, data, 0), 0);
    assert_int_equal(blob_bed_put_chunk(bed, put, data, CHUNK), 0);
    assert_int_equal(gc_blob_put_commit(put, &op, data->len - 1, crc), GC_ERANGE);
    assert_int_equal(gc_blob_put_commit(put, &op, data->len, crc ^ 1), GC_ECHECKSUM);
    /* Refused at the start, so the put is still ours. */
    assert_int_equal(blob_bed_put_commit(bed, put, data), 0);
    assert_int_equal(blob_bed_check(bed, 1, CHUNK + 100), 0);
    gc_bytes_unref(data);
}

static void
chunks_of_wrong_lengths_are_refused(void **state)
{
    struct blob_bed *bed = *state;
    struct gc_bytes *data = blob_bed_data(1, CHUNK + 1);
    struct gc_bytes *part = blob_bed_data(2, 100);
    struct gc_blob_id id = blob_bed_id(1);
    struct gc_blob_put *put = NULL;

    assert_int_equal(gc_blob_put_begin(bed->blobs, &id, &put), 0);
    assert_int_equal(put_chunk_with_crc(bed, put, data, 0), GC_ERANGE);
    data->len = 0;
    assert_int_equal(put_chunk_with_crc(bed, put, data, 0), GC_ERANGE);
    assert_int_equal(blob_bed_put_chunk(bed, put, part, 0), 0);
    assert_int_equal(blob_bed_put_chunk(bed, put, part, 0),
                     GC_ERANGE); /* the short one was the last */
    assert_int_equal(blob_bed_put_commit(bed, put, part), 0);
    gc_bytes_unref(part);
    gc_bytes_unref(data);
}

static void
reading_past_the_end_is_refused(void **state)
{
    struct blob_bed *bed = *state;
    struct gc_blob_reader *reader = NULL;
    struct gc_blob_id id = blob_bed_id(1), empty = blob_bed_id(2);
    struct gc_bytes *bytes = NULL;
    struct gc_blob_stat stat;

    assert_int_equal(blob_bed_put(bed, 1, 2 * CHUNK), 0);
    assert_int_equal(blob_bed_put(bed, 2, 0), 0);
    assert_int_equal(gc_blob_open(bed->blobs, &id, &reader, &stat), 0);
    assert_int_equal(blob_bed_read_chunk(bed, reader, 2, &bytes), GC_ERANGE);
    assert_int_equal(blob_bed_read_chunk(bed, reader, UINT32_MAX, &bytes), GC_ERANGE);
    gc_blob_close(reader);
    assert_int_equal(gc_blob_open(bed->blobs, &empty, &reader, &stat), 0);
    assert_int_equal(blob_bed_read_chunk(bed, reader, 0, &bytes), GC_ERANGE);
    gc_blob_close(reader);
}

/* The commit is given before the chunks are answered, as a server does that does not want to wait.
 */
static void
a_commit_waits_for_its_chunks(void **state)
{
    enum { N = 6 };
    struct blob_bed *bed = *state;
    struct gc_bytes *data = blob_bed_data(5, N * CHUNK - 1000);
    struct gc_blob_chunk_op ops[N] = { 0 };
    struct blob_bed_wait waits[N], commit_wait;
    struct gc_blob_id id = blob_bed_id(5);
    struct gc_blob_put *put = NULL;
    struct gc_blob_op commit = { 0 };

    assert_int_equal(gc_blob_put_begin(bed->blobs, &id, &put), 0);
    for (uint64_t i = 0; i < N; i++) {
        struct gc_slice slice = { data, data->data + i * CHUNK,
                                  GC_MIN(data->len - i * CHUNK, CHUNK) };

        ops[i].op.notify = blob_bed_notify(bed, &waits[i]);
        assert_int_equal(
            gc_blob_put_chunk(put, &ops[i], &slice, gc_crc32c(0, slice.data, slice.len)), 0);
    }
    commit.notify = blob_bed_notify(bed, &commit_wait);
    assert_int_equal(
        gc_blob_put_commit(put, &commit, data->len, gc_crc32c(0, data->data, data->len)), 0);
    for (int i = 0; i < N; i++) {
        assert_ptr_not_equal(blob_bed_wait_any(bed, BLOB_BED_WAIT_MS), &commit_wait);
    }
    blob_bed_wait(&commit_wait);
    assert_int_equal(commit.rc, 0);
    assert_int_equal(blob_bed_check(bed, 5, data->len), 0);
    gc_bytes_unref(data);
}

static void
abort_before_anything_leaves_nothing(void **state)
{
    struct blob_bed *bed = *state;
    struct gc_blob_id id = blob_bed_id(1);
    struct gc_blob_put *put = NULL;

    assert_int_equal(gc_blob_put_begin(bed->blobs, &id, &put), 0);
    gc_blob_put_abort(put);
    assert_true(blob_bed_puts_are_gone(bed));
}

static void
abort_after_chunks_removes_them(void **state)
{
    struct blob_bed *bed = *state;
    struct gc_bytes *data = blob_bed_data(1, 5 * CHUNK + 100);
    struct gc_blob_id id = blob_bed_id(1);
    struct gc_blob_put *put = NULL;

    assert_int_equal(gc_blob_put_begin(bed->blobs, &id, &put), 0);
    for (uint64_t at = 0; at < data->len; at += CHUNK) {
        assert_int_equal(blob_bed_put_chunk(bed, put, data, at), 0);
    }
    gc_blob_put_abort(put);
    blob_bed_until(bed, blob_bed_puts_are_gone);
    blob_bed_close(bed);
    assert_int_equal(blob_bed_count_chunks(bed), 0);
    assert_int_equal(blob_bed_count_core(bed), 0);
    gc_bytes_unref(data);
}

static void
abort_with_chunks_running_answers_each_once(void **state)
{
    enum { N = 8 };
    struct blob_bed *bed = *state;
    struct gc_bytes *data = blob_bed_data(1, N * CHUNK - 10);
    struct gc_blob_chunk_op ops[N] = { 0 };
    struct blob_bed_wait waits[N];
    struct gc_blob_id id = blob_bed_id(1);
    struct gc_blob_put *put = NULL;

    for (int round = 0; round < 20; round++) {
        assert_int_equal(gc_blob_put_begin(bed->blobs, &id, &put), 0);
        for (uint64_t i = 0; i < N; i++) {
            struct gc_slice slice = { data, data->data + i * CHUNK,
                                      GC_MIN(data->len - i * CHUNK, CHUNK) };

            ops[i].op.notify = blob_bed_notify(bed, &waits[i]);
            assert_int_equal(
                gc_blob_put_chunk(put, &ops[i], &slice, gc_crc32c(0, slice.data, slice.len)), 0);
        }
        gc_blob_put_abort(put);
        for (int i = 0; i < N; i++) {
            blob_bed_wait(&waits[i]);
            assert_true(ops[i].op.rc == 0 || ops[i].op.rc == GC_ECANCELED);
        }
    }
    blob_bed_until(bed, blob_bed_puts_are_gone);
    assert_int_equal(data->refs, 1);
    blob_bed_close(bed);
    assert_int_equal(blob_bed_count_chunks(bed), 0);
    gc_bytes_unref(data);
}

static void
closing_aborts_puts_that_are_not_committed(void **state)
{
    struct blob_bed *bed = *state;
    struct gc_bytes *data = blob_bed_data(1, 3 * CHUNK + 5);
    struct gc_blob_id id = blob_bed_id(1);
    struct gc_blob_put *put = NULL;

    assert_int_equal(gc_blob_put_begin(bed->blobs, &id, &put), 0);
    assert_int_equal(blob_bed_put_chunk(bed, put, data, 0), 0);
    assert_int_equal(blob_bed_put_chunk(bed, put, data, 3 * CHUNK), 0);
    blob_bed_close(bed);
    assert_int_equal(data->refs, 1);
    gc_bytes_unref(data);
    blob_bed_open(bed);
    assert_int_equal(blob_bed_find(bed, 1), GC_ENOTFOUND);
}

static void
room_is_told_after_the_pool_was_used_up(void **state)
{
    enum { MAX = 64 };
    struct blob_bed *bed = *state;
    struct gc_blob_reader *reader = NULL;
    struct gc_bytes *held[MAX] = { NULL };
    struct gc_blob_id id = blob_bed_id(1);
    struct gc_blob_read_op op = { 0 };
    struct blob_bed_wait room, wait;
    struct gc_blob_stat stat;
    unsigned n = 0;
    int rc = 0;

    blob_bed_close(bed);
    bed->conf.pool_bytes = 1; /* raised to the minimum */
    bed->conf.room = blob_bed_notify(bed, &room);
    blob_bed_open(bed);
    assert_int_equal(blob_bed_put(bed, 1, CHUNK), 0);
    assert_int_equal(gc_blob_open(bed->blobs, &id, &reader, &stat), 0);
    while (rc == 0) {
        assert_true(n < MAX);
        op.op.notify = blob_bed_notify(bed, &wait);
        rc = gc_blob_read_chunk(reader, &op, 0);
        if (rc == 0) {
            blob_bed_wait(&wait);
            assert_int_equal(op.op.rc, 0);
            held[n++] = op.bytes;
        }
    }
    assert_int_equal(rc, GC_ELIMIT);
    assert_false(room.done);
    /* The other side has its share. */
    assert_int_equal(blob_bed_put(bed, 2, 2 * CHUNK), 0);
    gc_bytes_unref(held[--n]);
    blob_bed_wait(&room);
    op.op.notify = blob_bed_notify(bed, &wait);
    assert_int_equal(gc_blob_read_chunk(reader, &op, 0), 0);
    blob_bed_wait(&wait);
    held[n++] = op.bytes;
    gc_blob_close(reader);
    blob_bed_close(bed); /* buffers may outlive the engine */
    while (n > 0) {
        gc_bytes_unref(held[--n]);
    }
    bed->conf.room.fn = NULL;
}

static void
a_deleted_blob_vanishes_and_its_space_comes_back(void **state)
{
    static const uint64_t lengths[] = { 0, 100, 40000, CHUNK, 5 * CHUNK + 20000, 150 * CHUNK };
    struct blob_bed *bed = *state;

    for (uint64_t i = 0; i < GC_ARRAY_LEN(lengths); i++) {
        assert_int_equal(blob_bed_put(bed, i, lengths[i]), 0);
    }
    for (uint64_t i = 0; i < GC_ARRAY_LEN(lengths); i++) {
        assert_int_equal(blob_bed_delete(bed, i), 0);
        assert_int_equal(blob_bed_find(bed, i), GC_ENOTFOUND);
        assert_int_equal(blob_bed_delete(bed, i), GC_ENOTFOUND);
    }
    blob_bed_until(bed, blob_bed_gc_is_done);
    blob_bed_close(bed);
    assert_int_equal(blob_bed_count_chunks(bed), 0);
    assert_int_equal(blob_bed_count_core(bed), 0);
}

static void
an_open_blob_stays_readable_after_its_deletion(void **state)
{
    struct blob_bed *bed = *state;
    struct gc_blob_reader *reader = NULL;
    struct gc_blob_id id = blob_bed_id(1);
    struct gc_bytes *bytes = NULL, *data = blob_bed_data(1, 2 * CHUNK + 30000);
    struct gc_blob_stat stat;
    struct gc_blobs_stat all;

    assert_int_equal(blob_bed_put(bed, 1, data->len), 0);
    assert_int_equal(blob_bed_put(bed, 2, CHUNK), 0);
    assert_int_equal(gc_blob_open(bed->blobs, &id, &reader, &stat), 0);
    assert_int_equal(blob_bed_delete(bed, 1), 0);
    assert_int_equal(blob_bed_find(bed, 1), GC_ENOTFOUND);
    assert_int_equal(blob_bed_put(bed, 1, 50), 0); /* the id is free again, for a repair */
    /* Another deletion goes through, so the gc thread has passed by. */
    assert_int_equal(blob_bed_delete(bed, 2), 0);
    do {
        (void)gc_queue_pop(&bed->done, 1);
        gc_blobs_stat(bed->blobs, &all);
    } while (all.gc_queue > 1);
    assert_int_equal(all.gc_queue, 1);
    for (uint32_t no = 0; no < 3; no++) {
        assert_int_equal(blob_bed_read_chunk(bed, reader, no, &bytes), 0);
        assert_memory_equal(bytes->data, data->data + (size_t)no * CHUNK, bytes->len);
        gc_bytes_unref(bytes);
    }
    gc_blob_close(reader);
    blob_bed_until(bed, blob_bed_gc_is_done);
    assert_int_equal(blob_bed_check(bed, 1, 50), 0);
    blob_bed_close(bed);
    assert_int_equal(blob_bed_count_chunks(bed), 0);
    gc_bytes_unref(data);
}

/* When it returns the gc thread has looked at its whole queue: it does what is due between the
 * chunks of one aborted put and those of the next. */
static void
let_gc_pass(struct blob_bed *bed)
{
    struct gc_bytes *data = blob_bed_data(1, CHUNK);
    struct gc_blob_id id = blob_bed_id(999);
    struct gc_blob_put *put = NULL;

    for (int i = 0; i < 2; i++) {
        assert_int_equal(gc_blob_put_begin(bed->blobs, &id, &put), 0);
        assert_int_equal(blob_bed_put_chunk(bed, put, data, 0), 0);
        gc_blob_put_abort(put);
        blob_bed_until(bed, blob_bed_puts_are_gone);
    }
    gc_bytes_unref(data);
}

static void
removal_waits_for_the_delay_and_survives_a_restart(void **state)
{
    struct blob_bed *bed = *state;
    struct gc_blobs_stat stat;

    blob_bed_close(bed);
    bed->conf.gc_delay_ms = 3600000;
    blob_bed_open(bed);
    assert_int_equal(blob_bed_put(bed, 1, 2 * CHUNK), 0);
    assert_int_equal(blob_bed_delete(bed, 1), 0);
    let_gc_pass(bed);
    blob_bed_close(bed);
    assert_int_equal(blob_bed_count_chunks(bed), 2);
    blob_bed_open(bed);
    let_gc_pass(bed);
    gc_blobs_stat(bed->blobs, &stat);
    assert_int_equal(stat.gc_queue, 1);
    blob_bed_close(bed);
    bed->conf.gc_delay_ms = 50;
    blob_bed_open(bed);
    blob_bed_until(bed, blob_bed_gc_is_done);
    blob_bed_close(bed);
    assert_int_equal(blob_bed_count_chunks(bed), 0);
}

static void
ids_are_listed_in_order_and_in_pages(void **state)
{
    static const uint64_t numbers[] = { 0x301, 0x002, 0x1ff, 0x001, 0x300 };
    static const uint64_t sorted[] = { 0x001, 0x002, 0x1ff, 0x300, 0x301 };
    struct blob_bed *bed = *state;
    struct gc_blob_id page[2], after;
    size_t n = 0, seen = 0;

    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(blob_bed_put(bed, numbers[i], i), 0);
    }
    do {
        assert_int_equal(gc_blobs_list(bed->blobs, seen > 0 ? &after : NULL, page, 2, &n), 0);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(page[i].epoch << 8 | page[i].counter, sorted[seen++]);
            after = page[i];
        }
    } while (n > 0);
    assert_int_equal(seen, 5);
    after = blob_bed_id(0x100); /* not there itself */
    assert_int_equal(gc_blobs_list(bed->blobs, &after, page, 2, &n), 0);
    assert_int_equal(page[0].epoch << 8 | page[0].counter, 0x1ff);
}

static void
many_small_puts_share_commits(void **state)
{
    enum { N = 64 };
    struct blob_bed *bed = *state;
    struct gc_blobs_identity before, after;
    struct gc_bytes *data = blob_bed_data(0, 1024);
    uint32_t crc = gc_crc32c(0, data->data, data->len);
    struct gc_slice slice = { data, data->data, data->len };
    struct gc_blob_chunk_op ops[N] = { 0 };
    struct gc_blob_op commits[N] = { 0 };
    struct blob_bed_wait waits[N], commit_waits[N];
    struct gc_metrics *metrics = gc_metrics_new();
    uint64_t bulk_before;

    blob_bed_close(bed);
    bed->conf.metrics = metrics;
    blob_bed_open(bed);
    bulk_before =
        gc_metrics_counter(metrics, "gc_storage_commits_total", "env=\"bulk-0\"", "")->value;
    gc_blobs_identity(bed->blobs, &before);
    for (uint64_t i = 0; i < N; i++) {
        struct gc_blob_id id = blob_bed_id(i);
        struct gc_blob_put *put = NULL;

        assert_int_equal(gc_blob_put_begin(bed->blobs, &id, &put), 0);
        ops[i].op.notify = blob_bed_notify(bed, &waits[i]);
        assert_int_equal(gc_blob_put_chunk(put, &ops[i], &slice, crc), 0);
        commits[i].notify = blob_bed_notify(bed, &commit_waits[i]);
        assert_int_equal(gc_blob_put_commit(put, &commits[i], 1024, crc), 0);
    }
    for (int i = 0; i < N; i++) {
        blob_bed_wait(&waits[i]);
        blob_bed_wait(&commit_waits[i]);
        assert_int_equal(commits[i].rc, 0);
    }
    gc_blobs_identity(bed->blobs, &after);
    assert_true(after.durable_seq > before.durable_seq);
    assert_true(after.durable_seq - before.durable_seq <= N / 2);
    assert_int_equal(
        gc_metrics_counter(metrics, "gc_storage_commits_total", "env=\"bulk-0\"", "")->value,
        bulk_before);
    blob_bed_close(bed);
    bed->conf.metrics = NULL;
    gc_metrics_free(metrics);
    gc_bytes_unref(data);
}

struct worker {
    struct blob_bed bed; /* its own queue on the shared engine */
    struct gc_thread thread;
    uint64_t base;
    int failures;
};

static void
worker_main(void *arg)
{
    static const uint64_t lengths[] = { 100, 20000, CHUNK, 2 * CHUNK + 3000 };
    struct worker *w = arg;

    for (uint64_t i = 0; i < 24; i++) {
        uint64_t id = w->base + i, len = lengths[i % 4];

        w->failures += blob_bed_put(&w->bed, id, len) != 0;
        w->failures += blob_bed_check(&w->bed, id, len) != 0;
        if (i % 3 == 0) {
            w->failures += blob_bed_delete(&w->bed, id) != 0;
            w->failures += blob_bed_find(&w->bed, id) != GC_ENOTFOUND;
        }
    }
}

static void
threads_put_read_and_delete_at_once(void **state)
{
    enum { N = 6 };
    struct blob_bed *bed = *state;
    struct worker workers[N] = { 0 };
    struct gc_blobs_stat stat;

    for (uint64_t i = 0; i < N; i++) {
        workers[i].bed = *bed;
        gc_queue_init(&workers[i].bed.done);
        workers[i].base = i * 1000;
        assert_int_equal(gc_thread_start(&workers[i].thread, "worker", worker_main, &workers[i]),
                         0);
    }
    for (int i = 0; i < N; i++) {
        gc_thread_join(&workers[i].thread);
        assert_int_equal(workers[i].failures, 0);
    }
    blob_bed_until(bed, blob_bed_gc_is_done);
    gc_blobs_stat(bed->blobs, &stat);
    assert_int_equal(stat.n_blobs, N * 16);
    blob_bed_close(bed); /* the engine has let go of the workers' queues */
    for (int i = 0; i < N; i++) {
        gc_queue_fini(&workers[i].bed.done);
    }
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(blobs_of_every_shape_come_back),
        CASE(a_blob_is_invisible_until_its_commit_is_answered),
        CASE(an_id_can_be_used_once),
        CASE(a_chunk_that_does_not_match_its_crc_is_refused),
        CASE(commit_checks_length_and_crc_of_the_whole),
        CASE(chunks_of_wrong_lengths_are_refused),
        CASE(reading_past_the_end_is_refused),
        CASE(a_commit_waits_for_its_chunks),
        CASE(abort_before_anything_leaves_nothing),
        CASE(abort_after_chunks_removes_them),
        CASE(abort_with_chunks_running_answers_each_once),
        CASE(closing_aborts_puts_that_are_not_committed),
        CASE(room_is_told_after_the_pool_was_used_up),
        CASE(a_deleted_blob_vanishes_and_its_space_comes_back),
        CASE(an_open_blob_stays_readable_after_its_deletion),
        CASE(removal_waits_for_the_delay_and_survives_a_restart),
        CASE(ids_are_listed_in_order_and_in_pages),
        CASE(many_small_puts_share_commits),
        CASE(threads_put_read_and_delete_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
