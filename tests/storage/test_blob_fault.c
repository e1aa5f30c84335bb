/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The blob engine when something goes wrong: foreign and damaged stores, kill -9, flipped bits, a
 * full disk, a failing one; and its memory. What must not disturb the other cases runs in a child
 * process. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/checksum.h"
#include "base/err.h"
#include "base/macros.h"
#include "storage/blob_record.h"
#include "storage/kv.h"
#include "tests/support/blob_bed.h"

#define CHUNK GC_BLOB_CHUNK_BYTES

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#else
#define SANITIZED false
#endif

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
bed_path(const struct blob_bed *bed, const char *name, char path[128])
{
    snprintf(path, 128, "%s/%s", bed->dir, name);
}

/* --- whose store it is --- */

static void
a_restart_keeps_the_uuid_and_raises_the_generation(void **state)
{
    struct blob_bed *bed = *state;
    struct gc_blobs_identity first, second;

    assert_int_equal(blob_bed_put(bed, 1, 10), 0);
    gc_blobs_identity(bed->blobs, &first);
    blob_bed_close(bed);
    blob_bed_open(bed);
    gc_blobs_identity(bed->blobs, &second);
    assert_memory_equal(first.store_uuid, second.store_uuid, 16);
    assert_int_equal(second.generation, first.generation + 1);
    assert_int_equal(second.durable_seq, first.durable_seq);
    assert_int_equal(blob_bed_put(bed, 2, 10), 0);
    gc_blobs_identity(bed->blobs, &second);
    assert_int_equal(second.durable_seq, first.durable_seq + 1);
}

static void
a_store_of_another_cluster_or_node_is_refused(void **state)
{
    struct blob_bed *bed = *state;
    struct gc_blobs *blobs = NULL;
    struct gc_blob_conf conf = bed->conf;

    blob_bed_close(bed);
    conf.node = "file-2";
    assert_int_equal(gc_blobs_open(&conf, &blobs), GC_ECONFLICT);
    conf = bed->conf;
    conf.cluster_id[0] ^= 1;
    assert_int_equal(gc_blobs_open(&conf, &blobs), GC_ECONFLICT);
    assert_null(blobs);
    blob_bed_open(bed);
}

static void
a_store_is_opened_once_at_a_time(void **state)
{
    struct blob_bed *bed = *state;
    struct gc_blobs *blobs = NULL;

    assert_int_equal(gc_blobs_open(&bed->conf, &blobs), GC_ECONFLICT);
    assert_int_equal(blob_bed_put(bed, 1, 10), 0);
}

static void
a_bad_conf_is_refused(void **state)
{
    struct blob_bed *bed = *state;
    struct gc_blob_conf conf = bed->conf;
    struct gc_blobs *blobs = NULL;

    blob_bed_close(bed);
    conf.n_bulk = 9;
    assert_int_equal(gc_blobs_open(&conf, &blobs), -EINVAL);
    conf = bed->conf;
    conf.node = NULL;
    assert_int_equal(gc_blobs_open(&conf, &blobs), -EINVAL);
    conf = bed->conf;
    conf.dir = "/nonexistent/dir/store";
    assert_int_equal(gc_blobs_open(&conf, &blobs), -ENOENT);
}

/* Give the store record another version, with a good CRC. */
static void
a_newer_format_is_refused(void **state)
{
    static const char *const tables[] = { "meta", NULL };
    struct blob_bed *bed = *state;
    struct gc_blobs *blobs = NULL;
    struct gc_kv *kv = NULL;
    struct gc_kv_txn *txn = NULL;
    struct gc_kv_val val;
    uint8_t rec[GC_BLOB_STORE_RECORD_MAX];
    uint32_t crc;
    char path[128];
    struct gc_kv_conf conf = { .path = path, .tables = tables };

    blob_bed_close(bed);
    bed_path(bed, "core.mdb", path);
    assert_int_equal(gc_kv_open(&conf, &kv), 0);
    assert_int_equal(gc_kv_begin(kv, true, &txn), 0);
    assert_int_equal(gc_kv_get(txn, 0, gc_kv_val("store", 5), &val), 0);
    memcpy(rec, val.data, val.len);
    rec[1]++;
    crc = htobe32(gc_crc32c(gc_crc32c(0, rec, 4), rec + 8, val.len - 8));
    memcpy(rec + 4, &crc, sizeof(crc));
    assert_int_equal(gc_kv_put(txn, 0, gc_kv_val("store", 5), gc_kv_val(rec, val.len)), 0);
    assert_int_equal(gc_kv_commit(txn), 0);
    gc_kv_close(kv);
    assert_int_equal(gc_blobs_open(&bed->conf, &blobs), GC_EVERSION);
}

