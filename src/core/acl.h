/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who may do what. A pure function of its arguments, so that apply decides the same on every
 * replica:
 *   - admin may do everything;
 *   - the owner of a bucket may do everything in it that its role allows (read: only list and
 * read);
 *   - a bucket with public_read may be listed and read by everyone, the anonymous included, as S3's
 *     "public-read" means it;
 *   - a bucket is made by roles data and admin, and belongs to its maker. */
#ifndef GC_CORE_ACL_H
#define GC_CORE_ACL_H

#include "core/principal.h"

enum gc_acl_action {
    GC_ACL_LIST_BUCKETS, /* one's own; admin: all */
    GC_ACL_CREATE_BUCKET,
    GC_ACL_DELETE_BUCKET,
    GC_ACL_LIST,  /* the objects of a bucket; to know that the bucket exists */
    GC_ACL_READ,  /* an object: content and headers */
    GC_ACL_WRITE, /* put and delete objects */
};

struct gc_acl_bucket {
    struct gc_str owner;
    bool public_read;
};

/* 0 or GC_EDENIED. BUCKET may be NULL for the first two actions and is not looked at there. */
int gc_acl_check(const struct gc_principal *who, const struct gc_acl_bucket *bucket,
                 enum gc_acl_action action);

#endif
