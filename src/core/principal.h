/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who asks: a name and the most that this name may do on this occasion. The role belongs to the
 * proof (a token, a certificate), not to the name: one principal may have a token that only reads
 * beside one that writes. Plain data. */
#ifndef GC_CORE_PRINCIPAL_H
#define GC_CORE_PRINCIPAL_H

#include <stdbool.h>

#include "base/str.h"

#define GC_PRINCIPAL_NAME_MAX 63u

/* The numbers are in replicated commands: never renumbered or reused. A higher one may more. */
enum gc_principal_role {
    GC_ROLE_ANONYMOUS = 0, /* no proof */
    GC_ROLE_READ = 1,      /* reads, changes nothing */
    GC_ROLE_DATA = 2,      /* reads and writes, makes and removes buckets of its own */
    GC_ROLE_ADMIN = 3      /* everything, in every bucket */
};

struct gc_principal {
    char name[GC_PRINCIPAL_NAME_MAX + 1]; /* "" for the anonymous one */
    enum gc_principal_role role;
};

/* "read", "data", "admin" (not "anonymous"). GC_EPARSE. */
int gc_role_parse(struct gc_str text, enum gc_principal_role *ret_role);
/* "anonymous" for 0, "?" for what is no role. */
const char *gc_role_name(enum gc_principal_role role);

/* 1..GC_PRINCIPAL_NAME_MAX of letters, digits and ". _ @ : / + -": safe in logs and files. */
bool gc_principal_name_valid(struct gc_str name);

void gc_principal_anonymous(struct gc_principal *principal);
/* As it came from a peer or from the log: GC_EPARSE when NAME is not valid or ROLE no role; an
 * empty name goes with role 0 only. */
int gc_principal_set(struct gc_principal *principal, struct gc_str name, uint32_t role);

#endif
