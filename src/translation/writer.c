/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "translation/writer.h"

#include <assert.h>

#include "base/macros.h"

void
gc_writer_init(struct gc_writer *writer, uint64_t epoch)
{
    pthread_mutex_init(&writer->lock, NULL);
    gc_list_init(&writer->undecided);
    writer->epoch = epoch;
    writer->next = 1;
}

void
gc_writer_fini(struct gc_writer *writer)
{
    assert(gc_list_empty(&writer->undecided));
    pthread_mutex_destroy(&writer->lock);
}

void
gc_writer_take(struct gc_writer *writer, struct gc_writer_id *ret_id)
{
    pthread_mutex_lock(&writer->lock);
    ret_id->id.epoch = writer->epoch;
    ret_id->id.counter = writer->next++;
    gc_list_push(&writer->undecided, &ret_id->node); /* so the list is in rising order */
    pthread_mutex_unlock(&writer->lock);
}

void
gc_writer_decided(struct gc_writer *writer, struct gc_writer_id *id)
{
    pthread_mutex_lock(&writer->lock);
    gc_list_remove(&id->node);
    pthread_mutex_unlock(&writer->lock);
}

uint64_t
gc_writer_watermark(struct gc_writer *writer)
{
    uint64_t watermark;
    pthread_mutex_lock(&writer->lock);
    watermark = writer->next;
    if (!gc_list_empty(&writer->undecided)) {
        watermark = gc_container_of(writer->undecided.next, struct gc_writer_id, node)->id.counter;
    }
    pthread_mutex_unlock(&writer->lock);
    return watermark;
}
