# SPDX-License-Identifier: MIT
noinst_LIBRARIES += %D%/libgcbase.a
%C%_libgcbase_a_SOURCES = \
    %D%/arena.c %D%/arena.h \
    %D%/buf.c %D%/buf.h \
    %D%/bytes.c %D%/bytes.h \
    %D%/checksum.c %D%/checksum.h \
    %D%/clock.c %D%/clock.h \
    %D%/conf.c %D%/conf.h \
    %D%/conf_load.c \
    %D%/endian.h \
    %D%/err.c %D%/err.h %D%/err.tbl.h \
    %D%/file.c %D%/file.h \
    %D%/list.h \
    %D%/log.c %D%/log.h \
    %D%/macros.h \
    %D%/metrics.c %D%/metrics.h \
    %D%/random.c %D%/random.h \
    %D%/str.c %D%/str.h \
    %D%/thread.c %D%/thread.h \
    %D%/time.c %D%/time.h \
    %D%/trace.c %D%/trace.h \
    %D%/version.c %D%/version.h
