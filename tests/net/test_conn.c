/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cleartext connections: both ends in one process, one loop. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/macros.h"
#include "tests/support/conn_end.h"
#include "tests/support/until.h"

struct fixture {
    struct gc_loop *loop;
    struct gc_end_server server;
    struct gc_end accepted[2];
    struct gc_end c; /* dialled */
};

static int
set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    *state = f;
    gc_end_init(&f->accepted[0]);
    gc_end_init(&f->accepted[1]);
    gc_end_init(&f->c);
    f->server.ends = f->accepted;
    f->server.n_ends = 2;
    return gc_loop_new(&f->loop);
}

/* Whoever still has a connection cuts it; then nothing may be left. */
static int
tear_down(void **state)
{
    struct fixture *f = *state;
    struct gc_end *ends[] = { &f->accepted[0], &f->accepted[1], &f->c };

    for (size_t i = 0; i < GC_ARRAY_LEN(ends); i++) {
        if (ends[i]->conn != NULL) {
            gc_conn_abort(ends[i]->conn, GC_ECANCELED);
        }
    }
    if (f->server.listener != NULL) {
        gc_listen_close(f->server.listener);
    }
    gc_loop_free(f->loop);
    for (size_t i = 0; i < GC_ARRAY_LEN(ends); i++) {
        assert_true(ends[i]->n_opened <= 1);
        assert_true(ends[i]->n_closed <= 1);
        assert_null(ends[i]->conn);
        gc_end_fini(ends[i]);
    }
    free(f);
    return 0;
}

static void
listen_and_dial(struct fixture *f)
{
    const struct gc_listen_conf conf = { 0 };

    assert_int_equal(gc_end_listen(&f->server, f->loop, &conf), 0);
    assert_int_equal(gc_end_dial(&f->c, f->loop, &f->server, NULL, NULL), 0);
}

static void
both_open(struct fixture *f)
{
    listen_and_dial(f);
    gc_until(f->loop, f->accepted[0].n_opened == 1 && f->c.n_opened == 1);
}

static void
text_goes_both_ways_and_each_end_knows_the_other(void **state)
{
    struct fixture *f = *state;
    char addr[GC_ADDR_TEXT_MAX];

    both_open(f);
    gc_end_send(&f->c, "hello");
    gc_end_send(&f->c, " server");
    gc_end_send(&f->accepted[0], "hello client");
    gc_until(f->loop,
             gc_end_got(&f->accepted[0], "hello server") && gc_end_got(&f->c, "hello client"));
    snprintf(addr, sizeof(addr), "127.0.0.1:%u", gc_listen_port(f->server.listener));
    assert_string_equal(f->c.peer.addr, addr);
    assert_memory_equal(f->accepted[0].peer.addr, "127.0.0.1:", 10);
    assert_false(f->accepted[0].peer.tls);
    assert_false(f->accepted[0].h2);
    assert_int_equal(gc_conn_bytes_in(f->accepted[0].conn), 12);
    assert_int_equal(gc_conn_bytes_out(f->accepted[0].conn), 12);
}

static void
nothing_is_sent_before_the_connection_is_open_nor_lost(void **state)
{
    struct fixture *f = *state;

    listen_and_dial(f);
    gc_end_send(&f->c, "early");
    gc_until(f->loop, gc_end_got(&f->accepted[0], "early"));
}

static void
megabytes_arrive_whole_in_both_directions_at_once(void **state)
{
    struct fixture *f = *state;
    const uint64_t n = 20 * 1024 * 1024;

    f->accepted[0].take_pattern = f->c.take_pattern = true;
    f->c.piece = 64 * 1024;
    both_open(f);
    gc_end_send_pattern(&f->c, n);
    gc_end_send_pattern(&f->accepted[0], n);
    gc_until(f->loop, f->accepted[0].n_read == n && f->c.n_read == n);
    assert_false(f->accepted[0].pattern_broken);
    assert_false(f->c.pattern_broken);
    assert_int_equal(gc_conn_bytes_out(f->c.conn), n);
    assert_int_equal(gc_conn_bytes_in(f->accepted[0].conn), n);
}

