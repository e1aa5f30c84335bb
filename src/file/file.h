/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gcommon-file: blobs over gRPC. One engine for the process, one RPC server a worker, one registrar
 * on worker 0. */
#ifndef GC_FILE_FILE_H
#define GC_FILE_FILE_H

#include <stdatomic.h>

#include "daemon/daemon.h"
#include "file/file_conf.h"
#include "file/registrar.h"
#include "rpc/server.h"
#include "storage/blob.h"

struct gc_file {
    struct gc_daemon *daemon;
    const struct gc_file_conf *conf;
    struct gc_blobs *blobs;
    atomic_uint number; /* the cluster's for this store; 0 until registered in this life */
};

struct gc_file_worker {
    struct gc_file *file;
    struct gc_worker *worker;
    struct gc_loop *loop;
    struct gc_rpc_server *rpc;
    struct gc_rpc_health *health;
    struct gc_http_server *http;
    struct gc_rpc_service service;
    struct gc_registrar *registrar; /* worker 0 */
    size_t n_ops;                   /* requests the engine has; the loop turns until 0 */
};

extern const struct gc_role gc_file_role;

/* One file a method: rpc_<name>.c. ARG is the struct gc_file_worker. */
void gc_file_rpc_write(struct gc_rpc_call *call, void *arg, struct gc_bytes *request);
void gc_file_rpc_read(struct gc_rpc_call *call, void *arg, struct gc_bytes *request);
void gc_file_rpc_delete(struct gc_rpc_call *call, void *arg, struct gc_bytes *request);
void gc_file_rpc_stat(struct gc_rpc_call *call, void *arg, struct gc_bytes *request);
void gc_file_rpc_list(struct gc_rpc_call *call, void *arg, struct gc_bytes *request);

#endif
