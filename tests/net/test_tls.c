/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sessions against each other over memory: who is let in, with what, and which text says why not.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/file.h"
#include "base/macros.h"
#include "crypto/gcm.h"
#include "tests/support/pki.h"

#define URI(role, node) "spiffe://" GC_PKI_DOMAIN "/gcommon/" role "/" node

static struct gc_pki pki;   /* ours */
static struct gc_pki other; /* somebody else's, with a CA of the same name */

struct side {
    struct gc_tls *tls;
    struct gc_buf out;
    int rc; /* of the handshake; -EAGAIN while under way */
};

struct pair {
    struct side server, client;
    struct gc_tls_ctx *server_ctx, *client_ctx;
};

static void
on_write(void *arg, const void *data, size_t len)
{
    struct side *side = arg;
    assert_int_equal(gc_buf_append(&side->out, data, len), 0);
}

static void
side_init(struct side *side, struct gc_tls_ctx *ctx, const char *name)
{
    struct gc_tls_io io = { .write = on_write, .arg = side };

    gc_buf_init(&side->out, 1024 * 1024);
    side->rc = -EAGAIN;
    assert_int_equal(gc_tls_new(ctx, name, &io, &side->tls), 0);
}

/* Takes both contexts. */
static void
pair_init(struct pair *p, struct gc_tls_ctx *server_ctx, struct gc_tls_ctx *client_ctx,
          const char *name)
{
    memset(p, 0, sizeof(*p));
    p->server_ctx = server_ctx;
    p->client_ctx = client_ctx;
    side_init(&p->server, server_ctx, NULL);
    side_init(&p->client, client_ctx, name);
}

static void
pair_fini(struct pair *p)
{
    gc_tls_free(p->server.tls);
    gc_tls_free(p->client.tls);
    gc_buf_fini(&p->server.out);
    gc_buf_fini(&p->client.out);
    gc_tls_ctx_unref(p->server_ctx);
    gc_tls_ctx_unref(p->client_ctx);
}

/* Give what TO's peer has written to TO, in pieces of at most PIECE bytes. */
static void
carry(struct side *from, struct side *to, size_t piece)
{
    char byte;

    while (from->out.len > 0) {
        size_t n = GC_MIN(piece, from->out.len);
        gc_tls_feed(to->tls, from->out.data, n);
        if (to->rc == -EAGAIN) {
            to->rc = gc_tls_handshake(to->tls);
        }
        if (to->rc == 0) {
            int rc = gc_tls_read(to->tls, &byte, 1);
            if (rc != -EAGAIN) {
                to->rc = rc == 0 ? GC_ECLOSED
                                 : rc; /* an alert after the client's own end of the handshake */
            }
        }
        gc_tls_feed(to->tls, NULL, 0);
        gc_buf_drop(&from->out, n);
    }
}

static void
shake_in_pieces(struct pair *p, size_t piece)
{
    p->client.rc = gc_tls_handshake(p->client.tls);
    while (p->client.out.len > 0 || p->server.out.len > 0) {
        carry(&p->client, &p->server, piece);
        carry(&p->server, &p->client, piece);
    }
}

static void
shake(struct pair *p)
{
    shake_in_pieces(p, SIZE_MAX);
}

static void
pair_of(struct pair *p, enum gc_tls_profile profile, const char *server, const char *client)
{
    const char *name = profile == GC_TLS_PUBLIC ? "localhost" : NULL;
    pair_init(p, gc_pki_ctx(&pki, profile, true, server), gc_pki_ctx(&pki, profile, false, client),
              name);
}

static void
assert_server_refuses(const char *client, const char *why)
{
    struct pair p;

    pair_of(&p, GC_TLS_INTERNAL, "file", client);
    shake(&p);
    assert_int_equal(p.server.rc, GC_EIDENTITY);
    if (why != NULL) {
        assert_string_equal(gc_tls_error(p.server.tls), why);
    }
    assert_int_equal(p.client.rc, GC_ETLS); /* has been told */
    pair_fini(&p);
}

