/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GatewayService.GetObject from real file servers, with one copy after the other failing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/checksum.h"
#include "base/macros.h"
#include "core/chunk.h"
#include "tests/support/tier_bed.h"

#define ETAG "\"30313233343536373839616263646566\"" /* of tier_put_commit */

static int
setup_files(void **state, size_t n_files)
{
    struct tier_bed *bed = malloc(sizeof(*bed));
    tier_bed_init(bed, n_files);
    tier_bed_open(bed);
    tier_make_bucket(bed, TIER_BUCKET);
    *state = bed;
    return 0;
}

static int
setup_one(void **state)
{
    return setup_files(state, 1);
}

static int
setup_three(void **state)
{
    return setup_files(state, 3);
}

static int
teardown(void **state)
{
    tier_bed_fini(*state);
    free(*state);
    return 0;
}

static const Gcommon__V1__Object__ObjectHead *
head_of(struct tier_call *get)
{
    const Gcommon__V1__Object__GetObjectResponse *response =
        tier_reply(get, &gcommon__v1__object__get_object_response__descriptor);
    return response->head;
}

static void
go_on(struct tier_call *get)
{
    get->hold = false;
    for (; get->n_held > 0; get->n_held--) {
        gc_rpc_consume(get->call);
    }
}

/* --- ranges and conditions ----------------------------------------------------------------------
 */

static void
a_range_is_what_was_asked_for(void **state)
{
    struct tier_bed *bed = *state;
    const uint64_t length = 3 * TIER_CHUNK + 500;
    const struct {
        const char *range;
        uint64_t first, n;
    } cases[] = {
        { "bytes=0-0", 0, 1 },
        { "bytes=262095-262096", TIER_CHUNK - 1, 2 },
        { "bytes=262096-", TIER_CHUNK, length - TIER_CHUNK },
        { "bytes=-1", length - 1, 1 },
        { "bytes=5-99999999", 5, length - 5 },
    };
    tier_ends_with(tier_put(bed, "k", length), "");
    for (size_t i = 0; i < GC_ARRAY_LEN(cases); i++) {
        struct tier_call *get = tier_get_start(bed, "k", cases[i].range, NULL);
        get->at = cases[i].first;
        tier_ends_with(get, "");
        assert_int_equal(get->n_bytes, cases[i].n);
        assert_int_equal(get->n_bad, 0);
        assert_true(head_of(get)->partial);
        assert_int_equal(head_of(get)->length, length);
        assert_int_equal(head_of(get)->first, cases[i].first);
        assert_int_equal(head_of(get)->last, cases[i].first + cases[i].n - 1);
    }
    tier_ends_with(tier_get(bed, "k", "bytes=1000000-"), "InvalidRange");
    tier_ends_with(tier_put(bed, "empty", 0), "");
    tier_ends_with(tier_get(bed, "empty", "bytes=0-"), "InvalidRange");
    tier_check_object(bed, "empty", 0);
    tier_ends_with(tier_get(bed, "unknown", ""), "NoSuchKey");
}

static void
conditions_come_before_the_first_byte(void **state)
{
    struct tier_bed *bed = *state;
    Gcommon__V1__Object__Conditions match = GCOMMON__V1__OBJECT__CONDITIONS__INIT;
    Gcommon__V1__Object__Conditions none = GCOMMON__V1__OBJECT__CONDITIONS__INIT;
    Gcommon__V1__Object__Conditions range = GCOMMON__V1__OBJECT__CONDITIONS__INIT;
    struct tier_call *get;
    tier_ends_with(tier_put(bed, "k", 100), "");
    none.if_none_match = (char *)ETAG;
    tier_ends_with(tier_get_start(bed, "k", "", &none), "NotModified");
    match.if_match = (char *)"\"other\"";
    tier_ends_with(tier_get_start(bed, "k", "", &match), "PreconditionFailed");
    match.if_match = (char *)ETAG;
    tier_ends_with(tier_get_start(bed, "k", "", &match), "");
    range.if_range = (char *)"\"other\"";
    get = tier_get_start(bed, "k", "bytes=1-2", &range);
    tier_ends_with(get, "");
    assert_int_equal(get->n_bytes, 100); /* another version: the whole of it */
    range.if_range = (char *)ETAG;
    get = tier_get_start(bed, "k", "bytes=1-2", &range);
    get->at = 1;
    tier_ends_with(get, "");
    assert_int_equal(get->n_bytes, 2);
}

/* --- the client ---------------------------------------------------------------------------------
 */

