/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One suite for both backends of storage/kv.h, then what only one of them can do. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/random.h"
#include "base/thread.h"
#include "storage/kv.h"

#define MAP_BYTES (16u << 20)

enum { T_TEXT, T_INT };

struct fixture {
    char dir[64];
    char path[96];
    struct gc_kv_conf conf;
    struct gc_kv *kv;
    bool mem;
};

static const char *const tables[] = { "text", "int", NULL };
static const bool int_keys[] = { false, true };

static void
fixture_open(struct fixture *f)
{
    assert_int_equal(f->mem ? gc_kv_open_mem(&f->conf, &f->kv) : gc_kv_open(&f->conf, &f->kv), 0);
}

static int
fixture_new(void **state, bool mem)
{
    struct fixture *f = calloc(1, sizeof(*f));

    strcpy(f->dir, "/tmp/gc_test_kv.XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->path, sizeof(f->path), "%s/data.mdb", f->dir);
    f->mem = mem;
    f->conf = (struct gc_kv_conf){
        .path = f->path, .tables = tables, .int_keys = int_keys, .map_bytes = MAP_BYTES
    };
    fixture_open(f);
    *state = f;
    return 0;
}

static int
setup_lmdb(void **state)
{
    return fixture_new(state, false);
}

static int
setup_mem(void **state)
{
    return fixture_new(state, true);
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    char lock[128];

    gc_kv_close(f->kv);
    snprintf(lock, sizeof(lock), "%s-lock", f->path);
    unlink(lock);
    unlink(f->path);
    rmdir(f->dir);
    free(f);
    return 0;
}

static struct gc_kv_val
text(const char *s)
{
    return gc_kv_val(s, strlen(s));
}

static struct gc_kv_txn *
begin(struct fixture *f, bool write)
{
    struct gc_kv_txn *txn = NULL;

    assert_int_equal(gc_kv_begin(f->kv, write, &txn), 0);
    return txn;
}

static void
put_one(struct fixture *f, const char *key, const char *val)
{
    struct gc_kv_txn *txn = begin(f, true);

    assert_int_equal(gc_kv_put(txn, T_TEXT, text(key), text(val)), 0);
    assert_int_equal(gc_kv_commit(txn), 0);
}

static void
assert_holds(struct gc_kv_txn *txn, const char *key, const char *expected)
{
    struct gc_kv_val val;

    if (expected == NULL) {
        assert_int_equal(gc_kv_get(txn, T_TEXT, text(key), &val), GC_ENOTFOUND);
        return;
    }
    assert_int_equal(gc_kv_get(txn, T_TEXT, text(key), &val), 0);
    assert_int_equal(val.len, strlen(expected));
    assert_memory_equal(val.data, expected, val.len);
}

static void
assert_now(struct fixture *f, const char *key, const char *expected)
{
    struct gc_kv_txn *txn = begin(f, false);

    assert_holds(txn, key, expected);
    gc_kv_abort(txn);
}

static void
a_committed_value_is_read_back(void **state)
{
    struct fixture *f = *state;

    put_one(f, "name", "value");
    assert_now(f, "name", "value");
    assert_now(f, "nam", NULL);
    assert_now(f, "name2", NULL);
    put_one(f, "name", "");
    assert_now(f, "name", "");
}

static void
abort_undoes_puts_and_deletes(void **state)
{
    struct fixture *f = *state;
    struct gc_kv_txn *txn;

    put_one(f, "a", "1");
    put_one(f, "b", "2");
    txn = begin(f, true);
    assert_int_equal(gc_kv_put(txn, T_TEXT, text("a"), text("changed")), 0);
    assert_int_equal(gc_kv_del(txn, T_TEXT, text("b")), 0);
    assert_int_equal(gc_kv_put(txn, T_TEXT, text("c"), text("3")), 0);
    assert_holds(txn, "a", "changed");
    assert_holds(txn, "b", NULL);
    gc_kv_abort(txn);
    assert_now(f, "a", "1");
    assert_now(f, "b", "2");
    assert_now(f, "c", NULL);
}

static void
a_reader_sees_its_snapshot_while_others_write(void **state)
{
    struct fixture *f = *state;
    struct gc_kv_txn *reader;

    put_one(f, "k", "old");
    reader = begin(f, false);
    put_one(f, "k", "new");
    assert_holds(reader, "k", "old");
    gc_kv_abort(reader);
    assert_now(f, "k", "new");
}

static void
insert_refuses_an_existing_key_and_the_txn_lives_on(void **state)
{
    struct fixture *f = *state;
    struct gc_kv_txn *txn;

    put_one(f, "k", "first");
    txn = begin(f, true);
    assert_int_equal(gc_kv_insert(txn, T_TEXT, text("k"), text("second")), GC_EEXISTS);
    assert_int_equal(gc_kv_insert(txn, T_TEXT, text("l"), text("third")), 0);
    assert_int_equal(gc_kv_del(txn, T_TEXT, text("none")), GC_ENOTFOUND);
    assert_int_equal(gc_kv_txn_rc(txn), 0);
    assert_int_equal(gc_kv_commit(txn), 0);
    assert_now(f, "k", "first");
    assert_now(f, "l", "third");
}

static void
reserve_stores_what_the_caller_writes(void **state)
{
    struct fixture *f = *state;
    struct gc_kv_txn *txn = begin(f, true);
    struct gc_kv_val val;
    void *data = NULL;

    assert_int_equal(gc_kv_reserve(txn, T_TEXT, text("big"), GC_KV_VALUE_MAX, &data), 0);
    memset(data, 'x', GC_KV_VALUE_MAX);
    assert_int_equal(gc_kv_commit(txn), 0);
    txn = begin(f, false);
    assert_int_equal(gc_kv_get(txn, T_TEXT, text("big"), &val), 0);
    assert_int_equal(val.len, GC_KV_VALUE_MAX);
    assert_int_equal(((const char *)val.data)[GC_KV_VALUE_MAX - 1], 'x');
    gc_kv_abort(txn);
}

static void
bad_sizes_are_refused_and_spoil_the_write(void **state)
{
    struct fixture *f = *state;
    char big[GC_KV_VALUE_MAX + 1];
    uint32_t half = 7;
    struct gc_kv_txn *txn;
    struct gc_kv_val val;

    memset(big, 'k', sizeof(big));
    txn = begin(f, true);
    assert_int_equal(gc_kv_put(txn, T_TEXT, text("good"), text("1")), 0);
    assert_int_equal(gc_kv_put(txn, T_TEXT, text("big"), gc_kv_val(big, sizeof(big))), -EINVAL);
    /* Remembered: nothing works any more, commit says so and changes nothing. */
    assert_int_equal(gc_kv_put(txn, T_TEXT, text("after"), text("1")), -EINVAL);
    assert_int_equal(gc_kv_get(txn, T_TEXT, text("good"), &val), -EINVAL);
    assert_int_equal(gc_kv_txn_rc(txn), -EINVAL);
    assert_int_equal(gc_kv_commit(txn), -EINVAL);
    assert_now(f, "good", NULL);

    txn = begin(f, false);
    assert_int_equal(gc_kv_get(txn, T_TEXT, gc_kv_val(big, 0), &val), -EINVAL);
    assert_int_equal(gc_kv_get(txn, T_TEXT, gc_kv_val(big, GC_KV_KEY_MAX + 1), &val), -EINVAL);
    assert_int_equal(gc_kv_get(txn, T_TEXT, gc_kv_val(big, GC_KV_KEY_MAX), &val), GC_ENOTFOUND);
    assert_int_equal(gc_kv_get(txn, T_INT, gc_kv_val(&half, sizeof(half)), &val), -EINVAL);
    /* A read forgets. */
    assert_int_equal(gc_kv_get(txn, T_TEXT, text("x"), &val), GC_ENOTFOUND);
    gc_kv_abort(txn);

    txn = begin(f, true);
    assert_int_equal(gc_kv_put(txn, T_TEXT, gc_kv_val(big, GC_KV_KEY_MAX), text("v")), 0);
    assert_int_equal(gc_kv_commit(txn), 0);
}

static void
cursors_walk_in_byte_order(void **state)
{
    static const char *const sorted[] = { "A", "a", "aa", "ab", "b", "\xc3\xa4" };
    struct fixture *f = *state;
    struct gc_kv_cursor *cursor = NULL;
    struct gc_kv_val key, val;
    struct gc_kv_txn *txn;

    for (size_t i = 0; i < 6; i++) {
        put_one(f, sorted[(i * 5) % 6], "v");
    }
    txn = begin(f, false);
    assert_int_equal(gc_kv_cursor_open(txn, T_TEXT, &cursor), 0);
    assert_int_equal(gc_kv_seek(cursor, gc_kv_val(NULL, 0), &key, &val), 0);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(key.len, strlen(sorted[i]));
        assert_memory_equal(key.data, sorted[i], key.len);
        assert_int_equal(gc_kv_next(cursor, &key, &val), i < 5 ? 0 : GC_ENOTFOUND);
    }
    assert_int_equal(gc_kv_seek(cursor, text("ab"), &key, &val), 0);
    assert_memory_equal(key.data, "ab", 2);
    assert_int_equal(gc_kv_seek(cursor, text("aba"), &key, &val), 0);
    assert_memory_equal(key.data, "b", 1);
    assert_int_equal(gc_kv_seek(cursor, text("\xff"), &key, &val), GC_ENOTFOUND);
    assert_int_equal(gc_kv_last(cursor, &key, &val), 0);
    assert_memory_equal(key.data, "\xc3\xa4", 2);
    gc_kv_cursor_close(cursor);
    gc_kv_abort(txn);
}

