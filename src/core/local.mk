# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += %D%/libgccore.a
%C%_libgccore_a_SOURCES = \
	%D%/apierr.c \
	%D%/apierr.h \
	%D%/apierr.tbl.h \
	%D%/chunk.c \
	%D%/chunk.h