static void
a_lost_or_foreign_file_is_noticed(void **state)
{
    struct blob_bed *bed = *state;
    struct gc_blobs *blobs = NULL;
    char path[128], aside[128];

    assert_int_equal(blob_bed_put(bed, 1, 3 * CHUNK), 0);
    blob_bed_close(bed);
    bed_path(bed, "bulk-1.mdb", path);
    bed_path(bed, "bulk-2.mdb", aside);
    assert_int_equal(rename(path, aside), 0);
    assert_int_equal(gc_blobs_open(&bed->conf, &blobs), GC_ECORRUPT);
    assert_int_equal(rename(aside, path), 0);

    bed_path(bed, "core.mdb", path);
    assert_int_equal(rename(path, aside), 0);
    assert_int_equal(gc_blobs_open(&bed->conf, &blobs), GC_ECORRUPT);
    assert_int_equal(rename(aside, path), 0);

    /* The bulk files in each other's place. */
    bed_path(bed, "bulk-0.mdb", path);
    assert_int_equal(rename(path, aside), 0);
    bed_path(bed, "bulk-1.mdb", aside);
    assert_int_equal(rename(aside, path), 0);
    bed_path(bed, "bulk-2.mdb", path);
    assert_int_equal(rename(path, aside), 0);
    assert_int_equal(gc_blobs_open(&bed->conf, &blobs), GC_ECONFLICT);
}

/* --- kill -9 --- */

/* Put blobs of many sizes one after another and tell each number once it is committed. With CUT the
 * last is left half. */
static void
child_puts(struct blob_bed *bed, int out)
{
    static const uint64_t lengths[] = { 100, 5 * CHUNK + 10, 30000, CHUNK };

    if (gc_blobs_open(&bed->conf, &bed->blobs) != 0) {
        _exit(1);
    }
    for (uint64_t i = 0;; i++) {
        if (blob_bed_put(bed, i, lengths[i % 4]) != 0 || write(out, &i, sizeof(i)) != sizeof(i)) {
            _exit(1);
        }
    }
}

static pid_t
fork_child(struct blob_bed *bed, void (*fn)(struct blob_bed *bed, int out), int *ret_in)
{
    int fds[2];
    pid_t pid;

    assert_int_equal(pipe(fds), 0);
    fflush(NULL);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(fds[0]);
        fn(bed, fds[1]);
        _exit(0);
    }
    close(fds[1]);
    *ret_in = fds[0];
    return pid;
}

static void
after_kill_all_answered_blobs_are_there(void **state)
{
    static const uint64_t lengths[] = { 100, 5 * CHUNK + 10, 30000, CHUNK };
    struct blob_bed *bed = *state;
    uint64_t told = 0, n;

    blob_bed_close(bed);
    for (int round = 0; round < 3; round++) {
        int in = -1;
        pid_t pid;

        blob_bed_fini(bed);
        blob_bed_init(bed);
        pid = fork_child(bed, child_puts, &in);
        told = 0;
        while (read(in, &n, sizeof(n)) == sizeof(n)) {
            told = n;
            if (told == 20u + 7u * (unsigned)round) {
                kill(pid, SIGKILL);
            }
        }
        close(in);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        assert_true(told >= 20);
        blob_bed_open(bed);
        for (n = 0; n <= told; n++) {
            assert_int_equal(blob_bed_check(bed, n, lengths[n % 4]), 0);
        }
        /* The next one is whole or not there. */
        n = told + 1;
        assert_true(blob_bed_find(bed, n) == GC_ENOTFOUND ||
                    blob_bed_check(bed, n, lengths[n % 4]) == 0);
        blob_bed_close(bed);
    }
}

/* Write chunks of two blobs and of a third that is committed between them, then wait to be killed.
 */
