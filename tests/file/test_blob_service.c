/* SPDX-License-Identifier: GPL-3.0-or-later */
/* BlobService of a real file server, called as translation calls it. */
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

#define EPOCH 77 /* nobody's: no inventory calls its blobs garbage */

struct file_bed {
    struct tier_bed bed;
    struct gc_rpc_channel *channel;
};

static int
setup(void **state)
{
    struct file_bed *f = malloc(sizeof(*f));
    tier_bed_init(&f->bed, 1);
    tier_bed_open(&f->bed);
    f->channel = tier_channel(&f->bed, "translation", f->bed.files[0].node.addr, "file");
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct file_bed *f = *state;
    gc_rpc_channel_free(f->channel);
    tier_bed_fini(&f->bed);
    free(f);
    return 0;
}

/* --- requests -----------------------------------------------------------------------------------
 */

static struct tier_call *
write_start(struct file_bed *f)
{
    return tier_call(&f->bed, f->channel, TIER_BLOB("Write"), GC_RPC_NO_DEADLINE);
}

static void
write_open(struct tier_call *call, uint64_t counter)
{
    Gcommon__V1__Common__BlobId id = GCOMMON__V1__COMMON__BLOB_ID__INIT;
    Gcommon__V1__Blob__WriteOpen open = GCOMMON__V1__BLOB__WRITE_OPEN__INIT;
    Gcommon__V1__Blob__WriteRequest request = GCOMMON__V1__BLOB__WRITE_REQUEST__INIT;
    id.epoch = EPOCH;
    id.counter = counter;
    open.id = &id;
    request.part_case = GCOMMON__V1__BLOB__WRITE_REQUEST__PART_OPEN;
    request.open = &open;
    call->seed = counter;
    tier_send(call, &request.base);
}

/* Commit what was sent, but for what the length is off by and the checksum's bits are. */
static void
write_commit_off(struct tier_call *call, int length_off, uint32_t crc_off)
{
    Gcommon__V1__Blob__WriteCommit commit = GCOMMON__V1__BLOB__WRITE_COMMIT__INIT;
    Gcommon__V1__Blob__WriteRequest request = GCOMMON__V1__BLOB__WRITE_REQUEST__INIT;
    tier_until(call->bed, call->sent == call->to_send || call->ended);
    commit.length = call->sent + (uint64_t)length_off;
    commit.crc32c = call->crc ^ crc_off;
    request.part_case = GCOMMON__V1__BLOB__WRITE_REQUEST__PART_COMMIT;
    request.commit = &commit;
    tier_send(call, &request.base);
    tier_half_close(call);
}

static void
write_commit(struct tier_call *call)
{
    write_commit_off(call, 0, 0);
}

static struct tier_call *
write_blob(struct file_bed *f, uint64_t counter, uint64_t length)
{
    struct tier_call *call = write_start(f);
    write_open(call, counter);
    tier_send_chunks(call, length);
    write_commit(call);
    return call;
}

static struct tier_call *
read_start(struct file_bed *f, uint64_t counter, uint64_t offset, uint64_t length)
{
    Gcommon__V1__Common__BlobId id = GCOMMON__V1__COMMON__BLOB_ID__INIT;
    Gcommon__V1__Blob__ReadRequest request = GCOMMON__V1__BLOB__READ_REQUEST__INIT;
    struct tier_call *call = tier_call(&f->bed, f->channel, TIER_BLOB("Read"), GC_RPC_NO_DEADLINE);
    id.epoch = EPOCH;
    id.counter = counter;
    request.id = &id;
    request.offset = offset;
    request.length = length;
    call->seed = counter;
    call->at = offset;
    tier_send(call, &request.base);
    tier_half_close(call);
    return call;
}

