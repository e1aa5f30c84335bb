/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/web_bed_node.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/checksum.h"
#include "base/err.h"
#include "base/macros.h"
#include "core/chunk.h"
#include "rpc/pb.h"

static void
end_with(struct gc_rpc_call *call, enum gc_api_err err)
{
    const struct gc_api_err_info *info = gc_api_err_info(err);
    const struct gc_http_field trailer = { GC_STR("gcommon-error"), gc_str_of(info->code), false };
    struct gc_rpc_status status;
    gc_rpc_status_set(&status, (enum gc_rpc_code)info->grpc, "%s", info->text);
    (void)gc_rpc_set_trailers(call, &trailer, 1);
    (void)gc_rpc_finish(call, &status);
}

/* No answer: what a lost connection looks like. */
static bool
lose(struct web_bed *bed, struct gc_rpc_call *call)
{
    if (bed->n_lose == 0) {
        return false;
    }
    bed->n_lose--;
    (void)gc_rpc_fail(call, GC_RPC_UNAVAILABLE, "lost");
    return true;
}

static void
reply_with(struct gc_rpc_call *call, const ProtobufCMessage *message)
{
    struct gc_bytes *msg = message != NULL ? gc_pb_pack(message) : gc_bytes_new(0);
    assert_non_null(msg);
    (void)gc_rpc_reply(call, msg);
    gc_bytes_unref(msg);
}

/* --- unary -------------------------------------------------------------------------------------
 */

static void
drop_message(struct gc_rpc_call *call, void *arg, struct gc_bytes *msg)
{
    (void)arg;
    (void)msg;
    gc_rpc_consume(call);
}

static void
muted_end(struct gc_rpc_call *call, void *arg, const struct gc_rpc_status *status)
{
    struct web_bed *bed = arg;
    (void)call;
    (void)status;
    bed->n_muted_ended++;
}

static const struct gc_rpc_handler muted_handler = {
    .on_message = drop_message,
    .on_end = muted_end,
};

static void
unary(struct gc_rpc_call *call, struct web_bed *bed, struct gc_bytes *request, const char *name)
{
    bed->n_calls++;
    snprintf(bed->path, sizeof(bed->path), "%s", name);
    gc_buf_clear(&bed->last);
    assert_int_equal(gc_buf_append(&bed->last, request->data, request->len), 0);
    if (bed->mute) {
        gc_rpc_set_handler(call, &muted_handler, bed);
        return;
    }
    if (lose(bed, call)) {
        return;
    }
    if (bed->err != GC_API_OK) {
        end_with(call, bed->err);
    } else {
        reply_with(call, bed->answer);
    }
}

#define UNARY(name, text)                                                           \
    static void name(struct gc_rpc_call *call, void *arg, struct gc_bytes *request) \
    {                                                                               \
        unary(call, arg, request, text);                                            \
    }

UNARY(create_bucket, "CreateBucket")
UNARY(delete_bucket, "DeleteBucket")
UNARY(head_bucket, "HeadBucket")
UNARY(list_buckets, "ListBuckets")
UNARY(head_object, "HeadObject")
UNARY(delete_object, "DeleteObject")
UNARY(list_objects, "ListObjects")

static void
outcome(struct gc_rpc_call *call, void *arg, struct gc_bytes *request)
{
    struct web_bed *bed = arg;
    Gcommon__V1__Gateway__OutcomeRequest *decoded =
        gc_pb_unpack(&gcommon__v1__gateway__outcome_request__descriptor, gc_rpc_arena(call),
                     request->data, request->len);
    Gcommon__V1__Gateway__OutcomeResponse response = GCOMMON__V1__GATEWAY__OUTCOME_RESPONSE__INIT;
    assert_non_null(decoded);
    assert_int_equal(decoded->request_id.len, 16);
    assert_memory_equal(decoded->request_id.data, bed->puts[bed->n_puts - 1].request_id, 16);
    bed->n_outcomes++;
    response.known = bed->n_outcomes > bed->outcomes_unknown;
    response.api_error = response.known ? bed->outcome : 0;
    reply_with(call, &response.base);
}

/* --- PutObject ---------------------------------------------------------------------------------
 */

static void
take_open(struct web_bed_put *put, const Gcommon__V1__Gateway__PutOpen *outer)
{
    const Gcommon__V1__Object__PutOpen *open = outer->open;
    size_t n = 0;
    assert_non_null(outer->context);
    assert_non_null(outer->context->proof);
    assert_int_equal(outer->context->request_id.len, 16);
    memcpy(put->request_id, outer->context->request_id.data, 16);
    if (outer->context->proof->kind_case == GCOMMON__V1__GATEWAY__PROOF__KIND_TOKEN) {
        snprintf(put->token, sizeof(put->token), "%s", outer->context->proof->token);
    }
    snprintf(put->bucket, sizeof(put->bucket), "%s", open->bucket);
    snprintf(put->key, sizeof(put->key), "%.*s", (int)open->key.len, (char *)open->key.data);
    if (open->conditions != NULL) {
        snprintf(put->if_none_match, sizeof(put->if_none_match), "%s",
                 open->conditions->if_none_match);
    }
    for (size_t i = 0; i < open->n_fields && n < sizeof(put->fields); i++) {
        n += (size_t)snprintf(put->fields + n, sizeof(put->fields) - n, "%s: %.*s\n",
                              open->fields[i]->name, (int)open->fields[i]->value.len,
                              (char *)open->fields[i]->value.data);
    }
}