static void
child_cut_off(struct blob_bed *bed, int out)
{
    struct gc_blob_id first = blob_bed_id(1), second = blob_bed_id(2);
    struct gc_blob_put *puts[2];
    struct gc_bytes *data = blob_bed_data(9, 8 * CHUNK);
    uint64_t none = 0;
    int rc = gc_blobs_open(&bed->conf, &bed->blobs);

    rc = rc != 0 ? rc : gc_blob_put_begin(bed->blobs, &first, &puts[0]);
    rc = rc != 0 ? rc : blob_bed_put_chunk(bed, puts[0], data, 0);
    rc = rc != 0 ? rc : blob_bed_put(bed, 3, 4 * CHUNK);
    rc = rc != 0 ? rc : gc_blob_put_begin(bed->blobs, &second, &puts[1]);
    for (uint64_t at = 0; at < data->len && rc == 0; at += CHUNK) {
        rc = blob_bed_put_chunk(bed, puts[1], data, at);
    }
    /* Behind this one in its writer's queue: what came before has been committed. */
    rc = rc != 0 ? rc : blob_bed_put(bed, 4, 2 * CHUNK);
    if (rc == 0 && write(out, &none, sizeof(none)) == sizeof(none)) {
        for (;;) {
            (void)blob_bed_wait_any(bed, BLOB_BED_WAIT_MS);
        }
    }
    _exit(1);
}

static bool
orphans_are_removed(struct blob_bed *bed)
{
    struct gc_blobs_stat stat;

    gc_blobs_stat(bed->blobs, &stat);
    return stat.orphan_chunks == 9;
}

static void
chunks_of_puts_that_a_crash_cut_off_are_removed(void **state)
{
    struct blob_bed *bed = *state;
    uint64_t n;
    int in = -1;
    pid_t pid;

    blob_bed_close(bed);
    pid = fork_child(bed, child_cut_off, &in);
    assert_int_equal(read(in, &n, sizeof(n)), sizeof(n));
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    close(in);
    assert_int_equal(blob_bed_count_chunks(bed), 9 + 4 + 2);
    blob_bed_open(bed);
    assert_int_equal(blob_bed_put(bed, 5, CHUNK), 0);
    blob_bed_until(bed, orphans_are_removed);
    assert_int_equal(blob_bed_check(bed, 3, 4 * CHUNK), 0);
    assert_int_equal(blob_bed_check(bed, 4, 2 * CHUNK), 0);
    assert_int_equal(blob_bed_check(bed, 5, CHUNK), 0);
    assert_int_equal(blob_bed_find(bed, 1), GC_ENOTFOUND);
    assert_int_equal(blob_bed_find(bed, 2), GC_ENOTFOUND);
    blob_bed_close(bed);
    assert_int_equal(blob_bed_count_chunks(bed), 4 + 2 + 1);
}

/* --- damage --- */

/* Flip one bit where TEXT of LEN bytes lies in FILE. */
static void
flip_bit(struct blob_bed *bed, const char *file, const uint8_t *text, size_t len, size_t at)
{
    char path[128];
    struct stat st;
    uint8_t *all;
    uint8_t *found;
    int fd;

    assert_null(bed->blobs);
    bed_path(bed, file, path);
    fd = open(path, O_RDWR);
    assert_int_equal(fstat(fd, &st), 0);
    all = malloc((size_t)st.st_size);
    assert_int_equal(pread(fd, all, (size_t)st.st_size, 0), st.st_size);
    found = memmem(all, (size_t)st.st_size, text, len);
    assert_non_null(found);
    found[at] ^= 0x10;
    assert_int_equal(pwrite(fd, found + at, 1, found + at - all), 1);
    close(fd);
    free(all);
}

static int
read_one(struct blob_bed *bed, uint64_t id, uint32_t chunk_no)
{
    struct gc_blob_id blob_id = blob_bed_id(id);
    struct gc_blob_reader *reader = NULL;
    struct gc_bytes *bytes = NULL;
    struct gc_blob_stat stat;
    int rc = gc_blob_open(bed->blobs, &blob_id, &reader, &stat);

    if (rc == 0) {
        rc = blob_bed_read_chunk(bed, reader, chunk_no, &bytes);
        gc_bytes_unref(bytes);
        gc_blob_close(reader);
    }
    return rc;
}

