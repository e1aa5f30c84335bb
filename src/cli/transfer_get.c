/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One object on its way from the server.
 *
 * Happy path: head -> chunks: checksum, write, consume -> the call ends, all has been written, the
 * length and the MD5 are those of the head -> the file gets its name.
 * The call fails on the way, or a chunk is damaged: asked again from the first byte that has not
 * been written, for the same version (If-Match); each byte got starts the count of failures anew.
 * Another version, another length, another MD5, no room on the disk: our fault, the file vanishes.
 * A stream that takes nothing for a moment is tried again by a timer; what has arrived waits, and
 * is not more than the flow-control window. The call may end meanwhile: its end is kept. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/err.h"
#include "cli/transfer.h"
#include "core/chunk.h"
#include "crypto/hash.h"
#include "proto/gcommon/v1/object/object.pb-c.h"
#include "rpc/pb.h"

#define WAITING_MAX     256 /* messages; the window lets far fewer arrive */
#define STREAM_AGAIN_MS 1
#define RANGE_LEN_MAX   32

struct get {
    struct gc_job job;
    const char *bucket;
    char *key;
    size_t key_len;
    struct gc_transfer_result *result;
    struct gc_outfile out;
    struct gc_hash md5;
    char etag[GC_ETAG_LEN + 1]; /* of the version that is being brought; "" for foreign ones */
    uint64_t length, written;
    bool head_seen; /* in any attempt: length and etag are known */

    /* Of this attempt. */
    bool began; /* its head has come */
    bool ended; /* its call has, well, but the stream has not taken all */
    struct gc_bytes *waiting[WAITING_MAX];
    size_t n_waiting;
    size_t n_of_first; /* bytes of the first that have been written */
    struct gc_timer more;
};

static void
get_fault(struct get *get, int rc, const char *what)
{
    if (get->job.fault.status == GC_EXIT_OK) {
        gc_fault_set(&get->job.fault, rc, "%s", what);
        gc_job_give_up(&get->job);
    }
}

static void
forget_waiting(struct get *get)
{
    for (size_t i = 0; i < get->n_waiting; i++) {
        gc_bytes_unref(get->waiting[i]);
    }
    get->n_waiting = 0;
    get->n_of_first = 0;
    gc_timer_stop(&get->more);
}

/* --- messages --------------------------------------------------------------------------------- */

static bool
is_md5(const char *etag)
{
    return strlen(etag) == GC_ETAG_LEN && strspn(etag, "0123456789abcdef") == GC_ETAG_LEN;
}

static int
take_head(struct get *get, struct gc_bytes *msg)
{
    const Gcommon__V1__Object__GetObjectResponse *response =
        gc_pb_unpack(&gcommon__v1__object__get_object_response__descriptor,
                     gc_rpc_arena(get->job.call), msg->data, msg->len);
    const Gcommon__V1__Object__ObjectHead *head;
    const char *etag;

    if (response == NULL ||
        response->part_case != GCOMMON__V1__OBJECT__GET_OBJECT_RESPONSE__PART_HEAD) {
        return GC_EPROTO;
    }
    head = response->head;
    etag = is_md5(head->etag) ? head->etag : "";
    if (!get->head_seen) {
        (void)gc_str_copy(get->etag, sizeof(get->etag), gc_str_of(etag));
        get->length = head->length;
        get->head_seen = true;
    }
    if (head->length != get->length || strcmp(get->etag, etag) != 0) {
        return GC_ECONFLICT;
    }
    get->began = true;
    return (head->partial ? head->first : 0) == get->written ? 0 : GC_EPROTO;
}

