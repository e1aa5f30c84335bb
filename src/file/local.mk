# SPDX-License-Identifier: GPL-3.0-or-later
# All of the role but its main, so that tests can link it.
noinst_LIBRARIES += %D%/libgcfile.a
%C%_libgcfile_a_SOURCES = \
	%D%/file.c \
	%D%/file.h \
	%D%/file_conf.c \
	%D%/file_conf.h \
	%D%/fsck_command.c \
	%D%/fsck_command.h \
	%D%/registrar.c \
	%D%/registrar.h \
	%D%/remove.c \
	%D%/remove.h \
	%D%/rpc_delete.c \
	%D%/rpc_read.c \
	%D%/rpc_stat.c \
	%D%/rpc_write.c

sbin_PROGRAMS += %D%/gcommon-file
%C%_gcommon_file_SOURCES = %D%/main.c
%C%_gcommon_file_LDADD = %D%/libgcfile.a $(GC_LINK_FILE)
