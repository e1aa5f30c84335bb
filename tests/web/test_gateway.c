/* SPDX-License-Identifier: GPL-3.0-or-later */
/* HTTP requests on their way to translation and back, and what happens when either side fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/macros.h"
#include "core/chunk.h"
#include "crypto/crypto.h"
#include "rpc/pb.h"
#include "tests/support/web_bed.h"

#define MIB (1024u * 1024)

static int
setup(void **state)
{
    struct web_bed *bed = malloc(sizeof(*bed));
    web_bed_init(bed);
    *state = bed;
    return 0;
}

static int
teardown(void **state)
{
    web_bed_fini(*state);
    free(*state);
    return 0;
}

static uint64_t
counter(struct gc_counter *c)
{
    return atomic_load(&c->value);
}

static struct web_bed_reply *
put(struct web_bed *bed, size_t len)
{
    struct web_bed_reply *reply = web_bed_request(bed, "PUT", "/papers/x", NULL, 0, false);
    web_bed_send(reply, len, true);
    return reply;
}

static void
assert_err(struct web_bed_reply *reply, unsigned status, const char *code)
{
    web_bed_until(reply->bed, reply->closed);
    assert_int_equal(reply->status, status);
    assert_true(web_bed_body_has(reply, code));
}

/* --- uploads -----------------------------------------------------------------------------------
 */

static void
a_small_upload_is_one_call_with_all_it_needs(void **state)
{
    static const char *const fields[] = {
        "authorization: Bearer tok",
        "content-type: a/b",
        "x-amz-meta-k: v",
        "if-none-match: *",
        "x-amz-acl: private",
        "content-length: 1000",
        "content-md5: 2QRplNi4rE+c9lM15RFnUQ==",
    };
    struct web_bed *bed = *state;
    struct web_bed_reply *reply;
    web_bed_open(bed);
    reply = web_bed_request(bed, "PUT", "/papers/a%20b", fields, GC_ARRAY_LEN(fields) - 1, false);
    web_bed_send(reply, 1000, true);
    web_bed_until(bed, reply->closed);
    assert_int_equal(reply->status, 200);
    assert_true(reply->ended);
    assert_int_equal(bed->n_puts, 1);
    assert_string_equal(bed->puts[0].token, "tok");
    assert_string_equal(bed->puts[0].bucket, "papers");
    assert_string_equal(bed->puts[0].key, "a b");
    assert_string_equal(bed->puts[0].if_none_match, "*");
    assert_string_equal(bed->puts[0].fields, "content-type: a/b\nx-amz-meta-k: v\n");
    assert_int_equal(bed->puts[0].n_chunks, 1);
    assert_int_equal(bed->puts[0].length, 1000);
    assert_int_equal(bed->puts[0].commit_length, 1000);
    assert_int_equal(bed->puts[0].commit_crc, bed->puts[0].crc);
    assert_non_null(strstr(reply->fields, "etag: \""));
    assert_non_null(strstr(reply->fields, "x-amz-request-id: "));
}

static void
an_empty_upload_has_no_chunk(void **state)
{
    struct web_bed *bed = *state;
    struct web_bed_reply *reply;
    web_bed_open(bed);
    reply = web_bed_request(bed, "PUT", "/papers/x", NULL, 0, true);
    web_bed_until(bed, reply->closed);
    assert_int_equal(reply->status, 200);
    assert_true(web_bed_has(reply, "etag: \"d41d8cd98f00b204e9800998ecf8427e\""));
    assert_int_equal(bed->puts[0].n_chunks, 0);
    assert_true(bed->puts[0].committed);
}

static void
a_large_upload_goes_in_full_chunks(void **state)
{
    struct web_bed *bed = *state;
    struct web_bed_reply *reply;
    web_bed_open(bed);
    reply = put(bed, 3 * GC_CHUNK_BYTES + 5);
    web_bed_until(bed, reply->closed);
    assert_int_equal(reply->status, 200);
    assert_int_equal(bed->puts[0].n_chunks, 4);
    assert_int_equal(bed->puts[0].n_odd, 1);
    assert_int_equal(bed->puts[0].commit_length, 3 * GC_CHUNK_BYTES + 5);
    assert_int_equal(bed->puts[0].commit_crc, bed->puts[0].crc);
}

