/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How gateway methods answer. */
#ifndef GC_TRANSLATION_REPLY_H
#define GC_TRANSLATION_REPLY_H

#include <protobuf-c/protobuf-c.h>

#include "core/apierr.h"
#include "rpc/call.h"

/* Pack and send one response, OK. */
void gc_reply(struct gc_rpc_call *call, const ProtobufCMessage *response);
/* End with the gRPC status of ERR and its code in the trailing metadata "gcommon-error". */
void gc_reply_err(struct gc_rpc_call *call, enum gc_api_err err);
/* The same for a range that the object of LENGTH bytes has not: web tells the client the length. */
void gc_reply_bad_range(struct gc_rpc_call *call, uint64_t length);
/* The client's error for a local failure RC: overload SlowDown, full InsufficientStorage, damaged
 * DataLoss, else ServiceUnavailable. */
enum gc_api_err gc_reply_err_of_rc(int rc);

#endif
