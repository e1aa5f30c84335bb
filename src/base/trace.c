/* SPDX-License-Identifier: MIT */
#include "base/trace.h"

#include <stdbool.h>
#include <string.h>

#include "base/random.h"

#define TRACE_FLAG_SAMPLED 0x01

/* Where the fields of "00-<32 digits>-<16 digits>-<2 digits>" are. */
#define AT_TRACE_ID 3
#define AT_SPAN_ID  36
#define AT_FLAGS    53

static bool
all_zero(const uint8_t *data, size_t len)
{
    uint8_t any = 0;
    for (size_t i = 0; i < len; i++) {
        any |= data[i];
    }
    return any == 0;
}

static void
random_id(uint8_t *dst, size_t len)
{
    do {
        gc_random_bytes(dst, len);
    } while (all_zero(dst, len)); /* zero means "none" */
}

void
gc_trace_new(struct gc_trace *trace)
{
    random_id(trace->trace_id, sizeof(trace->trace_id));
    random_id(trace->span_id, sizeof(trace->span_id));
    trace->flags = 0;
}

/* The field at AT; the standard knows lower-case digits only. */
static bool
field(void *dst, size_t len, struct gc_str text, size_t at)
{
    for (size_t i = at; i < at + 2 * len; i++) {
        if (text.data[i] >= 'A' && text.data[i] <= 'F') {
            return false;
        }
    }
    return gc_hex_decode(dst, len, (struct gc_str){ text.data + at, 2 * len }) == 0;
}

static bool
trace_parse(struct gc_trace *trace, struct gc_str text)
{
    uint8_t version;
    uint8_t parent[8];

    if (text.len < GC_TRACEPARENT_LEN || text.data[2] != '-' || text.data[AT_SPAN_ID - 1] != '-' ||
        text.data[AT_FLAGS - 1] != '-') {
        return false;
    }
    if (!field(&version, 1, text, 0) || version == 0xff) {
        return false;
    }
    /* Later versions may add fields behind a dash. */
    if (text.len > GC_TRACEPARENT_LEN && (version == 0 || text.data[GC_TRACEPARENT_LEN] != '-')) {
        return false;
    }
    if (!field(trace->trace_id, sizeof(trace->trace_id), text, AT_TRACE_ID) ||
        !field(parent, sizeof(parent), text, AT_SPAN_ID) ||
        !field(&trace->flags, 1, text, AT_FLAGS)) {
        return false;
    }
    return !all_zero(trace->trace_id, sizeof(trace->trace_id)) && !all_zero(parent, sizeof(parent));
}

void
gc_trace_adopt(struct gc_trace *trace, struct gc_str text)
{
    if (!trace_parse(trace, text)) {
        gc_trace_new(trace);
        return;
    }
    random_id(trace->span_id, sizeof(trace->span_id));
    trace->flags &= TRACE_FLAG_SAMPLED; /* the other bits are not ours to pass on */
}

void
gc_trace_format(char dst[GC_TRACEPARENT_LEN + 1], const struct gc_trace *trace)
{
    memcpy(dst, "00-", 3);
    gc_hex_encode(dst + AT_TRACE_ID, trace->trace_id, sizeof(trace->trace_id));
    dst[AT_SPAN_ID - 1] = '-';
    gc_hex_encode(dst + AT_SPAN_ID, trace->span_id, sizeof(trace->span_id));
    dst[AT_FLAGS - 1] = '-';
    gc_hex_encode(dst + AT_FLAGS, &trace->flags, 1);
}
