/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "meta/command.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "meta/rows.h"

#define COMMAND_VERSION    1
#define CONDITION_TEXT_MAX 4096u

const char *
gc_meta_op_name(enum gc_meta_op op)
{
    switch (op) {
#define GC_META_OP(number, NAME, member, needs_id) \
    case GC_META_OP_##NAME:                        \
        return #NAME;
#include "meta/command.tbl.h"
#undef GC_META_OP
    }
    return "?";
}

/* --- one pair of functions for each command: enc_<member>, dec_<member> --- */

static void
enc_barrier(struct gc_meta_enc *enc, const struct gc_meta_barrier *b)
{
    (void)enc;
    (void)b;
}

static int
dec_barrier(struct gc_meta_dec *dec, struct gc_meta_barrier *b, struct gc_arena *arena)
{
    (void)dec;
    (void)arena;
    b->unused = 0;
    return 0;
}

static void
enc_create_bucket(struct gc_meta_enc *enc, const struct gc_meta_create_bucket *c)
{
    gc_meta_enc_str(enc, c->name);
    gc_meta_enc_u8(enc, c->public_read);
    gc_meta_enc_u64(enc, c->copies);
}

static int
dec_create_bucket(struct gc_meta_dec *dec, struct gc_meta_create_bucket *c, struct gc_arena *arena)
{
    (void)arena;
    c->name = gc_meta_dec_str(dec, GC_META_TEXT_MAX);
    c->public_read = gc_meta_dec_u8(dec, 1) != 0;
    c->copies = (uint32_t)gc_meta_dec_u64(dec, GC_META_COPIES_MAX);
    return 0;
}

static void
enc_delete_bucket(struct gc_meta_enc *enc, const struct gc_meta_delete_bucket *d)
{
    gc_meta_enc_u64(enc, d->bucket_id);
}

static int
dec_delete_bucket(struct gc_meta_dec *dec, struct gc_meta_delete_bucket *d, struct gc_arena *arena)
{
    (void)arena;
    d->bucket_id = gc_meta_dec_u64(dec, UINT64_MAX);
    return 0;
}

static void
enc_conditions(struct gc_meta_enc *enc, const struct gc_meta_conditions *c)
{
    gc_meta_enc_str(enc, c->if_match);
    gc_meta_enc_str(enc, c->if_none_match);
}

static void
dec_conditions(struct gc_meta_dec *dec, struct gc_meta_conditions *c)
{
    c->if_match = gc_meta_dec_str(dec, CONDITION_TEXT_MAX);
    c->if_none_match = gc_meta_dec_str(dec, CONDITION_TEXT_MAX);
}

static void
enc_put_object(struct gc_meta_enc *enc, const struct gc_meta_put_object *p)
{
    gc_meta_enc_u64(enc, p->bucket_id);
    gc_meta_enc_str(enc, p->key);
    enc_conditions(enc, &p->conditions);
    gc_meta_enc_u64(enc, p->object.length);
    gc_meta_enc_raw(enc, p->object.md5, sizeof(p->object.md5));
    gc_meta_enc_u64(enc, p->object.crc32c);
    gc_meta_enc_u64(enc, p->object.mtime_ms);
    gc_meta_enc_fields(enc, &p->object);
    gc_meta_enc_extents(enc, p->object.extents, p->object.n_extents);
}

static int
dec_put_object(struct gc_meta_dec *dec, struct gc_meta_put_object *p, struct gc_arena *arena)
{
    int rc;

    p->bucket_id = gc_meta_dec_u64(dec, UINT64_MAX);
    p->key = gc_meta_dec_str(dec, GC_META_KEY_MAX);
    dec_conditions(dec, &p->conditions);
    p->object.length = gc_meta_dec_u64(dec, UINT64_MAX);
    gc_meta_dec_raw(dec, p->object.md5, sizeof(p->object.md5));
    p->object.crc32c = (uint32_t)gc_meta_dec_u64(dec, UINT32_MAX);
    p->object.mtime_ms = gc_meta_dec_u64(dec, UINT64_MAX);
    p->object.version = 0;
    rc = gc_meta_dec_fields(dec, &p->object, arena);
    return rc == 0 ? gc_meta_dec_extents(dec, &p->object, GC_META_EXTENTS_MAX, arena) : rc;
}