static void
assert_client_refuses(const char *server, const char *why)
{
    struct pair p;

    pair_of(&p, GC_TLS_INTERNAL, server, "web");
    shake(&p);
    assert_int_equal(p.client.rc, GC_EIDENTITY);
    if (why != NULL) {
        assert_string_equal(gc_tls_error(p.client.tls), why);
    }
    assert_int_equal(p.server.rc, GC_ETLS);
    pair_fini(&p);
}

/* Send LEN bytes from one to the other. */
static void
assert_bytes_pass(struct side *from, struct side *to, size_t len)
{
    uint8_t *src = malloc(len), *dst = malloc(len);
    size_t got = 0;
    int n;

    for (size_t i = 0; i < len; i++) {
        src[i] = (uint8_t)(i * 7 + (i >> 8));
    }
    assert_int_equal(gc_tls_write(from->tls, src, len), 0);
    gc_tls_feed(to->tls, from->out.data, from->out.len);
    while ((n = gc_tls_read(to->tls, dst + got, len - got)) > 0) {
        got += (size_t)n;
        if (got == len) {
            break;
        }
    }
    gc_tls_feed(to->tls, NULL, 0);
    gc_buf_clear(&from->out);
    assert_int_equal(got, len);
    assert_memory_equal(src, dst, len);
    free(src);
    free(dst);
}

/* --- what works --- */

static void
inside_both_ends_learn_who_the_other_is(void **state)
{
    struct gc_peer at_server = { 0 }, at_client = { 0 };
    struct pair p;

    (void)state;
    pair_of(&p, GC_TLS_INTERNAL, "file", "web");
    shake(&p);
    assert_int_equal(p.server.rc, 0);
    assert_int_equal(p.client.rc, 0);
    gc_tls_peer(p.server.tls, &at_server);
    gc_tls_peer(p.client.tls, &at_client);
    assert_true(at_server.tls && at_server.has_cert && at_client.has_cert);
    assert_string_equal(at_server.id.role, "web");
    assert_string_equal(at_server.id.node, "w1");
    assert_string_equal(at_client.id.role, "file");
    assert_string_equal(at_client.id.trust_domain, GC_PKI_DOMAIN);
    assert_true(gc_tls_alpn_is_h2(p.server.tls) && gc_tls_alpn_is_h2(p.client.tls));
    assert_bytes_pass(&p.client, &p.server, 5);
    assert_bytes_pass(&p.server, &p.client, 300000);
    pair_fini(&p);
}

static void
records_may_come_byte_by_byte(void **state)
{
    struct pair p;

    (void)state;
    pair_of(&p, GC_TLS_INTERNAL, "file", "web");
    shake_in_pieces(&p, 1);
    assert_int_equal(p.server.rc, 0);
    assert_int_equal(p.client.rc, 0);
    pair_fini(&p);
}

static void
records_are_sealed_and_opened_by_the_callback(void **state)
{
    struct pair p;

    (void)state;
    pair_of(&p, GC_TLS_INTERNAL, "file", "web");
    shake(&p);
    uint64_t before = gc_gcm_thread_records();
    assert_bytes_pass(&p.client, &p.server, 16384);
    assert_int_equal(gc_gcm_thread_records() - before, 2);
    pair_fini(&p);
}

static void
sixteen_kibibytes_are_one_record(void **state)
{
    uint8_t data[16384 * 2] = { 0 };
    struct pair p;

    (void)state;
    pair_of(&p, GC_TLS_INTERNAL, "file", "web");
    shake(&p);
    assert_int_equal(gc_tls_write(p.client.tls, data, sizeof(data)), 0);
    assert_int_equal(p.client.out.len, 2 * (5 + 16384 + 1 + 16));
    pair_fini(&p);
}

static void
close_notify_is_a_clean_end(void **state)
{
    struct pair p;
    char byte;

    (void)state;
    pair_of(&p, GC_TLS_INTERNAL, "file", "web");
    shake(&p);
    gc_tls_close_notify(p.client.tls);
    gc_tls_feed(p.server.tls, p.client.out.data, p.client.out.len);
    assert_int_equal(gc_tls_read(p.server.tls, &byte, 1), 0);
    pair_fini(&p);
}

