# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += %D%/libgcconsensus.a
%C%_libgcconsensus_a_SOURCES = \
    %D%/consensus.c %D%/consensus.h \
    %D%/core.c %D%/core.h \
    %D%/log.c %D%/log.h
