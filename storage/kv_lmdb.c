/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The LMDB backend. Default sync flags always (a commit is two flushes: data, then the meta page);
 * NOTLS, because a read transaction belongs to a request and not to a thread.
 *
 * The one thing taken from the file format instead of the API is where a value lies in the file:
 * LMDB maps the file from offset 0, so a value's offset is its address less the map's. The map's
 * address comes from a page that knows its own number (lmdb_find_map) and is proven by the magic of
 * the meta page there. */
#include "storage/kv.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/macros.h"
#include "storage/kv_priv.h"

#define LMDB_PAGE_BYTES    4096u
#define LMDB_PAGE_HEADER   16u
#define LMDB_MAGIC         0xBEEFC0DEu
#define LMDB_READERS_MAX   1024
#define LMDB_MAP_BYTES_MIN (64u << 20)
/* A write that stops short is reported as EIO; with less than this free it was the disk that is
 * full. */
#define LMDB_FULL_BELOW (4u << 20)

struct lmdb_kv {
    struct gc_kv kv;
    MDB_env *env;
    MDB_dbi dbi[GC_KV_TABLES_MAX];
    int fd;
    uint8_t *map;
};

struct lmdb_txn {
    struct gc_kv_txn txn;
    MDB_txn *mdb;
};

struct lmdb_cursor {
    struct gc_kv_cursor cursor;
    MDB_cursor *mdb;
};

/* Our code for LMDB's. */
static int
lmdb_rc(int rc)
{
    switch (rc) {
    case MDB_SUCCESS:
        return 0;
    case MDB_NOTFOUND:
        return GC_ENOTFOUND;
    case MDB_KEYEXIST:
        return GC_EEXISTS;
    case MDB_MAP_FULL:
    case ENOSPC:
    case EDQUOT:
        return GC_EFULL;
    case MDB_BAD_VALSIZE:
        return -EINVAL;
    case MDB_TXN_FULL:
    case MDB_READERS_FULL:
    case MDB_DBS_FULL:
    case MDB_CURSOR_FULL:
        return GC_ELIMIT;
    case MDB_PANIC: /* a meta page may be half written */
        return -EIO;
    case MDB_VERSION_MISMATCH:
        return GC_EVERSION;
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_INCOMPATIBLE:
        return GC_ECORRUPT;
    default:
        return rc > 0 ? -rc : GC_EINTERNAL;
    }
}

static struct lmdb_kv *
lmdb_of(struct gc_kv *kv)
{
    return gc_container_of(kv, struct lmdb_kv, kv);
}

static struct lmdb_txn *
lmdb_txn_of(struct gc_kv_txn *txn)
{
    return gc_container_of(txn, struct lmdb_txn, txn);
}

static MDB_val
lmdb_val(struct gc_kv_val val)
{
    MDB_val v = { val.len, (void *)(uintptr_t)val.data };
    return v;
}

/* A key as LMDB wants it: integers aligned, in ROOM. */
static MDB_val
lmdb_key(const struct gc_kv *kv, unsigned table, struct gc_kv_val key, uint64_t *room)
{
    MDB_val v = lmdb_val(key);

    if (kv->int_keys[table] && key.len == sizeof(*room)) {
        memcpy(room, key.data, sizeof(*room));
        v.mv_data = room;
    }
    return v;
}

static void
lmdb_close(struct gc_kv *kv)
{
    struct lmdb_kv *lmdb = lmdb_of(kv);

    mdb_env_close(lmdb->env);
    free(lmdb);
}

static int
lmdb_begin(struct gc_kv *kv, bool write, struct gc_kv_txn **ret_txn)
{
    struct lmdb_txn *txn = malloc(sizeof(*txn));
    int rc;

    if (txn == NULL) {
        return -ENOMEM;
    }
    txn->txn = (struct gc_kv_txn){ .kv = kv, .write = write };
    rc = lmdb_rc(mdb_txn_begin(lmdb_of(kv)->env, NULL, write ? 0 : MDB_RDONLY, &txn->mdb));
    if (rc != 0) {
        free(txn);
        return rc;
    }
    *ret_txn = &txn->txn;
    return 0;
}