static void
a_wrong_digest_never_reaches_the_commit(void **state)
{
    static const char *const wrong[] = { "content-md5: 1B2M2Y8AsgTpgAmY7PhCfg==" };
    static const char *const no_digest[] = { "content-md5: x" };
    struct web_bed *bed = *state;
    struct web_bed_reply *reply;
    web_bed_open(bed);
    reply = web_bed_request(bed, "PUT", "/papers/x", wrong, 1, false);
    web_bed_send(reply, 2 * MIB, true);
    assert_err(reply, 400, "BadDigest");
    web_bed_until(bed, bed->puts[0].call == NULL);
    assert_false(bed->puts[0].committed);
    reply = web_bed_request(bed, "PUT", "/papers/x", no_digest, 1, true);
    assert_err(reply, 400, "InvalidDigest");
    assert_int_equal(bed->n_puts, 1);
}

static void
what_is_too_large_is_refused_by_its_length_or_on_the_way(void **state)
{
    static const char *const fields[] = { "content-length: 600000" };
    struct web_bed *bed = *state;
    struct web_bed_reply *reply;
    bed->conf.object_bytes_max = 500000;
    web_bed_open(bed);
    reply = web_bed_request(bed, "PUT", "/papers/x", fields, 1, false);
    assert_err(reply, 400, "EntityTooLarge");
    assert_int_equal(bed->n_puts, 0);
    reply = web_bed_request(bed, "PUT", "/papers/x", NULL, 0, false);
    web_bed_send(reply, 600000, false);
    assert_err(reply, 400, "EntityTooLarge");
    web_bed_until(bed, bed->worker.n_requests == 0);
    assert_false(bed->puts[0].committed);
}

static void
a_small_upload_without_an_answer_is_sent_again_under_its_id(void **state)
{
    struct web_bed *bed = *state;
    struct web_bed_reply *reply;
    web_bed_open(bed);
    bed->n_lose = 2;
    reply = put(bed, 1000);
    web_bed_until(bed, reply->closed);
    assert_int_equal(reply->status, 200);
    assert_int_equal(bed->n_puts, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(bed->puts[i].length, 1000);
        assert_int_equal(bed->puts[i].crc, bed->puts[0].crc);
        assert_memory_equal(bed->puts[i].request_id, bed->puts[0].request_id, 16);
    }
    assert_int_equal(bed->n_outcomes, 0);
}

static void
a_small_upload_ends_503_when_nobody_answers(void **state)
{
    struct web_bed *bed = *state;
    struct web_bed_reply *reply;
    bed->conf.retry_ms = 100;
    web_bed_open(bed);
    bed->n_lose = 1000;
    reply = put(bed, 1000);
    assert_err(reply, 503, "ServiceUnavailable");
    assert_true(web_bed_has(reply, "retry-after: 1"));
    assert_true(bed->n_puts > 1);
}

/* The next attempt is due when the worker goes, because the loop is late; the stream ends a moment
 * later. */
static void
a_worker_may_go_while_an_upload_waits_to_be_sent_again(void **state)
{
    struct web_bed *bed = *state;
    uint64_t until_ms;
    web_bed_open(bed);
    bed->n_lose = 1000;
    (void)put(bed, 1000);
    web_bed_until(bed, bed->n_puts > 0 && bed->puts[bed->n_puts - 1].call == NULL);
    gc_loop_turn(bed->loop, 0); /* the pause has begun */
    for (until_ms = gc_clock_mono_ms() + 600; gc_clock_mono_ms() < until_ms;) {
    }
    gc_web_worker_fini(&bed->worker);
    assert_int_equal(bed->worker.n_requests, 0);
    bed->worker.http = NULL;
    bed->worker.channel = NULL;
    bed->worker.health = NULL;
    bed->worker.rpc = NULL;
}

static void
the_outcome_of_a_large_upload_without_an_answer_is_asked_for(void **state)
{
    struct web_bed *bed = *state;
    struct web_bed_reply *reply;
    web_bed_open(bed);
    bed->n_lose = 1;
    bed->outcomes_unknown = 2;
    reply = put(bed, MIB);
    web_bed_until(bed, reply->closed);
    assert_int_equal(reply->status, 200);
    assert_int_equal(bed->n_puts, 1);
    assert_int_equal(bed->n_outcomes, 3);
    bed->n_lose = 1;
    bed->outcome = GC_API_PreconditionFailed;
    reply = put(bed, MIB);
    assert_err(reply, 412, "PreconditionFailed");
}

