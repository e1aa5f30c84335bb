/* SPDX-License-Identifier: GPL-3.0-or-later */
/* RegistryService: real file servers registering, falling silent and coming back, and a peer with
 * a file server's role that says odd things. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/checksum.h"
#include "base/macros.h"
#include "tests/support/tier_bed.h"

#define LEASE_MS 500

struct registry_bed {
    struct tier_bed bed;
    struct gc_rpc_channel *peer; /* in the role of file server "client" */
    uint8_t uuid[16];
    const char *address; /* that it says */
};

static int
setup_lease(void **state, uint64_t lease_ms)
{
    struct registry_bed *r = calloc(1, sizeof(*r));
    tier_bed_init(&r->bed, 1);
    r->bed.translation_conf.lease_ms = lease_ms;
    r->bed.files[0].conf.inventory_ms = 100;
    tier_bed_open(&r->bed);
    tier_make_bucket(&r->bed, TIER_BUCKET);
    r->peer = tier_channel(&r->bed, "file", r->bed.translation.addr, "translation");
    memset(r->uuid, 7, sizeof(r->uuid));
    r->address = "127.0.0.1:9";
    *state = r;
    return 0;
}

static int
setup(void **state)
{
    return setup_lease(state, TIER_UNTIL_MS);
}

static int
setup_short_lease(void **state)
{
    return setup_lease(state, LEASE_MS);
}

static int
teardown(void **state)
{
    struct registry_bed *r = *state;
    gc_rpc_channel_free(r->peer);
    tier_bed_fini(&r->bed);
    free(r);
    return 0;
}

/* --- requests of the odd peer -------------------------------------------------------------------
 */

static void
send_register(struct registry_bed *r, struct tier_call *call, uint64_t generation, uint32_t weight)
{
    Gcommon__V1__Registry__StoreIdentity store = GCOMMON__V1__REGISTRY__STORE_IDENTITY__INIT;
    Gcommon__V1__Registry__RegisterRequest request = GCOMMON__V1__REGISTRY__REGISTER_REQUEST__INIT;
    store.store_uuid.data = r->uuid;
    store.store_uuid.len = sizeof(r->uuid);
    store.generation = generation;
    store.durable_seq = 10;
    request.address = (char *)(uintptr_t)r->address;
    request.zone = (char *)"nowhere";
    request.weight = weight;
    request.store = &store;
    tier_send(call, &request.base);
    tier_half_close(call);
}

static struct tier_call *
ask_register(struct registry_bed *r, uint64_t generation, uint32_t weight)
{
    struct tier_call *call =
        tier_call(&r->bed, r->peer, TIER_REGISTRY("RegisterServer"), TIER_UNTIL_MS);
    send_register(r, call, generation, weight);
    tier_until(&r->bed, call->ended);
    return call;
}

static const Gcommon__V1__Registry__RegisterResponse *
registered(struct registry_bed *r, uint64_t generation)
{
    struct tier_call *call = ask_register(r, generation, 1);
    tier_ends_with(call, "");
    return tier_reply(call, &gcommon__v1__registry__register_response__descriptor);
}

static struct tier_call *
ask_heartbeat(struct registry_bed *r, uint32_t number, uint64_t incarnation)
{
    Gcommon__V1__Registry__HeartbeatRequest request =
        GCOMMON__V1__REGISTRY__HEARTBEAT_REQUEST__INIT;
    request.number = number;
    request.incarnation = incarnation;
    return tier_ask(&r->bed, r->peer, TIER_REGISTRY("Heartbeat"), &request.base);
}

static bool
must_register_again(struct tier_call *call)
{
    const Gcommon__V1__Registry__HeartbeatResponse *response;
    tier_ends(call, GC_RPC_OK);
    response = tier_reply(call, &gcommon__v1__registry__heartbeat_response__descriptor);
    return response->register_again;
}

static struct tier_call *
ask_inventory(struct registry_bed *r, uint32_t number, const struct gc_blob_id *ids, size_t n)
{
    Gcommon__V1__Registry__InventoryRequest request =
        GCOMMON__V1__REGISTRY__INVENTORY_REQUEST__INIT;
    Gcommon__V1__Common__BlobId *messages = calloc(n + 1, sizeof(*messages));
    Gcommon__V1__Common__BlobId **pointers = calloc(n + 1, sizeof(*pointers));
    struct tier_call *call;
    for (size_t i = 0; i < n; i++) {
        gcommon__v1__common__blob_id__init(&messages[i]);
        messages[i].epoch = ids[i].epoch;
        messages[i].counter = ids[i].counter;
        pointers[i] = &messages[i];
    }
    request.number = number;
    request.ids = pointers;
    request.n_ids = n;
    call = tier_ask(&r->bed, r->peer, TIER_REGISTRY("Inventory"), &request.base);
    free(messages);
    free(pointers);
    return call;
}

