/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Each command: what it does, what it refuses, what it leaves behind; on both backends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "core/principal.h"
#include "tests/support/meta_env.h"

static int
setup(void **state, bool mem)
{
    struct meta_env *env = calloc(1, sizeof(*env));

    meta_env_open(env, mem);
    meta_env_ready(env);
    *state = env;
    return 0;
}

static int
setup_mem(void **state)
{
    return setup(state, true);
}

static int
setup_lmdb(void **state)
{
    return setup(state, false);
}

static int
teardown(void **state)
{
    struct meta_env *env = *state;

    meta_env_check(env);
    meta_env_close(env);
    free(env);
    return 0;
}

static int
get(struct meta_env *env, const char *key, struct gc_meta_object *ret_object)
{
    struct gc_meta_read rd = meta_env_read(env);
    int rc = gc_meta_get_object(&rd, env->bucket_id, gc_str_of(key), ret_object);

    meta_env_read_end(env);
    return rc;
}

static enum gc_meta_blob_state
blob_state(struct meta_env *env, uint64_t counter)
{
    struct gc_meta_read rd = meta_env_read(env);
    struct gc_blob_id id = { env->epoch, counter };
    enum gc_meta_blob_state state;

    assert_int_equal(gc_meta_get_blob(&rd, &id, &state), 0);
    meta_env_read_end(env);
    return state;
}

static size_t
gc_rows(struct meta_env *env, uint32_t server, uint64_t after, struct gc_meta_gc_row *rows,
        size_t max)
{
    struct gc_meta_read rd = meta_env_read(env);
    size_t n;

    assert_int_equal(gc_meta_list_gc(&rd, server, after, max, rows, &n), 0);
    meta_env_read_end(env);
    return n;
}

static enum gc_api_err
apply_err(struct meta_env *env, const struct gc_meta_command *cmd)
{
    return meta_env_apply(env, cmd).err;
}

/* --- buckets --- */

static void
a_bucket_is_found_by_name_and_by_id(void **state)
{
    struct meta_env *env = *state;
    struct gc_meta_read rd = meta_env_read(env);
    struct gc_meta_bucket bucket;

    assert_int_equal(gc_meta_find_bucket(&rd, GC_STR("bucket"), &bucket), 0);
    assert_int_equal(bucket.id, env->bucket_id);
    assert_int_equal(gc_meta_get_bucket(&rd, bucket.id, &bucket), 0);
    assert_true(gc_str_eq_cstr(bucket.name, "bucket"));
    assert_true(gc_str_eq_cstr(bucket.owner, "alice"));
    assert_int_equal(bucket.copies, 3);
    assert_int_equal(bucket.quorum, 2);
    assert_int_equal(bucket.created_ms, META_ENV_TIME_0);
    assert_int_equal(gc_meta_find_bucket(&rd, GC_STR("nothing"), &bucket), GC_ENOTFOUND);
    meta_env_read_end(env);
}

static void
a_name_in_use_is_refused_as_ones_own_or_as_anothers(void **state)
{
    struct meta_env *env = *state;
    struct gc_meta_command cmd = meta_env_command(env, GC_META_OP_CREATE_BUCKET);

    cmd.u.create_bucket.name = GC_STR("bucket");
    assert_int_equal(apply_err(env, &cmd), GC_API_BucketAlreadyOwnedByYou);
    cmd = meta_env_command(env, GC_META_OP_CREATE_BUCKET);
    cmd.u.create_bucket.name = GC_STR("bucket");
    cmd.principal = GC_STR("bob");
    assert_int_equal(apply_err(env, &cmd), GC_API_BucketAlreadyExists);
    assert_int_equal(meta_env_state(env).n_buckets, 1);
}

static void
bad_names_and_readers_make_no_bucket(void **state)
{
    struct meta_env *env = *state;
    struct gc_meta_command cmd = meta_env_command(env, GC_META_OP_CREATE_BUCKET);

    cmd.u.create_bucket.name = GC_STR("Not_A_Bucket");
    assert_int_equal(apply_err(env, &cmd), GC_API_InvalidBucketName);
    cmd = meta_env_command(env, GC_META_OP_CREATE_BUCKET);
    cmd.u.create_bucket.name = GC_STR("another");
    cmd.role = GC_ROLE_READ;
    assert_int_equal(apply_err(env, &cmd), GC_API_AccessDenied);
    assert_int_equal(meta_env_state(env).n_buckets, 1);
}

