# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += %D%/libgcgossip.a
%C%_libgcgossip_a_SOURCES =
