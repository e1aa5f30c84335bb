/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Numbers, texts and commands in bytes: one value, one encoding. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/macros.h"
#include "meta/codec.h"
#include "meta/command.h"
#include "meta/siphash.h"

static void
numbers_come_back_and_use_no_more_bytes_than_needed(void **state)
{
    static const struct {
        uint64_t v;
        size_t len;
    } cases[] = { { 0, 1 },        { 1, 1 },           { 127, 1 },
                  { 128, 2 },      { 16383, 2 },       { 16384, 3 },
                  { 1u << 31, 5 }, { UINT64_MAX, 10 }, { UINT64_MAX >> 1, 9 } };
    uint8_t data[16];

    (void)state;
    for (size_t i = 0; i < GC_ARRAY_LEN(cases); i++) {
        struct gc_meta_enc enc = { .data = data, .cap = sizeof(data) };
        struct gc_meta_dec dec;

        gc_meta_enc_u64(&enc, cases[i].v);
        assert_int_equal(enc.len, cases[i].len);
        gc_meta_dec_init(&dec, data, enc.len);
        assert_int_equal(gc_meta_dec_u64(&dec, UINT64_MAX), cases[i].v);
        assert_true(gc_meta_dec_done(&dec));
    }
}

static void
a_second_way_to_write_a_number_is_refused(void **state)
{
    static const struct gc_str cases[] = {
        GC_STR("\x80\x00"),                                 /* 0 in two bytes */
        GC_STR("\xff\x80\x00"),                             /* 127 in three */
        GC_STR("\x80"),                                     /* no end */
        GC_STR(""),                                         /* nothing */
        GC_STR("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), /* 65 bits */
        GC_STR("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81\x00"),
    };

    (void)state;
    for (size_t i = 0; i < GC_ARRAY_LEN(cases); i++) {
        struct gc_meta_dec dec;

        gc_meta_dec_init(&dec, cases[i].data, cases[i].len);
        assert_int_equal(gc_meta_dec_u64(&dec, UINT64_MAX), 0);
        assert_true(dec.bad);
        assert_false(gc_meta_dec_done(&dec));
    }
}

static void
an_encoder_counts_past_its_end_and_writes_nothing_there(void **state)
{
    uint8_t data[4] = { 0, 0, 0, 0xaa };
    struct gc_meta_enc enc = { .data = data, .cap = 3 };

    (void)state;
    gc_meta_enc_u8(&enc, 1);
    gc_meta_enc_str(&enc, GC_STR("abcdef"));
    gc_meta_enc_u8(&enc, 2);
    assert_int_equal(enc.len, 9);
    assert_int_equal(data[3], 0xaa);
}

static void
siphash_gives_the_values_of_its_paper(void **state)
{
    uint8_t key[16];
    uint8_t data[15];
    struct gc_siphash sip;

    (void)state;
    for (uint8_t i = 0; i < 16; i++) {
        key[i] = i;
        data[i % 15] = i % 15;
    }
    gc_siphash_init(&sip, key);
    gc_siphash_update(&sip, data, 15);
    assert_true(gc_siphash_final(&sip) == UINT64_C(0xa129ca6149be45e5));
    gc_siphash_init(&sip, key);
    assert_true(gc_siphash_final(&sip) == UINT64_C(0x726fdb47dd0e0e31));
    gc_siphash_init(&sip, key); /* in parts */
    gc_siphash_update(&sip, data, 3);
    gc_siphash_update(&sip, data + 3, 11);
    gc_siphash_update(&sip, data + 14, 1);
    assert_true(gc_siphash_final(&sip) == UINT64_C(0xa129ca6149be45e5));
}

/* --- commands --- */

static const struct gc_meta_field fields[] = { { GC_STR("content-type"), GC_STR("a/b") } };
static const struct gc_meta_extent extents[] = {
    { .id = { 3, 4 }, .offset = 5, .length = 6, .servers = { 7, 8 }, .n_servers = 2 },
    { .id = { 3, 5 }, .length = 1, .servers = { 1 }, .n_servers = 1 },
};

static struct gc_meta_command
sample(enum gc_meta_op op)
{
    struct gc_meta_command cmd = { .op = op,
                                   .request_id = { 1, 2, 3 },
                                   .expires_at_ms = 99,
                                   .principal = GC_STR("bob"),
                                   .role = 2 };

    switch (op) {
    case GC_META_OP_BARRIER:
        break;
    case GC_META_OP_CREATE_BUCKET:
        cmd.u.create_bucket = (struct gc_meta_create_bucket){ GC_STR("b"), true, 2 };
        break;
    case GC_META_OP_DELETE_BUCKET:
        cmd.u.delete_bucket.bucket_id = 300;
        break;
    case GC_META_OP_PUT_OBJECT:
        cmd.u.put_object =
            (struct gc_meta_put_object){ .bucket_id = 1,
                                         .key = GC_STR("k"),
                                         .conditions = { GC_STR("*"), GC_STR("\"x\"") },
                                         .object = { .length = 7,
                                                     .md5 = { 9 },
                                                     .crc32c = 0xffffffff,
                                                     .mtime_ms = 5,
                                                     .fields = fields,
                                                     .n_fields = 1,
                                                     .extents = extents,
                                                     .n_extents = 2 } };
        break;
    case GC_META_OP_DELETE_OBJECT:
        cmd.u.delete_object = (struct gc_meta_delete_object){ 1, GC_STR("k"), { { 0 }, { 0 } } };
        break;
    case GC_META_OP_GRANT_EPOCH:
        cmd.u.grant_epoch.process = GC_STR("t1");
        break;
    case GC_META_OP_FENCE_EPOCH:
        cmd.u.fence_epoch.epoch = 5;
        break;
    case GC_META_OP_SET_WATERMARK:
        cmd.u.set_watermark = (struct gc_meta_set_watermark){ 5, UINT64_MAX };
        break;
    case GC_META_OP_REGISTER_SERVER:
        cmd.u.register_server =
            (struct gc_meta_register_server){ GC_STR("n"), GC_STR("a:1"), GC_STR("z"), 3, { 1 }, 4,
                                              5,           true };
        break;
    case GC_META_OP_SERVER_DOWN:
        cmd.u.server_down = (struct gc_meta_server_down){ 2, 3 };
        break;
    case GC_META_OP_GC_ACK:
        cmd.u.gc_ack = (struct gc_meta_gc_ack){ 2, 3 };
        break;
    }
    return cmd;
}

static void
every_command_comes_back_and_every_part_of_it_is_refused(void **state)
{
    static const enum gc_meta_op ops[] = {
#define GC_META_OP(number, NAME, member, needs_id) GC_META_OP_##NAME,
#include "meta/command.tbl.h"
#undef GC_META_OP
    };
    struct gc_arena arena;
    struct gc_buf buf;
    struct gc_buf again;

    (void)state;
    gc_arena_init(&arena, 1u << 20);
    gc_buf_init(&buf, 4096);
    gc_buf_init(&again, 4096);
    for (size_t i = 0; i < GC_ARRAY_LEN(ops); i++) {
        struct gc_meta_command cmd = sample(ops[i]);
        struct gc_meta_command back;

        gc_buf_clear(&buf);
        gc_buf_clear(&again);
        assert_int_equal(gc_meta_command_encode(&cmd, &buf), 0);
        assert_int_equal(gc_meta_command_decode(&back, buf.data, buf.len, &arena), 0);
        assert_int_equal(gc_meta_command_encode(&back, &again), 0);
        assert_int_equal(again.len, buf.len);
        assert_memory_equal(again.data, buf.data, buf.len);
        assert_string_not_equal(gc_meta_op_name(ops[i]), "?");
        for (size_t len = 0; len < buf.len; len++) {
            uint8_t *part = malloc(len + 1); /* so that a sanitizer sees a read past it */

            memcpy(part, buf.data, len);
            assert_int_equal(gc_meta_command_decode(&back, part, len, &arena), GC_EPARSE);
            free(part);
        }
        assert_int_equal(gc_buf_append(&buf, "", 1), 0);
        assert_int_equal(gc_meta_command_decode(&back, buf.data, buf.len, &arena), GC_EPARSE);
        gc_arena_reset(&arena);
    }
    gc_buf_fini(&again);
    gc_buf_fini(&buf);
    gc_arena_fini(&arena);
}

static void
a_command_keeps_what_it_was_given(void **state)
{
    struct gc_meta_command cmd = sample(GC_META_OP_PUT_OBJECT);
    struct gc_meta_command back;
    struct gc_arena arena;
    struct gc_buf buf;

    (void)state;
    gc_arena_init(&arena, 1u << 20);
    gc_buf_init(&buf, 4096);
    assert_int_equal(gc_meta_command_encode(&cmd, &buf), 0);
    assert_int_equal(gc_meta_command_decode(&back, buf.data, buf.len, &arena), 0);
    assert_int_equal(back.op, GC_META_OP_PUT_OBJECT);
    assert_int_equal(back.expires_at_ms, 99);
    assert_true(gc_str_eq_cstr(back.principal, "bob"));
    assert_true(gc_str_eq_cstr(back.u.put_object.conditions.if_none_match, "\"x\""));
    assert_int_equal(back.u.put_object.object.extents[0].servers[1], 8);
    assert_int_equal(back.u.put_object.object.extents[1].id.counter, 5);
    assert_true(gc_str_eq_cstr(back.u.put_object.object.fields[0].value, "a/b"));
    gc_buf_fini(&buf);
    gc_arena_fini(&arena);
}

static void
what_decode_would_refuse_is_not_encoded(void **state)
{
    static char long_text[GC_META_KEY_MAX + 1];
    static struct gc_meta_extent many[GC_META_EXTENTS_MAX + 1];
    struct gc_meta_command cmd = sample(GC_META_OP_PUT_OBJECT);
    struct gc_buf buf;

    (void)state;
    memset(long_text, 'a', sizeof(long_text));
    gc_buf_init(&buf, GC_META_COMMAND_BYTES_MAX);
    cmd.u.put_object.key = (struct gc_str){ long_text, sizeof(long_text) };
    assert_int_equal(gc_meta_command_encode(&cmd, &buf), -EINVAL);
    cmd = sample(GC_META_OP_PUT_OBJECT);
    cmd.u.put_object.object.extents = many;
    cmd.u.put_object.object.n_extents = GC_ARRAY_LEN(many);
    assert_int_equal(gc_meta_command_encode(&cmd, &buf), -EINVAL);
    cmd = sample(GC_META_OP_GRANT_EPOCH);
    cmd.u.grant_epoch.process = (struct gc_str){ long_text, GC_META_TEXT_MAX + 1 };
    assert_int_equal(gc_meta_command_encode(&cmd, &buf), -EINVAL);
    assert_int_equal(buf.len, 0);
    gc_buf_fini(&buf);

    gc_buf_init(&buf, 10);
    cmd = sample(GC_META_OP_GRANT_EPOCH);
    assert_int_equal(gc_meta_command_encode(&cmd, &buf), GC_ELIMIT);
    gc_buf_fini(&buf);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_come_back_and_use_no_more_bytes_than_needed),
        cmocka_unit_test(a_second_way_to_write_a_number_is_refused),
        cmocka_unit_test(an_encoder_counts_past_its_end_and_writes_nothing_there),
        cmocka_unit_test(siphash_gives_the_values_of_its_paper),
        cmocka_unit_test(every_command_comes_back_and_every_part_of_it_is_refused),
        cmocka_unit_test(a_command_keeps_what_it_was_given),
        cmocka_unit_test(what_decode_would_refuse_is_not_encoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
