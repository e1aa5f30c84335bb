/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ObjectService: the client API over gRPC, against a translation node whose answers a test chooses.
 */
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
#include "crypto/crypto.h"
#include "crypto/hash.h"
#include "rpc/pb.h"
#include "tests/support/web_bed.h"

#define SERVICE "/gcommon.v1.object.ObjectService/"
#define MIB     (1024u * 1024)

/* A call to web and what came of it. */
struct caller {
    struct web_bed bed;
    struct gc_rpc_channel *channel;
    struct gc_rpc_call *call; /* NULL once it has ended */
    bool ended, hold;
    struct gc_rpc_status status;
    char err[64]; /* trailing metadata gcommon-error */
    size_t n_messages, n_owed;
    uint64_t n_bytes; /* of chunks */
    bool differs;     /* from the pattern */
};

static int
setup(void **state)
{
    struct caller *caller = calloc(1, sizeof(*caller));
    web_bed_init(&caller->bed);
    *state = caller;
    return 0;
}

static void
open_all(struct caller *caller)
{
    struct gc_rpc_channel_conf conf = { .balance = GC_RPC_PICK_FIRST };
    char target[32];
    web_bed_open(&caller->bed);
    snprintf(target, sizeof(target), "127.0.0.1:%u", caller->bed.port);
    conf.targets = target;
    assert_int_equal(gc_rpc_channel_new(caller->bed.loop, &conf, &caller->channel), 0);
}

static int
teardown(void **state)
{
    struct caller *caller = *state;
    gc_rpc_channel_free(caller->channel);
    web_bed_until(&caller->bed, caller->call == NULL);
    web_bed_fini(&caller->bed);
    free(caller);
    return 0;
}

static void
on_message(struct gc_rpc_call *call, void *arg, struct gc_bytes *msg)
{
    struct caller *caller = arg;
    struct gc_chunk chunk;
    caller->n_messages++;
    if (gc_chunk_is(msg) && gc_chunk_decode(msg, &chunk) == 0) {
        for (size_t i = 0; i < chunk.data.len; i++) {
            caller->differs |= chunk.data.data[i] != web_bed_byte(caller->n_bytes + i);
        }
        caller->n_bytes += chunk.data.len;
    }
    if (caller->hold) {
        caller->n_owed++;
    } else {
        gc_rpc_consume(call);
    }
}

static void
on_end(struct gc_rpc_call *call, void *arg, const struct gc_rpc_status *status)
{
    struct caller *caller = arg;
    caller->status = *status;
    (void)gc_str_copy(caller->err, sizeof(caller->err), gc_rpc_trailer(call, "gcommon-error"));
    caller->call = NULL;
    caller->ended = true;
}

static const struct gc_rpc_handler handler = { .on_message = on_message, .on_end = on_end };

static void
start(struct caller *caller, const char *path, const char *authorization)
{
    const struct gc_http_field field = { GC_STR("authorization"), gc_str_of(authorization), false };
    const struct gc_rpc_call_conf conf = {
        .path = path,
        .wait_for_ready = true,
        .deadline_ms = GC_UNTIL_MS,
        .metadata = &field,
        .n_metadata = authorization != NULL ? 1 : 0,
    };
    caller->ended = false;
    caller->n_messages = 0;
    caller->n_bytes = 0;
    assert_int_equal(gc_rpc_call_start(caller->channel, &conf, &handler, caller, &caller->call), 0);
}

static void
send_message(struct caller *caller, const ProtobufCMessage *message)
{
    struct gc_bytes *msg = gc_pb_pack(message);
    assert_non_null(msg);
    (void)gc_rpc_send(caller->call, msg);
    gc_bytes_unref(msg);
}

static void
assert_end(struct caller *caller, enum gc_rpc_code code, const char *err)
{
    web_bed_until(&caller->bed, caller->ended);
    assert_int_equal(caller->status.code, code);
    assert_string_equal(caller->err, err);
}

