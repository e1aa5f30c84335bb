# SPDX-License-Identifier: GPL-3.0-or-later
# All of the role but its main, so that tests can link it.
noinst_LIBRARIES += %D%/libgctranslation.a
%C%_libgctranslation_a_SOURCES =

sbin_PROGRAMS += %D%/gcommon-translation
%C%_gcommon_translation_SOURCES = %D%/main.c
%C%_gcommon_translation_LDADD = %D%/libgctranslation.a $(GC_LINK_TRANSLATION)
