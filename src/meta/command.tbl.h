/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The commands: GC_META_OP(number, NAME, member, needs a request id). Numbers are in the log and
 * are never renumbered or reused. */
GC_META_OP(1, BARRIER, barrier, 0)
GC_META_OP(2, CREATE_BUCKET, create_bucket, 1)
GC_META_OP(3, DELETE_BUCKET, delete_bucket, 1)
GC_META_OP(4, PUT_OBJECT, put_object, 1)
GC_META_OP(5, DELETE_OBJECT, delete_object, 1)
GC_META_OP(6, GRANT_EPOCH, grant_epoch, 0)
GC_META_OP(7, FENCE_EPOCH, fence_epoch, 0)
GC_META_OP(8, SET_WATERMARK, set_watermark, 0)
GC_META_OP(9, REGISTER_SERVER, register_server, 0)
GC_META_OP(10, SERVER_DOWN, server_down, 0)
GC_META_OP(11, GC_ACK, gc_ack, 0)