static void
start_get(struct caller *caller)
{
    Gcommon__V1__Object__GetObjectRequest message = GCOMMON__V1__OBJECT__GET_OBJECT_REQUEST__INIT;
    start(caller, SERVICE "GetObject", NULL);
    message.bucket = (char *)"papers";
    message.key.data = (uint8_t *)"x";
    message.key.len = 1;
    send_message(caller, &message.base);
    gc_rpc_half_close(caller->call);
}

/* --- uploads -----------------------------------------------------------------------------------
 */

static void
send_open(struct caller *caller, const char *name, const char *value)
{
    Gcommon__V1__Object__PutObjectRequest message = GCOMMON__V1__OBJECT__PUT_OBJECT_REQUEST__INIT;
    Gcommon__V1__Object__PutOpen open = GCOMMON__V1__OBJECT__PUT_OPEN__INIT;
    Gcommon__V1__Common__Field field = GCOMMON__V1__COMMON__FIELD__INIT, *list = &field;
    field.name = (char *)name;
    field.value.data = (uint8_t *)value;
    field.value.len = strlen(value);
    open.bucket = (char *)"papers";
    open.key.data = (uint8_t *)"x";
    open.key.len = 1;
    open.fields = &list;
    open.n_fields = 1;
    message.part_case = GCOMMON__V1__OBJECT__PUT_OBJECT_REQUEST__PART_OPEN;
    message.open = &open;
    send_message(caller, &message.base);
}

static void
send_chunk(struct caller *caller, size_t len, uint32_t crc_error)
{
    uint8_t *data = calloc(1, len);
    struct gc_bytes *msg = gc_chunk_encode(data, len, gc_crc32c(0, data, len) + crc_error);
    (void)gc_rpc_send(caller->call, msg);
    gc_bytes_unref(msg);
    free(data);
}

/* A commit of LEN zero bytes. */
static void
send_commit(struct caller *caller, size_t len, size_t md5_len, uint8_t md5_error)
{
    Gcommon__V1__Object__PutObjectRequest message = GCOMMON__V1__OBJECT__PUT_OBJECT_REQUEST__INIT;
    Gcommon__V1__Object__PutCommit commit = GCOMMON__V1__OBJECT__PUT_COMMIT__INIT;
    uint8_t *data = calloc(1, len + 1), md5[GC_MD5_BYTES];
    gc_md5(data, len, md5);
    md5[0] ^= md5_error;
    commit.length = len;
    commit.crc32c = gc_crc32c(0, data, len);
    commit.md5.data = md5;
    commit.md5.len = md5_len;
    message.part_case = GCOMMON__V1__OBJECT__PUT_OBJECT_REQUEST__PART_COMMIT;
    message.commit = &commit;
    send_message(caller, &message.base);
    free(data);
}

static void
an_upload_is_checked_and_passed_on(void **state)
{
    struct caller *caller = *state;
    struct web_bed_put *put = &caller->bed.puts[0];
    uint8_t want[GC_MD5_BYTES], *data = calloc(1, GC_CHUNK_BYTES + 10);
    open_all(caller);
    start(caller, SERVICE "PutObject", "Bearer tok");
    send_open(caller, "content-type", "a/b");
    send_chunk(caller, GC_CHUNK_BYTES, 0);
    send_chunk(caller, 10, 0);
    send_commit(caller, GC_CHUNK_BYTES + 10, 0, 0);
    gc_rpc_half_close(caller->call);
    assert_end(caller, GC_RPC_OK, "");
    assert_int_equal(caller->n_messages, 1);
    assert_string_equal(put->token, "tok");
    assert_string_equal(put->fields, "content-type: a/b\n");
    assert_int_equal(put->n_chunks, 2);
    assert_int_equal(put->commit_length, GC_CHUNK_BYTES + 10);
    assert_int_equal(put->commit_crc, put->crc);
    gc_md5(data, GC_CHUNK_BYTES + 10, want);
    assert_memory_equal(put->commit_md5, want, sizeof(want));
    free(data);
}

