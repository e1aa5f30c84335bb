# SPDX-License-Identifier: MIT
noinst_LIBRARIES += %D%/libgccrypto.a
%C%_libgccrypto_a_SOURCES = \
    %D%/crypto.c %D%/crypto.h \
    %D%/gcm.c %D%/gcm.h \
    %D%/hash.c %D%/hash.h \
    %D%/key.h \
    %D%/spiffe.h \
    %D%/x509.h
