# SPDX-License-Identifier: GPL-3.0-or-later
# All of the role but its main, so that tests can link it.
noinst_LIBRARIES += %D%/libgctranslation.a
%C%_libgctranslation_a_SOURCES = \
	%D%/auth.c \
	%D%/auth.h \
	%D%/blob_write.c \
	%D%/blob_write.h \
	%D%/janitor.c \
	%D%/janitor.h \
	%D%/machine.c \
	%D%/machine.h \
	%D%/object.c \
	%D%/object.h \
	%D%/place.c \
	%D%/place.h \
	%D%/propose.c \
	%D%/propose.h \
	%D%/read.c \
	%D%/read.h \
	%D%/reply.c \
	%D%/reply.h \
	%D%/roster.c \
	%D%/roster.h \
	%D%/rpc_bucket.c \
	%D%/rpc_delete.c \
	%D%/rpc_get.c \
	%D%/rpc_head.c \
	%D%/rpc_list.c \
	%D%/rpc_outcome.c \
	%D%/rpc_put.c \
	%D%/rpc_register.c \
	%D%/servers.c \
	%D%/servers.h \
	%D%/translation.c \
	%D%/translation.h \
	%D%/translation_conf.c \
	%D%/translation_conf.h \
	%D%/unary.c \
	%D%/unary.h \
	%D%/writer.c \
	%D%/writer.h

sbin_PROGRAMS += %D%/gcommon-translation
%C%_gcommon_translation_SOURCES = %D%/main.c
%C%_gcommon_translation_LDADD = %D%/libgctranslation.a $(GC_LINK_TRANSLATION)