static void
what_does_not_fit_is_never_committed(void **state)
{
    struct caller *caller = *state;
    static const struct {
        const char *name, *value;
        uint32_t crc_error;
        size_t length, md5_len;
        uint8_t md5_error;
        enum gc_rpc_code code;
        const char *err;
    } cases[] = {
        { "content-type", "a\nb", 0, 10, 0, 0, GC_RPC_INVALID_ARGUMENT, "InvalidArgument" },
        { "set-cookie", "a", 0, 10, 0, 0, GC_RPC_INVALID_ARGUMENT, "InvalidArgument" },
        { "expires", "a", 1, 10, 0, 0, GC_RPC_INVALID_ARGUMENT, "BadDigest" },
        { "expires", "a", 0, 11, 0, 0, GC_RPC_INVALID_ARGUMENT, "IncompleteBody" },
        { "expires", "a", 0, 9, 0, 0, GC_RPC_INVALID_ARGUMENT, "IncompleteBody" },
        { "expires", "a", 0, 10, 16, 1, GC_RPC_INVALID_ARGUMENT, "BadDigest" },
        { "expires", "a", 0, 10, 5, 0, GC_RPC_INVALID_ARGUMENT, "InvalidDigest" },
    };
    open_all(caller);
    for (size_t i = 0; i < GC_ARRAY_LEN(cases); i++) {
        start(caller, SERVICE "PutObject", NULL);
        send_open(caller, cases[i].name, cases[i].value);
        send_chunk(caller, 10, cases[i].crc_error);
        send_commit(caller, cases[i].length, cases[i].md5_len, cases[i].md5_error);
        gc_rpc_half_close(caller->call);
        assert_end(caller, cases[i].code, cases[i].err);
    }
    web_bed_until(&caller->bed, caller->bed.worker.n_requests == 0);
    for (size_t i = 0; i < caller->bed.n_puts; i++) {
        assert_false(caller->bed.puts[i].committed);
    }
}

static void
messages_out_of_order_are_refused(void **state)
{
    struct caller *caller = *state;
    open_all(caller);
    start(caller, SERVICE "PutObject", NULL);
    send_chunk(caller, 10, 0);
    assert_end(caller, GC_RPC_INVALID_ARGUMENT, "BadRequest");
    start(caller, SERVICE "PutObject", NULL);
    send_open(caller, "expires", "a");
    send_open(caller, "expires", "a");
    assert_end(caller, GC_RPC_INVALID_ARGUMENT, "BadRequest");
    start(caller, SERVICE "PutObject", NULL);
    send_open(caller, "expires", "a");
    send_chunk(caller, 10, 0);
    gc_rpc_half_close(caller->call);
    assert_end(caller, GC_RPC_INVALID_ARGUMENT, "IncompleteBody");
    start(caller, SERVICE "PutObject", NULL);
    gc_rpc_half_close(caller->call);
    assert_end(caller, GC_RPC_INVALID_ARGUMENT, "IncompleteBody");
    web_bed_until(&caller->bed, caller->bed.worker.n_requests == 0);
}

static void
a_request_longer_than_any_is_refused_by_its_length(void **state)
{
    static const char *const paths[] = { SERVICE "ListObjects", SERVICE "GetObject",
                                         "/grpc.health.v1.Health/Check" };
    struct caller *caller = *state;
    struct gc_bytes *msg = gc_bytes_new(20000);
    memset(msg->data, 0, msg->len);
    open_all(caller);
    for (size_t i = 0; i < GC_ARRAY_LEN(paths); i++) {
        start(caller, paths[i], NULL);
        (void)gc_rpc_send(caller->call, msg);
        (void)gc_rpc_half_close(caller->call);
        assert_end(caller, GC_RPC_RESOURCE_EXHAUSTED, "");
    }
    gc_bytes_unref(msg);
}

