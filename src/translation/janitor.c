/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "translation/janitor.h"

#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/log.h"
#include "translation/translation.h"

#define SERVERS_MAX 1024
#define ARENA_MAX   (1u << 20)

struct gc_janitor {
    struct gc_translation_worker *worker;
    struct gc_timer timer;
    struct gc_propose down, watermark, drop_rows;
    struct gc_lease_row down_row; /* what DOWN is about */
    uint64_t watermark_said;
    uint64_t due_ms; /* of the round to come */
    struct gc_gauge *buckets, *objects, *bytes, *gc_rows, *servers_up, *applied;
    bool closing;
};

static void
janitor_free_if_done(struct gc_janitor *janitor)
{
    if (janitor->closing && !janitor->down.active && !janitor->watermark.active &&
        !janitor->drop_rows.active) {
        free(janitor);
    }
}

static void
janitor_arm(struct gc_janitor *janitor, uint64_t in_ms)
{
    janitor->due_ms = gc_loop_now_ms(janitor->worker->loop) + in_ms;
    gc_timer_start(&janitor->timer, in_ms);
}

static void
on_down(struct gc_propose *propose)
{
    struct gc_janitor *janitor = gc_container_of(propose, struct gc_janitor, down);
    if (propose->rc != 0) {
        gc_log(GC_LOG_WARN, "janitor.server_down", "rc=%s", gc_err_name(propose->rc));
    } else {
        gc_roster_drop(&janitor->worker->translation->roster, janitor->down_row.number,
                       janitor->down_row.incarnation);
    }
    janitor_free_if_done(janitor);
}

static void
on_watermark(struct gc_propose *propose)
{
    struct gc_janitor *janitor = gc_container_of(propose, struct gc_janitor, watermark);
    struct gc_daemon *daemon = janitor->worker->translation->daemon;
    if (propose->rc != 0) {
        janitor->watermark_said = 0; /* nobody may have heard it: say it again */
    } else if (propose->result.err == GC_API_StaleEpoch) {
        /* Somebody else has taken over this node's name: nothing that we write can be committed. */
        gc_daemon_fail(daemon, "this node's writer epoch was fenced off");
    }
    janitor_free_if_done(janitor);
}

static void
on_rows_dropped(struct gc_propose *propose)
{
    janitor_free_if_done(gc_container_of(propose, struct gc_janitor, drop_rows));
}

/* Nobody will come for the rows of a store that another has replaced (rule 12); what it holds is
 * found by its inventory if it returns. */
static void
drop_rows_of(struct gc_janitor *janitor, const struct gc_meta_read *rd, uint32_t number)
{
    struct gc_meta_command cmd = { .op = GC_META_OP_GC_ACK };
    struct gc_meta_gc_row row;
    size_t n;
    if (janitor->drop_rows.active || gc_meta_list_gc(rd, number, 0, 1, &row, &n) != 0 || n == 0) {
        return;
    }
    cmd.u.gc_ack.server = number;
    cmd.u.gc_ack.upto = UINT64_MAX;
    (void)gc_propose_start(&janitor->drop_rows, janitor->worker, &cmd, on_rows_dropped);
}

static void
raise_watermark(struct gc_janitor *janitor)
{
    struct gc_writer *writer = &janitor->worker->translation->writer;
    struct gc_meta_command cmd = { .op = GC_META_OP_SET_WATERMARK };
    uint64_t watermark = gc_writer_watermark(writer);
    if (janitor->watermark.active || watermark == janitor->watermark_said) {
        return;
    }
    cmd.u.set_watermark.epoch = writer->epoch;
    cmd.u.set_watermark.counter = watermark;
    if (gc_propose_start(&janitor->watermark, janitor->worker, &cmd, on_watermark) == 0) {
        janitor->watermark_said = watermark;
    }
}

/* Declare the first server whose lease has run out; the others' turn comes with the next rounds. */
static void
declare_silent(struct gc_janitor *janitor, uint64_t now)
{
    struct gc_meta_command cmd = { .op = GC_META_OP_SERVER_DOWN };
    struct gc_lease_row row;
    if (janitor->down.active ||
        gc_roster_silent(&janitor->worker->translation->roster, now, &row, 1) == 0) {
        return;
    }
    gc_log(GC_LOG_WARN, "registry.down", "number=%u silent_ms=%llu", row.number,
           (unsigned long long)(now - row.heard_ms));
    janitor->down_row = row;
    cmd.u.server_down.number = row.number;
    cmd.u.server_down.incarnation = row.incarnation;
    (void)gc_propose_start(&janitor->down, janitor->worker, &cmd, on_down);
}