/* Verify and write the chunk in MSG; false when the stream does not take all of it now. */
static bool
take_chunk(struct get *get, struct gc_bytes *msg)
{
    struct gc_chunk chunk;
    size_t n = 0;
    int rc;

    if (gc_chunk_decode(msg, &chunk) != 0 ||
        chunk.data.len - get->n_of_first > get->length - get->written) {
        get_fault(get, GC_EPROTO, "chunk");
        return true;
    }
    if (get->n_of_first == 0 && gc_crc32c(0, chunk.data.data, chunk.data.len) != chunk.crc) {
        get_fault(get, GC_ECHECKSUM, "chunk");
        return true;
    }
    rc = gc_outfile_write(&get->out, chunk.data.data + get->n_of_first,
                          chunk.data.len - get->n_of_first, &n);
    if (rc != 0) {
        get_fault(get, rc, "writing");
        return true;
    }
    gc_hash_update(&get->md5, chunk.data.data + get->n_of_first, n);
    get->written += n;
    get->n_of_first += n;
    get->job.n_failed = 0;
    gc_job_moved(&get->job, n);
    return get->n_of_first == chunk.data.len;
}

/* Deal with one message; false: it must wait. */
static bool
take_message(struct get *get, struct gc_bytes *msg)
{
    int rc;

    if (get->began) {
        return take_chunk(get, msg);
    }
    rc = take_head(get, msg);
    if (rc == GC_ECONFLICT) {
        get_fault(get, rc, "the object has changed on the way");
    } else if (rc != 0) {
        get_fault(get, rc, "head");
    }
    return true;
}

/* All has come: is it what the head has said? */
static void
get_complete(struct gc_job *job)
{
    struct get *get = gc_container_of(job, struct get, job);
    uint8_t digest[GC_MD5_BYTES];
    char etag[GC_ETAG_LEN + 1];
    int rc;

    gc_hash_final(&get->md5, digest);
    gc_hex_encode(etag, digest, sizeof(digest));
    if (!get->head_seen || get->written != get->length) {
        gc_fault_set(&job->fault, GC_EPROTO, "incomplete");
    } else if (get->etag[0] != '\0' && strcmp(get->etag, etag) != 0) {
        gc_fault_set(&job->fault, GC_ECHECKSUM, "MD5 of the whole object");
        job->fault.again = false;
    } else {
        rc = gc_outfile_commit(&get->out);
        if (rc != 0) {
            gc_fault_set(&job->fault, rc, "writing");
        } else if (get->result != NULL) {
            get->result->length = get->length;
            memcpy(get->result->etag, get->etag, sizeof(get->etag));
        }
    }
}

/* The outcome is known without the call, or in spite of it. */
static void
get_over(struct get *get)
{
    forget_waiting(get);
    if (get->job.fault.status == GC_EXIT_OK) {
        get_complete(&get->job);
    }
    gc_job_over(&get->job);
}

/* Deal with what has arrived. The job may be gone afterwards if its call had ended. */
static void
get_drain(struct get *get)
{
    while (get->n_waiting > 0 && get->job.fault.status == GC_EXIT_OK) {
        struct gc_bytes *msg = get->waiting[0];

        if (!take_message(get, msg)) {
            gc_timer_start(&get->more, STREAM_AGAIN_MS);
            return;
        }
        get->n_of_first = 0;
        get->n_waiting--;
        memmove(get->waiting, get->waiting + 1, get->n_waiting * sizeof(get->waiting[0]));
        gc_bytes_unref(msg);
        if (!get->ended) {
            gc_rpc_consume(get->job.call);
        }
    }
    if (get->ended) {
        get_over(get);
    }
}

static void
on_more(struct gc_timer *timer)
{
    get_drain(gc_container_of(timer, struct get, more));
}

/* --- the call --------------------------------------------------------------------------------- */

static void
on_message(struct gc_rpc_call *call, void *arg, struct gc_bytes *msg)
{
    struct get *get = arg;

    (void)call;
    if (get->job.fault.status != GC_EXIT_OK) {
        return;
    }
    if (get->n_waiting == WAITING_MAX) {
        get_fault(get, GC_EPROTO, "more than was allowed");
        return;
    }
    get->waiting[get->n_waiting++] = gc_bytes_ref(msg);
    if (get->n_waiting == 1) {
        get_drain(get);
    }
}