static void
take_commit(struct web_bed_put *put, const Gcommon__V1__Object__PutCommit *commit)
{
    Gcommon__V1__Object__PutObjectResponse response =
        GCOMMON__V1__OBJECT__PUT_OBJECT_RESPONSE__INIT;
    put->committed = true;
    put->commit_length = commit->length;
    put->commit_crc = commit->crc32c;
    assert_int_equal(commit->md5.len, 16);
    memcpy(put->commit_md5, commit->md5.data, 16);
    if (put->bed->mute || lose(put->bed, put->call)) {
        return;
    }
    response.etag = (char *)"unused";
    reply_with(put->call, &response.base);
}

static void
take_chunk(struct web_bed_put *put, struct gc_bytes *msg)
{
    struct gc_chunk chunk;
    assert_int_equal(gc_chunk_decode(msg, &chunk), 0);
    if (chunk.data.len != GC_CHUNK_BYTES ||
        gc_crc32c(0, chunk.data.data, chunk.data.len) != chunk.crc) {
        put->n_odd++;
    }
    put->n_chunks++;
    put->crc = gc_crc32c_combine(put->crc, chunk.crc, chunk.data.len);
    put->length += chunk.data.len;
    if (put->bed->err_after_chunks == put->n_chunks) {
        end_with(put->call, GC_API_ServiceUnavailable);
    }
}

static void
put_message(struct gc_rpc_call *call, void *arg, struct gc_bytes *msg)
{
    struct web_bed_put *put = arg;
    if (gc_chunk_is(msg)) {
        take_chunk(put, msg);
    } else {
        Gcommon__V1__Gateway__PutObjectRequest *decoded =
            gc_pb_unpack(&gcommon__v1__gateway__put_object_request__descriptor, gc_rpc_arena(call),
                         msg->data, msg->len);
        assert_non_null(decoded);
        if (decoded->part_case == GCOMMON__V1__GATEWAY__PUT_OBJECT_REQUEST__PART_OPEN) {
            take_open(put, decoded->open);
        } else {
            take_commit(put, decoded->commit);
        }
    }
    if (put->bed->hold) {
        put->n_owed++;
    } else if (put->call != NULL) {
        gc_rpc_consume(call);
    }
}

static void
put_end(struct gc_rpc_call *call, void *arg, const struct gc_rpc_status *status)
{
    struct web_bed_put *put = arg;
    (void)call;
    (void)status;
    put->call = NULL;
}

static const struct gc_rpc_handler put_handler = { .on_message = put_message, .on_end = put_end };

static void
put_object(struct gc_rpc_call *call, void *arg, struct gc_bytes *request)
{
    struct web_bed *bed = arg;
    struct web_bed_put *put = &bed->puts[bed->n_puts++];
    (void)request;
    assert_true(bed->n_puts <= WEB_BED_PUTS_MAX);
    put->bed = bed;
    put->call = call;
    gc_rpc_set_handler(call, &put_handler, put);
    if (bed->err != GC_API_OK) {
        end_with(call, bed->err);
    }
}

/* --- GetObject ---------------------------------------------------------------------------------
 */

static uint64_t
get_end_at(const struct web_bed *bed)
{
    return bed->get_range_last != 0 ? bed->get_range_last + 1 : bed->get_length;
}

static void
get_send_chunk(struct web_bed *bed, struct gc_rpc_call *call)
{
    size_t len = (size_t)GC_MIN((uint64_t)GC_CHUNK_BYTES, get_end_at(bed) - bed->get_at);
    struct gc_bytes *data = gc_bytes_new(len), *msg;
    uint32_t crc;
    assert_non_null(data);
    for (size_t i = 0; i < len; i++) {
        data->data[i] = web_bed_byte(bed->get_at + i);
    }
    bed->n_get_sent++;
    bed->get_at += len;
    crc = gc_crc32c(0, data->data, len) + (bed->get_bad_chunk == bed->n_get_sent ? 1 : 0);
    msg = gc_chunk_encode(data->data, len, crc);
    assert_non_null(msg);
    (void)gc_rpc_send(call, msg);
    gc_bytes_unref(msg);
    gc_bytes_unref(data);
}

