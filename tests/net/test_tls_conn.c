/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Connections with TLS over real sockets: both ends in one process, on one loop or two. */
#include <arpa/inet.h>
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
#include "tests/support/pki.h"
#include "tests/support/until.h"

#define URI(role, node) "spiffe://" GC_PKI_DOMAIN "/gcommon/" role "/" node
#define MIB             (1024 * 1024)

static struct gc_pki pki;

struct fixture {
    struct gc_loop *loop;
    struct gc_tls_ctx *server_tls, *client_tls;
    struct gc_end_server server;
    struct gc_end s[3]; /* accepted */
    struct gc_end c[3]; /* dialled */
};

static int
set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    *state = f;
    for (size_t i = 0; i < GC_ARRAY_LEN(f->s); i++) {
        gc_end_init(&f->s[i]);
        gc_end_init(&f->c[i]);
    }
    f->server.ends = f->s;
    f->server.n_ends = GC_ARRAY_LEN(f->s);
    f->server_tls = gc_pki_ctx(&pki, GC_TLS_INTERNAL, true, "file");
    f->client_tls = gc_pki_ctx(&pki, GC_TLS_INTERNAL, false, "web");
    return gc_loop_new(&f->loop);
}

static void
end_over(struct gc_end *end)
{
    assert_null(end->conn);
    assert_true(end->n_opened <= 1 && end->n_closed <= 1);
    gc_end_fini(end);
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < GC_ARRAY_LEN(f->s); i++) {
        if (f->s[i].conn != NULL) {
            gc_conn_abort(f->s[i].conn, GC_ECANCELED);
        }
        if (f->c[i].conn != NULL) {
            gc_conn_abort(f->c[i].conn, GC_ECANCELED);
        }
    }
    if (f->server.listener != NULL) {
        gc_listen_close(f->server.listener);
    }
    gc_loop_free(f->loop);
    for (size_t i = 0; i < GC_ARRAY_LEN(f->s); i++) {
        end_over(&f->s[i]);
        end_over(&f->c[i]);
    }
    gc_tls_ctx_unref(f->server_tls);
    gc_tls_ctx_unref(f->client_tls);
    free(f);
    return 0;
}

static void
listen_with(struct fixture *f, struct gc_listen_conf conf)
{
    conf.tls = f->server_tls;
    assert_int_equal(gc_end_listen(&f->server, f->loop, &conf), 0);
}

static void
dial(struct fixture *f, size_t i)
{
    assert_int_equal(gc_end_dial(&f->c[i], f->loop, &f->server, f->client_tls, NULL), 0);
}

static void
both_open(struct fixture *f)
{
    listen_with(f, (struct gc_listen_conf){ 0 });
    dial(f, 0);
    gc_until(f->loop, f->s[0].n_opened == 1 && f->c[0].n_opened == 1);
}

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

/* --- data --- */

static void
both_ends_know_each_other_and_talk(void **state)
{
    struct fixture *f = *state;

    both_open(f);
    assert_true(f->s[0].h2 && f->c[0].h2);
    assert_string_equal(f->s[0].peer.id.role, "web");
    assert_string_equal(f->c[0].peer.id.node, "f1");
    assert_memory_equal(f->s[0].peer.addr, "127.0.0.1:", 10);
    gc_end_send(&f->c[0], "hello server");
    gc_end_send(&f->s[0], "hello client");
    gc_until(f->loop, gc_end_got(&f->s[0], "hello server") && gc_end_got(&f->c[0], "hello client"));
}

static void
megabytes_arrive_whole_in_both_directions_at_once(void **state)
{
    struct fixture *f = *state;
    const uint64_t n = 20 * MIB;

    f->s[0].take_pattern = f->c[0].take_pattern = true;
    f->c[0].piece = 33333; /* neither a record nor a part of one */
    both_open(f);
    gc_end_send_pattern(&f->c[0], n);
    gc_end_send_pattern(&f->s[0], n);
    gc_until(f->loop, f->s[0].n_read == n && f->c[0].n_read == n);
    assert_false(f->s[0].pattern_broken);
    assert_false(f->c[0].pattern_broken);
}

static void
what_is_written_in_one_turn_leaves_in_full_records(void **state)
{
    struct fixture *f = *state;
    const uint64_t n = 160 * 1024;

    f->s[0].take_pattern = true;
    f->c[0].piece = 100;
    both_open(f);
    uint64_t before = gc_conn_bytes_out(f->c[0].conn);
    gc_end_send_pattern(&f->c[0], n);
    gc_until(f->loop, f->s[0].n_read == n);
    assert_int_equal(gc_conn_bytes_out(f->c[0].conn) - before, n + n / 16384 * 22);
}

