/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <inttypes.h>
#include <stdio.h>

#include "cli/json.h"
#include "cli/object_cmd.h"
#include "proto/gcommon/v1/object/object.pb-c.h"

#define ARENA_BYTES_MAX (4u * 1024 * 1024)
#define JSON_BYTES_MAX  (4u * 1024 * 1024)

typedef Gcommon__V1__Object__GetStatusResponse Status;
typedef Gcommon__V1__Object__FileServer Server;

static int
json_server(struct gc_buf *out, const Server *server)
{
    int rc = gc_buf_printf(out, "{\"number\":%" PRIu32 ",", server->number);

    rc = rc != 0 ? rc : gc_json_member(out, "node", gc_str_of(server->node));
    rc = rc != 0 ? rc : gc_json_member(out, "address", gc_str_of(server->address));
    rc = rc != 0 ? rc : gc_json_member(out, "zone", gc_str_of(server->zone));
    return rc != 0 ? rc
                   : gc_buf_printf(out,
                                   "\"up\":%s,\"silent_ms\":%" PRIu64 ",\"free_bytes\":%" PRIu64
                                   ",\"blobs\":%" PRIu64 "}",
                                   server->up ? "true" : "false", server->silent_ms,
                                   server->free_bytes, server->n_blobs);
}

static int
print_json(const Status *status)
{
    struct gc_buf out;
    int rc;

    gc_buf_init(&out, JSON_BYTES_MAX);
    rc = gc_buf_append_str(&out, "{");
    rc = rc != 0 ? rc : gc_json_member(&out, "node", gc_str_of(status->node));
    rc = rc != 0 ? rc : gc_json_member(&out, "version", gc_str_of(status->version));
    rc = rc != 0 ? rc
                 : gc_buf_printf(&out,
                                 "\"applied_index\":%" PRIu64 ",\"buckets\":%" PRIu64
                                 ",\"objects\":%" PRIu64 ",\"gc_rows\":%" PRIu64 ",\"servers\":[",
                                 status->applied_index, status->n_buckets, status->n_objects,
                                 status->n_gc_rows);
    for (size_t i = 0; i < status->n_servers && rc == 0; i++) {
        rc = i > 0 ? gc_buf_append_str(&out, ",") : 0;
        rc = rc != 0 ? rc : json_server(&out, status->servers[i]);
    }
    rc = rc != 0 ? rc : gc_buf_append_str(&out, "]}\n");
    return gc_object_print(&out, rc);
}

static int
print_text(const Status *status)
{
    char shown[GC_SHOWN_MAX], human[GC_HUMAN_MAX];

    printf("node      %s\n", gc_shown(shown, gc_str_of(status->node)));
    printf("version   %s\n", gc_shown(shown, gc_str_of(status->version)));
    printf("applied   %" PRIu64 "\n", status->applied_index);
    printf("buckets   %" PRIu64 "\n", status->n_buckets);
    printf("objects   %" PRIu64 "\n", status->n_objects);
    printf("gc rows   %" PRIu64 "\n", status->n_gc_rows);
    printf("\n%-6s %-16s %-22s %-10s %-5s %9s %10s %10s\n", "SERVER", "NODE", "ADDRESS", "ZONE",
           "STATE", "SILENT", "FREE", "BLOBS");
    for (size_t i = 0; i < status->n_servers; i++) {
        const Server *server = status->servers[i];

        printf("%-6" PRIu32, server->number);
        printf(" %-16s", gc_shown(shown, gc_str_of(server->node)));
        printf(" %-22s", gc_shown(shown, gc_str_of(server->address)));
        printf(" %-10s", gc_shown(shown, gc_str_of(server->zone)));
        printf(" %-5s %6" PRIu64 " ms %10s %10" PRIu64 "\n", server->up ? "up" : "down",
               server->silent_ms, gc_human_bytes(human, server->free_bytes), server->n_blobs);
    }
    return GC_EXIT_OK;
}

static int
ask_status(struct gc_remote *remote, const struct gc_cli *cli)
{
    Gcommon__V1__Object__GetStatusRequest request = GCOMMON__V1__OBJECT__GET_STATUS_REQUEST__INIT;
    struct gc_arena arena;
    struct gc_ask ask = {
        .path = GC_OBJECT_METHOD("GetStatus"),
        .request = &request.base,
        .answer = &gcommon__v1__object__get_status_response__descriptor,
        .arena = &arena,
    };
    struct gc_fault fault;
    void *answer;
    int status;

    gc_arena_init(&arena, ARENA_BYTES_MAX);
    if (gc_remote_ask(remote, &ask, &answer, &fault)) {
        status = cli->json ? print_json(answer) : print_text(answer);
    } else {
        status = gc_object_fail("status", &fault);
    }
    gc_arena_fini(&arena);
    return status;
}

int
gc_cmd_status(struct gc_cli *cli, int argc, char **argv)
{
    struct gc_object_cmd cmd = {
        .name = "status",
        .args = "",
        .summary = "Say how the cluster is: what it holds and which file servers are up.",
    };
    struct gc_remote remote;
    size_t n_args;
    int status;

    if (!gc_object_parse(cli, &cmd, argc, argv, &n_args, &status)) {
        return status;
    }
    status = gc_remote_open(&remote, cli, &cmd.remote_opts);
    if (status != 0) {
        return status;
    }
    status = ask_status(&remote, cli);
    gc_remote_close(&remote);
    return status;
}
