/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The blob engine beside plain files on the same disk, in turns: bench_storage [DIR [RUNS [MIB]]].
 * One JSON object a figure:
 * - put_1k_64: durable puts of 1 KiB a second, 64 in flight; peer: 64 threads that each write a
 *   file, fsync it, rename it and fsync the folder
 * - write_big: MB/s of MIB in blobs of 64 MiB, durable; peer: writing one file, fdatasync each 16
 *   MiB. From the second run on both write over what they wrote before.
 * - read_big: MB/s of reading it again from the page cache, verified; peer: pread, not verified */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/checksum.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/thread.h"
#include "storage/blob.h"
#include "storage/kv.h"

#define CHUNK      GC_BLOB_CHUNK_BYTES
#define IN_FLIGHT  64
#define SMALL_PUTS 4096
#define BLOB_PARTS 256 /* chunks of a big blob: 64 MiB */
#define WINDOW     16
#define RUNS_MAX   32

struct bench {
    char dir[4000];
    struct gc_blobs *blobs;
    struct gc_queue done;
    struct gc_bytes *chunk;
    struct gc_bytes *small;
    uint64_t next_id;
    unsigned n_blobs; /* big ones a run */
};

struct flight {
    struct bench *bench;
    struct gc_list node;
    struct gc_blob_chunk_op chunk;
    struct gc_blob_read_op read;
    struct gc_blob_op commit;
};

static void
must(int rc, const char *what)
{
    if (rc != 0) {
        fprintf(stderr, "bench_storage: %s: %s\n", what, gc_err_name(rc));
        exit(1);
    }
}

static void
ignore(void *arg)
{
    (void)arg;
}

static void
landed(void *arg)
{
    struct flight *f = arg;

    gc_queue_push(&f->bench->done, &f->node);
}

static struct flight *
next_landed(struct bench *b)
{
    return gc_container_of(gc_queue_pop(&b->done, -1), struct flight, node);
}

/* --- ours --- */

static void
small_take_off(struct bench *b, struct flight *f)
{
    struct gc_slice slice = { b->small, b->small->data, b->small->len };
    uint32_t crc = gc_crc32c(0, slice.data, slice.len);
    struct gc_blob_id id = { 1, b->next_id++ };
    struct gc_blob_put *put = NULL;

    f->bench = b;
    f->chunk.op.notify = (struct gc_notify){ ignore, NULL };
    f->commit.notify = (struct gc_notify){ landed, f };
    must(gc_blob_put_begin(b->blobs, &id, &put), "begin");
    must(gc_blob_put_chunk(put, &f->chunk, &slice, crc), "chunk");
    must(gc_blob_put_commit(put, &f->commit, slice.len, crc), "commit");
}

static double
ours_small(struct bench *b)
{
    static struct flight flights[IN_FLIGHT];
    uint64_t begun = gc_clock_mono_ns();
    unsigned n = 0;

    for (; n < IN_FLIGHT; n++) {
        small_take_off(b, &flights[n]);
    }
    for (unsigned n_landed = 0; n_landed < SMALL_PUTS; n_landed++) {
        struct flight *f = next_landed(b);

        must(f->commit.rc, "durable");
        if (n < SMALL_PUTS) {
            small_take_off(b, f);
            n++;
        }
    }
    return SMALL_PUTS * 1e9 / (double)(gc_clock_mono_ns() - begun);
}

static void
big_write(struct bench *b, uint64_t number)
{
    static struct flight flights[WINDOW];
    struct gc_slice slice = { b->chunk, b->chunk->data, b->chunk->len };
    uint32_t crc = gc_crc32c(0, slice.data, slice.len), sum = crc;
    struct gc_blob_id id = { 2, number };
    struct gc_blob_put *put = NULL;

    must(gc_blob_put_begin(b->blobs, &id, &put), "begin");
    for (unsigned n = 0; n < BLOB_PARTS; n++) {
        struct flight *f = n < WINDOW ? &flights[n] : next_landed(b);

        must(n < WINDOW ? 0 : f->chunk.op.rc, "chunk");
        f->bench = b;
        f->chunk.op.notify = (struct gc_notify){ landed, f };
        must(gc_blob_put_chunk(put, &f->chunk, &slice, crc), "chunk");
        sum = n == 0 ? crc : gc_crc32c_combine(sum, crc, CHUNK);
    }
    for (unsigned n = 0; n < WINDOW; n++) {
        must(next_landed(b)->chunk.op.rc, "chunk");
    }
    flights[0].commit.notify = (struct gc_notify){ landed, &flights[0] };
    must(gc_blob_put_commit(put, &flights[0].commit, (uint64_t)BLOB_PARTS * CHUNK, sum), "commit");
    must(next_landed(b)->commit.rc, "durable");
}