static void
integer_keys_walk_in_number_order(void **state)
{
    static const uint64_t numbers[] = { 256, 1, UINT64_MAX, 0, 255, 1ull << 40 };
    static const uint64_t sorted[] = { 0, 1, 255, 256, 1ull << 40, UINT64_MAX };
    struct fixture *f = *state;
    struct gc_kv_txn *txn = begin(f, true);
    struct gc_kv_cursor *cursor = NULL;
    struct gc_kv_val key, val;
    uint64_t number;

    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(gc_kv_put(txn, T_INT, gc_kv_val(&numbers[i], 8), text("v")), 0);
    }
    assert_int_equal(gc_kv_commit(txn), 0);
    txn = begin(f, false);
    assert_int_equal(gc_kv_cursor_open(txn, T_INT, &cursor), 0);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(i == 0 ? gc_kv_seek(cursor, gc_kv_val(NULL, 0), &key, &val)
                                : gc_kv_next(cursor, &key, &val),
                         0);
        memcpy(&number, key.data, sizeof(number));
        assert_true(number == sorted[i]);
    }
    number = 2;
    assert_int_equal(gc_kv_seek(cursor, gc_kv_val(&number, 8), &key, &val), 0);
    memcpy(&number, key.data, sizeof(number));
    assert_int_equal(number, 255);
    gc_kv_cursor_close(cursor);
    gc_kv_abort(txn);
}

