/* SPDX-License-Identifier: MIT */
/* Happy path: gc_conn_begin on a connected socket; with TLS the handshake runs on what arrives and
 * what it has to say leaves at the next flush; on_open; then each read is decrypted slice by slice
 * to on_read, and each flush encrypts what on_flush writes and hands the blocks to the socket in
 * one call.
 *
 * Ends:
 *  - gc_conn_close: CLOSING. What is queued leaves, then close_notify and FIN; what still arrives
 * is thrown away until the peer's FIN, so that the kernel does not answer it with a reset that
 * would overtake our last bytes. At most CLOSE_MS_MAX, whatever the peer does.
 *  - gc_conn_abort, failed connect or handshake, a timer, an error of the socket, a record that
 * does not decrypt: CLOSED at once; a TLS alert is tried once.
 *  - the peer's FIN or close_notify: on_eof, or CLOSING with GC_ECLOSED where nobody listens for
 * it. gc_conn_end is the only way to CLOSED; libuv's close callback, in a later turn, is the only
 * caller of on_close. The first rc decided is the one told. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/macros.h"
#include "net/conn_priv.h"

#define CLOSE_MS_MAX 5000
#define OUT_IOV_MAX  16
#define RECORD_BYTES 16384
#define TLS_ANSWER_MAX \
    (64 * 1024) /* bytes that TLS itself may queue for a peer that does not read */

/* --- the end ---------------------------------------------------------------------------------- */

static void
out_free(struct gc_conn *conn)
{
    while (conn->out_first != NULL) {
        struct gc_out_block *block = conn->out_first;
        conn->out_first = block->next;
        gc_loop_block_put(conn->loop, block);
    }
    conn->out_last = NULL;
    conn->out_len = 0;
}

static void
on_closed(uv_handle_t *handle)
{
    struct gc_conn *conn = gc_container_of(handle, struct gc_conn, tcp);

    out_free(conn);
    if (conn->ops != NULL) {
        conn->ops->on_close(conn, conn->arg, conn->rc);
    }
    gc_tls_free(conn->tls);
    if (conn->listener != NULL) {
        gc_listen_conn_gone(conn->listener);
    }
    free(conn);
}

void
gc_conn_end(struct gc_conn *conn, int rc)
{
    if (conn->state == GC_CONN_CLOSED) {
        return;
    }
    if (conn->state != GC_CONN_CLOSING) {
        conn->rc = rc;
    }
    conn->state = GC_CONN_CLOSED;
    gc_timer_stop(&conn->timer);
    gc_flush_cancel(&conn->flush);
    gc_list_remove(&conn->handshaking);
    uv_close((uv_handle_t *)&conn->tcp, on_closed);
}

/* What a peer's going away looks like depends on when we notice. */
static int
socket_rc(int rc)
{
    return rc == UV_ECONNRESET || rc == UV_EPIPE || rc == UV_EOF ? GC_ECLOSED : rc;
}

static void
on_timer(struct gc_timer *timer)
{
    gc_conn_end(gc_container_of(timer, struct gc_conn, timer), GC_EDEADLINE);
}

/* --- out -------------------------------------------------------------------------------------- */

static int
out_append(struct gc_conn *conn, const uint8_t *data, size_t len)
{
    while (len > 0) {
        struct gc_out_block *block = conn->out_last;
        if (block == NULL || block->tail == GC_OUT_BLOCK_BYTES) {
            block = gc_loop_block_get(conn->loop);
            if (block == NULL) {
                return -ENOMEM;
            }
            if (conn->out_last == NULL) {
                conn->out_first = block;
            } else {
                conn->out_last->next = block;
            }
            conn->out_last = block;
        }
        size_t n = GC_MIN(len, GC_OUT_BLOCK_BYTES - block->tail);
        memcpy(block->data + block->tail, data, n);
        block->tail += n;
        conn->out_len += n;
        data += n;
        len -= n;
    }
    return 0;
}

/* The ciphertext side of the TLS session. */
static void
on_tls_write(void *arg, const void *data, size_t len)
{
    struct gc_conn *conn = arg;
    int rc = out_append(conn, data, len);

    if (rc != 0) {
        conn->broken = rc;
    }
}