static void
big_read(struct bench *b, uint64_t number)
{
    static struct flight flights[4];
    struct gc_blob_id id = { 2, number };
    struct gc_blob_reader *reader = NULL;
    struct gc_blob_stat stat;

    must(gc_blob_open(b->blobs, &id, &reader, &stat), "open");
    for (uint32_t n = 0; n < stat.n_chunks + GC_ARRAY_LEN(flights); n++) {
        struct flight *f =
            n < GC_ARRAY_LEN(flights) ? &flights[n % GC_ARRAY_LEN(flights)] : next_landed(b);

        if (n >= GC_ARRAY_LEN(flights)) {
            must(f->read.op.rc, "read");
            gc_bytes_unref(f->read.bytes);
        }
        if (n < stat.n_chunks) {
            f->bench = b;
            f->read.op.notify = (struct gc_notify){ landed, f };
            must(gc_blob_read_chunk(reader, &f->read, n), "read");
        }
    }
    gc_blob_close(reader);
}

static double
big_all(struct bench *b, void (*one)(struct bench *b, uint64_t number), uint64_t first)
{
    uint64_t begun = gc_clock_mono_ns();

    for (unsigned i = 0; i < b->n_blobs; i++) {
        one(b, first + i);
    }
    return (double)b->n_blobs * BLOB_PARTS * CHUNK * 1e3 / (double)(gc_clock_mono_ns() - begun);
}

static void
big_delete(struct bench *b, uint64_t first)
{
    struct flight f = { .bench = b };

    for (unsigned i = 0; i < b->n_blobs; i++) {
        struct gc_blob_id id = { 2, first + i };

        f.commit.notify = (struct gc_notify){ landed, &f };
        must(gc_blob_delete(b->blobs, &f.commit, &id), "delete");
        must(next_landed(b)->commit.rc, "delete");
    }
}

/* --- plain files --- */

struct filer {
    struct bench *bench;
    struct gc_thread thread;
    unsigned number;
};

static void
filer_main(void *arg)
{
    struct filer *filer = arg;
    struct bench *b = filer->bench;
    char tmp[4096], path[4096];
    int dir = open(b->dir, O_RDONLY | O_DIRECTORY);

    for (unsigned i = 0; i < SMALL_PUTS / IN_FLIGHT; i++) {
        int fd;

        snprintf(tmp, sizeof(tmp), "%s/t%u", b->dir, filer->number);
        snprintf(path, sizeof(path), "%s/f%u", b->dir, filer->number * 1000 + i);
        fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        must(fd < 0 || write(fd, b->small->data, b->small->len) < 0 || fsync(fd) != 0, "file");
        close(fd);
        must(rename(tmp, path) != 0 || fsync(dir) != 0, "rename");
    }
    close(dir);
}

static double
peer_small(struct bench *b)
{
    static struct filer filers[IN_FLIGHT];
    uint64_t begun = gc_clock_mono_ns();
    double rate;
    char path[4096];

    for (unsigned i = 0; i < IN_FLIGHT; i++) {
        filers[i].bench = b;
        filers[i].number = i;
        must(gc_thread_start(&filers[i].thread, "filer", filer_main, &filers[i]), "thread");
    }
    for (unsigned i = 0; i < IN_FLIGHT; i++) {
        gc_thread_join(&filers[i].thread);
    }
    rate = SMALL_PUTS * 1e9 / (double)(gc_clock_mono_ns() - begun);
    for (unsigned i = 0; i < IN_FLIGHT * 1000; i++) {
        snprintf(path, sizeof(path), "%s/f%u", b->dir, i);
        if (i % 1000 < SMALL_PUTS / IN_FLIGHT) {
            unlink(path);
        }
    }
    return rate;
}

/* Writes the file, over itself from the second run on, as our engine reuses its pages; or reads it.
 */