static void
a_flipped_bit_is_never_returned(void **state)
{
    struct blob_bed *bed = *state;
    struct gc_bytes *big = blob_bed_data(1, 3 * CHUNK + 50000);
    struct gc_bytes *small = blob_bed_data(2, 700);
    struct gc_blob_chunk_head head = { .local = 1, .chunk_no = 2 };
    uint8_t head_bytes[GC_BLOB_CHUNK_HEAD];

    assert_int_equal(blob_bed_put(bed, 1, big->len), 0);
    assert_int_equal(blob_bed_put(bed, 2, small->len), 0);
    blob_bed_close(bed);
    /* Local id 1, so chunk 0 is in bulk file 1; its payload, the head of chunk 2 there, the tail's
     * pieces, inline data. */
    flip_bit(bed, "bulk-1.mdb", big->data, 64, 33);
    head.crc = gc_crc32c(0, big->data + 2 * (size_t)CHUNK, CHUNK);
    gc_blob_chunk_head_encode(head_bytes, &head);
    flip_bit(bed, "bulk-1.mdb", head_bytes, sizeof(head_bytes), 12);
    flip_bit(bed, "core.mdb", big->data + 3 * (size_t)CHUNK + 40000, 64, 5);
    flip_bit(bed, "core.mdb", small->data, 64, 63);
    blob_bed_open(bed);
    assert_int_equal(read_one(bed, 1, 0), GC_ECHECKSUM);
    assert_int_equal(read_one(bed, 1, 1), 0);
    assert_int_equal(read_one(bed, 1, 2), GC_ECHECKSUM);
    assert_int_equal(read_one(bed, 1, 3), GC_ECHECKSUM);
    assert_int_equal(blob_bed_find(bed, 2), GC_ECORRUPT);
    assert_int_equal(blob_bed_put(bed, 3, 10), 0); /* the engine lives on */
    gc_bytes_unref(big);
    gc_bytes_unref(small);
}

/* Whether the last 64 pages of the file are a chunk; LMDB may have put a page of its tree behind
 * it. */
static bool
last_chunk(const char *path, off_t size, struct gc_blob_chunk_head *ret_head)
{
    uint8_t bytes[GC_BLOB_CHUNK_HEAD];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = pread(fd, bytes, sizeof(bytes), size - 64 * 4096 + 16);

    close(fd);
    return n == (ssize_t)sizeof(bytes) && gc_blob_chunk_head_decode(bytes, ret_head) == 0;
}

/* Only chunks are cut off: LMDB reads its tree through the map, and would be killed by SIGBUS. */
static void
a_truncated_bulk_file_is_an_error_and_no_crash(void **state)
{
    struct blob_bed *bed = *state;
    struct gc_blob_chunk_head head;
    bool found = false;
    char path[128];
    struct stat st;

    bed_path(bed, "bulk-1.mdb", path);
    for (uint64_t id = 1; id <= 40 && !found; id++) {
        assert_int_equal(blob_bed_put(bed, id, 9 * CHUNK), 0);
        assert_int_equal(stat(path, &st), 0);
        found = last_chunk(path, st.st_size, &head);
    }
    assert_true(found);
    /* Under the running engine, which has opened the file: a bad sector would look like this. */
    assert_int_equal(truncate(path, st.st_size - 32 * 4096), 0);
    assert_int_equal(read_one(bed, head.local, head.chunk_no), GC_ECHECKSUM);
    assert_int_equal(truncate(path, st.st_size), 0);
}

/* --- a full and a failing disk --- */

static void
puts_are_refused_below_the_reserve(void **state)
{
    struct blob_bed *bed = *state;
    struct gc_blob_id id = blob_bed_id(2);
    struct gc_blob_put *put = NULL;
    struct gc_blobs_stat stat;

    assert_int_equal(blob_bed_put(bed, 1, CHUNK), 0);
    blob_bed_close(bed);
    bed->conf.reserve_bytes = UINT64_C(1) << 60;
    blob_bed_open(bed);
    gc_blobs_stat(bed->blobs, &stat);
    assert_true(stat.read_only);
    assert_int_equal(gc_blob_put_begin(bed->blobs, &id, &put), GC_EFULL);
    assert_int_equal(blob_bed_check(bed, 1, CHUNK), 0);
    assert_int_equal(blob_bed_delete(bed, 1), 0);
}

static bool
is_writable(struct blob_bed *bed)
{
    struct gc_blobs_stat stat;

    gc_blobs_stat(bed->blobs, &stat);
    return !stat.read_only;
}

