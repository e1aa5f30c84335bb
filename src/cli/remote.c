/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/remote.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "cli/place.h"
#include "rpc/pb.h"

#define TIMEOUT_S_DEFAULT  30
#define TIMEOUT_S_MAX      86400
#define RETRIES_DEFAULT    4
#define RETRIES_MAX        1000
#define BACKOFF_BASE_MS    250
#define BACKOFF_MAX_MS     10000
#define CONNECT_BACKOFF_MS 100 /* of the channel: less than ours, which decides */
#define TURN_MS            200

/* --- options and files ------------------------------------------------------------------------ */

void
gc_remote_add_opts(struct gc_remote_opts *opts, struct gc_cli_opt rows[GC_REMOTE_N_OPTS])
{
    rows[0] = (struct gc_cli_opt){ .name = "timeout",
                                   .arg = "SECONDS",
                                   .value = &opts->timeout,
                                   .help = "how long to wait for an answer or for progress; 30" };
    rows[1] = (struct gc_cli_opt){ .name = "retries",
                                   .arg = "N",
                                   .value = &opts->retries,
                                   .help = "how often to try again while unavailable; 4" };
}

static int
take_opts(struct gc_remote *remote, const struct gc_remote_opts *opts)
{
    uint64_t timeout_s = TIMEOUT_S_DEFAULT, n_retries = RETRIES_DEFAULT;

    if (opts->timeout != NULL &&
        (gc_str_u64(gc_str_of(opts->timeout), TIMEOUT_S_MAX, &timeout_s) != 0 || timeout_s == 0)) {
        return gc_cli_usage_error("--timeout %s: wants 1 to %d seconds", opts->timeout,
                                  TIMEOUT_S_MAX);
    }
    if (opts->retries != NULL &&
        gc_str_u64(gc_str_of(opts->retries), RETRIES_MAX, &n_retries) != 0) {
        return gc_cli_usage_error("--retries %s: wants 0 to %d", opts->retries, RETRIES_MAX);
    }
    remote->timeout_ms = timeout_s * 1000;
    remote->n_retries = (unsigned)n_retries;
    return 0;
}

/* What was given does not allow to call anybody safely: say so. */
static int
check_cli(const struct gc_cli *cli, struct gc_url *ret_url)
{
    if (cli->url == NULL || cli->url[0] == '\0') {
        return gc_cli_usage_error("whose objects? Give --url or GCOMMON_URL");
    }
    if (gc_url_parse(cli->url, ret_url) != 0) {
        return gc_cli_usage_error("--url: wants https://host[:port], or http:// for this machine");
    }
    if (!ret_url->tls && !ret_url->loopback) {
        return gc_cli_usage_error("--url: http:// is only for the same machine; use https://");
    }
    if (ret_url->tls && (cli->ca == NULL || cli->ca[0] == '\0')) {
        return gc_cli_usage_error("who signs the server's certificate? Give --ca or GCOMMON_CA");
    }
    return 0;
}

/* An empty variable of the environment counts as none. */
static const char *
given(const char *text)
{
    return text != NULL && text[0] != '\0' ? text : NULL;
}

static int
take_tls(const struct gc_cli *cli, struct gc_tls_ctx **ret_tls)
{
    const struct gc_tls_conf conf = {
        .profile = GC_TLS_PUBLIC,
        .cert_file = given(cli->cert),
        .key_file = given(cli->key),
        .ca_file = cli->ca,
    };
    char error[GC_TLS_ERROR_MAX];
    int rc;

    if ((conf.cert_file == NULL) != (conf.key_file == NULL)) {
        return gc_cli_usage_error("--cert and --key belong together");
    }
    rc = gc_tls_ctx_new(&conf, ret_tls, error);
    return rc == 0 ? 0 : gc_cli_fail(rc, "%s", error);
}

/* --- life ------------------------------------------------------------------------------------- */

static void
on_signal(void *arg, int signum)
{
    ((struct gc_remote *)arg)->signum = signum;
}

