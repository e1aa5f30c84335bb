/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The nodes of the bed; its client is in tier_bed_call.c. */
#include "tests/support/tier_bed.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/macros.h"
#include "rpc/pb.h"

#define CLUSTER_ID "000102030405060708090a0b0c0d0e0f"

/* --- folders and configurations -----------------------------------------------------------------
 */

static int
remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void
conf_common(struct tier_bed *bed, struct gc_daemon_conf *conf, const char *role, const char *node)
{
    char uri[96], file[96];
    snprintf(uri, sizeof(uri), "spiffe://%s/gcommon/%s/%s", GC_PKI_DOMAIN, role, node);
    gc_pki_leaf(&bed->pki, node, uri);
    snprintf(conf->node, sizeof(conf->node), "%s", node);
    snprintf(file, sizeof(file), "%s.crt", node);
    snprintf(conf->cert, sizeof(conf->cert), "%s", gc_pki_path(&bed->pki, file));
    snprintf(file, sizeof(file), "%s.key", node);
    snprintf(conf->key, sizeof(conf->key), "%s", gc_pki_path(&bed->pki, file));
    snprintf(conf->ca, sizeof(conf->ca), "%s", bed->pki.ca_file);
    snprintf(conf->trust_domain, sizeof(conf->trust_domain), "%s", GC_PKI_DOMAIN);
    conf->workers = 1;
}

static void
conf_translation(struct tier_bed *bed)
{
    struct gc_translation_conf *conf = &bed->translation_conf;
    gc_conf_defaults(gc_translation_conf_items, conf);
    conf_common(bed, &conf->daemon, "translation", "translation-1");
    snprintf(conf->listen, sizeof(conf->listen), "127.0.0.1:0");
    snprintf(conf->data_dir, sizeof(conf->data_dir), "%s/translation", bed->dir);
    snprintf(conf->cluster_id, sizeof(conf->cluster_id), CLUSTER_ID);
    conf->heartbeat_ms = 50;
    conf->lease_ms = TIER_UNTIL_MS;
}

static void
conf_file(struct tier_bed *bed, size_t i)
{
    struct gc_file_conf *conf = &bed->files[i].conf;
    char node[32];
    gc_conf_defaults(gc_file_conf_items, conf);
    snprintf(node, sizeof(node), "file-%zu", i + 1);
    conf_common(bed, &conf->daemon, "file", node);
    snprintf(conf->listen, sizeof(conf->listen), "127.0.0.1:0");
    snprintf(conf->data_dir, sizeof(conf->data_dir), "%s/%s", bed->dir, node);
    snprintf(conf->zone, sizeof(conf->zone), "zone-%zu", i + 1);
    snprintf(conf->cluster_id, sizeof(conf->cluster_id), CLUSTER_ID);
    assert_int_equal(mkdir(conf->data_dir, 0700), 0);
    conf->pool_bytes = 4u << 20;
    conf->reserve_bytes = 1;
    conf->map_bytes = UINT64_C(1) << 31;
    conf->gc_delay_ms = 0;
}

void
tier_bed_init(struct tier_bed *bed, size_t n_files)
{
    static const char *const roles[] = { "web", "translation", "file" };
    assert_true(n_files <= TIER_FILES_MAX);
    memset(bed, 0, sizeof(*bed));
    snprintf(bed->dir, sizeof(bed->dir), "/tmp/gc-tiers-XXXXXX");
    assert_non_null(mkdtemp(bed->dir));
    gc_pki_init(&bed->pki, "tiers");
    assert_int_equal(gc_loop_new(&bed->loop), 0);
    gc_arena_init(&bed->arena, 64u << 20);
    gc_list_init(&bed->calls);
    bed->n_files = n_files;
    conf_translation(bed);
    for (size_t i = 0; i < n_files; i++) {
        conf_file(bed, i);
    }
    for (size_t i = 0; i < GC_ARRAY_LEN(roles); i++) {
        char uri[96];
        snprintf(uri, sizeof(uri), "spiffe://%s/gcommon/%s/client", GC_PKI_DOMAIN, roles[i]);
        gc_pki_leaf(&bed->pki, roles[i], uri);
    }
    tier_certificate(bed, "alice");
}

