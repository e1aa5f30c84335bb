/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names up to 1024 bytes in order, and listings, against a plain sorted array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/macros.h"
#include "base/random.h"
#include "tests/support/meta_env.h"

#define N_NAMES 400

struct fixture {
    struct meta_env env;
    char *names[N_NAMES]; /* the model: sorted */
    size_t n;
};

static int
setup(void **state, bool mem)
{
    struct fixture *f = calloc(1, sizeof(*f));

    meta_env_open(&f->env, mem);
    meta_env_ready(&f->env);
    *state = f;
    return 0;
}

static int
setup_mem(void **state)
{
    return setup(state, true);
}

static int
setup_lmdb(void **state)
{
    return setup(state, false);
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    meta_env_check(&f->env);
    meta_env_close(&f->env);
    for (size_t i = 0; i < f->n; i++) {
        free(f->names[i]);
    }
    free(f);
    return 0;
}

static int
by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool
model_has(const struct fixture *f, const char *name)
{
    return bsearch(&name, f->names, f->n, sizeof(char *), by_bytes) != NULL;
}

static void
put(struct fixture *f, const char *name)
{
    struct gc_meta_extent extent;
    struct gc_meta_command cmd = meta_env_put(&f->env, name, 0, &extent);

    assert_int_equal(meta_env_apply(&f->env, &cmd).err, GC_API_OK);
    if (!model_has(f, name)) {
        assert_true(f->n < N_NAMES);
        f->names[f->n++] = strdup(name);
        qsort(f->names, f->n, sizeof(char *), by_bytes);
    }
}

static void
drop(struct fixture *f, size_t i)
{
    assert_int_equal(meta_env_delete(&f->env, f->names[i]).number, 1);
    free(f->names[i]);
    f->n--;
    memmove(&f->names[i], &f->names[i + 1], (f->n - i) * sizeof(char *));
}

static bool
begins(struct gc_str name, struct gc_str with)
{
    return gc_str_eq((struct gc_str){ name.data, GC_MIN(name.len, with.len) }, with);
}

/* One page, and the same page from the model. */
static void
compare_page(struct fixture *f, const struct gc_meta_list *list, struct gc_meta_list_page *page)
{
    size_t n = 0;
    size_t i;
    char last[GC_META_KEY_MAX + 1] = "";

    for (i = 0; i < f->n; i++) {
        struct gc_str name = gc_str_of(f->names[i]);
        const char *at = NULL;
        bool past = gc_str_cmp(name, list->after) <= 0;

        if (list->after_is_prefix && begins(name, list->after)) {
            past = true;
        }
        if (past || !begins(name, list->prefix)) {
            continue;
        }
        if (list->delimiter.len > 0) {
            at = strstr(name.data + list->prefix.len, list->delimiter.data);
        }
        if (at != NULL) {
            name.len = (size_t)(at - name.data) + list->delimiter.len;
            if (last[0] != '\0' && gc_str_eq_cstr(name, last)) {
                continue; /* in the same common prefix */
            }
            memcpy(last, name.data, name.len);
            last[name.len] = '\0';
        }
        if (n == list->max) {
            break;
        }
        assert_true(n < page->n_items);
        assert_int_equal(page->items[n].name.len, name.len);
        assert_memory_equal(page->items[n].name.data, name.data, name.len);
        assert_int_equal(page->items[n].is_prefix, at != NULL);
        n++;
    }
    assert_int_equal(page->n_items, n);
    assert_int_equal(page->truncated, i < f->n);
}

static void
compare_all_pages(struct fixture *f, struct gc_meta_list list)
{
    struct gc_meta_list_page page;
    char after[GC_META_KEY_MAX];

    list.bucket_id = f->env.bucket_id;
    do {
        struct gc_meta_read rd = meta_env_read(&f->env);

        assert_int_equal(gc_meta_list_objects(&rd, &list, &page), 0);
        compare_page(f, &list, &page);
        if (page.truncated) {
            const struct gc_meta_list_item *item = &page.items[page.n_items - 1];

            memcpy(after, item->name.data, item->name.len);
            list.after = (struct gc_str){ after, item->name.len };
            list.after_is_prefix = item->is_prefix;
        }
        meta_env_read_end(&f->env);
    } while (page.truncated);
}

/* A name of LEN bytes that differs from its like in the byte before AT only. */
static char *
long_name(char *dst, size_t len, char fill, size_t at, char mark)
{
    memset(dst, fill, len);
    dst[len] = '\0';
    if (at > 0 && at <= len) {
        dst[at - 1] = mark;
    }
    return dst;
}

