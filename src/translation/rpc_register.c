/* SPDX-License-Identifier: GPL-3.0-or-later */
/* RegistryService: file servers register, report, and ask what they may delete. The caller's node
 * is the one of its certificate, never one it says (object-protocol.md rule 29). What goes on after
 * the handler keeps a copy of it: a call that has been given up has no peer any more. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "proto/gcommon/v1/registry/registry.pb-c.h"
#include "rpc/pb.h"
#include "translation/read.h"
#include "translation/reply.h"
#include "translation/translation.h"

#define GC_PAGE_MAX   1000
#define INVENTORY_MAX 1000

/* --- register --- */

struct registration {
    struct gc_rpc_call *call; /* NULL once it has ended */
    struct gc_translation_worker *worker;
    struct gc_propose propose;
    struct gc_spiffe_id caller;
};

static void
on_message(struct gc_rpc_call *call, void *arg, struct gc_bytes *msg)
{
    (void)arg;
    (void)msg;
    gc_rpc_consume(call);
}

static void
registration_end(struct gc_rpc_call *call, void *arg, const struct gc_rpc_status *status)
{
    struct registration *registration = arg;
    (void)call;
    (void)status;
    registration->call = NULL;
    if (!registration->propose.active) {
        free(registration);
    }
}

static const struct gc_rpc_handler registration_handler = {
    .on_message = on_message,
    .on_end = registration_end,
};

static void
on_registered(struct gc_propose *propose)
{
    struct registration *registration = gc_container_of(propose, struct registration, propose);
    struct gc_translation *translation = registration->worker->translation;
    Gcommon__V1__Registry__RegisterResponse response =
        GCOMMON__V1__REGISTRY__REGISTER_RESPONSE__INIT;
    if (registration->call == NULL) {
        free(registration);
        return;
    }
    if (propose->rc != 0 || propose->result.err != GC_API_OK) {
        gc_reply_err(registration->call,
                     propose->rc != 0 ? gc_reply_err_of_rc(propose->rc) : propose->result.err);
        return;
    }
    response.number = (uint32_t)propose->result.number;
    response.incarnation = propose->result.incarnation;
    response.lease_ms = (uint32_t)translation->conf->lease_ms;
    response.heartbeat_ms = (uint32_t)translation->conf->heartbeat_ms;
    gc_roster_registered(&translation->roster, response.number, response.incarnation,
                         gc_loop_now_ms(registration->worker->loop));
    gc_log(GC_LOG_INFO, "registry.registered", "number=%u node=%s incarnation=%llu",
           response.number, gc_log_q(gc_str_of(registration->caller.node)),
           (unsigned long long)response.incarnation);
    gc_reply(registration->call, &response.base);
}

/* One host and its port: where our channel to the server leads. A list, or a name to be looked up
 * in another way, is not. */
static bool
is_address(const char *text)
{
    struct gc_str host;
    uint16_t port;
    return strpbrk(text, " \t,") == NULL && gc_addr_split(gc_str_of(text), &host, &port) == 0 &&
           port != 0;
}

void
gc_translation_rpc_register(struct gc_rpc_call *call, void *arg, struct gc_bytes *request)
{
    struct gc_translation_worker *worker = arg;
    Gcommon__V1__Registry__RegisterRequest *decoded =
        gc_pb_unpack(&gcommon__v1__registry__register_request__descriptor, gc_rpc_arena(call),
                     request->data, request->len);
    struct gc_meta_command cmd = { .op = GC_META_OP_REGISTER_SERVER };
    struct registration *registration;
    int rc;
    if (decoded == NULL || decoded->store == NULL || decoded->store->store_uuid.len != 16) {
        gc_reply_err(call, GC_API_BadRequest);
        return;
    }
    if (!is_address(decoded->address)) {
        gc_reply_err(call, GC_API_InvalidArgument);
        return;
    }
    registration = calloc(1, sizeof(*registration));
    if (registration == NULL) {
        (void)gc_rpc_fail_rc(call, -ENOMEM);
        return;
    }
    registration->call = call;
    registration->worker = worker;
    registration->caller = gc_rpc_peer(call)->id;
    cmd.u.register_server.node = gc_str_of(registration->caller.node);
    cmd.u.register_server.address = gc_str_of(decoded->address);
    cmd.u.register_server.zone = gc_str_of(decoded->zone);
    cmd.u.register_server.weight = decoded->weight;
    cmd.u.register_server.generation = decoded->store->generation;
    cmd.u.register_server.durable_seq = decoded->store->durable_seq;
    memcpy(cmd.u.register_server.store_uuid, decoded->store->store_uuid.data, 16);
    gc_rpc_set_handler(call, &registration_handler, registration);
    rc = gc_propose_start(&registration->propose, worker, &cmd, on_registered);
    if (rc != 0) {
        gc_reply_err(call, rc == -EINVAL ? GC_API_InvalidArgument : gc_reply_err_of_rc(rc));
    }
}

