# SPDX-License-Identifier: GPL-3.0-or-later
# All of the role but its main, so that tests can link it.
noinst_LIBRARIES += %D%/libgccli.a
%C%_libgccli_a_SOURCES = \
    %D%/cli.c %D%/cli.h \
    %D%/cmd_pki.c \
    %D%/cmd_token.c \
    %D%/commands.tbl.h \
    %D%/json.c %D%/json.h \
    %D%/pki.h \
    %D%/pki_files.c \
    %D%/pki_init.c \
    %D%/pki_issue.c \
    %D%/pki_show.c

bin_PROGRAMS += %D%/gcommonctl
%C%_gcommonctl_SOURCES = %D%/main.c
%C%_gcommonctl_LDADD = %D%/libgccli.a $(GC_LINK_CLI)
