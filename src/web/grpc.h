/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gcommon.v1.object.ObjectService: the client API over gRPC. Requests get their proof and id here
 * and go on to translation; answers and chunks are passed on as they come. ARG of a method is the
 * struct gc_web_worker. */
#ifndef GC_WEB_GRPC_H
#define GC_WEB_GRPC_H

#include "web/upstream.h"
#include "web/web.h"

/* Who calls and under which id. */
struct gc_web_grpc_caller {
    struct gc_web_proof proof;
    uint8_t request_id[GC_WEB_REQUEST_ID_BYTES];
    struct gc_upstream_context context; /* refers to the two above */
};

/* Authenticate CALL by its metadata or certificate, and give it an id. On an error the call has
 * been answered. */
bool gc_web_grpc_caller(struct gc_rpc_call *call, struct gc_web_worker *worker,
                        struct gc_web_grpc_caller *ret_caller);
/* End CALL with ERR: gRPC status, and the code in the trailing metadata "gcommon-error". */
void gc_web_grpc_err(struct gc_rpc_call *call, enum gc_api_err err);

void gc_web_grpc_put(struct gc_rpc_call *call, void *arg,
                     struct gc_bytes *request); /* grpc_put.c */
void gc_web_grpc_get(struct gc_rpc_call *call, void *arg,
                     struct gc_bytes *request); /* grpc_get.c */

#endif
