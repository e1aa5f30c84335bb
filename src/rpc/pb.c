/* SPDX-License-Identifier: MIT */
/* A message is looked over before it is decoded: protobuf-c itself has no limit of depth, and keeps
 * strings as C strings, so that a NUL inside one would cut it without a word. Then it is decoded
 * into the arena by an allocator that counts. */
#include "rpc/pb.h"

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define DEPTH_MAX     32
#define BUDGET_FACTOR 8
/* protobuf-c scans a message into slabs of 40 bytes a field before it decodes it: this much lets a
 * thousand of the smallest submessages pass. */
#define BUDGET_BASE (64 * 1024)

enum wire_type { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_LEN = 2, WIRE_32 = 5 };

struct reader {
    const uint8_t *data;
    size_t len;
};

static bool
read_varint(struct reader *in, uint64_t *ret_value)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64 && in->len > 0; shift += 7) {
        uint8_t byte = *in->data;

        in->data++;
        in->len--;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *ret_value = value;
            return true;
        }
    }
    return false;
}

static bool
skip(struct reader *in, size_t len)
{
    if (len > in->len) {
        return false;
    }
    in->data += len;
    in->len -= len;
    return true;
}

static bool message_ok(const ProtobufCMessageDescriptor *desc, struct reader in, unsigned depth);

static bool
contents_ok(const ProtobufCFieldDescriptor *field, struct reader part, unsigned depth)
{
    if (field == NULL) {
        return true;
    }
    if (field->type == PROTOBUF_C_TYPE_STRING) {
        return gc_utf8_valid((struct gc_str){ (const char *)part.data, part.len });
    }
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        return depth < DEPTH_MAX && message_ok(field->descriptor, part, depth + 1);
    }
    return true;
}

static bool
field_ok(const ProtobufCMessageDescriptor *desc, struct reader *in, unsigned depth)
{
    const ProtobufCFieldDescriptor *field;
    struct reader part;
    uint64_t tag, len;

    if (!read_varint(in, &tag) || tag >> 3 == 0 || tag > UINT32_MAX) {
        return false;
    }
    switch (tag & 7) {
    case WIRE_VARINT:
        return read_varint(in, &len);
    case WIRE_64:
        return skip(in, 8);
    case WIRE_32:
        return skip(in, 4);
    case WIRE_LEN:
        if (!read_varint(in, &len) || len > in->len) {
            return false;
        }
        part = (struct reader){ in->data, (size_t)len };
        skip(in, (size_t)len);
        field = protobuf_c_message_descriptor_get_field(desc, (unsigned)(tag >> 3));
        return contents_ok(field, part, depth);
    default: /* groups */
        return false;
    }
}

static bool
message_ok(const ProtobufCMessageDescriptor *desc, struct reader in, unsigned depth)
{
    while (in.len > 0) {
        if (!field_ok(desc, &in, depth)) {
            return false;
        }
    }
    return true;
}

struct budget {
    struct gc_arena *arena;
    size_t left;
};

static void *
budget_alloc(void *arg, size_t len)
{
    struct budget *budget = arg;
    size_t before = budget->arena->used;
    void *ptr = len > budget->left ? NULL : gc_arena_alloc(budget->arena, len);
    size_t cost = budget->arena->used - before; /* with padding, which tiny pieces have most of */

    if (ptr == NULL || cost > budget->left) {
        return NULL;
    }
    budget->left -= cost;
    return ptr;
}

static void
budget_free(void *arg, void *ptr)
{
    (void)arg;
    (void)ptr;
}

void *
gc_pb_unpack(const ProtobufCMessageDescriptor *desc, struct gc_arena *arena, const void *data,
             size_t len)
{
    struct budget budget = { arena, 0 };
    ProtobufCAllocator allocator = { budget_alloc, budget_free, &budget };

    if (len > (SIZE_MAX - BUDGET_BASE) / BUDGET_FACTOR ||
        !message_ok(desc, (struct reader){ data, len }, 0)) {
        return NULL;
    }
    budget.left = len * BUDGET_FACTOR + BUDGET_BASE;
    /* protobuf-c takes no NULL, which an empty message may come with. */
    return protobuf_c_message_unpack(desc, &allocator, len, len > 0 ? data : (const void *)"");
}

struct gc_bytes *
gc_pb_pack(const ProtobufCMessage *msg)
{
    struct gc_bytes *bytes = gc_bytes_new(protobuf_c_message_get_packed_size(msg));

    if (bytes != NULL) {
        bytes->len = protobuf_c_message_pack(msg, bytes->data);
    }
    return bytes;
}
