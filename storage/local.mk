# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += %D%/libgcstorage.a
%C%_libgcstorage_a_SOURCES = \
    %D%/blob.c %D%/blob.h %D%/blob_priv.h \
    %D%/blob_bulk.c \
    %D%/blob_core.c \
    %D%/blob_gc.c \
    %D%/blob_open.c \
    %D%/blob_orphan.c \
    %D%/blob_pool.c %D%/blob_pool.h \
    %D%/blob_put.c \
    %D%/blob_reader.c \
    %D%/blob_record.c %D%/blob_record.h \
    %D%/fsck.c %D%/fsck.h \
    %D%/kv.c %D%/kv.h %D%/kv_priv.h \
    %D%/kv_lmdb.c \
    %D%/kv_mem.c
EXTRA_DIST += %D%/FORMAT.md
