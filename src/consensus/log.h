/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Entries in the table raft.log and the numbers about them in raft.meta. For core.c.
 *
 * raft.log: key index << 8 | piece; the pieces of an entry joined are
 *   u8 version 1, be64 term, be64 state time, be32 length of the commands, be32 CRC32C of all of
 *   this but the CRC and of the commands, then each command as be32 length and its bytes.
 * raft.meta: "log" -> u8 version 1, be64 term, be64 first index, be64 bytes of the log. */
#ifndef GC_CONSENSUS_LOG_H
#define GC_CONSENSUS_LOG_H

#include "consensus/core.h"

#define GC_LOG_HEAD_BYTES 25u

/* Encode into core->entry, which has room. Returns the length. */
size_t gc_log_encode(struct gc_consensus_core *core, const struct gc_consensus_entry *entry,
                     const struct gc_consensus_op *ops, size_t n_ops);
/* Store the LEN bytes of core->entry as entry INDEX. */
int gc_log_append(struct gc_consensus_core *core, struct gc_kv_txn *txn, uint64_t index,
                  size_t len);
/* Drop old entries beyond what is to be kept, a bounded number a call. */
int gc_log_trim(struct gc_consensus_core *core, struct gc_kv_txn *txn);
int gc_log_save(const struct gc_consensus_core *core, struct gc_kv_txn *txn);
/* Term, first and last index, bytes. An empty log begins at APPLIED + 1. */
int gc_log_load(struct gc_consensus_core *core, struct gc_kv_txn *txn, uint64_t applied);

#endif
