# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += %D%/libgccore.a
%C%_libgccore_a_SOURCES = \
	%D%/acl.c %D%/acl.h \
	%D%/apierr.c %D%/apierr.h %D%/apierr.tbl.h \
	%D%/chunk.c %D%/chunk.h \
	%D%/http_cond.c %D%/http_cond.h \
	%D%/http_range.c %D%/http_range.h \
	%D%/layout.c %D%/layout.h \
	%D%/lease.c %D%/lease.h \
	%D%/name.c %D%/name.h \
	%D%/placement.c %D%/placement.h \
	%D%/principal.c %D%/principal.h \
	%D%/token.c %D%/token.h
