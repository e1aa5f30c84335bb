/* SPDX-License-Identifier: MIT */
/* protobuf-c messages from and to gc_bytes. Decoding goes into an arena with a budget
 * (object-protocol.md rule 30): at most eight times the wire size plus 64 KiB, never more than
 * what the arena has left. */
#ifndef GC_RPC_PB_H
#define GC_RPC_PB_H

#include <protobuf-c/protobuf-c.h>

#include "base/arena.h"
#include "base/bytes.h"

/* Serialise MSG; NULL when there is no memory. */
struct gc_bytes *gc_pb_pack(const ProtobufCMessage *msg);

/* Decode into ARENA; the message and all it points to live as long as the arena: never freed
 * singly. NULL when malformed, nested deeper than 32, over budget, or a string field is not UTF-8
 * without NUL. */
void *gc_pb_unpack(const ProtobufCMessageDescriptor *desc, struct gc_arena *arena, const void *data,
                   size_t len);

#endif
