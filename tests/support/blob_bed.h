/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of the blob engine share: a store in a temporary folder, requests that are waited
 * for, data made from a seed. One thread per bed, but for the engine's own; more threads take more
 * beds on one engine. */
#ifndef GC_TESTS_SUPPORT_BLOB_BED_H
#define GC_TESTS_SUPPORT_BLOB_BED_H

#include <stdint.h>

#include "storage/blob.h"

#define BLOB_BED_WAIT_MS 120000

struct blob_bed {
    char dir[64];
    struct gc_blob_conf conf;
    struct gc_blobs *blobs;
    struct gc_queue done;
};

/* A request's way back to the bed's thread. */
struct blob_bed_wait {
    struct blob_bed *bed;
    struct gc_list node;
    bool done;
};

/* An empty folder and a conf with a small map, no gc delay and hardly a reserve; the engine is not
 * opened. */
void blob_bed_init(struct blob_bed *bed);
void blob_bed_open(struct blob_bed *bed);
void blob_bed_close(struct blob_bed *bed); /* the engine */
void blob_bed_fini(struct blob_bed *bed);  /* closes and removes the folder */

struct gc_notify blob_bed_notify(struct blob_bed *bed, struct blob_bed_wait *wait);
void blob_bed_wait(struct blob_bed_wait *wait);
/* One trip of any request; NULL after TIMEOUT_MS. */
struct blob_bed_wait *blob_bed_wait_any(struct blob_bed *bed, int timeout_ms);

/* LEN bytes that depend on SEED; the caller unrefs. */
struct gc_bytes *blob_bed_data(uint64_t seed, uint64_t len);
struct gc_blob_id blob_bed_id(uint64_t n);

/* Give the part of DATA from AT (a chunk, or what is left) to PUT and wait; the answer, of the
 * start or of the request. */
int blob_bed_put_chunk(struct blob_bed *bed, struct gc_blob_put *put, struct gc_bytes *data,
                       uint64_t at);
int blob_bed_put_commit(struct blob_bed *bed, struct gc_blob_put *put, struct gc_bytes *data);
/* Store blob ID of LEN bytes made from SEED ID; the first error. */
int blob_bed_put(struct blob_bed *bed, uint64_t id, uint64_t len);
int blob_bed_delete(struct blob_bed *bed, uint64_t id);
/* Chunk NO of READER, waited for. */
int blob_bed_read_chunk(struct blob_bed *bed, struct gc_blob_reader *reader, uint32_t no,
                        struct gc_bytes **ret_bytes);
/* Read blob ID whole; 0 when it is what blob_bed_put stores for LEN, GC_EINTERNAL when it differs,
 * else the error. */
int blob_bed_check(struct blob_bed *bed, uint64_t id, uint64_t len);
int blob_bed_find(struct blob_bed *bed, uint64_t id); /* only open and close */

/* Wait until CHECK(bed) holds. */
void blob_bed_until(struct blob_bed *bed, bool (*check)(struct blob_bed *bed));
bool blob_bed_gc_is_done(struct blob_bed *bed);
bool blob_bed_puts_are_gone(struct blob_bed *bed);

/* With the engine closed: entries of the chunk tables of all bulk files; of the core tables piece
 * and blob. */
uint64_t blob_bed_count_chunks(struct blob_bed *bed);
uint64_t blob_bed_count_core(struct blob_bed *bed);

/* A value like RssAnon of /proc/self/status in KiB. */
uint64_t blob_bed_proc_kib(const char *name);

#endif
