/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GatewayService but for the two streams: buckets, listings, HEAD, DELETE, Outcome, status; and who
 * may do what by which proof. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/macros.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "tests/support/tier_bed.h"

static void
write_tokens(struct tier_bed *bed, const char *const rows[][3], size_t n)
{
    char *path = bed->translation_conf.tokens;
    struct gc_buf text;
    gc_buf_init(&text, 4096);
    for (size_t i = 0; i < n; i++) {
        uint8_t hash[GC_SHA256_BYTES];
        char hex[2 * GC_SHA256_BYTES + 1];
        gc_sha256(rows[i][2], strlen(rows[i][2]), hash);
        gc_hex_encode(hex, hash, sizeof(hash));
        assert_int_equal(gc_buf_printf(&text, "%s %s %s\n", rows[i][0], rows[i][1], hex), 0);
    }
    snprintf(path, GC_PATH_MAX, "%s/tokens", bed->dir);
    assert_int_equal(gc_file_write(path, text.data, text.len, 0600), 0);
    gc_buf_fini(&text);
}

static int
setup_anonymous(void **state, bool anonymous)
{
    static const char *const rows[][3] = { { "alice", "data", "alice-token" },
                                           { "alice", "read", "alice-reads" },
                                           { "root", "admin", "root-token" } };
    struct tier_bed *bed = malloc(sizeof(*bed));
    tier_bed_init(bed, 1);
    write_tokens(bed, rows, GC_ARRAY_LEN(rows));
    bed->translation_conf.anonymous = anonymous;
    tier_bed_open(bed);
    tier_make_bucket(bed, TIER_BUCKET);
    *state = bed;
    return 0;
}

static int
setup(void **state)
{
    return setup_anonymous(state, false);
}

static int
setup_open(void **state)
{
    return setup_anonymous(state, true);
}

static int
teardown(void **state)
{
    tier_bed_fini(*state);
    free(*state);
    return 0;
}

/* --- requests -----------------------------------------------------------------------------------
 */

static struct tier_call *
create_bucket(struct tier_bed *bed, const char *name, bool public_read)
{
    Gcommon__V1__Object__CreateBucketRequest inner =
        GCOMMON__V1__OBJECT__CREATE_BUCKET_REQUEST__INIT;
    Gcommon__V1__Gateway__CreateBucketRequest request =
        GCOMMON__V1__GATEWAY__CREATE_BUCKET_REQUEST__INIT;
    inner.bucket = (char *)name;
    inner.public_read = public_read;
    request.context = tier_context(bed);
    request.request = &inner;
    return tier_ask(bed, bed->web, TIER_GATEWAY("CreateBucket"), &request.base);
}

static struct tier_call *
delete_bucket(struct tier_bed *bed, const char *name)
{
    Gcommon__V1__Object__DeleteBucketRequest inner =
        GCOMMON__V1__OBJECT__DELETE_BUCKET_REQUEST__INIT;
    Gcommon__V1__Gateway__DeleteBucketRequest request =
        GCOMMON__V1__GATEWAY__DELETE_BUCKET_REQUEST__INIT;
    inner.bucket = (char *)name;
    request.context = tier_context(bed);
    request.request = &inner;
    return tier_ask(bed, bed->web, TIER_GATEWAY("DeleteBucket"), &request.base);
}

static struct tier_call *
head_bucket(struct tier_bed *bed, const char *name)
{
    Gcommon__V1__Object__HeadBucketRequest inner = GCOMMON__V1__OBJECT__HEAD_BUCKET_REQUEST__INIT;
    Gcommon__V1__Gateway__HeadBucketRequest request =
        GCOMMON__V1__GATEWAY__HEAD_BUCKET_REQUEST__INIT;
    inner.bucket = (char *)name;
    request.context = tier_context(bed);
    request.request = &inner;
    return tier_ask(bed, bed->web, TIER_GATEWAY("HeadBucket"), &request.base);
}

