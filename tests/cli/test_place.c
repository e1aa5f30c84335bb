/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "cli/cli.h"
#include "cli/fault.h"
#include "cli/place.h"
#include "cli/progress.h"

static void
place_is_a_bucket_and_the_rest(void **state)
{
    struct gc_place place;

    (void)state;
    assert_int_equal(gc_place_parse("photos", &place), 0);
    assert_string_equal(place.bucket, "photos");
    assert_int_equal(place.rest.len, 0);
    assert_int_equal(gc_place_parse("photos/2026//a b/", &place), 0);
    assert_string_equal(place.bucket, "photos");
    assert_string_equal(place.rest.data, "2026//a b/");
    assert_int_equal(place.rest.len, 10);
    assert_int_equal(gc_place_parse("photos//etc", &place), 0);
    assert_string_equal(place.rest.data, "/etc");
}

static void
place_without_a_bucket_is_refused(void **state)
{
    struct gc_place place;

    (void)state;
    assert_int_equal(gc_place_parse("", &place), GC_EPARSE);
    assert_int_equal(gc_place_parse("/key", &place), GC_EPARSE);
    assert_int_equal(gc_place_parse("Photos/x", &place), GC_EPARSE);
    assert_int_equal(gc_place_parse("a/b", &place), GC_EPARSE);
}

static void
url_has_a_scheme_a_host_and_a_port(void **state)
{
    struct gc_url url;

    (void)state;
    assert_int_equal(gc_url_parse("https://gc.example:8443", &url), 0);
    assert_true(url.tls);
    assert_false(url.loopback);
    assert_string_equal(url.target, "gc.example:8443");
    assert_int_equal(gc_url_parse("https://gc.example/", &url), 0);
    assert_string_equal(url.target, "gc.example:443");
    assert_int_equal(gc_url_parse("http://[::1]:80/", &url), 0);
    assert_false(url.tls);
    assert_true(url.loopback);
    assert_string_equal(url.target, "[::1]:80");
    assert_int_equal(gc_url_parse("http://127.0.0.9:1", &url), 0);
    assert_true(url.loopback);
    assert_int_equal(gc_url_parse("http://localhost", &url), 0);
    assert_true(url.loopback);
    assert_int_equal(gc_url_parse("http://127.0.0.1.example", &url), 0);
    assert_false(url.loopback);
}

static void
other_urls_are_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "gc.example",
        "ftp://gc.example",
        "https://",
        "https://:8443",
        "https://gc.example:",
        "https://gc.example:0",
        "https://gc.example:65536",
        "https://gc.example:+1",
        "https://gc.example/bucket",
        "https://user@gc.example",
        "https://gc.example:8443?x",
        "https://[::1",
        "https://gc example",
    };
    struct gc_url url;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (gc_url_parse(bad[i], &url) == 0) {
            fail_msg("taken: %s", bad[i]);
        }
    }
}

static void
keys_that_would_leave_the_folder_are_no_paths(void **state)
{
    static const char *const bad[] = { "",     "/", "/etc/passwd", "..",   "../x", "a/../b",
                                       "a/..", ".", "a/./b",       "a//b", "a/" };
    char name[300];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (gc_key_no_path(gc_str_of(bad[i])) == NULL) {
            fail_msg("taken: %s", bad[i]);
        }
    }
    assert_null(gc_key_no_path(GC_STR("a")));
    assert_null(gc_key_no_path(GC_STR("...")));
    assert_null(gc_key_no_path(GC_STR("a/..b/.c/d..")));
    memset(name, 'x', sizeof(name));
    assert_null(gc_key_no_path((struct gc_str){ name, 255 }));
    assert_non_null(gc_key_no_path((struct gc_str){ name, 256 }));
}

static void
shown_names_stay_on_one_line(void **state)
{
    char shown[GC_SHOWN_MAX];

    (void)state;
    assert_string_equal(gc_shown(shown, GC_STR("plain name")), "plain name");
    assert_string_equal(gc_shown(shown, GC_STR("a\nb\tc\rd\\e")), "a\\nb\\tc\\rd\\\\e");
    assert_string_equal(gc_shown(shown, GC_STR("\033[31m\177")), "\\033[31m\\177");
    assert_string_equal(gc_shown(shown, GC_STR("\xc3\xb6\xff\xc2\x9b")), "\xc3\xb6\\377\\302\\233");
    assert_string_equal(gc_shown(shown, ((struct gc_str){ "a\0b", 3 })), "a\\000b");
}

