# SPDX-License-Identifier: GPL-3.0-or-later
# All of the role but its main, so that tests can link it.
noinst_LIBRARIES += %D%/libgcweb.a
%C%_libgcweb_a_SOURCES = \
	%D%/answer.c \
	%D%/auth.c %D%/auth.h \
	%D%/buckets.c \
	%D%/fields.c %D%/fields.h \
	%D%/get.c \
	%D%/grpc.c \
	%D%/grpc.h \
	%D%/grpc_get.c \
	%D%/grpc_put.c \
	%D%/list.c \
	%D%/list_params.c %D%/list_params.h \
	%D%/metrics.c %D%/metrics.h \
	%D%/object.c \
	%D%/object_head.c %D%/object_head.h \
	%D%/ops.c %D%/ops.h \
	%D%/outcome.c %D%/outcome.h \
	%D%/own.c \
	%D%/put.c \
	%D%/request.c %D%/request.h \
	%D%/route.c %D%/route.h \
	%D%/upstream.c %D%/upstream.h \
	%D%/web.c %D%/web.h \
	%D%/web_conf.c %D%/web_conf.h \
	%D%/worker.c \
	%D%/xml.c %D%/xml.h

sbin_PROGRAMS += %D%/gcommon-web
%C%_gcommon_web_SOURCES = %D%/main.c
%C%_gcommon_web_LDADD = %D%/libgcweb.a $(GC_LINK_WEB)
