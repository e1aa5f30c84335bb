/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/macros.h"
#include "tests/support/conn_end.h"
#include "tests/support/rpc_bed.h"

#define UNARY RPC_BED_PATH("Unary")
#define HOLD  RPC_BED_PATH("Hold")

/* Reconnects at once, for tests. */
static const struct gc_rpc_channel_conf quick = { .backoff_base_ms = 10, .backoff_max_ms = 50 };

static struct rpc_bed bed;
static struct rpc_bed_server servers[3];
static char targets[128];

static void
open_servers(size_t n)
{
    char *at = targets;

    for (size_t i = 0; i < n; i++) {
        rpc_bed_server_open(&servers[i], bed.loop, 0, NULL, NULL);
        at += snprintf(at, 40, "127.0.0.1:%u ", servers[i].port);
    }
}

static int
setup(void **state)
{
    (void)state;
    rpc_bed_init_bare(&bed);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    if (bed.channel != NULL) {
        gc_rpc_channel_free(bed.channel);
        bed.channel = NULL;
    }
    for (size_t i = 0; i < GC_ARRAY_LEN(servers); i++) {
        rpc_bed_server_close(&servers[i]);
    }
    rpc_bed_fini(&bed);
    return 0;
}

/* The port of a server that has gone. */
static uint16_t
closed_port(void)
{
    struct rpc_bed_server server;
    uint16_t port;

    rpc_bed_server_open(&server, bed.loop, 0, NULL, NULL);
    port = server.port;
    rpc_bed_server_close(&server);
    rpc_bed_turns(&bed, 5);
    return port;
}

static struct rpc_made *
ask(const struct gc_rpc_call_conf *conf)
{
    struct rpc_made *made = rpc_bed_call(&bed, UNARY, conf);

    rpc_bed_ask(&bed, made, "x");
    return made;
}

static void
open_channel(enum gc_rpc_balance balance)
{
    struct gc_rpc_channel_conf conf = quick;

    conf.balance = balance;
    bed.channel = rpc_bed_channel(&bed, targets, &conf);
}

/* --- states ------------------------------------------------------------------------------------
 */

static void
a_channel_connects_on_demand_or_when_told(void **state)
{
    (void)state;
    open_servers(1);
    open_channel(GC_RPC_PICK_FIRST);
    rpc_bed_turns(&bed, 5);
    assert_int_equal(gc_rpc_channel_state(bed.channel), GC_RPC_IDLE);
    gc_rpc_channel_connect(bed.channel);
    assert_int_equal(gc_rpc_channel_state(bed.channel), GC_RPC_CONNECTING);
    rpc_bed_until(&bed, gc_rpc_channel_state(bed.channel) == GC_RPC_READY);
}

static void
bad_targets_are_refused(void **state)
{
    struct gc_rpc_channel_conf conf = { .targets = "" };
    struct gc_rpc_channel *channel;
    char many[17 * 16] = "";

    (void)state;
    assert_int_equal(gc_rpc_channel_new(bed.loop, &conf, &channel), GC_EPARSE);
    conf.targets = NULL;
    assert_int_equal(gc_rpc_channel_new(bed.loop, &conf, &channel), GC_EPARSE);
    for (int i = 0; i < 17; i++) {
        snprintf(many + strlen(many), 16, "127.0.0.1:%d ", i + 1);
    }
    conf.targets = many;
    assert_int_equal(gc_rpc_channel_new(bed.loop, &conf, &channel), GC_ELIMIT);
}

static void
without_a_server_a_call_fails_at_once(void **state)
{
    struct rpc_made *made;

    (void)state;
    snprintf(targets, sizeof(targets), "127.0.0.1:%u", closed_port());
    bed.channel = rpc_bed_channel(&bed, targets, NULL); /* backoff 1 s */
    made = rpc_bed_call(&bed, UNARY, NULL);
    rpc_bed_until(&bed, made->n_ends > 0);
    assert_made(made, GC_RPC_UNAVAILABLE, "");
    assert_non_null(strstr(made->status.message, "127.0.0.1:"));
    assert_int_equal(gc_rpc_channel_state(bed.channel), GC_RPC_TRANSIENT_FAILURE);
    made = rpc_bed_call(&bed, UNARY, NULL);
    rpc_bed_until(&bed, made->n_ends > 0);
    assert_made(made, GC_RPC_UNAVAILABLE, "");
}

