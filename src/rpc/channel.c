/* SPDX-License-Identifier: MIT */
/* Targets become addresses, addresses become subchannels; a call takes a connection that has room
 * or waits for one.
 *
 * Policy: PICK_FIRST wants one connection, to the first address that works; the others want one to
 * each address. A channel connects when there is a call, or when it is told to, and again after a
 * loss when calls wait. Names are looked up again when all addresses fail, at most once in
 * RESOLVE_AGAIN_MS. Calls that do not wait for ready fail as soon as every address fails. */
#include "rpc/channel.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "rpc/channel_priv.h"

#define CONNECT_TIMEOUT_MS 5000
#define BACKOFF_BASE_MS    1000
#define BACKOFF_MAX_MS     120000
#define KEEPALIVE_MS       30000
#define QUEUE_MAX          1024
#define RESOLVE_TIMEOUT_MS 10000
#define RESOLVE_AGAIN_MS   5000
#define PATHS_MAX          128

/* --- life --------------------------------------------------------------------------------------
 */

void
gc_rpc_channel_ref(struct gc_rpc_channel *channel)
{
    channel->n_refs++;
}

void
gc_rpc_channel_unref(struct gc_rpc_channel *channel)
{
    if (--channel->n_refs > 0) {
        return;
    }
    assert(channel->shutdown && gc_list_empty(&channel->conns) &&
           gc_list_empty(&channel->waiting) && gc_list_empty(&channel->running));
    for (size_t i = 0; i < channel->n_paths; i++) {
        free(channel->paths[i]);
    }
    free(channel->paths);
    free(channel->targets);
    if (channel->conf.tls != NULL) {
        gc_tls_ctx_unref(channel->conf.tls);
    }
    gc_arena_fini(&channel->arena);
    free(channel);
}

static void
on_resolve_again(struct gc_timer *timer)
{
    gc_rpc_channel_settle(gc_container_of(timer, struct gc_rpc_channel, resolve_timer));
}

static const char *
copy_text(struct gc_rpc_channel *channel, const char *text)
{
    return text == NULL ? NULL : gc_arena_str(&channel->arena, gc_str_of(text)).data;
}

static uint64_t
or_default(uint64_t value, uint64_t fallback)
{
    return value != 0 ? value : fallback;
}

static void
copy_conf(struct gc_rpc_channel *channel, const struct gc_rpc_channel_conf *conf)
{
    struct gc_rpc_channel_conf *own = &channel->conf;

    *own = *conf;
    own->targets = NULL; /* channel->targets has them */
    own->expect_role = copy_text(channel, conf->expect_role);
    own->expect_node = copy_text(channel, conf->expect_node);
    own->expect_name = copy_text(channel, conf->expect_name);
    own->user_agent = NULL;
    channel->user_agent = gc_rpc_user_agent(&channel->arena, conf->user_agent);
    own->connect_timeout_ms = or_default(conf->connect_timeout_ms, CONNECT_TIMEOUT_MS);
    own->backoff_base_ms = or_default(conf->backoff_base_ms, BACKOFF_BASE_MS);
    own->backoff_max_ms = or_default(conf->backoff_max_ms, BACKOFF_MAX_MS);
    own->keepalive_ms = or_default(conf->keepalive_ms, KEEPALIVE_MS);
    own->queue_max = (unsigned)or_default(conf->queue_max, QUEUE_MAX);
    own->message_bytes_max =
        (unsigned)or_default(conf->message_bytes_max, GC_RPC_MESSAGE_BYTES_MAX);
    if (own->tls != NULL) {
        gc_tls_ctx_ref(own->tls);
    }
}

int
gc_rpc_channel_new(struct gc_loop *loop, const struct gc_rpc_channel_conf *conf,
                   struct gc_rpc_channel **ret_channel)
{
    struct gc_rpc_channel *channel = calloc(1, sizeof(*channel));
    uint64_t seed;
    int rc;

    if (channel == NULL) {
        return -ENOMEM;
    }
    channel->loop = loop;
    channel->n_refs = 1;
    gc_arena_init(&channel->arena, 64 * 1024);
    gc_list_init(&channel->subs);
    gc_list_init(&channel->conns);
    gc_list_init(&channel->waiting);
    gc_list_init(&channel->running);
    gc_random_bytes(&seed, sizeof(seed));
    gc_prng_init(&channel->prng, seed);
    gc_timer_init(&channel->resolve_timer, loop, on_resolve_again);
    copy_conf(channel, conf);
    rc = gc_rpc_channel_set_targets(channel, conf->targets);
    if (rc != 0) {
        gc_rpc_channel_free(channel);
        return rc;
    }
    *ret_channel = channel;
    return 0;
}

