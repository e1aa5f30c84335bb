/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A worker of gcommon-web, a translation node whose answers a test chooses (also those that a real
 * one gives once a year), and a client, on one loop, without TLS. */
#ifndef GC_TESTS_SUPPORT_WEB_BED_H
#define GC_TESTS_SUPPORT_WEB_BED_H

#include "base/buf.h"
#include "proto/gcommon/v1/gateway/gateway.pb-c.h"
#include "tests/support/until.h"
#include "web/web.h"

#define WEB_BED_PUTS_MAX    16
#define WEB_BED_REPLIES_MAX 64

/* One call of PutObject that arrived. */
struct web_bed_put {
    struct web_bed *bed;
    struct gc_rpc_call *call; /* NULL once it has ended */
    uint8_t request_id[16];
    char token[64], bucket[64], key[64], if_none_match[64];
    char fields[256];       /* "name: value\n"... */
    size_t n_chunks, n_odd; /* odd: not full, or with a wrong CRC */
    size_t n_owed;          /* not consumed */
    uint64_t length;        /* of the chunks */
    uint32_t crc;
    bool committed;
    uint64_t commit_length;
    uint32_t commit_crc;
    uint8_t commit_md5[16];
};

/* What the client got. */
struct web_bed_reply {
    struct web_bed *bed;
    struct gc_http_stream *s; /* NULL once it has closed */
    unsigned status;
    char fields[4096]; /* "name: value\n"... */
    struct gc_buf body;
    bool hold; /* do not consume */
    size_t held;
    bool ended; /* cleanly */
    bool closed;
    int rc;
    unsigned h2_code;
    size_t to_send; /* of the pattern, as it is taken */
    size_t n_sent;
    bool end_due;
};

struct web_bed {
    struct gc_loop *loop;
    struct gc_metrics *metrics;
    struct gc_web_conf conf; /* to be changed before web_bed_open */
    struct gc_web web;
    struct gc_web_worker worker;
    uint16_t port;                 /* of the worker */
    struct gc_http_client *client; /* NULL after its on_close */
    bool client_ready;
    struct web_bed_reply *replies[WEB_BED_REPLIES_MAX];
    size_t n_replies;

    /* What translation does. */
    struct gc_rpc_server *rpc;
    struct gc_http_server *http;
    struct gc_rpc_service service;
    unsigned n_lose;     /* so many calls from now on get no answer; a PutObject at its commit */
    enum gc_api_err err; /* all calls end with it (a PutObject at its head) */
    size_t err_after_chunks;                  /* ... or a PutObject after so many */
    bool hold;                                /* chunks are not consumed */
    bool mute;                                /* a unary call or a commit gets no answer at all */
    unsigned outcomes_unknown;                /* so many answers of Outcome say not known */
    uint32_t outcome;                         /* then: the client error, 0 = done */
    uint64_t get_length;                      /* of the object that GetObject sends */
    uint64_t get_range_first, get_range_last; /* not both 0: a part of it */
    size_t get_bad_chunk;  /* number of a chunk, from 1, with a wrong CRC; 0 = none */
    size_t get_chunks_max; /* after so many the call ends with GET_ERR; 0 = all */
    enum gc_api_err get_err;
    const ProtobufCMessage *answer; /* to unary calls; NULL: an empty message */

    /* What translation saw. */
    unsigned n_calls, n_outcomes, n_muted_ended;
    char path[64];      /* method of the last unary call */
    struct gc_buf last; /* and its request */
    struct web_bed_put puts[WEB_BED_PUTS_MAX];
    size_t n_puts;
    size_t n_get_sent; /* chunks */
    uint64_t get_at;
    struct gc_rpc_call *get_call;
};

/* With defaults; anonymous. */
void web_bed_init(struct web_bed *bed);
void web_bed_open(struct web_bed *bed);
/* Checks that nothing is left over. */
void web_bed_fini(struct web_bed *bed);
/* No connections to translation any more, until the end. */
void web_bed_lose_translation(struct web_bed *bed);

#define web_bed_until(bed, cond) gc_until((bed)->loop, cond)

/* A request; END: without a body. FIELDS: "name: value" strings, N of them. */
struct web_bed_reply *web_bed_request(struct web_bed *bed, const char *method, const char *path,
                                      const char *const *fields, size_t n, bool end);
/* The same without fields and body; waits for the end. */
struct web_bed_reply *web_bed_get(struct web_bed *bed, const char *method, const char *path);
/* Send N more bytes of the pattern as they are taken. END: and then the end. */
void web_bed_send(struct web_bed_reply *reply, size_t n, bool end);
void web_bed_end(struct web_bed_reply *reply);
uint8_t web_bed_byte(uint64_t at); /* of the pattern, also of the object that GetObject sends */
bool web_bed_has(const struct web_bed_reply *reply, const char *line); /* a header line */
bool web_bed_body_has(struct web_bed_reply *reply, const char *text);

#endif