static struct gc_meta_server
server(struct registry_bed *r)
{
    struct gc_meta_server row;
    assert_true(tier_server(&r->bed, 0, &row));
    return row;
}

/* --- leases -------------------------------------------------------------------------------------
 */

static void
a_silent_server_goes_down_and_comes_back(void **state)
{
    struct registry_bed *r = *state;
    uint64_t incarnation = server(r).incarnation;
    tier_ends_with(tier_put(&r->bed, "k", 10), "");
    r->bed.files[0].node.frozen = true;
    tier_until(&r->bed, server(r).state == GC_META_SERVER_DOWN);
    assert_int_equal(server(r).incarnation, incarnation);
    tier_ends_with(tier_put(&r->bed, "other", 10), "ServiceUnavailable");
    r->bed.files[0].node.frozen = false;
    tier_until(&r->bed, tier_is_up(&r->bed, 0));
    assert_true(server(r).incarnation > incarnation);
    assert_int_equal(server(r).number, 1);
    tier_check_object(&r->bed, "k", 10);
}

static void
heartbeats_keep_a_lease(void **state)
{
    struct registry_bed *r = *state;
    uint64_t incarnation = server(r).incarnation;
    uint64_t end = gc_clock_mono_ms() + 3 * LEASE_MS;
    tier_until(&r->bed, gc_clock_mono_ms() > end);
    assert_true(tier_is_up(&r->bed, 0));
    if (server(r).incarnation != incarnation) { /* this machine stood still for a lease */
        skip();
    }
}

static void
one_that_never_was_heard_gets_a_lease_first(void **state)
{
    struct registry_bed *r = *state;
    tier_node_close(&r->bed.files[0].node);
    tier_node_close(&r->bed.translation);
    tier_translation_open(&r->bed);
    assert_true(tier_is_up(&r->bed, 0));
    tier_until(&r->bed, server(r).state == GC_META_SERVER_DOWN);
}

static void
a_restarted_server_keeps_its_number_and_blobs(void **state)
{
    struct registry_bed *r = *state;
    uint64_t incarnation = server(r).incarnation;
    uint64_t generation = server(r).generation;
    tier_ends_with(tier_put(&r->bed, "k", 2 * TIER_CHUNK), "");
    tier_node_close(&r->bed.files[0].node);
    tier_file_open(&r->bed, 0);
    tier_until(&r->bed, server(r).incarnation > incarnation);
    assert_int_equal(server(r).number, 1);
    assert_true(server(r).generation > generation);
    assert_true(tier_is_up(&r->bed, 0));
    tier_until(&r->bed, tier_get(&r->bed, "k", "")->n_bytes == 2 * TIER_CHUNK);
}

static void
a_restarted_translation_goes_on_with_the_next_epoch(void **state)
{
    struct registry_bed *r = *state;
    uint64_t epoch = tier_translation(&r->bed)->writer.epoch;
    tier_ends_with(tier_put(&r->bed, "k", 10), "");
    tier_node_close(&r->bed.translation);
    tier_translation_open(&r->bed);
    assert_true(tier_translation(&r->bed)->writer.epoch > epoch);
    tier_until(&r->bed, tier_put(&r->bed, "other", 10)->status.code == GC_RPC_OK);
    tier_check_object(&r->bed, "k", 10);
}

/* --- what the peer may say ----------------------------------------------------------------------
 */

static void
malformed_registrations_are_refused(void **state)
{
    struct registry_bed *r = *state;
    Gcommon__V1__Registry__RegisterRequest request = GCOMMON__V1__REGISTRY__REGISTER_REQUEST__INIT;
    tier_ends_with(ask_register(r, 1, 0), "InvalidArgument"); /* no weight */
    tier_ends_with(tier_ask(&r->bed, r->peer, TIER_REGISTRY("RegisterServer"), &request.base),
                   "BadRequest");
    memset(r->uuid, 0, sizeof(r->uuid));
    tier_ends_with(ask_register(r, 1, 1), "InvalidArgument");
    assert_int_equal(tier_state(&r->bed).n_servers, 1);
}

