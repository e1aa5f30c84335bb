/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/meta_env.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/endian.h"
#include "base/macros.h"
#include "core/principal.h"

static const char *const tables[] = { "other", GC_META_TABLE_NAMES, NULL };

void
meta_env_open(struct meta_env *env, bool mem)
{
    static const uint8_t cluster_id[16] = "test cluster id";
    char path[96];
    struct gc_kv_conf conf = { .path = path, .tables = tables, .map_bytes = 1u << 30 };

    memset(env, 0, sizeof(*env));
    snprintf(env->dir, sizeof(env->dir), "/tmp/gc_meta.XXXXXX");
    assert_non_null(mkdtemp(env->dir));
    snprintf(path, sizeof(path), "%s/raft.mdb", env->dir);
    conf.unsafe_no_sync = !mem;
    assert_int_equal(mem ? gc_kv_open_mem(&conf, &env->kv) : gc_kv_open(&conf, &env->kv), 0);
    assert_int_equal(gc_meta_init(&env->meta, 1), 0);
    gc_arena_init(&env->arena, 16u << 20);
    env->time_ms = META_ENV_TIME_0;
    env->next_id = 1;
    env->next_blob = 1;
    assert_int_equal(gc_kv_begin(env->kv, true, &env->txn), 0);
    assert_int_equal(gc_meta_create(&env->meta, env->txn, cluster_id, env->time_ms), 0);
    assert_int_equal(gc_kv_commit(env->txn), 0);
    env->txn = NULL;
}

void
meta_env_close(struct meta_env *env)
{
    static const char *const files[] = { "raft.mdb", "raft.mdb-lock" };
    char path[96];

    assert_null(env->txn);
    gc_arena_fini(&env->arena);
    gc_meta_fini(&env->meta);
    gc_kv_close(env->kv);
    for (size_t i = 0; i < GC_ARRAY_LEN(files); i++) {
        snprintf(path, sizeof(path), "%s/%s", env->dir, files[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(env->dir), 0);
}

static void
register_server(struct meta_env *env, unsigned n)
{
    struct gc_meta_command cmd = meta_env_command(env, GC_META_OP_REGISTER_SERVER);
    char node[16];
    char address[32];

    snprintf(node, sizeof(node), "f%u", n);
    snprintf(address, sizeof(address), "127.0.0.1:%u", 7500 + n);
    cmd.u.register_server.node = gc_str_of(node);
    cmd.u.register_server.address = gc_str_of(address);
    cmd.u.register_server.zone = GC_STR("z");
    cmd.u.register_server.weight = 10;
    cmd.u.register_server.store_uuid[0] = (uint8_t)n;
    cmd.u.register_server.generation = 1;
    assert_int_equal(meta_env_apply(env, &cmd).number, n);
}

void
meta_env_ready(struct meta_env *env)
{
    struct gc_meta_command cmd;
    struct gc_meta_result result;

    for (unsigned n = 1; n <= 3; n++) {
        register_server(env, n);
    }
    cmd = meta_env_command(env, GC_META_OP_GRANT_EPOCH);
    cmd.u.grant_epoch.process = GC_STR("t1");
    env->epoch = meta_env_apply(env, &cmd).number;
    cmd = meta_env_command(env, GC_META_OP_CREATE_BUCKET);
    cmd.u.create_bucket.name = GC_STR("bucket");
    result = meta_env_apply(env, &cmd);
    assert_int_equal(result.err, GC_API_OK);
    env->bucket_id = result.number;
}

struct gc_meta_command
meta_env_command(struct meta_env *env, enum gc_meta_op op)
{
    struct gc_meta_command cmd = {
        .op = op,
        .expires_at_ms = env->time_ms + 60000,
        .principal = GC_STR("alice"),
        .role = GC_ROLE_DATA,
    };

    gc_put_be64(cmd.request_id, env->next_id++);
    return cmd;
}

struct gc_meta_result
meta_env_apply(struct meta_env *env, const struct gc_meta_command *cmd)
{
    struct gc_meta_entry entry = { .index = env->index + 1, .term = 1, .time_ms = env->time_ms };
    struct gc_meta_result result;
    struct gc_kv_txn *txn;
    struct gc_buf buf;

    gc_buf_init(&buf, GC_META_COMMAND_BYTES_MAX);
    assert_int_equal(gc_meta_command_encode(cmd, &buf), 0);
    assert_int_equal(gc_kv_begin(env->kv, true, &txn), 0);
    assert_int_equal(gc_meta_begin(&env->meta, txn, &entry), 0);
    assert_int_equal(gc_meta_apply(&env->meta, buf.data, buf.len, &result), 0);
    assert_int_equal(gc_meta_end(&env->meta), 0);
    assert_int_equal(gc_kv_commit(txn), 0);
    gc_buf_fini(&buf);
    env->index++;
    return result;
}

struct gc_meta_command
meta_env_put(struct meta_env *env, const char *key, uint64_t length, struct gc_meta_extent *extent)
{
    struct gc_meta_command cmd = meta_env_command(env, GC_META_OP_PUT_OBJECT);
    struct gc_meta_put_object *put = &cmd.u.put_object;

    *extent = (struct gc_meta_extent){
        .id = { env->epoch, env->next_blob++ },
        .length = length,
        .servers = { 1, 2 },
        .n_servers = 2,
    };
    put->bucket_id = env->bucket_id;
    put->key = gc_str_of(key);
    put->object.length = length;
    put->object.crc32c = 7;
    gc_put_be64(put->object.md5, env->next_blob);
    put->object.extents = extent;
    put->object.n_extents = length > 0 ? 1 : 0;
    return cmd;
}

struct gc_meta_result
meta_env_put_ok(struct meta_env *env, const char *key)
{
    struct gc_meta_extent extent;
    struct gc_meta_command cmd = meta_env_put(env, key, 100, &extent);
    struct gc_meta_result result = meta_env_apply(env, &cmd);

    assert_int_equal(result.err, GC_API_OK);
    return result;
}

struct gc_meta_result
meta_env_delete(struct meta_env *env, const char *key)
{
    struct gc_meta_command cmd = meta_env_command(env, GC_META_OP_DELETE_OBJECT);

    cmd.u.delete_object.bucket_id = env->bucket_id;
    cmd.u.delete_object.key = gc_str_of(key);
    return meta_env_apply(env, &cmd);
}

struct gc_meta_read
meta_env_read(struct meta_env *env)
{
    assert_null(env->txn);
    assert_int_equal(gc_kv_begin(env->kv, false, &env->txn), 0);
    return (struct gc_meta_read){ .meta = &env->meta, .txn = env->txn, .arena = &env->arena };
}

void
meta_env_read_end(struct meta_env *env)
{
    gc_kv_abort(env->txn);
    env->txn = NULL;
    gc_arena_reset(&env->arena);
}

struct gc_meta_state
meta_env_state(struct meta_env *env)
{
    struct gc_meta_read rd = meta_env_read(env);
    struct gc_meta_state state;

    assert_int_equal(gc_meta_get_state(&rd, &state), 0);
    meta_env_read_end(env);
    return state;
}

void
meta_env_check(struct meta_env *env)
{
    struct gc_meta_read rd = meta_env_read(env);
    struct gc_meta_check check;

    assert_int_equal(gc_meta_check(&env->meta, rd.txn, &check), 0);
    if (check.problem != NULL) {
        fail_msg("state: %s", check.problem);
    }
    meta_env_read_end(env);
}
