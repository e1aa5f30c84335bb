/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The memory backend: a persistent AVL tree per table. Nodes are reference-counted and never change
 * while more than one tree holds them; a write copies the path from the root, so a snapshot is a
 * reference to the roots. That gives everything kv.h asks for by keeping roots: a reader's, the
 * committed ones, the synced ones (for a crash), and a write transaction's own. */
#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "base/thread.h"
#include "storage/kv.h"
#include "storage/kv_priv.h"

/* What the pages around an entry would cost, so that map_bytes means about the same as on disk. */
#define MEM_ENTRY_OVERHEAD 32

struct mem_item {
    atomic_uint refs;
    uint32_t key_len;
    uint32_t val_len;
    uint8_t data[]; /* key, value */
};

struct mem_node {
    atomic_uint refs;
    int height;
    struct mem_node *child[2];
    struct mem_item *item;
};

struct mem_roots {
    struct mem_node *root[GC_KV_TABLES_MAX];
    uint64_t entries;
    uint64_t bytes;
};

struct mem_kv {
    struct gc_kv kv;
    uint64_t bytes_max;         /* 0 = no limit */
    pthread_mutex_t write_lock; /* held by the write transaction */
    pthread_mutex_t lock;       /* committed, synced, hold */
    struct mem_roots committed;
    struct mem_roots synced;
    bool hold;
};

struct mem_txn {
    struct gc_kv_txn txn;
    struct mem_roots roots;
};

struct mem_cursor {
    struct gc_kv_cursor cursor;
    const struct mem_item *at;
};

static struct mem_kv *
mem_of(struct gc_kv *kv)
{
    return gc_container_of(kv, struct mem_kv, kv);
}

static struct mem_txn *
mem_txn_of(struct gc_kv_txn *txn)
{
    return gc_container_of(txn, struct mem_txn, txn);
}

/* --- items and nodes --- */

static struct mem_item *
item_new(struct gc_kv_val key, struct gc_kv_val val)
{
    struct mem_item *item = malloc(sizeof(*item) + key.len + val.len);

    if (item == NULL) {
        return NULL;
    }
    atomic_init(&item->refs, 1);
    item->key_len = (uint32_t)key.len;
    item->val_len = (uint32_t)val.len;
    memcpy(item->data, key.data, key.len);
    if (val.data != NULL) {
        memcpy(item->data + key.len, val.data, val.len);
    }
    return item;
}

static struct mem_item *
item_ref(struct mem_item *item)
{
    atomic_fetch_add_explicit(&item->refs, 1, memory_order_relaxed);
    return item;
}

static void
item_unref(struct mem_item *item)
{
    if (atomic_fetch_sub_explicit(&item->refs, 1, memory_order_acq_rel) == 1) {
        free(item);
    }
}

static struct gc_kv_val
item_key(const struct mem_item *item)
{
    return gc_kv_val(item->data, item->key_len);
}

static struct gc_kv_val
item_val(const struct mem_item *item)
{
    return gc_kv_val(item->data + item->key_len, item->val_len);
}

static uint64_t
item_bytes(const struct mem_item *item)
{
    return (uint64_t)item->key_len + item->val_len + MEM_ENTRY_OVERHEAD;
}

static struct mem_node *
node_ref(struct mem_node *node)
{
    if (node != NULL) {
        atomic_fetch_add_explicit(&node->refs, 1, memory_order_relaxed);
    }
    return node;
}

/* Recursion is as deep as the tree: 1.44 log2(n). */
static void
node_unref(struct mem_node *node)
{
    if (node != NULL && atomic_fetch_sub_explicit(&node->refs, 1, memory_order_acq_rel) == 1) {
        node_unref(node->child[0]);
        node_unref(node->child[1]);
        item_unref(node->item);
        free(node);
    }
}

static int
node_height(const struct mem_node *node)
{
    return node != NULL ? node->height : 0;
}

static void
node_measure(struct mem_node *node)
{
    node->height = 1 + GC_MAX(node_height(node->child[0]), node_height(node->child[1]));
}