static void
an_outcome_that_stays_unknown_is_503(void **state)
{
    struct web_bed *bed = *state;
    struct web_bed_reply *reply;
    bed->conf.deadline_ms = 300;
    web_bed_open(bed);
    bed->n_lose = 1;
    bed->outcomes_unknown = 1000000;
    reply = put(bed, MIB);
    assert_err(reply, 503, "ServiceUnavailable");
    assert_true(bed->n_outcomes > 1);
}

static void
a_commit_that_is_never_answered_expires(void **state)
{
    struct web_bed *bed = *state;
    struct web_bed_reply *reply;
    bed->conf.deadline_ms = 200;
    web_bed_open(bed);
    bed->mute = true;
    reply = put(bed, 1000);
    assert_err(reply, 503, "RequestExpired");
    web_bed_until(bed, bed->puts[0].call == NULL);
}

static void
translations_refusal_ends_an_upload_at_any_time(void **state)
{
    struct web_bed *bed = *state;
    struct web_bed_reply *reply;
    web_bed_open(bed);
    bed->err = GC_API_NoSuchBucket;
    reply = put(bed, 1000);
    assert_err(reply, 404, "NoSuchBucket");
    bed->err = GC_API_OK;
    bed->err_after_chunks = 3;
    reply = web_bed_request(bed, "PUT", "/papers/x", NULL, 0, false);
    web_bed_send(reply, 4 * MIB, false);
    assert_err(reply, 503, "ServiceUnavailable");
    assert_int_equal(reply->rc, 0); /* answered and done, although the body never ended */
}

static void
a_client_that_goes_leaves_nothing(void **state)
{
    struct web_bed *bed = *state;
    struct web_bed_reply *reply;
    web_bed_open(bed);
    reply = web_bed_request(bed, "PUT", "/papers/x", NULL, 0, false);
    web_bed_send(reply, MIB, false);
    web_bed_until(bed, bed->n_puts == 1 && bed->puts[0].n_chunks == 4);
    gc_http_reset(reply->s, GC_H2_CANCEL);
    web_bed_until(bed, bed->puts[0].call == NULL && bed->worker.n_requests == 0);
    assert_false(bed->puts[0].committed);
    assert_int_equal(atomic_load(&bed->worker.metrics.active->value), 0);
}

static void
a_client_that_goes_before_the_answer_cancels_the_commit(void **state)
{
    struct web_bed *bed = *state;
    struct web_bed_reply *reply;
    web_bed_open(bed);
    bed->mute = true;
    reply = put(bed, 1000);
    web_bed_until(bed, bed->n_puts == 1 && bed->puts[0].committed);
    gc_http_reset(reply->s, GC_H2_CANCEL);
    web_bed_until(bed, bed->puts[0].call == NULL && bed->worker.n_requests == 0);
}

static void
a_client_that_goes_while_the_outcome_is_asked_leaves_nothing(void **state)
{
    struct web_bed *bed = *state;
    struct web_bed_reply *reply;
    web_bed_open(bed);
    bed->n_lose = 1;
    bed->outcomes_unknown = 1000000;
    reply = put(bed, MIB);
    web_bed_until(bed, bed->n_outcomes == 2);
    gc_http_reset(reply->s, GC_H2_CANCEL);
    web_bed_until(bed, bed->worker.n_requests == 0);
}

static void
a_client_that_stands_still_is_told_so(void **state)
{
    struct web_bed *bed = *state;
    struct web_bed_reply *reply;
    bed->conf.progress_ms = 100;
    web_bed_open(bed);
    reply = web_bed_request(bed, "PUT", "/papers/x", NULL, 0, false);
    web_bed_send(reply, MIB, false);
    assert_err(reply, 400, "RequestTimeout");
    web_bed_until(bed, bed->puts[0].call == NULL);
    assert_int_equal(counter(bed->worker.metrics.stalls), 1);
}