static void
a_call_that_waits_for_ready_gets_the_server(void **state)
{
    const struct gc_rpc_call_conf conf = { .wait_for_ready = true };
    uint16_t port = closed_port();
    struct rpc_made *made;

    (void)state;
    snprintf(targets, sizeof(targets), "127.0.0.1:%u", port);
    open_channel(GC_RPC_PICK_FIRST);
    made = rpc_bed_call(&bed, UNARY, &conf);
    rpc_made_send(made, "late");
    assert_int_equal(gc_rpc_half_close(made->call), 0);
    rpc_bed_until(&bed, gc_rpc_channel_state(bed.channel) == GC_RPC_TRANSIENT_FAILURE);
    assert_int_equal(made->n_ends, 0);
    rpc_bed_server_open(&servers[0], bed.loop, port, NULL, NULL);
    rpc_bed_until(&bed, made->n_ends > 0);
    assert_made(made, GC_RPC_OK, "late");
}

static void
a_waiting_call_ends_at_its_deadline(void **state)
{
    const struct gc_rpc_call_conf conf = { .wait_for_ready = true, .deadline_ms = 150 };
    struct rpc_made *made;

    (void)state;
    snprintf(targets, sizeof(targets), "127.0.0.1:%u", closed_port());
    open_channel(GC_RPC_PICK_FIRST);
    made = rpc_bed_call(&bed, UNARY, &conf);
    rpc_bed_until(&bed, made->n_ends > 0);
    assert_made(made, GC_RPC_DEADLINE_EXCEEDED, "");
}

static void
waiting_calls_have_a_limit(void **state)
{
    const struct gc_rpc_channel_conf conf = { .queue_max = 2 };
    const struct gc_rpc_call_conf call_conf = { .path = UNARY };
    static const struct gc_rpc_handler none = { 0 };
    struct gc_rpc_call *call;

    (void)state;
    open_servers(1);
    bed.channel = rpc_bed_channel(&bed, targets, &conf);
    rpc_bed_call(&bed, HOLD, NULL);
    rpc_bed_call(&bed, HOLD, NULL);
    assert_int_equal(gc_rpc_call_start(bed.channel, &call_conf, &none, NULL, &call), GC_ELIMIT);
    rpc_bed_until(&bed, servers[0].echo.n_served == 2);
    ask(NULL);
}

static void
calls_beyond_the_slots_wait_their_turn(void **state)
{
    struct rpc_made *held[256], *made;

    (void)state;
    open_servers(1);
    open_channel(GC_RPC_PICK_FIRST);
    for (size_t i = 0; i < GC_ARRAY_LEN(held); i++) {
        held[i] = rpc_bed_call(&bed, HOLD, NULL);
    }
    rpc_bed_until(&bed, servers[0].echo.n_served == 256);
    made = rpc_bed_call(&bed, UNARY, NULL);
    rpc_made_send(made, "queued");
    assert_int_equal(gc_rpc_half_close(made->call), 0);
    rpc_bed_turns(&bed, 10);
    assert_int_equal(made->n_ends, 0);
    gc_rpc_cancel(held[7]->call);
    rpc_bed_until(&bed, made->n_ends > 0);
    assert_made(made, GC_RPC_OK, "queued");
}

/* --- losses ------------------------------------------------------------------------------------
 */

static void
a_channel_reconnects_after_a_restart(void **state)
{
    uint16_t port;

    (void)state;
    open_servers(1);
    port = servers[0].port;
    open_channel(GC_RPC_PICK_FIRST);
    assert_made(ask(NULL), GC_RPC_OK, "x");
    for (int i = 0; i < 3; i++) {
        rpc_bed_server_close(&servers[0]);
        rpc_bed_until(&bed, gc_rpc_channel_state(bed.channel) != GC_RPC_READY);
        rpc_bed_server_open(&servers[0], bed.loop, port, NULL, NULL);
        assert_made(ask(&(struct gc_rpc_call_conf){ .wait_for_ready = true }), GC_RPC_OK, "x");
    }
}

