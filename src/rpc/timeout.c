/* SPDX-License-Identifier: MIT */
#include "rpc/timeout.h"

#include <assert.h>
#include <stdio.h>

#include "base/err.h"
#include "base/macros.h"

#define VALUE_MAX UINT64_C(99999999)

struct unit {
    char name;
    uint64_t ns;
};

/* Finest first. */
static const struct unit units[] = {
    { 'n', 1 },
    { 'u', UINT64_C(1000) },
    { 'm', UINT64_C(1000000) },
    { 'S', UINT64_C(1000000000) },
    { 'M', UINT64_C(60000000000) },
    { 'H', UINT64_C(3600000000000) },
};

int
gc_rpc_timeout_parse(struct gc_str text, uint64_t *ret_ns)
{
    uint64_t value;

    if (text.len < 2 || text.len > GC_RPC_TIMEOUT_LEN ||
        gc_str_u64((struct gc_str){ text.data, text.len - 1 }, VALUE_MAX, &value) != 0) {
        return GC_EPARSE;
    }
    for (size_t i = 0; i < GC_ARRAY_LEN(units); i++) {
        if (units[i].name == text.data[text.len - 1]) {
            *ret_ns = value > GC_RPC_TIMEOUT_NEVER / units[i].ns ? GC_RPC_TIMEOUT_NEVER
                                                                 : value * units[i].ns;
            return 0;
        }
    }
    return GC_EPARSE;
}

size_t
gc_rpc_timeout_format(char dst[GC_RPC_TIMEOUT_LEN + 1], uint64_t ns)
{
    const struct unit *unit = &units[0];
    uint64_t value;

    assert(ns > 0);
    /* Hours always fit: 2^64 ns are 5.2 million of them. */
    while (ns / unit->ns + (ns % unit->ns != 0) > VALUE_MAX) {
        unit++;
    }
    value = ns / unit->ns + (ns % unit->ns != 0);
    return (size_t)snprintf(dst, GC_RPC_TIMEOUT_LEN + 1, "%u%c", (unsigned)value, unit->name);
}