static void
a_tampered_record_is_refused(void **state)
{
    struct pair p;
    char byte;

    (void)state;
    pair_of(&p, GC_TLS_INTERNAL, "file", "web");
    shake(&p);
    assert_int_equal(gc_tls_write(p.client.tls, "hello", 5), 0);
    p.client.out.data[7] ^= 1;
    gc_tls_feed(p.server.tls, p.client.out.data, p.client.out.len);
    assert_int_equal(gc_tls_read(p.server.tls, &byte, 1), GC_ETLS);
    pair_fini(&p);
}

static void
a_context_may_go_before_its_sessions(void **state)
{
    struct pair p;

    (void)state;
    pair_of(&p, GC_TLS_INTERNAL, "file", "web");
    gc_tls_ctx_unref(p.server_ctx);
    p.server_ctx = NULL;
    shake(&p);
    assert_int_equal(p.server.rc, 0);
    assert_bytes_pass(&p.client, &p.server, 1000);
    pair_fini(&p);
}

/* --- who is refused inside --- */

/* The CA's public certificate with another key must not pass for a trusted peer. That it is
 * wolfSSL's verification of the chain that refuses it, not only our look at the leaf, shows in the
 * text. */
static void
a_look_alike_of_the_ca_is_refused_by_both_sides(void **state)
{
    struct pair p;

    (void)state;
    gc_pki_look_alike(&pki, "double");
    pair_of(&p, GC_TLS_INTERNAL, "file", "double");
    shake(&p);
    assert_int_equal(p.server.rc, GC_EIDENTITY);
    assert_string_not_equal(gc_tls_error(p.server.tls), "certificate of a CA");
    assert_int_not_equal(p.client.rc, 0);
    pair_fini(&p);

    pair_of(&p, GC_TLS_INTERNAL, "double", "web");
    shake(&p);
    assert_int_equal(p.client.rc, GC_EIDENTITY);
    assert_string_not_equal(gc_tls_error(p.client.tls), "certificate of a CA");
    assert_int_not_equal(p.server.rc, 0);
    pair_fini(&p);
}

static void
a_certificate_of_a_ca_is_no_peer(void **state)
{
    struct gc_x509_spec spec = gc_pki_spec("an intermediate", NULL);

    (void)state;
    spec.kind = GC_X509_INTERMEDIATE;
    spec.n_dns = spec.n_ips = 0;
    gc_pki_issue(&pki, "intermediate", &spec);
    assert_server_refuses("intermediate", "certificate of a CA");
    assert_client_refuses("intermediate", "certificate of a CA");
}

static void
a_leaf_with_the_subject_of_a_ca_is_refused(void **state)
{
    struct gc_x509_spec spec = gc_pki_spec("gcommon test CA", URI("web", "w1"));

    (void)state;
    gc_pki_issue(&pki, "subject", &spec);
    assert_server_refuses("subject", "certificate with the subject of a CA");
    assert_client_refuses("subject", "certificate with the subject of a CA");
}

static void
another_ca_is_refused(void **state)
{
    struct pair p;

    (void)state;
    gc_pki_leaf(&other, "web", URI("web", "w1"));
    struct gc_tls_conf conf = gc_pki_conf(&other, GC_TLS_INTERNAL, false, "web");
    conf.ca_file = pki.ca_file; /* it trusts us */
    struct gc_tls_ctx *client;
    char error[GC_TLS_ERROR_MAX];
    assert_int_equal(gc_tls_ctx_new(&conf, &client, error), 0);
    pair_init(&p, gc_pki_ctx(&pki, GC_TLS_INTERNAL, true, "file"), client, NULL);
    shake(&p);
    assert_int_equal(p.server.rc, GC_EIDENTITY);
    assert_int_equal(p.client.rc, GC_ETLS);
    pair_fini(&p);
}

static void
another_trust_domain_is_refused(void **state)
{
    (void)state;
    gc_pki_leaf(&pki, "foreign", "spiffe://evil.example/gcommon/web/w1");
    assert_server_refuses("foreign", "no identity of our trust domain");
    assert_client_refuses("foreign", "no identity of our trust domain");
}

