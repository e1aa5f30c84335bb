/* SPDX-License-Identifier: MIT */
/* Which method is meant, and may this peer call it? */
#include "rpc/server.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "rpc/server_priv.h"

#define CONTENT_TYPE "application/grpc"

int
gc_rpc_server_new(struct gc_loop *loop, struct gc_metrics *metrics,
                  struct gc_rpc_server **ret_server)
{
    struct gc_rpc_server *server = calloc(1, sizeof(*server));

    if (server == NULL) {
        return -ENOMEM;
    }
    server->loop = loop;
    server->metrics = metrics;
    server->n_calls_max = GC_RPC_SERVER_CALLS_MAX;
    gc_rpc_stats_init(&server->unknown, metrics, "server", GC_STR("unknown"), GC_STR("unknown"));
    if (metrics != NULL) {
        server->n_refused = gc_metrics_counter(metrics, "gc_rpc_server_refused_total", NULL,
                                               "gRPC calls refused because too many were running.");
    }
    *ret_server = server;
    return 0;
}

static int
add_method(struct gc_rpc_server *server, const struct gc_rpc_service *service,
           const struct gc_rpc_method *method)
{
    struct gc_rpc_entry *entry;

    if (server->n_entries == server->cap) {
        size_t cap = server->cap > 0 ? server->cap * 2 : 16;
        struct gc_rpc_entry **entries =
            reallocarray(server->entries, cap, sizeof(struct gc_rpc_entry *));

        if (entries == NULL) {
            return -ENOMEM;
        }
        server->entries = entries;
        server->cap = cap;
    }
    entry = calloc(1, sizeof(*entry));
    if (entry == NULL) {
        return -ENOMEM;
    }
    entry->service = service;
    entry->method = method;
    gc_rpc_stats_init(&entry->stats, server->metrics, "server", gc_str_of(service->name),
                      gc_str_of(method->name));
    server->entries[server->n_entries++] = entry;
    return 0;
}