static void
names_around_the_limits_of_a_part_stay_in_order(void **state)
{
    static const size_t lens[] = { 1, 478, 479, 480, 481, 957, 958, 959, 1023, 1024 };
    struct fixture *f = *state;
    char name[GC_META_KEY_MAX + 1];
    struct gc_meta_object object;
    struct gc_meta_read rd;

    for (size_t i = 0; i < GC_ARRAY_LEN(lens); i++) {
        put(f, long_name(name, lens[i], 'b', 0, 0));
        put(f, long_name(name, lens[i], 'b', lens[i], 'a'));
        put(f, long_name(name, lens[i], 'b', lens[i], 'c'));
        put(f, long_name(name, lens[i], 'b', 479, 'a'));
        put(f, long_name(name, lens[i], 'b', 480, 'c'));
    }
    compare_all_pages(f, (struct gc_meta_list){ .max = 1000 });
    compare_all_pages(f, (struct gc_meta_list){ .max = 1 });
    for (size_t i = 0; i < f->n; i++) {
        rd = meta_env_read(&f->env);
        assert_int_equal(gc_meta_get_object(&rd, f->env.bucket_id, gc_str_of(f->names[i]), &object),
                         0);
        meta_env_read_end(&f->env);
        compare_all_pages(f, (struct gc_meta_list){ .max = 7, .after = gc_str_of(f->names[i]) });
        compare_all_pages(f, (struct gc_meta_list){ .max = 7, .prefix = gc_str_of(f->names[i]) });
    }
    meta_env_check(&f->env);
    while (f->n > 0) {
        drop(f, f->n / 2);
        compare_all_pages(f, (struct gc_meta_list){ .max = 1000 });
    }
    assert_int_equal(meta_env_state(&f->env).n_objects, 0);
}

static void
a_bucket_with_one_long_name_is_not_empty_until_it_is_gone(void **state)
{
    struct fixture *f = *state;
    char name[GC_META_KEY_MAX + 1];
    struct gc_meta_command cmd;

    put(f, long_name(name, 1024, 'x', 0, 0));
    cmd = meta_env_command(&f->env, GC_META_OP_DELETE_BUCKET);
    cmd.u.delete_bucket.bucket_id = f->env.bucket_id;
    assert_int_equal(meta_env_apply(&f->env, &cmd).err, GC_API_BucketNotEmpty);
    drop(f, 0);
    cmd = meta_env_command(&f->env, GC_META_OP_DELETE_BUCKET);
    cmd.u.delete_bucket.bucket_id = f->env.bucket_id;
    assert_int_equal(meta_env_apply(&f->env, &cmd).err, GC_API_OK);
}

static void
buckets_do_not_see_each_other_and_are_listed_by_name(void **state)
{
    static const char *const names[] = { "aaa", "bucket", "ccc" };
    struct fixture *f = *state;
    struct gc_meta_bucket buckets[4];
    struct gc_meta_list_page page;
    struct gc_meta_list list = { .max = 10 };
    struct gc_meta_command cmd;
    struct gc_meta_read rd;
    size_t n;

    put(f, "in-bucket");
    for (size_t i = 0; i < 3; i += 2) {
        cmd = meta_env_command(&f->env, GC_META_OP_CREATE_BUCKET);
        cmd.u.create_bucket.name = gc_str_of(names[i]);
        list.bucket_id = meta_env_apply(&f->env, &cmd).number;
    }
    rd = meta_env_read(&f->env);
    assert_int_equal(gc_meta_list_objects(&rd, &list, &page), 0);
    assert_int_equal(page.n_items, 0);
    assert_false(page.truncated);
    assert_int_equal(gc_meta_list_buckets(&rd, GC_STR(""), 4, buckets, &n), 0);
    assert_int_equal(n, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_true(gc_str_eq_cstr(buckets[i].name, names[i]));
    }
    assert_int_equal(gc_meta_list_buckets(&rd, GC_STR("aaa"), 1, buckets, &n), 0);
    assert_int_equal(n, 1);
    assert_true(gc_str_eq_cstr(buckets[0].name, "bucket"));
    assert_int_equal(gc_meta_list_buckets(&rd, GC_STR("ccc"), 4, buckets, &n), 0);
    assert_int_equal(n, 0);
    meta_env_read_end(&f->env);
}

