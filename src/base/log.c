/* SPDX-License-Identifier: MIT */
/* A line is: ts, level, event, daemon, trace if there is one, then the caller's tail, which is read
 * again as `key=value` tokens: so both formats come from one text, and whatever a value holds, it
 * cannot break the line. A field that does not fit is left out whole and the line ends with
 * truncated=true. */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"

#define LOG_LINE_MAX  4096 /* PIPE_BUF: written whole to a pipe, too */
#define LOG_TAIL_MAX  3072
#define LOG_VALUE_MAX 256
#define LOG_ROOM_END  24 /* kept free for the truncation mark and the end of the line */
#define LOG_Q_BUFS    8

static struct {
    char daemon[32];
    atomic_int level;
    atomic_int format;
} log_sink = { .daemon = "gcommon", .level = GC_LOG_INFO, .format = GC_LOG_LOGFMT };

static const char *const level_names[] = { "error", "warn", "info", "debug" };

void
gc_log_setup(const char *daemon, enum gc_log_level level, enum gc_log_format format)
{
    snprintf(log_sink.daemon, sizeof(log_sink.daemon), "%s", daemon);
    atomic_store(&log_sink.level, (int)level);
    atomic_store(&log_sink.format, (int)format);
}

void
gc_log_set_level(enum gc_log_level level)
{
    atomic_store(&log_sink.level, (int)level);
}

bool
gc_log_on(enum gc_log_level level)
{
    return (int)level <= atomic_load_explicit(&log_sink.level, memory_order_relaxed);
}

int
gc_log_level_parse(struct gc_str text, enum gc_log_level *ret_level)
{
    for (size_t i = 0; i < GC_ARRAY_LEN(level_names); i++) {
        if (gc_str_eq_cstr(text, level_names[i])) {
            *ret_level = (enum gc_log_level)i;
            return 0;
        }
    }
    return GC_EPARSE;
}

static bool
is_plain(char c)
{
    return c >= 0x21 && c <= 0x7e && c != '"' && c != '\\' && c != '=';
}

/* C as it may stand in a value: itself or \xHH. Returns the length. */
static size_t
escape(char dst[5], char c)
{
    if (is_plain(c)) {
        dst[0] = c;
        return 1;
    }
    memcpy(dst, "\\x", 2);
    gc_hex_encode(dst + 2, &c, 1);
    return 4;
}

/* TEXT escaped into DST; "..." stands for what is over the limit. Returns the length. */
static size_t
escape_value(char dst[LOG_VALUE_MAX + 1], struct gc_str text)
{
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        char one[5];
        size_t len = escape(one, text.data[i]);
        if (n + len > LOG_VALUE_MAX - 3) {
            memcpy(dst + n, "...", 3);
            n += 3;
            break;
        }
        memcpy(dst + n, one, len);
        n += len;
    }
    dst[n] = '\0';
    return n;
}

const char *
gc_log_q(struct gc_str text)
{
    static _Thread_local char bufs[LOG_Q_BUFS][LOG_VALUE_MAX + 3];
    static _Thread_local unsigned turn;
    char *buf = bufs[turn++ % LOG_Q_BUFS];
    buf[0] = '"';
    memcpy(buf + 1 + escape_value(buf + 1, text), "\"", 2);
    return buf;
}

struct log_line {
    char data[LOG_LINE_MAX];
    size_t len;
    bool json;
    bool full; /* something did not fit */
};

static void
line_put(struct log_line *line, const char *data, size_t len)
{
    if (len > sizeof(line->data) - LOG_ROOM_END - line->len) {
        line->full = true;
        return;
    }
    memcpy(line->data + line->len, data, len);
    line->len += len;
}

static void
line_put_str(struct log_line *line, const char *text)
{
    line_put(line, text, strlen(text));
}

/* A JSON string of TEXT, which is printable ASCII. The escapes of the value stay readable as they
 * are in logfmt. */
static void
line_put_json(struct log_line *line, const char *text)
{
    line_put(line, "\"", 1);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\') {
            line_put(line, "\\", 1);
        }
        line_put(line, text, 1);
    }
    line_put(line, "\"", 1);
}

/* One field; KEY and VALUE are escaped already. */
static void
line_field(struct log_line *line, const char *key, const char *value, bool quoted)
{
    size_t before = line->len;
    if (line->full) {
        return;
    }
    if (line->json) {
        line_put_str(line, before == 0 ? "{" : ",");
        line_put_json(line, key);
        line_put(line, ":", 1);
        line_put_json(line, value);
    } else {
        line_put_str(line, before == 0 ? "" : " ");
        line_put_str(line, key);
        line_put_str(line, quoted ? "=\"" : "=");
        line_put_str(line, value);
        line_put_str(line, quoted ? "\"" : "");
    }
    if (line->full) {
        line->len = before;
    }
}

