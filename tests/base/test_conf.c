/* SPDX-License-Identifier: GPL-3.0-or-later */
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

#include "base/conf.h"
#include "base/err.h"
#include "base/macros.h"

struct sample {
    uint64_t deadline_ms;
    uint64_t pool_bytes;
    bool anonymous;
    char servers[64];
    char name[16];
    int mode;
    uint64_t guard;
};

static const struct gc_conf_item items[] = {
    GC_CONF_UINT("rpc", "deadline_ms", struct sample, deadline_ms, 5000, 10, 600000, "ms",
                 "budget of one call"),
    GC_CONF_BYTES("rpc", "pool", struct sample, pool_bytes, "16M", 4096, 1024 * 1024 * 1024,
                  "buffers"),
    GC_CONF_BOOL("rpc", "anonymous", struct sample, anonymous, "no", "answer to anyone"),
    GC_CONF_STRING("rpc", "servers", struct sample, servers, "", "where the peers are"),
    GC_CONF_STRING("node", "name", struct sample, name, NULL, "who we are"),
    GC_CONF_ENUM("node", "mode", struct sample, mode, "off|validate|lease", "validate", "cache"),
    { 0 },
};

struct fixture {
    struct sample conf;
    char error[GC_CONF_ERROR_MAX];
    char dir[64];
    char path[96];
};

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    snprintf(f->dir, sizeof(f->dir), "/tmp/gc_conf.XXXXXX");
    if (mkdtemp(f->dir) == NULL) {
        return -1;
    }
    snprintf(f->path, sizeof(f->path), "%s/test.conf", f->dir);
    gc_conf_defaults(items, &f->conf);
    f->conf.guard = 0x5a5a5a5a;
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    char command[128];
    assert_int_equal(f->conf.guard, 0x5a5a5a5a);
    snprintf(command, sizeof(command), "rm -rf '%s'", f->dir);
    int rc = system(command);
    free(f);
    return rc;
}

static int
parse(struct fixture *f, const char *text)
{
    f->error[0] = '\0';
    return gc_conf_parse(items, &f->conf, "a.conf", text, strlen(text), f->error);
}

static void
put_file(const struct fixture *f, const char *name, const char *text)
{
    char path[192];
    snprintf(path, sizeof(path), "%s/%s", f->dir, name);
    assert_int_equal(gc_file_write(path, text, strlen(text), 0644), 0);
}

static void
put_dir(const struct fixture *f, const char *name)
{
    char path[192];
    snprintf(path, sizeof(path), "%s/%s", f->dir, name);
    assert_int_equal(mkdir(path, 0755), 0);
}

static void
defaults_are_what_the_table_says(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(f->conf.deadline_ms, 5000);
    assert_int_equal(f->conf.pool_bytes, 16 * 1024 * 1024);
    assert_false(f->conf.anonymous);
    assert_string_equal(f->conf.servers, "");
    assert_string_equal(f->conf.name, "");
    assert_int_equal(f->conf.mode, 1);
}

static void
every_type_is_read(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(parse(f, "# comment\r\n"
                              "[rpc] ; the calls\r\n"
                              "deadline_ms = 600000\r\n"
                              "pool=4KiB ; small\n"
                              "anonymous = yes\n"
                              "servers = [::1]:7400 b#1:7400\n"
                              "\n"
                              "[node]\n"
                              "name = n1\n"
                              "mode = lease"),
                     0);
    assert_int_equal(f->conf.deadline_ms, 600000);
    assert_int_equal(f->conf.pool_bytes, 4096);
    assert_true(f->conf.anonymous);
    assert_string_equal(f->conf.servers, "[::1]:7400 b#1:7400");
    assert_string_equal(f->conf.name, "n1");
    assert_int_equal(f->conf.mode, 2);
}

static void
an_empty_text_changes_nothing(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(parse(f, ""), 0);
    assert_int_equal(f->conf.deadline_ms, 5000);
}