/* --- nodes --------------------------------------------------------------------------------------
 */

static void
on_fail(struct gc_task *task)
{
    struct gc_daemon *daemon = gc_container_of(task, struct gc_daemon, task_fail);
    gc_container_of(daemon, struct tier_node, daemon)->n_fails++;
}

/* What gc_daemon_main does on the way to its first worker. */
static void
node_open(struct tier_bed *bed, struct tier_node *node, const struct gc_role *role, void *conf)
{
    struct gc_daemon *daemon = &node->daemon;
    memset(daemon, 0, sizeof(*daemon));
    memset(&node->worker, 0, sizeof(node->worker));
    node->bed = bed;
    node->frozen = false;
    daemon->role = role;
    daemon->conf = conf;
    daemon->task_fail.fn = on_fail;
    pthread_mutex_init(&daemon->lock, NULL);
    daemon->metrics = gc_metrics_new();
    assert_non_null(daemon->metrics);
    assert_int_equal(gc_loop_new(&node->loop), 0);
    daemon->loop = node->loop;
    assert_int_equal(gc_daemon_tls_load(daemon, conf), 0);
    assert_int_equal(role->open(daemon, conf, &daemon->role_state), 0);
    node->worker.daemon = daemon;
    node->worker.loop = node->loop;
    assert_int_equal(role->worker_open(daemon->role_state, &node->worker, &node->worker.state), 0);
    gc_addr_format(&daemon->listens[0].addr, node->addr);
}

void
tier_node_close(struct tier_node *node)
{
    struct gc_daemon *daemon = &node->daemon;
    if (node->loop == NULL) {
        return;
    }
    daemon->role->worker_close(daemon->role_state, &node->worker, node->worker.state);
    daemon->role->close(daemon->role_state);
    gc_loop_free(node->loop);
    node->loop = NULL;
    gc_daemon_tls_fini(daemon);
    gc_metrics_free(daemon->metrics);
    pthread_mutex_destroy(&daemon->lock);
}

static void
keep_port(char listen[64], const struct tier_node *node)
{
    assert_int_equal(gc_str_copy(listen, 64, gc_str_of(node->addr)), 0);
}

void
tier_translation_open(struct tier_bed *bed)
{
    struct gc_translation_conf *conf = &bed->translation_conf;
    node_open(bed, &bed->translation, &gc_translation_role, conf);
    keep_port(conf->listen, &bed->translation);
}

void
tier_file_open(struct tier_bed *bed, size_t i)
{
    struct gc_file_conf *conf = &bed->files[i].conf;
    assert_int_equal(
        gc_str_copy(conf->translation, sizeof(conf->translation), gc_str_of(bed->translation.addr)),
        0);
    node_open(bed, &bed->files[i].node, &gc_file_role, conf);
    keep_port(conf->listen, &bed->files[i].node);
}

void
tier_bed_open(struct tier_bed *bed)
{
    tier_translation_open(bed);
    for (size_t i = 0; i < bed->n_files; i++) {
        tier_file_open(bed, i);
        tier_until(bed, tier_is_up(bed, i)); /* so that numbers are in order */
    }
    bed->web = tier_channel(bed, "web", bed->translation.addr, "translation");
}

static void
node_turn(struct tier_node *node)
{
    if (node->loop != NULL && !node->frozen) {
        gc_loop_turn(node->loop, 0);
    }
}

void
tier_bed_turn(struct tier_bed *bed)
{
    node_turn(&bed->translation);
    for (size_t i = 0; i < bed->n_files; i++) {
        node_turn(&bed->files[i].node);
    }
    gc_loop_turn(bed->loop, 1);
}

/* --- looking in ---------------------------------------------------------------------------------
 */

struct gc_translation *
tier_translation(struct tier_bed *bed)
{
    return bed->translation.daemon.role_state;
}

struct gc_file *
tier_file(struct tier_bed *bed, size_t i)
{
    return bed->files[i].node.daemon.role_state;
}

