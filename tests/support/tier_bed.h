/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A translation node and up to four file servers in one process, with mTLS between them: the roles'
 * own tables, opened as gc_daemon_main opens them, one worker each. Every node has a loop of its
 * own and the bed turns them one after the other; one that is frozen is not turned, which looks to
 * the others like a process that hangs. The test is the client: web to translation, or translation
 * to a file server.
 *
 * Object bytes are a pattern of a seed, so that what arrives can be checked as it comes. */
#ifndef GC_TESTS_SUPPORT_TIER_BED_H
#define GC_TESTS_SUPPORT_TIER_BED_H

#include "daemon/daemon_priv.h"
#include "file/file.h"
#include "proto/gcommon/v1/blob/blob.pb-c.h"
#include "proto/gcommon/v1/gateway/gateway.pb-c.h"
#include "proto/gcommon/v1/registry/registry.pb-c.h"
#include "tests/support/pki.h"
#include "tests/support/until.h"
#include "translation/translation.h"

#define TIER_FILES_MAX 4
#define TIER_UNTIL_MS  (2 * GC_UNTIL_MS)
#define TIER_CHUNK     ((uint64_t)262096) /* what a full one carries */
#define TIER_BUCKET    "papers"

struct tier_node {
    struct tier_bed *bed;
    struct gc_daemon daemon;
    struct gc_worker worker;
    struct gc_loop *loop; /* NULL: closed */
    char addr[GC_ADDR_TEXT_MAX];
    bool frozen;
    unsigned n_fails; /* times gc_daemon_fail came through */
};

struct tier_file {
    struct gc_file_conf conf;
    struct tier_node node;
};

struct tier_bed {
    char dir[64];
    struct gc_pki pki;
    struct gc_loop *loop; /* the client's */
    struct gc_arena arena;
    struct gc_translation_conf translation_conf; /* to be changed before tier_bed_open */
    struct tier_node translation;
    struct tier_file files[TIER_FILES_MAX];
    size_t n_files;
    struct gc_rpc_channel *web; /* to translation */
    struct gc_list calls;
    /* What the next request to translation says of its sender; alice's certificate at first. */
    Gcommon__V1__Gateway__Proof proof;
    Gcommon__V1__Gateway__Context context;
    uint8_t request_id[16];
};

/* Folders, certificates and configurations for N_FILES file servers; nothing is opened. */
void tier_bed_init(struct tier_bed *bed, size_t n_files);
/* Opens everything and waits until the file servers are registered. */
void tier_bed_open(struct tier_bed *bed);
/* Checks that no call, upload or undecided id is left over. */
void tier_bed_fini(struct tier_bed *bed);

