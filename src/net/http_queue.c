/* SPDX-License-Identifier: MIT */
#include "net/http_queue.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

/* A reference to a small part of a large buffer would keep the whole buffer: copy up to here. */
#define COPY_BYTES_MAX 2048
/* What a piece of copies has room for at least. */
#define COPY_ROOM_MIN 256

struct gc_http_piece {
    struct gc_http_piece *next;
    struct gc_bytes *owner; /* NULL: the bytes are in STORE */
    const uint8_t *data;
    size_t len;
    size_t cap; /* of STORE */
    uint8_t store[];
};

void
gc_http_queue_init(struct gc_http_queue *queue)
{
    *queue = (struct gc_http_queue){ 0 };
}

static void
piece_free(struct gc_http_piece *piece)
{
    gc_bytes_unref(piece->owner);
    free(piece);
}

void
gc_http_queue_fini(struct gc_http_queue *queue)
{
    struct gc_http_piece *piece = queue->head;
    while (piece != NULL) {
        struct gc_http_piece *next = piece->next;
        piece_free(piece);
        piece = next;
    }
    gc_http_queue_init(queue);
}

static bool
worth_a_reference(const struct gc_slice *data)
{
    if (data->owner == NULL) {
        return false;
    }
    return data->len > COPY_BYTES_MAX ||
           (data->len > COPY_ROOM_MIN && data->owner->len / 2 <= data->len);
}

/* Put a copy behind what the last piece holds already. */
static bool
append_to_tail(struct gc_http_queue *queue, const struct gc_slice *data)
{
    struct gc_http_piece *tail = queue->tail;

    if (tail == NULL || tail->owner != NULL) {
        return false;
    }
    size_t used = (size_t)(tail->data - tail->store) + tail->len;
    if (data->len > tail->cap - used) {
        return false;
    }
    memcpy(tail->store + used, data->data, data->len);
    tail->len += data->len;
    queue->bytes += data->len;
    return true;
}

int
gc_http_queue_push(struct gc_http_queue *queue, const struct gc_slice *data)
{
    bool reference = worth_a_reference(data);
    size_t cap = reference ? 0 : GC_MAX(data->len, (size_t)COPY_ROOM_MIN);

    if (data->len == 0 || (!reference && append_to_tail(queue, data))) {
        return 0;
    }
    struct gc_http_piece *piece = malloc(sizeof(*piece) + cap);
    if (piece == NULL) {
        return -ENOMEM;
    }
    piece->next = NULL;
    piece->owner = NULL;
    piece->data = data->data;
    piece->len = data->len;
    piece->cap = cap;
    if (reference) {
        piece->owner = gc_bytes_ref(data->owner);
    } else {
        memcpy(piece->store, data->data, data->len);
        piece->data = piece->store;
    }
    if (queue->tail != NULL) {
        queue->tail->next = piece;
    } else {
        queue->head = piece;
    }
    queue->tail = piece;
    queue->bytes += data->len;
    return 0;
}

void
gc_http_queue_peek(const struct gc_http_queue *queue, const uint8_t **ret_data, size_t *ret_len)
{
    *ret_data = queue->head != NULL ? queue->head->data : NULL;
    *ret_len = queue->head != NULL ? queue->head->len : 0;
}

void
gc_http_queue_drop(struct gc_http_queue *queue, size_t len)
{
    assert(len <= queue->bytes);
    queue->bytes -= len;
    while (len > 0) {
        struct gc_http_piece *piece = queue->head;
        assert(piece != NULL); /* queue->bytes is the sum of the pieces */
        size_t part = GC_MIN(len, piece->len);

        piece->data += part;
        piece->len -= part;
        len -= part;
        if (piece->len > 0) {
            break;
        }
        queue->head = piece->next;
        if (queue->head == NULL) {
            queue->tail = NULL;
        }
        piece_free(piece);
    }
}

void
gc_http_queue_keep(struct gc_http_queue *queue, size_t len)
{
    struct gc_http_queue rest;
    struct gc_http_piece *piece = queue->head;
    size_t left = len;

    if (len >= queue->bytes) {
        return;
    }
    if (len == 0) {
        gc_http_queue_fini(queue);
        return;
    }
    while (piece->len < left) {
        left -= piece->len;
        piece = piece->next;
    }
    piece->len = left;
    rest = (struct gc_http_queue){ .head = piece->next };
    piece->next = NULL;
    queue->tail = piece;
    queue->bytes = len;
    gc_http_queue_fini(&rest);
}
