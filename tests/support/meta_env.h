/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A state machine in an environment of its own, in memory or on disk: each command is an entry. */
#ifndef GC_TESTS_SUPPORT_META_ENV_H
#define GC_TESTS_SUPPORT_META_ENV_H

#include <stdbool.h>

#include "meta/check.h"
#include "meta/query.h"

struct meta_env {
    struct gc_kv *kv;
    struct gc_meta meta;
    uint64_t time_ms;   /* state time of the next entry */
    uint64_t next_id;   /* of requests */
    uint64_t next_blob; /* counter of the next blob */
    uint64_t index;     /* last applied */
    uint64_t epoch;     /* granted by meta_env_ready */
    uint64_t bucket_id; /* likewise */
    struct gc_kv_txn *txn;
    struct gc_arena arena; /* of reads */
    char dir[64];
};

#define META_ENV_TIME_0 1800000000000u

void meta_env_open(struct meta_env *env, bool mem);
void meta_env_close(struct meta_env *env);
/* Three servers (1, 2, 3), an epoch of process "t1", a bucket "bucket" of "alice". */
void meta_env_ready(struct meta_env *env);

/* A command of principal "alice" with role data, a new request id and a minute to live. */
struct gc_meta_command meta_env_command(struct meta_env *env, enum gc_meta_op op);
/* Through encode, an entry of its own, commit. */
struct gc_meta_result meta_env_apply(struct meta_env *env, const struct gc_meta_command *cmd);

/* A put of KEY with LENGTH bytes in one new blob on servers 1 and 2 (none when LENGTH is 0). */
struct gc_meta_command meta_env_put(struct meta_env *env, const char *key, uint64_t length,
                                    struct gc_meta_extent *extent);
struct gc_meta_result meta_env_put_ok(struct meta_env *env, const char *key);
struct gc_meta_result meta_env_delete(struct meta_env *env, const char *key);

/* A read; its transaction and arena end with meta_env_read_end. */
struct gc_meta_read meta_env_read(struct meta_env *env);
void meta_env_read_end(struct meta_env *env);
struct gc_meta_state meta_env_state(struct meta_env *env);
/* Everything counted again equals what is kept. */
void meta_env_check(struct meta_env *env);

#endif
