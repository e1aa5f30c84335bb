# SPDX-License-Identifier: MIT
noinst_LIBRARIES += %D%/libgcnet.a
%C%_libgcnet_a_SOURCES =