static void
a_certificate_without_identity_is_refused(void **state)
{
    (void)state;
    gc_pki_leaf(&pki, "nobody", NULL);
    assert_server_refuses("nobody", "no identity of our trust domain");
    assert_client_refuses("nobody", "no identity of our trust domain");
}

static void
an_expired_certificate_is_refused(void **state)
{
    struct gc_x509_spec spec = gc_pki_spec("old", URI("web", "w1"));

    (void)state;
    spec.not_after = spec.not_before + 1800;
    gc_pki_issue(&pki, "old", &spec);
    assert_server_refuses("old", NULL);
    assert_client_refuses("old", NULL);
}

static void
a_certificate_of_tomorrow_is_refused(void **state)
{
    struct gc_x509_spec spec = gc_pki_spec("early", URI("web", "w1"));

    (void)state;
    spec.not_before += 86400 * 2;
    spec.not_after += 86400 * 2;
    gc_pki_issue(&pki, "early", &spec);
    assert_server_refuses("early", NULL);
    assert_client_refuses("early", NULL);
}

static void
a_certificate_for_clients_does_not_serve(void **state)
{
    struct gc_x509_spec spec = gc_pki_spec("client", URI("user", "u1"));
    struct pair p;

    (void)state;
    spec.client_only = true;
    gc_pki_issue(&pki, "client", &spec);
    assert_client_refuses("client", NULL);
    pair_of(&p, GC_TLS_INTERNAL, "file", "client");
    shake(&p);
    assert_int_equal(p.server.rc, 0);
    pair_fini(&p);
}

static void
a_client_without_certificate_is_refused(void **state)
{
    struct pair p;

    (void)state;
    pair_init(&p, gc_pki_ctx(&pki, GC_TLS_INTERNAL, true, "file"),
              gc_pki_ctx(&pki, GC_TLS_PUBLIC, false, NULL), "localhost");
    shake(&p);
    assert_int_equal(p.server.rc, GC_EIDENTITY);
    assert_int_equal(p.client.rc, GC_ETLS);
    pair_fini(&p);
}

/* --- input that wolfSSL must not see --- */

static void
assert_refused_input(struct side *side, const void *data, size_t len, const char *why)
{
    char byte;

    for (size_t i = 0; i < len; i++) { /* in the worst pieces */
        gc_tls_feed(side->tls, (const uint8_t *)data + i, 1);
        side->rc =
            side->rc == -EAGAIN ? gc_tls_handshake(side->tls) : gc_tls_read(side->tls, &byte, 1);
        if (side->rc != -EAGAIN) {
            break;
        }
    }
    gc_tls_feed(side->tls, NULL, 0);
    assert_int_equal(side->rc, GC_ETLS);
    assert_string_equal(gc_tls_error(side->tls), why);
}

static void
an_empty_record_is_refused_after_the_handshake(void **state)
{
    static const uint8_t record[5 + 16] = { 23, 3, 3, 0, 16 };
    struct pair p;
    char byte;

    (void)state;
    for (size_t whole = 0; whole < 2; whole++) {
        pair_of(&p, GC_TLS_INTERNAL, "file", "web");
        shake(&p);
        for (size_t i = 0; i < sizeof(record); i += whole ? sizeof(record) : 1) {
            gc_tls_feed(p.server.tls, record + i, whole ? sizeof(record) : 1);
            p.server.rc = gc_tls_read(p.server.tls, &byte, 1);
            if (p.server.rc != -EAGAIN) {
                break;
            }
        }
        gc_tls_feed(p.server.tls, NULL, 0);
        assert_int_equal(p.server.rc, GC_ETLS);
        assert_string_equal(gc_tls_error(p.server.tls), "empty record");
        pair_fini(&p);
    }
}

static void
an_empty_record_is_refused_in_the_handshake(void **state)
{
    static const uint8_t record[5 + 16] = { 23, 3, 3, 0, 16 };
    struct pair p;

    (void)state;
    pair_of(&p, GC_TLS_INTERNAL, "file", "web");
    p.client.rc = gc_tls_handshake(p.client.tls);
    carry(&p.client, &p.server, SIZE_MAX); /* the keys of the handshake are made */
    assert_refused_input(&p.server, record, sizeof(record), "empty record");
    pair_fini(&p);
}

