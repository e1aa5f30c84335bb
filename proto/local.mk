# SPDX-License-Identifier: MIT
# The list of .proto files; their C is generated into the build tree and never edited or shipped.
GC_PROTOS = \
    %D%/gcommon/v1/blob/blob.proto \
    %D%/gcommon/v1/common/common.proto \
    %D%/gcommon/v1/gateway/gateway.proto \
    %D%/gcommon/v1/object/object.proto \
    %D%/gcommon/v1/registry/registry.proto

noinst_LIBRARIES += %D%/libgcproto.a
%C%_libgcproto_a_SOURCES =
nodist_%C%_libgcproto_a_SOURCES = $(GC_PROTOS:.proto=.pb-c.c) $(GC_PROTOS:.proto=.pb-c.h)
BUILT_SOURCES += $(GC_PROTOS:.proto=.pb-c.h)
CLEANFILES += $(GC_PROTOS:.proto=.pb-c.c) $(GC_PROTOS:.proto=.pb-c.h)
EXTRA_DIST += $(GC_PROTOS)

# A pattern with two targets runs once for both, so that a parallel make cannot generate twice.
%.pb-c.c %.pb-c.h: %.proto
	$(AM_V_GEN)$(MKDIR_P) $(@D) && \
	    $(PROTOC_C) -I$(top_srcdir)/proto --c_out=$(top_builddir)/proto $(top_srcdir)/$*.proto
