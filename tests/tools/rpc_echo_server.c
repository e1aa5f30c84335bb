/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The test service of support/rpc_bed.h as a process, for foreign clients: prints the port of
 * 127.0.0.1 it listens on and serves, with grpc.health.v1.Health, until TERM. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "tests/support/rpc_bed.h"

static void
on_signal(void *arg, int signum)
{
    (void)signum;
    gc_loop_stop(arg);
}

int
main(void)
{
    struct gc_rpc_server *rpc = NULL;
    struct gc_rpc_health *health = NULL;
    struct gc_http_server *http = NULL;
    struct gc_metrics *metrics = gc_metrics_new();
    struct gc_http_conf conf = { .metrics = metrics };
    struct rpc_echo echo;
    struct gc_loop *loop;
    struct gc_addr addr;
    uint16_t port;
    int rc = gc_loop_new(&loop);
    if (rc != 0) {
        return 1;
    }
    rpc_echo_init(&echo);
    if ((rc = gc_rpc_server_new(loop, metrics, &rpc)) != 0 ||
        (rc = gc_rpc_server_add(rpc, &echo.service)) != 0 ||
        (rc = gc_rpc_health_new(rpc, &health)) != 0 ||
        (rc = gc_http_server_new(loop, &conf, gc_rpc_server_on_request, rpc, &http)) != 0 ||
        (rc = gc_addr_parse(GC_STR("127.0.0.1:0"), &addr)) != 0 ||
        (rc = gc_http_server_listen(http, &addr, -1, NULL, &port)) != 0 ||
        (rc = gc_loop_signal(loop, SIGTERM, on_signal, loop)) != 0) {
        fprintf(stderr, "rpc_echo_server: %s\n", gc_err_text(rc));
        return 1;
    }
    gc_rpc_health_set(health, "", true);
    gc_rpc_health_set(health, RPC_BED_SERVICE, true);
    printf("%u\n", port);
    fflush(stdout);
    (void)gc_loop_run(loop);
    gc_http_server_free(http);
    while (gc_rpc_server_n_calls(rpc) > 0) {
        gc_loop_turn(loop, 100);
    }
    gc_rpc_health_free(health);
    gc_rpc_server_free(rpc);
    rpc_echo_fini(&echo);
    gc_loop_free(loop);
    gc_metrics_free(metrics);
    return 0;
}