static size_t
rss_kib(void)
{
    FILE *status = fopen("/proc/self/status", "r");
    unsigned long kib = 0;
    char line[256];

    assert_non_null(status);
    while (fgets(line, sizeof(line), status) != NULL) {
        if (strncmp(line, "RssAnon:", 8) == 0) {
            kib = strtoul(line + 8, NULL, 10);
        }
    }
    fclose(status);
    return kib;
}

/* Also what the receiver does with its buffers: it keeps none of them. */
static void
a_slow_reader_costs_the_fast_writer_no_memory(void **state)
{
    struct fixture *f = *state;
    const uint64_t n = 256 * (uint64_t)MIB;
    size_t rss_max = 0;

    f->s[0].take_pattern = true;
    both_open(f);
    size_t before = rss_kib();
    gc_end_send_pattern(&f->c[0], n);
    for (bool pause = true; f->s[0].n_read < n; pause = !pause) {
        if (f->s[0].n_read < 64 * MIB) {
            gc_conn_read_pause(f->s[0].conn, pause);
        }
        gc_loop_turn(f->loop, 1);
        rss_max = GC_MAX(rss_max, rss_kib());
        assert_true(f->c[0].n_written - f->s[0].n_read < 64 * MIB);
    }
    assert_false(f->s[0].pattern_broken);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    assert_true(rss_max - before < 8 * 1024);
#else
    (void)before;
#endif
}

static void
close_sends_what_is_queued_and_a_clean_end(void **state)
{
    struct fixture *f = *state;

    f->s[0].take_pattern = true;
    both_open(f);
    f->c[0].close_after_tx = true;
    gc_end_send_pattern(&f->c[0], 3 * MIB + 7);
    gc_until(f->loop, f->s[0].n_eof == 1);
    assert_int_equal(f->s[0].n_read, 3 * MIB + 7);
    gc_conn_close(f->s[0].conn, 0);
    gc_until(f->loop, f->s[0].n_closed == 1 && f->c[0].n_closed == 1);
    assert_int_equal(f->s[0].rc, 0);
    assert_int_equal(f->c[0].rc, 0);
}

static void
a_reset_of_the_peer_is_told_as_closed(void **state)
{
    struct fixture *f = *state;

    f->s[0].take_pattern = true;
    both_open(f);
    gc_conn_read_pause(f->s[0].conn, true);
    gc_end_send_pattern(&f->c[0], 64 * MIB);
    gc_until(f->loop, gc_conn_room(f->c[0].conn) == 0);
    gc_conn_abort(f->s[0].conn, GC_ECANCELED); /* with unread bytes: the kernel resets */
    gc_until(f->loop, f->c[0].n_closed == 1);
    assert_int_equal(f->c[0].rc, GC_ECLOSED);
}

/* --- handshakes --- */

static void
a_refused_client_never_opens_at_the_server(void **state)
{
    struct fixture *f = *state;

    gc_pki_look_alike(&pki, "double");
    gc_tls_ctx_unref(f->client_tls);
    f->client_tls = gc_pki_ctx(&pki, GC_TLS_INTERNAL, false, "double");
    listen_with(f, (struct gc_listen_conf){ 0 });
    dial(f, 0);
    gc_until(f->loop, f->s[0].n_closed == 1 && f->c[0].n_closed == 1);
    assert_int_equal(f->s[0].n_opened, 0);
    assert_int_equal(f->s[0].rc, GC_EIDENTITY);
    assert_int_equal(f->c[0].rc, GC_ETLS); /* the alert has reached it */
}

static void
a_refused_server_never_opens_at_the_client(void **state)
{
    struct fixture *f = *state;

    gc_pki_leaf(&pki, "foreign", "spiffe://evil.example/gcommon/file/f1");
    gc_tls_ctx_unref(f->server_tls);
    f->server_tls = gc_pki_ctx(&pki, GC_TLS_INTERNAL, true, "foreign");
    listen_with(f, (struct gc_listen_conf){ 0 });
    dial(f, 0);
    gc_until(f->loop, f->s[0].n_closed == 1 && f->c[0].n_closed == 1);
    assert_int_equal(f->c[0].n_opened, 0);
    assert_int_equal(f->c[0].rc, GC_EIDENTITY);
    assert_int_equal(f->s[0].rc, GC_ETLS);
}

