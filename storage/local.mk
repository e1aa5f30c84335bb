# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += %D%/libgcstorage.a
%C%_libgcstorage_a_SOURCES = \
    %D%/kv.c %D%/kv.h %D%/kv_priv.h \
    %D%/kv_lmdb.c \
    %D%/kv_mem.c
