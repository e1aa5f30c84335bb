/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Removing one object: a unary call. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/transfer.h"
#include "proto/gcommon/v1/object/object.pb-c.h"
#include "rpc/pb.h"

struct rm {
    struct gc_job job;
    const char *bucket;
    char *key;
    size_t key_len;
};

static void
on_answer(void *arg, const struct gc_rpc_status *status, struct gc_bytes *answer)
{
    struct rm *rm = arg;

    (void)answer; /* says nothing */
    gc_job_ended(&rm->job, rm->job.call, status);
}

static int
rm_start(struct gc_job *job)
{
    struct rm *rm = gc_container_of(job, struct rm, job);
    struct gc_remote *remote = job->batch->remote;
    struct gc_rpc_call_conf conf =
        gc_remote_call_conf(remote, GC_OBJECT_METHOD("DeleteObject"), false);
    Gcommon__V1__Object__DeleteObjectRequest request =
        GCOMMON__V1__OBJECT__DELETE_OBJECT_REQUEST__INIT;
    struct gc_bytes *msg;
    int rc;

    request.bucket = (char *)(uintptr_t)rm->bucket;
    request.key = (ProtobufCBinaryData){ .len = rm->key_len, .data = (uint8_t *)rm->key };
    msg = gc_pb_pack(&request.base);
    rc = msg != NULL ? gc_rpc_unary(remote->channel, &conf, msg, on_answer, rm, &job->call)
                     : -ENOMEM;
    gc_bytes_unref(msg);
    return rc;
}

static void
rm_complete(struct gc_job *job)
{
    (void)job;
}

static void
rm_free(struct gc_job *job, bool done)
{
    struct rm *rm = gc_container_of(job, struct rm, job);

    (void)done;
    gc_job_fini(&rm->job);
    free(rm->key);
    free(rm);
}

static const struct gc_job_ops rm_ops = {
    .start = rm_start,
    .complete = rm_complete,
    .free = rm_free,
};

struct gc_job *
gc_remove_new(struct gc_batch *batch, const char *bucket, struct gc_str key)
{
    struct rm *rm = calloc(1, sizeof(*rm));

    if (rm == NULL) {
        return NULL;
    }
    rm->bucket = bucket;
    rm->key = strndup(key.data, key.len);
    rm->key_len = key.len;
    if (!gc_job_init(&rm->job, batch, &rm_ops, bucket, key) || rm->key == NULL) {
        rm_free(&rm->job, false);
        return NULL;
    }
    return &rm->job;
}