static void
a_registered_address_is_one_host_and_a_port(void **state)
{
    static const char *const bad[] = {
        "",
        "127.0.0.1",
        "127.0.0.1:0",
        "127.0.0.1:9 127.0.0.1:10",
        "127.0.0.1:9,127.0.0.1:10",
        "srv:_x._tcp.example",
    };
    static const char *const good[] = { "127.0.0.1:9", "[::1]:9", "file9.example:7500" };
    struct registry_bed *r = *state;
    for (size_t i = 0; i < GC_ARRAY_LEN(bad); i++) {
        r->address = bad[i];
        tier_ends_with(ask_register(r, 1, 1), "InvalidArgument");
    }
    for (size_t i = 0; i < GC_ARRAY_LEN(good); i++) {
        r->address = good[i];
        (void)registered(r, 1 + i);
    }
}

static void
a_store_that_is_up_cannot_be_registered_elsewhere(void **state)
{
    struct registry_bed *r = *state;
    memcpy(r->uuid, server(r).store_uuid, sizeof(r->uuid));
    tier_ends_with(ask_register(r, 100, 1), "AccessDenied");
    assert_true(tier_is_up(&r->bed, 0));
}

static void
an_older_copy_of_a_store_is_suspect(void **state)
{
    struct registry_bed *r = *state;
    const Gcommon__V1__Registry__RegisterResponse *first = registered(r, 5);
    const Gcommon__V1__Registry__RegisterResponse *second = registered(r, 4);
    struct gc_meta_read rd = { .meta = &tier_translation(&r->bed)->meta, .arena = &r->bed.arena };
    struct gc_meta_server row;
    assert_int_equal(first->number, second->number);
    assert_true(second->incarnation > first->incarnation);
    assert_int_equal(gc_consensus_begin_read(tier_translation(&r->bed)->consensus, &rd.txn), 0);
    assert_int_equal(gc_meta_get_server(&rd, first->number, &row), 0);
    gc_kv_abort(rd.txn);
    assert_int_equal(row.state, GC_META_SERVER_SUSPECT);
    assert_int_equal(row.generation, 5);
    assert_int_equal(row.durable_seq, 10);
    /* Two servers have registered, so two copies are due, and that one gets none. */
    tier_ends_with(tier_put(&r->bed, "k", 10), "ServiceUnavailable");
}

static void
a_heartbeat_is_of_its_own_server_in_its_incarnation(void **state)
{
    struct registry_bed *r = *state;
    const Gcommon__V1__Registry__RegisterResponse *mine = registered(r, 1);
    assert_false(must_register_again(ask_heartbeat(r, mine->number, mine->incarnation)));
    assert_true(must_register_again(ask_heartbeat(r, mine->number, mine->incarnation - 1)));
    assert_true(must_register_again(ask_heartbeat(r, 99, 1)));
    tier_ends(ask_heartbeat(r, 1, server(r).incarnation), GC_RPC_PERMISSION_DENIED);
}

static void
only_file_servers_may_call(void **state)
{
    struct registry_bed *r = *state;
    static const char *const roles[] = { "web", "translation" };
    static const char *const methods[] = { TIER_REGISTRY("RegisterServer"),
                                           TIER_REGISTRY("Heartbeat"), TIER_REGISTRY("Inventory") };
    Gcommon__V1__Registry__HeartbeatRequest request =
        GCOMMON__V1__REGISTRY__HEARTBEAT_REQUEST__INIT;
    for (size_t i = 0; i < GC_ARRAY_LEN(roles); i++) {
        struct gc_rpc_channel *channel =
            tier_channel(&r->bed, roles[i], r->bed.translation.addr, "translation");
        for (size_t j = 0; j < GC_ARRAY_LEN(methods); j++) {
            tier_ends(tier_ask(&r->bed, channel, methods[j], &request.base),
                      GC_RPC_PERMISSION_DENIED);
        }
        gc_rpc_channel_free(channel);
    }
    tier_ends(tier_ask(&r->bed, r->peer, TIER_GATEWAY("ListBuckets"), &request.base),
              GC_RPC_PERMISSION_DENIED);
}

/* The command is applied, then the deadline passes, and only then does the loop turn: it finds
 * both, the call being given up first. */
static void
a_registration_that_is_done_as_its_deadline_passes_ends(void **state)
{
    struct registry_bed *r = *state;
    struct gc_translation_worker *worker = r->bed.translation.worker.state;
    struct tier_call *call;
    uint32_t next_server;
    uint64_t end;
    (void)registered(r, 1); /* the connection is there */
    r->uuid[0]++;
    next_server = tier_state(&r->bed).next_server;
    for (unsigned i = 0; i < 20; i++) {
        call = tier_call(&r->bed, r->peer, TIER_REGISTRY("RegisterServer"), 300);
        send_register(r, call, 1, 1);
        end = gc_clock_mono_ms() + 350;
        tier_until(&r->bed, call->ended || worker->n_ops > 0);
        r->bed.translation.frozen = true;
        tier_until(&r->bed, gc_clock_mono_ms() > end);
        r->bed.translation.frozen = false;
        tier_until(&r->bed, call->ended && worker->n_ops == 0);
        if (call->status.code == GC_RPC_DEADLINE_EXCEEDED) {
            break;
        }
    }
    assert_true(tier_state(&r->bed).next_server > next_server); /* it was applied all the same */
    (void)registered(r, 2);
}

