/* SPDX-License-Identifier: MIT */
/* The life of a session: open, read, flush, settle; its timers; drain and end.
 *
 * Ways to the end, all through the connection's on_close, which calls fini:
 *   nghttp2 wants nothing any more (drained, or it has sent GOAWAY for a fault)  -> close with rc
 *   a timer, a fault nghttp2 cannot answer, the owner                            -> gc_h2_fail
 *   the peer goes away                                                           -> the connection
 * fini closes what streams are left with what that means to them. */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "net/h2_priv.h"

#define DRAIN_WAIT_MS 1000 /* for the answer to the PING between the two GOAWAYs */

#define GLITCH_BURST        2000u
#define GLITCH_BURST_INSIDE 20000u
#define GLITCH_PER_S        200u

static const uint8_t drain_ping[8] = { 'd', 'r', 'a', 'i', 'n' };

/* --- opening -----------------------------------------------------------------------------------
 */

static int
option_new(const struct gc_h2 *h2, nghttp2_option **ret_option)
{
    nghttp2_option *option;

    if (nghttp2_option_new(&option) != 0) {
        return -ENOMEM;
    }
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_option_set_no_closed_streams(option, 1);
    nghttp2_option_set_max_reserved_remote_streams(option, 0);
    nghttp2_option_set_max_outbound_ack(option, 64);
    nghttp2_option_set_max_settings(option, 32);
    nghttp2_option_set_max_deflate_dynamic_table_size(option, 4096);
    for (unsigned type = NGHTTP2_CONTINUATION + 1; type <= UINT8_MAX; type++) {
        nghttp2_option_set_user_recv_extension_type(option, (uint8_t)type);
    }
    /* Callers inside reset for good reasons: deadlines, hedges, cancelled requests. */
    if (h2->conf->internal) {
        nghttp2_option_set_stream_reset_rate_limit(option, 20000, 2000);
    } else {
        nghttp2_option_set_stream_reset_rate_limit(option, 1000, 100);
    }
    *ret_option = option;
    return 0;
}

static int
session_new(struct gc_h2 *h2)
{
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_option *option = NULL;
    int rc;

    rc = gc_h2_callbacks_new(&callbacks);
    if (rc != 0) {
        return rc;
    }
    rc = option_new(h2, &option);
    if (rc != 0) {
        goto out;
    }
    if (h2->server) {
        rc = nghttp2_session_server_new2(&h2->ng, callbacks, h2, option);
    } else {
        rc = nghttp2_session_client_new2(&h2->ng, callbacks, h2, option);
    }
    rc = gc_h2_rc(rc);
out:
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    return rc;
}

static int
submit_settings(struct gc_h2 *h2)
{
    const struct gc_http_conf *conf = h2->conf;
    const nghttp2_settings_entry settings[] = {
        { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, conf->stream_window },
        { NGHTTP2_SETTINGS_MAX_FRAME_SIZE, H2_FRAME_BYTES_MAX },
        { NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, conf->header_bytes_max },
        { NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1 },
        /* The last one depends on the end: a client wants no push, a server limits requests. */
        { h2->server ? NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS : NGHTTP2_SETTINGS_ENABLE_PUSH,
          h2->server ? conf->streams_max : 0 },
    };
    int rc;

    rc = nghttp2_submit_settings(h2->ng, NGHTTP2_FLAG_NONE, settings, GC_ARRAY_LEN(settings));
    if (rc == 0) {
        rc = nghttp2_session_set_local_window_size(h2->ng, NGHTTP2_FLAG_NONE, 0,
                                                   (int32_t)conf->conn_window);
    }
    return gc_h2_rc(rc);
}

/* --- timers ------------------------------------------------------------------------------------
 */

static void
on_setup_timer(struct gc_timer *timer)
{
    struct gc_h2 *h2 = gc_container_of(timer, struct gc_h2, setup_timer);

    gc_http_count(h2->counts->timeout_setup);
    gc_h2_fail(h2, GC_EDEADLINE);
}

static void
on_head_timer(struct gc_timer *timer)
{
    struct gc_h2 *h2 = gc_container_of(timer, struct gc_h2, head_timer);

    gc_http_count(h2->counts->timeout_head);
    gc_h2_fail(h2, GC_EDEADLINE);
}

static void
on_idle_timer(struct gc_timer *timer)
{
    struct gc_h2 *h2 = gc_container_of(timer, struct gc_h2, idle_timer);

    gc_http_count(h2->counts->timeout_idle);
    gc_h2_drain(h2);
}

static void
on_drain_timer(struct gc_timer *timer)
{
    gc_h2_drain_answered(gc_container_of(timer, struct gc_h2, drain_timer));
}