static bool
lmdb_disk_full(int fd)
{
    struct statvfs fs;

    return fstatvfs(fd, &fs) == 0 && (uint64_t)fs.f_bavail * fs.f_frsize < LMDB_FULL_BELOW;
}

static int
lmdb_commit(struct gc_kv_txn *txn)
{
    struct lmdb_txn *lt = lmdb_txn_of(txn);
    struct lmdb_kv *lmdb = lmdb_of(txn->kv);
    int rc = lmdb_rc(mdb_txn_commit(lt->mdb));

    free(lt);
    /* The pages of a failed commit are referenced by nothing, so a full disk leaves the environment
     * usable; if even the meta page could not be written LMDB panics and the next transaction says
     * -EIO. */
    if (rc == -EIO && lmdb_disk_full(lmdb->fd)) {
        return GC_EFULL;
    }
    return rc;
}

static void
lmdb_abort(struct gc_kv_txn *txn)
{
    struct lmdb_txn *lt = lmdb_txn_of(txn);

    mdb_txn_abort(lt->mdb);
    free(lt);
}

static int
lmdb_get(struct gc_kv_txn *txn, unsigned table, struct gc_kv_val key, struct gc_kv_val *ret_val)
{
    uint64_t room;
    MDB_val k = lmdb_key(txn->kv, table, key, &room);
    MDB_val v;
    int rc = lmdb_rc(mdb_get(lmdb_txn_of(txn)->mdb, lmdb_of(txn->kv)->dbi[table], &k, &v));

    if (rc == 0) {
        *ret_val = gc_kv_val(v.mv_data, v.mv_size);
    }
    return rc;
}

static int
lmdb_put(struct gc_kv_txn *txn, unsigned table, struct gc_kv_val key, struct gc_kv_val val,
         bool insert, void **ret_data)
{
    uint64_t room;
    MDB_val k = lmdb_key(txn->kv, table, key, &room);
    MDB_val v = lmdb_val(val);
    unsigned flags = (insert ? MDB_NOOVERWRITE : 0) | (val.data == NULL ? MDB_RESERVE : 0);
    int rc = lmdb_rc(mdb_put(lmdb_txn_of(txn)->mdb, lmdb_of(txn->kv)->dbi[table], &k, &v, flags));

    if (rc == 0) {
        *ret_data = v.mv_data;
    }
    return rc;
}

static int
lmdb_del(struct gc_kv_txn *txn, unsigned table, struct gc_kv_val key)
{
    uint64_t room;
    MDB_val k = lmdb_key(txn->kv, table, key, &room);

    return lmdb_rc(mdb_del(lmdb_txn_of(txn)->mdb, lmdb_of(txn->kv)->dbi[table], &k, NULL));
}

static int
lmdb_cursor_open(struct gc_kv_txn *txn, unsigned table, struct gc_kv_cursor **ret_cursor)
{
    struct lmdb_cursor *cursor = malloc(sizeof(*cursor));
    int rc;

    if (cursor == NULL) {
        return -ENOMEM;
    }
    cursor->cursor = (struct gc_kv_cursor){ .txn = txn, .table = table };
    rc =
        lmdb_rc(mdb_cursor_open(lmdb_txn_of(txn)->mdb, lmdb_of(txn->kv)->dbi[table], &cursor->mdb));
    if (rc != 0) {
        free(cursor);
        return rc;
    }
    *ret_cursor = &cursor->cursor;
    return 0;
}

static void
lmdb_cursor_close(struct gc_kv_cursor *cursor)
{
    struct lmdb_cursor *lc = gc_container_of(cursor, struct lmdb_cursor, cursor);

    mdb_cursor_close(lc->mdb);
    free(lc);
}