static void
bad_text_is_told_with_file_and_line(void **state)
{
    static const struct {
        const char *text;
        const char *error;
    } cases[] = {
        { "[rpc]\nnope = 1\n", "a.conf:2: unknown key nope in [rpc]" },
        { "[rpc]\nname = x\n", "a.conf:2: unknown key name in [rpc]" },
        { "\n[what]\n", "a.conf:2: unknown section [what]" },
        { "[rpc]\n[node]\n[rpc\n", "a.conf:3: ']' is missing" },
        { "[rpc] deadline_ms = 1\n", "a.conf:1: text after the section" },
        { "name = x\n", "a.conf:1: name stands before the first [section]" },
        { "[rpc]\n\ndeadline_ms\n", "a.conf:3: expected \"key = value\" or \"[section]\"" },
        { "[rpc]\ndeadline_ms = ten\n", "a.conf:2: deadline_ms must be a number" },
        { "[rpc]\ndeadline_ms = \n", "a.conf:2: deadline_ms must be a number" },
        { "[rpc]\ndeadline_ms = -5\n", "a.conf:2: deadline_ms must be a number" },
        { "[rpc]\ndeadline_ms = 9\n", "a.conf:2: deadline_ms must be from 10 to 600000 ms" },
        { "[rpc]\ndeadline_ms = 600001\n", "a.conf:2: deadline_ms must be from 10 to 600000 ms" },
        { "[rpc]\ndeadline_ms = 99999999999999999999\n",
          "a.conf:2: deadline_ms must be from 10 to 600000 ms" },
        { "[rpc]\npool = 1KB\n",
          "a.conf:2: pool must be a number of bytes such as 4096, 64K or 1GiB" },
        { "[rpc]\npool = 2T\n", "a.conf:2: pool must be from 4096 to 1073741824 bytes" },
        { "[rpc]\nanonymous = maybe\n", "a.conf:2: anonymous must be yes or no" },
        { "[node]\nmode = val\n", "a.conf:2: mode must be one of off|validate|lease" },
        { "[node]\nmode = off|validate\n", "a.conf:2: mode must be one of off|validate|lease" },
        { "[node]\nname = 1234567890123456\n", "a.conf:2: name is longer than 15 bytes" },
        { "[node]\nname = a\nname = b\n", "a.conf:3: name is set twice" },
        { "[node]\nname = a\x01\n", "a.conf:2: control character 0x01" },
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < GC_ARRAY_LEN(cases); i++) {
        gc_conf_defaults(items, &f->conf);
        assert_int_equal(parse(f, cases[i].text), GC_ECONFIG);
        assert_string_equal(f->error, cases[i].error);
    }
}

static void
only_the_first_error_is_told(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(parse(f, "[node]\nbad\nname = \x7f\nmode = x\n[what]\n"), GC_ECONFIG);
    assert_string_equal(f->error, "a.conf:2: expected \"key = value\" or \"[section]\"");
}

static void
a_nul_in_the_text_is_refused(void **state)
{
    struct fixture *f = *state;
    static const char text[] = "[node]\nname = a\0b\n";
    assert_int_equal(gc_conf_parse(items, &f->conf, "a.conf", text, sizeof(text) - 1, f->error),
                     GC_ECONFIG);
    assert_string_equal(f->error, "a.conf:2: control character 0x00");
}

static void
a_text_fills_its_member_to_the_last_byte(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(parse(f, "[node]\nname = 123456789012345\n"), 0);
    assert_string_equal(f->conf.name, "123456789012345");
}

static void
the_longest_line_is_read_and_a_longer_one_refused(void **state)
{
    struct fixture *f = *state;
    char text[512];
    for (size_t pad = 180; pad < 220; pad++) {
        snprintf(text, sizeof(text), "[node]\n#%*s\nname = x\n", (int)pad, "c");
        int rc = parse(f, text);
        assert_true(rc == 0 || strstr(f->error, "a.conf:2: line longer than") != NULL);
        assert_int_equal(rc == 0, pad + 1 <= 198);
    }
}

static void
an_indented_line_continues_a_text(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(parse(f, "[rpc]\nservers = a:1 b:2\n   c:3\n\td:4\ndeadline_ms = 20\n"), 0);
    assert_string_equal(f->conf.servers, "a:1 b:2 c:3 d:4");
    assert_int_equal(f->conf.deadline_ms, 20);
}

static void
a_continuation_has_the_limit_of_its_text(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(parse(f, "[node]\nname = 1234567890\n  1234\n"), 0);
    assert_string_equal(f->conf.name, "1234567890 1234");
    gc_conf_defaults(items, &f->conf);
    assert_int_equal(parse(f, "[node]\nname = 1234567890\n  12345\n"), GC_ECONFIG);
    assert_string_equal(f->error, "a.conf:3: name is longer than 15 bytes");
}

static void
an_indented_key_is_refused(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(parse(f, "[rpc]\nservers = a\n  deadline_ms = 20\n"), GC_ECONFIG);
    assert_string_equal(f->error,
                        "a.conf:3: a key must not be indented (the line would continue servers)");
    assert_int_equal(parse(f, "[rpc]\ndeadline_ms = 20\n  30\n"), GC_ECONFIG);
    assert_string_equal(f->error, "a.conf:3: indented line, but deadline_ms has one value");
    assert_int_equal(parse(f, "[rpc]\nservers = a\n[node]\n  servers = b\n"), GC_ECONFIG);
    assert_string_equal(f->error, "a.conf:4: unknown key servers in [node]");
}

static void
load_reads_the_file_over_the_defaults(void **state)
{
    struct fixture *f = *state;
    put_file(f, "test.conf", "[node]\nname = n1\n");
    f->conf.deadline_ms = 1;
    assert_int_equal(gc_conf_load(items, &f->conf, f->path, f->error), 0);
    assert_string_equal(f->conf.name, "n1");
    assert_int_equal(f->conf.deadline_ms, 5000);
}

