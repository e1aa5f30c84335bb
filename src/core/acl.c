/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/acl.h"

#include <assert.h>

#include "base/err.h"

/* The least role that may do ACTION in a bucket of its own. */
static enum gc_principal_role
role_needed(enum gc_acl_action action)
{
    switch (action) {
    case GC_ACL_LIST_BUCKETS:
    case GC_ACL_LIST:
    case GC_ACL_READ:
        return GC_ROLE_READ;
    case GC_ACL_CREATE_BUCKET:
    case GC_ACL_DELETE_BUCKET:
    case GC_ACL_WRITE:
        return GC_ROLE_DATA;
    }
    return GC_ROLE_ADMIN;
}

static bool
needs_bucket(enum gc_acl_action action)
{
    return action != GC_ACL_LIST_BUCKETS && action != GC_ACL_CREATE_BUCKET;
}

int
gc_acl_check(const struct gc_principal *who, const struct gc_acl_bucket *bucket,
             enum gc_acl_action action)
{
    assert(bucket != NULL || !needs_bucket(action));
    if (who->role == GC_ROLE_ADMIN) {
        return 0;
    }
    if (needs_bucket(action) && bucket->public_read &&
        (action == GC_ACL_LIST || action == GC_ACL_READ)) {
        return 0;
    }
    if (who->role == GC_ROLE_ANONYMOUS || who->role < role_needed(action)) {
        return GC_EDENIED;
    }
    if (needs_bucket(action) && !gc_str_eq_cstr(bucket->owner, who->name)) {
        return GC_EDENIED;
    }
    return 0;
}