static void
only_an_empty_bucket_of_ones_own_is_deleted(void **state)
{
    struct meta_env *env = *state;
    struct gc_meta_command cmd = meta_env_command(env, GC_META_OP_DELETE_BUCKET);

    meta_env_put_ok(env, "x");
    cmd.u.delete_bucket.bucket_id = env->bucket_id;
    assert_int_equal(apply_err(env, &cmd), GC_API_BucketNotEmpty);
    meta_env_delete(env, "x");

    cmd = meta_env_command(env, GC_META_OP_DELETE_BUCKET);
    cmd.u.delete_bucket.bucket_id = env->bucket_id;
    cmd.principal = GC_STR("bob");
    assert_int_equal(apply_err(env, &cmd), GC_API_AccessDenied);

    cmd = meta_env_command(env, GC_META_OP_DELETE_BUCKET);
    cmd.u.delete_bucket.bucket_id = env->bucket_id;
    assert_int_equal(apply_err(env, &cmd), GC_API_OK);

    cmd = meta_env_command(env, GC_META_OP_DELETE_BUCKET);
    cmd.u.delete_bucket.bucket_id = env->bucket_id;
    assert_int_equal(apply_err(env, &cmd), GC_API_NoSuchBucket);
    assert_int_equal(meta_env_state(env).n_buckets, 0);
}

/* --- objects --- */

static void
a_put_is_read_back_with_all_it_said(void **state)
{
    struct meta_env *env = *state;
    struct gc_meta_field fields[] = { { GC_STR("content-type"), GC_STR("text/plain") },
                                      { GC_STR("x-amz-meta-a"), GC_STR("") } };
    struct gc_meta_extent extents[8];
    struct gc_meta_command cmd = meta_env_put(env, "a/b", 800, &extents[0]);
    struct gc_meta_read rd;
    struct gc_meta_object object;
    struct gc_meta_result result;

    for (unsigned i = 0; i < 8; i++) {
        extents[i] = (struct gc_meta_extent){ .id = { env->epoch, 100 + i },
                                              .offset = i,
                                              .length = 100,
                                              .servers = { 3, 1 + i % 2 },
                                              .n_servers = 2 };
    }
    cmd.u.put_object.object.n_extents = 8;
    cmd.u.put_object.object.fields = fields;
    cmd.u.put_object.object.n_fields = 2;
    cmd.u.put_object.object.mtime_ms = 12345;
    result = meta_env_apply(env, &cmd);
    assert_int_equal(result.err, GC_API_OK);
    assert_int_equal(result.mtime_ms, 12345);

    rd = meta_env_read(env);
    assert_int_equal(gc_meta_get_object(&rd, env->bucket_id, GC_STR("a/b"), &object), 0);
    assert_int_equal(object.length, 800);
    assert_int_equal(object.version, result.index);
    assert_int_equal(object.mtime_ms, 12345);
    assert_int_equal(object.crc32c, 7);
    assert_memory_equal(object.md5, cmd.u.put_object.object.md5, 16);
    assert_int_equal(object.n_fields, 2);
    assert_true(gc_str_eq_cstr(object.fields[0].value, "text/plain"));
    assert_int_equal(object.n_extents, 8);
    assert_int_equal(object.extents[7].id.counter, 107);
    assert_int_equal(object.extents[7].offset, 7);
    assert_int_equal(object.extents[7].servers[1], 2);
    assert_int_equal(gc_meta_head_object(&rd, env->bucket_id, GC_STR("a/b"), &object), 0);
    assert_int_equal(object.n_extents, 0);
    assert_int_equal(object.n_fields, 2);
    meta_env_read_end(env);
}

static void
an_overwrite_queues_the_old_blob_on_each_of_its_servers(void **state)
{
    struct meta_env *env = *state;
    struct gc_meta_gc_row rows[4];
    uint64_t index;

    meta_env_put_ok(env, "x");
    assert_int_equal(blob_state(env, 1), GC_META_BLOB_REFERENCED);
    index = meta_env_put_ok(env, "x").index;
    assert_int_equal(blob_state(env, 1), GC_META_BLOB_QUEUED);
    assert_int_equal(blob_state(env, 2), GC_META_BLOB_REFERENCED);
    assert_int_equal(gc_rows(env, 1, 0, rows, 4), 1);
    assert_int_equal(rows[0].id.counter, 1);
    assert_int_equal(rows[0].index, index);
    assert_int_equal(gc_rows(env, 2, 0, rows, 4), 1);
    assert_int_equal(gc_rows(env, 3, 0, rows, 4), 0);
    assert_int_equal(meta_env_state(env).n_objects, 1);
}

