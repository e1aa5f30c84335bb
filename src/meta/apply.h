/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One function for each command, gc_meta_do_<member>: what it decides goes into RET (err, number,
 * ...; the rest of RET is set by the caller), a local failure is the return code. It decides before
 * it changes anything. For the files of src/meta. */
#ifndef GC_META_APPLY_H
#define GC_META_APPLY_H

#include "core/acl.h"
#include "meta/store.h"

#define GC_META_OP(number, NAME, member, needs_id)                                   \
    int gc_meta_do_##member(struct gc_meta *meta, const struct gc_meta_command *cmd, \
                            struct gc_meta_result *ret);
#include "meta/command.tbl.h"
#undef GC_META_OP

/* The bucket with all that apply wants to know of it. */
struct gc_meta_bucket_view {
    struct gc_meta_bucket_row row;
    uint32_t copies;
    uint32_t quorum;
};

/* Bucket ID for PRINCIPAL's ACTION: 0 with RET->err GC_API_OK, NoSuchBucket or AccessDenied. */
int gc_meta_bucket_for(struct gc_meta *meta, const struct gc_meta_command *cmd, uint64_t id,
                       enum gc_acl_action action, struct gc_meta_bucket_view *ret_bucket,
                       struct gc_meta_result *ret);

/* Copies to make and write quorum of a bucket, by the state's numbers. */
void gc_meta_bucket_copies(const struct gc_meta_state *state, const struct gc_meta_bucket_row *row,
                           uint32_t *ret_copies, uint32_t *ret_quorum);

int gc_meta_server_get(const struct gc_meta *meta, struct gc_kv_txn *txn, uint32_t number,
                       struct gc_meta_server *ret_server);

/* Results of requests (rule 8). */
int gc_meta_dedup_get(const struct gc_meta *meta, struct gc_kv_txn *txn,
                      const uint8_t request_id[GC_META_REQUEST_ID_BYTES],
                      struct gc_meta_dedup_row *ret_row);
int gc_meta_dedup_put(struct gc_meta *meta, const struct gc_meta_command *cmd,
                      const struct gc_meta_result *result);
/* Forget up to MAX whose time is over. */
int gc_meta_dedup_expire(struct gc_meta *meta, unsigned max);

#endif
