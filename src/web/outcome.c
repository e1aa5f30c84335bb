/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pause -> ask -> known: done; not known: pause again; nobody answers: done. */
#include "web/outcome.h"

#include <assert.h>

#include "proto/gcommon/v1/gateway/gateway.pb-c.h"
#include "rpc/pb.h"
#include "web/web.h"

#define PAUSE_MIN_MS 20
#define PAUSE_MAX_MS 500

static uint64_t
now_ms(const struct gc_outcome *outcome)
{
    return gc_loop_now_ms(outcome->worker->loop);
}

static void
outcome_finish(struct gc_outcome *outcome, enum gc_api_err err)
{
    gc_timer_stop(&outcome->timer);
    outcome->active = false;
    outcome->done(outcome, err); /* the last word: OUTCOME may be gone */
}

static void
outcome_pause(struct gc_outcome *outcome)
{
    outcome->pause_ms =
        GC_MIN(GC_MAX(outcome->pause_ms * 2, (uint64_t)PAUSE_MIN_MS), (uint64_t)PAUSE_MAX_MS);
    gc_timer_start(&outcome->timer, outcome->pause_ms);
}

static void
on_answer(struct gc_upstream *up, enum gc_api_err err, struct gc_bytes *response)
{
    struct gc_outcome *outcome = gc_container_of(up, struct gc_outcome, up);
    const Gcommon__V1__Gateway__OutcomeResponse *decoded = NULL;
    struct gc_arena arena;
    gc_arena_init(&arena, 64 * 1024);
    if (err == GC_API_OK && !outcome->cancelled) {
        decoded = gc_pb_unpack(&gcommon__v1__gateway__outcome_response__descriptor, &arena,
                               response->data, response->len);
    }
    if (decoded == NULL) {
        outcome_finish(outcome, GC_API_ServiceUnavailable);
    } else if (!decoded->known) {
        outcome_pause(outcome);
    } else if (decoded->api_error == GC_API_OK) {
        outcome_finish(outcome, GC_API_OK);
    } else {
        outcome_finish(outcome, gc_api_err_info((enum gc_api_err)decoded->api_error)->err);
    }
    gc_arena_fini(&arena);
}

static void
on_timer(struct gc_timer *timer)
{
    struct gc_outcome *outcome = gc_container_of(timer, struct gc_outcome, timer);
    Gcommon__V1__Gateway__OutcomeRequest message = GCOMMON__V1__GATEWAY__OUTCOME_REQUEST__INIT;
    uint64_t now = now_ms(outcome);
    if (outcome->cancelled || now >= outcome->deadline_at_ms) {
        outcome_finish(outcome, GC_API_ServiceUnavailable);
        return;
    }
    message.request_id.data = (uint8_t *)outcome->request_id;
    message.request_id.len = GC_WEB_REQUEST_ID_BYTES;
    gc_counter_inc(outcome->worker->metrics.outcomes);
    gc_upstream_start(&outcome->up, GC_UPSTREAM_OUTCOME_PATH, gc_pb_pack(&message.base),
                      outcome->deadline_at_ms - now, on_answer);
}

void
gc_outcome_init(struct gc_outcome *outcome, struct gc_web_worker *worker,
                const struct gc_trace *trace)
{
    gc_upstream_init(&outcome->up, worker, trace);
    gc_timer_init(&outcome->timer, worker->loop, on_timer);
    outcome->worker = worker;
    outcome->active = false;
    outcome->cancelled = false;
}

void
gc_outcome_start(struct gc_outcome *outcome, const uint8_t *request_id, uint64_t deadline_ms,
                 void (*done)(struct gc_outcome *outcome, enum gc_api_err err))
{
    assert(!outcome->active);
    outcome->active = true;
    outcome->cancelled = false;
    outcome->request_id = request_id;
    outcome->deadline_at_ms = now_ms(outcome) + deadline_ms;
    outcome->pause_ms = 0;
    outcome->done = done;
    outcome_pause(outcome);
}

void
gc_outcome_cancel(struct gc_outcome *outcome)
{
    if (!outcome->active || outcome->cancelled) {
        return;
    }
    outcome->cancelled = true;
    if (outcome->up.active) {
        gc_upstream_cancel(&outcome->up);
    } else {
        gc_timer_start(&outcome->timer, 0);
    }
}