static void
plaintext_is_refused(void **state)
{
    struct pair p;

    (void)state;
    pair_of(&p, GC_TLS_INTERNAL, "file", "web");
    assert_refused_input(&p.server, "GET / HTTP/1.1\r\n\r\n", 18, "not a TLS record");
    pair_fini(&p);
    pair_of(&p, GC_TLS_INTERNAL, "file", "web");
    assert_refused_input(&p.client, "HTTP/1.1 400 Bad\r\n", 18, "not a TLS record");
    pair_fini(&p);
}

static void
a_record_longer_than_tls_allows_is_refused(void **state)
{
    static const uint8_t record[5] = { 22, 3, 1, 0x48, 1 };
    struct pair p;

    (void)state;
    pair_of(&p, GC_TLS_INTERNAL, "file", "web");
    assert_refused_input(&p.server, record, sizeof(record), "record too long");
    pair_fini(&p);
}

/* --- tickets --- */

/* Bytes the server writes of its own accord after its handshake: tickets. */
static size_t
server_bytes_after_handshake(struct pair *p)
{
    p->client.rc = gc_tls_handshake(p->client.tls);
    carry(&p->client, &p->server, SIZE_MAX);
    carry(&p->server, &p->client, SIZE_MAX);
    carry(&p->client, &p->server, SIZE_MAX);
    assert_int_equal(p->server.rc, 0);
    return p->server.out.len;
}

static struct gc_tls_ctx *
public_server(enum gc_tls_client_cert client_cert, const char *trust_domain, bool h1)
{
    struct gc_tls_conf conf = gc_pki_conf(&pki, GC_TLS_PUBLIC, true, "file");
    struct gc_tls_ctx *ctx;
    char error[GC_TLS_ERROR_MAX];

    conf.client_cert = client_cert;
    conf.trust_domain = trust_domain;
    conf.alpn_h1 = h1;
    assert_int_equal(gc_tls_ctx_new(&conf, &ctx, error), 0);
    return ctx;
}

static void
tickets_are_given_only_where_no_certificate_is_asked_for(void **state)
{
    static const enum gc_tls_client_cert asks[] = { GC_TLS_CERT_OPTIONAL, GC_TLS_CERT_REQUIRED };
    struct pair p;

    (void)state;
    pair_of(&p, GC_TLS_INTERNAL, "file", "web");
    assert_int_equal(server_bytes_after_handshake(&p), 0);
    pair_fini(&p);
    for (size_t i = 0; i < GC_ARRAY_LEN(asks); i++) {
        pair_init(&p, public_server(asks[i], GC_PKI_DOMAIN, false),
                  gc_pki_ctx(&pki, GC_TLS_PUBLIC, false, "web"), "localhost");
        assert_int_equal(server_bytes_after_handshake(&p), 0);
        pair_fini(&p);
    }
    pair_of(&p, GC_TLS_PUBLIC, "file", NULL);
    assert_true(server_bytes_after_handshake(&p) > 100);
    pair_fini(&p);
}

/* --- the public side --- */

static void
an_optional_certificate_may_be_absent_but_not_wrong(void **state)
{
    struct gc_peer peer = { 0 };
    struct pair p;

    (void)state;
    gc_pki_leaf(&pki, "foreign", "spiffe://evil.example/gcommon/web/w1");
    gc_pki_look_alike(&pki, "double");
    pair_init(&p, public_server(GC_TLS_CERT_OPTIONAL, GC_PKI_DOMAIN, false),
              gc_pki_ctx(&pki, GC_TLS_PUBLIC, false, NULL), "localhost");
    shake(&p);
    assert_int_equal(p.server.rc, 0);
    assert_int_equal(p.client.rc, 0);
    gc_tls_peer(p.server.tls, &peer);
    assert_true(peer.tls);
    assert_false(peer.has_cert);
    pair_fini(&p);

    pair_init(&p, public_server(GC_TLS_CERT_OPTIONAL, GC_PKI_DOMAIN, false),
              gc_pki_ctx(&pki, GC_TLS_PUBLIC, false, "web"), "localhost");
    shake(&p);
    assert_int_equal(p.server.rc, 0);
    gc_tls_peer(p.server.tls, &peer);
    assert_true(peer.has_cert);
    assert_string_equal(peer.id.role, "web");
    pair_fini(&p);

    static const char *const wrong[] = { "foreign", "double" };
    for (size_t i = 0; i < GC_ARRAY_LEN(wrong); i++) {
        pair_init(&p, public_server(GC_TLS_CERT_OPTIONAL, GC_PKI_DOMAIN, false),
                  gc_pki_ctx(&pki, GC_TLS_PUBLIC, false, wrong[i]), "localhost");
        shake(&p);
        assert_int_equal(p.server.rc, GC_EIDENTITY);
        assert_int_equal(p.client.rc, GC_ETLS);
        pair_fini(&p);
    }
}

