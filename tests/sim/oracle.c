/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What happened, in the order of the log, kept apart from the state machine: every entry with its
 * results, the values that each key has had, what became of each request, and what clients were
 * told. */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "base/err.h"
#include "tests/sim/world.h"

static void *
grow(void *data, size_t n, size_t *cap, size_t size)
{
    size_t before = *cap;

    if (n < *cap) {
        return data;
    }
    *cap = GC_MAX(n + 1, GC_MAX((size_t)64, 2 * *cap));
    data = realloc(data, *cap * size);
    assert(data != NULL);
    memset((uint8_t *)data + before * size, 0, (*cap - before) * size);
    return data;
}

static struct oracle_request *
request_of(struct oracle *o, uint64_t serial)
{
    o->requests = grow(o->requests, serial, &o->requests_cap, sizeof(*o->requests));
    return &o->requests[serial];
}

static uint64_t
serial_of(const uint8_t request_id[GC_META_REQUEST_ID_BYTES])
{
    return gc_get_be64(request_id + 8);
}

static unsigned
key_of(const struct world *w, struct gc_str name)
{
    unsigned key = 0;

    while (key < N_KEYS && !gc_str_eq_cstr(name, w->keys[key])) {
        key++;
    }
    assert(key < N_KEYS);
    return key;
}

static void
value_add(struct world *w, struct gc_str name, uint64_t index, uint64_t content)
{
    struct oracle_key *key = &w->oracle.keys[key_of(w, name)];

    key->values = grow(key->values, key->n, &key->cap, sizeof(*key->values));
    key->values[key->n++] = (struct oracle_value){ index, content };
}

/* One command and the state machine's result, by the plainest rules there are. */
static void
command_note(struct world *w, const struct gc_meta_command *cmd,
             const struct gc_meta_result *result)
{
    struct oracle_request *request;
    uint64_t content;

    if (result->err != GC_API_OK || result->repeated) {
        return;
    }
    if (cmd->op == GC_META_OP_PUT_OBJECT) {
        memcpy(&content, cmd->u.put_object.object.md5, sizeof(content));
        value_add(w, cmd->u.put_object.key, result->index, content);
    } else if (cmd->op == GC_META_OP_DELETE_OBJECT && result->number == 1) {
        value_add(w, cmd->u.delete_object.key, result->index, 0);
    } else if (cmd->op != GC_META_OP_DELETE_OBJECT) {
        return;
    }
    request = request_of(&w->oracle, serial_of(cmd->request_id));
    request->index = result->index;
    if (++request->n_effects > 1) {
        sim_fail(&w->sim, "request %" PRIu64 " was carried out twice", serial_of(cmd->request_id));
    }
    if (request->refused) {
        sim_fail(&w->sim, "request %" PRIu64 " was carried out after its client was told never",
                 serial_of(cmd->request_id));
    }
}

static void
entry_note(struct world *w, const struct oracle_entry *entry)
{
    struct gc_meta_command cmd;
    struct gc_arena arena;
    const void *data;
    size_t len;
    size_t pos = 0;
    size_t i = 0;

    gc_arena_init(&arena, 1u << 20);
    while (gc_consensus_entry_next(entry->data, entry->len, &pos, &data, &len)) {
        if (i < entry->n_results && gc_meta_command_decode(&cmd, data, len, &arena) == 0) {
            command_note(w, &cmd, &entry->results[i]);
        }
        i++;
    }
    if (i != entry->n_results || pos != entry->len) {
        sim_fail(&w->sim, "an entry of %zu commands has %zu in the log", entry->n_results, i);
    }
    gc_arena_fini(&arena);
}

