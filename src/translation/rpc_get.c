/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GatewayService.GetObject. Happy path: proof, read index, lookup, conditions and range in one
 * transaction -> for each extent of the range a Read call to one of its servers -> the first answer
 * brings our head, then its chunks go on as they come -> the range is complete -> finish. Failures:
 * a server that cannot answer, ends early or sends nonsense: the next one of the extent goes on at
 * the same byte (one that sends nothing for the stall time is left if there is another); when none
 * is left: before the head a clean error, after it the call fails and web cuts its stream. Every
 * server says not found before the first byte: the object may have been overwritten meanwhile, so
 * it is looked up once more. Memory: messages that the client does not take yet wait here, at most
 * a flow-control window of them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "core/chunk.h"
#include "proto/gcommon/v1/blob/blob.pb-c.h"
#include "rpc/pb.h"
#include "translation/object.h"
#include "translation/reply.h"
#include "translation/unary.h"

#define WAITING_MAX 64
#define ARENA_MAX   (4u << 20)

struct get {
    struct gc_rpc_call *call; /* NULL once it has ended */
    struct gc_translation_worker *worker;
    const Gcommon__V1__Gateway__GetObjectRequest *request; /* in the call's arena */
    struct gc_principal principal;
    struct gc_arena arena; /* the object's record and view */
    struct gc_read read;
    struct gc_meta_object object;
    struct gc_object_view view;
    struct gc_rpc_call *upstream; /* the Read call under way */
    uint64_t at;                  /* next byte of the object that is to come from a server */
    uint64_t until;               /* end of what the call under way was asked for */
    uint32_t tried;  /* bits: servers of the current extent that failed since its last byte */
    uint32_t server; /* place in the extent of the one under way */
    bool others;     /* and there are some that have not been tried */
    struct gc_bytes *waiting[WAITING_MAX];
    unsigned n_waiting;
    unsigned n_stale; /* of them, from calls that have ended: there is nobody to credit */
    bool busy;        /* the read index is under way */
    bool head_sent, over, bad, looked_up_again, all_not_found;
};

static void get_next(struct get *get);

static void
get_free_if_done(struct get *get)
{
    if (get->call != NULL || get->upstream != NULL || get->busy) {
        return;
    }
    for (unsigned i = 0; i < get->n_waiting; i++) {
        gc_bytes_unref(get->waiting[i]);
    }
    gc_arena_fini(&get->arena);
    get->worker->n_ops--;
    free(get);
}

static void
get_fail(struct get *get, enum gc_api_err err)
{
    if (!get->over && get->call != NULL) {
        get->over = true;
        gc_reply_err(get->call, err);
    }
}

/* --- to the client --- */

static void
send_head(struct get *get)
{
    Gcommon__V1__Object__GetObjectResponse response =
        GCOMMON__V1__OBJECT__GET_OBJECT_RESPONSE__INIT;
    struct gc_bytes *msg;
    if (get->head_sent) {
        return;
    }
    get->head_sent = true;
    response.part_case = GCOMMON__V1__OBJECT__GET_OBJECT_RESPONSE__PART_HEAD;
    response.head = &get->view.head;
    msg = gc_pb_pack(&response.base);
    if (msg == NULL || gc_rpc_send(get->call, msg) != 0) {
        get_fail(get, GC_API_SlowDown);
    }
    gc_bytes_unref(msg);
}

static void
get_flush(struct get *get)
{
    unsigned sent = 0;
    while (sent < get->n_waiting && get->call != NULL && !get->over && gc_rpc_writable(get->call)) {
        if (gc_rpc_send(get->call, get->waiting[sent]) != 0) {
            get_fail(get, GC_API_ServiceUnavailable);
        }
        gc_bytes_unref(get->waiting[sent++]);
        if (get->n_stale > 0) {
            get->n_stale--;
        } else {
            gc_rpc_consume(get->upstream);
        }
    }
    get->n_waiting -= sent;
    memmove(get->waiting, get->waiting + sent, get->n_waiting * sizeof(get->waiting[0]));
    if (get->n_waiting == 0 && get->at == get->view.end && get->upstream == NULL && !get->over &&
        get->call != NULL) {
        get->over = true;
        (void)gc_rpc_finish(get->call, NULL);
    }
}