static void
a_reader_that_stops_stops_the_writer(void **state)
{
    struct fixture *f = *state;
    const uint64_t n = 64 * 1024 * 1024;

    f->accepted[0].take_pattern = true;
    both_open(f);
    gc_conn_read_pause(f->accepted[0].conn, true);
    gc_end_send_pattern(&f->c, n);
    /* Until both kernels' buffers are full and the writer has been told to wait. */
    uint64_t before = UINT64_MAX;
    while (before != f->c.n_written) {
        before = f->c.n_written;
        for (int i = 0; i < 20; i++) {
            gc_loop_turn(f->loop, 10);
        }
    }
    assert_true(f->c.n_written < n / 2);
    assert_int_equal(f->accepted[0].n_read, 0);
    assert_int_equal(gc_conn_room(f->c.conn), 0);
    assert_true(f->c.n_written - gc_conn_bytes_out(f->c.conn) <= GC_CONN_OUT_MAX + 10000);
    gc_conn_read_pause(f->accepted[0].conn, false);
    gc_until(f->loop, f->accepted[0].n_read == n);
    assert_false(f->accepted[0].pattern_broken);
}

static void
a_kept_slice_is_not_overwritten(void **state)
{
    struct fixture *f = *state;

    f->accepted[0].keep = 2;
    both_open(f);
    gc_end_send(&f->c, "first");
    gc_until(f->loop, f->accepted[0].n_read == 5);
    gc_end_send(&f->c, "SECOND");
    gc_until(f->loop, f->accepted[0].n_read == 11);
    gc_end_send(&f->c, "third");
    gc_until(f->loop, f->accepted[0].n_read == 16);
    assert_memory_equal(f->accepted[0].kept[0]->data, "first", 5);
    assert_memory_equal(f->accepted[0].kept[1]->data, "SECOND", 6);
}

/* --- closing --- */

static void
close_sends_what_is_queued_first(void **state)
{
    struct fixture *f = *state;
    const uint64_t n = 5 * 1024 * 1024;

    f->accepted[0].take_pattern = true;
    both_open(f);
    f->c.close_after_tx = true;
    gc_end_send_pattern(&f->c, n);
    gc_until(f->loop, f->accepted[0].n_eof == 1);
    assert_int_equal(f->accepted[0].n_read, n);
    assert_false(f->accepted[0].pattern_broken);
    assert_int_equal(f->c.n_closed, 0); /* waits for the peer's end */
    gc_conn_close(f->accepted[0].conn, 0);
    gc_until(f->loop, f->accepted[0].n_closed == 1 && f->c.n_closed == 1);
    assert_int_equal(f->accepted[0].rc, 0);
    assert_int_equal(f->c.rc, 0);
}

static void
close_in_read(struct gc_end *end)
{
    gc_conn_close(end->conn, GC_EPROTO);
    gc_conn_close(end->conn, GC_EDENIED); /* the first word counts */
    assert_int_equal(end->n_closed, 0);
}

static void
close_inside_read_reads_no_more_and_comes_later(void **state)
{
    struct fixture *f = *state;

    f->accepted[0].then_read = close_in_read;
    both_open(f);
    gc_end_send_pattern(&f->c, 1024 * 1024);
    gc_until(f->loop, f->c.n_eof == 1);
    assert_int_equal(f->accepted[0].n_slices, 1);
    gc_conn_close(f->c.conn, 0);
    gc_until(f->loop, f->accepted[0].n_closed == 1 && f->c.n_closed == 1);
    assert_int_equal(f->accepted[0].rc, GC_EPROTO);
    assert_int_equal(f->accepted[0].n_slices, 1);
}

static void
the_last_answer_arrives_although_the_peer_is_still_sending(void **state)
{
    struct fixture *f = *state;

    f->accepted[0].then_read = close_in_read;
    both_open(f);
    gc_end_send(&f->accepted[0], "too much");
    gc_end_send_pattern(&f->c, 8 * 1024 * 1024);
    gc_until(f->loop, f->c.n_eof == 1);
    assert_true(gc_end_got(&f->c, "too much"));
    gc_conn_close(f->c.conn, 0);
    gc_until(f->loop, f->accepted[0].n_closed == 1 && f->c.n_closed == 1);
}

static void
close_does_not_wait_for_ever_for_a_peer_that_reads_nothing(void **state)
{
    struct fixture *f = *state;

    both_open(f);
    gc_conn_read_pause(f->accepted[0].conn, true);
    gc_end_send_pattern(&f->c, 64 * 1024 * 1024);
    gc_until(f->loop, gc_conn_room(f->c.conn) == 0);
    gc_conn_close(f->c.conn, 0);
    gc_until(f->loop, f->c.n_closed == 1);
    assert_int_equal(f->c.rc, 0);
}