/* The text up to the closing quote, copied as it is except for what may not be in a line. A value
 * from gc_log_q comes out unchanged. Returns how much of TEXT was used. */
static size_t
unquote(char dst[LOG_VALUE_MAX + 1], struct gc_str text)
{
    size_t n = 0;
    size_t i = 0;
    for (; i < text.len && text.data[i] != '"'; i++) {
        char one[5];
        size_t len = 1;
        one[0] = text.data[i];
        if (one[0] != ' ' && one[0] != '\\' && one[0] != '=') {
            len = escape(one, text.data[i]);
        }
        if (n + len <= LOG_VALUE_MAX) {
            memcpy(dst + n, one, len);
            n += len;
        }
    }
    dst[n] = '\0';
    return i < text.len ? i + 1 : i;
}

static size_t
span_until(struct gc_str text, const char *stops)
{
    size_t i = 0;
    while (i < text.len && (text.data[i] == '\0' || strchr(stops, text.data[i]) == NULL)) {
        i++;
    }
    return i;
}

static void
advance(struct gc_str *text, size_t len)
{
    text->data += len;
    text->len -= len;
}

/* The caller's `key=value key="a b" flag` as fields. */
static void
line_tail(struct log_line *line, struct gc_str tail)
{
    char key[LOG_VALUE_MAX + 1];
    char value[LOG_VALUE_MAX + 1];

    while (tail.len > 0) {
        if (tail.data[0] == ' ') {
            advance(&tail, 1);
            continue;
        }
        size_t n = span_until(tail, " =");
        bool quoted = false;
        escape_value(key, (struct gc_str){ tail.data, n });
        advance(&tail, n);
        if (tail.len == 0 || tail.data[0] == ' ') {
            line_field(line, key, "true", false);
            continue;
        }
        advance(&tail, 1);
        if (tail.len > 0 && tail.data[0] == '"') {
            advance(&tail, 1);
            n = unquote(value, tail);
            quoted = true;
        } else {
            n = span_until(tail, " ");
            escape_value(value, (struct gc_str){ tail.data, n });
        }
        advance(&tail, n);
        line_field(line, key, value, quoted);
    }
}

static void
line_end(struct log_line *line)
{
    const char *end = line->json ? "}\n" : "\n";
    if (line->full) {
        end = line->json ? ",\"truncated\":\"true\"}\n" : " truncated=true\n";
    }
    memcpy(line->data + line->len, end, strlen(end));
    line->len += strlen(end);
}

_Static_assert(sizeof(",\"truncated\":\"true\"}\n") <= LOG_ROOM_END, "room for the end of a line");

static void GC_PRINTF(4, 0) log_write(enum gc_log_level level, const struct gc_trace *trace,
                                      const char *event, const char *fmt, va_list ap)
{
    char tail[LOG_TAIL_MAX];
    char text[LOG_VALUE_MAX + 1];
    struct log_line line;
    int saved_errno = errno;

    line.len = 0;
    line.json = atomic_load(&log_sink.format) == GC_LOG_JSON;
    line.full = false;
    gc_time_iso(text, gc_clock_wall_ms());
    line_field(&line, "ts", text, false);
    line_field(&line, "level", level_names[level], false);
    line_field(&line, "event", event, false);
    escape_value(text, gc_str_of(log_sink.daemon));
    line_field(&line, "daemon", text, false);
    if (trace != NULL) {
        gc_hex_encode(text, trace->trace_id, sizeof(trace->trace_id));
        line_field(&line, "trace", text, false);
    }
    int n = fmt != NULL ? vsnprintf(tail, sizeof(tail), fmt, ap) : 0;
    size_t len = n > 0 ? (size_t)n : 0;
    line_tail(&line, (struct gc_str){ tail, GC_MIN(len, sizeof(tail) - 1) });
    line.full = line.full || len >= sizeof(tail);
    line_end(&line);

    ssize_t written;
    do {
        written = write(STDERR_FILENO, line.data, line.len);
    } while (written < 0 && errno == EINTR);
    errno = saved_errno;
}

void
gc_log(enum gc_log_level level, const char *event, const char *fmt, ...)
{
    if (!gc_log_on(level)) {
        return;
    }
    va_list ap;
    va_start(ap, fmt);
    log_write(level, NULL, event, fmt, ap);
    va_end(ap);
}

void
gc_log_trace(enum gc_log_level level, const struct gc_trace *trace, const char *event,
             const char *fmt, ...)
{
    if (!gc_log_on(level)) {
        return;
    }
    va_list ap;
    va_start(ap, fmt);
    log_write(level, trace, event, fmt, ap);
    va_end(ap);
}