static struct tier_call *
ask_stat(struct file_bed *f, uint64_t counter)
{
    Gcommon__V1__Common__BlobId id = GCOMMON__V1__COMMON__BLOB_ID__INIT;
    Gcommon__V1__Blob__StatRequest request = GCOMMON__V1__BLOB__STAT_REQUEST__INIT;
    id.epoch = EPOCH;
    id.counter = counter;
    request.id = &id;
    return tier_ask(&f->bed, f->channel, TIER_BLOB("Stat"), &request.base);
}

static uint32_t
delete_blobs(struct file_bed *f, const uint64_t *counters, size_t n)
{
    Gcommon__V1__Common__BlobId ids[8], *pointers[8];
    Gcommon__V1__Blob__DeleteRequest request = GCOMMON__V1__BLOB__DELETE_REQUEST__INIT;
    const Gcommon__V1__Blob__DeleteResponse *response;
    struct tier_call *call;
    for (size_t i = 0; i < n; i++) {
        gcommon__v1__common__blob_id__init(&ids[i]);
        ids[i].epoch = EPOCH;
        ids[i].counter = counters[i];
        pointers[i] = &ids[i];
    }
    request.ids = pointers;
    request.n_ids = n;
    call = tier_ask(&f->bed, f->channel, TIER_BLOB("Delete"), &request.base);
    tier_ends(call, GC_RPC_OK);
    response = tier_reply(call, &gcommon__v1__blob__delete_response__descriptor);
    return response->n_deleted;
}

static const Gcommon__V1__Blob__ListResponse *
list_blobs(struct file_bed *f, uint64_t after, uint32_t max)
{
    Gcommon__V1__Common__BlobId id = GCOMMON__V1__COMMON__BLOB_ID__INIT;
    Gcommon__V1__Blob__ListRequest request = GCOMMON__V1__BLOB__LIST_REQUEST__INIT;
    struct tier_call *call;
    id.epoch = EPOCH;
    id.counter = after;
    request.after = after > 0 ? &id : NULL;
    request.max = max;
    call = tier_ask(&f->bed, f->channel, TIER_BLOB("List"), &request.base);
    tier_ends(call, GC_RPC_OK);
    return tier_reply(call, &gcommon__v1__blob__list_response__descriptor);
}

/* What was begun has left nothing: no open upload, no blob COUNTER. */
static void
nothing_is_left(struct file_bed *f, uint64_t counter)
{
    tier_until(&f->bed, tier_stat(&f->bed, 0).n_puts_open == 0);
    tier_ends(ask_stat(f, counter), GC_RPC_NOT_FOUND);
    assert_int_equal(tier_stat(&f->bed, 0).n_blobs, 0);
}

static void
reads_as(struct file_bed *f, uint64_t counter, uint64_t offset, uint64_t length)
{
    struct tier_call *read = read_start(f, counter, offset, length);
    tier_ends(read, GC_RPC_OK);
    assert_int_equal(read->n_bad, 0);
    assert_int_equal(read->n_bytes, length);
}

/* --- Write --------------------------------------------------------------------------------------
 */

static void
a_committed_blob_survives_a_restart(void **state)
{
    struct file_bed *f = *state;
    const uint64_t lengths[] = { 1, 1000, 5000, TIER_CHUNK, TIER_CHUNK + 1, 5 * TIER_CHUNK + 77 };
    const Gcommon__V1__Blob__WriteResponse *response;
    for (size_t i = 0; i < GC_ARRAY_LEN(lengths); i++) {
        struct tier_call *call = write_blob(f, i + 1, lengths[i]);
        tier_ends(call, GC_RPC_OK);
        response = tier_reply(call, &gcommon__v1__blob__write_response__descriptor);
        assert_int_equal(response->length, lengths[i]);
        assert_int_equal(response->crc32c, call->crc);
    }
    tier_node_close(&f->bed.files[0].node);
    tier_file_open(&f->bed, 0);
    tier_until(&f->bed, ask_stat(f, 1)->status.code == GC_RPC_OK);
    for (size_t i = 0; i < GC_ARRAY_LEN(lengths); i++) {
        reads_as(f, i + 1, 0, lengths[i]);
    }
}