int
gc_rpc_server_add(struct gc_rpc_server *server, const struct gc_rpc_service *service)
{
    for (const struct gc_rpc_method *method = service->methods; method->name != NULL; method++) {
        int rc = add_method(server, service, method);

        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

void
gc_rpc_server_set_calls_max(struct gc_rpc_server *server, size_t n_max)
{
    server->n_calls_max = n_max;
}

size_t
gc_rpc_server_n_calls(const struct gc_rpc_server *server)
{
    return server->n_calls;
}

void
gc_rpc_server_free(struct gc_rpc_server *server)
{
    assert(server->n_calls == 0);
    for (size_t i = 0; i < server->n_entries; i++) {
        free(server->entries[i]);
    }
    free(server->entries);
    free(server);
}

static struct gc_str
content_type(const struct gc_http_head *head)
{
    return gc_http_field_get(head->fields, head->n_fields, "content-type");
}

bool
gc_rpc_is_grpc(const struct gc_http_head *head)
{
    static const size_t len = sizeof(CONTENT_TYPE) - 1;
    struct gc_str type = content_type(head);

    if (type.len < len || !gc_str_ieq_cstr((struct gc_str){ type.data, len }, CONTENT_TYPE)) {
        return false;
    }
    return type.len == len || type.data[len] == '+' || type.data[len] == ';';
}

/* Messages are protobuf; nothing here reads another form. */
static bool
is_protobuf(struct gc_str type)
{
    static const char proto[] = CONTENT_TYPE "+proto";
    static const size_t len = sizeof(proto) - 1;

    if (type.len == sizeof(CONTENT_TYPE) - 1 || type.data[sizeof(CONTENT_TYPE) - 1] == ';') {
        return true;
    }
    return type.len >= len && gc_str_ieq_cstr((struct gc_str){ type.data, len }, proto) &&
           (type.len == len || type.data[len] == ';');
}

/* The HTTP status of a request that is no gRPC call; 0 when it is one. */
static unsigned
http_refusal(struct gc_http_stream *s, const struct gc_http_head *head)
{
    if (gc_http_version(s) < 2) {
        return 505;
    }
    if (!gc_rpc_is_grpc(head) || !is_protobuf(content_type(head))) {
        return 415;
    }
    return gc_str_eq_cstr(head->method, "POST") ? 0 : 405;
}

static void
refuse_http(struct gc_http_stream *s, unsigned status)
{
    const struct gc_http_field allow = { GC_STR("allow"), GC_STR("POST"), false };

    (void)gc_http_respond(s, status, &allow, status == 405 ? 1 : 0, true);
}

/* "/service/method". */
static struct gc_rpc_entry *
find_entry(const struct gc_rpc_server *server, struct gc_str path)
{
    struct gc_str service, method;
    const char *slash;

    if (path.len < 2 || path.data[0] != '/') {
        return NULL;
    }
    slash = memchr(path.data + 1, '/', path.len - 1);
    if (slash == NULL) {
        return NULL;
    }
    service = (struct gc_str){ path.data + 1, (size_t)(slash - path.data) - 1 };
    method = (struct gc_str){ slash + 1, path.len - service.len - 2 };
    for (size_t i = 0; i < server->n_entries; i++) {
        struct gc_rpc_entry *entry = server->entries[i];

        if (gc_str_eq_cstr(method, entry->method->name) &&
            gc_str_eq_cstr(service, entry->service->name)) {
            return entry;
        }
    }
    return NULL;
}

/* Is ROLE one of the blank-separated words of LIST? */
static bool
role_listed(const char *list, const char *role)
{
    size_t len = strlen(role);

    while (len > 0 && *list != '\0') {
        size_t word = strcspn(list, " ");

        if (word == len && memcmp(list, role, len) == 0) {
            return true;
        }
        list += word;
        list += strspn(list, " ");
    }
    return false;
}

static enum gc_rpc_code
check_peer(const struct gc_rpc_service *service, const struct gc_peer *peer)
{
    if (service->roles == NULL) {
        return GC_RPC_OK;
    }
    if (!peer->tls || !peer->has_cert) {
        return GC_RPC_UNAUTHENTICATED;
    }
    return role_listed(service->roles, peer->id.role) ? GC_RPC_OK : GC_RPC_PERMISSION_DENIED;
}

static void
refuse(struct gc_http_stream *s, struct gc_rpc_stats *stats, enum gc_rpc_code code,
       const char *text)
{
    gc_rpc_stats_started(stats);
    gc_rpc_reject(s, code, text);
    gc_rpc_stats_ended(stats, code, 0);
}

void
gc_rpc_server_on_request(void *arg, struct gc_http_stream *s, const struct gc_http_head *head)
{
    struct gc_rpc_server *server = arg;
    struct gc_str encoding = gc_http_field_get(head->fields, head->n_fields, "grpc-encoding");
    unsigned status = http_refusal(s, head);
    struct gc_rpc_entry *entry;
    enum gc_rpc_code code;

    if (status != 0) {
        refuse_http(s, status);
        return;
    }
    entry = find_entry(server, head->path);
    if (entry == NULL) {
        refuse(s, &server->unknown, GC_RPC_UNIMPLEMENTED, "unknown method");
        return;
    }
    code = check_peer(entry->service, gc_http_peer(s));
    if (code != GC_RPC_OK) {
        refuse(s, &entry->stats, code, "this service is not for you");
    } else if (encoding.data != NULL && !gc_str_eq_cstr(encoding, "identity")) {
        refuse(s, &entry->stats, GC_RPC_UNIMPLEMENTED, "unknown message encoding");
    } else if (server->n_calls >= server->n_calls_max) {
        if (server->n_refused != NULL) {
            gc_counter_inc(server->n_refused);
        }
        refuse(s, &entry->stats, GC_RPC_RESOURCE_EXHAUSTED, "too many calls");
    } else {
        gc_rpc_server_call_start(server, entry, s, head);
    }
}