void tier_bed_turn(struct tier_bed *bed);
/* Turn until COND holds; the test fails when it does not in time. */
#define tier_until(bed, cond)                                                        \
    do {                                                                             \
        uint64_t tier_until_end = gc_clock_mono_ms() + TIER_UNTIL_MS;                \
        while (!(cond)) {                                                            \
            if (gc_clock_mono_ms() > tier_until_end) {                               \
                fail_msg("%s:%d: waited in vain for %s", __FILE__, __LINE__, #cond); \
            }                                                                        \
            tier_bed_turn(bed);                                                      \
        }                                                                            \
    } while (0)

/* One node; a second open has the same port and folder. Close cuts all its connections. */
void tier_translation_open(struct tier_bed *bed);
void tier_file_open(struct tier_bed *bed, size_t i);
void tier_node_close(struct tier_node *node);

struct gc_translation *tier_translation(struct tier_bed *bed);
struct gc_file *tier_file(struct tier_bed *bed, size_t i);
struct gc_meta_state tier_state(struct tier_bed *bed);
struct gc_blobs_stat tier_stat(struct tier_bed *bed, size_t i);
/* As the registry has file server I; false: not at all. Its texts are in the bed's arena. */
bool tier_server(struct tier_bed *bed, size_t i, struct gc_meta_server *ret_server);
bool tier_is_up(struct tier_bed *bed, size_t i);
/* Carry out CMD as another translation node would. */
struct gc_meta_result tier_propose(struct tier_bed *bed, const struct gc_meta_command *cmd);
/* No upload is open on any file server and every id of the writer is decided. */
bool tier_is_quiet(struct tier_bed *bed);

/* --- calls ------------------------------------------------------------------------------------
 */

struct tier_call {
    struct gc_list node;
    struct tier_bed *bed;
    struct gc_rpc_call *call; /* NULL once it has ended */
    struct gc_rpc_status status;
    char error[48];         /* trailer gcommon-error */
    struct gc_bytes *reply; /* the first message that is no chunk */
    bool ended;
    /* Chunks that came: they go on at AT of the pattern of SEED. */
    uint64_t seed, at, n_bytes;
    unsigned n_chunks, n_bad;
    bool hold; /* do not consume */
    unsigned n_held;
    /* Chunks to go: TO_SEND bytes in all, as they are taken. */
    uint64_t to_send, sent;
    uint32_t crc;       /* of what was sent */
    unsigned bad_chunk; /* number of the one to send with a wrong CRC, from 1; 0 = none */
};

uint8_t tier_byte(uint64_t seed, uint64_t at); /* of the pattern */

/* A channel of this bed's client in ROLE to ADDR, where ROLE_THERE answers. */
struct gc_rpc_channel *tier_channel(struct tier_bed *bed, const char *role, const char *addr,
                                    const char *role_there);
struct tier_call *tier_call(struct tier_bed *bed, struct gc_rpc_channel *channel, const char *path,
                            uint64_t deadline_ms);
void tier_send(struct tier_call *call, const ProtobufCMessage *msg);
/* N more bytes of the pattern in full chunks and a rest. */
void tier_send_chunks(struct tier_call *call, uint64_t n);
/* One chunk of LEN bytes at once, whether there is room or not. */
void tier_send_chunk(struct tier_call *call, uint64_t len);
void tier_half_close(struct tier_call *call);
/* Send REQUEST, half-close, wait for the end. */
struct tier_call *tier_ask(struct tier_bed *bed, struct gc_rpc_channel *channel, const char *path,
                           const ProtobufCMessage *request);
/* The reply, decoded into the bed's arena. */
void *tier_reply(struct tier_call *call, const ProtobufCMessageDescriptor *desc);
/* Wait for the end, which is CODE. */
void tier_ends(struct tier_call *call, enum gc_rpc_code code);
/* ... and says ERROR ("NoSuchKey"), "" = OK. */
void tier_ends_with(struct tier_call *call, const char *error);

/* --- objects ----------------------------------------------------------------------------------
 */

#define TIER_GATEWAY(method)  "/gcommon.v1.gateway.GatewayService/" method
#define TIER_REGISTRY(method) "/gcommon.v1.registry.RegistryService/" method
#define TIER_BLOB(method)     "/gcommon.v1.blob.BlobService/" method

void tier_certificate(struct tier_bed *bed, const char *principal);
void tier_token(struct tier_bed *bed, const char *token);
void tier_anonymous(struct tier_bed *bed);
/* The context for one more request, with an id of its own. */
Gcommon__V1__Gateway__Context *tier_context(struct tier_bed *bed);

void tier_make_bucket(struct tier_bed *bed, const char *bucket);
/* A PutObject up to its open message. CONDITIONS may be NULL. */
struct tier_call *tier_put_start(struct tier_bed *bed, const char *bucket, const char *key,
                                 Gcommon__V1__Object__Conditions *conditions);
/* Commit what was sent, wait until it is, half-close. */
void tier_put_commit(struct tier_call *put);
/* The whole of it, in bucket TIER_BUCKET; waits for the end. */
struct tier_call *tier_put(struct tier_bed *bed, const char *key, uint64_t length);
/* RANGE as the header, "" = all; CONDITIONS may be NULL. Does not wait. */
struct tier_call *tier_get_start(struct tier_bed *bed, const char *key, const char *range,
                                 Gcommon__V1__Object__Conditions *conditions);
struct tier_call *tier_get(struct tier_bed *bed, const char *key, const char *range);
struct tier_call *tier_delete(struct tier_bed *bed, const char *key);
/* KEY of bucket TIER_BUCKET reads as LENGTH bytes of the pattern. */
void tier_check_object(struct tier_bed *bed, const char *key, uint64_t length);

#endif
