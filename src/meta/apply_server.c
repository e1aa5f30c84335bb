/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The registry of file servers, and their garbage queues. A number belongs to a store's uuid: the
 * extents of objects name numbers, so another disk on the same node gets another one, and a disk
 * that moves keeps its own. */
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "meta/apply.h"
#include "meta/blobs.h"

#define COPIES_DEFAULT_MAX 3u
#define KEY_NODE           'n'
#define KEY_UUID           'u'

int
gc_meta_server_get(const struct gc_meta *meta, struct gc_kv_txn *txn, uint32_t number,
                   struct gc_meta_server *ret_server)
{
    struct gc_meta_key key;
    struct gc_kv_val val;
    int rc;

    gc_meta_key_u32(&key, number);
    rc = gc_meta_store_get(meta, txn, GC_META_T_SERVER, &key, &val);
    if (rc == 0) {
        rc = gc_meta_dec_server(val, ret_server);
        ret_server->number = number;
    }
    return rc;
}

static int
server_put(struct gc_meta *meta, const struct gc_meta_server *server)
{
    struct gc_meta_enc enc = gc_meta_store_row(meta);
    struct gc_meta_key key;

    gc_meta_key_u32(&key, server->number);
    gc_meta_enc_server(&enc, server);
    return gc_meta_store_put(meta, GC_META_T_SERVER, &key, &enc);
}

/* The number at KEY, 0 when there is none. */
static int
number_get(const struct gc_meta *meta, const struct gc_meta_key *key, uint32_t *ret_number)
{
    struct gc_kv_val val;
    uint64_t number = 0;
    int rc = gc_meta_store_get(meta, meta->txn, GC_META_T_SERVER_KEY, key, &val);

    if (rc == 0) {
        rc = gc_meta_dec_number_row(val, &number);
    }
    if (rc != 0 && rc != GC_ENOTFOUND) {
        return rc;
    }
    *ret_number = (uint32_t)number;
    return 0;
}

static int
number_put(struct gc_meta *meta, const struct gc_meta_key *key, uint32_t number)
{
    struct gc_meta_enc enc = gc_meta_store_row(meta);

    gc_meta_enc_number_row(&enc, number);
    return gc_meta_store_put(meta, GC_META_T_SERVER_KEY, key, &enc);
}

/* The store that had this node until now. */
static int
server_replace(struct gc_meta *meta, uint32_t number)
{
    struct gc_meta_server server;
    int rc = gc_meta_server_get(meta, meta->txn, number, &server);

    if (rc != 0) {
        return rc == GC_ENOTFOUND ? GC_ECORRUPT : rc;
    }
    if (server.state == GC_META_SERVER_REPLACED) {
        return 0;
    }
    meta->state.n_servers--;
    server.state = GC_META_SERVER_REPLACED;
    server.registry_version = meta->state.registry_version;
    return server_put(meta, &server);
}

/* A known store registers again: what becomes of its row. */
static int
server_again(struct gc_meta *meta, const struct gc_meta_register_server *reg,
             struct gc_meta_server *server)
{
    struct gc_meta_key key;
    uint32_t at_node = 0;
    int rc = 0;

    if (server->state == GC_META_SERVER_REPLACED) {
        meta->state.n_servers++;
    }
    if (server->state != GC_META_SERVER_DRAINING && server->state != GC_META_SERVER_SUSPECT) {
        server->state = GC_META_SERVER_UP;
    }
    if (reg->suspect || reg->generation < server->generation ||
        reg->durable_seq < server->durable_seq) {
        server->state = GC_META_SERVER_SUSPECT;
    }
    server->generation = GC_MAX(server->generation, reg->generation);
    server->durable_seq = GC_MAX(server->durable_seq, reg->durable_seq);
    if (!gc_str_eq(server->node, reg->node)) {
        gc_meta_key_tagged(&key, KEY_NODE, server->node.data, server->node.len);
        rc = number_get(meta, &key, &at_node);
    }
    /* The row's texts are not used from here on: the write below may move them. */
    server->node = reg->node;
    if (rc == 0 && at_node == server->number) {
        rc = gc_meta_store_del(meta, GC_META_T_SERVER_KEY, &key);
    }
    return rc;
}

static bool
register_valid(const struct gc_meta_register_server *reg)
{
    static const uint8_t none[sizeof(reg->store_uuid)];

    return reg->node.len > 0 && reg->address.len > 0 && reg->weight > 0 &&
           memcmp(reg->store_uuid, none, sizeof(none)) != 0;
}