static void
translations_refusal_is_the_clients(void **state)
{
    struct caller *caller = *state;
    open_all(caller);
    caller->bed.err = GC_API_NoSuchBucket;
    start(caller, SERVICE "PutObject", NULL);
    send_open(caller, "expires", "a");
    assert_end(caller, GC_RPC_NOT_FOUND, "NoSuchBucket");
    start_get(caller);
    assert_end(caller, GC_RPC_NOT_FOUND, "NoSuchBucket");
}

static void
an_answer_that_was_lost_is_found_out(void **state)
{
    struct caller *caller = *state;
    open_all(caller);
    caller->bed.n_lose = 1;
    caller->bed.outcomes_unknown = 2;
    start(caller, SERVICE "PutObject", NULL);
    send_open(caller, "expires", "a");
    send_commit(caller, 0, 0, 0);
    gc_rpc_half_close(caller->call);
    assert_end(caller, GC_RPC_OK, "");
    assert_int_equal(caller->n_messages, 1);
    assert_int_equal(caller->bed.n_outcomes, 3);
    caller->bed.n_lose = 1;
    caller->bed.outcome = GC_API_PreconditionFailed;
    start(caller, SERVICE "PutObject", NULL);
    send_open(caller, "expires", "a");
    send_commit(caller, 0, 0, 0);
    gc_rpc_half_close(caller->call);
    assert_end(caller, GC_RPC_FAILED_PRECONDITION, "PreconditionFailed");
}

static void
a_caller_that_goes_while_the_outcome_is_asked_leaves_nothing(void **state)
{
    struct caller *caller = *state;
    open_all(caller);
    caller->bed.n_lose = 1;
    caller->bed.outcomes_unknown = 1000000;
    start(caller, SERVICE "PutObject", NULL);
    send_open(caller, "expires", "a");
    send_commit(caller, 0, 0, 0);
    gc_rpc_half_close(caller->call);
    web_bed_until(&caller->bed, caller->bed.n_outcomes == 2);
    gc_rpc_cancel(caller->call);
    web_bed_until(&caller->bed, caller->ended && caller->bed.worker.n_requests == 0);
}

static void
a_caller_that_goes_cancels_its_upload(void **state)
{
    struct caller *caller = *state;
    open_all(caller);
    start(caller, SERVICE "PutObject", NULL);
    send_open(caller, "expires", "a");
    send_chunk(caller, 10, 0);
    web_bed_until(&caller->bed, caller->bed.n_puts == 1 && caller->bed.puts[0].n_chunks == 1);
    gc_rpc_cancel(caller->call);
    web_bed_until(&caller->bed, caller->ended && caller->bed.puts[0].call == NULL &&
                                    caller->bed.worker.n_requests == 0);
    assert_false(caller->bed.puts[0].committed);
}

/* --- downloads ---------------------------------------------------------------------------------
 */

static void
a_download_is_passed_on_whole(void **state)
{
    struct caller *caller = *state;
    open_all(caller);
    caller->bed.get_length = 3 * MIB;
    start_get(caller);
    assert_end(caller, GC_RPC_OK, "");
    assert_int_equal(caller->n_bytes, 3 * MIB);
    assert_false(caller->differs);
}

static void
a_damaged_chunk_is_data_loss(void **state)
{
    struct caller *caller = *state;
    open_all(caller);
    caller->bed.get_length = 3 * MIB;
    caller->bed.get_bad_chunk = 4;
    start_get(caller);
    assert_end(caller, GC_RPC_DATA_LOSS, "DataLoss");
    assert_int_equal(caller->n_bytes, 3 * GC_CHUNK_BYTES);
    caller->bed.get_bad_chunk = 0;
    caller->bed.get_chunks_max = 2;
    caller->bed.get_err = GC_API_ServiceUnavailable;
    start_get(caller);
    assert_end(caller, GC_RPC_UNAVAILABLE, "ServiceUnavailable");
    assert_int_equal(caller->n_bytes, 2 * GC_CHUNK_BYTES);
}