void
oracle_entry(struct world *w, uint64_t index, const struct gc_list *batch)
{
    struct oracle *o = &w->oracle;
    uint8_t *data = malloc(GC_CONSENSUS_ENTRY_BYTES_MAX);
    struct gc_consensus_entry read = { .index = 0 };
    struct oracle_entry *entry;
    const struct gc_list *node;
    struct gc_kv_txn *txn;
    size_t len = 0;
    int rc;

    assert(data != NULL);
    rc = gc_kv_begin(w->meta.disk.kv, false, &txn);
    assert(rc == 0);
    rc = gc_consensus_core_read(&w->meta.core, txn, index, data, &read, &len);
    gc_kv_abort(txn);
    if (rc != 0 || index != o->n_entries + 1) {
        sim_fail(&w->sim, "entry %" PRIu64 " of the log: %s", index, gc_err_name(rc));
        free(data);
        return;
    }
    o->entries = grow(o->entries, o->n_entries, &o->cap, sizeof(*o->entries));
    entry = &o->entries[o->n_entries++];
    *entry = (struct oracle_entry){ .time_ms = read.time_ms, .term = read.term, .len = len };
    entry->data = realloc(data, len + 1);
    gc_list_foreach(node, batch) {
        const struct prop *prop = gc_container_of(node, const struct prop, node);

        entry->results = realloc(entry->results, (entry->n_results + 1) * sizeof(*entry->results));
        assert(entry->results != NULL);
        entry->results[entry->n_results++] = prop->result;
    }
    entry_note(w, entry);
}

void
oracle_synced(struct world *w, uint64_t index)
{
    w->oracle.durable = index;
    w->time_hint_ms = w->meta.core.time_ms;
    w->time_hint_at_us = w->sim.now_us;
}

static void
entry_free(struct oracle_entry *entry)
{
    free(entry->data);
    free(entry->results);
}

void
oracle_restart(struct world *w, uint64_t last)
{
    struct oracle *o = &w->oracle;

    if (last < o->durable || last > o->n_entries) {
        sim_fail(&w->sim, "the log ends at %" PRIu64 ", durable were %" PRIu64, last, o->durable);
        return;
    }
    if (last == o->n_entries) {
        return;
    }
    while (o->n_entries > last) {
        entry_free(&o->entries[--o->n_entries]);
    }
    for (unsigned key = 0; key < N_KEYS; key++) {
        o->keys[key].n = 0;
    }
    for (size_t i = 0; i < o->requests_cap; i++) {
        o->requests[i].n_effects = 0;
        o->requests[i].index = 0;
    }
    for (size_t i = 0; i < o->n_entries; i++) {
        entry_note(w, &o->entries[i]);
    }
}

struct oracle_value
oracle_value(const struct world *w, unsigned key, uint64_t index)
{
    const struct oracle_key *k = &w->oracle.keys[key];
    size_t n = k->n;

    while (n > 0 && k->values[n - 1].index > index) {
        n--;
    }
    return n > 0 ? k->values[n - 1] : (struct oracle_value){ 0, 0 };
}

/* A client was told that its request was carried out at INDEX. */
void
oracle_acked(struct world *w, const struct op_request *request, uint64_t index)
{
    struct oracle_request *r = request_of(&w->oracle, request->serial);
    struct oracle_key *key = &w->oracle.keys[request->key];

    w->n_acked++;
    r->acked = true;
    key->acked = GC_MAX(key->acked, index);
    if (r->n_effects != 1 || r->index != index || index > w->oracle.durable) {
        sim_fail(&w->sim, "request %" PRIu64 " acknowledged at %" PRIu64 ", the log says %" PRIu64,
                 request->serial, index, r->index);
    }
}

void
oracle_refused(struct world *w, const struct op_request *request)
{
    struct oracle_request *r = request_of(&w->oracle, request->serial);

    w->n_refused++;
    r->refused = true;
    if (r->n_effects > 0) {
        sim_fail(&w->sim, "request %" PRIu64 " was refused, but carried out at %" PRIu64,
                 request->serial, r->index);
    }
}

void
oracle_fini(struct world *w)
{
    struct oracle *o = &w->oracle;

    for (size_t i = 0; i < o->n_entries; i++) {
        entry_free(&o->entries[i]);
    }
    free(o->entries);
    free(o->requests);
    for (unsigned key = 0; key < N_KEYS; key++) {
        free(o->keys[key].values);
    }
}
