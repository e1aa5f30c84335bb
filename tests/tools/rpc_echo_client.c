/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One call of the test service against a foreign server: rpc_echo_client PORT METHOD DEADLINE_MS
 * [NAME=VALUE]... reads messages from stdin, one a line, sends them all, half-closes, and prints
 * what came, a line each: "header NAME VALUE", "message TEXT", "trailer NAME VALUE", and last
 * "status CODE TEXT". With METHOD's first letter '-' (as in -Chat) the call is cancelled at the
 * first message. Values of "-bin" metadata are given and printed in hex. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "tests/support/rpc_bed.h"

#define METADATA_MAX 8

struct client {
    struct gc_loop *loop;
    bool cancel, ended;
};

static void
print_fields(const char *what, const struct gc_http_field *fields, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char hex[256];
        struct gc_str value = fields[i].value;
        if (!gc_str_starts(fields[i].name, "x-")) {
            continue;
        }
        if (fields[i].name.len > 4 &&
            memcmp(fields[i].name.data + fields[i].name.len - 4, "-bin", 4) == 0 &&
            value.len < sizeof(hex) / 2) {
            gc_hex_encode(hex, value.data, value.len);
            value = gc_str_of(hex);
        }
        printf("%s %.*s %.*s\n", what, (int)fields[i].name.len, fields[i].name.data, (int)value.len,
               value.data);
    }
}

static void
on_headers(struct gc_rpc_call *call, void *arg, const struct gc_http_field *fields, size_t n)
{
    (void)call;
    (void)arg;
    print_fields("header", fields, n);
}

static void
on_message(struct gc_rpc_call *call, void *arg, struct gc_bytes *msg)
{
    struct client *client = arg;
    printf("message %.*s\n", (int)msg->len, (const char *)msg->data);
    gc_rpc_consume(call);
    if (client->cancel) {
        gc_rpc_cancel(call);
    }
}

static void
on_end(struct gc_rpc_call *call, void *arg, const struct gc_rpc_status *status)
{
    struct client *client = arg;
    size_t n;
    const struct gc_http_field *trailers = gc_rpc_trailers(call, &n);
    print_fields("trailer", trailers, n);
    printf("status %s %s\n", gc_rpc_code_name(status->code), status->message);
    client->ended = true;
}

static const struct gc_rpc_handler handler = {
    .on_headers = on_headers,
    .on_message = on_message,
    .on_end = on_end,
};

/* NAME=VALUE to a field; hex for "-bin". */
static void
take_metadata(const char *arg, struct gc_http_field *field, char *bin)
{
    const char *equals = strchr(arg, '=');
    size_t n = strlen(equals + 1) / 2;
    field->name = (struct gc_str){ arg, (size_t)(equals - arg) };
    field->value = gc_str_of(equals + 1);
    if (field->name.len > 4 && memcmp(equals - 4, "-bin", 4) == 0 &&
        gc_hex_decode(bin, n, field->value) == 0) {
        field->value = (struct gc_str){ bin, n };
    }
}

static void
send_lines(struct gc_rpc_call *call)
{
    char line[4096];
    while (fgets(line, sizeof(line), stdin) != NULL) {
        struct gc_bytes *msg = gc_bytes_copy(line, strcspn(line, "\n"));
        (void)gc_rpc_send(call, msg);
        gc_bytes_unref(msg);
    }
    (void)gc_rpc_half_close(call);
}

int
main(int argc, char **argv)
{
    struct client client = { .ended = false };
    struct gc_http_field fields[METADATA_MAX] = { { .sensitive = false } };
    char bin[METADATA_MAX][256], target[32], path[128];
    struct gc_rpc_channel_conf channel_conf = { .targets = target };
    struct gc_rpc_call_conf conf = { .path = path, .metadata = fields, .wait_for_ready = true };
    struct gc_rpc_channel *channel;
    struct gc_rpc_call *call;
    if (argc < 4 || gc_loop_new(&client.loop) != 0) {
        return 2;
    }
    client.cancel = argv[2][0] == '-';
    snprintf(target, sizeof(target), "127.0.0.1:%s", argv[1]);
    snprintf(path, sizeof(path), "/" RPC_BED_SERVICE "/%s", argv[2] + client.cancel);
    conf.deadline_ms = strtoull(argv[3], NULL, 10);
    for (int i = 4; i < argc && conf.n_metadata < METADATA_MAX; i++) {
        take_metadata(argv[i], &fields[conf.n_metadata], bin[conf.n_metadata]);
        conf.n_metadata++;
    }
    if (gc_rpc_channel_new(client.loop, &channel_conf, &channel) != 0 ||
        gc_rpc_call_start(channel, &conf, &handler, &client, &call) != 0) {
        return 2;
    }
    send_lines(call);
    while (!client.ended) {
        gc_loop_turn(client.loop, 1000);
    }
    gc_rpc_channel_free(channel);
    gc_loop_free(client.loop);
    return 0;
}
