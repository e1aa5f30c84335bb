# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += %D%/libgcdaemon.a
%C%_libgcdaemon_a_SOURCES =
