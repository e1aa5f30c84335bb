/* SPDX-License-Identifier: MIT */
/* The server end of HTTP/2: heads become requests. */
#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/macros.h"
#include "net/h2_priv.h"

static struct gc_h2 *
h2_of(struct gc_http_link *link)
{
    return gc_container_of(link, struct gc_h2, link);
}

static bool
path_ok(const struct gc_http_head *head)
{
    if (head->path.len > 0 && head->path.data[0] == '/') {
        return true;
    }
    return gc_str_eq_cstr(head->path, "*") && gc_str_eq_cstr(head->method, "OPTIONS");
}

static void
on_head(struct gc_h2 *h2, struct h2_stream *s)
{
    struct gc_http_service *service = h2->owner;

    if (s->base.reset) {
        return;
    }
    if (s->base.in.over) {
        gc_http_count(h2->counts->head_limit);
        (void)gc_http_respond(&s->base, 431, NULL, 0, true);
    } else if (!path_ok(&s->base.in.head)) {
        (void)gc_http_respond(&s->base, 400, NULL, 0, true);
    } else {
        gc_http_stream_request(&s->base, service->on_request, service->arg);
    }
}

static const struct gc_h2_role server_role = { .on_head = on_head };

static void
link_read(struct gc_http_link *link, const struct gc_slice *data)
{
    gc_h2_read(h2_of(link), data);
}

static void
link_flush(struct gc_http_link *link)
{
    gc_h2_flush(h2_of(link));
}

/* HTTP/2 has no half-closed connections. */
static void
link_eof(struct gc_http_link *link)
{
    gc_h2_fail(h2_of(link), GC_ECLOSED);
}

static void
link_drain(struct gc_http_link *link)
{
    gc_h2_drain(h2_of(link));
}

static void
link_close(struct gc_http_link *link, int rc)
{
    struct gc_h2 *h2 = h2_of(link);

    gc_h2_fini(h2, rc);
    free(h2);
}

static const struct gc_http_link_ops server_ops = {
    .read = link_read,
    .flush = link_flush,
    .eof = link_eof,
    .drain = link_drain,
    .close = link_close,
};

int
gc_h2_link_new(struct gc_conn *conn, struct gc_http_service *service,
               struct gc_http_link **ret_link)
{
    struct gc_h2 *h2 = calloc(1, sizeof(*h2));
    int rc;

    if (h2 == NULL) {
        return -ENOMEM;
    }
    h2->link.ops = &server_ops;
    h2->role = &server_role;
    h2->owner = service;
    h2->conf = &service->conf;
    h2->counts = &service->counts;
    h2->n_streams_all = &service->n_streams;
    h2->server = true;
    rc = gc_h2_open(h2, conn);
    if (rc != 0) {
        free(h2);
        return rc;
    }
    *ret_link = &h2->link;
    return 0;
}