static void
messages_out_of_order_are_refused(void **state)
{
    struct file_bed *f = *state;
    struct tier_call *call = write_start(f); /* a chunk first */
    tier_send_chunk(call, 10);
    tier_ends(call, GC_RPC_INVALID_ARGUMENT);
    call = write_start(f); /* a commit first */
    write_commit(call);
    tier_ends(call, GC_RPC_INVALID_ARGUMENT);
    call = write_start(f); /* open twice */
    write_open(call, 1);
    write_open(call, 2);
    tier_ends(call, GC_RPC_INVALID_ARGUMENT);
    call = write_start(f); /* a chunk after a short one */
    write_open(call, 1);
    tier_send_chunk(call, 10);
    tier_send_chunk(call, TIER_CHUNK);
    write_commit(call);
    tier_until(&f->bed, call->ended);
    assert_int_not_equal(call->status.code, GC_RPC_OK);
    nothing_is_left(f, 1);
}

static void
a_chunk_with_a_wrong_crc_fails_the_write(void **state)
{
    struct file_bed *f = *state;
    for (unsigned bad = 1; bad <= 3; bad++) {
        struct tier_call *call = write_start(f);
        write_open(call, bad);
        call->bad_chunk = bad;
        tier_send_chunks(call, 2 * TIER_CHUNK + 100);
        write_commit(call);
        tier_until(&f->bed, call->ended);
        assert_string_equal(gc_rpc_code_name(call->status.code), "DATA_LOSS");
        nothing_is_left(f, bad);
    }
}

static void
a_commit_that_does_not_fit_is_refused(void **state)
{
    struct file_bed *f = *state;
    struct tier_call *call = write_start(f);
    write_open(call, 1);
    tier_send_chunks(call, 1000);
    write_commit_off(call, -1, 0);
    tier_until(&f->bed, call->ended);
    assert_int_not_equal(call->status.code, GC_RPC_OK);
    nothing_is_left(f, 1);
    call = write_start(f);
    write_open(call, 1);
    tier_send_chunks(call, TIER_CHUNK + 5);
    write_commit_off(call, 0, 1);
    tier_until(&f->bed, call->ended);
    assert_int_not_equal(call->status.code, GC_RPC_OK);
    nothing_is_left(f, 1);
    tier_ends(write_blob(f, 1, 1000), GC_RPC_OK); /* the id is free again */
}

static void
a_half_close_without_commit_leaves_nothing(void **state)
{
    struct file_bed *f = *state;
    struct tier_call *call = write_start(f);
    tier_half_close(call);
    tier_ends(call, GC_RPC_CANCELLED);
    call = write_start(f);
    write_open(call, 1);
    tier_send_chunks(call, TIER_CHUNK + 1);
    tier_until(&f->bed, call->sent == call->to_send);
    tier_half_close(call);
    tier_ends(call, GC_RPC_CANCELLED);
    nothing_is_left(f, 1);
}

static void
a_write_cancelled_in_any_state_leaves_no_open_upload(void **state)
{
    struct file_bed *f = *state;
    for (unsigned turns = 0; turns < 40; turns++) {
        struct tier_call *call = write_start(f);
        write_open(call, turns + 1);
        tier_send_chunks(call, TIER_CHUNK + 1);
        if (turns % 2 == 0) {
            write_commit(call);
        }
        for (unsigned i = 0; i < turns / 2 && !call->ended; i++) {
            tier_bed_turn(&f->bed);
        }
        if (call->call != NULL) {
            gc_rpc_cancel(call->call);
        }
        tier_until(&f->bed, call->ended && tier_stat(&f->bed, 0).n_puts_open == 0);
        if (turns % 2 != 0) { /* no commit was sent */
            tier_ends(ask_stat(f, turns + 1), GC_RPC_NOT_FOUND);
        } else if (ask_stat(f, turns + 1)->status.code == GC_RPC_OK) { /* it was too late */
            reads_as(f, turns + 1, 0, TIER_CHUNK + 1);
        }
    }
}