static void
cancel_resolves(struct gc_rpc_channel *channel)
{
    for (size_t i = 0; i < channel->n_targets; i++) {
        if (channel->targets[i].resolve != NULL) {
            gc_resolve_cancel(channel->targets[i].resolve);
        }
    }
}

static void
cancel_calls(struct gc_list *calls)
{
    while (!gc_list_empty(calls)) {
        /* Takes it off its list. */
        gc_rpc_cancel(&gc_container_of(calls->next, struct gc_rpc_client_call, node)->base);
    }
}

void
gc_rpc_channel_free(struct gc_rpc_channel *channel)
{
    struct gc_list *node;

    channel->shutdown = true;
    gc_timer_stop(&channel->resolve_timer);
    cancel_resolves(channel);
    cancel_calls(&channel->waiting);
    cancel_calls(&channel->running);
    while (!gc_list_empty(&channel->subs)) {
        gc_rpc_sub_free(gc_container_of(channel->subs.next, struct gc_rpc_sub, node));
    }
    gc_list_foreach(node, &channel->conns) {
        gc_http_client_abort(gc_container_of(node, struct gc_rpc_conn, node)->http);
    }
    gc_rpc_channel_unref(channel);
}

/* --- addresses ---------------------------------------------------------------------------------
 */

static bool
addr_eq(const struct gc_addr *a, const struct gc_addr *b)
{
    char text_a[GC_ADDR_TEXT_MAX], text_b[GC_ADDR_TEXT_MAX];

    gc_addr_format(a, text_a);
    gc_addr_format(b, text_b);
    return strcmp(text_a, text_b) == 0;
}

static struct gc_rpc_sub *
find_sub(struct gc_rpc_channel *channel, const struct gc_addr *addr)
{
    struct gc_list *node;

    gc_list_foreach(node, &channel->subs) {
        struct gc_rpc_sub *sub = gc_container_of(node, struct gc_rpc_sub, node);

        if (addr_eq(&sub->addr, addr)) {
            return sub;
        }
    }
    return NULL;
}

/* Keep or add a subchannel for each known address, in the order of the targets. */
static void
keep_addrs(struct gc_rpc_channel *channel, const struct gc_rpc_target *target)
{
    for (size_t i = 0; i < target->n_addrs; i++) {
        struct gc_rpc_sub *sub = find_sub(channel, &target->addrs[i]);

        if (sub == NULL && channel->n_subs < GC_RPC_SUBS_MAX) {
            sub = gc_rpc_sub_new(channel, &target->addrs[i], target->text);
        }
        if (sub != NULL && !sub->keep) {
            sub->keep = true;
            gc_list_remove(&sub->node);
            gc_list_push(&channel->subs, &sub->node);
        }
    }
}

/* The subchannels become those of the addresses known now. */
static void
update_subs(struct gc_rpc_channel *channel)
{
    struct gc_list *node, *tmp;

    gc_list_foreach(node, &channel->subs) {
        gc_container_of(node, struct gc_rpc_sub, node)->keep = false;
    }
    for (size_t i = 0; i < channel->n_targets; i++) {
        keep_addrs(channel, &channel->targets[i]);
    }
    gc_list_foreach_safe(node, tmp, &channel->subs) {
        struct gc_rpc_sub *sub = gc_container_of(node, struct gc_rpc_sub, node);

        if (!sub->keep) {
            gc_rpc_sub_free(sub);
        }
    }
}

/* A look-up of an older list of targets, which is gone, has nothing to say. */
struct lookup {
    struct gc_rpc_channel *channel;
    struct gc_rpc_target *target;
    unsigned generation;
};

static void
on_resolved(void *arg, int rc, const struct gc_addr *addrs, size_t n)
{
    struct lookup *lookup = arg;
    struct gc_rpc_channel *channel = lookup->channel;
    struct gc_rpc_target *target = lookup->target;

    if (lookup->generation == channel->generation && !channel->shutdown) {
        target->resolve = NULL;
        channel->n_resolving--;
        if (rc == 0) {
            target->n_addrs = GC_MIN(n, GC_RESOLVE_ADDRS_MAX);
            memcpy(target->addrs, addrs, target->n_addrs * sizeof(*addrs));
        } else {
            snprintf(channel->error, sizeof(channel->error), "%.100s: %s", target->text,
                     gc_err_text(rc));
        }
        if (channel->n_resolving == 0) {
            update_subs(channel);
            gc_rpc_channel_settle(channel);
        }
    }
    free(lookup);
    gc_rpc_channel_unref(channel);
}