static void
a_required_certificate_may_not_be_absent(void **state)
{
    struct pair p;

    (void)state;
    pair_init(&p, public_server(GC_TLS_CERT_REQUIRED, NULL, false),
              gc_pki_ctx(&pki, GC_TLS_PUBLIC, false, NULL), "localhost");
    shake(&p);
    assert_int_equal(p.server.rc, GC_EIDENTITY);
    pair_fini(&p);
}

static void
no_certificate_is_looked_at_where_none_is_asked_for(void **state)
{
    struct gc_peer peer = { 0 };
    struct pair p;

    (void)state;
    pair_of(&p, GC_TLS_PUBLIC, "file", "web");
    shake(&p);
    assert_int_equal(p.server.rc, 0);
    gc_tls_peer(p.server.tls, &peer);
    assert_false(peer.has_cert);
    pair_fini(&p);
}

static void
a_client_takes_only_a_server_of_the_expected_name(void **state)
{
    static const struct {
        const char *name;
        bool ok;
    } cases[] = {
        { "localhost", true },      { "LOCALHOST", true },     { "127.0.0.1", true },
        { "127.0.0.2", false },     { "::1", true },           { "::2", false },
        { "other.example", false }, { "localhos", false },     { "localhost.", false },
        { "a.wild.example", true }, { "wild.example", false }, { "a.b.wild.example", false },
        { ".wild.example", false }, { "file", false },
    };
    static const char *const dns[] = { "localhost", "*.wild.example" };
    static const struct gc_x509_ip ips[] = {
        { { 127, 0, 0, 1 }, 4 }, { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 }, 16 }
    };
    struct gc_x509_spec spec = gc_pki_spec("file", NULL);
    struct pair p;

    (void)state;
    spec.dns = dns;
    spec.n_dns = 2;
    spec.ips = ips;
    spec.n_ips = 2;
    gc_pki_issue(&pki, "named", &spec);
    for (size_t i = 0; i < GC_ARRAY_LEN(cases); i++) {
        pair_init(&p, gc_pki_ctx(&pki, GC_TLS_PUBLIC, true, "named"),
                  gc_pki_ctx(&pki, GC_TLS_PUBLIC, false, NULL), cases[i].name);
        shake(&p);
        if ((p.client.rc == 0) != cases[i].ok) {
            fail_msg("%s: %d (%s)", cases[i].name, p.client.rc, gc_tls_error(p.client.tls));
        }
        assert_int_equal(p.client.rc, cases[i].ok ? 0 : GC_EIDENTITY);
        pair_fini(&p);
    }
}

static void
a_public_client_refuses_other_cas_and_look_alikes(void **state)
{
    struct pair p;

    (void)state;
    gc_pki_look_alike(&pki, "double");
    pair_of(&p, GC_TLS_PUBLIC, "double", NULL);
    shake(&p);
    assert_int_equal(p.client.rc, GC_EIDENTITY);
    pair_fini(&p);
    gc_pki_leaf(&other, "file", NULL);
    pair_init(&p, gc_pki_ctx(&other, GC_TLS_PUBLIC, true, "file"),
              gc_pki_ctx(&pki, GC_TLS_PUBLIC, false, NULL), "localhost");
    shake(&p);
    assert_int_equal(p.client.rc, GC_EIDENTITY);
    pair_fini(&p);
}

