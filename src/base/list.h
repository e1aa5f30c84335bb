/* SPDX-License-Identifier: MIT */
/* An intrusive doubly linked list. Plain data. */
#ifndef GC_BASE_LIST_H
#define GC_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct gc_list {
    struct gc_list *prev, *next; /* a node off every list points to itself */
};

static inline void
gc_list_init(struct gc_list *node)
{
    node->prev = node->next = node;
}

static inline bool
gc_list_empty(const struct gc_list *head)
{
    return head->next == head;
}

static inline void
gc_list_push(struct gc_list *head, struct gc_list *node)
{
    node->prev = head->prev;
    node->next = head;
    head->prev->next = node;
    head->prev = node;
}

/* Take NODE off its list; harmless when it is on none. */
static inline void
gc_list_remove(struct gc_list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    gc_list_init(node);
}

/* The first node, taken off; NULL when empty. */
static inline struct gc_list *
gc_list_pop(struct gc_list *head)
{
    struct gc_list *node = head->next;
    if (node == head) {
        return NULL;
    }
    gc_list_remove(node);
    return node;
}

#define gc_list_foreach(node, head) \
    for ((node) = (head)->next; (node) != (head); (node) = (node)->next)
#define gc_list_foreach_safe(node, tmp, head)                           \
    for ((node) = (head)->next, (tmp) = (node)->next; (node) != (head); \
         (node) = (tmp), (tmp) = (node)->next)

#endif
