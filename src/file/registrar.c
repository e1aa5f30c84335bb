/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One step at a time: register -> (heartbeat -> remove what its answer names -> pause) for ever;
 * between two heartbeats one page of the inventory may run. Each step ends in registrar_next, which
 * arms the timer for the following one. A call that fails is logged once a change and repeated
 * after a pause that doubles up to 10 s; an answer "register again" starts over. */
#include "file/registrar.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/random.h"
#include "file/file.h"
#include "file/remove.h"
#include "proto/gcommon/v1/registry/registry.pb-c.h"
#include "rpc/channel.h"
#include "rpc/pb.h"

#define CALL_DEADLINE_MS 5000
#define PAUSE_MIN_MS     200
#define PAUSE_MAX_MS     10000
#define PAGE_MAX         1000
#define ARENA_MAX        (512 * 1024)

enum step { STEP_REGISTER, STEP_HEARTBEAT, STEP_INVENTORY };

struct gc_registrar {
    struct gc_file_worker *worker;
    struct gc_rpc_channel *channel;
    struct gc_rpc_call *call; /* the call under way */
    struct gc_timer timer;
    struct gc_file_remove remove;
    enum step step, removing_for;
    char advertise[256];
    uint8_t request_id[16];
    uint64_t incarnation;
    uint64_t heartbeat_ms, pause_ms;
    uint64_t gc_done, gc_sent;        /* rows up to here are durable here; are being removed */
    struct gc_blob_id inventory_at;   /* ids up to here have been asked about */
    struct gc_blob_id inventory_next; /* and with the page under way up to here */
    uint64_t inventory_due_ms;
    bool inventory_running, closing, failing;
};

static void registrar_step(struct gc_registrar *registrar);

static void
on_timer(struct gc_timer *timer)
{
    registrar_step(gc_container_of(timer, struct gc_registrar, timer));
}

static void
registrar_next(struct gc_registrar *registrar, enum step step, uint64_t in_ms)
{
    registrar->step = step;
    gc_timer_start(&registrar->timer, in_ms);
}

static void
registrar_free(struct gc_registrar *registrar)
{
    gc_timer_stop(&registrar->timer);
    gc_rpc_channel_free(registrar->channel);
    registrar->worker->n_ops--;
    free(registrar);
}

/* A call has failed: say it when the state changes, then the same step again later. */
static void
registrar_failed(struct gc_registrar *registrar, const struct gc_rpc_status *status)
{
    if (!registrar->failing) {
        registrar->failing = true;
        gc_log(GC_LOG_WARN, "registry.unreachable", "code=%s text=%s",
               gc_rpc_code_name(status->code), gc_log_q(gc_str_of(status->message)));
    }
    registrar->pause_ms =
        GC_MIN(GC_MAX(registrar->pause_ms * 2, (uint64_t)PAUSE_MIN_MS), (uint64_t)PAUSE_MAX_MS);
    registrar_next(registrar, registrar->step == STEP_INVENTORY ? STEP_HEARTBEAT : registrar->step,
                   registrar->pause_ms);
}

static void
registrar_worked(struct gc_registrar *registrar)
{
    if (registrar->failing) {
        registrar->failing = false;
        gc_log(GC_LOG_INFO, "registry.reachable", "number=%u",
               atomic_load(&registrar->worker->file->number));
    }
    registrar->pause_ms = 0;
}

/* After a heartbeat: a page of the inventory when one is due, else the next heartbeat. */
static void
registrar_rest(struct gc_registrar *registrar)
{
    uint64_t now = gc_loop_now_ms(registrar->worker->loop);
    bool due = registrar->inventory_running || now >= registrar->inventory_due_ms;
    if (due && registrar->step == STEP_HEARTBEAT) {
        registrar_next(registrar, STEP_INVENTORY, 0);
    } else {
        registrar_next(registrar, STEP_HEARTBEAT, registrar->heartbeat_ms);
    }
}