static void
shown_name_that_does_not_fit_ends_in_dots(void **state)
{
    char shown[GC_SHOWN_MAX], name[GC_SHOWN_MAX];

    (void)state;
    memset(name, 1, sizeof(name));
    gc_shown(shown, (struct gc_str){ name, sizeof(name) });
    assert_true(strlen(shown) < GC_SHOWN_MAX);
    assert_string_equal(shown + strlen(shown) - 3, "...");
    gc_shown(shown, (struct gc_str){ name, GC_OBJECT_KEY_MAX }); /* any key fits */
    assert_int_equal(strlen(shown), 4 * GC_OBJECT_KEY_MAX);
}

static void
sizes_have_a_fitting_unit(void **state)
{
    char text[GC_HUMAN_MAX];

    (void)state;
    assert_string_equal(gc_human_bytes(text, 0), "0 B");
    assert_string_equal(gc_human_bytes(text, 1023), "1023 B");
    assert_string_equal(gc_human_bytes(text, 1024), "1.0 KiB");
    assert_string_equal(gc_human_bytes(text, 1536 * 1024), "1.5 MiB");
    assert_string_equal(gc_human_bytes(text, 200ull << 30), "200 GiB");
    assert_string_equal(gc_human_bytes(text, UINT64_MAX), "16.0 EiB");
}

static void
progress_tells_rate_and_time_to_go(void **state)
{
    struct gc_progress progress = { .n_done = 3,
                                    .n_total = 10,
                                    .n_bytes = 20u << 20,
                                    .n_bytes_total = 80u << 20,
                                    .start_ms = 1000 };
    char line[160];

    (void)state;
    gc_progress_line(&progress, 11000, line, sizeof(line));
    assert_string_equal(line, "3/10 objects, 20.0 MiB of 80.0 MiB, 2.0 MiB/s, 0:30 left");
    progress.n_total = progress.n_bytes_total = 0;
    gc_progress_line(&progress, 11000, line, sizeof(line));
    assert_string_equal(line, "3 objects, 20.0 MiB, 2.0 MiB/s");
    gc_progress_line(&progress, 1000, line, 10);
    assert_int_equal(strlen(line), 9);
}

static void
several_faults_have_one_exit_status(void **state)
{
    (void)state;
    assert_int_equal(gc_fault_merge(GC_EXIT_OK, GC_EXIT_NOT_FOUND), GC_EXIT_NOT_FOUND);
    assert_int_equal(gc_fault_merge(GC_EXIT_NOT_FOUND, GC_EXIT_NOT_FOUND), GC_EXIT_NOT_FOUND);
    assert_int_equal(gc_fault_merge(GC_EXIT_NOT_FOUND, GC_EXIT_DENIED), GC_EXIT_FAILURE);
    assert_int_equal(gc_fault_merge(GC_EXIT_DENIED, GC_EXIT_INTERRUPTED), GC_EXIT_INTERRUPTED);
    assert_int_equal(gc_fault_merge(GC_EXIT_INTERRUPTED, GC_EXIT_DENIED), GC_EXIT_INTERRUPTED);
}

static void
fault_text_has_no_control_characters(void **state)
{
    struct gc_fault fault;

    (void)state;
    gc_fault_set(&fault, -ENOSPC, "a\033b\n");
    assert_null(strpbrk(fault.text, "\033\n"));
    assert_true(fault.stop);
    assert_false(fault.again);
    assert_int_equal(fault.status, GC_EXIT_FAILURE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(place_is_a_bucket_and_the_rest),
        cmocka_unit_test(place_without_a_bucket_is_refused),
        cmocka_unit_test(url_has_a_scheme_a_host_and_a_port),
        cmocka_unit_test(other_urls_are_refused),
        cmocka_unit_test(keys_that_would_leave_the_folder_are_no_paths),
        cmocka_unit_test(shown_names_stay_on_one_line),
        cmocka_unit_test(shown_name_that_does_not_fit_ends_in_dots),
        cmocka_unit_test(sizes_have_a_fitting_unit),
        cmocka_unit_test(progress_tells_rate_and_time_to_go),
        cmocka_unit_test(several_faults_have_one_exit_status),
        cmocka_unit_test(fault_text_has_no_control_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
