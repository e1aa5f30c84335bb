# SPDX-License-Identifier: GPL-3.0-or-later
# A new unit test is one word here: tests/<layer>/test_<module>, built from the .c of that name.
TESTS_BASE = \
    %D%/base/test_arena %D%/base/test_buf %D%/base/test_bytes %D%/base/test_checksum \
    %D%/base/test_clock %D%/base/test_conf %D%/base/test_err %D%/base/test_file \
    %D%/base/test_list %D%/base/test_log %D%/base/test_metrics %D%/base/test_random \
    %D%/base/test_str %D%/base/test_thread %D%/base/test_time %D%/base/test_trace \
    %D%/base/test_version
TESTS_CRYPTO = \
    %D%/crypto/test_der \
    %D%/crypto/test_gcm \
    %D%/crypto/test_hash \
    %D%/crypto/test_key \
    %D%/crypto/test_spiffe \
    %D%/crypto/test_x509
TESTS_STORAGE = \
    %D%/storage/test_blob \
    %D%/storage/test_blob_fault \
    %D%/storage/test_blob_record \
    %D%/storage/test_fsck \
    %D%/storage/test_kv
TESTS_CORE = \
    %D%/core/test_acl %D%/core/test_chunk %D%/core/test_http_cond %D%/core/test_http_range \
    %D%/core/test_layout %D%/core/test_lease %D%/core/test_name %D%/core/test_placement \
    %D%/core/test_token
TESTS_META = \
    %D%/meta/test_apply \
    %D%/meta/test_codec \
    %D%/meta/test_list
TESTS_NET = \
    %D%/net/test_addr \
    %D%/net/test_conn \
    %D%/net/test_h2 \
    %D%/net/test_h2_peer \
    %D%/net/test_http \
    %D%/net/test_http1 \
    %D%/net/test_loop \
    %D%/net/test_resolve \
    %D%/net/test_tls \
    %D%/net/test_tls_conn
TESTS_RPC = \
    %D%/rpc/test_backoff \
    %D%/rpc/test_balance \
    %D%/rpc/test_call \
    %D%/rpc/test_channel \
    %D%/rpc/test_client \
    %D%/rpc/test_frame \
    %D%/rpc/test_health \
    %D%/rpc/test_metadata \
    %D%/rpc/test_pb \
    %D%/rpc/test_server \
    %D%/rpc/test_status \
    %D%/rpc/test_timeout
TESTS_GOSSIP =
TESTS_CONSENSUS = \
    %D%/consensus/test_consensus \
    %D%/consensus/test_core
TESTS_DAEMON = \
    %D%/daemon/test_daemon \
    %D%/daemon/test_workers
TESTS_WEB = \
    %D%/web/test_auth \
    %D%/web/test_fields \
    %D%/web/test_gateway \
    %D%/web/test_grpc \
    %D%/web/test_list_params \
    %D%/web/test_route \
    %D%/web/test_web_conf \
    %D%/web/test_xml
TESTS_FILE = \
    %D%/file/test_blob_service \
    %D%/file/test_file_conf
TESTS_TRANSLATION = \
    %D%/translation/test_auth \
    %D%/translation/test_gateway \
    %D%/translation/test_get \
    %D%/translation/test_put \
    %D%/translation/test_registry \
    %D%/translation/test_roster \
    %D%/translation/test_writer
TESTS_CLI = \
    %D%/cli/test_cli %D%/cli/test_objects %D%/cli/test_place %D%/cli/test_walk
TESTS_SIM = \
    %D%/sim/gc-sim \
    %D%/sim/test_kernel
GC_UNIT_TESTS = $(TESTS_BASE) $(TESTS_CRYPTO) $(TESTS_STORAGE) $(TESTS_CORE) $(TESTS_META) $(TESTS_NET) \
                $(TESTS_RPC) $(TESTS_GOSSIP) $(TESTS_CONSENSUS) $(TESTS_DAEMON) $(TESTS_WEB) $(TESTS_FILE) \
                $(TESTS_TRANSLATION) $(TESTS_CLI) $(TESTS_SIM)

# A new fuzz target is one word here (tests/fuzz/fuzz_<name>.c with LLVMFuzzerTestOneInput) and a folder
# tests/fuzz/corpus/fuzz_<name>/. Without --enable-fuzz, make check replays the corpus.
FUZZ_TARGETS = \
    %D%/fuzz/fuzz_meta \
    %D%/fuzz/fuzz_grpc \
    %D%/fuzz/fuzz_conf %D%/fuzz/fuzz_http1 %D%/fuzz/fuzz_http_cond %D%/fuzz/fuzz_record %D%/fuzz/fuzz_token \
    %D%/fuzz/fuzz_web_route \
    %D%/fuzz/fuzz_x509