static void
enc_delete_object(struct gc_meta_enc *enc, const struct gc_meta_delete_object *d)
{
    gc_meta_enc_u64(enc, d->bucket_id);
    gc_meta_enc_str(enc, d->key);
    enc_conditions(enc, &d->conditions);
}

static int
dec_delete_object(struct gc_meta_dec *dec, struct gc_meta_delete_object *d, struct gc_arena *arena)
{
    (void)arena;
    d->bucket_id = gc_meta_dec_u64(dec, UINT64_MAX);
    d->key = gc_meta_dec_str(dec, GC_META_KEY_MAX);
    dec_conditions(dec, &d->conditions);
    return 0;
}

static void
enc_grant_epoch(struct gc_meta_enc *enc, const struct gc_meta_grant_epoch *g)
{
    gc_meta_enc_str(enc, g->process);
}

static int
dec_grant_epoch(struct gc_meta_dec *dec, struct gc_meta_grant_epoch *g, struct gc_arena *arena)
{
    (void)arena;
    g->process = gc_meta_dec_str(dec, GC_META_TEXT_MAX);
    return 0;
}

static void
enc_fence_epoch(struct gc_meta_enc *enc, const struct gc_meta_fence_epoch *f)
{
    gc_meta_enc_u64(enc, f->epoch);
}

static int
dec_fence_epoch(struct gc_meta_dec *dec, struct gc_meta_fence_epoch *f, struct gc_arena *arena)
{
    (void)arena;
    f->epoch = gc_meta_dec_u64(dec, UINT64_MAX);
    return 0;
}

static void
enc_set_watermark(struct gc_meta_enc *enc, const struct gc_meta_set_watermark *s)
{
    gc_meta_enc_u64(enc, s->epoch);
    gc_meta_enc_u64(enc, s->counter);
}

static int
dec_set_watermark(struct gc_meta_dec *dec, struct gc_meta_set_watermark *s, struct gc_arena *arena)
{
    (void)arena;
    s->epoch = gc_meta_dec_u64(dec, UINT64_MAX);
    s->counter = gc_meta_dec_u64(dec, UINT64_MAX);
    return 0;
}

static void
enc_register_server(struct gc_meta_enc *enc, const struct gc_meta_register_server *r)
{
    gc_meta_enc_str(enc, r->node);
    gc_meta_enc_str(enc, r->address);
    gc_meta_enc_str(enc, r->zone);
    gc_meta_enc_u64(enc, r->weight);
    gc_meta_enc_raw(enc, r->store_uuid, sizeof(r->store_uuid));
    gc_meta_enc_u64(enc, r->generation);
    gc_meta_enc_u64(enc, r->durable_seq);
    gc_meta_enc_u8(enc, r->suspect);
}

static int
dec_register_server(struct gc_meta_dec *dec, struct gc_meta_register_server *r,
                    struct gc_arena *arena)
{
    (void)arena;
    r->node = gc_meta_dec_str(dec, GC_META_TEXT_MAX);
    r->address = gc_meta_dec_str(dec, GC_META_TEXT_MAX);
    r->zone = gc_meta_dec_str(dec, GC_META_TEXT_MAX);
    r->weight = (uint32_t)gc_meta_dec_u64(dec, UINT32_MAX);
    gc_meta_dec_raw(dec, r->store_uuid, sizeof(r->store_uuid));
    r->generation = gc_meta_dec_u64(dec, UINT64_MAX);
    r->durable_seq = gc_meta_dec_u64(dec, UINT64_MAX);
    r->suspect = gc_meta_dec_u8(dec, 1) != 0;
    return 0;
}

static void
enc_server_down(struct gc_meta_enc *enc, const struct gc_meta_server_down *s)
{
    gc_meta_enc_u64(enc, s->number);
    gc_meta_enc_u64(enc, s->incarnation);
}

static int
dec_server_down(struct gc_meta_dec *dec, struct gc_meta_server_down *s, struct gc_arena *arena)
{
    (void)arena;
    s->number = (uint32_t)gc_meta_dec_u64(dec, UINT32_MAX);
    s->incarnation = gc_meta_dec_u64(dec, UINT64_MAX);
    return 0;
}

