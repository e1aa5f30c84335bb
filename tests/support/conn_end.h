/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One end of a connection for tests: sends texts and patterns, notes what happens to it. */
#ifndef GC_TESTS_SUPPORT_CONN_END_H
#define GC_TESTS_SUPPORT_CONN_END_H

#include "base/buf.h"
#include "net/conn.h"

#define GC_END_RX_MAX (1024 * 1024)

struct gc_end {
    struct gc_conn *conn; /* NULL before and after */
    unsigned n_opened;
    unsigned n_eof;
    unsigned n_closed;
    int rc;
    struct gc_peer peer; /* as it was at on_open */
    bool h2;

    struct gc_buf rx;    /* what came, while TAKE_PATTERN is false */
    bool take_pattern;   /* count and verify instead */
    uint64_t n_read;     /* bytes that came */
    bool pattern_broken; /* ... and were not the pattern's */
    size_t n_slices;
    struct gc_bytes *kept[8]; /* the first slices' buffers, while KEEP */
    size_t keep;

    struct gc_buf tx;     /* to be sent */
    uint64_t pattern_end; /* bytes of the pattern to send */
    uint64_t n_written;
    size_t piece; /* bytes of one gc_conn_write; 0: 10000 */
    bool close_after_tx;

    /* May be NULL; run at the end of that event. */
    void (*then_open)(struct gc_end *end);
    void (*then_read)(struct gc_end *end);
    void (*then_closed)(struct gc_end *end);
    void *arg;
};

extern const struct gc_conn_ops gc_end_ops;        /* arg: struct gc_end */
extern const struct gc_conn_ops gc_end_ops_no_eof; /* the same, closes with the peer */

void gc_end_init(struct gc_end *end);
void gc_end_fini(struct gc_end *end);
void gc_end_send(struct gc_end *end, const char *text);
/* Send LEN more bytes of the pattern. */
void gc_end_send_pattern(struct gc_end *end, uint64_t len);
bool gc_end_got(const struct gc_end *end, const char *text);

/* A listener whose connections are the ends of an array, in order of their coming; refuses further
 * ones. */
struct gc_end_server {
    struct gc_listener *listener;
    struct gc_end *ends;
    size_t n_ends;
    size_t n_accepted;
    bool no_eof;
};
int gc_end_listen(struct gc_end_server *server, struct gc_loop *loop,
                  const struct gc_listen_conf *conf);
int gc_end_dial(struct gc_end *end, struct gc_loop *loop, const struct gc_end_server *server,
                struct gc_tls_ctx *tls, const char *expect_name);

#endif