static void
on_removed(struct gc_file_remove *remove)
{
    struct gc_registrar *registrar = gc_container_of(remove, struct gc_registrar, remove);
    if (registrar->closing) {
        registrar_free(registrar);
        return;
    }
    if (remove->rc != 0) {
        gc_log(GC_LOG_WARN, "gc.remove", "rc=%s", gc_err_name(remove->rc));
    } else if (registrar->removing_for == STEP_HEARTBEAT) {
        registrar->gc_done = registrar->gc_sent;
    } else if (remove->n_removed > 0) {
        gc_log(GC_LOG_INFO, "inventory.orphans", "removed=%zu", remove->n_removed);
    }
    registrar_rest(registrar);
}

/* Remove the blobs IDS, then rest. */
static void
registrar_remove(struct gc_registrar *registrar, const struct gc_blob_id *ids, size_t n)
{
    if (n == 0) {
        registrar_rest(registrar);
        return;
    }
    registrar->removing_for = registrar->step;
    gc_file_remove_start(&registrar->remove, registrar->worker, ids, n, on_removed);
}

static void
took_register(struct gc_registrar *registrar, struct gc_arena *arena, struct gc_bytes *msg)
{
    Gcommon__V1__Registry__RegisterResponse *response = gc_pb_unpack(
        &gcommon__v1__registry__register_response__descriptor, arena, msg->data, msg->len);
    if (response == NULL || response->number == 0) {
        gc_log(GC_LOG_ERROR, "registry.register", "error=malformed-answer");
        registrar_next(registrar, STEP_REGISTER, PAUSE_MAX_MS);
        return;
    }
    atomic_store(&registrar->worker->file->number, response->number);
    registrar->incarnation = response->incarnation;
    registrar->heartbeat_ms =
        response->heartbeat_ms < 10 ? 10 : GC_MIN(response->heartbeat_ms, 60000u);
    gc_log(GC_LOG_INFO, "registry.registered", "number=%u incarnation=%llu", response->number,
           (unsigned long long)response->incarnation);
    registrar_next(registrar, STEP_HEARTBEAT, 0);
}

static void
took_heartbeat(struct gc_registrar *registrar, struct gc_arena *arena, struct gc_bytes *msg)
{
    Gcommon__V1__Registry__HeartbeatResponse *response = gc_pb_unpack(
        &gcommon__v1__registry__heartbeat_response__descriptor, arena, msg->data, msg->len);
    struct gc_blob_id *ids;
    size_t n = response == NULL ? 0 : response->n_gc;
    if (response == NULL || n > PAGE_MAX || response->register_again) {
        registrar_next(registrar, STEP_REGISTER, response != NULL ? 0 : PAUSE_MAX_MS);
        return;
    }
    ids = gc_arena_alloc(arena, (n + 1) * sizeof(*ids));
    if (ids == NULL) {
        n = 0;
    }
    for (size_t i = 0; i < n; i++) {
        const Gcommon__V1__Registry__GcRow *row = response->gc[i];
        ids[i].epoch = row->id != NULL ? row->id->epoch : 0;
        ids[i].counter = row->id != NULL ? row->id->counter : 0;
        registrar->gc_sent = row->index;
    }
    registrar_remove(registrar, ids, n);
}

static void
took_inventory(struct gc_registrar *registrar, struct gc_arena *arena, struct gc_bytes *msg)
{
    Gcommon__V1__Registry__InventoryResponse *response = gc_pb_unpack(
        &gcommon__v1__registry__inventory_response__descriptor, arena, msg->data, msg->len);
    struct gc_blob_id *ids;
    size_t n = response == NULL ? 0 : response->n_unreferenced;
    registrar->inventory_running = true;
    registrar->inventory_at = registrar->inventory_next;
    ids = n > PAGE_MAX ? NULL : gc_arena_alloc(arena, (n + 1) * sizeof(*ids));
    if (ids == NULL) {
        n = 0;
    }
    for (size_t i = 0; i < n; i++) {
        ids[i].epoch = response->unreferenced[i]->epoch;
        ids[i].counter = response->unreferenced[i]->counter;
    }
    registrar_remove(registrar, ids, n);
}

