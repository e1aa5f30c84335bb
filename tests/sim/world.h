/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A gcommon cluster in virtual time: the real state machine and log of one translation node, with
 * model writers, clients and file servers around it, everything over a network and disks that fail.
 * Nodes keep to object-protocol.md rules 8-12; the oracle sees every entry and checks what nodes
 * and clients may rely on. */
#ifndef GC_TESTS_SIM_WORLD_H
#define GC_TESTS_SIM_WORLD_H

#include "base/list.h"
#include "consensus/core.h"
#include "meta/check.h"
#include "meta/query.h"
#include "tests/sim/disk.h"
#include "tests/sim/kernel.h"
#include "tests/sim/net.h"

#define N_FILES       5u
#define N_WRITERS     3u
#define N_CLIENTS     8u
#define N_KEYS        24u
#define EXTENTS_MAX   12u
#define WALL_0        1800000000000u /* wall clock at the start, ms */
#define SECOND_US     1000000u
#define LEASE_US      (10 * SECOND_US)
#define FENCE_US      (30 * SECOND_US)
#define GC_DELAY_US   (10 * SECOND_US)
#define TTL_MS        6000u
#define GC_PAGE       64u
#define INVENTORY_MAX 16u

enum node_number {
    NODE_META = 0,
    NODE_FILE_0 = 1,
    NODE_WRITER_0 = NODE_FILE_0 + N_FILES,
    NODE_CLIENT_0 = NODE_WRITER_0 + N_WRITERS,
    N_NODES = NODE_CLIENT_0 + N_CLIENTS
};

enum msg_type {
    MSG_PROPOSE = 1, /* -> meta: data = command, tag */
    MSG_RESULT,      /* tag, data = struct gc_meta_result */
    MSG_PING,        /* writer -> meta: a = epoch, b = watermark */
    MSG_OUTCOME,     /* client -> meta: tag, a = serial, b = expires_at */
    MSG_OUTCOME_R,   /* tag, a = enum outcome, data = struct gc_meta_result */
    MSG_LOOKUP,      /* client -> meta: tag, a = key */
    MSG_LOOKUP_R,    /* tag, a = found, b = version, c = applied index, data = struct found */
    MSG_REGISTER,    /* file -> meta: data = struct file_identity */
    MSG_REGISTERED,  /* a = number, b = incarnation, tag = life */
    MSG_HEARTBEAT,   /* a = number, b = incarnation, c = gc_done, tag = durable_seq */
    MSG_HEARTBEAT_R, /* a = register again, data = struct gc_meta_gc_row[] */
    MSG_INVENTORY,   /* data = struct gc_blob_id[] */
    MSG_INVENTORY_R, /* data = struct gc_blob_id[] that are garbage */
    MSG_WRITE,       /* writer -> file: blob, a = content, tag */
    MSG_SYNCED,      /* file to itself: likewise, b = writer, c = life */
    MSG_WRITTEN,     /* blob, tag */
    MSG_DELETE,      /* writer -> file: blob that was never proposed */
    MSG_READ,        /* client -> file: blob, tag */
    MSG_READ_R,      /* blob, a = found, b = content, tag */
    MSG_OP,          /* client -> writer: tag, data = struct op_request */
    MSG_OP_R         /* tag, a = enum gc_api_err, b = index, c = repeated */
};

enum outcome { OUTCOME_WAIT, OUTCOME_KNOWN, OUTCOME_NEVER, OUTCOME_FORGOTTEN };

enum op_kind { OP_PUT, OP_PUT_NEW, OP_DELETE }; /* PUT_NEW: If-None-Match: * */

struct op_request {
    enum op_kind kind;
    uint64_t serial; /* the request id */
    uint64_t expires_at_ms;
    uint64_t content;
    unsigned key;
};

struct file_identity {
    uint8_t uuid[16];
    uint64_t generation;
    uint64_t durable_seq;
    uint64_t life;
    unsigned file;
};