static void
on_end(struct gc_rpc_call *call, void *arg, const struct gc_rpc_status *status)
{
    struct get *get = arg;
    bool faultless = get->job.fault.status == GC_EXIT_OK;

    if (faultless && status->code == GC_RPC_OK && get->n_waiting > 0) {
        get->job.call = NULL;
        get->ended = true;
        return;
    }
    forget_waiting(get);
    if (faultless && get->began && get->written == get->length) {
        get->job.call = NULL;
        get_over(get); /* all is here, whatever the server had still to say */
        return;
    }
    gc_job_ended(&get->job, call, status);
}

static const struct gc_rpc_handler handler = {
    .on_message = on_message,
    .on_end = on_end,
};

/* --- the job ---------------------------------------------------------------------------------- */

static struct gc_bytes *
pack_request(const struct get *get)
{
    Gcommon__V1__Object__GetObjectRequest request = GCOMMON__V1__OBJECT__GET_OBJECT_REQUEST__INIT;
    Gcommon__V1__Object__Conditions conditions = GCOMMON__V1__OBJECT__CONDITIONS__INIT;
    char range[RANGE_LEN_MAX], if_match[GC_ETAG_LEN + 3];

    request.bucket = (char *)(uintptr_t)get->bucket;
    request.key = (ProtobufCBinaryData){ .len = get->key_len, .data = (uint8_t *)get->key };
    if (get->written > 0) {
        snprintf(range, sizeof(range), "bytes=%" PRIu64 "-", get->written);
        request.range = range;
    }
    if (get->written > 0 && get->etag[0] != '\0') {
        snprintf(if_match, sizeof(if_match), "\"%s\"", get->etag);
        conditions.if_match = if_match;
        request.conditions = &conditions;
    }
    return gc_pb_pack(&request.base);
}

static int
get_start(struct gc_job *job)
{
    struct get *get = gc_container_of(job, struct get, job);
    struct gc_rpc_call_conf conf =
        gc_remote_call_conf(job->batch->remote, GC_OBJECT_METHOD("GetObject"), true);
    struct gc_bytes *msg = pack_request(get);
    int rc = -ENOMEM;

    forget_waiting(get);
    get->began = get->ended = false;
    get->head_seen = get->head_seen && get->written > 0; /* else any version will do */
    if (msg != NULL) {
        rc = gc_rpc_call_start(job->batch->remote->channel, &conf, &handler, get, &job->call);
    }
    /* When these fail the call has been given up: its end says why. */
    if (rc == 0 && gc_rpc_send(job->call, msg) == 0) {
        (void)gc_rpc_half_close(job->call);
    }
    gc_bytes_unref(msg);
    return rc;
}

static bool
get_can_again(const struct gc_job *job)
{
    const struct get *get = gc_container_of(job, const struct get, job);

    /* Without an ETag of ours nobody can say whether the rest belongs to what has come. */
    return get->written == 0 || get->etag[0] != '\0';
}

static void
get_free(struct gc_job *job, bool done)
{
    struct get *get = gc_container_of(job, struct get, job);

    (void)done;
    forget_waiting(get);
    gc_outfile_abort(&get->out);
    gc_hash_fini(&get->md5);
    gc_job_fini(&get->job);
    free(get->key);
    free(get);
}

static const struct gc_job_ops get_ops = {
    .start = get_start,
    .complete = get_complete,
    .can_again = get_can_again,
    .free = get_free,
};

struct gc_job *
gc_get_new(struct gc_batch *batch, const struct gc_get_conf *conf, struct gc_outfile *out)
{
    struct get *get = calloc(1, sizeof(*get));

    if (get == NULL) {
        gc_outfile_abort(out);
        return NULL;
    }
    get->out = *out;
    gc_outfile_init(out);
    get->bucket = conf->bucket;
    get->result = conf->result;
    get->key = strndup(conf->key.data, conf->key.len);
    get->key_len = conf->key.len;
    gc_timer_init(&get->more, batch->remote->loop, on_more);
    if (!gc_job_init(&get->job, batch, &get_ops, conf->bucket, conf->key) || get->key == NULL ||
        gc_hash_init(&get->md5, GC_HASH_MD5) != 0) {
        get_free(&get->job, false);
        return NULL;
    }
    return &get->job;
}