static int
take_signals(struct gc_remote *remote)
{
    static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

    for (size_t i = 0; i < GC_ARRAY_LEN(signals); i++) {
        int rc = gc_loop_signal(remote->loop, signals[i], on_signal, remote);

        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

static int
take_token(struct gc_remote *remote, const char *token)
{
    if (token == NULL) {
        return 0;
    }
    if (asprintf(&remote->authorization, "Bearer %s", token) < 0) {
        remote->authorization = NULL;
        return -ENOMEM;
    }
    remote->metadata = (struct gc_http_field){ .name = GC_STR("authorization"),
                                               .value = gc_str_of(remote->authorization),
                                               .sensitive = true };
    return 0;
}

static int
open_channel(struct gc_remote *remote, const struct gc_cli *cli, const struct gc_url *url)
{
    struct gc_rpc_channel_conf conf = {
        .targets = url->target,
        .balance = GC_RPC_PICK_FIRST,
        .backoff_base_ms = CONNECT_BACKOFF_MS,
        .backoff_max_ms = BACKOFF_MAX_MS,
        .user_agent = "gcommonctl",
    };
    int rc, status;

    if (url->tls) {
        status = take_tls(cli, &conf.tls);
        if (status != 0) {
            return status;
        }
    }
    rc = gc_rpc_channel_new(remote->loop, &conf, &remote->channel);
    if (conf.tls != NULL) {
        gc_tls_ctx_unref(conf.tls);
    }
    return rc == 0 ? 0 : gc_cli_fail(rc, "%s", url->target);
}

int
gc_remote_open(struct gc_remote *remote, const struct gc_cli *cli,
               const struct gc_remote_opts *opts)
{
    struct gc_url url = { 0 };
    uint64_t seed;
    int rc, status;

    *remote = (struct gc_remote){ 0 };
    status = check_cli(cli, &url);
    status = status != 0 ? status : take_opts(remote, opts);
    if (status != 0) {
        return status;
    }
    gc_log_set_level(GC_LOG_ERROR); /* what goes wrong is told in our own words */
    gc_random_bytes(&seed, sizeof(seed));
    gc_prng_init(&remote->prng, seed);
    rc = gc_loop_new(&remote->loop);
    rc = rc != 0 ? rc : take_signals(remote);
    rc = rc != 0 ? rc : take_token(remote, given(cli->token));
    status = rc != 0 ? gc_cli_fail(rc, "start") : open_channel(remote, cli, &url);
    if (status != 0) {
        gc_remote_close(remote);
    }
    return status;
}

void
gc_remote_close(struct gc_remote *remote)
{
    if (remote->channel != NULL) {
        gc_rpc_channel_free(remote->channel);
    }
    if (remote->loop != NULL) {
        gc_loop_free(remote->loop);
    }
    if (remote->authorization != NULL) {
        gc_wipe(remote->authorization, strlen(remote->authorization));
        free(remote->authorization);
    }
    gc_tls_thread_end();
    *remote = (struct gc_remote){ 0 };
}

/* --- calls ------------------------------------------------------------------------------------ */

struct gc_rpc_call_conf
gc_remote_call_conf(const struct gc_remote *remote, const char *path, bool stream)
{
    return (struct gc_rpc_call_conf){
        .path = path,
        .deadline_ms = stream ? GC_RPC_NO_DEADLINE : remote->timeout_ms,
        .progress_ms = stream ? remote->timeout_ms : 0,
        .metadata = &remote->metadata,
        .n_metadata = remote->authorization != NULL ? 1 : 0,
    };
}

void
gc_remote_backoff_init(struct gc_rpc_backoff *backoff)
{
    gc_rpc_backoff_init(backoff, BACKOFF_BASE_MS, BACKOFF_MAX_MS);
}

/* Turn the loop for WAIT_MS, or until a signal comes. */
static void
wait_ms(struct gc_remote *remote, uint64_t wait_ms)
{
    uint64_t end_ms = gc_clock_mono_ms() + wait_ms;

    for (uint64_t now_ms = gc_clock_mono_ms(); now_ms < end_ms && remote->signum == 0;
         now_ms = gc_clock_mono_ms()) {
        gc_loop_turn(remote->loop, (int)GC_MIN(end_ms - now_ms, TURN_MS));
    }
}

void
gc_remote_connect(struct gc_remote *remote)
{
    struct gc_rpc_backoff backoff;

    gc_remote_backoff_init(&backoff);
    for (unsigned i = 0; remote->signum == 0; i++) {
        gc_rpc_channel_connect(remote->channel);
        while (gc_rpc_channel_state(remote->channel) == GC_RPC_CONNECTING && remote->signum == 0) {
            gc_loop_turn(remote->loop, TURN_MS);
        }
        if (gc_rpc_channel_state(remote->channel) == GC_RPC_READY || i == remote->n_retries) {
            return;
        }
        wait_ms(remote, gc_rpc_backoff_next(&backoff, &remote->prng));
    }
}

/* One attempt. */
struct attempt {
    struct gc_rpc_call *call;
    struct gc_fault *fault;
    struct gc_bytes *answer;
    bool over;
};

static void
on_answer(void *arg, const struct gc_rpc_status *status, struct gc_bytes *answer)
{
    struct attempt *attempt = arg;

    gc_fault_of_call(attempt->fault, attempt->call, status);
    attempt->answer = answer != NULL ? gc_bytes_ref(answer) : NULL;
    attempt->over = true;
}

static void
attempt_run(struct gc_remote *remote, const char *path, struct gc_bytes *request,
            struct attempt *attempt)
{
    struct gc_rpc_call_conf conf = gc_remote_call_conf(remote, path, false);
    bool cancelled = false;
    int rc;

    gc_loop_turn(remote->loop, 0); /* the loop's clock may be old; deadlines count from it */
    rc = gc_rpc_unary(remote->channel, &conf, request, on_answer, attempt, &attempt->call);
    if (rc != 0) {
        gc_fault_set(attempt->fault, rc, "call");
        return;
    }
    while (!attempt->over) {
        gc_loop_turn(remote->loop, TURN_MS);
        if (remote->signum != 0 && !attempt->over && !cancelled) {
            gc_rpc_cancel(attempt->call);
            cancelled = true;
        }
    }
    if (cancelled && attempt->fault->status != GC_EXIT_OK) {
        gc_fault_interrupted(attempt->fault);
    }
}

static bool
take_answer(struct gc_ask *ask, struct gc_bytes *answer, void **ret_answer, struct gc_fault *fault)
{
    void *message = gc_pb_unpack(ask->answer, ask->arena, answer->data, answer->len);

    if (message == NULL) {
        gc_fault_set(fault, GC_EPROTO, "answer");
        return false;
    }
    *ret_answer = message;
    return true;
}

bool
gc_remote_ask(struct gc_remote *remote, struct gc_ask *ask, void **ret_answer,
              struct gc_fault *fault)
{
    struct gc_bytes *request = gc_pb_pack(ask->request);
    struct gc_rpc_backoff backoff;
    struct attempt attempt;
    bool ok;

    if (request == NULL) {
        gc_fault_set(fault, -ENOMEM, "request");
        return false;
    }
    gc_remote_backoff_init(&backoff);
    for (ask->n_attempts = 1;; ask->n_attempts++) {
        attempt = (struct attempt){ .fault = fault };
        attempt_run(remote, ask->path, request, &attempt);
        if (!fault->again || ask->n_attempts > remote->n_retries) {
            break;
        }
        wait_ms(remote, gc_rpc_backoff_next(&backoff, &remote->prng));
        if (remote->signum != 0) {
            gc_fault_interrupted(fault);
            break;
        }
    }
    gc_bytes_unref(request);
    ok = fault->status == GC_EXIT_OK && take_answer(ask, attempt.answer, ret_answer, fault);
    gc_bytes_unref(attempt.answer);
    return ok;
}
