/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/rpc_bed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"

#define BODY_KEPT (1024 * 1024)

void
rpc_bed_turns(struct rpc_bed *bed, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        gc_loop_turn(bed->loop, 1);
    }
}

/* --- server ------------------------------------------------------------------------------------
 */

void
rpc_bed_server_open(struct rpc_bed_server *server, struct gc_loop *loop, uint16_t port,
                    struct gc_tls_ctx *tls, const char *roles)
{
    char text[32];
    struct gc_addr addr;

    *server = (struct rpc_bed_server){ .loop = loop };
    server->metrics = gc_metrics_new();
    rpc_echo_init(&server->echo);
    server->echo.service.roles = roles;
    assert_int_equal(gc_rpc_server_new(loop, server->metrics, &server->rpc), 0);
    assert_int_equal(gc_rpc_server_add(server->rpc, &server->echo.service), 0);
    assert_int_equal(gc_http_server_new(loop, &(struct gc_http_conf){ .allow_h1 = true },
                                        gc_rpc_server_on_request, server->rpc, &server->http),
                     0);
    snprintf(text, sizeof(text), "127.0.0.1:%u", port);
    assert_int_equal(gc_addr_parse(gc_str_of(text), &addr), 0);
    assert_int_equal(gc_http_server_listen(server->http, &addr, -1, tls, &server->port), 0);
}

void
rpc_bed_server_close(struct rpc_bed_server *server)
{
    if (server->http == NULL) {
        return;
    }
    gc_http_server_free(server->http);
    server->http = NULL;
    gc_until(server->loop, gc_rpc_server_n_calls(server->rpc) == 0);
    gc_rpc_server_free(server->rpc);
    rpc_echo_fini(&server->echo);
    gc_metrics_free(server->metrics);
}

/* --- client ------------------------------------------------------------------------------------
 */

static void
copy_field(char dst[256], const struct gc_http_field *fields, size_t n, const char *name)
{
    (void)gc_str_copy(dst, 256, gc_http_field_get(fields, n, name));
}

static void
on_headers(struct gc_rpc_call *call, void *arg, const struct gc_http_field *fields, size_t n)
{
    struct rpc_made *made = arg;

    (void)call;
    made->n_headers++;
    copy_field(made->initial, fields, n, "x-initial");
}

static void
on_message(struct gc_rpc_call *call, void *arg, struct gc_bytes *msg)
{
    struct rpc_made *made = arg;

    made->n_messages++;
    made->n_bytes += msg->len;
    (void)gc_buf_append(&made->body, msg->data, msg->len);
    if (made->hold) {
        made->n_unconsumed++;
    } else {
        gc_rpc_consume(call);
    }
}

static void
on_writable(struct gc_rpc_call *call, void *arg)
{
    (void)call;
    ((struct rpc_made *)arg)->n_writables++;
}

static void
on_end(struct gc_rpc_call *call, void *arg, const struct gc_rpc_status *status)
{
    struct rpc_made *made = arg;
    const struct gc_http_field *fields;
    size_t n;

    fields = gc_rpc_trailers(call, &n);
    copy_field(made->trailing, fields, n, "x-trailing");
    made->n_ends++;
    made->status = *status;
    made->call = NULL;
}

static const struct gc_rpc_handler handler = {
    .on_headers = on_headers,
    .on_message = on_message,
    .on_writable = on_writable,
    .on_end = on_end,
};

struct rpc_made *
rpc_bed_call(struct rpc_bed *bed, const char *path, const struct gc_rpc_call_conf *conf)
{
    struct gc_rpc_call_conf own = { 0 };
    struct rpc_made *made = calloc(1, sizeof(*made));

    assert_non_null(made);
    if (conf != NULL) {
        own = *conf;
    }
    own.path = path;
    gc_buf_init(&made->body, BODY_KEPT);
    gc_list_push(&bed->made, &made->node);
    assert_int_equal(gc_rpc_call_start(bed->channel, &own, &handler, made, &made->call), 0);
    assert_int_equal(made->n_ends, 0); /* never from inside start */
    return made;
}

void
rpc_made_send(struct rpc_made *made, const char *text)
{
    struct gc_bytes *msg = gc_bytes_copy(text, strlen(text));

    assert_int_equal(gc_rpc_send(made->call, msg), 0);
    gc_bytes_unref(msg);
}

void
rpc_bed_ask(struct rpc_bed *bed, struct rpc_made *made, const char *text)
{
    rpc_made_send(made, text);
    assert_int_equal(gc_rpc_half_close(made->call), 0);
    rpc_bed_until(bed, made->n_ends > 0);
}

void
assert_made(struct rpc_made *made, enum gc_rpc_code code, const char *body)
{
    assert_int_equal(made->n_ends, 1);
    assert_string_equal(gc_rpc_code_name(made->status.code), gc_rpc_code_name(code));
    assert_string_equal(gc_buf_cstr(&made->body), body);
}

struct gc_rpc_channel *
rpc_bed_channel(struct rpc_bed *bed, const char *targets, const struct gc_rpc_channel_conf *conf)
{
    struct gc_rpc_channel_conf own = { 0 };
    struct gc_rpc_channel *channel;

    if (conf != NULL) {
        own = *conf;
    }
    own.targets = targets;
    assert_int_equal(gc_rpc_channel_new(bed->loop, &own, &channel), 0);
    return channel;
}

/* --- bed ---------------------------------------------------------------------------------------
 */

void
rpc_bed_init_bare(struct rpc_bed *bed)
{
    *bed = (struct rpc_bed){ 0 };
    gc_list_init(&bed->made);
    assert_int_equal(gc_loop_new(&bed->loop), 0);
}

void
rpc_bed_init(struct rpc_bed *bed, const struct gc_rpc_channel_conf *conf)
{
    char target[32];

    rpc_bed_init_bare(bed);
    rpc_bed_server_open(&bed->server, bed->loop, 0, NULL, NULL);
    snprintf(target, sizeof(target), "127.0.0.1:%u", bed->server.port);
    bed->channel = rpc_bed_channel(bed, target, conf);
}

static bool
all_ended(const struct rpc_bed *bed)
{
    const struct gc_list *node;

    gc_list_foreach(node, &bed->made) {
        if (gc_container_of(node, struct rpc_made, node)->n_ends == 0) {
            return false;
        }
    }
    return true;
}

void
rpc_bed_fini(struct rpc_bed *bed)
{
    struct gc_list *node;

    if (bed->channel != NULL) {
        gc_rpc_channel_free(bed->channel);
    }
    rpc_bed_server_close(&bed->server);
    rpc_bed_until(bed, all_ended(bed));
    while ((node = gc_list_pop(&bed->made)) != NULL) {
        struct rpc_made *made = gc_container_of(node, struct rpc_made, node);

        assert_int_equal(made->n_ends, 1);
        gc_buf_fini(&made->body);
        free(made);
    }
    gc_loop_free(bed->loop);
}
