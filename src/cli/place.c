/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/place.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "net/addr.h"

#define COMPONENT_MAX  255 /* NAME_MAX of all file systems that matter */
#define UTF8_BYTES_MAX 4

int
gc_place_parse(const char *arg, struct gc_place *ret_place)
{
    size_t len = strcspn(arg, "/");
    struct gc_str bucket = { arg, len };
    struct gc_place place = { .has_slash = arg[len] == '/' };

    if (!gc_bucket_name_valid(bucket) ||
        gc_str_copy(place.bucket, sizeof(place.bucket), bucket) != 0) {
        return GC_EPARSE;
    }
    place.rest = gc_str_of(arg + len + place.has_slash);
    *ret_place = place;
    return 0;
}

/* --- URLs ------------------------------------------------------------------------------------- */

static bool
is_loopback(struct gc_str host)
{
    char text[GC_URL_TARGET_MAX];
    struct gc_addr addr;

    if (gc_str_ieq_cstr(host, "localhost")) {
        return true;
    }
    snprintf(text, sizeof(text), "%.*s:1", (int)host.len, host.data);
    return gc_addr_parse(gc_str_of(text), &addr) == 0 && gc_addr_is_loopback(&addr);
}

/* The length of the host at the start of TEXT, brackets included; 0 when there is none. */
static size_t
host_len(const char *text)
{
    if (text[0] == '[') {
        size_t len = strcspn(text, "]");

        return text[len] == ']' ? len + 1 : 0;
    }
    return strcspn(text, ":/?#@");
}

int
gc_url_parse(const char *text, struct gc_url *ret_url)
{
    struct gc_str url = gc_str_of(text);
    struct gc_url out = { .tls = gc_str_starts(url, "https://") };
    uint64_t port = out.tls ? 443 : 80;
    struct gc_str host, digits;

    if (!out.tls && !gc_str_starts(url, "http://")) {
        return GC_EPARSE;
    }
    text += strlen(out.tls ? "https://" : "http://");
    host = (struct gc_str){ text, host_len(text) };
    text += host.len;
    if (*text == ':') {
        digits = (struct gc_str){ text + 1, strcspn(text + 1, "/") };
        if (gc_str_u64(digits, UINT16_MAX, &port) != 0 || port == 0) {
            return GC_EPARSE;
        }
        text += 1 + digits.len;
    }
    if (host.len == 0 || host.len > GC_URL_TARGET_MAX - 8 ||
        memchr(host.data, ' ', host.len) != NULL || (text[0] != '\0' && strcmp(text, "/") != 0)) {
        return GC_EPARSE;
    }
    out.loopback = is_loopback(host);
    snprintf(out.target, sizeof(out.target), "%.*s:%" PRIu64, (int)host.len, host.data, port);
    *ret_url = out;
    return 0;
}

/* --- keys as paths ---------------------------------------------------------------------------- */

struct gc_str
gc_last_component(struct gc_str path)
{
    size_t at = path.len;

    while (at > 0 && path.data[at - 1] != '/') {
        at--;
    }
    return (struct gc_str){ path.data + at, path.len - at };
}

static const char *
component_fault(struct gc_str component)
{
    if (component.len == 0) {
        return "has an empty component";
    }
    if (component.len > COMPONENT_MAX) {
        return "has a component of more than 255 bytes";
    }
    if (gc_str_eq_cstr(component, ".") || gc_str_eq_cstr(component, "..")) {
        return "has a component '.' or '..'";
    }
    return NULL;
}

const char *
gc_key_no_path(struct gc_str key)
{
    const char *fault = NULL;

    for (;;) {
        const char *slash = key.len > 0 ? memchr(key.data, '/', key.len) : NULL;
        size_t len = slash != NULL ? (size_t)(slash - key.data) : key.len;

        fault = component_fault((struct gc_str){ key.data, len });
        if (fault != NULL || slash == NULL) {
            return fault;
        }
        key.data += len + 1;
        key.len -= len + 1;
    }
}

/* --- names for people ------------------------------------------------------------------------- */

/* Bytes of the character at the start of TEXT if a terminal may have it as it is, else 0. */
static size_t
plain_len(struct gc_str text)
{
    unsigned char c = (unsigned char)text.data[0];

    if (c < 0x80) {
        return c >= 0x20 && c != 0x7f && c != '\\' ? 1 : 0;
    }
    if (c == 0xc2 && text.len > 1 && (unsigned char)text.data[1] < 0xa0) {
        return 0; /* U+0080..U+009F are controls too */
    }
    for (size_t len = 2; len <= UTF8_BYTES_MAX && len <= text.len; len++) {
        if (gc_utf8_valid((struct gc_str){ text.data, len })) {
            return len;
        }
    }
    return 0;
}

/* The escape for byte C; returns its length. */
static size_t
escape(char dst[5], unsigned char c)
{
    static const char letters[] = "\n\t\r\\";
    static const char names[] = "ntr\\";
    const char *at = c != '\0' ? strchr(letters, c) : NULL;

    if (at != NULL) {
        dst[0] = '\\';
        dst[1] = names[at - letters];
        return 2;
    }
    return (size_t)snprintf(dst, 5, "\\%03o", c);
}

const char *
gc_shown(char dst[GC_SHOWN_MAX], struct gc_str name)
{
    size_t n = 0;

    while (name.len > 0) {
        char text[5];
        size_t len = plain_len(name), shown = len;

        if (len > 0) {
            memcpy(text, name.data, len);
        } else {
            len = 1;
            shown = escape(text, (unsigned char)name.data[0]);
        }
        if (n + shown > GC_SHOWN_MAX - 4) {
            memcpy(dst + n, "...", 3);
            n += 3;
            break;
        }
        memcpy(dst + n, text, shown);
        n += shown;
        name.data += len;
        name.len -= len;
    }
    dst[n] = '\0';
    return dst;
}

const char *
gc_human_bytes(char dst[GC_HUMAN_MAX], uint64_t bytes)
{
    static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
    double value = (double)bytes / 1024;
    size_t unit = 0;

    if (bytes < 1024) {
        snprintf(dst, GC_HUMAN_MAX, "%" PRIu64 " B", bytes);
        return dst;
    }
    while (value >= 1024 && unit + 1 < GC_ARRAY_LEN(units)) {
        value /= 1024;
        unit++;
    }
    snprintf(dst, GC_HUMAN_MAX, "%.*f %s", value < 100 ? 1 : 0, value, units[unit]);
    return dst;
}