static void
a_client_that_does_not_take_holds_back_the_file_server(void **state)
{
    struct tier_bed *bed = *state;
    const uint64_t length = 100 * TIER_CHUNK;
    struct tier_call *get;
    tier_ends_with(tier_put(bed, "k", length), "");
    get = tier_get_start(bed, "k", "", NULL);
    get->hold = true;
    tier_until(bed, get->n_chunks >= 2);
    for (unsigned i = 0; i < 300; i++) {
        tier_bed_turn(bed);
    }
    assert_true(get->n_bytes < 8u << 20);
    go_on(get);
    tier_ends_with(get, "");
    assert_int_equal(get->n_bytes, length);
    assert_int_equal(get->n_bad, 0);
}

static void
a_client_that_leaves_in_any_state_closes_the_blob(void **state)
{
    struct tier_bed *bed = *state;
    tier_ends_with(tier_put(bed, "k", 20 * TIER_CHUNK), "");
    for (unsigned turns = 0; turns < 40; turns++) {
        struct tier_call *get = tier_get_start(bed, "k", "", NULL);
        for (unsigned i = 0; i < turns && !get->ended; i++) {
            tier_bed_turn(bed);
        }
        if (get->call != NULL) {
            gc_rpc_cancel(get->call);
        }
        tier_until(bed, get->ended && tier_stat(bed, 0).n_readers_open == 0);
    }
}

/* --- copies that fail ---------------------------------------------------------------------------
 */

/* The file server that has a blob open, waited for. */
static size_t
who_reads(struct tier_bed *bed)
{
    for (;;) {
        for (size_t i = 0; i < bed->n_files; i++) {
            if (bed->files[i].node.loop != NULL && tier_stat(bed, i).n_readers_open > 0) {
                return i;
            }
        }
        tier_bed_turn(bed);
    }
}

static void
another_copy_goes_on_where_one_broke_off(void **state)
{
    struct tier_bed *bed = *state;
    const uint64_t length = 100 * TIER_CHUNK + 11;
    struct tier_call *get;
    tier_ends_with(tier_put(bed, "k", length), "");
    get = tier_get_start(bed, "k", "", NULL);
    get->hold = true;
    tier_until(bed, get->n_chunks >= 2);
    tier_node_close(&bed->files[who_reads(bed)].node);
    for (unsigned i = 0; i < 100; i++) {
        tier_bed_turn(bed);
    }
    go_on(get);
    tier_until(bed, get->n_chunks >= 40);
    tier_node_close(&bed->files[who_reads(bed)].node);
    tier_ends_with(get, "");
    assert_int_equal(get->n_bytes, length);
    assert_int_equal(get->n_bad, 0);
}

static void
the_last_copy_breaks_off_and_the_stream_is_cut(void **state)
{
    struct tier_bed *bed = *state;
    struct tier_call *get;
    tier_ends_with(tier_put(bed, "k", 100 * TIER_CHUNK), "");
    get = tier_get_start(bed, "k", "", NULL);
    get->hold = true;
    tier_until(bed, get->n_chunks >= 2);
    for (size_t i = 0; i < bed->n_files; i++) {
        tier_node_close(&bed->files[i].node);
    }
    go_on(get);
    tier_ends_with(get, "ServiceUnavailable");
    assert_true(get->n_bytes < 100 * TIER_CHUNK);
    tier_ends_with(tier_get(bed, "k", ""), "ServiceUnavailable");
}

static void
a_server_that_is_down_is_asked_last(void **state)
{
    struct tier_bed *bed = *state;
    struct gc_meta_server server;
    for (unsigned i = 0; i < 3; i++) {
        char key[8];
        snprintf(key, sizeof(key), "k%u", i);
        tier_ends_with(tier_put(bed, key, 3 * TIER_CHUNK), "");
    }
    tier_node_close(&bed->files[0].node);
    assert_true(tier_server(bed, 0, &server));
    struct gc_meta_command cmd = { .op = GC_META_OP_SERVER_DOWN };
    cmd.u.server_down.number = server.number;
    cmd.u.server_down.incarnation = server.incarnation;
    assert_int_equal(tier_propose(bed, &cmd).err, GC_API_OK);
    for (unsigned i = 0; i < 3; i++) {
        char key[8];
        snprintf(key, sizeof(key), "k%u", i);
        tier_check_object(bed, key, 3 * TIER_CHUNK);
    }
}

