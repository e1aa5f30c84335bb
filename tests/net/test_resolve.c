/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Against a small DNS server on the same loop. */
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/macros.h"
#include "net/resolve.h"
#include "tests/support/until.h"

/* What the server knows. A name that is not here does not exist; "silent.test" gets no answer,
 * "broken.test" SERVFAIL. */
static const struct {
    const char *name;
    uint16_t type;
    const char *value; /* A, AAAA: address; SRV: target */
    uint16_t priority, weight, port;
} zone[] = {
    { "one.test", ns_t_a, "10.0.0.1" },
    { "two.test", ns_t_a, "10.0.0.2" },
    { "two.test", ns_t_a, "10.0.0.3" },
    { "six.test", ns_t_aaaa, "2001:db8::6" },
    { "_gc._tcp.test", ns_t_srv, "two.test", 20, 5, 7402 },
    { "_gc._tcp.test", ns_t_srv, "absent.test", 10, 5, 7400 },
    { "_gc._tcp.test", ns_t_srv, "one.test", 10, 50, 7401 },
    { "_none._tcp.test", ns_t_srv, "", 0, 0, 0 },
    { "_gone._tcp.test", ns_t_srv, "absent.test", 0, 0, 1 },
    { "_broken._tcp.test", ns_t_srv, "broken.test", 0, 0, 1 },
};

struct fixture {
    struct gc_loop *loop;
    uv_udp_t dns;
    size_t n_asked;
    struct gc_resolve *resolve;
    unsigned n_called;
    int rc;
    char texts[GC_RESOLVE_ADDRS_MAX][GC_ADDR_TEXT_MAX];
    size_t n;
};

/* --- the server --- */

static size_t
put16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
    return 2;
}

static size_t
put_name(uint8_t *at, const char *name)
{
    size_t len = 0;

    while (*name != '\0') {
        size_t label = strcspn(name, ".");
        at[len] = (uint8_t)label;
        memcpy(at + len + 1, name, label);
        len += 1 + label;
        name += label + (name[label] == '.');
    }
    at[len] = 0;
    return len + 1;
}

/* Returns the bytes that the name takes. */
static size_t
get_name(const uint8_t *at, char dst[256])
{
    size_t len = 0;

    dst[0] = '\0';
    while (at[len] != 0) {
        snprintf(dst + strlen(dst), 256 - strlen(dst), "%s%.*s", len > 0 ? "." : "", at[len],
                 at + len + 1);
        len += 1 + at[len];
    }
    return len + 1;
}

static size_t
put_record(uint8_t *at, size_t i)
{
    size_t len = put16(at, 0xC00C); /* the name of the question */
    uint8_t *size;

    len += put16(at + len, zone[i].type);
    len += put16(at + len, ns_c_in);
    len += put16(at + len, 0);
    len += put16(at + len, 60);
    size = at + len;
    len += 2;
    size_t begin = len;
    switch (zone[i].type) {
    case ns_t_a:
        inet_pton(AF_INET, zone[i].value, at + len);
        len += 4;
        break;
    case ns_t_aaaa:
        inet_pton(AF_INET6, zone[i].value, at + len);
        len += 16;
        break;
    default:
        len += put16(at + len, zone[i].priority);
        len += put16(at + len, zone[i].weight);
        len += put16(at + len, zone[i].port);
        len += put_name(at + len, zone[i].value);
        break;
    }
    put16(size, (uint16_t)(len - begin));
    return len;
}

/* The answer to the question in QUERY; 0: none. */
static size_t
answer(const uint8_t *query, uint8_t *dst)
{
    char name[256];
    size_t len = 12 + get_name(query + 12, name);
    uint16_t type = (uint16_t)(query[len] << 8 | query[len + 1]);
    uint16_t n = 0;
    bool known = false;

    len += 4;
    if (strcasecmp(name, "silent.test") == 0) {
        return 0;
    }
    memcpy(dst, query, len);
    for (size_t i = 0; i < GC_ARRAY_LEN(zone); i++) {
        if (strcasecmp(zone[i].name, name) == 0) {
            known = true;
            if (zone[i].type == type) {
                len += put_record(dst + len, i);
                n++;
            }
        }
    }
    int rcode = strcasecmp(name, "broken.test") == 0 ? ns_r_servfail
                : known                              ? ns_r_noerror
                                                     : ns_r_nxdomain;
    put16(dst + 2, (uint16_t)(0x8180 | rcode));
    put16(dst + 4, 1);
    put16(dst + 6, n);
    put16(dst + 8, 0);
    put16(dst + 10, 0);
    return len;
}

