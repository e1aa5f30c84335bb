/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A server and a client of net/http.h on one loop, with an application that tests can drive: what
 * arrives is recorded in exchanges, what is done about it is chosen by the request's path.
 *   /echo     what comes goes back; trailers "x-end: yes"
 *   /sink     takes everything, answers the number of bytes
 *   /source/N N bytes of the pattern, as fast as they are taken
 *   /hold     nothing: the test answers
 *   /204      answers 204
 *   /early    answers 403 "no" at the head
 *   /reset    resets with CANCEL at the head
 *   /unset    sets no handler
 *   anything  200, "hello\n" */
#ifndef GC_TESTS_SUPPORT_HTTP_BED_H
#define GC_TESTS_SUPPORT_HTTP_BED_H

#include "base/buf.h"
#include "net/http.h"
#include "tests/support/until.h"

#define HB_EXCHANGES_MAX 4096
#define HB_DEADLINE_MS   GC_UNTIL_MS

struct hb;

struct hb_exchange {
    struct hb *bed;
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

struct hb {
    struct gc_loop *loop;
    struct gc_http_conf conf;
    struct gc_metrics *metrics;
    struct gc_http_server *server;
    uint16_t port;
    struct gc_http_client *client; /* NULL after on_close */
    unsigned n_ready, n_slots, n_drains, n_closes, n_done;
    int client_rc;
    struct hb_exchange *requests[HB_EXCHANGES_MAX]; /* the server's, in order */
    size_t n_requests;
    struct hb_exchange *calls[HB_EXCHANGES_MAX]; /* the client's */
    size_t n_calls;
    bool hold_data;                          /* of new requests */
    const struct gc_http_field *call_fields; /* more for the calls that follow */
    size_t n_call_fields;
    struct gc_tls_ctx *tls_server, *tls_client;
};

/* CONF may be NULL. */
void hb_init(struct hb *bed, const struct gc_http_conf *conf);
/* Closes what is left, runs the loop out and checks that every exchange was closed once. */
void hb_fini(struct hb *bed);
void hb_connect(struct hb *bed); /* and wait for on_ready */
/* Without waiting, with CONF of the client's own (may be NULL). */
void hb_dial(struct hb *bed, const struct gc_http_conf *conf);
/* Turn the loop until COND is true; fails the test at the deadline. */
#define hb_until(bed, cond) gc_until((bed)->loop, cond)
/* The value of the metric line that begins with NAME (with its labels). */
uint64_t hb_metric(struct hb *bed, const char *name);
/* Turn N times, for what must not happen. */
void hb_turns(struct hb *bed, unsigned n);

/* A request; END: without a body. Fails the test when refused. */
struct hb_exchange *hb_call(struct hb *bed, const char *method, const char *path, bool end);
/* The same, and the code. */
int hb_try_call(struct hb *bed, const char *method, const char *path, bool end,
                struct hb_exchange **ret_call);
void hb_write(struct hb_exchange *ex, const void *data, size_t len);
/* Write the next LEN bytes of the pattern, in pieces of 64 KiB by reference, as the queue allows;
 * hb_pump goes on when it is writable. */
void hb_source(struct hb_exchange *ex, size_t len);
void hb_end(struct hb_exchange *ex);
void hb_consume_all(struct hb_exchange *ex);
/* Run COMMAND in a shell while the loop turns; "$U" is the server's URL. Its exit code; what it
 * printed is in OUT. */
int hb_shell(struct hb *bed, const char *command, char *out, size_t size);
/* The sum that body_sum has after LEN bytes of the pattern. */
uint32_t hb_pattern_sum(size_t len);

#endif
