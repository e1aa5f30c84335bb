/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "web/xml.h"

#include <string.h>

#include "base/time.h"

static void
put(struct gc_xml *xml, const void *data, size_t len)
{
    if (xml->rc == 0) {
        xml->rc = gc_buf_append(xml->buf, data, len);
    }
}

static void
put_cstr(struct gc_xml *xml, const char *text)
{
    put(xml, text, strlen(text));
}

void
gc_xml_open(struct gc_xml *xml, const char *name)
{
    put_cstr(xml, "<");
    put_cstr(xml, name);
    put_cstr(xml, ">");
}

void
gc_xml_close(struct gc_xml *xml, const char *name)
{
    put_cstr(xml, "</");
    put_cstr(xml, name);
    put_cstr(xml, ">");
}

void
gc_xml_begin(struct gc_xml *xml, struct gc_buf *buf, const char *root, bool ns)
{
    xml->buf = buf;
    xml->rc = 0;
    put_cstr(xml, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<");
    put_cstr(xml, root);
    put_cstr(xml, ns ? " xmlns=\"" GC_WEB_XML_NS "\">" : ">");
}

/* Length of the well-formed UTF-8 character that TEXT begins with; 0 when it begins with none. */
static size_t
utf8_len(struct gc_str text)
{
    unsigned char c = (unsigned char)text.data[0];
    size_t len = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    if (c == 0 || len == 1) {
        return 1;
    }
    return len <= text.len && gc_utf8_valid((struct gc_str){ text.data, len }) ? len : 0;
}

static void
put_escaped(struct gc_xml *xml, struct gc_str text)
{
    while (text.len > 0 && xml->rc == 0) {
        unsigned char c = (unsigned char)text.data[0];
        size_t len = utf8_len(text);
        if (len == 0) {
            put_cstr(xml, "\xef\xbf\xbd");
            len = 1;
        } else if (c == '&') {
            put_cstr(xml, "&amp;");
        } else if (c == '<') {
            put_cstr(xml, "&lt;");
        } else if (c == '>') {
            put_cstr(xml, "&gt;");
        } else if (c == '"') {
            put_cstr(xml, "&quot;");
        } else if (c == '\'') {
            put_cstr(xml, "&apos;");
        } else if (c < 0x20 || c == 0x7f) {
            xml->rc = gc_buf_printf(xml->buf, "&#x%x;", c);
        } else {
            put(xml, text.data, len);
        }
        text.data += len;
        text.len -= len;
    }
}

void
gc_xml_text(struct gc_xml *xml, const char *name, struct gc_str text)
{
    gc_xml_open(xml, name);
    put_escaped(xml, text);
    gc_xml_close(xml, name);
}

void
gc_xml_cstr(struct gc_xml *xml, const char *name, const char *text)
{
    gc_xml_text(xml, name, gc_str_of(text));
}

void
gc_xml_u64(struct gc_xml *xml, const char *name, uint64_t value)
{
    gc_xml_open(xml, name);
    if (xml->rc == 0) {
        xml->rc = gc_buf_printf(xml->buf, "%llu", (unsigned long long)value);
    }
    gc_xml_close(xml, name);
}

void
gc_xml_bool(struct gc_xml *xml, const char *name, bool value)
{
    gc_xml_cstr(xml, name, value ? "true" : "false");
}

static bool
is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~/", c) != NULL);
}

void
gc_xml_url(struct gc_xml *xml, const char *name, struct gc_str text)
{
    gc_xml_open(xml, name);
    for (size_t i = 0; i < text.len && xml->rc == 0; i++) {
        if (is_unreserved(text.data[i])) {
            put(xml, &text.data[i], 1);
        } else {
            xml->rc = gc_buf_printf(xml->buf, "%%%02X", (unsigned char)text.data[i]);
        }
    }
    gc_xml_close(xml, name);
}

void
gc_xml_time(struct gc_xml *xml, const char *name, int64_t wall_ms)
{
    char text[25];
    gc_time_iso(text, wall_ms);
    gc_xml_cstr(xml, name, text);
}

int
gc_xml_error(struct gc_buf *buf, enum gc_api_err err, struct gc_str resource,
             const char *request_id)
{
    const struct gc_api_err_info *info = gc_api_err_info(err);
    struct gc_xml xml;
    gc_xml_begin(&xml, buf, "Error", false);
    gc_xml_cstr(&xml, "Code", info->code);
    gc_xml_cstr(&xml, "Message", info->text);
    gc_xml_text(&xml, "Resource", resource);
    gc_xml_cstr(&xml, "RequestId", request_id);
    gc_xml_close(&xml, "Error");
    return xml.rc;
}
