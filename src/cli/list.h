/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The objects of a bucket in order, page by page, asked for and waited for. */
#ifndef GC_CLI_LIST_H
#define GC_CLI_LIST_H

#include "base/arena.h"
#include "cli/remote.h"

/* A name of a listing; lives until the next page. */
struct gc_list_item {
    struct gc_str name;
    bool is_prefix; /* stands for all names that begin with it; the rest is not set */
    uint64_t length;
    const char *etag;
    int64_t modified_ms;
};

struct gc_lister {
    struct gc_remote *remote;
    const char *bucket; /* borrowed, as the next two */
    struct gc_str prefix;
    const char *delimiter;     /* "" for none */
    struct gc_arena arenas[2]; /* Private to list.c, as what follows: this page and the next. */
    unsigned n_pages;
    const void *page;
    size_t at_entry, at_prefix;
};

void gc_lister_init(struct gc_lister *lister, struct gc_remote *remote, const char *bucket,
                    struct gc_str prefix, const char *delimiter);
void gc_lister_fini(struct gc_lister *lister);

/* 1: ITEM. 0: no more. -1: FAULT. */
int gc_lister_next(struct gc_lister *lister, struct gc_list_item *ret_item, struct gc_fault *fault);

#endif