/* The socket took LEN bytes. */
static void
out_drop(struct gc_conn *conn, size_t len)
{
    assert(len <= conn->out_len);
    conn->out_len -= len;
    conn->bytes_out += len;
    if (conn->out_len == 0) {
        conn->tls_answered = 0;
    }
    while (len > 0) {
        struct gc_out_block *block = conn->out_first;
        size_t n = GC_MIN(len, block->tail - block->head);
        block->head += n;
        len -= n;
        if (block->head < block->tail) {
            break;
        }
        if (block == conn->out_last && conn->out_len == 0) {
            conn->out_last = NULL;
        }
        conn->out_first = block->next;
        gc_loop_block_put(conn->loop, block);
    }
}

static unsigned
out_iov(const struct gc_conn *conn, uv_buf_t bufs[OUT_IOV_MAX], size_t *ret_len)
{
    unsigned n = 0;
    size_t len = 0;

    for (struct gc_out_block *b = conn->out_first; b != NULL && n < OUT_IOV_MAX; b = b->next) {
        bufs[n++] = uv_buf_init((char *)b->data + b->head, (unsigned)(b->tail - b->head));
        len += b->tail - b->head;
    }
    *ret_len = len;
    return n;
}

static void
on_written(uv_write_t *req, int status)
{
    struct gc_conn *conn = gc_container_of(req, struct gc_conn, write_req);
    size_t len = conn->busy_len;

    conn->busy_len = 0;
    if (conn->state == GC_CONN_CLOSED) {
        return;
    }
    if (status != 0) {
        gc_conn_end(conn, socket_rc(status));
        return;
    }
    out_drop(conn, len);
    gc_loop_flush_later(conn->loop, &conn->flush);
}

/* Hand what is queued to the socket: in one call what it takes now, the rest to libuv. */
static int
out_send(struct gc_conn *conn)
{
    uv_buf_t bufs[OUT_IOV_MAX];
    size_t len;

    if (conn->busy_len > 0 || conn->out_len == 0) {
        return 0;
    }
    unsigned n = out_iov(conn, bufs, &len);
    int rc = uv_try_write((uv_stream_t *)&conn->tcp, bufs, n);
    if (rc < 0 && rc != UV_EAGAIN) {
        return socket_rc(rc);
    }
    out_drop(conn, rc < 0 ? 0 : (size_t)rc);
    if (conn->out_len == 0) {
        return 0;
    }
    n = out_iov(conn, bufs, &len);
    rc = uv_write(&conn->write_req, (uv_stream_t *)&conn->tcp, bufs, n, on_written);
    if (rc != 0) {
        return socket_rc(rc);
    }
    conn->busy_len = len;
    return 0;
}

/* Encrypt what is left of the stage. */
static void
stage_flush(struct gc_conn *conn)
{
    struct gc_loop_scratch *scratch = gc_loop_scratch(conn->loop);
    size_t len = scratch->stage_len;

    scratch->stage_len = 0;
    if (len == 0 || conn->tls == NULL || conn->broken != 0) {
        return;
    }
    int rc = gc_tls_write(conn->tls, scratch->stage, len);
    if (rc != 0) {
        conn->broken = rc;
    }
}

static void
on_shut(uv_shutdown_t *req, int status)
{
    struct gc_conn *conn = gc_container_of(req, struct gc_conn, shutdown_req);

    if (status != 0 && conn->state != GC_CONN_CLOSED) {
        gc_conn_end(conn, socket_rc(status));
    }
}

/* CLOSING and nothing is queued any more. */
static void
closing_step(struct gc_conn *conn)
{
    if (conn->peer_done) {
        gc_conn_end(conn, conn->rc);
    } else if (!conn->shut) {
        conn->shut = true;
        if (uv_shutdown(&conn->shutdown_req, (uv_stream_t *)&conn->tcp, on_shut) != 0) {
            gc_conn_end(conn, conn->rc);
        }
    }
}

