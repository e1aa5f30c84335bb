# SPDX-License-Identifier: MIT
noinst_LIBRARIES += %D%/libgcrpc.a
%C%_libgcrpc_a_SOURCES = \
    %D%/backoff.c %D%/backoff.h \
    %D%/balance.c %D%/balance.h \
    %D%/call.h \
    %D%/channel.h \
    %D%/frame.c %D%/frame.h \
    %D%/metadata.c %D%/metadata.h \
    %D%/pb.c %D%/pb.h \
    %D%/server.h \
    %D%/status.c %D%/status.h \
    %D%/timeout.c %D%/timeout.h