static void
abort_drops_what_is_queued_and_the_peer_is_told(void **state)
{
    struct fixture *f = *state;

    f->accepted[0].take_pattern = true;
    both_open(f);
    gc_conn_read_pause(f->accepted[0].conn, true);
    gc_end_send_pattern(&f->c, 64 * 1024 * 1024);
    gc_until(f->loop, gc_conn_room(f->c.conn) == 0);
    gc_conn_abort(f->c.conn, GC_EDEADLINE);
    assert_int_equal(f->c.n_closed, 0);
    gc_until(f->loop, f->c.n_closed == 1);
    assert_int_equal(f->c.rc, GC_EDEADLINE);
    gc_conn_read_pause(f->accepted[0].conn, false);
    gc_until(f->loop, f->accepted[0].n_eof == 1 || f->accepted[0].n_closed == 1);
    assert_true(f->accepted[0].n_read < 64 * 1024 * 1024);
}

static void
abort_while_connecting_tells_close_only(void **state)
{
    struct fixture *f = *state;

    listen_and_dial(f);
    gc_conn_abort(f->c.conn, GC_ECANCELED);
    assert_int_equal(f->c.n_closed, 0);
    gc_until(f->loop, f->c.n_closed == 1);
    assert_int_equal(f->c.n_opened, 0);
    assert_int_equal(f->c.rc, GC_ECANCELED);
}

static void
close_in_open(struct gc_end *end)
{
    gc_conn_close(end->conn, 0);
}

static void
close_inside_open_is_allowed(void **state)
{
    struct fixture *f = *state;

    f->c.then_open = close_in_open;
    f->server.no_eof = true;
    listen_and_dial(f);
    gc_until(f->loop, f->c.n_closed == 1 && f->accepted[0].n_closed == 1);
    assert_int_equal(f->c.rc, 0);
    assert_int_equal(f->accepted[0].rc, GC_ECLOSED);
}

static void
without_on_eof_the_end_of_the_peer_closes(void **state)
{
    struct fixture *f = *state;

    f->server.no_eof = true;
    both_open(f);
    gc_conn_close(f->c.conn, 0);
    gc_until(f->loop, f->c.n_closed == 1 && f->accepted[0].n_closed == 1);
    assert_int_equal(f->accepted[0].rc, GC_ECLOSED);
}

static void
after_the_peers_end_we_still_write(void **state)
{
    struct fixture *f = *state;

    both_open(f);
    gc_conn_close(f->c.conn, 0); /* half: it still discards what comes */
    gc_until(f->loop, f->accepted[0].n_eof == 1);
    gc_end_send(&f->accepted[0], "late");
    gc_until(f->loop, gc_conn_bytes_out(f->accepted[0].conn) == 4);
    assert_int_equal(f->accepted[0].n_closed, 0);
}

/* --- raw peers --- */

static int
raw_connect(const struct fixture *f)
{
    struct sockaddr_in in = { .sin_family = AF_INET };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    in.sin_port = htons(gc_listen_port(f->server.listener));
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&in, sizeof(in)), 0);
    return fd;
}

static void
a_reset_by_the_peer_is_told_as_closed(void **state)
{
    struct fixture *f = *state;
    const struct gc_listen_conf conf = { 0 };
    const struct linger hard = { .l_onoff = 1 };

    assert_int_equal(gc_end_listen(&f->server, f->loop, &conf), 0);
    int fd = raw_connect(f);
    gc_until(f->loop, f->accepted[0].n_opened == 1);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)), 0);
    close(fd);
    gc_until(f->loop, f->accepted[0].n_closed == 1);
    assert_int_equal(f->accepted[0].rc, GC_ECLOSED);
    assert_int_equal(f->accepted[0].n_eof, 0);
}

static void
a_reset_while_we_write_is_told_as_closed(void **state)
{
    struct fixture *f = *state;
    const struct gc_listen_conf conf = { 0 };
    const struct linger hard = { .l_onoff = 1 };

    assert_int_equal(gc_end_listen(&f->server, f->loop, &conf), 0);
    int fd = raw_connect(f);
    gc_until(f->loop, f->accepted[0].n_opened == 1);
    gc_conn_read_pause(f->accepted[0].conn, true);
    gc_end_send_pattern(&f->accepted[0], 64 * 1024 * 1024);
    gc_until(f->loop, gc_conn_room(f->accepted[0].conn) == 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)), 0);
    close(fd);
    gc_until(f->loop, f->accepted[0].n_closed == 1);
    assert_int_equal(f->accepted[0].rc, GC_ECLOSED);
}

