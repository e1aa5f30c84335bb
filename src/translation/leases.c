/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "translation/leases.h"

#include <errno.h>
#include <stdlib.h>

#include "base/err.h"

int
gc_leases_init(struct gc_leases *leases)
{
    leases->n = 0;
    leases->items = calloc(GC_LEASES_MAX, sizeof(*leases->items));
    if (leases->items == NULL) {
        return -ENOMEM;
    }
    pthread_mutex_init(&leases->lock, NULL);
    return 0;
}

void
gc_leases_fini(struct gc_leases *leases)
{
    if (leases->items == NULL) {
        return;
    }
    free(leases->items);
    leases->items = NULL;
    pthread_mutex_destroy(&leases->lock);
}

static struct gc_lease *
leases_find(struct gc_leases *leases, uint32_t number)
{
    for (size_t i = 0; i < leases->n; i++) {
        if (leases->items[i].number == number) {
            return &leases->items[i];
        }
    }
    return NULL;
}

/* The row of NUMBER, a new one if there is none; NULL when the table is full. */
static struct gc_lease *
leases_row(struct gc_leases *leases, uint32_t number)
{
    struct gc_lease *row = leases_find(leases, number);
    if (row == NULL && leases->n < GC_LEASES_MAX) {
        row = &leases->items[leases->n++];
        row->number = number;
    }
    return row;
}

int
gc_leases_heard(struct gc_leases *leases, const struct gc_lease *lease)
{
    struct gc_lease *row;
    pthread_mutex_lock(&leases->lock);
    row = leases_row(leases, lease->number);
    if (row != NULL) {
        *row = *lease;
    }
    pthread_mutex_unlock(&leases->lock);
    return row != NULL ? 0 : GC_ELIMIT;
}

int
gc_leases_get(struct gc_leases *leases, uint32_t number, struct gc_lease *ret_lease)
{
    const struct gc_lease *row;
    pthread_mutex_lock(&leases->lock);
    row = leases_find(leases, number);
    if (row != NULL) {
        *ret_lease = *row;
    }
    pthread_mutex_unlock(&leases->lock);
    return row != NULL ? 0 : GC_ENOTFOUND;
}

int
gc_leases_grant(struct gc_leases *leases, uint32_t number, uint64_t incarnation, uint64_t now_ms)
{
    struct gc_lease *row;
    bool known;
    pthread_mutex_lock(&leases->lock);
    known = leases_find(leases, number) != NULL;
    row = leases_row(leases, number);
    if (row != NULL && !known) {
        row->incarnation = incarnation;
        row->heard_ms = now_ms;
    }
    pthread_mutex_unlock(&leases->lock);
    return row != NULL ? 0 : GC_ELIMIT;
}
