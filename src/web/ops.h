/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The operations of the HTTP API, each in a file of its own, and how they are found. */
#ifndef GC_WEB_OPS_H
#define GC_WEB_OPS_H

#include "web/request.h"

extern const struct gc_web_op gc_web_op_own; /* own.c */
extern const struct gc_web_op gc_web_op_list_buckets, gc_web_op_create_bucket,
    gc_web_op_head_bucket, gc_web_op_delete_bucket, gc_web_op_location; /* buckets.c */
extern const struct gc_web_op gc_web_op_list_objects;                   /* list.c */
extern const struct gc_web_op gc_web_op_put;                            /* put.c */
extern const struct gc_web_op gc_web_op_get;                            /* get.c */
extern const struct gc_web_op gc_web_op_head, gc_web_op_delete;         /* object.c */

/* The operation for METHOD on TARGET. MethodNotAllowed, NotImplemented. */
enum gc_api_err gc_web_find_op(const struct gc_web_target *target, struct gc_str method,
                               const struct gc_web_op **ret_op);

#endif