static void
acknowledged_rows_go_and_the_blob_is_garbage_after_the_last(void **state)
{
    struct meta_env *env = *state;
    struct gc_meta_command cmd;
    struct gc_meta_gc_row rows[4];

    meta_env_put_ok(env, "x");
    meta_env_delete(env, "x");
    for (uint32_t server = 1; server <= 2; server++) {
        assert_int_equal(blob_state(env, 1), GC_META_BLOB_QUEUED);
        assert_int_equal(gc_rows(env, server, 0, rows, 4), 1);
        assert_int_equal(gc_rows(env, server, rows[0].seq, rows, 4), 0);
        cmd = meta_env_command(env, GC_META_OP_GC_ACK);
        cmd.u.gc_ack.server = server;
        cmd.u.gc_ack.upto = rows[0].seq;
        assert_int_equal(meta_env_apply(env, &cmd).number, 1);
    }
    /* Its counter is not below the watermark, so somebody might still introduce it. */
    assert_int_equal(blob_state(env, 1), GC_META_BLOB_UNDECIDED);
    cmd = meta_env_command(env, GC_META_OP_SET_WATERMARK);
    cmd.u.set_watermark.epoch = env->epoch;
    cmd.u.set_watermark.counter = 2;
    assert_int_equal(apply_err(env, &cmd), GC_API_OK);
    assert_int_equal(blob_state(env, 1), GC_META_BLOB_GARBAGE);
    assert_int_equal(blob_state(env, 2), GC_META_BLOB_UNDECIDED);
    assert_int_equal(meta_env_state(env).n_gc_rows, 0);
}

static void
an_ack_takes_a_bounded_number_of_rows_and_says_how_many(void **state)
{
    struct meta_env *env = *state;
    struct gc_meta_extent *extents = calloc(1500, sizeof(*extents));
    struct gc_meta_command cmd = meta_env_put(env, "many", 1500, &extents[0]);

    for (unsigned i = 0; i < 1500; i++) {
        extents[i] = (struct gc_meta_extent){
            .id = { env->epoch, 10 + i }, .length = 1, .servers = { 1, 2, 3 }, .n_servers = 3
        };
    }
    cmd.u.put_object.object.n_extents = 1500;
    assert_int_equal(apply_err(env, &cmd), GC_API_OK);
    meta_env_delete(env, "many");
    cmd = meta_env_command(env, GC_META_OP_GC_ACK);
    cmd.u.gc_ack.server = 2;
    cmd.u.gc_ack.upto = UINT64_MAX;
    assert_int_equal(meta_env_apply(env, &cmd).number, GC_META_GC_ACK_ROWS);
    cmd = meta_env_command(env, GC_META_OP_GC_ACK);
    cmd.u.gc_ack.server = 2;
    cmd.u.gc_ack.upto = UINT64_MAX;
    assert_int_equal(meta_env_apply(env, &cmd).number, 500);
    assert_int_equal(meta_env_state(env).n_gc_rows, 3000);
    free(extents);
}

static void
deleting_what_is_not_there_is_success_that_changes_nothing(void **state)
{
    struct meta_env *env = *state;
    struct gc_meta_result result = meta_env_delete(env, "x");

    assert_int_equal(result.err, GC_API_OK);
    assert_int_equal(result.number, 0);
    meta_env_put_ok(env, "x");
    assert_int_equal(meta_env_delete(env, "x").number, 1);
    assert_int_equal(get(env, "x", &(struct gc_meta_object){ 0 }), GC_ENOTFOUND);
}

static void
many_extents_become_a_manifest_and_go_with_it(void **state)
{
    struct meta_env *env = *state;
    struct gc_meta_extent extents[500];
    struct gc_meta_command cmd = meta_env_put(env, "big", 500, &extents[0]);
    struct gc_meta_object object;
    struct gc_meta_read rd;

    for (unsigned i = 0; i < 500; i++) {
        extents[i] = (struct gc_meta_extent){
            .id = { env->epoch, 1000 + i }, .length = 1, .servers = { 1, 3 }, .n_servers = 2
        };
    }
    cmd.u.put_object.object.n_extents = 500;
    assert_int_equal(apply_err(env, &cmd), GC_API_OK);
    assert_int_equal(meta_env_state(env).n_manifests, 1);
    assert_int_equal(blob_state(env, 1499), GC_META_BLOB_REFERENCED);

    rd = meta_env_read(env);
    assert_int_equal(gc_meta_get_object(&rd, env->bucket_id, GC_STR("big"), &object), 0);
    assert_int_equal(object.n_extents, 500);
    assert_int_equal(object.extents[499].id.counter, 1499);
    assert_int_equal(object.extents[200].id.counter, 1200);
    meta_env_read_end(env);
    meta_env_check(env);

    meta_env_delete(env, "big");
    assert_int_equal(meta_env_state(env).n_manifests, 0);
    assert_int_equal(meta_env_state(env).n_blobs, 0);
    assert_int_equal(meta_env_state(env).n_gc_rows, 1000);
    assert_int_equal(blob_state(env, 1000), GC_META_BLOB_QUEUED);
}