/* Flow control from end to end: what translation does not take, the client cannot send. */
static void
a_slow_translation_slows_the_client(void **state)
{
    struct web_bed *bed = *state;
    struct web_bed_reply *reply;
    size_t owed;
    web_bed_open(bed);
    bed->hold = true;
    reply = put(bed, 16 * MIB);
    for (unsigned i = 0; i < 200; i++) {
        gc_loop_turn(bed->loop, 1);
    }
    assert_true(bed->puts[0].length <= 2 * MIB);
    assert_true(counter(bed->worker.metrics.bytes_in) <= 4 * MIB);
    assert_false(reply->closed);
    bed->hold = false;
    owed = bed->puts[0].n_owed;
    for (size_t i = 0; i < owed; i++) {
        gc_rpc_consume(bed->puts[0].call);
    }
    web_bed_until(bed, reply->closed);
    assert_int_equal(reply->status, 200);
    assert_int_equal(bed->puts[0].commit_length, 16 * MIB);
}

/* --- downloads ---------------------------------------------------------------------------------
 */

static void
assert_pattern(const struct web_bed_reply *reply, uint64_t first, size_t len)
{
    assert_int_equal(reply->body.len, len);
    for (size_t i = 0; i < len; i++) {
        if (reply->body.data[i] != web_bed_byte(first + i)) {
            fail_msg("byte %zu differs", i);
        }
    }
}

static void
a_download_is_what_translation_sends(void **state)
{
    struct web_bed *bed = *state;
    struct web_bed_reply *reply;
    web_bed_open(bed);
    bed->get_length = 3 * MIB + 7;
    reply = web_bed_get(bed, "GET", "/papers/x");
    assert_int_equal(reply->status, 200);
    assert_true(reply->ended);
    assert_true(web_bed_has(reply, "content-length: 3145735"));
    assert_true(web_bed_has(reply, "etag: \"d41d8cd98f00b204e9800998ecf8427e\""));
    assert_true(web_bed_has(reply, "last-modified: Tue, 24 Nov 2026 06:00:00 GMT"));
    assert_true(web_bed_has(reply, "accept-ranges: bytes"));
    assert_true(web_bed_has(reply, "content-type: binary/octet-stream"));
    assert_pattern(reply, 0, 3 * MIB + 7);
    bed->get_length = 0;
    reply = web_bed_get(bed, "GET", "/papers/x");
    assert_int_equal(reply->status, 200);
    assert_true(reply->ended);
    assert_int_equal(reply->body.len, 0);
}

static void
a_part_says_which_part_it_is(void **state)
{
    static const char *const fields[] = { "range: bytes=5-9", "if-range: \"r\"" };
    struct web_bed *bed = *state;
    Gcommon__V1__Gateway__GetObjectRequest *request;
    struct web_bed_reply *reply;
    struct gc_arena arena;
    web_bed_open(bed);
    bed->get_length = 100;
    bed->get_range_first = 5;
    bed->get_range_last = 9;
    reply = web_bed_request(bed, "GET", "/papers/x", fields, 2, true);
    web_bed_until(bed, reply->closed);
    assert_int_equal(reply->status, 206);
    assert_true(web_bed_has(reply, "content-range: bytes 5-9/100"));
    assert_true(web_bed_has(reply, "content-length: 5"));
    assert_pattern(reply, 5, 5);
    gc_arena_init(&arena, 64 * 1024);
    request = gc_pb_unpack(&gcommon__v1__gateway__get_object_request__descriptor, &arena,
                           bed->last.data, bed->last.len);
    assert_non_null(request);
    assert_string_equal(request->request->range, "bytes=5-9");
    assert_string_equal(request->request->conditions->if_range, "\"r\"");
    gc_arena_fini(&arena);
}

static void
assert_cut(struct web_bed *bed, unsigned n_cuts)
{
    struct web_bed_reply *reply = web_bed_get(bed, "GET", "/papers/x");
    assert_int_equal(reply->status, 200);
    assert_false(reply->ended);
    assert_int_equal(reply->rc, GC_ECANCELED);
    assert_int_equal(reply->h2_code, GC_H2_INTERNAL_ERROR);
    assert_int_equal(counter(bed->worker.metrics.cuts), n_cuts);
}

