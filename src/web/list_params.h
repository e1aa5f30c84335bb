/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The parameters of a listing of objects, both versions of it. Pure; texts point into the target.
 */
#ifndef GC_WEB_LIST_PARAMS_H
#define GC_WEB_LIST_PARAMS_H

#include "web/route.h"

#define GC_WEB_LIST_KEYS_MAX 1000u

struct gc_web_list_params {
    bool v2;
    bool url;          /* encoding-type=url */
    uint32_t max_keys; /* 0..GC_WEB_LIST_KEYS_MAX */
    struct gc_str prefix, delimiter;
    struct gc_str after;        /* start-after, or marker */
    struct gc_str continuation; /* DATA NULL: none */
};

/* InvalidArgument: a number that is none, an unknown encoding or version, an empty continuation. */
enum gc_api_err gc_web_list_params(const struct gc_web_target *target,
                                   struct gc_web_list_params *ret_params);

#endif