static void
an_empty_table_has_no_first_and_no_last(void **state)
{
    struct fixture *f = *state;
    struct gc_kv_txn *txn = begin(f, false);
    struct gc_kv_cursor *cursor = NULL;
    struct gc_kv_val key, val;

    assert_int_equal(gc_kv_cursor_open(txn, T_TEXT, &cursor), 0);
    assert_int_equal(gc_kv_seek(cursor, gc_kv_val(NULL, 0), &key, &val), GC_ENOTFOUND);
    assert_int_equal(gc_kv_last(cursor, &key, &val), GC_ENOTFOUND);
    gc_kv_cursor_close(cursor);
    gc_kv_abort(txn);
}

/* Thousands of random operations against a plain array. */
static void
random_operations_match_a_model(void **state)
{
    struct fixture *f = *state;
    uint64_t model[512] = { 0 }; /* 0 = absent */
    uint64_t trial[512];
    struct gc_prng prng;

    gc_prng_init(&prng, 20261);
    for (int round = 0; round < 60; round++) {
        struct gc_kv_txn *txn = begin(f, true);
        bool keep = gc_prng_below(&prng, 4) != 0;

        memcpy(trial, model, sizeof(trial));
        for (int i = 0; i < 200; i++) {
            uint64_t key = gc_prng_below(&prng, 512);
            uint64_t val = 1 + gc_prng_below(&prng, 1000);

            if (gc_prng_below(&prng, 2) == 0) {
                assert_int_equal(gc_kv_del(txn, T_INT, gc_kv_val(&key, 8)),
                                 trial[key] != 0 ? 0 : GC_ENOTFOUND);
                trial[key] = 0;
            } else {
                assert_int_equal(gc_kv_put(txn, T_INT, gc_kv_val(&key, 8), gc_kv_val(&val, 8)), 0);
                trial[key] = val;
            }
        }
        if (keep) {
            assert_int_equal(gc_kv_commit(txn), 0);
            memcpy(model, trial, sizeof(model));
        } else {
            gc_kv_abort(txn);
        }
        txn = begin(f, false);
        for (uint64_t key = 0; key < 512; key++) {
            struct gc_kv_val val;

            assert_int_equal(gc_kv_get(txn, T_INT, gc_kv_val(&key, 8), &val),
                             model[key] != 0 ? 0 : GC_ENOTFOUND);
            assert_true(model[key] == 0 || memcmp(val.data, &model[key], 8) == 0);
        }
        gc_kv_abort(txn);
    }
}

