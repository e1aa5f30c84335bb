/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "storage/fsck.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/checksum.h"
#include "base/err.h"
#include "base/macros.h"
#include "storage/blob_priv.h"

struct fsck {
    const char *dir;
    void (*report)(void *arg, const char *line);
    void *arg;
    struct gc_fsck_result res;
    int lock_fd;
    struct gc_kv *core;
    struct gc_kv_txn *core_txn;
    struct gc_kv *bulk[GC_BLOB_BULK_MAX];
    struct gc_kv_txn *bulk_txn[GC_BLOB_BULK_MAX];
    unsigned n_bulk;
    struct gc_blob_store_record store;
    struct gc_blob_state_record state;
    uint64_t *deleted; /* local ids in the gc queue, sorted */
    size_t n_deleted;
    uint8_t *chunk; /* GC_BLOB_CHUNK_BYTES */
};

typedef void entry_fn(struct fsck *f, struct gc_kv_val key, struct gc_kv_val val);

static void problem(struct fsck *f, const char *fmt, ...) GC_PRINTF(2, 3);

static void
problem(struct fsck *f, const char *fmt, ...)
{
    char line[256];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    f->res.n_problems++;
    f->report(f->arg, line);
}

static void
blob_problem(struct fsck *f, const struct gc_blob_record *rec, const char *what, uint32_t chunk_no)
{
    problem(f, "blob %016llx%016llx: chunk %u: %s", (unsigned long long)rec->id.epoch,
            (unsigned long long)rec->id.counter, chunk_no, what);
}

static uint64_t
int_key(struct gc_kv_val key)
{
    uint64_t number;

    memcpy(&number, key.data, sizeof(number));
    return number;
}

/* Call FN for each entry of TABLE. */
static int
each(struct fsck *f, struct gc_kv_txn *txn, unsigned table, entry_fn *fn)
{
    struct gc_kv_cursor *cursor = NULL;
    struct gc_kv_val key, val;
    int rc = gc_kv_cursor_open(txn, table, &cursor);

    if (rc != 0) {
        return rc;
    }
    rc = gc_kv_seek(cursor, gc_kv_val(NULL, 0), &key, &val);
    while (rc == 0) {
        fn(f, key, val);
        rc = gc_kv_next(cursor, &key, &val);
    }
    gc_kv_cursor_close(cursor);
    return rc == GC_ENOTFOUND ? 0 : rc;
}

/* --- the gc queue --- */

static void
on_gc_row(struct fsck *f, struct gc_kv_val key, struct gc_kv_val val)
{
    struct gc_blob_gc_record row;
    struct gc_blob_record rec;
    unsigned long long place = int_key(key);

    if (place >= f->state.next_gc) {
        problem(f, "gc row %llu: beyond the end of the queue", place);
    }
    if (gc_blob_gc_decode(val.data, val.len, &row) != 0) {
        problem(f, "gc row %llu: cannot be decoded", place);
        return;
    }
    f->deleted[f->n_deleted++] = row.local; /* there are as many places as rows */
    if (gc_blob_lookup_local(f->core_txn, row.local, &rec) != 0) {
        problem(f, "gc row %llu: no intact blob record", place);
    } else if (rec.id.epoch != row.id.epoch || rec.id.counter != row.id.counter) {
        problem(f, "gc row %llu: the blob record has another id", place);
    }
}

static int
by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

static int
check_gc(struct fsck *f)
{
    struct gc_kv_stat stat;
    int rc = gc_kv_stat(f->core, &stat);

    if (rc != 0) {
        return rc;
    }
    /* No table has more entries than all together. */
    f->deleted = calloc(stat.entries + 1, sizeof(f->deleted[0]));
    if (f->deleted == NULL) {
        return -ENOMEM;
    }
    rc = each(f, f->core_txn, CORE_GC, on_gc_row);
    f->res.n_deleted = f->n_deleted;
    if (f->n_deleted > 0) {
        qsort(f->deleted, f->n_deleted, sizeof(f->deleted[0]), by_number);
    }
    if (rc == 0 && f->n_deleted != f->state.n_gc) {
        problem(f, "state: %llu rows in the gc queue, counted %zu",
                (unsigned long long)f->state.n_gc, f->n_deleted);
    }
    return rc;
}

