/* SPDX-License-Identifier: MIT */
#include "net/http1_parse.h"

#include <string.h>
#include <strings.h>

#include "base/macros.h"

/* --- characters ---------------------------------------------------------------------------------
 */

static bool
is_token_char(char c)
{
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) {
        return true;
    }
    return c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

static bool
is_value_char(char c)
{
    unsigned char u = (unsigned char)c;
    return (u >= 0x20 && u != 0x7f) || u == '\t';
}

/* What may stand in a request target: printable ASCII without blanks, and no fragment. */
static bool
is_target_char(char c)
{
    return c > 0x20 && c < 0x7f && c != '#' && c != '"' && c != '<' && c != '>' && c != '\\' &&
           c != '^' && c != '`' && c != '{' && c != '|' && c != '}';
}

/* A host, a port, the brackets of an address; nothing that could hide another one. */
static bool
is_host_char(char c)
{
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) {
        return true;
    }
    return c != '\0' && strchr("-._~:[]%", c) != NULL;
}

static bool
all_chars(struct gc_str text, bool (*is)(char c))
{
    for (size_t i = 0; i < text.len; i++) {
        if (!is(text.data[i])) {
            return false;
        }
    }
    return text.len > 0;
}

static int
hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static struct gc_str
skip(struct gc_str text, size_t n)
{
    return (struct gc_str){ text.data + n, text.len - n };
}

/* Index of C in TEXT, or its length. */
static size_t
find(struct gc_str text, char c)
{
    const char *at = text.len > 0 ? memchr(text.data, c, text.len) : NULL;
    return at != NULL ? (size_t)(at - text.data) : text.len;
}

/* --- where does the head end? -------------------------------------------------------------------
 */

/* A line has ended before AT. True when it was the empty one that ends the head. One empty line
 * before the request line is forgiven. */
static bool
end_line(struct gc_http1_scan *scan, size_t at)
{
    bool empty = at - scan->line == 2;
    bool forgiven = empty && scan->line == 0;

    scan->line = at;
    scan->n_lines += forgiven ? 0 : 1;
    return empty && !forgiven;
}

static unsigned
scan_limits(const struct gc_http1_scan *scan, size_t len)
{
    if (scan->n_lines == 0 && len - scan->line > GC_HTTP1_LINE_MAX) {
        return 414;
    }
    if (len > GC_HTTP1_HEAD_MAX || scan->n_lines > GC_HTTP1_FIELDS_MAX + 2) {
        return 431;
    }
    return 0;
}

unsigned
gc_http1_scan(struct gc_http1_scan *scan, const char *data, size_t len, size_t *ret_len)
{
    *ret_len = 0;
    for (; scan->at < len; scan->at++) {
        char c = data[scan->at];
        bool after_cr = scan->at > 0 && data[scan->at - 1] == '\r';

        if (c == '\0' || (c == '\n') != after_cr) {
            return 400; /* CR and LF are nothing without each other */
        }
        if (c == '\n' && end_line(scan, scan->at + 1)) {
            *ret_len = ++scan->at;
            return scan_limits(scan, *ret_len);
        }
        unsigned status = scan_limits(scan, scan->at + 1);
        if (status != 0) {
            return status;
        }
    }
    return 0;
}

/* --- the request line ---------------------------------------------------------------------------
 */

static bool
method_known(struct gc_str method)
{
    static const char *const methods[] = { "GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS" };

    for (size_t i = 0; i < GC_ARRAY_LEN(methods); i++) {
        if (gc_str_eq_cstr(method, methods[i])) {
            return true;
        }
    }
    return false;
}

static unsigned
parse_version(struct gc_str text, unsigned *ret_minor)
{
    bool form = text.len == 8 && gc_str_starts(text, "HTTP/") && text.data[6] == '.' &&
                text.data[5] >= '0' && text.data[5] <= '9' && text.data[7] >= '0' &&
                text.data[7] <= '9';

    if (!form) {
        return 400;
    }
    if (text.data[5] != '1' || text.data[7] > '1') {
        return 505;
    }
    *ret_minor = (unsigned)(text.data[7] - '0');
    return 0;
}

/* "http://authority/path": what proxies are sent, and servers have to take. */
static unsigned
parse_absolute(struct gc_str rest, struct gc_http1_head *head)
{
    size_t slash = find(rest, '/');

    head->authority = (struct gc_str){ rest.data, slash };
    head->path = slash < rest.len ? skip(rest, slash) : GC_STR("/");
    return all_chars(head->authority, is_host_char) ? 0 : 400;
}