static void
pick_first_moves_on_when_its_server_goes(void **state)
{
    (void)state;
    open_servers(2);
    open_channel(GC_RPC_PICK_FIRST);
    for (int i = 0; i < 3; i++) {
        assert_made(ask(NULL), GC_RPC_OK, "x");
    }
    assert_int_equal(servers[0].echo.n_served, 3);
    rpc_bed_server_close(&servers[0]);
    rpc_bed_until(&bed, gc_rpc_channel_state(bed.channel) != GC_RPC_READY);
    assert_made(ask(NULL), GC_RPC_OK, "x");
    assert_int_equal(servers[1].echo.n_served, 1);
}

static void
on_drained(void *arg)
{
    (*(unsigned *)arg)++;
}

static void
a_draining_server_keeps_its_calls_and_gets_no_new_ones(void **state)
{
    struct rpc_made *running;
    unsigned n_drained = 0;

    (void)state;
    open_servers(2);
    open_channel(GC_RPC_PICK_FIRST);
    running = rpc_bed_call(&bed, RPC_BED_PATH("Chat"), NULL);
    rpc_made_send(running, "a");
    rpc_bed_until(&bed, running->n_messages == 1);
    gc_http_server_drain(servers[0].http, 60000, on_drained, &n_drained);
    /* Calls in the moment of the GOAWAY are tried again elsewhere. */
    for (int i = 0; i < 20; i++) {
        assert_made(ask(NULL), GC_RPC_OK, "x");
    }
    assert_true(servers[1].echo.n_served > 0);
    assert_int_equal(n_drained, 0);
    rpc_bed_ask(&bed, running, "b");
    assert_made(running, GC_RPC_OK, "ab");
    rpc_bed_until(&bed, n_drained == 1);
}

/* Every request is refused as if no handler had seen it, N times; then it is served. */
struct refuser {
    struct rpc_bed_server *server;
    unsigned n_left, n_seen;
};

static void
refuse_some(void *arg, struct gc_http_stream *s, const struct gc_http_head *head)
{
    struct refuser *refuser = arg;

    refuser->n_seen++;
    if (refuser->n_left > 0) {
        refuser->n_left--;
        gc_http_reset(s, GC_H2_REFUSED_STREAM);
    } else {
        gc_rpc_server_on_request(refuser->server->rpc, s, head);
    }
}

static struct rpc_made *
ask_refuser(unsigned n_refusals, size_t len, unsigned *ret_n_seen)
{
    struct refuser refuser = { &servers[0], n_refusals, 0 };
    struct gc_bytes *msg = gc_bytes_new(len);
    struct gc_http_server *http;
    struct gc_addr addr;
    struct rpc_made *made;
    uint16_t port;

    memset(msg->data, 'r', len);
    rpc_bed_server_open(&servers[0], bed.loop, 0, NULL, NULL);
    assert_int_equal(gc_http_server_new(bed.loop, NULL, refuse_some, &refuser, &http), 0);
    assert_int_equal(gc_addr_parse(GC_STR("127.0.0.1:0"), &addr), 0);
    assert_int_equal(gc_http_server_listen(http, &addr, -1, NULL, &port), 0);
    snprintf(targets, sizeof(targets), "127.0.0.1:%u", port);
    open_channel(GC_RPC_PICK_FIRST);
    made = rpc_bed_call(&bed, UNARY, NULL);
    assert_int_equal(gc_rpc_send(made->call, msg), 0);
    assert_int_equal(gc_rpc_half_close(made->call), 0);
    rpc_bed_until(&bed, made->n_ends > 0);
    gc_http_server_free(http);
    gc_bytes_unref(msg);
    *ret_n_seen = refuser.n_seen;
    return made;
}