static void
on_answer(void *arg, const struct gc_rpc_status *status, struct gc_bytes *response)
{
    struct gc_registrar *registrar = arg;
    struct gc_arena arena;
    registrar->call = NULL;
    if (registrar->closing) {
        registrar_free(registrar);
        return;
    }
    if (status->code != GC_RPC_OK) {
        registrar_failed(registrar, status);
        return;
    }
    registrar_worked(registrar);
    gc_arena_init(&arena, ARENA_MAX);
    if (registrar->step == STEP_REGISTER) {
        took_register(registrar, &arena, response);
    } else if (registrar->step == STEP_HEARTBEAT) {
        took_heartbeat(registrar, &arena, response);
    } else {
        took_inventory(registrar, &arena, response);
    }
    gc_arena_fini(&arena);
}

static void
registrar_call(struct gc_registrar *registrar, const char *path, const ProtobufCMessage *request)
{
    struct gc_rpc_call_conf conf = { .path = path, .deadline_ms = CALL_DEADLINE_MS };
    struct gc_bytes *msg = gc_pb_pack(request);
    int rc = msg == NULL ? GC_EINTERNAL
                         : gc_rpc_unary(registrar->channel, &conf, msg, on_answer, registrar,
                                        &registrar->call);
    gc_bytes_unref(msg);
    if (rc != 0) {
        struct gc_rpc_status status;
        gc_rpc_status_of_rc(&status, rc);
        registrar_failed(registrar, &status);
    }
}

static void
fill_identity(struct gc_registrar *registrar, struct gc_blobs_identity *identity,
              Gcommon__V1__Registry__StoreIdentity *message)
{
    gc_blobs_identity(registrar->worker->file->blobs, identity);
    message->store_uuid.data = identity->store_uuid;
    message->store_uuid.len = sizeof(identity->store_uuid);
    message->generation = identity->generation;
    message->durable_seq = identity->durable_seq;
}

static void
send_register(struct gc_registrar *registrar)
{
    const struct gc_file_conf *conf = registrar->worker->file->conf;
    Gcommon__V1__Registry__RegisterRequest request = GCOMMON__V1__REGISTRY__REGISTER_REQUEST__INIT;
    Gcommon__V1__Registry__StoreIdentity store = GCOMMON__V1__REGISTRY__STORE_IDENTITY__INIT;
    struct gc_blobs_identity identity;
    fill_identity(registrar, &identity, &store);
    gc_random_bytes(registrar->request_id, sizeof(registrar->request_id));
    request.address = registrar->advertise;
    request.zone = (char *)conf->zone;
    request.weight = (uint32_t)conf->weight;
    request.store = &store;
    request.request_id.data = registrar->request_id;
    request.request_id.len = sizeof(registrar->request_id);
    registrar_call(registrar, "/gcommon.v1.registry.RegistryService/RegisterServer", &request.base);
}

static void
send_heartbeat(struct gc_registrar *registrar)
{
    Gcommon__V1__Registry__HeartbeatRequest request =
        GCOMMON__V1__REGISTRY__HEARTBEAT_REQUEST__INIT;
    Gcommon__V1__Registry__StoreIdentity store = GCOMMON__V1__REGISTRY__STORE_IDENTITY__INIT;
    struct gc_blobs_identity identity;
    struct gc_blobs_stat stat;
    fill_identity(registrar, &identity, &store);
    gc_blobs_stat(registrar->worker->file->blobs, &stat);
    if (stat.stopped) {
        gc_daemon_fail(registrar->worker->file->daemon, "the store has stopped after an I/O error");
    }
    request.number = atomic_load(&registrar->worker->file->number);
    request.incarnation = registrar->incarnation;
    request.store = &store;
    request.free_bytes = stat.free_bytes;
    request.total_bytes = stat.free_bytes + stat.file_bytes;
    request.n_blobs = stat.n_blobs;
    request.gc_done_index = registrar->gc_done;
    registrar_call(registrar, "/gcommon.v1.registry.RegistryService/Heartbeat", &request.base);
}