/* --- garbage ------------------------------------------------------------------------------------
 */

static void
deleted_and_overwritten_blobs_leave_the_file_server(void **state)
{
    struct registry_bed *r = *state;
    tier_ends_with(tier_put(&r->bed, "deleted", 3 * TIER_CHUNK), "");
    tier_ends_with(tier_put(&r->bed, "overwritten", 100), "");
    tier_ends_with(tier_put(&r->bed, "kept", 100), "");
    assert_int_equal(tier_stat(&r->bed, 0).n_blobs, 3);
    tier_ends_with(tier_delete(&r->bed, "deleted"), "");
    tier_ends_with(tier_put(&r->bed, "overwritten", 200), "");
    tier_until(&r->bed, tier_stat(&r->bed, 0).n_blobs == 2 && tier_state(&r->bed).n_gc_rows == 0);
    tier_until(&r->bed, tier_stat(&r->bed, 0).gc_queue == 0);
    tier_check_object(&r->bed, "overwritten", 200);
    tier_check_object(&r->bed, "kept", 100);
}

static void
garbage_waits_for_a_server_that_is_away(void **state)
{
    struct registry_bed *r = *state;
    tier_ends_with(tier_put(&r->bed, "k", 100), "");
    tier_node_close(&r->bed.files[0].node);
    tier_ends_with(tier_delete(&r->bed, "k"), "");
    assert_int_equal(tier_state(&r->bed).n_gc_rows, 1);
    tier_file_open(&r->bed, 0);
    tier_until(&r->bed, tier_stat(&r->bed, 0).n_blobs == 0 && tier_state(&r->bed).n_gc_rows == 0);
}

static void
on_written(void *arg)
{
    atomic_store((atomic_bool *)arg, true);
}

/* Store a blob on the file server that no command names. */
static void
plant(struct registry_bed *r, const struct gc_blob_id *id)
{
    struct gc_bytes *bytes = gc_bytes_copy("x", 1);
    const struct gc_slice slice = { bytes, bytes->data, 1 };
    atomic_bool chunk_done = false, commit_done = false;
    struct gc_blob_chunk_op chunk = { .op.notify = { on_written, &chunk_done } };
    struct gc_blob_op commit = { .notify = { on_written, &commit_done } };
    uint32_t crc = gc_crc32c(0, bytes->data, 1);
    struct gc_blob_put *put;
    assert_int_equal(gc_blob_put_begin(tier_file(&r->bed, 0)->blobs, id, &put), 0);
    assert_int_equal(gc_blob_put_chunk(put, &chunk, &slice, crc), 0);
    assert_int_equal(gc_blob_put_commit(put, &commit, 1, crc), 0);
    tier_until(&r->bed, atomic_load(&chunk_done) && atomic_load(&commit_done));
    assert_int_equal(commit.rc, 0);
    gc_bytes_unref(bytes);
}

static bool
has(struct registry_bed *r, const struct gc_blob_id *id)
{
    struct gc_blob_reader *reader;
    struct gc_blob_stat stat;
    int rc = gc_blob_open(tier_file(&r->bed, 0)->blobs, id, &reader, &stat);
    if (rc == 0) {
        gc_blob_close(reader);
    }
    return rc == 0;
}

static void
only_decided_blobs_that_nobody_names_are_removed(void **state)
{
    struct registry_bed *r = *state;
    uint64_t epoch = tier_translation(&r->bed)->writer.epoch;
    const struct gc_blob_id decided = { epoch, 2 }, undecided = { epoch, 1000 };
    const struct gc_blob_id foreign = { epoch + 1000, 1 };
    struct tier_call *put;
    tier_ends_with(tier_put(&r->bed, "k", 100), ""); /* id 1 */
    put = tier_put_start(&r->bed, TIER_BUCKET, "left", NULL);
    tier_send_chunks(put, 2 * TIER_CHUNK);
    tier_until(&r->bed, tier_translation(&r->bed)->writer.next == 3);
    gc_rpc_cancel(put->call);
    tier_until(&r->bed, tier_is_quiet(&r->bed));
    plant(r, &decided);
    plant(r, &undecided);
    plant(r, &foreign);
    tier_until(&r->bed, !has(r, &decided));
    /* Another round has to find the others, too. */
    plant(r, &decided);
    tier_until(&r->bed, !has(r, &decided));
    assert_true(has(r, &undecided));
    assert_true(has(r, &foreign));
    tier_check_object(&r->bed, "k", 100);
}