static void
an_id_cannot_be_written_twice(void **state)
{
    struct file_bed *f = *state;
    struct tier_call *first = write_start(f), *second;
    write_open(first, 1);
    tier_send_chunk(first, 100);
    tier_until(&f->bed, tier_stat(&f->bed, 0).n_puts_open == 1);
    second = write_start(f); /* while it is being written */
    write_open(second, 1);
    tier_ends(second, GC_RPC_ALREADY_EXISTS);
    write_commit(first);
    tier_ends(first, GC_RPC_OK);
    tier_ends(write_blob(f, 1, 200), GC_RPC_ALREADY_EXISTS);
    reads_as(f, 1, 0, 100);
}

static void
many_uploads_share_the_pool_and_all_complete(void **state)
{
    struct file_bed *f = *state;
    struct tier_call *calls[24]; /* each may have a window of 1 MiB under way; the pool has 4 */
    for (size_t i = 0; i < GC_ARRAY_LEN(calls); i++) {
        calls[i] = write_start(f);
        write_open(calls[i], i + 1);
        tier_send_chunks(calls[i], 8 * TIER_CHUNK + i);
    }
    for (size_t i = 0; i < GC_ARRAY_LEN(calls); i++) {
        write_commit(calls[i]);
    }
    for (size_t i = 0; i < GC_ARRAY_LEN(calls); i++) {
        tier_ends(calls[i], GC_RPC_OK);
        reads_as(f, i + 1, 0, 8 * TIER_CHUNK + i);
    }
    assert_int_equal(tier_stat(&f->bed, 0).n_puts_open, 0);
}

/* --- Read ---------------------------------------------------------------------------------------
 */

static void
ranges_are_cut_out_of_chunks(void **state)
{
    struct file_bed *f = *state;
    const uint64_t length = 3 * TIER_CHUNK + 500;
    const uint64_t ranges[][2] = {
        { 0, 1 },
        { 0, length },
        { length - 1, 1 },
        { TIER_CHUNK - 1, 2 },
        { TIER_CHUNK, TIER_CHUNK },
        { 10, TIER_CHUNK },
        { TIER_CHUNK + 3, 2 * TIER_CHUNK },
        { 3 * TIER_CHUNK, 500 },
        { length, 0 },
        { 0, 0 },
    };
    tier_ends(write_blob(f, 1, length), GC_RPC_OK);
    tier_ends(write_blob(f, 2, 300), GC_RPC_OK); /* within its record */
    for (size_t i = 0; i < GC_ARRAY_LEN(ranges); i++) {
        reads_as(f, 1, ranges[i][0], ranges[i][1]);
    }
    reads_as(f, 2, 0, 300);
    reads_as(f, 2, 299, 1);
    reads_as(f, 2, 7, 100);
    reads_as(f, 2, 300, 0);
}

static void
a_range_outside_and_an_unknown_blob_are_refused(void **state)
{
    struct file_bed *f = *state;
    tier_ends(write_blob(f, 1, 300), GC_RPC_OK);
    tier_ends(read_start(f, 1, 0, 301), GC_RPC_OUT_OF_RANGE);
    tier_ends(read_start(f, 1, 301, 0), GC_RPC_OUT_OF_RANGE);
    tier_ends(read_start(f, 1, 1, UINT64_MAX), GC_RPC_OUT_OF_RANGE);
    tier_ends(read_start(f, 1, UINT64_MAX, 2), GC_RPC_OUT_OF_RANGE);
    tier_ends(read_start(f, 2, 0, 1), GC_RPC_NOT_FOUND);
    assert_int_equal(tier_stat(&f->bed, 0).n_readers_open, 0);
}

