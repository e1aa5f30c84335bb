# SPDX-License-Identifier: MIT
noinst_LIBRARIES += %D%/libgcrpc.a
%C%_libgcrpc_a_SOURCES = \
    %D%/backoff.c %D%/backoff.h \
    %D%/balance.c %D%/balance.h \
    %D%/call.c %D%/call.h %D%/call_priv.h \
    %D%/call_client.c \
    %D%/call_server.c \
    %D%/channel.c %D%/channel.h %D%/channel_priv.h \
    %D%/frame.c %D%/frame.h \
    %D%/health.c \
    %D%/metadata.c %D%/metadata.h \
    %D%/pb.c %D%/pb.h \
    %D%/server.c %D%/server.h %D%/server_priv.h \
    %D%/stats.c %D%/stats.h \
    %D%/status.c %D%/status.h \
    %D%/subchannel.c \
    %D%/timeout.c %D%/timeout.h
