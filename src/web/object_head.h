/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What GET and HEAD of an object have in common: the request's conditions, the answer's head. */
#ifndef GC_WEB_OBJECT_HEAD_H
#define GC_WEB_OBJECT_HEAD_H

#include "proto/gcommon/v1/object/object.pb-c.h"
#include "web/request.h"

/* Answer with the head of an object: 200, or 206 when HEAD is of a part. END: no body. */
int gc_web_respond_object(struct gc_web_request *req, const Gcommon__V1__Object__ObjectHead *head,
                          bool end);

/* Bytes of the body that HEAD announces. */
uint64_t gc_web_object_bytes(const Gcommon__V1__Object__ObjectHead *head);

/* Keep of the request what a 304 repeats: If-None-Match when it is one entity tag. */
void gc_web_keep_etag(struct gc_web_request *req, const struct gc_http_head *head);
/* For gc_web_op.on_err: answers 304 with the entity tag kept, and nothing else. */
bool gc_web_answer_not_modified(struct gc_web_request *req, enum gc_api_err err);

#endif