static void
entries_and_bytes_are_counted(void **state)
{
    struct fixture *f = *state;
    struct gc_kv_stat stat;

    put_one(f, "a", "1");
    put_one(f, "a", "2");
    put_one(f, "b", "3");
    assert_int_equal(gc_kv_stat(f->kv, &stat), 0);
    assert_int_equal(stat.entries, 2);
    assert_true(stat.used_bytes > 0 && stat.used_bytes <= stat.file_bytes);
}

static void
a_full_map_aborts_the_write_and_nothing_else(void **state)
{
    struct fixture *f = *state;
    char block[8192];
    struct gc_kv_txn *txn;
    uint64_t key = 0;
    int rc = 0;

    memset(block, 'b', sizeof(block));
    put_one(f, "k", "v");
    txn = begin(f, true);
    while (rc == 0 && key < 2 * MAP_BYTES / sizeof(block)) {
        rc = gc_kv_put(txn, T_INT, gc_kv_val(&key, 8), gc_kv_val(block, sizeof(block)));
        key++;
    }
    assert_int_equal(rc, GC_EFULL);
    assert_int_equal(gc_kv_commit(txn), GC_EFULL);
    assert_now(f, "k", "v");
    put_one(f, "k2", "v2");
    assert_now(f, "k2", "v2");
}

struct racer {
    struct fixture *f;
    struct gc_thread thread;
    int failures;
};

/* A writer keeps two keys equal; each reader must never see them differ. */
static void
race_writer(void *arg)
{
    struct racer *r = arg;

    for (int i = 0; i < 200; i++) {
        struct gc_kv_txn *txn = NULL;
        char val[16];

        snprintf(val, sizeof(val), "%d", i);
        if (gc_kv_begin(r->f->kv, true, &txn) != 0) {
            r->failures++;
            continue;
        }
        (void)gc_kv_put(txn, T_TEXT, text("x"), text(val));
        (void)gc_kv_put(txn, T_TEXT, text("y"), text(val));
        r->failures += gc_kv_commit(txn) != 0;
    }
}

