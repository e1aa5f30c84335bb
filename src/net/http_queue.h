/* SPDX-License-Identifier: MIT */
/* Outgoing bytes of one stream: a list of pieces, each a reference to somebody's bytes or a small
 * copy. Small writes that follow each other share one piece, so that framing bytes cost no
 * allocation of their own. Plain data; one owner. */
#ifndef GC_NET_HTTP_QUEUE_H
#define GC_NET_HTTP_QUEUE_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

struct gc_http_piece;

struct gc_http_queue {
    struct gc_http_piece *head, *tail; /* Private to http_queue.c. */
    size_t bytes;
};

void gc_http_queue_init(struct gc_http_queue *queue);
void gc_http_queue_fini(struct gc_http_queue *queue);
/* Append DATA: references its owner when that pays, copies otherwise. -ENOMEM changes nothing. */
int gc_http_queue_push(struct gc_http_queue *queue, const struct gc_slice *data);
/* The first bytes in one piece: valid until the next drop. LEN 0 when empty. */
void gc_http_queue_peek(const struct gc_http_queue *queue, const uint8_t **ret_data,
                        size_t *ret_len);
/* Forget the first LEN bytes. */
void gc_http_queue_drop(struct gc_http_queue *queue, size_t len);
/* Keep only the first LEN bytes. */
void gc_http_queue_keep(struct gc_http_queue *queue, size_t len);

#endif