static void
a_refused_call_is_tried_once_more(void **state)
{
    struct rpc_made *made;
    unsigned n_seen;

    (void)state;
    made = ask_refuser(1, 100000, &n_seen);
    assert_int_equal(made->status.code, GC_RPC_OK);
    assert_int_equal(made->n_bytes, 100000);
    assert_int_equal(n_seen, 2);
}

static void
a_call_refused_twice_is_unavailable(void **state)
{
    struct rpc_made *made;
    unsigned n_seen;

    (void)state;
    made = ask_refuser(2, 10, &n_seen);
    assert_int_equal(made->status.code, GC_RPC_UNAVAILABLE);
    assert_int_equal(n_seen, 2);
}

static void
a_call_too_large_to_keep_is_not_tried_again(void **state)
{
    struct rpc_made *made;
    unsigned n_seen;

    (void)state;
    made = ask_refuser(1, 300 * 1024, &n_seen);
    assert_int_equal(made->status.code, GC_RPC_UNAVAILABLE);
    assert_int_equal(n_seen, 1);
}

static void
keepalive_does_not_hurt_a_peer_that_answers(void **state)
{
    struct gc_rpc_channel_conf conf = quick;
    struct rpc_made *made;
    uint64_t end;

    (void)state;
    open_servers(1);
    conf.keepalive_ms = 50;
    bed.channel = rpc_bed_channel(&bed, targets, &conf);
    made = rpc_bed_call(&bed, HOLD, NULL);
    rpc_bed_until(&bed, servers[0].echo.n_served == 1);
    end = gc_clock_mono_ms() + 800;
    rpc_bed_until(&bed, gc_clock_mono_ms() >= end);
    assert_int_equal(made->n_ends, 0);
    gc_rpc_cancel(made->call);
}

static bool
accept_mute(void *arg, struct gc_conn *conn, const struct gc_conn_ops **ret_ops, void **ret_arg)
{
    struct gc_end *end = arg;

    end->conn = conn;
    *ret_ops = &gc_end_ops_no_eof;
    *ret_arg = end;
    return true;
}

static void
send_settings(struct gc_end *end)
{
    static const char empty_settings[] = { 0, 0, 0, 4, 0, 0, 0, 0, 0 };

    assert_int_equal(gc_buf_append(&end->tx, empty_settings, sizeof(empty_settings)), 0);
    gc_conn_dirty(end->conn);
}

static void
a_peer_that_falls_silent_is_given_up(void **state)
{
    struct gc_rpc_channel_conf conf = quick;
    struct gc_end mute;
    struct gc_listen_conf listen_conf = { .fd = -1,
                                          .conns_max = 10,
                                          .handshake_timeout_ms = 30000,
                                          .on_accept = accept_mute,
                                          .arg = &mute };
    struct gc_listener *listener;
    struct rpc_made *made;

    (void)state;
    gc_end_init(&mute);
    mute.then_open = send_settings;
    assert_int_equal(gc_addr_parse(GC_STR("127.0.0.1:0"), &listen_conf.addr), 0);
    assert_int_equal(gc_listen_open(bed.loop, &listen_conf, &listener), 0);
    snprintf(targets, sizeof(targets), "127.0.0.1:%u", gc_listen_port(listener));
    conf.keepalive_ms = 100;
    bed.channel = rpc_bed_channel(&bed, targets, &conf);
    made = rpc_bed_call(&bed, HOLD, NULL);
    rpc_bed_until(&bed, made->n_ends > 0);
    assert_made(made, GC_RPC_UNAVAILABLE, "");
    rpc_bed_until(&bed, mute.n_closed > 0);
    gc_listen_close(listener);
    gc_rpc_channel_free(bed.channel);
    bed.channel = NULL;
    gc_end_fini(&mute);
}

/* --- several addresses -------------------------------------------------------------------------
 */

