/* SPDX-License-Identifier: MIT */
/* inih splits the lines; we feed it one at a time, so that we know which line an error belongs to
 * (its handler is called while the line given last is being looked at) and can refuse what it would
 * swallow: a line longer than its buffer, control characters, an unknown section without keys.
 *
 * inih takes an indented line for the continuation of the value before. That is how long lists are
 * written, so texts may have such lines; an indented `key = value` is an error, lest it silently
 * becomes a part of the text before it. */
#include "base/conf.h"

#include <assert.h>
#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

#define CONF_ITEMS_MAX 512
#define CONF_WHAT_MAX  256

/* What is wrong with a value, for people; the caller puts file and line in front. */
struct conf_what {
    char text[CONF_WHAT_MAX];
};

static int GC_PRINTF(2, 3) conf_refuse(struct conf_what *what, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what->text, sizeof(what->text), fmt, ap);
    va_end(ap);
    return GC_ECONFIG;
}

static void *
item_member(const struct gc_conf_item *item, void *conf)
{
    return (char *)conf + item->offset;
}

static int
set_number(const struct gc_conf_item *item, void *conf, struct gc_str value, struct conf_what *what)
{
    uint64_t number;
    bool bytes = item->type == GC_CONF_T_BYTES;
    int rc =
        bytes ? gc_str_bytes(value, UINT64_MAX, &number) : gc_str_u64(value, UINT64_MAX, &number);
    if (rc == GC_EPARSE) {
        return conf_refuse(what, "%s must be %s", item->key,
                           bytes ? "a number of bytes such as 4096, 64K or 1GiB" : "a number");
    }
    if (rc != 0 || number < item->min || number > item->max) {
        return conf_refuse(what, "%s must be from %llu to %llu %s", item->key,
                           (unsigned long long)item->min, (unsigned long long)item->max,
                           item->unit);
    }
    memcpy(item_member(item, conf), &number, sizeof(number));
    return 0;
}

static int
set_bool(const struct gc_conf_item *item, void *conf, struct gc_str value, struct conf_what *what)
{
    static const char *const words[] = { "no", "yes", "false", "true", "off", "on" };
    for (size_t i = 0; i < GC_ARRAY_LEN(words); i++) {
        if (gc_str_eq_cstr(value, words[i])) {
            *(bool *)item_member(item, conf) = i % 2 == 1;
            return 0;
        }
    }
    return conf_refuse(what, "%s must be yes or no", item->key);
}

static int
set_enum(const struct gc_conf_item *item, void *conf, struct gc_str value, struct conf_what *what)
{
    const char *at = item->choices;
    for (int i = 0; *at != '\0'; i++) {
        size_t len = strcspn(at, "|");
        if (gc_str_eq(value, (struct gc_str){ at, len })) {
            memcpy(item_member(item, conf), &i, sizeof(i));
            return 0;
        }
        at += len + (at[len] == '|');
    }
    return conf_refuse(what, "%s must be one of %s", item->key, item->choices);
}

static int
set_string(const struct gc_conf_item *item, void *conf, struct gc_str value, struct conf_what *what)
{
    if (gc_str_copy(item_member(item, conf), item->size, value) != 0) {
        return conf_refuse(what, "%s is longer than %zu bytes", item->key, item->size - 1);
    }
    return 0;
}

static int
item_set(const struct gc_conf_item *item, void *conf, struct gc_str value, struct conf_what *what)
{
    switch (item->type) {
    case GC_CONF_T_UINT:
    case GC_CONF_T_BYTES:
        return set_number(item, conf, value, what);
    case GC_CONF_T_BOOL:
        return set_bool(item, conf, value, what);
    case GC_CONF_T_ENUM:
        return set_enum(item, conf, value, what);
    case GC_CONF_T_STR:
        return set_string(item, conf, value, what);
    }
    assert(false);
    return GC_EINTERNAL;
}

/* One more line of a list. */
static int
item_continue(const struct gc_conf_item *item, void *conf, struct gc_str more,
              struct conf_what *what)
{
    char *text = item_member(item, conf);
    size_t len = strlen(text);
    if (item->type != GC_CONF_T_STR) {
        return conf_refuse(what, "indented line, but %s has one value", item->key);
    }
    if (memchr(more.data, '=', more.len) != NULL) {
        return conf_refuse(what, "a key must not be indented (the line would continue %s)",
                           item->key);
    }
    if (more.len + 1 >= item->size - len) {
        return conf_refuse(what, "%s is longer than %zu bytes", item->key, item->size - 1);
    }
    text[len] = ' ';
    memcpy(text + len + 1, more.data, more.len);
    text[len + 1 + more.len] = '\0';
    return 0;
}

void
gc_conf_defaults(const struct gc_conf_item *items, void *conf)
{
    for (const struct gc_conf_item *item = items; item->key != NULL; item++) {
        struct conf_what what;
        assert(item->deflt != NULL || item->type == GC_CONF_T_STR);
        int rc = item_set(item, conf, gc_str_of(item->deflt), &what);
        assert(rc == 0); /* the table is wrong */
        (void)rc;
    }
}

