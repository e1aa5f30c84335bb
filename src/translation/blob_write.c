/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Happy path: a Write call to each server -> open -> chunks -> commit -> each answers what it has
 * synced and ends OK -> done. A call that fails makes its server FAILED; fewer than the quorum
 * left: failed as a whole, the rest is cancelled. After the commit, once the quorum has confirmed,
 * the others have the stall time to follow. The outcome is decided once, in write_settle; the
 * memory goes when it is decided (or cancelled) and all calls have ended. */
#include "translation/blob_write.h"

#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/log.h"
#include "core/chunk.h"
#include "proto/gcommon/v1/blob/blob.pb-c.h"
#include "rpc/pb.h"
#include "translation/translation.h"

enum replica_state { REPLICA_OPEN, REPLICA_CONFIRMED, REPLICA_FAILED };

struct replica {
    struct gc_blob_write *write;
    struct gc_rpc_call *call; /* NULL once it has ended */
    uint32_t number;
    enum replica_state state;
    bool answered; /* with what we expect */
};

struct gc_blob_write {
    struct gc_translation_worker *worker;
    const struct gc_blob_write_ops *ops;
    void *arg;
    struct replica replicas[GC_META_COPIES_MAX];
    uint32_t n, quorum;
    uint64_t length;
    uint32_t crc;
    struct gc_timer stall; /* runs while not ready, and after the quorum has confirmed */
    int failure;           /* why the last replica failed */
    bool committing, settled, waiting;
};

static void
write_free_if_done(struct gc_blob_write *write)
{
    if (!write->settled) {
        return;
    }
    for (uint32_t i = 0; i < write->n; i++) {
        if (write->replicas[i].call != NULL) {
            return;
        }
    }
    gc_timer_stop(&write->stall);
    write->worker->n_ops--;
    free(write);
}

static uint32_t
write_count(const struct gc_blob_write *write, enum replica_state state)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < write->n; i++) {
        n += write->replicas[i].state == state;
    }
    return n;
}

static void
write_cancel_open(struct gc_blob_write *write)
{
    for (uint32_t i = 0; i < write->n; i++) {
        struct replica *replica = &write->replicas[i];
        if (replica->state == REPLICA_OPEN) {
            replica->state = REPLICA_FAILED;
            if (replica->call != NULL) {
                gc_rpc_cancel(replica->call);
            }
        }
    }
}

/* Decide: tell the owner, once. */
static void
write_settle(struct gc_blob_write *write, int rc)
{
    uint32_t numbers[GC_META_COPIES_MAX], n = 0;
    write->settled = true;
    gc_timer_stop(&write->stall);
    write_cancel_open(write);
    for (uint32_t i = 0; i < write->n; i++) {
        if (write->replicas[i].state == REPLICA_CONFIRMED) {
            numbers[n++] = write->replicas[i].number;
        }
    }
    write->ops->on_done(write->arg, rc, numbers, n);
}

static void
write_evaluate(struct gc_blob_write *write)
{
    uint32_t open = write_count(write, REPLICA_OPEN);
    uint32_t confirmed = write_count(write, REPLICA_CONFIRMED);
    if (write->settled) {
        return;
    }
    if (open + confirmed < write->quorum) {
        write_settle(write, write->failure);
    } else if (write->committing && open == 0) {
        write_settle(write, 0);
    } else if (write->committing && confirmed >= write->quorum && !gc_timer_active(&write->stall)) {
        gc_timer_start(&write->stall, write->worker->translation->conf->replica_stall_ms);
    } else if (write->waiting && gc_blob_write_ready(write)) {
        write->waiting = false;
        gc_timer_stop(&write->stall);
        write->ops->on_ready(write->arg);
    }
}

/* Leave out those that do not take anything, if the others suffice. */
static void
write_drop_stalled(struct gc_blob_write *write)
{
    uint32_t good = 0;
    for (uint32_t i = 0; i < write->n; i++) {
        struct replica *replica = &write->replicas[i];
        good += replica->state == REPLICA_CONFIRMED ||
                (!write->committing && replica->state == REPLICA_OPEN &&
                 gc_rpc_writable(replica->call));
    }
    for (uint32_t i = 0; i < write->n && good >= write->quorum; i++) {
        struct replica *replica = &write->replicas[i];
        if (replica->state == REPLICA_OPEN &&
            (write->committing || !gc_rpc_writable(replica->call))) {
            gc_log(GC_LOG_WARN, "write.stalled", "server=%u", replica->number);
            replica->state = REPLICA_FAILED;
            gc_rpc_cancel(replica->call);
        }
    }
}