static int
resolve_start(struct gc_rpc_channel *channel, struct gc_rpc_target *target)
{
    struct lookup *lookup = malloc(sizeof(*lookup));
    int rc;

    if (lookup == NULL) {
        return -ENOMEM;
    }
    *lookup = (struct lookup){ channel, target, channel->generation };
    rc = gc_resolve_start(channel->loop, target->text, RESOLVE_TIMEOUT_MS, on_resolved, lookup,
                          &target->resolve);
    if (rc != 0) {
        free(lookup);
        snprintf(channel->error, sizeof(channel->error), "%.100s: %s", target->text,
                 gc_err_text(rc));
        return rc;
    }
    channel->n_resolving++;
    gc_rpc_channel_ref(channel);
    return 0;
}

/* Look up what targets are names; when that has been done a moment ago, a little later. */
void
gc_rpc_channel_resolve(struct gc_rpc_channel *channel)
{
    uint64_t now_ms = gc_loop_now_ms(channel->loop);

    if (channel->n_resolving > 0) {
        return;
    }
    if (channel->resolved_ms != 0 && now_ms - channel->resolved_ms < RESOLVE_AGAIN_MS) {
        gc_timer_start(&channel->resolve_timer, RESOLVE_AGAIN_MS);
        return;
    }
    for (size_t i = 0; i < channel->n_targets; i++) {
        if (!channel->targets[i].numeric) {
            channel->resolved_ms = GC_MAX(now_ms, 1);
            (void)resolve_start(channel, &channel->targets[i]);
        }
    }
}

static int
parse_targets(struct gc_rpc_channel *channel, const char *text, struct gc_rpc_target *targets,
              size_t *ret_n)
{
    size_t n = 0;

    for (;;) {
        size_t len;

        text += strspn(text, " \t,");
        len = strcspn(text, " \t,");
        if (len == 0) {
            break;
        }
        if (n == GC_RPC_TARGETS_MAX) {
            return GC_ELIMIT;
        }
        targets[n].channel = channel;
        if (gc_str_copy(targets[n].text, sizeof(targets[n].text), (struct gc_str){ text, len })) {
            return GC_EPARSE;
        }
        targets[n].numeric = gc_addr_parse((struct gc_str){ text, len }, &targets[n].addrs[0]) == 0;
        targets[n].n_addrs = targets[n].numeric;
        text += len;
        n++;
    }
    *ret_n = n;
    return n > 0 ? 0 : GC_EPARSE;
}

int
gc_rpc_channel_set_targets(struct gc_rpc_channel *channel, const char *targets)
{
    struct gc_rpc_target *list = calloc(GC_RPC_TARGETS_MAX, sizeof(*list));
    size_t n = 0;
    int rc;

    if (list == NULL) {
        return -ENOMEM;
    }
    rc = parse_targets(channel, targets != NULL ? targets : "", list, &n);
    if (rc != 0) {
        free(list);
        return rc;
    }
    cancel_resolves(channel);
    free(channel->targets);
    channel->targets = list;
    channel->n_targets = n;
    channel->n_resolving = 0;
    channel->resolved_ms = 0;
    channel->generation++;
    gc_rpc_channel_resolve(channel);
    if (channel->n_resolving == 0) {
        update_subs(channel);
    }
    gc_rpc_channel_settle(channel);
    return 0;
}

/* --- connections -------------------------------------------------------------------------------
 */

static bool
any_in(const struct gc_rpc_channel *channel, enum gc_rpc_state state)
{
    const struct gc_list *node;

    gc_list_foreach(node, &channel->subs) {
        if (gc_container_of(node, struct gc_rpc_sub, node)->state == state) {
            return true;
        }
    }
    return false;
}

enum gc_rpc_state
gc_rpc_channel_state(const struct gc_rpc_channel *channel)
{
    if (channel->shutdown) {
        return GC_RPC_SHUTDOWN;
    }
    if (any_in(channel, GC_RPC_READY)) {
        return GC_RPC_READY;
    }
    if (any_in(channel, GC_RPC_CONNECTING) || channel->n_resolving > 0) {
        return GC_RPC_CONNECTING;
    }
    return any_in(channel, GC_RPC_IDLE) ? GC_RPC_IDLE : GC_RPC_TRANSIENT_FAILURE;
}

bool
gc_rpc_channel_failing(const struct gc_rpc_channel *channel)
{
    return gc_rpc_channel_state(channel) == GC_RPC_TRANSIENT_FAILURE;
}

void
gc_rpc_channel_kick(struct gc_rpc_channel *channel)
{
    bool one = channel->conf.balance == GC_RPC_PICK_FIRST;
    struct gc_list *node;

    if (channel->shutdown ||
        (one && (any_in(channel, GC_RPC_READY) || any_in(channel, GC_RPC_CONNECTING)))) {
        return;
    }
    gc_list_foreach(node, &channel->subs) {
        struct gc_rpc_sub *sub = gc_container_of(node, struct gc_rpc_sub, node);

        if (sub->state == GC_RPC_IDLE) {
            gc_rpc_sub_connect(sub);
            if (one && sub->state == GC_RPC_CONNECTING) {
                return;
            }
        }
    }
}

