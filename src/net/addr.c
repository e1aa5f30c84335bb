/* SPDX-License-Identifier: MIT */
#include "net/addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "base/err.h"

#define HOST_MAX 255 /* bytes of a name in the DNS */

int
gc_addr_split(struct gc_str text, struct gc_str *ret_host, uint16_t *ret_port)
{
    struct gc_str host = text;
    uint64_t port;

    while (host.len > 0 && host.data[host.len - 1] != ':') {
        host.len--;
    }
    if (host.len == 0) {
        return GC_EPARSE;
    }
    struct gc_str digits = { text.data + host.len, text.len - host.len };
    host.len--;
    if (digits.len > 5 || gc_str_u64(digits, UINT16_MAX, &port) != 0) {
        return GC_EPARSE;
    }
    if (host.len >= 2 && host.data[0] == '[' && host.data[host.len - 1] == ']') {
        host.data++;
        host.len -= 2;
    } else if (host.len > 0 && memchr(host.data, ':', host.len) != NULL) {
        return GC_EPARSE; /* an IPv6 address wants brackets */
    }
    if (host.len == 0 || host.len > HOST_MAX) {
        return GC_EPARSE;
    }
    *ret_host = host;
    *ret_port = (uint16_t)port;
    return 0;
}

int
gc_addr_parse(struct gc_str text, struct gc_addr *ret_addr)
{
    struct gc_addr addr = { 0 };
    struct sockaddr_in *in = (struct sockaddr_in *)&addr.ss;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&addr.ss;
    char host_text[INET6_ADDRSTRLEN];
    struct gc_str host;
    uint16_t port;

    if (gc_addr_split(text, &host, &port) != 0 ||
        gc_str_copy(host_text, sizeof(host_text), host) != 0 || strlen(host_text) != host.len) {
        return GC_EPARSE;
    }
    if (text.data[0] == '[') {
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(port);
        if (inet_pton(AF_INET6, host_text, &in6->sin6_addr) != 1) {
            return GC_EPARSE;
        }
    } else {
        in->sin_family = AF_INET;
        in->sin_port = htons(port);
        if (inet_pton(AF_INET, host_text, &in->sin_addr) != 1) {
            return GC_EPARSE;
        }
    }
    *ret_addr = addr;
    return 0;
}

void
gc_addr_format(const struct gc_addr *addr, char dst[GC_ADDR_TEXT_MAX])
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)&addr->ss;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&addr->ss;
    const struct sockaddr_un *un = (const struct sockaddr_un *)&addr->ss;
    char host[INET6_ADDRSTRLEN];

    switch (addr->ss.ss_family) {
    case AF_INET:
        inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
        snprintf(dst, GC_ADDR_TEXT_MAX, "%s:%u", host, gc_addr_port(addr));
        break;
    case AF_INET6:
        inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
        snprintf(dst, GC_ADDR_TEXT_MAX, "[%s]:%u", host, gc_addr_port(addr));
        break;
    case AF_UNIX:
        snprintf(dst, GC_ADDR_TEXT_MAX, "unix:%s", un->sun_path);
        break;
    default:
        snprintf(dst, GC_ADDR_TEXT_MAX, "-");
        break;
    }
}

int
gc_addr_unix(const char *path, struct gc_addr *ret_addr)
{
    struct gc_addr addr = { 0 };
    struct sockaddr_un *un = (struct sockaddr_un *)&addr.ss;

    un->sun_family = AF_UNIX;
    if (gc_str_copy(un->sun_path, sizeof(un->sun_path), gc_str_of(path)) != 0) {
        return GC_ELIMIT;
    }
    *ret_addr = addr;
    return 0;
}

uint16_t
gc_addr_port(const struct gc_addr *addr)
{
    switch (addr->ss.ss_family) {
    case AF_INET:
        return ntohs(((const struct sockaddr_in *)&addr->ss)->sin_port);
    case AF_INET6:
        return ntohs(((const struct sockaddr_in6 *)&addr->ss)->sin6_port);
    default:
        return 0;
    }
}

bool
gc_addr_is_loopback(const struct gc_addr *addr)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)&addr->ss;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&addr->ss;

    switch (addr->ss.ss_family) {
    case AF_INET:
        return ntohl(in->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    case AF_INET6:
        if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
            return in6->sin6_addr.s6_addr[12] == IN_LOOPBACKNET;
        }
        return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
    default:
        return false;
    }
}