static int
lmdb_cursor_get(struct gc_kv_cursor *cursor, MDB_val *key, MDB_cursor_op op,
                struct gc_kv_val *ret_key, struct gc_kv_val *ret_val)
{
    struct lmdb_cursor *lc = gc_container_of(cursor, struct lmdb_cursor, cursor);
    MDB_val v;
    int rc = lmdb_rc(mdb_cursor_get(lc->mdb, key, &v, op));

    if (rc == 0) {
        *ret_key = gc_kv_val(key->mv_data, key->mv_size);
        *ret_val = gc_kv_val(v.mv_data, v.mv_size);
    }
    return rc;
}

static int
lmdb_seek(struct gc_kv_cursor *cursor, struct gc_kv_val key, struct gc_kv_val *ret_key,
          struct gc_kv_val *ret_val)
{
    uint64_t room;
    MDB_val k = lmdb_key(cursor->txn->kv, cursor->table, key, &room);

    return lmdb_cursor_get(cursor, &k, key.len > 0 ? MDB_SET_RANGE : MDB_FIRST, ret_key, ret_val);
}

static int
lmdb_next(struct gc_kv_cursor *cursor, struct gc_kv_val *ret_key, struct gc_kv_val *ret_val)
{
    MDB_val k;

    return lmdb_cursor_get(cursor, &k, MDB_NEXT, ret_key, ret_val);
}

static int
lmdb_last(struct gc_kv_cursor *cursor, struct gc_kv_val *ret_key, struct gc_kv_val *ret_val)
{
    MDB_val k;

    return lmdb_cursor_get(cursor, &k, MDB_LAST, ret_key, ret_val);
}

static int
lmdb_stat(struct gc_kv *kv, struct gc_kv_stat *ret_stat)
{
    struct lmdb_kv *lmdb = lmdb_of(kv);
    struct gc_kv_stat stat = { 0 };
    struct stat st;
    MDB_txn *txn;
    MDB_stat ms;
    int rc = mdb_txn_begin(lmdb->env, NULL, MDB_RDONLY, &txn);

    if (rc != 0) {
        return lmdb_rc(rc);
    }
    for (unsigned i = 0; i < kv->n_tables && rc == 0; i++) {
        rc = mdb_stat(txn, lmdb->dbi[i], &ms);
        if (rc == 0) {
            stat.entries += ms.ms_entries;
            stat.used_bytes += (ms.ms_branch_pages + ms.ms_leaf_pages + ms.ms_overflow_pages) *
                               (uint64_t)ms.ms_psize;
        }
    }
    mdb_txn_abort(txn);
    if (rc != 0) {
        return lmdb_rc(rc);
    }
    if (fstat(lmdb->fd, &st) != 0) {
        return -errno;
    }
    stat.file_bytes = (uint64_t)st.st_size;
    *ret_stat = stat;
    return 0;
}

static int
lmdb_file_offset(struct gc_kv_txn *txn, struct gc_kv_val val, int *ret_fd, uint64_t *ret_offset)
{
    struct lmdb_kv *lmdb = lmdb_of(txn->kv);

    /* In a write transaction a value may lie in a dirty page, outside the map. */
    if (txn->write || (const uint8_t *)val.data < lmdb->map) {
        return -EINVAL;
    }
    *ret_fd = lmdb->fd;
    *ret_offset = (uint64_t)((const uint8_t *)val.data - lmdb->map);
    return 0;
}

static void
lmdb_reader_check(struct gc_kv *kv)
{
    int n_dead = 0;

    if (mdb_reader_check(lmdb_of(kv)->env, &n_dead) == 0 && n_dead > 0) {
        gc_log(GC_LOG_WARN, "storage.stale_readers", "n=%d", n_dead);
    }
}

static void
lmdb_trim(struct gc_kv *kv)
{
    struct lmdb_kv *lmdb = lmdb_of(kv);
    MDB_envinfo info;

    if (mdb_env_info(lmdb->env, &info) == 0) {
        (void)madvise(lmdb->map, (info.me_last_pgno + 1) * LMDB_PAGE_BYTES, MADV_DONTNEED);
    }
}

