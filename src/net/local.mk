# SPDX-License-Identifier: MIT
noinst_LIBRARIES += %D%/libgcnet.a
%C%_libgcnet_a_SOURCES = \
    %D%/addr.c %D%/addr.h \
    %D%/conn.c %D%/conn.h %D%/conn_priv.h \
    %D%/dial.c \
    %D%/h2_callbacks.c %D%/h2_client.c %D%/h2_data.c %D%/h2_priv.h %D%/h2_server.c %D%/h2_session.c \
    %D%/http.c %D%/http.h %D%/http_counts.tbl.h %D%/http_priv.h \
    %D%/http1.c %D%/http1_parse.c %D%/http1_parse.h %D%/http1_priv.h %D%/http1_write.c \
    %D%/http_queue.c %D%/http_queue.h \
    %D%/http_server.c \
    %D%/listen.c \
    %D%/loop.c %D%/loop.h %D%/loop_priv.h \
    %D%/pool.c %D%/pool.h \
    %D%/resolve.c %D%/resolve.h \
    %D%/tls.h %D%/tls_priv.h \
    %D%/tls_ctx.c \
    %D%/tls_session.c \
    %D%/tls_verify.c
