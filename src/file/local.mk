# SPDX-License-Identifier: GPL-3.0-or-later
# All of the role but its main, so that tests can link it.
noinst_LIBRARIES += %D%/libgcfile.a
%C%_libgcfile_a_SOURCES =

sbin_PROGRAMS += %D%/gcommon-file
%C%_gcommon_file_SOURCES = %D%/main.c
%C%_gcommon_file_LDADD = %D%/libgcfile.a $(GC_LINK_FILE)