/* Their names, each followed by a blank. */
static const char *
list_buckets(struct tier_bed *bed)
{
    Gcommon__V1__Gateway__ListBucketsRequest request =
        GCOMMON__V1__GATEWAY__LIST_BUCKETS_REQUEST__INIT;
    const Gcommon__V1__Object__ListBucketsResponse *response;
    struct tier_call *call;
    const char *names = "";
    request.context = tier_context(bed);
    call = tier_ask(bed, bed->web, TIER_GATEWAY("ListBuckets"), &request.base);
    tier_ends_with(call, "");
    response = tier_reply(call, &gcommon__v1__object__list_buckets_response__descriptor);
    for (size_t i = 0; i < response->n_buckets; i++) {
        names = gc_arena_printf(&bed->arena, "%s%s ", names, response->buckets[i]->name);
    }
    return names;
}

static struct tier_call *
head_object(struct tier_bed *bed, const char *key, Gcommon__V1__Object__Conditions *conditions)
{
    Gcommon__V1__Object__HeadObjectRequest inner = GCOMMON__V1__OBJECT__HEAD_OBJECT_REQUEST__INIT;
    Gcommon__V1__Gateway__HeadObjectRequest request =
        GCOMMON__V1__GATEWAY__HEAD_OBJECT_REQUEST__INIT;
    inner.bucket = (char *)TIER_BUCKET;
    inner.key.data = (uint8_t *)key;
    inner.key.len = strlen(key);
    inner.conditions = conditions;
    request.context = tier_context(bed);
    request.request = &inner;
    return tier_ask(bed, bed->web, TIER_GATEWAY("HeadObject"), &request.base);
}

struct listing {
    const char *prefix, *delimiter, *start_after, *continuation;
    uint32_t max_keys;
};

static struct tier_call *
ask_list(struct tier_bed *bed, const struct listing *listing)
{
    Gcommon__V1__Object__ListObjectsRequest inner = GCOMMON__V1__OBJECT__LIST_OBJECTS_REQUEST__INIT;
    Gcommon__V1__Gateway__ListObjectsRequest request =
        GCOMMON__V1__GATEWAY__LIST_OBJECTS_REQUEST__INIT;
    inner.bucket = (char *)TIER_BUCKET;
    inner.prefix.data = (uint8_t *)listing->prefix;
    inner.prefix.len = listing->prefix != NULL ? strlen(listing->prefix) : 0;
    inner.delimiter.data = (uint8_t *)listing->delimiter;
    inner.delimiter.len = listing->delimiter != NULL ? strlen(listing->delimiter) : 0;
    inner.start_after.data = (uint8_t *)listing->start_after;
    inner.start_after.len = listing->start_after != NULL ? strlen(listing->start_after) : 0;
    inner.continuation = (char *)(listing->continuation != NULL ? listing->continuation : "");
    inner.max_keys = listing->max_keys;
    request.context = tier_context(bed);
    request.request = &inner;
    return tier_ask(bed, bed->web, TIER_GATEWAY("ListObjects"), &request.base);
}

/* All pages: the keys and common prefixes in the order of their pages, each followed by a blank. */
static const char *
list_all(struct tier_bed *bed, struct listing listing)
{
    const char *names = "";
    const Gcommon__V1__Object__ListObjectsResponse *page;
    do {
        struct tier_call *call = ask_list(bed, &listing);
        tier_ends_with(call, "");
        page = tier_reply(call, &gcommon__v1__object__list_objects_response__descriptor);
        for (size_t i = 0; i < page->n_entries; i++) {
            names = gc_arena_printf(&bed->arena, "%s%.*s ", names, (int)page->entries[i]->key.len,
                                    page->entries[i]->key.data);
        }
        for (size_t i = 0; i < page->n_common_prefixes; i++) {
            names =
                gc_arena_printf(&bed->arena, "%s%.*s ", names, (int)page->common_prefixes[i].len,
                                page->common_prefixes[i].data);
        }
        assert_true(page->truncated == (page->next_continuation[0] != '\0'));
        listing.continuation = page->next_continuation;
        listing.start_after = NULL;
    } while (page->truncated);
    return names;
}