static void
a_download_that_fails_on_the_way_is_cut(void **state)
{
    struct web_bed *bed = *state;
    web_bed_open(bed);
    bed->get_length = 2 * MIB;
    bed->get_bad_chunk = 3;
    assert_cut(bed, 1);
    bed->get_bad_chunk = 0;
    bed->get_chunks_max = 2;
    bed->get_err = GC_API_DataLoss;
    assert_cut(bed, 2);
    bed->get_err = GC_API_OK; /* the end comes early, without an error */
    assert_cut(bed, 3);
}

static void
a_download_that_fails_at_once_is_an_error(void **state)
{
    struct web_bed *bed = *state;
    struct web_bed_reply *reply;
    web_bed_open(bed);
    bed->err = GC_API_NoSuchKey;
    reply = web_bed_get(bed, "GET", "/papers/x");
    assert_err(reply, 404, "<Code>NoSuchKey</Code>");
    assert_true(web_bed_body_has(reply, "<Resource>/papers/x</Resource>"));
    bed->err = GC_API_NotModified;
    reply = web_bed_get(bed, "GET", "/papers/x");
    assert_int_equal(reply->status, 304);
    assert_int_equal(reply->body.len, 0);
}

static void
a_304_repeats_the_only_tag_that_can_be_meant(void **state)
{
    static const char *const one[] = { "if-none-match: \"abc\"" };
    static const char *const many[] = { "if-none-match: \"abc\", \"d\"" };
    struct web_bed *bed = *state;
    struct web_bed_reply *reply;
    web_bed_open(bed);
    bed->err = GC_API_NotModified;
    reply = web_bed_request(bed, "GET", "/papers/x", one, 1, true);
    web_bed_until(bed, reply->closed);
    assert_int_equal(reply->status, 304);
    assert_true(web_bed_has(reply, "etag: \"abc\""));
    reply = web_bed_request(bed, "HEAD", "/papers/x", many, 1, true);
    web_bed_until(bed, reply->closed);
    assert_int_equal(reply->status, 304);
    assert_null(strstr(reply->fields, "etag"));
}

static void
a_download_without_an_answer_is_asked_for_again(void **state)
{
    struct web_bed *bed = *state;
    struct web_bed_reply *reply;
    web_bed_open(bed);
    bed->n_lose = 2;
    bed->get_length = 10;
    reply = web_bed_get(bed, "GET", "/papers/x");
    assert_int_equal(reply->status, 200);
    assert_int_equal(bed->n_calls, 3);
}

static void
a_slow_client_slows_translation(void **state)
{
    struct web_bed *bed = *state;
    struct web_bed_reply *reply;
    web_bed_open(bed);
    bed->get_length = 32 * MIB;
    reply = web_bed_request(bed, "GET", "/papers/x", NULL, 0, true);
    reply->hold = true;
    for (unsigned i = 0; i < 200; i++) {
        gc_loop_turn(bed->loop, 1);
    }
    assert_true(reply->held > 0);
    assert_true(bed->n_get_sent * GC_CHUNK_BYTES < 8 * MIB);
    reply->hold = false;
    gc_http_consume(reply->s, reply->held);
    web_bed_until(bed, reply->closed);
    assert_true(reply->ended);
    assert_pattern(reply, 0, 32 * MIB);
}

static void
a_download_that_nobody_wants_any_more_is_cancelled(void **state)
{
    struct web_bed *bed = *state;
    struct web_bed_reply *reply;
    web_bed_open(bed);
    bed->get_length = 64 * MIB;
    reply = web_bed_request(bed, "GET", "/papers/x", NULL, 0, true);
    reply->hold = true;
    web_bed_until(bed, reply->held > 0);
    gc_http_reset(reply->s, GC_H2_CANCEL);
    web_bed_until(bed, bed->worker.n_requests == 0 && bed->get_call == NULL);
}

/* --- the rest ----------------------------------------------------------------------------------
 */