static void
a_slow_caller_slows_translation(void **state)
{
    struct caller *caller = *state;
    open_all(caller);
    caller->bed.get_length = 32 * MIB;
    caller->hold = true;
    start_get(caller);
    for (unsigned i = 0; i < 200; i++) {
        gc_loop_turn(caller->bed.loop, 1);
    }
    assert_true(caller->n_owed > 0);
    assert_true(caller->bed.n_get_sent * GC_CHUNK_BYTES < 8 * MIB);
    caller->hold = false;
    for (; caller->n_owed > 0; caller->n_owed--) {
        gc_rpc_consume(caller->call);
    }
    assert_end(caller, GC_RPC_OK, "");
    assert_int_equal(caller->n_bytes, 32 * MIB);
    assert_false(caller->differs);
}

/* --- the rest ----------------------------------------------------------------------------------
 */

static void
one_request_one_answer(void **state)
{
    Gcommon__V1__Object__HeadBucketRequest message = GCOMMON__V1__OBJECT__HEAD_BUCKET_REQUEST__INIT;
    Gcommon__V1__Gateway__HeadBucketRequest *request;
    struct caller *caller = *state;
    struct gc_arena arena;
    open_all(caller);
    caller->bed.n_lose = 2;
    message.bucket = (char *)"papers";
    start(caller, SERVICE "HeadBucket", NULL);
    send_message(caller, &message.base);
    gc_rpc_half_close(caller->call);
    assert_end(caller, GC_RPC_OK, "");
    assert_int_equal(caller->bed.n_calls, 3);
    gc_arena_init(&arena, 64 * 1024);
    request = gc_pb_unpack(&gcommon__v1__gateway__head_bucket_request__descriptor, &arena,
                           caller->bed.last.data, caller->bed.last.len);
    assert_non_null(request);
    assert_string_equal(request->request->bucket, "papers");
    assert_true(request->context->proof->anonymous);
    gc_arena_fini(&arena);
}

static void
who_shows_no_proof_is_refused(void **state)
{
    Gcommon__V1__Object__HeadBucketRequest message = GCOMMON__V1__OBJECT__HEAD_BUCKET_REQUEST__INIT;
    static const char *const methods[] = { SERVICE "HeadBucket", SERVICE "GetObject",
                                           SERVICE "PutObject" };
    struct caller *caller = *state;
    caller->bed.conf.anonymous = false;
    open_all(caller);
    for (size_t i = 0; i < GC_ARRAY_LEN(methods); i++) {
        start(caller, methods[i], NULL);
        send_message(caller, &message.base);
        gc_rpc_half_close(caller->call);
        assert_end(caller, GC_RPC_UNAUTHENTICATED, "Unauthenticated");
        start(caller, methods[i], "Basic eA==");
        send_message(caller, &message.base);
        gc_rpc_half_close(caller->call);
        assert_end(caller, GC_RPC_UNAUTHENTICATED, "InvalidToken");
    }
    assert_int_equal(caller->bed.n_calls + caller->bed.n_puts, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(an_upload_is_checked_and_passed_on),
        CASE(what_does_not_fit_is_never_committed),
        CASE(messages_out_of_order_are_refused),
        CASE(a_request_longer_than_any_is_refused_by_its_length),
        CASE(translations_refusal_is_the_clients),
        CASE(an_answer_that_was_lost_is_found_out),
        CASE(a_caller_that_goes_while_the_outcome_is_asked_leaves_nothing),
        CASE(a_caller_that_goes_cancels_its_upload),
        CASE(a_download_is_passed_on_whole),
        CASE(a_damaged_chunk_is_data_loss),
        CASE(a_slow_caller_slows_translation),
        CASE(one_request_one_answer),
        CASE(who_shows_no_proof_is_refused),
    };
    assert_int_equal(gc_crypto_init(), 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