static const Gcommon__V1__Gateway__OutcomeResponse *
outcome_of(struct tier_bed *bed, const uint8_t id[16])
{
    Gcommon__V1__Gateway__OutcomeRequest request = GCOMMON__V1__GATEWAY__OUTCOME_REQUEST__INIT;
    struct tier_call *call;
    request.request_id.data = (uint8_t *)id;
    request.request_id.len = 16;
    call = tier_ask(bed, bed->web, TIER_GATEWAY("Outcome"), &request.base);
    tier_ends_with(call, "");
    return tier_reply(call, &gcommon__v1__gateway__outcome_response__descriptor);
}

static struct tier_call *
ask_status(struct tier_bed *bed)
{
    Gcommon__V1__Gateway__GetStatusRequest request = GCOMMON__V1__GATEWAY__GET_STATUS_REQUEST__INIT;
    request.context = tier_context(bed);
    return tier_ask(bed, bed->web, TIER_GATEWAY("GetStatus"), &request.base);
}

/* --- buckets ------------------------------------------------------------------------------------
 */

static void
a_bucket_has_one_owner(void **state)
{
    struct tier_bed *bed = *state;
    tier_ends_with(create_bucket(bed, TIER_BUCKET, false), "BucketAlreadyOwnedByYou");
    tier_ends_with(create_bucket(bed, "No", false), "InvalidBucketName");
    tier_ends_with(head_bucket(bed, TIER_BUCKET), "");
    tier_ends_with(head_bucket(bed, "unknown"), "NoSuchBucket");
    tier_certificate(bed, "mallory");
    tier_ends_with(create_bucket(bed, TIER_BUCKET, false), "BucketAlreadyExists");
    tier_ends_with(head_bucket(bed, TIER_BUCKET), "AccessDenied");
    tier_ends_with(delete_bucket(bed, TIER_BUCKET), "AccessDenied");
    tier_ends_with(create_bucket(bed, "loot", false), "");
    assert_string_equal(list_buckets(bed), "loot ");
    tier_certificate(bed, "alice");
    assert_string_equal(list_buckets(bed), TIER_BUCKET " ");
    tier_token(bed, "root-token");
    assert_string_equal(list_buckets(bed), "loot " TIER_BUCKET " ");
    tier_ends_with(delete_bucket(bed, "loot"), "");
    assert_string_equal(list_buckets(bed), TIER_BUCKET " ");
}

static void
a_bucket_with_objects_is_not_deleted(void **state)
{
    struct tier_bed *bed = *state;
    tier_ends_with(tier_put(bed, "k", 10), "");
    tier_ends_with(delete_bucket(bed, TIER_BUCKET), "BucketNotEmpty");
    tier_ends_with(tier_delete(bed, "k"), "");
    tier_ends_with(delete_bucket(bed, TIER_BUCKET), "");
    tier_ends_with(delete_bucket(bed, TIER_BUCKET), "NoSuchBucket");
    tier_ends_with(tier_get(bed, "k", ""), "NoSuchBucket");
    tier_ends_with(tier_put(bed, "k", 10), "NoSuchBucket");
}

static void
a_bucket_deleted_during_an_upload_takes_no_object(void **state)
{
    struct tier_bed *bed = *state;
    struct tier_call *put = tier_put_start(bed, TIER_BUCKET, "k", NULL);
    tier_send_chunks(put, 2 * TIER_CHUNK);
    tier_until(bed, tier_stat(bed, 0).n_puts_open == 1);
    tier_ends_with(delete_bucket(bed, TIER_BUCKET), "");
    tier_ends_with(create_bucket(bed, TIER_BUCKET, false), ""); /* another of the same name */
    tier_put_commit(put);
    tier_ends_with(put, "NoSuchBucket");
    assert_int_equal(tier_state(bed).n_objects, 0);
}