static void
fewer_copies_than_wanted_open_a_job_fewer_than_the_quorum_are_refused(void **state)
{
    struct meta_env *env = *state;
    struct gc_meta_extent extent;
    struct gc_meta_command cmd = meta_env_put(env, "x", 10, &extent);

    extent.n_servers = 1;
    assert_int_equal(apply_err(env, &cmd), GC_API_ServiceUnavailable);
    assert_int_equal(meta_env_state(env).n_objects, 0);
    extent.n_servers = 2; /* the same request: such a refusal is not remembered */
    assert_int_equal(apply_err(env, &cmd), GC_API_OK);
    assert_int_equal(meta_env_state(env).n_jobs, 1);

    cmd = meta_env_put(env, "y", 10, &extent);
    extent.servers[2] = 3;
    extent.n_servers = 3;
    assert_int_equal(apply_err(env, &cmd), GC_API_OK);
    assert_int_equal(meta_env_state(env).n_jobs, 1);
    meta_env_delete(env, "x");
    assert_int_equal(meta_env_state(env).n_jobs, 0);
}

static void
a_put_that_does_not_add_up_is_refused(void **state)
{
    struct meta_env *env = *state;
    struct gc_meta_extent extents[2];
    struct gc_meta_command cmd = meta_env_put(env, "x", 10, &extents[0]);

    cmd.u.put_object.object.length = 11;
    assert_int_equal(apply_err(env, &cmd), GC_API_InvalidArgument);
    cmd = meta_env_put(env, "x", 10, &extents[0]);
    extents[0].servers[1] = 1; /* named twice */
    assert_int_equal(apply_err(env, &cmd), GC_API_InvalidArgument);
    cmd = meta_env_put(env, "x", 10, &extents[0]);
    extents[0].servers[1] = 9; /* nobody */
    assert_int_equal(apply_err(env, &cmd), GC_API_InvalidArgument);
    cmd = meta_env_put(env, "x", 10, &extents[0]);
    extents[1] = extents[0]; /* a blob twice */
    cmd.u.put_object.object.length = 20;
    cmd.u.put_object.object.n_extents = 2;
    assert_int_equal(apply_err(env, &cmd), GC_API_InvalidArgument);
    cmd = meta_env_put(env, "x", 10, &extents[0]);
    meta_env_put_ok(env, "y");
    extents[0].id.counter = env->next_blob - 1; /* another object's */
    assert_int_equal(apply_err(env, &cmd), GC_API_InvalidArgument);
    cmd = meta_env_put(env, "\xff", 0, &extents[0]);
    assert_int_equal(apply_err(env, &cmd), GC_API_InvalidURI);
    assert_int_equal(meta_env_state(env).n_objects, 1);
}

static void
conditions_are_evaluated_at_the_index_of_the_command(void **state)
{
    struct meta_env *env = *state;
    struct gc_meta_extent extent;
    struct gc_meta_command cmd = meta_env_put(env, "x", 10, &extent);
    char etag[40];

    cmd.u.put_object.conditions.if_match = GC_STR("\"0123456789abcdef0123456789abcdef\"");
    assert_int_equal(apply_err(env, &cmd), GC_API_NoSuchKey);
    cmd = meta_env_put(env, "x", 10, &extent);
    cmd.u.put_object.conditions.if_none_match = GC_STR("*");
    assert_int_equal(apply_err(env, &cmd), GC_API_OK);
    gc_hex_encode(etag, cmd.u.put_object.object.md5, 16);
    cmd = meta_env_put(env, "x", 10, &extent);
    cmd.u.put_object.conditions.if_none_match = GC_STR("*");
    assert_int_equal(apply_err(env, &cmd), GC_API_PreconditionFailed);
    cmd = meta_env_put(env, "x", 10, &extent);
    cmd.u.put_object.conditions.if_match = gc_str_of(etag);
    assert_int_equal(apply_err(env, &cmd), GC_API_OK);
    cmd = meta_env_command(env, GC_META_OP_DELETE_OBJECT);
    cmd.u.delete_object.bucket_id = env->bucket_id;
    cmd.u.delete_object.key = GC_STR("x");
    cmd.u.delete_object.conditions.if_match = gc_str_of(etag); /* the one before */
    assert_int_equal(apply_err(env, &cmd), GC_API_PreconditionFailed);
    assert_int_equal(meta_env_state(env).n_objects, 1);
}

static void
others_may_not_write(void **state)
{
    struct meta_env *env = *state;
    struct gc_meta_extent extent;
    struct gc_meta_command cmd = meta_env_put(env, "x", 10, &extent);

    cmd.principal = GC_STR("bob");
    assert_int_equal(apply_err(env, &cmd), GC_API_AccessDenied);
    cmd = meta_env_put(env, "x", 10, &extent);
    cmd.principal = GC_STR("");
    cmd.role = GC_ROLE_ANONYMOUS;
    assert_int_equal(apply_err(env, &cmd), GC_API_AccessDenied);
    cmd = meta_env_put(env, "x", 10, &extent);
    cmd.principal = GC_STR("root");
    cmd.role = GC_ROLE_ADMIN;
    assert_int_equal(apply_err(env, &cmd), GC_API_OK);
    cmd = meta_env_put(env, "x", 10, &extent);
    cmd.u.put_object.bucket_id = 999;
    assert_int_equal(apply_err(env, &cmd), GC_API_NoSuchBucket);
}

