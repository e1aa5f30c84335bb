/* SPDX-License-Identifier: MIT */
/* One address of a channel.
 *
 * IDLE -> connect: CONNECTING -> SETTINGS received and the peer is who it should be: READY.
 * READY -> GOAWAY or ids used up: the connection goes on alone, IDLE.
 * READY -> connection lost: IDLE.
 * CONNECTING -> failed, or somebody else answers: TRANSIENT_FAILURE, backoff -> IDLE.
 * Whenever a subchannel becomes IDLE the channel decides whether to connect again. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/macros.h"
#include "rpc/channel_priv.h"

#define KEEPALIVE_ANSWER_MS_MAX 20000

/* --- a connection ------------------------------------------------------------------------------
 */

static const char *
identity_fault(const struct gc_rpc_channel_conf *conf, const struct gc_peer *peer)
{
    if (conf->expect_role == NULL && conf->expect_node == NULL) {
        return NULL;
    }
    if (!peer->tls || !peer->has_cert) {
        return "peer has no identity";
    }
    if (conf->expect_role != NULL && strcmp(peer->id.role, conf->expect_role) != 0) {
        return "peer has another role";
    }
    if (conf->expect_node != NULL && strcmp(peer->id.node, conf->expect_node) != 0) {
        return "peer is another node";
    }
    return NULL;
}

static void
set_error(struct gc_rpc_sub *sub, const char *text)
{
    char addr[GC_ADDR_TEXT_MAX];

    gc_addr_format(&sub->addr, addr);
    snprintf(sub->channel->error, sizeof(sub->channel->error), "%s: %s", addr, text);
}

/* While calls run, a silent peer is asked; one that does not answer is gone. */
static void
on_keepalive(struct gc_timer *timer)
{
    struct gc_rpc_conn *conn = gc_container_of(timer, struct gc_rpc_conn, keepalive);
    uint64_t keepalive_ms = conn->channel->conf.keepalive_ms;
    uint64_t now_ms = gc_loop_now_ms(conn->channel->loop);
    uint64_t read_ms = gc_http_client_last_read_ms(conn->http);

    if (conn->pinged && read_ms < conn->pinged_ms) {
        gc_log(GC_LOG_WARN, "rpc.keepalive", "peer=%s",
               gc_log_q(gc_str_of(gc_http_client_peer(conn->http)->addr)));
        conn->dead = true;
        gc_http_client_abort(conn->http);
        return;
    }
    conn->pinged = conn->n_calls > 0 && now_ms - read_ms >= keepalive_ms;
    if (conn->pinged) {
        conn->pinged_ms = now_ms;
        (void)gc_http_client_ping(conn->http);
    }
    gc_timer_start(timer,
                   conn->pinged ? GC_MIN(4 * keepalive_ms, KEEPALIVE_ANSWER_MS_MAX) : keepalive_ms);
}

static void
on_ready(struct gc_http_client *http, void *arg)
{
    struct gc_rpc_conn *conn = arg;
    struct gc_rpc_sub *sub = conn->sub;
    const char *fault = identity_fault(&conn->channel->conf, gc_http_client_peer(http));

    if (sub == NULL) {
        return; /* not wanted any more: shutting down */
    }
    if (fault != NULL) {
        conn->refused = true;
        set_error(sub, fault);
        gc_http_client_abort(http);
        return;
    }
    sub->state = GC_RPC_READY;
    gc_rpc_backoff_reset(&sub->backoff);
    gc_timer_start(&conn->keepalive, conn->channel->conf.keepalive_ms);
    gc_rpc_channel_pump(conn->channel);
}

static void
on_slots(struct gc_http_client *http, void *arg)
{
    struct gc_rpc_conn *conn = arg;

    (void)http;
    gc_rpc_channel_pump(conn->channel);
}

static void
on_drain(struct gc_http_client *http, void *arg)
{
    struct gc_rpc_conn *conn = arg;

    (void)http;
    if (conn->sub != NULL) {
        gc_rpc_sub_detach(conn->sub);
        gc_rpc_channel_settle(conn->channel);
    }
}

static void
attempt_failed(struct gc_rpc_sub *sub)
{
    struct gc_rpc_channel *channel = sub->channel;

    sub->state = GC_RPC_TRANSIENT_FAILURE;
    gc_timer_start(&sub->timer, gc_rpc_backoff_next(&sub->backoff, &channel->prng));
    gc_log(GC_LOG_INFO, "rpc.connect", "error=%s", gc_log_q(gc_str_of(channel->error)));
}