/* --- objects ------------------------------------------------------------------------------------
 */

static void
a_head_is_that_of_the_object(void **state)
{
    struct tier_bed *bed = *state;
    Gcommon__V1__Object__Conditions none = GCOMMON__V1__OBJECT__CONDITIONS__INIT;
    const Gcommon__V1__Object__HeadObjectResponse *response;
    struct tier_call *call;
    tier_ends_with(tier_put(bed, "k", TIER_CHUNK + 1), "");
    call = head_object(bed, "k", NULL);
    tier_ends_with(call, "");
    response = tier_reply(call, &gcommon__v1__object__head_object_response__descriptor);
    assert_int_equal(response->head->length, TIER_CHUNK + 1);
    assert_string_equal(response->head->etag, "30313233343536373839616263646566");
    assert_int_equal(response->head->copies, 1);
    none.if_none_match = (char *)"*";
    tier_ends_with(head_object(bed, "k", &none), "NotModified");
    tier_ends_with(head_object(bed, "unknown", NULL), "NoSuchKey");
}

static void
deleting_what_is_not_there_is_no_error(void **state)
{
    struct tier_bed *bed = *state;
    tier_ends_with(tier_put(bed, "k", 10), "");
    tier_ends_with(tier_delete(bed, "k"), "");
    tier_ends_with(tier_delete(bed, "k"), "");
    tier_ends_with(tier_get(bed, "k", ""), "NoSuchKey");
    tier_ends_with(tier_delete(bed, ""), "InvalidURI");
}

static void
a_listing_is_in_order_whatever_its_pages(void **state)
{
    struct tier_bed *bed = *state;
    static const char *const keys[] = { "a/1", "a/2", "b", "c/1", "c/d/1", "e" };
    for (size_t i = 0; i < GC_ARRAY_LEN(keys); i++) {
        tier_ends_with(tier_put(bed, keys[GC_ARRAY_LEN(keys) - 1 - i], i), "");
    }
    for (uint32_t max = 0; max < 8; max++) { /* 0: no limit of the client's */
        assert_string_equal(list_all(bed, (struct listing){ .max_keys = max }),
                            "a/1 a/2 b c/1 c/d/1 e ");
        assert_string_equal(list_all(bed, (struct listing){ .prefix = "c/", .max_keys = max }),
                            "c/1 c/d/1 ");
        assert_string_equal(
            list_all(bed, (struct listing){ .start_after = "a/2", .max_keys = max }),
            "b c/1 c/d/1 e ");
        assert_string_equal(
            list_all(bed, (struct listing){ .prefix = "c/", .delimiter = "/", .max_keys = max }),
            "c/1 c/d/ ");
    }
    assert_string_equal(list_all(bed, (struct listing){ .delimiter = "/", .max_keys = 1 }),
                        "a/ b c/ e ");
    assert_string_equal(
        list_all(bed, (struct listing){ .delimiter = "/", .start_after = "a/", .max_keys = 1 }),
        "b c/ e ");
    assert_string_equal(list_all(bed, (struct listing){ .prefix = "z" }), "");
}

static void
a_made_up_continuation_is_an_invalid_argument(void **state)
{
    struct tier_bed *bed = *state;
    static const char *const wrong[] = { "x", "AAAA", "a2==a2==", "aw==", "\x01" };
    for (size_t i = 0; i < GC_ARRAY_LEN(wrong); i++) {
        tier_ends_with(ask_list(bed, &(struct listing){ .continuation = wrong[i] }),
                       "InvalidArgument");
    }
}

/* --- outcome, status ----------------------------------------------------------------------------
 */