static void
on_flush(struct gc_flush *flush)
{
    struct gc_conn *conn = gc_container_of(flush, struct gc_conn, flush);

    if (conn->state == GC_CONN_CONNECTING) {
        return;
    }
    if (conn->state == GC_CONN_OPEN) {
        conn->full = gc_conn_room(conn) == 0;
    }
    if (conn->state == GC_CONN_OPEN && !conn->full) {
        conn->in_flush = true;
        conn->ops->on_flush(conn, conn->arg);
        stage_flush(conn);
        conn->in_flush = false;
    }
    if (conn->state == GC_CONN_CLOSED) {
        return;
    }
    int rc = conn->broken != 0 ? conn->broken : out_send(conn);
    if (rc != 0) {
        gc_conn_end(conn, rc);
        return;
    }
    if (conn->full && gc_conn_room(conn) > 0) {
        gc_loop_flush_later(conn->loop, &conn->flush);
    }
    if (conn->state == GC_CONN_CLOSING && conn->out_len == 0) {
        closing_step(conn);
    }
}

void
gc_conn_dirty(struct gc_conn *conn)
{
    if (conn->state == GC_CONN_OPEN) {
        gc_loop_flush_later(conn->loop, &conn->flush);
    }
}

size_t
gc_conn_room(const struct gc_conn *conn)
{
    return conn->out_len < GC_CONN_OUT_MAX ? GC_CONN_OUT_MAX - conn->out_len : 0;
}

/* Records leave full: small writes gather in the loop's stage, which is this connection's for the
 * time of its on_flush. */
static int
write_tls(struct gc_conn *conn, const uint8_t *data, size_t len)
{
    struct gc_loop_scratch *scratch = gc_loop_scratch(conn->loop);
    int rc = 0;

    while (len > 0 && rc == 0) {
        size_t n;
        if (scratch->stage_len == 0 && len >= RECORD_BYTES) {
            n = len - len % RECORD_BYTES;
            rc = gc_tls_write(conn->tls, data, n);
        } else {
            n = GC_MIN(len, RECORD_BYTES - scratch->stage_len);
            memcpy(scratch->stage + scratch->stage_len, data, n);
            scratch->stage_len += n;
            if (scratch->stage_len == RECORD_BYTES) {
                scratch->stage_len = 0;
                rc = gc_tls_write(conn->tls, scratch->stage, RECORD_BYTES);
            }
        }
        data += n;
        len -= n;
    }
    return rc;
}

void
gc_conn_write(struct gc_conn *conn, const void *data, size_t len)
{
    assert(conn->in_flush);
    if (conn->state != GC_CONN_OPEN || conn->broken != 0) {
        return;
    }
    int rc = conn->tls != NULL ? write_tls(conn, data, len) : out_append(conn, data, len);
    if (rc != 0) {
        conn->broken = rc;
    }
    conn->full = gc_conn_room(conn) == 0;
}

/* --- in --------------------------------------------------------------------------------------- */

static struct gc_bytes *
rx_get(struct gc_conn *conn)
{
    struct gc_loop_scratch *scratch = gc_loop_scratch(conn->loop);

    if (scratch->rx == NULL) {
        scratch->rx = gc_pool_get(gc_loop_pool(conn->loop));
    }
    return scratch->rx;
}

/* Tell the protocol of LEN bytes in the loop's receive buffer, and keep the buffer unless somebody
 * else has. */
static void
rx_deliver(struct gc_conn *conn, size_t len)
{
    struct gc_loop_scratch *scratch = gc_loop_scratch(conn->loop);
    struct gc_bytes *rx = scratch->rx;
    struct gc_slice slice = { .owner = rx, .data = rx->data, .len = len };

    conn->ops->on_read(conn, conn->arg, &slice);
    if (!gc_pool_sole(rx)) {
        scratch->rx = NULL;
        gc_bytes_unref(rx);
    }
}

static void
peer_done(struct gc_conn *conn)
{
    if (conn->peer_done) {
        return;
    }
    conn->peer_done = true;
    uv_read_stop((uv_stream_t *)&conn->tcp);
    if (conn->state == GC_CONN_OPEN) {
        if (conn->ops->on_eof != NULL) {
            conn->ops->on_eof(conn, conn->arg);
        } else {
            gc_conn_close(conn, GC_ECLOSED);
        }
    } else if (conn->state == GC_CONN_CLOSING) {
        gc_loop_flush_later(conn->loop, &conn->flush);
    } else {
        gc_conn_end(conn, GC_ECLOSED);
    }
}

/* TLS failed: the alert it wrote goes out if the socket takes it now. */
static void
tls_fail(struct gc_conn *conn, int rc)
{
    gc_log(GC_LOG_INFO, "tls.failed", "peer=%s rc=%s why=%s", conn->peer.addr, gc_err_name(rc),
           gc_log_q(gc_str_of(gc_tls_error(conn->tls))));
    out_send(conn);
    gc_conn_end(conn, rc);
}