static void
race_reader(void *arg)
{
    struct racer *r = arg;

    for (int i = 0; i < 2000; i++) {
        struct gc_kv_txn *txn = NULL;
        struct gc_kv_val x, y;

        if (gc_kv_begin(r->f->kv, false, &txn) != 0) {
            r->failures++;
            continue;
        }
        if (gc_kv_get(txn, T_TEXT, text("x"), &x) != 0 ||
            gc_kv_get(txn, T_TEXT, text("y"), &y) != 0 || x.len != y.len ||
            memcmp(x.data, y.data, x.len) != 0) {
            r->failures++;
        }
        gc_kv_abort(txn);
    }
}

static void
threads_read_while_one_writes(void **state)
{
    struct fixture *f = *state;
    struct racer racers[4] = { 0 };

    put_one(f, "x", "-");
    put_one(f, "y", "-");
    for (int i = 0; i < 4; i++) {
        racers[i].f = f;
        assert_int_equal(gc_thread_start(&racers[i].thread, "race",
                                         i < 2 ? race_writer : race_reader, &racers[i]),
                         0);
    }
    for (int i = 0; i < 4; i++) {
        gc_thread_join(&racers[i].thread);
        assert_int_equal(racers[i].failures, 0);
    }
}

/* --- memory only --- */

static void
a_crash_forgets_what_was_held_back(void **state)
{
    struct fixture *f = *state;

    put_one(f, "synced", "1");
    gc_kv_mem_hold_sync(f->kv, true);
    put_one(f, "held", "2");
    put_one(f, "synced", "3");
    assert_now(f, "held", "2");
    gc_kv_mem_crash(f->kv);
    assert_now(f, "held", NULL);
    assert_now(f, "synced", "1");
    put_one(f, "held", "4");
    gc_kv_mem_hold_sync(f->kv, false);
    gc_kv_mem_crash(f->kv);
    assert_now(f, "held", "4");
}

/* Unbalanced, the tree would be a list and its recursion overflow the stack. */
static void
rising_keys_keep_the_tree_flat(void **state)
{
    struct fixture *f = *state;
    struct gc_kv_txn *txn;
    struct gc_kv_stat stat;

    gc_kv_close(f->kv);
    f->conf.map_bytes = 0;
    fixture_open(f);
    txn = begin(f, true);
    for (uint64_t key = 0; key < 200000; key++) {
        assert_int_equal(gc_kv_put(txn, T_INT, gc_kv_val(&key, 8), gc_kv_val("v", 1)), 0);
    }
    for (uint64_t key = 0; key < 190000; key++) {
        assert_int_equal(gc_kv_del(txn, T_INT, gc_kv_val(&key, 8)), 0);
    }
    assert_int_equal(gc_kv_commit(txn), 0);
    assert_int_equal(gc_kv_stat(f->kv, &stat), 0);
    assert_int_equal(stat.entries, 10000);
}

static void
memory_has_no_file_offsets(void **state)
{
    struct fixture *f = *state;
    struct gc_kv_txn *txn;
    uint64_t offset;
    int fd;

    txn = begin(f, false);
    assert_int_equal(gc_kv_file_offset(txn, text("x"), &fd, &offset), -ENOTSUP);
    gc_kv_abort(txn);
}

/* --- LMDB only --- */