struct found {
    uint64_t content;
    uint64_t length;
    size_t n_extents;
    struct gc_meta_extent extents[EXTENTS_MAX];
};

struct world;

/* --- nodes --- */

struct heard {
    uint64_t at_us;
    uint64_t durable_seq;
    uint64_t proposed; /* incarnation that was reported down; or fenced epoch */
};

#define HEARD_MAX 256u

struct meta_node {
    struct world *w;
    struct sim_disk disk;
    struct gc_meta meta;
    struct gc_consensus_core core;
    uint64_t life;
    uint64_t boot_us;
    int64_t wall_skew_ms;
    struct gc_list queue; /* struct prop */
    size_t n_queue;
    struct gc_list batch; /* being synced */
    uint64_t batch_index;
    uint64_t last_entry_us;
    struct gc_list waiting;          /* reads that came during a sync */
    struct heard servers[HEARD_MAX]; /* by number */
    struct heard epochs[HEARD_MAX];  /* by epoch, modulo */
};

struct stored_blob {
    struct gc_blob_id id;
    uint64_t content;
};

struct gc_todo {
    struct gc_meta_gc_row row;
    uint64_t learned_us;
};

struct store {
    struct stored_blob *blobs;
    size_t n_blobs;
    size_t cap;
    uint64_t generation;
    uint64_t durable_seq;
    uint64_t gc_done;
};

struct file_node {
    struct world *w;
    unsigned node;
    struct store store; /* durable */
    struct store old;   /* an earlier state of the disk; generation 0: none */
    bool rolled_back;   /* has lost what it had confirmed: its copies do not count */
    uint8_t uuid[16];
    uint64_t life;
    uint32_t number;
    uint64_t incarnation; /* 0: not registered in this life */
    uint64_t registered_generation;
    struct gc_todo *todo;
    size_t n_todo;
    uint64_t gc_cursor;
    size_t inventory_at;
    bool slow;
};

struct op {
    struct gc_list node;
    struct op_request request;
    unsigned client;
    uint64_t client_tag;
    uint64_t tag;
    bool proposed;
    uint64_t started_us;
    struct gc_meta_extent extents[EXTENTS_MAX]; /* servers: confirmed ones */
    struct gc_meta_extent asked[EXTENTS_MAX];   /* servers: all that were asked */
    size_t n_extents;
};

struct writer_node {
    struct world *w;
    unsigned index;
    unsigned node;
    uint64_t life;
    uint64_t epoch; /* 0: none */
    uint64_t grant_serial;
    uint64_t grant_expires_ms;
    uint64_t next_counter;
    uint64_t n_ticks;
    struct gc_list ops;
    /* What it knows of the registry. */
    uint32_t servers[N_FILES];      /* numbers that are up */
    unsigned server_nodes[N_FILES]; /* and where */
    size_t n_servers;
    uint32_t copies;
    uint32_t quorum;
};

enum client_state { CLIENT_IDLE, CLIENT_OP, CLIENT_OUTCOME, CLIENT_LOOKUP, CLIENT_READ };

struct client_node {
    struct world *w;
    unsigned node;
    enum client_state state;
    uint64_t tag;
    unsigned tries;
    struct op_request request;
    uint64_t floor; /* what a read must at least see */
    unsigned key;
    struct found found;
    uint64_t version;
    bool again; /* the second look-up of a read */
    size_t extent;
    uint32_t server;
};

/* --- the oracle --- */

struct oracle_entry {
    uint64_t time_ms;
    uint64_t term;
    size_t len;
    uint8_t *data;
    struct gc_meta_result *results;
    size_t n_results;
};

struct oracle_value {
    uint64_t index;
    uint64_t content; /* 0: no object */
};

struct oracle_key {
    struct oracle_value *values;
    size_t n;
    size_t cap;
    uint64_t acked; /* highest index that a client was told */
};

