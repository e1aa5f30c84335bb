# SPDX-License-Identifier: GPL-3.0-or-later
# All of the role but its main, so that tests can link it.
noinst_LIBRARIES += %D%/libgccli.a
%C%_libgccli_a_SOURCES = \
    %D%/batch.c %D%/batch.h \
    %D%/cli.c %D%/cli.h \
    %D%/cmd_get.c \
    %D%/cmd_ls.c \
    %D%/cmd_mb.c \
    %D%/cmd_pki.c \
    %D%/cmd_put.c \
    %D%/cmd_rb.c \
    %D%/cmd_rm.c %D%/cmd_rm.h \
    %D%/cmd_stat.c \
    %D%/cmd_status.c \
    %D%/cmd_token.c \
    %D%/commands.tbl.h \
    %D%/fault.c %D%/fault.h \
    %D%/json.c %D%/json.h \
    %D%/list.c %D%/list.h \
    %D%/object_cmd.c %D%/object_cmd.h \
    %D%/outfile.c %D%/outfile.h \
    %D%/pki.h \
    %D%/pki_files.c \
    %D%/pki_init.c \
    %D%/pki_issue.c \
    %D%/pki_show.c \
    %D%/place.c %D%/place.h \
    %D%/progress.c %D%/progress.h \
    %D%/remote.c %D%/remote.h \
    %D%/sources.c %D%/sources.h \
    %D%/transfer.h \
    %D%/transfer_get.c \
    %D%/transfer_put.c \
    %D%/transfer_rm.c \
    %D%/walk.c %D%/walk.h

bin_PROGRAMS += %D%/gcommonctl
%C%_gcommonctl_SOURCES = %D%/main.c
%C%_gcommonctl_LDADD = %D%/libgccli.a $(GC_LINK_CLI)
