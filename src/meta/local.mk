# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += %D%/libgcmeta.a
%C%_libgcmeta_a_SOURCES = \
    %D%/command.h %D%/command.tbl.h \
    %D%/meta.h \
    %D%/query.h \
    %D%/record.h