static void
the_outcome_of_a_request_can_be_asked_for(void **state)
{
    struct tier_bed *bed = *state;
    Gcommon__V1__Gateway__OutcomeRequest malformed = GCOMMON__V1__GATEWAY__OUTCOME_REQUEST__INIT;
    Gcommon__V1__Object__Conditions none = GCOMMON__V1__OBJECT__CONDITIONS__INIT;
    struct tier_call *put;
    uint8_t id[16];
    tier_ends_with(tier_put(bed, "k", 10), "");
    memcpy(id, bed->request_id, 16);
    assert_true(outcome_of(bed, id)->known);
    assert_int_equal(outcome_of(bed, id)->api_error, 0);
    none.if_match = (char *)"\"other\"";
    put = tier_put_start(bed, TIER_BUCKET, "k", &none);
    memcpy(id, bed->request_id, 16);
    assert_false(outcome_of(bed, id)->known);
    tier_put_commit(put);
    tier_ends_with(put, "PreconditionFailed");
    assert_true(outcome_of(bed, id)->known);
    assert_int_equal(outcome_of(bed, id)->api_error, GC_API_PreconditionFailed);
    tier_ends_with(tier_ask(bed, bed->web, TIER_GATEWAY("Outcome"), &malformed.base), "BadRequest");
}

static void
the_status_shows_the_file_servers(void **state)
{
    struct tier_bed *bed = *state;
    const Gcommon__V1__Object__GetStatusResponse *response;
    const Gcommon__V1__Object__FileServer *server;
    tier_ends_with(tier_put(bed, "k", 10), "");
    do { /* until a heartbeat has told of the blob */
        struct tier_call *call = ask_status(bed);
        tier_ends_with(call, "");
        response = tier_reply(call, &gcommon__v1__object__get_status_response__descriptor);
        assert_int_equal(response->n_servers, 1);
        server = response->servers[0];
    } while (server->n_blobs == 0);
    assert_string_equal(response->node, "translation-1");
    assert_int_equal(response->n_buckets, 1);
    assert_int_equal(response->n_objects, 1);
    assert_string_equal(server->node, "file-1");
    assert_string_equal(server->zone, "zone-1");
    assert_string_equal(server->address, bed->files[0].node.addr);
    assert_true(server->up);
    assert_true(server->free_bytes > 0);
}

/* --- proofs -------------------------------------------------------------------------------------
 */

static void
a_token_has_the_rights_of_its_role(void **state)
{
    struct tier_bed *bed = *state;
    tier_token(bed, "alice-token");
    tier_ends_with(tier_put(bed, "k", 10), "");
    tier_token(bed, "alice-reads");
    tier_check_object(bed, "k", 10);
    tier_ends_with(tier_put(bed, "k", 20), "AccessDenied");
    tier_ends_with(tier_delete(bed, "k"), "AccessDenied");
    tier_ends_with(create_bucket(bed, "mine", false), "AccessDenied");
    tier_token(bed, "root-token");
    tier_ends_with(tier_put(bed, "k", 30), "");
    tier_token(bed, "alice-tokem");
    tier_ends_with(tier_get(bed, "k", ""), "InvalidToken");
    tier_ends_with(tier_put(bed, "k", 10), "InvalidToken");
    tier_token(bed, "");
    tier_ends_with(tier_get(bed, "k", ""), "InvalidToken");
}

static void
tokens_are_exchanged_by_a_reload(void **state)
{
    struct tier_bed *bed = *state;
    static const char *const rows[][3] = { { "alice", "data", "fresh-token" } };
    struct gc_translation_conf *conf = &bed->translation_conf;
    write_tokens(bed, rows, 1);
    assert_int_equal(gc_translation_role.reload(tier_translation(bed), conf), 0);
    tier_token(bed, "alice-token");
    tier_ends_with(tier_put(bed, "k", 10), "InvalidToken");
    tier_token(bed, "fresh-token");
    tier_ends_with(tier_put(bed, "k", 10), "");
    assert_int_equal(gc_file_write(conf->tokens, "nonsense\n", 9, 0600), 0);
    assert_int_not_equal(gc_translation_role.reload(tier_translation(bed), conf), 0);
    tier_check_object(bed, "k", 10); /* the ones before stay */
}

