/* SPDX-License-Identifier: MIT */
/* Each operation has a c-ares channel of its own; c-ares tells which sockets it waits for, we poll
 * them for it.
 *
 * Happy paths: numeric text: done at once. host:port: one ares_getaddrinfo. srv:name: one SRV
 * query, its records by priority and weight, then ares_getaddrinfo for each target in turn, until
 * all are done or there are enough. Ends: the answer, an error of c-ares, the timer (GC_EDEADLINE),
 * gc_resolve_cancel (GC_ECANCELED). All pass resolve_done, which decides once and posts on_done to
 * the loop, because c-ares answers some questions inside the call that asks them. on_done tells,
 * then destroys the channel; the memory goes when the polls have closed. */
#include "net/resolve.h"

#include <arpa/nameser.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include <ares.h>

#include "base/err.h"
#include "base/macros.h"
#include "base/thread.h"
#include "net/loop_priv.h"

#define SRV_PREFIX   "srv:"
#define SRV_MAX      16
#define NAME_MAX_DNS 256 /* with the NUL */

struct srv {
    char host[NAME_MAX_DNS];
    uint16_t port, priority, weight;
};

struct gc_resolve {
    struct gc_loop *loop;
    gc_resolve_cb cb;
    void *arg;
    ares_channel channel; /* NULL: numeric */
    struct gc_list polls;
    struct gc_timer deadline;
    struct gc_timer retry; /* when c-ares wants to look at its clock */
    struct gc_task done_task;
    bool done;
    bool told;
    int rc;

    uint16_t port; /* of the host that is being looked up */
    struct srv *srvs;
    size_t n_srvs;
    size_t next_srv;
    struct gc_addr addrs[GC_RESOLVE_ADDRS_MAX];
    size_t n_addrs;
};

struct resolve_poll {
    uv_poll_t uv;
    struct gc_list node;
    struct gc_resolve *resolve;
    ares_socket_t fd;
};

/* --- the end ---------------------------------------------------------------------------------- */

static void
resolve_free_if_over(struct gc_resolve *resolve)
{
    if (resolve->told && gc_list_empty(&resolve->polls)) {
        free(resolve->srvs);
        free(resolve);
    }
}

static void
on_done(struct gc_task *task)
{
    struct gc_resolve *resolve = gc_container_of(task, struct gc_resolve, done_task);

    resolve->cb(resolve->arg, resolve->rc, resolve->addrs, resolve->rc == 0 ? resolve->n_addrs : 0);
    if (resolve->channel != NULL) {
        ares_destroy(resolve->channel);
    }
    gc_timer_stop(&resolve->retry);
    resolve->told = true;
    resolve_free_if_over(resolve);
}

static void
resolve_done(struct gc_resolve *resolve, int rc)
{
    if (resolve->done) {
        return;
    }
    resolve->done = true;
    resolve->rc = rc;
    gc_timer_stop(&resolve->deadline);
    gc_timer_stop(&resolve->retry);
    gc_loop_post(resolve->loop, &resolve->done_task);
}

static void
on_deadline(struct gc_timer *timer)
{
    resolve_done(gc_container_of(timer, struct gc_resolve, deadline), GC_EDEADLINE);
}

void
gc_resolve_cancel(struct gc_resolve *resolve)
{
    resolve_done(resolve, GC_ECANCELED);
    resolve->rc = GC_ECANCELED; /* also when the answer was on its way */
}

static int
ares_rc(int status)
{
    switch (status) {
    case ARES_SUCCESS:
        return 0;
    case ARES_ENODATA:
    case ARES_ENOTFOUND:
    case ARES_ENONAME:
    case ARES_EBADNAME:
        return GC_ENOTFOUND;
    case ARES_ENOMEM:
        return -ENOMEM;
    default:
        return GC_EUNAVAILABLE; /* servers that refuse, fail or do not answer */
    }
}

/* --- sockets and time of c-ares --------------------------------------------------------------- */

static void on_retry(struct gc_timer *timer);

static void
retry_arm(struct gc_resolve *resolve)
{
    struct timeval tv;

    if (!resolve->done && ares_timeout(resolve->channel, NULL, &tv) != NULL) {
        gc_timer_start(&resolve->retry,
                       (uint64_t)tv.tv_sec * 1000 + (uint64_t)tv.tv_usec / 1000 + 1);
    }
}

