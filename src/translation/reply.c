/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "translation/reply.h"

#include <errno.h>

#include "base/err.h"
#include "rpc/pb.h"

void
gc_reply(struct gc_rpc_call *call, const ProtobufCMessage *response)
{
    struct gc_bytes *msg = gc_pb_pack(response);
    (void)(msg == NULL ? gc_rpc_fail_rc(call, -ENOMEM) : gc_rpc_reply(call, msg));
    gc_bytes_unref(msg);
}

void
gc_reply_err(struct gc_rpc_call *call, enum gc_api_err err)
{
    const struct gc_api_err_info *info = gc_api_err_info(err);
    const struct gc_http_field trailer = { .name = GC_STR("gcommon-error"),
                                           .value = gc_str_of(info->code) };
    struct gc_rpc_status status;
    gc_rpc_status_set(&status, (enum gc_rpc_code)info->grpc, "%s", info->text);
    (void)gc_rpc_set_trailers(call, &trailer, 1);
    (void)gc_rpc_finish(call, &status);
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