static bool
is_deleted(const struct fsck *f, uint64_t local)
{
    return f->n_deleted > 0 &&
           bsearch(&local, f->deleted, f->n_deleted, sizeof(f->deleted[0]), by_number) != NULL;
}

/* --- blobs --- */

static void
on_id(struct fsck *f, struct gc_kv_val key, struct gc_kv_val val)
{
    struct gc_blob_record rec;
    struct gc_blob_id id;
    uint64_t local;

    if (gc_blob_id_key_decode(key, &id) != 0) {
        problem(f, "ids: a key of %zu bytes", key.len);
    } else if (gc_blob_local_decode(val, &local) != 0 ||
               gc_blob_lookup(f->core_txn, &id, &local, &rec) != 0) {
        problem(f, "id %016llx%016llx: leads to no intact blob record",
                (unsigned long long)id.epoch, (unsigned long long)id.counter);
    } else {
        f->res.n_blobs++;
        f->res.bytes += rec.length;
    }
}

/* Read chunk NO of the blob LOCAL to f->chunk; what is wrong with it, NULL if nothing. */
static const char *
read_chunk(struct fsck *f, uint64_t local, uint32_t no, uint32_t *ret_crc)
{
    uint64_t key = gc_blob_part_key(local, no);
    struct gc_kv_txn *txn = f->bulk_txn[gc_blob_part_bulk(local, no, f->n_bulk)];
    uint8_t head_bytes[GC_BLOB_CHUNK_HEAD];
    struct iovec iov[2] = { { head_bytes, sizeof(head_bytes) }, { f->chunk, GC_BLOB_CHUNK_BYTES } };
    struct gc_blob_chunk_head head;
    struct gc_kv_val val;
    uint64_t offset;
    int fd;

    if (gc_kv_get(txn, BULK_CHUNK, gc_kv_val(&key, sizeof(key)), &val) != 0) {
        return "missing";
    }
    if (val.len != GC_KV_CHUNK_MAX || gc_kv_file_offset(txn, val, &fd, &offset) != 0) {
        return "wrong length";
    }
    if (preadv(fd, iov, 2, (off_t)offset) != GC_KV_CHUNK_MAX) {
        return "cannot be read";
    }
    if (gc_blob_chunk_head_decode(head_bytes, &head) != 0) {
        return "damaged head";
    }
    if (head.local != local || head.chunk_no != no) {
        return "head of another chunk";
    }
    if (gc_crc32c(0, f->chunk, GC_BLOB_CHUNK_BYTES) != head.crc) {
        return "checksum mismatch";
    }
    *ret_crc = head.crc;
    return NULL;
}

/* The same for the tail in pieces. */
static const char *
read_tail(struct fsck *f, uint64_t local, const struct gc_blob_record *rec)
{
    uint32_t n = gc_blob_n_pieces(rec->tail_len);

    for (uint32_t i = 0; i < n; i++) {
        uint64_t key = gc_blob_part_key(local, i);
        uint32_t at = i * GC_BLOB_PIECE_BYTES;
        size_t want = GC_MIN(GC_BLOB_PIECE_BYTES, rec->tail_len - at);
        struct gc_kv_val val;
        uint64_t offset;
        int fd;

        if (gc_kv_get(f->core_txn, CORE_PIECE, gc_kv_val(&key, sizeof(key)), &val) != 0) {
            return "a piece is missing";
        }
        if (val.len != want || gc_kv_file_offset(f->core_txn, val, &fd, &offset) != 0) {
            return "a piece of wrong length";
        }
        if (pread(fd, f->chunk + at, want, (off_t)offset) != (ssize_t)want) {
            return "cannot be read";
        }
    }
    if (rec->inline_data != NULL) {
        memcpy(f->chunk, rec->inline_data, rec->tail_len);
    }
    return gc_crc32c(0, f->chunk, rec->tail_len) == rec->tail_crc ? NULL : "checksum mismatch";
}