/* --- heartbeat --- */

/* The record of server NUMBER if it is of NODE. */
static int
check_server(const struct gc_meta_read *rd, const char *node, uint32_t number,
             struct gc_meta_server *ret_server)
{
    int rc = gc_meta_get_server(rd, number, ret_server);
    if (rc == 0 && !gc_str_eq_cstr(ret_server->node, node)) {
        rc = GC_EDENIED;
    }
    return rc;
}

static int
fill_gc(const struct gc_meta_read *rd, const Gcommon__V1__Registry__HeartbeatRequest *request,
        Gcommon__V1__Registry__HeartbeatResponse *response)
{
    struct gc_meta_gc_row *rows = gc_arena_alloc(rd->arena, GC_PAGE_MAX * sizeof(*rows));
    size_t n;
    int rc;
    if (rows == NULL) {
        return GC_ELIMIT;
    }
    rc = gc_meta_list_gc(rd, request->number, request->gc_done_index, GC_PAGE_MAX, rows, &n);
    if (rc != 0) {
        return rc;
    }
    response->gc = gc_arena_alloc(rd->arena, (n + 1) * sizeof(*response->gc));
    for (size_t i = 0; response->gc != NULL && i < n; i++) {
        Gcommon__V1__Registry__GcRow *row = gc_arena_alloc(rd->arena, sizeof(*row));
        Gcommon__V1__Common__BlobId *id = gc_arena_alloc(rd->arena, sizeof(*id));
        if (row == NULL || id == NULL) {
            break; /* the rest comes with the next heartbeat */
        }
        gcommon__v1__registry__gc_row__init(row);
        gcommon__v1__common__blob_id__init(id);
        id->epoch = rows[i].id.epoch;
        id->counter = rows[i].id.counter;
        row->index = rows[i].seq;
        row->id = id;
        response->gc[response->n_gc++] = row;
    }
    return 0;
}

/* Rows that the server has durably taken over leave the queue; nobody waits for it. */
struct gc_ack {
    struct gc_propose propose;
};

static void
on_acked(struct gc_propose *propose)
{
    free(gc_container_of(propose, struct gc_ack, propose));
}

static void
propose_ack(struct gc_translation_worker *worker, uint32_t number, uint64_t upto)
{
    struct gc_meta_command cmd = { .op = GC_META_OP_GC_ACK };
    struct gc_ack *ack = calloc(1, sizeof(*ack));
    cmd.u.gc_ack.server = number;
    cmd.u.gc_ack.upto = upto;
    if (ack != NULL && gc_propose_start(&ack->propose, worker, &cmd, on_acked) != 0) {
        free(ack); /* the next heartbeat says it again */
    }
}

/* Whether rows up to UPTO are still in the queue. */
static bool
has_acked_rows(const struct gc_meta_read *rd, uint32_t number, uint64_t upto)
{
    struct gc_meta_gc_row row;
    size_t n;
    return upto > 0 && gc_meta_list_gc(rd, number, 0, 1, &row, &n) == 0 && n == 1 &&
           row.seq <= upto;
}

static int
heartbeat_run(struct gc_translation_worker *worker, struct gc_rpc_call *call,
              const Gcommon__V1__Registry__HeartbeatRequest *request, const struct gc_meta_read *rd,
              Gcommon__V1__Registry__HeartbeatResponse *response)
{
    const struct gc_roster_report report = {
        .free_bytes = request->free_bytes,
        .total_bytes = request->total_bytes,
        .n_blobs = request->n_blobs,
    };
    struct gc_meta_server server;
    int rc = check_server(rd, gc_rpc_peer(call)->id.node, request->number, &server);
    if (rc == GC_ENOTFOUND) {
        response->register_again = true;
        return 0;
    }
    if (rc != 0) {
        return rc;
    }
    if (server.incarnation != request->incarnation || server.state == GC_META_SERVER_DOWN ||
        server.state == GC_META_SERVER_REPLACED) {
        response->register_again = true;
        return 0;
    }
    rc = gc_roster_heard(&worker->translation->roster, request->number, request->incarnation,
                         gc_loop_now_ms(worker->loop), &report);
    if (rc != 0) {
        response->register_again = rc == GC_ESTALE;
        return rc == GC_ESTALE ? 0 : rc;
    }
    if (has_acked_rows(rd, request->number, request->gc_done_index)) {
        propose_ack(worker, request->number, request->gc_done_index);
    }
    return fill_gc(rd, request, response);
}

