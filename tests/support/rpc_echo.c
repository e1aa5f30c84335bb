/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "tests/support/rpc_bed.h"

static void
stream_pump(struct rpc_served *served)
{
    while (served->call != NULL && served->stream_left > 0 && gc_rpc_writable(served->call)) {
        served->stream_left--;
        if (gc_rpc_send(served->call, served->stream_message) != 0) {
            return;
        }
    }
    if (served->call != NULL && served->stream_message != NULL && served->stream_left == 0) {
        gc_bytes_unref(served->stream_message);
        served->stream_message = NULL;
        (void)gc_rpc_finish(served->call, NULL);
    }
}

static void
on_message(struct gc_rpc_call *call, void *arg, struct gc_bytes *msg)
{
    struct rpc_served *served = arg;

    served->n_messages++;
    served->n_bytes += msg->len;
    if (served->hold) {
        served->n_unconsumed++;
        return;
    }
    if (strcmp(served->method, "Chat") == 0) {
        (void)gc_rpc_send(call, msg);
    }
    gc_rpc_consume(call);
}

static void
on_half_close(struct gc_rpc_call *call, void *arg)
{
    struct rpc_served *served = arg;
    char text[64];
    struct gc_bytes *reply;

    served->n_half_closes++;
    if (strcmp(served->method, "Chat") == 0) {
        (void)gc_rpc_finish(call, NULL);
    } else if (strcmp(served->method, "Collect") == 0) {
        int len = snprintf(text, sizeof(text), "%u %zu", served->n_messages, served->n_bytes);

        reply = gc_bytes_copy(text, (size_t)len);
        (void)gc_rpc_reply(call, reply);
        gc_bytes_unref(reply);
    }
}

static void
on_writable(struct gc_rpc_call *call, void *arg)
{
    (void)call;
    stream_pump(arg);
}

static void
on_end(struct gc_rpc_call *call, void *arg, const struct gc_rpc_status *status)
{
    struct rpc_served *served = arg;

    (void)call;
    served->n_ends++;
    served->status = *status;
    served->call = NULL;
    gc_bytes_unref(served->stream_message);
    served->stream_message = NULL;
}

static const struct gc_rpc_handler handler = {
    .on_message = on_message,
    .on_half_close = on_half_close,
    .on_writable = on_writable,
    .on_end = on_end,
};

static struct rpc_served *
serve(struct gc_rpc_call *call, struct rpc_echo *echo, const char *method)
{
    struct rpc_served *served = calloc(1, sizeof(*served));

    assert(served != NULL);
    served->echo = echo;
    served->call = call;
    served->method = method;
    gc_list_push(&echo->served, &served->node);
    echo->n_served++;
    gc_rpc_set_handler(call, &handler, served);
    return served;
}

/* Metadata whose names start with PREFIX. */
static size_t
pick_metadata(struct gc_rpc_call *call, const char *prefix, struct gc_http_field *fields,
              size_t max)
{
    size_t n_all, n = 0;
    const struct gc_http_field *all = gc_rpc_metadata_all(call, &n_all);

    for (size_t i = 0; i < n_all && n < max; i++) {
        if (gc_str_starts(all[i].name, prefix)) {
            fields[n++] = all[i];
        }
    }
    return n;
}

static void
start_unary(struct gc_rpc_call *call, void *arg, struct gc_bytes *request)
{
    struct gc_http_field fields[16];

    serve(call, arg, "Unary");
    (void)gc_rpc_set_headers(call, fields, pick_metadata(call, "x-initial", fields, 16));
    (void)gc_rpc_set_trailers(call, fields, pick_metadata(call, "x-trailing", fields, 16));
    (void)gc_rpc_reply(call, request);
}

static void
start_collect(struct gc_rpc_call *call, void *arg, struct gc_bytes *request)
{
    (void)request;
    serve(call, arg, "Collect");
}