static void
a_peer_that_says_nothing_is_cut_by_the_handshake_timeout(void **state)
{
    struct fixture *f = *state;
    char byte;

    listen_with(f, (struct gc_listen_conf){ .handshake_timeout_ms = 50 });
    int fd = raw_connect(f);
    gc_until(f->loop, f->s[0].n_closed == 1);
    assert_int_equal(f->s[0].rc, GC_EDEADLINE);
    assert_int_equal(f->s[0].n_opened, 0);
    assert_int_equal(read(fd, &byte, 1), 0);
    close(fd);
}

static void
plaintext_on_a_tls_port_is_refused(void **state)
{
    struct fixture *f = *state;
    char byte;

    listen_with(f, (struct gc_listen_conf){ 0 });
    int fd = raw_connect(f);
    assert_int_equal(write(fd, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24), 24);
    gc_until(f->loop, f->s[0].n_closed == 1);
    assert_int_equal(f->s[0].rc, GC_ETLS);
    assert_int_equal(f->s[0].n_opened, 0);
    while (read(fd, &byte, 1) == 1) { /* an alert */
    }
    close(fd);
}

static void
a_peer_that_leaves_in_the_handshake_is_told_as_closed(void **state)
{
    struct fixture *f = *state;

    listen_with(f, (struct gc_listen_conf){ 0 });
    int fd = raw_connect(f);
    gc_until(f->loop, f->server.n_accepted == 1);
    close(fd);
    gc_until(f->loop, f->s[0].n_closed == 1);
    assert_int_equal(f->s[0].rc, GC_ECLOSED);
}

static void
both_kinds_of_close_in_the_handshake_end_it(void **state)
{
    struct fixture *f = *state;

    listen_with(f, (struct gc_listen_conf){ 0 });
    int fd = raw_connect(f), fd2 = raw_connect(f);
    gc_until(f->loop, f->server.n_accepted == 2);
    gc_conn_close(f->s[0].conn, GC_ECANCELED);
    gc_conn_abort(f->s[1].conn, GC_EDENIED);
    assert_int_equal(f->s[0].n_closed + f->s[1].n_closed, 0);
    gc_until(f->loop, f->s[0].n_closed == 1 && f->s[1].n_closed == 1);
    assert_int_equal(f->s[0].rc, GC_ECANCELED);
    assert_int_equal(f->s[1].rc, GC_EDENIED);
    close(fd);
    close(fd2);
}

static void
a_client_gives_up_on_a_server_that_does_not_answer(void **state)
{
    struct fixture *f = *state;
    const struct gc_listen_conf cleartext = { 0 };
    struct gc_dial_conf conf = { .tls = f->client_tls, .timeout_ms = 100 };
    char text[GC_ADDR_TEXT_MAX];

    assert_int_equal(gc_end_listen(&f->server, f->loop, &cleartext),
                     0); /* takes the hello for data */
    snprintf(text, sizeof(text), "127.0.0.1:%u", gc_listen_port(f->server.listener));
    assert_int_equal(gc_addr_parse(gc_str_of(text), &conf.addr), 0);
    assert_int_equal(gc_dial_start(f->loop, &conf, &gc_end_ops, &f->c[0], &f->c[0].conn), 0);
    gc_until(f->loop, f->c[0].n_closed == 1);
    assert_int_equal(f->c[0].rc, GC_EDEADLINE);
    assert_int_equal(f->c[0].n_opened, 0);
}

static void
one_host_gets_so_many_handshakes_at_a_time(void **state)
{
    struct fixture *f = *state;
    char byte;

    listen_with(f, (struct gc_listen_conf){ .handshakes_per_host = 2 });
    int fds[] = { raw_connect(f), raw_connect(f), raw_connect(f) };
    gc_until(f->loop, gc_listen_n_refused(f->server.listener) == 1);
    assert_int_equal(f->server.n_accepted, 2);
    assert_int_equal(read(fds[2], &byte, 1), 0);
    close(fds[0]);
    close(fds[1]);
    close(fds[2]);
    gc_until(f->loop, f->s[0].n_closed == 1 && f->s[1].n_closed == 1);
    dial(f, 0); /* and again as many when these are over */
    gc_until(f->loop, f->s[2].n_opened == 1);
}

/* --- reload --- */