static void
dropins_override_in_the_order_of_their_names(void **state)
{
    struct fixture *f = *state;
    put_file(f, "test.conf", "[node]\nname = n1\nmode = off\n[rpc]\nservers = main\n");
    put_dir(f, "test.conf.d");
    put_file(f, "test.conf.d/20-b.conf", "[node]\nname = n20\n");
    put_file(f, "test.conf.d/10-a.conf", "[node]\nname = n10\nmode = lease\n");
    put_file(f, "test.conf.d/30-c.conf.bak", "[node]\nname = backup\n");
    put_file(f, "test.conf.d/.40-d.conf", "[node]\nname = hidden\n");
    assert_int_equal(gc_conf_load(items, &f->conf, f->path, f->error), 0);
    assert_string_equal(f->conf.name, "n20");
    assert_int_equal(f->conf.mode, 2);
    assert_string_equal(f->conf.servers, "main");
}

static void
an_error_in_a_dropin_names_the_dropin(void **state)
{
    struct fixture *f = *state;
    char want[256];
    put_file(f, "test.conf", "[node]\nname = n1\n");
    put_dir(f, "test.conf.d");
    put_file(f, "test.conf.d/10-a.conf", "\n\n[node]\nwhat = 1\n");
    assert_int_equal(gc_conf_load(items, &f->conf, f->path, f->error), GC_ECONFIG);
    snprintf(want, sizeof(want), "%s.d/10-a.conf:4: unknown key what in [node]", f->path);
    assert_string_equal(f->error, want);
}

static void
a_missing_required_key_is_told(void **state)
{
    struct fixture *f = *state;
    char want[256];
    put_file(f, "test.conf", "[node]\nmode = off\n");
    assert_int_equal(gc_conf_load(items, &f->conf, f->path, f->error), GC_ECONFIG);
    snprintf(want, sizeof(want), "%s: name in [node] must be set", f->path);
    assert_string_equal(f->error, want);
}

static void
a_missing_file_is_told(void **state)
{
    struct fixture *f = *state;
    char want[256];
    assert_int_equal(gc_conf_load(items, &f->conf, f->path, f->error), GC_ECONFIG);
    snprintf(want, sizeof(want), "%s: cannot read: No such file or directory", f->path);
    assert_string_equal(f->error, want);
}

static void
a_file_over_the_limit_is_told(void **state)
{
    struct fixture *f = *state;
    size_t len = GC_CONF_FILE_BYTES_MAX + 1;
    char *text = malloc(len);
    memset(text, '\n', len);
    assert_int_equal(gc_file_write(f->path, text, len, 0644), 0);
    free(text);
    assert_int_equal(gc_conf_load(items, &f->conf, f->path, f->error), GC_ECONFIG);
    assert_non_null(strstr(f->error, "cannot read: limit reached"));
}

static void
the_document_is_a_file_that_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct gc_buf doc;
    gc_buf_init(&doc, 65536);
    assert_int_equal(gc_conf_document(items, &doc), 0);
    assert_non_null(strstr(gc_buf_cstr(&doc), "[rpc]\n"
                                              "# budget of one call (10 to 600000 ms)\n"
                                              "#deadline_ms = 5000\n"
                                              "\n"
                                              "# buffers (4K to 1G)\n"
                                              "#pool = 16M\n"));
    assert_non_null(strstr(gc_buf_cstr(&doc), "[node]\n"
                                              "# who we are (text, up to 15 bytes; must be set)\n"
                                              "#name =\n"));
    f->conf.deadline_ms = 77;
    assert_int_equal(
        gc_conf_parse(items, &f->conf, "doc", (const char *)doc.data, doc.len, f->error), 0);
    assert_int_equal(f->conf.deadline_ms, 77);
    gc_buf_fini(&doc);
}

static void
a_document_over_the_limit_leaves_the_buffer(void **state)
{
    (void)state;
    struct gc_buf doc;
    gc_buf_init(&doc, 60);
    assert_int_equal(gc_buf_append_str(&doc, "before"), 0);
    assert_int_equal(gc_conf_document(items, &doc), GC_ELIMIT);
    assert_string_equal(gc_buf_cstr(&doc), "before");
    gc_buf_fini(&doc);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(defaults_are_what_the_table_says),
        CASE(every_type_is_read),
        CASE(an_empty_text_changes_nothing),
        CASE(bad_text_is_told_with_file_and_line),
        CASE(only_the_first_error_is_told),
        CASE(a_nul_in_the_text_is_refused),
        CASE(a_text_fills_its_member_to_the_last_byte),
        CASE(the_longest_line_is_read_and_a_longer_one_refused),
        CASE(an_indented_line_continues_a_text),
        CASE(a_continuation_has_the_limit_of_its_text),
        CASE(an_indented_key_is_refused),
        CASE(load_reads_the_file_over_the_defaults),
        CASE(dropins_override_in_the_order_of_their_names),
        CASE(an_error_in_a_dropin_names_the_dropin),
        CASE(a_missing_required_key_is_told),
        CASE(a_missing_file_is_told),
        CASE(a_file_over_the_limit_is_told),
        CASE(the_document_is_a_file_that_changes_nothing),
        CASE(a_document_over_the_limit_leaves_the_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
