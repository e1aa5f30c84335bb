/* SPDX-License-Identifier: MIT */
#include "rpc/metadata.h"

#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "base/version.h"

static bool
is_bin(struct gc_str name)
{
    return name.len > 4 && memcmp(name.data + name.len - 4, "-bin", 4) == 0;
}

static bool
name_valid(struct gc_str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
              c == '.')) {
            return false;
        }
    }
    return name.len > 0;
}

static bool
text_valid(struct gc_str value)
{
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] < 0x20 || value.data[i] > 0x7e) {
            return false;
        }
    }
    return true;
}

bool
gc_rpc_metadata_reserved(struct gc_str name)
{
    static const char *const names[] = {
        "content-type", "te",         "content-length",    "host",
        "connection",   "keep-alive", "transfer-encoding", "upgrade",
    };

    if (gc_str_starts(name, "grpc-")) {
        return !gc_str_eq_cstr(name, "grpc-status-details-bin");
    }
    for (size_t i = 0; i < GC_ARRAY_LEN(names); i++) {
        if (gc_str_eq_cstr(name, names[i])) {
            return true;
        }
    }
    return gc_str_starts(name, ":");
}

static int
encode_bin(struct gc_arena *arena, struct gc_str raw, struct gc_str *ret_text)
{
    char *text = gc_arena_alloc(arena, raw.len / 3 * 4 + 4);

    if (text == NULL) {
        return GC_ELIMIT;
    }
    *ret_text = (struct gc_str){ text, gc_base64_encode(text, raw.data, raw.len, false) };
    return 0;
}

static int
copy_text(struct gc_arena *arena, struct gc_str src, struct gc_str *ret_text)
{
    struct gc_str text = gc_arena_str(arena, src);

    if (text.data == NULL) {
        return GC_ELIMIT;
    }
    *ret_text = text;
    return 0;
}

static int
encode_field(struct gc_arena *arena, const struct gc_http_field *src, struct gc_http_field *dst)
{
    int rc;

    if (!name_valid(src->name) || gc_rpc_metadata_reserved(src->name) ||
        (!is_bin(src->name) && !text_valid(src->value))) {
        return GC_EPARSE;
    }
    dst->sensitive = src->sensitive;
    rc = copy_text(arena, src->name, &dst->name);
    if (rc != 0) {
        return rc;
    }
    return is_bin(src->name) ? encode_bin(arena, src->value, &dst->value)
                             : copy_text(arena, gc_str_trim(src->value), &dst->value);
}

int
gc_rpc_metadata_encode(struct gc_arena *arena, const struct gc_http_field *fields, size_t n,
                       struct gc_rpc_metadata *ret_wire)
{
    struct gc_http_field *wire = gc_arena_alloc(arena, (n > 0 ? n : 1) * sizeof(*wire));

    if (wire == NULL) {
        return GC_ELIMIT;
    }
    for (size_t i = 0; i < n; i++) {
        int rc = encode_field(arena, &fields[i], &wire[i]);

        if (rc != 0) {
            return rc;
        }
    }
    *ret_wire = (struct gc_rpc_metadata){ wire, n };
    return 0;
}

/* How many values the field's list holds: one more than its commas for "-bin". */
static size_t
n_values(const struct gc_http_field *field)
{
    size_t n = 1;

    if (is_bin(field->name)) {
        for (size_t i = 0; i < field->value.len; i++) {
            n += field->value.data[i] == ',';
        }
    }
    return n;
}

/* Cut the text before the first comma off LIST. */
static struct gc_str
next_value(struct gc_str *list)
{
    const char *comma = list->len > 0 ? memchr(list->data, ',', list->len) : NULL;
    struct gc_str value = { list->data, comma != NULL ? (size_t)(comma - list->data) : list->len };

    list->data += comma != NULL ? value.len + 1 : value.len;
    list->len -= comma != NULL ? value.len + 1 : value.len;
    return gc_str_trim(value);
}

static int
decode_bin(struct gc_arena *arena, const struct gc_http_field *src, struct gc_rpc_metadata *dst,
           struct gc_str name)
{
    struct gc_str list = src->value;
    size_t n = n_values(src);

    for (size_t i = 0; i < n; i++) {
        struct gc_str text = next_value(&list);
        struct gc_http_field *field = &dst->fields[dst->n++];
        char *raw = gc_arena_alloc(arena, text.len / 4 * 3 + 4);
        size_t len;

        if (raw == NULL) {
            return GC_ELIMIT;
        }
        if (gc_base64_decode(raw, text, &len) != 0) {
            return GC_EPARSE;
        }
        *field = (struct gc_http_field){ name, { raw, len }, src->sensitive };
    }
    return 0;
}

static int
decode_field(struct gc_arena *arena, const struct gc_http_field *src, struct gc_rpc_metadata *dst)
{
    struct gc_http_field *field;
    struct gc_str name;
    int rc;

    if (!name_valid(src->name) || gc_rpc_metadata_reserved(src->name) || !text_valid(src->value)) {
        return 0;
    }
    rc = copy_text(arena, src->name, &name);
    if (rc != 0) {
        return rc;
    }
    if (is_bin(src->name)) {
        return decode_bin(arena, src, dst, name);
    }
    field = &dst->fields[dst->n++];
    field->name = name;
    field->sensitive = src->sensitive;
    return copy_text(arena, src->value, &field->value);
}

int
gc_rpc_metadata_decode(struct gc_arena *arena, const struct gc_http_field *fields, size_t n,
                       struct gc_rpc_metadata *ret_metadata)
{
    struct gc_rpc_metadata metadata = { NULL, 0 };
    size_t n_max = 1;
    int rc = 0;

    for (size_t i = 0; i < n; i++) {
        n_max += n_values(&fields[i]);
    }
    if (n_max > GC_RPC_METADATA_MAX + 1) {
        return GC_ELIMIT;
    }
    metadata.fields = gc_arena_alloc(arena, n_max * sizeof(*metadata.fields));
    if (metadata.fields == NULL) {
        return GC_ELIMIT;
    }
    for (size_t i = 0; rc == 0 && i < n; i++) {
        rc = decode_field(arena, &fields[i], &metadata);
    }
    if (rc == 0) {
        *ret_metadata = metadata;
    }
    return rc;
}

struct gc_str
gc_rpc_user_agent(struct gc_arena *arena, const char *prefix)
{
    return gc_str_of(gc_arena_printf(arena, "%s%sgrpc-c-gcommon/%s (linux)",
                                     prefix != NULL ? prefix : "", prefix != NULL ? " " : "",
                                     gc_version()));
}