static void
expire_streams(struct gc_h2 *h2)
{
    uint64_t now = gc_loop_now_ms(gc_conn_loop(h2->conn));
    struct gc_list *node;

    gc_list_foreach(node, &h2->streams) {
        struct h2_stream *s = gc_container_of(node, struct h2_stream, node);
        if (s->base.out.bytes > 0 && !s->base.reset &&
            now - s->base.progress_ms >= h2->conf->write_timeout_ms) {
            s->expired = true;
            gc_http_count(h2->counts->timeout_write);
            gc_http_reset(&s->base, GC_H2_CANCEL);
        }
    }
}

static bool
has_output(const struct gc_h2 *h2)
{
    struct gc_list *node;

    if (gc_conn_room(h2->conn) == 0 || nghttp2_session_want_write(h2->ng)) {
        return true;
    }
    gc_list_foreach(node, &h2->streams) {
        if (gc_container_of(node, struct h2_stream, node)->base.out.bytes > 0) {
            return true;
        }
    }
    return false;
}

/* Twice a timeout: has the peer taken anything since? When the socket moves but a stream does not
 * (its window is shut), only that stream ends. */
static void
on_write_timer(struct gc_timer *timer)
{
    struct gc_h2 *h2 = gc_container_of(timer, struct gc_h2, write_timer);
    uint64_t bytes_out = gc_conn_bytes_out(h2->conn);

    if (!has_output(h2)) {
        return;
    }
    h2->write_strikes = bytes_out == h2->bytes_out_seen ? h2->write_strikes + 1 : 0;
    h2->bytes_out_seen = bytes_out;
    if (h2->write_strikes > 2 && gc_conn_room(h2->conn) == 0) {
        gc_http_count(h2->counts->timeout_write);
        gc_h2_fail(h2, GC_EDEADLINE);
        return;
    }
    expire_streams(h2);
    gc_timer_start(&h2->write_timer, h2->conf->write_timeout_ms / 2 + 1);
}

void
gc_h2_watch_output(struct gc_h2 *h2)
{
    if (!gc_timer_active(&h2->write_timer) && !h2->closing && h2->conn != NULL) {
        h2->write_strikes = 0;
        h2->bytes_out_seen = gc_conn_bytes_out(h2->conn);
        gc_timer_start(&h2->write_timer, h2->conf->write_timeout_ms / 2 + 1);
    }
}

static void
timers_init(struct gc_h2 *h2)
{
    struct gc_loop *loop = gc_conn_loop(h2->conn);

    gc_timer_init(&h2->setup_timer, loop, on_setup_timer);
    gc_timer_init(&h2->head_timer, loop, on_head_timer);
    gc_timer_init(&h2->idle_timer, loop, on_idle_timer);
    gc_timer_init(&h2->write_timer, loop, on_write_timer);
    gc_timer_init(&h2->drain_timer, loop, on_drain_timer);
    gc_timer_start(&h2->setup_timer, h2->conf->handshake_timeout_ms);
    if (h2->server) {
        gc_timer_start(&h2->idle_timer, h2->conf->idle_timeout_ms);
    }
}

static void
timers_stop(struct gc_h2 *h2)
{
    gc_timer_stop(&h2->setup_timer);
    gc_timer_stop(&h2->head_timer);
    gc_timer_stop(&h2->idle_timer);
    gc_timer_stop(&h2->write_timer);
    gc_timer_stop(&h2->drain_timer);
}

/* --- running -----------------------------------------------------------------------------------
 */

int
gc_h2_open(struct gc_h2 *h2, struct gc_conn *conn)
{
    int rc;

    h2->conn = conn;
    gc_list_init(&h2->streams);
    gc_list_init(&h2->writable);
    h2->last_read_ms = gc_loop_now_ms(gc_conn_loop(conn));
    h2->glitches_ms = h2->last_read_ms;
    rc = session_new(h2);
    if (rc != 0) {
        return rc;
    }
    rc = submit_settings(h2);
    if (rc != 0) {
        nghttp2_session_del(h2->ng);
        h2->ng = NULL;
        return rc;
    }
    timers_init(h2);
    gc_h2_wake(h2);
    return 0;
}

void
gc_h2_wake(struct gc_h2 *h2)
{
    if (!h2->busy && !h2->closing && h2->conn != NULL && nghttp2_session_want_write(h2->ng)) {
        gc_conn_dirty(h2->conn);
    }
}

static void
close_when_over(struct gc_h2 *h2)
{
    if (h2->closing || nghttp2_session_want_read(h2->ng) || nghttp2_session_want_write(h2->ng)) {
        return;
    }
    h2->closing = true;
    timers_stop(h2);
    gc_conn_close(h2->conn, h2->rc);
}