static void
fill_and_recover(struct blob_bed *bed)
{
    struct gc_blobs_stat stat;
    uint64_t n = 0;
    int rc = 0;

    while (rc == 0) {
        assert_true(n < 1000);
        rc = blob_bed_put(bed, n, n % 2 == 0 ? 4 * CHUNK : 60000);
        n++;
    }
    assert_int_equal(rc, GC_EFULL);
    gc_blobs_stat(bed->blobs, &stat);
    assert_false(stat.stopped);
    for (uint64_t i = 0; i + 1 < n; i++) {
        assert_int_equal(blob_bed_check(bed, i, i % 2 == 0 ? 4 * CHUNK : 60000), 0);
    }
    for (uint64_t i = 0; i + 1 < n; i++) {
        assert_int_equal(blob_bed_delete(bed, i), 0);
    }
    blob_bed_until(bed, blob_bed_gc_is_done);
    blob_bed_until(bed, is_writable);
    assert_int_equal(blob_bed_put(bed, 5000, 4 * CHUNK), 0);
    assert_int_equal(blob_bed_check(bed, 5000, 4 * CHUNK), 0);
}

/* The map is too small for the disk: LMDB itself refuses, in the middle of transactions. */
static void
a_full_map_refuses_puts_until_there_is_room(void **state)
{
    struct blob_bed *bed = *state;

    blob_bed_fini(bed);
    blob_bed_init(bed);
    bed->conf.map_bytes = 6 << 20;
    blob_bed_open(bed);
    fill_and_recover(bed);
}

/* A deletion that shares a transaction with puts that do not fit goes through all the same. */
static void
deletions_go_through_when_puts_do_not_fit(void **state)
{
    enum { N = 8, LEN = 250000 };
    struct blob_bed *bed = *state;
    struct gc_bytes *data = blob_bed_data(1, LEN);
    uint32_t crc = gc_crc32c(0, data->data, LEN);
    struct gc_slice slice = { data, data->data, LEN };
    struct gc_blob_chunk_op ops[N] = { 0 };
    struct gc_blob_op commits[N] = { 0 }, del = { 0 };
    struct blob_bed_wait waits[N], commit_waits[N], del_wait;
    struct gc_blob_id victim = blob_bed_id(0);
    uint64_t n = 0;
    unsigned n_refused = 0;

    blob_bed_fini(bed);
    blob_bed_init(bed);
    bed->conf.map_bytes = 6 << 20;
    bed->conf.gc_delay_ms = 3600000;
    blob_bed_open(bed);
    while (blob_bed_put(bed, n, 60000) == 0) {
        n++;
    }
    for (uint64_t i = 0; i < N; i++) {
        struct gc_blob_id id = blob_bed_id(1000 + i);
        struct gc_blob_put *put = NULL;

        assert_int_equal(gc_blob_put_begin(bed->blobs, &id, &put), 0);
        ops[i].op.notify = blob_bed_notify(bed, &waits[i]);
        assert_int_equal(gc_blob_put_chunk(put, &ops[i], &slice, crc), 0);
        commits[i].notify = blob_bed_notify(bed, &commit_waits[i]);
        assert_int_equal(gc_blob_put_commit(put, &commits[i], LEN, crc), 0);
        if (i == N / 2) {
            blob_bed_wait(&waits[i - 1]); /* so that puts are before the deletion, and after it */
            del.notify = blob_bed_notify(bed, &del_wait);
            assert_int_equal(gc_blob_delete(bed->blobs, &del, &victim), 0);
        }
    }
    for (int i = 0; i < N; i++) {
        blob_bed_wait(&waits[i]);
        blob_bed_wait(&commit_waits[i]);
        n_refused += commits[i].rc == GC_EFULL;
    }
    blob_bed_wait(&del_wait);
    assert_int_equal(n_refused, N);
    assert_int_equal(del.rc, 0);
    assert_int_equal(blob_bed_find(bed, 0), GC_ENOTFOUND);
    assert_int_equal(blob_bed_check(bed, 1, 60000), 0);
    gc_bytes_unref(data);
}

static void
a_full_disk_refuses_puts_until_there_is_room(void **state)
{
    struct blob_bed *bed = *state;
    char dir[64];

    blob_bed_close(bed);
    strcpy(dir, "/tmp/gc_test_full.XXXXXX");
    assert_non_null(mkdtemp(dir));
    if (mount("none", dir, "tmpfs", 0, "size=24m") != 0) {
        rmdir(dir);
        print_message("SKIPPED: no permission to mount a tmpfs, the full disk is not tested\n");
        skip();
    }
    bed->conf.dir = dir;
    /* Without a reserve to speak of, so that LMDB itself meets the end. */
    bed->conf.reserve_bytes = 1;
    blob_bed_open(bed);
    fill_and_recover(bed);
    blob_bed_close(bed);
    blob_bed_open(bed);
    assert_int_equal(blob_bed_check(bed, 5000, 4 * CHUNK), 0);
    blob_bed_close(bed);
    umount(dir);
    rmdir(dir);
    bed->conf.dir = bed->dir;
}