static void
a_reader_that_does_not_take_holds_back_the_disk(void **state)
{
    struct file_bed *f = *state;
    const uint64_t length = 64 * TIER_CHUNK;
    struct tier_call *read;
    tier_ends(write_blob(f, 1, length), GC_RPC_OK);
    read = read_start(f, 1, 0, length);
    read->hold = true;
    tier_until(&f->bed, read->n_chunks >= 2);
    for (unsigned i = 0; i < 200; i++) {
        tier_bed_turn(&f->bed);
    }
    assert_true(read->n_bytes < 8u << 20); /* a window, not the blob */
    read->hold = false;
    for (; read->n_held > 0; read->n_held--) {
        gc_rpc_consume(read->call);
    }
    tier_ends(read, GC_RPC_OK);
    assert_int_equal(read->n_bytes, length);
    assert_int_equal(read->n_bad, 0);
}

static void
a_cancelled_read_closes_its_blob(void **state)
{
    struct file_bed *f = *state;
    tier_ends(write_blob(f, 1, 16 * TIER_CHUNK), GC_RPC_OK);
    for (unsigned turns = 0; turns < 20; turns++) {
        struct tier_call *read = read_start(f, 1, 0, 16 * TIER_CHUNK);
        for (unsigned i = 0; i < turns && !read->ended; i++) {
            tier_bed_turn(&f->bed);
        }
        if (read->call != NULL) {
            gc_rpc_cancel(read->call);
        }
        tier_until(&f->bed, read->ended && tier_stat(&f->bed, 0).n_readers_open == 0);
    }
}

/* --- Delete, List, Stat -------------------------------------------------------------------------
 */

static void
deleted_blobs_are_gone_and_unknown_ones_no_error(void **state)
{
    struct file_bed *f = *state;
    tier_ends(write_blob(f, 1, 10), GC_RPC_OK);
    tier_ends(write_blob(f, 2, 2 * TIER_CHUNK), GC_RPC_OK);
    tier_ends(write_blob(f, 3, 10), GC_RPC_OK);
    assert_int_equal(delete_blobs(f, (const uint64_t[]){ 1, 2, 9 }, 3), 2);
    assert_int_equal(delete_blobs(f, (const uint64_t[]){ 1 }, 1), 0);
    assert_int_equal(delete_blobs(f, NULL, 0), 0);
    tier_ends(ask_stat(f, 1), GC_RPC_NOT_FOUND);
    tier_ends(read_start(f, 2, 0, 1), GC_RPC_NOT_FOUND);
    reads_as(f, 3, 0, 10);
}

static void
a_blob_deleted_while_it_is_read_is_read_to_its_end(void **state)
{
    struct file_bed *f = *state;
    const uint64_t length = 40 * TIER_CHUNK;
    struct tier_call *read;
    tier_ends(write_blob(f, 1, length), GC_RPC_OK);
    read = read_start(f, 1, 0, length);
    read->hold = true;
    tier_until(&f->bed, read->n_chunks >= 1);
    assert_int_equal(delete_blobs(f, (const uint64_t[]){ 1 }, 1), 1);
    read->hold = false;
    for (; read->n_held > 0; read->n_held--) {
        gc_rpc_consume(read->call);
    }
    tier_ends(read, GC_RPC_OK);
    assert_int_equal(read->n_bytes, length);
    tier_until(&f->bed, tier_stat(&f->bed, 0).gc_queue == 0);
}

static void
a_listing_goes_on_after_an_id(void **state)
{
    struct file_bed *f = *state;
    const Gcommon__V1__Blob__ListResponse *page;
    for (uint64_t i = 1; i <= 5; i++) {
        tier_ends(write_blob(f, i, i), GC_RPC_OK);
    }
    page = list_blobs(f, 0, 0);
    assert_int_equal(page->n_ids, 5);
    page = list_blobs(f, 0, 2);
    assert_int_equal(page->n_ids, 2);
    assert_int_equal(page->ids[1]->epoch, EPOCH);
    assert_int_equal(page->ids[1]->counter, 2);
    page = list_blobs(f, 2, 9);
    assert_int_equal(page->n_ids, 3);
    assert_int_equal(page->ids[0]->counter, 3);
    assert_int_equal(list_blobs(f, 5, 9)->n_ids, 0);
}