/* What waited for nghttp2 to be off the stack. */
static void
settle(struct gc_h2 *h2)
{
    struct gc_list *node;

    while ((node = gc_list_pop(&h2->writable)) != NULL) {
        gc_http_stream_writable(&gc_container_of(node, struct h2_stream, writable)->base);
    }
    if (h2->role->on_settle != NULL) {
        h2->role->on_settle(h2);
    }
    gc_h2_wake(h2);
    close_when_over(h2);
}

void
gc_h2_read(struct gc_h2 *h2, const struct gc_slice *data)
{
    ssize_t n;

    if (h2->closing) {
        return;
    }
    h2->last_read_ms = gc_loop_now_ms(gc_conn_loop(h2->conn));
    h2->reading = data->owner;
    h2->busy = true;
    n = nghttp2_session_mem_recv(h2->ng, data->data, data->len);
    h2->busy = false;
    h2->reading = NULL;
    if (n < 0) {
        gc_h2_fail(h2, n == NGHTTP2_ERR_NOMEM ? -ENOMEM : GC_EPROTO);
        return;
    }
    settle(h2);
}

void
gc_h2_flush(struct gc_h2 *h2)
{
    const uint8_t *data;
    ssize_t n = 0;

    if (h2->closing) {
        return;
    }
    h2->busy = true;
    while (gc_conn_room(h2->conn) > 0) {
        n = nghttp2_session_mem_send(h2->ng, &data);
        if (n <= 0) {
            break;
        }
        gc_conn_write(h2->conn, data, (size_t)n);
    }
    h2->busy = false;
    if (n < 0) {
        gc_h2_fail(h2, n == NGHTTP2_ERR_NOMEM ? -ENOMEM : GC_EINTERNAL);
        return;
    }
    settle(h2);
    if (!h2->closing && gc_conn_room(h2->conn) == 0) {
        gc_h2_watch_output(h2);
    }
}

/* --- odd peers ---------------------------------------------------------------------------------
 */

static void
glitches_fade(struct gc_h2 *h2)
{
    uint64_t now = gc_loop_now_ms(gc_conn_loop(h2->conn));
    uint64_t faded = (now - h2->glitches_ms) * GLITCH_PER_S / 1000;

    if (faded > 0) {
        h2->glitches -= (unsigned)GC_MIN((uint64_t)h2->glitches, faded);
        h2->glitches_ms = now;
    }
}

void
gc_h2_glitch(struct gc_h2 *h2, unsigned cost)
{
    unsigned burst = h2->conf->internal ? GLITCH_BURST_INSIDE : GLITCH_BURST;

    glitches_fade(h2);
    h2->glitches += cost;
    if (h2->glitches > burst && h2->rc == 0) {
        h2->rc = GC_EPROTO;
        gc_http_count(h2->counts->flood);
        (void)nghttp2_session_terminate_session(h2->ng, NGHTTP2_ENHANCE_YOUR_CALM);
    }
}

/* Peers that measure bandwidth by PING, or credit each message, do so as often as they get or send
 * something of use. */
void
gc_h2_useful(struct gc_h2 *h2)
{
    if (h2->glitches > 0) {
        h2->glitches--;
    }
}

/* --- the end -----------------------------------------------------------------------------------
 */

void
gc_h2_drain(struct gc_h2 *h2)
{
    if (h2->draining || h2->closing) {
        return;
    }
    h2->draining = true;
    (void)nghttp2_submit_shutdown_notice(h2->ng);
    (void)nghttp2_submit_ping(h2->ng, NGHTTP2_FLAG_NONE, drain_ping);
    gc_timer_start(&h2->drain_timer, DRAIN_WAIT_MS);
    gc_h2_wake(h2);
}

/* All requests that the peer sent before it saw the first GOAWAY have been taken. */
void
gc_h2_drain_answered(struct gc_h2 *h2)
{
    gc_timer_stop(&h2->drain_timer);
    (void)nghttp2_submit_goaway(h2->ng, NGHTTP2_FLAG_NONE,
                                nghttp2_session_get_last_proc_stream_id(h2->ng), NGHTTP2_NO_ERROR,
                                NULL, 0);
    gc_h2_wake(h2);
}

void
gc_h2_fail(struct gc_h2 *h2, int rc)
{
    if (h2->conn == NULL) {
        return;
    }
    h2->closing = true;
    timers_stop(h2);
    gc_conn_abort(h2->conn, rc);
}

void
gc_h2_fini(struct gc_h2 *h2, int rc)
{
    struct gc_list *node;

    if (h2->ng == NULL) {
        return;
    }
    h2->closing = true;
    h2->conn = NULL;
    timers_stop(h2);
    while ((node = gc_list_pop(&h2->streams)) != NULL) {
        gc_h2_stream_free(gc_container_of(node, struct h2_stream, node), gc_http_stream_rc(rc), 0);
    }
    nghttp2_session_del(h2->ng);
    h2->ng = NULL;
}
