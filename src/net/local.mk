# SPDX-License-Identifier: MIT
noinst_LIBRARIES += %D%/libgcnet.a
%C%_libgcnet_a_SOURCES = \
    %D%/addr.c %D%/addr.h \
    %D%/conn.c %D%/conn.h %D%/conn_priv.h \
    %D%/dial.c \
    %D%/http.h \
    %D%/listen.c \
    %D%/loop.c %D%/loop.h %D%/loop_priv.h \
    %D%/pool.c %D%/pool.h \
    %D%/resolve.h \
    %D%/tls.h %D%/tls_none.c