/* --- writer epochs --- */

static void
ids_below_the_watermark_or_of_a_fenced_epoch_are_refused(void **state)
{
    struct meta_env *env = *state;
    struct gc_meta_extent extent;
    struct gc_meta_command cmd = meta_env_command(env, GC_META_OP_SET_WATERMARK);

    cmd.u.set_watermark.epoch = env->epoch;
    cmd.u.set_watermark.counter = 50;
    assert_int_equal(meta_env_apply(env, &cmd).number, 50);
    cmd = meta_env_put(env, "x", 10, &extent);
    extent.id.counter = 49;
    assert_int_equal(apply_err(env, &cmd), GC_API_StaleEpoch);
    cmd = meta_env_put(env, "x", 10, &extent);
    extent.id.counter = 50;
    assert_int_equal(apply_err(env, &cmd), GC_API_OK);

    cmd = meta_env_command(env, GC_META_OP_SET_WATERMARK); /* it never falls */
    cmd.u.set_watermark.epoch = env->epoch;
    cmd.u.set_watermark.counter = 10;
    assert_int_equal(meta_env_apply(env, &cmd).number, 50);

    cmd = meta_env_command(env, GC_META_OP_FENCE_EPOCH);
    cmd.u.fence_epoch.epoch = env->epoch;
    assert_int_equal(apply_err(env, &cmd), GC_API_OK);
    cmd = meta_env_put(env, "x", 10, &extent);
    extent.id.counter = 51;
    assert_int_equal(apply_err(env, &cmd), GC_API_StaleEpoch);
    assert_int_equal(blob_state(env, 51), GC_META_BLOB_GARBAGE);
    cmd = meta_env_command(env, GC_META_OP_SET_WATERMARK);
    cmd.u.set_watermark.epoch = env->epoch;
    cmd.u.set_watermark.counter = 60;
    assert_int_equal(apply_err(env, &cmd), GC_API_StaleEpoch);
}

static void
a_process_that_starts_again_fences_its_old_epoch_only(void **state)
{
    struct meta_env *env = *state;
    struct gc_meta_command cmd = meta_env_command(env, GC_META_OP_GRANT_EPOCH);
    struct gc_meta_epoch epochs[4];
    struct gc_meta_epoch epoch;
    struct gc_meta_read rd;
    size_t n;
    uint64_t other;
    uint64_t again;

    cmd.u.grant_epoch.process = GC_STR("t2");
    other = meta_env_apply(env, &cmd).number;
    cmd = meta_env_command(env, GC_META_OP_GRANT_EPOCH);
    cmd.u.grant_epoch.process = GC_STR("t1");
    again = meta_env_apply(env, &cmd).number;
    assert_true(again > other && other > env->epoch);

    rd = meta_env_read(env);
    assert_int_equal(gc_meta_get_epoch(&rd, env->epoch, &epoch), 0);
    assert_true(epoch.fenced);
    assert_int_equal(gc_meta_get_epoch(&rd, other, &epoch), 0);
    assert_false(epoch.fenced);
    assert_true(gc_str_eq_cstr(epoch.process, "t2"));
    assert_int_equal(gc_meta_get_epoch(&rd, again + 1, &epoch), GC_ENOTFOUND);
    assert_int_equal(gc_meta_list_epochs(&rd, 0, 4, epochs, &n), 0);
    assert_int_equal(n, 2);
    assert_int_equal(epochs[0].epoch, other);
    assert_int_equal(epochs[1].epoch, again);
    assert_true(gc_str_eq_cstr(epochs[1].process, "t1"));
    meta_env_read_end(env);
    assert_int_equal(meta_env_state(env).n_epochs, 2);
}

static void
an_id_of_an_epoch_that_nobody_was_granted_is_undecided(void **state)
{
    struct meta_env *env = *state;
    struct gc_meta_read rd = meta_env_read(env);
    struct gc_blob_id id = { env->epoch + 1, 1 };
    enum gc_meta_blob_state blob;

    assert_int_equal(gc_meta_get_blob(&rd, &id, &blob), 0);
    assert_int_equal(blob, GC_META_BLOB_UNDECIDED);
    id.epoch = 0;
    assert_int_equal(gc_meta_get_blob(&rd, &id, &blob), 0);
    assert_int_equal(blob, GC_META_BLOB_UNDECIDED);
    meta_env_read_end(env);
}

/* --- requests --- */