static const struct gc_kv_ops lmdb_ops = {
    .close = lmdb_close,
    .begin = lmdb_begin,
    .commit = lmdb_commit,
    .abort = lmdb_abort,
    .get = lmdb_get,
    .put = lmdb_put,
    .del = lmdb_del,
    .cursor_open = lmdb_cursor_open,
    .cursor_close = lmdb_cursor_close,
    .seek = lmdb_seek,
    .next = lmdb_next,
    .last = lmdb_last,
    .stat = lmdb_stat,
    .file_offset = lmdb_file_offset,
    .reader_check = lmdb_reader_check,
    .trim = lmdb_trim,
};

/* --- opening --- */

static int
lmdb_map_bytes(const struct gc_kv_conf *conf, const char *dir, uint64_t *ret_bytes)
{
    struct statvfs fs;
    struct stat st;
    uint64_t bytes = conf->map_bytes;

    if (bytes == 0 && !conf->read_only) {
        if (statvfs(dir, &fs) != 0) {
            return -errno;
        }
        bytes = GC_MAX(2 * (uint64_t)fs.f_blocks * fs.f_frsize, (uint64_t)LMDB_MAP_BYTES_MIN);
    }
    if (stat(conf->path, &st) == 0) {
        bytes = GC_MAX(bytes, (uint64_t)st.st_size);
    }
    *ret_bytes = (bytes + LMDB_PAGE_BYTES - 1) / LMDB_PAGE_BYTES * LMDB_PAGE_BYTES;
    return 0;
}

/* The folder of PATH, to be freed; NULL when there is no memory. */
static char *
lmdb_dir_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL) {
        return strdup(".");
    }
    return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

static int
lmdb_sync_dir(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = 0;

    if (fd < 0) {
        return -errno;
    }
    if (fsync(fd) != 0) {
        rc = -errno;
    }
    close(fd);
    return rc;
}

static int
lmdb_open_tables(struct lmdb_kv *lmdb, const struct gc_kv_conf *conf)
{
    MDB_txn *txn;
    int rc = mdb_txn_begin(lmdb->env, NULL, conf->read_only ? MDB_RDONLY : 0, &txn);

    for (unsigned i = 0; i < lmdb->kv.n_tables && rc == 0; i++) {
        unsigned flags =
            (conf->read_only ? 0 : MDB_CREATE) | (lmdb->kv.int_keys[i] ? MDB_INTEGERKEY : 0);

        rc = mdb_dbi_open(txn, conf->tables[i], flags, &lmdb->dbi[i]);
        if (rc != 0) {
            mdb_txn_abort(txn);
            return lmdb_rc(rc);
        }
    }
    /* Writes nothing when all tables were there. */
    return lmdb_rc(rc == 0 ? mdb_txn_commit(txn) : rc);
}

/* Find where the file is mapped: the main table holds a record for each of ours; the page that a
 * record lies in starts with its own number. */
static int
lmdb_find_map(struct lmdb_kv *lmdb, const char *table)
{
    MDB_val key = { strlen(table), (void *)(uintptr_t)table };
    MDB_val val;
    MDB_txn *txn;
    MDB_dbi main_dbi;
    int rc = mdb_txn_begin(lmdb->env, NULL, MDB_RDONLY, &txn);

    if (rc != 0) {
        return lmdb_rc(rc);
    }
    rc = mdb_dbi_open(txn, NULL, 0, &main_dbi);
    if (rc == 0) {
        rc = mdb_get(txn, main_dbi, &key, &val);
    }
    if (rc == 0) {
        uint8_t *page = (uint8_t *)val.mv_data - (uintptr_t)val.mv_data % LMDB_PAGE_BYTES;
        uint64_t number;
        uint32_t magic;

        memcpy(&number, page, sizeof(number));
        lmdb->map = page - number * LMDB_PAGE_BYTES;
        memcpy(&magic, lmdb->map + LMDB_PAGE_HEADER, sizeof(magic));
        if (magic != LMDB_MAGIC) {
            rc = MDB_CORRUPTED;
        }
    }
    mdb_txn_abort(txn);
    return lmdb_rc(rc);
}

