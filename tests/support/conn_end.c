/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/conn_end.h"

#include <assert.h>
#include <string.h>

#include "base/macros.h"

static uint8_t
pattern_at(uint64_t i)
{
    return (uint8_t)(i * 31 + (i >> 8) + (i >> 17));
}

static void
end_on_open(struct gc_conn *conn, void *arg)
{
    struct gc_end *end = arg;

    end->n_opened++;
    end->peer = *gc_conn_peer(conn);
    end->h2 = gc_conn_is_h2(conn);
    gc_conn_dirty(conn);
    if (end->then_open != NULL) {
        end->then_open(end);
    }
}

static void
end_on_read(struct gc_conn *conn, void *arg, const struct gc_slice *data)
{
    struct gc_end *end = arg;

    (void)conn;
    if (end->take_pattern) {
        for (size_t i = 0; i < data->len; i++) {
            end->pattern_broken |= data->data[i] != pattern_at(end->n_read + i);
        }
    } else {
        int rc = gc_buf_append(&end->rx, data->data, data->len);
        assert(rc == 0);
    }
    end->n_read += data->len;
    if (end->n_slices < end->keep) {
        end->kept[end->n_slices] = gc_bytes_ref(data->owner);
    }
    end->n_slices++;
    if (end->then_read != NULL) {
        end->then_read(end);
    }
}

static void
end_on_flush(struct gc_conn *conn, void *arg)
{
    struct gc_end *end = arg;
    uint8_t piece[64 * 1024];
    size_t piece_max = end->piece > 0 ? end->piece : 10000;

    if (end->tx.len > 0) {
        gc_conn_write(conn, end->tx.data, end->tx.len);
        gc_buf_clear(&end->tx);
    }
    while (end->n_written < end->pattern_end && gc_conn_room(conn) > 0) {
        size_t len =
            (size_t)GC_MIN(end->pattern_end - end->n_written, GC_MIN(piece_max, sizeof(piece)));
        for (size_t i = 0; i < len; i++) {
            piece[i] = pattern_at(end->n_written + i);
        }
        gc_conn_write(conn, piece, len);
        end->n_written += len;
    }
    if (end->close_after_tx && end->n_written == end->pattern_end) {
        gc_conn_close(conn, 0);
    }
}

static void
end_on_eof(struct gc_conn *conn, void *arg)
{
    struct gc_end *end = arg;

    (void)conn;
    end->n_eof++;
}

static void
end_on_close(struct gc_conn *conn, void *arg, int rc)
{
    struct gc_end *end = arg;

    (void)conn;
    end->n_closed++;
    end->rc = rc;
    end->conn = NULL;
    if (end->then_closed != NULL) {
        end->then_closed(end);
    }
}

const struct gc_conn_ops gc_end_ops = {
    .on_open = end_on_open,
    .on_read = end_on_read,
    .on_flush = end_on_flush,
    .on_eof = end_on_eof,
    .on_close = end_on_close,
};

const struct gc_conn_ops gc_end_ops_no_eof = {
    .on_open = end_on_open,
    .on_read = end_on_read,
    .on_flush = end_on_flush,
    .on_close = end_on_close,
};

void
gc_end_init(struct gc_end *end)
{
    *end = (struct gc_end){ 0 };
    gc_buf_init(&end->rx, GC_END_RX_MAX);
    gc_buf_init(&end->tx, GC_END_RX_MAX);
}

void
gc_end_fini(struct gc_end *end)
{
    gc_buf_fini(&end->rx);
    gc_buf_fini(&end->tx);
    for (size_t i = 0; i < GC_ARRAY_LEN(end->kept); i++) {
        gc_bytes_unref(end->kept[i]);
    }
}

void
gc_end_send(struct gc_end *end, const char *text)
{
    int rc = gc_buf_append_str(&end->tx, text);
    assert(rc == 0);
    if (end->conn != NULL) {
        gc_conn_dirty(end->conn);
    }
}

void
gc_end_send_pattern(struct gc_end *end, uint64_t len)
{
    end->pattern_end += len;
    if (end->conn != NULL) {
        gc_conn_dirty(end->conn);
    }
}

bool
gc_end_got(const struct gc_end *end, const char *text)
{
    return end->rx.len == strlen(text) && memcmp(end->rx.data, text, end->rx.len) == 0;
}

static bool
on_accept(void *arg, struct gc_conn *conn, const struct gc_conn_ops **ret_ops, void **ret_arg)
{
    struct gc_end_server *server = arg;

    if (server->n_accepted == server->n_ends) {
        return false;
    }
    struct gc_end *end = &server->ends[server->n_accepted++];
    end->conn = conn;
    *ret_ops = server->no_eof ? &gc_end_ops_no_eof : &gc_end_ops;
    *ret_arg = end;
    return true;
}

int
gc_end_listen(struct gc_end_server *server, struct gc_loop *loop, const struct gc_listen_conf *conf)
{
    struct gc_listen_conf c = *conf;

    c.on_accept = on_accept;
    c.arg = server;
    if (c.conns_max == 0) {
        c.conns_max = 1000;
    }
    if (c.addr.ss.ss_family == 0) {
        int rc = gc_addr_parse(GC_STR("127.0.0.1:0"), &c.addr);
        assert(rc == 0);
        c.fd = -1;
    }
    return gc_listen_open(loop, &c, &server->listener);
}

int
gc_end_dial(struct gc_end *end, struct gc_loop *loop, const struct gc_end_server *server,
            struct gc_tls_ctx *tls, const char *expect_name)
{
    struct gc_dial_conf conf = { .tls = tls, .expect_name = expect_name, .timeout_ms = 30000 };
    char text[GC_ADDR_TEXT_MAX];
    struct gc_buf buf;

    gc_buf_init(&buf, sizeof(text));
    int rc = gc_buf_printf(&buf, "127.0.0.1:%u", gc_listen_port(server->listener));
    assert(rc == 0);
    rc = gc_addr_parse((struct gc_str){ (const char *)buf.data, buf.len }, &conf.addr);
    assert(rc == 0);
    gc_buf_fini(&buf);
    return gc_dial_start(loop, &conf, &gc_end_ops, end, &end->conn);
}