void
gc_translation_rpc_heartbeat(struct gc_rpc_call *call, void *arg, struct gc_bytes *request)
{
    struct gc_translation_worker *worker = arg;
    Gcommon__V1__Registry__HeartbeatRequest *decoded =
        gc_pb_unpack(&gcommon__v1__registry__heartbeat_request__descriptor, gc_rpc_arena(call),
                     request->data, request->len);
    Gcommon__V1__Registry__HeartbeatResponse response =
        GCOMMON__V1__REGISTRY__HEARTBEAT_RESPONSE__INIT;
    struct gc_meta_read rd = { .meta = &worker->translation->meta, .arena = gc_rpc_arena(call) };
    int rc = GC_EPARSE;
    if (decoded != NULL) {
        rc = gc_consensus_begin_read(worker->translation->consensus, &rd.txn);
    }
    if (rc == 0) {
        rc = heartbeat_run(worker, call, decoded, &rd, &response);
        gc_kv_abort(rd.txn);
    }
    if (rc != 0) {
        (void)gc_rpc_fail_rc(call, rc);
    } else {
        gc_reply(call, &response.base);
    }
}

/* --- inventory --- */

struct inventory {
    struct gc_rpc_call *call; /* NULL once it has ended */
    struct gc_translation_worker *worker;
    const Gcommon__V1__Registry__InventoryRequest *request;
    struct gc_read read;
    struct gc_spiffe_id caller;
    bool busy;
};

static void
inventory_end(struct gc_rpc_call *call, void *arg, const struct gc_rpc_status *status)
{
    struct inventory *inventory = arg;
    (void)call;
    (void)status;
    inventory->call = NULL;
    if (!inventory->busy) {
        free(inventory);
    }
}

static const struct gc_rpc_handler inventory_handler = {
    .on_message = on_message,
    .on_end = inventory_end,
};

static int
inventory_fill(const struct inventory *inventory, const struct gc_meta_read *rd,
               Gcommon__V1__Registry__InventoryResponse *response)
{
    const Gcommon__V1__Registry__InventoryRequest *request = inventory->request;
    struct gc_meta_server server;
    int rc = check_server(rd, inventory->caller.node, request->number, &server);
    if (rc != 0) {
        return rc;
    }
    response->unreferenced =
        gc_arena_alloc(rd->arena, (request->n_ids + 1) * sizeof(*response->unreferenced));
    if (response->unreferenced == NULL) {
        return GC_ELIMIT;
    }
    for (size_t i = 0; i < request->n_ids; i++) {
        const struct gc_blob_id id = { request->ids[i]->epoch, request->ids[i]->counter };
        enum gc_meta_blob_state state;
        rc = gc_meta_get_blob(rd, &id, &state);
        if (rc != 0) {
            return rc;
        }
        if (state == GC_META_BLOB_GARBAGE) {
            response->unreferenced[response->n_unreferenced++] = request->ids[i];
        }
    }
    return 0;
}

static void
inventory_run(struct inventory *inventory)
{
    Gcommon__V1__Registry__InventoryResponse response =
        GCOMMON__V1__REGISTRY__INVENTORY_RESPONSE__INIT;
    struct gc_translation *translation = inventory->worker->translation;
    struct gc_meta_read rd = { .meta = &translation->meta, .arena = gc_rpc_arena(inventory->call) };
    int rc = gc_consensus_begin_read(translation->consensus, &rd.txn);
    if (rc == 0) {
        rc = inventory_fill(inventory, &rd, &response);
        gc_kv_abort(rd.txn);
    }
    if (rc != 0) {
        (void)gc_rpc_fail_rc(inventory->call, rc);
    } else {
        gc_reply(inventory->call, &response.base);
    }
}

static void
on_inventory_read(struct gc_read *read)
{
    struct inventory *inventory = gc_container_of(read, struct inventory, read);
    inventory->busy = false;
    if (inventory->call == NULL) {
        free(inventory);
    } else if (read->rc != 0) {
        (void)gc_rpc_fail_rc(inventory->call, read->rc);
    } else {
        inventory_run(inventory);
    }
}

void
gc_translation_rpc_inventory(struct gc_rpc_call *call, void *arg, struct gc_bytes *request)
{
    struct inventory *inventory;
    Gcommon__V1__Registry__InventoryRequest *decoded =
        gc_pb_unpack(&gcommon__v1__registry__inventory_request__descriptor, gc_rpc_arena(call),
                     request->data, request->len);
    int rc;
    if (decoded == NULL || decoded->n_ids > INVENTORY_MAX) {
        gc_reply_err(call, GC_API_BadRequest);
        return;
    }
    inventory = calloc(1, sizeof(*inventory));
    if (inventory == NULL) {
        (void)gc_rpc_fail_rc(call, -ENOMEM);
        return;
    }
    inventory->call = call;
    inventory->worker = arg;
    inventory->request = decoded;
    inventory->caller = gc_rpc_peer(call)->id;
    gc_rpc_set_handler(call, &inventory_handler, inventory);
    rc = gc_read_start(&inventory->read, inventory->worker, on_inventory_read);
    if (rc == GC_CONSENSUS_READY) {
        inventory_run(inventory);
    } else if (rc == 0) {
        inventory->busy = true;
    } else {
        (void)gc_rpc_fail_rc(call, rc);
    }
}
