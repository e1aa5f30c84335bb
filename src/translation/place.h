/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Choose the servers of a new blob from the registry as it is now (object-protocol.md rule 2). */
#ifndef GC_TRANSLATION_PLACE_H
#define GC_TRANSLATION_PLACE_H

#include "meta/query.h"

struct gc_translation_worker;

/* Up to N (<= GC_META_COPIES_MAX) servers that are up, best first; their texts are in ARENA. Fewer
 * when there are fewer. */
int gc_place_blob(struct gc_translation_worker *worker, struct gc_arena *arena,
                  const struct gc_blob_id *id, uint32_t n, struct gc_meta_server *servers,
                  uint32_t *ret_n);

#endif