static double
peer_big(struct bench *b, bool writing)
{
    uint64_t begun = gc_clock_mono_ns();
    unsigned parts = b->n_blobs * BLOB_PARTS;
    uint8_t *room = malloc(CHUNK);
    char path[4096];
    int fd;

    snprintf(path, sizeof(path), "%s/plain", b->dir);
    fd = open(path, writing ? O_WRONLY | O_CREAT : O_RDONLY, 0600);
    must(fd < 0 || room == NULL, "plain");
    for (unsigned i = 0; i < parts; i++) {
        if (!writing) {
            must(pread(fd, room, CHUNK, (off_t)i * CHUNK) != (ssize_t)CHUNK, "pread");
        } else {
            must(write(fd, b->chunk->data, CHUNK) != (ssize_t)CHUNK, "write");
            must(i % 64 == 63 && fdatasync(fd) != 0, "fdatasync");
        }
    }
    must(writing && fdatasync(fd) != 0, "fdatasync");
    close(fd);
    free(room);
    return (double)parts * CHUNK * 1e3 / (double)(gc_clock_mono_ns() - begun);
}

/* --- the table --- */

static int
by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static double
median(const double *runs, unsigned n)
{
    double sorted[RUNS_MAX];

    memcpy(sorted, runs, n * sizeof(runs[0]));
    qsort(sorted, n, sizeof(sorted[0]), by_size);
    return sorted[n / 2];
}

static void
print_runs(const char *name, const double *runs, unsigned n)
{
    printf("\"%s\": [", name);
    for (unsigned i = 0; i < n; i++) {
        printf("%s%.1f", i > 0 ? ", " : "", runs[i]);
    }
    printf("]");
}

static void
print_figure(const char *name, const char *unit, const double *ours, const double *peer, unsigned n)
{
    printf("{\"name\": \"storage.%s\", \"unit\": \"%s\", \"ours\": %.1f, \"peer\": %.1f, "
           "\"ratio\": %.3f, ",
           name, unit, median(ours, n), median(peer, n), median(ours, n) / median(peer, n));
    printf("\"runs\": {");
    print_runs("ours", ours, n);
    printf(", ");
    print_runs("peer", peer, n);
    printf("}}\n");
}

static void
bench_open(struct bench *b, const char *parent, unsigned mib)
{
    struct gc_blob_conf conf = { .dir = b->dir, .node = "bench", .reserve_bytes = 1 };

    snprintf(b->dir, sizeof(b->dir), "%s/gc_bench.XXXXXX", parent);
    must(mkdtemp(b->dir) == NULL ? -errno : 0, b->dir);
    gc_queue_init(&b->done);
    b->n_blobs = GC_MAX(mib / 64, 1u);
    b->chunk = gc_bytes_new(CHUNK);
    b->small = gc_bytes_new(1024);
    must(b->chunk == NULL || b->small == NULL ? -ENOMEM : 0, "memory");
    memset(b->chunk->data, 'b', CHUNK);
    memset(b->small->data, 's', 1024);
    must(gc_blobs_open(&conf, &b->blobs), b->dir);
}

static void
bench_close(struct bench *b)
{
    static const char *const names[] = {
        "lock",       "core.mdb",        "core.mdb-lock", "bulk-0.mdb", "bulk-0.mdb-lock",
        "bulk-1.mdb", "bulk-1.mdb-lock", "plain"
    };
    char path[4096];

    gc_blobs_close(b->blobs);
    for (size_t i = 0; i < GC_ARRAY_LEN(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", b->dir, names[i]);
        unlink(path);
    }
    rmdir(b->dir);
    gc_bytes_unref(b->chunk);
    gc_bytes_unref(b->small);
    gc_queue_fini(&b->done);
}

int
main(int argc, char **argv)
{
    static struct bench b;
    unsigned runs = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 3;
    double ours[3][RUNS_MAX], peer[3][RUNS_MAX];

    runs = GC_MIN(GC_MAX(runs, 1u), RUNS_MAX);
    gc_log_set_level(GC_LOG_WARN);
    gc_storage_malloc_tune();
    bench_open(&b, argc > 1 ? argv[1] : ".", argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 256);
    for (unsigned i = 0; i < runs; i++) {
        uint64_t first = (uint64_t)i * 1000;

        ours[0][i] = ours_small(&b);
        peer[0][i] = peer_small(&b);
        ours[1][i] = big_all(&b, big_write, first);
        peer[1][i] = peer_big(&b, true);
        ours[2][i] = big_all(&b, big_read, first);
        peer[2][i] = peer_big(&b, false);
        big_delete(&b, first);
    }
    print_figure("put_1k_64", "ops/s", ours[0], peer[0], runs);
    print_figure("write_big", "MB/s", ours[1], peer[1], runs);
    print_figure("read_big", "MB/s", ours[2], peer[2], runs);
    bench_close(&b);
    return 0;
}
