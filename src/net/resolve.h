/* SPDX-License-Identifier: MIT */
/* Names to addresses (c-ares): numeric text at once, host names by A/AAAA, SRV names
 * "_service._proto.domain". */
#ifndef GC_NET_RESOLVE_H
#define GC_NET_RESOLVE_H

#include "net/addr.h"
#include "net/loop.h"

#define GC_RESOLVE_ADDRS_MAX 32

struct gc_resolve; /* one operation */
/* RC 0: N >= 1 addresses, valid during the callback. GC_ENOTFOUND, GC_EDEADLINE, GC_ECANCELED,
 * GC_EUNAVAILABLE. */
typedef void (*gc_resolve_cb)(void *arg, int rc, const struct gc_addr *addrs, size_t n);

/* TARGET: "ip:port", "host:port", or "srv:_svc._tcp.domain". The callback comes later, exactly
 * once. GC_EPARSE at once for other text. SRV answers come by priority, then weight. */
int gc_resolve_start(struct gc_loop *loop, const char *target, uint64_t timeout_ms,
                     gc_resolve_cb cb, void *arg, struct gc_resolve **ret_resolve);
void gc_resolve_cancel(struct gc_resolve *resolve);

/* Ask SERVERS ("127.0.0.1:5353,[::1]:53") instead of the system's, for what is started on LOOP from
 * now on; NULL: the system's again. GC_ELIMIT when the text is too long. */
int gc_resolve_use_servers(struct gc_loop *loop, const char *servers);

#endif
