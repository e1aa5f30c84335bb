/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the state machine stores, as its users see it. Plain data; texts and arrays are borrowed
 * from the arena, transaction or command they came from, as each function says. Numbers and limits
 * here are part of the replicated format. Times are state time in milliseconds since 1970 UTC
 * (object-protocol.md rule 19) unless a comment says otherwise. */
#ifndef GC_META_RECORD_H
#define GC_META_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "storage/blob.h"

#define GC_META_KEY_MAX          1024u /* bytes of an object's name */
#define GC_META_BUCKET_NAME_MAX  63u
#define GC_META_TEXT_MAX         255u /* node, address, zone, process, principal */
#define GC_META_FIELDS_MAX       128u
#define GC_META_FIELDS_BYTES_MAX 8192u /* names and values together */
#define GC_META_COPIES_MAX       8u
#define GC_META_EXTENTS_INLINE   8u    /* more are a manifest */
#define GC_META_EXTENTS_MAX      2048u /* of one PutObject */
#define GC_META_BUCKETS_MAX      10000u

/* A header kept with an object: lower-case name, any bytes as value. */
struct gc_meta_field {
    struct gc_str name;
    struct gc_str value;
};

/* LENGTH bytes from OFFSET of one blob, and the registry numbers of the servers that confirmed to
 * have synced it (distinct). */
struct gc_meta_extent {
    struct gc_blob_id id;
    uint64_t offset;
    uint64_t length;
    uint32_t servers[GC_META_COPIES_MAX];
    uint32_t n_servers;
};

struct gc_meta_object {
    uint64_t length; /* sum of the extents' */
    uint8_t md5[16]; /* the ETag */
    uint32_t crc32c; /* of all bytes */
    /* Wall clock of the writer as its command says, else state time. */
    uint64_t mtime_ms;
    uint64_t version; /* log index of the command that made it; never reused */
    const struct gc_meta_field *fields;
    size_t n_fields;
    const struct gc_meta_extent *extents;
    size_t n_extents;
};

struct gc_meta_bucket {
    uint64_t id; /* never reused */
    struct gc_str name;
    struct gc_str owner;
    uint64_t created_ms;
    bool public_read;
    /* Copies to make and write quorum now: the bucket's own, or the cluster's default, which rises
     * as servers register (rule 3). */
    uint32_t copies;
    uint32_t quorum;
};

enum gc_meta_server_state {
    GC_META_SERVER_UP = 1,
    GC_META_SERVER_DOWN = 2,
    GC_META_SERVER_DRAINING = 3,
    GC_META_SERVER_SUSPECT = 4, /* reported less than it had: an old disk (rule 21) */
    GC_META_SERVER_REPLACED = 5 /* its node has registered another store since */
};

/* A file server's store. The number belongs to the store's uuid and is never reused. */
struct gc_meta_server {
    uint32_t number;
    struct gc_str node;
    struct gc_str address;
    struct gc_str zone;
    uint32_t weight;
    uint8_t store_uuid[16];
    uint64_t generation; /* the highest seen, as the next */
    uint64_t durable_seq;
    uint64_t incarnation; /* rises with every registration */
    enum gc_meta_server_state state;
    uint64_t registry_version; /* of the last change of this row */
};

/* A blob that SERVER must remove. SEQ rises by one with every row of the cluster, so it is the
 * cursor for paging and for acknowledging; INDEX is the log index of the delete. */
struct gc_meta_gc_row {
    uint64_t seq;
    uint64_t index;
    struct gc_blob_id id;
};

#endif