static void
request_text(const struct gc_bytes *request, char *text, size_t size)
{
    if (gc_str_copy(text, size, (struct gc_str){ (const char *)request->data, request->len })) {
        text[0] = '\0';
    }
}

static void
start_stream(struct gc_rpc_call *call, void *arg, struct gc_bytes *request)
{
    struct rpc_served *served = serve(call, arg, "Stream");
    char text[64], *rest;
    size_t len;

    request_text(request, text, sizeof(text));
    served->stream_left = (unsigned)strtoul(text, &rest, 10);
    len = strtoul(rest, NULL, 10);
    served->stream_message = gc_bytes_new(len);
    assert(served->stream_message != NULL);
    memset(served->stream_message->data, 's', len);
    stream_pump(served);
}

static void
start_chat(struct gc_rpc_call *call, void *arg, struct gc_bytes *request)
{
    (void)request;
    serve(call, arg, "Chat");
}

static void
start_fail(struct gc_rpc_call *call, void *arg, struct gc_bytes *request)
{
    char text[512], *rest;
    unsigned long code;

    serve(call, arg, "Fail");
    request_text(request, text, sizeof(text));
    code = strtoul(text, &rest, 10);
    (void)gc_rpc_fail(call, (enum gc_rpc_code)code, "%s", *rest == ' ' ? rest + 1 : rest);
}

static void
start_left(struct gc_rpc_call *call, void *arg, struct gc_bytes *request)
{
    char text[32];
    int len = snprintf(text, sizeof(text), "%" PRIu64, gc_rpc_remaining_ms(call));
    struct gc_bytes *reply = gc_bytes_copy(text, (size_t)len);

    (void)request;
    serve(call, arg, "Left");
    (void)gc_rpc_reply(call, reply);
    gc_bytes_unref(reply);
}

static void
start_hold(struct gc_rpc_call *call, void *arg, struct gc_bytes *request)
{
    (void)request;
    serve(call, arg, "Hold")->hold = true;
}

static void
start_sleep(struct gc_rpc_call *call, void *arg, struct gc_bytes *request)
{
    (void)request;
    serve(call, arg, "Sleep");
}

static const struct gc_rpc_method methods[] = {
    { .name = "Unary", .kind = GC_RPC_UNARY, .start = start_unary },
    { .name = "Collect", .kind = GC_RPC_CLIENT_STREAM, .start = start_collect },
    { .name = "Stream", .kind = GC_RPC_SERVER_STREAM, .start = start_stream },
    { .name = "Chat", .kind = GC_RPC_BIDI, .start = start_chat },
    { .name = "Fail", .kind = GC_RPC_UNARY, .start = start_fail },
    { .name = "Left", .kind = GC_RPC_UNARY, .start = start_left },
    { .name = "Hold", .kind = GC_RPC_BIDI, .start = start_hold },
    { .name = "Sleep", .kind = GC_RPC_UNARY, .start = start_sleep },
    { .name = "Short", .kind = GC_RPC_UNARY, .start = start_sleep, .deadline_max_ms = 300 },
    { .name = "Slow", .kind = GC_RPC_BIDI, .start = start_sleep, .progress_ms = 300 },
    { 0 },
};

void
rpc_echo_init(struct rpc_echo *echo)
{
    *echo = (struct rpc_echo){
        .service = { .name = RPC_BED_SERVICE, .methods = methods, .arg = echo },
    };
    gc_list_init(&echo->served);
}

void
rpc_echo_fini(struct rpc_echo *echo)
{
    struct gc_list *node;

    while ((node = gc_list_pop(&echo->served)) != NULL) {
        struct rpc_served *served = gc_container_of(node, struct rpc_served, node);

        assert(served->n_ends == 1);
        free(served);
    }
}

struct rpc_served *
rpc_echo_last(struct rpc_echo *echo)
{
    assert(!gc_list_empty(&echo->served));
    return gc_container_of(echo->served.prev, struct rpc_served, node);
}