static void
a_certificate_is_never_an_administrator(void **state)
{
    struct tier_bed *bed = *state;
    tier_certificate(bed, "root");
    tier_ends_with(head_bucket(bed, TIER_BUCKET), "AccessDenied");
    assert_string_equal(list_buckets(bed), "");
    tier_certificate(bed, "");
    tier_ends_with(head_bucket(bed, TIER_BUCKET), "BadRequest");
    tier_certificate(bed, "white space");
    tier_ends_with(head_bucket(bed, TIER_BUCKET), "BadRequest");
}

static void
without_a_proof_nothing_is_done(void **state)
{
    struct tier_bed *bed = *state;
    tier_anonymous(bed);
    tier_ends_with(head_bucket(bed, TIER_BUCKET), "Unauthenticated");
    tier_ends_with(tier_get(bed, "k", ""), "Unauthenticated");
    tier_ends_with(tier_put(bed, "k", 10), "Unauthenticated");
    tier_ends_with(ask_status(bed), "Unauthenticated");
    gcommon__v1__gateway__proof__init(&bed->proof); /* of no kind */
    tier_ends_with(head_bucket(bed, TIER_BUCKET), "BadRequest");
    tier_ends_with(tier_put(bed, "k", 10), "BadRequest");
}

static void
anonymous_reads_what_is_public(void **state)
{
    struct tier_bed *bed = *state;
    tier_ends_with(create_bucket(bed, "square", true), "");
    tier_anonymous(bed);
    tier_ends_with(head_bucket(bed, "square"), "");
    tier_ends_with(delete_bucket(bed, "square"), "AccessDenied");
    tier_ends_with(tier_put_start(bed, "square", "k", NULL), "AccessDenied");
    tier_ends_with(head_bucket(bed, TIER_BUCKET), "AccessDenied");
    tier_ends_with(tier_get(bed, "k", ""), "AccessDenied");
    tier_ends_with(create_bucket(bed, "mine", false), "AccessDenied");
    tier_ends_with(ask_status(bed), "AccessDenied");
}

/* An empty message, one without the inner request, and one without the context. */
static void
requests_with_parts_missing_are_malformed(void **state)
{
    struct tier_bed *bed = *state;
    static const char *const methods[] = {
        TIER_GATEWAY("CreateBucket"), TIER_GATEWAY("DeleteBucket"), TIER_GATEWAY("HeadBucket"),
        TIER_GATEWAY("GetObject"),    TIER_GATEWAY("HeadObject"),   TIER_GATEWAY("DeleteObject"),
        TIER_GATEWAY("ListObjects"),
    };
    for (size_t i = 0; i < GC_ARRAY_LEN(methods); i++) {
        /* The fields have the same numbers in all of them. */
        Gcommon__V1__Gateway__HeadObjectRequest request =
            GCOMMON__V1__GATEWAY__HEAD_OBJECT_REQUEST__INIT;
        Gcommon__V1__Object__HeadObjectRequest inner =
            GCOMMON__V1__OBJECT__HEAD_OBJECT_REQUEST__INIT;
        tier_ends_with(tier_ask(bed, bed->web, methods[i], &request.base), "BadRequest");
        request.context = tier_context(bed);
        tier_ends_with(tier_ask(bed, bed->web, methods[i], &request.base), "BadRequest");
        request.context = NULL;
        request.request = &inner;
        tier_ends_with(tier_ask(bed, bed->web, methods[i], &request.base), "BadRequest");
    }
}