static void
a_repeat_is_answered_with_the_first_result_and_does_nothing(void **state)
{
    struct meta_env *env = *state;
    struct gc_meta_extent extent;
    struct gc_meta_command cmd = meta_env_put(env, "x", 10, &extent);
    struct gc_meta_result first = meta_env_apply(env, &cmd);
    struct gc_meta_result outcome;
    struct gc_meta_result again;
    struct gc_meta_read rd;

    assert_int_equal(first.err, GC_API_OK);
    assert_false(first.repeated);
    meta_env_delete(env, "x");
    extent.id.counter = 77; /* the body was sent again, to another blob */
    again = meta_env_apply(env, &cmd);
    assert_true(again.repeated);
    assert_int_equal(again.err, GC_API_OK);
    assert_int_equal(again.index, first.index);
    assert_memory_equal(again.md5, first.md5, 16);
    assert_int_equal(meta_env_state(env).n_objects, 0);

    rd = meta_env_read(env);
    assert_int_equal(gc_meta_get_outcome(&rd, cmd.request_id, &outcome), 0);
    assert_int_equal(outcome.index, first.index);
    cmd.request_id[15] = 99;
    assert_int_equal(gc_meta_get_outcome(&rd, cmd.request_id, &outcome), GC_ENOTFOUND);
    meta_env_read_end(env);
}

static void
a_refusal_is_remembered_too_and_the_id_is_of_one_command_only(void **state)
{
    struct meta_env *env = *state;
    struct gc_meta_extent extent;
    struct gc_meta_command cmd = meta_env_put(env, "x", 10, &extent);
    struct gc_meta_command other = meta_env_command(env, GC_META_OP_DELETE_OBJECT);

    cmd.u.put_object.conditions.if_match = GC_STR("*");
    assert_int_equal(apply_err(env, &cmd), GC_API_NoSuchKey);
    meta_env_put_ok(env, "x");
    assert_int_equal(apply_err(env, &cmd), GC_API_NoSuchKey);
    memcpy(other.request_id, cmd.request_id, sizeof(other.request_id));
    other.u.delete_object.bucket_id = env->bucket_id;
    other.u.delete_object.key = GC_STR("x");
    assert_int_equal(apply_err(env, &other), GC_API_BadRequest);
    assert_int_equal(meta_env_state(env).n_objects, 1);
}

static void
after_its_time_a_request_is_refused_and_its_result_forgotten(void **state)
{
    struct meta_env *env = *state;
    struct gc_meta_extent extent;
    struct gc_meta_command cmd = meta_env_put(env, "x", 10, &extent);
    struct gc_meta_command late = meta_env_put(env, "y", 10, &extent);
    uint64_t before;

    late.expires_at_ms = env->time_ms + 10;
    assert_int_equal(apply_err(env, &cmd), GC_API_OK);
    env->time_ms += 11;
    assert_int_equal(apply_err(env, &late), GC_API_RequestExpired);
    before = meta_env_state(env).n_dedup;
    assert_true(before > 0);
    env->time_ms = cmd.expires_at_ms + GC_META_RESULT_GRACE_MS;
    assert_true(meta_env_apply(env, &cmd).repeated);
    env->time_ms += 60000;
    assert_int_equal(apply_err(env, &cmd), GC_API_RequestExpired);
    assert_int_equal(meta_env_state(env).n_dedup, 0);
}

static void
on_its_last_millisecond_a_request_still_counts(void **state)
{
    struct meta_env *env = *state;
    struct gc_meta_extent extent;
    struct gc_meta_command cmd = meta_env_put(env, "x", 10, &extent);

    env->time_ms = cmd.expires_at_ms;
    assert_int_equal(apply_err(env, &cmd), GC_API_OK);
    assert_true(meta_env_apply(env, &cmd).repeated);
}

static void
a_mutation_needs_a_request_id_and_a_near_limit(void **state)
{
    struct meta_env *env = *state;
    struct gc_meta_extent extent;
    struct gc_meta_command cmd = meta_env_put(env, "x", 10, &extent);

    cmd.expires_at_ms = env->time_ms + GC_META_TTL_MS_MAX + 1;
    assert_int_equal(apply_err(env, &cmd), GC_API_InvalidArgument);
    memset(cmd.request_id, 0, sizeof(cmd.request_id));
    assert_int_equal(apply_err(env, &cmd), GC_API_BadRequest);
    assert_int_equal(meta_env_state(env).n_objects, 0);
}

/* --- servers --- */

static struct gc_meta_command
registration(struct meta_env *env, const char *node, uint8_t uuid, uint64_t generation)
{
    struct gc_meta_command cmd = meta_env_command(env, GC_META_OP_REGISTER_SERVER);

    cmd.u.register_server.node = gc_str_of(node);
    cmd.u.register_server.address = GC_STR("127.0.0.1:1");
    cmd.u.register_server.weight = 1;
    cmd.u.register_server.store_uuid[0] = uuid;
    cmd.u.register_server.generation = generation;
    return cmd;
}

static struct gc_meta_server
server_of(struct meta_env *env, uint32_t number)
{
    struct gc_meta_read rd = meta_env_read(env);
    struct gc_meta_server server;

    assert_int_equal(gc_meta_get_server(&rd, number, &server), 0);
    meta_env_read_end(env);
    return server;
}

