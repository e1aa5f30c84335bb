# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += %D%/libgcmeta.a
%C%_libgcmeta_a_SOURCES = \
    %D%/apply.c %D%/apply.h \
    %D%/apply_bucket.c \
    %D%/apply_epoch.c \
    %D%/apply_object.c \
    %D%/apply_server.c \
    %D%/blobs.c %D%/blobs.h \
    %D%/check.c %D%/check.h \
    %D%/codec.c %D%/codec.h \
    %D%/command.c %D%/command.h %D%/command.tbl.h \
    %D%/dedup.c \
    %D%/index.c %D%/index.h \
    %D%/meta.h \
    %D%/query.c %D%/query.h \
    %D%/query_list.c \
    %D%/record.h \
    %D%/rows.c %D%/rows.h \
    %D%/siphash.c %D%/siphash.h \
    %D%/store.c %D%/store.h