static void
a_mutation_needs_a_request_id_and_a_sane_time(void **state)
{
    struct tier_bed *bed = *state;
    Gcommon__V1__Object__CreateBucketRequest inner =
        GCOMMON__V1__OBJECT__CREATE_BUCKET_REQUEST__INIT;
    Gcommon__V1__Gateway__CreateBucketRequest request =
        GCOMMON__V1__GATEWAY__CREATE_BUCKET_REQUEST__INIT;
    inner.bucket = (char *)"other";
    request.request = &inner;
    request.context = tier_context(bed);
    request.context->request_id.len = 15;
    tier_ends_with(tier_ask(bed, bed->web, TIER_GATEWAY("CreateBucket"), &request.base),
                   "BadRequest");
    request.context = tier_context(bed);
    request.context->ttl_ms = UINT32_MAX;
    tier_ends_with(tier_ask(bed, bed->web, TIER_GATEWAY("CreateBucket"), &request.base),
                   "BadRequest");
    request.context = tier_context(bed);
    request.context->request_id.len = 0;
    tier_ends_with(tier_ask(bed, bed->web, TIER_GATEWAY("CreateBucket"), &request.base),
                   "BadRequest");
    assert_int_equal(tier_state(bed).n_buckets, 1);
}

/* What was given up by then is not carried out: the command waits behind a state time that is past
 * its end. */
static void
an_expired_command_is_not_carried_out(void **state)
{
    struct tier_bed *bed = *state;
    struct gc_meta_command cmd = { .op = GC_META_OP_CREATE_BUCKET, .request_id = { 9 } };
    cmd.expires_at_ms = tier_state(bed).time_ms - 1;
    cmd.principal = GC_STR("alice");
    cmd.role = GC_ROLE_DATA;
    cmd.u.create_bucket.name = GC_STR("late");
    assert_int_equal(tier_propose(bed, &cmd).err, GC_API_RequestExpired);
    tier_ends_with(head_bucket(bed, "late"), "NoSuchBucket");
}

static void
only_web_may_call(void **state)
{
    struct tier_bed *bed = *state;
    static const char *const roles[] = { "file", "translation" };
    Gcommon__V1__Gateway__ListBucketsRequest request =
        GCOMMON__V1__GATEWAY__LIST_BUCKETS_REQUEST__INIT;
    for (size_t i = 0; i < GC_ARRAY_LEN(roles); i++) {
        struct gc_rpc_channel *channel =
            tier_channel(bed, roles[i], bed->translation.addr, "translation");
        request.context = tier_context(bed);
        tier_ends(tier_ask(bed, channel, TIER_GATEWAY("ListBuckets"), &request.base),
                  GC_RPC_PERMISSION_DENIED);
        tier_ends(tier_ask(bed, channel, TIER_GATEWAY("PutObject"), &request.base),
                  GC_RPC_PERMISSION_DENIED);
        tier_ends(tier_ask(bed, channel, TIER_GATEWAY("GetObject"), &request.base),
                  GC_RPC_PERMISSION_DENIED);
        gc_rpc_channel_free(channel);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_bucket_has_one_owner),
        CASE(a_bucket_with_objects_is_not_deleted),
        CASE(a_bucket_deleted_during_an_upload_takes_no_object),
        CASE(a_head_is_that_of_the_object),
        CASE(deleting_what_is_not_there_is_no_error),
        CASE(a_listing_is_in_order_whatever_its_pages),
        CASE(a_made_up_continuation_is_an_invalid_argument),
        CASE(the_outcome_of_a_request_can_be_asked_for),
        CASE(the_status_shows_the_file_servers),
        CASE(a_token_has_the_rights_of_its_role),
        CASE(tokens_are_exchanged_by_a_reload),
        CASE(a_certificate_is_never_an_administrator),
        CASE(without_a_proof_nothing_is_done),
        cmocka_unit_test_setup_teardown(anonymous_reads_what_is_public, setup_open, teardown),
        CASE(requests_with_parts_missing_are_malformed),
        CASE(a_mutation_needs_a_request_id_and_a_sane_time),
        CASE(an_expired_command_is_not_carried_out),
        CASE(only_web_may_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