static unsigned
parse_target(struct gc_str target, struct gc_http1_head *head)
{
    if (!all_chars(target, is_target_char)) {
        return 400;
    }
    if (target.data[0] == '/') {
        head->path = target;
        return 0;
    }
    if (gc_str_eq_cstr(target, "*") && gc_str_eq_cstr(head->method, "OPTIONS")) {
        head->path = target;
        return 0;
    }
    if (gc_str_starts(target, "http://")) {
        return parse_absolute(skip(target, 7), head);
    }
    if (gc_str_starts(target, "https://")) {
        return parse_absolute(skip(target, 8), head);
    }
    return 400;
}

static unsigned
parse_request_line(struct gc_str line, struct gc_http1_head *head)
{
    size_t first = find(line, ' ');
    struct gc_str method = { line.data, first };
    unsigned status;

    if (!all_chars(method, is_token_char) || first == line.len) {
        return 400;
    }
    struct gc_str rest = skip(line, first + 1);
    size_t second = find(rest, ' ');
    if (second == rest.len) {
        return 400;
    }
    status = parse_version(skip(rest, second + 1), &head->minor);
    if (status != 0) {
        return status;
    }
    if (!method_known(method)) {
        return 501;
    }
    head->method = method;
    return parse_target((struct gc_str){ rest.data, second }, head);
}

/* --- fields -------------------------------------------------------------------------------------
 */

/* What is found on the way to the end of the fields. */
struct framing {
    unsigned n_hosts, n_lengths, n_codings;
    struct gc_str host;
    bool close;
};

static unsigned
take_length(struct gc_str value, struct gc_http1_head *head, struct framing *framing)
{
    if (framing->n_lengths++ > 0 || value.len > 19 ||
        gc_str_u64(value, INT64_MAX, &head->length) != 0) {
        return 400;
    }
    return 0;
}

static unsigned
take_coding(struct gc_str value, struct gc_http1_head *head, struct framing *framing)
{
    if (framing->n_codings++ > 0 || head->minor == 0) {
        return 400;
    }
    head->chunked = true;
    return gc_str_ieq_cstr(value, "chunked") ? 0 : 501;
}

static unsigned
take_expect(struct gc_str value, struct gc_http1_head *head)
{
    if (head->minor == 0) {
        return 0;
    }
    head->expect_continue = true;
    return gc_str_ieq_cstr(value, "100-continue") ? 0 : 417;
}

/* Next element of a comma-separated list, trimmed; false at the end. */
static bool
list_next(struct gc_str *list, struct gc_str *ret_element)
{
    if (list->len == 0) {
        return false;
    }
    size_t comma = find(*list, ',');
    *ret_element = gc_str_trim((struct gc_str){ list->data, comma });
    *list = comma < list->len ? skip(*list, comma + 1) : (struct gc_str){ 0 };
    return true;
}

/* A field that Connection names is not for us; one that decides the framing cannot be named. */
static unsigned
check_connection(struct gc_str value, struct framing *framing)
{
    static const char *const fixed[] = { "host", "content-length", "transfer-encoding" };
    struct gc_str token;

    while (list_next(&value, &token)) {
        if (token.len > 0 && !all_chars(token, is_token_char)) {
            return 400;
        }
        framing->close = framing->close || gc_str_ieq_cstr(token, "close");
        for (size_t i = 0; i < GC_ARRAY_LEN(fixed); i++) {
            if (gc_str_ieq_cstr(token, fixed[i])) {
                return 400;
            }
        }
    }
    return 0;
}

static bool
is_hop(struct gc_str name)
{
    static const char *const hop[] = { "keep-alive", "proxy-connection", "upgrade",
                                       "te",         "trailer",          "http2-settings" };

    for (size_t i = 0; i < GC_ARRAY_LEN(hop); i++) {
        if (gc_str_eq_cstr(name, hop[i])) {
            return true;
        }
    }
    return false;
}