static void
buckets_and_deletes_answer_as_s3_does(void **state)
{
    struct web_bed *bed = *state;
    struct web_bed_reply *reply;
    web_bed_open(bed);
    reply = web_bed_get(bed, "PUT", "/papers");
    assert_int_equal(reply->status, 200);
    assert_true(web_bed_has(reply, "location: /papers"));
    assert_string_equal(bed->path, "CreateBucket");
    reply = web_bed_get(bed, "HEAD", "/papers");
    assert_int_equal(reply->status, 200);
    reply = web_bed_get(bed, "DELETE", "/papers/x");
    assert_int_equal(reply->status, 204);
    assert_string_equal(bed->path, "DeleteObject");
    reply = web_bed_get(bed, "DELETE", "/papers");
    assert_int_equal(reply->status, 204);
    reply = web_bed_get(bed, "GET", "/papers?location");
    assert_int_equal(reply->status, 200);
    assert_true(web_bed_body_has(reply, "<LocationConstraint xmlns="));
    assert_string_equal(bed->path, "HeadBucket");
    bed->err = GC_API_BucketAlreadyOwnedByYou;
    reply = web_bed_get(bed, "PUT", "/papers");
    assert_int_equal(reply->status, 200);
    bed->err = GC_API_BucketNotEmpty;
    reply = web_bed_get(bed, "DELETE", "/papers");
    assert_err(reply, 409, "BucketNotEmpty");
    bed->err = GC_API_NoSuchBucket;
    reply = web_bed_get(bed, "HEAD", "/papers");
    assert_int_equal(reply->status, 404);
    assert_int_equal(reply->body.len, 0);
}

static void
a_mutation_without_an_answer_keeps_its_request_id(void **state)
{
    struct web_bed *bed = *state;
    Gcommon__V1__Gateway__DeleteObjectRequest *request;
    struct web_bed_reply *reply;
    struct gc_arena arena;
    char id[33];
    char line[64];
    web_bed_open(bed);
    bed->n_lose = 2;
    reply = web_bed_get(bed, "DELETE", "/papers/x");
    assert_int_equal(reply->status, 204);
    assert_int_equal(bed->n_calls, 3);
    gc_arena_init(&arena, 64 * 1024);
    request = gc_pb_unpack(&gcommon__v1__gateway__delete_object_request__descriptor, &arena,
                           bed->last.data, bed->last.len);
    assert_non_null(request);
    assert_int_equal(request->context->request_id.len, 16);
    gc_hex_encode(id, request->context->request_id.data, 16);
    snprintf(line, sizeof(line), "x-amz-request-id: %s", id);
    assert_true(web_bed_has(reply, line));
    assert_true(request->context->ttl_ms >= bed->conf.deadline_ms);
    gc_arena_fini(&arena);
}

static void
a_call_that_nobody_waits_for_is_cancelled(void **state)
{
    struct web_bed *bed = *state;
    struct web_bed_reply *reply;
    bed->conf.deadline_ms = 400000;
    web_bed_open(bed);
    bed->mute = true;
    reply = web_bed_request(bed, "DELETE", "/papers/x", NULL, 0, true);
    web_bed_until(bed, bed->n_calls == 1);
    gc_http_reset(reply->s, GC_H2_CANCEL);
    web_bed_until(bed, bed->n_muted_ended == 1 && bed->worker.n_requests == 0);
}

static void
a_call_without_an_answer_expires(void **state)
{
    struct web_bed *bed = *state;
    struct web_bed_reply *reply;
    bed->conf.deadline_ms = 200;
    web_bed_open(bed);
    bed->mute = true;
    reply = web_bed_get(bed, "DELETE", "/papers/x");
    assert_err(reply, 503, "RequestExpired");
}