static void
round_robin_uses_all_servers_alike(void **state)
{
    (void)state;
    open_servers(3);
    open_channel(GC_RPC_ROUND_ROBIN);
    gc_rpc_channel_connect(bed.channel);
    ask(NULL);
    rpc_bed_until(&bed, gc_http_server_n_conns(servers[0].http) +
                                gc_http_server_n_conns(servers[1].http) +
                                gc_http_server_n_conns(servers[2].http) ==
                            3);
    rpc_bed_turns(&bed, 20);
    for (int i = 0; i < 30; i++) {
        assert_made(ask(NULL), GC_RPC_OK, "x");
    }
    for (size_t i = 0; i < 3; i++) {
        assert_in_range(servers[i].echo.n_served, 8, 13);
    }
}

static void
pick2_prefers_the_idle_server(void **state)
{
    struct rpc_made *held[40];

    (void)state;
    open_servers(2);
    open_channel(GC_RPC_PICK2);
    ask(NULL);
    rpc_bed_until(&bed, gc_http_server_n_conns(servers[0].http) == 1 &&
                            gc_http_server_n_conns(servers[1].http) == 1);
    rpc_bed_turns(&bed, 20);
    for (size_t i = 0; i < GC_ARRAY_LEN(held); i++) {
        held[i] = rpc_bed_call(&bed, HOLD, NULL);
    }
    rpc_bed_until(&bed, servers[0].echo.n_served + servers[1].echo.n_served == 41);
    assert_in_range(servers[0].echo.n_served, 19, 22);
    assert_in_range(servers[1].echo.n_served, 19, 22);
}

static void
a_dead_address_among_several_does_no_harm(void **state)
{
    uint16_t port = closed_port();

    (void)state;
    open_servers(2);
    snprintf(targets + strlen(targets), 40, "127.0.0.1:%u", port);
    open_channel(GC_RPC_ROUND_ROBIN);
    for (int i = 0; i < 10; i++) {
        assert_made(ask(NULL), GC_RPC_OK, "x");
    }
}

static void
new_targets_replace_the_old(void **state)
{
    struct rpc_made *running;
    char target[32];

    (void)state;
    open_servers(2);
    snprintf(target, sizeof(target), "127.0.0.1:%u", servers[0].port);
    bed.channel = rpc_bed_channel(&bed, target, &quick);
    running = rpc_bed_call(&bed, RPC_BED_PATH("Chat"), NULL);
    rpc_made_send(running, "a");
    rpc_bed_until(&bed, running->n_messages == 1);
    snprintf(target, sizeof(target), "127.0.0.1:%u", servers[1].port);
    assert_int_equal(gc_rpc_channel_set_targets(bed.channel, target), 0);
    assert_made(ask(NULL), GC_RPC_OK, "x");
    assert_int_equal(servers[0].echo.n_served, 1);
    assert_int_equal(servers[1].echo.n_served, 1);
    rpc_bed_ask(&bed, running, "b"); /* goes on where it was */
    assert_made(running, GC_RPC_OK, "ab");
    rpc_bed_until(&bed, gc_http_server_n_conns(servers[0].http) == 0);
}

/* --- names -------------------------------------------------------------------------------------
 */

static void
a_name_is_looked_up(void **state)
{
    char target[64];

    (void)state;
    open_servers(1);
    snprintf(target, sizeof(target), "localhost:%u", servers[0].port);
    bed.channel = rpc_bed_channel(&bed, target, &quick);
    assert_int_equal(gc_rpc_channel_state(bed.channel), GC_RPC_CONNECTING);
    assert_made(ask(NULL), GC_RPC_OK, "x");
}

static void
an_unknown_name_is_unavailable(void **state)
{
    struct rpc_made *made;

    (void)state;
    bed.channel = rpc_bed_channel(&bed, "no-such-host.invalid:1", &quick);
    made = rpc_bed_call(&bed, UNARY, NULL);
    rpc_bed_until(&bed, made->n_ends > 0);
    assert_made(made, GC_RPC_UNAVAILABLE, "");
    assert_non_null(strstr(made->status.message, "no-such-host.invalid"));
}

