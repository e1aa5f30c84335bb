/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "translation/place.h"

#include "base/err.h"
#include "core/placement.h"
#include "translation/translation.h"

/* Servers in full enough shape for new blobs. */
static bool
is_usable(const struct gc_meta_server *server)
{
    return server->state == GC_META_SERVER_UP;
}

static int
list_servers(struct gc_translation_worker *worker, struct gc_arena *arena,
             struct gc_meta_server *servers, size_t *ret_n)
{
    struct gc_meta_read rd = { .meta = &worker->translation->meta, .arena = arena };
    int rc = gc_consensus_begin_read(worker->translation->consensus, &rd.txn);
    if (rc == 0) {
        rc = gc_meta_list_servers(&rd, 0, GC_PLACEMENT_SERVERS_MAX, servers, ret_n);
        gc_kv_abort(rd.txn);
    }
    return rc;
}

static const struct gc_meta_server *
find_server(const struct gc_meta_server *servers, size_t n, uint32_t number)
{
    for (size_t i = 0; i < n; i++) {
        if (servers[i].number == number) {
            return &servers[i];
        }
    }
    return NULL;
}

int
gc_place_blob(struct gc_translation_worker *worker, struct gc_arena *arena,
              const struct gc_blob_id *id, uint32_t n, struct gc_meta_server *servers,
              uint32_t *ret_n)
{
    struct gc_meta_server *all = gc_arena_alloc(arena, GC_PLACEMENT_SERVERS_MAX * sizeof(*all));
    struct gc_placement placement = { .epoch = id->epoch, .counter = id->counter };
    struct gc_placement_server *candidates;
    uint32_t numbers[GC_META_COPIES_MAX];
    size_t n_all, n_chosen;
    int rc = all == NULL ? GC_ELIMIT : list_servers(worker, arena, all, &n_all);
    if (rc != 0) {
        return rc;
    }
    candidates = gc_arena_alloc(arena, (n_all + 1) * sizeof(*candidates));
    if (candidates == NULL) {
        return GC_ELIMIT;
    }
    for (size_t i = 0; i < n_all; i++) {
        candidates[i].number = all[i].number;
        candidates[i].weight = all[i].weight;
        candidates[i].zone = all[i].zone;
        candidates[i].usable = is_usable(&all[i]);
    }
    placement.servers = candidates;
    placement.n_servers = n_all;
    rc = gc_placement_choose(&placement, GC_MIN(n, GC_META_COPIES_MAX), numbers, &n_chosen);
    if (rc != 0) {
        return rc;
    }
    for (size_t i = 0; i < n_chosen; i++) {
        servers[i] = *find_server(all, n_all, numbers[i]);
    }
    *ret_n = (uint32_t)n_chosen;
    return 0;
}