static void
a_server_that_registers_again_keeps_its_number(void **state)
{
    struct meta_env *env = *state;
    struct gc_meta_command cmd = registration(env, "f2", 2, 5);
    struct gc_meta_result result = meta_env_apply(env, &cmd);
    struct gc_meta_server servers[8];
    struct gc_meta_read rd;
    size_t n;

    assert_int_equal(result.number, 2);
    assert_int_equal(result.incarnation, 2);
    rd = meta_env_read(env);
    assert_int_equal(gc_meta_list_servers(&rd, 0, 8, servers, &n), 0);
    assert_int_equal(n, 3);
    assert_int_equal(gc_meta_list_servers(&rd, 1, 1, servers, &n), 0);
    assert_int_equal(n, 1);
    assert_int_equal(servers[0].number, 2);
    assert_int_equal(servers[0].generation, 5);
    assert_int_equal(gc_meta_find_server(&rd, GC_STR("f3"), servers), 0);
    assert_int_equal(servers[0].number, 3);
    assert_int_equal(gc_meta_find_server(&rd, GC_STR("f9"), servers), GC_ENOTFOUND);
    meta_env_read_end(env);
}

static void
down_is_about_one_incarnation(void **state)
{
    struct meta_env *env = *state;
    struct gc_meta_command cmd = meta_env_command(env, GC_META_OP_SERVER_DOWN);

    cmd.u.server_down.number = 2;
    cmd.u.server_down.incarnation = 9;
    assert_int_equal(apply_err(env, &cmd), GC_API_OK);
    assert_int_equal(server_of(env, 2).state, GC_META_SERVER_UP);
    cmd = meta_env_command(env, GC_META_OP_SERVER_DOWN);
    cmd.u.server_down.number = 2;
    cmd.u.server_down.incarnation = 1;
    assert_int_equal(apply_err(env, &cmd), GC_API_OK);
    assert_int_equal(server_of(env, 2).state, GC_META_SERVER_DOWN);
    cmd = registration(env, "f2", 2, 2);
    assert_int_equal(meta_env_apply(env, &cmd).incarnation, 2);
    assert_int_equal(server_of(env, 2).state, GC_META_SERVER_UP);
    cmd = meta_env_command(env, GC_META_OP_SERVER_DOWN);
    cmd.u.server_down.number = 77;
    assert_int_equal(apply_err(env, &cmd), GC_API_InvalidArgument);
}

static void
another_disk_on_a_node_gets_another_number_and_the_old_one_may_come_back(void **state)
{
    struct meta_env *env = *state;
    struct gc_meta_command cmd = registration(env, "f2", 9, 1);

    assert_int_equal(meta_env_apply(env, &cmd).number, 4);
    assert_int_equal(server_of(env, 2).state, GC_META_SERVER_REPLACED);
    assert_int_equal(meta_env_state(env).n_servers, 3);
    cmd = registration(env, "f7", 2, 1); /* the old disk in another machine */
    assert_int_equal(meta_env_apply(env, &cmd).number, 2);
    assert_int_equal(server_of(env, 2).state, GC_META_SERVER_UP);
    assert_int_equal(meta_env_state(env).n_servers, 4);
    assert_int_equal(server_of(env, 4).state, GC_META_SERVER_UP);
}

static void
a_live_store_under_another_node_is_refused_an_older_one_is_suspect(void **state)
{
    struct meta_env *env = *state;
    struct gc_meta_command cmd = registration(env, "f9", 2, 1);

    assert_int_equal(apply_err(env, &cmd), GC_API_AccessDenied);
    cmd = registration(env, "f2", 2, 7);
    assert_int_equal(apply_err(env, &cmd), GC_API_OK);
    cmd = registration(env, "f2", 2, 6);
    assert_int_equal(apply_err(env, &cmd), GC_API_OK);
    assert_int_equal(server_of(env, 2).state, GC_META_SERVER_SUSPECT);
    cmd = registration(env, "f2", 2, 8); /* it stays so: a rising generation proves nothing */
    assert_int_equal(apply_err(env, &cmd), GC_API_OK);
    assert_int_equal(server_of(env, 2).state, GC_META_SERVER_SUSPECT);
    cmd = registration(env, "f3", 3, 9); /* the leader has seen more of it than this */
    cmd.u.register_server.suspect = true;
    assert_int_equal(apply_err(env, &cmd), GC_API_OK);
    assert_int_equal(server_of(env, 3).state, GC_META_SERVER_SUSPECT);
    cmd = registration(env, "f1", 1, 9);
    cmd.u.register_server.durable_seq = 100;
    assert_int_equal(apply_err(env, &cmd), GC_API_OK);
    assert_int_equal(server_of(env, 1).state, GC_META_SERVER_UP);
    cmd = registration(env, "f1", 1, 9);
    cmd.u.register_server.durable_seq = 99;
    assert_int_equal(apply_err(env, &cmd), GC_API_OK);
    assert_int_equal(server_of(env, 1).state, GC_META_SERVER_SUSPECT);
    cmd = registration(env, "f9", 0, 1);
    assert_int_equal(apply_err(env, &cmd), GC_API_InvalidArgument);
}

