/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A server and a client of net/http.h on one loop, with an application that tests can drive: what
 * arrives is recorded in exchanges, what is done about it is chosen by the request's path.
 *   /echo     what comes goes back; trailers "x-end: yes"
 *   /sink     takes everything, answers the number of bytes
 *   /source/N N bytes of the pattern, as fast as they are taken
 *   /hold     nothing: the test answers
 *   /early    answers 403 "no" at the head
 *   /unset    sets no handler
 *   anything  200, "hello\n" */
#ifndef GC_TESTS_SUPPORT_HTTP_BED_H
#define GC_TESTS_SUPPORT_HTTP_BED_H

#include "base/buf.h"
#include "net/http.h"
#include "tests/support/until.h"

#define BED_EXCHANGES_MAX 2048
#define BED_DEADLINE_MS   GC_UNTIL_MS

struct bed;

struct bed_exchange {
    struct bed *bed;
    struct gc_http_stream *s; /* NULL after on_close */
    char method[16], path[256], authority[256];
    unsigned status;
    bool head_end;
    char fields[2048];   /* "name: value\n"... */
    char trailers[1024]; /* the same */
    struct gc_buf body;  /* the first MiB */
    size_t body_bytes;
    uint32_t body_sum; /* CRC-like sum of all */
    size_t held;       /* received, not consumed */
    size_t source_left, source_at;
    unsigned n_heads, n_ends, n_closes, n_writables;
    int rc;
    unsigned h2_code;
    bool hold_data; /* do not consume */
    bool echo, sink;
};

struct bed {
    struct gc_loop *loop;
    struct gc_http_conf conf;
    struct gc_http_server *server;
    uint16_t port;
    struct gc_http_client *client; /* NULL after on_close */
    unsigned n_ready, n_slots, n_drains, n_closes, n_done;
    int client_rc;
    struct bed_exchange *requests[BED_EXCHANGES_MAX]; /* the server's, in order */
    size_t n_requests;
    struct bed_exchange *calls[BED_EXCHANGES_MAX]; /* the client's */
    size_t n_calls;
    bool hold_data; /* of new requests */
    struct gc_tls_ctx *tls_server, *tls_client;
};

/* CONF may be NULL. */
void bed_init(struct bed *bed, const struct gc_http_conf *conf);
/* Closes what is left, runs the loop out and checks that every exchange was closed once. */
void bed_fini(struct bed *bed);
void bed_connect(struct bed *bed); /* and wait for on_ready */
/* Without waiting, with CONF of the client's own (may be NULL). */
void bed_dial(struct bed *bed, const struct gc_http_conf *conf);
/* Turn the loop until COND is true; fails the test at the deadline. */
#define bed_until(bed, cond) gc_until((bed)->loop, cond)
/* Turn N times, for what must not happen. */
void bed_turns(struct bed *bed, unsigned n);

/* A request; END: without a body. Fails the test when refused. */
struct bed_exchange *bed_call(struct bed *bed, const char *method, const char *path, bool end);
/* The same, and the code. */
int bed_try_call(struct bed *bed, const char *method, const char *path, bool end,
                 struct bed_exchange **ret_call);
void bed_write(struct bed_exchange *ex, const void *data, size_t len);
/* Write the next LEN bytes of the pattern, in pieces of 64 KiB by reference, as the queue allows;
 * bed_pump goes on when it is writable. */
void bed_source(struct bed_exchange *ex, size_t len);
void bed_end(struct bed_exchange *ex);
void bed_consume_all(struct bed_exchange *ex);
/* The sum that body_sum has after LEN bytes of the pattern. */
uint32_t bed_pattern_sum(size_t len);

#endif
