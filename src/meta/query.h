/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads of the state in one read transaction of the caller (gc_consensus_begin_read). Everything
 * returned is copied into the caller's arena, so it outlives the transaction. Work is bounded per
 * call. Any thread.
 *
 * Errors: GC_ENOTFOUND, GC_ELIMIT (the arena is full, or there is no memory for it),
 * GC_ECORRUPT, -EIO. */
#ifndef GC_META_QUERY_H
#define GC_META_QUERY_H

#include "meta/meta.h"

struct gc_meta_read {
    const struct gc_meta *meta; /* only what init set is used */
    struct gc_kv_txn *txn;
    struct gc_arena *arena;
};

int gc_meta_get_state(const struct gc_meta_read *rd, struct gc_meta_state *ret_state);
/* Of all rows and numbers; equal on two nodes exactly when their states are (rule 18). */
uint64_t gc_meta_state_hash(const struct gc_meta_state *state);

int gc_meta_get_bucket(const struct gc_meta_read *rd, uint64_t id,
                       struct gc_meta_bucket *ret_bucket);
int gc_meta_find_bucket(const struct gc_meta_read *rd, struct gc_str name,
                        struct gc_meta_bucket *ret_bucket);
/* Up to MAX buckets with a name > AFTER, by name. BUCKETS has room for MAX. */
int gc_meta_list_buckets(const struct gc_meta_read *rd, struct gc_str after, size_t max,
                         struct gc_meta_bucket *buckets, size_t *ret_n);

/* The object with all its extents, also those of a manifest. */
int gc_meta_get_object(const struct gc_meta_read *rd, uint64_t bucket_id, struct gc_str key,
                       struct gc_meta_object *ret_object);
/* Without extents (n_extents = 0): for HEAD and conditions. */
int gc_meta_head_object(const struct gc_meta_read *rd, uint64_t bucket_id, struct gc_str key,
                        struct gc_meta_object *ret_object);

#define GC_META_LIST_MAX 1000u

struct gc_meta_list {
    uint64_t bucket_id;
    struct gc_str prefix;
    struct gc_str delimiter; /* empty = none */
    struct gc_str after;     /* names > AFTER */
    bool after_is_prefix;    /* AFTER is a common prefix: names below it are past, too */
    size_t max;              /* 0..GC_META_LIST_MAX */
};

struct gc_meta_list_item {
    struct gc_str name;
    bool is_prefix; /* a common prefix, up to and with the delimiter; the rest is 0 then */
    uint64_t length;
    uint64_t mtime_ms;
    uint64_t version;
    uint8_t md5[16];
};

/* In byte order of names. */
struct gc_meta_list_page {
    struct gc_meta_list_item *items;
    size_t n_items;
    bool truncated; /* there is more: go on with AFTER = the last item's name, after_is_prefix = its
                       is_prefix */
};

/* A page ends early, truncated, when the arena is full. It does not look at whether the bucket
 * exists. */
int gc_meta_list_objects(const struct gc_meta_read *rd, const struct gc_meta_list *list,
                         struct gc_meta_list_page *ret_page);

int gc_meta_get_server(const struct gc_meta_read *rd, uint32_t number,
                       struct gc_meta_server *ret_server);
int gc_meta_find_server(const struct gc_meta_read *rd, struct gc_str node,
                        struct gc_meta_server *ret_server);
/* Up to MAX servers with a number > AFTER, by number. */
int gc_meta_list_servers(const struct gc_meta_read *rd, uint32_t after, size_t max,
                         struct gc_meta_server *servers, size_t *ret_n);

/* Up to MAX rows of the server with seq > AFTER, by seq. */
int gc_meta_list_gc(const struct gc_meta_read *rd, uint32_t server, uint64_t after, size_t max,
                    struct gc_meta_gc_row *rows, size_t *ret_n);

enum gc_meta_blob_state {
    GC_META_BLOB_REFERENCED = 1, /* an object or manifest names it */
    GC_META_BLOB_QUEUED,         /* deleted; rows of the garbage queue still name it */
    GC_META_BLOB_UNDECIDED,      /* its writer may still introduce it; or nobody knows its epoch */
    GC_META_BLOB_GARBAGE         /* decided and named by no record: a copy may be deleted (rule 11);
                                    the read must have waited for a fresh read index */
};
int gc_meta_get_blob(const struct gc_meta_read *rd, const struct gc_blob_id *id,
                     enum gc_meta_blob_state *ret_state);

struct gc_meta_epoch {
    uint64_t epoch;
    bool fenced;        /* then the rest is empty */
    uint64_t watermark; /* counters below are decided */
    struct gc_str process;
};
/* GC_ENOTFOUND: never granted. */
int gc_meta_get_epoch(const struct gc_meta_read *rd, uint64_t epoch,
                      struct gc_meta_epoch *ret_epoch);
/* Up to MAX epochs > AFTER that are not fenced, by number. */
int gc_meta_list_epochs(const struct gc_meta_read *rd, uint64_t after, size_t max,
                        struct gc_meta_epoch *epochs, size_t *ret_n);

/* What became of a request (rule 8). GC_ENOTFOUND: not carried out so far. It is final when, in the
 * same read, the state's time_ms is past the request's expires_at and by no more than
 * GC_META_RESULT_GRACE_MS: it never was and never will be carried out. Before, ask again (a barrier
 * makes state time go on); later, nobody knows any more. The leader's estimate of state time does
 * not count here: after a change of leader it starts again from the state's. */
int gc_meta_get_outcome(const struct gc_meta_read *rd,
                        const uint8_t request_id[GC_META_REQUEST_ID_BYTES],
                        struct gc_meta_result *ret_result);

#endif