static void
get_pump(struct web_bed *bed)
{
    while (bed->get_call != NULL && gc_rpc_writable(bed->get_call)) {
        struct gc_rpc_call *call = bed->get_call;
        if (bed->get_chunks_max != 0 && bed->n_get_sent == bed->get_chunks_max) {
            bed->get_call = NULL;
            if (bed->get_err == GC_API_OK) {
                (void)gc_rpc_finish(call, NULL);
            } else {
                end_with(call, bed->get_err);
            }
        } else if (bed->get_at == get_end_at(bed)) {
            bed->get_call = NULL;
            (void)gc_rpc_finish(call, NULL);
        } else {
            get_send_chunk(bed, call);
        }
    }
}

static void
get_writable(struct gc_rpc_call *call, void *arg)
{
    (void)call;
    get_pump(arg);
}

static void
get_end(struct gc_rpc_call *call, void *arg, const struct gc_rpc_status *status)
{
    struct web_bed *bed = arg;
    (void)status;
    if (bed->get_call == call) {
        bed->get_call = NULL;
    }
}

static const struct gc_rpc_handler get_handler = {
    .on_message = drop_message,
    .on_writable = get_writable,
    .on_end = get_end,
};

static void
get_send_head(const struct web_bed *bed, struct gc_rpc_call *call)
{
    Gcommon__V1__Object__GetObjectResponse message = GCOMMON__V1__OBJECT__GET_OBJECT_RESPONSE__INIT;
    Gcommon__V1__Object__ObjectHead head = GCOMMON__V1__OBJECT__OBJECT_HEAD__INIT;
    struct gc_bytes *msg;
    head.length = bed->get_length;
    head.etag = (char *)"d41d8cd98f00b204e9800998ecf8427e";
    head.modified_ms = 1795500000000;
    head.partial = bed->get_range_last != 0;
    head.first = bed->get_range_first;
    head.last = bed->get_range_last;
    message.part_case = GCOMMON__V1__OBJECT__GET_OBJECT_RESPONSE__PART_HEAD;
    message.head = &head;
    msg = gc_pb_pack(&message.base);
    assert_non_null(msg);
    (void)gc_rpc_send(call, msg);
    gc_bytes_unref(msg);
}

static void
get_object(struct gc_rpc_call *call, void *arg, struct gc_bytes *request)
{
    struct web_bed *bed = arg;
    bed->n_calls++;
    gc_buf_clear(&bed->last);
    assert_int_equal(gc_buf_append(&bed->last, request->data, request->len), 0);
    gc_rpc_set_handler(call, &get_handler, bed);
    if (lose(bed, call)) {
        return;
    }
    if (bed->err != GC_API_OK) {
        end_with(call, bed->err);
        return;
    }
    bed->get_call = call;
    bed->n_get_sent = 0;
    bed->get_at = bed->get_range_first;
    get_send_head(bed, call);
    get_pump(bed);
}

/* --- the node ----------------------------------------------------------------------------------
 */

#define ROW(text, start_)                                       \
    {                                                           \
        .name = (text), .kind = GC_RPC_UNARY, .start = (start_) \
    }

static const struct gc_rpc_method methods[] = {
    ROW("CreateBucket", create_bucket),
    ROW("DeleteBucket", delete_bucket),
    ROW("HeadBucket", head_bucket),
    ROW("ListBuckets", list_buckets),
    ROW("HeadObject", head_object),
    ROW("DeleteObject", delete_object),
    ROW("ListObjects", list_objects),
    ROW("Outcome", outcome),
    { .name = "PutObject", .kind = GC_RPC_CLIENT_STREAM, .start = put_object },
    { .name = "GetObject", .kind = GC_RPC_SERVER_STREAM, .start = get_object },
    { 0 },
};

uint16_t
web_bed_node_open(struct web_bed *bed)
{
    const struct gc_http_conf conf = { .internal = true };
    struct gc_addr addr;
    uint16_t port;
    bed->service.name = "gcommon.v1.gateway.GatewayService";
    bed->service.methods = methods;
    bed->service.arg = bed;
    assert_int_equal(gc_rpc_server_new(bed->loop, bed->metrics, &bed->rpc), 0);
    assert_int_equal(gc_rpc_server_add(bed->rpc, &bed->service), 0);
    assert_int_equal(
        gc_http_server_new(bed->loop, &conf, gc_rpc_server_on_request, bed->rpc, &bed->http), 0);
    assert_int_equal(gc_addr_parse(GC_STR("127.0.0.1:0"), &addr), 0);
    assert_int_equal(gc_http_server_listen(bed->http, &addr, -1, NULL, &port), 0);
    return port;
}

void
web_bed_lose_translation(struct web_bed *bed)
{
    gc_http_server_free(bed->http);
    bed->http = NULL;
}

void
web_bed_node_close(struct web_bed *bed)
{
    if (bed->http != NULL) {
        gc_http_server_free(bed->http);
    }
    web_bed_until(bed, gc_rpc_server_n_calls(bed->rpc) == 0);
    gc_rpc_server_free(bed->rpc);
}
