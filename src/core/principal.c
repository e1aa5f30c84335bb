/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/principal.h"

#include <string.h>

#include "base/err.h"
#include "base/macros.h"

static const char *const role_names[] = {
    [GC_ROLE_ANONYMOUS] = "anonymous",
    [GC_ROLE_READ] = "read",
    [GC_ROLE_DATA] = "data",
    [GC_ROLE_ADMIN] = "admin",
};

int
gc_role_parse(struct gc_str text, enum gc_principal_role *ret_role)
{
    for (size_t i = GC_ROLE_READ; i < GC_ARRAY_LEN(role_names); i++) {
        if (gc_str_eq_cstr(text, role_names[i])) {
            *ret_role = (enum gc_principal_role)i;
            return 0;
        }
    }
    return GC_EPARSE;
}

const char *
gc_role_name(enum gc_principal_role role)
{
    return (size_t)role < GC_ARRAY_LEN(role_names) ? role_names[role] : "?";
}

bool
gc_principal_name_valid(struct gc_str name)
{
    if (name.len == 0 || name.len > GC_PRINCIPAL_NAME_MAX) {
        return false;
    }
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!alnum && (c == '\0' || strchr("._@:/+-", c) == NULL)) {
            return false;
        }
    }
    return true;
}

void
gc_principal_anonymous(struct gc_principal *principal)
{
    memset(principal, 0, sizeof(*principal));
    principal->role = GC_ROLE_ANONYMOUS;
}

int
gc_principal_set(struct gc_principal *principal, struct gc_str name, uint32_t role)
{
    if (role == GC_ROLE_ANONYMOUS && name.len == 0) {
        gc_principal_anonymous(principal);
        return 0;
    }
    if (role == GC_ROLE_ANONYMOUS || role > GC_ROLE_ADMIN || !gc_principal_name_valid(name)) {
        return GC_EPARSE;
    }
    memset(principal, 0, sizeof(*principal));
    memcpy(principal->name, name.data, name.len);
    principal->role = (enum gc_principal_role)role;
    return 0;
}
