/* SPDX-License-Identifier: MIT */
/* HTTP/1.1 requests (RFC 9112), parsed strictly: whatever two parsers could read in two ways is
 * refused. No I/O, no allocation, no state but what the caller keeps.
 *
 * Accepted: CRLF line ends only; one empty line before a request; the methods of our table;
 * origin-form, absolute-form whose authority equals Host, and "*" with OPTIONS; HTTP/1.0 and 1.1;
 * fields without folding and without blanks before the colon; exactly one Host (1.1); a body by one
 * Content-Length of digits or by Transfer-Encoding "chunked" (1.1), never both; chunk sizes of at
 * most 16 hexadecimal digits.
 *
 * Errors are HTTP status codes: 400, 408 (never from here), 414, 417, 431, 501, 505. After any of
 * them the connection's framing is not known: answer and close. */
#ifndef GC_NET_HTTP1_PARSE_H
#define GC_NET_HTTP1_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define GC_HTTP1_LINE_MAX    8192  /* request line */
#define GC_HTTP1_HEAD_MAX    24576 /* whole head */
#define GC_HTTP1_FIELDS_MAX  128
#define GC_HTTP1_EXT_MAX     256  /* bytes of chunk extensions in a body */
#define GC_HTTP1_TRAILER_MAX 4096 /* bytes of trailers; they are checked and dropped */

/* --- where does the head end? -------------------------------------------------------------------
 */

/* Zero-fill for each head. Bytes may come in any pieces, always as one growing buffer. */
struct gc_http1_scan { /* Private to http1_parse.c. */
    size_t at;
    size_t line;
    unsigned n_lines;
};

/* DATA is all of LEN bytes received of a head. 0 with *RET_LEN > 0: the head, with its empty line,
 * is that long. 0 with *RET_LEN 0: more is needed. Else a status code. */
unsigned gc_http1_scan(struct gc_http1_scan *scan, const char *data, size_t len, size_t *ret_len);

/* --- what does it say? ---------------------------------------------------------------------------
 */

struct gc_http1_field {
    struct gc_str name; /* in lower case */
    struct gc_str value;
};

/* Refers to the parsed bytes. */
struct gc_http1_head {
    struct gc_str method;
    struct gc_str authority; /* empty only on HTTP/1.0 */
    struct gc_str path;      /* with the query; "*" */
    unsigned minor;          /* HTTP/1.minor */
    struct gc_http1_field
        fields[GC_HTTP1_FIELDS_MAX]; /* without Host, hop-by-hop and what Connection names */
    size_t n_fields;
    bool chunked;
    uint64_t length; /* of the body, when not chunked */
    bool keep_alive;
    bool expect_continue;
};

/* DATA of LEN bytes is a whole head as scan found it; names are put into lower case in place. 0 or
 * a status code. */
unsigned gc_http1_parse(char *data, size_t len, struct gc_http1_head *ret_head);

/* --- chunked bodies ------------------------------------------------------------------------------
 */

/* Zero-fill for each body. */
struct gc_http1_chunked { /* Private to http1_parse.c. */
    unsigned state;
    unsigned digits;
    uint64_t left;
    unsigned ext_bytes;
    unsigned trailer_bytes;
};

enum gc_http1_chunk {
    GC_HTTP1_CHUNK_MORE, /* all input is used */
    GC_HTTP1_CHUNK_DATA, /* bytes of the body; call again */
    GC_HTTP1_CHUNK_END,  /* the body is whole; what is left of the input is not its */
    GC_HTTP1_CHUNK_BAD,  /* 400 */
};

/* Take from the front of *INPUT; DATA sets *RET_DATA to a part of it. */
enum gc_http1_chunk gc_http1_chunked_next(struct gc_http1_chunked *chunked, struct gc_str *input,
                                          struct gc_str *ret_data);

#endif