struct oracle_request {
    uint32_t n_effects;
    uint64_t index;
    bool acked;
    bool refused; /* its client was told that it never happened and never will */
};

struct oracle {
    struct oracle_entry *entries; /* [i]: index i + 1 */
    size_t n_entries;
    size_t cap;
    uint64_t durable; /* last index */
    struct oracle_key keys[N_KEYS];
    struct oracle_request *requests; /* by serial */
    size_t requests_cap;
};

struct world {
    struct sim sim;
    struct sim_net net;
    struct meta_node meta;
    struct file_node files[N_FILES];
    struct writer_node writers[N_WRITERS];
    struct client_node clients[N_CLIENTS];
    struct oracle oracle;
    uint64_t bucket_id;
    uint64_t next_serial;
    uint64_t next_tag;
    uint64_t next_content;
    uint64_t time_hint_ms; /* state time that somebody saw, and when */
    uint64_t time_hint_at_us;
    char keys[N_KEYS][GC_META_KEY_MAX + 1];
    bool chaos; /* faults and new work */
    uint64_t n_acked;
    uint64_t n_reads;
    uint64_t n_crashes;
    uint64_t n_refused;
    uint64_t n_fenced;
};

/* Run seed SEED to its end with all checks; false when one failed (its report is printed).
 * RET_TRACE may be NULL. */
bool world_run(uint64_t seed, bool verbose, uint64_t *ret_trace, struct world *ret_counts);

bool world_up(const struct world *w, unsigned node);
/* A read of the state, also of a node that is down (what its disk holds). */
void world_read_begin(struct world *w, struct gc_meta_read *rd, struct gc_arena *arena);
void world_read_end(struct gc_meta_read *rd);
uint64_t world_state_time_ms(const struct world *w);
struct gc_str world_key(const struct world *w, unsigned key);
void world_request_id(uint64_t serial, uint8_t request_id[GC_META_REQUEST_ID_BYTES]);

void meta_node_init(struct world *w);
void meta_node_fini(struct world *w);
void meta_node_start(struct meta_node *m);
void meta_node_crash(struct meta_node *m);
void meta_node_propose(struct meta_node *m, const struct gc_meta_command *cmd);

void file_node_init(struct world *w, unsigned i);
void file_node_fini(struct file_node *f);
void file_node_start(struct file_node *f);
void file_node_crash(struct file_node *f);
const struct stored_blob *file_node_find(const struct file_node *f, const struct gc_blob_id *id);

void writer_node_init(struct world *w, unsigned i);
void writer_node_fini(struct writer_node *wr);
void writer_node_start(struct writer_node *wr);
void writer_node_crash(struct writer_node *wr);

void client_node_init(struct world *w, unsigned i);

void oracle_fini(struct world *w);
/* Entry INDEX was committed, not yet synced. */
void oracle_entry(struct world *w, uint64_t index, const struct gc_list *batch);
void oracle_synced(struct world *w, uint64_t index);
/* The log ends at LAST after a restart. */
void oracle_restart(struct world *w, uint64_t last);
/* What KEY held at INDEX. */
struct oracle_value oracle_value(const struct world *w, unsigned key, uint64_t index);
void oracle_acked(struct world *w, const struct op_request *request, uint64_t index);
void oracle_refused(struct world *w, const struct op_request *request);
/* F is about to remove a blob of its own accord. */
void check_removal(struct world *w, const struct file_node *f, const struct gc_blob_id *id,
                   const char *why);
/* Counts, and that each server has what objects say it has. */
void check_state(struct world *w);
/* Nothing goes on any more: no garbage, nothing lost, and the log gives the same state again. */
void check_quiet(struct world *w);

struct prop {
    struct gc_list node;
    unsigned from;
    uint64_t tag;
    struct gc_meta_result result;
    size_t len;
    uint8_t data[];
};

#endif