/* One page of our ids after the last one asked about; at the end the round is over. */
static void
send_inventory(struct gc_registrar *registrar)
{
    const struct gc_file_conf *conf = registrar->worker->file->conf;
    Gcommon__V1__Registry__InventoryRequest request =
        GCOMMON__V1__REGISTRY__INVENTORY_REQUEST__INIT;
    Gcommon__V1__Common__BlobId *messages = calloc(PAGE_MAX, sizeof(*messages));
    Gcommon__V1__Common__BlobId **pointers = calloc(PAGE_MAX, sizeof(*pointers));
    struct gc_blob_id *ids = calloc(PAGE_MAX, sizeof(*ids));
    size_t n = 0;
    int rc = -ENOMEM;
    if (messages != NULL && pointers != NULL && ids != NULL) {
        rc = gc_blobs_list(registrar->worker->file->blobs,
                           registrar->inventory_running ? &registrar->inventory_at : NULL, ids,
                           PAGE_MAX, &n);
    }
    if (rc != 0 || n == 0) {
        registrar->inventory_running = false;
        registrar->inventory_due_ms = gc_loop_now_ms(registrar->worker->loop) + conf->inventory_ms;
        registrar_next(registrar, STEP_HEARTBEAT, registrar->heartbeat_ms);
    } else {
        for (size_t i = 0; i < n; i++) {
            gcommon__v1__common__blob_id__init(&messages[i]);
            messages[i].epoch = ids[i].epoch;
            messages[i].counter = ids[i].counter;
            pointers[i] = &messages[i];
        }
        registrar->inventory_next = ids[n - 1];
        request.number = atomic_load(&registrar->worker->file->number);
        request.ids = pointers;
        request.n_ids = n;
        registrar_call(registrar, "/gcommon.v1.registry.RegistryService/Inventory", &request.base);
    }
    free(messages);
    free(pointers);
    free(ids);
}

static void
registrar_step(struct gc_registrar *registrar)
{
    switch (registrar->step) {
    case STEP_REGISTER:
        send_register(registrar);
        break;
    case STEP_HEARTBEAT:
        send_heartbeat(registrar);
        break;
    case STEP_INVENTORY:
        send_inventory(registrar);
        break;
    }
}

int
gc_registrar_open(struct gc_file_worker *worker, const char *advertise,
                  struct gc_registrar **ret_registrar)
{
    struct gc_registrar *registrar = calloc(1, sizeof(*registrar));
    struct gc_rpc_channel_conf conf = {
        .targets = worker->file->conf->translation,
        .expect_role = "translation",
        .balance = GC_RPC_PICK_FIRST,
        .backoff_base_ms = 100,
        .backoff_max_ms = PAUSE_MAX_MS,
        .http = { .internal = true },
    };
    int rc;
    if (registrar == NULL) {
        return -ENOMEM;
    }
    conf.tls = gc_daemon_tls(worker->worker->daemon, false);
    rc = gc_rpc_channel_new(worker->loop, &conf, &registrar->channel);
    gc_tls_ctx_unref(conf.tls);
    if (rc != 0) {
        free(registrar);
        return rc;
    }
    registrar->worker = worker;
    worker->n_ops++;
    snprintf(registrar->advertise, sizeof(registrar->advertise), "%s", advertise);
    gc_timer_init(&registrar->timer, worker->loop, on_timer);
    registrar_next(registrar, STEP_REGISTER, 0);
    *ret_registrar = registrar;
    return 0;
}

void
gc_registrar_reload(struct gc_registrar *registrar)
{
    struct gc_tls_ctx *tls = gc_daemon_tls(registrar->worker->worker->daemon, false);
    gc_rpc_channel_set_tls(registrar->channel, tls);
    gc_tls_ctx_unref(tls);
}

void
gc_registrar_close(struct gc_registrar *registrar)
{
    registrar->closing = true;
    gc_timer_stop(&registrar->timer);
    if (registrar->call != NULL) {
        gc_rpc_cancel(registrar->call); /* on_answer frees */
    } else if (!gc_file_remove_active(&registrar->remove)) {
        registrar_free(registrar);
    }
}
