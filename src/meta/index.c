/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "meta/index.h"

#include <string.h>

#include "base/endian.h"
#include "base/err.h"
#include "base/macros.h"

#define ID_BYTES    8u
#define PART_MAX    479u
#define BRANCH_MARK 0x01
#define BRANCH_LEN  (ID_BYTES + PART_MAX + 1)
#define DEPTH_MAX   (GC_META_KEY_MAX / PART_MAX + 1)

_Static_assert(BRANCH_LEN < GC_KV_KEY_MAX, "a branch's key fits");

/* Key of NAME in its container; the branch's when NAME is longer than a part. */
static void
part_key(struct gc_meta_key *key, uint64_t container, struct gc_str name)
{
    size_t len = GC_MIN(name.len, PART_MAX);

    gc_put_be64(key->data, container);
    if (len > 0) {
        memcpy(key->data + ID_BYTES, name.data, len);
    }
    key->len = ID_BYTES + len;
    if (name.len > PART_MAX) {
        key->data[key->len++] = BRANCH_MARK;
    }
}

static struct gc_str
str_from(struct gc_str text, size_t skip)
{
    return (struct gc_str){ text.data + skip, text.len - skip };
}

static int
branch_child(struct gc_kv_val val, uint64_t *ret_child)
{
    struct gc_meta_index_row row;
    int rc = gc_meta_dec_index_row(val, &row, NULL);

    if (rc != 0 || row.kind != GC_META_INDEX_BRANCH) {
        return rc != 0 ? rc : GC_ECORRUPT;
    }
    *ret_child = row.ref;
    return 0;
}

int
gc_meta_index_get(const struct gc_meta *meta, struct gc_kv_txn *txn, uint64_t container,
                  struct gc_str name, struct gc_kv_val *ret_val)
{
    struct gc_meta_key key;
    struct gc_kv_val val;
    int rc;

    while (name.len > PART_MAX) {
        part_key(&key, container, name);
        rc = gc_meta_store_get(meta, txn, GC_META_T_INDEX, &key, &val);
        if (rc == 0) {
            rc = branch_child(val, &container);
        }
        if (rc != 0) {
            return rc;
        }
        name = str_from(name, PART_MAX);
    }
    part_key(&key, container, name);
    return gc_meta_store_get(meta, txn, GC_META_T_INDEX, &key, ret_val);
}

static int
branch_make(struct gc_meta *meta, const struct gc_meta_key *key, uint64_t *ret_child)
{
    struct gc_meta_index_row row = { .kind = GC_META_INDEX_BRANCH, .ref = meta->state.next_id++ };
    struct gc_meta_enc enc = gc_meta_store_row(meta);

    gc_meta_enc_index_row(&enc, &row);
    *ret_child = row.ref;
    return gc_meta_store_put(meta, GC_META_T_INDEX, key, &enc);
}

int
gc_meta_index_put(struct gc_meta *meta, uint64_t container, struct gc_str name,
                  const struct gc_meta_index_row *row)
{
    struct gc_meta_enc enc;
    struct gc_meta_key key;
    struct gc_kv_val val;
    int rc;

    while (name.len > PART_MAX) {
        part_key(&key, container, name);
        rc = gc_meta_store_get(meta, meta->txn, GC_META_T_INDEX, &key, &val);
        if (rc == 0) {
            rc = branch_child(val, &container);
        } else if (rc == GC_ENOTFOUND) {
            rc = branch_make(meta, &key, &container);
        }
        if (rc != 0) {
            return rc;
        }
        name = str_from(name, PART_MAX);
    }
    part_key(&key, container, name);
    enc = gc_meta_store_row(meta);
    gc_meta_enc_index_row(&enc, row);
    return gc_meta_store_put(meta, GC_META_T_INDEX, &key, &enc);
}

