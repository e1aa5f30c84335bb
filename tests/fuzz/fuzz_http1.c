/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The HTTP/1.1 parser. The first byte chooses: even, the rest is a connection's requests with their
 * bodies; odd, it is a chunked body. Each input is read at once and in pieces, which must make no
 * difference. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "net/http1_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool ok)
{
    if (!ok) {
        abort();
    }
}

static uint64_t
mix(uint64_t sum, const void *data, size_t len)
{
    const uint8_t *at = data;

    for (size_t i = 0; i < len; i++) {
        sum = (sum ^ at[i]) * 1099511628211u;
    }
    return sum;
}

/* What a reader in pieces of STEP bytes understands of a chunked body; *RET_USED what it took. */
static uint64_t
chunks_sum(const char *data, size_t len, size_t step, size_t *ret_used)
{
    struct gc_http1_chunked chunked = { 0 };
    enum gc_http1_chunk got = GC_HTTP1_CHUNK_MORE;
    struct gc_str input = { 0 }, body;
    uint64_t sum = 1;
    size_t at = 0;

    while (at < len && (got == GC_HTTP1_CHUNK_MORE || got == GC_HTTP1_CHUNK_DATA)) {
        input = (struct gc_str){ data + at, GC_MIN(step, len - at) };
        at += input.len;
        do {
            got = gc_http1_chunked_next(&chunked, &input, &body);
            if (got == GC_HTTP1_CHUNK_DATA) {
                check(body.data >= data && body.data + body.len <= data + len);
                sum = mix(sum, body.data, body.len);
            }
        } while (got == GC_HTTP1_CHUNK_DATA);
    }
    *ret_used = at - input.len;
    return mix(sum, &got, sizeof(got));
}

static void
check_head(const struct gc_http1_head *head)
{
    check(head->method.len > 0 && head->path.len > 0);
    check(head->path.data[0] == '/' || head->path.len == 1);
    check(head->n_fields <= GC_HTTP1_FIELDS_MAX);
    check(!head->chunked || head->length == 0);
    for (size_t i = 0; i < head->n_fields; i++) {
        struct gc_str name = head->fields[i].name;
        check(name.len > 0 && memchr(name.data, ' ', name.len) == NULL);
        check(memchr(head->fields[i].value.data, '\n', head->fields[i].value.len) == NULL);
    }
}

/* What a reader in pieces of STEP bytes understands of requests that follow each other. */
static uint64_t
requests_sum(char *data, size_t len, size_t step)
{
    static struct gc_http1_head head;
    size_t at = 0, used;
    uint64_t sum = 2;

    while (at < len) {
        struct gc_http1_scan scan = { 0 };
        size_t have = 0, head_len = 0;
        unsigned status = 0;

        while (status == 0 && head_len == 0 && have < len - at) {
            have = GC_MIN(have + step, len - at);
            status = gc_http1_scan(&scan, data + at, have, &head_len);
        }
        if (status == 0 && head_len > 0) {
            status = gc_http1_parse(data + at, head_len, &head);
        }
        sum = mix(sum, &status, sizeof(status));
        if (status != 0 || head_len == 0) {
            return sum;
        }
        check_head(&head);
        sum = mix(sum, head.path.data, head.path.len);
        at += head_len;
        if (head.chunked) {
            sum = mix(sum, &(uint64_t){ chunks_sum(data + at, len - at, step, &used) }, 8);
            at += used;
        } else {
            at += (size_t)GC_MIN(head.length, (uint64_t)(len - at));
        }
    }
    return sum;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t used[2];
    char *copy;

    if (size < 2) {
        return 0;
    }
    copy = malloc(size - 1);
    check(copy != NULL);
    memcpy(copy, data + 1, size - 1);
    if (data[0] % 2 == 1) {
        uint64_t whole = chunks_sum(copy, size - 1, size, &used[0]);
        check(whole == chunks_sum(copy, size - 1, 1, &used[1]));
        check(used[0] == used[1]);
    } else {
        /* The second reading sees names in lower case already: that makes no difference either. */
        uint64_t whole = requests_sum(copy, size - 1, size);
        check(whole == requests_sum(copy, size - 1, 1));
        check(whole == requests_sum(copy, size - 1, 7));
    }
    free(copy);
    return 0;
}