static void
conn_open(struct gc_conn *conn)
{
    conn->state = GC_CONN_OPEN;
    gc_timer_stop(&conn->timer);
    gc_list_remove(&conn->handshaking);
    if (conn->tls != NULL) {
        gc_tls_peer(conn->tls, &conn->peer);
        gc_loop_handshaken(conn->loop);
    }
    conn->ops->on_open(conn, conn->arg);
}

static void
handshake_step(struct gc_conn *conn)
{
    int rc = gc_tls_handshake(conn->tls);

    if (conn->out_len > 0) {
        gc_loop_flush_later(conn->loop, &conn->flush);
    }
    if (conn->broken != 0) {
        rc = conn->broken;
    }
    if (rc == 0) {
        conn_open(conn);
    } else if (rc != -EAGAIN) {
        gc_log(GC_LOG_INFO, "tls.refused", "peer=%s rc=%s text=%s", conn->peer.addr,
               gc_err_name(rc), gc_log_q(gc_str_of(gc_tls_error(conn->tls))));
        tls_fail(conn, rc);
    }
}

/* Decrypt all that was fed. TLS may answer (KeyUpdate); a peer that makes it answer and never reads
 * is cut. */
static void
tls_drain(struct gc_conn *conn)
{
    while (conn->state == GC_CONN_OPEN && !conn->peer_done) {
        struct gc_bytes *rx = rx_get(conn);
        if (rx == NULL) {
            gc_conn_end(conn, -ENOMEM);
            return;
        }
        size_t before = conn->out_len;
        int n = gc_tls_read(conn->tls, rx->data, rx->len);
        conn->tls_answered += conn->out_len - before;
        if (conn->broken != 0 || conn->tls_answered > TLS_ANSWER_MAX) {
            gc_conn_end(conn, conn->broken != 0 ? conn->broken : GC_ELIMIT);
        } else if (n > 0) {
            rx_deliver(conn, (size_t)n);
        } else if (n == 0) {
            peer_done(conn);
        } else if (n == -EAGAIN) {
            break;
        } else {
            tls_fail(conn, n);
        }
    }
}

static void
tls_input(struct gc_conn *conn, const void *data, size_t len)
{
    gc_tls_feed(conn->tls, data, len);
    if (conn->state == GC_CONN_HANDSHAKE) {
        handshake_step(conn);
    }
    tls_drain(conn);
    gc_tls_feed(conn->tls, NULL, 0); /* what is left when the connection was closed meanwhile */
    if (conn->state == GC_CONN_OPEN && conn->out_len > 0) {
        gc_loop_flush_later(conn->loop, &conn->flush);
    }
}

static void
on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf)
{
    struct gc_conn *conn = gc_container_of(handle, struct gc_conn, tcp);
    struct gc_loop_scratch *scratch = gc_loop_scratch(conn->loop);

    (void)suggested;
    if (conn->tls != NULL || conn->state == GC_CONN_CLOSING) {
        *ret_buf = uv_buf_init((char *)scratch->read, sizeof(scratch->read));
        return;
    }
    struct gc_bytes *rx = rx_get(conn);
    *ret_buf = rx == NULL ? uv_buf_init(NULL, 0) : uv_buf_init((char *)rx->data, (unsigned)rx->len);
}

static void
on_input(uv_stream_t *stream, ssize_t nread, const uv_buf_t *buf)
{
    struct gc_conn *conn = gc_container_of(stream, struct gc_conn, tcp);

    if (nread == 0) {
        return; /* EAGAIN */
    }
    if (nread == UV_EOF) {
        peer_done(conn);
        return;
    }
    if (nread < 0) {
        gc_conn_end(conn, socket_rc((int)nread));
        return;
    }
    conn->bytes_in += (size_t)nread;
    if (conn->state == GC_CONN_CLOSING) {
        return;
    }
    if (conn->tls != NULL) {
        tls_input(conn, buf->base, (size_t)nread);
    } else {
        rx_deliver(conn, (size_t)nread);
    }
}