/* Make *PNODE a node that only this tree holds. */
static int
node_own(struct mem_node **pnode)
{
    struct mem_node *node = *pnode;
    struct mem_node *copy;

    assert(node != NULL);
    if (atomic_load_explicit(&node->refs, memory_order_acquire) == 1) {
        return 0;
    }
    copy = malloc(sizeof(*copy));
    if (copy == NULL) {
        return -ENOMEM;
    }
    atomic_init(&copy->refs, 1);
    copy->height = node->height;
    copy->child[0] = node_ref(node->child[0]);
    copy->child[1] = node_ref(node->child[1]);
    copy->item = item_ref(node->item);
    node_unref(node);
    *pnode = copy;
    return 0;
}

/* Raise the child on SIDE above *PNODE; both are owned. */
static void
node_rotate(struct mem_node **pnode, int side)
{
    struct mem_node *node = *pnode;
    struct mem_node *up = node->child[side];

    node->child[side] = up->child[!side];
    up->child[!side] = node;
    node_measure(node);
    node_measure(up);
    *pnode = up;
}

/* Restore the AVL rule at the owned *PNODE, whose children keep it. */
static int
node_balance(struct mem_node **pnode)
{
    struct mem_node *node = *pnode;
    int lean = node_height(node->child[1]) - node_height(node->child[0]);
    int side = lean > 0;
    struct mem_node **pchild = &node->child[side];
    int rc;

    if (lean >= -1 && lean <= 1) {
        node_measure(node);
        return 0;
    }
    assert(*pchild != NULL); /* the higher side */
    rc = node_own(pchild);
    if (rc != 0) {
        return rc;
    }
    if (node_height((*pchild)->child[!side]) > node_height((*pchild)->child[side])) {
        rc = node_own(&(*pchild)->child[!side]);
        if (rc != 0) {
            return rc;
        }
        node_rotate(pchild, !side);
    }
    node_rotate(pnode, side);
    return 0;
}

/* --- the tree --- */

static int
key_cmp(bool int_key, struct gc_kv_val a, struct gc_kv_val b)
{
    int order;

    if (int_key) {
        uint64_t x, y;

        memcpy(&x, a.data, sizeof(x));
        memcpy(&y, b.data, sizeof(y));
        return x < y ? -1 : x > y;
    }
    order = memcmp(a.data, b.data, GC_MIN(a.len, b.len));
    if (order == 0) {
        order = a.len < b.len ? -1 : a.len > b.len;
    }
    return order;
}

static const struct mem_item *
tree_find(const struct mem_node *node, bool int_key, struct gc_kv_val key)
{
    while (node != NULL) {
        int order = key_cmp(int_key, key, item_key(node->item));

        if (order == 0) {
            return node->item;
        }
        node = node->child[order > 0];
    }
    return NULL;
}

/* The first item with a key > KEY, or >= KEY when EQUAL. */
static const struct mem_item *
tree_above(const struct mem_node *node, bool int_key, struct gc_kv_val key, bool equal)
{
    const struct mem_item *best = NULL;

    while (node != NULL) {
        int order = key_cmp(int_key, key, item_key(node->item));

        if (order < 0 || (order == 0 && equal)) {
            best = node->item;
            node = node->child[0];
        } else {
            node = node->child[1];
        }
    }
    return best;
}

static const struct mem_item *
tree_edge(const struct mem_node *node, int side)
{
    while (node != NULL && node->child[side] != NULL) {
        node = node->child[side];
    }
    return node != NULL ? node->item : NULL;
}