static void
on_close(struct gc_http_client *http, void *arg, int rc)
{
    struct gc_rpc_conn *conn = arg;
    struct gc_rpc_channel *channel = conn->channel;
    struct gc_rpc_sub *sub = conn->sub;

    (void)http;
    gc_timer_stop(&conn->keepalive);
    gc_list_remove(&conn->node);
    if (sub != NULL) {
        sub->conn = NULL;
        if (!conn->refused) {
            set_error(sub, gc_err_text(rc != 0 ? rc : GC_ECLOSED));
        }
        if (sub->state == GC_RPC_READY) {
            sub->state = GC_RPC_IDLE;
        } else {
            attempt_failed(sub);
        }
        gc_rpc_channel_settle(channel);
    }
    free(conn);
    gc_rpc_channel_unref(channel);
}

static const struct gc_http_client_ops http_ops = {
    .on_ready = on_ready,
    .on_slots = on_slots,
    .on_drain = on_drain,
    .on_close = on_close,
};

/* --- the address -------------------------------------------------------------------------------
 */

static void
on_backoff(struct gc_timer *timer)
{
    struct gc_rpc_sub *sub = gc_container_of(timer, struct gc_rpc_sub, timer);

    sub->state = GC_RPC_IDLE;
    gc_rpc_channel_settle(sub->channel);
}

/* The host of a target: "srv:_x._tcp.domain" names its domain. */
static void
name_target(struct gc_rpc_sub *sub, const char *target)
{
    struct gc_str text = gc_str_of(target), host;
    uint16_t port;

    if (gc_str_starts(text, "srv:")) {
        text = (struct gc_str){ text.data + 4, text.len - 4 };
    }
    if (gc_addr_split(text, &host, &port) != 0) {
        host = text;
    }
    (void)gc_str_copy(sub->name, sizeof(sub->name), host);
    (void)gc_str_copy(sub->authority, sizeof(sub->authority), text);
}

struct gc_rpc_sub *
gc_rpc_sub_new(struct gc_rpc_channel *channel, const struct gc_addr *addr, const char *target)
{
    struct gc_rpc_sub *sub = calloc(1, sizeof(*sub));

    if (sub == NULL) {
        return NULL;
    }
    sub->channel = channel;
    sub->addr = *addr;
    sub->state = GC_RPC_IDLE;
    gc_rpc_backoff_init(&sub->backoff, channel->conf.backoff_base_ms, channel->conf.backoff_max_ms);
    gc_timer_init(&sub->timer, channel->loop, on_backoff);
    name_target(sub, target);
    gc_list_push(&channel->subs, &sub->node);
    channel->n_subs++;
    return sub;
}

void
gc_rpc_sub_detach(struct gc_rpc_sub *sub)
{
    struct gc_rpc_conn *conn = sub->conn;

    if (conn != NULL) {
        sub->conn = NULL;
        sub->state = GC_RPC_IDLE;
        conn->sub = NULL;
        gc_http_client_shutdown(conn->http);
    }
}

void
gc_rpc_sub_free(struct gc_rpc_sub *sub)
{
    gc_rpc_sub_detach(sub);
    gc_timer_stop(&sub->timer);
    gc_list_remove(&sub->node);
    sub->channel->n_subs--;
    free(sub);
}

static int
start_conn(struct gc_rpc_sub *sub)
{
    struct gc_rpc_channel *channel = sub->channel;
    const struct gc_rpc_channel_conf *conf = &channel->conf;
    struct gc_http_dial dial = {
        .addr = sub->addr,
        .tls = conf->tls,
        .expect_name = conf->expect_name != NULL ? conf->expect_name : sub->name,
        .timeout_ms = conf->connect_timeout_ms,
    };
    struct gc_rpc_conn *conn = calloc(1, sizeof(*conn));
    int rc;

    if (conn == NULL) {
        return -ENOMEM;
    }
    conn->channel = channel;
    conn->sub = sub;
    gc_timer_init(&conn->keepalive, channel->loop, on_keepalive);
    rc = gc_http_client_start(channel->loop, &conf->http, &dial, &http_ops, conn, &conn->http);
    if (rc != 0) {
        free(conn);
        return rc;
    }
    sub->conn = conn;
    gc_list_push(&channel->conns, &conn->node);
    gc_rpc_channel_ref(channel);
    return 0;
}

void
gc_rpc_sub_connect(struct gc_rpc_sub *sub)
{
    int rc = start_conn(sub);

    if (rc != 0) {
        set_error(sub, gc_err_text(rc));
        attempt_failed(sub);
    } else {
        sub->state = GC_RPC_CONNECTING;
    }
}