struct conf_parse {
    const struct gc_conf_item *items;
    void *conf;
    struct gc_str left; /* not given to inih yet */
    unsigned line;
    bool indented;
    const struct gc_conf_item *last; /* the key set last in this section */
    bool set[CONF_ITEMS_MAX];        /* in this file */
    int rc;                          /* of the first error; the rest of the text is not read */
    struct conf_what what;
};

static bool
section_known(const struct gc_conf_item *items, struct gc_str name)
{
    for (; items->key != NULL; items++) {
        if (gc_str_eq_cstr(name, items->section)) {
            return true;
        }
    }
    return false;
}

static int
check_section(struct conf_parse *parse, struct gc_str line)
{
    const char *end = memchr(line.data, ']', line.len);
    if (end == NULL) {
        return conf_refuse(&parse->what, "']' is missing");
    }
    struct gc_str name = { line.data + 1, (size_t)(end - line.data) - 1 };
    struct gc_str rest = gc_str_trim((struct gc_str){ end + 1, line.len - name.len - 2 });
    if (rest.len > 0 && rest.data[0] != '#' && rest.data[0] != ';') {
        return conf_refuse(&parse->what, "text after the section");
    }
    if (!section_known(parse->items, name)) {
        return conf_refuse(&parse->what, "unknown section [%.*s]", (int)name.len, name.data);
    }
    parse->last = NULL;
    return 0;
}

static int
check_line(struct conf_parse *parse, struct gc_str line, size_t len_max)
{
    if (line.len > len_max) {
        return conf_refuse(&parse->what, "line longer than %zu bytes", len_max);
    }
    for (size_t i = 0; i < line.len; i++) {
        unsigned char c = (unsigned char)line.data[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return conf_refuse(&parse->what, "control character 0x%02x", c);
        }
    }
    return line.len > 0 && line.data[0] == '[' ? check_section(parse, line) : 0;
}

/* inih's fgets: the next line with its newline into DST; NULL at the end or after an error. */
static char *
read_line(char *dst, int size, void *arg)
{
    struct conf_parse *parse = arg;
    struct gc_str line = parse->left;

    if (line.len == 0 || parse->rc != 0) {
        return NULL;
    }
    const char *newline = memchr(line.data, '\n', line.len);
    if (newline != NULL) {
        line.len = (size_t)(newline - line.data);
    }
    size_t used = line.len + (newline != NULL);
    parse->left.data += used;
    parse->left.len -= used;
    parse->line++;
    if (line.len > 0 && line.data[line.len - 1] == '\r') {
        line.len--;
    }
    parse->indented = line.len > 0 && (line.data[0] == ' ' || line.data[0] == '\t');
    parse->rc = check_line(parse, line, (size_t)size - 2);
    if (parse->rc != 0) {
        return NULL;
    }
    memcpy(dst, line.data, line.len);
    memcpy(dst + line.len, "\n", 2);
    return dst;
}

static int
set_key(struct conf_parse *parse, const char *section, const char *key, struct gc_str value)
{
    for (size_t i = 0; parse->items[i].key != NULL; i++) {
        const struct gc_conf_item *item = &parse->items[i];
        if (strcmp(item->key, key) != 0 || strcmp(item->section, section) != 0) {
            continue;
        }
        assert(i < CONF_ITEMS_MAX);
        if (parse->set[i]) {
            return conf_refuse(&parse->what, "%s is set twice", key);
        }
        parse->set[i] = true;
        parse->last = item;
        return item_set(item, parse->conf, value, &parse->what);
    }
    if (section[0] == '\0') {
        return conf_refuse(&parse->what, "%s stands before the first [section]", key);
    }
    return conf_refuse(&parse->what, "unknown key %s in [%s]", key, section);
}

/* inih's handler: 0 means error, but it would go on; read_line stops it. */
static int
on_key(void *arg, const char *section, const char *key, const char *value)
{
    struct conf_parse *parse = arg;
    if (parse->rc != 0) {
        return 0;
    }
    if (parse->indented && parse->last != NULL && strcmp(key, parse->last->key) == 0) {
        parse->rc = item_continue(parse->last, parse->conf, gc_str_of(value), &parse->what);
    } else {
        parse->rc = set_key(parse, section, key, gc_str_of(value));
    }
    return parse->rc == 0;
}

int
gc_conf_parse(const struct gc_conf_item *items, void *conf, const char *file, const char *text,
              size_t len, char error[GC_CONF_ERROR_MAX])
{
    struct conf_parse parse = { .items = items, .conf = conf, .left = { text, len } };
    int at = ini_parse_stream(read_line, &parse, on_key, &parse);
    if (at == 0 && parse.rc == 0) {
        return 0;
    }
    if (at < 0) {
        return -ENOMEM;
    }
    if (parse.rc == 0 || (at > 0 && (unsigned)at < parse.line)) {
        parse.line = (unsigned)at; /* inih's own complaint, and it came first */
        conf_refuse(&parse.what, "expected \"key = value\" or \"[section]\"");
    }
    snprintf(error, GC_CONF_ERROR_MAX, "%s:%u: %s", file, parse.line, parse.what.text);
    return GC_ECONFIG;
}