/* Put ITEM. A failure leaves a valid tree that may lack a rotation. */
static int
tree_put(struct mem_node **pnode, bool int_key, struct mem_item *item)
{
    int order;
    int rc;

    if (*pnode == NULL) {
        struct mem_node *node = calloc(1, sizeof(*node));

        if (node == NULL) {
            return -ENOMEM;
        }
        atomic_init(&node->refs, 1);
        node->height = 1;
        node->item = item_ref(item);
        *pnode = node;
        return 0;
    }
    rc = node_own(pnode);
    if (rc != 0) {
        return rc;
    }
    order = key_cmp(int_key, item_key(item), item_key((*pnode)->item));
    if (order == 0) {
        item_unref((*pnode)->item);
        (*pnode)->item = item_ref(item);
        return 0;
    }
    rc = tree_put(&(*pnode)->child[order > 0], int_key, item);
    if (rc == 0) {
        rc = node_balance(pnode);
    }
    return rc;
}

/* Take the first node out of the tree and give its item (a reference) to *RET_ITEM. */
static int
tree_take_first(struct mem_node **pnode, struct mem_item **ret_item)
{
    struct mem_node *node;
    int rc = node_own(pnode);

    if (rc != 0) {
        return rc;
    }
    node = *pnode;
    if (node->child[0] == NULL) {
        *ret_item = item_ref(node->item);
        *pnode = node_ref(node->child[1]);
        node_unref(node);
        return 0;
    }
    rc = tree_take_first(&node->child[0], ret_item);
    return rc == 0 ? node_balance(pnode) : rc;
}

/* Remove KEY, which is there. */
static int
tree_del(struct mem_node **pnode, bool int_key, struct gc_kv_val key)
{
    struct mem_node *node;
    struct mem_item *next = NULL;
    int order;
    int rc = node_own(pnode);

    if (rc != 0) {
        return rc;
    }
    node = *pnode;
    order = key_cmp(int_key, key, item_key(node->item));
    if (order != 0) {
        rc = tree_del(&node->child[order > 0], int_key, key);
    } else if (node->child[0] == NULL || node->child[1] == NULL) {
        *pnode = node_ref(node->child[node->child[0] == NULL]);
        node_unref(node);
        return 0;
    } else {
        rc = tree_take_first(&node->child[1], &next);
        if (rc == 0) {
            item_unref(node->item);
            node->item = next;
        }
    }
    return rc == 0 ? node_balance(pnode) : rc;
}

/* --- transactions --- */

static void
roots_copy(struct mem_roots *dst, const struct mem_roots *src, unsigned n)
{
    *dst = *src;
    for (unsigned i = 0; i < n; i++) {
        node_ref(dst->root[i]);
    }
}

static void
roots_drop(struct mem_roots *roots, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        node_unref(roots->root[i]);
    }
}

static void
roots_replace(struct mem_roots *dst, const struct mem_roots *src, unsigned n)
{
    struct mem_roots old = *dst;

    roots_copy(dst, src, n);
    roots_drop(&old, n);
}

static int
mem_begin(struct gc_kv *kv, bool write, struct gc_kv_txn **ret_txn)
{
    struct mem_kv *mem = mem_of(kv);
    struct mem_txn *txn = malloc(sizeof(*txn));

    if (txn == NULL) {
        return -ENOMEM;
    }
    if (write) {
        pthread_mutex_lock(&mem->write_lock);
    }
    txn->txn = (struct gc_kv_txn){ .kv = kv, .write = write };
    pthread_mutex_lock(&mem->lock);
    roots_copy(&txn->roots, &mem->committed, kv->n_tables);
    pthread_mutex_unlock(&mem->lock);
    *ret_txn = &txn->txn;
    return 0;
}

static void
mem_abort(struct gc_kv_txn *txn)
{
    struct mem_txn *mt = mem_txn_of(txn);

    roots_drop(&mt->roots, txn->kv->n_tables);
    if (txn->write) {
        pthread_mutex_unlock(&mem_of(txn->kv)->write_lock);
    }
    free(mt);
}

static int
mem_commit(struct gc_kv_txn *txn)
{
    struct mem_kv *mem = mem_of(txn->kv);

    if (txn->write) {
        pthread_mutex_lock(&mem->lock);
        roots_replace(&mem->committed, &mem_txn_of(txn)->roots, txn->kv->n_tables);
        if (!mem->hold) {
            roots_replace(&mem->synced, &mem->committed, txn->kv->n_tables);
        }
        pthread_mutex_unlock(&mem->lock);
    }
    mem_abort(txn);
    return 0;
}

