/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The commands of the replicated state machine and their encoding in the log. Each carries who asks
 * for it and, for mutations of clients, a request id with a time limit: apply carries a command out
 * at most once within the limit, not at all after it, and answers a repeat with the result of the
 * first (rule 8).
 *
 * Decoding survives any bytes, refuses what it would not have written itself, and gives texts that
 * point into the bytes and arrays in the arena. */
#ifndef GC_META_COMMAND_H
#define GC_META_COMMAND_H

#include "base/arena.h"
#include "base/buf.h"
#include "core/apierr.h"
#include "meta/record.h"

#define GC_META_REQUEST_ID_BYTES  16
#define GC_META_COMMAND_BYTES_MAX (256u << 10)
#define GC_META_TTL_MS_MAX        900000u /* expires_at is at most this far from state time */
/* A result is remembered for so long after expires_at, when the command can no more be carried
 * out: within it, no result means that it never was. */
#define GC_META_RESULT_GRACE_MS 60000u

enum gc_meta_op {
#define GC_META_OP(number, NAME, member, needs_id) GC_META_OP_##NAME = number,
#include "meta/command.tbl.h"
#undef GC_META_OP
};

struct gc_meta_barrier {
    uint8_t unused;
};

/* Result: number = bucket id. BucketAlreadyOwnedByYou, BucketAlreadyExists, InvalidBucketName,
 * TooManyBuckets, AccessDenied. */
struct gc_meta_create_bucket {
    struct gc_str name;
    bool public_read;
    uint32_t copies; /* 0: the cluster's default, which rises as servers register */
};

/* NoSuchBucket (also when another bucket has the name by now), BucketNotEmpty, AccessDenied. */
struct gc_meta_delete_bucket {
    uint64_t bucket_id;
};

/* Entity tags as in the headers If-Match and If-None-Match, or "*"; empty = none. */
struct gc_meta_conditions {
    struct gc_str if_match;
    struct gc_str if_none_match;
};

/* Result: md5 and mtime of the object; index = its version. NoSuchBucket, AccessDenied,
 * KeyTooLongError, InvalidURI, PreconditionFailed, NoSuchKey (If-Match without an object),
 * StaleEpoch, ServiceUnavailable (a blob with fewer servers than the bucket's quorum at this
 * index), MetadataTooLarge, InvalidArgument (unknown server, blob named twice), BadRequest. */
struct gc_meta_put_object {
    uint64_t bucket_id;
    struct gc_str key;
    struct gc_meta_conditions conditions;
    struct gc_meta_object object; /* version is not encoded; mtime_ms 0: state time */
};

/* NoSuchBucket, AccessDenied, PreconditionFailed. An absent key is success, as in S3; result:
 * number = 1 when there was an object. */
struct gc_meta_delete_object {
    uint64_t bucket_id;
    struct gc_str key;
    struct gc_meta_conditions conditions;
};

/* A new writer epoch for PROCESS (stable name of the translation node); the process's earlier one
 * is fenced. Result: number = epoch. */
struct gc_meta_grant_epoch {
    struct gc_str process;
};

/* Every id of the epoch is decided from here on. */
struct gc_meta_fence_epoch {
    uint64_t epoch;
};

/* Every id of the epoch with a counter below COUNTER is decided. Lower than before: no effect.
 * StaleEpoch when fenced. */
struct gc_meta_set_watermark {
    uint64_t epoch;
    uint64_t counter;
};

/* Result: number, incarnation. InvalidArgument; AccessDenied when the store is up under another
 * node. A generation or durable sequence below the recorded one makes the server SUSPECT, and so
 * does SUSPECT: the leader has seen a higher one in heartbeats, which are not recorded (rule 21).
 */
struct gc_meta_register_server {
    struct gc_str node;
    struct gc_str address;
    struct gc_str zone;
    uint32_t weight; /* >= 1 */
    uint8_t store_uuid[16];
    uint64_t generation;
    uint64_t durable_seq;
    bool suspect;
};

/* No effect unless the server still has this incarnation. */
struct gc_meta_server_down {
    uint32_t number;
    uint64_t incarnation;
};

/* The server's rows with seq <= UPTO are durable there. At most GC_META_GC_ACK_ROWS go at a time;
 * result: number = rows removed (ask again when it is the maximum). */
#define GC_META_GC_ACK_ROWS 1000u
struct gc_meta_gc_ack {
    uint32_t server;
    uint64_t upto;
};

struct gc_meta_command {
    enum gc_meta_op op;
    /* All zero = none: the command is then neither remembered nor does it expire. */
    uint8_t request_id[GC_META_REQUEST_ID_BYTES];
    uint64_t expires_at_ms;  /* state time */
    struct gc_str principal; /* name; empty = anonymous */
    uint32_t role;           /* number of core/principal.h's role */
    union {
#define GC_META_OP(number, NAME, member, needs_id) struct gc_meta_##member member;
#include "meta/command.tbl.h"
#undef GC_META_OP
    } u;
};

/* Append the encoded command to BUF. GC_ELIMIT when it is longer than GC_META_COMMAND_BYTES_MAX or
 * than BUF may grow, -EINVAL for what decode would refuse. */
int gc_meta_command_encode(const struct gc_meta_command *cmd, struct gc_buf *buf);

/* GC_EPARSE, GC_EVERSION, -ENOMEM (arena). */
int gc_meta_command_decode(struct gc_meta_command *cmd, const void *data, size_t len,
                           struct gc_arena *arena);

const char *gc_meta_op_name(enum gc_meta_op op); /* "PUT_OBJECT"; "?" when unknown */

/* What became of a command; the same on every replica. */
struct gc_meta_result {
    enum gc_meta_op op;
    enum gc_api_err err; /* GC_API_OK: done */
    uint64_t index;      /* log index of the command that did it */
    uint64_t number;     /* as each command says */
    uint64_t incarnation;
    uint64_t mtime_ms;
    uint8_t md5[16];
    bool repeated; /* the result of an earlier command with this request id; not stored */
};

#endif