static void
a_new_context_serves_new_connections_and_old_ones_live_on(void **state)
{
    struct fixture *f = *state;

    f->s[0].take_pattern = true;
    both_open(f);
    gc_end_send_pattern(&f->c[0], 8 * MIB);
    gc_loop_turn(f->loop, 0);
    gc_pki_leaf(&pki, "file2", URI("file", "f2"));
    gc_tls_ctx_unref(f->server_tls);
    f->server_tls = gc_pki_ctx(&pki, GC_TLS_INTERNAL, true, "file2");
    gc_listen_set_tls(f->server.listener, f->server_tls);
    dial(f, 1);
    gc_until(f->loop, f->c[1].n_opened == 1);
    assert_string_equal(f->c[0].peer.id.node, "f1");
    assert_string_equal(f->c[1].peer.id.node, "f2");
    gc_until(f->loop, f->s[0].n_read == 8 * MIB);
    assert_false(f->s[0].pattern_broken);
    assert_int_equal(f->c[0].n_closed, 0);
}

/* --- two threads --- */

struct remote {
    struct gc_thread thread;
    struct gc_loop *loop;
    struct gc_end_server *server;
    struct gc_task stop;
};

static void
remote_main(void *arg)
{
    struct remote *r = arg;
    gc_loop_run(r->loop);
}

static void
remote_stop(struct gc_task *task)
{
    struct remote *r = gc_container_of(task, struct remote, stop);

    for (size_t i = 0; i < r->server->n_accepted; i++) {
        if (r->server->ends[i].conn != NULL) {
            gc_conn_close(r->server->ends[i].conn, 0);
        }
    }
    gc_listen_close(r->server->listener);
    gc_loop_stop(r->loop);
}

static void
echo(struct gc_end *end)
{
    int rc = gc_buf_append(&end->tx, end->rx.data, end->rx.len);
    assert_int_equal(rc, 0);
    gc_buf_clear(&end->rx);
    gc_conn_dirty(end->conn);
}

static void
loops_of_two_threads_share_contexts(void **state)
{
    struct fixture *f = *state;
    struct remote r = { .server = &f->server, .stop.fn = remote_stop };
    const struct gc_listen_conf conf = { .tls = f->server_tls };

    f->s[0].then_read = f->s[1].then_read = echo;
    assert_int_equal(gc_loop_new(&r.loop), 0);
    assert_int_equal(gc_end_listen(&f->server, r.loop, &conf), 0);
    for (size_t i = 0; i < 2; i++) {
        dial(f, i);
    }
    assert_int_equal(gc_thread_start(&r.thread, "remote", remote_main, &r), 0);
    gc_end_send(&f->c[0], "over there");
    gc_end_send(&f->c[1], "and there");
    gc_until(f->loop, gc_end_got(&f->c[0], "over there") && gc_end_got(&f->c[1], "and there"));
    for (size_t i = 0; i < 2; i++) {
        gc_conn_abort(f->c[i].conn, 0);
    }
    gc_loop_post(r.loop, &r.stop);
    gc_thread_join(&r.thread);
    gc_loop_free(r.loop);
    f->server.listener = NULL;
}

static int
group_set_up(void **state)
{
    (void)state;
    gc_pki_init(&pki, "gcommon test CA");
    gc_pki_leaf(&pki, "file", URI("file", "f1"));
    gc_pki_leaf(&pki, "web", URI("web", "w1"));
    return 0;
}

static int
group_tear_down(void **state)
{
    (void)state;
    gc_pki_fini(&pki);
    return 0;
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(both_ends_know_each_other_and_talk),
        CASE(megabytes_arrive_whole_in_both_directions_at_once),
        CASE(what_is_written_in_one_turn_leaves_in_full_records),
        CASE(a_slow_reader_costs_the_fast_writer_no_memory),
        CASE(close_sends_what_is_queued_and_a_clean_end),
        CASE(a_reset_of_the_peer_is_told_as_closed),
        CASE(a_refused_client_never_opens_at_the_server),
        CASE(a_refused_server_never_opens_at_the_client),
        CASE(a_peer_that_says_nothing_is_cut_by_the_handshake_timeout),
        CASE(plaintext_on_a_tls_port_is_refused),
        CASE(a_peer_that_leaves_in_the_handshake_is_told_as_closed),
        CASE(both_kinds_of_close_in_the_handshake_end_it),
        CASE(a_client_gives_up_on_a_server_that_does_not_answer),
        CASE(one_host_gets_so_many_handshakes_at_a_time),
        CASE(a_new_context_serves_new_connections_and_old_ones_live_on),
        CASE(loops_of_two_threads_share_contexts),
    };
    return cmocka_run_group_tests(tests, group_set_up, group_tear_down);
}