static void
check_content(struct fsck *f, uint64_t local, const struct gc_blob_record *rec)
{
    uint64_t problems = f->res.n_problems;
    uint32_t crc = 0, chunk_crc = 0;
    const char *what;

    for (uint32_t no = 0; no < rec->n_full; no++) {
        what = read_chunk(f, local, no, &chunk_crc);
        if (what != NULL) {
            blob_problem(f, rec, what, no);
            continue;
        }
        f->res.n_chunks++;
        crc = no == 0 ? chunk_crc : gc_crc32c_combine(crc, chunk_crc, GC_BLOB_CHUNK_BYTES);
    }
    what = rec->tail_len > 0 ? read_tail(f, local, rec) : NULL;
    if (what != NULL) {
        blob_problem(f, rec, what, rec->n_full);
    }
    if (rec->tail_len > 0) {
        crc =
            rec->n_full == 0 ? rec->tail_crc : gc_crc32c_combine(crc, rec->tail_crc, rec->tail_len);
    }
    if (problems == f->res.n_problems && crc != rec->crc) {
        blob_problem(f, rec, "the checksum of the whole blob does not match", rec->n_full);
    }
}

static void
on_blob(struct fsck *f, struct gc_kv_val key, struct gc_kv_val val)
{
    unsigned long long local = int_key(key);
    uint8_t id_key[GC_BLOB_ID_KEY];
    struct gc_blob_record rec;
    struct gc_kv_val id_val;
    uint64_t found = 0;

    if (local == 0 || local >= f->state.next_local) {
        problem(f, "blob record %llu: not a local id of this store", local);
    }
    if (gc_blob_record_decode(val.data, val.len, &rec) != 0) {
        problem(f, "blob record %llu: cannot be decoded", local);
        return;
    }
    gc_blob_id_key(id_key, &rec.id);
    if (gc_kv_get(f->core_txn, CORE_IDS, gc_kv_val(id_key, sizeof(id_key)), &id_val) == 0) {
        (void)gc_blob_local_decode(id_val, &found);
    }
    if ((found == local) == is_deleted(f, local)) {
        problem(f, "blob record %llu: %s", local,
                found == local ? "visible and deleted" : "neither visible nor deleted");
    }
    check_content(f, local, &rec);
}

/* --- what belongs to nobody --- */

static void
on_piece(struct fsck *f, struct gc_kv_val key, struct gc_kv_val val)
{
    uint64_t part = int_key(key);
    struct gc_blob_record rec;

    (void)val;
    if (gc_blob_lookup_local(f->core_txn, gc_blob_part_local(part), &rec) == GC_ENOTFOUND ||
        gc_blob_part_number(part) >= GC_BLOB_PIECES_MAX) {
        problem(f, "piece %u of local id %llu: belongs to no blob", gc_blob_part_number(part),
                (unsigned long long)gc_blob_part_local(part));
    }
}

static void
on_chunk(struct fsck *f, struct gc_kv_val key, struct gc_kv_val val)
{
    uint64_t part = int_key(key);
    uint64_t local = gc_blob_part_local(part);
    uint32_t no = gc_blob_part_number(part);
    struct gc_blob_record rec;
    int rc = gc_blob_lookup_local(f->core_txn, local, &rec);

    (void)val;
    if (rc == GC_ENOTFOUND && local >= f->state.live_min) {
        f->res.n_orphans++;
    } else if (rc == GC_ENOTFOUND || (rc == 0 && no >= rec.n_full)) {
        problem(f, "chunk %u of local id %llu: belongs to no blob", no, (unsigned long long)local);
    }
}

/* --- opening --- */

static int
open_env(struct fsck *f, const char *name, bool bulk, struct gc_kv **kv, struct gc_kv_txn **txn)
{
    char path[4096];
    int rc;

    if (snprintf(path, sizeof(path), "%s/%s", f->dir, name) >= (int)sizeof(path)) {
        return -ENAMETOOLONG;
    }
    rc = gc_blobs_open_kv(path, bulk, 0, true, kv);
    if (rc == GC_ENOTFOUND) {
        rc = GC_ECORRUPT; /* a table is not there */
    }
    return rc != 0 ? rc : gc_kv_begin(*kv, false, txn);
}