static struct gc_tls_ctx *
public_client(bool h1)
{
    struct gc_tls_conf conf = gc_pki_conf(&pki, GC_TLS_PUBLIC, false, NULL);
    struct gc_tls_ctx *ctx;
    char error[GC_TLS_ERROR_MAX];

    conf.alpn_h1 = h1;
    assert_int_equal(gc_tls_ctx_new(&conf, &ctx, error), 0);
    return ctx;
}

static void
h2_is_chosen_over_h1(void **state)
{
    struct pair p;

    (void)state;
    pair_init(&p, public_server(GC_TLS_CERT_NONE, NULL, true), public_client(true), "localhost");
    shake(&p);
    assert_int_equal(p.server.rc, 0);
    assert_true(gc_tls_alpn_is_h2(p.server.tls));
    assert_true(gc_tls_alpn_is_h2(p.client.tls));
    pair_fini(&p);
}

/* --- contexts --- */

static void
assert_conf_fault(const struct gc_tls_conf *conf, const char *part)
{
    struct gc_tls_ctx *ctx = NULL;
    char error[GC_TLS_ERROR_MAX] = "";

    assert_int_equal(gc_tls_ctx_new(conf, &ctx, error), GC_ECONFIG);
    assert_null(ctx);
    if (strstr(error, part) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", error, part);
    }
}

static void
a_key_that_others_can_read_is_refused(void **state)
{
    struct gc_tls_conf conf = gc_pki_conf(&pki, GC_TLS_INTERNAL, true, "modes");
    struct gc_tls_ctx *ctx;
    char error[GC_TLS_ERROR_MAX];

    (void)state;
    gc_pki_leaf(&pki, "modes", URI("web", "w1"));
    assert_int_equal(chmod(conf.key_file, 0644), 0);
    assert_conf_fault(&conf, "chmod 0600");
    assert_int_equal(chmod(conf.key_file, 0660), 0);
    assert_conf_fault(&conf, "chmod 0600");
    assert_int_equal(chmod(conf.key_file, 0640), 0);
    assert_int_equal(gc_tls_ctx_new(&conf, &ctx, error), 0);
    gc_tls_ctx_unref(ctx);
}

static void
a_key_of_another_certificate_is_refused(void **state)
{
    struct gc_tls_conf conf = gc_pki_conf(&pki, GC_TLS_INTERNAL, true, "file");

    (void)state;
    conf.key_file = gc_pki_path(&pki, "web.key");
    assert_conf_fault(&conf, "not the key of the certificate");
}

static void
files_that_are_absent_or_rubbish_are_named(void **state)
{
    struct gc_tls_conf conf = gc_pki_conf(&pki, GC_TLS_INTERNAL, true, "file");
    const char *rubbish = gc_pki_path(&pki, "rubbish");

    (void)state;
    assert_int_equal(gc_file_write(rubbish, "hello\n", 6, 0600), 0);
    conf.cert_file = "/nonexistent/x.crt";
    assert_conf_fault(&conf, "/nonexistent/x.crt");
    conf.cert_file = rubbish;
    assert_conf_fault(&conf, rubbish);
    conf = gc_pki_conf(&pki, GC_TLS_INTERNAL, true, "file");
    conf.key_file = rubbish;
    assert_conf_fault(&conf, rubbish);
    conf = gc_pki_conf(&pki, GC_TLS_INTERNAL, true, "file");
    conf.ca_file = rubbish;
    assert_conf_fault(&conf, rubbish);
    conf.ca_file = conf.cert_file;
    assert_conf_fault(&conf, "not a CA's");
}

static void
what_a_profile_needs_is_asked_for(void **state)
{
    struct gc_tls_conf conf = { .profile = GC_TLS_INTERNAL, .server = true };

    (void)state;
    assert_conf_fault(&conf, "no certificate");
    conf = gc_pki_conf(&pki, GC_TLS_INTERNAL, false, "file");
    conf.key_file = NULL;
    assert_conf_fault(&conf, "go together");
    conf = gc_pki_conf(&pki, GC_TLS_INTERNAL, false, "file");
    conf.ca_file = NULL;
    assert_conf_fault(&conf, "no CA");
    conf = gc_pki_conf(&pki, GC_TLS_PUBLIC, false, NULL);
    conf.ca_file = NULL;
    assert_conf_fault(&conf, "no CA");
    conf = gc_pki_conf(&pki, GC_TLS_INTERNAL, false, "file");
    conf.trust_domain = NULL;
    assert_conf_fault(&conf, "no trust domain");
    conf.trust_domain = "Not/a/domain";
    assert_conf_fault(&conf, "malformed trust domain");
}