/* --- from a file server --- */

static void
upstream_message(struct gc_rpc_call *call, void *arg, struct gc_bytes *msg)
{
    struct get *get = arg;
    struct gc_chunk chunk;
    if (get->call == NULL || get->over || get->bad) {
        gc_rpc_consume(call);
        return;
    }
    if (!gc_chunk_is(msg)) { /* its head: the blob is there */
        send_head(get);
        gc_rpc_consume(call);
        return;
    }
    if (gc_chunk_decode(msg, &chunk) != 0 || chunk.data.len > get->until - get->at ||
        get->n_waiting == WAITING_MAX || !get->head_sent) {
        get->bad = true;
        gc_rpc_cancel(call);
        return;
    }
    get->at += chunk.data.len;
    get->tried = 0;
    get->waiting[get->n_waiting++] = gc_bytes_ref(msg);
    get_flush(get);
}

static void
upstream_end(struct gc_rpc_call *call, void *arg, const struct gc_rpc_status *status)
{
    struct get *get = arg;
    (void)call;
    get->upstream = NULL;
    get->n_stale = get->n_waiting;
    if (get->call == NULL || get->over) {
        get_free_if_done(get);
        return;
    }
    if (get->bad || status->code != GC_RPC_OK || get->at != get->until) {
        get->tried |= 1u << get->server;
        get->all_not_found = get->all_not_found && status->code == GC_RPC_NOT_FOUND;
        gc_log_trace(GC_LOG_WARN, gc_rpc_trace(get->call), "read.replica", "code=%s text=%s",
                     gc_rpc_code_name(status->code), gc_log_q(gc_str_of(status->message)));
    }
    get_next(get);
}

static const struct gc_rpc_handler upstream_handler = {
    .on_message = upstream_message,
    .on_end = upstream_end,
};

static int
upstream_start(struct get *get, const struct gc_meta_server *server, const struct gc_blob_id *id,
               uint64_t offset)
{
    const struct gc_rpc_call_conf conf = {
        .path = "/gcommon.v1.blob.BlobService/Read",
        .deadline_ms = GC_RPC_NO_DEADLINE,
        /* Before web gives up there must be time for another one. */
        .progress_ms = get->others ? GC_MIN(get->worker->translation->conf->replica_stall_ms,
                                            (uint64_t)GC_PROGRESS_MS)
                                   : GC_PROGRESS_MS,
        .trace = gc_rpc_trace(get->call),
    };
    Gcommon__V1__Common__BlobId blob_id = GCOMMON__V1__COMMON__BLOB_ID__INIT;
    Gcommon__V1__Blob__ReadRequest request = GCOMMON__V1__BLOB__READ_REQUEST__INIT;
    struct gc_rpc_channel *channel;
    struct gc_bytes *msg;
    int rc = gc_servers_channel(&get->worker->servers, server, &channel);
    if (rc != 0) {
        return rc;
    }
    blob_id.epoch = id->epoch;
    blob_id.counter = id->counter;
    request.id = &blob_id;
    request.offset = offset;
    request.length = get->until - get->at;
    msg = gc_pb_pack(&request.base);
    if (msg == NULL) {
        return -ENOMEM;
    }
    get->bad = false;
    rc = gc_rpc_call_start(channel, &conf, &upstream_handler, get, &get->upstream);
    if (rc == 0 &&
        (gc_rpc_send(get->upstream, msg) != 0 || gc_rpc_half_close(get->upstream) != 0)) {
        gc_rpc_cancel(get->upstream);
    }
    if (rc != 0) {
        get->upstream = NULL;
    }
    gc_bytes_unref(msg);
    return rc;
}

