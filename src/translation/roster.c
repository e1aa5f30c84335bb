/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "translation/roster.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"

#define ARENA_MAX (GC_ROSTER_MAX * 128u + 4096u)

struct gc_roster_entry {
    uint32_t number;
    struct gc_roster_report report;
};

int
gc_roster_init(struct gc_roster *roster, uint64_t lease_ms)
{
    int rc;
    memset(roster, 0, sizeof(*roster));
    gc_arena_init(&roster->arena, ARENA_MAX);
    roster->entries = gc_arena_alloc(&roster->arena, GC_ROSTER_MAX * sizeof(*roster->entries));
    rc = roster->entries == NULL
             ? -ENOMEM
             : gc_leases_init(&roster->leases, &roster->arena, GC_ROSTER_MAX, lease_ms);
    if (rc != 0) {
        gc_arena_fini(&roster->arena);
        roster->entries = NULL;
        return rc;
    }
    pthread_mutex_init(&roster->lock, NULL);
    return 0;
}

void
gc_roster_fini(struct gc_roster *roster)
{
    if (roster->entries != NULL) {
        roster->entries = NULL;
        gc_arena_fini(&roster->arena);
        pthread_mutex_destroy(&roster->lock);
    }
}

static struct gc_roster_entry *
roster_entry(struct gc_roster *roster, uint32_t number)
{
    for (size_t i = 0; i < roster->n; i++) {
        if (roster->entries[i].number == number) {
            return &roster->entries[i];
        }
    }
    return NULL;
}

void
gc_roster_registered(struct gc_roster *roster, uint32_t number, uint64_t incarnation,
                     uint64_t now_ms)
{
    pthread_mutex_lock(&roster->lock);
    (void)gc_leases_grant(&roster->leases, number, incarnation,
                          now_ms); /* ESTALE: a later one is there */
    pthread_mutex_unlock(&roster->lock);
}

int
gc_roster_heard(struct gc_roster *roster, uint32_t number, uint64_t incarnation, uint64_t now_ms,
                const struct gc_roster_report *report)
{
    struct gc_roster_entry *entry;
    int rc;
    pthread_mutex_lock(&roster->lock);
    rc = gc_leases_heard(&roster->leases, number, incarnation, now_ms);
    if (rc == GC_ENOTFOUND) {
        rc = gc_leases_grant(&roster->leases, number, incarnation, now_ms);
    }
    entry = roster_entry(roster, number);
    if (rc == 0 && entry == NULL && roster->n < GC_ROSTER_MAX) {
        entry = &roster->entries[roster->n++];
        entry->number = number;
    }
    if (rc == 0 && entry != NULL) {
        entry->report = *report;
    }
    pthread_mutex_unlock(&roster->lock);
    return rc;
}

void
gc_roster_expect(struct gc_roster *roster, uint32_t number, uint64_t incarnation, uint64_t now_ms)
{
    uint64_t silent_ms;
    pthread_mutex_lock(&roster->lock);
    if (gc_leases_silent_ms(&roster->leases, number, now_ms, &silent_ms) == GC_ENOTFOUND) {
        (void)gc_leases_grant(&roster->leases, number, incarnation, now_ms);
    }
    pthread_mutex_unlock(&roster->lock);
}

void
gc_roster_forget(struct gc_roster *roster)
{
    pthread_mutex_lock(&roster->lock);
    gc_leases_clear(&roster->leases);
    pthread_mutex_unlock(&roster->lock);
}

size_t
gc_roster_silent(struct gc_roster *roster, uint64_t now_ms, struct gc_lease_row *ret_rows,
                 size_t max)
{
    size_t n;
    pthread_mutex_lock(&roster->lock);
    n = gc_leases_silent(&roster->leases, now_ms, ret_rows, max);
    pthread_mutex_unlock(&roster->lock);
    return n;
}

void
gc_roster_drop(struct gc_roster *roster, uint32_t number, uint64_t incarnation)
{
    pthread_mutex_lock(&roster->lock);
    gc_leases_drop(&roster->leases, number, incarnation);
    pthread_mutex_unlock(&roster->lock);
}

int
gc_roster_get(struct gc_roster *roster, uint32_t number, uint64_t now_ms, uint64_t *ret_silent_ms,
              struct gc_roster_report *ret_report)
{
    const struct gc_roster_entry *entry;
    int rc;
    pthread_mutex_lock(&roster->lock);
    rc = gc_leases_silent_ms(&roster->leases, number, now_ms, ret_silent_ms);
    entry = roster_entry(roster, number);
    memset(ret_report, 0, sizeof(*ret_report));
    if (entry != NULL) {
        *ret_report = entry->report;
    }
    pthread_mutex_unlock(&roster->lock);
    return rc;
}