static void
a_stat_tells_length_and_checksum(void **state)
{
    struct file_bed *f = *state;
    struct tier_call *call = write_blob(f, 1, TIER_CHUNK + 9), *stat;
    const Gcommon__V1__Blob__StatResponse *response;
    tier_ends(call, GC_RPC_OK);
    stat = ask_stat(f, 1);
    tier_ends(stat, GC_RPC_OK);
    response = tier_reply(stat, &gcommon__v1__blob__stat_response__descriptor);
    assert_int_equal(response->length, TIER_CHUNK + 9);
    assert_int_equal(response->crc32c, call->crc);
}

static void
requests_without_an_id_are_malformed(void **state)
{
    struct file_bed *f = *state;
    Gcommon__V1__Blob__StatRequest stat = GCOMMON__V1__BLOB__STAT_REQUEST__INIT;
    Gcommon__V1__Blob__ReadRequest read = GCOMMON__V1__BLOB__READ_REQUEST__INIT;
    Gcommon__V1__Blob__WriteOpen open = GCOMMON__V1__BLOB__WRITE_OPEN__INIT;
    Gcommon__V1__Blob__WriteRequest write = GCOMMON__V1__BLOB__WRITE_REQUEST__INIT;
    struct tier_call *call;
    tier_ends(tier_ask(&f->bed, f->channel, TIER_BLOB("Stat"), &stat.base),
              GC_RPC_INVALID_ARGUMENT);
    tier_ends(tier_ask(&f->bed, f->channel, TIER_BLOB("Read"), &read.base),
              GC_RPC_INVALID_ARGUMENT);
    write.part_case = GCOMMON__V1__BLOB__WRITE_REQUEST__PART_OPEN;
    write.open = &open;
    call = write_start(f);
    tier_send(call, &write.base);
    tier_ends(call, GC_RPC_INVALID_ARGUMENT);
}

static void
only_translation_may_call(void **state)
{
    struct file_bed *f = *state;
    static const char *const roles[] = { "web", "file" };
    static const char *const methods[] = { TIER_BLOB("Write"), TIER_BLOB("Read"),
                                           TIER_BLOB("Delete"), TIER_BLOB("Stat"),
                                           TIER_BLOB("List") };
    Gcommon__V1__Blob__ListRequest request = GCOMMON__V1__BLOB__LIST_REQUEST__INIT;
    for (size_t i = 0; i < GC_ARRAY_LEN(roles); i++) {
        struct gc_rpc_channel *channel =
            tier_channel(&f->bed, roles[i], f->bed.files[0].node.addr, "file");
        for (size_t j = 0; j < GC_ARRAY_LEN(methods); j++) {
            tier_ends(tier_ask(&f->bed, channel, methods[j], &request.base),
                      GC_RPC_PERMISSION_DENIED);
        }
        gc_rpc_channel_free(channel);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_committed_blob_survives_a_restart),
        CASE(messages_out_of_order_are_refused),
        CASE(a_chunk_with_a_wrong_crc_fails_the_write),
        CASE(a_commit_that_does_not_fit_is_refused),
        CASE(a_half_close_without_commit_leaves_nothing),
        CASE(a_write_cancelled_in_any_state_leaves_no_open_upload),
        CASE(an_id_cannot_be_written_twice),
        CASE(many_uploads_share_the_pool_and_all_complete),
        CASE(ranges_are_cut_out_of_chunks),
        CASE(a_range_outside_and_an_unknown_blob_are_refused),
        CASE(a_reader_that_does_not_take_holds_back_the_disk),
        CASE(a_cancelled_read_closes_its_blob),
        CASE(deleted_blobs_are_gone_and_unknown_ones_no_error),
        CASE(a_blob_deleted_while_it_is_read_is_read_to_its_end),
        CASE(a_listing_goes_on_after_an_id),
        CASE(a_stat_tells_length_and_checksum),
        CASE(requests_without_an_id_are_malformed),
        CASE(only_translation_may_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
