/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The log and the state machine under one transaction, without thread and clock: who drives it
 * gives it a batch and the time. consensus/consensus.h drives it with a thread, the simulator with
 * virtual time.
 *
 * An entry is {state time, commands}; it is stored in pieces of at most GC_KV_VALUE_MAX bytes with
 * a CRC32C (rule 20). Its state time starts from the state's own and advances with the monotonic
 * clock, slewing towards the wall clock by at most 10 % (rule 19). */
#ifndef GC_CONSENSUS_CORE_H
#define GC_CONSENSUS_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "storage/kv.h"

#define GC_CONSENSUS_COMMAND_BYTES_MAX (256u << 10)
#define GC_CONSENSUS_BATCH_BYTES       (64u << 10) /* a larger command is alone in its entry */
#define GC_CONSENSUS_BATCH_MAX         1024u       /* commands */

/* Put them into the environment's names; the first one has integer keys. */
#define GC_CONSENSUS_TABLE_NAMES "raft.log", "raft.meta"
#define GC_CONSENSUS_N_TABLES    2
#define GC_CONSENSUS_T_LOG       0 /* int_keys[table0 + this] must be true */
#define GC_CONSENSUS_T_META      1

struct gc_consensus_entry {
    uint64_t index;
    uint64_t term;
    uint64_t time_ms; /* state time */
};

/* The state machine (src/meta behind a thin adapter: translation/machine.h). begin, apply for each
 * command, end; a negative code from any of them is a local failure and stops the log. */
struct gc_consensus_machine {
    void *arg;
    int (*begin)(void *arg, struct gc_kv_txn *txn, const struct gc_consensus_entry *entry);
    int (*apply)(void *arg, const void *data, size_t len, void *result); /* result may be NULL */
    int (*end)(void *arg);
    void (*abandon)(void *arg); /* begun, will not end: the transaction is aborted */
    /* What the state says in TXN: index and time of the last entry, and how many more commands it
     * has room to remember. */
    int (*status)(void *arg, struct gc_kv_txn *txn, uint64_t *ret_applied, uint64_t *ret_time_ms,
                  uint64_t *ret_room);
    /* The same after end, without a read; ROOM_MAX when nothing is remembered. */
    uint64_t (*room)(void *arg);
    uint64_t room_max; /* room below it: time must go on even when nobody writes */
};

struct gc_consensus_core_conf {
    struct gc_kv *kv;
    unsigned table0;
    struct gc_consensus_machine machine;
    uint64_t log_keep_entries;
    uint64_t log_keep_bytes;
};

struct gc_consensus_now {
    uint64_t mono_ms;
    uint64_t wall_ms;
};

/* Visible so that it can be embedded; all fields are private to core.c and log.c. */
struct gc_consensus_core {
    struct gc_consensus_core_conf conf;
    uint64_t term;        /* rises with every open: each start is a new leader */
    uint64_t first_index; /* of the log; last_index + 1 when it is empty */
    uint64_t last_index;
    uint64_t log_bytes;
    uint64_t time_ms; /* state time of the last entry */
    uint64_t room;
    /* State time is reckoned from here. */
    struct gc_consensus_now anchor_now;
    uint64_t anchor_time_ms;
    uint8_t *entry; /* the entry being encoded */
    int rc;         /* failure that stopped it */
};

/* Open the log and compare it with the state. NOW starts the advance of state time. GC_ECORRUPT
 * when they do not fit or a piece is damaged, GC_EVERSION, GC_ENOTFOUND when the machine has no
 * state, -ENOMEM. */
int gc_consensus_core_open(struct gc_consensus_core *core,
                           const struct gc_consensus_core_conf *conf,
                           const struct gc_consensus_now *now);
void gc_consensus_core_close(struct gc_consensus_core *core);

struct gc_consensus_op {
    const void *data;
    size_t len;
    void *result;
};

/* Append and apply one entry of N operations (0 = only time advances) and commit it, durably. The
 * operations together fit GC_CONSENSUS_BATCH_BYTES, or are a single one. On failure nothing of it
 * happened or, after -EIO, nobody knows; the core refuses everything from then on. */
int gc_consensus_core_run(struct gc_consensus_core *core, const struct gc_consensus_now *now,
                          const struct gc_consensus_op *ops, size_t n_ops, uint64_t *ret_index);

/* State time at NOW; pure. */
uint64_t gc_consensus_core_time(const struct gc_consensus_core *core,
                                const struct gc_consensus_now *now);

/* How many of the operations fit one entry: at least 1 when N > 0. */
size_t gc_consensus_core_fit(const struct gc_consensus_op *ops, size_t n_ops);

/* Read entry INDEX into DATA, which has room for GC_CONSENSUS_ENTRY_BYTES_MAX: its commands, to be
 * walked with gc_consensus_entry_next. GC_ENOTFOUND (trimmed or not there), GC_ECORRUPT,
 * GC_EVERSION. */
#define GC_CONSENSUS_ENTRY_BYTES_MAX (GC_CONSENSUS_COMMAND_BYTES_MAX + 64u)
int gc_consensus_core_read(const struct gc_consensus_core *core, struct gc_kv_txn *txn,
                           uint64_t index, void *data, struct gc_consensus_entry *ret_entry,
                           size_t *ret_len);
/* Walk the commands: start with *POS 0. False at the end; *POS is not LEN then when they are
 * damaged. */
bool gc_consensus_entry_next(const void *data, size_t len, size_t *pos, const void **ret_cmd,
                             size_t *ret_cmd_len);

#endif