static void
on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf)
{
    static char memory[2048];

    (void)handle;
    (void)suggested;
    *ret_buf = uv_buf_init(memory, sizeof(memory));
}

static void
on_query(uv_udp_t *udp, ssize_t len, const uv_buf_t *buf, const struct sockaddr *from,
         unsigned flags)
{
    struct fixture *f = gc_container_of(udp, struct fixture, dns);
    uint8_t reply[2048];

    (void)flags;
    if (len < 12 || from == NULL) {
        return;
    }
    f->n_asked++;
    size_t n = answer((const uint8_t *)buf->base, reply);
    if (n > 0) {
        uv_buf_t out = uv_buf_init((char *)reply, (unsigned)n);
        assert_true(uv_udp_try_send(udp, &out, 1, from) > 0);
    }
}

static int
set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct sockaddr_in in = { .sin_family = AF_INET };
    int len = sizeof(in);
    char text[64];

    *state = f;
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(gc_loop_new(&f->loop), 0);
    assert_int_equal(uv_udp_init(gc_loop_uv(f->loop), &f->dns), 0);
    assert_int_equal(uv_udp_bind(&f->dns, (struct sockaddr *)&in, 0), 0);
    assert_int_equal(uv_udp_recv_start(&f->dns, on_alloc, on_query), 0);
    assert_int_equal(uv_udp_getsockname(&f->dns, (struct sockaddr *)&in, &len), 0);
    snprintf(text, sizeof(text), "127.0.0.1:%u", ntohs(in.sin_port));
    return gc_resolve_use_servers(f->loop, text);
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;

    uv_close((uv_handle_t *)&f->dns, NULL);
    gc_loop_free(f->loop);
    free(f);
    return 0;
}

/* --- the cases --- */

static void
on_resolved(void *arg, int rc, const struct gc_addr *addrs, size_t n)
{
    struct fixture *f = arg;

    f->n_called++;
    f->rc = rc;
    f->n = n;
    for (size_t i = 0; i < n; i++) {
        gc_addr_format(&addrs[i], f->texts[i]);
    }
}

static void
start(struct fixture *f, const char *target, uint64_t timeout_ms)
{
    f->n_called = 0;
    assert_int_equal(gc_resolve_start(f->loop, target, timeout_ms, on_resolved, f, &f->resolve), 0);
    assert_int_equal(f->n_called, 0); /* never inside start */
}

static void
resolve(struct fixture *f, const char *target)
{
    start(f, target, GC_UNTIL_MS);
    gc_until(f->loop, f->n_called > 0);
    gc_loop_turn(f->loop, 0);
    assert_int_equal(f->n_called, 1);
}

static bool
has(const struct fixture *f, const char *text)
{
    for (size_t i = 0; i < f->n; i++) {
        if (strcmp(f->texts[i], text) == 0) {
            return true;
        }
    }
    return false;
}

static void
numeric_text_needs_no_server(void **state)
{
    struct fixture *f = *state;

    resolve(f, "192.0.2.1:80");
    assert_int_equal(f->rc, 0);
    assert_int_equal(f->n, 1);
    assert_string_equal(f->texts[0], "192.0.2.1:80");
    resolve(f, "[::1]:7400");
    assert_string_equal(f->texts[0], "[::1]:7400");
    assert_int_equal(f->n_asked, 0);
}

static void
a_host_gives_all_its_addresses_with_the_port(void **state)
{
    struct fixture *f = *state;

    resolve(f, "two.test:7400");
    assert_int_equal(f->rc, 0);
    assert_int_equal(f->n, 2);
    assert_true(has(f, "10.0.0.2:7400") && has(f, "10.0.0.3:7400"));
    resolve(f, "six.test:1");
    assert_int_equal(f->n, 1);
    assert_string_equal(f->texts[0], "[2001:db8::6]:1");
}