/* --- dialling and listening --- */

static void
a_refused_connect_is_told_by_close(void **state)
{
    struct fixture *f = *state;
    const struct gc_listen_conf conf = { 0 };

    /* A port where surely nobody listens: ours, closed. */
    assert_int_equal(gc_end_listen(&f->server, f->loop, &conf), 0);
    struct gc_dial_conf dial = { .timeout_ms = 30000 };
    char text[GC_ADDR_TEXT_MAX];
    snprintf(text, sizeof(text), "127.0.0.1:%u", gc_listen_port(f->server.listener));
    assert_int_equal(gc_addr_parse(gc_str_of(text), &dial.addr), 0);
    gc_listen_close(f->server.listener);
    f->server.listener = NULL;
    assert_int_equal(gc_dial_start(f->loop, &dial, &gc_end_ops, &f->c, &f->c.conn), 0);
    gc_until(f->loop, f->c.n_closed == 1);
    assert_int_equal(f->c.n_opened, 0);
    assert_int_equal(f->c.rc, -ECONNREFUSED);
}

static void
an_impossible_address_is_refused_at_once_without_a_callback(void **state)
{
    struct fixture *f = *state;
    struct gc_dial_conf dial = { .timeout_ms = 30000 };

    assert_true(gc_dial_start(f->loop, &dial, &gc_end_ops, &f->c, &f->c.conn) < 0);
    gc_loop_turn(f->loop, 0);
    gc_loop_turn(f->loop, 0);
    assert_int_equal(f->c.n_closed, 0);
}

/* A listening socket whose queue is full does not answer: connecting takes as long as the timer. */
static void
a_connect_that_takes_too_long_ends_with_the_deadline(void **state)
{
    struct fixture *f = *state;
    struct sockaddr_in in = { .sin_family = AF_INET };
    socklen_t len = sizeof(in);
    struct gc_dial_conf dial = { .timeout_ms = 50 };
    int fds[8];
    int listener = socket(AF_INET, SOCK_STREAM, 0);

    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(listener, (struct sockaddr *)&in, sizeof(in)), 0);
    assert_int_equal(listen(listener, 0), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&in, &len), 0);
    for (size_t i = 0; i < GC_ARRAY_LEN(fds); i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(fds[i], (struct sockaddr *)&in, sizeof(in));
    }
    memcpy(&dial.addr.ss, &in, sizeof(in));
    assert_int_equal(gc_dial_start(f->loop, &dial, &gc_end_ops, &f->c, &f->c.conn), 0);
    gc_until(f->loop, f->c.n_closed == 1);
    assert_int_equal(f->c.rc, GC_EDEADLINE);
    assert_int_equal(f->c.n_opened, 0);
    for (size_t i = 0; i < GC_ARRAY_LEN(fds); i++) {
        close(fds[i]);
    }
    close(listener);
}

static void
connections_over_the_limit_are_closed_and_counted(void **state)
{
    struct fixture *f = *state;
    const struct gc_listen_conf conf = { .conns_max = 1 };
    char byte;

    assert_int_equal(gc_end_listen(&f->server, f->loop, &conf), 0);
    assert_int_equal(gc_end_dial(&f->c, f->loop, &f->server, NULL, NULL), 0);
    gc_until(f->loop, f->accepted[0].n_opened == 1);
    int fd = raw_connect(f);
    gc_until(f->loop, gc_listen_n_refused(f->server.listener) == 1);
    assert_int_equal(read(fd, &byte, 1), 0);
    close(fd);
    /* The place is free again once the first has gone. */
    gc_conn_abort(f->c.conn, 0);
    gc_until(f->loop, f->accepted[0].n_eof == 1);
    gc_conn_close(f->accepted[0].conn, 0);
    gc_until(f->loop, f->accepted[0].n_closed == 1);
    fd = raw_connect(f);
    gc_until(f->loop, f->accepted[1].n_opened == 1);
    close(fd);
}