static void
begin_read(struct tier_bed *bed, struct gc_meta_read *rd)
{
    *rd = (struct gc_meta_read){ .meta = &tier_translation(bed)->meta, .arena = &bed->arena };
    assert_int_equal(gc_consensus_begin_read(tier_translation(bed)->consensus, &rd->txn), 0);
}

struct gc_meta_state
tier_state(struct tier_bed *bed)
{
    struct gc_meta_state state;
    struct gc_meta_read rd;
    begin_read(bed, &rd);
    assert_int_equal(gc_meta_get_state(&rd, &state), 0);
    gc_kv_abort(rd.txn);
    return state;
}

bool
tier_server(struct tier_bed *bed, size_t i, struct gc_meta_server *ret_server)
{
    struct gc_meta_read rd;
    int rc;
    begin_read(bed, &rd);
    rc = gc_meta_find_server(&rd, gc_str_of(bed->files[i].conf.daemon.node), ret_server);
    gc_kv_abort(rd.txn);
    assert_true(rc == 0 || rc == GC_ENOTFOUND);
    return rc == 0;
}

bool
tier_is_up(struct tier_bed *bed, size_t i)
{
    struct gc_meta_server server;
    return tier_server(bed, i, &server) && server.state == GC_META_SERVER_UP;
}

struct gc_blobs_stat
tier_stat(struct tier_bed *bed, size_t i)
{
    struct gc_blobs_stat stat;
    gc_blobs_stat(tier_file(bed, i)->blobs, &stat);
    return stat;
}

bool
tier_is_quiet(struct tier_bed *bed)
{
    struct gc_writer *writer = &tier_translation(bed)->writer;
    for (size_t i = 0; i < bed->n_files; i++) {
        if (bed->files[i].node.loop != NULL && tier_stat(bed, i).n_puts_open > 0) {
            return false;
        }
    }
    return gc_writer_watermark(writer) == writer->next;
}

struct proposing {
    struct gc_propose propose;
    bool done;
};

static void
on_proposed(struct gc_propose *propose)
{
    gc_container_of(propose, struct proposing, propose)->done = true;
}

struct gc_meta_result
tier_propose(struct tier_bed *bed, const struct gc_meta_command *cmd)
{
    struct proposing p = { .done = false };
    assert_int_equal(gc_propose_start(&p.propose, bed->translation.worker.state, cmd, on_proposed),
                     0);
    tier_until(bed, p.done);
    assert_int_equal(p.propose.rc, 0);
    return p.propose.result;
}

/* --- the end ------------------------------------------------------------------------------------
 */

static void
check_nothing_left(struct tier_bed *bed)
{
    struct gc_translation_worker *translation = bed->translation.worker.state;
    tier_until(bed, tier_is_quiet(bed));
    tier_until(bed, gc_rpc_server_n_calls(translation->rpc) == 0);
    for (size_t i = 0; i < bed->n_files; i++) {
        struct gc_file_worker *file = bed->files[i].node.worker.state;
        if (bed->files[i].node.loop != NULL) {
            tier_until(bed, gc_rpc_server_n_calls(file->rpc) == 0);
            tier_until(bed, tier_stat(bed, i).n_readers_open == 0);
        }
    }
}

void
tier_bed_fini(struct tier_bed *bed)
{
    struct gc_list *at, *next;
    for (size_t i = 0; i < bed->n_files; i++) {
        bed->files[i].node.frozen = false;
    }
    bed->translation.frozen = false;
    if (bed->web != NULL) {
        gc_rpc_channel_free(bed->web);
    }
    if (bed->translation.loop != NULL) {
        check_nothing_left(bed);
    }
    for (size_t i = 0; i < bed->n_files; i++) {
        tier_node_close(&bed->files[i].node);
    }
    tier_node_close(&bed->translation);
    for (at = bed->calls.next; at != &bed->calls; at = next) {
        struct tier_call *call = gc_container_of(at, struct tier_call, node);
        next = at->next;
        gc_until(bed->loop, call->ended);
        gc_bytes_unref(call->reply);
        free(call);
    }
    gc_loop_free(bed->loop);
    gc_arena_fini(&bed->arena);
    gc_pki_fini(&bed->pki);
    assert_int_equal(nftw(bed->dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
}