static unsigned
take_field(struct gc_http1_field field, struct gc_http1_head *head, struct framing *framing)
{
    unsigned status = 0;

    if (gc_str_eq_cstr(field.name, "host")) {
        framing->n_hosts++;
        framing->host = field.value;
        return all_chars(field.value, is_host_char) ? 0 : 400;
    }
    if (gc_str_eq_cstr(field.name, "transfer-encoding")) {
        return take_coding(field.value, head, framing);
    }
    if (gc_str_eq_cstr(field.name, "expect")) {
        return take_expect(field.value, head);
    }
    if (is_hop(field.name)) {
        return 0;
    }
    if (gc_str_eq_cstr(field.name, "content-length")) {
        status = take_length(field.value, head, framing);
    } else if (gc_str_eq_cstr(field.name, "connection")) {
        status = check_connection(field.value, framing);
    }
    if (status == 0 && head->n_fields == GC_HTTP1_FIELDS_MAX) {
        status = 431;
    }
    if (status == 0) {
        head->fields[head->n_fields++] = field;
    }
    return status;
}

static unsigned
parse_field(char *line, size_t len, struct gc_http1_field *ret_field)
{
    struct gc_str text = { line, len };
    size_t colon = find(text, ':');
    struct gc_str name = { line, colon };

    /* A line that begins with a blank (folding) and a blank before the colon are no tokens. */
    if (colon == len || !all_chars(name, is_token_char)) {
        return 400;
    }
    for (size_t i = 0; i < colon; i++) {
        if (line[i] >= 'A' && line[i] <= 'Z') {
            line[i] = (char)(line[i] | 0x20);
        }
    }
    ret_field->name = name;
    ret_field->value = gc_str_trim(skip(text, colon + 1));
    return ret_field->value.len == 0 || all_chars(ret_field->value, is_value_char) ? 0 : 400;
}

static bool
named_by_connection(const struct gc_http1_head *head, struct gc_str name)
{
    struct gc_str token;

    for (size_t i = 0; i < head->n_fields; i++) {
        struct gc_str list = head->fields[i].value;
        if (!gc_str_eq_cstr(head->fields[i].name, "connection")) {
            continue;
        }
        while (list_next(&list, &token)) {
            if (token.len == name.len && strncasecmp(token.data, name.data, name.len) == 0) {
                return true;
            }
        }
    }
    return false;
}

static void
drop_named(struct gc_http1_head *head)
{
    size_t n = 0;

    for (size_t i = 0; i < head->n_fields; i++) {
        if (named_by_connection(head, head->fields[i].name)) {
            head->fields[i].name.len = 0;
        }
    }
    for (size_t i = 0; i < head->n_fields; i++) {
        if (head->fields[i].name.len > 0 && !gc_str_eq_cstr(head->fields[i].name, "connection")) {
            head->fields[n++] = head->fields[i];
        }
    }
    head->n_fields = n;
}

static unsigned
check_framing(struct gc_http1_head *head, const struct framing *framing)
{
    if (framing->n_hosts > 1 || (framing->n_hosts == 0 && head->minor > 0)) {
        return 400;
    }
    if (framing->n_lengths > 0 && framing->n_codings > 0) {
        return 400;
    }
    if (framing->n_hosts > 0 && head->authority.len > 0 &&
        !gc_str_eq(head->authority, framing->host)) {
        return 400;
    }
    if (framing->n_hosts > 0) {
        head->authority = framing->host;
    }
    head->keep_alive = head->minor > 0 && !framing->close;
    return 0;
}

unsigned
gc_http1_parse(char *data, size_t len, struct gc_http1_head *ret_head)
{
    struct framing framing = { 0 };
    struct gc_http1_field field;
    struct gc_str rest = { data, len };
    size_t end;
    unsigned status;

    memset(ret_head, 0, sizeof(*ret_head));
    if (gc_str_starts(rest, "\r\n")) {
        rest = skip(rest, 2);
    }
    end = find(rest, '\r');
    status = parse_request_line((struct gc_str){ rest.data, end }, ret_head);
    while (status == 0) {
        if (rest.len - end < 2) {
            return 400; /* not what scan found */
        }
        rest = skip(rest, end + 2);
        end = find(rest, '\r');
        if (end == 0) {
            break;
        }
        char *line = data + (rest.data - data);
        status = parse_field(line, end, &field);
        if (status == 0) {
            status = take_field(field, ret_head, &framing);
        }
    }
    if (status != 0) {
        return status;
    }
    drop_named(ret_head);
    return check_framing(ret_head, &framing);
}

/* --- chunked bodies ------------------------------------------------------------------------------
 */

enum chunk_state {
    CHUNK_SIZE,
    CHUNK_EXT,
    CHUNK_SIZE_LF,
    CHUNK_DATA,
    CHUNK_DATA_CR,
    CHUNK_DATA_LF,
    TRAILER_START,
    TRAILER_NAME,
    TRAILER_VALUE,
    TRAILER_LF,
    CHUNK_END_LF,
    CHUNK_DONE,
    CHUNK_BROKEN,
};

