/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of the blob engine share: a store in a temporary folder, requests that are waited
 * for, data made from a seed. One thread per bed, but for the engine's own; more threads take more
 * beds on one engine. */
#ifndef GC_TESTS_SUPPORT_BLOB_BED_H
#define GC_TESTS_SUPPORT_BLOB_BED_H

#include <stdint.h>

#include "storage/blob.h"

#define BED_WAIT_MS 120000

struct bed {
    char dir[64];
    struct gc_blob_conf conf;
    struct gc_blobs *blobs;
    struct gc_queue done;
};

/* A request's way back to the bed's thread. */
struct bed_wait {
    struct bed *bed;
    struct gc_list node;
    bool done;
};

/* An empty folder and a conf with a small map, no gc delay and hardly a reserve; the engine is not
 * opened. */
void blob_bed_init(struct bed *bed);
void bed_open(struct bed *bed);
void bed_close(struct bed *bed);     /* the engine */
void blob_bed_fini(struct bed *bed); /* closes and removes the folder */

struct gc_notify bed_notify(struct bed *bed, struct bed_wait *wait);
void bed_wait(struct bed_wait *wait);
/* One trip of any request; NULL after TIMEOUT_MS. */
struct bed_wait *bed_wait_any(struct bed *bed, int timeout_ms);

/* LEN bytes that depend on SEED; the caller unrefs. */
struct gc_bytes *bed_data(uint64_t seed, uint64_t len);
struct gc_blob_id bed_id(uint64_t n);

/* Give the part of DATA from AT (a chunk, or what is left) to PUT and wait; the answer, of the
 * start or of the request. */
int bed_put_chunk(struct bed *bed, struct gc_blob_put *put, struct gc_bytes *data, uint64_t at);
int bed_put_commit(struct bed *bed, struct gc_blob_put *put, struct gc_bytes *data);
/* Store blob ID of LEN bytes made from SEED ID; the first error. */
int bed_put(struct bed *bed, uint64_t id, uint64_t len);
int bed_delete(struct bed *bed, uint64_t id);
/* Chunk NO of READER, waited for. */
int bed_read_chunk(struct bed *bed, struct gc_blob_reader *reader, uint32_t no,
                   struct gc_bytes **ret_bytes);
/* Read blob ID whole; 0 when it is what bed_put stores for LEN, GC_EINTERNAL when it differs, else
 * the error. */
int bed_check(struct bed *bed, uint64_t id, uint64_t len);
int bed_find(struct bed *bed, uint64_t id); /* only open and close */

/* Wait until CHECK(bed) holds. */
void bed_until(struct bed *bed, bool (*check)(struct bed *bed));
bool bed_gc_is_done(struct bed *bed);
bool bed_puts_are_gone(struct bed *bed);

/* With the engine closed: entries of the chunk tables of all bulk files; of the core tables piece
 * and blob. */
uint64_t bed_count_chunks(struct bed *bed);
uint64_t bed_count_core(struct bed *bed);

/* A value like RssAnon of /proc/self/status in KiB. */
uint64_t bed_proc_kib(const char *name);

#endif