/* --- entries --- */

static void
an_entry_that_is_not_the_next_is_refused(void **state)
{
    struct meta_env *env = *state;
    struct gc_meta_entry entry = { .index = env->index, .term = 1, .time_ms = env->time_ms };
    struct gc_kv_txn *txn;

    assert_int_equal(gc_kv_begin(env->kv, true, &txn), 0);
    assert_int_equal(gc_meta_begin(&env->meta, txn, &entry), GC_ESTALE);
    entry.index = env->index + 2;
    assert_int_equal(gc_meta_begin(&env->meta, txn, &entry), GC_ESTALE);
    assert_int_equal(gc_meta_create(&env->meta, txn, (const uint8_t[16]){ 1 }, 0), GC_EEXISTS);
    gc_kv_abort(txn);
}

static void
bytes_that_are_no_command_are_refused_and_the_entry_goes_on(void **state)
{
    struct meta_env *env = *state;
    struct gc_meta_entry entry = { .index = env->index + 1, .term = 1, .time_ms = 5 };
    uint64_t hash = gc_meta_state_hash(&(struct gc_meta_state){ 0 });
    struct gc_meta_result result;
    struct gc_kv_txn *txn;

    assert_int_equal(gc_kv_begin(env->kv, true, &txn), 0);
    assert_int_equal(gc_meta_begin(&env->meta, txn, &entry), 0);
    assert_int_equal(gc_meta_apply(&env->meta, "\x01rubbish", 8, &result), 0);
    assert_int_equal(result.err, GC_API_BadRequest);
    assert_int_equal(gc_meta_apply(&env->meta, "\x02", 1, &result), GC_EVERSION);
    gc_meta_abandon(&env->meta);
    gc_kv_abort(txn);
    assert_int_equal(meta_env_state(env).applied_index, env->index);
    assert_int_equal(meta_env_state(env).time_ms, META_ENV_TIME_0);
    assert_int_not_equal(gc_meta_state_hash(&(struct gc_meta_state){ .n_jobs = 1 }), hash);
}

#define BOTH(test)                                          \
    { #test " (memory)", test, setup_mem, teardown, NULL }, \
    {                                                       \
#test " (LMDB)", test, setup_lmdb, teardown, NULL   \
    }

int
main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(a_bucket_is_found_by_name_and_by_id),
        BOTH(a_name_in_use_is_refused_as_ones_own_or_as_anothers),
        BOTH(bad_names_and_readers_make_no_bucket),
        BOTH(only_an_empty_bucket_of_ones_own_is_deleted),
        BOTH(a_put_is_read_back_with_all_it_said),
        BOTH(an_overwrite_queues_the_old_blob_on_each_of_its_servers),
        BOTH(acknowledged_rows_go_and_the_blob_is_garbage_after_the_last),
        BOTH(an_ack_takes_a_bounded_number_of_rows_and_says_how_many),
        BOTH(deleting_what_is_not_there_is_success_that_changes_nothing),
        BOTH(many_extents_become_a_manifest_and_go_with_it),
        BOTH(fewer_copies_than_wanted_open_a_job_fewer_than_the_quorum_are_refused),
        BOTH(a_put_that_does_not_add_up_is_refused),
        BOTH(conditions_are_evaluated_at_the_index_of_the_command),
        BOTH(others_may_not_write),
        BOTH(ids_below_the_watermark_or_of_a_fenced_epoch_are_refused),
        BOTH(a_process_that_starts_again_fences_its_old_epoch_only),
        BOTH(an_id_of_an_epoch_that_nobody_was_granted_is_undecided),
        BOTH(a_repeat_is_answered_with_the_first_result_and_does_nothing),
        BOTH(a_refusal_is_remembered_too_and_the_id_is_of_one_command_only),
        BOTH(after_its_time_a_request_is_refused_and_its_result_forgotten),
        BOTH(on_its_last_millisecond_a_request_still_counts),
        BOTH(a_mutation_needs_a_request_id_and_a_near_limit),
        BOTH(a_server_that_registers_again_keeps_its_number),
        BOTH(down_is_about_one_incarnation),
        BOTH(another_disk_on_a_node_gets_another_number_and_the_old_one_may_come_back),
        BOTH(a_live_store_under_another_node_is_refused_an_older_one_is_suspect),
        BOTH(an_entry_that_is_not_the_next_is_refused),
        BOTH(bytes_that_are_no_command_are_refused_and_the_entry_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
