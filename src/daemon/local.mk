# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += %D%/libgcdaemon.a
%C%_libgcdaemon_a_SOURCES = \
	%D%/daemon.c \
	%D%/daemon.h \
	%D%/daemon_admin.c \
	%D%/daemon_args.c \
	%D%/daemon_harden.c \
	%D%/daemon_notify.c \
	%D%/daemon_priv.h \
	%D%/daemon_tls.c \
	%D%/daemon_workers.c
