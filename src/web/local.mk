# SPDX-License-Identifier: GPL-3.0-or-later
# All of the role but its main, so that tests can link it.
noinst_LIBRARIES += %D%/libgcweb.a
%C%_libgcweb_a_SOURCES =

sbin_PROGRAMS += %D%/gcommon-web
%C%_gcommon_web_SOURCES = %D%/main.c
%C%_gcommon_web_LDADD = %D%/libgcweb.a $(GC_LINK_WEB)
