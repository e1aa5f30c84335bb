# SPDX-License-Identifier: MIT
noinst_LIBRARIES += %D%/libgcbase.a
%C%_libgcbase_a_SOURCES = \
    %D%/version.c %D%/version.h
