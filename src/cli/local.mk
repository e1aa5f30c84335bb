# SPDX-License-Identifier: GPL-3.0-or-later
# All of the role but its main, so that tests can link it.
noinst_LIBRARIES += %D%/libgccli.a
%C%_libgccli_a_SOURCES =

bin_PROGRAMS += %D%/gcommonctl
%C%_gcommonctl_SOURCES = %D%/main.c
%C%_gcommonctl_LDADD = %D%/libgccli.a $(GC_LINK_CLI)
