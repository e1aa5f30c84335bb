# SPDX-License-Identifier: MIT
noinst_LIBRARIES += %D%/libgccrypto.a
%C%_libgccrypto_a_SOURCES = \
    %D%/crypto.c %D%/crypto.h \
    %D%/der.c %D%/der.h \
    %D%/gcm.c %D%/gcm.h \
    %D%/hash.c %D%/hash.h \
    %D%/key.c %D%/key.h \
    %D%/oid.h \
    %D%/pem.c %D%/pem.h \
    %D%/spiffe.c %D%/spiffe.h \
    %D%/x509.h \
    %D%/x509_make.c \
    %D%/x509_parse.c
