/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Configuration text: whatever it is, the answer is 0 or GC_ECONFIG with an error text, every value
 * is within its bounds, and nothing is written past the struct. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/conf.h"
#include "base/err.h"

struct sample {
    uint64_t deadline_ms;
    uint64_t pool_bytes;
    bool anonymous;
    char servers[40];
    char name[8];
    int mode;
    uint64_t guard;
};

static const struct gc_conf_item items[] = {
    GC_CONF_UINT("rpc", "deadline_ms", struct sample, deadline_ms, 5000, 10, 600000, "ms",
                 "a number"),
    GC_CONF_BYTES("rpc", "pool", struct sample, pool_bytes, "16M", 4096, 1 << 30, "bytes"),
    GC_CONF_BOOL("rpc", "anonymous", struct sample, anonymous, "no", "a switch"),
    GC_CONF_STRING("rpc", "servers", struct sample, servers, "", "a list"),
    GC_CONF_STRING("node", "name", struct sample, name, NULL, "a text"),
    GC_CONF_ENUM("node", "mode", struct sample, mode, "off|validate|lease", "off", "a word"),
    { 0 },
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sample conf = { .guard = 0x5a5a5a5a5a5a5a5a };
    char error[GC_CONF_ERROR_MAX] = "";

    gc_conf_defaults(items, &conf);
    int rc = gc_conf_parse(items, &conf, "fuzz.conf", (const char *)data, size, error);
    assert(rc == 0 || rc == GC_ECONFIG);
    assert(rc == 0 || strncmp(error, "fuzz.conf:", 10) == 0);
    assert(conf.guard == 0x5a5a5a5a5a5a5a5a);
    assert(conf.deadline_ms >= 10 && conf.deadline_ms <= 600000);
    assert(conf.pool_bytes >= 4096 && conf.pool_bytes <= 1 << 30);
    assert(memchr(conf.servers, '\0', sizeof(conf.servers)) != NULL);
    assert(memchr(conf.name, '\0', sizeof(conf.name)) != NULL);
    assert(conf.mode >= 0 && conf.mode <= 2);
    return 0;
}
