/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GatewayService.PutObject through a real translation node onto real file servers: what a client
 * may do wrong, when it may leave, and what file servers may do meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "core/chunk.h"
#include "tests/support/tier_bed.h"

#define STALL_MS 300

static int
setup_files(void **state, size_t n_files)
{
    struct tier_bed *bed = malloc(sizeof(*bed));
    tier_bed_init(bed, n_files);
    bed->translation_conf.replica_stall_ms = STALL_MS;
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

static void
nothing_is_visible(struct tier_bed *bed)
{
    tier_until(bed, tier_is_quiet(bed));
    tier_ends_with(tier_get(bed, "k", ""), "NoSuchKey");
    assert_int_equal(tier_state(bed).n_objects, 0);
}

static void
commit_off(struct tier_call *put, int length_off, uint32_t crc_off, size_t md5_len)
{
    uint8_t md5[17] = { 0 };
    Gcommon__V1__Object__PutCommit commit = GCOMMON__V1__OBJECT__PUT_COMMIT__INIT;
    Gcommon__V1__Gateway__PutObjectRequest request = GCOMMON__V1__GATEWAY__PUT_OBJECT_REQUEST__INIT;
    tier_until(put->bed, put->sent == put->to_send || put->ended);
    commit.length = put->sent + (uint64_t)length_off;
    commit.crc32c = put->crc ^ crc_off;
    commit.md5.data = md5;
    commit.md5.len = md5_len;
    request.part_case = GCOMMON__V1__GATEWAY__PUT_OBJECT_REQUEST__PART_COMMIT;
    request.commit = &commit;
    tier_send(put, &request.base);
    tier_half_close(put);
}

/* --- the client ---------------------------------------------------------------------------------
 */

static void
objects_of_any_length_come_back(void **state)
{
    struct tier_bed *bed = *state;
    const uint64_t lengths[] = {
        0, 1, 1536, 1537, TIER_CHUNK, TIER_CHUNK + 1, 20 * TIER_CHUNK + 5
    };
    for (size_t i = 0; i < GC_ARRAY_LEN(lengths); i++) {
        char key[16];
        snprintf(key, sizeof(key), "k%zu", i);
        tier_ends_with(tier_put(bed, key, lengths[i]), "");
        tier_check_object(bed, key, lengths[i]);
    }
    assert_int_equal(tier_state(bed).n_objects, GC_ARRAY_LEN(lengths));
    assert_int_equal(tier_state(bed).n_blobs, GC_ARRAY_LEN(lengths) - 1); /* none for nothing */
    assert_int_equal(tier_state(bed).n_jobs, 0);
}

static void
an_answer_has_the_etag_of_the_commit(void **state)
{
    struct tier_bed *bed = *state;
    struct tier_call *put = tier_put(bed, "k", 10);
    const Gcommon__V1__Object__PutObjectResponse *response =
        tier_reply(put, &gcommon__v1__object__put_object_response__descriptor);
    assert_string_equal(response->etag, "30313233343536373839616263646566");
}

static void
a_commit_that_does_not_fit_is_an_incomplete_body(void **state)
{
    struct tier_bed *bed = *state;
    const int lengths_off[] = { -1, 1, 0, 0, 0 };
    const uint32_t crcs_off[] = { 0, 0, 1, 0, 0 };
    const size_t md5_lens[] = { 16, 16, 16, 15, 17 };
    for (size_t i = 0; i < GC_ARRAY_LEN(md5_lens); i++) {
        struct tier_call *put = tier_put_start(bed, TIER_BUCKET, "k", NULL);
        tier_send_chunks(put, TIER_CHUNK + 7);
        commit_off(put, lengths_off[i], crcs_off[i], md5_lens[i]);
        tier_ends_with(put, md5_lens[i] == 16 ? "IncompleteBody" : "BadRequest");
        nothing_is_visible(bed);
    }
}

static void
messages_out_of_order_are_refused(void **state)
{
    struct tier_bed *bed = *state;
    Gcommon__V1__Gateway__PutObjectRequest empty = GCOMMON__V1__GATEWAY__PUT_OBJECT_REQUEST__INIT;
    struct tier_call *put = tier_call(bed, bed->web, TIER_GATEWAY("PutObject"), GC_RPC_NO_DEADLINE);
    tier_send_chunk(put, 10); /* before the open */
    tier_ends_with(put, "BadRequest");
    put = tier_call(bed, bed->web, TIER_GATEWAY("PutObject"), GC_RPC_NO_DEADLINE);
    tier_put_commit(put);
    tier_ends_with(put, "BadRequest");
    put = tier_put_start(bed, TIER_BUCKET, "k", NULL);
    tier_send_chunk(put, 10); /* a short one is the last one */
    tier_send_chunk(put, 10);
    tier_ends_with(put, "BadRequest");
    put = tier_put_start(bed, TIER_BUCKET, "k", NULL);
    tier_send_chunk(put, 0);
    tier_ends_with(put, "BadRequest");
    put = tier_put_start(bed, TIER_BUCKET, "k", NULL);
    tier_send(put, &empty.base);
    tier_ends_with(put, "BadRequest");
    nothing_is_visible(bed);
}

static void
a_half_close_without_commit_is_an_incomplete_body(void **state)
{
    struct tier_bed *bed = *state;
    struct tier_call *put = tier_call(bed, bed->web, TIER_GATEWAY("PutObject"), GC_RPC_NO_DEADLINE);
    tier_half_close(put);
    tier_ends_with(put, "IncompleteBody");
    put = tier_put_start(bed, TIER_BUCKET, "k", NULL);
    tier_half_close(put);
    tier_ends_with(put, "IncompleteBody");
    put = tier_put_start(bed, TIER_BUCKET, "k", NULL);
    tier_send_chunks(put, 3 * TIER_CHUNK);
    tier_until(bed, put->sent == put->to_send);
    tier_half_close(put);
    tier_ends_with(put, "IncompleteBody");
    nothing_is_visible(bed);
}

static void
a_chunk_with_a_wrong_crc_is_never_stored(void **state)
{
    struct tier_bed *bed = *state;
    for (unsigned bad = 1; bad <= 2; bad++) {
        struct tier_call *put = tier_put_start(bed, TIER_BUCKET, "k", NULL);
        put->bad_chunk = bad;
        tier_send_chunks(put, TIER_CHUNK + 5);
        tier_put_commit(put);
        tier_until(bed, put->ended);
        assert_int_not_equal(put->status.code, GC_RPC_OK);
        nothing_is_visible(bed);
    }
}

/* With each number of turns the client leaves in another state. */
static void
a_client_that_leaves_in_any_state_decides_the_ids(void **state)
{
    struct tier_bed *bed = *state;
    uint64_t before = gc_writer_watermark(&tier_translation(bed)->writer);
    for (unsigned turns = 0; turns < 60; turns++) {
        struct tier_call *put = tier_put_start(bed, TIER_BUCKET, "k", NULL);
        tier_send_chunks(put, 2 * TIER_CHUNK);
        if (turns % 2 == 0) {
            tier_put_commit(put);
        }
        for (unsigned i = 0; i < turns / 2 && !put->ended; i++) {
            tier_bed_turn(bed);
        }
        if (put->call != NULL) {
            gc_rpc_cancel(put->call);
        }
        tier_until(bed, put->ended && tier_is_quiet(bed));
    }
    assert_true(gc_writer_watermark(&tier_translation(bed)->writer) > before);
    if (tier_state(bed).n_objects > 0) { /* some left too late: whole then */
        tier_check_object(bed, "k", 2 * TIER_CHUNK);
    }
}

static void
a_request_id_is_carried_out_once(void **state)
{
    struct tier_bed *bed = *state;
    struct tier_call *put = tier_put(bed, "k", 100);
    tier_ends_with(put, "");
    bed->request_id[0]--; /* tier_context makes the same again */
    tier_ends_with(tier_put(bed, "k", 5000), "");
    tier_check_object(bed, "k", 100);
    assert_int_equal(tier_state(bed).n_blobs, 1);
}

static void
conditions_are_checked_when_the_command_is_applied(void **state)
{
    struct tier_bed *bed = *state;
    Gcommon__V1__Object__Conditions none = GCOMMON__V1__OBJECT__CONDITIONS__INIT;
    Gcommon__V1__Object__Conditions match = GCOMMON__V1__OBJECT__CONDITIONS__INIT;
    struct tier_call *first, *second;
    none.if_none_match = (char *)"*";
    first = tier_put_start(bed, TIER_BUCKET, "k", &none);
    second = tier_put_start(bed, TIER_BUCKET, "k", &none); /* neither sees the other at its open */
    tier_send_chunks(first, 100);
    tier_send_chunks(second, 200);
    for (unsigned i = 0; i < 100; i++) {
        tier_bed_turn(bed);
    }
    tier_put_commit(second);
    tier_ends_with(second, "");
    tier_put_commit(first);
    tier_ends_with(first, "PreconditionFailed");
    tier_ends_with(tier_put_start(bed, TIER_BUCKET, "k", &none),
                   "PreconditionFailed"); /* at its open */
    match.if_match = (char *)"\"0000\"";
    first = tier_put_start(bed, TIER_BUCKET, "k", &match);
    tier_put_commit(first);
    tier_ends_with(first, "PreconditionFailed");
    match.if_match = (char *)"\"30313233343536373839616263646566\"";
    first = tier_put_start(bed, TIER_BUCKET, "k", &match);
    tier_send_chunks(first, 300);
    tier_put_commit(first);
    tier_ends_with(first, "");
    tier_check_object(bed, "k", 300);
}

static void
early_refusals_come_before_any_byte(void **state)
{
    struct tier_bed *bed = *state;
    char key[1026];
    memset(key, 'x', 1025);
    key[1025] = '\0';
    tier_ends_with(tier_put_start(bed, "nobucket", "k", NULL), "NoSuchBucket");
    tier_ends_with(tier_put_start(bed, TIER_BUCKET, key, NULL), "KeyTooLongError");
    tier_ends_with(tier_put_start(bed, TIER_BUCKET, "", NULL), "InvalidURI");
    tier_ends_with(tier_put_start(bed, TIER_BUCKET, "\xff", NULL), "InvalidURI");
    tier_certificate(bed, "mallory");
    tier_ends_with(tier_put_start(bed, TIER_BUCKET, "k", NULL), "AccessDenied");
    assert_int_equal(tier_translation(bed)->writer.next, 1); /* no id was taken */
}

static void
many_uploads_at_once_all_complete(void **state)
{
    struct tier_bed *bed = *state;
    struct tier_call *puts[24];
    for (size_t i = 0; i < GC_ARRAY_LEN(puts); i++) {
        char key[16];
        snprintf(key, sizeof(key), "k%zu", i);
        puts[i] = tier_put_start(bed, TIER_BUCKET, key, NULL);
        tier_send_chunks(puts[i], 6 * TIER_CHUNK + i);
    }
    for (size_t i = 0; i < GC_ARRAY_LEN(puts); i++) {
        tier_put_commit(puts[i]);
    }
    for (size_t i = 0; i < GC_ARRAY_LEN(puts); i++) {
        char key[16];
        tier_ends_with(puts[i], "");
        snprintf(key, sizeof(key), "k%zu", i);
        tier_check_object(bed, key, 6 * TIER_CHUNK + i);
    }
}

/* --- one file server of one ---------------------------------------------------------------------
 */

static void
without_file_servers_it_is_503(void **state)
{
    struct tier_bed *bed = *state;
    tier_node_close(&bed->files[0].node);
    tier_ends_with(tier_put(bed, "k", 100), "ServiceUnavailable");
    tier_ends_with(tier_put(bed, "empty", 0), ""); /* needs none */
    tier_file_open(bed, 0);
    tier_until(bed, tier_put(bed, "k", 100)->status.code == GC_RPC_OK);
    tier_check_object(bed, "k", 100);
}

static void
the_only_file_server_dies_and_nothing_is_visible(void **state)
{
    struct tier_bed *bed = *state;
    struct tier_call *put = tier_put_start(bed, TIER_BUCKET, "k", NULL);
    tier_send_chunks(put, 60 * TIER_CHUNK);
    tier_until(bed, put->sent > 10 * TIER_CHUNK);
    tier_node_close(&bed->files[0].node);
    tier_ends_with(put, "ServiceUnavailable");
    nothing_is_visible(bed);
    tier_file_open(bed, 0);
    tier_until(bed, tier_put(bed, "k", 100)->status.code == GC_RPC_OK);
}

static void
a_full_file_server_is_507(void **state)
{
    struct tier_bed *bed = *state;
    tier_node_close(&bed->files[0].node);
    bed->files[0].conf.reserve_bytes = UINT64_C(1) << 60;
    tier_file_open(bed, 0);
    tier_until(bed, tier_put(bed, "k", 2 * TIER_CHUNK)->status.code != GC_RPC_UNAVAILABLE);
    tier_ends_with(tier_put(bed, "k", 2 * TIER_CHUNK), "InsufficientStorage");
    nothing_is_visible(bed);
}

static void
a_client_leaves_while_the_file_server_hangs(void **state)
{
    struct tier_bed *bed = *state;
    struct tier_call *put = tier_put_start(bed, TIER_BUCKET, "k", NULL);
    tier_send_chunks(put, 100 * TIER_CHUNK);
    tier_until(bed, put->sent > 2 * TIER_CHUNK);
    bed->files[0].node.frozen = true;
    for (unsigned i = 0; i < 400; i++) {
        tier_bed_turn(bed);
    }
    assert_true(put->sent < put->to_send); /* it was held back, not spooled */
    assert_false(put->ended);
    gc_rpc_cancel(put->call);
    tier_until(bed, put->ended);
    bed->files[0].node.frozen = false;
    nothing_is_visible(bed);
}

/* --- three file servers, two must confirm -------------------------------------------------------
 */

static uint32_t
copies_of(struct tier_bed *bed, const char *key)
{
    struct tier_call *get = tier_get(bed, key, "");
    const Gcommon__V1__Object__GetObjectResponse *response =
        tier_reply(get, &gcommon__v1__object__get_object_response__descriptor);
    tier_ends_with(get, "");
    return response->head->copies;
}

static void
all_three_have_it_when_all_are_well(void **state)
{
    struct tier_bed *bed = *state;
    tier_ends_with(tier_put(bed, "k", 3 * TIER_CHUNK), "");
    assert_int_equal(copies_of(bed, "k"), 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(tier_stat(bed, i).n_blobs, 1);
    }
    assert_int_equal(tier_state(bed).n_jobs, 0);
}

static void
one_dies_and_two_confirm(void **state)
{
    struct tier_bed *bed = *state;
    struct tier_call *put = tier_put_start(bed, TIER_BUCKET, "k", NULL);
    tier_send_chunks(put, 60 * TIER_CHUNK);
    tier_until(bed, put->sent > 10 * TIER_CHUNK);
    tier_node_close(&bed->files[1].node);
    tier_put_commit(put);
    tier_ends_with(put, "");
    assert_int_equal(tier_state(bed).n_jobs, 1);
    assert_int_equal(copies_of(bed, "k"), 2);
    tier_check_object(bed, "k", 60 * TIER_CHUNK);
}

static void
two_die_and_it_is_503(void **state)
{
    struct tier_bed *bed = *state;
    struct tier_call *put = tier_put_start(bed, TIER_BUCKET, "k", NULL);
    tier_send_chunks(put, 60 * TIER_CHUNK);
    tier_until(bed, put->sent > 10 * TIER_CHUNK);
    tier_node_close(&bed->files[1].node);
    tier_node_close(&bed->files[2].node);
    tier_ends_with(put, "ServiceUnavailable");
    nothing_is_visible(bed);
}

/* Far sooner than the call to it would end for want of progress. */
static void
was_left_out_since(uint64_t began_ms)
{
    assert_true(gc_clock_mono_ms() - began_ms < GC_PROGRESS_MS / 2);
}

static void
one_that_hangs_is_left_out(void **state)
{
    struct tier_bed *bed = *state;
    uint64_t began_ms;
    struct tier_call *put;
    tier_ends_with(tier_put(bed, "before", 10), ""); /* all connections are there */
    put = tier_put_start(bed, TIER_BUCKET, "k", NULL);
    tier_send_chunks(put, 100 * TIER_CHUNK);
    tier_until(bed, put->sent > 2 * TIER_CHUNK);
    bed->files[2].node.frozen = true;
    began_ms = gc_clock_mono_ms();
    tier_put_commit(put);
    tier_ends_with(put, "");
    was_left_out_since(began_ms);
    assert_int_equal(tier_state(bed).n_jobs, 1);
    assert_int_equal(copies_of(bed, "k"), 2);
    bed->files[2].node.frozen = false;
    tier_until(bed, tier_is_quiet(bed));
    assert_int_equal(tier_stat(bed, 2).n_blobs, 1); /* the one before */
    tier_check_object(bed, "k", 100 * TIER_CHUNK);
}

static void
one_that_hangs_at_the_commit_is_left_out(void **state)
{
    struct tier_bed *bed = *state;
    uint64_t began_ms;
    tier_ends_with(tier_put(bed, "before", 10), ""); /* all connections are there */
    bed->files[0].node.frozen = true;
    began_ms = gc_clock_mono_ms();
    tier_ends_with(tier_put(bed, "k", 100), "");
    was_left_out_since(began_ms);
    assert_int_equal(tier_state(bed).n_jobs, 1);
    assert_int_equal(copies_of(bed, "k"), 2);
}

static void
a_full_one_is_left_out(void **state)
{
    struct tier_bed *bed = *state;
    struct gc_meta_server server;
    uint64_t incarnation;
    assert_true(tier_server(bed, 1, &server));
    incarnation = server.incarnation;
    tier_node_close(&bed->files[1].node);
    bed->files[1].conf.reserve_bytes = UINT64_C(1) << 60;
    tier_file_open(bed, 1);
    tier_until(bed, tier_server(bed, 1, &server) && server.incarnation > incarnation);
    tier_ends_with(tier_put(bed, "k", 2 * TIER_CHUNK), "");
    assert_int_equal(copies_of(bed, "k"), 2);
    tier_check_object(bed, "k", 2 * TIER_CHUNK);
}

#define ONE(name)   cmocka_unit_test_setup_teardown(name, setup_one, teardown)
#define THREE(name) cmocka_unit_test_setup_teardown(name, setup_three, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ONE(objects_of_any_length_come_back),
        ONE(an_answer_has_the_etag_of_the_commit),
        ONE(a_commit_that_does_not_fit_is_an_incomplete_body),
        ONE(messages_out_of_order_are_refused),
        ONE(a_half_close_without_commit_is_an_incomplete_body),
        ONE(a_chunk_with_a_wrong_crc_is_never_stored),
        ONE(a_client_that_leaves_in_any_state_decides_the_ids),
        ONE(a_request_id_is_carried_out_once),
        ONE(conditions_are_checked_when_the_command_is_applied),
        ONE(early_refusals_come_before_any_byte),
        ONE(many_uploads_at_once_all_complete),
        ONE(without_file_servers_it_is_503),
        ONE(the_only_file_server_dies_and_nothing_is_visible),
        ONE(a_full_file_server_is_507),
        ONE(a_client_leaves_while_the_file_server_hangs),
        THREE(all_three_have_it_when_all_are_well),
        THREE(one_dies_and_two_confirm),
        THREE(two_die_and_it_is_503),
        THREE(one_that_hangs_is_left_out),
        THREE(one_that_hangs_at_the_commit_is_left_out),
        THREE(a_full_one_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