static void
a_delimiter_folds_what_is_below_it(void **state)
{
    static const char *const names[] = { "a",    "a/",         "a/1",   "a/2",        "a/b/c",
                                         "b",    "b//x",       "c/d",   "c0",         "/x",
                                         "//y",  "..",         ".",     "\xc3\xa4/1", "e--f",
                                         "e--g", "a/\xc3\xa4", "c/\x7f" };
    static const char *const parts[] = { "", "a", "a/", "b", "b/", "c", "/", "e", "\xc3", "zz" };
    struct fixture *f = *state;

    for (size_t i = 0; i < GC_ARRAY_LEN(names); i++) {
        put(f, names[i]);
    }
    for (size_t i = 0; i < GC_ARRAY_LEN(parts); i++) {
        for (size_t k = 0; k < GC_ARRAY_LEN(parts); k++) {
            for (size_t max = 1; max < 6; max += 2) {
                struct gc_meta_list list = { .prefix = gc_str_of(parts[i]),
                                             .after = gc_str_of(parts[k]),
                                             .max = max };

                compare_all_pages(f, list);
                list.delimiter = GC_STR("/");
                compare_all_pages(f, list);
                list.delimiter = GC_STR("--");
                compare_all_pages(f, list);
            }
        }
    }
}

static void
a_full_arena_ends_a_page_early(void **state)
{
    struct fixture *f = *state;
    struct gc_meta_list list = { .bucket_id = f->env.bucket_id, .max = 20 };
    struct gc_meta_list_page page;
    struct gc_meta_read rd;
    char name[GC_META_KEY_MAX + 1];
    size_t n;

    for (int i = 0; i < 10; i++) {
        put(f, long_name(name, 1000, (char)('a' + i), 0, 0));
    }
    rd = meta_env_read(&f->env);
    n = f->env.arena.max;
    f->env.arena.max = 20 * sizeof(struct gc_meta_list_item) + 3500;
    assert_int_equal(gc_meta_list_objects(&rd, &list, &page), 0);
    assert_in_range(page.n_items, 2, 3);
    assert_true(page.truncated);
    f->env.arena.max = 10;
    gc_arena_reset(&f->env.arena);
    assert_int_equal(gc_meta_list_objects(&rd, &list, &page), GC_ELIMIT);
    f->env.arena.max = n;
    meta_env_read_end(&f->env);
}

/* Few letters, long runs: many shared beginnings, also longer than a part. */
static void
random_name(struct gc_prng *prng, char *dst)
{
    static const char letters[] = "ab/\x7f";
    size_t len = 1 + (size_t)gc_prng_below(prng, gc_prng_below(prng, 3) == 0 ? 1024 : 8);
    size_t fixed = (size_t)gc_prng_below(prng, len + 1);

    memset(dst, 'a', len);
    for (size_t i = fixed; i < len; i += 1 + (size_t)gc_prng_below(prng, 200)) {
        dst[i] = letters[gc_prng_below(prng, 4)];
    }
    dst[len] = '\0';
}

static void
random_names_are_listed_as_a_sorted_array_has_them(void **state)
{
    struct fixture *f = *state;
    char name[GC_META_KEY_MAX + 1];
    char after[GC_META_KEY_MAX + 1];
    uint64_t seed = 20261124;
    struct gc_prng prng;

    print_message("seed %llu\n", (unsigned long long)seed);
    gc_prng_init(&prng, seed);
    for (unsigned step = 0; step < 600; step++) {
        if (f->n > 0 && (f->n == N_NAMES || gc_prng_below(&prng, 3) == 0)) {
            drop(f, (size_t)gc_prng_below(&prng, f->n));
        } else {
            random_name(&prng, name);
            put(f, name);
        }
        random_name(&prng, name);
        random_name(&prng, after);
        name[gc_prng_below(&prng, 4)] = '\0';
        compare_all_pages(f, (struct gc_meta_list){
                                 .prefix = gc_str_of(name),
                                 .after = gc_str_of(gc_prng_below(&prng, 2) == 0 ? "" : after),
                                 .delimiter = gc_str_of(gc_prng_below(&prng, 2) == 0 ? "" : "/"),
                                 .max = 1 + (size_t)gc_prng_below(&prng, 50),
                             });
    }
}

#define BOTH(test)                                          \
    { #test " (memory)", test, setup_mem, teardown, NULL }, \
    {                                                       \
#test " (LMDB)", test, setup_lmdb, teardown, NULL   \
    }

int
main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(names_around_the_limits_of_a_part_stay_in_order),
        BOTH(a_bucket_with_one_long_name_is_not_empty_until_it_is_gone),
        BOTH(buckets_do_not_see_each_other_and_are_listed_by_name),
        BOTH(a_delimiter_folds_what_is_below_it),
        BOTH(a_full_arena_ends_a_page_early),
        BOTH(random_names_are_listed_as_a_sorted_array_has_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