static void
a_connection_refused_at_accept_is_closed_without_callbacks(void **state)
{
    struct fixture *f = *state;
    const struct gc_listen_conf conf = { 0 };
    char byte;

    f->server.n_ends = 0;
    assert_int_equal(gc_end_listen(&f->server, f->loop, &conf), 0);
    int fd = raw_connect(f);
    gc_loop_turn(f->loop, 1000);
    assert_int_equal(read(fd, &byte, 1), 0);
    close(fd);
}

static void
connections_outlive_their_listener(void **state)
{
    struct fixture *f = *state;

    both_open(f);
    gc_listen_close(f->server.listener);
    f->server.listener = NULL;
    gc_loop_turn(f->loop, 0);
    gc_end_send(&f->c, "still here");
    gc_until(f->loop, gc_end_got(&f->accepted[0], "still here"));
}

static void
two_listeners_share_a_port_where_asked_for_and_only_there(void **state)
{
    struct fixture *f = *state;
    struct gc_listen_conf conf = { .reuse_port = true };
    struct gc_end_server second = { .ends = &f->accepted[1], .n_ends = 1 };
    char text[GC_ADDR_TEXT_MAX];

    assert_int_equal(gc_end_listen(&f->server, f->loop, &conf), 0);
    snprintf(text, sizeof(text), "127.0.0.1:%u", gc_listen_port(f->server.listener));
    assert_int_equal(gc_addr_parse(gc_str_of(text), &conf.addr), 0);
    conf.fd = -1;
    conf.reuse_port = false;
    assert_int_equal(gc_end_listen(&second, f->loop, &conf), -EADDRINUSE);
    conf.reuse_port = true;
    assert_int_equal(gc_end_listen(&second, f->loop, &conf), 0);
    assert_int_equal(gc_listen_port(second.listener), gc_listen_port(f->server.listener));
    gc_listen_close(second.listener);
}

static void
an_inherited_socket_is_used_and_stays_open(void **state)
{
    struct fixture *f = *state;
    struct sockaddr_in in = { .sin_family = AF_INET };
    struct gc_listen_conf conf = { .addr.ss.ss_family = AF_INET };

    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    conf.fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(conf.fd, (struct sockaddr *)&in, sizeof(in)), 0);
    assert_int_equal(listen(conf.fd, 8), 0);
    assert_int_equal(gc_end_listen(&f->server, f->loop, &conf), 0);
    assert_int_equal(gc_end_dial(&f->c, f->loop, &f->server, NULL, NULL), 0);
    gc_until(f->loop, f->accepted[0].n_opened == 1 && f->c.n_opened == 1);
    gc_listen_close(f->server.listener);
    f->server.listener = NULL;
    gc_loop_turn(f->loop, 0);
    assert_int_equal(close(conf.fd), 0);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(text_goes_both_ways_and_each_end_knows_the_other),
        CASE(nothing_is_sent_before_the_connection_is_open_nor_lost),
        CASE(megabytes_arrive_whole_in_both_directions_at_once),
        CASE(a_reader_that_stops_stops_the_writer),
        CASE(a_kept_slice_is_not_overwritten),
        CASE(close_sends_what_is_queued_first),
        CASE(close_inside_read_reads_no_more_and_comes_later),
        CASE(the_last_answer_arrives_although_the_peer_is_still_sending),
        CASE(close_does_not_wait_for_ever_for_a_peer_that_reads_nothing),
        CASE(abort_drops_what_is_queued_and_the_peer_is_told),
        CASE(abort_while_connecting_tells_close_only),
        CASE(close_inside_open_is_allowed),
        CASE(without_on_eof_the_end_of_the_peer_closes),
        CASE(after_the_peers_end_we_still_write),
        CASE(a_reset_by_the_peer_is_told_as_closed),
        CASE(a_reset_while_we_write_is_told_as_closed),
        CASE(a_refused_connect_is_told_by_close),
        CASE(an_impossible_address_is_refused_at_once_without_a_callback),
        CASE(a_connect_that_takes_too_long_ends_with_the_deadline),
        CASE(connections_over_the_limit_are_closed_and_counted),
        CASE(a_connection_refused_at_accept_is_closed_without_callbacks),
        CASE(connections_outlive_their_listener),
        CASE(two_listeners_share_a_port_where_asked_for_and_only_there),
        CASE(an_inherited_socket_is_used_and_stays_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