static void
a_listing_is_rendered_with_its_place(void **state)
{
    Gcommon__V1__Object__ListObjectsResponse page =
        GCOMMON__V1__OBJECT__LIST_OBJECTS_RESPONSE__INIT;
    Gcommon__V1__Object__ListEntry entry = GCOMMON__V1__OBJECT__LIST_ENTRY__INIT, *list = &entry;
    ProtobufCBinaryData prefix = { 4, (uint8_t *)"b<c/" };
    struct web_bed *bed = *state;
    struct web_bed_reply *reply;
    entry.key.data = (uint8_t *)"a&b";
    entry.key.len = 3;
    entry.etag = (char *)"00ff";
    entry.length = 12;
    entry.modified_ms = 1795500000000;
    page.entries = &list;
    page.n_entries = 1;
    page.common_prefixes = &prefix;
    page.n_common_prefixes = 1;
    page.truncated = true;
    page.next_continuation = (char *)"next";
    bed->answer = &page.base;
    web_bed_open(bed);
    reply = web_bed_get(bed, "GET", "/papers?list-type=2&delimiter=%2F&max-keys=2");
    assert_int_equal(reply->status, 200);
    assert_true(web_bed_has(reply, "content-type: application/xml"));
    assert_true(web_bed_body_has(reply, "<Contents><Key>a&amp;b</Key><LastModified>"
                                        "2026-11-24T06:00:00.000Z</LastModified>"
                                        "<ETag>&quot;00ff&quot;</ETag><Size>12</Size>"));
    assert_true(web_bed_body_has(reply, "<CommonPrefixes><Prefix>b&lt;c/</Prefix>"));
    assert_true(web_bed_body_has(reply, "<KeyCount>2</KeyCount>"));
    assert_true(web_bed_body_has(reply, "<IsTruncated>true</IsTruncated>"));
    assert_true(web_bed_body_has(reply, "<NextContinuationToken>next</NextContinuationToken>"));
    reply = web_bed_get(bed, "GET", "/papers?marker=a&encoding-type=url&delimiter=%2F");
    assert_true(web_bed_body_has(reply, "<Key>a%26b</Key>"));
    assert_true(web_bed_body_has(reply, "<Marker>a</Marker><NextMarker>b%3Cc/</NextMarker>"));
    assert_false(web_bed_body_has(reply, "NextContinuationToken"));
    reply = web_bed_get(bed, "GET", "/papers?list-type=2&max-keys=0");
    assert_true(web_bed_body_has(reply, "<KeyCount>0</KeyCount>"));
    assert_true(web_bed_body_has(reply, "<IsTruncated>false</IsTruncated>"));
    assert_false(web_bed_body_has(reply, "<Contents>"));
}

static void
proof_is_asked_for_and_passed_on(void **state)
{
    static const char *const basic[] = { "authorization: Basic eA==" };
    static const char *const aws[] = { "authorization: AWS4-HMAC-SHA256 Credential=x" };
    struct web_bed *bed = *state;
    struct web_bed_reply *reply;
    bed->conf.anonymous = false;
    web_bed_open(bed);
    reply = web_bed_get(bed, "GET", "/papers/x");
    assert_err(reply, 401, "Unauthenticated");
    assert_true(web_bed_has(reply, "www-authenticate: Bearer"));
    reply = web_bed_request(bed, "GET", "/papers/x", basic, 1, true);
    assert_err(reply, 401, "InvalidToken");
    reply = web_bed_request(bed, "GET", "/papers/x", aws, 1, true);
    assert_err(reply, 501, "NotImplemented");
    reply = web_bed_get(bed, "GET", "/papers/x?X-Amz-Signature=0");
    assert_err(reply, 501, "NotImplemented");
    assert_int_equal(bed->n_calls, 0);
    assert_int_equal(counter(bed->worker.metrics.auth_failures), 4);
}

static void
only_names_of_ours_are_answered_for(void **state)
{
    struct web_bed *bed = *state;
    struct web_bed_reply *reply;
    gc_str_copy(bed->conf.server_names, sizeof(bed->conf.server_names), GC_STR("other.example"));
    web_bed_open(bed);
    reply = web_bed_get(bed, "GET", "/papers/x");
    assert_err(reply, 421, "MisdirectedRequest");
    reply = web_bed_get(bed, "GET", "/-/health");
    assert_int_equal(reply->status, 200);
}

static void
readiness_follows_translation_and_health_does_not(void **state)
{
    struct web_bed *bed = *state;
    struct web_bed_reply *reply;
    bed->conf.retry_ms = 50;
    web_bed_open(bed);
    reply = web_bed_get(bed, "GET", "/-/ready");
    assert_int_equal(reply->status, 200);
    web_bed_lose_translation(bed);
    web_bed_until(bed, !gc_web_worker_ready(&bed->worker));
    reply = web_bed_get(bed, "GET", "/-/ready");
    assert_int_equal(reply->status, 503);
    reply = web_bed_get(bed, "HEAD", "/-/health");
    assert_int_equal(reply->status, 200);
    reply = web_bed_get(bed, "GET", "/papers/x");
    assert_err(reply, 503, "ServiceUnavailable");
    reply = put(bed, 10);
    assert_err(reply, 503, "ServiceUnavailable");
    reply = put(bed, 4 * MIB);
    assert_err(reply, 503, "ServiceUnavailable");
    reply = web_bed_get(bed, "GET", "/-/other");
    assert_err(reply, 404, "NoSuchKey");
}

