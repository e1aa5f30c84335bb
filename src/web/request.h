/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One HTTP request: from the head to the end of its response. The operation that it asks for is a
 * table of functions (struct gc_web_op), one file an operation; this module routes,
 * authenticates, answers, logs and counts.
 *
 * Life: gc_web_on_request makes it; it goes when its stream has gone and nobody holds it
 * (gc_web_hold/release: an operation does while calls of its own are under way). S is NULL once the
 * stream has gone; so is then the memory of TARGET and PATH, which lie in the stream's arena. An
 * answer is given once; whatever else arrives of the body is dropped from then on. */
#ifndef GC_WEB_REQUEST_H
#define GC_WEB_REQUEST_H

#include "net/http.h"
#include "web/route.h"
#include "web/upstream.h"
#include "web/web.h"

#define GC_WEB_BODY_DROP_MAX (64 * 1024) /* of a body that means nothing to the operation */
#define GC_WEB_FIELDS_MAX    120         /* of an answer */

struct gc_web_request;

struct gc_web_op {
    const char *name; /* in logs */
    /* At the head, valid during the call only: prepare, e.g. gc_web_prepare. An error is answered
     * by the caller. */
    enum gc_api_err (*start)(struct gc_web_request *req, const struct gc_http_head *head);
    /* Body bytes, to be consumed. NULL: dropped. */
    void (*data)(struct gc_web_request *req, const struct gc_slice *data);
    /* The whole request has arrived. NULL: make the prepared call. */
    void (*end)(struct gc_web_request *req);
    void (*writable)(struct gc_web_request *req); /* may be NULL */
    /* The stream has gone. NULL: cancel the prepared call. */
    void (*gone)(struct gc_web_request *req);
    /* The prepared call's answer, while the stream is there. RESPONSE is borrowed. An error is
     * answered by the caller unless ON_ERR, which may be NULL, says true (answered). */
    void (*answer)(struct gc_web_request *req, struct gc_bytes *response);
    bool (*on_err)(struct gc_web_request *req, enum gc_api_err err);
};

struct gc_web_request {
    struct gc_http_stream *s;
    struct gc_web_worker *worker;
    const struct gc_web_op *op;
    void *state; /* the operation's */
    struct gc_web_target target;
    struct gc_web_proof proof;
    uint8_t id[GC_WEB_REQUEST_ID_BYTES];
    char id_text[2 * GC_WEB_REQUEST_ID_BYTES + 1];
    struct gc_trace trace;
    struct gc_str method, path; /* path: raw, without the query */
    const char *content_range;  /* of a 416; NULL: none */
    struct gc_str etag;         /* what a 304 repeats; see object_head.h */
    /* Private to request.c from here on. */
    struct gc_upstream upstream;
    enum gc_upstream_op upstream_op;
    struct gc_bytes *prepared;
    uint64_t started_ns;
    uint64_t n_dropped;
    unsigned status; /* answered with; 0: not yet */
    enum gc_api_err err;
    unsigned n_refs;
};

void gc_web_hold(struct gc_web_request *req);
void gc_web_release(struct gc_web_request *req);

/* From START: the call to be made once the request is whole. */
enum gc_api_err gc_web_prepare(struct gc_web_request *req, enum gc_upstream_op op,
                               const ProtobufCMessage *message);
/* What calls on behalf of this request say about it. */
struct gc_upstream_context gc_web_context(const struct gc_web_request *req);

/* --- answers: harmless when there is one already, or the stream has gone ----------------------
 */

/* The head of the answer: what all answers have and FIELDS. END: no body. */
int gc_web_respond(struct gc_web_request *req, unsigned status, const struct gc_http_field *fields,
                   size_t n, bool end);
void gc_web_answer_empty(struct gc_web_request *req, unsigned status,
                         const struct gc_http_field *fields, size_t n);
/* A whole body in BUF of TYPE. */
void gc_web_answer_body(struct gc_web_request *req, unsigned status, const char *type,
                        const struct gc_buf *buf);
void gc_web_answer_xml(struct gc_web_request *req, const struct gc_buf *buf);
/* ERR as S3's XML. */
void gc_web_answer_err(struct gc_web_request *req, enum gc_api_err err);
bool gc_web_answered(const struct gc_web_request *req);

#endif