static void
on_retry(struct gc_timer *timer)
{
    struct gc_resolve *resolve = gc_container_of(timer, struct gc_resolve, retry);

    ares_process_fd(resolve->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    retry_arm(resolve);
}

static void
on_poll(uv_poll_t *uv, int status, int events)
{
    struct resolve_poll *poll = gc_container_of(uv, struct resolve_poll, uv);
    struct gc_resolve *resolve = poll->resolve;
    ares_socket_t fd = poll->fd;

    if (resolve->done) {
        return; /* on_done is about to close everything */
    }
    /* On an error c-ares finds out itself by reading. */
    ares_process_fd(resolve->channel, status != 0 || (events & UV_READABLE) ? fd : ARES_SOCKET_BAD,
                    status == 0 && (events & UV_WRITABLE) ? fd : ARES_SOCKET_BAD);
    retry_arm(resolve);
}

static struct resolve_poll *
poll_find(struct gc_resolve *resolve, ares_socket_t fd)
{
    struct gc_list *node;

    gc_list_foreach(node, &resolve->polls) {
        struct resolve_poll *poll = gc_container_of(node, struct resolve_poll, node);
        if (poll->fd == fd) {
            return poll;
        }
    }
    return NULL;
}

static void
on_poll_closed(uv_handle_t *handle)
{
    struct resolve_poll *poll = gc_container_of(handle, struct resolve_poll, uv);
    struct gc_resolve *resolve = poll->resolve;

    gc_list_remove(&poll->node);
    free(poll);
    resolve_free_if_over(resolve);
}

static struct resolve_poll *
poll_new(struct gc_resolve *resolve, ares_socket_t fd)
{
    struct resolve_poll *poll = calloc(1, sizeof(*poll));

    if (poll == NULL) {
        return NULL;
    }
    if (uv_poll_init(gc_loop_uv(resolve->loop), &poll->uv, fd) != 0) {
        free(poll);
        return NULL;
    }
    poll->resolve = resolve;
    poll->fd = fd;
    gc_list_push(&resolve->polls, &poll->node);
    return poll;
}

/* c-ares opens, waits for and (with neither event) closes FD. */
static void
on_socket(void *arg, ares_socket_t fd, int readable, int writable)
{
    struct gc_resolve *resolve = arg;
    struct resolve_poll *poll = poll_find(resolve, fd);

    if (!readable && !writable) {
        if (poll != NULL) {
            poll->fd = ARES_SOCKET_BAD; /* the number may come back before the handle has closed */
            uv_close((uv_handle_t *)&poll->uv, on_poll_closed);
        }
        return;
    }
    if (poll == NULL) {
        poll = poll_new(resolve, fd);
    }
    if (poll == NULL) {
        resolve_done(resolve, -ENOMEM);
        return;
    }
    uv_poll_start(&poll->uv, (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0), on_poll);
}

/* --- answers ---------------------------------------------------------------------------------- */

static void
addr_add(struct gc_resolve *resolve, const struct sockaddr *sa)
{
    struct gc_addr *addr = &resolve->addrs[resolve->n_addrs];

    if (resolve->n_addrs == GC_RESOLVE_ADDRS_MAX) {
        return;
    }
    memset(addr, 0, sizeof(*addr));
    if (sa->sa_family == AF_INET) {
        memcpy(&addr->ss, sa, sizeof(struct sockaddr_in));
        ((struct sockaddr_in *)&addr->ss)->sin_port = htons(resolve->port);
    } else if (sa->sa_family == AF_INET6) {
        memcpy(&addr->ss, sa, sizeof(struct sockaddr_in6));
        ((struct sockaddr_in6 *)&addr->ss)->sin6_port = htons(resolve->port);
    } else {
        return;
    }
    resolve->n_addrs++;
}

static void srv_next(struct gc_resolve *resolve);

static void
on_host(void *arg, int status, int timeouts, struct ares_addrinfo *result)
{
    struct gc_resolve *resolve = arg;

    (void)timeouts;
    if (status == ARES_SUCCESS && !resolve->done) {
        for (struct ares_addrinfo_node *node = result->nodes; node != NULL; node = node->ai_next) {
            addr_add(resolve, node->ai_addr);
        }
    }
    ares_freeaddrinfo(result);
    if (resolve->done) {
        return;
    }
    if (resolve->rc == 0) {
        resolve->rc = ares_rc(status); /* the first failure, told if nothing is found at all */
    }
    srv_next(resolve);
}

static void
host_lookup(struct gc_resolve *resolve, const char *host, uint16_t port)
{
    const struct ares_addrinfo_hints hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };

    resolve->port = port;
    ares_getaddrinfo(resolve->channel, host, NULL, &hints, on_host, resolve);
}

/* Look up the next target; without one left the operation is over. */
static void
srv_next(struct gc_resolve *resolve)
{
    if (resolve->next_srv < resolve->n_srvs && resolve->n_addrs < GC_RESOLVE_ADDRS_MAX) {
        const struct srv *srv = &resolve->srvs[resolve->next_srv++];
        host_lookup(resolve, srv->host, srv->port);
    } else if (resolve->n_addrs > 0) {
        resolve_done(resolve, 0);
    } else {
        resolve_done(resolve, resolve->rc != 0 ? resolve->rc : GC_ENOTFOUND);
    }
}

static int
srv_cmp(const void *a, const void *b)
{
    const struct srv *x = a, *y = b;

    if (x->priority != y->priority) {
        return x->priority < y->priority ? -1 : 1;
    }
    if (x->weight != y->weight) {
        return x->weight > y->weight ? -1 : 1;
    }
    return strcmp(x->host, y->host);
}