/* Turn a byte on the disk of closed file server I within what the pattern has at AT. */
static void
damage(struct tier_bed *bed, size_t i, uint64_t at)
{
    uint8_t want[64], *data;
    unsigned n_found = 0;
    for (size_t j = 0; j < sizeof(want); j++) {
        want[j] = tier_byte(0, at + j);
    }
    for (unsigned bulk = 0; bulk < 2; bulk++) {
        char path[GC_PATH_MAX + 32];
        FILE *file;
        long len;
        snprintf(path, sizeof(path), "%s/bulk-%u.mdb", bed->files[i].conf.data_dir, bulk);
        file = fopen(path, "r+");
        assert_non_null(file);
        assert_int_equal(fseek(file, 0, SEEK_END), 0);
        len = ftell(file);
        rewind(file);
        data = malloc((size_t)len);
        assert_int_equal(fread(data, 1, (size_t)len, file), len);
        for (uint8_t *hit = data; (hit = memmem(hit, (size_t)(data + len - hit), want, 64));
             hit++) {
            n_found++;
            assert_int_equal(fseek(file, hit - data, SEEK_SET), 0);
            assert_int_equal(fputc(want[0] ^ 1, file), want[0] ^ 1);
        }
        assert_int_equal(fclose(file), 0);
        free(data);
    }
    assert_true(n_found > 0);
}

static void
a_damaged_chunk_is_read_from_another_copy(void **state)
{
    struct tier_bed *bed = *state;
    const uint64_t length = 9 * TIER_CHUNK;
    struct gc_meta_server server;
    tier_ends_with(tier_put(bed, "k", length), "");
    for (size_t i = 0; i < 2; i++) { /* two of three, at different places */
        uint64_t incarnation;
        assert_true(tier_server(bed, i, &server));
        incarnation = server.incarnation;
        tier_node_close(&bed->files[i].node);
        damage(bed, i, (3 + 2 * i) * TIER_CHUNK + 1000);
        tier_file_open(bed, i);
        tier_until(bed, tier_server(bed, i, &server) && server.incarnation > incarnation);
    }
    for (unsigned n = 0; n < 3; n++) {
        tier_check_object(bed, "k", length);
    }
}

/* --- a blob that is gone ------------------------------------------------------------------------
 */

static void
on_done(void *arg)
{
    atomic_store((atomic_bool *)arg, true);
}

/* Store blob ID of LEN bytes of the pattern from AT directly on file server I. */
static void
plant(struct tier_bed *bed, size_t i, const struct gc_blob_id *id, uint64_t at, size_t len)
{
    uint8_t data[1000];
    struct gc_bytes *bytes;
    atomic_bool chunk_done = false, commit_done = false;
    struct gc_blob_chunk_op chunk = { .op.notify = { on_done, &chunk_done } };
    struct gc_blob_op commit = { .notify = { on_done, &commit_done } };
    struct gc_blob_put *put;
    for (size_t j = 0; j < len; j++) {
        data[j] = tier_byte(0, at + j);
    }
    bytes = gc_bytes_copy(data, len);
    const struct gc_slice slice = { bytes, bytes->data, len };
    assert_int_equal(gc_blob_put_begin(tier_file(bed, i)->blobs, id, &put), 0);
    assert_int_equal(gc_blob_put_chunk(put, &chunk, &slice, gc_crc32c(0, data, len)), 0);
    assert_int_equal(gc_blob_put_commit(put, &commit, len, gc_crc32c(0, data, len)), 0);
    while (!atomic_load(&chunk_done) || !atomic_load(&commit_done)) {
        gc_loop_turn(bed->loop, 1);
    }
    assert_int_equal(commit.rc, 0);
    gc_bytes_unref(bytes);
}

static void
unplant(struct tier_bed *bed, size_t i, const struct gc_blob_id *id)
{
    atomic_bool done = false;
    struct gc_blob_op op = { .notify = { on_done, &done } };
    assert_int_equal(gc_blob_delete(tier_file(bed, i)->blobs, &op, id), 0);
    while (!atomic_load(&done)) {
        gc_loop_turn(bed->loop, 1);
    }
    assert_int_equal(op.rc, 0);
}

/* Make object "k" of the extents, as a PutObject of this writer. */
static void
put_extents(struct tier_bed *bed, const struct gc_meta_extent *extents, size_t n)
{
    struct gc_meta_command cmd = { .op = GC_META_OP_PUT_OBJECT, .request_id = { 1, 2, 3 } };
    struct gc_translation *translation = tier_translation(bed);
    struct gc_meta_read rd = { .meta = &translation->meta, .arena = &bed->arena };
    struct gc_meta_bucket bucket;
    assert_int_equal(gc_consensus_begin_read(translation->consensus, &rd.txn), 0);
    assert_int_equal(gc_meta_find_bucket(&rd, GC_STR(TIER_BUCKET), &bucket), 0);
    gc_kv_abort(rd.txn);
    cmd.expires_at_ms = gc_consensus_state_time_ms(translation->consensus) + 60000;
    cmd.principal = GC_STR("alice");
    cmd.role = GC_ROLE_DATA;
    cmd.u.put_object.bucket_id = bucket.id;
    cmd.u.put_object.key = GC_STR("k");
    for (size_t i = 0; i < n; i++) {
        cmd.u.put_object.object.length += extents[i].length;
    }
    cmd.u.put_object.object.extents = extents;
    cmd.u.put_object.object.n_extents = n;
    assert_int_equal(tier_propose(bed, &cmd).err, GC_API_OK);
}