int
gc_meta_index_del(struct gc_meta *meta, uint64_t container, struct gc_str name)
{
    struct gc_meta_key key[DEPTH_MAX];
    uint64_t ids[DEPTH_MAX];
    struct gc_kv_val val;
    size_t depth = 0;
    int rc;

    while (name.len > PART_MAX) {
        part_key(&key[depth], container, name);
        rc = gc_meta_store_get(meta, meta->txn, GC_META_T_INDEX, &key[depth], &val);
        if (rc == 0) {
            rc = branch_child(val, &container);
        }
        if (rc != 0) {
            return rc;
        }
        ids[depth++] = container;
        name = str_from(name, PART_MAX);
    }
    part_key(&key[depth], container, name);
    rc = gc_meta_store_del(meta, GC_META_T_INDEX, &key[depth]);
    while (rc == 0 && depth > 0) {
        depth--;
        rc = gc_meta_index_empty(meta, meta->txn, ids[depth]);
        if (rc == 0) {
            rc = gc_meta_store_del(meta, GC_META_T_INDEX, &key[depth]);
        }
    }
    return rc == GC_ENOTEMPTY ? 0 : rc;
}

static bool
key_in(const struct gc_meta_key *key, uint64_t container)
{
    return key->len > ID_BYTES && gc_get_be64(key->data) == container;
}

int
gc_meta_index_empty(const struct gc_meta *meta, struct gc_kv_txn *txn, uint64_t container)
{
    struct gc_meta_key from;
    struct gc_meta_key key;
    struct gc_kv_val val;
    int rc;

    gc_meta_key_u64(&from, container);
    rc = gc_meta_store_seek(meta, txn, GC_META_T_INDEX, &from, &key, &val);
    if (rc == 0) {
        return key_in(&key, container) ? GC_ENOTEMPTY : 0;
    }
    return rc == GC_ENOTFOUND ? 0 : rc;
}

/* Append the name's part in KEY to what the hit has. */
static int
hit_append(struct gc_meta_index_hit *hit, const struct gc_meta_key *key)
{
    size_t len = GC_MIN(key->len - ID_BYTES, PART_MAX);

    if (len > sizeof(hit->name) - hit->name_len) {
        return GC_ECORRUPT;
    }
    memcpy(hit->name + hit->name_len, key->data + ID_BYTES, len);
    hit->name_len += len;
    return 0;
}

/* Recursion is as deep as names have parts. */
static int
seek_in(const struct gc_meta *meta, struct gc_kv_txn *txn, uint64_t container, struct gc_str from,
        struct gc_meta_index_hit *hit)
{
    struct gc_meta_key at;
    struct gc_meta_key key;
    size_t base_len = hit->name_len;
    int rc;

    part_key(&at, container, from);
    for (;;) {
        bool inside;
        uint64_t child;

        hit->name_len = base_len;
        rc = gc_meta_store_seek(meta, txn, GC_META_T_INDEX, &at, &key, &hit->val);
        if (rc == 0 && !key_in(&key, container)) {
            rc = GC_ENOTFOUND;
        }
        if (rc == 0) {
            rc = hit_append(hit, &key);
        }
        if (rc != 0 || key.len < BRANCH_LEN) {
            return rc;
        }
        inside = from.len > PART_MAX && memcmp(key.data + ID_BYTES, from.data, PART_MAX) == 0;
        rc = branch_child(hit->val, &child);
        if (rc == 0) {
            rc = seek_in(meta, txn, child, inside ? str_from(from, PART_MAX) : GC_STR(""), hit);
        }
        if (rc != GC_ENOTFOUND) {
            return rc;
        }
        if (!inside) {
            return GC_ECORRUPT; /* a branch without a name */
        }
        /* All names of this branch are below FROM. */
        at = key;
        at.data[at.len - 1] = BRANCH_MARK + 1;
    }
}

int
gc_meta_index_seek(const struct gc_meta *meta, struct gc_kv_txn *txn, uint64_t container,
                   struct gc_str from, struct gc_meta_index_hit *ret_hit)
{
    ret_hit->name_len = 0;
    return seek_in(meta, txn, container, from, ret_hit);
}