static int
open_lock(struct fsck *f)
{
    char path[4096];

    if (snprintf(path, sizeof(path), "%s/lock", f->dir) >= (int)sizeof(path)) {
        return -ENAMETOOLONG;
    }
    f->lock_fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (f->lock_fd < 0) {
        return -errno;
    }
    if (flock(f->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        return errno == EWOULDBLOCK ? GC_ECONFLICT : -errno;
    }
    return 0;
}

static int
open_core(struct fsck *f)
{
    struct gc_kv_val val;
    int rc = open_env(f, "core.mdb", false, &f->core, &f->core_txn);

    if (rc == 0) {
        rc = gc_kv_get(f->core_txn, CORE_META, gc_kv_val("store", 5), &val);
    }
    if (rc == 0) {
        rc = gc_blob_store_decode(val.data, val.len, &f->store);
    }
    if (rc == 0) {
        rc = gc_kv_get(f->core_txn, CORE_META, gc_kv_val("state", 5), &val);
    }
    if (rc == 0) {
        rc = gc_blob_state_decode(val.data, val.len, &f->state);
    }
    return rc == GC_ENOTFOUND ? GC_ECORRUPT : rc;
}

static int
open_bulk(struct fsck *f, unsigned number)
{
    struct gc_blob_bulk_record rec;
    struct gc_kv_val val;
    char name[32];
    int rc;

    snprintf(name, sizeof(name), "bulk-%u.mdb", number);
    rc = open_env(f, name, true, &f->bulk[number], &f->bulk_txn[number]);
    if (rc == 0) {
        rc = gc_kv_get(f->bulk_txn[number], BULK_META, gc_kv_val("bulk", 4), &val);
    }
    if (rc == 0) {
        rc = gc_blob_bulk_decode(val.data, val.len, &rec);
    }
    if (rc == 0 &&
        (rec.number != number || memcmp(rec.uuid, f->store.uuid, sizeof(rec.uuid)) != 0)) {
        rc = GC_ECORRUPT;
    }
    return rc == GC_ENOTFOUND ? GC_ECORRUPT : rc;
}

static int
open_all(struct fsck *f)
{
    int rc = open_lock(f);

    if (rc == 0) {
        rc = open_core(f);
        if (rc != 0) {
            problem(f, "core.mdb: %s", gc_err_text(rc));
        }
    }
    while (rc == 0 && f->n_bulk < f->store.n_bulk) {
        rc = open_bulk(f, f->n_bulk);
        if (rc != 0) {
            problem(f, "bulk-%u.mdb: %s", f->n_bulk, gc_err_text(rc));
        }
        f->n_bulk++;
    }
    if (rc == 0) {
        f->chunk = malloc(GC_BLOB_CHUNK_BYTES);
        rc = f->chunk == NULL ? -ENOMEM : 0;
    }
    return rc;
}

static void
close_all(struct fsck *f)
{
    for (unsigned i = 0; i < f->n_bulk; i++) {
        gc_kv_abort(f->bulk_txn[i]);
        gc_kv_close(f->bulk[i]);
    }
    gc_kv_abort(f->core_txn);
    gc_kv_close(f->core);
    if (f->lock_fd >= 0) {
        close(f->lock_fd);
    }
    free(f->deleted);
    free(f->chunk);
}

static void
check_counters(struct fsck *f)
{
    if (f->res.n_blobs != f->state.n_blobs || f->res.bytes != f->state.bytes) {
        problem(f, "state: %llu blobs of %llu bytes, counted %llu of %llu",
                (unsigned long long)f->state.n_blobs, (unsigned long long)f->state.bytes,
                (unsigned long long)f->res.n_blobs, (unsigned long long)f->res.bytes);
    }
}

int
gc_fsck(const char *dir, void (*report)(void *arg, const char *line), void *arg,
        struct gc_fsck_result *ret)
{
    struct fsck f = { .dir = dir, .report = report, .arg = arg, .lock_fd = -1 };
    int rc = open_all(&f);

    if (rc != 0) {
        close_all(&f);
        return rc;
    }
    rc = check_gc(&f);
    if (rc == 0) {
        rc = each(&f, f.core_txn, CORE_IDS, on_id);
    }
    if (rc == 0) {
        check_counters(&f);
        rc = each(&f, f.core_txn, CORE_BLOB, on_blob);
    }
    if (rc == 0) {
        rc = each(&f, f.core_txn, CORE_PIECE, on_piece);
    }
    for (unsigned i = 0; i < f.n_bulk && rc == 0; i++) {
        rc = each(&f, f.bulk_txn[i], BULK_CHUNK, on_chunk);
    }
    close_all(&f);
    *ret = f.res;
    return rc == 0 && f.res.n_problems > 0 ? GC_ECORRUPT : rc;
}