static void
targets_may_change_during_a_look_up(void **state)
{
    struct rpc_made *made;

    (void)state;
    open_servers(1);
    bed.channel = rpc_bed_channel(&bed, "no-such-host.invalid:1", &quick);
    made = rpc_bed_call(&bed, UNARY, NULL);
    rpc_made_send(made, "x");
    assert_int_equal(gc_rpc_half_close(made->call), 0);
    assert_int_equal(gc_rpc_channel_set_targets(bed.channel, targets), 0);
    rpc_bed_until(&bed, made->n_ends > 0);
    assert_made(made, GC_RPC_OK, "x");
}

static void
a_channel_may_go_during_a_look_up(void **state)
{
    struct rpc_made *made;

    (void)state;
    bed.channel = rpc_bed_channel(&bed, "localhost:1", &quick);
    made = rpc_bed_call(&bed, UNARY, NULL);
    gc_rpc_channel_free(bed.channel);
    bed.channel = NULL;
    rpc_bed_until(&bed, made->n_ends > 0);
    assert_made(made, GC_RPC_CANCELLED, "");
}

/* --- the rest ----------------------------------------------------------------------------------
 */

static void
calls_of_a_client_are_counted(void **state)
{
    struct gc_rpc_channel_conf conf = quick;
    struct gc_metrics *metrics = gc_metrics_new();
    struct gc_buf text;

    (void)state;
    open_servers(1);
    conf.http.metrics = metrics;
    bed.channel = rpc_bed_channel(&bed, targets, &conf);
    assert_made(ask(NULL), GC_RPC_OK, "x");
    assert_made(ask(NULL), GC_RPC_OK, "x");
    gc_buf_init(&text, 1024 * 1024);
    assert_int_equal(gc_metrics_render(metrics, &text), 0);
    assert_non_null(strstr(gc_buf_cstr(&text),
                           "gc_rpc_client_calls_total{service=\"gcommon.test.Echo\","
                           "method=\"Unary\",code=\"OK\"} 2"));
    gc_buf_fini(&text);
    gc_rpc_channel_free(bed.channel);
    bed.channel = NULL;
    rpc_bed_until(&bed, gc_http_server_n_conns(servers[0].http) == 0);
    gc_metrics_free(metrics);
}

static void
new_tls_drains_old_connections(void **state)
{
    (void)state;
    open_servers(1);
    open_channel(GC_RPC_PICK_FIRST);
    assert_made(ask(NULL), GC_RPC_OK, "x");
    gc_rpc_channel_set_tls(bed.channel, NULL);
    assert_int_equal(gc_rpc_channel_state(bed.channel), GC_RPC_IDLE);
    assert_made(ask(NULL), GC_RPC_OK, "x");
    rpc_bed_until(&bed, gc_http_server_n_conns(servers[0].http) == 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_channel_connects_on_demand_or_when_told),
        TEST(bad_targets_are_refused),
        TEST(without_a_server_a_call_fails_at_once),
        TEST(a_call_that_waits_for_ready_gets_the_server),
        TEST(a_waiting_call_ends_at_its_deadline),
        TEST(waiting_calls_have_a_limit),
        TEST(calls_beyond_the_slots_wait_their_turn),
        TEST(a_channel_reconnects_after_a_restart),
        TEST(pick_first_moves_on_when_its_server_goes),
        TEST(a_draining_server_keeps_its_calls_and_gets_no_new_ones),
        TEST(a_refused_call_is_tried_once_more),
        TEST(a_call_refused_twice_is_unavailable),
        TEST(a_call_too_large_to_keep_is_not_tried_again),
        TEST(keepalive_does_not_hurt_a_peer_that_answers),
        TEST(a_peer_that_falls_silent_is_given_up),
        TEST(round_robin_uses_all_servers_alike),
        TEST(pick2_prefers_the_idle_server),
        TEST(a_dead_address_among_several_does_no_harm),
        TEST(new_targets_replace_the_old),
        TEST(a_name_is_looked_up),
        TEST(an_unknown_name_is_unavailable),
        TEST(targets_may_change_during_a_look_up),
        TEST(a_channel_may_go_during_a_look_up),
        TEST(calls_of_a_client_are_counted),
        TEST(new_tls_drains_old_connections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