/* --- choosing --- */

/* The extent that has byte AT, and where in it that is. */
static const struct gc_meta_extent *
find_extent(const struct gc_meta_object *object, uint64_t at, uint64_t *ret_within)
{
    uint64_t start = 0;
    for (size_t i = 0; i < object->n_extents; i++) {
        if (at - start < object->extents[i].length) {
            *ret_within = at - start;
            return &object->extents[i];
        }
        start += object->extents[i].length;
    }
    return NULL;
}

/* The place of an untried server of EXTENT, one that is up if there is one; which of several
 * differs from blob to blob. */
static int
choose_server(struct get *get, const struct gc_meta_extent *extent, struct gc_arena *arena,
              struct gc_meta_server *ret_server)
{
    struct gc_meta_read rd = { .meta = &get->worker->translation->meta, .arena = arena };
    int rc = gc_consensus_begin_read(get->worker->translation->consensus, &rd.txn);
    bool found = false, up = false;
    if (rc != 0) {
        return rc;
    }
    get->others = false;
    for (uint32_t i = 0; i < extent->n_servers; i++) {
        uint32_t place = (uint32_t)((i + extent->id.counter) % extent->n_servers);
        struct gc_meta_server server;
        if ((get->tried & 1u << place) != 0 ||
            gc_meta_get_server(&rd, extent->servers[place], &server) != 0 ||
            server.state == GC_META_SERVER_REPLACED) {
            continue;
        }
        get->others = found;
        if (!found || (!up && server.state == GC_META_SERVER_UP)) {
            *ret_server = server;
            get->server = place;
            found = true;
            up = server.state == GC_META_SERVER_UP;
        }
    }
    gc_kv_abort(rd.txn);
    return found ? 0 : GC_ENOTFOUND;
}

static void get_lookup(struct get *get);

static void
get_out_of_servers(struct get *get)
{
    if (!get->head_sent && get->all_not_found && !get->looked_up_again) {
        get->looked_up_again = true;
        get_lookup(get);
        return;
    }
    get_fail(get, GC_API_ServiceUnavailable);
}

/* Ask a server for the rest of the extent at AT, or finish. */
static void
get_next(struct get *get)
{
    while (!get->over && get->call != NULL && get->at < get->view.end) {
        struct gc_meta_server server;
        struct gc_arena arena;
        uint64_t within;
        const struct gc_meta_extent *extent = find_extent(&get->object, get->at, &within);
        int rc;
        if (extent == NULL) {
            get_fail(get, GC_API_DataLoss);
            return;
        }
        gc_arena_init(&arena, 16384);
        rc = choose_server(get, extent, &arena, &server);
        if (rc == 0) {
            get->until = GC_MIN(get->view.end, get->at + (extent->length - within));
            rc = upstream_start(get, &server, &extent->id, extent->offset + within);
            if (rc != 0) {
                get->tried |= 1u << get->server;
                get->all_not_found = false;
            }
        } else {
            get_out_of_servers(get);
            gc_arena_fini(&arena);
            return;
        }
        gc_arena_fini(&arena);
        if (rc == 0) {
            return;
        }
    }
    get_flush(get);
}

static enum gc_api_err
get_find(struct get *get, const struct gc_meta_read *rd)
{
    const Gcommon__V1__Object__GetObjectRequest *request = get->request->request;
    struct gc_str key = { (const char *)request->key.data, request->key.len };
    struct gc_meta_bucket bucket;
    enum gc_api_err err = gc_object_key_err(key);
    int rc;
    if (err == GC_API_OK) {
        err = gc_bucket_for(rd, request->bucket, &get->principal, GC_ACL_READ, &bucket);
    }
    if (err != GC_API_OK) {
        return err;
    }
    rc = gc_meta_get_object(rd, bucket.id, key, &get->object);
    if (rc != 0) {
        return rc == GC_ENOTFOUND ? GC_API_NoSuchKey : gc_reply_err_of_rc(rc);
    }
    return gc_object_view(&get->arena, &get->object, request->range, request->conditions,
                          &get->view);
}