static enum chunk_state
step_size(struct gc_http1_chunked *chunked, char c)
{
    int digit = hex_digit(c);

    if (digit >= 0) {
        if (++chunked->digits > 16 || chunked->left > (uint64_t)(INT64_MAX >> 4)) {
            return CHUNK_BROKEN;
        }
        chunked->left = chunked->left * 16 + (unsigned)digit;
        return CHUNK_SIZE;
    }
    if (chunked->digits == 0) {
        return CHUNK_BROKEN;
    }
    if (c == ';') {
        return CHUNK_EXT;
    }
    return c == '\r' ? CHUNK_SIZE_LF : CHUNK_BROKEN;
}

static enum chunk_state
step_ext(struct gc_http1_chunked *chunked, char c)
{
    if (c == '\r') {
        return CHUNK_SIZE_LF;
    }
    if (!is_value_char(c) || ++chunked->ext_bytes > GC_HTTP1_EXT_MAX) {
        return CHUNK_BROKEN;
    }
    return CHUNK_EXT;
}

static enum chunk_state
step_trailer(struct gc_http1_chunked *chunked, char c)
{
    enum chunk_state state = chunked->state;

    if (++chunked->trailer_bytes > GC_HTTP1_TRAILER_MAX) {
        return CHUNK_BROKEN;
    }
    if (state == TRAILER_VALUE) {
        if (c == '\r') {
            return TRAILER_LF;
        }
        return is_value_char(c) ? TRAILER_VALUE : CHUNK_BROKEN;
    }
    if (state == TRAILER_NAME && c == ':') {
        return TRAILER_VALUE;
    }
    if (state == TRAILER_START && c == '\r') {
        return CHUNK_END_LF;
    }
    return is_token_char(c) ? TRAILER_NAME : CHUNK_BROKEN;
}

/* Where C leads; DATA is not here, it goes by blocks. */
static enum chunk_state
chunk_step(struct gc_http1_chunked *chunked, char c)
{
    switch ((enum chunk_state)chunked->state) {
    case CHUNK_SIZE:
        return step_size(chunked, c);
    case CHUNK_EXT:
        return step_ext(chunked, c);
    case CHUNK_SIZE_LF:
        if (c != '\n') {
            return CHUNK_BROKEN;
        }
        return chunked->left > 0 ? CHUNK_DATA : TRAILER_START;
    case CHUNK_DATA_CR:
        return c == '\r' ? CHUNK_DATA_LF : CHUNK_BROKEN;
    case CHUNK_DATA_LF:
        chunked->digits = 0;
        return c == '\n' ? CHUNK_SIZE : CHUNK_BROKEN;
    case TRAILER_START:
    case TRAILER_NAME:
    case TRAILER_VALUE:
        return step_trailer(chunked, c);
    case TRAILER_LF:
        return c == '\n' ? TRAILER_START : CHUNK_BROKEN;
    case CHUNK_END_LF:
        return c == '\n' ? CHUNK_DONE : CHUNK_BROKEN;
    default:
        return CHUNK_BROKEN;
    }
}

static enum gc_http1_chunk
chunk_data(struct gc_http1_chunked *chunked, struct gc_str *input, struct gc_str *ret_data)
{
    size_t n = chunked->left < input->len ? (size_t)chunked->left : input->len;

    *ret_data = (struct gc_str){ input->data, n };
    *input = skip(*input, n);
    chunked->left -= n;
    if (chunked->left == 0) {
        chunked->state = CHUNK_DATA_CR;
    }
    return GC_HTTP1_CHUNK_DATA;
}

enum gc_http1_chunk
gc_http1_chunked_next(struct gc_http1_chunked *chunked, struct gc_str *input,
                      struct gc_str *ret_data)
{
    while (input->len > 0 && chunked->state != CHUNK_DONE && chunked->state != CHUNK_BROKEN) {
        if (chunked->state == CHUNK_DATA) {
            return chunk_data(chunked, input, ret_data);
        }
        chunked->state = chunk_step(chunked, input->data[0]);
        *input = skip(*input, 1);
    }
    if (chunked->state == CHUNK_BROKEN) {
        return GC_HTTP1_CHUNK_BAD;
    }
    return chunked->state == CHUNK_DONE ? GC_HTTP1_CHUNK_END : GC_HTTP1_CHUNK_MORE;
}