static int
check_state(struct gc_janitor *janitor, const struct gc_meta_read *rd)
{
    struct gc_meta_server *servers = gc_arena_alloc(rd->arena, SERVERS_MAX * sizeof(*servers));
    uint64_t now = gc_loop_now_ms(janitor->worker->loop);
    struct gc_meta_state state;
    int64_t n_up = 0;
    size_t n = 0;
    int rc = servers == NULL ? GC_ELIMIT : gc_meta_get_state(rd, &state);
    if (rc == 0) {
        rc = gc_meta_list_servers(rd, 0, SERVERS_MAX, servers, &n);
    }
    if (rc != 0) {
        return rc;
    }
    for (size_t i = 0; i < n; i++) {
        if (servers[i].state == GC_META_SERVER_UP) {
            n_up++;
            gc_roster_expect(&janitor->worker->translation->roster, servers[i].number,
                             servers[i].incarnation, now);
        } else if (servers[i].state == GC_META_SERVER_REPLACED) {
            drop_rows_of(janitor, rd, servers[i].number);
        }
    }
    gc_gauge_set(janitor->buckets, (int64_t)state.n_buckets);
    gc_gauge_set(janitor->objects, (int64_t)state.n_objects);
    gc_gauge_set(janitor->bytes, (int64_t)state.n_bytes);
    gc_gauge_set(janitor->gc_rows, (int64_t)state.n_gc_rows);
    gc_gauge_set(janitor->applied, (int64_t)state.applied_index);
    gc_gauge_set(janitor->servers_up, n_up);
    return 0;
}

static void
on_timer(struct gc_timer *timer)
{
    struct gc_janitor *janitor = gc_container_of(timer, struct gc_janitor, timer);
    struct gc_translation *translation = janitor->worker->translation;
    struct gc_meta_read rd = { .meta = &translation->meta };
    uint64_t now = gc_loop_now_ms(janitor->worker->loop);
    struct gc_consensus_status status;
    struct gc_arena arena;
    int rc;
    if (now > janitor->due_ms + translation->conf->lease_ms / 2) {
        /* The process stood still; heartbeats of that time may wait unread. */
        gc_log(GC_LOG_WARN, "janitor.late", "ms=%llu", (unsigned long long)(now - janitor->due_ms));
        gc_roster_forget(&translation->roster);
    }
    gc_arena_init(&arena, ARENA_MAX);
    rd.arena = &arena;
    rc = gc_consensus_begin_read(translation->consensus, &rd.txn);
    if (rc == 0) {
        rc = check_state(janitor, &rd);
        gc_kv_abort(rd.txn);
    }
    gc_arena_fini(&arena);
    if (rc != 0) {
        gc_log(GC_LOG_WARN, "janitor.state", "rc=%s", gc_err_name(rc));
    }
    gc_consensus_status(translation->consensus, &status);
    if (status.rc != 0) {
        gc_daemon_fail(translation->daemon, "log and state have stopped after a failure");
    }
    declare_silent(janitor, now);
    raise_watermark(janitor);
    gc_kv_reader_check(translation->kv);
    gc_kv_trim(translation->kv);
    janitor_arm(janitor, translation->conf->heartbeat_ms);
}

int
gc_janitor_open(struct gc_translation_worker *worker, struct gc_janitor **ret_janitor)
{
    struct gc_metrics *metrics = gc_daemon_metrics(worker->translation->daemon);
    struct gc_janitor *janitor = calloc(1, sizeof(*janitor));
    if (janitor == NULL) {
        return -ENOMEM;
    }
    janitor->worker = worker;
    janitor->watermark_said = 1;
    janitor->buckets = gc_metrics_gauge(metrics, "gc_buckets", NULL, "Buckets in the state");
    janitor->objects = gc_metrics_gauge(metrics, "gc_objects", NULL, "Objects in the state");
    janitor->bytes = gc_metrics_gauge(metrics, "gc_object_bytes", NULL, "Bytes of all objects");
    janitor->gc_rows = gc_metrics_gauge(metrics, "gc_garbage_rows", NULL,
                                        "Blobs that file servers have yet to remove");
    janitor->servers_up =
        gc_metrics_gauge(metrics, "gc_file_servers_up", NULL, "File servers that are up");
    janitor->applied =
        gc_metrics_gauge(metrics, "gc_applied_index", NULL, "Last applied log index");
    gc_timer_init(&janitor->timer, worker->loop, on_timer);
    janitor_arm(janitor, 0);
    *ret_janitor = janitor;
    return 0;
}

void
gc_janitor_close(struct gc_janitor *janitor)
{
    janitor->closing = true;
    gc_timer_stop(&janitor->timer);
    janitor_free_if_done(janitor);
}