static int
mem_get(struct gc_kv_txn *txn, unsigned table, struct gc_kv_val key, struct gc_kv_val *ret_val)
{
    const struct mem_item *item =
        tree_find(mem_txn_of(txn)->roots.root[table], txn->kv->int_keys[table], key);

    if (item == NULL) {
        return GC_ENOTFOUND;
    }
    *ret_val = item_val(item);
    return 0;
}

static int
mem_put(struct gc_kv_txn *txn, unsigned table, struct gc_kv_val key, struct gc_kv_val val,
        bool insert, void **ret_data)
{
    struct mem_roots *roots = &mem_txn_of(txn)->roots;
    uint64_t bytes_max = mem_of(txn->kv)->bytes_max;
    bool int_key = txn->kv->int_keys[table];
    const struct mem_item *old = tree_find(roots->root[table], int_key, key);
    uint64_t bytes = roots->bytes - (old != NULL ? item_bytes(old) : 0);
    struct mem_item *item;
    int rc;

    if (old != NULL && insert) {
        return GC_EEXISTS;
    }
    item = item_new(key, val);
    if (item == NULL) {
        return -ENOMEM;
    }
    bytes += item_bytes(item);
    if (bytes_max > 0 && bytes > bytes_max) {
        free(item);
        return GC_EFULL;
    }
    roots->entries += old == NULL;
    rc = tree_put(&roots->root[table], int_key, item);
    if (rc == 0) {
        roots->bytes = bytes;
        *ret_data = item->data + item->key_len;
    }
    item_unref(item);
    return rc;
}

static int
mem_del(struct gc_kv_txn *txn, unsigned table, struct gc_kv_val key)
{
    struct mem_roots *roots = &mem_txn_of(txn)->roots;
    bool int_key = txn->kv->int_keys[table];
    const struct mem_item *item = tree_find(roots->root[table], int_key, key);

    if (item == NULL) {
        return GC_ENOTFOUND;
    }
    roots->entries--;
    roots->bytes -= item_bytes(item);
    return tree_del(&roots->root[table], int_key, key);
}

/* --- cursors --- */

static int
mem_cursor_open(struct gc_kv_txn *txn, unsigned table, struct gc_kv_cursor **ret_cursor)
{
    struct mem_cursor *cursor = malloc(sizeof(*cursor));

    if (cursor == NULL) {
        return -ENOMEM;
    }
    cursor->cursor = (struct gc_kv_cursor){ .txn = txn, .table = table };
    cursor->at = NULL;
    *ret_cursor = &cursor->cursor;
    return 0;
}

static void
mem_cursor_close(struct gc_kv_cursor *cursor)
{
    free(gc_container_of(cursor, struct mem_cursor, cursor));
}

static int
cursor_move(struct gc_kv_cursor *cursor, const struct mem_item *to, struct gc_kv_val *ret_key,
            struct gc_kv_val *ret_val)
{
    if (to == NULL) {
        return GC_ENOTFOUND;
    }
    gc_container_of(cursor, struct mem_cursor, cursor)->at = to;
    *ret_key = item_key(to);
    *ret_val = item_val(to);
    return 0;
}

static const struct mem_node *
cursor_root(const struct gc_kv_cursor *cursor)
{
    return mem_txn_of(cursor->txn)->roots.root[cursor->table];
}

static int
mem_seek(struct gc_kv_cursor *cursor, struct gc_kv_val key, struct gc_kv_val *ret_key,
         struct gc_kv_val *ret_val)
{
    const struct mem_node *root = cursor_root(cursor);
    bool int_key = cursor->txn->kv->int_keys[cursor->table];

    return cursor_move(cursor,
                       key.len > 0 ? tree_above(root, int_key, key, true) : tree_edge(root, 0),
                       ret_key, ret_val);
}