/* Waiting calls that do not wait for ready end now. */
static void
fail_waiting(struct gc_rpc_channel *channel)
{
    struct gc_list *node, *tmp;

    gc_list_foreach_safe(node, tmp, &channel->waiting) {
        struct gc_rpc_client_call *cc = gc_container_of(node, struct gc_rpc_client_call, node);

        if (!cc->wait_for_ready) {
            gc_rpc_call_fail(&cc->base, GC_RPC_UNAVAILABLE, channel->error);
        }
    }
}

void
gc_rpc_channel_settle(struct gc_rpc_channel *channel)
{
    if (channel->shutdown) {
        return;
    }
    if (channel->n_waiting > 0) {
        gc_rpc_channel_kick(channel);
    }
    if (gc_rpc_channel_failing(channel)) {
        gc_rpc_channel_resolve(channel);
    }
    if (gc_rpc_channel_failing(channel)) {
        fail_waiting(channel);
    }
}

struct gc_rpc_conn *
gc_rpc_channel_pick(struct gc_rpc_channel *channel)
{
    struct gc_rpc_candidate candidates[GC_RPC_SUBS_MAX];
    struct gc_rpc_sub *subs[GC_RPC_SUBS_MAX];
    struct gc_list *node;
    size_t n = 0, at;

    gc_list_foreach(node, &channel->subs) {
        struct gc_rpc_sub *sub = gc_container_of(node, struct gc_rpc_sub, node);
        bool ready = sub->state == GC_RPC_READY;

        subs[n] = sub;
        candidates[n].slots = ready ? gc_http_client_slots(sub->conn->http) : 0;
        candidates[n].n_calls = ready ? sub->conn->n_calls : 0;
        n++;
    }
    at =
        gc_rpc_balance_pick(channel->conf.balance, candidates, n, &channel->cursor, &channel->prng);
    return at != GC_RPC_PICK_NONE ? subs[at]->conn : NULL;
}

void
gc_rpc_channel_pump(struct gc_rpc_channel *channel)
{
    while (!channel->shutdown && !gc_list_empty(&channel->waiting)) {
        struct gc_rpc_client_call *cc =
            gc_container_of(channel->waiting.next, struct gc_rpc_client_call, node);
        struct gc_rpc_conn *conn = gc_rpc_channel_pick(channel);

        if (conn == NULL || gc_rpc_client_call_open(cc, conn) != 0) {
            return;
        }
    }
}

void
gc_rpc_channel_connect(struct gc_rpc_channel *channel)
{
    gc_rpc_channel_kick(channel);
}

void
gc_rpc_channel_set_tls(struct gc_rpc_channel *channel, struct gc_tls_ctx *tls)
{
    struct gc_tls_ctx *old = channel->conf.tls;
    struct gc_list *node;

    channel->conf.tls = tls != NULL ? gc_tls_ctx_ref(tls) : NULL;
    if (old != NULL) {
        gc_tls_ctx_unref(old);
    }
    gc_list_foreach(node, &channel->subs) {
        gc_rpc_sub_detach(gc_container_of(node, struct gc_rpc_sub, node));
    }
    gc_rpc_channel_settle(channel);
}

/* --- metrics -----------------------------------------------------------------------------------
 */

static void
path_stats_init(struct gc_rpc_channel *channel, struct gc_rpc_path_stats *entry, const char *path)
{
    struct gc_str service = gc_str_of(path + 1), method = { NULL, 0 };
    const char *slash = strchr(path + 1, '/');

    if (slash != NULL) {
        service.len = (size_t)(slash - path) - 1;
        method = gc_str_of(slash + 1);
    }
    entry->path = path;
    gc_rpc_stats_init(&entry->stats, channel->conf.http.metrics, "client", service, method);
}

/* Paths are static texts, so that the pointer is the key. */
struct gc_rpc_stats *
gc_rpc_channel_stats(struct gc_rpc_channel *channel, const char *path)
{
    struct gc_rpc_path_stats *entry;

    if (channel->conf.http.metrics == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < channel->n_paths; i++) {
        if (channel->paths[i]->path == path) {
            return &channel->paths[i]->stats;
        }
    }
    if (channel->paths == NULL) {
        channel->paths = calloc(PATHS_MAX, sizeof(struct gc_rpc_path_stats *));
    }
    entry = channel->paths != NULL && channel->n_paths < PATHS_MAX ? malloc(sizeof(*entry)) : NULL;
    if (entry == NULL) {
        return NULL;
    }
    path_stats_init(channel, entry, path);
    channel->paths[channel->n_paths++] = entry;
    return &entry->stats;
}