/* Whether another process with the same store is alive: two at once would destroy it (rule 21). */
static bool
store_is_elsewhere(const struct gc_meta_server *server, struct gc_str node)
{
    return !gc_str_eq(server->node, node) && server->state != GC_META_SERVER_DOWN &&
           server->state != GC_META_SERVER_REPLACED;
}

/* SERVER's state, node and generation are set; the rest comes from REG. */
static int
register_finish(struct gc_meta *meta, const struct gc_meta_register_server *reg,
                struct gc_meta_server *server)
{
    struct gc_meta_key node;
    struct gc_meta_key uuid;
    uint32_t before;
    int rc;

    gc_meta_key_tagged(&node, KEY_NODE, reg->node.data, reg->node.len);
    gc_meta_key_tagged(&uuid, KEY_UUID, reg->store_uuid, sizeof(reg->store_uuid));
    meta->state.registry_version++;
    server->address = reg->address;
    server->zone = reg->zone;
    server->weight = reg->weight;
    server->incarnation++;
    server->registry_version = meta->state.registry_version;
    rc = number_get(meta, &node, &before);
    if (rc == 0 && before != 0 && before != server->number) {
        rc = server_replace(meta, before);
    }
    if (rc == 0) {
        rc = server_put(meta, server);
    }
    if (rc == 0) {
        rc = number_put(meta, &node, server->number);
    }
    if (rc == 0) {
        rc = number_put(meta, &uuid, server->number);
    }
    meta->state.copies_default = (uint32_t)GC_MAX(
        meta->state.copies_default, GC_MIN(meta->state.n_servers, (uint64_t)COPIES_DEFAULT_MAX));
    return rc;
}

int
gc_meta_do_register_server(struct gc_meta *meta, const struct gc_meta_command *cmd,
                           struct gc_meta_result *ret)
{
    const struct gc_meta_register_server *reg = &cmd->u.register_server;
    struct gc_meta_server server = { .state = GC_META_SERVER_UP };
    struct gc_meta_key uuid;
    int rc;

    if (!register_valid(reg)) {
        ret->err = GC_API_InvalidArgument;
        return 0;
    }
    gc_meta_key_tagged(&uuid, KEY_UUID, reg->store_uuid, sizeof(reg->store_uuid));
    rc = number_get(meta, &uuid, &server.number);
    if (rc != 0) {
        return rc;
    }
    if (server.number != 0) {
        rc = gc_meta_server_get(meta, meta->txn, server.number, &server);
        if (rc == 0 && store_is_elsewhere(&server, reg->node)) {
            ret->err = GC_API_AccessDenied;
            return 0;
        }
        if (rc == 0) {
            rc = server_again(meta, reg, &server);
        }
    } else {
        server.number = meta->state.next_server++;
        server.node = reg->node;
        server.generation = reg->generation;
        server.durable_seq = reg->durable_seq;
        memcpy(server.store_uuid, reg->store_uuid, sizeof(server.store_uuid));
        meta->state.n_servers++;
    }
    if (rc == 0) {
        rc = register_finish(meta, reg, &server);
    }
    ret->number = server.number;
    ret->incarnation = server.incarnation;
    return rc == GC_ENOTFOUND ? GC_ECORRUPT : rc;
}

int
gc_meta_do_server_down(struct gc_meta *meta, const struct gc_meta_command *cmd,
                       struct gc_meta_result *ret)
{
    const struct gc_meta_server_down *down = &cmd->u.server_down;
    struct gc_meta_server server;
    int rc = gc_meta_server_get(meta, meta->txn, down->number, &server);

    if (rc == GC_ENOTFOUND) {
        ret->err = GC_API_InvalidArgument;
        return 0;
    }
    if (rc != 0) {
        return rc;
    }
    ret->number = server.number;
    ret->incarnation = server.incarnation;
    if (server.incarnation != down->incarnation || server.state != GC_META_SERVER_UP) {
        return 0; /* it has registered again, or is not up anyway */
    }
    server.state = GC_META_SERVER_DOWN;
    server.registry_version = ++meta->state.registry_version;
    return server_put(meta, &server);
}

int
gc_meta_do_gc_ack(struct gc_meta *meta, const struct gc_meta_command *cmd,
                  struct gc_meta_result *ret)
{
    return gc_meta_blobs_ack(meta, cmd->u.gc_ack.server, cmd->u.gc_ack.upto, GC_META_GC_ACK_ROWS,
                             &ret->number);
}
