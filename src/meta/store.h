/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The only way in which the state machine changes its tables: keeps the sum of the rows' hashes.
 * For the files of src/meta. */
#ifndef GC_META_STORE_H
#define GC_META_STORE_H

#include "meta/rows.h"

/* An encoder over the scratch memory for one row; ends with gc_meta_store_put. */
struct gc_meta_enc gc_meta_store_row(struct gc_meta *meta);
/* Put the row that ENC holds. */
int gc_meta_store_put(struct gc_meta *meta, enum gc_meta_table table, const struct gc_meta_key *key,
                      const struct gc_meta_enc *enc);
/* GC_ECORRUPT when there is no such row: callers delete what they have seen. */
int gc_meta_store_del(struct gc_meta *meta, enum gc_meta_table table,
                      const struct gc_meta_key *key);
/* GC_ENOTFOUND. */
int gc_meta_store_get(const struct gc_meta *meta, struct gc_kv_txn *txn, enum gc_meta_table table,
                      const struct gc_meta_key *key, struct gc_kv_val *ret_val);
/* First row with a key >= FROM (FROM empty: of the table), its key copied. GC_ENOTFOUND. */
int gc_meta_store_seek(const struct gc_meta *meta, struct gc_kv_txn *txn, enum gc_meta_table table,
                       const struct gc_meta_key *from, struct gc_meta_key *ret_key,
                       struct gc_kv_val *ret_val);
uint64_t gc_meta_store_row_hash(const uint8_t hash_key[16], enum gc_meta_table table,
                                struct gc_kv_val key, struct gc_kv_val val);

int gc_meta_store_load_state(const struct gc_meta *meta, struct gc_kv_txn *txn,
                             struct gc_meta_state *ret_state);
int gc_meta_store_save_state(struct gc_meta *meta);

#endif
