/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "translation/unary.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "translation/reply.h"

static void
unary_free_if_done(struct gc_unary *unary)
{
    if (unary->call == NULL && !unary->busy) {
        free(unary);
    }
}

static void
on_message(struct gc_rpc_call *call, void *arg, struct gc_bytes *msg)
{
    (void)arg;
    (void)msg;
    gc_rpc_consume(call);
}

static void
on_end(struct gc_rpc_call *call, void *arg, const struct gc_rpc_status *status)
{
    struct gc_unary *unary = arg;
    (void)call;
    (void)status;
    unary->call = NULL;
    unary_free_if_done(unary);
}

static const struct gc_rpc_handler handler = { .on_message = on_message, .on_end = on_end };

static void
unary_run(struct gc_unary *unary)
{
    struct gc_meta_read rd = {
        .meta = &unary->worker->translation->meta,
        .arena = gc_rpc_arena(unary->call),
    };
    int rc = gc_consensus_begin_read(unary->worker->translation->consensus, &rd.txn);
    if (rc != 0) {
        gc_reply_err(unary->call, gc_reply_err_of_rc(rc));
        return;
    }
    unary->run(unary, &rd);
    gc_kv_abort(rd.txn);
}

static void
on_read(struct gc_read *read)
{
    struct gc_unary *unary = gc_container_of(read, struct gc_unary, read);
    unary->busy = false;
    if (unary->call != NULL) {
        if (read->rc != 0) {
            gc_reply_err(unary->call, gc_reply_err_of_rc(read->rc));
        } else {
            unary_run(unary);
        }
    }
    unary_free_if_done(unary);
}

void
gc_unary_start(struct gc_rpc_call *call, struct gc_translation_worker *worker, const void *request,
               const Gcommon__V1__Gateway__Context *context,
               void (*run)(struct gc_unary *unary, const struct gc_meta_read *rd))
{
    struct gc_principal principal;
    enum gc_api_err err = GC_API_BadRequest;
    struct gc_unary *unary;
    int rc;
    if (request != NULL && context != NULL) {
        err = gc_auth_check(&worker->translation->auth, context, &principal);
    }
    if (err != GC_API_OK) {
        gc_reply_err(call, err);
        return;
    }
    unary = calloc(1, sizeof(*unary));
    if (unary == NULL) {
        (void)gc_rpc_fail_rc(call, -ENOMEM);
        return;
    }
    unary->call = call;
    unary->worker = worker;
    unary->request = request;
    unary->context = context;
    unary->principal = principal;
    unary->run = run;
    gc_rpc_set_handler(call, &handler, unary);
    rc = gc_read_start(&unary->read, worker, on_read);
    if (rc == GC_CONSENSUS_READY) {
        unary_run(unary);
    } else if (rc == 0) {
        unary->busy = true;
    } else {
        gc_reply_err(call, gc_reply_err_of_rc(rc));
    }
}

static void
on_proposed(struct gc_propose *propose)
{
    struct gc_unary *unary = gc_container_of(propose, struct gc_unary, propose);
    unary->busy = false;
    if (unary->call != NULL) {
        if (propose->rc != 0) {
            gc_reply_err(unary->call, gc_reply_err_of_rc(propose->rc));
        } else if (propose->result.err != GC_API_OK) {
            gc_reply_err(unary->call, propose->result.err);
        } else {
            unary->done(unary, &propose->result);
        }
    }
    unary_free_if_done(unary);
}

bool
gc_command_header(struct gc_meta_command *cmd, struct gc_translation *translation,
                  const struct gc_principal *principal,
                  const Gcommon__V1__Gateway__Context *context)
{
    uint64_t ttl_ms = context->ttl_ms == 0 ? 60000 : context->ttl_ms;
    if (context->request_id.len != sizeof(cmd->request_id) || ttl_ms > GC_META_TTL_MS_MAX) {
        return false;
    }
    memcpy(cmd->request_id, context->request_id.data, sizeof(cmd->request_id));
    cmd->expires_at_ms = gc_consensus_state_time_ms(translation->consensus) + ttl_ms;
    cmd->principal = gc_str_of(principal->name);
    cmd->role = (uint32_t)principal->role;
    return true;
}

void
gc_unary_propose(struct gc_unary *unary, struct gc_meta_command *cmd,
                 void (*done)(struct gc_unary *unary, const struct gc_meta_result *result))
{
    int rc;
    if (!gc_command_header(cmd, unary->worker->translation, &unary->principal, unary->context)) {
        gc_reply_err(unary->call, GC_API_BadRequest);
        return;
    }
    unary->done = done;
    rc = gc_propose_start(&unary->propose, unary->worker, cmd, on_proposed);
    if (rc != 0) {
        gc_reply_err(unary->call, rc == -EINVAL ? GC_API_InvalidArgument : gc_reply_err_of_rc(rc));
        return;
    }
    unary->busy = true;
}

enum gc_api_err
gc_bucket_for(const struct gc_meta_read *rd, const char *name, const struct gc_principal *principal,
              enum gc_acl_action action, struct gc_meta_bucket *ret_bucket)
{
    struct gc_acl_bucket acl;
    int rc = gc_meta_find_bucket(rd, gc_str_of(name), ret_bucket);
    if (rc != 0) {
        return rc == GC_ENOTFOUND ? GC_API_NoSuchBucket : gc_reply_err_of_rc(rc);
    }
    acl.owner = ret_bucket->owner;
    acl.public_read = ret_bucket->public_read;
    return gc_acl_check(principal, &acl, action) == 0 ? GC_API_OK : GC_API_AccessDenied;
}