/* A look at one page must not map the 2 MiB around it, which would count as our memory. Kernels
 * without huge pages refuse. */
static void
lmdb_map_small_pages(struct lmdb_kv *lmdb)
{
    MDB_envinfo info;

    if (mdb_env_info(lmdb->env, &info) == 0) {
        (void)madvise(lmdb->map, info.me_mapsize, MADV_NOHUGEPAGE);
    }
}

static int
lmdb_open_env(struct lmdb_kv *lmdb, const struct gc_kv_conf *conf, const char *dir)
{
    unsigned flags = MDB_NOSUBDIR | MDB_NOTLS | (conf->no_readahead ? MDB_NORDAHEAD : 0) |
                     (conf->unsafe_no_sync ? MDB_NOSYNC : 0) |
                     (conf->read_only ? MDB_RDONLY | MDB_NOLOCK : 0);
    uint64_t map_bytes = 0;
    MDB_stat ms;
    int rc = lmdb_map_bytes(conf, dir, &map_bytes);

    if (rc != 0) {
        return rc;
    }
    rc = mdb_env_set_mapsize(lmdb->env, map_bytes);
    if (rc == 0) {
        rc = mdb_env_set_maxdbs(lmdb->env, GC_KV_TABLES_MAX);
    }
    if (rc == 0) {
        rc = mdb_env_set_maxreaders(lmdb->env, LMDB_READERS_MAX);
    }
    if (rc == 0) {
        rc = mdb_env_open(lmdb->env, conf->path, flags, 0600);
    }
    if (rc == 0) {
        rc = mdb_env_get_fd(lmdb->env, &lmdb->fd);
    }
    if (rc == 0) {
        rc = mdb_env_stat(lmdb->env, &ms);
    }
    if (rc != 0) {
        return lmdb_rc(rc);
    }
    return ms.ms_psize == LMDB_PAGE_BYTES ? 0 : -ENOTSUP;
}

int
gc_kv_open(const struct gc_kv_conf *conf, struct gc_kv **ret_kv)
{
    struct lmdb_kv *lmdb = NULL;
    bool is_new = access(conf->path, F_OK) != 0;
    char *dir;
    int rc = -ENOMEM;

    if (sysconf(_SC_PAGESIZE) != LMDB_PAGE_BYTES) {
        return -ENOTSUP;
    }
    dir = lmdb_dir_of(conf->path);
    lmdb = calloc(1, sizeof(*lmdb));
    if (dir == NULL || lmdb == NULL) {
        goto out;
    }
    rc = gc_kv_init(&lmdb->kv, &lmdb_ops, conf);
    if (rc != 0) {
        goto out;
    }
    rc = lmdb_rc(mdb_env_create(&lmdb->env));
    if (rc != 0) {
        goto out;
    }
    rc = lmdb_open_env(lmdb, conf, dir);
    if (rc == 0) {
        rc = lmdb_open_tables(lmdb, conf);
    }
    if (rc == 0) {
        rc = lmdb_find_map(lmdb, conf->tables[0]);
    }
    if (rc == 0) {
        lmdb_map_small_pages(lmdb);
    }
    if (rc == 0 && is_new) {
        rc = lmdb_sync_dir(dir);
    }
    if (rc == 0) {
        lmdb_reader_check(&lmdb->kv);
        *ret_kv = &lmdb->kv;
        lmdb = NULL;
    }
out:
    if (lmdb != NULL) {
        if (lmdb->env != NULL) {
            mdb_env_close(lmdb->env);
        }
        free(lmdb);
    }
    free(dir);
    return rc;
}
