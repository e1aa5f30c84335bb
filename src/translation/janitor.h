/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the control plane does by itself, on worker 0: declares silent file servers down, raises the
 * watermark of this process's blob ids, keeps the gauges, lets go of mapped pages. One proposal of
 * each kind at a time. */
#ifndef GC_TRANSLATION_JANITOR_H
#define GC_TRANSLATION_JANITOR_H

struct gc_translation_worker;
struct gc_janitor;

int gc_janitor_open(struct gc_translation_worker *worker, struct gc_janitor **ret_janitor);
void gc_janitor_close(struct gc_janitor *janitor);

#endif