static void
a_context_knows_when_its_certificate_ends(void **state)
{
    struct gc_x509_spec spec = gc_pki_spec("end", URI("web", "w1"));
    struct gc_tls_ctx *ctx;

    (void)state;
    gc_pki_issue(&pki, "end", &spec);
    ctx = gc_pki_ctx(&pki, GC_TLS_INTERNAL, true, "end");
    assert_int_equal(gc_tls_ctx_not_after(ctx), spec.not_after);
    gc_tls_ctx_unref(ctx);
    ctx = gc_pki_ctx(&pki, GC_TLS_PUBLIC, false, NULL);
    assert_int_equal(gc_tls_ctx_not_after(ctx), 0);
    gc_tls_ctx_unref(ctx);
}

static int
set_up(void **state)
{
    (void)state;
    gc_pki_init(&pki, "gcommon test CA");
    gc_pki_init(&other, "gcommon test CA");
    gc_pki_leaf(&pki, "file", URI("file", "f1"));
    gc_pki_leaf(&pki, "web", URI("web", "w1"));
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    gc_pki_fini(&pki);
    gc_pki_fini(&other);
    gc_tls_thread_end();
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inside_both_ends_learn_who_the_other_is),
        cmocka_unit_test(records_may_come_byte_by_byte),
        cmocka_unit_test(records_are_sealed_and_opened_by_the_callback),
        cmocka_unit_test(sixteen_kibibytes_are_one_record),
        cmocka_unit_test(close_notify_is_a_clean_end),
        cmocka_unit_test(a_tampered_record_is_refused),
        cmocka_unit_test(a_context_may_go_before_its_sessions),
        cmocka_unit_test(a_look_alike_of_the_ca_is_refused_by_both_sides),
        cmocka_unit_test(a_certificate_of_a_ca_is_no_peer),
        cmocka_unit_test(a_leaf_with_the_subject_of_a_ca_is_refused),
        cmocka_unit_test(another_ca_is_refused),
        cmocka_unit_test(another_trust_domain_is_refused),
        cmocka_unit_test(a_certificate_without_identity_is_refused),
        cmocka_unit_test(an_expired_certificate_is_refused),
        cmocka_unit_test(a_certificate_of_tomorrow_is_refused),
        cmocka_unit_test(a_certificate_for_clients_does_not_serve),
        cmocka_unit_test(a_client_without_certificate_is_refused),
        cmocka_unit_test(an_empty_record_is_refused_after_the_handshake),
        cmocka_unit_test(an_empty_record_is_refused_in_the_handshake),
        cmocka_unit_test(plaintext_is_refused),
        cmocka_unit_test(a_record_longer_than_tls_allows_is_refused),
        cmocka_unit_test(tickets_are_given_only_where_no_certificate_is_asked_for),
        cmocka_unit_test(an_optional_certificate_may_be_absent_but_not_wrong),
        cmocka_unit_test(a_required_certificate_may_not_be_absent),
        cmocka_unit_test(no_certificate_is_looked_at_where_none_is_asked_for),
        cmocka_unit_test(a_client_takes_only_a_server_of_the_expected_name),
        cmocka_unit_test(a_public_client_refuses_other_cas_and_look_alikes),
        cmocka_unit_test(h2_is_chosen_over_h1),
        cmocka_unit_test(a_key_that_others_can_read_is_refused),
        cmocka_unit_test(a_key_of_another_certificate_is_refused),
        cmocka_unit_test(files_that_are_absent_or_rubbish_are_named),
        cmocka_unit_test(what_a_profile_needs_is_asked_for),
        cmocka_unit_test(a_context_knows_when_its_certificate_ends),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