static void
values_survive_closing_and_the_file_is_private(void **state)
{
    struct fixture *f = *state;
    struct stat st;

    put_one(f, "k", "v");
    gc_kv_close(f->kv);
    fixture_open(f);
    assert_now(f, "k", "v");
    assert_int_equal(stat(f->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void
a_value_is_where_its_file_offset_says(void **state)
{
    struct fixture *f = *state;
    char block[10000], back[10000];
    struct gc_kv_txn *txn = begin(f, true);
    struct gc_kv_val val;
    uint64_t offset = 0;
    int fd = -1;

    for (size_t i = 0; i < sizeof(block); i++) {
        block[i] = (char)(i * 7);
    }
    assert_int_equal(gc_kv_put(txn, T_TEXT, text("k"), gc_kv_val(block, sizeof(block))), 0);
    assert_int_equal(gc_kv_commit(txn), 0);
    txn = begin(f, false);
    assert_int_equal(gc_kv_get(txn, T_TEXT, text("k"), &val), 0);
    assert_int_equal(gc_kv_file_offset(txn, val, &fd, &offset), 0);
    assert_int_equal(pread(fd, back, sizeof(back), (off_t)offset), sizeof(back));
    assert_memory_equal(back, block, sizeof(block));
    gc_kv_trim(f->kv);
    assert_memory_equal(val.data, block, sizeof(block));
    gc_kv_abort(txn);
}

static void
what_is_no_data_file_is_refused(void **state)
{
    struct fixture *f = *state;
    struct gc_kv *kv = NULL;
    char junk[8192];
    int fd;

    gc_kv_close(f->kv);
    f->kv = NULL;
    memset(junk, 'j', sizeof(junk));
    fd = open(f->path, O_WRONLY | O_TRUNC);
    assert_int_equal(write(fd, junk, sizeof(junk)), sizeof(junk));
    close(fd);
    assert_int_equal(gc_kv_open(&f->conf, &kv), GC_ECORRUPT);
    f->conf.path = "/nonexistent/data.mdb";
    assert_int_equal(gc_kv_open(&f->conf, &kv), -ENOENT);
    assert_null(kv);
}

static void
bulk_environments_take_whole_chunks(void **state)
{
    struct fixture *f = *state;
    struct gc_kv_txn *txn;
    uint64_t key = 1;
    void *data;

    txn = begin(f, true);
    assert_int_equal(gc_kv_reserve(txn, T_INT, gc_kv_val(&key, 8), GC_KV_CHUNK_MAX, &data),
                     -EINVAL);
    gc_kv_abort(txn);
    gc_kv_close(f->kv);
    f->conf.no_readahead = true;
    fixture_open(f);
    txn = begin(f, true);
    assert_int_equal(gc_kv_reserve(txn, T_INT, gc_kv_val(&key, 8), GC_KV_CHUNK_MAX, &data), 0);
    memset(data, 1, GC_KV_CHUNK_MAX);
    assert_int_equal(gc_kv_commit(txn), 0);
}

/* The child counts up in commits, telling each one after it; killed, every count it told must be
 * there. */
static void
child_count(const struct gc_kv_conf *conf, int out)
{
    struct gc_kv *kv = NULL;

    if (gc_kv_open(conf, &kv) != 0) {
        _exit(1);
    }
    for (uint64_t n = 1;; n++) {
        struct gc_kv_txn *txn = NULL;

        if (gc_kv_begin(kv, true, &txn) != 0 ||
            gc_kv_put(txn, T_INT, gc_kv_val(&n, 8), gc_kv_val(&n, 8)) != 0 ||
            gc_kv_commit(txn) != 0 || write(out, &n, sizeof(n)) != sizeof(n)) {
            _exit(1);
        }
    }
}

static void
a_killed_writer_loses_nothing_it_told(void **state)
{
    struct fixture *f = *state;
    uint64_t told = 0, n;
    struct gc_kv_txn *txn;
    struct gc_kv_val val;
    int fds[2];
    pid_t pid;

    gc_kv_close(f->kv);
    f->kv = NULL;
    assert_int_equal(pipe(fds), 0);
    pid = fork();
    if (pid == 0) {
        close(fds[0]);
        child_count(&f->conf, fds[1]);
    }
    close(fds[1]);
    while (read(fds[0], &n, sizeof(n)) == sizeof(n)) {
        told = n;
        if (told == 50) {
            kill(pid, SIGKILL);
        }
    }
    close(fds[0]);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_true(told >= 50);
    fixture_open(f);
    txn = begin(f, false);
    for (n = 1; n <= told; n++) {
        assert_int_equal(gc_kv_get(txn, T_INT, gc_kv_val(&n, 8), &val), 0);
        assert_memory_equal(val.data, &n, 8);
    }
    gc_kv_abort(txn);
    put_one(f, "next", "writer");
}

/* LMDB says EIO for a write that stops short. */
static void
a_full_disk_is_told_from_a_broken_one(void **state)
{
    struct fixture *f = *state;
    char mnt[96], path[128], block[8192] = { 1 };
    struct gc_kv_txn *txn;
    uint64_t key = 0;

    snprintf(mnt, sizeof(mnt), "%s/mnt", f->dir);
    assert_int_equal(mkdir(mnt, 0700), 0);
    if (mount("none", mnt, "tmpfs", 0, "size=4m") != 0) {
        rmdir(mnt);
        print_message("SKIPPED: no permission to mount a tmpfs, the full disk is not tested\n");
        skip();
    }
    gc_kv_close(f->kv);
    snprintf(path, sizeof(path), "%s/data.mdb", mnt);
    f->conf.path = path;
    fixture_open(f);
    put_one(f, "k", "v");
    txn = begin(f, true);
    for (; key < 1000; key++) {
        assert_int_equal(gc_kv_put(txn, T_INT, gc_kv_val(&key, 8), gc_kv_val(block, sizeof(block))),
                         0);
    }
    assert_int_equal(gc_kv_commit(txn), GC_EFULL);
    assert_now(f, "k", "v");
    put_one(f, "k", "w"); /* in pages that the failed transaction had taken */
    assert_now(f, "k", "w");
    gc_kv_close(f->kv);
    fixture_open(f);
    assert_now(f, "k", "w");
    gc_kv_close(f->kv);
    f->kv = NULL;
    umount(mnt);
    rmdir(mnt);
}

#define CASE_LMDB(fn) cmocka_unit_test_setup_teardown(fn, setup_lmdb, teardown)
#define CASE_MEM(fn)  cmocka_unit_test_setup_teardown(fn, setup_mem, teardown)
#define CASE_BOTH(fn) CASE_LMDB(fn), CASE_MEM(fn)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE_BOTH(a_committed_value_is_read_back),
        CASE_BOTH(abort_undoes_puts_and_deletes),
        CASE_BOTH(a_reader_sees_its_snapshot_while_others_write),
        CASE_BOTH(insert_refuses_an_existing_key_and_the_txn_lives_on),
        CASE_BOTH(reserve_stores_what_the_caller_writes),
        CASE_BOTH(bad_sizes_are_refused_and_spoil_the_write),
        CASE_BOTH(cursors_walk_in_byte_order),
        CASE_BOTH(integer_keys_walk_in_number_order),
        CASE_BOTH(an_empty_table_has_no_first_and_no_last),
        CASE_BOTH(random_operations_match_a_model),
        CASE_BOTH(entries_and_bytes_are_counted),
        CASE_BOTH(a_full_map_aborts_the_write_and_nothing_else),
        CASE_BOTH(threads_read_while_one_writes),
        CASE_MEM(a_crash_forgets_what_was_held_back),
        CASE_MEM(rising_keys_keep_the_tree_flat),
        CASE_MEM(memory_has_no_file_offsets),
        CASE_LMDB(values_survive_closing_and_the_file_is_private),
        CASE_LMDB(a_value_is_where_its_file_offset_says),
        CASE_LMDB(what_is_no_data_file_is_refused),
        CASE_LMDB(bulk_environments_take_whole_chunks),
        CASE_LMDB(a_full_disk_is_told_from_a_broken_one),
        CASE_LMDB(a_killed_writer_loses_nothing_it_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
