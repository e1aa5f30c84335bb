# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += %D%/libgcstorage.a
%C%_libgcstorage_a_SOURCES =
