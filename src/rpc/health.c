/* SPDX-License-Identifier: MIT */
/* grpc.health.v1.Health. Its three messages are a text, a number, and a map of both: written by
 * hand here, so that the library needs no generated code.
 *
 * A Watch is told at once what its service does, and again at each change; one for a service that
 * nobody has named yet stays open. When the client does not read, what it missed is not queued: it
 * gets the state of the moment when it reads again. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/list.h"
#include "base/macros.h"
#include "rpc/server.h"

#define SERVICES_MAX 100 /* what List may answer */
#define NAME_MAX_LEN 200
#define WATCHES_MAX  128

enum serving { SERVING = 1, NOT_SERVING = 2, SERVICE_UNKNOWN = 3 };

struct entry {
    char name[NAME_MAX_LEN + 1];
    enum serving serving;
};

struct watch {
    struct gc_list node;
    struct gc_rpc_health *health; /* NULL: it is gone */
    struct gc_rpc_call *call;
    char name[NAME_MAX_LEN + 1];
    enum serving told; /* 0: nothing yet */
};

struct gc_rpc_health {
    struct gc_rpc_service service;
    struct entry entries[SERVICES_MAX];
    size_t n_entries;
    struct gc_list watches;
    size_t n_watches;
};

/* --- messages ----------------------------------------------------------------------------------
 */

static bool
read_varint(struct gc_str *in, uint64_t *ret_value)
{
    *ret_value = 0;
    for (unsigned shift = 0; shift < 64 && in->len > 0; shift += 7) {
        uint8_t byte = (uint8_t)*in->data;

        in->data++;
        in->len--;
        *ret_value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            return true;
        }
    }
    return false;
}

/* The name in a HealthCheckRequest {1: string service}; unknown fields are passed over. */
static int
read_request(const struct gc_bytes *request, char name[NAME_MAX_LEN + 1])
{
    struct gc_str in = { (const char *)request->data, request->len };
    struct gc_str service = { "", 0 };

    while (in.len > 0) {
        uint64_t tag, len;

        if (!read_varint(&in, &tag) || !read_varint(&in, &len)) {
            return GC_EPARSE;
        }
        if ((tag & 7) == 0) {
            continue; /* LEN was the value of a field that we do not know */
        }
        if ((tag & 7) != 2 || len > in.len) {
            return GC_EPARSE;
        }
        if (tag >> 3 == 1) {
            service = (struct gc_str){ in.data, (size_t)len };
        }
        in.data += len;
        in.len -= (size_t)len;
    }
    if (!gc_utf8_valid(service)) {
        return GC_EPARSE;
    }
    return gc_str_copy(name, NAME_MAX_LEN + 1, service);
}

/* HealthCheckResponse {1: status}. */
static struct gc_bytes *
response_new(enum serving serving)
{
    const uint8_t wire[] = { 0x08, (uint8_t)serving };

    return gc_bytes_copy(wire, sizeof(wire));
}

/* A tag and a length (below 2^14), as protobuf has it. */
static int
put_head(struct gc_buf *buf, uint8_t tag, size_t len)
{
    const uint8_t head[] = { tag, (uint8_t)(len > 127 ? len | 0x80 : len), (uint8_t)(len >> 7) };

    return gc_buf_append(buf, head, len > 127 ? 3 : 2);
}

static int
put_entry(struct gc_buf *buf, const struct entry *entry)
{
    const uint8_t value[] = { 0x12, 2, 0x08, (uint8_t)entry->serving };
    size_t name_len = strlen(entry->name);
    int rc = put_head(buf, 0x0a, (name_len > 127 ? 3 : 2) + name_len + sizeof(value));

    if (rc == 0) {
        rc = put_head(buf, 0x0a, name_len);
    }
    if (rc == 0) {
        rc = gc_buf_append(buf, entry->name, name_len);
    }
    return rc != 0 ? rc : gc_buf_append(buf, value, sizeof(value));
}

/* HealthListResponse {1: map<string, HealthCheckResponse>}: an entry is {1: name, 2: response}. */
static struct gc_bytes *
list_new(const struct gc_rpc_health *health)
{
    struct gc_bytes *msg = NULL;
    struct gc_buf buf;
    int rc = 0;

    gc_buf_init(&buf, SERVICES_MAX * (NAME_MAX_LEN + 16));
    for (size_t i = 0; rc == 0 && i < health->n_entries; i++) {
        rc = put_entry(&buf, &health->entries[i]);
    }
    if (rc == 0) {
        msg = gc_bytes_copy(buf.data, buf.len);
    }
    gc_buf_fini(&buf);
    return msg;
}

/* --- methods -----------------------------------------------------------------------------------
 */

static struct entry *
find(struct gc_rpc_health *health, const char *name)
{
    for (size_t i = 0; i < health->n_entries; i++) {
        if (strcmp(health->entries[i].name, name) == 0) {
            return &health->entries[i];
        }
    }
    return NULL;
}

static void
reply(struct gc_rpc_call *call, struct gc_bytes *msg)
{
    (void)(msg != NULL ? gc_rpc_reply(call, msg) : gc_rpc_fail_rc(call, -ENOMEM));
    gc_bytes_unref(msg);
}