void
gc_conn_read_pause(struct gc_conn *conn, bool pause)
{
    if (pause == conn->paused) {
        return;
    }
    conn->paused = pause;
    if (conn->state != GC_CONN_OPEN || conn->peer_done) {
        return;
    }
    if (pause) {
        uv_read_stop((uv_stream_t *)&conn->tcp);
    } else if (uv_read_start((uv_stream_t *)&conn->tcp, on_alloc, on_input) != 0) {
        gc_conn_end(conn, GC_ECLOSED);
    }
}

/* --- the beginning ---------------------------------------------------------------------------- */

int
gc_conn_new(struct gc_loop *loop, struct gc_tls_ctx *tls, const char *expect_name,
            const struct gc_addr *addr, struct gc_conn **ret_conn)
{
    struct gc_conn *conn = calloc(1, sizeof(*conn));
    struct gc_tls_io io = { .write = on_tls_write, .arg = conn };
    int rc = -ENOMEM;

    if (conn == NULL) {
        return rc;
    }
    if (tls != NULL) {
        rc = gc_tls_new(tls, expect_name, &io, &conn->tls);
        if (rc != 0) {
            goto out;
        }
    }
    rc = uv_tcp_init(gc_loop_uv(loop), &conn->tcp);
    if (rc != 0) {
        goto out;
    }
    conn->loop = loop;
    conn->state = GC_CONN_CONNECTING;
    gc_flush_init(&conn->flush, on_flush);
    gc_timer_init(&conn->timer, loop, on_timer);
    gc_list_init(&conn->handshaking);
    conn->remote = *addr;
    _Static_assert(sizeof(conn->peer.addr) == GC_ADDR_TEXT_MAX, "peer.addr holds any address");
    gc_addr_format(addr, conn->peer.addr);
    *ret_conn = conn;
    return 0;
out:
    gc_tls_free(conn->tls);
    free(conn);
    return rc;
}

void
gc_conn_begin(struct gc_conn *conn)
{
    /* Both are about small writes: without, a turn's last record waits for the peer's delayed
     * acknowledgement. */
    uv_tcp_nodelay(&conn->tcp, 1);
    conn->state = GC_CONN_HANDSHAKE;
    int rc = uv_read_start((uv_stream_t *)&conn->tcp, on_alloc, on_input);
    if (rc != 0) {
        gc_conn_end(conn, socket_rc(rc));
    } else if (conn->tls != NULL) {
        handshake_step(conn); /* a client's ClientHello; a server waits for it */
    } else {
        conn_open(conn);
    }
}

void
gc_conn_close(struct gc_conn *conn, int rc)
{
    if (conn->state == GC_CONN_CONNECTING || conn->state == GC_CONN_HANDSHAKE) {
        gc_conn_end(conn, rc);
    }
    if (conn->state != GC_CONN_OPEN) {
        return;
    }
    if (conn->in_flush) {
        stage_flush(conn);
    }
    conn->state = GC_CONN_CLOSING;
    conn->rc = rc;
    if (conn->tls != NULL) {
        gc_tls_close_notify(conn->tls);
    }
    if (conn->paused && !conn->peer_done) {
        uv_read_start((uv_stream_t *)&conn->tcp, on_alloc, on_input);
    }
    gc_timer_start(&conn->timer, CLOSE_MS_MAX);
    gc_loop_flush_later(conn->loop, &conn->flush);
}

void
gc_conn_abort(struct gc_conn *conn, int rc)
{
    gc_conn_end(conn, rc);
}

struct gc_loop *
gc_conn_loop(const struct gc_conn *conn)
{
    return conn->loop;
}

const struct gc_peer *
gc_conn_peer(const struct gc_conn *conn)
{
    return &conn->peer;
}

bool
gc_conn_is_h2(const struct gc_conn *conn)
{
    return conn->tls != NULL && gc_tls_alpn_is_h2(conn->tls);
}

uint64_t
gc_conn_bytes_in(const struct gc_conn *conn)
{
    return conn->bytes_in;
}

uint64_t
gc_conn_bytes_out(const struct gc_conn *conn)
{
    /* A write under way counts as far as it has come: a slow reader is not a dead one. */
    size_t left = uv_stream_get_write_queue_size((const uv_stream_t *)&conn->tcp);
    return conn->bytes_out + (conn->busy_len > left ? conn->busy_len - left : 0);
}
