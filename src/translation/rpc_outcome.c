/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GatewayService: Outcome (what became of a mutation whose answer was lost) and GetStatus. */
#include "base/err.h"
#include "base/version.h"
#include "rpc/pb.h"
#include "translation/reply.h"
#include "translation/unary.h"

#define SERVERS_MAX 256

void
gc_translation_rpc_outcome(struct gc_rpc_call *call, void *arg, struct gc_bytes *request)
{
    struct gc_translation_worker *worker = arg;
    Gcommon__V1__Gateway__OutcomeRequest *decoded =
        gc_pb_unpack(&gcommon__v1__gateway__outcome_request__descriptor, gc_rpc_arena(call),
                     request->data, request->len);
    Gcommon__V1__Gateway__OutcomeResponse response = GCOMMON__V1__GATEWAY__OUTCOME_RESPONSE__INIT;
    struct gc_meta_read rd = { .meta = &worker->translation->meta, .arena = gc_rpc_arena(call) };
    struct gc_meta_result result;
    int rc;
    if (decoded == NULL || decoded->request_id.len != GC_META_REQUEST_ID_BYTES) {
        gc_reply_err(call, GC_API_BadRequest);
        return;
    }
    rc = gc_consensus_begin_read(worker->translation->consensus, &rd.txn);
    if (rc == 0) {
        rc = gc_meta_get_outcome(&rd, decoded->request_id.data, &result);
        gc_kv_abort(rd.txn);
    }
    if (rc != 0 && rc != GC_ENOTFOUND) {
        gc_reply_err(call, gc_reply_err_of_rc(rc));
        return;
    }
    response.known = rc == 0;
    response.api_error = rc == 0 ? (uint32_t)result.err : 0;
    gc_reply(call, &response.base);
}

static bool
fill_server(const struct gc_unary *unary, struct gc_arena *arena,
            const struct gc_meta_server *server, Gcommon__V1__Object__FileServer **ret_message)
{
    Gcommon__V1__Object__FileServer *message = gc_arena_alloc(arena, sizeof(*message));
    struct gc_roster_report report;
    uint64_t silent_ms;
    if (message == NULL) {
        return false;
    }
    gcommon__v1__object__file_server__init(message);
    message->number = server->number;
    message->node = (char *)gc_arena_str(arena, server->node).data;
    message->address = (char *)gc_arena_str(arena, server->address).data;
    message->zone = (char *)gc_arena_str(arena, server->zone).data;
    message->up = server->state == GC_META_SERVER_UP;
    if (gc_roster_get(&unary->worker->translation->roster, server->number,
                      gc_loop_now_ms(unary->worker->loop), &silent_ms, &report) == 0) {
        message->silent_ms = silent_ms;
        message->free_bytes = report.free_bytes;
        message->n_blobs = report.n_blobs;
    }
    *ret_message = message;
    return message->node != NULL && message->address != NULL && message->zone != NULL;
}

static void
status_run(struct gc_unary *unary, const struct gc_meta_read *rd)
{
    Gcommon__V1__Object__GetStatusResponse response =
        GCOMMON__V1__OBJECT__GET_STATUS_RESPONSE__INIT;
    struct gc_meta_server *servers = gc_arena_alloc(rd->arena, SERVERS_MAX * sizeof(*servers));
    struct gc_meta_state state;
    size_t n = 0;
    int rc;
    if (unary->principal.role == GC_ROLE_ANONYMOUS) {
        gc_reply_err(unary->call, GC_API_AccessDenied);
        return;
    }
    response.servers = gc_arena_alloc(rd->arena, SERVERS_MAX * sizeof(*response.servers));
    rc = servers == NULL || response.servers == NULL ? GC_ELIMIT : gc_meta_get_state(rd, &state);
    if (rc == 0) {
        rc = gc_meta_list_servers(rd, 0, SERVERS_MAX, servers, &n);
    }
    for (size_t i = 0; rc == 0 && i < n; i++) {
        rc = fill_server(unary, rd->arena, &servers[i], &response.servers[i]) ? 0 : GC_ELIMIT;
    }
    if (rc != 0) {
        gc_reply_err(unary->call, gc_reply_err_of_rc(rc));
        return;
    }
    response.n_servers = n;
    response.node = (char *)unary->worker->translation->conf->daemon.node;
    response.version = (char *)gc_version();
    response.applied_index = state.applied_index;
    response.n_buckets = state.n_buckets;
    response.n_objects = state.n_objects;
    response.n_gc_rows = state.n_gc_rows;
    gc_reply(unary->call, &response.base);
}

void
gc_translation_rpc_status(struct gc_rpc_call *call, void *arg, struct gc_bytes *request)
{
    Gcommon__V1__Gateway__GetStatusRequest *decoded =
        gc_pb_unpack(&gcommon__v1__gateway__get_status_request__descriptor, gc_rpc_arena(call),
                     request->data, request->len);
    gc_unary_start(call, arg, decoded, decoded != NULL ? decoded->context : NULL, status_run);
}