static void
on_stall(struct gc_timer *timer)
{
    struct gc_blob_write *write = gc_container_of(timer, struct gc_blob_write, stall);
    write_drop_stalled(write);
    if (write->waiting && !gc_blob_write_ready(write)) {
        gc_timer_start(timer, write->worker->translation->conf->replica_stall_ms);
    }
    write_evaluate(write);
}

static void
on_message(struct gc_rpc_call *call, void *arg, struct gc_bytes *msg)
{
    struct replica *replica = arg;
    struct gc_blob_write *write = replica->write;
    const Gcommon__V1__Blob__WriteResponse *response = gc_pb_unpack(
        &gcommon__v1__blob__write_response__descriptor, gc_rpc_arena(call), msg->data, msg->len);
    replica->answered = response != NULL && write->committing &&
                        response->length == write->length && response->crc32c == write->crc;
    gc_rpc_consume(call);
}

static void
on_writable(struct gc_rpc_call *call, void *arg)
{
    struct replica *replica = arg;
    (void)call;
    write_evaluate(replica->write);
}

/* Why a server could not: it has no room, it is overloaded, or else. */
static int
failure_of(const struct gc_rpc_call *call, const struct gc_rpc_status *status)
{
    if (gc_str_eq_cstr(gc_rpc_trailer(call, "gcommon-error"), "InsufficientStorage")) {
        return GC_EFULL;
    }
    return status->code == GC_RPC_RESOURCE_EXHAUSTED ? GC_ELIMIT : GC_EUNAVAILABLE;
}

static void
on_end(struct gc_rpc_call *call, void *arg, const struct gc_rpc_status *status)
{
    struct replica *replica = arg;
    struct gc_blob_write *write = replica->write;
    replica->call = NULL;
    if (replica->state == REPLICA_OPEN) {
        bool good = status->code == GC_RPC_OK && replica->answered;
        replica->state = good ? REPLICA_CONFIRMED : REPLICA_FAILED;
        if (!good) {
            write->failure = failure_of(call, status);
            gc_log(GC_LOG_WARN, "write.replica", "server=%u code=%s text=%s", replica->number,
                   gc_rpc_code_name(status->code), gc_log_q(gc_str_of(status->message)));
        }
        write_evaluate(write);
    }
    write_free_if_done(write);
}

static const struct gc_rpc_handler handler = {
    .on_message = on_message,
    .on_writable = on_writable,
    .on_end = on_end,
};

static struct gc_bytes *
pack_open(const struct gc_blob_id *id)
{
    Gcommon__V1__Common__BlobId blob_id = GCOMMON__V1__COMMON__BLOB_ID__INIT;
    Gcommon__V1__Blob__WriteOpen open = GCOMMON__V1__BLOB__WRITE_OPEN__INIT;
    Gcommon__V1__Blob__WriteRequest request = GCOMMON__V1__BLOB__WRITE_REQUEST__INIT;
    blob_id.epoch = id->epoch;
    blob_id.counter = id->counter;
    open.id = &blob_id;
    request.part_case = GCOMMON__V1__BLOB__WRITE_REQUEST__PART_OPEN;
    request.open = &open;
    return gc_pb_pack(&request.base);
}

/* A call to one server with its first message; FAILED at once when it cannot be made. */
static void
replica_start(struct replica *replica, const struct gc_meta_server *server, struct gc_bytes *open,
              const struct gc_trace *trace)
{
    const struct gc_rpc_call_conf conf = {
        .path = "/gcommon.v1.blob.BlobService/Write",
        .deadline_ms = GC_RPC_NO_DEADLINE,
        .progress_ms = GC_PROGRESS_MS,
        .trace = trace,
    };
    struct gc_rpc_channel *channel;
    int rc = gc_servers_channel(&replica->write->worker->servers, server, &channel);
    replica->number = server->number;
    if (rc == 0) {
        rc = gc_rpc_call_start(channel, &conf, &handler, replica, &replica->call);
    }
    if (rc != 0) {
        replica->state = REPLICA_FAILED;
        replica->call = NULL;
        return;
    }
    replica->state = REPLICA_OPEN;
    if (gc_rpc_send(replica->call, open) != 0) {
        replica->state = REPLICA_FAILED;
        gc_rpc_cancel(replica->call);
    }
}