# Shared fixtures: tests/support/*.[ch], included as "tests/support/<name>.h".
check_LIBRARIES += %D%/support/libgctest.a
%C%_support_libgctest_a_SOURCES = \
    %D%/support/blob_bed.c %D%/support/blob_bed.h \
    %D%/support/conn_end.c %D%/support/conn_end.h \
    %D%/support/http_bed.c %D%/support/http_bed.h \
    %D%/support/counter_machine.c %D%/support/counter_machine.h \
    %D%/support/meta_env.c %D%/support/meta_env.h \
    %D%/support/object_server.c %D%/support/object_server.h \
    %D%/support/pki.c %D%/support/pki.h \
    %D%/support/rpc_bed.c %D%/support/rpc_bed.h \
    %D%/support/rpc_echo.c \
    %D%/support/tier_bed.c %D%/support/tier_bed.h \
    %D%/support/tier_bed_call.c \
    %D%/support/web_bed.c %D%/support/web_bed.h \
    %D%/support/web_bed_node.c %D%/support/web_bed_node.h \
    %D%/support/until.h
GC_TEST_LIBS = %D%/support/libgctest.a

# The simulator: gc-sim --seed N --seeds COUNT; make check runs a fixed set of seeds.
check_LIBRARIES += %D%/sim/libgcsim.a
%C%_sim_libgcsim_a_SOURCES = \
    %D%/sim/check.c \
    %D%/sim/client_node.c \
    %D%/sim/disk.c %D%/sim/disk.h \
    %D%/sim/file_node.c \
    %D%/sim/kernel.c %D%/sim/kernel.h \
    %D%/sim/meta_node.c \
    %D%/sim/net.c %D%/sim/net.h \
    %D%/sim/oracle.c \
    %D%/sim/world.c %D%/sim/world.h \
    %D%/sim/writer_node.c
%C%_sim_gc_sim_SOURCES = %D%/sim/main.c
%C%_sim_gc_sim_LDADD = %D%/sim/libgcsim.a $(LDADD)
%C%_sim_test_kernel_LDADD = %D%/sim/libgcsim.a $(LDADD)

# Helper programs that tests run (peers, load makers); not tests themselves.
GC_TEST_HELPERS = \
    %D%/bench/bench_storage \
    %D%/net/tls_peer \
    %D%/tools/rpc_echo_client \
    %D%/tools/rpc_echo_server

check_PROGRAMS += $(GC_UNIT_TESTS) $(FUZZ_TARGETS) $(GC_TEST_HELPERS)
TESTS += $(GC_UNIT_TESTS)

# Rules about the tree itself; each is proved by selftest.sh.
LINT_RULES = %D%/lint/layers.sh %D%/lint/homes.sh %D%/lint/calls.sh %D%/lint/spdx.sh %D%/lint/format.sh \
             %D%/lint/size.sh %D%/lint/text.sh %D%/lint/shell.sh %D%/lint/fragments.sh %D%/lint/protos.sh \
             %D%/lint/hardening.sh %D%/lint/etc.sh %D%/lint/selftest.sh
TESTS += $(LINT_RULES)
# Not the folder: the logs of a build would go along.
EXTRA_DIST += $(LINT_RULES) %D%/lint/lib.sh %D%/lint/size.py %D%/lint/protos.py \
              %D%/lint/layers.conf %D%/lint/homes.conf %D%/lint/calls.conf

if ENABLE_FUZZ
GC_FUZZ_MAIN = $(GC_FUZZER)
else
check_LIBRARIES += %D%/fuzz/libgcreplay.a
%C%_fuzz_libgcreplay_a_SOURCES = %D%/fuzz/replay_main.c
GC_FUZZ_MAIN = %D%/fuzz/libgcreplay.a
TESTS += $(FUZZ_TARGETS)
endif

# A program that hangs fails instead of holding up the whole run; sanitizers are slow.
LOG_COMPILER = timeout
AM_LOG_FLAGS = --kill-after=10 600

AM_TESTS_ENVIRONMENT = \
    GC_SRCDIR='$(abs_top_srcdir)'; export GC_SRCDIR; \
    GC_BUILDDIR='$(abs_top_builddir)'; export GC_BUILDDIR;

EXTRA_DIST += %D%/fuzz/corpus
EXTRA_DIST += %D%/it %D%/.clang-tidy