static int
mem_next(struct gc_kv_cursor *cursor, struct gc_kv_val *ret_key, struct gc_kv_val *ret_val)
{
    const struct mem_item *at = gc_container_of(cursor, struct mem_cursor, cursor)->at;
    const struct mem_node *root = cursor_root(cursor);
    bool int_key = cursor->txn->kv->int_keys[cursor->table];

    return cursor_move(
        cursor, at != NULL ? tree_above(root, int_key, item_key(at), false) : tree_edge(root, 0),
        ret_key, ret_val);
}

static int
mem_last(struct gc_kv_cursor *cursor, struct gc_kv_val *ret_key, struct gc_kv_val *ret_val)
{
    return cursor_move(cursor, tree_edge(cursor_root(cursor), 1), ret_key, ret_val);
}

/* --- the environment --- */

static int
mem_stat(struct gc_kv *kv, struct gc_kv_stat *ret_stat)
{
    struct mem_kv *mem = mem_of(kv);

    pthread_mutex_lock(&mem->lock);
    ret_stat->file_bytes = mem->committed.bytes;
    ret_stat->used_bytes = mem->committed.bytes;
    ret_stat->entries = mem->committed.entries;
    pthread_mutex_unlock(&mem->lock);
    return 0;
}

static int
mem_file_offset(struct gc_kv_txn *txn, struct gc_kv_val val, int *ret_fd, uint64_t *ret_offset)
{
    (void)txn;
    (void)val;
    (void)ret_fd;
    (void)ret_offset;
    return -ENOTSUP;
}

static void
mem_nothing(struct gc_kv *kv)
{
    (void)kv;
}

static void
mem_close(struct gc_kv *kv)
{
    struct mem_kv *mem = mem_of(kv);

    roots_drop(&mem->committed, kv->n_tables);
    roots_drop(&mem->synced, kv->n_tables);
    pthread_mutex_destroy(&mem->write_lock);
    pthread_mutex_destroy(&mem->lock);
    free(mem);
}

static const struct gc_kv_ops mem_ops = {
    .close = mem_close,
    .begin = mem_begin,
    .commit = mem_commit,
    .abort = mem_abort,
    .get = mem_get,
    .put = mem_put,
    .del = mem_del,
    .cursor_open = mem_cursor_open,
    .cursor_close = mem_cursor_close,
    .seek = mem_seek,
    .next = mem_next,
    .last = mem_last,
    .stat = mem_stat,
    .file_offset = mem_file_offset,
    .reader_check = mem_nothing,
    .trim = mem_nothing,
};

int
gc_kv_open_mem(const struct gc_kv_conf *conf, struct gc_kv **ret_kv)
{
    struct mem_kv *mem = calloc(1, sizeof(*mem));
    int rc;

    if (mem == NULL) {
        return -ENOMEM;
    }
    rc = gc_kv_init(&mem->kv, &mem_ops, conf);
    if (rc != 0) {
        free(mem);
        return rc;
    }
    mem->bytes_max = conf->map_bytes;
    pthread_mutex_init(&mem->write_lock, NULL);
    pthread_mutex_init(&mem->lock, NULL);
    *ret_kv = &mem->kv;
    return 0;
}

void
gc_kv_mem_hold_sync(struct gc_kv *kv, bool hold)
{
    struct mem_kv *mem = mem_of(kv);

    assert(kv->ops == &mem_ops);
    pthread_mutex_lock(&mem->lock);
    mem->hold = hold;
    if (!hold) {
        roots_replace(&mem->synced, &mem->committed, kv->n_tables);
    }
    pthread_mutex_unlock(&mem->lock);
}

void
gc_kv_mem_crash(struct gc_kv *kv)
{
    struct mem_kv *mem = mem_of(kv);

    assert(kv->ops == &mem_ops);
    pthread_mutex_lock(&mem->lock);
    roots_replace(&mem->committed, &mem->synced, kv->n_tables);
    pthread_mutex_unlock(&mem->lock);
}