int
gc_blob_write_start(const struct gc_blob_write_conf *conf, struct gc_blob_write **ret_write)
{
    struct gc_blob_write *write = calloc(1, sizeof(*write));
    struct gc_bytes *open = pack_open(&conf->id);
    if (write == NULL || open == NULL) {
        free(write);
        gc_bytes_unref(open);
        return -ENOMEM;
    }
    write->worker = conf->worker;
    write->ops = conf->ops;
    write->arg = conf->arg;
    write->n = GC_MIN(conf->n, GC_META_COPIES_MAX);
    write->quorum = conf->quorum;
    write->failure = GC_EUNAVAILABLE;
    write->worker->n_ops++;
    gc_timer_init(&write->stall, write->worker->loop, on_stall);
    for (uint32_t i = 0; i < write->n; i++) {
        write->replicas[i].write = write;
        replica_start(&write->replicas[i], &conf->servers[i], open, conf->trace);
    }
    gc_bytes_unref(open);
    if (write_count(write, REPLICA_OPEN) < write->quorum) {
        gc_blob_write_cancel(write);
        return GC_EUNAVAILABLE;
    }
    *ret_write = write;
    return 0;
}

bool
gc_blob_write_ready(const struct gc_blob_write *write)
{
    for (uint32_t i = 0; i < write->n; i++) {
        const struct replica *replica = &write->replicas[i];
        if (replica->state == REPLICA_OPEN && !gc_rpc_writable(replica->call)) {
            return false;
        }
    }
    return true;
}

static void
write_send(struct gc_blob_write *write, struct gc_bytes *msg, bool last)
{
    for (uint32_t i = 0; i < write->n; i++) {
        struct replica *replica = &write->replicas[i];
        int rc;
        if (replica->state != REPLICA_OPEN) {
            continue;
        }
        rc = gc_rpc_send(replica->call, msg);
        if (rc == 0 && last) {
            rc = gc_rpc_half_close(replica->call);
        }
        if (rc != 0) { /* on_end will find it failed */
            gc_rpc_cancel(replica->call);
        }
    }
    if (!last && !gc_blob_write_ready(write)) {
        write->waiting = true;
        gc_timer_start(&write->stall, write->worker->translation->conf->replica_stall_ms);
    }
}

void
gc_blob_write_chunk(struct gc_blob_write *write, struct gc_bytes *msg)
{
    write_send(write, msg, false);
}

void
gc_blob_write_commit(struct gc_blob_write *write, uint64_t length, uint32_t crc)
{
    Gcommon__V1__Blob__WriteCommit commit = GCOMMON__V1__BLOB__WRITE_COMMIT__INIT;
    Gcommon__V1__Blob__WriteRequest request = GCOMMON__V1__BLOB__WRITE_REQUEST__INIT;
    struct gc_bytes *msg;
    commit.length = length;
    commit.crc32c = crc;
    request.part_case = GCOMMON__V1__BLOB__WRITE_REQUEST__PART_COMMIT;
    request.commit = &commit;
    msg = gc_pb_pack(&request.base);
    write->committing = true;
    write->waiting = false;
    gc_timer_stop(&write->stall);
    write->length = length;
    write->crc = crc;
    if (msg == NULL) {
        for (uint32_t i = 0; i < write->n; i++) {
            if (write->replicas[i].state == REPLICA_OPEN) {
                gc_rpc_cancel(write->replicas[i].call);
            }
        }
        return;
    }
    write_send(write, msg, true);
    gc_bytes_unref(msg);
}

void
gc_blob_write_cancel(struct gc_blob_write *write)
{
    write->settled = true;
    write_cancel_open(write);
    write_free_if_done(write);
}