static void
a_name_of_the_hosts_file_is_found_without_a_server(void **state)
{
    struct fixture *f = *state;

    resolve(f, "localhost:7400");
    assert_int_equal(f->rc, 0);
    assert_true(has(f, "127.0.0.1:7400") || has(f, "[::1]:7400"));
}

static void
srv_gives_targets_by_priority_and_skips_absent_ones(void **state)
{
    struct fixture *f = *state;

    resolve(f, "srv:_gc._tcp.test");
    assert_int_equal(f->rc, 0);
    assert_int_equal(f->n, 3);
    assert_string_equal(f->texts[0], "10.0.0.1:7401");
    assert_true(has(f, "10.0.0.2:7402") && has(f, "10.0.0.3:7402"));
}

static void
what_does_not_exist_is_not_found(void **state)
{
    static const char *const targets[] = { "absent.test:1", "srv:_absent._tcp.test",
                                           "srv:_none._tcp.test", "srv:_gone._tcp.test",
                                           "srv:one.test" };
    struct fixture *f = *state;

    for (size_t i = 0; i < GC_ARRAY_LEN(targets); i++) {
        resolve(f, targets[i]);
        if (f->rc != GC_ENOTFOUND) {
            fail_msg("%s: %s", targets[i], gc_err_name(f->rc));
        }
        assert_int_equal(f->n, 0);
    }
}

static void
a_server_that_fails_is_unavailable(void **state)
{
    struct fixture *f = *state;

    resolve(f, "broken.test:1");
    assert_int_equal(f->rc, GC_EUNAVAILABLE);
    resolve(f, "srv:_broken._tcp.test");
    assert_int_equal(f->rc, GC_EUNAVAILABLE);
}

static void
silence_ends_with_the_deadline(void **state)
{
    struct fixture *f = *state;

    start(f, "silent.test:1", 50);
    gc_until(f->loop, f->n_called == 1);
    assert_int_equal(f->rc, GC_EDEADLINE);
}

static void
cancel_tells_once_and_later_in_every_state(void **state)
{
    static const char *const targets[] = { "127.0.0.1:1", "localhost:1", "silent.test:1",
                                           "two.test:1", "srv:_gc._tcp.test" };
    struct fixture *f = *state;

    for (size_t i = 0; i < GC_ARRAY_LEN(targets); i++) {
        for (int turns = 0; turns < 3; turns++) {
            start(f, targets[i], GC_UNTIL_MS);
            for (int t = 0; t < turns && f->n_called == 0; t++) {
                gc_loop_turn(f->loop, 1);
            }
            if (f->n_called > 0) {
                continue;
            }
            gc_resolve_cancel(f->resolve);
            assert_int_equal(f->n_called, 0);
            gc_until(f->loop, f->n_called > 0);
            gc_loop_turn(f->loop, 0);
            assert_int_equal(f->n_called, 1);
            assert_int_equal(f->rc, GC_ECANCELED);
            assert_int_equal(f->n, 0);
        }
    }
}

static void
other_text_is_refused_at_once(void **state)
{
    static const char *const targets[] = { "",     "host",       "host:", ":80",
                                           "srv:", "host:70000", "::1:80" };
    struct fixture *f = *state;

    for (size_t i = 0; i < GC_ARRAY_LEN(targets); i++) {
        assert_int_equal(gc_resolve_start(f->loop, targets[i], 1000, on_resolved, f, &f->resolve),
                         GC_EPARSE);
    }
    gc_loop_turn(f->loop, 0);
    assert_int_equal(f->n_called, 0);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(numeric_text_needs_no_server),
        CASE(a_host_gives_all_its_addresses_with_the_port),
        CASE(a_name_of_the_hosts_file_is_found_without_a_server),
        CASE(srv_gives_targets_by_priority_and_skips_absent_ones),
        CASE(what_does_not_exist_is_not_found),
        CASE(a_server_that_fails_is_unavailable),
        CASE(silence_ends_with_the_deadline),
        CASE(cancel_tells_once_and_later_in_every_state),
        CASE(other_text_is_refused_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