static void
get_found(struct get *get)
{
    struct gc_translation *translation = get->worker->translation;
    struct gc_meta_read rd = { .meta = &translation->meta, .arena = &get->arena };
    enum gc_api_err err;
    int rc;
    gc_arena_reset(&get->arena);
    rc = gc_consensus_begin_read(translation->consensus, &rd.txn);
    if (rc != 0) {
        get_fail(get, gc_reply_err_of_rc(rc));
        return;
    }
    err = get_find(get, &rd);
    gc_kv_abort(rd.txn);
    if (err == GC_API_InvalidRange && !get->over) {
        get->over = true;
        gc_reply_bad_range(get->call, get->object.length);
        return;
    }
    if (err != GC_API_OK) {
        get_fail(get, err);
        return;
    }
    get->at = get->view.first;
    get->tried = 0;
    get->all_not_found = true;
    if (get->at == get->view.end) {
        send_head(get);
    }
    get_next(get);
}

static void
on_read(struct gc_read *read)
{
    struct get *get = gc_container_of(read, struct get, read);
    get->busy = false;
    if (get->call != NULL && read->rc != 0) {
        get_fail(get, gc_reply_err_of_rc(read->rc));
    } else if (get->call != NULL) {
        get_found(get);
    }
    get_free_if_done(get);
}

static void
get_lookup(struct get *get)
{
    int rc = gc_read_start(&get->read, get->worker, on_read);
    if (rc == GC_CONSENSUS_READY) {
        get_found(get);
    } else if (rc == 0) {
        get->busy = true;
    } else {
        get_fail(get, gc_reply_err_of_rc(rc));
    }
}

/* --- the call --- */

static void
on_message(struct gc_rpc_call *call, void *arg, struct gc_bytes *msg)
{
    (void)arg;
    (void)msg;
    gc_rpc_consume(call);
}

static void
on_writable(struct gc_rpc_call *call, void *arg)
{
    (void)call;
    get_flush(arg);
}

static void
on_end(struct gc_rpc_call *call, void *arg, const struct gc_rpc_status *status)
{
    struct get *get = arg;
    (void)call;
    (void)status;
    get->call = NULL;
    if (get->upstream != NULL) {
        gc_rpc_cancel(get->upstream);
    }
    get_free_if_done(get);
}

static const struct gc_rpc_handler handler = {
    .on_message = on_message,
    .on_writable = on_writable,
    .on_end = on_end,
};

void
gc_translation_rpc_get(struct gc_rpc_call *call, void *arg, struct gc_bytes *request)
{
    struct gc_translation_worker *worker = arg;
    const Gcommon__V1__Gateway__GetObjectRequest *decoded =
        gc_pb_unpack(&gcommon__v1__gateway__get_object_request__descriptor, gc_rpc_arena(call),
                     request->data, request->len);
    struct gc_principal principal;
    enum gc_api_err err = GC_API_BadRequest;
    struct get *get;
    if (decoded != NULL && decoded->context != NULL && decoded->request != NULL) {
        err = gc_auth_check(&worker->translation->auth, decoded->context, &principal);
    }
    if (err != GC_API_OK) {
        gc_reply_err(call, err);
        return;
    }
    get = calloc(1, sizeof(*get));
    if (get == NULL) {
        (void)gc_rpc_fail_rc(call, -ENOMEM);
        return;
    }
    get->call = call;
    get->worker = worker;
    get->request = decoded;
    get->principal = principal;
    get->worker->n_ops++;
    gc_arena_init(&get->arena, ARENA_MAX);
    gc_rpc_set_handler(call, &handler, get);
    get_lookup(get);
}
