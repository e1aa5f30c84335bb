/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The common life of a gateway method with one request and one answer: check the proof, wait for a
 * read index, run in one read transaction, maybe propose a command, answer. The memory goes when
 * the call has ended and nothing is under way. */
#ifndef GC_TRANSLATION_UNARY_H
#define GC_TRANSLATION_UNARY_H

#include "core/acl.h"
#include "translation/read.h"
#include "translation/translation.h"

struct gc_unary {
    struct gc_rpc_call *call; /* NULL once it has ended */
    struct gc_translation_worker *worker;
    const void *request; /* decoded; lives in the call's arena */
    const Gcommon__V1__Gateway__Context *context;
    struct gc_principal principal;
    struct gc_propose propose; /* its result, in DONE */
    /* Private to unary.c. */
    struct gc_read read;
    void (*run)(struct gc_unary *unary, const struct gc_meta_read *rd);
    void (*done)(struct gc_unary *unary, const struct gc_meta_result *result);
    bool busy;
};

/* Start a method. REQUEST NULL (malformed) is answered here, as is a bad proof. RUN answers, or
 * calls gc_unary_propose. RD's arena is the call's. */
void gc_unary_start(struct gc_rpc_call *call, struct gc_translation_worker *worker,
                    const void *request, const Gcommon__V1__Gateway__Context *context,
                    void (*run)(struct gc_unary *unary, const struct gc_meta_read *rd));

/* From RUN: propose CMD under the context's request id and limit, and answer in DONE, which sees
 * only results without an error (errors are answered here). */
void gc_unary_propose(struct gc_unary *unary, struct gc_meta_command *cmd,
                      void (*done)(struct gc_unary *unary, const struct gc_meta_result *result));

/* Fill the header of CMD from proof and context. False: request id or limit are malformed. */
bool gc_command_header(struct gc_meta_command *cmd, struct gc_translation *translation,
                       const struct gc_principal *principal,
                       const Gcommon__V1__Gateway__Context *context);

/* The bucket NAME if PRINCIPAL may ACTION it; else what to answer. */
enum gc_api_err gc_bucket_for(const struct gc_meta_read *rd, const char *name,
                              const struct gc_principal *principal, enum gc_acl_action action,
                              struct gc_meta_bucket *ret_bucket);

#endif
