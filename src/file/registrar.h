/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A file server's tie to the cluster: registers with the translation tier, keeps the lease by
 * heartbeats, carries out the GC rows it is sent, and now and then asks which of its blobs nobody
 * refers to (object-protocol.md rules 11, 12, 21). Retries for ever with backoff; the store serves
 * what it has meanwhile. Lives on one worker's loop. */
#ifndef GC_FILE_REGISTRAR_H
#define GC_FILE_REGISTRAR_H

#include <stdbool.h>
#include <stdint.h>

struct gc_file_worker;
struct gc_registrar;

/* ADVERTISE: the address told to translation. Copied. */
int gc_registrar_open(struct gc_file_worker *worker, const char *advertise,
                      struct gc_registrar **ret_registrar);
/* Use the daemon's current certificate for new connections. */
void gc_registrar_reload(struct gc_registrar *registrar);
/* Cancels what is under way; memory goes when the loop has let go of it. */
void gc_registrar_close(struct gc_registrar *registrar);
#endif