static void
start_check(struct gc_rpc_call *call, void *arg, struct gc_bytes *request)
{
    char name[NAME_MAX_LEN + 1];
    const struct entry *entry;
    int rc = read_request(request, name);

    if (rc != 0) {
        (void)gc_rpc_fail_rc(call, rc == GC_EPARSE ? GC_EINTERNAL : GC_ENOTFOUND);
        return;
    }
    entry = find(arg, name);
    if (entry == NULL) {
        (void)gc_rpc_fail(call, GC_RPC_NOT_FOUND, "unknown service");
        return;
    }
    reply(call, response_new(entry->serving));
}

static void
start_list(struct gc_rpc_call *call, void *arg, struct gc_bytes *request)
{
    (void)request;
    reply(call, list_new(arg));
}

static void
watch_tell(struct gc_rpc_health *health, struct watch *watch)
{
    const struct entry *entry = find(health, watch->name);
    enum serving serving = entry != NULL ? entry->serving : SERVICE_UNKNOWN;
    struct gc_bytes *msg;

    if (serving == watch->told || !gc_rpc_writable(watch->call)) {
        return;
    }
    msg = response_new(serving);
    if (msg != NULL && gc_rpc_send(watch->call, msg) == 0) {
        watch->told = serving;
    }
    gc_bytes_unref(msg);
}

static void
on_watch_message(struct gc_rpc_call *call, void *arg, struct gc_bytes *msg)
{
    (void)arg;
    (void)msg;
    gc_rpc_consume(call);
}

static void
on_watch_writable(struct gc_rpc_call *call, void *arg)
{
    struct watch *watch = arg;

    (void)call;
    if (watch->health != NULL) {
        watch_tell(watch->health, watch);
    }
}

static void
on_watch_end(struct gc_rpc_call *call, void *arg, const struct gc_rpc_status *status)
{
    struct watch *watch = arg;

    (void)call;
    (void)status;
    if (watch->health != NULL) {
        gc_list_remove(&watch->node);
        watch->health->n_watches--;
    }
    free(watch);
}

static const struct gc_rpc_handler watch_handler = {
    .on_message = on_watch_message,
    .on_writable = on_watch_writable,
    .on_end = on_watch_end,
};

static void
start_watch(struct gc_rpc_call *call, void *arg, struct gc_bytes *request)
{
    struct gc_rpc_health *health = arg;
    struct watch *watch;

    if (health->n_watches == WATCHES_MAX) {
        (void)gc_rpc_fail(call, GC_RPC_RESOURCE_EXHAUSTED, "too many watches");
        return;
    }
    watch = calloc(1, sizeof(*watch));
    if (watch == NULL || read_request(request, watch->name) != 0) {
        (void)gc_rpc_fail_rc(call, watch == NULL ? -ENOMEM : GC_EINTERNAL);
        free(watch);
        return;
    }
    watch->health = health;
    watch->call = call;
    health->n_watches++;
    gc_list_push(&health->watches, &watch->node);
    gc_rpc_set_handler(call, &watch_handler, watch);
    watch_tell(health, watch);
}

/* Everybody may ask: a request is a name. */
#define REQUEST_BYTES_MAX 4096

static const struct gc_rpc_method methods[] = {
    { .name = "Check",
      .kind = GC_RPC_UNARY,
      .start = start_check,
      .deadline_max_ms = 60000,
      .message_bytes_max = REQUEST_BYTES_MAX },
    { .name = "List",
      .kind = GC_RPC_UNARY,
      .start = start_list,
      .deadline_max_ms = 60000,
      .message_bytes_max = REQUEST_BYTES_MAX },
    { .name = "Watch",
      .kind = GC_RPC_SERVER_STREAM,
      .start = start_watch,
      .message_bytes_max = REQUEST_BYTES_MAX },
    { 0 },
};

/* --- life --------------------------------------------------------------------------------------
 */

int
gc_rpc_health_new(struct gc_rpc_server *server, struct gc_rpc_health **ret_health)
{
    struct gc_rpc_health *health = calloc(1, sizeof(*health));
    int rc;

    if (health == NULL) {
        return -ENOMEM;
    }
    health->service = (struct gc_rpc_service){
        .name = "grpc.health.v1.Health",
        .methods = methods,
        .arg = health,
    };
    gc_list_init(&health->watches);
    rc = gc_rpc_server_add(server, &health->service);
    if (rc != 0) {
        free(health);
        return rc;
    }
    gc_rpc_health_set(health, "", false);
    *ret_health = health;
    return 0;
}

void
gc_rpc_health_set(struct gc_rpc_health *health, const char *service, bool serving)
{
    struct entry *entry = find(health, service);
    struct gc_list *node;

    if (entry == NULL) {
        assert(health->n_entries < SERVICES_MAX && strlen(service) <= NAME_MAX_LEN);
        entry = &health->entries[health->n_entries++];
        (void)gc_str_copy(entry->name, sizeof(entry->name), gc_str_of(service));
    }
    entry->serving = serving ? SERVING : NOT_SERVING;
    gc_list_foreach(node, &health->watches) {
        watch_tell(health, gc_container_of(node, struct watch, node));
    }
}

void
gc_rpc_health_free(struct gc_rpc_health *health)
{
    struct gc_list *node;

    while ((node = gc_list_pop(&health->watches)) != NULL) {
        struct watch *watch = gc_container_of(node, struct watch, node);

        watch->health = NULL;
        (void)gc_rpc_fail(watch->call, GC_RPC_UNAVAILABLE, "shutting down");
    }
    free(health);
}
