# SPDX-License-Identifier: MIT
noinst_LIBRARIES += %D%/libgcrpc.a
%C%_libgcrpc_a_SOURCES =
