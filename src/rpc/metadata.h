/* SPDX-License-Identifier: MIT */
/* Metadata: what of a field list belongs to the application, and how "-bin" values travel (base64
 * unpadded; padded is accepted, several joined by commas are split). Pure; results live in the
 * arena. */
#ifndef GC_RPC_METADATA_H
#define GC_RPC_METADATA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "net/http.h"

#define GC_RPC_METADATA_MAX 256 /* values received, joined ones counted singly */

struct gc_rpc_metadata {
    struct gc_http_field *fields;
    size_t n;
};

/* True for names that the protocol uses itself (grpc-*, content-type, te ...): an application
 * neither sets nor sees them. grpc-status-details-bin is the application's. */
bool gc_rpc_metadata_reserved(struct gc_str name);

/* Wire form of an application's N fields. GC_EPARSE: a name outside [0-9a-z_.-] or reserved, a text
 * value outside 0x20-0x7E. GC_ELIMIT: the arena is used up. */
int gc_rpc_metadata_encode(struct gc_arena *arena, const struct gc_http_field *fields, size_t n,
                           struct gc_rpc_metadata *ret_wire);

/* The application's fields among the N received, copied, "-bin" values decoded. Text that is legal
 * in HTTP but not in gRPC is left out. GC_EPARSE: broken base64. GC_ELIMIT: too many values, or the
 * arena is used up. */
int gc_rpc_metadata_decode(struct gc_arena *arena, const struct gc_http_field *fields, size_t n,
                           struct gc_rpc_metadata *ret_metadata);

/* "grpc-c-gcommon/<version> (linux)", with PREFIX and a blank before it unless NULL. */
struct gc_str gc_rpc_user_agent(struct gc_arena *arena, const char *prefix);

#endif