/* Writes beyond 2 MiB fail as a broken disk's would: the engine must stop, and say so to everybody.
 */
static void
child_disk_fails(struct blob_bed *bed, int out)
{
    struct rlimit limit = { 2 << 20, 2 << 20 };
    struct gc_blob_id id = blob_bed_id(1000);
    struct gc_blob_reader *reader = NULL;
    struct gc_blob_put *put = NULL;
    struct gc_blob_op op = { 0 };
    struct gc_blob_stat stat;
    struct gc_blobs_stat all;
    int rc = 0;

    signal(SIGXFSZ, SIG_IGN);
    if (gc_blobs_open(&bed->conf, &bed->blobs) != 0 || blob_bed_put(bed, 1, CHUNK) != 0 ||
        setrlimit(RLIMIT_FSIZE, &limit) != 0) {
        _exit(1);
    }
    for (uint64_t n = 2; n < 100 && rc == 0; n++) {
        rc = blob_bed_put(bed, n, 3 * CHUNK);
    }
    gc_blobs_stat(bed->blobs, &all);
    if (rc != -EIO || !all.stopped) {
        _exit(2);
    }
    id = blob_bed_id(1);
    if (gc_blob_put_begin(bed->blobs, &id, &put) != -EIO ||
        gc_blob_open(bed->blobs, &id, &reader, &stat) != -EIO ||
        gc_blob_delete(bed->blobs, &op, &id) != -EIO) {
        _exit(3);
    }
    gc_blobs_close(bed->blobs);
    (void)out;
    _exit(0);
}

static void
a_failing_disk_stops_the_engine(void **state)
{
    struct blob_bed *bed = *state;
    int in = -1, status = -1;
    pid_t pid;

    blob_bed_close(bed);
    pid = fork_child(bed, child_disk_fails, &in);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    close(in);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    blob_bed_open(bed);
    assert_int_equal(blob_bed_check(bed, 1, CHUNK), 0);
    assert_int_equal(blob_bed_put(bed, 500, 3 * CHUNK), 0);
}

/* --- memory --- */

static void
watch(uint64_t *peak_kib, uint64_t value_kib)
{
    *peak_kib = GC_MAX(*peak_kib, value_kib);
}

enum { WINDOW = 24, PER_BLOB = 48 };

struct window {
    struct gc_blob_chunk_op ops[WINDOW];
    struct blob_bed_wait waits[WINDOW];
    uint64_t peak_kib; /* RssAnon */
};

static int
window_wait(struct window *w, unsigned i)
{
    blob_bed_wait(&w->waits[i]);
    watch(&w->peak_kib, blob_bed_proc_kib("RssAnon:"));
    return w->ops[i].op.rc;
}

/* Write a blob of PER_BLOB times the chunk DATA, as many at once as the engine takes. */
static int
window_put(struct blob_bed *bed, struct window *w, uint64_t n, struct gc_bytes *data)
{
    uint32_t crc = gc_crc32c(0, data->data, data->len), sum = 0;
    struct gc_slice slice = { data, data->data, data->len };
    struct gc_blob_id id = blob_bed_id(n);
    struct gc_blob_put *put = NULL;
    struct gc_blob_op op = { 0 };
    struct blob_bed_wait wait;
    unsigned given = 0, waited = 0;
    int rc = gc_blob_put_begin(bed->blobs, &id, &put);

    while (given < PER_BLOB && rc == 0) {
        struct gc_blob_chunk_op *chunk = &w->ops[given % WINDOW];

        if (given - waited < WINDOW) {
            chunk->op.notify = blob_bed_notify(bed, &w->waits[given % WINDOW]);
            rc = gc_blob_put_chunk(put, chunk, &slice, crc);
        } else {
            rc = GC_ELIMIT;
        }
        if (rc == 0) {
            sum = given == 0 ? crc : gc_crc32c_combine(sum, crc, CHUNK);
            given++;
        } else if (rc == GC_ELIMIT) {
            rc = window_wait(w, waited++ % WINDOW);
        }
    }
    while (waited < given && rc == 0) {
        rc = window_wait(w, waited++ % WINDOW);
    }
    op.notify = blob_bed_notify(bed, &wait);
    rc = rc != 0 ? rc : gc_blob_put_commit(put, &op, (uint64_t)PER_BLOB * CHUNK, sum);
    if (rc == 0) {
        blob_bed_wait(&wait);
    }
    return rc != 0 ? rc : op.rc;
}