static void
enc_gc_ack(struct gc_meta_enc *enc, const struct gc_meta_gc_ack *a)
{
    gc_meta_enc_u64(enc, a->server);
    gc_meta_enc_u64(enc, a->upto);
}

static int
dec_gc_ack(struct gc_meta_dec *dec, struct gc_meta_gc_ack *a, struct gc_arena *arena)
{
    (void)arena;
    a->server = (uint32_t)gc_meta_dec_u64(dec, UINT32_MAX);
    a->upto = gc_meta_dec_u64(dec, UINT64_MAX);
    return 0;
}

/* --- the whole --- */

static void
enc_command(struct gc_meta_enc *enc, const struct gc_meta_command *cmd)
{
    gc_meta_enc_u8(enc, COMMAND_VERSION);
    gc_meta_enc_u64(enc, cmd->op);
    gc_meta_enc_raw(enc, cmd->request_id, sizeof(cmd->request_id));
    gc_meta_enc_u64(enc, cmd->expires_at_ms);
    gc_meta_enc_str(enc, cmd->principal);
    gc_meta_enc_u64(enc, cmd->role);
    switch (cmd->op) {
#define GC_META_OP(number, NAME, member, needs_id) \
    case GC_META_OP_##NAME:                        \
        enc_##member(enc, &cmd->u.member);         \
        break;
#include "meta/command.tbl.h"
#undef GC_META_OP
    }
}

static int
dec_body(struct gc_meta_dec *dec, struct gc_meta_command *cmd, struct gc_arena *arena)
{
    switch (cmd->op) {
#define GC_META_OP(number, NAME, member, needs_id) \
    case GC_META_OP_##NAME:                        \
        return dec_##member(dec, &cmd->u.member, arena);
#include "meta/command.tbl.h"
#undef GC_META_OP
    }
    dec->bad = true;
    return 0;
}

/* ARENA NULL: only see whether it is well-formed. */
static int
command_decode(struct gc_meta_command *cmd, const void *data, size_t len, struct gc_arena *arena)
{
    struct gc_meta_dec dec;
    int rc;

    gc_meta_dec_init(&dec, data, len);
    if (len > GC_META_COMMAND_BYTES_MAX) {
        return GC_EPARSE;
    }
    if (gc_meta_dec_u8(&dec, UINT8_MAX) != COMMAND_VERSION) {
        return dec.bad ? GC_EPARSE : GC_EVERSION;
    }
    memset(cmd, 0, sizeof(*cmd));
    cmd->op = (enum gc_meta_op)gc_meta_dec_u64(&dec, UINT16_MAX);
    gc_meta_dec_raw(&dec, cmd->request_id, sizeof(cmd->request_id));
    cmd->expires_at_ms = gc_meta_dec_u64(&dec, UINT64_MAX);
    cmd->principal = gc_meta_dec_str(&dec, GC_META_TEXT_MAX);
    cmd->role = (uint32_t)gc_meta_dec_u64(&dec, UINT32_MAX);
    if (dec.bad) {
        return GC_EPARSE;
    }
    rc = dec_body(&dec, cmd, arena);
    if (rc != 0) {
        return rc;
    }
    return gc_meta_dec_done(&dec) ? 0 : GC_EPARSE;
}

int
gc_meta_command_decode(struct gc_meta_command *cmd, const void *data, size_t len,
                       struct gc_arena *arena)
{
    return command_decode(cmd, data, len, arena);
}

int
gc_meta_command_encode(const struct gc_meta_command *cmd, struct gc_buf *buf)
{
    struct gc_meta_enc enc = { .data = NULL };
    struct gc_meta_command check;
    int rc;

    enc_command(&enc, cmd);
    if (enc.len > GC_META_COMMAND_BYTES_MAX) {
        return GC_ELIMIT;
    }
    rc = gc_buf_reserve(buf, enc.len);
    if (rc != 0) {
        return rc;
    }
    enc = (struct gc_meta_enc){ .data = buf->data + buf->len, .cap = enc.len };
    enc_command(&enc, cmd);
    if (command_decode(&check, enc.data, enc.len, NULL) != 0) {
        return -EINVAL;
    }
    buf->len += enc.len;
    return 0;
}
