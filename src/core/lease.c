/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/lease.h"

#include <stdbool.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"

int
gc_leases_init(struct gc_leases *leases, struct gc_arena *arena, size_t max, uint64_t lease_ms)
{
    if (max > SIZE_MAX / sizeof(struct gc_lease_row)) {
        return GC_ELIMIT;
    }
    struct gc_lease_row *rows = gc_arena_alloc(arena, max * sizeof(*rows));
    if (rows == NULL) {
        return GC_ELIMIT;
    }
    *leases = (struct gc_leases){ .rows = rows, .max = max, .lease_ms = lease_ms };
    return 0;
}

void
gc_leases_clear(struct gc_leases *leases)
{
    leases->n = 0;
}

/* Where NUMBER is, or belongs. */
static size_t
lease_seek(const struct gc_leases *leases, uint32_t number)
{
    size_t low = 0;
    size_t high = leases->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (leases->rows[middle].number < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool
lease_is_at(const struct gc_leases *leases, size_t at, uint32_t number)
{
    return at < leases->n && leases->rows[at].number == number;
}

int
gc_leases_grant(struct gc_leases *leases, uint32_t number, uint64_t incarnation, uint64_t now_ms)
{
    size_t at = lease_seek(leases, number);
    if (lease_is_at(leases, at, number)) {
        if (leases->rows[at].incarnation > incarnation) {
            return GC_ESTALE;
        }
    } else {
        if (leases->n == leases->max) {
            return GC_ELIMIT;
        }
        memmove(&leases->rows[at + 1], &leases->rows[at],
                (leases->n - at) * sizeof(leases->rows[0]));
        leases->n++;
    }
    leases->rows[at] = (struct gc_lease_row){ number, incarnation, now_ms };
    return 0;
}

int
gc_leases_heard(struct gc_leases *leases, uint32_t number, uint64_t incarnation, uint64_t now_ms)
{
    size_t at = lease_seek(leases, number);
    if (!lease_is_at(leases, at, number) || leases->rows[at].incarnation < incarnation) {
        return GC_ENOTFOUND;
    }
    if (leases->rows[at].incarnation > incarnation) {
        return GC_ESTALE;
    }
    leases->rows[at].heard_ms = GC_MAX(leases->rows[at].heard_ms, now_ms);
    return 0;
}

void
gc_leases_drop(struct gc_leases *leases, uint32_t number, uint64_t incarnation)
{
    size_t at = lease_seek(leases, number);
    if (!lease_is_at(leases, at, number) || leases->rows[at].incarnation != incarnation) {
        return;
    }
    leases->n--;
    memmove(&leases->rows[at], &leases->rows[at + 1], (leases->n - at) * sizeof(leases->rows[0]));
}

static uint64_t
silence_ms(const struct gc_lease_row *row, uint64_t now_ms)
{
    return now_ms > row->heard_ms ? now_ms - row->heard_ms : 0;
}

size_t
gc_leases_silent(const struct gc_leases *leases, uint64_t now_ms, struct gc_lease_row *ret_rows,
                 size_t max)
{
    size_t n = 0;
    for (size_t i = 0; i < leases->n && n < max; i++) {
        if (silence_ms(&leases->rows[i], now_ms) >= leases->lease_ms) {
            ret_rows[n++] = leases->rows[i];
        }
    }
    return n;
}

uint64_t
gc_leases_next_ms(const struct gc_leases *leases)
{
    uint64_t next = UINT64_MAX;
    for (size_t i = 0; i < leases->n; i++) {
        next = GC_MIN(next, leases->rows[i].heard_ms + leases->lease_ms);
    }
    return next;
}

int
gc_leases_silent_ms(const struct gc_leases *leases, uint32_t number, uint64_t now_ms,
                    uint64_t *ret_ms)
{
    size_t at = lease_seek(leases, number);
    if (!lease_is_at(leases, at, number)) {
        return GC_ENOTFOUND;
    }
    *ret_ms = silence_ms(&leases->rows[at], now_ms);
    return 0;
}