/* Translation goes at each point of the round, the page's answer among them. */
static void
a_page_of_the_inventory_that_got_no_answer_is_asked_again(void **state)
{
    struct registry_bed *r = *state;
    tier_node_close(&r->bed.files[0].node);
    r->bed.files[0].conf.inventory_ms = 3600000; /* no second round */
    tier_node_close(&r->bed.translation);
    tier_translation_open(&r->bed); /* the epoch before is fenced: its ids are decided */
    for (unsigned turns = 0; turns < 15; turns++) {
        const struct gc_blob_id id = { tier_translation(&r->bed)->writer.epoch - 1, 1000 };
        tier_file_open(&r->bed, 0);
        plant(r, &id);
        for (unsigned i = 0; i < turns; i++) {
            tier_bed_turn(&r->bed);
        }
        tier_node_close(&r->bed.translation);
        tier_translation_open(&r->bed);
        tier_until(&r->bed, !has(r, &id));
        tier_node_close(&r->bed.files[0].node);
    }
}

static void
an_inventory_is_of_the_callers_own_server(void **state)
{
    struct registry_bed *r = *state;
    struct gc_blob_id *ids = calloc(1001, sizeof(*ids));
    const Gcommon__V1__Registry__InventoryResponse *response;
    struct tier_call *call;
    uint32_t number;
    tier_ends_with(tier_put(&r->bed, "k", 100), "");
    number = registered(r, 1)->number;
    tier_until(&r->bed, tier_is_quiet(&r->bed));
    ids[0] = (struct gc_blob_id){ tier_translation(&r->bed)->writer.epoch, 1 };
    call = ask_inventory(r, number, ids, 1);
    tier_ends(call, GC_RPC_OK);
    response = tier_reply(call, &gcommon__v1__registry__inventory_response__descriptor);
    assert_int_equal(response->n_unreferenced, 0);
    tier_ends(ask_inventory(r, 1, ids, 1), GC_RPC_PERMISSION_DENIED);
    tier_ends(ask_inventory(r, 99, ids, 1), GC_RPC_NOT_FOUND);
    tier_ends_with(ask_inventory(r, number, ids, 1001), "BadRequest");
    free(ids);
}

/* --- the writer ---------------------------------------------------------------------------------
 */

static void
a_fenced_writer_commits_nothing_and_stops(void **state)
{
    struct registry_bed *r = *state;
    struct gc_meta_command cmd = { .op = GC_META_OP_GRANT_EPOCH };
    cmd.u.grant_epoch.process = GC_STR("translation-1");
    assert_int_equal(tier_propose(&r->bed, &cmd).err, GC_API_OK);
    tier_ends_with(tier_put(&r->bed, "k", 10), "StaleEpoch");
    tier_until(&r->bed, r->bed.translation.n_fails > 0);
}

#define CASE(name)  cmocka_unit_test_setup_teardown(name, setup, teardown)
#define SHORT(name) cmocka_unit_test_setup_teardown(name, setup_short_lease, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        SHORT(a_silent_server_goes_down_and_comes_back),
        SHORT(heartbeats_keep_a_lease),
        SHORT(one_that_never_was_heard_gets_a_lease_first),
        CASE(a_restarted_server_keeps_its_number_and_blobs),
        CASE(a_restarted_translation_goes_on_with_the_next_epoch),
        CASE(malformed_registrations_are_refused),
        CASE(a_registered_address_is_one_host_and_a_port),
        CASE(a_store_that_is_up_cannot_be_registered_elsewhere),
        CASE(an_older_copy_of_a_store_is_suspect),
        CASE(a_heartbeat_is_of_its_own_server_in_its_incarnation),
        CASE(only_file_servers_may_call),
        CASE(a_registration_that_is_done_as_its_deadline_passes_ends),
        CASE(deleted_and_overwritten_blobs_leave_the_file_server),
        CASE(garbage_waits_for_a_server_that_is_away),
        CASE(only_decided_blobs_that_nobody_names_are_removed),
        CASE(a_page_of_the_inventory_that_got_no_answer_is_asked_again),
        CASE(an_inventory_is_of_the_callers_own_server),
        CASE(a_fenced_writer_commits_nothing_and_stops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