/* The client's request waits at a file server that hangs; meanwhile the object is overwritten and
 * its blob removed. */
static void
an_object_overwritten_before_its_first_byte_is_looked_up_again(void **state)
{
    struct tier_bed *bed = *state;
    uint64_t epoch = tier_translation(bed)->writer.epoch;
    const struct gc_blob_id before = { epoch, 1 }, after = { epoch, 100 };
    const struct gc_meta_extent extent = {
        .id = after, .length = 700, .servers = { 1 }, .n_servers = 1
    };
    struct tier_call *get;
    tier_ends_with(tier_put(bed, "k", 300), "");
    tier_check_object(bed, "k", 300); /* the connection is there */
    bed->files[0].node.frozen = true;
    get = tier_get_start(bed, "k", "", NULL);
    for (unsigned i = 0; i < 50; i++) {
        tier_bed_turn(bed);
    }
    plant(bed, 0, &after, 0, 700);
    put_extents(bed, &extent, 1);
    unplant(bed, 0, &before);
    assert_false(get->ended);
    bed->files[0].node.frozen = false;
    tier_ends_with(get, "");
    assert_int_equal(get->n_bytes, 700);
    assert_int_equal(get->n_bad, 0);
}

static void
a_blob_that_no_server_has_is_503_not_404(void **state)
{
    struct tier_bed *bed = *state;
    const struct gc_blob_id id = { tier_translation(bed)->writer.epoch, 1 };
    tier_ends_with(tier_put(bed, "k", 300), "");
    for (size_t i = 0; i < bed->n_files; i++) {
        unplant(bed, i, &id);
    }
    tier_ends_with(tier_get(bed, "k", ""), "ServiceUnavailable");
}

static void
an_object_of_several_extents_reads_as_one(void **state)
{
    struct tier_bed *bed = *state;
    uint64_t epoch = tier_translation(bed)->writer.epoch;
    struct gc_meta_extent extents[3] = {
        { .id = { epoch, 100 }, .length = 1000, .servers = { 1 }, .n_servers = 1 },
        { .id = { epoch, 101 }, .offset = 200, .length = 500, .servers = { 1 }, .n_servers = 1 },
        { .id = { epoch, 102 }, .length = 1, .servers = { 1 }, .n_servers = 1 },
    };
    plant(bed, 0, &extents[0].id, 0, 1000);
    plant(bed, 0, &extents[1].id, 800, 1000); /* of which 1000..1500 are the object's */
    plant(bed, 0, &extents[2].id, 1500, 1);
    put_extents(bed, extents, 3);
    tier_check_object(bed, "k", 1501);
    for (unsigned first = 998; first < 1501; first += 251) {
        char range[32];
        struct tier_call *get;
        snprintf(range, sizeof(range), "bytes=%u-", first);
        get = tier_get_start(bed, "k", range, NULL);
        get->at = first;
        tier_ends_with(get, "");
        assert_int_equal(get->n_bytes, 1501 - first);
        assert_int_equal(get->n_bad, 0);
    }
}

#define ONE(name)   cmocka_unit_test_setup_teardown(name, setup_one, teardown)
#define THREE(name) cmocka_unit_test_setup_teardown(name, setup_three, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ONE(a_range_is_what_was_asked_for),
        ONE(conditions_come_before_the_first_byte),
        ONE(a_client_that_does_not_take_holds_back_the_file_server),
        ONE(a_client_that_leaves_in_any_state_closes_the_blob),
        THREE(another_copy_goes_on_where_one_broke_off),
        THREE(the_last_copy_breaks_off_and_the_stream_is_cut),
        THREE(a_server_that_is_down_is_asked_last),
        THREE(a_damaged_chunk_is_read_from_another_copy),
        ONE(an_object_overwritten_before_its_first_byte_is_looked_up_again),
        ONE(a_blob_that_no_server_has_is_503_not_404),
        THREE(a_blob_that_no_server_has_is_503_not_404),
        ONE(an_object_of_several_extents_reads_as_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