static int
srv_take(struct gc_resolve *resolve, const unsigned char *answer, int len)
{
    struct ares_srv_reply *replies = NULL;
    int rc = ares_rc(ares_parse_srv_reply(answer, len, &replies));

    if (rc == 0) {
        resolve->srvs = calloc(SRV_MAX, sizeof(*resolve->srvs));
        rc = resolve->srvs == NULL ? -ENOMEM : 0;
    }
    for (struct ares_srv_reply *r = replies; rc == 0 && r != NULL && resolve->n_srvs < SRV_MAX;
         r = r->next) {
        struct srv *srv = &resolve->srvs[resolve->n_srvs];
        *srv = (struct srv){ .port = r->port, .priority = r->priority, .weight = r->weight };
        /* The root as target: the service is decidedly not offered. */
        if (r->host[0] != '\0' &&
            gc_str_copy(srv->host, sizeof(srv->host), gc_str_of(r->host)) == 0) {
            resolve->n_srvs++;
        }
    }
    if (replies != NULL) {
        ares_free_data(replies);
    }
    if (rc == 0) {
        qsort(resolve->srvs, resolve->n_srvs, sizeof(*resolve->srvs), srv_cmp);
    }
    return rc;
}

static void
on_srv(void *arg, int status, int timeouts, unsigned char *answer, int len)
{
    struct gc_resolve *resolve = arg;

    (void)timeouts;
    if (resolve->done) {
        return;
    }
    int rc = status == ARES_SUCCESS ? srv_take(resolve, answer, len) : ares_rc(status);
    if (rc != 0) {
        resolve_done(resolve, rc);
    } else {
        srv_next(resolve);
    }
}

/* --- the beginning ---------------------------------------------------------------------------- */

static int library_rc; /* written once, before pthread_once returns in any thread */

static void
library_start(void)
{
    library_rc = ares_rc(ares_library_init(ARES_LIB_INIT_ALL));
}

static int
channel_open(struct gc_resolve *resolve)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct ares_options options = { .sock_state_cb = on_socket, .sock_state_cb_data = resolve };
    const char *servers = gc_loop_dns(resolve->loop);

    pthread_once(&once, library_start);
    if (library_rc != 0) {
        return library_rc;
    }
    int rc = ares_rc(ares_init_options(&resolve->channel, &options, ARES_OPT_SOCK_STATE_CB));
    if (rc == 0 && servers[0] != '\0') {
        rc = ares_rc(ares_set_servers_ports_csv(resolve->channel, servers));
        if (rc != 0) {
            ares_destroy(resolve->channel);
        }
    }
    return rc;
}

/* Ask for TARGET, which is not numeric. What c-ares answers at once has been noted by the time this
 * returns. */
static int
resolve_ask(struct gc_resolve *resolve, struct gc_str target)
{
    char name[NAME_MAX_DNS];
    struct gc_str host;
    uint16_t port = 0;
    bool srv = gc_str_starts(target, SRV_PREFIX);

    if (srv) {
        host = (struct gc_str){ target.data + strlen(SRV_PREFIX), target.len - strlen(SRV_PREFIX) };
    } else if (gc_addr_split(target, &host, &port) != 0) {
        return GC_EPARSE;
    }
    if (host.len == 0 || gc_str_copy(name, sizeof(name), host) != 0) {
        return GC_EPARSE;
    }
    int rc = channel_open(resolve);
    if (rc != 0) {
        return rc;
    }
    if (srv) {
        ares_query(resolve->channel, name, ns_c_in, ns_t_srv, on_srv, resolve);
    } else {
        host_lookup(resolve, name, port);
    }
    retry_arm(resolve);
    return 0;
}

int
gc_resolve_start(struct gc_loop *loop, const char *target, uint64_t timeout_ms, gc_resolve_cb cb,
                 void *arg, struct gc_resolve **ret_resolve)
{
    struct gc_resolve *resolve = calloc(1, sizeof(*resolve));

    if (resolve == NULL) {
        return -ENOMEM;
    }
    resolve->loop = loop;
    resolve->cb = cb;
    resolve->arg = arg;
    resolve->done_task.fn = on_done;
    gc_list_init(&resolve->polls);
    gc_timer_init(&resolve->deadline, loop, on_deadline);
    gc_timer_init(&resolve->retry, loop, on_retry);
    gc_timer_start(&resolve->deadline, timeout_ms);
    if (gc_addr_parse(gc_str_of(target), &resolve->addrs[0]) == 0) {
        resolve->n_addrs = 1;
        resolve_done(resolve, 0);
    } else {
        int rc = resolve_ask(resolve, gc_str_of(target));
        if (rc != 0) {
            gc_timer_stop(&resolve->deadline);
            free(resolve);
            return rc;
        }
    }
    *ret_resolve = resolve;
    return 0;
}

int
gc_resolve_use_servers(struct gc_loop *loop, const char *servers)
{
    return gc_str_copy(gc_loop_dns(loop), GC_LOOP_DNS_MAX, gc_str_of(servers));
}