static int
window_read(struct blob_bed *bed, struct window *w, uint64_t n)
{
    struct gc_blob_id id = blob_bed_id(n);
    struct gc_blob_reader *reader = NULL;
    struct gc_bytes *bytes = NULL;
    struct gc_blob_stat stat;
    int rc = gc_blob_open(bed->blobs, &id, &reader, &stat);

    for (uint32_t i = 0; i < PER_BLOB && rc == 0; i++) {
        rc = blob_bed_read_chunk(bed, reader, i, &bytes);
        gc_bytes_unref(rc == 0 ? bytes : NULL);
        watch(&w->peak_kib, blob_bed_proc_kib("RssAnon:"));
    }
    if (reader != NULL) {
        gc_blob_close(reader);
    }
    return rc;
}

/* 256 MiB in blobs of 12 MiB, in one process with nothing else in it. */
static void
child_memory(struct blob_bed *bed, int out)
{
    static struct window w;
    struct gc_bytes *data = blob_bed_data(1, CHUNK);
    uint64_t before_kib, peaks_kib[2];
    int rc;

    gc_storage_malloc_tune();
    bed->conf.pool_bytes = 4 << 20;
    bed->conf.txn_bytes = 4 << 20;
    before_kib = blob_bed_proc_kib("RssAnon:");
    rc = gc_blobs_open(&bed->conf, &bed->blobs);
    for (uint64_t n = 0; n < 22 && rc == 0; n++) {
        rc = window_put(bed, &w, n, data);
        rc = rc != 0 ? rc : window_read(bed, &w, n);
        rc = rc != 0 || n % 2 == 0 ? rc : blob_bed_delete(bed, n);
    }
    peaks_kib[0] = w.peak_kib - before_kib;
    peaks_kib[1] = blob_bed_proc_kib("VmHWM:");
    if (rc != 0 || write(out, peaks_kib, sizeof(peaks_kib)) != sizeof(peaks_kib)) {
        _exit(1);
    }
    _exit(0);
}

static void
memory_stays_within_pool_and_transactions(void **state)
{
    struct blob_bed *bed = *state;
    uint64_t peaks_kib[2] = { 0, 0 };
    int in = -1, status = -1;
    pid_t pid;

    if (SANITIZED) {
        print_message("SKIPPED: a sanitizer's own memory would be measured\n");
        skip();
    }
    blob_bed_close(bed);
    pid = fork_child(bed, child_memory, &in);
    assert_int_equal(read(in, peaks_kib, sizeof(peaks_kib)), sizeof(peaks_kib));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    close(in);
    print_message("RssAnon grew by %llu KiB, VmHWM is %llu KiB\n", (unsigned long long)peaks_kib[0],
                  (unsigned long long)peaks_kib[1]);
    /* The pool, a transaction in each of three environments, and something for malloc. */
    assert_true(peaks_kib[0] <= 4096 + 3 * 4096 + 6144);
    assert_true(peaks_kib[1] <= 49152);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_restart_keeps_the_uuid_and_raises_the_generation),
        CASE(a_store_of_another_cluster_or_node_is_refused),
        CASE(a_store_is_opened_once_at_a_time),
        CASE(a_bad_conf_is_refused),
        CASE(a_newer_format_is_refused),
        CASE(a_lost_or_foreign_file_is_noticed),
        CASE(after_kill_all_answered_blobs_are_there),
        CASE(chunks_of_puts_that_a_crash_cut_off_are_removed),
        CASE(a_flipped_bit_is_never_returned),
        CASE(a_truncated_bulk_file_is_an_error_and_no_crash),
        CASE(puts_are_refused_below_the_reserve),
        CASE(a_full_map_refuses_puts_until_there_is_room),
        CASE(deletions_go_through_when_puts_do_not_fit),
        CASE(a_full_disk_refuses_puts_until_there_is_room),
        CASE(a_failing_disk_stops_the_engine),
        CASE(memory_stays_within_pool_and_transactions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