static void
a_body_that_means_nothing_is_taken_up_to_a_limit(void **state)
{
    struct web_bed *bed = *state;
    struct web_bed_reply *reply;
    web_bed_open(bed);
    reply = web_bed_request(bed, "PUT", "/papers", NULL, 0, false);
    web_bed_send(reply, 1000, true);
    web_bed_until(bed, reply->closed);
    assert_int_equal(reply->status, 200);
    reply = web_bed_request(bed, "PUT", "/papers", NULL, 0, false);
    web_bed_send(reply, MIB, false);
    assert_err(reply, 400, "EntityTooLarge");
    assert_int_equal(bed->n_calls, 1);
}

static void
methods_that_do_not_fit_say_which_do(void **state)
{
    struct web_bed *bed = *state;
    struct web_bed_reply *reply;
    web_bed_open(bed);
    reply = web_bed_get(bed, "POST", "/papers/x");
    assert_err(reply, 405, "MethodNotAllowed");
    assert_true(web_bed_has(reply, "allow: GET, HEAD, PUT, DELETE"));
    reply = web_bed_get(bed, "PUT", "/");
    assert_err(reply, 405, "MethodNotAllowed");
    assert_true(web_bed_has(reply, "allow: GET"));
    reply = web_bed_get(bed, "GET", "/papers?versioning");
    assert_err(reply, 501, "NotImplemented");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_small_upload_is_one_call_with_all_it_needs),
        CASE(an_empty_upload_has_no_chunk),
        CASE(a_large_upload_goes_in_full_chunks),
        CASE(a_wrong_digest_never_reaches_the_commit),
        CASE(what_is_too_large_is_refused_by_its_length_or_on_the_way),
        CASE(a_small_upload_without_an_answer_is_sent_again_under_its_id),
        CASE(a_small_upload_ends_503_when_nobody_answers),
        CASE(a_worker_may_go_while_an_upload_waits_to_be_sent_again),
        CASE(the_outcome_of_a_large_upload_without_an_answer_is_asked_for),
        CASE(an_outcome_that_stays_unknown_is_503),
        CASE(a_commit_that_is_never_answered_expires),
        CASE(translations_refusal_ends_an_upload_at_any_time),
        CASE(a_client_that_goes_leaves_nothing),
        CASE(a_client_that_goes_before_the_answer_cancels_the_commit),
        CASE(a_client_that_goes_while_the_outcome_is_asked_leaves_nothing),
        CASE(a_client_that_stands_still_is_told_so),
        CASE(a_slow_translation_slows_the_client),
        CASE(a_download_is_what_translation_sends),
        CASE(a_part_says_which_part_it_is),
        CASE(a_download_that_fails_on_the_way_is_cut),
        CASE(a_download_that_fails_at_once_is_an_error),
        CASE(a_304_repeats_the_only_tag_that_can_be_meant),
        CASE(a_download_without_an_answer_is_asked_for_again),
        CASE(a_slow_client_slows_translation),
        CASE(a_download_that_nobody_wants_any_more_is_cancelled),
        CASE(buckets_and_deletes_answer_as_s3_does),
        CASE(a_mutation_without_an_answer_keeps_its_request_id),
        CASE(a_call_that_nobody_waits_for_is_cancelled),
        CASE(a_call_without_an_answer_expires),
        CASE(a_listing_is_rendered_with_its_place),
        CASE(proof_is_asked_for_and_passed_on),
        CASE(only_names_of_ours_are_answered_for),
        CASE(readiness_follows_translation_and_health_does_not),
        CASE(a_body_that_means_nothing_is_taken_up_to_a_limit),
        CASE(methods_that_do_not_fit_say_which_do),
    };
    assert_int_equal(gc_crypto_init(), 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
