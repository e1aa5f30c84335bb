/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "translation/reply.h"

#include <errno.h>
#include <stdio.h>

#include "base/err.h"
#include "rpc/pb.h"

void
gc_reply(struct gc_rpc_call *call, const ProtobufCMessage *response)
{
    struct gc_bytes *msg = gc_pb_pack(response);
    (void)(msg == NULL ? gc_rpc_fail_rc(call, -ENOMEM) : gc_rpc_reply(call, msg));
    gc_bytes_unref(msg);
}

static void
finish_err(struct gc_rpc_call *call, enum gc_api_err err, const struct gc_http_field *trailers,
           size_t n)
{
    struct gc_rpc_status status;
    gc_rpc_status_set(&status, (enum gc_rpc_code)gc_api_err_info(err)->grpc, "%s",
                      gc_api_err_info(err)->text);
    (void)gc_rpc_set_trailers(call, trailers, n);
    (void)gc_rpc_finish(call, &status);
}

void
gc_reply_err(struct gc_rpc_call *call, enum gc_api_err err)
{
    const struct gc_http_field trailer = { .name = GC_STR("gcommon-error"),
                                           .value = gc_str_of(gc_api_err_info(err)->code) };
    finish_err(call, err, &trailer, 1);
}

void
gc_reply_bad_range(struct gc_rpc_call *call, uint64_t length)
{
    char text[24];
    struct gc_http_field trailers[2] = {
        { .name = GC_STR("gcommon-error"),
          .value = gc_str_of(gc_api_err_info(GC_API_InvalidRange)->code) },
        { .name = GC_STR("gcommon-length") },
    };
    snprintf(text, sizeof(text), "%llu", (unsigned long long)length);
    trailers[1].value = gc_str_of(text);
    finish_err(call, GC_API_InvalidRange, trailers, 2);
}

enum gc_api_err
gc_reply_err_of_rc(int rc)
{
    switch (rc) {
    case GC_ELIMIT:
        return GC_API_SlowDown;
    case GC_EFULL:
    case -ENOSPC:
        return GC_API_InsufficientStorage;
    case GC_ECORRUPT:
    case GC_ECHECKSUM:
        return GC_API_DataLoss;
    default:
        return GC_API_ServiceUnavailable;
    }
}
