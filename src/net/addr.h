/* SPDX-License-Identifier: MIT */
/* Socket addresses as plain data and text: "127.0.0.1:7400", "[::1]:7400", "host:port". */
#ifndef GC_NET_ADDR_H
#define GC_NET_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/str.h"

struct gc_addr {
    struct sockaddr_storage ss;
};

#define GC_ADDR_TEXT_MAX 120 /* "unix:" and the longest path fit */

/* A numeric address with a port. GC_EPARSE. Pure. */
int gc_addr_parse(struct gc_str text, struct gc_addr *ret_addr);
void gc_addr_format(const struct gc_addr *addr, char dst[GC_ADDR_TEXT_MAX]);
/* Split "host:port" or "[v6]:port"; HOST has no brackets. GC_EPARSE. Pure. */
int gc_addr_split(struct gc_str text, struct gc_str *ret_host, uint16_t *ret_port);
/* The unix socket PATH. GC_ELIMIT when it is too long. Pure. */
int gc_addr_unix(const char *path, struct gc_addr *ret_addr);
uint16_t gc_addr_port(const struct gc_addr *addr);
bool gc_addr_is_loopback(const struct gc_addr *addr);

#endif
